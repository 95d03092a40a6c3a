/* SPDX-License-Identifier: MIT */
/*
 * Pages: a stretch of memory that areas map, and who pays for what of it is pinned.
 * Of a client's memory at an address, or of a file from an offset on. Mirrors struct
 * iopt_pages (drivers/iommu/iommufd/pages.c, 7.2); a vfio_dma of type1 has pages of
 * its own.
 *
 * IOMMU_IOAS_COPY makes areas that share pages, and so does cutting one in two. A page
 * is pinned, and charged, once: from the first area that is filled, or the first access
 * that is added, to the last. Nothing is pinned for real, and no array is kept: npinned
 * says how many are; which, the only area says, or marks where there are more.
 *
 * Numbered from 0 at @start. Counted by areas. Guarded by the machine's lock.
 */
#ifndef SIM_PAGES_PAGES_H
#define SIM_PAGES_PAGES_H

#include "machine/call.h"

struct backing;
struct page_marks;

enum pages_kind {
	PAGES_USER,	/* a client's memory */
	PAGES_FILE,	/* a file's: they stay when the client unmaps memory or ends */
	/* Here a dma-buf of a device's region has its place: revocable, never charged (6.19). */
};

enum pages_account {
	ACCOUNT_MM,	/* the source's memory pays */
	ACCOUNT_USER,	/* the user it belongs to pays */
	ACCOUNT_NONE,	/* nobody does: made with CAP_IPC_LOCK under iommufd */
};

struct pages {
	uint64_t start;			/* of page 0: an address, or an offset in the file */
	struct vfiosim_client *source;	/* who mapped them */
	union {
		struct vfiosim_client *memory;	/* type1: through it they are pinned; NULL: the source's */
		struct backing *file;	/* PAGES_FILE */
	};
	struct page_marks *marks;	/* NULL: there is one area, without accesses and dirty pages */
	uint64_t npinned;		/* and charged */
	unsigned refs;
	uint8_t kind, account;
	bool type1;			/* a container's, pinned by its rules: see pin.h */
	bool writable : 1;		/* iommufd: they are pinned for writing */
	bool lock_cap : 1;		/* type1: made with CAP_IPC_LOCK, the limit does not count */
	bool counted : 1;		/* by ioas_change_process(), while it runs */
};

/* At the start of what malloc() gave, which the last put frees. One reference. */
void pages_init(struct pages *pages, struct vfiosim_client *source, struct backing *file,
		uint64_t start);
struct pages *pages_get(struct pages *pages);
/* Charges go back with the last one. */
void pages_put(struct pages *pages);

/* The file they belong to, NULL: a client's memory. */
static inline struct backing *pages_file(const struct pages *pages)
{
	return pages->kind == PAGES_FILE ? pages->file : NULL;
}

/* The client whose memory they are, NULL: a file's. */
static inline struct vfiosim_client *pages_memory(const struct pages *pages)
{
	if (pages->kind == PAGES_FILE)
		return NULL;
	return pages->memory ? pages->memory : pages->source;
}

/* ---- Locked memory ---- */

/* Who would be charged, and how. */
struct payer {
	struct vfiosim_client *client;
	uint8_t account;
	bool type1, lock_cap;		/* as in struct pages */
};

static inline struct payer pages_payer(const struct pages *pages)
{
	return (struct payer){ .client = pages->source,
			       .account = pages->account,
			       .type1 = pages->type1,
			       .lock_cap = pages->lock_cap };
}

/*
 * May @n more pages be charged to @payer? Every charge is decided here. 0, CALL_AGAIN, or
 * ENOMEM; @iova is for the refusal. Mirrors vfio_lock_acct, do_update_pinned (7.2).
 */
int payer_check(struct call *call, const struct payer *payer, uint64_t n, uint64_t iova);

/* @n more of them are pinned, or less: the account follows. */
void pages_charge(struct pages *pages, uint64_t n);
void pages_uncharge(struct pages *pages, uint64_t n);
/* @to is the source from now on, and pays what is pinned. */
void pages_give(struct pages *pages, struct vfiosim_client *to);

#endif
