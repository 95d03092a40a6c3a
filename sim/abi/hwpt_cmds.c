/* SPDX-License-Identifier: MIT */
/* The commands of /dev/iommu about hardware: page tables, what an IOMMU can do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/topology.h>

#include "abi/hw_info.h"
#include "abi/iommufd_cmds.h"
#include "iommufd/hwpt.h"
#include "iommufd/device.h"
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"
#include "machine/device.h"
#include "machine/kernel.h"

/* ---- IOMMU_HWPT_ALLOC ---- */

static int find_device(struct call *call, uint32_t id, struct iommufd_device **ret_idev)
{
	struct object *object = object_find(iommufd_of(call), id, OBJECT_DEVICE);

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "physical device"), V("id", id));
	*ret_idev = (struct iommufd_device *)object;
	return 0;
}

static int refuse_unsupported(struct call *call, const struct iommu *iommu, const char *what)
{
	return refuse(call, RULE_UNSUPPORTED, VS("iommu", iommu->name), VS("what", what));
}

static uint32_t known_hwpt_flags(const struct vfiosim *sim)
{
	return VFIOSIM_HWPT_ALLOC_NEST_PARENT | VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING |
	       (kernel_has(sim, KERNEL_HWPT_FAULT_ID) ? VFIOSIM_HWPT_FAULT_ID_VALID : 0) |
	       (kernel_has(sim, KERNEL_HWPT_PASID) ? VFIOSIM_HWPT_ALLOC_PASID : 0);
}

static int check_hwpt_flags(struct call *call, const struct vfiosim_iommu_hwpt_alloc *cmd,
			    const struct iommu *iommu, const struct domain_request *request)
{
	int ret = iommufd_check_flags(call, cmd->flags, known_hwpt_flags(call->sim));

	if (!ret)
		ret = iommu->ops->check_domain(call, iommu, request);
	if (!ret && cmd->data_type)
		ret = refuse(call, RULE_BAD_ARGUMENT,
			     VS("what", "an ioas takes no data of the IOMMU's own"));
	return ret;
}

static int hwpt_alloc_on(struct call *call, struct vfiosim_iommu_hwpt_alloc *cmd,
			 const struct iommu *iommu, struct ioas *ioas)
{
	const struct domain_request request = {
		.type = DOMAIN_PAGING,
		.nest_parent = cmd->flags & VFIOSIM_HWPT_ALLOC_NEST_PARENT,
		.dirty_tracking = cmd->flags & VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING,
		.pasid = cmd->flags & VFIOSIM_HWPT_ALLOC_PASID,
	};
	struct object *fault = NULL;
	struct hwpt *hwpt;
	int ret = check_hwpt_flags(call, cmd, iommu, &request);

	if (!ret)
		ret = hwpt_create(call, ioas, iommu, &request, false, &hwpt);
	if (ret)
		return ret;
	if (cmd->flags & VFIOSIM_HWPT_FAULT_ID_VALID) {
		fault = object_find(iommufd_of(call), cmd->fault_id, OBJECT_FAULT);
		if (!fault) {
			object_destroy(call, &hwpt->object);
			return refuse(call, RULE_NO_OBJECT, VS("what", "fault queue"),
				      V("id", cmd->fault_id));
		}
	}
	hwpt->fault = fault;
	if (fault)
		fault->users++;
	cmd->out_hwpt_id = hwpt->object.id;
	return 0;
}

static int hwpt_alloc(struct call *call)
{
	struct vfiosim_iommu_hwpt_alloc *cmd = (void *)call->in.bytes;
	const struct iommu *iommu;
	struct object *object;
	struct iommufd_device *idev = NULL;
	int ret = iommufd_check_reserved(call, cmd->reserved);

	if (!ret && !cmd->data_type != !cmd->data_len)
		ret = refuse(call, RULE_BAD_ARGUMENT, VS("what", "data_len does not fit data_type"));
	if (!ret)
		ret = find_device(call, cmd->dev_id, &idev);
	if (ret)
		return ret;
	iommu = idev->dev->group->iommu;
	object = object_find(iommufd_of(call), cmd->pt_id, OBJECT_ANY);
	if (object && object->ops->type == OBJECT_IOAS)
		return hwpt_alloc_on(call, cmd, iommu, (struct ioas *)object);
	if (object && object->ops->type == OBJECT_HWPT)
		return refuse_unsupported(call, iommu, "nesting");
	return refuse(call, RULE_NOT_ATTACHABLE, V("id", cmd->pt_id));
}

static void undo_hwpt_alloc(struct call *call)
{
	const struct vfiosim_iommu_hwpt_alloc *cmd = (void *)call->in.bytes;

	iommufd_undo_alloc(call, cmd->out_hwpt_id, OBJECT_HWPT);
}

/* ---- IOMMU_GET_HW_INFO ---- */

