/* SPDX-License-Identifier: MIT */
/* Device commands that bring a list of descriptors along. */
#include "abi/device_cmds.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "abi/dispatch.h"
#include "machine/client.h"
#include "device/irq.h"
#include "vfio/group.h"

/* ---- VFIO_DEVICE_SET_IRQS ---- */

#define VECTORS_MAX 2048u	/* of MSI-X: no driver accepts more, so no more is read */

static struct vfio_irq_set *irq_header(struct call *call)
{
	return (void *)call->in.bytes;
}

/* Bytes of data per vector; 0 for none; -1 when the flags name none or several types. */
static int data_width(uint32_t flags)
{
	switch (flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		return 1;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return 4;
	default:
		return -1;
	}
}

static bool data_fits(const struct vfio_irq_set *header, int width)
{
	return width >= 0 &&
	       (uint64_t)header->count * (unsigned)width <= header->argsz - sizeof(*header);
}

void set_irqs_done(struct call *call)
{
	struct irq_data_set *data = call_state(call, struct irq_data_set);

	for (uint32_t i = 0; data->events && i < data->count; i++)
		irq_event_drop(data->events[i]);
	irq_event_drop(data->closed);
	free(data->events);
	free(data->errors);
	free(data->bytes);
}

static int resolve_events(struct call *call, struct irq_data_set *data)
{
	data->events = calloc(data->count + 1, sizeof(*data->events));
	data->errors = calloc(data->count + 1, sizeof(*data->errors));
	if (!data->events || !data->errors)
		return -ENOMEM;
	for (uint32_t i = 0; i < data->count && !data->error; i++) {
		int32_t fd;

		memcpy(&fd, data->bytes + sizeof(fd) * i, sizeof(fd));
		if (fd >= 0)
			data->errors[i] = irq_event_create(call->caller, fd, &data->events[i]);
	}
	return 0;
}

/* Hold the unmask eventfd there is, for a look at it without the lock. */
static int hold_unmask(struct call *call)
{
	struct irq_data_set *data = call_state(call, struct irq_data_set);
	struct device *dev = device_of(call);

	data->closed = irq_event_get(dev->vfio->ops->unmask_event(dev));
	return 0;
}

/* A new unmask eventfd: was the one before closed meanwhile? */
static void find_closed(struct call *call, const struct vfio_irq_set *header)
{
	struct irq_data_set *data = call_state(call, struct irq_data_set);

	if (header->index != IRQ_INTX || !(header->flags & VFIO_IRQ_SET_ACTION_UNMASK) ||
	    !device_of(call)->vfio->ops->unmask_event)
		return;
	call_run(call, hold_unmask);
	if (!data->closed || !irq_event_open(call->caller, data->closed))
		return;
	irq_event_drop(data->closed);
	data->closed = NULL;
}

/* Reads the data and holds the eventfds; what is wrong with them waits for its turn. */
int set_irqs_prepare(struct call *call)
{
	const struct vfio_irq_set *header = irq_header(call);
	struct irq_data_set *data = call_state(call, struct irq_data_set);
	int width = data_width(header->flags);

	if (width <= 0 || header->count > VECTORS_MAX || !data_fits(header, width))
		return 0;
	data->count = header->count;
	data->bytes = calloc(header->count + 1, (size_t)width);
	if (!data->bytes)
		return refuse(call, RULE_NO_MEMORY);
	if (header->count)
		data->error = call_read(call, call->arg + sizeof(*header), data->bytes,
					(size_t)header->count * (size_t)width);
	if (width == 4 && resolve_events(call, data))
		return refuse(call, RULE_NO_MEMORY);
	if (width == 4)
		find_closed(call, header);
	return 0;
}

/* mdpy's answer, given before it reads anything. */
int set_irqs_early(struct call *call)
{
	const struct device *dev = device_of(call);

	if (dev->vfio->ops->set_irqs)
		return 0;
	return refuse(call, RULE_IRQ_NONE, VS("driver", dev->vfio->ops->name));
}

static unsigned actions(uint32_t flags)
{
	return (flags & VFIO_IRQ_SET_ACTION_MASK ? IRQ_MASK : 0) |
	       (flags & VFIO_IRQ_SET_ACTION_UNMASK ? IRQ_UNMASK : 0) |
	       (flags & VFIO_IRQ_SET_ACTION_TRIGGER ? IRQ_TRIGGER : 0);
}

