/* SPDX-License-Identifier: MIT */
/* Pages: life, and who pays for them; see pages.h. */
#include "pages/pages.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "machine/client.h"
#include "machine/fault.h"
#include "machine/sim.h"
#include "pages/backing.h"
#include "pages/marks.h"

void pages_init(struct pages *pages, struct vfiosim_client *source, struct backing *file,
		uint64_t start)
{
	*pages = (struct pages){
		.start = start,
		.source = client_get(source),
		.kind = file ? PAGES_FILE : PAGES_USER,
		.refs = 1,
	};
	if (file)
		pages->file = backing_get(file);
}

struct pages *pages_get(struct pages *pages)
{
	pages->refs++;
	return pages;
}

void pages_put(struct pages *pages)
{
	if (--pages->refs)
		return;
	pages_uncharge(pages, pages->npinned);
	client_put(pages->source);
	if (pages->kind == PAGES_FILE)
		backing_put(pages->file);
	else
		client_put(pages->memory);
	marks_destroy(pages->marks);
	free(pages);
}

/* ---- Locked memory ---- */

static uint64_t *account_of(struct vfiosim_client *client, uint8_t account)
{
	return account == ACCOUNT_USER ? &client->user->locked_pages : &client->locked_pages;
}

/* The pages are of one area, and so @iova is followed by as many. */
static int meet_fault(struct call *call, uint64_t n, uint64_t iova)
{
	const struct fault_where where = {
		.known = VFIOSIM_FAULT_OF_IOVA,
		.iova = { iova, iova + (n * VFIOSIM_PAGE_SIZE - 1) },
	};

	return fault_point(call, VFIOSIM_FAULT_CHARGE, &where);
}

int payer_check(struct call *call, const struct payer *payer, uint64_t n, uint64_t iova)
{
	uint64_t locked, limit;
	int ret = n && fault_armed(call->sim) ? meet_fault(call, n, iova) : 0;

	if (ret || !n || payer->account == ACCOUNT_NONE || payer->lock_cap)
		return ret;
	ret = call_memlock_of(call, payer->client, &limit);
	if (ret || limit == UINT64_MAX)
		return ret;
	limit /= VFIOSIM_PAGE_SIZE;
	locked = *account_of(payer->client, payer->account);
	if (locked <= limit && n <= limit - locked)
		return 0;
	if (payer->type1)
		return refuse(call, RULE_MEMLOCK, V("pages", n), V("iova", iova),
			      V("locked", locked), V("limit", limit));
	return refuse(call, RULE_ACCOUNT_LIMIT, V("pages", n), V("iova", iova),
		      VS("whose", payer->account == ACCOUNT_USER ? "user" : "process"),
		      V("locked", locked), V("limit", limit));
}

/* Nobody's count as well, as pinned. */
void pages_charge(struct pages *pages, uint64_t n)
{
	pages->npinned += n;
	pages->source->sim->counters.pinned_pages += n;
	pages->source->sim->areas_changed++;
	if (pages->account != ACCOUNT_NONE)
		*account_of(pages->source, pages->account) += n;
}

void pages_uncharge(struct pages *pages, uint64_t n)
{
	pages_charge(pages, -n);
}

void pages_give(struct pages *pages, struct vfiosim_client *to)
{
	struct vfiosim_client *from = pages->source;
	uint64_t n = pages->npinned;

	pages_uncharge(pages, n);
	pages->source = client_get(to);
	pages_charge(pages, n);
	client_put(from);
}
