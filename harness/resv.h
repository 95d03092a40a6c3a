/* SPDX-License-Identifier: MIT */
/* Types of reserved regions, as topologies and sysfs spell them. */
#ifndef HARNESS_RESV_H
#define HARNESS_RESV_H

#include <vfiosim/topology.h>

const char *resv_word(enum vfiosim_resv_type type);
/* False: there is no such type. */
bool resv_from_word(const char *word, enum vfiosim_resv_type *ret_type);

#endif
