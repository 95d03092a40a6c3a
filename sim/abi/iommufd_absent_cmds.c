/* SPDX-License-Identifier: MIT */
/*
 * Commands of /dev/iommu for hardware this machine does not have: nested
 * translation, virtual IOMMUs and their queues. They are refused as Linux refuses
 * them on a machine without it; the fault queue exists, nothing ever arrives in it.
 */
#include <errno.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/topology.h>

#include "abi/iommufd_cmds.h"
#include "iommufd/device.h"
#include "iommufd/eventq.h"
#include "iommufd/iommufd.h"
#include "machine/device.h"

static int refuse_missing(struct call *call, const char *what, uint32_t id)
{
	return refuse(call, RULE_NO_OBJECT, VS("what", what), V("id", id));
}

/* ---- IOMMU_VIOMMU_ALLOC, VDEVICE_ALLOC, VEVENTQ_ALLOC, HW_QUEUE_ALLOC ---- */

static int viommu_alloc(struct call *call)
{
	const struct vfiosim_iommu_viommu_alloc *cmd = (void *)call->in.bytes;
	const struct object *object;

	if (cmd->flags || !cmd->type)
		return refuse(call, RULE_UNKNOWN_OPTION, VS("field", cmd->flags ? "flags" : "type"),
			      V("value", cmd->flags));
	object = object_find(iommufd_of(call), cmd->dev_id, OBJECT_DEVICE);
	if (!object)
		return refuse_missing(call, "physical device", cmd->dev_id);
	return refuse(call, RULE_UNSUPPORTED,
		      VS("iommu", ((const struct iommufd_device *)object)->dev->group->iommu->name),
		      VS("what", "virtual IOMMUs"));
}

static int vdevice_alloc(struct call *call)
{
	const struct vfiosim_iommu_vdevice_alloc *cmd = (void *)call->in.bytes;

	if (cmd->virt_id > UINT32_MAX)
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "virt_id has more than 32 bits"));
	return refuse_missing(call, "virtual IOMMU", cmd->viommu_id);
}

static int veventq_alloc(struct call *call)
{
	const struct vfiosim_iommu_veventq_alloc *cmd = (void *)call->in.bytes;

	if (cmd->flags || cmd->reserved || !cmd->type)
		return refuse(call, RULE_UNKNOWN_OPTION, VS("field", cmd->flags ? "flags" : "type"),
			      V("value", cmd->flags));
	if (!cmd->depth)
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "a queue of depth 0"));
	return refuse_missing(call, "virtual IOMMU", cmd->viommu_id);
}

static int hw_queue_alloc(struct call *call)
{
	const struct vfiosim_iommu_hw_queue_alloc *cmd = (void *)call->in.bytes;
	struct span span;

	if (cmd->flags || !cmd->type)
		return refuse(call, RULE_UNKNOWN_OPTION, VS("field", cmd->flags ? "flags" : "type"),
			      V("value", cmd->flags));
	if (!cmd->length)
		return refuse(call, RULE_LENGTH_ZERO);
	if (!span_make(cmd->base, cmd->length, &span))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "base"), V("start", cmd->base),
			      V("length", cmd->length));
	return refuse_missing(call, "virtual IOMMU", cmd->viommu_id);
}

/* ---- IOMMU_FAULT_QUEUE_ALLOC ---- */

static int fault_queue_alloc(struct call *call)
{
	struct vfiosim_iommu_fault_alloc *cmd = (void *)call->in.bytes;

	if (cmd->flags)
		return refuse(call, RULE_UNKNOWN_OPTION, VS("field", "flags"),
			      V("value", cmd->flags));
	return fault_queue_create(call, iommufd_of(call), &cmd->out_fault_id);
}

/* Its descriptor, released already, was its only user. */
static void undo_fault_queue_alloc(struct call *call)
{
	const struct vfiosim_iommu_fault_alloc *cmd = (void *)call->in.bytes;
	struct object *fault = object_find(iommufd_of(call), cmd->out_fault_id, OBJECT_FAULT);

	if (fault && !fault->users)
		object_destroy(call, fault);
}

/* ---- Rows ---- */

static const struct vfiosim_field fault_fields[] = {
	{ "flags", offsetof(struct vfiosim_iommu_fault_alloc, flags), 4, VFIOSIM_HEX },
	{ "out_fault_id", offsetof(struct vfiosim_iommu_fault_alloc, out_fault_id), 4, VFIOSIM_DEC },
	{ "out_fault_fd", offsetof(struct vfiosim_iommu_fault_alloc, out_fault_fd), 4, VFIOSIM_FD },
	{ .name = NULL },
};
static const int fault_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOMEM, EMFILE, ENFILE, 0 };
/* As far as the kernel comes without the hardware: no object of these can be found, or made. */
static const int viommu_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, 0 };
static const int vdevice_errors[] = { EFAULT, EINVAL, E2BIG, ENOENT, 0 };
static const int veventq_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, 0 };
static const int hw_queue_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, EOVERFLOW, 0 };

#define ABSENT(name_, type_, min_, errors_, run_, ...)                                             \
	.row = { .name = #name_, .number = VFIOSIM_##name_, .kinds = VFIOSIM_IOMMUFD,              \
		 .family = VFIOSIM_SIZE_IOMMUFD, .min_size = (min_),                               \
		 .full_size = sizeof(struct type_), .errors = errors_, .since = { __VA_ARGS__ } }, \
	.run = run_, .back = sizeof(struct type_)

const struct command iommufd_absent_commands[] = {
	{ .row = { .name = "IOMMU_FAULT_QUEUE_ALLOC", .number = VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC,
		   .since = { 6, 11 },	/* not measured */
		   .kinds = VFIOSIM_IOMMUFD, .family = VFIOSIM_SIZE_IOMMUFD, .returns_fd = true,
		   .fd_field = offsetof(struct vfiosim_iommu_fault_alloc, out_fault_fd),
		   .min_size = sizeof(struct vfiosim_iommu_fault_alloc),
		   .full_size = sizeof(struct vfiosim_iommu_fault_alloc), .fields = fault_fields,
		   .errors = fault_errors },
	  .run = fault_queue_alloc,
	  .undo = undo_fault_queue_alloc,
	  .back = sizeof(struct vfiosim_iommu_fault_alloc) },
	{ ABSENT(IOMMU_VIOMMU_ALLOC, vfiosim_iommu_viommu_alloc,
		 sizeof(struct vfiosim_iommu_viommu_alloc), viommu_errors, viommu_alloc, 6, 13) },
	{ ABSENT(IOMMU_VDEVICE_ALLOC, vfiosim_iommu_vdevice_alloc,
		 sizeof(struct vfiosim_iommu_vdevice_alloc), vdevice_errors, vdevice_alloc, 6, 13) },
	{ ABSENT(IOMMU_VEVENTQ_ALLOC, vfiosim_iommu_veventq_alloc,
		 offsetof(struct vfiosim_iommu_veventq_alloc, reserved), veventq_errors,
		 veventq_alloc, 6, 15) },
	{ ABSENT(IOMMU_HW_QUEUE_ALLOC, vfiosim_iommu_hw_queue_alloc,
		 sizeof(struct vfiosim_iommu_hw_queue_alloc), hw_queue_errors, hw_queue_alloc, 6, 17) },
	{ .row = { .name = NULL } },
};
