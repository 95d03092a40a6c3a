/* SPDX-License-Identifier: MIT */
/*
 * The commands of /dev/iommu, apart from those that need hardware this machine does
 * not simulate (iommufd_absent_cmds.c), and the rows of those about files
 * (iommufd_file_cmds.c). Mirrors drivers/iommu/iommufd/ (7.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/topology.h>

#include "abi/dispatch.h"
#include "abi/iommufd_cmds.h"
#include "core/client.h"
#include "core/device.h"
#include "core/file.h"
#include "core/group.h"
#include "core/hwpt.h"
#include "core/idev.h"
#include "core/ioas.h"
#include "core/iommufd.h"

static struct iommufd *iommufd_of(const struct call *call)
{
	return call->file->iommufd;
}

static int check_flags(struct call *call, uint32_t flags, uint32_t known)
{
	if (!(flags & ~known))
		return 0;
	return refuse(call, RULE_UNKNOWN_OPTION, VS("field", "flags"), V("value", flags));
}

static int check_reserved(struct call *call, uint64_t reserved)
{
	return reserved ? refuse(call, RULE_RESERVED_FIELD) : 0;
}

/* ---- IOMMU_DESTROY, IOMMU_IOAS_ALLOC ---- */

static int destroy(struct call *call)
{
	const struct vfiosim_iommu_destroy *cmd = (void *)call->in.bytes;

	return object_remove(call, iommufd_of(call), cmd->id);
}

static int ioas_alloc(struct call *call)
{
	struct vfiosim_iommu_ioas_alloc *cmd = (void *)call->in.bytes;
	struct ioas *ioas;
	int ret = check_flags(call, cmd->flags, 0);

	if (ret)
		return ret;
	ioas = ioas_create(call, iommufd_of(call));
	if (!ioas)
		return -ENOMEM;
	cmd->out_ioas_id = ioas->object.id;
	return 0;
}

/* The client never learnt the id: the object goes again, unless it was guessed and used. */
static void undo_alloc(struct call *call, uint32_t id, enum object_type type)
{
	struct object *object = object_find(iommufd_of(call), id, type);

	if (object && !object->users)
		object_destroy(call, object);
}

static void undo_ioas_alloc(struct call *call)
{
	const struct vfiosim_iommu_ioas_alloc *cmd = (void *)call->in.bytes;

	undo_alloc(call, cmd->out_ioas_id, OBJECT_IOAS);
}

/* ---- IOMMU_IOAS_ALLOW_IOVAS ---- */

#define ALLOWED_CHUNK 256	/* ranges copied at a time */
#define ALLOWED_MAX (1u << 20)

/* What could be read of the list; where reading failed is told only when the ioas exists. */
struct allowed_list {
	struct vfiosim_iommu_iova_range *items;
	uint32_t n;
	int error;
};

static void free_allowed(struct call *call, void *prepared)
{
	struct allowed_list *list = prepared;

	free(list->items);
	free(list);
}

