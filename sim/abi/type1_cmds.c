/* SPDX-License-Identifier: MIT */
/* The commands of a container whose IOMMU driver is type1. */
#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <string.h>

#include "abi/dispatch.h"
#include "abi/type1_caps.h"
#include "abi/type1_fields.h"
#include "machine/client.h"
#include "machine/fault.h"
#include "machine/kernel.h"
#include "vfio/container.h"
#include "vfio/type1.h"

/*
 * The first address that no program has (access_ok). Addresses are those of the computer that the
 * program runs on, whatever machine is simulated. arm64 gives 48 or 52 bits: what lies between
 * cannot be written on a kernel of 48, so the answer there is EFAULT.
 */
#if defined(__x86_64__)
#define TASK_SIZE 0x7ffffffff000ull
#elif defined(__aarch64__)
#define TASK_SIZE (1ull << 52)
#else
#error "type1_cmds.c: where does a program's half of memory end?"
#endif
#define BITMAP_BYTES_MAX (1ull << 28)	/* DIRTY_BITMAP_SIZE_MAX */

static struct type1 *type1_of(const struct call *call)
{
	return container_from_file(call->file)->type1;
}

/* ---- VFIO_IOMMU_GET_INFO ---- */

/* Without ranges, the container never held a physical group. */
static bool add_caps(struct caps *caps, const struct type1 *type1)
{
	return caps_add_migration(caps, type1_page(type1), BITMAP_BYTES_MAX) &&
	       caps_add_dma_avail(caps, type1->dma_avail) &&
	       (!type1->ranges.n || caps_add_iova_ranges(caps, &type1->ranges));
}

static int get_info(struct call *call)
{
	uint64_t avail;
	struct vfio_iommu_type1_info *info = (void *)call->in.bytes;
	struct type1 *type1 = type1_of(call);
	struct caps caps = { .packed = !kernel_has(call->sim, KERNEL_CAPS_ALIGNED) };

	if (fault_sets(call, "dma_avail", &avail) && avail < type1->dma_avail)
		type1->dma_avail = (uint32_t)avail;	/* others have taken them */
	if (!add_caps(&caps, type1)) {
		caps_done(&caps);
		return refuse(call, RULE_NO_MEMORY);
	}
	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = type1->page_sizes;
	return caps_put(call, &caps, sizeof(*info), info->argsz, &info->argsz, &info->cap_offset);
}

/* ---- VFIO_IOMMU_MAP_DMA ---- */

static int map_dma(struct call *call)
{
	const struct vfio_iommu_type1_dma_map *map = (void *)call->in.bytes;
	const struct type1_map_args args = {
		.iova = map->iova,
		.uva = map->vaddr,
		.size = map->size,
		.read = map->flags & VFIO_DMA_MAP_FLAG_READ,
		.write = map->flags & VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = map->flags & VFIO_DMA_MAP_FLAG_VADDR,
	};

	return type1_map(call, type1_of(call), &args);
}

struct map_state {
	bool pins;		/* there is a domain: the pages are looked at */
};

static int early_map(struct call *call)
{
	call_state(call, struct map_state)->pins = !TAILQ_EMPTY(&type1_of(call)->domains);
	return 0;
}

static int prepare_map(struct call *call)
{
	const struct vfio_iommu_type1_dma_map *map = (void *)call->in.bytes;
	bool pins = call_state(call, struct map_state)->pins;
	struct span uva;

	return call_prefetch(call, pins && span_make(map->vaddr, map->size, &uva) ? &uva : NULL);
}

/* ---- Bitmaps ---- */

/* What can be said of a bitmap for @size bytes of iova without looking at the container. */
static int check_bitmap(struct call *call, const struct vfio_bitmap *bitmap, uint64_t size)
{
	uint64_t data = (uintptr_t)bitmap->data, end;

	if (__builtin_add_overflow(data, bitmap->size, &end) || end > TASK_SIZE)
		return refuse(call, RULE_BITMAP_ADDRESS, V("size", bitmap->size), V("uva", data));
	if (!bitmap->pgsize)
		return refuse(call, RULE_BITMAP_PAGE, V("pgsize", 0), V("page", VFIOSIM_PAGE_SIZE));
	return type1_check_bitmap(call, size >> __builtin_ctzll(bitmap->pgsize), bitmap->size);
}

