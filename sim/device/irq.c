/* SPDX-License-Identifier: MIT */
/* Interrupts: held eventfds, and SET_IRQS on them. */
#include "device/irq.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "machine/fault.h"
#include "machine/kernel.h"

/* ---- Held eventfds ---- */

struct irq_event {
	atomic_uint refs;
	const struct vfiosim_client_ops *ops;
	struct vfiosim_eventfd *event;	/* the front's */
	struct deferred end;		/* used by irq_event_put() of the last reference */
};

int irq_event_create(struct vfiosim_caller *caller, int fd, struct irq_event **ret_event)
{
	struct irq_event *event = malloc(sizeof(*event));
	int ret;

	if (!event)
		return -ENOMEM;
	atomic_init(&event->refs, 1);
	event->ops = caller->client->ops;
	ret = event->ops->event_get(caller, fd, &event->event);
	if (ret) {
		free(event);
		return ret;
	}
	*ret_event = event;
	return 0;
}

bool irq_event_open(struct vfiosim_caller *caller, struct irq_event *event)
{
	return !event->ops->event_open || event->ops->event_open(caller, event->event);
}

static void destroy(struct irq_event *event)
{
	event->ops->event_put(event->event);
	free(event);
}

void irq_event_drop(struct irq_event *event)
{
	if (event && atomic_fetch_sub(&event->refs, 1) == 1)
		destroy(event);
}

struct irq_event *irq_event_get(struct irq_event *event)
{
	if (event)
		atomic_fetch_add(&event->refs, 1);
	return event;
}

static void destroy_later(struct vfiosim *sim, void *arg)
{
	destroy(arg);
}

/* Destroying it now could block under the lock. */
void irq_event_put(struct call *call, struct irq_event *event)
{
	if (event && atomic_fetch_sub(&event->refs, 1) == 1)
		call_defer_item(call, &event->end, destroy_later, event);
}

static void signal_soon(struct vfiosim *sim, void *arg)
{
	struct irq_event *event = arg;

	event->ops->event_signal(event->event);
	irq_event_drop(event);
}

void irq_event_signal(struct call *call, struct irq_event *event)
{
	if (!event)
		return;
	irq_event_get(event);
	if (call_soon(call, signal_soon, event))
		atomic_fetch_sub(&event->refs, 1);
}

/* ---- One eventfd of a set ---- */

static int refuse_event(struct call *call, const struct irq_set *set, uint32_t entry)
{
	int error = set->event_errors ? set->event_errors[entry] : 0;

	switch (error) {
	case 0:
		return 0;
	case -EBADF:
		return refuse(call, RULE_IRQ_BAD_FD, V("entry", entry));
	case -ENOMEM:
		return refuse(call, RULE_NO_MEMORY);
	default:
		return refuse(call, RULE_IRQ_NOT_EVENTFD, V("entry", entry));
	}
}

void irq_slot_clear(struct call *call, struct irq_event **slot)
{
	irq_event_put(call, *slot);
	*slot = NULL;
}

int irq_slot_set(struct call *call, struct irq_event **slot, const struct irq_set *set,
		 uint32_t entry)
{
	int ret = refuse_event(call, set, entry);

	if (ret)
		return ret;
	irq_slot_clear(call, slot);
	*slot = irq_event_get(set->events[entry]);
	return 0;
}

/* ---- State ---- */

int irqs_init(struct irqs *irqs, const struct device *dev, const uint32_t counts[IRQ_COUNT])
{
	uint32_t room = 1;

	*irqs = (struct irqs){ .dev = dev, .on = IRQ_NONE_ON };
	for (unsigned i = 0; i < IRQ_COUNT; i++) {
		irqs->counts[i] = counts[i];
		if (counts[i] > room)
			room = counts[i];
	}
	irqs->vectors = calloc(room, sizeof(*irqs->vectors));
	return irqs->vectors ? 0 : -ENOMEM;
}

void irqs_done(struct irqs *irqs)
{
	free(irqs->vectors);
	irqs->vectors = NULL;
}