static int prepare_allow(struct call *call)
{
	const struct vfiosim_iommu_ioas_allow_iovas *cmd = (void *)call->in.bytes;
	struct allowed_list *list = calloc(1, sizeof(*list));
	size_t size = sizeof(list->items[0]);

	if (!list)
		return refuse(call, RULE_NO_MEMORY);
	call->prepared = list;
	call->prepared_done = free_allowed;
	while (list->n < cmd->num_iovas && !list->error) {
		uint32_t part = cmd->num_iovas - list->n;
		void *grown;

		if (part > ALLOWED_CHUNK)
			part = ALLOWED_CHUNK;
		grown = reallocarray(list->items, list->n + part, size);
		if (!grown || list->n > ALLOWED_MAX)
			return refuse(call, RULE_NO_MEMORY);
		list->items = grown;
		list->error = call_read(call, cmd->allowed_iovas + list->n * size,
					list->items + list->n, part * size);
		if (!list->error)
			list->n += part;
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct vfiosim_iommu_iova_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Mirrors iopt_load_allowed: one byte is no range, and none may overlap another. */
static int load_allowed(struct call *call, struct allowed_list *list, struct ranges *ret_ranges)
{
	ranges_init(ret_ranges);
	if (list->n)
		qsort(list->items, list->n, sizeof(list->items[0]), by_start);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct vfiosim_iommu_iova_range *range = &list->items[i];
		bool overlaps = i && range->start <= list->items[i - 1].last;

		if (range->start >= range->last || overlaps) {
			ranges_done(ret_ranges);
			return refuse(call, RULE_BAD_ALLOWED, V("first", range->start),
				      V("last", range->last),
				      VS("problem", overlaps ? "overlaps another" : "is empty"));
		}
		if (ranges_append(ret_ranges, (struct span){ range->start, range->last })) {
			ranges_done(ret_ranges);
			return refuse(call, RULE_NO_MEMORY);
		}
	}
	return 0;
}

static int allow_iovas(struct call *call)
{
	const struct vfiosim_iommu_ioas_allow_iovas *cmd = (void *)call->in.bytes;
	struct allowed_list *list = call->prepared;
	struct ranges ranges;
	struct ioas *ioas;
	int ret = check_reserved(call, cmd->reserved);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);
	if (!ret && list->error)
		ret = refuse_address(call, cmd->allowed_iovas, "read");
	if (!ret)
		ret = load_allowed(call, list, &ranges);
	if (ret)
		return ret;
	ret = ioas_allow(call, ioas, &ranges);
	ranges_done(&ranges);
	return ret;
}

/* ---- IOMMU_IOAS_IOVA_RANGES ---- */

static int iova_ranges(struct call *call)
{
	struct vfiosim_iommu_ioas_iova_ranges *cmd = (void *)call->in.bytes;
	uint32_t room = cmd->num_iovas;
	struct ranges ranges;
	struct ioas *ioas;
	int ret = check_reserved(call, cmd->reserved);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);
	if (ret)
		return ret;
	if (ioas_ranges(ioas, &ranges))
		return refuse(call, RULE_NO_MEMORY);
	if (room > ranges.n)
		room = (uint32_t)ranges.n;
	if (room)
		ret = call_out(call, cmd->allowed_iovas, ranges.items,
			       room * sizeof(ranges.items[0]));
	if (!ret && cmd->num_iovas < ranges.n) {
		ret = refuse(call, RULE_TOO_FEW_SLOTS, V("n", ranges.n), V("room", room));
		call->answer_anyway = true;
	}
	cmd->num_iovas = (uint32_t)ranges.n;
	cmd->out_iova_alignment = ioas->alignment;
	ranges_done(&ranges);
	return ret;
}

/* ---- IOMMU_IOAS_MAP, COPY, UNMAP ---- */

#define MAP_ACCESS (VFIOSIM_IOAS_MAP_WRITEABLE | VFIOSIM_IOAS_MAP_READABLE)

int iommufd_check_map(struct call *call, uint32_t flags, uint64_t reserved, uint64_t iova,
		      uint64_t length)
{
	int ret = check_flags(call, flags, VFIOSIM_IOAS_MAP_FIXED_IOVA | MAP_ACCESS);

	if (!ret)
		ret = check_reserved(call, reserved);
	if (ret)
		return ret;
	if (iova == UINT64_MAX || length == UINT64_MAX)
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", iova),
			      V("length", length));
	if (!(flags & MAP_ACCESS))
		return refuse(call, RULE_NO_ACCESS);
	return 0;
}

