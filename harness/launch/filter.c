/* SPDX-License-Identifier: MIT */
/* The seccomp filter, built from the command rows: see filter.h. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
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

/* Values of seccomp_data are 64 bits, little endian; the kernel takes these as 32. */
#define LOAD(field_) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field_))
#define JUMP_EQUAL(value_, yes_, no_) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value_), (yes_), (no_))
#define RETURN(action_) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_##action_)

/* Instructions of a program that is being written. */
struct program {
	struct sock_filter *code;
	size_t n;
};

static void put(struct program *program, const struct sock_filter *code, size_t n)
{
	memcpy(program->code + program->n, code, n * sizeof(*code));
	program->n += n;
}

/* fstat(), and newfstatat() and statx() of the descriptor itself: notify. The number is loaded. */
static void put_stat(struct program *program)
{
	const struct sock_filter code[] = {
		JUMP_EQUAL(SYS_fstat, 7, 0),
		JUMP_EQUAL(SYS_newfstatat, 2, 0),
		JUMP_EQUAL(SYS_statx, 3, 0),
		BPF_STMT(BPF_JMP | BPF_JA, 8),			/* behind all this */
		LOAD(args[3]),					/* flags of newfstatat */
		BPF_STMT(BPF_JMP | BPF_JA, 1),
		LOAD(args[2]),					/* flags of statx */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 2),
		LOAD(arch),
		JUMP_EQUAL(NATIVE_ARCH, 1, 0),
		RETURN(ALLOW),
		RETURN(USER_NOTIF),
	};

	put(program, code, sizeof(code) / sizeof(code[0]));
}

/* mmap() of a file, shared: notify; what programs are made of is mapped private. */
static void put_mmap(struct program *program)
{
	const struct sock_filter code[] = {
		JUMP_EQUAL(SYS_mmap, 0, 9),			/* else: behind all this */
		LOAD(args[3]),					/* flags */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_SHARED, 0, 5),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 4, 0),
		LOAD(args[4]),					/* descriptor: negative is none */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000u, 2, 0),
		LOAD(arch),
		JUMP_EQUAL(NATIVE_ARCH, 1, 0),
		RETURN(ALLOW),
		RETURN(USER_NOTIF),
	};

	put(program, code, sizeof(code) / sizeof(code[0]));
}

/* ioctl() with a request among the numbers: notify. The number is loaded. */
static void put_ioctl(struct program *program, const struct numbers *numbers)
{
	const struct sock_filter head[] = {
		JUMP_EQUAL(SYS_ioctl, 1, 0),
		RETURN(ALLOW),
		LOAD(arch),
		JUMP_EQUAL(NATIVE_ARCH, 1, 0),
		RETURN(ALLOW),
		LOAD(args[1]),
	};
	const struct sock_filter tail[] = { RETURN(ALLOW), RETURN(USER_NOTIF) };

	put(program, head, sizeof(head) / sizeof(head[0]));
	for (size_t i = 0; i < numbers->n; i++) {
		const uint8_t to_notify = (uint8_t)(numbers->n - i);

		put(program, &(struct sock_filter)JUMP_EQUAL(numbers->items[i], to_notify, 0), 1);
	}
	put(program, tail, sizeof(tail) / sizeof(tail[0]));
}

/*
 * Foreign architectures and all other system calls are allowed; those that depend
 * on the number alone the kernel remembers and asks no filter about. x32 has the
 * same arch and bit 30 in the number, so it is no ioctl here.
 */
static size_t filter_build(const struct numbers *numbers, bool stat, struct sock_filter *to)
{
	struct program program = { .code = to };

	put(&program, &(struct sock_filter)LOAD(nr), 1);
	if (stat)
		put_stat(&program);
	put_mmap(&program);
	put_ioctl(&program, numbers);
	return program.n;
}

static int seccomp_listen(struct sock_fprog *program, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, program);

	return fd < 0 ? -errno : (int)fd;
}

int filter_install(bool fake_chardevs)
{
	struct sock_filter code[MAX_NUMBERS + 48];
	struct numbers numbers = {};
	struct sock_fprog program = { .filter = code };
	/* Without this flag a signal may abort a command that has been served. */
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd;

	numbers_collect(&numbers);
	program.len = (unsigned short)filter_build(&numbers, fake_chardevs, code);
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
