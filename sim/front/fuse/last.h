/* SPDX-License-Identifier: MIT */
/*
 * ctl/last: why each client's last refused command was refused. Watching costs
 * every command a little, so it begins when somebody reads the file first; that
 * first reading says null.
 *
 * Threads: any.
 */
#ifndef SIM_FRONT_FUSE_LAST_H
#define SIM_FRONT_FUSE_LAST_H

struct last;
struct tree;
struct vfiosim;

/* Offers itself to @tree (tree_set_last()). -ENOMEM. */
int last_create(struct vfiosim *sim, struct tree *tree, struct last **ret_last);
/* Before the tree goes. NULL is allowed. */
void last_destroy(struct last *last);

#endif
