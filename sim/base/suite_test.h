/* SPDX-License-Identifier: MIT */
/* What test programs share: running their suite, what is printed in it, and children that are no tests. */
#ifndef SIM_BASE_SUITE_TEST_H
#define SIM_BASE_SUITE_TEST_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/scratch_test.h"

/* Its runtime does not survive in a process that is made with CLONE_VM. */
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif
#ifndef THREAD_SANITIZER
#define THREAD_SANITIZER 0
#endif

/* Frees @suite; main()'s exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	scratch_begin();
	srunner_run_all(runner, CK_ENV);
	scratch_end();
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A test that cannot be made here says so and returns: harness/check.sh counts the line. */
static inline void test_skip(const char *name, const char *why)
{
	printf("skip: %s: %s\n", name, why);
}

/* The same of a program none of whose tests can be made here; main()'s exit status. */
static inline int suite_skip(const char *name, const char *why)
{
	test_skip(name, why);
	puts("0 passed, 0 failed, 1 skipped");
	return EXIT_SUCCESS;
}

/* NULL, or why no run can be made here, root or not. qemu-user, say, has no listeners. */
static inline const char *no_listener(void)
{
	struct seccomp_notif_sizes sizes;

	return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) ? "no seccomp notification here" :
									  NULL;
}

/* The same for whoever this is. */
static inline const char *no_run(void)
{
	return access("/dev/fuse", R_OK | W_OK) ? "/dev/fuse cannot be opened here" : no_listener();
}

/* libcheck's own, an unlinked file called check_XXXXXX. */
static inline int is_message_file(const char *name)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%.20s", name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return strstr(target, "/check_") && strstr(target, " (deleted)");
}

/*
 * fork() in a test. Every ck_assert, one that holds as well, is a message in a file; a child
 * that wrote there beside its parent would garble it. What the child finds out it tells by
 * its exit status.
 */
static inline pid_t test_fork(void)
{
	struct dirent *entry;
	DIR *folder;
	pid_t child;
	int null;

	fflush(NULL);	/* or the child says once more what has been said */
	child = fork();
	null = child ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
	folder = child ? NULL : opendir("/proc/self/fd");
	while (folder && (entry = readdir(folder)))
		if (is_message_file(entry->d_name))
			dup3(null, atoi(entry->d_name), O_CLOEXEC);
	if (folder)
		closedir(folder);
	if (null >= 0)
		close(null);
	return child;
}

/* What goes to descriptors 1 and 2, from capture_begin() to capture_end(). */
struct capture {
	int file, saved[2];	/* -1: is not captured */
};

static inline void capture_begin(struct capture *capture, bool out, bool err)
{
	const bool wanted[] = { out, err };

	capture->file = memfd_create("captured", MFD_CLOEXEC);
	ck_assert_int_ge(capture->file, 0);
	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		capture->saved[i] = wanted[i] ? dup(i + 1) : -1;
		if (wanted[i])
			dup2(capture->file, i + 1);
	}
}

/* Its first @size - 1 bytes. */
static inline void capture_end(struct capture *capture, char *to, size_t size)
{
	ssize_t n;

	fflush(NULL);
	for (int i = 0; i < 2; i++) {
		if (capture->saved[i] < 0)
			continue;
		dup2(capture->saved[i], i + 1);
		close(capture->saved[i]);
	}
	n = pread(capture->file, to, size - 1, 0);
	to[n > 0 ? n : 0] = '\0';
	close(capture->file);
}

#endif