#define HW_INFO_INPUT_TYPE 1u
#define HW_CAP_ATS_NOT_SUPPORTED 8u

/* How each kind of unit tells what it is; a kind without a row tells nothing. */
static const struct {
	const struct iommu_ops *ops;
	uint32_t type;
	size_t (*fill)(const struct iommu *iommu, union hw_info *ret_info);
} hw_infos[] = {
	{ &vtd_ops, HW_INFO_TYPE_VTD, hw_info_vtd },
};

static size_t fill_hw_info(const struct iommu *iommu, union hw_info *ret_info, uint32_t *ret_type)
{
	*ret_type = 0;
	for (size_t i = 0; i < sizeof(hw_infos) / sizeof(hw_infos[0]); i++) {
		if (hw_infos[i].ops != iommu->ops)
			continue;
		*ret_type = hw_infos[i].type;
		return hw_infos[i].fill(iommu, ret_info);
	}
	return 0;
}

static int put_hw_data(struct call *call, const struct iommu *iommu,
		       struct vfiosim_iommu_hw_info *cmd)
{
	union hw_info info;
	size_t size = fill_hw_info(iommu, &info, &cmd->out_data_type);
	size_t known = cmd->data_len < size ? cmd->data_len : size;
	int ret = known ? call_out(call, cmd->data_uptr, &info, known) : 0;

	if (!ret && size && cmd->data_len > known)
		ret = call_out_zeroes(call, cmd->data_uptr + known, cmd->data_len - known);
	cmd->data_len = (uint32_t)size;
	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

static int get_hw_info(struct call *call)
{
	struct vfiosim_iommu_hw_info *cmd = (void *)call->in.bytes;
	const struct iommu *iommu;
	struct iommufd_device *idev = NULL;
	int ret = iommufd_check_flags(call, cmd->flags, HW_INFO_INPUT_TYPE);

	if (!ret)
		ret = iommufd_check_reserved(call, cmd->reserved[0] | cmd->reserved[1] | cmd->reserved[2]);
	if (!ret)
		ret = find_device(call, cmd->dev_id, &idev);
	if (ret)
		return ret;
	iommu = idev->dev->group->iommu;
	if (cmd->flags & HW_INFO_INPUT_TYPE && cmd->out_data_type)
		return iommufd_refuse_option(call, "in_data_type", cmd->out_data_type);
	cmd->out_max_pasid_log2 = 0;
	cmd->out_capabilities =
		kernel_has(call->sim, KERNEL_HW_CAPABILITIES) ? HW_CAP_ATS_NOT_SUPPORTED : 0;
	return put_hw_data(call, iommu, cmd);
}

/* ---- IOMMU_HWPT_SET_DIRTY_TRACKING, GET_DIRTY_BITMAP, INVALIDATE ---- */

static int find_hwpt(struct call *call, uint32_t id, struct hwpt **ret_hwpt)
{
	struct object *object = object_find(iommufd_of(call), id, OBJECT_HWPT);

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "hwpt"), V("id", id));
	*ret_hwpt = (struct hwpt *)object;
	return 0;
}

static int set_dirty_tracking(struct call *call)
{
	const struct vfiosim_iommu_hwpt_set_dirty_tracking *cmd = (void *)call->in.bytes;
	struct hwpt *hwpt = NULL;
	int ret = iommufd_check_flags(call, cmd->flags, 1);

	if (!ret)
		ret = find_hwpt(call, cmd->hwpt_id, &hwpt);
	return ret ? ret : refuse_unsupported(call, hwpt->domain->iommu, "dirty tracking");
}

/* Mirrors iommufd_check_iova_range: looked at before the hardware is. */
static int check_dirty_range(struct call *call, const struct ioas *ioas,
			     const struct vfiosim_iommu_hwpt_get_dirty_bitmap *cmd)
{
	uint64_t last = cmd->iova + cmd->length - 1, page = cmd->page_size;

	if (last < cmd->iova && cmd->iova)	/* a length of 0 wraps as well, except from 0 */
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", cmd->iova),
			      V("length", cmd->length));
	/* The mask of a page size that is no power of two is taken all the same, as Linux does. */
	if ((cmd->iova | (last + 1)) & (ioas->alignment - 1) || !page ||
	    cmd->iova & (page - 1) || (last + 1) & (page - 1))
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "the range is not made of pages"));
	return 0;
}

static int get_dirty_bitmap(struct call *call)
{
	const struct vfiosim_iommu_hwpt_get_dirty_bitmap *cmd = (void *)call->in.bytes;
	struct hwpt *hwpt = NULL;
	int ret = iommufd_check_flags(call, cmd->flags, 1);

	if (!ret)
		ret = iommufd_check_reserved(call, cmd->reserved);
	if (!ret)
		ret = find_hwpt(call, cmd->hwpt_id, &hwpt);
	if (!ret)
		ret = check_dirty_range(call, hwpt->ioas, cmd);
	return ret ? ret : refuse_unsupported(call, hwpt->domain->iommu, "dirty tracking");
}

