/* SPDX-License-Identifier: MIT */
/*
 * An open file: what a descriptor of a client refers to. Its kind is a table of ops
 * in the room of the object behind it, as the kernel has struct file_operations
 * (include/linux/fs.h, 7.2); that room also has the accessor that turns a file into
 * its object (container_from_file(), vfio_group_from_file(), ...). Commands are
 * sim/abi/'s.
 *
 * Life: made by an open or by a command that returns a descriptor, released once.
 * ops and object are constant. Guarded by the machine's lock otherwise.
 */
#ifndef SIM_MACHINE_FILE_H
#define SIM_MACHINE_FILE_H

#include <vfiosim/vfiosim.h>

#include "machine/call.h"

#define FILE_NAME_MAX 64	/* of what describe writes, with its NUL */

struct file_ops {
	enum vfiosim_file_kind kind;
	/* "container 1", "device 0000:01:00.0": for traces and refusals. */
	void (*describe)(const struct vfiosim_file *file, char *to, size_t size);
	/*
	 * On call->file, with the lock held, by the rules of call.h: bytes moved, or a
	 * refusal. NULL: the kernel has none here either: EINVAL.
	 */
	ssize_t (*read)(struct call *call, void *to, size_t length, uint64_t offset);
	ssize_t (*write)(struct call *call, const void *from, size_t length, uint64_t offset);
	/* 0 or a refusal. NULL: ENODEV. */
	int (*mmap)(struct call *call, uint64_t offset, uint64_t length, bool shared);
	/* What poll() says, POLL* or'ed. No lock held. NULL: there is no poll, always ready. */
	unsigned (*ready)(const struct vfiosim_file *file);
	/* What faults may name about it. Lock held. NULL: nothing. */
	void (*where)(const struct vfiosim_file *file, struct fault_where *where);
	/* The last descriptor is closed: lets go of call->file's object. Cannot fail. */
	void (*release)(struct call *call);
};

struct vfiosim_file {
	struct vfiosim *sim;
	const struct file_ops *ops;
	void *object;			/* of the kind that ops says; held */
	void *ctx;			/* the front's */
};

/* Lock held. @object is held by the file from now on, until ops->release. NULL: no memory. */
struct vfiosim_file *file_create(struct call *call, const struct file_ops *ops, void *object);
/* Without ops->release: the object is the caller's again. NULL is allowed. */
void file_free(struct vfiosim_file *file);

/*
 * For the functions that open a node: runs @decide, which finds @arg in call->arg and
 * leaves the new file in call->file. When it refuses, the trace says @wanted instead
 * of the file. @where: what faults may name, NULL: nothing.
 */
int file_open(struct vfiosim *sim, struct vfiosim_caller *caller, const char *wanted,
	      struct fault_where *where, uint64_t arg, int (*decide)(struct call *call),
	      struct vfiosim_file **ret_file);

/* What read, write and mmap answer where there is none. */
int file_refuse_operation(struct call *call, const char *operation);
int file_refuse_mmap(struct call *call);

#endif