/* May the caller write to all of @length bytes at @uva, and is there anything? */
static bool writable(struct call *call, uint64_t uva, uint64_t length)
{
	const struct vfiosim_client *client = call->caller->client;
	struct vfiosim_vmas vmas = { 0 };
	uint64_t at = uva, last = uva + length - 1;
	bool ok = false;

	if (!client->ops->vmas(client->ctx, uva, last, &vmas))
		for (size_t i = 0; i < vmas.n && !ok; i++) {
			const struct vfiosim_vma *vma = &vmas.items[i];

			if (vma->first > at || !vma->writable || vma->kind == VFIOSIM_VMA_NEVER)
				break;
			ok = vma->last >= last;
			at = vma->last + 1;
		}
	vfiosim_vmas_done(&vmas);
	return ok;
}

/* ---- VFIO_IOMMU_UNMAP_DMA ---- */

/* Behind the structure, when GET_DIRTY_BITMAP is set: see copy_in(). */
struct unmap {
	struct vfio_iommu_type1_dma_unmap args;
	struct vfio_bitmap bitmap;
};

struct unmap_state {
	bool writable;		/* the caller can write to all of the bitmap */
};

static int prepare_unmap(struct call *call)
{
	struct unmap *unmap = (void *)call->in.bytes;
	const uint32_t others = VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR;
	const size_t wanted = sizeof(unmap->args) + sizeof(unmap->bitmap);

	if (!(unmap->args.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP))
		return 0;
	if (unmap->args.flags & others)
		return refuse(call, RULE_BITMAP_WITH_ALL);
	if (unmap->args.argsz < wanted)
		return refuse(call, RULE_ARGSZ_TOO_SMALL, V("argsz", unmap->args.argsz),
			      V("min", wanted));
	if (call_read(call, call->arg + sizeof(unmap->args), &unmap->bitmap, sizeof(unmap->bitmap)))
		return refuse_address(call, call->arg + sizeof(unmap->args), "read");
	call_state(call, struct unmap_state)->writable =
		writable(call, (uintptr_t)unmap->bitmap.data, unmap->bitmap.size);
	return check_bitmap(call, &unmap->bitmap, unmap->args.size);
}

static int unmap_dma(struct call *call)
{
	struct unmap *unmap = (void *)call->in.bytes;
	const struct dirty_bitmap bitmap = {
		.page = unmap->bitmap.pgsize,
		.size = unmap->bitmap.size,
		.uva = (uintptr_t)unmap->bitmap.data,
		.error = call_state(call, struct unmap_state)->writable ? 0 : -EFAULT,
	};
	const bool wanted = unmap->args.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	struct type1_unmap_args args = {
		.iova = unmap->args.iova,
		.size = unmap->args.size,
		.all = unmap->args.flags & VFIO_DMA_UNMAP_FLAG_ALL,
		.vaddr = unmap->args.flags & VFIO_DMA_UNMAP_FLAG_VADDR,
		.bitmap = wanted ? &bitmap : NULL,
	};
	uint64_t size;
	int ret;

	if (!fault_sets(call, "size", &args.most))
		args.most = UINT64_MAX;
	ret = type1_unmap(call, type1_of(call), &args, &size);

	if (!ret)
		unmap->args.size = size;
	return ret;
}

/* ---- VFIO_IOMMU_DIRTY_PAGES ---- */