static int hwpt_invalidate(struct call *call)
{
	const struct vfiosim_iommu_hwpt_invalidate *cmd = (void *)call->in.bytes;
	int ret = iommufd_check_reserved(call, cmd->reserved);

	if (!ret && cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len))
		ret = refuse(call, RULE_BAD_ARGUMENT, VS("what", "entries without a place or size"));
	if (ret)
		return ret;
	if (!object_find(iommufd_of(call), cmd->hwpt_id, OBJECT_ANY))
		return refuse(call, RULE_NO_OBJECT, VS("what", "hwpt"), V("id", cmd->hwpt_id));
	if (!kernel_has(call->sim, KERNEL_INVALIDATE_ANY))
		return refuse(call, RULE_NO_OBJECT, VS("what", "nested hwpt"), V("id", cmd->hwpt_id));
	return refuse(call, RULE_BAD_ARGUMENT, VS("what", "only nested hwpts are invalidated"));
}

/* ---- Rows ---- */

FIELDS(hwpt_fields, FIELD(vfiosim_iommu_hwpt_alloc, flags, VFIOSIM_FLAGS),
       FIELD(vfiosim_iommu_hwpt_alloc, dev_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_alloc, pt_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_alloc, out_hwpt_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_alloc, data_type, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_alloc, data_len, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_alloc, fault_id, VFIOSIM_DEC));
FIELDS(hw_info_fields, FIELD(vfiosim_iommu_hw_info, flags, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_hw_info, dev_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hw_info, data_len, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hw_info, data_uptr, VFIOSIM_POINTER),
       FIELD(vfiosim_iommu_hw_info, out_data_type, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hw_info, out_capabilities, VFIOSIM_HEX));
FIELDS(set_dirty_fields, FIELD(vfiosim_iommu_hwpt_set_dirty_tracking, flags, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_hwpt_set_dirty_tracking, hwpt_id, VFIOSIM_DEC));
FIELDS(get_dirty_fields, FIELD(vfiosim_iommu_hwpt_get_dirty_bitmap, hwpt_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_get_dirty_bitmap, flags, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_hwpt_get_dirty_bitmap, iova, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_hwpt_get_dirty_bitmap, length, VFIOSIM_HEX));
FIELDS(invalidate_fields, FIELD(vfiosim_iommu_hwpt_invalidate, hwpt_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_hwpt_invalidate, entry_num, VFIOSIM_DEC));

static const struct vfiosim_flag hwpt_flags[] = {
	{ "NEST_PARENT", VFIOSIM_HWPT_ALLOC_NEST_PARENT },
	{ "DIRTY_TRACKING", VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING },
	{ "FAULT_ID_VALID", VFIOSIM_HWPT_FAULT_ID_VALID },
	{ "PASID", VFIOSIM_HWPT_ALLOC_PASID },
	{ .name = NULL },
};

static const int alloc_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENOMEM, EADDRINUSE,
				    ENODEV, ERANGE, 0 };
static const int info_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENOMEM, 0 };
static const int set_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, 0 };
static const int get_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENOMEM, EOVERFLOW, 0 };

const struct command hwpt_commands[] = {
	{ IOMMU_COMMAND(IOMMU_HWPT_ALLOC, vfiosim_iommu_hwpt_alloc,
			offsetof(struct vfiosim_iommu_hwpt_alloc, data_type), hwpt_fields, hwpt_flags,
			alloc_errors, hwpt_alloc),
	  .row.since = { 6, 6 },	/* not measured */
	  .undo = undo_hwpt_alloc },
	{ IOMMU_COMMAND(IOMMU_GET_HW_INFO, vfiosim_iommu_hw_info,
			offsetof(struct vfiosim_iommu_hw_info, out_capabilities), hw_info_fields, NULL,
			info_errors, get_hw_info),
	  .row.since = { 6, 6 } },	/* not measured */
	{ WHOLE_MUTE(IOMMU_HWPT_SET_DIRTY_TRACKING, vfiosim_iommu_hwpt_set_dirty_tracking,
		     set_dirty_fields, NULL, set_errors, set_dirty_tracking),
	  .row.since = { 6, 7 } },	/* not measured */
	{ WHOLE_MUTE(IOMMU_HWPT_GET_DIRTY_BITMAP, vfiosim_iommu_hwpt_get_dirty_bitmap,
		     get_dirty_fields, NULL, get_errors, get_dirty_bitmap),
	  .row.since = { 6, 7 } },	/* not measured */
	{ WHOLE(IOMMU_HWPT_INVALIDATE, vfiosim_iommu_hwpt_invalidate, invalidate_fields, NULL,
		set_errors, hwpt_invalidate),
	  .row.since = { 6, 8 } },	/* not measured */
	{ .row = { .name = NULL } },
};
