/* SPDX-License-Identifier: MIT */
/*
 * An IOAS: an IOVA space with iommufd's rules. Mirrors drivers/iommu/iommufd/ioas.c
 * and io_pagetable.c (7.2).
 *
 *	ioas.c		life, reserved and allowed ranges, what IOVA_RANGES tells
 *	ioas_map.c	map, copy, unmap, and finding a free iova
 *
 * Its mappings are areas of an iopt, as a container's are: the same tree, pins and
 * accounts (iopt.h, area.h, pages.h); only the rules differ. They are lazy
 * until a hwpt exists: then every mapping is pinned, through the memory and on the
 * account of whoever made it.
 *
 * Reserved ranges have an owner (a bound device's reserved regions, a hwpt's
 * aperture) and go with it. The alignment is 1 while nobody is attached, a page
 * once an mdev or a hwpt is.
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_IOAS_H
#define SIM_IOMMUFD_IOAS_H

#include <sys/queue.h>

#include "pages/iopt.h"
#include "iommufd/object.h"
#include "pages/ranges.h"

struct hwpt;
struct domain;

struct ioas_resv {
	struct span span;
	const void *owner;	/* the idev, or the hwpt */
	const char *why;	/* "msi", "direct", "reserved", "aperture" */
	uint32_t group;		/* the group's number; 0 for apertures */
	TAILQ_ENTRY(ioas_resv) in_ioas;
};

struct ioas {
	struct object object;
	struct iopt iopt;
	TAILQ_HEAD(ioas_resvs, ioas_resv) reserved;
	struct ranges allowed;		/* IOMMU_IOAS_ALLOW_IOVAS; none: everything */
	TAILQ_HEAD(ioas_hwpts, hwpt) hwpts;	/* oldest first */
	TAILQ_HEAD(, iommufd_access) accesses;	/* attached mdevs */
	uint64_t alignment;		/* bytes */
	bool huge_pages;		/* IOMMU_OPTION_HUGE_PAGES */
};

/* Published; NULL: no memory (refused in @call). */
struct ioas *ioas_create(struct call *call, struct iommufd *iommufd);
/* By id; ENOENT. */
int ioas_find(struct call *call, struct iommufd *iommufd, uint32_t id, struct ioas **ret_ioas);

/* ---- Ranges ---- */

/* IOMMU_IOAS_IOVA_RANGES: the holes between reserved ranges, in order. -ENOMEM. */
int ioas_ranges(const struct ioas *ioas, struct ranges *ret_ranges);
/* IOMMU_IOAS_ALLOW_IOVAS: takes @allowed over (sorted, disjoint) or EADDRINUSE. */
int ioas_allow(struct call *call, struct ioas *ioas, struct ranges *allowed);
/* Could @span be reserved? EADDRINUSE over a mapping or an allowed range. */
int ioas_check_reserve(struct call *call, const struct ioas *ioas, struct span span,
		       const char *why);
/* Reserves it. EADDRINUSE, ENOMEM. */
int ioas_reserve(struct call *call, struct ioas *ioas, struct span span, const void *owner,
		 const char *why, uint32_t group);
/* Drops all that @owner reserved. */
void ioas_unreserve(struct ioas *ioas, const void *owner);

/* The alignment with @domain besides what is there (NULL: none). */
uint64_t ioas_alignment_with(const struct ioas *ioas, const struct domain *domain);
/* EADDRINUSE when a mapping does not fit @alignment. */
int ioas_check_alignment(struct call *call, const struct ioas *ioas, uint64_t alignment);
/* After somebody attached or left. */
void ioas_update_alignment(struct ioas *ioas);

/* IOMMU_OPTION_HUGE_PAGES 0: EINVAL while a domain holds mappings, unless it is so already. */
int ioas_refuse_huge_pages(struct call *call, struct ioas *ioas);

/* ---- Mappings ---- */

struct ioas_map_args {
	uint64_t iova;		/* in with @fixed, out without */
	struct backing *backing;	/* a file, of which @uva is the offset; NULL: the caller's memory */
	uint64_t uva;
	uint64_t length;
	bool fixed, read, write;
};
/* IOMMU_IOAS_MAP, IOMMU_IOAS_MAP_FILE. */
int ioas_map(struct call *call, struct ioas *ioas, struct ioas_map_args *args);

struct ioas_copy_args {
	uint64_t iova;		/* destination; in with @fixed, out without */
	uint64_t source;	/* iova in @from */
	uint64_t length;
	bool fixed, read, write;
};
/* IOMMU_IOAS_COPY. */
int ioas_copy(struct call *call, struct ioas *ioas, struct ioas *from, struct ioas_copy_args *args);

/* IOMMU_IOAS_UNMAP of @span; SPAN_ALL empties it. @ret_length: bytes gone, also when it fails half way. */
int ioas_unmap(struct call *call, struct ioas *ioas, struct span span, uint64_t *ret_length);
/* For type1 v1's rules: cuts a mapping that has @iova inside, so that it begins one. EINVAL, ENOMEM. */
int ioas_cut(struct call *call, struct ioas *ioas, uint64_t iova);

/*
 * IOMMU_IOAS_CHANGE_PROCESS: every mapping of @iommufd is the caller's from now on, and
 * charged to it. EINVAL: one is not of a file; ENOMEM: over the caller's limit; CALL_AGAIN.
 */
int ioas_change_process(struct call *call, struct iommufd *iommufd);

/* A hwpt comes: every mapping goes into its @domain and is pinned, or none. EFAULT, ENOMEM, EINVAL; CALL_AGAIN. */
int ioas_fill(struct call *call, struct ioas *ioas, const struct domain *domain);
/* No hwpt is left, or could be made: mappings are lazy again; what mdevs pinned stays pinned. */
void ioas_unfill(struct ioas *ioas);
/* One mapping goes into the domains of the ioas, and into @domain (NULL: no other). */
int ioas_fill_area(struct call *call, struct ioas *ioas, struct area *area,
		   const struct domain *domain);

#endif
