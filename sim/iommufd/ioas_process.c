/* SPDX-License-Identifier: MIT */
/*
 * Handing the mappings of an iommufd to another process: it is charged for them from
 * then on, and the one that made them may end. Mirrors iommufd_ioas_change_process
 * (7.2). Only mappings of files can be handed over: others name the process' memory.
 */
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"

/* Calls @each for every mapping of every ioas; stops at the first that fails. */
static int for_each_area(struct call *call, struct iommufd *iommufd,
			 int (*each)(struct call *call, struct area *area, void *arg), void *arg)
{
	int ret = 0;

	for (uint32_t i = 0; i < iommufd->table.n; i++) {
		struct ioas *ioas = (struct ioas *)iommufd->table.objects[i];
		struct span_cursor cursor;
		struct area *area;

		if (!ioas || ioas->object.ops->type != OBJECT_IOAS)
			continue;
		iopt_for_each(&ioas->iopt, &cursor, area, 0, UINT64_MAX)
			if (!ret)
				ret = each(call, area, arg);
	}
	return ret;
}

static int check_kind(struct call *call, struct area *area, void *arg)
{
	if (area->pages->kind == PAGES_FILE)
		return 0;
	return refuse(call, RULE_NOT_A_FILE, V("first", area->iova.first),
		      V("last", area->iova.last));
}

/* Pages that would be charged to the caller, to its mm and to its user. */
struct charge {
	uint64_t pages[ACCOUNT_NONE];
};

/* Areas share pages: these are counted where they are met first. */
static int add(struct call *call, struct area *area, void *arg)
{
	struct pages *pages = area->pages;
	struct charge *charge = arg;

	if (pages->source != call->caller->client && pages->account != ACCOUNT_NONE &&
	    !pages->counted)
		charge->pages[pages->account] += pages->npinned;
	pages->counted = true;
	return 0;
}

static int forget(struct call *call, struct area *area, void *arg)
{
	area->pages->counted = false;
	return 0;
}

static int check_charge(struct call *call, const struct charge *charge)
{
	int ret = 0;

	for (uint8_t account = 0; !ret && account < ACCOUNT_NONE; account++) {
		struct payer payer = { .client = call->caller->client, .account = account };

		ret = payer_check(call, &payer, charge->pages[account], 0);
	}
	return ret;
}

static int give(struct call *call, struct area *area, void *arg)
{
	if (area->pages->source != call->caller->client)
		pages_give(area->pages, call->caller->client);
	return 0;
}

int ioas_change_process(struct call *call, struct iommufd *iommufd)
{
	struct charge charge = { 0 };
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (!ret)
		ret = for_each_area(call, iommufd, check_kind, NULL);
	if (ret)
		return ret;
	for_each_area(call, iommufd, add, &charge);
	for_each_area(call, iommufd, forget, NULL);
	ret = check_charge(call, &charge);
	return ret ? ret : for_each_area(call, iommufd, give, NULL);
}
