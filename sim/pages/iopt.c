/* SPDX-License-Identifier: MIT */
/* IOVA spaces and the areas in them; see iopt.h. */
#include "pages/iopt.h"

#include <errno.h>
#include <stdlib.h>

#include "pages/backing.h"
#include "machine/client.h"
#include "pages/marks.h"
#include "machine/sim.h"

void iopt_init(struct iopt *iopt)
{
	span_set_init(&iopt->set);
}

void iopt_done(struct iopt *iopt)
{
	struct span_cursor cursor;

	while (span_set_seek(&iopt->set, 0, &cursor)) {
		struct area *area = cursor.item;

		iopt_remove(iopt, area);
		area_destroy(area);
	}
	span_set_done(&iopt->set);
}

struct area *area_create(struct vfiosim_client *mapper, struct span iova, uint64_t uva,
			 uint32_t flags)
{
	struct area *area = malloc(sizeof(*area));

	if (!area)
		return NULL;
	*area = (struct area){
		.iova = iova,
		.uva = uva,
		.mapper = client_get(mapper),
		.flags = flags,
	};
	return area;
}

void area_destroy(struct area *area)
{
	if (!area)
		return;
	area_uncharge(area, area->charged);
	client_put(area->mapper);
	if (area->flags & AREA_FILE)
		backing_put(area->backing);
	else
		client_put(area->pinner);
	marks_destroy(area->marks);
	free(area);
}

void area_set_backing(struct area *area, struct backing *backing)
{
	area->flags |= AREA_FILE;
	area->backing = backing_get(backing);
}

int iopt_insert(struct iopt *iopt, struct area *area)
{
	int ret = span_set_insert(&iopt->set, area->iova, area);

	if (!ret)
		area->mapper->sim->counters.mappings++;
	return ret;
}

int iopt_insert_gap(struct iopt *iopt, const struct span_gap *gap, struct area *area)
{
	int ret = span_set_insert_gap(&iopt->set, gap, area->iova, area);

	if (!ret)
		area->mapper->sim->counters.mappings++;
	return ret;
}

void iopt_remove(struct iopt *iopt, struct area *area)
{
	span_set_erase(&iopt->set, area->iova.first);
	area->mapper->sim->counters.mappings--;
}

void iopt_remove_at(struct iopt *iopt, const struct span_cursor *at)
{
	struct area *area = at->item;

	span_cursor_erase(&iopt->set, at);
	area->mapper->sim->counters.mappings--;
}

struct area *iopt_find(const struct iopt *iopt, struct span span)
{
	return span_set_find(&iopt->set, span);
}

struct area *iopt_find_gap(const struct iopt *iopt, struct span span, struct span_gap *ret_gap)
{
	return span_set_find_gap(&iopt->set, span, ret_gap);
}

struct area *iopt_at(const struct iopt *iopt, uint64_t iova)
{
	return span_set_find(&iopt->set, (struct span){ iova, iova });
}

uint64_t *area_account(const struct area *area)
{
	struct vfiosim_client *mapper = area->mapper;

	if (area->flags & AREA_BY_USER && mapper->user)
		return &mapper->user->locked_pages;
	return &mapper->locked_pages;
}

void area_charge(struct area *area, uint64_t pages)
{
	area->charged += pages;
	area->mapper->sim->counters.pinned_pages += pages;
	if (!(area->flags & AREA_UNCHARGED))
		*area_account(area) += pages;
}

void area_uncharge(struct area *area, uint64_t pages)
{
	area->charged -= pages;
	area->mapper->sim->counters.pinned_pages -= pages;
	if (!(area->flags & AREA_UNCHARGED))
		*area_account(area) -= pages;
}

int iopt_split(struct iopt *iopt, struct area *area, uint64_t iova)
{
	uint64_t pages = (area->iova.last - iova) / VFIOSIM_PAGE_SIZE + 1;
	struct span_cursor at;
	struct area *high;

	if (area_pinned_pages(area, area->iova))
		return -EBUSY;
	high = area_create(area->mapper, (struct span){ iova, area->iova.last },
			   area_uva(area, iova), area->flags);
	if (!high)
		return -ENOMEM;
	if (area_backing(area))
		area_set_backing(high, area->backing);
	else if (area->pinner)
		high->pinner = client_get(area->pinner);
	marks_destroy(area->marks); /* nothing is pinned, and an ioas tracks no writes */
	area->marks = NULL;
	span_set_seek(&iopt->set, area->iova.first, &at);
	span_cursor_set_last(&at, iova - 1);
	if (iopt_insert(iopt, high)) {
		span_cursor_set_last(&at, area->iova.last);
		area_destroy(high);
		return -ENOMEM;
	}
	area->iova.last = iova - 1;
	if (area->flags & AREA_FILLED && area->charged) {
		area_uncharge(area, pages);
		area_charge(high, pages);
	}
	return 0;
}

/* ---- Marks ---- */

static uint64_t page_of(const struct area *area, uint64_t iova)
{
	return (iova - area->iova.first) / VFIOSIM_PAGE_SIZE;
}

static struct page_marks *marks_of(struct area *area)
{
	if (!area->marks)
		area->marks = marks_create();
	return area->marks;
}

int area_pin_page(struct area *area, uint64_t iova)
{
	struct page_marks *marks = marks_of(area);

	return marks ? marks_pin(marks, page_of(area, iova)) : -ENOMEM;
}

int area_unpin_page(struct area *area, uint64_t iova)
{
	return area->marks ? marks_unpin(area->marks, page_of(area, iova)) : 0;
}

uint64_t area_pinned_pages(const struct area *area, struct span span)
{
	struct span pages;

	if (!area->marks)
		return 0;
	span = span_clip(span, area->iova);
	pages = (struct span){ page_of(area, span.first), page_of(area, span.last) };
	return marks_pinned(area->marks, pages);
}

int area_mark_dirty(struct area *area, struct span span)
{
	struct page_marks *marks = marks_of(area);

	if (!marks)
		return -ENOMEM;
	span = span_clip(span, area->iova);
	return marks_dirty(marks,
			   (struct span){ page_of(area, span.first), page_of(area, span.last) });
}

void area_repopulate_dirty(struct area *area)
{
	if (area->marks)
		marks_repopulate(area->marks);
}

void area_forget_dirty(struct area *area)
{
	if (area->marks)
		marks_clean(area->marks);
}

void area_dirty_bits(const struct area *area, uint64_t *bitmap, unsigned shift)
{
	if (area->marks)
		marks_dirty_bits(area->marks, bitmap, shift);
}
