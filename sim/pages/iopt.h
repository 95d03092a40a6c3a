/* SPDX-License-Identifier: MIT */
/*
 * An IOVA space: the areas of a container or of an ioas, in order. The seam both
 * back ends share: what an area is, finding, inserting and removing, pins and dirty
 * pages. What may be mapped where is decided in the rule files (type1_map.c,
 * ioas_map.c). Mirrors struct io_pagetable (drivers/iommu/iommufd, 7.2).
 *
 * An area is what one MAP made: an extent, never an array of pages. 1 TiB costs what
 * 4 KiB does. Guarded by the machine's lock.
 */
#ifndef SIM_PAGES_IOPT_H
#define SIM_PAGES_IOPT_H

#include "base/span_set.h"
#include "machine/call.h"

enum area_flag {
	AREA_READ = 1, /* device may read memory */
	AREA_WRITE = 2, /* device may write memory */
	AREA_FILLED = 4, /* validated and in every domain (the kernel's iommu_mapped) */
	AREA_LOCK_CAP = 8, /* made by a client with CAP_IPC_LOCK: not limited */
	AREA_VADDR_INVALID = 16,
	AREA_BY_USER = 32, /* charged to the mapper's user rather than its mm */
	AREA_UNCHARGED = 64, /* made with CAP_IPC_LOCK under iommufd: nobody is charged */
	AREA_READONLY_PAGES = 128, /* iommufd: copies of it cannot be writable */
	AREA_FILE = 256, /* iommufd: of a file: backing, and uva is the offset in it */
};

/* Single pages that mdevs pinned, and pages written while tracked; sparse, NULL until needed. */
struct page_marks;
struct backing;

/*
 * One area (a vfio_dma, an iopt_area). uva is the address in @mapper's memory, whose account is charged;
 * @pinner is the client through whose memory the pages were pinned (NULL: lazy, or
 * the mapper's).
 */
struct area {
	struct span iova;
	uint64_t uva;
	struct vfiosim_client *mapper;
	union {
		struct vfiosim_client *pinner;
		struct backing *backing; /* AREA_FILE only; counted */
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

/* Reserves an area: not yet in the space, nothing charged. Takes a reference on @mapper. NULL: no memory. */
struct area *area_create(struct vfiosim_client *mapper, struct span iova, uint64_t uva,
			 uint32_t flags);
/* Gives charges and references back. NULL is allowed. Not in any space. */
void area_destroy(struct area *area);

/* Its pages are @backing's from offset uva on: takes a reference. Once, before anything else. */
void area_set_backing(struct area *area, struct backing *backing);
/* The file whose pages it is made of, NULL: a client's memory. */
static inline struct backing *area_backing(const struct area *area)
{
	return area->flags & AREA_FILE ? area->backing : NULL;
}

/* -EEXIST, -ENOMEM */
int iopt_insert(struct iopt *iopt, struct area *area);
void iopt_remove(struct iopt *iopt, struct area *area);
/* The same for the area under a cursor, without looking for it again. */
void iopt_remove_at(struct iopt *iopt, const struct span_cursor *at);
/* The lowest area that overlaps @span, or NULL. */
struct area *iopt_find(const struct iopt *iopt, struct span span);
/* The same, and where there is none the place for @span; then insert there, without looking again. */
struct area *iopt_find_gap(const struct iopt *iopt, struct span span, struct span_gap *ret_gap);
int iopt_insert_gap(struct iopt *iopt, const struct span_gap *gap, struct area *area);
/* The area that has @iova, or NULL. */
struct area *iopt_at(const struct iopt *iopt, uint64_t iova);

#define iopt_for_each(iopt_, cursor_, area_, from_, to_)                                           \
	span_set_for_each(&(iopt_)->set, (cursor_), (from_), (to_))                                \
		if (((area_) = (cursor_)->item))

/* Pages, and where a page of it lies in the mapper's memory. */
static inline uint64_t area_pages(const struct area *area)
{
	return (area->iova.last - area->iova.first) / VFIOSIM_PAGE_SIZE + 1;
}

static inline uint64_t area_uva(const struct area *area, uint64_t iova)
{
	return area->uva + (iova - area->iova.first);
}

/*
 * Cuts @area of @iopt before @iova, which lies inside it: it keeps the part below,
 * a new area has the rest. Charges are divided. -ENOMEM; -EBUSY while mdevs have
 * pages of it pinned.
 */
int iopt_split(struct iopt *iopt, struct area *area, uint64_t iova);

/* The client whose memory holds the pages; not of a file's. */
static inline struct vfiosim_client *area_memory(const struct area *area)
{
	return area->pinner ? area->pinner : area->mapper;
}

/* The account it is charged to: locked pages of the mapper's mm, or of its user. */
uint64_t *area_account(const struct area *area);
/* Charge @pages more (or give them back) to the mapper's account. */
void area_charge(struct area *area, uint64_t pages);
void area_uncharge(struct area *area, uint64_t pages);

/* ---- Pages pinned one by one, for mdevs ---- */

/* One more pin on the page at @iova. 0: it was pinned before, 1: it is new; -ENOMEM. */
int area_pin_page(struct area *area, uint64_t iova);
/* One less. 1: that was the last; 0: others remain, or there was none. */
int area_unpin_page(struct area *area, uint64_t iova);
/* Distinct pages pinned one by one within @span. */
uint64_t area_pinned_pages(const struct area *area, struct span span);

/* ---- Dirty pages ---- */

/* -ENOMEM: the mark is lost (the kernel allocates bitmaps beforehand). */
int area_mark_dirty(struct area *area, struct span span);
/* Forgets all dirty marks, then marks the pages pinned one by one. */
void area_repopulate_dirty(struct area *area);
void area_forget_dirty(struct area *area);
/* Sets bit (page - first page of the area) + @shift in @bitmap for each dirty page. */
void area_dirty_bits(const struct area *area, uint64_t *bitmap, unsigned shift);

#endif
