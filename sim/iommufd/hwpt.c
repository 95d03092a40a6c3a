/* SPDX-License-Identifier: MIT */
/* Hardware page tables; see hwpt.h. */
#include "iommufd/hwpt.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "machine/state.h"

static void destroy(struct call *call, struct object *object)
{
	struct hwpt *hwpt = (struct hwpt *)object;
	struct ioas *ioas = hwpt->ioas;

	TAILQ_REMOVE(&ioas->hwpts, hwpt, in_ioas);
	ioas_unreserve(ioas, hwpt);
	changed(call, "hwpt {id:d} of ioas {ioas:d} destroyed", V("id", object->id),
		V("ioas", ioas->object.id));
	ioas_unfill(ioas);
	if (TAILQ_EMPTY(&ioas->hwpts) && ioas->iopt.set.count)
		changed(call, "{n:d} mapping{n:s} of ioas {id:d} unpinned: no domain needs them",
			V("n", ioas->iopt.set.count), V("id", ioas->object.id));
	ioas_update_alignment(ioas);
	ioas->object.users--;
	if (hwpt->fault)
		hwpt->fault->users--;
	domain_destroy(hwpt->domain);
	free(hwpt);
}

static void show(struct state *state, const struct object *object)
{
	const struct hwpt *hwpt = (const struct hwpt *)object;
	struct json *json = &state->json;

	json_put_unsigned(json, "ioas", hwpt->ioas->object.id);
	json_put_string(json, "iommu", hwpt->domain->iommu->name);
	json_put_bool(json, "automatic", hwpt->automatic);
}

static const struct object_ops hwpt_ops = {
	.type = OBJECT_HWPT,
	.name = "hwpt",
	.show = show,
	.destroy = destroy,
};

/* What lies outside the aperture: at most one span on each side. */
static unsigned outside(const struct domain *domain, struct span spans[2])
{
	struct span aperture = domain->geometry.aperture;
	unsigned n = 0;

	if (aperture.first)
		spans[n++] = (struct span){ 0, aperture.first - 1 };
	if (aperture.last != UINT64_MAX)
		spans[n++] = (struct span){ aperture.last + 1, UINT64_MAX };
	return n;
}

/* Could @ioas have a hwpt with a domain as @request says, whatever is mapped in it? */
static int check(struct call *call, const struct ioas *ioas, const struct iommu *iommu,
		 const struct domain_request *request, struct domain *ret_wanted)
{
	struct span spans[2];
	unsigned n;
	int ret = iommu->ops->check_domain(call, iommu, request);

	if (ret)
		return ret;
	domain_init(ret_wanted, iommu, request);
	n = outside(ret_wanted, spans);
	ret = ioas_check_alignment(call, ioas, ioas_alignment_with(ioas, ret_wanted));
	for (unsigned i = 0; !ret && i < n; i++)
		ret = ioas_check_reserve(call, ioas, spans[i], "aperture");
	return ret;
}

/* What the domain cannot hold is reserved on behalf of @hwpt: all of it, or nothing. */
static int reserve_outside(struct call *call, struct hwpt *hwpt)
{
	struct span spans[2];
	unsigned n = outside(hwpt->domain, spans);
	int ret = 0;

	for (unsigned i = 0; !ret && i < n; i++)
		ret = ioas_reserve(call, hwpt->ioas, spans[i], hwpt, "aperture", 0);
	if (ret)
		ioas_unreserve(hwpt->ioas, hwpt);
	return ret;
}

static void discard(struct hwpt *hwpt)
{
	domain_destroy(hwpt->domain);
	free(hwpt);
}

/* Not published, not in the ioas, whose mappings fit. */
static int create(struct call *call, struct ioas *ioas, const struct iommu *iommu,
		  const struct domain_request *request, struct hwpt **ret_hwpt)
{
	struct hwpt *hwpt = fault_zalloc(call, sizeof(*hwpt));
	int ret;

	if (!hwpt)
		return refuse(call, RULE_NO_MEMORY);
	hwpt->ioas = ioas;
	ret = domain_create(call, iommu, request, &hwpt->domain);
	if (!ret && object_reserve(ioas->object.iommufd, &hwpt->object, &hwpt_ops))
		ret = refuse(call, RULE_NO_MEMORY);
	if (ret) {
		discard(hwpt);
		return ret;
	}
	ret = reserve_outside(call, hwpt);
	if (ret) {
		object_abort(&hwpt->object);
		discard(hwpt);
		return ret;
	}
	*ret_hwpt = hwpt;
	return 0;
}

static void publish(struct call *call, struct hwpt *hwpt)
{
	struct ioas *ioas = hwpt->ioas;

	TAILQ_INSERT_TAIL(&ioas->hwpts, hwpt, in_ioas);
	ioas->object.users++;
	ioas_update_alignment(ioas);
	object_publish(&hwpt->object);
	changed(call, "hwpt {id:d} of ioas {ioas:d} created for {iommu}", V("id", hwpt->object.id),
		V("ioas", ioas->object.id), VS("iommu", hwpt->domain->iommu->name));
	if (ioas->iopt.set.count)
		changed(call, "{n:d} mapping{n:s} of ioas {id:d} in the new domain now, pinned",
			V("n", ioas->iopt.set.count), V("id", ioas->object.id));
}

int hwpt_create(struct call *call, struct ioas *ioas, const struct iommu *iommu,
		const struct domain_request *request, bool automatic, struct hwpt **ret_hwpt)
{
	struct domain wanted;
	struct hwpt *hwpt;
	int ret = check(call, ioas, iommu, request, &wanted);

	if (!ret)
		ret = ioas_fill(call, ioas, &wanted);
	if (ret)
		return ret;
	ret = create(call, ioas, iommu, request, &hwpt);
	if (ret) {
		ioas_unfill(ioas);
		return ret;
	}
	hwpt->automatic = automatic;
	publish(call, hwpt);
	*ret_hwpt = hwpt;
	return 0;
}

void hwpt_use(struct hwpt *hwpt)
{
	hwpt->object.users++;
}

void hwpt_unuse(struct call *call, struct hwpt *hwpt)
{
	if (!--hwpt->object.users && hwpt->automatic)
		object_destroy(call, &hwpt->object);
}
