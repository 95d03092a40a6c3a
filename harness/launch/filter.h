/* SPDX-License-Identifier: MIT */
/*
 * The seccomp filter of a run. FUSE cannot hand a new descriptor to its caller, so
 * the commands whose row says returns_fd are not left to it: the filter suspends
 * the caller and notifies the server, which installs the descriptor and answers.
 * Besides those:
 *	KVM_SET_DEVICE_ATTR	KVM would refuse our files as no VFIO files
 *	mmap() of files, shared	the kernel does not ask FUSE whether a region may be mapped
 *	stat() by descriptor	if wanted, so that device nodes show as such
 *	exit_group()		if wanted: a process ends, and the kernel has closed nothing yet
 * Every other system call pays for a handful of BPF instructions and nothing else.
 *
 * Every process of the run inherits the filter, so its listener also tells when
 * the last of them has gone: POLLHUP.
 */
#ifndef LAUNCH_FILTER_H
#define LAUNCH_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct sock_filter;

#define FILTER_MAX 128	/* instructions */

/* What is wanted besides. */
enum filter_wants {
	FILTER_CHARDEVS = 1u << 0,	/* fstat() shows device nodes as character devices */
	FILTER_EXITS = 1u << 1,
};

/* Writes the filter's instructions, at most FILTER_MAX; returns how many there are. */
size_t filter_build(unsigned wants, struct sock_filter *to);

/*
 * Puts the calling process under the filter; returns the listener (close-on-exec).
 * -EBUSY: an outer supervisor listens already, the kernel has one at most; -ENOSYS,
 * -EINVAL: this kernel has no seccomp notification; -ENOMEM.
 * Without privilege it sets no_new_privs first, as seccomp(2) wants it.
 */
int filter_install(unsigned wants);
/* Says why filter_install() failed, in one sentence. */
const char *filter_sentence(int error);

#endif
