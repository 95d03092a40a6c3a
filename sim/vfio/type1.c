/* SPDX-License-Identifier: MIT */
/* type1: groups come and go; see type1.h. */
#include "vfio/type1.h"

#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "machine/fault.h"
#include "machine/kernel.h"
#include "machine/lock.h"
#include "vfio/container.h"
#include "iommu/domain.h"
#include "vfio/group.h"
#include "iommu/resv.h"
#include "pages/show.h"

struct type1 *type1_create(struct call *call, struct container *container, bool v2)
{
	struct type1 *type1 = fault_zalloc(call, sizeof(*type1));

	if (!type1)
		return NULL;
	type1->container = container;
	type1->refs = 1;
	type1->v2 = v2;
	iopt_init(&type1->iopt);
	TAILQ_INIT(&type1->domains);
	ranges_init(&type1->ranges);
	type1->dma_avail = container->sim->dma_entry_limit;
	type1->page_sizes = ~(uint64_t)(VFIOSIM_PAGE_SIZE - 1);
	return type1;
}

static void put(struct type1 *type1)
{
	if (--type1->refs)
		return;
	iopt_done(&type1->iopt);
	ranges_done(&type1->ranges);
	free(type1);
}

void type1_destroy(struct type1 *type1)
{
	if (type1)
		put(type1);
}

bool type1_yield(struct call *call, struct type1 *type1)
{
	const struct container *container = type1->container;
	bool alive;

	type1->refs++;
	lock_yield(call->sim);
	alive = container->type1 == type1;
	put(type1);
	return alive;
}

/* Mirrors vfio_update_pgsize_bitmap: pages smaller than the CPU's are no use. */
static void update_page_sizes(struct type1 *type1)
{
	const uint64_t small = VFIOSIM_PAGE_SIZE - 1;
	struct domain *domain;

	type1->page_sizes = UINT64_MAX;
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		type1->page_sizes &= domain->geometry.page_sizes;
	if (type1->page_sizes & small)
		type1->page_sizes = (type1->page_sizes & ~small) | VFIOSIM_PAGE_SIZE;
}

int type1_check_extension(const struct vfiosim *sim, const struct type1 *type1,
			  uint64_t extension)
{
	const struct domain *domain;

	switch (extension) {
	case EXT_TYPE1:
	case EXT_TYPE1V2:
	case EXT_UNMAP_ALL:
		return 1;
	case EXT_TYPE1_NESTING:
		return !kernel_has(sim, KERNEL_NO_TYPE1_NESTING);
	case EXT_UPDATE_VADDR:
		return type1 && !type1->n_emulated;
	case EXT_CACHE_COHERENCY:
		if (!type1)
			return 0;
		TAILQ_FOREACH(domain, &type1->domains, in_owner)
			if (!domain->geometry.enforces_coherency)
				return 0;
		return 1;
	default:
		return 0;
	}
}

/* ---- Attach ---- */

static int refuse_aperture(struct call *call, const struct area *area, const struct domain *domain)
{
	return refuse(call, RULE_ATTACH_APERTURE, V("first", area->iova.first),
		      V("last", area->iova.last), VS("iommu", domain->iommu->name),
		      V("aperture.first", domain->geometry.aperture.first),
		      V("aperture.last", domain->geometry.aperture.last));
}

/*
 * Mappings outside the new aperture. Only a container that knows ranges looks; one
 * that never held a physical group finds out when it replays (ERANGE, not EINVAL).
 * Mirrors vfio_iommu_aper_conflict.
 */
