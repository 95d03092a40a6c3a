/* SPDX-License-Identifier: MIT */
/*
 * The space of a run: its namespaces and what is mounted where.
 *
 *	space_enter	own namespaces, everything private, /dev/fuse opened
 *	space_mount	a /dev of our own, the two FUSE connections inside it
 *	space_place	(the server is serving) the machine's folders at their places
 *	space_settle	(the clients have gone) their last requests are answered
 *	space_abort	(at any time) whoever waits for the server gets an error instead
 *	space_leave	forgets; the kernel unmounts when the last process has gone
 *
 * All of them belong to the launcher; space_abort() also to process 1 of `--pidns`. Errors have been in one sentence on stderr when a negative errno comes back.
 */
#ifndef LAUNCH_SPACE_H
#define LAUNCH_SPACE_H

#include <stdbool.h>
#include <sys/types.h>

/* Where the two connections stand, in the run's own namespace. */
#define SPACE_NODES "/dev/.vfiosim-server/nodes"
#define SPACE_DEVICES "/dev/.vfiosim-server/devices"
/* The host's /dev as a whole, for what must not stand alone: ptmx looks for pts beside it. */
#define SPACE_HOST_DEV "/dev/.vfiosim-server/dev"
/* Where the client finds the control files. */
#define SPACE_CONTROL "/dev/.vfiosim"
/* What /dev/iommu is a link to. */
#define SPACE_IOMMU ".vfiosim/iommu"

struct space {
	uid_t uid;		/* of the run's user, as it sees itself */
	gid_t gid;
	bool user_namespace;	/* false: root's run, a mount namespace only */
	int nodes_fd;		/* /dev/fuse, -1 once handed over */
	int devices_fd;
	int null;		/* /dev/null, opened before /dev is covered */
	int copies[2];		/* of the connections' mounts, in no namespace: for space_abort() */
	dev_t device;		/* of the nodes connection: tells whose mounts are ours */
	int old_dev;		/* the host's /dev, to be bound back into ours */
	mode_t umask;		/* of the caller; 0 while folders are made */
	int cwd;		/* where the command is to start */
	char *cwd_path;		/* set where that place is covered by ours */
};

void space_init(struct space *space);
int space_enter(struct space *space);
int space_mount(struct space *space);
int space_place(struct space *space);		/* place.c */
/* In a folder of ours the user may make nothing new, as in the one below it. */
unsigned space_cover_mode(const struct space *space);
/* Back to where the caller was, and its umask: for the command, in its own process. */
int space_restore(struct space *space);
/* The FUSE descriptors belong to the server alone, so that its death ends the connections. */
void space_close_fuse(struct space *space);
/* Returns when the server has seen all that clients asked before, closing files included. */
void space_settle(const struct space *space);
/*
 * Aborts both connections (space.copies), whatever state the server is in. A server that was
 * killed may have a thread that waits for the server itself, since it copies a client's memory that
 * is a device's; no signal ends that wait, and until it ends the kernel does not close the
 * server's descriptors.
 */
void space_abort(const int copies[2]);
void space_leave(struct space *space);

/* ---- Parts of space_enter(), for who wants to know what is possible ---- */

/* False: we are in a chroot. True may mean the same, at a mount point. */
bool space_root_is_mount(void);
/* After space_init(). -errno, told. */
int space_enter_namespaces(struct space *space);
/* In a user namespace that is new: who we are in it. -errno. */
int space_map_identity(const struct space *space);
/* What space_map_identity() returned is what the kernel says to a root without that capability. */
bool space_lacks_setfcap(const struct space *space, int error);
/* Mounts of the run stay in its namespace. -errno. */
int space_make_private(void);

#endif
