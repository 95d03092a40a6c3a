/* SPDX-License-Identifier: MIT */
/* Files that mappings name, taken from a process: here ourselves. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/remote/remote.h"
#include "base/suite_test.h"

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

/* The file stays when the process closes it; what is its own to write it need not have opened so. */
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

/* ---- What a process opened for reading ---- */

/* Another process and its descriptor of a file; who it is, and so whether it could write. */
static const struct reader {
	uid_t uid;
	gid_t gid, more;	/* more: one further group */
	bool capable;		/* keeps its capabilities */
	mode_t mode;		/* of the file, which is of 0 and group 777 */
	bool writes;
} readers[] = {
	{ .mode = 0644, .capable = true, .writes = true },
	{ .mode = 0444, .capable = true, .writes = true },
	{ .mode = 0444, .writes = false },
	{ .uid = 65534, .gid = 65534, .mode = 0644, .writes = false },
	{ .uid = 65534, .gid = 65534, .mode = 0666, .writes = true },
	{ .uid = 65534, .gid = 777, .mode = 0664, .writes = true },
	{ .uid = 65534, .gid = 65534, .more = 777, .mode = 0664, .writes = true },
	{ .uid = 65534, .gid = 65534, .more = 778, .mode = 0664, .writes = false },
};

static void become(const struct reader *reader)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (setgroups(reader->more ? 1 : 0, &reader->more) || setgid(reader->gid) ||
	    setuid(reader->uid) || (!reader->capable && syscall(SYS_capset, &header, none)))
		_exit(1);
}

/* A process that is @reader and waits; -1: it could not become that. */
static pid_t reader_start(const struct reader *reader)
{
	int up[2];
	char byte;
	pid_t pid;
	ssize_t n;

	ck_assert_int_eq(pipe2(up, O_CLOEXEC), 0);
	pid = test_fork();
	if (!pid) {
		become(reader);
		if (write(up[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(up[1]);
	n = read(up[0], &byte, 1);
	close(up[0]);
	return n == 1 ? pid : -1;
}

static int file_for(const struct reader *reader)
{
	int fd = memfd(1, 0), again;
	char path[64];

	ck_assert_int_eq(fchown(fd, 0, 777), 0);
	ck_assert_int_eq(fchmod(fd, reader->mode), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY);
	ck_assert_int_ge(again, 0);
	close(fd);
	return again;
}

/* The simulator's own rights are nobody else's. */
START_TEST(test_rights)
{
	const struct reader *reader = &readers[_i];
	struct remote_call call = { .set = &set };
	struct vfiosim_backing *backing;
	char in[4] = "";
	int fd, dumpable = prctl(PR_GET_DUMPABLE);
	pid_t pid;

	if (geteuid()) {
		test_skip(__func__, "only root can become others");
		return;
	}
	fd = file_for(reader);
	pid = reader_start(reader);
	ck_assert_int_gt(pid, 0);
	call.caller = (struct vfiosim_caller){ .ctx = &call, .tid = (uint32_t)pid };
	ck_assert_int_eq(remote_backing_get(&call.caller, fd, &backing), 0);
	ck_assert_int_eq(remote_backing_write(backing, 1, "abc", 3), reader->writes ? 0 : -EACCES);
	ck_assert_int_eq(remote_backing_read(backing, 1, in, 3), 0);
	ck_assert_str_eq(in, reader->writes ? "abc" : "");
	remote_backing_put(backing);
	/* Ours are what they were. */
	ck_assert_int_eq(setfsuid((uid_t)-1), 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE), dumpable);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(fd);
}
END_TEST

START_TEST(test_sealed)
{
	int fd = memfd(1, MFD_ALLOW_SEALING);
	struct vfiosim_backing *backing = hold(fd);

	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ck_assert_int_eq(remote_backing_write(backing, 0, "abc", 3), -EACCES);
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
		test_skip("test_huge_pages", "there are none free");
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
	TCase *tests;
	Suite *suite;

	/* qemu-user has none. */
	if (process_vm_readv(getpid(), NULL, 0, NULL, 0, 0))
		return suite_skip("remote_backing", "no process_vm_readv() here");
	tests = tcase_create("files");
	suite = suite_create("remote backing");
	tcase_add_test(tests, test_kinds);
	tcase_add_test(tests, test_bad_descriptors);
	tcase_add_test(tests, test_moves);
	tcase_add_test(tests, test_shorter);
	tcase_add_loop_test(tests, test_rights, 0, (int)(sizeof(readers) / sizeof(readers[0])));
	tcase_add_test(tests, test_sealed);
	tcase_add_test(tests, test_huge_pages);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
