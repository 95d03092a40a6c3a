/* SPDX-License-Identifier: MIT */
/*
 * type1: the rules of the classic IOMMU driver, one instance per container.
 * Mirrors drivers/vfio/vfio_iommu_type1.c (7.2).
 *
 *	type1.c		attach, detach, replay, what GET_INFO tells
 *	type1_map.c	VFIO_IOMMU_MAP_DMA
 *	type1_unmap.c	VFIO_IOMMU_UNMAP_DMA
 *	type1_dirty.c	VFIO_IOMMU_DIRTY_PAGES
 *
 * While only mdevs are in it a container has no domain: mappings are taken as they
 * come, unvalidated. The first physical group makes a domain and replays them: all
 * are pinned through the memory of the caller, or the group is refused. When the
 * last physical group leaves and an mdev stays, mappings are lazy again.
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_TYPE1_H
#define SIM_VFIO_TYPE1_H

#include <sys/queue.h>

#include "machine/call.h"
#include "pages/iopt.h"
#include "pages/ranges.h"

struct container;
struct domain;
struct state;
struct vfio_group;

struct type1 {
	struct container *container;
	unsigned refs;			/* the container's, and one of each command that yields */
	bool v2;
	struct iopt iopt;
	TAILQ_HEAD(type1_domains, domain) domains;	/* newest first */
	unsigned n_emulated;		/* mdev groups */
	unsigned n_physical;		/* groups in domains; they may dirty any page */
	struct ranges ranges;
	uint32_t dma_avail;		/* mappings that may still be made */
	unsigned n_vaddr_invalid;
	bool tracking;			/* dirty pages */
	uint64_t page_sizes;		/* bitmap; all IOMMUs of it have these */
};

/* NULL: no memory. */
struct type1 *type1_create(struct call *call, struct container *container, bool v2);
/* Groups have left. NULL is allowed. */
void type1_destroy(struct type1 *type1);
/* Yields the lock in a command of its container. False: @type1 was destroyed meanwhile. */
bool type1_yield(struct call *call, struct type1 *type1);

int type1_attach(struct call *call, struct type1 *type1, struct vfio_group *group);
/* Cannot fail; @group is attached. */
void type1_detach(struct call *call, struct type1 *type1, struct vfio_group *group);

int type1_check_extension(const struct vfiosim *sim, const struct type1 *type1,
			  uint64_t extension);

/* Its keys in the state of its container. */
void type1_show(struct state *state, const struct type1 *type1);

/* Smallest page that can be mapped, bytes. */
static inline uint64_t type1_page(const struct type1 *type1)
{
	return type1->page_sizes & -type1->page_sizes;
}

struct type1_map_args {
	uint64_t iova, uva, size;
	bool read, write;
	bool vaddr;			/* VFIO_DMA_MAP_FLAG_VADDR */
};
int type1_map(struct call *call, struct type1 *type1, const struct type1_map_args *args);

/* A bitmap of the caller, one bit a page. */
struct dirty_bitmap {
	uint64_t page;			/* bytes */
	uint64_t size;			/* bytes of the bitmap */
	uint64_t uva;
	int error;			/* -EFAULT: the caller cannot write there (found out beforehand) */
};

struct type1_unmap_args {
	uint64_t iova, size;
	uint64_t most;			/* bytes to be unmapped; mappings beyond that stay */
	bool all, vaddr;
	const struct dirty_bitmap *bitmap;	/* NULL: not wanted */
};
/* @ret_size: bytes unmapped. */
int type1_unmap(struct call *call, struct type1 *type1, const struct type1_unmap_args *args,
		uint64_t *ret_size);

int type1_dirty_start(struct call *call, struct type1 *type1);
void type1_dirty_stop(struct call *call, struct type1 *type1);
int type1_dirty_get(struct call *call, struct type1 *type1, uint64_t iova, uint64_t size,
		    const struct dirty_bitmap *bitmap);
/* Queues the bits of @area for a bitmap that starts at @base. EFAULT, ENOMEM. */
int type1_report_dirty(struct call *call, struct type1 *type1, struct area *area, uint64_t base,
		       const struct dirty_bitmap *bitmap);
/* Does a bitmap of @size bytes have room for @pages, and not more than the kernel allows? */
int type1_check_bitmap(struct call *call, uint64_t pages, uint64_t size);

#endif
