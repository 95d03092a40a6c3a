/* SPDX-License-Identifier: MIT */
/* What test programs share: running their suite, and children that are not tests. */
#ifndef SIM_BASE_SUITE_TEST_H
#define SIM_BASE_SUITE_TEST_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Frees @suite; main()'s exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A test that cannot be made here says so and returns: harness/check.sh counts the line. */
static inline void test_skip(const char *name, const char *why)
{
	printf("skip: %s: %s\n", name, why);
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
	pid_t child = fork();
	int null = child ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
	DIR *folder = child ? NULL : opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (is_message_file(entry->d_name))
			dup3(null, atoi(entry->d_name), O_CLOEXEC);
	if (folder)
		closedir(folder);
	if (null >= 0)
		close(null);
	return child;
}

#endif
