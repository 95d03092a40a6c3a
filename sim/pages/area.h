/* SPDX-License-Identifier: MIT */
/*
 * An area: what one MAP or COPY made, a stretch of iovas over a stretch of pages. An
 * extent, never an array: 1 TiB costs what 4 KiB does. Mirrors struct iopt_area
 * (drivers/iommu/iommufd/io_pagetable.h, 7.2), and type1's vfio_dma.
 *
 * Life: made lazy; filled when a domain wants it, which pins and charges; unfilled when
 * the last domain goes; mdevs add and remove accesses to single pages meanwhile.
 * Guarded by the machine's lock.
 */
#ifndef SIM_PAGES_AREA_H
#define SIM_PAGES_AREA_H

#include <vfiosim/topology.h>

#include "base/span.h"
#include "pages/pages.h"

enum area_flag {
	AREA_READ = 1,			/* the device may read memory */
	AREA_WRITE = 2,			/* the device may write memory */
	AREA_FILLED = 4,		/* pinned, and in every domain of its space */
	AREA_VADDR_INVALID = 8,
};

struct area {
	struct span iova;
	struct pages *pages;
	uint64_t start;			/* bytes from page 0 to where it begins */
	uint32_t flags;
	uint32_t n_accesses;		/* pins of single pages that were made through it */
};

/*
 * Of pages of its own: @source's memory at @start, or @file from there on. In no space
 * yet, nothing pinned. How they are pinned and charged is for the caller to say in
 * area->pages. NULL: no memory.
 */
struct area *area_create(struct vfiosim_client *source, struct backing *file, uint64_t start,
			 struct span iova, uint32_t flags);
/* Shares the pages of @area: what lies at @part of it is to be mapped at @iova. */
struct area *area_create_part(struct area *area, struct span part, uint64_t iova, uint32_t flags);
/* @high, made of the upper part of @area, takes over from it, which ends before. -ENOMEM. */
int area_cut(struct area *area, struct area *high);
/* What nobody else has pinned is given back. In no space, without accesses. NULL is allowed. */
void area_destroy(struct area *area);

/* Where the byte at @iova lies: an address, or an offset in the file. */
static inline uint64_t area_uva(const struct area *area, uint64_t iova)
{
	return area->pages->start + area->start + (iova - area->iova.first);
}

/* The number of the page that has @iova, and of all that @iova, within it, touches. */
static inline uint64_t area_page(const struct area *area, uint64_t iova)
{
	return (area->start + (iova - area->iova.first)) / VFIOSIM_PAGE_SIZE;
}

static inline struct span area_span(const struct area *area, struct span iova)
{
	return (struct span){ area_page(area, iova.first), area_page(area, iova.last) };
}

/* How many pages it has. */
static inline uint64_t area_npages(const struct area *area)
{
	return area_page(area, area->iova.last) - area_page(area, area->iova.first) + 1;
}

/* ---- For domains ---- */

/*
 * Filling, in two steps because what the domain says comes in between under iommufd:
 * area_pin() finds out whether all of it can be pinned and how many pages are new,
 * changes nothing; area_fill() decides whether those can be charged, then pins them.
 * 0, CALL_AGAIN, or refused. Whoever fails afterwards unfills. Mirror
 * iopt_area_fill_domain, vfio_pin_map_dma (7.2).
 */
int area_pin(struct call *call, const struct area *area, uint64_t *ret_new);
int area_fill(struct call *call, struct area *area, uint64_t new);
/* Lazy again: what nobody else has pinned is given back. Nothing happens unless it is filled. */
void area_unfill(struct area *area);

/* ---- For mdevs ---- */

/*
 * One more pin on each page of @iova (whole pages of @area). 0, CALL_AGAIN, or refused:
 * then nothing changed. Mirrors iopt_area_add_access, vfio_pin_page_external (7.2).
 */
int area_add_access(struct call *call, struct area *area, struct span iova);
/* One less on the page that has @iova; nothing happens where there is none. */
void area_remove_access(struct area *area, uint64_t iova);
/* How many pages of it mdevs have pinned, each counted once. */
uint64_t area_accessed(const struct area *area);

/* ---- Dirty pages ---- */

/* -ENOMEM: the mark is lost (the kernel allocates bitmaps beforehand). */
int area_mark_dirty(struct area *area, struct span iova);
/* Forgets all dirty marks, then marks what mdevs have pinned. */
void area_repopulate_dirty(struct area *area);
void area_forget_dirty(struct area *area);
/* Sets bit (page - first page of the area) + @shift in @bitmap for each dirty page. */
void area_dirty_bits(const struct area *area, uint64_t *bitmap, unsigned shift);

#endif
