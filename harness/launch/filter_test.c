/* SPDX-License-Identifier: MIT */
/*
 * What the seccomp filter says of system calls, by running its instructions here:
 * which ones the supervisor hears of, and that all others go on untouched.
 */
#include "launch/filter.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <vfiosim/command.h>

#include "base/suite_test.h"

#if defined(__x86_64__)
#define OURS AUDIT_ARCH_X86_64
#define FOREIGN AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define OURS AUDIT_ARCH_AARCH64
#define FOREIGN AUDIT_ARCH_ARM
#endif

/* ---- A machine for such programs ---- */

static bool holds(const struct sock_filter *code, uint32_t loaded)
{
	switch (BPF_OP(code->code)) {
	case BPF_JEQ:
		return loaded == code->k;
	case BPF_JGE:
		return loaded >= code->k;
	case BPF_JSET:
		return loaded & code->k;
	default:
		ck_abort_msg("jump %#x", code->code);
	}
}

/* What the program returns; @ret_args: it looked at more than the number and the architecture. */
static uint32_t filter(unsigned wants, const struct seccomp_data *data, bool *ret_args)
{
	struct sock_filter code[FILTER_MAX];
	size_t n = filter_build(wants, code), at = 0;
	uint32_t loaded = 0;

	ck_assert(n && n <= FILTER_MAX);
	*ret_args = false;
	while (at < n) {
		const struct sock_filter *now = &code[at++];

		switch (BPF_CLASS(now->code)) {
		case BPF_LD:
			ck_assert_uint_le(now->k, sizeof(*data) - sizeof(loaded));
			memcpy(&loaded, (const char *)data + now->k, sizeof(loaded));
			*ret_args |= now->k >= offsetof(struct seccomp_data, args);
			break;
		case BPF_JMP:
			at += holds(now, loaded) ? now->jt : now->jf;
			break;
		case BPF_RET:
			return now->k;
		default:
			ck_abort_msg("instruction %#x", now->code);
		}
	}
	ck_abort_msg("the program runs past its end");
}

static uint32_t says(unsigned wants, uint32_t arch, int number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		     uint64_t e)
{
	const struct seccomp_data data = { .nr = number, .arch = arch, .args = { a, b, c, d, e } };
	bool args;

	return filter(wants, &data, &args);
}

#define NOTIFIES(...) ck_assert_uint_eq(says(__VA_ARGS__), SECCOMP_RET_USER_NOTIF)
#define ALLOWS(...) ck_assert_uint_eq(says(__VA_ARGS__), SECCOMP_RET_ALLOW)

/* ---- What it says ---- */

START_TEST(commands_that_return_descriptors)
{
	const struct vfiosim_command *row;
	unsigned n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		n += row->returns_fd;
		if (row->returns_fd) {
			NOTIFIES(_i, OURS, SYS_ioctl, 3, row->number, 0, 0, 0);
			/* The kernel takes the request as 32 bits, whatever stands above them. */
			NOTIFIES(_i, OURS, SYS_ioctl, 3, row->number | UINT64_C(1) << 40, 0, 0, 0);
			ALLOWS(_i, FOREIGN, SYS_ioctl, 3, row->number, 0, 0, 0);
			ALLOWS(_i, OURS, SYS_ioctl | 0x40000000, 3, row->number, 0, 0, 0);
			ALLOWS(_i, OURS, SYS_read, 3, row->number, 0, 0, 0);
		}
	}
	ck_assert_uint_ge(n, 2);
	NOTIFIES(_i, OURS, SYS_ioctl, 3, VFIO_GROUP_GET_DEVICE_FD, 0, 0, 0);
	NOTIFIES(_i, OURS, SYS_ioctl, 3, 0x4018aee1, 0, 0, 0);	/* KVM_SET_DEVICE_ATTR */
	ALLOWS(_i, OURS, SYS_ioctl, 3, VFIO_GET_API_VERSION, 0, 0, 0);
	ALLOWS(_i, OURS, SYS_ioctl, 3, VFIO_IOMMU_MAP_DMA, 0, 0, 0);
	ALLOWS(_i, OURS, SYS_ioctl, 3, 0, 0, 0, 0);
}
END_TEST

START_TEST(exits_where_they_are_wanted)
{
	NOTIFIES(FILTER_EXITS, OURS, SYS_exit_group, 0, 0, 0, 0, 0);
	ALLOWS(FILTER_EXITS, FOREIGN, SYS_exit_group, 0, 0, 0, 0, 0);
	ALLOWS(FILTER_CHARDEVS, OURS, SYS_exit_group, 0, 0, 0, 0, 0);
}
END_TEST

START_TEST(mappings_of_files_shared)
{
	NOTIFIES(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, 3);
	NOTIFIES(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_FIXED, 0x7fffffff);
	NOTIFIES(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 3);
	NOTIFIES(_i, OURS, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, 3);
	/* What a loader does. */
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE | MAP_DENYWRITE, 3);
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 3);
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, 3);
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, UINT64_MAX);
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, 3);
	ALLOWS(_i, OURS, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, (uint32_t)-1);
	ALLOWS(_i, FOREIGN, SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED, 3);
}
END_TEST

