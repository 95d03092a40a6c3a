/* SPDX-License-Identifier: MIT */
/* The commands of a device: its rows, and those that only ask. */
#include "abi/device_cmds.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/topology.h>

#include "abi/dispatch.h"

/* Opened by its own node, a device knows nothing but BIND until it is bound. */
int device_check(struct call *call)
{
	return call->command && call->command->unbound ? 0 : cdev_check_bound(call);
}

int refuse_driver_command(struct call *call)
{
	const struct device *dev = device_of(call);

	return refuse(call, RULE_DRIVER_COMMAND, VS("driver", dev->vfio->ops->name),
		      VS("device", dev->topo->address), VS("command", call->command->row.name));
}

/* ---- VFIO_DEVICE_GET_INFO ---- */

static int get_info(struct call *call)
{
	struct vfio_device_info *out = (void *)call->in.bytes;
	struct device *dev = device_of(call);
	struct device_info info;

	dev->vfio->ops->info(dev, &info);
	out->flags = (info.pci ? VFIO_DEVICE_FLAGS_PCI : 0) |
		     (info.reset ? VFIO_DEVICE_FLAGS_RESET : 0);
	out->num_regions = info.n_regions;
	out->num_irqs = info.n_irqs;
	out->cap_offset = 0;
	return 0;
}

/* ---- VFIO_DEVICE_GET_REGION_INFO ---- */

static int put_region_caps(struct call *call, struct vfio_region_info *out)
{
	struct caps caps = { 0 };

	if (!caps_add(&caps, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1,
		      sizeof(struct vfio_info_cap_header)))
		return refuse(call, RULE_NO_MEMORY);
	out->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	return caps_put(call, &caps, sizeof(*out), out->argsz, &out->argsz, &out->cap_offset);
}

static int get_region_info(struct call *call)
{
	struct vfio_region_info *out = (void *)call->in.bytes;
	struct device *dev = device_of(call);
	struct region_info region;
	int ret = dev->vfio->ops->region_info(call, dev, out->index, &region);

	if (ret)
		return ret;
	out->flags = (region.readable ? VFIO_REGION_INFO_FLAG_READ : 0) |
		     (region.writable ? VFIO_REGION_INFO_FLAG_WRITE : 0) |
		     (region.mappable ? VFIO_REGION_INFO_FLAG_MMAP : 0);
	out->size = region.size;
	out->offset = region.offset;
	return region.msix_mappable ? put_region_caps(call, out) : 0;
}

/* ---- VFIO_DEVICE_GET_IRQ_INFO ---- */

static int get_irq_info(struct call *call)
{
	struct vfio_irq_info *out = (void *)call->in.bytes;
	struct device *dev = device_of(call);
	struct irq_info irq;
	int ret = dev->vfio->ops->irq_info(call, dev, out->index, &irq);

	if (ret)
		return ret;
	out->flags = (irq.eventfd ? VFIO_IRQ_INFO_EVENTFD : 0) |
		     (irq.maskable ? VFIO_IRQ_INFO_MASKABLE : 0) |
		     (irq.automasked ? VFIO_IRQ_INFO_AUTOMASKED : 0) |
		     (irq.noresize ? VFIO_IRQ_INFO_NORESIZE : 0);
	out->count = irq.count;
	return 0;
}

/* ---- VFIO_DEVICE_RESET ---- */

static int reset(struct call *call)
{
	struct device *dev = device_of(call);

	return dev->vfio->ops->reset ? dev->vfio->ops->reset(call, dev) : refuse_driver_command(call);
}

/* ---- VFIO_DEVICE_GET_PCI_HOT_RESET_INFO ---- */

static int hot_reset_info_early(struct call *call)
{
	return device_of(call)->vfio->ops->hot_reset_info ? 0 : refuse_driver_command(call);
}

/* Too little room: the number that is needed goes back all the same. */
static int refuse_room(struct call *call, struct vfio_pci_hot_reset_info *out, int count)
{
	call->result.answer_anyway = true;
	out->count = (uint32_t)count;
	return refuse(call, RULE_HOT_RESET_ROOM, V("argsz", out->argsz), V("count", count));
}

