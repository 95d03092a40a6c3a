/* SPDX-License-Identifier: MIT */
#include "vfio/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/device.h"
#include "machine/file.h"
#include "machine/kernel.h"
#include "machine/sim.h"
#include "machine/tracing.h"
#include "vfio/device.h"
#include "vfio/group.h"

#define WHY_MAX 240

/* What is looked for; see call_state(). */
struct wanted {
	const char *name;
	const char *cdev;	/* the part behind "devices/"; NULL: a group's node */
	unsigned group;
	bool noiommu;		/* the group is called so */
};

/* Text that grows in @to; what does not fit is left out. */
struct why {
	char to[WHY_MAX];
	size_t length;
};

static void add(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct why *why, const char *format, ...)
{
	size_t room = sizeof(why->to) - why->length;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(why->to + why->length, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		memcpy(why->to + sizeof(why->to) - 4, "...", 4);
	why->length = n < 0 || (size_t)n >= room ? sizeof(why->to) - 1 : why->length + (size_t)n;
}

/* ---- Groups ---- */

/* Groups without an IOMMU have numbers of their own; the other kind will do if there is no such. */
static const struct iommu_group *find_group(const struct vfiosim *sim, const struct wanted *wanted)
{
	const struct iommu_group *other = NULL;

	for (uint32_t i = 0; i < sim->n_groups; i++) {
		const struct iommu_group *group = sim->groups[i];

		if (group->gone || group->number != wanted->group)
			continue;
		if (group->noiommu == wanted->noiommu)
			return group;
		other = group;
	}
	return other;
}

static void list_nodes(const struct vfiosim *sim, struct why *why)
{
	const char *before = "; the groups with a node: ";
	char node[32];

	for (uint32_t i = 0; i < sim->n_groups; i++) {
		if (!group_has_node(sim, sim->groups[i]))
			continue;
		group_node_name(sim->groups[i], node, sizeof(node));
		add(why, "%s%s", before, node);
		before = ", ";
	}
}

static void list_drivers(const struct iommu_group *group, struct why *why)
{
	const char *before = ": ";
	const struct device *dev;

	TAILQ_FOREACH(dev, &group->devices, in_group) {
		if (dev->driver)
			add(why, "%s%s is bound to %s", before, dev->topo->address, dev->driver->name);
		else
			add(why, "%s%s has no driver", before, dev->topo->address);
		before = ", ";
	}
}

static void explain_group(const struct vfiosim *sim, const struct wanted *wanted, struct why *why)
{
	const struct iommu_group *group = find_group(sim, wanted);
	unsigned number = wanted->group;
	char node[32];

	if (!group) {
		add(why, "there is no group %u", number);
		list_nodes(sim, why);
	} else if (group_has_node(sim, group)) {
		group_node_name(group, node, sizeof(node));
		add(why, "the node of group %u is /dev/vfio/%s", number, node);
	} else if (group->noiommu && !sim->noiommu) {
		add(why, "group %u has no IOMMU, and enable_unsafe_noiommu_mode is off", number);
	} else {
		add(why, "no device of group %u is bound to a vfio driver", number);
		list_drivers(group, why);
	}
}

/* ---- Devices ---- */

static void explain_cdev(const struct vfiosim *sim, const char *cdev, struct why *why)
{
	const char *before = "; those that are bound to a vfio driver: ";

	add(why, "no device is %s", cdev);
	for (uint32_t i = 0; i < sim->n_devices; i++) {
		char name[CDEV_NAME];

		if (!vfio_device_has_cdev(sim->devices[i]))
			continue;
		cdev_node_name(sim->devices[i], name, sizeof(name));
		add(why, "%s%s (%s)", before, name, sim->devices[i]->topo->address);
		before = ", ";
	}
}

/* ---- Looking ---- */

static int decide(struct call *call)
{
	const struct wanted *wanted = call_state(call, struct wanted);
	struct why why = { .length = 0 };

	if (wanted->cdev)
		explain_cdev(call->sim, wanted->cdev, &why);
	else
		explain_group(call->sim, wanted, &why);
	return refuse(call, RULE_NO_NODE, VS("node", wanted->name), VS("why", why.to));
}

static bool is_number(const char *text)
{
	return *text && strlen(text) < 10 && !text[strspn(text, "0123456789")];
}

/* False: no group and no device could be called that. */
static bool parse(const char *name, struct wanted *ret_wanted)
{
	static const char cdev[] = "devices/vfio", noiommu[] = "noiommu-";
	bool is_noiommu = !strncmp(name, noiommu, strlen(noiommu));
	const char *number = is_noiommu ? name + strlen(noiommu) : name;
	bool is_cdev = !strncmp(name, cdev, strlen(cdev)) && is_number(name + strlen(cdev));

	*ret_wanted = (struct wanted){ .name = name, .noiommu = is_noiommu };
	if (is_cdev)
		ret_wanted->cdev = name + strlen("devices/");
	else if (is_number(number))
		ret_wanted->group = (unsigned)strtoul(number, NULL, 10);
	else
		return false;
	return true;
}

int vfio_no_node(struct vfiosim *sim, struct vfiosim_caller *caller, const char *name)
{
	char object[FILE_NAME_MAX];
	struct wanted wanted;
	struct call call;
	int ret;

	if (!parse(name, &wanted) || (wanted.cdev && !kernel_has_cdevs(sim)))
		return -ENOENT;
	snprintf(object, sizeof(object), "/dev/vfio/%.40s", name);
	call_init(&call, sim, caller, NULL);
	call.object = object;
	*call_state(&call, struct wanted) = wanted;
	ret = call_run(&call, decide);
	trace_call(&call, "lookup", NULL, NULL, ret);
	call_done(&call);
	return ret;
}
