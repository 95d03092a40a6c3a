/* SPDX-License-Identifier: MIT */
/* IOAS: life, ranges, and what a hwpt makes of the mappings; see ioas.h. */
#include "iommufd/ioas.h"

#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "iommu/domain.h"
#include "iommufd/hwpt.h"
#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "machine/state.h"
#include "pages/show.h"

/* Nothing is reserved: hwpts and devices do so, and they keep the ioas. */
static void destroy(struct call *call, struct object *object)
{
	struct ioas *ioas = (struct ioas *)object;

	if (object->iommufd->vfio_ioas == ioas)
		object->iommufd->vfio_ioas = NULL;
	iopt_done_later(call, &ioas->iopt);
	ranges_done(&ioas->allowed);
	changed(call, "ioas {id:d} destroyed", V("id", object->id));
	free(ioas);
}

static void show(struct state *state, const struct object *object)
{
	const struct ioas *ioas = (const struct ioas *)object;
	const struct ioas_resv *resv;
	struct json *json = &state->json;

	json_put_unsigned(json, "alignment", ioas->alignment);
	json_key(json, "reserved");
	json_array(json);
	TAILQ_FOREACH(resv, &ioas->reserved, in_ioas) {
		json_object(json);
		json_put_hex(json, "first", resv->span.first);
		json_put_hex(json, "last", resv->span.last);
		json_put_string(json, "why", resv->why);
		json_object_end(json);
	}
	json_array_end(json);
	ranges_show(state, "allowed", &ioas->allowed);
	iopt_show(state, &ioas->iopt);
}

static const struct object_ops ioas_ops = {
	.type = OBJECT_IOAS,
	.name = "ioas",
	.show = show,
	.destroy = destroy,
};

struct ioas *ioas_create(struct call *call, struct iommufd *iommufd)
{
	struct ioas *ioas = fault_zalloc(call, sizeof(*ioas));

	if (!ioas || object_reserve(iommufd, &ioas->object, &ioas_ops)) {
		free(ioas);
		refuse(call, RULE_NO_MEMORY);
		return NULL;
	}
	iopt_init(&ioas->iopt);
	ranges_init(&ioas->allowed);
	TAILQ_INIT(&ioas->reserved);
	TAILQ_INIT(&ioas->hwpts);
	TAILQ_INIT(&ioas->accesses);
	ioas->alignment = 1;
	ioas->huge_pages = true;
	object_publish(&ioas->object);
	changed(call, "ioas {id:d} created", V("id", ioas->object.id));
	return ioas;
}

int ioas_find(struct call *call, struct iommufd *iommufd, uint32_t id, struct ioas **ret_ioas)
{
	struct object *object = object_find(iommufd, id, OBJECT_IOAS);

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "ioas"), V("id", id));
	*ret_ioas = (struct ioas *)object;
	return 0;
}

/* ---- Ranges ---- */

int ioas_ranges(const struct ioas *ioas, struct ranges *ret_ranges)
{
	const struct ioas_resv *resv;
	int ret;

	ranges_init(ret_ranges);
	ret = ranges_limit(ret_ranges, SPAN_ALL);
	TAILQ_FOREACH(resv, &ioas->reserved, in_ioas)
		if (!ret)
			ret = ranges_exclude(ret_ranges, resv->span);
	if (ret)
		ranges_done(ret_ranges);
	return ret;
}

static int refuse_allowed(struct call *call, struct span resv, const char *why, struct span allowed)
{
	return refuse(call, RULE_RESV_ALLOWED, V("first", resv.first), V("last", resv.last),
		      VS("why", why), V("other.first", allowed.first), V("other.last", allowed.last));
}

int ioas_allow(struct call *call, struct ioas *ioas, struct ranges *allowed)
{
	const struct ioas_resv *resv;

	TAILQ_FOREACH(resv, &ioas->reserved, in_ioas)
		for (size_t i = 0; i < allowed->n; i++)
			if (span_overlaps(resv->span, allowed->items[i]))
				return refuse_allowed(call, resv->span, resv->why,
						      allowed->items[i]);
	ranges_done(&ioas->allowed);
	ioas->allowed = *allowed;
	ranges_init(allowed);
	changed(call, "ioas {id:d} may choose iovas in {n:d} range{n:s}", V("id", ioas->object.id),
		V("n", ioas->allowed.n));
	return 0;
}

int ioas_check_reserve(struct call *call, const struct ioas *ioas, struct span span,
		       const char *why)
{
	const struct area *area = iopt_find(&ioas->iopt, span);

	if (area)
		return refuse(call, RULE_RESV_IN_USE, V("first", span.first), V("last", span.last),
			      VS("why", why), V("other.first", area->iova.first),
			      V("other.last", area->iova.last));
	for (size_t i = 0; i < ioas->allowed.n; i++)
		if (span_overlaps(span, ioas->allowed.items[i]))
			return refuse_allowed(call, span, why, ioas->allowed.items[i]);
	return 0;
}