static int put_deps(struct call *call, const struct hot_reset_dep *deps, unsigned n)
{
	struct vfio_pci_dependent_device *out = calloc(n, sizeof(*out));
	int ret;

	if (!out)
		return refuse(call, RULE_NO_MEMORY);
	for (unsigned i = 0; i < n; i++)
		out[i] = (struct vfio_pci_dependent_device){
			.group_id = deps[i].group, .segment = deps[i].segment,
			.bus = deps[i].bus, .devfn = deps[i].devfn,
		};
	ret = call_out(call, call->arg + sizeof(struct vfio_pci_hot_reset_info), out,
		       n * sizeof(*out));
	free(out);
	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

/* Of a cdev: the answer is about ids, and whether all of them are the caller's. */
static uint32_t hot_reset_flags(const struct call *call, const struct hot_reset_dep *deps,
				unsigned n)
{
	uint32_t flags = VFIOSIM_HOT_RESET_DEV_ID | VFIOSIM_HOT_RESET_DEV_ID_OWNED;

	if (vfio_device_file(call->file)->group)
		return 0;
	for (unsigned i = 0; i < n; i++)
		if (deps[i].devid == VFIOSIM_DEVID_NOT_OWNED)
			flags &= ~VFIOSIM_HOT_RESET_DEV_ID_OWNED;
	return flags;
}

static int get_hot_reset_info(struct call *call)
{
	struct vfio_pci_hot_reset_info *out = (void *)call->in.bytes;
	struct device *dev = device_of(call);
	struct hot_reset_dep *deps;
	int count = dev->vfio->ops->hot_reset_info(call, dev, NULL, 0), ret;

	if (count < 0)
		return count;
	out->flags = 0;
	if (out->argsz < sizeof(*out) + (size_t)count * sizeof(out->devices[0]))
		return refuse_room(call, out, count);
	out->count = (uint32_t)count;
	deps = calloc((size_t)count + 1, sizeof(*deps));
	if (!deps)
		return refuse(call, RULE_NO_MEMORY);
	dev->vfio->ops->hot_reset_info(call, dev, deps, (unsigned)count);
	out->flags = hot_reset_flags(call, deps, (unsigned)count);
	ret = put_deps(call, deps, (unsigned)count);
	free(deps);
	return ret;
}

/* ---- VFIO_DEVICE_FEATURE ---- */

#define FEATURE_DATA_MAX 64u	/* more than any feature we know takes */

/* The data of a SET; if it cannot be read, call->tail stays NULL and run says so in its turn. */
static int feature_prepare(struct call *call)
{
	const struct vfio_device_feature *header = (void *)call->in.bytes;
	size_t size = header->argsz - sizeof(*header);

	if (!(header->flags & VFIO_DEVICE_FEATURE_SET) ||
	    header->flags & VFIO_DEVICE_FEATURE_PROBE || !size)
		return 0;
	if (size > FEATURE_DATA_MAX)
		size = FEATURE_DATA_MAX;
	call->tail = calloc(1, FEATURE_DATA_MAX);
	if (!call->tail)
		return refuse(call, RULE_NO_MEMORY);
	if (!call_read(call, call->arg + sizeof(*header), call->tail, size))
		call->tail_size = size;
	return 0;
}

static int feature(struct call *call)
{
	const struct vfio_device_feature *header = (void *)call->in.bytes;
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct device *dev = device_of(call);

	if (!(header->flags & VFIO_DEVICE_FEATURE_PROBE) && (header->flags & both) == both)
		return refuse(call, RULE_FEATURE_GET_SET);
	if (!dev->vfio->ops->feature)
		return refuse(call, RULE_FEATURE_UNKNOWN, VS("device", dev->topo->address),
			      V("feature", header->flags & VFIO_DEVICE_FEATURE_MASK));
	return dev->vfio->ops->feature(call, dev, header->flags, call->arg + sizeof(*header),
				 header->argsz - sizeof(*header));
}

/* ---- Rows ---- */

#define FIELD(struct_, name_, format_)                                                             \
	{ #name_, offsetof(struct struct_, name_), sizeof(((struct struct_ *)0)->name_), format_ }

static const struct vfiosim_field info_fields[] = {
	FIELD(vfio_device_info, argsz, VFIOSIM_DEC),
	FIELD(vfio_device_info, flags, VFIOSIM_FLAGS),
	FIELD(vfio_device_info, num_regions, VFIOSIM_DEC),
	FIELD(vfio_device_info, num_irqs, VFIOSIM_DEC),
	FIELD(vfio_device_info, cap_offset, VFIOSIM_DEC),
	{ .name = NULL },
};
static const struct vfiosim_flag info_flags[] = {
	{ "RESET", VFIO_DEVICE_FLAGS_RESET },
	{ "PCI", VFIO_DEVICE_FLAGS_PCI },
	{ "CAPS", VFIO_DEVICE_FLAGS_CAPS },
	{ .name = NULL },
};

static const struct vfiosim_field region_fields[] = {
	FIELD(vfio_region_info, argsz, VFIOSIM_DEC),
	FIELD(vfio_region_info, flags, VFIOSIM_FLAGS),
	FIELD(vfio_region_info, index, VFIOSIM_DEC),
	FIELD(vfio_region_info, cap_offset, VFIOSIM_DEC),
	FIELD(vfio_region_info, size, VFIOSIM_HEX),
	FIELD(vfio_region_info, offset, VFIOSIM_HEX),
	{ .name = NULL },
};
static const struct vfiosim_flag region_flags[] = {
	{ "READ", VFIO_REGION_INFO_FLAG_READ },
	{ "WRITE", VFIO_REGION_INFO_FLAG_WRITE },
	{ "MMAP", VFIO_REGION_INFO_FLAG_MMAP },
	{ "CAPS", VFIO_REGION_INFO_FLAG_CAPS },
	{ .name = NULL },
};

static const struct vfiosim_field irq_fields[] = {
	FIELD(vfio_irq_info, argsz, VFIOSIM_DEC),
	FIELD(vfio_irq_info, flags, VFIOSIM_FLAGS),
	FIELD(vfio_irq_info, index, VFIOSIM_DEC),
	FIELD(vfio_irq_info, count, VFIOSIM_DEC),
	{ .name = NULL },
};
static const struct vfiosim_flag irq_flags[] = {
	{ "EVENTFD", VFIO_IRQ_INFO_EVENTFD },
	{ "MASKABLE", VFIO_IRQ_INFO_MASKABLE },
	{ "AUTOMASKED", VFIO_IRQ_INFO_AUTOMASKED },
	{ "NORESIZE", VFIO_IRQ_INFO_NORESIZE },
	{ .name = NULL },
};

static const struct vfiosim_field set_fields[] = {
	FIELD(vfio_irq_set, argsz, VFIOSIM_DEC),
	FIELD(vfio_irq_set, flags, VFIOSIM_FLAGS),
	FIELD(vfio_irq_set, index, VFIOSIM_DEC),
	FIELD(vfio_irq_set, start, VFIOSIM_DEC),
	FIELD(vfio_irq_set, count, VFIOSIM_DEC),
	{ .name = NULL },
};
static const struct vfiosim_flag set_flags[] = {
	{ "DATA_NONE", VFIO_IRQ_SET_DATA_NONE },
	{ "DATA_BOOL", VFIO_IRQ_SET_DATA_BOOL },
	{ "DATA_EVENTFD", VFIO_IRQ_SET_DATA_EVENTFD },
	{ "MASK", VFIO_IRQ_SET_ACTION_MASK },
	{ "UNMASK", VFIO_IRQ_SET_ACTION_UNMASK },
	{ "TRIGGER", VFIO_IRQ_SET_ACTION_TRIGGER },
	{ .name = NULL },
};

static const struct vfiosim_field hot_fields[] = {
	FIELD(vfio_pci_hot_reset, argsz, VFIOSIM_DEC),
	FIELD(vfio_pci_hot_reset, flags, VFIOSIM_HEX),
	FIELD(vfio_pci_hot_reset, count, VFIOSIM_DEC),
	{ .name = NULL },
};

static const struct vfiosim_field feature_fields[] = {
	FIELD(vfio_device_feature, argsz, VFIOSIM_DEC),
	FIELD(vfio_device_feature, flags, VFIOSIM_FLAGS),
	{ .name = NULL },
};
static const struct vfiosim_flag feature_flags[] = {
	{ "GET", VFIO_DEVICE_FEATURE_GET },
	{ "SET", VFIO_DEVICE_FEATURE_SET },
	{ "PROBE", VFIO_DEVICE_FEATURE_PROBE },
	{ .name = NULL },
};

static const struct vfiosim_field bind_fields[] = {
	FIELD(vfiosim_device_bind_iommufd, argsz, VFIOSIM_DEC),
	FIELD(vfiosim_device_bind_iommufd, flags, VFIOSIM_FLAGS),
	FIELD(vfiosim_device_bind_iommufd, iommufd, VFIOSIM_FD),
	FIELD(vfiosim_device_bind_iommufd, out_devid, VFIOSIM_DEC),
	FIELD(vfiosim_device_bind_iommufd, token_uuid_ptr, VFIOSIM_POINTER),
	{ .name = NULL },
};
static const struct vfiosim_flag bind_flags[] = {
	{ "TOKEN", VFIOSIM_DEVICE_BIND_FLAG_TOKEN },
	{ .name = NULL },
};

static const struct vfiosim_field attach_fields[] = {
	FIELD(vfiosim_device_attach_iommufd_pt, argsz, VFIOSIM_DEC),
	FIELD(vfiosim_device_attach_iommufd_pt, flags, VFIOSIM_FLAGS),
	FIELD(vfiosim_device_attach_iommufd_pt, pt_id, VFIOSIM_DEC),
	FIELD(vfiosim_device_attach_iommufd_pt, pasid, VFIOSIM_DEC),
	{ .name = NULL },
};
static const struct vfiosim_field detach_fields[] = {
	FIELD(vfiosim_device_detach_iommufd_pt, argsz, VFIOSIM_DEC),
	FIELD(vfiosim_device_detach_iommufd_pt, flags, VFIOSIM_FLAGS),
	FIELD(vfiosim_device_detach_iommufd_pt, pasid, VFIOSIM_DEC),
	{ .name = NULL },
};
static const struct vfiosim_flag pasid_flags[] = {
	{ "PASID", VFIOSIM_DEVICE_ATTACH_PASID },
	{ .name = NULL },
};

static const int info_errors[] = { EFAULT, EINVAL, 0 };
static const int set_errors[] = { EFAULT, EINVAL, ENOTTY, EBADF, ERANGE, EBUSY, ENOMEM, ENOSPC, 0 };
static const int reset_errors[] = { EINVAL, ENOTTY, EAGAIN, 0 };
static const int hot_info_errors[] = { EFAULT, EINVAL, ENODEV, ENOSPC, ENOTTY, ENOMEM, EPERM, EAGAIN, 0 };
static const int hot_errors[] = { EFAULT, EINVAL, ENODEV, ENOTTY, EBADF, ENOMEM, EAGAIN, EBUSY, 0 };
static const int feature_errors[] = { EFAULT, EINVAL, ENOTTY, ENOMEM, 0 };
static const int bind_errors[] = { EFAULT, EINVAL, EBUSY, EBADF, EBADFD, EPERM,
				   ENODEV, E2BIG,  ENOMEM, EAGAIN, EIO,	 0 };
static const int attach_errors[] = { EFAULT,	 EINVAL, ENOENT, EBUSY,	     EADDRINUSE, ENOMEM,
				     EOPNOTSUPP, ENODEV, ENOTTY, EPERM,	     ERANGE,	 ENOSPC, 0 };
static const int detach_errors[] = { EFAULT, EINVAL, EOPNOTSUPP, ENOTTY, 0 };

#define DEVICE_COMMAND(name_, type_)                                                               \
	.name = #name_, .number = name_, .kinds = VFIOSIM_DEVICE, .family = VFIOSIM_SIZE_ARGSZ,    \
	.min_size = sizeof(struct type_), .full_size = sizeof(struct type_)

#define BIND_IOMMUFD(family_, full_)                                                               \
	.row = { .name = "VFIO_DEVICE_BIND_IOMMUFD", .number = VFIOSIM_DEVICE_BIND_IOMMUFD,        \
		 .kinds = VFIOSIM_DEVICE, .family = family_,                                       \
		 .min_size = offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr),         \
		 .full_size = full_, .fields = bind_fields, .flags = bind_flags,                   \
		 .errors = bind_errors },                                                          \
	.state = sizeof(struct cdev_bind), .prepare = bind_iommufd_prepare,                        \
	.run = bind_iommufd_run, .undo = bind_iommufd_undo, .unbound = true, .iommufd = true,      \
	.back = offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr)

