/* SPDX-License-Identifier: MIT */
/* The rows of rules.h, by index. */
#ifndef SIM_MACHINE_RULES_TABLE_H
#define SIM_MACHINE_RULES_TABLE_H

#include <vfiosim/trace.h>

#include "machine/rules.h"

extern const struct vfiosim_rule rules_table[RULE_COUNT];

#endif
