/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim ctl` looks into a run, from outside, and $VFIOSIM_CTL from inside; what a run's own
 * options tell of it. (Changing it: ctl_reach_test.c.)
 */
#include "ctl/ctl_rig_test.h"

/* ---- Looking in -------------------------------------------------------- */

START_TEST(runs_are_listed_by_name)
{
	struct told_run told, other;
	char text[16384], number[16];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "one", NULL);
	told_start(&other, (enum who)_i, "two", NULL);
	ck_assert_int_eq(ctl((enum who)_i, RUN("list"), text, sizeof(text)), 0);
	SAYS(told.name);
	SAYS(other.name);
	CTL(0, "mark", "here");
	ck_assert_int_eq(ctl((enum who)_i, RUN("state"), text, sizeof(text)), 2);
	SAYS("choose one with -r");
	ck_assert_int_eq(ctl((enum who)_i, RUN("-r", "three", "state"), text, sizeof(text)), 2);
	SAYS("there is no run called three");
	snprintf(number, sizeof(number), "%d", other.run.launcher);
	ck_assert_int_eq(ctl((enum who)_i, RUN("state", "-r", number), text, sizeof(text)), 0);
	tell(&other, "quit");
	close(other.in);
	ck_assert_int_eq(run_status(&other.run), 0);
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

START_TEST(state_is_short_or_whole)
{
	struct told_run told;
	char text[65536], process[60];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "state", NULL);
	CTL(0, "state");
	SAYS("hotadd: 4 ioctls so far, 1 of them refused; 0 DMA faults\n");
	SAYS("container 1 (type1v2): nic0 (0000:01:00.0)\n  1 mapping, 4 KiB, 1 page pinned\n");
	SAYS("0x1000..0x1fff -> vaddr ");
	snprintf(process, sizeof(process), " of process 1 (PID %d), pinned\n", told.client);
	SAYS(process);
	ck_assert_ptr_null(strstr(text, "{"));
	CTL(0, "fault", "MAP_DMA,when=2,error=ENOMEM");
	CTL(0, "state");
	SAYS("fault 1: VFIO_IOMMU_MAP_DMA,when=2,error=ENOMEM: fired 0 times\n");
	CTL(0, "state", "--json");
	SAYS("\"iova_ranges\":[");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* Nobody watched when it happened. */
START_TEST(why_is_known_after_the_fact)
{
	struct told_run told;
	char text[16384], pid[16];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "why", NULL);
	CTL(0, "why");
	SAYS("VFIO_IOMMU_MAP_DMA on container 1: EINVAL");
	SAYS("iova=0xfee00000 size=0x1000");
	SAYS("because 0xfee00000..0xfee00fff overlaps 0xfee00000..0xfeefffff, reserved (msi)");
	SAYS("[reserved-region; Linux: vfio_iommu_iova_dma_valid]");
	snprintf(pid, sizeof(pid), "%d", told.client);
	CTL(0, "why", pid);
	SAYS("reserved-region");
	CTL(0, "why", "1");
	SAYS("nothing was refused");
	CTL(0, "why", "--json");
	SAYS("\"rule\":\"reserved-region\"");
	CTL(2, "why", "99999999");	/* above any kernel's limit */
	SAYS("there is no process 99999999");
	CTL(2, "why", "4294967296");
	SAYS("there is no process 4294967296");
	tell(&told, "stranger");	/* what it asked for, not where that lies */
	run_expect(&told.run, "1. stranger: -19");
	CTL(0, "why");
	SAYS("asked: '0000:77:00.0'\n");
	tell(&told, "early");
	run_expect(&told.run, "2. early: 0");
	CTL(0, "why", pid);
	SAYS("asked: VFIO_TYPE1v2_IOMMU\n");
	snprintf(pid, sizeof(pid), "PID %d: ", told.client);	/* not the thread, which has gone */
	SAYS(pid);
	CTL(2, "why", "me");
	SAYS("why takes the number of a process");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* ---- The file ---------------------------------------------------------- */

START_TEST(control_file_answers_in_json)
{
	struct told_run told;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "file", NULL);
	tell(&told, "mark booted");
	run_expect(&told.run, "mark booted: 0 {\n  \"marked\": \"booted\"\n}\n");
	tell(&told, "why");
	run_expect(&told.run, "\"rule\": \"reserved-region\"");
	tell(&told, "list");
	run_expect(&told.run, "\"command\": \"/proc/self/exe\"");
	tell(&told, "mrak booted");
	run_expect(&told.run, "mrak booted: -22 {\n  \"error\": \"unknown command 'mrak'; did you mean 'mark'?\"\n}");
	tell(&told, "mark");
	run_expect(&told.run, "mark: -22 {");
	tell(&told, ">mrak booted");
	run_expect(&told.run, ">mrak booted: -22 {\n  \"error\": \"unknown command 'mrak'; did you mean 'mark'?\"\n}");
	tell(&told, "mark ready");	/* what is read through the same descriptor is nobody else's */
	run_expect(&told.run, "\"marked\": \"ready\"");
	tell(&told, ">");
	run_expect(&told.run, ">: 0 {\n  \"error\": \"unknown command 'mrak'");
	tell(&told, ">mark one;mark two");
	run_expect(&told.run, "mark two: -22 {\n  \"error\": \"there is more than one line: each needs a write of its own\"");
	tell(&told, ">mark booted");
	run_expect(&told.run, ">mark booted: 0 {\n  \"marked\": \"booted\"\n}\n");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* A mark is a moment for expectations. */
START_TEST(marks_are_moments)
{
	static const char *const rows[] = {
		"topology: hotadd\nat: [{moment: mark booted, spaces: [{holds: [0x1000..0x1fff], pinned: 4K}]}]\n",
		"topology: hotadd\nat: [{moment: mark booted, spaces: 2}]\n",
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (int i = 0; i < 2; i++) {
		struct told_run told;
		char path[SCRATCH_PATH];

		close(scratch_file(path, "marks", rows[i]));
		told_start(&told, (enum who)_i, "marks", RUN("--expect", path));
		tell(&told, "mark booted");
		run_expect(&told.run, "mark booted: 0");
		ck_assert_int_eq(told_end(&told), i);
	}
}
END_TEST

/* ---- A run's other options ------------------------------------------- */

/* The run's one mapping at its fullest, none at the end. */
START_TEST(state_at_its_fullest_and_at_the_end)
{
	char path[SCRATCH_PATH], text[65536], *end;
	struct told_run told;
	ssize_t n;
	int fd;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	fd = scratch_file(path, "state", "");
	told_start(&told, (enum who)_i, "fullest", RUN("--state", path));
	tell(&told, "leave");
	run_expect(&told.run, "1. leave: 0");
	ck_assert_int_eq(told_end(&told), 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	close(fd);
	end = strstr(text, "\n\"end\": {");
	ck_assert_msg(end, "no end in:\n%s", text);
	ck_assert_ptr_nonnull(strstr(text, "{\n\"fullest\": {"));
	ck_assert_msg(strstr(text, "\"first\": \"0x1000\"") && strstr(text, "\"first\": \"0x1000\"") < end,
		      "no mapping at the fullest in:\n%s", text);
	ck_assert_ptr_null(strstr(end, "\"first\": \"0x1000\""));
}
END_TEST

#define BEHIND "(read line <%s; cat $VFIOSIM_STATE >/dev/null && echo still served) & exit 3"

/* The command ends at once; the other waits until it is told to go on. */
START_TEST(the_run_waits_for_all)
{
	char fifo[SCRATCH_PATH], script[SCRATCH_PATH + 100];
	struct run run;
	int fd, status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	close(scratch_file(fifo, "wait", ""));
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0666), 0);
	ck_assert_int_eq(chmod(fifo, 0666), 0);
	snprintf(script, sizeof(script), BEHIND, fifo);
	run_start(&run, (enum who)_i, RUN("-t", "hotadd", "--wait-all", "--", "sh", "-c", script));
	fd = open(fifo, O_WRONLY);	/* returns when the other has begun */
	ck_assert_int_eq(write(fd, "go\n", 3), 3);
	close(fd);
	status = run_status(&run);
	ck_assert_msg(status == 3 && strstr(run.text, "still served") && !strstr(run.text, "ended "),
		      "status %d:\n%s", status, run.text);
	no_process_is_left();
}
END_TEST

/* A signal ends the wait, and whom it waits for, also one that came while there was a command. */
START_TEST(the_wait_for_all_can_be_ended)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (int alive = 0; alive < 2; alive++) {
		struct run run;
		int status;

		run_start(&run, (enum who)_i,
			  RUN("-t", "hotadd", "--wait-all", "--", "sh", "-c",
			      alive ? "sleep 1000 & echo begun; wait" : "sleep 1000 & echo begun; exit 3"));
		run_expect(&run, "begun");
		kill(run.launcher, SIGTERM);
		status = run_status(&run);
		ck_assert_msg((!alive && status == 3) || status == 128 + SIGTERM, "status %d:\n%s",
			      status, run.text);
		no_process_is_left();
	}
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {
		runs_are_listed_by_name,
		state_is_short_or_whole,
		why_is_known_after_the_fact,
		control_file_answers_in_json,
		marks_are_moments,
		state_at_its_fullest_and_at_the_end,
		the_run_waits_for_all,
		the_wait_for_all_can_be_ended,
	};
	Suite *suite = suite_create("ctl");

	add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 60);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "client"))
		return client();
	return suite_run(make_suite());
}