static void disable(struct call *call, struct irqs *irqs)
{
	if (irqs->on == IRQ_NONE_ON)
		return;
	for (uint32_t i = 0; i < irqs->n_vectors; i++)
		irq_slot_clear(call, &irqs->vectors[i]);
	irq_slot_clear(call, &irqs->unmask);
	irqs->n_vectors = 0;
	irqs->masked = irqs->pending = false;
	irqs->on = IRQ_NONE_ON;
}

void irqs_disable_all(struct call *call, struct irqs *irqs)
{
	disable(call, irqs);
	irq_slot_clear(call, &irqs->err);
	irq_slot_clear(call, &irqs->req);
	irqs->intx_disabled = false;
}

static void enable(struct irqs *irqs, unsigned index, uint32_t n_vectors)
{
	irqs->on = index;
	irqs->n_vectors = n_vectors;
	irqs->masked = index == IRQ_INTX && irqs->intx_disabled;
	irqs->pending = false;
}

/* ---- Raising ---- */

static void signal_intx(struct call *call, struct irqs *irqs)
{
	if (irqs->on == IRQ_INTX && !irqs->intx_disabled)
		irq_event_signal(call, irqs->vectors[0]);
}

/* Mirrors vfio_intx_handler: an interrupt masks its line before it is told. */
static void raise_intx(struct call *call, struct irqs *irqs)
{
	if (irqs->masked || irqs->intx_disabled) {
		irqs->pending = true;
		return;
	}
	irqs->masked = !irqs->unmask;
	signal_intx(call, irqs);
}

void irqs_raise(struct call *call, struct irqs *irqs, uint32_t vector)
{
	if (irqs->on == IRQ_INTX)
		raise_intx(call, irqs);
	else if (irqs->on != IRQ_NONE_ON && vector < irqs->n_vectors)
		irq_event_signal(call, irqs->vectors[vector]);
}

/* Mirrors vfio_pci_intx_unmask_handler: what was pending is sent at once, masked again. */
static void unmask_intx(struct call *call, struct irqs *irqs)
{
	if (irqs->on != IRQ_INTX || !irqs->masked || irqs->intx_disabled)
		return;
	irqs->masked = false;
	if (!irqs->pending)
		return;
	irqs->pending = false;
	raise_intx(call, irqs);
}

void irqs_set_intx_disabled(struct call *call, struct irqs *irqs, bool disabled)
{
	if (irqs->intx_disabled == disabled)
		return;
	irqs->intx_disabled = disabled;
	if (!disabled)
		unmask_intx(call, irqs);
	else if (irqs->on == IRQ_INTX)
		irqs->masked = true;
}

/* ---- SET_IRQS ---- */

int irqs_check_range(struct call *call, const struct irq_set *set, uint32_t max)
{
	uint32_t end;

	if (set->count == UINT32_MAX || __builtin_add_overflow(set->start, set->count, &end) ||
	    end == UINT32_MAX || set->start >= max || end > max)
		return refuse(call, RULE_IRQ_RANGE, V("start", set->start), V("count", set->count),
			      V("max", max), V("index", set->index));
	if (set->data_error)
		return refuse(call, RULE_BAD_ADDRESS, V("uva", set->data_uva),
			      VS("access", "read"));
	return 0;
}

static const char *action_name(unsigned action)
{
	switch (action) {
	case 0:
		return "none at all";
	case IRQ_MASK:
		return "MASK";
	case IRQ_UNMASK:
		return "UNMASK";
	case IRQ_TRIGGER:
		return "TRIGGER";
	default:
		return "several at once";
	}
}

int irq_refuse_index(struct call *call, const struct device *dev, uint32_t index)
{
	return refuse(call, RULE_NO_IRQ, VS("device", dev->topo->address), V("index", index));
}

int irq_refuse_action(struct call *call, const struct device *dev, const struct irq_set *set)
{
	return refuse(call, RULE_IRQ_ACTION, V("index", set->index),
		      VS("device", dev->topo->address), VS("action", action_name(set->action)));
}

