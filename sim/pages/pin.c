/* SPDX-License-Identifier: MIT */
/* Pinning: a walk over the VMAs behind an area; see pin.h. */
#include "pages/pin.h"

#include <errno.h>

#include "machine/client.h"
#include "machine/device.h"
#include "machine/fault.h"
#include "machine/sim.h"
#include "pages/backing.h"
#include "pages/marks.h"

/* A stretch of pages to pin, and where the walk stands in it. */
struct walk {
	const struct area *area;
	struct span part;		/* numbers of pages */
	bool single;			/* for an mdev, not for a domain */
	uint64_t uva;			/* where the next page lies */
	uint64_t charge;		/* pages met so far that are to be charged */
	const struct vfiosim_client *caller;	/* type1: whose limit counts on the way, NULL: nobody's */
	uint64_t limit;			/* pages */
};

/* The address of the page @number, or its offset in the file. */
static uint64_t page_uva(const struct area *area, uint64_t number)
{
	return area->pages->start + number * VFIOSIM_PAGE_SIZE;
}

/* The iova where the byte at @uva is mapped; the area may begin inside its page. */
static uint64_t iova_of(const struct area *area, uint64_t uva)
{
	uint64_t first = area_uva(area, area->iova.first);

	return uva <= first ? area->iova.first : area->iova.first + (uva - first);
}

/* iommufd pins for what the first mapping allowed, whatever a copy does. */
static bool pinned_for_writing(const struct area *area)
{
	return area->pages->type1 ? area->flags & AREA_WRITE : area->pages->writable;
}

static int refuse_at(struct call *call, const struct walk *walk, enum rule_index rule)
{
	return refuse(call, rule, V("iova", iova_of(walk->area, walk->uva)), V("uva", walk->uva));
}

/* ---- One VMA ---- */

static int refuse_region(struct call *call, const struct walk *walk, enum rule_index rule,
			 const struct device *dev, uint64_t offset)
{
	return refuse(call, rule, V("iova", iova_of(walk->area, walk->uva)), V("uva", walk->uva),
		      V("region", offset >> REGION_SHIFT), VS("device", dev->topo->address));
}

static int check_region(struct call *call, const struct walk *walk, const struct vfiosim_vma *vma,
			bool *ret_charged)
{
	uint64_t offset = vma->offset + (walk->uva - vma->first);
	const struct device *dev;

	if (vma->device >= call->sim->n_devices)	/* a front's mistake: nothing is there */
		return refuse_at(call, walk, RULE_PIN_NO_PAGE);
	dev = call->sim->devices[vma->device];
	switch (dev->ops ? dev->ops->pin(dev, offset) : VFIOSIM_PIN_NEVER) {
	case VFIOSIM_PIN_PFNMAP:
		if (!walk->area->pages->type1)
			break;
		*ret_charged = false;
		return walk->single ? refuse_region(call, walk, RULE_PIN_PFNMAP, dev, offset) : 0;
	case VFIOSIM_PIN_PAGES:
		return 0;
	case VFIOSIM_PIN_NEVER:
		break;
	}
	return refuse_region(call, walk, RULE_PIN_REGION, dev, offset);
}

/* Can pages of @vma be pinned as the area asks? Mirrors check_vma_flags (mm/gup.c, 7.2). */
static int check_vma(struct call *call, const struct walk *walk, const struct vfiosim_vma *vma,
		     bool *ret_charged)
{
	bool write = pinned_for_writing(walk->area);

	*ret_charged = true;
	if (write && !vma->writable)
		return refuse_at(call, walk, RULE_PIN_UNWRITABLE);
	if (!write && !vma->readable)
		return refuse_at(call, walk, RULE_PIN_UNREADABLE);
	switch (vma->kind) {
	case VFIOSIM_VMA_MEMORY:
	case VFIOSIM_VMA_PRIVATE:
		return 0;
	case VFIOSIM_VMA_DIRTYTRACK:
		return write ? refuse_at(call, walk, RULE_PIN_DIRTYTRACK) : 0;
	case VFIOSIM_VMA_REGION:
		return check_region(call, walk, vma, ret_charged);
	case VFIOSIM_VMA_NEVER:
		break;
	}
	return refuse_at(call, walk, RULE_PIN_NO_PAGE);
}

