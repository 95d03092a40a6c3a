/* SPDX-License-Identifier: MIT */
/*
 * Handing the mappings of an iommufd to another process: it is charged for them from
 * then on, and the one that made them may end. Mirrors iommufd_ioas_change_process
 * (7.2). Only mappings of files can be handed over: others name the process' memory.
 */
#include <vfiosim/topology.h>

#include "machine/client.h"
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

		if (!ioas || ioas->object.type != OBJECT_IOAS)
			continue;
		iopt_for_each(&ioas->iopt, &cursor, area, 0, UINT64_MAX)
			if (!ret)
				ret = each(call, area, arg);
	}
	return ret;
}

/* Pages that would be charged to the caller, to its mm and to its user. */
struct charge {
	uint64_t pages[2];
};

static int add(struct call *call, struct area *area, void *arg)
{
	struct charge *charge = arg;

	if (!(area->flags & AREA_FILE))
		return refuse(call, RULE_NOT_A_FILE, V("first", area->iova.first),
			      V("last", area->iova.last));
	if (area->mapper != call->caller->client && !(area->flags & AREA_UNCHARGED))
		charge->pages[!!(area->flags & AREA_BY_USER)] += area->charged;
	return 0;
}

static int check_limit(struct call *call, const char *whose, uint64_t locked, uint64_t pages,
		       uint64_t memlock)
{
	uint64_t limit = memlock / VFIOSIM_PAGE_SIZE;

	if (!pages || memlock == UINT64_MAX || (locked <= limit && pages <= limit - locked))
		return 0;
	return refuse(call, RULE_ACCOUNT_LIMIT, V("pages", pages), V("iova", 0), VS("whose", whose),
		      V("locked", locked), V("limit", limit));
}

static int give(struct call *call, struct area *area, void *arg)
{
	uint64_t pages = area->charged;

	area_uncharge(area, pages);
	client_put(area->mapper);
	area->mapper = client_get(call->caller->client);
	area_charge(area, pages);
	return 0;
}

int ioas_change_process(struct call *call, struct iommufd *iommufd)
{
	const struct vfiosim_client *client = call->caller->client;
	struct charge charge = { 0 };
	struct vfiosim_limits limits;
	int ret = call_limits(call, &limits);

	if (!ret)
		ret = for_each_area(call, iommufd, add, &charge);
	if (!ret)
		ret = check_limit(call, "process", client->locked_pages, charge.pages[0],
				  limits.memlock);
	if (!ret && charge.pages[1])
		ret = check_limit(call, "user", client->user->locked_pages, charge.pages[1],
				  limits.memlock);
	return ret ? ret : for_each_area(call, iommufd, give, NULL);
}
