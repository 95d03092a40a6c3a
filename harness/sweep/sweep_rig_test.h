/* SPDX-License-Identifier: MIT */
/* What tests of `vfiosim sweep` share: they run the program that is built beside them. */
#ifndef SWEEP_SWEEP_RIG_TEST_H
#define SWEEP_SWEEP_RIG_TEST_H

#include <check.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/suite_test.h"

#define ATTACH2 "@B@/examples/attach2"
#define SWEEP "@B@/vfiosim sweep -j 2 -t hotadd "

static char build[PATH_MAX];	/* the folder of what is built */
static char folder[SCRATCH_PATH];
static char out[1u << 20];

/* @line with @B@ and @T@ replaced by the folders; its status, and what it said in @out. */
static inline int run(const char *line)
{
	char command[8192] = "{ ", *to = command + 2;
	size_t n;
	FILE *from;

	for (; *line; line++)
		if (!strncmp(line, "@B@", 3) || !strncmp(line, "@T@", 3)) {
			to = stpcpy(to, line[1] == 'B' ? build : folder);
			line += 2;
		} else {
			*to++ = *line;
		}
	strcpy(to, "; } 2>&1 </dev/null");
	from = popen(command, "re");
	ck_assert_ptr_nonnull(from);
	n = fread(out, 1, sizeof(out) - 1, from);
	out[n] = 0;
	return WEXITSTATUS(pclose(from));
}

#define SAYS(part_) ck_assert_msg(strstr(out, (part_)) != NULL, "'%s' is not in:\n%s", (part_), out)
#define SAYS_NOT(part_) ck_assert_msg(!strstr(out, (part_)), "'%s' is in:\n%s", (part_), out)

static inline void expect(int status, const char *line)
{
	int is = run(line);

	ck_assert_msg(is == status, "%s\nends with %d, not %d:\n%s", line, is, status, out);
}

static inline bool can_run(void)
{
	const char *why = no_run();

	if (why)
		test_skip("sweep", why);
	return !why;
}

static inline void setup(void)
{
	ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	ck_assert_int_gt(n, 0);
	build[n] = 0;
	for (int up = 0; up < 3; up++)	/* harness/sweep/sweep_test */
		*strrchr(build, '/') = 0;
	scratch_path(folder, "sweep");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	unsetenv("TEST_SHARD_INDEX");
	unsetenv("TEST_TOTAL_SHARDS");
}

static inline void teardown(void)
{
	run("rm -rf @T@");
}

/* A suite of one case, which is run. Its exit status. */
static inline int run_suite(const char *name, TCase *tcase)
{
	Suite *suite = suite_create(name);

	tcase_set_timeout(tcase, 160);
	tcase_add_checked_fixture(tcase, setup, teardown);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}

#endif