/* ---- All of them ---- */

/* type1 compares the caller's locked memory before it charges whoever mapped. */
static int check_limit(struct call *call, const struct walk *walk, uint64_t pages)
{
	uint64_t locked;

	if (!walk->caller)
		return 0;
	locked = walk->caller->locked_pages + walk->charge;
	if (locked <= walk->limit && pages <= walk->limit - locked)
		return 0;
	return refuse(call, RULE_MEMLOCK, V("pages", pages), V("iova", iova_of(walk->area, walk->uva)),
		      V("locked", locked), V("limit", walk->limit));
}

/* Index of the first VMA that ends at or after @uva. */
static size_t first_vma(const struct vfiosim_vmas *vmas, uint64_t uva)
{
	size_t low = 0, high = vmas->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (vmas->items[middle].last < uva)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many of @pages at @uva mdevs have not pinned yet. */
static uint64_t not_accessed(const struct area *area, uint64_t uva, uint64_t pages)
{
	const struct page_marks *marks = area->pages->marks;
	uint64_t first = (uva - area->pages->start) / VFIOSIM_PAGE_SIZE;

	if (!marks)
		return pages;
	return pages - marks_pinned(marks, (struct span){ first, first + pages - 1 });
}

static int walk_vmas(struct call *call, struct walk *walk, const struct vfiosim_vmas *vmas)
{
	uint64_t last = page_uva(walk->area, walk->part.last) + (VFIOSIM_PAGE_SIZE - 1);

	for (size_t i = first_vma(vmas, walk->uva);; i++) {
		const struct vfiosim_vma *vma = &vmas->items[i];
		uint64_t end, pages;
		bool charged;
		int ret;

		if (i == vmas->n || vma->first > walk->uva)
			return refuse_at(call, walk, RULE_PIN_UNMAPPED);
		end = vma->last < last ? vma->last : last;
		ret = check_vma(call, walk, vma, &charged);
		if (ret)
			return ret;
		if (charged) {
			pages = not_accessed(walk->area, walk->uva,
					     (end - walk->uva) / VFIOSIM_PAGE_SIZE + 1);
			ret = check_limit(call, walk, pages);
			if (ret)
				return ret;
			walk->charge += pages;
		}
		if (end == last)
			return 0;
		walk->uva = end + 1;
	}
}

/* Through the memory of @memory; memory that is gone looks like nothing mapped. */
static int check_user(struct call *call, struct walk *walk, struct vfiosim_client *memory)
{
	struct span uva = { page_uva(walk->area, walk->part.first),
			    page_uva(walk->area, walk->part.last) + (VFIOSIM_PAGE_SIZE - 1) };
	const struct vma_view *view;
	int ret = call_vmas(call, memory, uva, &view);

	walk->uva = uva.first;
	if (ret == -ESRCH && walk->area->pages->type1 && walk->single)
		return refuse_at(call, walk, RULE_PIN_MAPPER_GONE);
	if (ret && ret != -ESRCH)
		return ret;
	return walk_vmas(call, walk, &view->vmas);
}

/* type1, for a domain. */
static int check_caller(struct call *call, struct walk *walk)
{
	struct vfiosim_limits limits;
	int ret;

	if (!walk->area->pages->lock_cap) {
		ret = call_memlock(call, &limits);
		if (ret)
			return ret;
		if (limits.memlock != UINT64_MAX)
			walk->caller = call->caller->client;
		walk->limit = limits.memlock / VFIOSIM_PAGE_SIZE;
	}
	return check_user(call, walk, call->caller->client);
}

/* Every page of it will do, whatever the descriptor allowed. Mirrors memfd_pin_folios (7.2). */
static int check_file(struct call *call, struct walk *walk)
{
	const struct area *area = walk->area;
	uint64_t size = backing_size(area->pages->file);
	uint64_t last = page_uva(area, walk->part.last) + (VFIOSIM_PAGE_SIZE - 1);

	if (!size)
		return refuse(call, RULE_FILE_NOT_PINNABLE, V("first", area->iova.first));
	if (last >= size)
		return refuse(call, RULE_FILE_TOO_SHORT,
			      V("first", iova_of(area, page_uva(area, walk->part.first))),
			      V("last", iova_of(area, last)), V("offset", last), V("size", size));
	walk->charge += not_accessed(area, page_uva(area, walk->part.first),
				     walk->part.last - walk->part.first + 1);
	return 0;
}

/* type1, for an mdev, which has its own pin on what a domain has pinned, but pays nothing for it. */
static int check_page(struct call *call, struct walk *walk)
{
	const struct pages *pages = walk->area->pages;
	int ret = 0;

	if (!pages->marks || !marks_pinned(pages->marks, walk->part))
		ret = check_user(call, walk, pages->source);
	if (walk->area->flags & AREA_FILLED)
		walk->charge = 0;
	return ret;
}

/* The lowest stretch of @part that has to be pinned. */
static bool next_hole(const struct area *area, struct span part, struct span *ret_hole)
{
	if (area->pages->marks)
		return marks_hole(area->pages->marks, part, ret_hole);
	*ret_hole = part;
	return !(area->flags & AREA_FILLED);
}

/* What is pinned already stays as it was then, whatever became of its memory. */
static int check_holes(struct call *call, struct walk *walk)
{
	const struct pages *pages = walk->area->pages;
	struct span rest = walk->part;
	int ret;

	while (next_hole(walk->area, rest, &walk->part)) {
		if (pages->kind == PAGES_FILE)
			ret = check_file(call, walk);
		else
			ret = check_user(call, walk, pages->source);
		if (ret || walk->part.last == rest.last)
			return ret;
		rest.first = walk->part.last + 1;
	}
	return 0;
}

/* A fault is met where there is something to pin. */
static int meet_fault(struct call *call, const struct area *area, struct span part)
{
	const struct fault_where where = {
		.known = VFIOSIM_FAULT_OF_IOVA,
		.iova = { iova_of(area, page_uva(area, part.first)),
			  iova_of(area, page_uva(area, part.last) + (VFIOSIM_PAGE_SIZE - 1)) },
		.n = part.last - part.first + 1,
	};
	struct span hole;

	if (!area->pages->type1 && !next_hole(area, part, &hole))
		return 0;
	return fault_point(call, VFIOSIM_FAULT_PIN, &where);
}

int pin_check(struct call *call, const struct area *area, struct span part, bool single,
	      uint64_t *ret_new)
{
	struct walk walk = { .area = area, .part = part, .single = single };
	int ret = fault_armed(call->sim) ? meet_fault(call, area, part) : 0;

	if (ret)
		return ret;
	if (!area->pages->type1)
		ret = check_holes(call, &walk);
	else if (single)
		ret = check_page(call, &walk);
	else
		ret = check_caller(call, &walk);
	*ret_new = walk.charge;
	return ret;
}

bool pin_stale(const struct area *area, const struct vfiosim_vmas *vmas)
{
	uint64_t at = area_uva(area, area->iova.first), last = area_uva(area, area->iova.last);
	bool write = pinned_for_writing(area);

	for (size_t i = first_vma(vmas, at); i < vmas->n; i++) {
		const struct vfiosim_vma *vma = &vmas->items[i];

		if (vma->first > at || !(write ? vma->writable : vma->readable) ||
		    vma->kind == VFIOSIM_VMA_NEVER)
			return true;
		if (vma->last >= last)
			return false;
		at = vma->last + 1;
	}
	return true;
}