static int check_aperture(struct call *call, const struct type1 *type1, const struct domain *wanted)
{
	struct span aperture = wanted->geometry.aperture, all;
	const struct area *area;

	if (!type1->ranges.n)
		return 0;
	all.first = type1->ranges.items[0].first;
	all.last = type1->ranges.items[type1->ranges.n - 1].last;
	if (!span_overlaps(all, aperture))
		return refuse(call, RULE_ATTACH_DISJOINT, VS("iommu", wanted->iommu->name),
			      V("aperture.first", aperture.first), V("aperture.last", aperture.last));
	if (aperture.first > all.first) {
		area = iopt_find(&type1->iopt, (struct span){ all.first, aperture.first - 1 });
		if (area)
			return refuse_aperture(call, area, wanted);
	}
	/* Before, the size of a search up to 2^64 was 0, and nothing was found. */
	if (aperture.last < all.last &&
	    (all.last != UINT64_MAX || kernel_has(call->sim, KERNEL_LAST_PAGE))) {
		area = iopt_find(&type1->iopt, (struct span){ aperture.last + 1, all.last });
		if (area)
			return refuse_aperture(call, area, wanted);
	}
	return 0;
}

/* Mirrors vfio_iommu_resv_conflict. */
static int check_reserved(struct call *call, const struct type1 *type1,
			  const struct iommu_group *group)
{
	const struct vfiosim_resv *resv;

	for (size_t i = 0; (resv = iommu_group_resv(group, i)); i++) {
		const struct area *area;

		if (!resv_enforced(resv))
			continue;
		area = iopt_find(&type1->iopt, resv_span(resv));
		if (area)
			return refuse(call, RULE_ATTACH_RESERVED, V("first", area->iova.first),
				      V("last", area->iova.last),
				      V("resv.first", resv->range.first),
				      V("resv.last", resv->range.last),
				      VS("type", resv_type_name(resv->type)),
				      V("group", group->number));
	}
	return 0;
}

/* Mirrors vfio_iommu_resv_exclude. */
static int exclude_reserved(struct ranges *ranges, const struct iommu_group *group)
{
	const struct vfiosim_resv *resv;
	int ret = 0;

	for (size_t i = 0; !ret && (resv = iommu_group_resv(group, i)); i++)
		if (resv_enforced(resv))
			ret = ranges_exclude(ranges, resv_span(resv));
	return ret;
}

/* The ranges as they would be with @group in. */
static int narrowed_ranges(struct call *call, const struct type1 *type1, const struct vfio_group *group,
			   const struct domain *wanted, struct ranges *ret_ranges)
{
	int ret = ranges_copy(ret_ranges, &type1->ranges);

	if (!ret)
		ret = ranges_limit(ret_ranges, wanted->geometry.aperture);
	if (!ret)
		ret = exclude_reserved(ret_ranges, group->iommu_group);
	if (!ret && ret_ranges->n)
		return 0;
	ranges_done(ret_ranges);
	if (ret)
		return refuse(call, RULE_NO_MEMORY);
	return refuse(call, RULE_ATTACH_NOTHING_LEFT, V("group", group_number(group)));
}

static struct domain *compatible_domain(const struct type1 *type1, const struct vfio_group *group)
{
	struct domain *domain;

	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		if (domain_fits(domain, group->iommu_group->iommu))
			return domain;
	return NULL;
}

/* What a replay did: for the trace. */
struct replay {
	uint64_t n, n_pinned;		/* mappings; those that were lazy */
	uint64_t pages;			/* charged for these */
};

static int replay_area(struct call *call, struct area *area, const struct domain *wanted,
		       struct replay *replay)
{
	uint64_t new;
	int ret;

	replay->n++;
	if (!(area->flags & AREA_FILLED)) {
		ret = area_pin(call, area, &new);
		if (!ret)
			ret = area_fill(call, area, new);
		if (ret)
			return ret;
		replay->n_pinned++;
		replay->pages += new;
	}
	return domain_check_map(call, wanted, area->iova);
}

/*
 * Every mapping goes into a new domain, which @wanted describes. Those that are lazy so
 * far are pinned, through the caller's memory: all of them, or none. Mirrors
 * vfio_iommu_replay.
 */
static int replay(struct call *call, struct type1 *type1, const struct domain *wanted,
		  struct replay *ret_replay)
{
	struct span_cursor cursor;
	struct area *area;
	int ret;

	*ret_replay = (struct replay){ 0 };
	iopt_for_each(&type1->iopt, &cursor, area, 0, UINT64_MAX) {
		ret = replay_area(call, area, wanted, ret_replay);
		if (!ret)
			continue;
		if (ret != CALL_AGAIN)
			iopt_walked(call, &type1->iopt, area, wanted->iommu->name,
				    TAILQ_EMPTY(&type1->domains));
		if (TAILQ_EMPTY(&type1->domains))
			iopt_unfill(&type1->iopt, area->iova.first);
		return ret;
	}
	return 0;
}

