/* SPDX-License-Identifier: MIT */
/*
 * Why each client's last refused command was refused: always known, because only a
 * refusal costs anything (vfiosim_trace_refusals()). Tells it as ctl/last, and to whoever
 * asks for a process.
 *
 * Threads: any.
 */
#ifndef SIM_FRONT_FUSE_LAST_H
#define SIM_FRONT_FUSE_LAST_H

#include <sys/types.h>

struct last;
struct tree;
struct vfiosim;

/* Offers itself to @tree (tree_set_last()). -ENOMEM. */
int last_create(struct vfiosim *sim, struct tree *tree, struct last **ret_last);
/*
 * Of process @pid; 0: of whoever was refused last. JSON, malloc'ed: null where nothing was.
 * -ENOMEM.
 */
int last_of(struct last *last, pid_t pid, char **ret_text);
/* Before the tree goes. NULL is allowed. */
void last_destroy(struct last *last);

#endif