struct dirty {
	struct vfio_iommu_type1_dirty_bitmap args;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

static int early_dirty(struct call *call)
{
	return type1_of(call)->v2 ? 0 : refuse(call, RULE_DIRTY_V1);
}

static int prepare_dirty(struct call *call)
{
	struct dirty *dirty = (void *)call->in.bytes;
	const size_t wanted = sizeof(dirty->args) + sizeof(dirty->range);
	struct span span;

	if (!dirty->args.flags || dirty->args.flags & (dirty->args.flags - 1))
		return refuse(call, RULE_DIRTY_ONE_FLAG);
	if (!(dirty->args.flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP))
		return 0;
	if (dirty->args.argsz < wanted)
		return refuse(call, RULE_ARGSZ_TOO_SMALL, V("argsz", dirty->args.argsz),
			      V("min", wanted));
	if (call_read(call, call->arg + sizeof(dirty->args), &dirty->range, sizeof(dirty->range)))
		return refuse_address(call, call->arg + sizeof(dirty->args), "read");
	if (dirty->range.size && !span_make(dirty->range.iova, dirty->range.size, &span))
		return refuse(call, RULE_WRAPS, VS("what", "iova"), V("start", dirty->range.iova),
			      V("size", dirty->range.size));
	return check_bitmap(call, &dirty->range.bitmap, dirty->range.size);
}

static int dirty_pages(struct call *call)
{
	const struct dirty *dirty = (void *)call->in.bytes;
	const struct vfio_bitmap *wanted = &dirty->range.bitmap;
	const struct dirty_bitmap bitmap = {
		.page = wanted->pgsize,
		.size = wanted->size,
		.uva = (uintptr_t)wanted->data,
	};

	if (dirty->args.flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_START)
		return type1_dirty_start(call, type1_of(call));
	if (dirty->args.flags & VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP)
		return type1_dirty_get(call, type1_of(call), dirty->range.iova, dirty->range.size,
				       &bitmap);
	type1_dirty_stop(call, type1_of(call));
	return 0;
}

/* ---- Rows ---- */

static const struct vfiosim_field dirty_fields[] = {
	{ "argsz", 0, 4, VFIOSIM_DEC },
	{ "flags", 4, 4, VFIOSIM_FLAGS },
	{ .name = NULL },
};
static const struct vfiosim_flag dirty_flags[] = {
	{ "START", VFIO_IOMMU_DIRTY_PAGES_FLAG_START },
	{ "STOP", VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP },
	{ "GET_BITMAP", VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
	{ .name = NULL },
};
static const int info_errors[] = { EFAULT, EINVAL, ENOTTY, ENOMEM, 0 };
static const int map_errors[] = { EFAULT, EINVAL, EOVERFLOW, EEXIST, ENOENT,
				  ENOSPC, ENOMEM, ERANGE,    ENOTTY, 0 };
static const int unmap_errors[] = { EFAULT, EINVAL, EOVERFLOW, EBUSY, ENOTTY, 0 };
static const int dirty_errors[] = { EFAULT, EINVAL, EACCES, EOVERFLOW, ENOTTY, ENOMEM, 0 };

#define TYPE1_COMMAND(name_, min_, full_)                                                          \
	.name = #name_, .number = name_, .kinds = VFIOSIM_CONTAINER, .needs_iommu = true,          \
	.family = VFIOSIM_SIZE_ARGSZ, .min_size = min_, .full_size = full_

static const char *const info_sets[] = { "dma_avail", NULL };
static const char *const unmap_sets[] = { "size", NULL };	/* fewer bytes than asked for */

const struct command type1_commands[] = {
	{ .row = { TYPE1_COMMAND(VFIO_IOMMU_GET_INFO,
				 offsetof(struct vfio_iommu_type1_info, cap_offset),
				 sizeof(struct vfio_iommu_type1_info)),
		   .fields = type1_info_fields, .flags = type1_info_flags,
		   .errors = info_errors, .sets = info_sets },
	  .run = get_info,
	  .back = sizeof(struct vfio_iommu_type1_info) },
	{ .row = { TYPE1_COMMAND(VFIO_IOMMU_MAP_DMA, sizeof(struct vfio_iommu_type1_dma_map),
				 sizeof(struct vfio_iommu_type1_dma_map)),
		   .checks_flags = true, .known_flags = 7, .fields = type1_map_fields,
		   .flags = type1_map_flags, .errors = map_errors },
	  .state = sizeof(struct map_state),
	  .early = early_map,
	  .prepare = prepare_map,
	  .run = map_dma },
	{ .row = { TYPE1_COMMAND(VFIO_IOMMU_UNMAP_DMA, sizeof(struct vfio_iommu_type1_dma_unmap),
				 sizeof(struct vfio_iommu_type1_dma_unmap)),
		   .checks_flags = true, .known_flags = 7, .fields = type1_unmap_fields,
		   .flags = type1_unmap_flags, .errors = unmap_errors, .sets = unmap_sets,
		   .unanswered = VFIOSIM_STAYS },
	  .state = sizeof(struct unmap_state),
	  .prepare = prepare_unmap,
	  .run = unmap_dma,
	  .back = sizeof(struct vfio_iommu_type1_dma_unmap) },
	{ .row = { TYPE1_COMMAND(VFIO_IOMMU_DIRTY_PAGES,
				 sizeof(struct vfio_iommu_type1_dirty_bitmap),
				 sizeof(struct vfio_iommu_type1_dirty_bitmap)),
		   .checks_flags = true, .known_flags = 7, .fields = dirty_fields,
		   .flags = dirty_flags, .errors = dirty_errors },
	  .early = early_dirty,
	  .prepare = prepare_dirty,
	  .run = dirty_pages },
	{ .row = { .name = NULL } },
};