static int ioas_map_cmd(struct call *call)
{
	struct vfiosim_iommu_ioas_map *cmd = (void *)call->in.bytes;
	struct ioas_map_args args = {
		.iova = cmd->iova,
		.uva = cmd->user_va,
		.length = cmd->length,
		.fixed = cmd->flags & VFIOSIM_IOAS_MAP_FIXED_IOVA,
		.read = cmd->flags & VFIOSIM_IOAS_MAP_READABLE,
		.write = cmd->flags & VFIOSIM_IOAS_MAP_WRITEABLE,
	};
	struct ioas *ioas;
	int ret = iommufd_check_map(call, cmd->flags, cmd->reserved, cmd->iova, cmd->length);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);
	if (!ret)
		ret = ioas_map(call, ioas, &args);
	if (!ret)
		cmd->iova = args.iova;
	return ret;
}

static int ioas_copy_cmd(struct call *call)
{
	struct vfiosim_iommu_ioas_copy *cmd = (void *)call->in.bytes;
	struct ioas_copy_args args = {
		.iova = cmd->dst_iova,
		.source = cmd->src_iova,
		.length = cmd->length,
		.fixed = cmd->flags & VFIOSIM_IOAS_MAP_FIXED_IOVA,
		.read = cmd->flags & VFIOSIM_IOAS_MAP_READABLE,
		.write = cmd->flags & VFIOSIM_IOAS_MAP_WRITEABLE,
	};
	struct ioas *from, *ioas;
	int ret = iommufd_check_map(call, cmd->flags, 0, cmd->dst_iova, cmd->length);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->src_ioas_id, &from);
	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->dst_ioas_id, &ioas);
	if (!ret)
		ret = ioas_copy(call, ioas, from, &args);
	if (!ret)
		cmd->dst_iova = args.iova;
	return ret;
}

static int ioas_unmap_cmd(struct call *call)
{
	struct vfiosim_iommu_ioas_unmap *cmd = (void *)call->in.bytes;
	bool all = !cmd->iova && cmd->length == UINT64_MAX;
	struct span span = SPAN_ALL;
	struct ioas *ioas;
	uint64_t gone = 0;
	int ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);

	if (ret)
		return ret;
	if (!all && !cmd->length && cmd->iova != UINT64_MAX)
		return refuse(call, RULE_LENGTH_ZERO);
	if (!all && (cmd->iova == UINT64_MAX || cmd->length == UINT64_MAX ||
		     !span_make(cmd->iova, cmd->length, &span)))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", cmd->iova),
			      V("length", cmd->length));
	if (!all || ioas->iopt.set.count)
		ret = ioas_unmap(call, ioas, span, &gone);
	if (!ret)
		cmd->length = gone;
	return ret;
}

/* ---- IOMMU_OPTION ---- */

static int refuse_option(struct call *call, const char *field, uint64_t value)
{
	return refuse(call, RULE_UNKNOWN_OPTION, VS("field", field), V("value", value));
}

static int set_rlimit_mode(struct call *call, struct iommufd *iommufd, uint64_t value)
{
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (ret)
		return ret;
	if (!limits.sys_resource)
		return refuse(call, RULE_NOT_PRIVILEGED);
	for (uint32_t i = 0; i < iommufd->table.n; i++)
		if (iommufd->table.objects[i])
			return refuse(call, RULE_OBJECTS_EXIST);
	if (value > 1)
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "the mode is 0 or 1"));
	iommufd->account_mm = value;
	return 0;
}

static int rlimit_mode(struct call *call, struct vfiosim_iommu_option *cmd)
{
	if (cmd->object_id)
		return refuse_option(call, "object_id", cmd->object_id);
	if (cmd->op == VFIOSIM_IOMMU_OPTION_OP_SET)
		return set_rlimit_mode(call, iommufd_of(call), cmd->val64);
	if (cmd->op != VFIOSIM_IOMMU_OPTION_OP_GET)
		return refuse_option(call, "op", cmd->op);
	cmd->val64 = iommufd_of(call)->account_mm;
	return 0;
}

