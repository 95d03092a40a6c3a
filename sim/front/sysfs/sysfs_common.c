/* SPDX-License-Identifier: MIT */
/* What rows of several folders share: paths, links, reading of numbers. */
#include "front/sysfs/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "topology/value.h"

#define BRIDGES_MAX 64	/* more than that in a row cannot be: buses are numbered by a byte */

struct device *sysfs_find_pci(const struct vfiosim *sim, const char *address)
{
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct device *dev = sim->devices[i];

		if (dev->topo->kind != VFIOSIM_DEVICE_MDEV && !dev->removed &&
		    !strcmp(dev->topo->address, address))
			return dev;
	}
	return NULL;
}

/* The device and the bridges above it, itself first. */
static unsigned ancestry(const struct vfiosim *sim, const struct device *dev,
			 const struct device **chain)
{
	unsigned n = 0;

	while (dev && n < BRIDGES_MAX) {
		chain[n++] = dev;
		dev = *dev->topo->parent ? sysfs_find_pci(sim, dev->topo->parent) : NULL;
	}
	return n;
}

unsigned sysfs_root_bus(const struct vfiosim *sim, const struct device *dev)
{
	const struct device *chain[BRIDGES_MAX];
	/* cppcheck-suppress uninitvar ; ancestry() writes it */
	const char *address = chain[ancestry(sim, dev, chain) - 1]->topo->address;

	return pci_address_domain(address) << 8 | pci_address_bus(address);
}

void sysfs_device_path(const struct vfiosim *sim, const struct device *dev, char *to)
{
	const struct device *chain[BRIDGES_MAX];
	unsigned n, bus;
	size_t used;

	if (dev->topo->kind == VFIOSIM_DEVICE_MDEV) {
		snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/%s/%s/%s", dev->topo->parent,
			 dev->topo->parent, dev->topo->address);
		return;
	}
	n = ancestry(sim, dev, chain);
	bus = sysfs_root_bus(sim, dev);
	used = (size_t)snprintf(to, SYSFS_PATH_MAX, "sys/devices/pci%04x:%02x", bus >> 8, bus & 0xff);
	while (n-- && used < SYSFS_PATH_MAX)
		used += (size_t)snprintf(to + used, SYSFS_PATH_MAX - used, "/%s",
					 chain[n]->topo->address);
}

bool sysfs_group_is_drivers(const struct iommu_group *group)
{
	return vfio_group_type_of(group) != VFIO_IOMMU;
}

bool sysfs_group_present(const struct vfiosim *sim, const struct iommu_group *group)
{
	return group_has_node(sim, group);
}

void sysfs_target_device(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	sysfs_device_path(sim, subject->dev, to);
}

void sysfs_target_driver(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	const struct device_driver *driver = bus_driver(subject->dev);
	bool mdev = subject->dev->topo->kind == VFIOSIM_DEVICE_MDEV;

	snprintf(to, SYSFS_PATH_MAX, "sys/bus/%s/drivers/%s", mdev ? "mdev" : "pci",
		 driver ? driver->name : "");
}

void sysfs_target_group(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/kernel/iommu_groups/%u", subject->dev->group->number);
}

bool sysfs_has_driver(const struct vfiosim *sim, const struct subject *subject)
{
	return bus_driver(subject->dev) != NULL;
}

/* A group without IOMMU is made when vfio-pci takes its device, and goes with that. */
bool sysfs_has_group(const struct vfiosim *sim, const struct subject *subject)
{
	const struct iommu_group *group = subject->dev->group;

	if (!group)
		return false;
	if (sysfs_group_is_drivers(group))
		return subject->dev->vfio && sysfs_group_present(sim, group);
	return !group->gone;
}

void sysfs_list_nothing(struct listing *listing, const struct subject *subject)
{
}

#define ALNUM "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static int refuse_value(struct call *call, const char *attribute, const char *text)
{
	char line[64];

	snprintf(line, sizeof(line), "%s", text);
	line[strcspn(line, "\n")] = '\0';
	return refuse(call, RULE_ATTRIBUTE_VALUE, VS("text", line), VS("attribute", attribute));
}

int sysfs_store_number(struct call *call, const char *attribute, const char *text, uint64_t *ret)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || !isdigit((unsigned char)*text) || (*end && strcmp(end, "\n")))
		return refuse_value(call, attribute, text);
	*ret = number;
	return 0;
}

int sysfs_store_bool(struct call *call, const char *attribute, const char *text, bool *ret_bool)
{
	switch (text[0]) {
	case 'y': case 'Y': case 't': case 'T': case '1':
		*ret_bool = true;
		return 0;
	case 'n': case 'N': case 'f': case 'F': case '0':
		*ret_bool = false;
		return 0;
	case 'o': case 'O':
		if (text[1] == 'n' || text[1] == 'N' || text[1] == 'f' || text[1] == 'F') {
			*ret_bool = text[1] == 'n' || text[1] == 'N';
			return 0;
		}
	}
	return refuse_value(call, attribute, text);
}

static bool is_end(const char *text)
{
	return !*text || !strcmp(text, "\n");
}

/* " UUID", then " KEY=VALUE" as often as wanted, of letters and digits. */
static bool is_uevent_rest(const char *rest)
{
	size_t n;

	if (is_end(rest))
		return true;
	if (*rest != ' ' || !value_begins_with_uuid(++rest))
		return false;
	for (rest += UUID_LENGTH; *rest == ' '; rest += n + strspn(rest + n, ALNUM)) {
		n = strspn(++rest, ALNUM);
		if (!n || rest[n++] != '=' || !strspn(rest + n, ALNUM))
			return false;
	}
	return is_end(rest);
}

int sysfs_store_uevent(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	static const char *const actions[] = { "add",	 "remove",  "change", "move",
					       "online", "offline", "bind",   "unbind" };
	size_t n = strcspn(text, " \n");

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (n == strlen(actions[i]) && !strncmp(text, actions[i], n) && is_uevent_rest(text + n)) {
			changed(call, "uevent {event}: nobody in a run listens", VS("event", actions[i]));
			return 0;
		}
	return refuse_value(call, "uevent", text);
}

int sysfs_store_remove(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	uint64_t number;
	int ret;

	if (bus_waited(call))
		return 0;
	ret = sysfs_store_number(call, "remove", text, &number);
	return ret || !number ? ret : bus_remove(call, subject->dev);
}

int sysfs_store_rescan(struct call *call, const struct subject *subject, const char *text,
		       size_t length)
{
	uint64_t number;
	int ret = sysfs_store_number(call, "rescan", text, &number);

	return ret || !number ? ret : bus_rescan(call, subject->dev);
}