int ioas_reserve(struct call *call, struct ioas *ioas, struct span span, const void *owner,
		 const char *why, uint32_t group)
{
	struct ioas_resv *resv;
	int ret = ioas_check_reserve(call, ioas, span, why);

	if (ret)
		return ret;
	resv = fault_zalloc(call, sizeof(*resv));
	if (!resv)
		return refuse(call, RULE_NO_MEMORY);
	*resv = (struct ioas_resv){ .span = span, .owner = owner, .why = why, .group = group };
	TAILQ_INSERT_TAIL(&ioas->reserved, resv, in_ioas);
	return 0;
}

void ioas_unreserve(struct ioas *ioas, const void *owner)
{
	struct ioas_resv *resv, *next;

	for (resv = TAILQ_FIRST(&ioas->reserved); resv; resv = next) {
		next = TAILQ_NEXT(resv, in_ioas);
		if (resv->owner != owner)
			continue;
		TAILQ_REMOVE(&ioas->reserved, resv, in_ioas);
		free(resv);
	}
}

/* ---- Alignment ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t ioas_alignment_with(const struct ioas *ioas, const struct domain *domain)
{
	uint64_t alignment = !TAILQ_EMPTY(&ioas->accesses) || !ioas->huge_pages ? VFIOSIM_PAGE_SIZE : 1;
	const struct hwpt *hwpt;

	TAILQ_FOREACH(hwpt, &ioas->hwpts, in_ioas)
		alignment = larger(alignment, domain_page(hwpt->domain));
	if (domain)
		alignment = larger(alignment, domain_page(domain));
	return alignment;
}

/* Mirrors iopt_check_iova_alignment. */
int ioas_check_alignment(struct call *call, const struct ioas *ioas, uint64_t alignment)
{
	struct span_cursor cursor;
	const struct area *area;

	if (alignment <= ioas->alignment)
		return 0;
	iopt_for_each(&ioas->iopt, &cursor, area, 0, UINT64_MAX)
		if ((area->iova.first | (area->iova.last + 1) | (area->start % VFIOSIM_PAGE_SIZE)) &
		    (alignment - 1))
			return refuse(call, RULE_ALIGNMENT_IN_USE, V("first", area->iova.first),
				      V("last", area->iova.last), V("alignment", alignment));
	return 0;
}

void ioas_update_alignment(struct ioas *ioas)
{
	ioas->alignment = ioas_alignment_with(ioas, NULL);
}

/* Mirrors iopt_disable_large_pages. */
int ioas_refuse_huge_pages(struct call *call, struct ioas *ioas)
{
	int ret;

	if (ioas->huge_pages && !TAILQ_EMPTY(&ioas->hwpts) && ioas->iopt.set.count)
		return refuse(call, RULE_HUGE_PAGES_IN_USE, V("id", ioas->object.id),
			      V("n", ioas->iopt.set.count));
	ret = ioas_check_alignment(call, ioas, VFIOSIM_PAGE_SIZE);
	if (ret)
		return ret;
	ioas->huge_pages = false;
	ioas_update_alignment(ioas);
	return 0;
}

/* ---- Filling ---- */

/* Mirrors iommu_map: the container commands can make a mapping that allows nothing at all. */
static int check_map(struct call *call, const struct area *area, const struct domain *domain)
{
	int ret = domain_check_map(call, domain, area->iova);

	if (ret || area->flags & (AREA_READ | AREA_WRITE))
		return ret;
	return refuse(call, RULE_DOMAIN_NO_ACCESS, V("first", area->iova.first),
		      V("last", area->iova.last));
}

/* The account comes last. Mirrors iopt_area_fill_domain(s). */
int ioas_fill_area(struct call *call, struct ioas *ioas, struct area *area,
		   const struct domain *domain)
{
	bool filled = area->flags & AREA_FILLED;
	const struct hwpt *hwpt;
	uint64_t new = 0;
	int ret = filled ? 0 : area_pin(call, area, &new);

	TAILQ_FOREACH(hwpt, &ioas->hwpts, in_ioas)
		if (!ret && !filled)
			ret = check_map(call, area, hwpt->domain);
	if (!ret && domain)
		ret = check_map(call, area, domain);
	if (!ret && !filled)
		ret = area_fill(call, area, new);
	return ret;
}

int ioas_fill(struct call *call, struct ioas *ioas, const struct domain *domain)
{
	struct span_cursor cursor;
	struct area *area;
	int ret;

	iopt_for_each(&ioas->iopt, &cursor, area, 0, UINT64_MAX) {
		ret = ioas_fill_area(call, ioas, area, domain);
		if (!ret)
			continue;
		if (ret != CALL_AGAIN)
			iopt_walked(call, &ioas->iopt, area, domain->iommu->name,
				    TAILQ_EMPTY(&ioas->hwpts));
		if (TAILQ_EMPTY(&ioas->hwpts))
			iopt_unfill(&ioas->iopt, area->iova.first);
		return ret;
	}
	return 0;
}

void ioas_unfill(struct ioas *ioas)
{
	if (TAILQ_EMPTY(&ioas->hwpts))
		iopt_unfill(&ioas->iopt, UINT64_MAX);
}
