/* SPDX-License-Identifier: MIT */
/* IOVA spaces and the areas in them; see iopt.h. */
#include "pages/iopt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/call.h"
#include "machine/client.h"
#include "machine/sim.h"

void iopt_init(struct iopt *iopt)
{
	span_set_init(&iopt->set);
}

/* Removes the lowest @n areas. False: there were no more. */
static bool drop(struct iopt *iopt, size_t n)
{
	struct span_cursor cursor;

	for (; n; n--) {
		if (!span_set_seek(&iopt->set, 0, &cursor))
			return false;
		iopt_remove_at(iopt, &cursor);
		area_destroy(cursor.item);
	}
	return true;
}

void iopt_done(struct iopt *iopt)
{
	drop(iopt, SIZE_MAX);
	span_set_done(&iopt->set);
}

/* What iopt_done_later() has yet to free. */
struct leftover {
	struct call_cleanup cleanup;	/* first */
	struct iopt iopt;
};

static bool drop_some(struct call_cleanup *cleanup)
{
	struct leftover *leftover = (struct leftover *)cleanup;

	if (drop(&leftover->iopt, IOPT_PIECE))
		return true;
	iopt_done(&leftover->iopt);
	free(leftover);
	return false;
}

void iopt_done_later(struct call *call, struct iopt *iopt)
{
	struct leftover *leftover = iopt->set.count > IOPT_PIECE ? malloc(sizeof(*leftover)) : NULL;

	if (leftover) {
		*leftover = (struct leftover){ { .step = drop_some }, *iopt };
		call_cleanup(call, &leftover->cleanup);
		call->sim->areas_changed++;
	} else {
		iopt_done(iopt);
	}
	iopt_init(iopt);
}

/* One mapping more, or -1: less. */
static void count_area(const struct area *area, int more)
{
	struct vfiosim *sim = area->pages->source->sim;

	sim->counters.mappings += (uint64_t)more;
	sim->areas_changed++;
}

int iopt_insert(struct iopt *iopt, struct area *area)
{
	int ret = span_set_insert(&iopt->set, area->iova, area);

	if (!ret)
		count_area(area, 1);
	return ret;
}

int iopt_insert_gap(struct iopt *iopt, const struct span_gap *gap, struct area *area)
{
	int ret = span_set_insert_gap(&iopt->set, gap, area->iova, area);

	if (!ret)
		count_area(area, 1);
	return ret;
}

void iopt_remove(struct iopt *iopt, struct area *area)
{
	span_set_erase(&iopt->set, area->iova.first);
	count_area(area, -1);
}

void iopt_remove_at(struct iopt *iopt, const struct span_cursor *at)
{
	struct area *area = at->item;

	span_cursor_erase(&iopt->set, at);
	count_area(area, -1);
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

int iopt_split(struct iopt *iopt, struct area *area, uint64_t iova)
{
	struct span whole = area->iova, rest = { iova, whole.last };
	struct area *high =
		area_create_part(area, rest, iova, area->flags & (AREA_READ | AREA_WRITE));
	struct span_cursor at;
	int ret;

	if (!high)
		return -ENOMEM;
	span_set_seek(&iopt->set, whole.first, &at);
	span_cursor_set_last(&at, iova - 1);
	ret = iopt_insert(iopt, high);
	if (!ret) {
		ret = area_cut(area, high);
		if (!ret)
			return 0;
		iopt_remove(iopt, high);
		span_set_seek(&iopt->set, whole.first, &at);	/* nodes may have moved */
	}
	span_cursor_set_last(&at, whole.last);
	area_destroy(high);
	return ret;
}

void iopt_unfill(struct iopt *iopt, uint64_t last)
{
	struct span_cursor cursor;
	struct area *area;

	iopt_for_each(iopt, &cursor, area, 0, last)
		area_unfill(area);
}

/* ---- What a refused replay did ----------------------------------------- */

#define WALK_MAX 8	/* areas that are told one by one */

static void area_walked(struct call *call, const struct area *area)
{
	const struct pages *pages = area->pages;
	const struct payer payer = pages_payer(pages);
	const struct vfiosim_client *memory = pages_memory(pages);
	uint64_t limit = UINT64_MAX;
	char paid[80];

	if (payer.account != ACCOUNT_NONE && !payer.lock_cap &&
	    call_memlock_of(call, payer.client, &limit))
		return;		/* asked again by nobody: who filled it has asked */
	if (limit == UINT64_MAX)
		snprintf(paid, sizeof(paid), "no limit");
	else
		snprintf(paid, sizeof(paid), "limit: %llu pages",
			 (unsigned long long)(limit / VFIOSIM_PAGE_SIZE));
	walked(call,
	       "{first}..{last}: {n:d} page{n:s} pinned, memory of process {memory:d}, charged to process {payer:d} ({paid})",
	       V("first", area->iova.first), V("last", area->iova.last), V("n", pages->npinned),
	       V("memory", memory ? memory->number : payer.client->number),
	       V("payer", payer.client->number), VS("paid", paid));
}

void iopt_walked(struct call *call, const struct iopt *iopt, const struct area *failed,
		 const char *iommu, bool undone)
{
	struct span_cursor cursor;
	struct area *area;
	uint64_t n = 0, pages = 0;

	if (!call_traced(call))
		return;
	walked(call, "the mappings go, one by one, into a new domain on {iommu}: {n:d} in all",
	       VS("iommu", iommu), V("n", iopt->set.count));
	iopt_for_each(iopt, &cursor, area, 0, UINT64_MAX) {
		if (area == failed)
			break;
		pages += area->pages->npinned;
		if (n++ < WALK_MAX)
			area_walked(call, area);
	}
	if (n > WALK_MAX)
		walked(call, "and {n:d} more", V("n", n - WALK_MAX));
	walked(call, "{first}..{last}: refused", V("first", failed->iova.first),
	       V("last", failed->iova.last));
	if (undone)
		walked(call, "undone: {n:d} page{n:s} unpinned; the domain is gone", V("n", pages));
	else
		walked(call, "undone: the domain is gone; the pages stay pinned for the other domain");
}
