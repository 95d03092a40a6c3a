/* SPDX-License-Identifier: MIT */
/*
 * The commands of /dev/iommu, apart from those that need hardware this machine does
 * not simulate (iommufd_absent_cmds.c), and the rows of those about files
 * (iommufd_file_cmds.c). Mirrors drivers/iommu/iommufd/ (7.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/topology.h>

#include "abi/dispatch.h"
#include "abi/iommufd_cmds.h"
#include "machine/client.h"
#include "machine/kernel.h"
#include "iommufd/hwpt.h"
#include "iommufd/device.h"
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"

/* The last number that the kernel's own table has a place for. */
static unsigned last_number(const struct vfiosim *sim)
{
	const struct vfiosim_command *row;
	unsigned last = 0;

	if (sim->topology->config_iommufd_test)
		return 0xa0;	/* IOMMU_TEST_CMD */
	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (row->kinds == VFIOSIM_IOMMUFD && _IOC_NR(row->number) > last &&
		    row->family == VFIOSIM_SIZE_IOMMUFD &&
		    kernel_since(sim, row->since.major, row->since.minor))
			last = _IOC_NR(row->number);
	return last;
}

/* Numbers of the kernel's own table: it reads the size before it looks what they are. */
static bool in_table(const struct vfiosim *sim, uint32_t number)
{
	return _IOC_NR(number) >= 0x80 && _IOC_NR(number) <= last_number(sim);
}

int iommufd_refuse_unknown(struct call *call)
{
	uint32_t size;

	if (in_table(call->sim, call->number) && call_read(call, call->arg, &size, sizeof(size)))
		return refuse_address(call, call->arg, "read");
	return refuse_unknown(call);
}

int iommufd_check_flags(struct call *call, uint32_t flags, uint32_t known)
{
	if (!(flags & ~known))
		return 0;
	return refuse(call, RULE_UNKNOWN_OPTION, VS("field", "flags"), V("value", flags));
}

int iommufd_check_reserved(struct call *call, uint64_t reserved)
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
	int ret = iommufd_check_flags(call, cmd->flags, 0);

	if (ret)
		return ret;
	ioas = ioas_create(call, iommufd_of(call));
	if (!ioas)
		return -ENOMEM;
	cmd->out_ioas_id = ioas->object.id;
	return 0;
}

/* The client never learnt the id: the object goes again, unless it was guessed and used. */
void iommufd_undo_alloc(struct call *call, uint32_t id, enum object_type type)
{
	struct object *object = object_find(iommufd_of(call), id, type);

	if (object && !object_in_use(object))
		object_destroy(call, object);
}

static void undo_ioas_alloc(struct call *call)
{
	const struct vfiosim_iommu_ioas_alloc *cmd = (void *)call->in.bytes;

	iommufd_undo_alloc(call, cmd->out_ioas_id, OBJECT_IOAS);
}

/* ---- IOMMU_IOAS_ALLOW_IOVAS ---- */

#define ALLOWED_CHUNK 256	/* ranges copied at a time */
#define ALLOWED_MAX (1u << 20)

/* The list as it was read and checked. Its defects are reported only if the ioas exists. */
struct allowed_list {
	struct vfiosim_iommu_iova_range *items;
	uint32_t n, capacity;
	int error;			/* why the rest could not be read: -EFAULT, -ENOMEM */
	bool bad, overlaps;		/* items[at] is empty, or overlaps another */
	uint32_t at;
	struct ranges ranges;
};

static void free_allowed(struct call *call)
{
	struct allowed_list *list = call_state(call, struct allowed_list);

	free(list->items);
	ranges_done(&list->ranges);
}