/* Does entry @i of the set ask for the action? */
static bool asks(const struct irq_set *set, uint32_t i)
{
	return set->data == IRQ_DATA_NONE || (set->data == IRQ_DATA_BOOL && set->bools[i]);
}

static int check_intx(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	if (irqs->on != IRQ_INTX)
		return refuse(call, RULE_IRQ_OFF, V("index", set->index));
	if (set->start != 0 || set->count != 1)
		return refuse(call, RULE_IRQ_ONE, V("index", set->index));
	return 0;
}

static int set_intx_mask(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	int ret = check_intx(call, irqs, set);

	if (ret)
		return ret;
	if (set->data == IRQ_DATA_EVENTFD)
		return refuse(call, RULE_IRQ_MASK_FD, VS("action", "masked"));
	if (asks(set, 0))
		irqs->masked = true;
	return 0;
}

static int set_intx_unmask_event(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	int ret = refuse_event(call, set, 0);

	if (ret)
		return ret;
	/* Mirrors virqfd_wakeup, EPOLLHUP. */
	if (set->closed && irqs->unmask == set->closed)
		irq_slot_clear(call, &irqs->unmask);
	if (set->events[0] && irqs->unmask)
		return refuse(call, RULE_IRQ_UNMASK_BUSY);
	return irq_slot_set(call, &irqs->unmask, set, 0);
}

static int set_intx_unmask(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	int ret = check_intx(call, irqs, set);

	if (ret)
		return ret;
	if (set->data == IRQ_DATA_EVENTFD)
		return set_intx_unmask_event(call, irqs, set);
	if (asks(set, 0))
		unmask_intx(call, irqs);
	return 0;
}

static int set_intx_trigger(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	bool on = irqs->on == IRQ_INTX;
	int ret;

	if (on && !set->count && set->data == IRQ_DATA_NONE) {
		disable(call, irqs);
		return 0;
	}
	if (!on && irqs->on != IRQ_NONE_ON)
		return refuse(call, RULE_IRQ_OTHER, V("on", irqs->on), V("index", set->index));
	if (set->start != 0 || set->count != 1)
		return refuse(call, RULE_IRQ_ONE, V("index", set->index));
	if (set->data == IRQ_DATA_EVENTFD) {
		ret = irq_slot_set(call, &irqs->vectors[0], set, 0);
		if (!ret && !on)
			enable(irqs, IRQ_INTX, 1);
		return ret;
	}
	if (!on)
		return refuse(call, RULE_IRQ_OFF, V("index", set->index));
	if (asks(set, 0))
		signal_intx(call, irqs);
	return 0;
}

static int set_msi_vector(struct call *call, struct irqs *irqs, const struct irq_set *set,
			  uint32_t i)
{
	uint32_t vector = set->start + i;

	if (vector < irqs->n_vectors)
		irq_slot_clear(call, &irqs->vectors[vector]);
	if (set->event_errors[i])
		return refuse_event(call, set, i);
	if (!set->events[i])
		return 0;
	if (vector >= irqs->n_vectors)
		return refuse(call, RULE_IRQ_NOT_ALLOCATED, V("count", irqs->n_vectors),
			      V("vector", vector));
	return irq_slot_set(call, &irqs->vectors[vector], set, i);
}

/* Mirrors vfio_msi_set_block: when one vector fails, those before it are cleared too. */
static int set_msi_block(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int ret = set_msi_vector(call, irqs, set, i);

		if (!ret)
			continue;
		for (uint32_t j = set->start; j <= set->start + i && j < irqs->n_vectors; j++)
			irq_slot_clear(call, &irqs->vectors[j]);
		return ret;
	}
	return 0;
}

static bool is_dynamic(const struct call *call, uint32_t index)
{
	return index == IRQ_MSIX && kernel_has(call->sim, KERNEL_MSIX_DYNAMIC);
}

/* Mirrors pci_msi_supported (7.2): the bridges above have a say, by msi_bus in sysfs. */
static bool may_use_msi(const struct device *dev)
{
	for (; dev; dev = sim_device(dev->sim, dev->topo->parent))
		if (!dev->settings.msi_allowed)
			return false;
	return true;
}