/* Takes over @ranges, unless it fails. */
static int join_domain(struct call *call, struct type1 *type1, struct vfio_group *group,
		       struct domain *domain, struct ranges *ranges)
{
	int ret = domain_attach(call, domain, &group->attachment, group->iommu_group, ATTACH_RID);

	if (ret)
		return ret;
	type1->n_physical++;
	ranges_done(&type1->ranges);
	type1->ranges = *ranges;
	changed(call, "group {group:d} attached to domain {domain:d} of {iommu}",
		V("group", group_number(group)), V("domain", domain->number),
		VS("iommu", domain->iommu->name));
	for (size_t i = 0; call_traced(call) && i < ranges->n; i++)
		changed(call, "iova range {i:d} is {first}..{last}", V("i", i),
			V("first", ranges->items[i].first), V("last", ranges->items[i].last));
	return 0;
}

/* A new domain, with the group attached to it. */
static int make_domain(struct call *call, struct type1 *type1, struct vfio_group *group,
		       struct ranges *ranges, struct domain **ret_domain)
{
	int ret = domain_create(call, group->iommu_group->iommu, &domain_request_paging, ret_domain);

	if (ret)
		return ret;
	ret = join_domain(call, type1, group, *ret_domain, ranges);
	if (ret)
		domain_destroy(*ret_domain);
	return ret;
}

static int attach_new_domain(struct call *call, struct type1 *type1, struct vfio_group *group,
			     const struct domain *wanted, struct ranges *ranges)
{
	struct domain *domain;
	struct replay done;
	int ret = replay(call, type1, wanted, &done);

	if (ret)
		return ret;
	ret = make_domain(call, type1, group, ranges, &domain);
	if (ret) {
		if (TAILQ_EMPTY(&type1->domains))
			iopt_unfill(&type1->iopt, UINT64_MAX);
		return ret;
	}
	TAILQ_INSERT_HEAD(&type1->domains, domain, in_owner);
	if (done.n)
		changed(call,
			"{n:d} mapping{n:s} replayed into domain {domain:d}; {pinned:d} of them pinned now, {pages:d} page{pages:s} charged",
			V("n", done.n), V("domain", domain->number), V("pinned", done.n_pinned),
			V("pages", done.pages));
	update_page_sizes(type1);
	return 0;
}

static int attach_physical(struct call *call, struct type1 *type1, struct vfio_group *group)
{
	struct domain wanted, *domain;
	struct ranges ranges;
	int ret;

	domain_init(&wanted, group->iommu_group->iommu, &domain_request_paging);
	ret = iommu_group_check_attach(call, group->iommu_group);
	if (!ret)
		ret = check_aperture(call, type1, &wanted);
	if (!ret)
		ret = check_reserved(call, type1, group->iommu_group);
	if (!ret)
		ret = narrowed_ranges(call, type1, group, &wanted, &ranges);
	if (ret)
		return ret;
	if (!call->sim->allow_unsafe_interrupts && !iommu_group_isolated_msi(group->iommu_group)) {
		ranges_done(&ranges);
		return refuse(call, RULE_ATTACH_INTERRUPTS, VS("iommu", group->iommu_group->iommu->name),
			      V("group", group_number(group)));
	}
	domain = compatible_domain(type1, group);
	if (domain)
		ret = join_domain(call, type1, group, domain, &ranges);
	else
		ret = attach_new_domain(call, type1, group, &wanted, &ranges);
	if (ret)
		ranges_done(&ranges);
	return ret;
}

int type1_attach(struct call *call, struct type1 *type1, struct vfio_group *group)
{
	if (type1->n_vaddr_invalid)
		return refuse(call, RULE_ATTACH_VADDR_INVALID, V("count", type1->n_vaddr_invalid));
	if (group->type == VFIO_IOMMU)
		return attach_physical(call, type1, group);
	type1->n_emulated++;
	changed(call, "group {group:d} (mdev) joined: no domain, nothing is pinned for it",
		V("group", group_number(group)));
	return 0;
}

