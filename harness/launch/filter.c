/* SPDX-License-Identifier: MIT */
/* The seccomp filter, built from the command rows: see filter.h. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vfiosim/command.h>

#include "launch/filter.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5)	/* Linux 5.19 */
#endif

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "filter.c: which AUDIT_ARCH_ is this?"
#endif

#define KVM_SET_DEVICE_ATTR_NUMBER 0x4018aee1u	/* _IOW(0xAE, 0xe1, struct kvm_device_attr) */
#define MAX_NUMBERS 64

struct numbers {
	uint32_t items[MAX_NUMBERS];
	size_t n;
};

static void numbers_add(struct numbers *numbers, uint32_t number)
{
	for (size_t i = 0; i < numbers->n; i++)
		if (numbers->items[i] == number)
			return;
	if (numbers->n < MAX_NUMBERS)
		numbers->items[numbers->n++] = number;
}

static void numbers_collect(struct numbers *numbers)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (row->returns_fd)
			numbers_add(numbers, row->number);
	numbers_add(numbers, KVM_SET_DEVICE_ATTR_NUMBER);
}

/*
 * "allow" stands in the middle, so that the jumps of both halves are short:
 *	foreign architectures and everything but ioctl	-> allow
 *	a request among the numbers			-> notify
 * x32 has the same arch and bit 30 in the number, so it is no ioctl here. The
 * kernel takes the request as 32 bits; the upper half of the register is noise.
 */
static size_t filter_build(const struct numbers *numbers, struct sock_filter *to)
{
	const unsigned request = offsetof(struct seccomp_data, args[1]);	/* little endian */
	size_t n = 0;

	to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, nr));
	to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       offsetof(struct seccomp_data, arch));
	to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, request);
	for (size_t i = 0; i < numbers->n; i++)
		to[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						       numbers->items[i],
						       (uint8_t)(numbers->n - i), 0);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	to[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	return n;
}

static int seccomp_listen(struct sock_fprog *program, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, program);

	return fd < 0 ? -errno : (int)fd;
}

int filter_install(void)
{
	struct sock_filter code[MAX_NUMBERS + 16];
	struct numbers numbers = {};
	struct sock_fprog program = { .filter = code };
	/* Without this flag a signal may abort a command that has been served. */
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd;

	numbers_collect(&numbers);
	program.len = (unsigned short)filter_build(&numbers, code);
	fd = seccomp_listen(&program, flags);
	if (fd == -EINVAL) {
		flags = 0;
		fd = seccomp_listen(&program, flags);
	}
	if (fd == -EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		fd = seccomp_listen(&program, flags);
	return fd;
}

const char *filter_sentence(int error)
{
	switch (error) {
	case -EBUSY:
		return "another seccomp supervisor already watches this process (a container "
		       "runtime, or another `vfiosim run`), and the kernel allows one: start "
		       "vfiosim outside of it";
	case -ENOSYS:
	case -EINVAL:
		return "this kernel has no seccomp user notification: use Linux 5.14 or later with "
		       "CONFIG_SECCOMP_FILTER";
	case -EPERM:
	case -EACCES:
		return "the seccomp filter was refused: the container or sandbox around this "
		       "process has to allow seccomp(2) with a listener";
	default:
		return NULL;
	}
}
