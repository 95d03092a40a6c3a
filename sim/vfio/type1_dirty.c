/* SPDX-License-Identifier: MIT */
/*
 * VFIO_IOMMU_DIRTY_PAGES. Mirrors vfio_iommu_type1_dirty_pages (7.2).
 *
 * An IOMMU without dirty tracking cannot tell what a physical device wrote, so
 * while one is attached every page of a mapping is dirty at every look. With mdevs
 * only, what they pinned is, and what was written through the container since.
 */
#include <errno.h>
#include <stdlib.h>

#include "machine/sim.h"
#include "vfio/type1.h"

#define BITMAP_BYTES_MAX (1ull << 28)	/* DIRTY_BITMAP_SIZE_MAX: 2^31 pages */

int type1_dirty_start(struct call *call, struct type1 *type1)
{
	struct span_cursor cursor;
	struct area *area;

	if (type1->tracking)
		return 0;
	iopt_for_each(&type1->iopt, &cursor, area, 0, UINT64_MAX)
		area_repopulate_dirty(area);
	type1->tracking = true;
	changed(call, "dirty tracking started");
	return 0;
}

void type1_dirty_stop(struct call *call, struct type1 *type1)
{
	struct span_cursor cursor;
	struct area *area;

	if (!type1->tracking)
		return;
	iopt_for_each(&type1->iopt, &cursor, area, 0, UINT64_MAX)
		area_forget_dirty(area);
	type1->tracking = false;
	changed(call, "dirty tracking stopped");
}

int type1_check_bitmap(struct call *call, uint64_t pages, uint64_t size)
{
	if (pages && size && size <= BITMAP_BYTES_MAX && (pages + 63) / 64 * 8 <= size)
		return 0;
	return refuse(call, RULE_BITMAP_SIZE, V("size", size), V("pages", pages));
}

int type1_report_dirty(struct call *call, struct type1 *type1, struct area *area, uint64_t base,
		       const struct dirty_bitmap *bitmap)
{
	uint64_t first = (area->iova.first - base) / bitmap->page;
	uint64_t pages = area_npages(area) * VFIOSIM_PAGE_SIZE / bitmap->page;
	unsigned shift = first % 64;
	uint64_t words = (pages + shift + 63) / 64;
	uint64_t *bits;
	int ret;

	if (bitmap->error)
		return refuse(call, RULE_BAD_ADDRESS, V("uva", bitmap->uva), VS("access", "written"));
	bits = calloc(words, sizeof(*bits));
	if (!bits)
		return refuse(call, RULE_NO_MEMORY);
	if (type1->n_physical && area->flags & AREA_FILLED) {
		for (uint64_t i = shift; i < pages + shift; i++)
			bits[i / 64] |= 1ull << (i % 64);
	} else {
		area_dirty_bits(area, bits, shift);
	}
	ret = call_out_bits(call, bitmap->uva + first / 64 * 8, bits, words * 8, shift);
	free(bits);
	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

static int check_bisect(struct call *call, const struct type1 *type1, struct span iova)
{
	const struct area *head = iopt_at(&type1->iopt, iova.first);
	const struct area *tail = iopt_at(&type1->iopt, iova.last);

	if (head && head->iova.first == iova.first)
		head = NULL;
	if (!head && tail && tail->iova.last != iova.last)
		head = tail;
	if (!head)
		return 0;
	return refuse(call, RULE_BISECTS, V("first", iova.first), V("last", iova.last),
		      V("other.first", head->iova.first), V("other.last", head->iova.last));
}

/* A bitmap that fits no page was refused before: @size is not 0. */
static int check_range(struct call *call, const struct type1 *type1, uint64_t iova, uint64_t size,
		       const struct dirty_bitmap *bitmap, struct span *ret_span)
{
	uint64_t page = type1_page(type1);

	if (bitmap->page != page)
		return refuse(call, RULE_BITMAP_PAGE, V("pgsize", bitmap->page), V("page", page));
	if (iova & (page - 1))
		return refuse(call, RULE_MISALIGNED, VS("what", "iova"), V("value", iova),
			      V("page", page));
	if (size & (page - 1))
		return refuse(call, RULE_MISALIGNED, VS("what", "size"), V("value", size),
			      V("page", page));
	span_make(iova, size, ret_span);
	if (!type1->tracking)
		return refuse(call, RULE_NOT_TRACKING);
	return check_bisect(call, type1, *ret_span);
}

int type1_dirty_get(struct call *call, struct type1 *type1, uint64_t iova, uint64_t size,
		    const struct dirty_bitmap *bitmap)
{
	struct span_cursor cursor;
	struct area *area;
	struct span span = { 0 };
	int ret = check_range(call, type1, iova, size, bitmap, &span);

	if (ret)
		return ret;
	iopt_for_each(&type1->iopt, &cursor, area, span.first, span.last) {
		ret = type1_report_dirty(call, type1, area, iova, bitmap);
		if (ret)
			return ret;
		area_repopulate_dirty(area);
	}
	return 0;
}