/* ---- Detach ---- */

static void remove_all_mappings(struct call *call, struct type1 *type1)
{
	size_t n = type1->iopt.set.count;

	iopt_done_later(call, &type1->iopt);
	type1->dma_avail += (uint32_t)n;
	type1->n_vaddr_invalid = 0;
	if (n)
		changed(call, "{n:d} mapping{n:s} dropped: the last group left", V("n", n));
}

/* Only what mdevs pinned one by one stays charged. Mirrors vfio_iommu_unmap_unpin_reaccount. */
static void make_lazy(struct call *call, struct type1 *type1)
{
	iopt_unfill(&type1->iopt, UINT64_MAX);
	changed(call, "{n:d} mapping{n:s} unpinned: only mdevs are left, and nothing is pinned for them",
		V("n", type1->iopt.set.count));
}

/* The widest the remaining domains allow, without the remaining groups' reserved regions. */
static int widened_ranges(const struct type1 *type1, struct ranges *ret_ranges)
{
	struct span window = SPAN_ALL;
	const struct attachment *attachment;
	struct domain *domain;
	int ret;

	ranges_init(ret_ranges);
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		window = span_clip(window, domain->geometry.aperture);
	ret = ranges_limit(ret_ranges, window);
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		TAILQ_FOREACH(attachment, &domain->attachments, in_domain)
			if (!ret)
				ret = exclude_reserved(ret_ranges, attachment->group);
	return ret;
}

static void detach_physical(struct call *call, struct type1 *type1, struct vfio_group *group)
{
	struct domain *domain = group->attachment.domain;
	struct ranges ranges;

	domain_detach(&group->attachment);
	type1->n_physical--;
	if (TAILQ_EMPTY(&domain->attachments)) {
		TAILQ_REMOVE(&type1->domains, domain, in_owner);
		changed(call, "domain {domain:d} destroyed with its last group",
			V("domain", domain->number));
		domain_destroy(domain);
		update_page_sizes(type1);
		if (TAILQ_EMPTY(&type1->domains) && !type1->n_emulated)
			remove_all_mappings(call, type1);
		else if (TAILQ_EMPTY(&type1->domains))
			make_lazy(call, type1);
	}
	if (widened_ranges(type1, &ranges)) {
		ranges_done(&ranges);	/* keep the old ones, as the kernel does */
		return;
	}
	ranges_done(&type1->ranges);
	type1->ranges = ranges;
}

void type1_detach(struct call *call, struct type1 *type1, struct vfio_group *group)
{
	if (group->type == VFIO_IOMMU) {
		detach_physical(call, type1, group);
		return;
	}
	type1->n_emulated--;
	if (!type1->n_emulated && TAILQ_EMPTY(&type1->domains))
		remove_all_mappings(call, type1);
}

/* ---- State ---- */

static void show_domain(struct state *state, const struct domain *domain)
{
	struct json *json = &state->json;
	const struct attachment *attachment;

	json_object(json);
	json_put_unsigned(json, "number", domain->number);
	json_put_string(json, "iommu", domain->iommu->name);
	json_key(json, "groups");
	json_array(json);
	TAILQ_FOREACH(attachment, &domain->attachments, in_domain)
		json_unsigned(json, attachment->group->number);
	json_array_end(json);
	json_object_end(json);
}

void type1_show(struct state *state, const struct type1 *type1)
{
	struct json *json = &state->json;
	const struct domain *domain;

	json_put_unsigned(json, "dma_avail", type1->dma_avail);
	json_put_bool(json, "dirty_tracking", type1->tracking);
	json_put_hex(json, "page_sizes", type1->page_sizes);
	json_key(json, "domains");
	json_array(json);
	TAILQ_FOREACH(domain, &type1->domains, in_owner)
		show_domain(state, domain);
	json_array_end(json);
	ranges_show(state, "iova_ranges", &type1->ranges);
	iopt_show(state, &type1->iopt);
}
