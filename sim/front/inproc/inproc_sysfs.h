/* SPDX-License-Identifier: MIT */
/*
 * Writes into sysfs that keep their writer waiting. The process is not kept: it is told so,
 * and learns how it ended when it writes the same again.
 */
#ifndef SIM_FRONT_INPROC_INPROC_SYSFS_H
#define SIM_FRONT_INPROC_INPROC_SYSFS_H

#include <stdint.h>
#include <sys/queue.h>

struct vfiosim_inproc;

struct waiting_write {
	LIST_ENTRY(waiting_write) next;
	uint64_t wait;		/* of node_store() */
	char *path, *text;
};

LIST_HEAD(waiting_writes, waiting_write);

/* Those of @proc, which it keeps. */
struct waiting_writes *inproc_waiting_writes(struct vfiosim_inproc *proc);
/* With the process. */
void waiting_writes_done(struct waiting_writes *writes);

#endif
