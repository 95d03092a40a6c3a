/* SPDX-License-Identifier: MIT */
/* VFIO_IOMMU_MAP_DMA. Mirrors vfio_dma_do_map (7.2): the order of the checks is the kernel's. */
#include <errno.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "vfio/container.h"
#include "iommu/domain.h"
#include "vfio/group.h"
#include "pages/pages.h"
#include "iommu/resv.h"
#include "machine/sim.h"
#include "vfio/type1.h"

static int check_wrap(struct call *call, const char *what, uint64_t start, uint64_t size)
{
	struct span span;

	if (span_make(start, size, &span))
		return 0;
	return refuse(call, RULE_WRAPS, VS("what", what), V("start", start), V("size", size));
}

static int check_aligned(struct call *call, const char *what, uint64_t value, uint64_t page)
{
	if (!(value & (page - 1)))
		return 0;
	return refuse(call, RULE_MISALIGNED, VS("what", what), V("value", value), V("page", page));
}

static int check_args(struct call *call, const struct type1 *type1,
		      const struct type1_map_args *args)
{
	uint64_t page = type1_page(type1);
	int ret;

	if (!args->size)
		return refuse(call, RULE_EMPTY);
	ret = check_wrap(call, "iova", args->iova, args->size);
	if (!ret)
		ret = check_wrap(call, "vaddr", args->uva, args->size);
	if (ret)
		return ret;
	if (args->vaddr && (args->read || args->write))
		return refuse(call, RULE_VADDR_AND_ACCESS);
	if (!args->vaddr && !args->read && !args->write)
		return refuse(call, RULE_NO_ACCESS);
	ret = check_aligned(call, "size", args->size, page);
	if (!ret)
		ret = check_aligned(call, "iova", args->iova, page);
	if (!ret)
		ret = check_aligned(call, "vaddr", args->uva, page);
	return ret;
}

/* Why is @iova not in the container's ranges? */
static int refuse_range(struct call *call, const struct type1 *type1, struct span iova)
{
	const struct domain *domain, *narrow = NULL;
	const struct attachment *attachment;

	TAILQ_FOREACH(domain, &type1->domains, in_owner) {
		TAILQ_FOREACH(attachment, &domain->attachments, in_domain) {
			const struct iommu_group *group = attachment->group;

			for (size_t i = 0; i < iommu_group_resv_count(group); i++) {
				const struct vfiosim_resv *resv = iommu_group_resv(group, i);
				struct span hole = resv_span(resv);

				if (!resv_enforced(resv) || !span_overlaps(hole, iova))
					continue;
				return refuse(call, RULE_RESERVED_REGION, V("first", iova.first),
					      V("last", iova.last), V("resv.first", hole.first),
					      V("resv.last", hole.last),
					      VS("type", resv_type_name(resv->type)),
					      V("group", group->number));
			}
		}
		if (!span_contains(domain->geometry.aperture, iova))
			narrow = domain;
	}
	if (!narrow)
		narrow = TAILQ_FIRST(&type1->domains);
	return refuse(call, RULE_BEYOND_APERTURE, V("first", iova.first), V("last", iova.last),
		      VS("iommu", narrow->iommu->name),
		      V("aperture.first", narrow->geometry.aperture.first),
		      V("aperture.last", narrow->geometry.aperture.last));
}

/* The caller's account and limit are the mapping's from now on. Mirrors vfio_change_dma_owner. */
static int take_over(struct call *call, struct area *area)
{
	struct vfiosim_client *from = area->mapper, *to = call->caller->client;
	uint64_t charged = area->charged;
	struct vfiosim_limits limits;
	struct budget budget;
	int ret;

	if (from == to)
		return 0;
	ret = call_memlock(call, &limits);
	if (!ret)
		ret = pages_budget(call, &budget);
	if (ret)
		return ret;
	if (charged && (to->locked_pages > budget.limit ||
			charged > budget.limit - to->locked_pages))
		return refuse(call, RULE_MEMLOCK, V("pages", charged), V("iova", area->iova.first),
			      V("locked", to->locked_pages), V("limit", budget.limit));
	area_uncharge(area, charged);
	area->mapper = client_get(to);
	area_charge(area, charged);
	area->flags &= ~AREA_LOCK_CAP;
	area->flags |= limits.ipc_lock ? AREA_LOCK_CAP : 0;
	client_put(from);
	return 0;
}

