/* SPDX-License-Identifier: MIT */
/* VFIO_IOMMU_UNMAP_DMA. Mirrors vfio_dma_do_unmap (7.2). */
#include <errno.h>

#include "vfio/container.h"
#include "vfio/device.h"
#include "vfio/group.h"
#include "machine/fault.h"
#include "machine/sim.h"
#include "vfio/type1.h"

static int check_args(struct call *call, const struct type1 *type1,
		      const struct type1_unmap_args *args, struct span *ret_iova)
{
	uint64_t page = type1_page(type1);

	if (args->vaddr && type1->n_emulated)
		return refuse(call, RULE_VADDR_MDEV);
	if (args->iova & (page - 1))
		return refuse(call, RULE_MISALIGNED, VS("what", "iova"), V("value", args->iova),
			      V("page", page));
	if (args->all && (args->iova || args->size))
		return refuse(call, RULE_ALL_WITH_RANGE);
	if (args->all) {
		*ret_iova = SPAN_ALL;
		return 0;
	}
	if (!args->size)
		return refuse(call, RULE_EMPTY);
	if (args->size & (page - 1))
		return refuse(call, RULE_MISALIGNED, VS("what", "size"), V("value", args->size),
			      V("page", page));
	if (!span_make(args->iova, args->size, ret_iova))
		return refuse(call, RULE_WRAPS, VS("what", "iova"), V("start", args->iova),
			      V("size", args->size));
	return 0;
}

static int refuse_bisect(struct call *call, struct span iova, const struct area *other)
{
	return refuse(call, RULE_BISECTS, V("first", iova.first), V("last", iova.last),
		      V("other.first", other->iova.first), V("other.last", other->iova.last));
}

/* v2 removes whole mappings or nothing. @lowest: the first that ends in @iova or above, or NULL. */
static int check_bisect(struct call *call, const struct type1 *type1, struct span iova,
			const struct area *lowest)
{
	const struct area *edge;

	if (!lowest)
		return 0;
	if (lowest->iova.first < iova.first)
		return refuse_bisect(call, iova, lowest);
	if (lowest->iova.last == iova.last)
		return 0;	/* exactly one: what nearly every unmap is */
	edge = iopt_at(&type1->iopt, iova.last);
	if (edge && edge->iova.last != iova.last)
		return refuse_bisect(call, iova, edge);
	return 0;
}

static int check_bitmap(struct call *call, const struct type1 *type1,
			const struct dirty_bitmap *bitmap)
{
	if (!type1->tracking)
		return refuse(call, RULE_NOT_TRACKING);
	if (bitmap->page != type1_page(type1))
		return refuse(call, RULE_BITMAP_PAGE, V("pgsize", bitmap->page),
			      V("page", type1_page(type1)));
	return 0;
}

/* All or nothing: one that is invalid already undoes the rest. */
static int invalidate_vaddrs(struct call *call, struct type1 *type1, struct span iova,
			     uint64_t *ret_size)
{
	struct span_cursor cursor;
	struct area *area;

	iopt_for_each(&type1->iopt, &cursor, area, iova.first, iova.last)
		if (area->flags & AREA_VADDR_INVALID)
			return refuse(call, RULE_VADDR_TWICE, V("first", area->iova.first),
				      V("last", area->iova.last));
	iopt_for_each(&type1->iopt, &cursor, area, iova.first, iova.last) {
		area->flags |= AREA_VADDR_INVALID;
		call->sim->areas_changed++;
		type1->n_vaddr_invalid++;
		*ret_size += span_length(area->iova);
	}
	return 0;
}

/* Tells the open mdevs of the container that these pages go. Mirrors vfio_notify_dma_unmap. */
static void notify_devices(struct call *call, struct type1 *type1, struct span iova)
{
	struct vfio_group *group;
	struct device *dev;

	TAILQ_FOREACH(group, &type1->container->groups, in_container)
		TAILQ_FOREACH(dev, &group->iommu_group->devices, in_group)
			if (dev->vfio && dev->vfio->open_count && dev->vfio->ops->dma_unmap)
				dev->vfio->ops->dma_unmap(call, dev, iova);
}

static void remove_area(struct call *call, struct type1 *type1, const struct span_cursor *at)
{
	struct area *area = at->item;

	if (area->n_accesses)
		notify_devices(call, type1, area->iova);
	changed(call, "mapping {first}..{last} removed, {pages:d} pages uncharged",
		V("first", area->iova.first), V("last", area->iova.last),
		V("pages", area->pages->npinned));
	if (area->flags & AREA_VADDR_INVALID)
		type1->n_vaddr_invalid--;
	iopt_remove_at(&type1->iopt, at);
	area_destroy(area);
	type1->dma_avail++;
}

/*
 * Yields the lock where @type1 is unmapped below *@next. Not while faults are armed, whose
 * rules count runs, nor for a dirty bitmap, which is a snapshot. A mapping that another
 * thread has made across *@next stays: it is newer than this command. False: nothing is left.
 */
static bool yield(struct call *call, struct type1 *type1, const struct type1_unmap_args *args,
		  uint64_t *next)
{
	const struct area *area;

	if (args->bitmap || fault_armed(call->sim))
		return true;
	if (!type1_yield(call, type1))
		return false;
	area = iopt_at(&type1->iopt, *next);
	if (!area || area->iova.first == *next)
		return true;
	*next = area->iova.last + 1;
	return *next;	/* 0: it ends where addresses end */
}

int type1_unmap(struct call *call, struct type1 *type1, const struct type1_unmap_args *args,
		uint64_t *ret_size)
{
	struct span_cursor cursor;
	struct area *area;
	uint64_t size = 0, next;
	struct span iova = { 0 };
	unsigned n = 0;
	int ret = check_args(call, type1, args, &iova);
	bool more;

	if (!ret && args->bitmap)
		ret = check_bitmap(call, type1, args->bitmap);
	more = !ret && span_set_seek(&type1->iopt.set, iova.first, &cursor);
	if (!ret && type1->v2 && !args->all)
		ret = check_bisect(call, type1, iova, more ? cursor.item : NULL);
	if (!ret && args->vaddr)
		ret = invalidate_vaddrs(call, type1, iova, &size);
	if (ret)
		return ret;

	for (; more && !args->vaddr; more = span_set_seek(&type1->iopt.set, next, &cursor)) {
		area = cursor.item;
		/* v1 removes whole mappings, but none that begins before the range. With v2 none
		   crosses its ends, unless another thread has made it after a yield. */
		if (area->iova.first > iova.last || area->iova.first < iova.first ||
		    (type1->v2 && area->iova.last > iova.last))
			break;
		if (size + span_length(area->iova) > args->most)
			break;
		if (args->bitmap) {
			ret = type1_report_dirty(call, type1, area, iova.first, args->bitmap);
			if (ret)
				return ret;
		}
		next = area->iova.last;
		size += span_length(area->iova);
		remove_area(call, type1, &cursor);
		if (next++ >= iova.last)
			break;
		if (++n % IOPT_PIECE == 0 && !yield(call, type1, args, &next))
			break;
	}
	*ret_size = size;
	return 0;
}
