/* SPDX-License-Identifier: MIT */
/*
 * The verbs of address spaces in mode iommufd: a space is an ioas of the one
 * /dev/iommu that the case opens ("iommufd"), a device comes in by its own node.
 * Each does what its namesake in verb_space.c does with containers, and returns
 * what a verb's function does (run.h).
 */
#ifndef HARNESS_CASE_IOAS_H
#define HARNESS_CASE_IOAS_H

#include "case/run.h"

/*
 * Opens the device's node and binds it, unless it is open; makes the space, unless
 * it is there; attaches. A device that is attached elsewhere is moved (replace).
 * What fails is undone.
 */
int verb_ioas_attach(struct run *run, const struct step *step, struct result *ret_result);
/* Detaches and closes the device. */
int verb_ioas_detach(struct run *run, const struct step *step, struct result *ret_result);
int verb_ioas_map(struct run *run, const struct step *step, struct result *ret_result);
/* Gives size. */
int verb_ioas_unmap(struct run *run, const struct step *step, struct result *ret_result);
/* Gives ranges and alignment. */
int verb_ioas_info(struct run *run, const struct step *step, struct result *ret_result);

#endif
