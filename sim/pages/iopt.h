/* SPDX-License-Identifier: MIT */
/*
 * An IOVA space: the areas of a container or of an ioas, in order. The seam both back
 * ends share. What may be mapped where is decided in the rule files (type1_map.c,
 * ioas_map.c). Mirrors struct io_pagetable (drivers/iommu/iommufd, 7.2).
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_PAGES_IOPT_H
#define SIM_PAGES_IOPT_H

#include "base/span_set.h"
#include "pages/area.h"

struct iopt {
	struct span_set set;
};

struct call;

void iopt_init(struct iopt *iopt);
/* Removes everything; charges go back. */
void iopt_done(struct iopt *iopt);
/*
 * The same for a space of any size: @iopt is empty on return, but large ones are freed
 * before @call is answered, with the lock yielded in between. No domain maps the areas.
 */
void iopt_done_later(struct call *call, struct iopt *iopt);

/* How many areas to process before lock_yield(): well below a millisecond. */
#define IOPT_PIECE 4096

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

/*
 * Cuts @area of @iopt before @iova, which lies inside it: it keeps the part below, a
 * new area has the rest. Nobody has accesses to it. -ENOMEM.
 */
int iopt_split(struct iopt *iopt, struct area *area, uint64_t iova);

/*
 * Records how a replay into a domain of @iommu went until @failed was refused, before the
 * areas are made lazy again; @undone: they will be. See walked() in call.h.
 */
void iopt_walked(struct call *call, const struct iopt *iopt, const struct area *failed,
		 const char *iommu, bool undone);
/* Makes the areas lazy again, as far as they begin at @last or below. */
void iopt_unfill(struct iopt *iopt, uint64_t last);

#endif
