/* SPDX-License-Identifier: MIT */
/* Pages: a walk over the VMAs behind an area. */
#include "pages/pages.h"

#include <errno.h>

#include <vfiosim/topology.h>

#include "pages/backing.h"
#include "machine/client.h"
#include "machine/device.h"
#include "pages/iopt.h"
#include "machine/sim.h"

int pages_budget(struct call *call, struct budget *ret_budget)
{
	struct vfiosim_limits limits;
	int ret = call_memlock(call, &limits);

	if (ret)
		return ret;
	*ret_budget = (struct budget){
		.client = call->caller->client,
		.limit = limits.ipc_lock || limits.memlock == UINT64_MAX ?
				 UINT64_MAX :
				 limits.memlock / VFIOSIM_PAGE_SIZE,
	};
	return 0;
}

/* Where the walk stands: @uva is the address behind @iova. */
struct place {
	const struct area *area;
	uint64_t iova;
	uint64_t uva;
	bool iommufd;
};

static int check_region(struct call *call, const struct vfiosim_vma *vma, struct place at,
			bool *ret_charged)
{
	uint64_t offset = vma->offset + (at.uva - vma->first);
	const struct device *dev;

	if (vma->device >= call->sim->n_devices)	/* a front's mistake: nothing is there */
		return refuse(call, RULE_PIN_NO_PAGE, V("iova", at.iova), V("uva", at.uva));
	dev = call->sim->devices[vma->device];
	switch (dev->ops ? dev->ops->pin(dev, offset) : VFIOSIM_PIN_NEVER) {
	case VFIOSIM_PIN_PFNMAP:
		if (at.iommufd)
			break;
		*ret_charged = false;
		return 0;
	case VFIOSIM_PIN_PAGES:
		return 0;
	case VFIOSIM_PIN_NEVER:
		break;
	}
	return refuse(call, RULE_PIN_REGION, V("iova", at.iova), V("uva", at.uva),
		      V("region", offset >> REGION_SHIFT), VS("device", dev->topo->address));
}

/* Can pages of @vma be pinned as @at.area asks? Mirrors check_vma_flags (mm/gup.c, 7.2). */
static int check_vma(struct call *call, const struct vfiosim_vma *vma, struct place at,
		     bool *ret_charged)
{
	bool write = at.area->flags & AREA_WRITE;

	*ret_charged = true;
	if (write && !vma->writable)
		return refuse(call, RULE_PIN_UNWRITABLE, V("iova", at.iova), V("uva", at.uva));
	if (!write && !vma->readable)
		return refuse(call, RULE_PIN_UNREADABLE, V("iova", at.iova), V("uva", at.uva));
	switch (vma->kind) {
	case VFIOSIM_VMA_MEMORY:
	case VFIOSIM_VMA_PRIVATE:
		return 0;
	case VFIOSIM_VMA_DIRTYTRACK:
		if (!write)
			return 0;
		return refuse(call, RULE_PIN_DIRTYTRACK, V("iova", at.iova), V("uva", at.uva));
	case VFIOSIM_VMA_REGION:
		return check_region(call, vma, at, ret_charged);
	case VFIOSIM_VMA_NEVER:
		break;
	}
	return refuse(call, RULE_PIN_NO_PAGE, V("iova", at.iova), V("uva", at.uva));
}

