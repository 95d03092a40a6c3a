/* SPDX-License-Identifier: MIT */
/* The table of rules.h as data. */
#include <errno.h>
#include <stddef.h>

#include "machine/rules.h"
#include <vfiosim/trace.h>

#include "machine/rules_table.h"

const struct vfiosim_rule rules_table[RULE_COUNT] = {
#define RULE(index, id_, error_, sentence_, mirrors_)                                              \
	[RULE_##index] = { .id = id_, .error = error_, .sentence = sentence_, .mirrors = mirrors_ },
	RULES(RULE)
#undef RULE
};

const struct vfiosim_rule *vfiosim_rule(size_t index)
{
	return index < RULE_COUNT ? &rules_table[index] : NULL;
}
