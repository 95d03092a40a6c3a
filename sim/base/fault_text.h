/* SPDX-License-Identifier: MIT */
/*
 * A fault in a YAML file, {at: MAP_DMA, when: 3, error: ENOMEM}, becomes the text that
 * vfiosim_fault_parse() takes, "MAP_DMA,when=3,error=ENOMEM". What it means is known
 * there.
 */
#ifndef SIM_BASE_FAULT_TEXT_H
#define SIM_BASE_FAULT_TEXT_H

#include "base/yaml.h"

/*
 * @node: such a map, or the text itself. @pick: what a value stands for (0, or an error
 * that has been told); NULL: for itself. *@ret_text lives in @arena. -EINVAL, -ENOMEM.
 */
typedef int fault_text_pick(void *ctx, const struct ynode *node, const struct ynode **ret_value);
int fault_text_read(const struct ynode *node, fault_text_pick *pick, void *ctx, struct arena *arena,
		    const char **ret_text, struct vfiosim_errors *errors);

#endif
