/* SPDX-License-Identifier: MIT */
/* What resets a PCI function. See reset.h. */
#include "bus/reset.h"

#include <string.h>

#include <vfiosim/topology.h>

#include "bus/bus.h"
#include "machine/sim.h"

bool reset_affects(const struct device *dev, const struct device *other)
{
	while (other && !other->removed && device_is_pci(other)) {
		if (!strncmp(other->topo->address, dev->topo->address, PCI_BUS_LENGTH))
			return true;
		if (!other->topo->parent[0])
			return false;
		other = sim_device(dev->sim, other->topo->parent);
	}
	return false;
}

/* Mirrors pci_parent_bus_reset. */
static bool bus_reset_works(const struct device *dev)
{
	const struct vfiosim *sim = dev->sim;

	if (!dev->topo->bus_reset || !dev->topo->parent[0])
		return false;
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (sim->devices[i] != dev && reset_affects(dev, sim->devices[i]))
			return false;
	return true;
}

bool reset_method_works(const struct device *dev, const char *method)
{
	if (!strcmp(method, "flr"))
		return dev->topo->flr;
	return !strcmp(method, "bus") && bus_reset_works(dev);
}

void reset_methods_init(struct device *dev)
{
	static const char *const all[] = { "flr", "bus" };	/* first tried first */
	char *methods = dev->settings.reset_methods;

	*methods = '\0';
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!reset_method_works(dev, all[i]))
			continue;
		if (*methods)
			strcat(methods, " ");
		strcat(methods, all[i]);
	}
}

bool reset_works(const struct device *dev)
{
	const char *methods = dev->settings.reset_methods;

	if (!device_is_pci(dev))
		return true;
	return (strstr(methods, "flr") && reset_method_works(dev, "flr")) ||
	       (strstr(methods, "bus") && reset_method_works(dev, "bus"));
}
