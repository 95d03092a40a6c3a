/* SPDX-License-Identifier: MIT */
#ifndef SIM_ABI_FAULT_H
#define SIM_ABI_FAULT_H

#include <stdio.h>

#include <vfiosim/fault.h>

/* 0; -EINVAL: the kernel could not do that, @problem gets a sentence that says what it can. */
int fault_judge(const struct vfiosim_fault *fault, FILE *problem);
/* As vfiosim_fault_text(), the command without what its name begins with where that is clear. */
void fault_short_text(const struct vfiosim_fault *fault, char *to, size_t size);

#endif
