/* SPDX-License-Identifier: MIT */
/* Reserved regions: how sysfs and reasons name their types. */
#ifndef SIM_CORE_RESV_H
#define SIM_CORE_RESV_H

#include <vfiosim/topology.h>

/* "direct", "direct-relaxable", "reserved", "msi" (both kinds of msi print so, as the kernel's). */
const char *resv_type_name(enum vfiosim_resv_type type);

#endif
