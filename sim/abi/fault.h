/* SPDX-License-Identifier: MIT */
#ifndef SIM_ABI_FAULT_H
#define SIM_ABI_FAULT_H

#include <stdio.h>

#include <vfiosim/fault.h>

/* 0; -EINVAL: the kernel could not do that, @problem gets a sentence that says what it can. */
int fault_judge(const struct vfiosim_fault *fault, FILE *problem);

#endif