static int huge_pages(struct call *call, struct vfiosim_iommu_option *cmd)
{
	struct ioas *ioas;
	int ret = ioas_find(call, iommufd_of(call), cmd->object_id, &ioas);

	if (ret)
		return ret;
	if (cmd->op == VFIOSIM_IOMMU_OPTION_OP_GET) {
		cmd->val64 = ioas->huge_pages;
		return 0;
	}
	if (cmd->op != VFIOSIM_IOMMU_OPTION_OP_SET)
		return refuse_option(call, "op", cmd->op);
	if (cmd->val64 > 1)
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "huge pages are 0 or 1"));
	if (!cmd->val64)
		return ioas_refuse_huge_pages(call, ioas);
	ioas->huge_pages = true;
	ioas_update_alignment(ioas);
	return 0;
}

static int option(struct call *call)
{
	struct vfiosim_iommu_option *cmd = (void *)call->in.bytes;
	int ret = check_reserved(call, cmd->reserved);

	if (ret)
		return ret;
	switch (cmd->option_id) {
	case VFIOSIM_IOMMU_OPTION_RLIMIT_MODE:
		return rlimit_mode(call, cmd);
	case VFIOSIM_IOMMU_OPTION_HUGE_PAGES:
		return huge_pages(call, cmd);
	default:
		return refuse_option(call, "option_id", cmd->option_id);
	}
}

/* ---- IOMMU_VFIO_IOAS ---- */

static int vfio_ioas(struct call *call)
{
	struct vfiosim_iommu_vfio_ioas *cmd = (void *)call->in.bytes;
	struct iommufd *iommufd = iommufd_of(call);
	int ret = check_reserved(call, cmd->reserved);

	if (ret)
		return ret;
	switch (cmd->op) {
	case VFIOSIM_IOMMU_VFIO_IOAS_GET:
		if (!iommufd->vfio_ioas)
			return refuse(call, RULE_NO_VFIO_IOAS);
		cmd->ioas_id = iommufd->vfio_ioas->object.id;
		return 0;
	case VFIOSIM_IOMMU_VFIO_IOAS_SET:
		return ioas_find(call, iommufd, cmd->ioas_id, &iommufd->vfio_ioas);
	case VFIOSIM_IOMMU_VFIO_IOAS_CLEAR:
		iommufd->vfio_ioas = NULL;
		return 0;
	default:
		return refuse_option(call, "op", cmd->op);
	}
}

/* ---- IOMMU_HWPT_ALLOC ---- */

static int find_device(struct call *call, uint32_t id, struct idev **ret_idev)
{
	struct object *object = object_find(iommufd_of(call), id, OBJECT_DEVICE);

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "physical device"), V("id", id));
	*ret_idev = (struct idev *)object;
	return 0;
}

static int refuse_unsupported(struct call *call, const struct vfiosim_topo_iommu *iommu,
			      const char *what)
{
	return refuse(call, RULE_UNSUPPORTED, VS("iommu", iommu->name), VS("what", what));
}

static int check_hwpt_flags(struct call *call, const struct vfiosim_iommu_hwpt_alloc *cmd,
			    const struct vfiosim_topo_iommu *iommu)
{
	int ret = check_flags(call, cmd->flags, 0xf);

	if (!ret && cmd->flags & VFIOSIM_HWPT_ALLOC_NEST_PARENT)
		ret = refuse_unsupported(call, iommu, "nesting");
	if (!ret && cmd->flags & VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING)
		ret = refuse_unsupported(call, iommu, "dirty tracking");
	if (!ret && cmd->data_type)
		ret = refuse(call, RULE_BAD_ARGUMENT,
			     VS("what", "an ioas takes no data of the IOMMU's own"));
	return ret;
}

