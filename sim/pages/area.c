/* SPDX-License-Identifier: MIT */
/* Areas; see area.h. */
#include "pages/area.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/client.h"
#include "machine/fault.h"
#include "pages/marks.h"
#include "pages/pin.h"

/* Pages and the area they are made for, most often the only one: in one piece. */
struct first_area {
	struct pages pages;		/* first: pages_put() frees it */
	struct area area;
};

static bool is_first(const struct area *area)
{
	return area == &((const struct first_area *)area->pages)->area;
}

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

/* Made while @area is the only one. NULL: no memory. */
static struct page_marks *marks_of(const struct area *area)
{
	struct pages *pages = area->pages;
	struct page_marks *marks = pages->marks;

	if (marks)
		return marks;
	marks = marks_create();
	if (!marks)
		return NULL;
	if (area->flags & AREA_FILLED && marks_fill(marks, area_span(area, area->iova))) {
		marks_destroy(marks);
		return NULL;
	}
	pages->marks = marks;
	return marks;
}

struct area *area_create_part(struct area *area, struct span part, uint64_t iova, uint32_t flags)
{
	struct area *new = marks_of(area) ? malloc(sizeof(*new)) : NULL;

	if (!new)
		return NULL;
	*new = (struct area){
		.iova = { iova, iova + (part.last - part.first) },
		.pages = pages_get(area->pages),
		.start = area->start + (part.first - area->iova.first),
		.flags = flags,
	};
	return new;
}

/* What is filled has whole pages, so they meet between two. */
int area_cut(struct area *area, struct area *high)
{
	if (area->flags & AREA_FILLED) {
		if (marks_cut(area->pages->marks, area_page(high, high->iova.first)))
			return -ENOMEM;
		high->flags |= AREA_FILLED;
	}
	area->iova.last = high->iova.first - 1;
	return 0;
}

void area_destroy(struct area *area)
{
	struct pages *pages;

	if (!area)
		return;
	pages = area->pages;
	area_unfill(area);
	if (!is_first(area))
		free(area);
	pages_put(pages);
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

	if (!ret && pages->marks && marks_fill(pages->marks, area_span(area, area->iova)))
		ret = refuse(call, RULE_NO_MEMORY);
	if (ret)
		return ret;
	pages_charge(pages, new);
	area->flags |= AREA_FILLED;
	if (pages->type1 && call->caller->client != pages->source)
		pages->memory = client_get(call->caller->client);
	return 0;
}

/* Pages of @area, just unfilled, that nobody has pinned any more. */
static uint64_t released(const struct area *area)
{
	const struct pages *pages = area->pages;
	struct span rest = area_span(area, area->iova), hole;
	uint64_t n = 0;

	if (pages->refs == 1)
		return pages->npinned - (pages->marks ? marks_pinned(pages->marks, rest) : 0);
	while (marks_hole(pages->marks, rest, &hole)) {
		n += hole.last - hole.first + 1;
		if (hole.last == rest.last)
			break;
		rest.first = hole.last + 1;
	}
	return n;
}

void area_unfill(struct area *area)
{
	struct pages *pages = area->pages;

	if (!(area->flags & AREA_FILLED))
		return;
	area->flags &= ~AREA_FILLED;
	if (pages->marks)
		marks_unfill(pages->marks, area_span(area, area->iova));
	pages_uncharge(pages, released(area));
	if (pages->type1) {
		client_put(pages->memory);
		pages->memory = NULL;
	}
}

/* ---- For mdevs ---- */

/* On all of @part, or none. Mirrors vfio_add_to_pfn_list. */
static int add_pins(struct call *call, struct page_marks *marks, struct span part)
{
	for (uint64_t page = part.first; page <= part.last; page++) {
		if (!fault_alloc(call) && !marks_pin(marks, page))
			continue;
		while (page-- > part.first)
			marks_unpin(marks, page);
		return -ENOMEM;
	}
	return 0;
}

int area_add_access(struct call *call, struct area *area, struct span iova)
{
	struct pages *pages = area->pages;
	struct payer payer = pages_payer(pages);
	struct span part = area_span(area, iova);
	struct page_marks *marks = marks_of(area);
	uint64_t new;
	int ret;

	if (!marks)
		return refuse(call, RULE_NO_MEMORY);
	ret = pin_check(call, area, part, true, &new);
	if (!ret)
		ret = payer_check(call, &payer, new, iova.first);
	if (ret)
		return ret;
	if (add_pins(call, marks, part))
		return refuse(call, RULE_NO_MEMORY);
	pages_charge(pages, new);
	area->n_accesses += (uint32_t)(part.last - part.first + 1);
	return 0;
}

void area_remove_access(struct area *area, uint64_t iova)
{
	uint64_t page = area_page(area, iova);
	struct page_marks *marks = area->pages->marks;
	struct span hole;
	long left;

	if (!area->n_accesses)
		return;
	left = marks_unpin(marks, page);
	if (left < 0)
		return;
	area->n_accesses--;
	area->pages->source->sim->areas_changed++;
	if (!left && marks_hole(marks, (struct span){ page, page }, &hole))
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