/* A new address for a mapping whose old one was invalidated; the caller takes it over. */
static int restore_vaddr(struct call *call, struct type1 *type1, struct area *area,
			 struct span iova, uint64_t uva)
{
	int ret;

	if (!area)
		return refuse(call, RULE_VADDR_NO_MAPPING, V("first", iova.first),
			      V("last", iova.last));
	if (!(area->flags & AREA_VADDR_INVALID) || area->iova.first != iova.first ||
	    area->iova.last != iova.last)
		return refuse(call, RULE_VADDR_MISMATCH, V("first", iova.first), V("last", iova.last));
	ret = take_over(call, area);
	if (ret)
		return ret;
	client_put(area->pinner);
	area->pinner = NULL;
	area->uva = uva;
	area->flags &= ~AREA_VADDR_INVALID;
	type1->n_vaddr_invalid--;
	changed(call, "mapping {first}..{last} now stands for vaddr {uva}", V("first", iova.first),
		V("last", iova.last), V("uva", uva));
	return 0;
}

static int check_place(struct call *call, const struct type1 *type1, struct span iova,
		       const struct area *other)
{
	if (other)
		return refuse(call, RULE_OVERLAP, V("first", iova.first), V("last", iova.last),
			      V("other.first", other->iova.first), V("other.last", other->iova.last));
	if (!type1->dma_avail)
		return refuse(call, RULE_ENTRY_LIMIT, V("limit", type1->iopt.set.count));
	if (!ranges_allow(&type1->ranges, iova) && !TAILQ_EMPTY(&type1->domains))
		return refuse_range(call, type1, iova);
	return 0;
}

/* With a domain the pages are pinned now; with mdevs only they are not looked at. */
static int check_pinning(struct call *call, const struct type1 *type1, struct area *area,
			 uint64_t *ret_charge)
{
	struct budget budget;
	struct domain *domain;
	int ret = pages_budget(call, &budget);

	if (ret)
		return ret;
	ret = pages_check(call, area, area->mapper, &budget, ret_charge);
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		if (!ret)
			ret = domain_check_map(call, domain, area->iova);
	if (!ret)
		area->flags |= AREA_FILLED;
	return ret;
}

static int insert(struct call *call, struct type1 *type1, const struct area *wanted,
		  const struct span_gap *gap, uint64_t charge)
{
	struct area *area = area_create(wanted->mapper, wanted->iova, wanted->uva, wanted->flags);

	if (!area || iopt_insert_gap(&type1->iopt, gap, area)) {
		area_destroy(area);
		return refuse(call, RULE_NO_MEMORY);
	}
	area_charge(area, charge);
	type1->dma_avail--;
	if (area->flags & AREA_FILLED)
		changed(call, "mapping {first}..{last} added and pinned, {pages:d} pages charged",
			V("first", area->iova.first), V("last", area->iova.last),
			V("pages", charge));
	else
		changed(call,
			"mapping {first}..{last} added unseen: no IOMMU has to translate it yet",
			V("first", area->iova.first), V("last", area->iova.last));
	return 0;
}

int type1_map(struct call *call, struct type1 *type1, const struct type1_map_args *args)
{
	struct area wanted = { 0 }, *other;
	struct vfiosim_limits limits;
	struct span_gap gap;
	uint64_t charge = 0;
	int ret = check_args(call, type1, args);

	if (ret)
		return ret;
	span_make(args->iova, args->size, &wanted.iova);
	other = iopt_find_gap(&type1->iopt, wanted.iova, &gap);
	if (args->vaddr)
		return restore_vaddr(call, type1, other, wanted.iova, args->uva);
	ret = check_place(call, type1, wanted.iova, other);
	if (!ret)
		ret = call_memlock(call, &limits);
	if (ret)
		return ret;
	wanted.uva = args->uva;
	wanted.mapper = call->caller->client;
	wanted.flags = (args->read ? AREA_READ : 0) | (args->write ? AREA_WRITE : 0) |
		       (limits.ipc_lock ? AREA_LOCK_CAP : 0);
	if (!TAILQ_EMPTY(&type1->domains))
		ret = check_pinning(call, type1, &wanted, &charge);
	return ret ? ret : insert(call, type1, &wanted, &gap, charge);
}