static int hwpt_alloc_on(struct call *call, struct vfiosim_iommu_hwpt_alloc *cmd,
			 const struct vfiosim_topo_iommu *iommu, struct ioas *ioas)
{
	struct object *fault = NULL;
	struct hwpt *hwpt;
	int ret = check_hwpt_flags(call, cmd, iommu);

	if (!ret)
		ret = hwpt_check(call, ioas, iommu);
	if (!ret && cmd->flags & VFIOSIM_HWPT_FAULT_ID_VALID) {
		fault = object_find(iommufd_of(call), cmd->fault_id, OBJECT_FAULT);
		if (!fault)
			ret = refuse(call, RULE_NO_OBJECT, VS("what", "fault queue"),
				     V("id", cmd->fault_id));
	}
	if (ret)
		return ret;
	hwpt = hwpt_create(call, ioas, iommu, false);
	if (!hwpt)
		return -ENOMEM;
	hwpt->fault = fault;
	if (fault)
		fault->users++;
	cmd->out_hwpt_id = hwpt->object.id;
	return 0;
}

static int hwpt_alloc(struct call *call)
{
	struct vfiosim_iommu_hwpt_alloc *cmd = (void *)call->in.bytes;
	const struct vfiosim_topo_iommu *iommu;
	struct object *object;
	struct idev *idev = NULL;
	int ret = check_reserved(call, cmd->reserved);

	if (!ret && !cmd->data_type != !cmd->data_len)
		ret = refuse(call, RULE_BAD_ARGUMENT, VS("what", "data_len does not fit data_type"));
	if (!ret)
		ret = find_device(call, cmd->dev_id, &idev);
	if (ret)
		return ret;
	iommu = idev->dev->group->iommu;
	object = object_find(iommufd_of(call), cmd->pt_id, OBJECT_ANY);
	if (object && object->type == OBJECT_IOAS)
		return hwpt_alloc_on(call, cmd, iommu, (struct ioas *)object);
	if (object && object->type == OBJECT_HWPT)
		return refuse_unsupported(call, iommu, "nesting");
	return refuse(call, RULE_NOT_ATTACHABLE, V("id", cmd->pt_id));
}

static void undo_hwpt_alloc(struct call *call)
{
	const struct vfiosim_iommu_hwpt_alloc *cmd = (void *)call->in.bytes;

	undo_alloc(call, cmd->out_hwpt_id, OBJECT_HWPT);
}

/* ---- IOMMU_GET_HW_INFO ---- */

#define HW_INFO_INPUT_TYPE 1u
#define HW_INFO_TYPE_VTD 1u
#define HW_CAP_ATS_NOT_SUPPORTED 8u

static int put_hw_data(struct call *call, const struct vfiosim_topo_iommu *iommu,
		       struct vfiosim_iommu_hw_info *cmd)
{
	const struct vfiosim_iommu_hw_info_vtd vtd = {
		.cap_reg = iommu->vtd_cap,
		.ecap_reg = iommu->vtd_ecap,
	};
	uint8_t *data = calloc(1, cmd->data_len > sizeof(vtd) ? cmd->data_len : sizeof(vtd));
	int ret;

