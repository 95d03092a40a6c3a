/* SPDX-License-Identifier: MIT */
/* Areas; see area.h. */
#include "pages/area.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/client.h"
#include "pages/marks.h"
#include "pages/pin.h"

/* Most pages have one area: both in one piece. */
struct first_area {
	struct pages pages;
	struct area area;
};

struct area *area_create(struct vfiosim_client *source, struct backing *file, uint64_t start,
			 struct span iova, uint32_t flags)
{
	struct first_area *first = malloc(sizeof(*first));
	uint64_t offset = start % VFIOSIM_PAGE_SIZE;

	if (!first)
		return NULL;
	pages_init(&first->pages, source, file, start - offset);
	first->area = (struct area){
		.iova = iova, .pages = &first->pages, .start = offset, .flags = flags
	};
	return &first->area;
}

struct area *area_create_part(const struct area *area, struct span part, uint64_t iova,
			      uint32_t flags)
{
	const struct pages *pages = area->pages;
	struct span place = { iova, iova + (part.last - part.first) };
	struct area *new = area_create(pages->source, pages_file(pages), area_uva(area, part.first),
				       place, flags);

	if (!new)
		return NULL;
	new->pages->account = pages->account;
	new->pages->writable = pages->writable;
	return new;
}

void area_cut(struct area *area, struct area *high)
{
	area->iova.last = high->iova.first - 1;
	if (!(area->flags & AREA_FILLED))
		return;
	high->flags |= AREA_FILLED;
	pages_uncharge(area->pages, area_npages(high));
	pages_charge(high->pages, area_npages(high));
}

void area_destroy(struct area *area)
{
	struct pages *pages;

	if (!area)
		return;
	pages = area->pages;
	area_unfill(area);
	pages_done(pages);
	free(pages);
}

/* ---- For domains ---- */

int area_pin(struct call *call, const struct area *area, uint64_t *ret_new)
{
	return pin_check(call, area, area_span(area, area->iova), false, ret_new);
}

int area_fill(struct call *call, struct area *area, uint64_t new)
{
	struct pages *pages = area->pages;
	struct payer payer = pages_payer(pages);
	int ret = payer_check(call, &payer, new, area->iova.first);

	if (ret)
		return ret;
	pages_charge(pages, new);
	area->flags |= AREA_FILLED;
	if (pages->type1 && call->caller->client != pages->source)
		pages->memory = client_get(call->caller->client);
	return 0;
}

void area_unfill(struct area *area)
{
	struct pages *pages = area->pages;

	if (!(area->flags & AREA_FILLED))
		return;
	area->flags &= ~AREA_FILLED;
	pages_uncharge(pages, pages->npinned - (pages->marks ? marks_charged(pages->marks) : 0));
	if (pages->type1) {
		client_put(pages->memory);
		pages->memory = NULL;
	}
}

/* ---- For mdevs ---- */

static struct page_marks *marks_of(struct area *area)
{
	struct pages *pages = area->pages;

	if (!pages->marks)
		pages->marks = marks_create();
	return pages->marks;
}

/* What is filled was looked at and charged as a whole. */
static int check_access(struct call *call, const struct area *area, struct span iova,
			uint64_t *ret_charge)
{
	struct payer payer = pages_payer(area->pages);
	int ret;

	*ret_charge = 0;
	if (area->flags & AREA_FILLED)
		return 0;
	ret = pin_check(call, area, area_span(area, iova), true, ret_charge);
	return ret ? ret : payer_check(call, &payer, *ret_charge, iova.first);
}

int area_add_access(struct call *call, struct area *area, struct span iova)
{
	struct span part = area_span(area, iova);
	struct page_marks *marks;
	uint64_t charge, page;
	bool charged;
	int ret = check_access(call, area, iova, &charge);

	if (ret)
		return ret;
	marks = marks_of(area);
	if (!marks)
		return refuse(call, RULE_NO_MEMORY);
	/* Of type1 it is one page, which may be PFNMAP. */
	charged = !area->pages->type1 || charge || area->flags & AREA_FILLED;
	for (page = part.first; page <= part.last; page++)
		if (marks_pin(marks, page, charged) < 0)
			break;
	if (page <= part.last) {
		while (page-- > part.first)
			marks_unpin(marks, page, &charged);
		return refuse(call, RULE_NO_MEMORY);
	}
	pages_charge(area->pages, charge);
	area->n_accesses += (uint32_t)(part.last - part.first + 1);
	return 0;
}

void area_remove_access(struct area *area, uint64_t iova)
{
	struct page_marks *marks = area->pages->marks;
	bool charged;
	long left;

	if (!area->n_accesses)
		return;
	left = marks_unpin(marks, area_page(area, iova), &charged);
	if (left < 0)
		return;
	area->n_accesses--;
	if (!left && charged && !(area->flags & AREA_FILLED))
		pages_uncharge(area->pages, 1);
}

uint64_t area_accessed(const struct area *area)
{
	const struct page_marks *marks = area->pages->marks;

	return marks ? marks_pinned(marks, area_span(area, area->iova)) : 0;
}

/* ---- Dirty pages ---- */

int area_mark_dirty(struct area *area, struct span iova)
{
	struct page_marks *marks = marks_of(area);

	if (!marks)
		return -ENOMEM;
	return marks_dirty(marks, area_span(area, span_clip(iova, area->iova)));
}

void area_repopulate_dirty(struct area *area)
{
	if (area->pages->marks)
		marks_repopulate(area->pages->marks);
}

void area_forget_dirty(struct area *area)
{
	if (area->pages->marks)
		marks_clean(area->pages->marks);
}

void area_dirty_bits(const struct area *area, uint64_t *bitmap, unsigned shift)
{
	if (area->pages->marks)
		marks_dirty_bits(area->pages->marks, bitmap, shift);
}
