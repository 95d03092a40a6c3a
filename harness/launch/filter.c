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

/* ---- A program of jumps to labels ---- */

enum label {
	NEXT,		/* the following instruction */
	NEWFSTATAT,	/* what is looked at in each call ... */
	STATX,
	MMAP,
	MMAP_FILE,
	IOCTL,
	NATIVE,		/* ... and, if all is as it should be, whether its numbers are ours */
	MODULE,		/* the same for a call that is refused */
	NOTIFY,
	DENY,
	ALLOW,
	N_LABELS,
};

/* Instructions that are being written. Jumps hold labels until program_end(). */
struct program {
	struct sock_filter *code;
	size_t n;
	size_t places[N_LABELS];
};

static void put(struct program *program, uint16_t code, uint32_t value, enum label yes, enum label no)
{
	program->code[program->n++] = (struct sock_filter){
		.code = code, .k = value, .jt = (uint8_t)yes, .jf = (uint8_t)no,
	};
}

static void place(struct program *program, enum label label)
{
	program->places[label] = program->n;
}

/* Values of seccomp_data are 64 bits, little endian; the kernel takes these as 32. */
#define LOAD(program_, field_) \
	put((program_), BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field_), NEXT, NEXT)

/* Compares what was loaded: BPF_JEQ, BPF_JGE, or BPF_JSET (has any of these bits). */
static void put_if(struct program *program, uint16_t test, uint32_t value, enum label yes,
		   enum label no)
{
	put(program, BPF_JMP | test | BPF_K, value, yes, no);
}

static void put_return(struct program *program, uint32_t action)
{
	put(program, BPF_RET | BPF_K, action, NEXT, NEXT);
}

/* How many instructions a jump at @at to @label leaves out. */
static uint8_t distance(const struct program *program, size_t at, uint8_t label)
{
	return label == NEXT ? 0 : (uint8_t)(program->places[label] - at - 1);
}

/* From labels to distances: all jumps go forward, and the program is shorter than 256. */
static size_t program_end(struct program *program)
{
	for (size_t at = 0; at < program->n; at++) {
		struct sock_filter *code = &program->code[at];

		code->jt = distance(program, at, code->jt);
		code->jf = distance(program, at, code->jf);
	}
	return program->n;
}

/* ---- The filter ---- */

_Static_assert(FILTER_MAX > MAX_NUMBERS + 30 && FILTER_MAX < 256, "jumps reach everywhere");

/* fstat(), and newfstatat() and statx() of the descriptor itself. */
static void put_stat(struct program *program)
{
	place(program, NEWFSTATAT);
	LOAD(program, args[3]);			/* flags */
	put_if(program, BPF_JSET, AT_EMPTY_PATH, NATIVE, ALLOW);
	place(program, STATX);
	LOAD(program, args[2]);			/* flags */
	put_if(program, BPF_JSET, AT_EMPTY_PATH, NATIVE, ALLOW);
}

/* mmap() of a file. Loaders map what programs are made of as they map no device. */
static void put_mmap(struct program *program)
{
	place(program, MMAP);
	LOAD(program, args[3]);			/* flags */
	put_if(program, BPF_JSET, MAP_ANONYMOUS, ALLOW, NEXT);
	put_if(program, BPF_JSET, MAP_SHARED, MMAP_FILE, NEXT);
	put_if(program, BPF_JSET, MAP_FIXED | MAP_DENYWRITE, ALLOW, NEXT);
	LOAD(program, args[2]);			/* protection */
	put_if(program, BPF_JSET, PROT_EXEC, ALLOW, NEXT);
	place(program, MMAP_FILE);
	LOAD(program, args[4]);			/* descriptor: negative is none */
	put_if(program, BPF_JGE, 0x80000000u, ALLOW, NATIVE);
}

/* ioctl() with a request among the numbers. */
static void put_ioctl(struct program *program, const struct numbers *numbers)
{
	place(program, IOCTL);
	LOAD(program, args[1]);
	for (size_t i = 0; i < numbers->n; i++)
		put_if(program, BPF_JEQ, numbers->items[i], NATIVE, i + 1 < numbers->n ? NEXT : ALLOW);
}

/*
 * Foreign architectures and all other system calls are allowed; those that depend
 * on the number alone the kernel remembers and asks no filter about. x32 has the
 * same arch and bit 30 in the number, so it is none of ours here.
 */
size_t filter_build(unsigned wants, struct sock_filter *to)
{
	struct program program = { .code = to };
	struct numbers numbers = {};

	numbers_collect(&numbers);
	LOAD(&program, nr);
	if (wants & FILTER_CHARDEVS) {
		put_if(&program, BPF_JEQ, SYS_fstat, NATIVE, NEXT);
		put_if(&program, BPF_JEQ, SYS_newfstatat, NEWFSTATAT, NEXT);
		put_if(&program, BPF_JEQ, SYS_statx, STATX, NEXT);
	}
	if (wants & FILTER_EXITS)
		put_if(&program, BPF_JEQ, SYS_exit_group, NATIVE, NEXT);
	put_if(&program, BPF_JEQ, SYS_mmap, MMAP, NEXT);
	put_if(&program, BPF_JEQ, SYS_ioctl, IOCTL, NEXT);
	/* The host's kernel has nothing to do with the modules of a run. */
	put_if(&program, BPF_JEQ, SYS_init_module, MODULE, NEXT);
	put_if(&program, BPF_JEQ, SYS_finit_module, MODULE, NEXT);
	put_if(&program, BPF_JEQ, SYS_delete_module, MODULE, ALLOW);
	if (wants & FILTER_CHARDEVS)
		put_stat(&program);
	put_mmap(&program);
	put_ioctl(&program, &numbers);
	place(&program, NATIVE);
	LOAD(&program, arch);
	put_if(&program, BPF_JEQ, NATIVE_ARCH, NOTIFY, ALLOW);
	place(&program, MODULE);
	LOAD(&program, arch);
	put_if(&program, BPF_JEQ, NATIVE_ARCH, DENY, ALLOW);
	place(&program, NOTIFY);
	put_return(&program, SECCOMP_RET_USER_NOTIF);
	place(&program, DENY);
	put_return(&program, SECCOMP_RET_ERRNO | EPERM);
	place(&program, ALLOW);
	put_return(&program, SECCOMP_RET_ALLOW);
	return program_end(&program);
}

static int seccomp_listen(struct sock_fprog *program, unsigned long flags)
{
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			  SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, program);

	return fd < 0 ? -errno : (int)fd;
}

int filter_install(unsigned wants)
{
	struct sock_filter code[FILTER_MAX];
	struct sock_fprog program = { .filter = code };
	/* Without this flag a signal may abort a command that has been served. */
	unsigned long flags = SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	int fd;

	program.len = (unsigned short)filter_build(wants, code);
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