	if (!data)
		return refuse(call, RULE_NO_MEMORY);
	memcpy(data, &vtd, sizeof(vtd));
	ret = cmd->data_len ? call_out(call, cmd->data_uptr, data, cmd->data_len) : 0;
	free(data);
	cmd->data_len = sizeof(vtd);
	cmd->out_data_type = HW_INFO_TYPE_VTD;
	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

static int get_hw_info(struct call *call)
{
	struct vfiosim_iommu_hw_info *cmd = (void *)call->in.bytes;
	const struct vfiosim_topo_iommu *iommu;
	struct idev *idev = NULL;
	int ret = check_flags(call, cmd->flags, HW_INFO_INPUT_TYPE);

	if (!ret)
		ret = check_reserved(call, cmd->reserved[0] | cmd->reserved[1] | cmd->reserved[2]);
	if (!ret)
		ret = find_device(call, cmd->dev_id, &idev);
	if (ret)
		return ret;
	iommu = idev->dev->group->iommu;
	if (cmd->flags & HW_INFO_INPUT_TYPE && cmd->out_data_type)
		return refuse_option(call, "in_data_type", cmd->out_data_type);
	cmd->out_max_pasid_log2 = 0;
	cmd->out_capabilities = HW_CAP_ATS_NOT_SUPPORTED;
	if (iommu->vtd_cap)
		return put_hw_data(call, iommu, cmd);
	cmd->data_len = 0;
	cmd->out_data_type = 0;
	return 0;
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
	int ret = check_flags(call, cmd->flags, 1);

	if (!ret)
		ret = find_hwpt(call, cmd->hwpt_id, &hwpt);
	return ret ? ret : refuse_unsupported(call, hwpt->iommu, "dirty tracking");
}

/* Mirrors iommufd_check_iova_range: looked at before the hardware is. */
static int check_dirty_range(struct call *call,
			     const struct vfiosim_iommu_hwpt_get_dirty_bitmap *cmd)
{
	struct span span;

	if (!span_make(cmd->iova, cmd->length, &span))
		return refuse(call, RULE_IOVA_OVERFLOW, VS("what", "iova"), V("start", cmd->iova),
			      V("length", cmd->length));
	if (!cmd->page_size || cmd->page_size & (cmd->page_size - 1) ||
	    (cmd->iova | cmd->length) & (cmd->page_size - 1))
		return refuse(call, RULE_BAD_ARGUMENT, VS("what", "the range is not made of pages"));
	return 0;
}

static int get_dirty_bitmap(struct call *call)
{
	const struct vfiosim_iommu_hwpt_get_dirty_bitmap *cmd = (void *)call->in.bytes;
	struct hwpt *hwpt = NULL;
	int ret = check_flags(call, cmd->flags, 1);

	if (!ret)
		ret = check_reserved(call, cmd->reserved);
	if (!ret)
		ret = find_hwpt(call, cmd->hwpt_id, &hwpt);
	if (!ret)
		ret = check_dirty_range(call, cmd);
	return ret ? ret : refuse_unsupported(call, hwpt->iommu, "dirty tracking");
}

static int hwpt_invalidate(struct call *call)
{
	const struct vfiosim_iommu_hwpt_invalidate *cmd = (void *)call->in.bytes;
	int ret = check_reserved(call, cmd->reserved);

	if (!ret && cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len))
		ret = refuse(call, RULE_BAD_ARGUMENT, VS("what", "entries without a place or size"));
	if (ret)
		return ret;
	if (!object_find(iommufd_of(call), cmd->hwpt_id, OBJECT_ANY))
		return refuse(call, RULE_NO_OBJECT, VS("what", "hwpt"), V("id", cmd->hwpt_id));
	return refuse(call, RULE_BAD_ARGUMENT, VS("what", "only nested hwpts are invalidated"));
}

/* ---- Rows ---- */

