/* SPDX-License-Identifier: MIT */
/* See vfiosim/hardware.h. Mirrors remove_store and rescan_store of drivers/pci/pci-sysfs.c (7.2). */
#include <vfiosim/hardware.h>

#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "bus/bus.h"
#include "machine/sim.h"
#include "machine/tracing.h"

/* One act on a device; call_state() has its address. */
struct act {
	const char *name;	/* as it was given */
	int (*decide)(struct call *call, struct device *dev);
};

/* That is there; else the one that was removed last of those called so. NULL: neither. */
static struct device *find_device(struct vfiosim *sim, const char *name)
{
	struct device *found = NULL;

	for (uint32_t i = sim->n_devices; i-- > 0;) {
		struct device *dev = sim->devices[i];

		if (strcmp(dev->topo->address, name) && strcmp(dev->topo->name, name))
			continue;
		if (!dev->removed)
			return dev;
		found = found ? found : dev;
	}
	return found;
}

static int decide(struct call *call)
{
	const struct act *act = *call_state(call, const struct act *);
	struct device *dev = find_device(call->sim, act->name);

	if (!dev)
		return refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV), VS("device", act->name));
	return act->decide(call, dev);
}

static int do_act(struct vfiosim *sim, uint32_t tid, const char *verb, const struct act *act)
{
	struct vfiosim_caller caller = { .tid = tid };
	char object[128];
	struct call call;
	int ret;

	snprintf(object, sizeof(object), "device %s", act->name);
	call_init(&call, sim, &caller, NULL);
	call.object = object;
	*call_state(&call, const struct act *) = act;
	ret = call_run(&call, decide);
	trace_call(&call, verb, NULL, NULL, ret == -EINPROGRESS ? 0 : ret);
	call_done(&call);
	vfiosim_finish(sim, &caller);
	return ret;
}

/* ---- Hot-plug ---- */

static int decide_unplug(struct call *call, struct device *dev)
{
	if (dev->removed)
		return refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV),
			      VS("device", dev->topo->address));
	return bus_unplug(call, dev) ? -EINPROGRESS : 0;
}

int vfiosim_unplug(struct vfiosim *sim, uint32_t tid, const char *device)
{
	const struct act act = { device, decide_unplug };

	return do_act(sim, tid, "unplug", &act);
}

static int decide_plug(struct call *call, struct device *dev)
{
	if (!dev->removed)
		return dev->leaving ? -EINPROGRESS : -EEXIST;
	bus_plug(call, dev);
	return 0;
}

int vfiosim_plug(struct vfiosim *sim, uint32_t tid, const char *device)
{
	const struct act act = { device, decide_plug };

	return do_act(sim, tid, "plug", &act);
}
