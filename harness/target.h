/* SPDX-License-Identifier: MIT */
/*
 * A target: a machine as its programs see it, and the processes that run on it.
 * Cases and the selection engine speak to this interface only, so the same story
 * runs in this process, over FUSE, and on a real kernel:
 *
 *	inproc	a simulated machine in this process, processes are tables
 *	paths	/dev/vfio as it stands here: inside a `vfiosim run` the simulated one
 *		(then @simulated), else this computer's own; processes are real
 *
 * Life: target_*_create -> target_process -> open, ioctl, mmap ... -> target_destroy,
 * which ends the processes that are still there, youngest first.
 *
 * Functions return what the system call of that name returns, errors as negative
 * errnos. -ENOSYS: the target cannot do such a thing at all; a case that needs it
 * is skipped, never passed. One thread at a time per target.
 */
#ifndef HARNESS_TARGET_H
#define HARNESS_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

struct target;
struct proc;

/* Kinds of memory a program can own. */
enum memory_kind {
	MEMORY_RAM,		/* readable and writable pages of its own */
	MEMORY_READONLY,
	MEMORY_WRITEONLY,
	MEMORY_NONE,		/* reserved, no access */
	MEMORY_UNMAPPED,	/* an address where nothing is (any more) */
	MEMORY_FILE,		/* a private mapping of a file */
	MEMORY_SHARED,		/* memory shared by descriptor, as a VMM's memory backend */
	MEMORY_DIRTYTRACK,	/* a shared mapping of a file on a disk, whose pages are tracked */
	MEMORY_BEYOND,		/* a mapping beyond the end of its file */
};
#define MEMORY_KINDS \
	{ "ram", "readonly", "writeonly", "none", "unmapped", "file", "shared", "dirtytrack", \
	  "beyond", NULL }

/* A device as cases name it. */
struct target_device {
	char name[64];		/* nic0 */
	char address[64];	/* 0000:01:00.0 or a UUID */
	char node[64];		/* its group's node: /dev/vfio/10 */
	int group;		/* devices with the same number share a group */
	bool mdev;
	int dma_bar;		/* region of its DMA engine or pin registers, -1: none */
};

/* Why the last call that a process made was refused. Empty strings where nobody knows. */
struct refusal {
	char rule[64];
	char reason[512];
};

#define LIMIT_UNLIMITED UINT64_MAX

struct target_ops {
	const char *name;
	void (*destroy)(struct target *target);
	/* A process; @parent: a fork of it, NULL: a fresh one. */
	int (*process)(struct target *target, struct proc *parent, struct proc **ret_proc);
	/* The machine's state as JSON, malloc'ed. -ENOSYS on a real kernel. */
	int (*state)(struct target *target, char **ret_text);

	/* Exit: everything the process holds is closed. */
	void (*exit)(struct proc *proc);
	int (*exec)(struct proc *proc);
	/*
	 * From now on without CAP_IPC_LOCK and with this RLIMIT_MEMLOCK (UNLIMITED: both
	 * as at start), and with or without CAP_SYS_RAWIO and CAP_SYS_RESOURCE.
	 */
	int (*limit)(struct proc *proc, uint64_t memlock, bool rawio, bool resource);
	/*
	 * Where the device's own node is now: /dev/vfio/devices/vfioN, as sysfs says.
	 * -ENOENT: no driver offers one.
	 */
	int (*cdev)(struct proc *proc, const struct target_device *device, char *to, size_t size);
	int (*open)(struct proc *proc, const char *path);
	int (*close)(struct proc *proc, int fd);
	int (*dup)(struct proc *proc, int fd);
	/* SCM_RIGHTS: @to gets a descriptor of what @fd of @proc is; its number there. */
	int (*send)(struct proc *proc, int fd, struct proc *to);
	long (*ioctl)(struct proc *proc, int fd, uint32_t cmd, uint64_t arg);
	/* @data stands in the process' memory during the call and is copied back. */
	long (*ioctl_data)(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size);
	ssize_t (*pread)(struct proc *proc, int fd, void *to, size_t length, uint64_t offset);
	ssize_t (*pwrite)(struct proc *proc, int fd, const void *from, size_t length,
			  uint64_t offset);
	int (*eventfd)(struct proc *proc);
	/* A file in memory, @size bytes of zeros. @sealed: nobody can write to it any more. */
	int (*memfd)(struct proc *proc, uint64_t size, bool sealed);
	/* Reads and clears the counter; 0: nothing was signalled. */
	int64_t (*event_read)(struct proc *proc, int fd);
	int (*mmap)(struct proc *proc, enum memory_kind kind, uint64_t length, uint64_t *ret_uva);
	int (*mmap_fd)(struct proc *proc, int fd, uint64_t offset, uint64_t length,
		       uint64_t *ret_uva);
	int (*munmap)(struct proc *proc, uint64_t uva, uint64_t length);
	int (*mprotect)(struct proc *proc, uint64_t uva, uint64_t length, bool readable,
			bool writable);
	int (*peek)(struct proc *proc, uint64_t uva, void *to, size_t length);
	int (*poke)(struct proc *proc, uint64_t uva, const void *from, size_t length);
	/*
	 * One write of a text into a file of sysfs. 0, what its owner answers, or
	 * -EINPROGRESS: the writer waits (unbind of an open device); it goes on by
	 * itself when that is closed.
	 */
	int (*write_file)(struct proc *proc, const char *path, const char *text);
	/* What the simulator said about the last refused call of @proc. */
	void (*refusal)(struct proc *proc, struct refusal *ret_refusal);
};

struct target {
	const struct target_ops *ops;
	bool simulated;
	struct target_device *devices;
	size_t n_devices;
	void *ctx;		/* the implementation's */
	/*
	 * inproc: called after every call of a process that can change the machine; it may
	 * ask for the state. NULL: nobody listens.
	 */
	void (*called)(void *ctx);
	void *called_ctx;
};

struct proc {
	struct target *target;
	unsigned number;	/* 1, 2, ... in order of creation */
	void *ctx;		/* the implementation's */
};

/*
 * A machine in this process, made of @topology, which must outlive the target.
 * @sinks: up to three trace sinks to add before anything happens, ended by NULL.
 */
struct target_sink {
	vfiosim_trace_sink *sink;
	void *ctx;
};
int target_inproc_create(const struct vfiosim_topology *topology, const struct target_sink *sinks,
			 struct target **ret_target);
struct vfiosim;
/* The machine of such a target. */
struct vfiosim *target_inproc_machine(struct target *target);
/* Every process of it exits, youngest first. */
void target_inproc_exit_all(struct target *target);
/* /dev/vfio as it stands here, inside a run that serves @topology. */
int target_paths_create(const struct vfiosim_topology *topology, struct target **ret_target);
/*
 * /dev/vfio of this computer. @devices (n of them, copied): what may be used. @allow_sysfs:
 * files of sysfs may be written. @memlock: RLIMIT_MEMLOCK of each fresh process, which then
 * is without CAP_IPC_LOCK; LIMIT_UNLIMITED: both as they are here.
 */
int target_host_create(const struct target_device *devices, size_t n_devices, bool allow_sysfs,
		       uint64_t memlock, struct target **ret_target);
/* NULL is allowed. */
void target_destroy(struct target *target);

/* The device of that name or address, or NULL. */
const struct target_device *target_device(const struct target *target, const char *name);
/* Fill @target->devices from a topology. -ENOMEM. */
int target_devices_from(struct target *target, const struct vfiosim_topology *topology);

#endif