#define FIELD(type_, field_, format_) \
	{ #field_, offsetof(struct type_, field_), sizeof(((struct type_ *)0)->field_), format_ }
#define FIELDS(name_, ...) \
	static const struct vfiosim_field name_[] = { __VA_ARGS__, { .name = NULL } }

FIELDS(destroy_fields, FIELD(vfiosim_iommu_destroy, id, VFIOSIM_DEC));
FIELDS(ioas_alloc_fields, FIELD(vfiosim_iommu_ioas_alloc, flags, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_alloc, out_ioas_id, VFIOSIM_DEC));
FIELDS(allow_fields, FIELD(vfiosim_iommu_ioas_allow_iovas, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_allow_iovas, num_iovas, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_allow_iovas, allowed_iovas, VFIOSIM_POINTER));
FIELDS(ranges_fields, FIELD(vfiosim_iommu_ioas_iova_ranges, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_iova_ranges, num_iovas, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_iova_ranges, allowed_iovas, VFIOSIM_POINTER),
       FIELD(vfiosim_iommu_ioas_iova_ranges, out_iova_alignment, VFIOSIM_DEC));
FIELDS(map_fields, FIELD(vfiosim_iommu_ioas_map, flags, VFIOSIM_FLAGS),
       FIELD(vfiosim_iommu_ioas_map, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_map, user_va, VFIOSIM_POINTER),
       FIELD(vfiosim_iommu_ioas_map, length, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_map, iova, VFIOSIM_HEX));
FIELDS(map_file_fields, FIELD(vfiosim_iommu_ioas_map_file, flags, VFIOSIM_FLAGS),
       FIELD(vfiosim_iommu_ioas_map_file, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_map_file, fd, VFIOSIM_FD),
       FIELD(vfiosim_iommu_ioas_map_file, start, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_map_file, length, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_map_file, iova, VFIOSIM_HEX));
FIELDS(copy_fields, FIELD(vfiosim_iommu_ioas_copy, flags, VFIOSIM_FLAGS),
       FIELD(vfiosim_iommu_ioas_copy, dst_ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_copy, src_ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_copy, length, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_copy, dst_iova, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_copy, src_iova, VFIOSIM_HEX));
FIELDS(unmap_fields, FIELD(vfiosim_iommu_ioas_unmap, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_ioas_unmap, iova, VFIOSIM_HEX),
       FIELD(vfiosim_iommu_ioas_unmap, length, VFIOSIM_HEX));
FIELDS(option_fields, FIELD(vfiosim_iommu_option, option_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_option, op, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_option, object_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_option, val64, VFIOSIM_HEX));
FIELDS(vfio_ioas_fields, FIELD(vfiosim_iommu_vfio_ioas, ioas_id, VFIOSIM_DEC),
       FIELD(vfiosim_iommu_vfio_ioas, op, VFIOSIM_DEC));
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

static const struct vfiosim_flag map_flags[] = {
	{ "FIXED_IOVA", VFIOSIM_IOAS_MAP_FIXED_IOVA },
	{ "WRITEABLE", VFIOSIM_IOAS_MAP_WRITEABLE },
	{ "READABLE", VFIOSIM_IOAS_MAP_READABLE },
	{ .name = NULL },
};
static const struct vfiosim_flag hwpt_flags[] = {
	{ "NEST_PARENT", VFIOSIM_HWPT_ALLOC_NEST_PARENT },
	{ "DIRTY_TRACKING", VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING },
	{ "FAULT_ID_VALID", VFIOSIM_HWPT_FAULT_ID_VALID },
	{ "PASID", VFIOSIM_HWPT_ALLOC_PASID },
	{ .name = NULL },
};

static const int object_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, EBUSY, ENOMEM, 0 };
static const int map_errors[] = { EFAULT, EINVAL, E2BIG,  EOPNOTSUPP, ENOENT, EEXIST,
				  ENOSPC, EPERM,  ENOMEM, EOVERFLOW,  0 };
static const int map_file_errors[] = { EFAULT, EINVAL, E2BIG,  EOPNOTSUPP, ENOENT, EBADF,
				       EEXIST, ENOSPC, ENOMEM, EOVERFLOW,  0 };
static const int unmap_errors[] = { EFAULT, EINVAL, E2BIG, ENOENT, EOVERFLOW, EBUSY, 0 };
static const int range_errors[] = { EFAULT, EINVAL,	E2BIG, EOPNOTSUPP, ENOENT, EMSGSIZE,
				    ENOMEM, EADDRINUSE, 0 };
static const int option_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, EPERM, EBUSY, ENODEV, 0 };
static const int hwpt_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENOMEM, EADDRINUSE, 0 };

#define IOMMU_COMMAND(name_, type_, min_, fields_, flags_, errors_, run_)                           \
	.row = { .name = #name_, .number = VFIOSIM_##name_, .kinds = VFIOSIM_IOMMUFD,               \
		 .family = VFIOSIM_SIZE_IOMMUFD, .min_size = (min_),                                 \
		 .full_size = sizeof(struct type_), .fields = fields_, .flags = flags_,             \
		 .errors = errors_ },                                                               \
	.run = run_, .back = sizeof(struct type_)
