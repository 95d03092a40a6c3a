/* SPDX-License-Identifier: MIT */
/*
 * The FUSE front: serves one machine to foreign processes. Used by a process that
 * has prepared two /dev/fuse descriptors and mounted them (`vfiosim run` does).
 *
 * Two connections, because being mappable is a property of a connection:
 *	nodes	/dev/vfio, sysfs, control files; containers and groups cannot be mapped
 *	devices	what VFIO_GROUP_GET_DEVICE_FD opens, and /dev/vfio/devices: its root is to
 *		be bound there; regions can be mapped
 *
 * Tree of the nodes connection (mode, owner: those of the run's user):
 *	dev/vfio/...		to be bound at /dev/vfio
 *	dev/iommu		also ctl/iommu, for a link at /dev/iommu
 *	sys/bus/pci, sys/bus/mdev, sys/kernel/iommu_groups, sys/class/NAME,
 *	sys/devices/pci0000:00, sys/devices/virtual/NAME, sys/module/NAME
 *				each to be bound at the same place under /sys
 *	ctl/state		the machine's state, JSON
 *	ctl/ctl			takes commands for whoever runs the machine, answers in JSON
 *	ctl/last		the reason of the reading process' last refused command, JSON
 *
 * A FUSE reply cannot hand out a descriptor, so commands whose row says returns_fd
 * never come this way: the launcher's seccomp filter notifies about them, and
 * vfiosim_fuse_supervise() answers.
 */
#ifndef VFIOSIM_FUSE_H
#define VFIOSIM_FUSE_H

#include <vfiosim/vfiosim.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim_fuse;

struct vfiosim_fuse_options {
	int nodes_fd;		/* /dev/fuse, mounted; the front closes it */
	int devices_fd;
	const char *nodes_path;	/* where the two are mounted in the server's own namespace */
	const char *devices_path;
	uint32_t uid, gid;	/* owner of the nodes */
	/*
	 * Somebody wrote @line to ctl/ctl: *@ret_answer, malloc'ed, is what that open file
	 * reads from now on. 0, or the negative errno that the write gets; there may be an
	 * answer in either case. No lock is held. NULL: writing is refused.
	 */
	int (*control)(void *ctx, pid_t tid, const char *line, char **ret_answer);
	void *control_ctx;
	/*
	 * For tests: serve as below Linux 6.6, device files by way of the page cache, clients'
	 * memory as /proc/PID/maps tells it.
	 */
	bool old_kernel;
};

/* -ENOMEM, -EIO: libfuse refuses; -ENOSYS: this kernel's FUSE is too old. */
int vfiosim_fuse_create(struct vfiosim *sim, const struct vfiosim_fuse_options *options,
			struct vfiosim_fuse **ret_fuse);
/*
 * Serves until vfiosim_fuse_stop() or until both are unmounted. Returns 0 or -errno.
 * -ECANCELED: threads may still be at work, and for good: the caller destroys nothing
 * and ends the process. So it is after the connections were aborted because a client
 * that was killed could not die otherwise; that has been said on stderr.
 */
int vfiosim_fuse_serve(struct vfiosim_fuse *fuse);
/*
 * Answers seccomp notifications from @listener until it has no more users or the
 * front stops. Call from a thread of its own. Commands on files that are not ours
 * go on to the kernel untouched.
 */
int vfiosim_fuse_supervise(struct vfiosim_fuse *fuse, int listener);
/*
 * Why the last refused command of process @pid was refused (0: of whichever process), as
 * ctl/last tells it: JSON, malloc'ed. -ENOMEM.
 */
int vfiosim_fuse_why(struct vfiosim_fuse *fuse, pid_t pid, char **ret_text);
/* May be called from any thread and from a signal handler. */
void vfiosim_fuse_stop(struct vfiosim_fuse *fuse);
/* Aborts the connections first, so that no client hangs. NULL is allowed. */
void vfiosim_fuse_destroy(struct vfiosim_fuse *fuse);

#ifdef __cplusplus
}
#endif

#endif
