/* SPDX-License-Identifier: MIT */
/*
 * An IOVA space: the mappings of a container or of an ioas, in order. The
 * seam both back ends share: what a mapping is, finding, inserting and removing,
 * pins and dirty pages. What may be mapped where is decided in the rule files
 * (type1_map.c, ioas_map.c).
 *
 * A mapping is an extent, never an array of pages: 1 TiB costs what 4 KiB does.
 * Guarded by the machine's lock.
 */
#ifndef SIM_PAGES_IOPT_H
#define SIM_PAGES_IOPT_H

#include "base/span_set.h"
#include "machine/call.h"

enum mapping_flag {
	MAPPING_READ = 1,		/* device may read memory */
	MAPPING_WRITE = 2,		/* device may write memory */
	MAPPING_PINNED = 4,		/* validated and in every domain (the kernel's iommu_mapped) */
	MAPPING_LOCK_CAP = 8,		/* made by a client with CAP_IPC_LOCK: not limited */
	MAPPING_VADDR_INVALID = 16,
	MAPPING_BY_USER = 32,		/* charged to the mapper's user rather than its mm */
	MAPPING_UNCHARGED = 64,		/* made with CAP_IPC_LOCK under iommufd: nobody is charged */
	MAPPING_READONLY_PAGES = 128,	/* iommufd: copies of it cannot be writable */
	MAPPING_FILE = 256,		/* iommufd: of a file: backing, and uva is the offset in it */
};

/* Single pages that mdevs pinned, and pages written while tracked; sparse, NULL until needed. */
struct page_marks;
struct backing;

/*
 * One mapping. uva is the address in @mapper's memory, whose account is charged;
 * @pinner is the client through whose memory the pages were pinned (NULL: lazy, or
 * the mapper's).
 */
struct mapping {
	struct span iova;
	uint64_t uva;
	struct vfiosim_client *mapper;
	union {
		struct vfiosim_client *pinner;
		struct backing *backing;	/* MAPPING_FILE only; counted */
	};
	uint64_t charged;		/* pages, to mapper */
	struct page_marks *marks;
	uint32_t flags;
};

struct iopt {
	struct span_set set;
};

void iopt_init(struct iopt *iopt);
/* Removes everything; charges go back. */
void iopt_done(struct iopt *iopt);

/* Reserves a mapping: not yet in the space, nothing charged. Takes a reference on @mapper. NULL: no memory. */
struct mapping *mapping_create(struct vfiosim_client *mapper, struct span iova, uint64_t uva,
			       uint32_t flags);
/* Gives charges and references back. NULL is allowed. Not in any space. */
void mapping_destroy(struct mapping *mapping);

/* Its pages are @backing's from offset uva on: takes a reference. Once, before anything else. */
void mapping_set_backing(struct mapping *mapping, struct backing *backing);
/* The file whose pages it is made of, NULL: a client's memory. */
static inline struct backing *mapping_backing(const struct mapping *mapping)
{
	return mapping->flags & MAPPING_FILE ? mapping->backing : NULL;
}

/* -EEXIST, -ENOMEM */
int iopt_insert(struct iopt *iopt, struct mapping *mapping);
void iopt_remove(struct iopt *iopt, struct mapping *mapping);
/* The same for the mapping under a cursor, without looking for it again. */
void iopt_remove_at(struct iopt *iopt, const struct span_cursor *at);
/* The lowest mapping that overlaps @span, or NULL. */
struct mapping *iopt_find(const struct iopt *iopt, struct span span);
/* The same, and where there is none the place for @span; then insert there, without looking again. */
struct mapping *iopt_find_gap(const struct iopt *iopt, struct span span, struct span_gap *ret_gap);
int iopt_insert_gap(struct iopt *iopt, const struct span_gap *gap, struct mapping *mapping);
/* The mapping that has @iova, or NULL. */
struct mapping *iopt_at(const struct iopt *iopt, uint64_t iova);

#define iopt_for_each(iopt_, cursor_, mapping_, from_, to_)                                        \
	span_set_for_each(&(iopt_)->set, (cursor_), (from_), (to_))                                \
		if (((mapping_) = (cursor_)->item))

/* Pages, and where a page of it lies in the mapper's memory. */
static inline uint64_t mapping_pages(const struct mapping *mapping)
{
	return (mapping->iova.last - mapping->iova.first) / VFIOSIM_PAGE_SIZE + 1;
}

static inline uint64_t mapping_uva(const struct mapping *mapping, uint64_t iova)
{
	return mapping->uva + (iova - mapping->iova.first);
}

/*
 * Cuts @mapping of @iopt before @iova, which lies inside it: it keeps the part below,
 * a new mapping has the rest. Charges are divided. -ENOMEM; -EBUSY while mdevs have
 * pages of it pinned.
 */
int iopt_split(struct iopt *iopt, struct mapping *mapping, uint64_t iova);

/* The client whose memory holds the pages; not of a file's. */
static inline struct vfiosim_client *mapping_memory(const struct mapping *mapping)
{
	return mapping->pinner ? mapping->pinner : mapping->mapper;
}

/* The account it is charged to: locked pages of the mapper's mm, or of its user. */
uint64_t *mapping_account(const struct mapping *mapping);
/* Charge @pages more (or give them back) to the mapper's account. */
void mapping_charge(struct mapping *mapping, uint64_t pages);
void mapping_uncharge(struct mapping *mapping, uint64_t pages);

/* ---- Pages pinned one by one, for mdevs ---- */

/* One more pin on the page at @iova. 0: it was pinned before, 1: it is new; -ENOMEM. */
int mapping_pin_page(struct mapping *mapping, uint64_t iova);
/* One less. 1: that was the last; 0: others remain, or there was none. */
int mapping_unpin_page(struct mapping *mapping, uint64_t iova);
/* Distinct pages pinned one by one within @span. */
uint64_t mapping_pinned_pages(const struct mapping *mapping, struct span span);

/* ---- Dirty pages ---- */

/* -ENOMEM: the mark is lost (the kernel allocates bitmaps beforehand). */
int mapping_mark_dirty(struct mapping *mapping, struct span span);
/* Forgets all dirty marks, then marks the pages pinned one by one. */
void mapping_repopulate_dirty(struct mapping *mapping);
void mapping_forget_dirty(struct mapping *mapping);
/* Sets bit (page - first page of mapping) + @shift in @bitmap for each dirty page. */
void mapping_dirty_bits(const struct mapping *mapping, uint64_t *bitmap, unsigned shift);

#endif
