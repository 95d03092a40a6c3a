/* SPDX-License-Identifier: MIT */
/* Files that mappings name, taken from a process: here ourselves. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front/remote/remote.h"

#define PAGE ((size_t)VFIOSIM_PAGE_SIZE)
#define HUGE_2M (21u << 26)	/* MFD_HUGE_2MB */

static struct remotes set;

static int __hold(int fd, struct vfiosim_backing **ret_backing)
{
	struct remote_call call = { .caller.tid = (uint32_t)gettid(), .set = &set };

	call.caller.ctx = &call;
	return remote_backing_get(&call.caller, fd, ret_backing);
}

static struct vfiosim_backing *hold(int fd)
{
	struct vfiosim_backing *backing;

	ck_assert_int_eq(__hold(fd, &backing), 0);
	return backing;
}

static int memfd(size_t pages, unsigned flags)
{
	int fd = memfd_create("test", MFD_CLOEXEC | flags);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)(pages * PAGE)), 0);
	return fd;
}

START_TEST(test_kinds)
{
	static const struct {
		const char *path;	/* NULL: an eventfd */
		int flags;
	} others[] = {
		{ "/dev/null", O_RDWR }, { "/proc/self/status", O_RDONLY }, { "/", O_RDONLY },
		{ "/dev", O_RDONLY },	 { NULL, 0 },
	};
	struct vfiosim_backing *backing;
	int fd = memfd(3, 0);

	backing = hold(fd);
	ck_assert_uint_eq(remote_backing_size(backing), 3 * PAGE);
	ck_assert_int_eq(ftruncate(fd, (off_t)PAGE), 0);
	ck_assert_uint_eq(remote_backing_size(backing), PAGE);
	remote_backing_put(backing);
	close(fd);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fd = others[i].path ? open(others[i].path, others[i].flags) : eventfd(0, 0);
		ck_assert_int_ge(fd, 0);
		backing = hold(fd);
		ck_assert_uint_eq(remote_backing_size(backing), 0);
		ck_assert_int_eq(remote_backing_read(backing, 0, &fd, sizeof(fd)), -EFAULT);
		remote_backing_put(backing);
		close(fd);
	}
}
END_TEST

START_TEST(test_bad_descriptors)
{
	struct vfiosim_backing *backing;
	int path = open("/dev/null", O_PATH);

	ck_assert_int_eq(__hold(-1, &backing), -EBADF);
	ck_assert_int_eq(__hold(1000000, &backing), -EBADF);
	ck_assert_int_ge(path, 0);
	ck_assert_int_eq(__hold(path, &backing), -EBADF);
	close(path);
}
END_TEST

/* The file stays when the process closes it; what was opened for reading is written to, too. */
START_TEST(test_moves)
{
	int fd = memfd(3, 0), again;
	struct vfiosim_backing *backing;
	char path[64], in[8] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	ck_assert_int_ge(again, 0);
	backing = hold(again);
	close(again);
	ck_assert_int_eq(remote_backing_write(backing, 2 * PAGE - 3, "abcdef", 6), 0);
	ck_assert_int_eq(pread(fd, in, 6, (off_t)(2 * PAGE - 3)), 6);
	ck_assert_str_eq(in, "abcdef");
	ck_assert_int_eq(pwrite(fd, "xyz", 3, (off_t)(2 * PAGE)), 3);
	close(fd);
	ck_assert_int_eq(remote_backing_read(backing, 2 * PAGE - 3, in, 6), 0);
	ck_assert_str_eq(in, "abcxyz");
	remote_backing_put(backing);
}
END_TEST

/* A file that became shorter is no reason to die, nor one to make it longer. */
START_TEST(test_shorter)
{
	int fd = memfd(4, 0);
	struct vfiosim_backing *backing = hold(fd);
	char bytes[16] = "";

	ck_assert_int_eq(ftruncate(fd, (off_t)PAGE), 0);
	ck_assert_int_eq(remote_backing_read(backing, 2 * PAGE, bytes, sizeof(bytes)), -EFAULT);
	ck_assert_int_eq(remote_backing_write(backing, PAGE - 8, bytes, sizeof(bytes)), -EFAULT);
	ck_assert_uint_eq(remote_backing_size(backing), PAGE);
	remote_backing_put(backing);
	close(fd);
}
END_TEST

START_TEST(test_huge_pages)
{
	const size_t huge = 2u << 20;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_HUGETLB | HUGE_2M);
	void *probe = fd < 0 || ftruncate(fd, (off_t)huge) ?
			      MAP_FAILED :
			      mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct vfiosim_backing *backing;
	char in[4] = "";

	if (probe == MAP_FAILED) {
		fprintf(stderr, "remote_backing_test: huge pages skipped: there are none free\n");
		return;
	}
	munmap(probe, huge);
	backing = hold(fd);
	ck_assert_uint_eq(remote_backing_size(backing), huge);
	ck_assert_int_eq(remote_backing_write(backing, 5 * PAGE + 1, "abc", 4), 0);
	ck_assert_int_eq(remote_backing_read(backing, 5 * PAGE + 1, in, 4), 0);
	ck_assert_str_eq(in, "abc");
	remote_backing_put(backing);
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("files");
	Suite *suite = suite_create("remote backing");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, test_kinds);
	tcase_add_test(tests, test_bad_descriptors);
	tcase_add_test(tests, test_moves);
	tcase_add_test(tests, test_shorter);
	tcase_add_test(tests, test_huge_pages);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
