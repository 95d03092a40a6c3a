/* SPDX-License-Identifier: MIT */
/* What an IOVA space holds, in the machine's state. Lock held. */
#ifndef SIM_PAGES_SHOW_H
#define SIM_PAGES_SHOW_H

#include "machine/spaces.h"
#include "machine/state.h"
#include "pages/iopt.h"
#include "pages/ranges.h"

/* An array @key of ranges. */
void ranges_show(struct state *state, const char *key, const struct ranges *ranges);
/* Its areas, as mappings of @space. */
void iopt_list(const struct iopt *iopt, struct spaces *spaces, struct vfiosim_space *space);
/* An array "mappings" of its areas. */
void iopt_show(struct state *state, const struct iopt *iopt);

#endif
