/* SPDX-License-Identifier: MIT */
/* fstat() of device nodes, by seccomp notification; see chardev.c. */
#ifndef SIM_FRONT_FUSE_CHARDEV_H
#define SIM_FRONT_FUSE_CHARDEV_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct remote;
struct vfiosim_fuse;

/*
 * Is the thread's descriptor @fd one of our device nodes? Then what stat() should
 * say of it. Never waits for anybody.
 */
bool chardev_find(struct vfiosim_fuse *fuse, pid_t tid, int fd, struct stat *ret_st);

/* These two touch the caller's memory: the first by number, it only reads. */

/* Is the call about the descriptor alone, not about a path from there? */
bool chardev_asks_descriptor(const struct seccomp_notif *request);
/* Fills in what the call asks for, a struct stat or statx. -EFAULT. */
int chardev_write(struct remote *caller, const struct seccomp_notif *request,
		  const struct stat *st);

#endif
