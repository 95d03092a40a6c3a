/* SPDX-License-Identifier: MIT */
/* VFIO_IOMMU_MAP_DMA. Mirrors vfio_dma_do_map (7.2): the order of the checks is the kernel's. */
#include <errno.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "vfio/container.h"
#include "iommu/domain.h"
#include "vfio/group.h"
#include "iommu/resv.h"
#include "machine/fault.h"
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
			const struct vfiosim_resv *resv;

			for (size_t i = 0; (resv = iommu_group_resv(group, i)); i++) {
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
	struct pages *pages = area->pages;
	struct payer payer = pages_payer(pages);
	struct vfiosim_limits limits;
	int ret;

	if (pages->source == call->caller->client)
		return 0;
	ret = call_memlock(call, &limits);
	if (ret)
		return ret;
	payer.client = call->caller->client;
	payer.lock_cap = limits.ipc_lock;
	ret = payer_check(call, &payer, pages->npinned, area->iova.first);
	if (ret)
		return ret;
	pages_give(pages, payer.client);
	pages->lock_cap = payer.lock_cap;
	payer.client->limits.memlock = limits.memlock;
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
	client_put(area->pages->memory);
	area->pages->memory = NULL;
	area->pages->start = uva;
	area->flags &= ~AREA_VADDR_INVALID;
	call->sim->areas_changed++;
	type1->n_vaddr_invalid--;
	changed(call, "mapping {first}..{last} now maps vaddr {uva}", V("first", iova.first),
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

/* With a domain the pages are pinned now; with mdevs only nobody looks at them. */
static int fill(struct call *call, const struct type1 *type1, struct area *area)
{
	struct domain *domain;
	uint64_t new;
	int ret = area_pin(call, area, &new);

	if (!ret)
		ret = area_fill(call, area, new);
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		if (!ret)
			ret = domain_check_map(call, domain, area->iova);
	return ret;
}

static struct area *create_area(struct call *call, const struct type1_map_args *args,
				struct span iova, const struct vfiosim_limits *limits)
{
	uint32_t flags = (args->read ? AREA_READ : 0) | (args->write ? AREA_WRITE : 0);
	struct vfiosim_client *source = call->caller->client;
	struct area *area;

	if (fault_alloc(call))
		return NULL;
	area = area_create(source, NULL, args->uva, iova, flags);
	if (!area)
		return NULL;
	area->pages->type1 = true;
	area->pages->account = ACCOUNT_MM;
	area->pages->lock_cap = limits->ipc_lock;
	source->limits.memlock = limits->memlock;
	return area;
}

static void tell_added(struct call *call, const struct area *area)
{
	if (area->flags & AREA_FILLED)
		changed(call, "mapping {first}..{last} added and pinned, {pages:d} page{pages:s} charged",
			V("first", area->iova.first), V("last", area->iova.last),
			V("pages", area->pages->npinned));
	else
		changed(call,
			"mapping {first}..{last} accepted unchecked: no domain is attached yet",
			V("first", area->iova.first), V("last", area->iova.last));
}

int type1_map(struct call *call, struct type1 *type1, const struct type1_map_args *args)
{
	struct vfiosim_limits limits;
	struct span iova = { 0 };
	struct span_gap gap;
	struct area *area;
	int ret = check_args(call, type1, args);

	if (ret)
		return ret;
	span_make(args->iova, args->size, &iova);
	area = iopt_find_gap(&type1->iopt, iova, &gap);
	if (args->vaddr)
		return restore_vaddr(call, type1, area, iova, args->uva);
	ret = check_place(call, type1, iova, area);
	if (!ret)
		ret = call_memlock(call, &limits);
	if (ret)
		return ret;
	area = create_area(call, args, iova, &limits);
	if (!area)
		return refuse(call, RULE_NO_MEMORY);
	if (!TAILQ_EMPTY(&type1->domains))
		ret = fill(call, type1, area);
	if (!ret && iopt_insert_gap(&type1->iopt, &gap, area))
		ret = refuse(call, RULE_NO_MEMORY);
	if (ret) {
		area_destroy(area);
		return ret;
	}
	type1->dma_avail--;
	tell_added(call, area);
	return 0;
}
