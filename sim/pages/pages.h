/* SPDX-License-Identifier: MIT */
/*
 * Pages: what pinning a client's memory would give, and the account it goes to.
 *
 * Nothing is pinned for real: the client's VMAs say what get_user_pages() would
 * have answered, and a number is added to the client's account. So a whole replay
 * can be decided first and carried out afterwards; unwinding is not starting.
 */
#ifndef SIM_PAGES_PAGES_H
#define SIM_PAGES_PAGES_H

#include "machine/call.h"

struct area;

#define BUDGET_ACCOUNTS 8	/* counted apart; more of them are counted together with the last */

/*
 * The account while a command is decided: what it would charge so far, against the
 * caller's limit. Start with pages_budget(). iommufd charges whoever made a mapping,
 * so there it keeps a plan for each account, and starts as zeroes.
 */
struct budget {
	struct vfiosim_client *client;	/* the caller's: its locked pages are compared */
	uint64_t limit;			/* pages; UINT64_MAX: none */
	uint64_t planned;		/* pages decided on, not yet charged */
	bool iommufd;			/* iommufd's rules: see pages_check_area() */
	struct {
		const uint64_t *account; /* area_account(); NULL: free */
		uint64_t pages;			/* decided on, not yet charged */
	} plans[BUDGET_ACCOUNTS];
};

/* The caller's. 0 or CALL_AGAIN. */
int pages_budget(struct call *call, struct budget *ret_budget);

/*
 * Would pinning all of @area from @memory work? 0 and the pages it charges;
 * CALL_AGAIN; EFAULT or ENOMEM with the reason of the first page that fails, in
 * ascending order, as vfio_pin_pages_remote (7.2) meets them. Pages of it that
 * mdevs pinned are charged already and not counted again.
 */
int pages_check(struct call *call, const struct area *area, struct vfiosim_client *memory,
		struct budget *budget, uint64_t *ret_charge);

/*
 * The same by iommufd's rules: through the memory of the mapper, on its account and
 * against its limit; the account is looked at last, and pages of a BAR (PFNMAP)
 * cannot be pinned. Start with a zeroed @budget. Mirrors pfn_reader (7.2).
 */
int pages_check_area(struct call *call, const struct area *area, struct budget *budget,
		     uint64_t *ret_charge);
/* One page of it at @iova, for an mdev. */
int pages_check_area_one(struct call *call, const struct area *area, uint64_t iova,
			 struct budget *budget, uint64_t *ret_charge);

/* The same for the one page at @iova, as an mdev pins it. @ret_charge is 0 or 1. */
int pages_check_one(struct call *call, const struct area *area, uint64_t iova,
		    struct budget *budget, uint64_t *ret_charge);

/*
 * Did the memory behind a pinned @area change under the pin? @vmas: all of the
 * memory it was pinned through, now. A real pin keeps the old page when the client
 * unmaps or protects an address; here the page is gone, so the mapping is told stale.
 */
bool pages_stale(const struct area *area, const struct vfiosim_vmas *vmas);

#endif