const struct command device_commands[] = {
	{ .row = { .name = "VFIO_DEVICE_GET_INFO", .number = VFIO_DEVICE_GET_INFO,
		   .kinds = VFIOSIM_DEVICE, .family = VFIOSIM_SIZE_ARGSZ,
		   .min_size = offsetof(struct vfio_device_info, cap_offset),
		   .full_size = offsetof(struct vfio_device_info, cap_offset) + 4,
		   .fields = info_fields, .flags = info_flags, .errors = info_errors },
	  .run = get_info,
	  .back = offsetof(struct vfio_device_info, cap_offset) + 4 },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_GET_REGION_INFO, vfio_region_info),
		   .fields = region_fields, .flags = region_flags, .errors = info_errors },
	  .run = get_region_info,
	  .back = sizeof(struct vfio_region_info) },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info),
		   .fields = irq_fields, .flags = irq_flags, .errors = info_errors },
	  .run = get_irq_info,
	  .back = sizeof(struct vfio_irq_info) },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_SET_IRQS, vfio_irq_set), .checks_flags = true,
		   .known_flags = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK,
		   .fields = set_fields, .flags = set_flags, .errors = set_errors },
	  .state = sizeof(struct irq_data_set),
	  .state_done = set_irqs_done,
	  .early = set_irqs_early,
	  .prepare = set_irqs_prepare,
	  .run = set_irqs_run },
	{ .row = { .name = "VFIO_DEVICE_RESET", .number = VFIO_DEVICE_RESET,
		   .kinds = VFIOSIM_DEVICE, .family = VFIOSIM_SIZE_VALUE, .errors = reset_errors },
	  .run = reset },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, vfio_pci_hot_reset_info),
		   .fields = hot_fields, .errors = hot_info_errors },
	  .early = hot_reset_info_early,
	  .run = get_hot_reset_info,
	  .back = sizeof(struct vfio_pci_hot_reset_info) },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_PCI_HOT_RESET, vfio_pci_hot_reset),
		   .checks_flags = true, .fields = hot_fields, .errors = hot_errors },
	  .state = sizeof(struct reset_groups),
	  .state_done = hot_reset_done,
	  .early = hot_reset_early,
	  .prepare = hot_reset_prepare,
	  .run = hot_reset_run },
	{ .row = { DEVICE_COMMAND(VFIO_DEVICE_FEATURE, vfio_device_feature), .checks_flags = true,
		   .known_flags = VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_GET |
				  VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE,
		   .fields = feature_fields, .flags = feature_flags, .errors = feature_errors },
	  .prepare = feature_prepare,
	  .run = feature },
	{ BIND_IOMMUFD(VFIOSIM_SIZE_IOMMUFD, sizeof(struct vfiosim_device_bind_iommufd)),
	  .row.since = { 6, 17 } },
	/* The structure had no token: what is behind it was not looked at. */
	{ BIND_IOMMUFD(VFIOSIM_SIZE_ARGSZ,
		       offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr)),
	  .row.since = { 6, 6 }, .row.until = { 6, 17 } },
	{ .row = { .name = "VFIO_DEVICE_ATTACH_IOMMUFD_PT",
		   .number = VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, .kinds = VFIOSIM_DEVICE,
		   .since = { 6, 6 },	/* not measured */
		   .family = VFIOSIM_SIZE_ARGSZ, .checks_flags = true,
		   .known_flags = VFIOSIM_DEVICE_ATTACH_PASID,
		   .min_size = offsetof(struct vfiosim_device_attach_iommufd_pt, pasid),
		   .full_size = offsetof(struct vfiosim_device_attach_iommufd_pt, pasid),
		   .fields = attach_fields, .flags = pasid_flags, .errors = attach_errors,
		   .unanswered = VFIOSIM_DETACHED },
	  .early = pt_early,
	  .state = sizeof(struct pasid_arg),
	  .prepare = attach_pt_prepare,
	  .iommufd = true,
	  .run = attach_pt_run,
	  .undo = attach_pt_undo,
	  .back = offsetof(struct vfiosim_device_attach_iommufd_pt, pasid) },
	{ .row = { .name = "VFIO_DEVICE_DETACH_IOMMUFD_PT",
		   .number = VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, .kinds = VFIOSIM_DEVICE,
		   .since = { 6, 6 },	/* not measured */
		   .family = VFIOSIM_SIZE_ARGSZ, .checks_flags = true,
		   .known_flags = VFIOSIM_DEVICE_DETACH_PASID,
		   .min_size = offsetof(struct vfiosim_device_detach_iommufd_pt, pasid),
		   .full_size = offsetof(struct vfiosim_device_detach_iommufd_pt, pasid),
		   .fields = detach_fields, .flags = pasid_flags, .errors = detach_errors },
	  .early = pt_early,
	  .state = sizeof(struct pasid_arg),
	  .prepare = detach_pt_prepare,
	  .iommufd = true,
	  .run = detach_pt_run },
	{ .row = { .name = NULL } },
};