/* Room for ALLOWED_CHUNK more, within ALLOWED_MAX. */
static int grow_allowed(struct allowed_list *list)
{
	uint32_t capacity = list->capacity ? 2 * list->capacity : ALLOWED_CHUNK;
	void *grown;

	if (list->n + ALLOWED_CHUNK <= list->capacity)
		return 0;
	if (capacity > ALLOWED_MAX)
		return -ENOMEM;
	grown = reallocarray(list->items, capacity, sizeof(list->items[0]));
	if (!grown)
		return -ENOMEM;
	list->items = grown;
	list->capacity = capacity;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct vfiosim_iommu_iova_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Mirrors iopt_load_allowed: one byte is no range, and none may overlap another. -ENOMEM. */
static int load_allowed(struct allowed_list *list)
{
	if (list->n)
		qsort(list->items, list->n, sizeof(list->items[0]), by_start);
	for (uint32_t i = 0; i < list->n && !list->bad; i++) {
		const struct vfiosim_iommu_iova_range *range = &list->items[i];

		list->at = i;
		list->overlaps = i && range->start <= list->items[i - 1].last;
		list->bad = list->overlaps || range->start >= range->last;
		if (!list->bad &&
		    ranges_append(&list->ranges, (struct span){ range->start, range->last }))
			return -ENOMEM;
	}
	return 0;
}

/* As many as can be read; what lies beyond is asked for one by one. */
static void read_allowed(struct call *call, struct allowed_list *list, uint64_t uva, uint32_t n)
{
	size_t size = sizeof(list->items[0]);
	uint32_t part = ALLOWED_CHUNK;

	while (list->n < n && !list->error) {
		if (part > n - list->n)
			part = n - list->n;
		list->error = grow_allowed(list);
		if (!list->error)
			list->error = call_read(call, uva + list->n * size, list->items + list->n, part * size);
		if (!list->error) {
			list->n += part;
		} else if (list->error != -ENOMEM && part > 1) {
			list->error = 0;
			part = 1;
		}
	}
}

/* Reads and checks the list here, without the lock: it may have a million entries. */
static int prepare_allow(struct call *call)
{
	const struct vfiosim_iommu_ioas_allow_iovas *cmd = (void *)call->in.bytes;
	struct allowed_list *list = call_state(call, struct allowed_list);

	read_allowed(call, list, cmd->allowed_iovas, cmd->num_iovas);
	return load_allowed(list) ? refuse(call, RULE_NO_MEMORY) : 0;
}

static int allow_iovas(struct call *call)
{
	const struct vfiosim_iommu_ioas_allow_iovas *cmd = (void *)call->in.bytes;
	struct allowed_list *list = call_state(call, struct allowed_list);
	struct ioas *ioas = NULL;
	int ret = iommufd_check_reserved(call, cmd->reserved);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);
	/* The kernel looks at each before it reads the next. */
	if (!ret && list->bad)
		ret = refuse(call, RULE_BAD_ALLOWED, V("first", list->items[list->at].start),
			     V("last", list->items[list->at].last),
			     VS("problem", list->overlaps ? "overlaps another" : "is empty"));
	if (!ret && list->error)
		ret = list->error == -ENOMEM ? refuse(call, RULE_NO_MEMORY) :
					       refuse_address(call, cmd->allowed_iovas, "read");
	return ret ? ret : ioas_allow(call, ioas, &list->ranges);
}

/* ---- IOMMU_IOAS_IOVA_RANGES ---- */

static int iova_ranges(struct call *call)
{
	struct vfiosim_iommu_ioas_iova_ranges *cmd = (void *)call->in.bytes;
	uint32_t room = cmd->num_iovas;
	struct ranges ranges;
	struct ioas *ioas;
	int ret = iommufd_check_reserved(call, cmd->reserved);

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
		call->result.answer_anyway = true;
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
	int ret = iommufd_check_flags(call, flags, VFIOSIM_IOAS_MAP_FIXED_IOVA | MAP_ACCESS);

	if (!ret)
		ret = iommufd_check_reserved(call, reserved);
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

int iommufd_refuse_option(struct call *call, const char *field, uint64_t value)
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
		return iommufd_refuse_option(call, "object_id", cmd->object_id);
	if (cmd->op == VFIOSIM_IOMMU_OPTION_OP_SET)
		return set_rlimit_mode(call, iommufd_of(call), cmd->val64);
	if (cmd->op != VFIOSIM_IOMMU_OPTION_OP_GET)
		return iommufd_refuse_option(call, "op", cmd->op);
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
		return iommufd_refuse_option(call, "op", cmd->op);
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
	int ret = iommufd_check_reserved(call, cmd->reserved);

	if (ret)
		return ret;
	switch (cmd->option_id) {
	case VFIOSIM_IOMMU_OPTION_RLIMIT_MODE:
		return rlimit_mode(call, cmd);
	case VFIOSIM_IOMMU_OPTION_HUGE_PAGES:
		return huge_pages(call, cmd);
	default:
		return iommufd_refuse_option(call, "option_id", cmd->option_id);
	}
}

/* ---- IOMMU_VFIO_IOAS ---- */

static int vfio_ioas(struct call *call)
{
	struct vfiosim_iommu_vfio_ioas *cmd = (void *)call->in.bytes;
	struct iommufd *iommufd = iommufd_of(call);
	int ret = iommufd_check_reserved(call, cmd->reserved);

	if (ret)
		return ret;
	call->result.mute = cmd->op != VFIOSIM_IOMMU_VFIO_IOAS_GET;
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
		return iommufd_refuse_option(call, "op", cmd->op);
	}
}