int set_irqs_run(struct call *call)
{
	static const enum irq_data by_width[] = {
		IRQ_DATA_NONE, IRQ_DATA_BOOL, 0, 0, IRQ_DATA_EVENTFD
	};
	const struct vfio_irq_set *header = irq_header(call);
	struct device *dev = device_of(call);
	const struct irq_data_set *data = call_state(call, struct irq_data_set);
	int width = data_width(header->flags);
	struct irq_set set = {
		.index = header->index, .start = header->start, .count = header->count,
		.action = actions(header->flags), .data_uva = call->arg + sizeof(*header),
	};

	if (!data_fits(header, width))
		return refuse(call, RULE_IRQ_DATA, V("flags", header->flags));
	set.data = by_width[width];
	if (data->bytes) {
		set.bools = data->bytes;
		set.data_error = data->error;
		set.events = data->events;
		set.closed = data->closed;
		set.event_errors = data->errors;
	} else if (width) {	/* more than VECTORS_MAX: out of range for everybody */
		set.count = UINT32_MAX;
	}
	return dev->vfio->ops->set_irqs(call, dev, &set);
}

/* ---- VFIO_DEVICE_PCI_HOT_RESET ---- */

#define GROUPS_MAX 256u	/* functions of a bus: no more can be affected but below bridges */

void hot_reset_done(struct call *call)
{
	struct reset_groups *groups = call_state(call, struct reset_groups);

	free(groups->errors);
	free(groups->groups);
}

int hot_reset_early(struct call *call)
{
	return device_of(call)->vfio->ops->hot_reset ? 0 : refuse_driver_command(call);
}

static int find_group(struct call *call, int fd, struct vfio_group **ret_group)
{
	struct vfiosim_file *file;
	int ret = call->caller->client->ops->file(call->caller, fd, &file);

	if (!ret)
		*ret_group = vfio_group_from_file(file);
	return ret;
}

int hot_reset_prepare(struct call *call)
{
	const struct vfio_pci_hot_reset *header = (void *)call->in.bytes;
	struct reset_groups *groups = call_state(call, struct reset_groups);
	int32_t fds[GROUPS_MAX];

	if (!header->count || header->count > GROUPS_MAX)
		return 0;
	groups->errors = calloc(header->count, sizeof(groups->errors[0]));
	groups->groups = calloc(header->count, sizeof(struct vfio_group *));
	if (!groups->errors || !groups->groups)
		return refuse(call, RULE_NO_MEMORY);
	groups->count = header->count;
	groups->read_error = call_read(call, call->arg + sizeof(*header), fds,
				       sizeof(fds[0]) * header->count);
	for (uint32_t i = 0; i < groups->count && !groups->read_error; i++)
		groups->errors[i] = find_group(call, fds[i], &groups->groups[i]);
	return 0;
}

static int check_group_file(struct call *call, const struct reset_groups *groups, uint32_t i)
{
	if (groups->errors[i] == -EBADF)
		return refuse(call, RULE_HOT_RESET_BAD_FD, V("entry", i));
	if (groups->errors[i] == -ENOMEM)
		return refuse(call, RULE_NO_MEMORY);
	if (!groups->groups[i])
		return refuse(call, RULE_HOT_RESET_NOT_GROUP, V("entry", i));
	return 0;
}

int hot_reset_run(struct call *call)
{
	const struct vfio_pci_hot_reset *header = (void *)call->in.bytes;
	struct device *dev = device_of(call);
	struct reset_groups *groups = call_state(call, struct reset_groups);
	bool by_groups = vfio_device_file(call->file)->group;
	int max;

	if (!by_groups && header->count)
		return refuse(call, RULE_HOT_RESET_GROUPS, VS("device", dev->topo->address));
	max = dev->vfio->ops->hot_reset_info(call, dev, NULL, 0);
	if (max < 0)
		return max;
	if (!by_groups)
		return dev->vfio->ops->hot_reset(call, dev, NULL, 0);
	if (!groups->count || header->count > (uint32_t)max)
		return refuse(call, RULE_HOT_RESET_COUNT, V("count", header->count), V("max", max));
	if (groups->read_error)
		return refuse_address(call, call->arg + sizeof(*header), "read");
	for (uint32_t i = 0; i < groups->count; i++) {
		int ret = check_group_file(call, groups, i);

		if (ret)
			return ret;
	}
	return dev->vfio->ops->hot_reset(call, dev, groups->groups, groups->count);
}