#define WHOLE(name_, type_, fields_, flags_, errors_, run_) \
	IOMMU_COMMAND(name_, type_, sizeof(struct type_), fields_, flags_, errors_, run_)

const struct command iommufd_commands[] = {
	{ WHOLE(IOMMU_DESTROY, vfiosim_iommu_destroy, destroy_fields, NULL, object_errors, destroy) },
	{ WHOLE(IOMMU_IOAS_ALLOC, vfiosim_iommu_ioas_alloc, ioas_alloc_fields, NULL, object_errors,
		ioas_alloc),
	  .undo = undo_ioas_alloc },
	{ WHOLE(IOMMU_IOAS_ALLOW_IOVAS, vfiosim_iommu_ioas_allow_iovas, allow_fields, NULL,
		range_errors, allow_iovas),
	  .prepare = prepare_allow },
	{ WHOLE(IOMMU_IOAS_COPY, vfiosim_iommu_ioas_copy, copy_fields, map_flags, map_errors,
		ioas_copy_cmd) },
	{ WHOLE(IOMMU_IOAS_IOVA_RANGES, vfiosim_iommu_ioas_iova_ranges, ranges_fields, NULL,
		range_errors, iova_ranges) },
	{ WHOLE(IOMMU_IOAS_MAP, vfiosim_iommu_ioas_map, map_fields, map_flags, map_errors,
		ioas_map_cmd) },
	{ WHOLE(IOMMU_IOAS_UNMAP, vfiosim_iommu_ioas_unmap, unmap_fields, NULL, unmap_errors,
		ioas_unmap_cmd) },
	{ WHOLE(IOMMU_OPTION, vfiosim_iommu_option, option_fields, NULL, option_errors, option) },
	{ WHOLE(IOMMU_VFIO_IOAS, vfiosim_iommu_vfio_ioas, vfio_ioas_fields, NULL, option_errors,
		vfio_ioas) },
	{ IOMMU_COMMAND(IOMMU_HWPT_ALLOC, vfiosim_iommu_hwpt_alloc,
			offsetof(struct vfiosim_iommu_hwpt_alloc, data_type), hwpt_fields, hwpt_flags,
			hwpt_errors, hwpt_alloc),
	  .undo = undo_hwpt_alloc },
	{ IOMMU_COMMAND(IOMMU_GET_HW_INFO, vfiosim_iommu_hw_info,
			offsetof(struct vfiosim_iommu_hw_info, out_capabilities), hw_info_fields, NULL,
			hwpt_errors, get_hw_info) },
	{ WHOLE(IOMMU_HWPT_SET_DIRTY_TRACKING, vfiosim_iommu_hwpt_set_dirty_tracking,
		set_dirty_fields, NULL, hwpt_errors, set_dirty_tracking) },
	{ WHOLE(IOMMU_HWPT_GET_DIRTY_BITMAP, vfiosim_iommu_hwpt_get_dirty_bitmap, get_dirty_fields,
		NULL, hwpt_errors, get_dirty_bitmap) },
	{ WHOLE(IOMMU_HWPT_INVALIDATE, vfiosim_iommu_hwpt_invalidate, invalidate_fields, NULL,
		hwpt_errors, hwpt_invalidate) },
	{ WHOLE(IOMMU_IOAS_MAP_FILE, vfiosim_iommu_ioas_map_file, map_file_fields, map_flags,
		map_file_errors, map_file_run),
	  .prepare = map_file_prepare },
	{ WHOLE(IOMMU_IOAS_CHANGE_PROCESS, vfiosim_iommu_change_process, NULL, NULL, object_errors,
		change_process_run) },
	{ .row = { .name = NULL } },
};