START_TEST(stat_of_descriptors_if_wanted)
{
	NOTIFIES(true, OURS, SYS_fstat, 3, 0, 0, 0, 0);
	NOTIFIES(true, OURS, SYS_newfstatat, 3, 0, 0, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0);
	NOTIFIES(true, OURS, SYS_statx, 3, 0, AT_EMPTY_PATH, 0, 0);
	ALLOWS(true, OURS, SYS_newfstatat, 3, 0, AT_EMPTY_PATH, 0, 0);	/* that is the third argument */
	ALLOWS(true, OURS, SYS_statx, 3, 0, 0, AT_EMPTY_PATH, 0);
	ALLOWS(true, FOREIGN, SYS_fstat, 3, 0, 0, 0, 0);
	ALLOWS(true, FOREIGN, SYS_statx, 3, 0, AT_EMPTY_PATH, 0, 0);
	ALLOWS(false, OURS, SYS_fstat, 3, 0, 0, 0, 0);
	ALLOWS(false, OURS, SYS_newfstatat, 3, 0, 0, AT_EMPTY_PATH, 0);
	ALLOWS(false, OURS, SYS_statx, 3, 0, AT_EMPTY_PATH, 0, 0);
}
END_TEST

static bool loads_modules(int number)
{
	return number == SYS_init_module || number == SYS_finit_module || number == SYS_delete_module;
}

START_TEST(modules_are_not_the_runs)
{
	const uint32_t refused = SECCOMP_RET_ERRNO | EPERM;

	ck_assert_uint_eq(says(_i, OURS, SYS_init_module, 0, 0, 0, 0, 0), refused);
	ck_assert_uint_eq(says(_i, OURS, SYS_finit_module, 3, 0, 0, 0, 0), refused);
	ck_assert_uint_eq(says(_i, OURS, SYS_delete_module, 0, 0, 0, 0, 0), refused);
	ALLOWS(_i, FOREIGN, SYS_finit_module, 3, 0, 0, 0, 0);	/* another call there */
}
END_TEST

/* The numbers as the kernels count them: those that the headers gave could be another machine's. */
START_TEST(numbers_are_the_architectures)
{
#if defined(__x86_64__)
	const uint32_t arch = 0xc000003e;
	enum { IOCTL = 16, FSTAT = 5, NEWFSTATAT = 262, STATX = 332, MMAP = 9, EXIT_GROUP = 231, FINIT_MODULE = 313 };
#else
	const uint32_t arch = 0xc00000b7;
	enum { IOCTL = 29, FSTAT = 80, NEWFSTATAT = 79, STATX = 291, MMAP = 222, EXIT_GROUP = 94, FINIT_MODULE = 273 };
#endif
	const unsigned all = FILTER_CHARDEVS | FILTER_EXITS;

	NOTIFIES(all, arch, IOCTL, 3, VFIO_GROUP_GET_DEVICE_FD, 0, 0, 0);
	NOTIFIES(all, arch, FSTAT, 3, 0, 0, 0, 0);
	NOTIFIES(all, arch, NEWFSTATAT, 3, 0, 0, AT_EMPTY_PATH, 0);
	NOTIFIES(all, arch, STATX, 3, 0, AT_EMPTY_PATH, 0, 0);
	NOTIFIES(all, arch, MMAP, 0, 4096, PROT_READ, MAP_SHARED, 3);
	NOTIFIES(all, arch, EXIT_GROUP, 0, 0, 0, 0, 0);
	ck_assert_uint_eq(says(all, arch, FINIT_MODULE, 3, 0, 0, 0, 0), SECCOMP_RET_ERRNO | EPERM);
}
END_TEST

/* Of any other call nothing but its number is looked at: the kernel then asks no filter twice. */
START_TEST(other_calls_cost_nothing)
{
	for (int number = 0; number < 600; number++) {
		const struct seccomp_data data = { .nr = number, .arch = OURS, .args = {
			UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX } };
		bool args, ours = number == SYS_ioctl || number == SYS_mmap;

		if (_i)
			ours |= number == SYS_newfstatat || number == SYS_statx;
		if (loads_modules(number) || (_i && number == SYS_fstat))
			continue;
		ck_assert_int_eq(filter(_i, &data, &args) == SECCOMP_RET_ALLOW,
				 !_i || (number != SYS_newfstatat && number != SYS_statx));
		ck_assert_msg(args == ours, "%d", number);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("filter");
	TCase *tests = tcase_create("filter");

	suite_add_tcase(suite, tests);
	tcase_add_loop_test(tests, commands_that_return_descriptors, 0, 2);
	tcase_add_test(tests, exits_where_they_are_wanted);
	tcase_add_loop_test(tests, mappings_of_files_shared, 0, 2);
	tcase_add_test(tests, stat_of_descriptors_if_wanted);
	tcase_add_loop_test(tests, modules_are_not_the_runs, 0, 2);
	tcase_add_test(tests, numbers_are_the_architectures);
	tcase_add_loop_test(tests, other_calls_cost_nothing, 0, 2);
	return suite_run(suite);
}
