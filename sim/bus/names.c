/* SPDX-License-Identifier: MIT */
#include "bus/names.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/yaml.h"

#define DRIVERS_MAX 128u

/* Drivers of Linux that take whatever they are told to. */
static const char *const for_any_device[] = { "vfio-pci", "pci-stub", "uio_pci_generic" };

#define N_FOR_ANY (sizeof(for_any_device) / sizeof(for_any_device[0]))

bool bus_is_for_any(const char *driver)
{
	for (size_t i = 0; i < N_FOR_ANY; i++)
		if (!strcmp(for_any_device[i], driver))
			return true;
	return false;
}

/* All there are, each once: those above, and what the file and the shared models call a host's. */
static size_t drivers(const struct topology_name *all, const char **ret_names)
{
	size_t n = 0;

	for (; n < N_FOR_ANY; n++)
		ret_names[n] = for_any_device[n];
	for (; all && n < DRIVERS_MAX; all = all->next) {
		size_t i = 0;

		while (i < n && strcmp(ret_names[i], all->node->text))
			i++;
		if (all->kind == NAME_HOST_DRIVER && i == n && *all->node->text)
			ret_names[n++] = all->node->text;
	}
	return n;
}

bool bus_accepts_driver(const char *name, const struct topology_name *all, char *problem, size_t size)
{
	const char *known[DRIVERS_MAX];
	char hint[100];
	size_t n = drivers(all, known);
	size_t used;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(known[i], name))
			return true;
	used = (size_t)snprintf(problem, size, "there is no driver '%.60s'", name);
	if (*suggestion(name, known, n, hint, sizeof(hint))) {
		snprintf(problem + used, size - used, "%s", hint);
		return false;
	}
	used += (size_t)snprintf(problem + used, size - used, ": a driver of the host is one that "
				 "host_driver: names; here there are");
	for (size_t i = 0; i < n && used < size; i++)
		used += (size_t)snprintf(problem + used, size - used, "%s %s", i ? "," : "", known[i]);
	return false;
}
