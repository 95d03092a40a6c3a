/* SPDX-License-Identifier: MIT */
/*
 * The server's side of $VFIOSIM_CTL: a line of text in, JSON out. `vfiosim ctl` writes the
 * same lines (ctl.c).
 *
 *	list			who this run is
 *	state			the machine, as $VFIOSIM_STATE tells it
 *	why [PID]		the last refusal of a process, or of whoever was refused last
 *	mark NAME		a moment, for traces and expectations
 *	log [POSITION]		what was asked since then, told as --explain tells it
 *	fault TEXT		one more fault; answers its number
 *	fault remove NUMBER
 *	plug DEVICE		puts back a device that was unplugged
 *	unplug DEVICE		pulls it out: answers `"waiting": true` while a program has it
 *				open, which is asked to close it
 *	leaving DEVICE		does it still wait for that?
 *	pin DEVICE IOVA [LENGTH] [readonly]
 *				the mdev's driver pins pages, one if no length is given
 *	unpin DEVICE IOVA [LENGTH]
 *	supervise PID FD	serve a process that `vfiosim ctl exec` starts
 *
 * Threads: any.
 */
#ifndef HARNESS_CTL_CONTROL_H
#define HARNESS_CTL_CONTROL_H

#include <sys/types.h>

struct vfiosim;
struct vfiosim_fuse;
struct vfiosim_topology;

struct control;

struct control_options {
	struct vfiosim *sim;
	const char *name;	/* of the run; NULL: it has none */
	const struct vfiosim_topology *topology;
	const char *topology_name;
	const char *command;	/* what is run; NULL: unknown */
	pid_t launcher;
	/* The listener of a process's filter; becomes the callee's. 0 or -errno. */
	int (*supervise)(void *ctx, int listener);
	void *ctx;
};

/* Strings stay the caller's. -ENOMEM. */
int control_create(const struct control_options *options, struct control **ret_control);
/* What `why` asks; before there are clients. */
void control_set_fuse(struct control *control, struct vfiosim_fuse *fuse);
/* NULL is allowed. */
void control_destroy(struct control *control);
/* As struct vfiosim_fuse_options has it; @ctx is a struct control. */
int control_line(void *ctx, pid_t tid, const char *line, char **ret_answer);

#endif