/* MSI gets the vectors asked for; MSI-X can be extended later (vfio_msi_alloc_irq, 7.2). */
static int enable_msi(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	uint32_t n = set->start + set->count;
	const struct fault_where where = { .n = n };
	long fewer;
	int ret;

	if (!n)
		return refuse(call, RULE_IRQ_NO_VECTORS);
	if (!may_use_msi(irqs->dev))
		return refuse(call, RULE_MSI_FORBIDDEN);
	ret = fault_point_value(call, VFIOSIM_FAULT_VECTORS, &where, &fewer);
	if (ret)	/* or how many there would be */
		return ret < 0 ? ret : (int)fewer;
	enable(irqs, set->index, is_dynamic(call, set->index) ? irqs->counts[IRQ_MSIX] : n);
	ret = set_msi_block(call, irqs, set);
	if (ret)
		disable(call, irqs);
	return ret;
}

static int set_msi_trigger(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	bool on = irqs->on == set->index;

	if (on && !set->count && set->data == IRQ_DATA_NONE) {
		disable(call, irqs);
		return 0;
	}
	if (!on && irqs->on != IRQ_NONE_ON)
		return refuse(call, RULE_IRQ_OTHER, V("on", irqs->on), V("index", set->index));
	if (set->data == IRQ_DATA_EVENTFD)
		return on ? set_msi_block(call, irqs, set) : enable_msi(call, irqs, set);
	if (!on)
		return refuse(call, RULE_IRQ_OFF, V("index", set->index));
	for (uint32_t i = 0; i < set->count && set->start + i < irqs->n_vectors; i++) {
		if (asks(set, i))
			irq_event_signal(call, irqs->vectors[set->start + i]);
	}
	return 0;
}

/* ERR and REQ: one eventfd, no state. Mirrors vfio_pci_set_ctx_trigger_single. */
static int set_single(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	struct irq_event **slot = set->index == IRQ_ERR ? &irqs->err : &irqs->req;

	if (set->start != 0 || set->count > 1)
		return refuse(call, RULE_IRQ_ONE, V("index", set->index));
	if (set->data == IRQ_DATA_NONE ? !*slot : !set->count)
		return refuse(call, RULE_IRQ_NOT_SET, V("index", set->index));
	if (set->data == IRQ_DATA_EVENTFD)
		return irq_slot_set(call, slot, set, 0);
	if (!set->count)
		irq_slot_clear(call, slot);
	else if (asks(set, 0))
		irq_event_signal(call, *slot);
	return 0;
}

typedef int irq_setter(struct call *call, struct irqs *irqs, const struct irq_set *set);

/* Which index knows which action; all else is ENOTTY. */
static const struct {
	irq_setter *mask, *unmask, *trigger;
} setters[IRQ_COUNT] = {
	[IRQ_INTX] = { set_intx_mask, set_intx_unmask, set_intx_trigger },
	[IRQ_MSI] = { .trigger = set_msi_trigger },
	[IRQ_MSIX] = { .trigger = set_msi_trigger },
	[IRQ_ERR] = { .trigger = set_single },
	[IRQ_REQ] = { .trigger = set_single },
};

static irq_setter *find_setter(uint32_t index, unsigned action)
{
	switch (action) {
	case IRQ_MASK:
		return setters[index].mask;
	case IRQ_UNMASK:
		return setters[index].unmask;
	case IRQ_TRIGGER:
		return setters[index].trigger;
	default:
		return NULL;
	}
}

int irqs_set(struct call *call, struct irqs *irqs, const struct irq_set *set)
{
	irq_setter *setter;
	int ret;

	if (set->index >= IRQ_COUNT)
		return irq_refuse_index(call, irqs->dev, set->index);
	ret = irqs_check_range(call, set, irqs->counts[set->index]);
	if (ret)
		return ret;
	setter = find_setter(set->index, set->action);
	if (!setter)
		return irq_refuse_action(call, irqs->dev, set);
	return setter(call, irqs, set);
}
