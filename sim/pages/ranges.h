/* SPDX-License-Identifier: MIT */
/*
 * IOVA ranges: where a container's mappings may lie, given the apertures and the
 * reserved regions of all physical groups in it. Disjoint, ascending.
 *
 * A container that never held a physical group has no ranges at all: everything is
 * allowed and IOMMU_GET_INFO tells nothing; once one has come and gone it has
 * 0..2^64-1. The kernel keeps the same difference (iova_list, 7.2), and it decides
 * which errno a later conflict gets.
 */
#ifndef SIM_PAGES_RANGES_H
#define SIM_PAGES_RANGES_H

#include <stddef.h>

#include "base/span.h"

struct ranges {
	struct span *items;
	size_t n;
	size_t capacity;
};

void ranges_init(struct ranges *ranges);
void ranges_done(struct ranges *ranges);
/* @to gets a copy of its own. -ENOMEM. */
int ranges_copy(struct ranges *to, const struct ranges *from);
/* Only what lies within @window remains; no ranges yet: becomes @window. -ENOMEM. */
int ranges_limit(struct ranges *ranges, struct span window);
/* Takes @hole out. -ENOMEM. */
int ranges_exclude(struct ranges *ranges, struct span hole);
/* One more, above all there are. -ENOMEM. */
int ranges_append(struct ranges *ranges, struct span span);
/* Does one range hold all of @span? Always, while there are none. */
bool ranges_allow(const struct ranges *ranges, struct span span);

#endif
