/* SPDX-License-Identifier: MIT */
/* IOVA spaces and the mappings in them; see iopt.h. */
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
		struct mapping *mapping = cursor.item;

		iopt_remove(iopt, mapping);
		mapping_destroy(mapping);
	}
	span_set_done(&iopt->set);
}

struct mapping *mapping_create(struct vfiosim_client *mapper, struct span iova, uint64_t uva,
			       uint32_t flags)
{
	struct mapping *mapping = malloc(sizeof(*mapping));

	if (!mapping)
		return NULL;
	*mapping = (struct mapping){
		.iova = iova,
		.uva = uva,
		.mapper = client_get(mapper),
		.flags = flags,
	};
	return mapping;
}

void mapping_destroy(struct mapping *mapping)
{
	if (!mapping)
		return;
	mapping_uncharge(mapping, mapping->charged);
	client_put(mapping->mapper);
	if (mapping->flags & MAPPING_FILE)
		backing_put(mapping->backing);
	else
		client_put(mapping->pinner);
	marks_destroy(mapping->marks);
	free(mapping);
}

void mapping_set_backing(struct mapping *mapping, struct backing *backing)
{
	mapping->flags |= MAPPING_FILE;
	mapping->backing = backing_get(backing);
}

int iopt_insert(struct iopt *iopt, struct mapping *mapping)
{
	int ret = span_set_insert(&iopt->set, mapping->iova, mapping);

	if (!ret)
		mapping->mapper->sim->counters.mappings++;
	return ret;
}

int iopt_insert_gap(struct iopt *iopt, const struct span_gap *gap, struct mapping *mapping)
{
	int ret = span_set_insert_gap(&iopt->set, gap, mapping->iova, mapping);

	if (!ret)
		mapping->mapper->sim->counters.mappings++;
	return ret;
}

void iopt_remove(struct iopt *iopt, struct mapping *mapping)
{
	span_set_erase(&iopt->set, mapping->iova.first);
	mapping->mapper->sim->counters.mappings--;
}

void iopt_remove_at(struct iopt *iopt, const struct span_cursor *at)
{
	struct mapping *mapping = at->item;

	span_cursor_erase(&iopt->set, at);
	mapping->mapper->sim->counters.mappings--;
}

struct mapping *iopt_find(const struct iopt *iopt, struct span span)
{
	return span_set_find(&iopt->set, span);
}

struct mapping *iopt_find_gap(const struct iopt *iopt, struct span span, struct span_gap *ret_gap)
{
	return span_set_find_gap(&iopt->set, span, ret_gap);
}

struct mapping *iopt_at(const struct iopt *iopt, uint64_t iova)
{
	return span_set_find(&iopt->set, (struct span){ iova, iova });
}

uint64_t *mapping_account(const struct mapping *mapping)
{
	struct vfiosim_client *mapper = mapping->mapper;

	if (mapping->flags & MAPPING_BY_USER && mapper->user)
		return &mapper->user->locked_pages;
	return &mapper->locked_pages;
}

void mapping_charge(struct mapping *mapping, uint64_t pages)
{
	mapping->charged += pages;
	mapping->mapper->sim->counters.pinned_pages += pages;
	if (!(mapping->flags & MAPPING_UNCHARGED))
		*mapping_account(mapping) += pages;
}

void mapping_uncharge(struct mapping *mapping, uint64_t pages)
{
	mapping->charged -= pages;
	mapping->mapper->sim->counters.pinned_pages -= pages;
	if (!(mapping->flags & MAPPING_UNCHARGED))
		*mapping_account(mapping) -= pages;
}

int iopt_split(struct iopt *iopt, struct mapping *mapping, uint64_t iova)
{
	struct span low = { mapping->iova.first, iova - 1 };
	uint64_t pages = (mapping->iova.last - iova) / VFIOSIM_PAGE_SIZE + 1;
	struct mapping *high;

	if (mapping_pinned_pages(mapping, mapping->iova))
		return -EBUSY;
	high = mapping_create(mapping->mapper, (struct span){ iova, mapping->iova.last },
			      mapping_uva(mapping, iova), mapping->flags);
	if (!high)
		return -ENOMEM;
	if (mapping_backing(mapping))
		mapping_set_backing(high, mapping->backing);
	else if (mapping->pinner)
		high->pinner = client_get(mapping->pinner);
	marks_destroy(mapping->marks);	/* nothing is pinned, and an ioas tracks no writes */
	mapping->marks = NULL;
	iopt_remove(iopt, mapping);
	mapping->iova = low;
	/* The room it had is enough for one of the two; a node more may be wanted. */
	if (iopt_insert(iopt, high)) {
		mapping->iova.last = high->iova.last;
		mapping_destroy(high);
		iopt_insert(iopt, mapping);
		return -ENOMEM;
	}
	iopt_insert(iopt, mapping);
	if (mapping->flags & MAPPING_PINNED && mapping->charged) {
		mapping_uncharge(mapping, pages);
		mapping_charge(high, pages);
	}
	return 0;
}

/* ---- Marks ---- */

static uint64_t page_of(const struct mapping *mapping, uint64_t iova)
{
	return (iova - mapping->iova.first) / VFIOSIM_PAGE_SIZE;
}

static struct page_marks *marks_of(struct mapping *mapping)
{
	if (!mapping->marks)
		mapping->marks = marks_create();
	return mapping->marks;
}

int mapping_pin_page(struct mapping *mapping, uint64_t iova)
{
	struct page_marks *marks = marks_of(mapping);

	return marks ? marks_pin(marks, page_of(mapping, iova)) : -ENOMEM;
}

int mapping_unpin_page(struct mapping *mapping, uint64_t iova)
{
	return mapping->marks ? marks_unpin(mapping->marks, page_of(mapping, iova)) : 0;
}

uint64_t mapping_pinned_pages(const struct mapping *mapping, struct span span)
{
	struct span pages;

	if (!mapping->marks)
		return 0;
	span = span_clip(span, mapping->iova);
	pages = (struct span){ page_of(mapping, span.first), page_of(mapping, span.last) };
	return marks_pinned(mapping->marks, pages);
}

int mapping_mark_dirty(struct mapping *mapping, struct span span)
{
	struct page_marks *marks = marks_of(mapping);

	if (!marks)
		return -ENOMEM;
	span = span_clip(span, mapping->iova);
	return marks_dirty(marks, (struct span){ page_of(mapping, span.first),
						 page_of(mapping, span.last) });
}

void mapping_repopulate_dirty(struct mapping *mapping)
{
	if (mapping->marks)
		marks_repopulate(mapping->marks);
}

void mapping_forget_dirty(struct mapping *mapping)
{
	if (mapping->marks)
		marks_clean(mapping->marks);
}

void mapping_dirty_bits(const struct mapping *mapping, uint64_t *bitmap, unsigned shift)
{
	if (mapping->marks)
		marks_dirty_bits(mapping->marks, bitmap, shift);
}