static int check_budget(struct call *call, struct place at, uint64_t pages, struct budget *budget)
{
	uint64_t locked;

	if (at.area->flags & AREA_LOCK_CAP || budget->limit == UINT64_MAX)
		return 0;
	locked = budget->client->locked_pages + budget->planned;
	if (locked <= budget->limit && pages <= budget->limit - locked)
		return 0;
	return refuse(call, RULE_MEMLOCK, V("pages", pages), V("iova", at.iova), V("locked", locked),
		      V("limit", budget->limit));
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

/* All of @iova, part of @area, through the VMAs of @view. */
static int walk(struct call *call, const struct area *area, struct span iova,
		const struct vma_view *view, struct budget *budget, uint64_t *ret_charge)
{
	struct place at = { area, iova.first, area_uva(area, iova.first), budget->iommufd };
	uint64_t last = area_uva(area, iova.last);
	uint64_t charge = 0;

	for (size_t i = first_vma(&view->vmas, at.uva);; i++) {
		const struct vfiosim_vma *vma = &view->vmas.items[i];
		uint64_t end, pages;
		bool charged;
		int ret;

		if (i == view->vmas.n || vma->first > at.uva)
			return refuse(call, RULE_PIN_UNMAPPED, V("iova", at.iova), V("uva", at.uva));
		end = vma->last < last ? vma->last : last;
		pages = (end - at.uva) / VFIOSIM_PAGE_SIZE + 1;
		ret = check_vma(call, vma, at, &charged);
		if (ret)
			return ret;
		if (charged) {
			pages -= area_pinned_pages(area, (struct span){ at.iova,
									at.iova + (end - at.uva) });
			ret = budget->iommufd ? 0 : check_budget(call, at, pages, budget);
			if (ret)
				return ret;
			charge += pages;
			budget->planned += pages;
		}
		if (end == last)
			break;
		at.iova += end - at.uva + 1;
		at.uva = end + 1;
	}
	*ret_charge = charge;
	return 0;
}

/* The VMAs of @memory behind @iova; memory that is gone looks like nothing mapped. */
static int view_of(struct call *call, const struct area *area, struct span iova,
		   struct vfiosim_client *memory, const struct vma_view **ret_view)
{
	struct span uva = { area_uva(area, iova.first), area_uva(area, iova.last) };
	int ret = call_vmas(call, memory, uva, ret_view);

	return ret == -ESRCH ? 0 : ret;
}

int pages_check(struct call *call, const struct area *area, struct vfiosim_client *memory,
		struct budget *budget, uint64_t *ret_charge)
{
	const struct vma_view *view;
	int ret = view_of(call, area, area->iova, memory, &view);

	return ret ? ret : walk(call, area, area->iova, view, budget, ret_charge);
}

int pages_check_one(struct call *call, const struct area *area, uint64_t iova,
		    struct budget *budget, uint64_t *ret_charge)
{
	struct span page = { iova, iova + VFIOSIM_PAGE_SIZE - 1 };
	const struct vma_view *view;
	int ret = view_of(call, area, page, area->mapper, &view);

	return ret ? ret : walk(call, area, page, view, budget, ret_charge);
}

/* What is planned for @account. */
static uint64_t *plan_of(struct budget *budget, const uint64_t *account)
{
	size_t i = 0;

	while (budget->plans[i].account && budget->plans[i].account != account &&
	       i < BUDGET_ACCOUNTS - 1)
		i++;
	budget->plans[i].account = account;
	return &budget->plans[i].pages;
}

/* iommufd counts when all pages are there. Mirrors do_update_pinned (7.2). */
static int check_account(struct call *call, const struct area *area, uint64_t iova, uint64_t pages,
			 struct budget *budget)
{
	const uint64_t *account = area_account(area);
	uint64_t limit = area->mapper->limits.memlock / VFIOSIM_PAGE_SIZE;
	uint64_t *plan, locked;

	if (area->flags & AREA_UNCHARGED)
		return 0;
	plan = plan_of(budget, account);
	locked = *account + *plan;
	*plan += pages;
	if (area->mapper->limits.memlock == UINT64_MAX ||
	    (locked <= limit && pages <= limit - locked))
		return 0;
	return refuse(call, RULE_ACCOUNT_LIMIT, V("pages", pages), V("iova", iova),
		      VS("whose", area->flags & AREA_BY_USER ? "user" : "process"),
		      V("locked", locked), V("limit", limit));
}

/* Every page of it will do, whatever the descriptor allowed. Mirrors memfd_pin_folios (7.2). */
static int check_file(struct call *call, const struct area *area, struct span iova,
		      uint64_t *ret_charge)
{
	uint64_t size = backing_size(area->backing);

	if (!size)
		return refuse(call, RULE_FILE_NOT_PINNABLE, V("first", iova.first));
	if (area_uva(area, iova.last) >= size)
		return refuse(call, RULE_FILE_TOO_SHORT, V("first", iova.first),
			      V("last", iova.last), V("offset", area_uva(area, iova.last)),
			      V("size", size));
	*ret_charge = span_length(iova) / VFIOSIM_PAGE_SIZE - area_pinned_pages(area, iova);
	return 0;
}

static int check_area_part(struct call *call, const struct area *area, struct span iova,
			   struct budget *budget, uint64_t *ret_charge)
{
	const struct vma_view *view;
	int ret;

	budget->iommufd = true;
	if (area_backing(area)) {
		ret = check_file(call, area, iova, ret_charge);
		return ret ? ret : check_account(call, area, iova.first, *ret_charge, budget);
	}
	ret = view_of(call, area, iova, area->mapper, &view);
	if (!ret)
		ret = walk(call, area, iova, view, budget, ret_charge);
	return ret ? ret : check_account(call, area, iova.first, *ret_charge, budget);
}

int pages_check_area(struct call *call, const struct area *area, struct budget *budget,
		     uint64_t *ret_charge)
{
	return check_area_part(call, area, area->iova, budget, ret_charge);
}

int pages_check_area_one(struct call *call, const struct area *area, uint64_t iova,
			 struct budget *budget, uint64_t *ret_charge)
{
	return check_area_part(call, area, (struct span){ iova, iova + VFIOSIM_PAGE_SIZE - 1 },
			       budget, ret_charge);
}

bool pages_stale(const struct area *area, const struct vfiosim_vmas *vmas)
{
	uint64_t at = area->uva, last = area_uva(area, area->iova.last);
	bool write = area->flags & AREA_WRITE;

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
