/* SPDX-License-Identifier: MIT */
/*
 * Why the kernel refuses: one row per reason. refuse() takes the index, the trace
 * carries id and sentence, --explain and the reports print them. Two places of
 * the kernel that refuse for the same reason share a row; the same errno for
 * different reasons never does.
 *
 *	RULE(index, id, errno, sentence, kernel function mirrored)
 *
 * errno 0: the use gives it as V("error", EXXX); one that forgets gets EIO.
 * The kernel version is 7.2 unless the row says otherwise.
 */
#ifndef SIM_MACHINE_RULES_H
#define SIM_MACHINE_RULES_H

#define RULES(RULE)                                                                                \
	/* any command */                                                                          \
	RULE(UNKNOWN_COMMAND, "unknown-command", ENOTTY,                                           \
	     "{object} does not know command {command}{hint}", "ioctl dispatch")                   \
	RULE(NO_IOMMU_SET, "no-iommu-set", EINVAL,                                                 \
	     "the container has no IOMMU driver yet: attach a group, then VFIO_SET_IOMMU",         \
	     "vfio_fops_unl_ioctl")                                                                \
	RULE(BAD_ADDRESS, "bad-address", EFAULT,                                                   \
	     "the caller's memory at {uva} cannot be {access}", "copy_from_user, copy_to_user")    \
	RULE(ARGSZ_TOO_SMALL, "argsz-too-small", EINVAL,                                           \
	     "argsz is {argsz:d}, the command needs at least {min:d}", "each command's minsz")     \
	RULE(UNKNOWN_FLAGS, "unknown-flags", EINVAL, "flags {flags} has bits outside {known}",     \
	     "each command's mask")                                                                \
	RULE(NO_SUCH_OPERATION, "no-such-operation", EINVAL,                                       \
	     "{object} has no {operation}", "vfs_read, vfs_write")                                 \
	RULE(NO_MMAP, "no-mmap", ENODEV, "{object} cannot be mapped", "do_mmap")                   \
	RULE(NO_MEMORY, "no-memory", ENOMEM, "the simulator is out of memory", "kmalloc")          \
	RULE(INJECTED, "injected", 0, "injected by fault {fault:d}: {text} (time {n:d})",          \
	     "should_fail (lib/fault-inject.c)")                                                   \
	RULE(TOO_MANY_FILES, "too-many-files", 0,                                                  \
	     "the new descriptor could not be put into the caller's table ({errno})",              \
	     "get_unused_fd_flags")                                                                \
	/* rows of a room stand together                   */                                   \
	RULES_GROUP(RULE)                                                                          \
	RULES_TYPE1(RULE)                                                                          \
	RULES_IOMMUFD(RULE)                                                                        \
	RULES_DEVICE(RULE)                                                                         \
	RULES_BUS(RULE)

#include "machine/rules_bus.h"
#include "machine/rules_core.h"
#include "machine/rules_device.h"
#include "machine/rules_iommufd.h"

enum rule_index {
#define RULE(index, id, error, sentence, mirrors) RULE_##index,
	RULES(RULE)
#undef RULE
	RULE_COUNT
};

#endif
