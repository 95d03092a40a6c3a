/* SPDX-License-Identifier: MIT */
/* See vfiosim/hardware.h. Mirrors remove_store and rescan_store of drivers/pci/pci-sysfs.c (7.2). */
#include <vfiosim/hardware.h>

#include <stdio.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "bus/bus.h"
#include "vfio/dma.h"
#include "device/models.h"
#include "device/pins.h"
#include "machine/sim.h"
#include "machine/tracing.h"

/* One act on a device; call_state() has its address. */
struct act {
	const char *name;	/* as it was given */
	int (*decide)(struct call *call, struct device *dev);
	/* pin, unpin: */
	uint64_t iova, length;
	bool write;
	uint64_t pages;		/* out: of unpin */
	char reason[CALL_REASON_MAX];	/* out: of a refusal */
};

/*
 * The device called @name: the one in the machine, or else the one that was removed last.
 * NULL: there never was one.
 */
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

static struct act *act_of(struct call *call)
{
	return *call_state(call, struct act *);
}

static int decide(struct call *call)
{
	const struct act *act = act_of(call);
	struct device *dev = find_device(call->sim, act->name);

	if (!dev)
		return refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV), VS("device", act->name));
	return act->decide(call, dev);
}

static int do_act(struct vfiosim *sim, uint32_t tid, const char *verb, struct act *act)
{
	struct vfiosim_caller caller = { .tid = tid };
	char object[128];
	struct call call;
	int ret;

	snprintf(object, sizeof(object), "device %s", act->name);
	call_init(&call, sim, &caller, NULL);
	call.object = object;
	*call_state(&call, struct act *) = act;
	ret = call_run(&call, decide);
	snprintf(act->reason, sizeof(act->reason), "%s", call.result.rule ? call.reason : "");
	trace_call(&call, verb, NULL, NULL, ret == -EINPROGRESS && !call.result.rule ? 0 : ret);
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
	return bus_remove(call, dev) ? -EINPROGRESS : 0;
}

int vfiosim_unplug(struct vfiosim *sim, uint32_t tid, const char *device)
{
	struct act act = { .name = device, .decide = decide_unplug };

	return do_act(sim, tid, "unplug", &act);
}

int vfiosim_plug(struct vfiosim *sim, uint32_t tid, const char *device)
{
	struct act act = { .name = device, .decide = bus_plug };

	return do_act(sim, tid, "plug", &act);
}

/* ---- What drivers of mdevs do ---- */

static int decide_pin(struct call *call, struct device *dev)
{
	const struct act *act = act_of(call);
	struct pins *pins = device_pins(dev);

	if (!pins)
		return refuse(call, RULE_PINS_NEVER, VS("device", act->name));
	if (!dev->vfio->open_count)
		return refuse(call, RULE_PINS_NOT_OPEN, VS("device", act->name));
	return pins_add(call, pins, act->iova, act->length,
			act->write ? DMA_READ | DMA_WRITE : DMA_READ);
}

int vfiosim_pin(struct vfiosim *sim, uint32_t tid, const char *device, uint64_t iova,
		uint64_t length, bool write, char *reason, size_t size)
{
	struct act act = { .name = device, .decide = decide_pin, .iova = iova, .length = length,
			   .write = write };
	int ret = do_act(sim, tid, "pin", &act);

	snprintf(reason, size, "%s", act.reason);
	return ret;
}

static int decide_unpin(struct call *call, struct device *dev)
{
	struct act *act = act_of(call);
	struct pins *pins = device_pins(dev);
	struct span iova;
	uint64_t before;

	if (!pins)
		return refuse(call, RULE_PINS_NEVER, VS("device", act->name));
	if (!span_make(act->iova, act->length, &iova))
		return refuse(call, RULE_PINS_WHOLE_PAGES, V("iova", act->iova), V("length", act->length));
	before = pins->pages;
	pins_drop(call, pins, iova);
	act->pages = before - pins->pages;
	return act->pages ? 0 : refuse(call, RULE_PINS_NOTHING, VS("device", act->name));
}

int64_t vfiosim_unpin(struct vfiosim *sim, uint32_t tid, const char *device, uint64_t iova,
		      uint64_t length)
{
	struct act act = { .name = device, .decide = decide_unpin, .iova = iova, .length = length };
	int ret = do_act(sim, tid, "unpin", &act);

	return ret ? ret : (int64_t)act.pages;
}
