/* SPDX-License-Identifier: MIT */
/*
 * The files of a PCI device that can be written and say what was written: enable,
 * reset_method, numa_node and such. Mirrors drivers/pci/pci-sysfs.c, pci.c (7.2).
 */
#include "front/sysfs/sysfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/reset.h"

#define SETTINGS (subject->dev->settings)

static int refuse_text(struct call *call, const char *attribute, const char *text)
{
	return refuse(call, RULE_ATTRIBUTE_VALUE, VS("text", text), VS("attribute", attribute));
}

/* Any number: 0 is no, others are yes. */
static int store_flag(struct call *call, const char *attribute, const char *text, bool *ret_flag)
{
	uint64_t number;
	int ret = sysfs_store_number(call, attribute, text, &number);

	if (!ret)
		*ret_flag = number;
	return ret;
}

/* ---- broken_parity_status, d3cold_allowed, msi_bus ---- */

static void show_parity(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d\n", SETTINGS.broken_parity);
}

static int store_parity(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	return store_flag(call, "broken_parity_status", text, &SETTINGS.broken_parity);
}

static void show_d3cold(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d\n", SETTINGS.d3cold_allowed);
}

static int store_d3cold(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	return store_flag(call, "d3cold_allowed", text, &SETTINGS.d3cold_allowed);
}

static void show_msi_bus(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d\n", SETTINGS.msi_allowed);
}

/* For vectors that are asked for from now on. */
static int store_msi_bus(struct call *call, const struct subject *subject, const char *text,
			 size_t length)
{
	return store_flag(call, "msi_bus", text, &SETTINGS.msi_allowed);
}

/* ---- enable ---- */

static void show_enable(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const struct device *dev = subject->dev;
	bool driven = dev->driver && (!dev->vfio || dev->vfio->open_count);

	fprintf(to, "%u\n", driven + SETTINGS.enabled);
}

/* Mirrors enable_store. */
static int store_enable(struct call *call, const struct subject *subject, const char *text,
			size_t length)
{
	struct device *dev = subject->dev;
	bool on;
	int ret = store_flag(call, "enable", text, &on);

	if (ret)
		return ret;
	if (dev->driver)
		return refuse(call, RULE_BUS_BOUND, VS("device", dev->topo->address),
			      VS("driver", dev->driver->name));
	if (!on && !SETTINGS.enabled)
		return refuse(call, RULE_NOT_ENABLED, VS("device", dev->topo->address));
	SETTINGS.enabled += on ? 1 : -1u;
	return 0;
}

/* ---- numa_node ---- */

static void show_numa_node(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d\n", SETTINGS.numa_node);
}

/* Mirrors numa_node_store: the machine has node 0, and -1 is none. */
static int store_numa_node(struct call *call, const struct subject *subject, const char *text,
			   size_t length)
{
	char *end;
	long node = strtol(text, &end, 0);

	if (end == text || (*end && strcmp(end, "\n")) || (node && node != -1))
		return refuse_text(call, "numa_node", text);
	SETTINGS.numa_node = (int)node;
	return 0;
}

/* ---- reset_method ---- */

static void show_reset_method(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const char *methods = SETTINGS.reset_methods;

	fprintf(to, "%s%s", methods, *methods ? "\n" : "");
}

/* Some of the methods that work now, in any order and also more than once. */
static int store_methods(struct call *call, const struct subject *subject, char *line)
{
	char methods[sizeof(SETTINGS.reset_methods)] = "", *method;
	unsigned n = 0;

	while ((method = strsep(&line, " "))) {
		if (!*method)
			continue;
		if (!reset_method_works(subject->dev, method) || n == RESET_METHODS_MAX)
			return refuse_text(call, "reset_method", method);
		if (n++)
			strcat(methods, " ");
		strcat(methods, method);
	}
	strcpy(SETTINGS.reset_methods, methods);
	return 0;
}

/* "": none from now on; "default"; else some of those that work. Mirrors reset_method_store. */
static int store_reset_method(struct call *call, const struct subject *subject, const char *text,
			      size_t length)
{
	char line[64];
	int ret = 0;

	snprintf(line, sizeof(line), "%s", text);
	line[strcspn(line, "\n")] = '\0';
	if (!strcmp(line, "default"))
		reset_methods_init(subject->dev);
	else
		ret = store_methods(call, subject, line);
	if (!ret)
		changed(call, "{device} can be reset by '{methods}'",
			VS("device", subject->dev->topo->address), VS("methods", SETTINGS.reset_methods));
	return ret;
}

static const struct entry entries[] = {
	ATTR("broken_parity_status", 0644, show_parity, store_parity),
	ATTR("d3cold_allowed", 0644, show_d3cold, store_d3cold),
	ATTR("enable", 0644, show_enable, store_enable),
	ATTR("msi_bus", 0644, show_msi_bus, store_msi_bus),
	ATTR("numa_node", 0644, show_numa_node, store_numa_node),
	ATTR("reset_method", 0644, show_reset_method, store_reset_method, sysfs_can_reset),
	{ NULL },
};

void sysfs_list_settings(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, entries, subject);
}
