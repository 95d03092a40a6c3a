/* SPDX-License-Identifier: MIT */
/* A test program leaves no file behind, however it ends: it starts itself, and ends that. */
#include <check.h>
#include <sys/prctl.h>

#include "base/suite_test.h"

static int to;		/* of the program that was started: where it says what it has made */

START_TEST(waits_with_a_file)
{
	char path[SCRATCH_PATH];

	close(scratch_file(path, "left", "by a test"));
	ck_assert_int_eq(write(to, path, sizeof(path)), sizeof(path));
	pause();
}
END_TEST

START_TEST(fails_with_a_file)
{
	char path[SCRATCH_PATH];

	close(scratch_file(path, "left", "by a test"));
	ck_assert_int_eq(write(to, path, sizeof(path)), sizeof(path));
	ck_abort_msg("on purpose");
}
END_TEST

/* The program that is started. */
static int inner(const TTest *test)
{
	Suite *suite = suite_create("inner");
	TCase *tests = tcase_create("inner");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, test);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

/* Started with @argument; returns when its test has made a file, @path. */
static pid_t start(const char *argument, char path[SCRATCH_PATH])
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = test_fork();
	if (!child) {
		char number[16];

		setpgid(0, 0);		/* libcheck ends its whole group */
		snprintf(number, sizeof(number), "%d", ends[1]);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
		execl("/proc/self/exe", "suite_test", argument, number, NULL);
		_exit(127);
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], path, SCRATCH_PATH), SCRATCH_PATH);
	close(ends[0]);
	return child;
}

/* Until libcheck knows which test to end: it has nothing to do then but to wait for it. */
static void until_it_waits(pid_t program)
{
	char path[40], state = 'R';

	snprintf(path, sizeof(path), "/proc/%d/stat", program);
	while (state != 'S') {
		FILE *stat = fopen(path, "re");

		ck_assert(stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
		fclose(stat);
		usleep(1000);
	}
}

static int end_of(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static bool has_folder(const char *path)
{
	char folder[SCRATCH_PATH];

	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	return !access(folder, F_OK);
}

START_TEST(what_a_failed_test_left_goes)
{
	char path[SCRATCH_PATH];
	pid_t child = start("fail", path);

	ck_assert_int_eq(end_of(child), -1);
	ck_assert(!has_folder(path));
}
END_TEST

static const int signals[] = { SIGTERM, SIGINT };

START_TEST(what_a_signal_left_goes)
{
	char path[SCRATCH_PATH];
	pid_t child = start("wait", path);

	ck_assert(has_folder(path));
	until_it_waits(child);
	kill(child, signals[_i]);
	ck_assert_int_eq(end_of(child), signals[_i]);
	ck_assert(!has_folder(path));
}
END_TEST

/* Its test lives on for a moment, and still has its files. */
START_TEST(what_a_killed_program_left_goes_with_the_next)
{
	char killed[SCRATCH_PATH], path[SCRATCH_PATH];
	pid_t child, test;
	char name[64];
	FILE *children;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		test_skip(__func__, "no orphans can be adopted here");
		return;
	}
	child = start("wait", killed);
	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", child, child);
	children = fopen(name, "re");
	ck_assert(children && fscanf(children, "%d", &test) == 1);
	fclose(children);
	kill(child, SIGKILL);
	ck_assert_int_eq(end_of(child), SIGKILL);
	ck_assert(!access(killed, F_OK));
	end_of(start("fail", path));
	ck_assert(!access(killed, F_OK));
	kill(test, SIGKILL);
	ck_assert_int_eq(end_of(test), SIGKILL);
	end_of(start("fail", path));
	ck_assert(!has_folder(killed));
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tests;

	if (argc == 3) {
		to = atoi(argv[2]);
		return inner(strcmp(argv[1], "wait") ? fails_with_a_file : waits_with_a_file);
	}
	suite = suite_create("suite");
	tests = tcase_create("files");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, what_a_failed_test_left_goes);
	tcase_add_loop_test(tests, what_a_signal_left_goes, 0, sizeof(signals) / sizeof(signals[0]));
	tcase_add_test(tests, what_a_killed_program_left_goes_with_the_next);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