/* ---- Rows ---- */

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
static const struct vfiosim_flag map_flags[] = {
	{ "FIXED_IOVA", VFIOSIM_IOAS_MAP_FIXED_IOVA },
	{ "WRITEABLE", VFIOSIM_IOAS_MAP_WRITEABLE },
	{ "READABLE", VFIOSIM_IOAS_MAP_READABLE },
	{ .name = NULL },
};
static const int destroy_errors[] = { EFAULT, EINVAL, E2BIG, ENOENT, EBUSY, 0 };
static const int alloc_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOMEM, 0 };
static const int map_errors[] = { EFAULT, EINVAL, E2BIG,  EOPNOTSUPP, ENOENT, EEXIST,
				  ENOSPC, ENOMEM, EOVERFLOW, ERANGE, 0 };
static const int copy_errors[] = { EFAULT, EINVAL, E2BIG,  EOPNOTSUPP, ENOENT, EEXIST,
				   ENOSPC, EPERM,  ENOMEM, EOVERFLOW,  ERANGE, 0 };
static const int map_file_errors[] = { EFAULT, EINVAL, E2BIG,  EOPNOTSUPP, ENOENT, EBADF,
				       EEXIST, ENOSPC, ENOMEM, EOVERFLOW,  ERANGE, 0 };
static const int unmap_errors[] = { EFAULT, EINVAL, E2BIG, ENOENT, EOVERFLOW, EBUSY, 0 };
static const int allow_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENOMEM, EADDRINUSE, 0 };
static const int range_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, EMSGSIZE, 0 };
static const int option_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT,
				     EPERM,  EBUSY,  EADDRINUSE, 0 };
static const int vfio_ioas_errors[] = { EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOENT, ENODEV, 0 };
const struct command iommufd_commands[] = {
	{ WHOLE_MUTE(IOMMU_DESTROY, vfiosim_iommu_destroy, destroy_fields, NULL, destroy_errors,
		     destroy) },
	{ WHOLE(IOMMU_IOAS_ALLOC, vfiosim_iommu_ioas_alloc, ioas_alloc_fields, NULL, alloc_errors,
		ioas_alloc),
	  .undo = undo_ioas_alloc },
	{ WHOLE_MUTE(IOMMU_IOAS_ALLOW_IOVAS, vfiosim_iommu_ioas_allow_iovas, allow_fields, NULL,
		     allow_errors, allow_iovas),
	  .state = sizeof(struct allowed_list),
	  .state_done = free_allowed,
	  .prepare = prepare_allow },
	{ WHOLE(IOMMU_IOAS_COPY, vfiosim_iommu_ioas_copy, copy_fields, map_flags, copy_errors,
		ioas_copy_cmd),
	  .row.unanswered = VFIOSIM_STAYS },
	{ WHOLE(IOMMU_IOAS_IOVA_RANGES, vfiosim_iommu_ioas_iova_ranges, ranges_fields, NULL,
		range_errors, iova_ranges) },
	{ WHOLE(IOMMU_IOAS_MAP, vfiosim_iommu_ioas_map, map_fields, map_flags, map_errors,
		ioas_map_cmd),
	  .row.unanswered = VFIOSIM_STAYS },
	{ WHOLE(IOMMU_IOAS_UNMAP, vfiosim_iommu_ioas_unmap, unmap_fields, NULL, unmap_errors,
		ioas_unmap_cmd),
	  .row.unanswered = VFIOSIM_STAYS },
	{ WHOLE(IOMMU_OPTION, vfiosim_iommu_option, option_fields, NULL, option_errors, option),
	  .row.unanswered = VFIOSIM_STAYS },
	{ WHOLE(IOMMU_VFIO_IOAS, vfiosim_iommu_vfio_ioas, vfio_ioas_fields, NULL, vfio_ioas_errors,
		vfio_ioas) },
	{ WHOLE(IOMMU_IOAS_MAP_FILE, vfiosim_iommu_ioas_map_file, map_file_fields, map_flags,
		map_file_errors, map_file_run),
	  .row.since = { 6, 13 },
	  .row.unanswered = VFIOSIM_STAYS,
	  .state = sizeof(struct map_file_state),
	  .state_done = map_file_done,
	  .prepare = map_file_prepare },
	{ WHOLE_MUTE(IOMMU_IOAS_CHANGE_PROCESS, vfiosim_iommu_change_process, NULL, NULL,
		     alloc_errors, change_process_run),
	  .row.since = { 6, 13 } },
	{ .row = { .name = NULL } },
};
