/* SPDX-License-Identifier: MIT */
/* Runs with a PID namespace of their own, and an end that is sure. (Signals: launch_test.c.) */
#include "launch/launch_rig_test.h"

#define PIDNS_RUN(script) RUN("--pidns", "-t", "hotadd", "--", "sh", "-c", script)

START_TEST(counts_for_itself)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_and_wait((enum who)_i,
			      PIDNS_RUN("echo I am $$ of $PPID; cat /proc/1/comm; ls /dev/vfio/10; exit 7"), &run);
	ck_assert_msg(status == 7, "status %d: %s", status, run.text);
	ck_assert_msg(strstr(run.text, "I am 2 of 1\nvfiosim-init\n/dev/vfio/10\n"), "%s", run.text);
}
END_TEST

START_TEST(status_of_a_signal)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_and_wait((enum who)_i, PIDNS_RUN("kill -SEGV $$"), &run);
	ck_assert_msg(status == 128 + SIGSEGV, "status %d: %s", status, run.text);
	status = run_and_wait((enum who)_i, RUN("--pidns", "--", "no-such-program"), &run);
	ck_assert_msg(status == 127, "status %d: %s", status, run.text);
}
END_TEST

START_TEST(leftovers_are_ended_and_named)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_and_wait((enum who)_i, PIDNS_RUN("setsid sleep 1000 & exit 3"), &run);
	ck_assert_msg(status == 3, "status %d: %s", status, run.text);
	ck_assert_msg(strstr(run.text, "still running when the run ended"), "%s", run.text);
	ck_assert_ptr_null(strstr(run.text, "vfiosim-init"));
}
END_TEST

START_TEST(waits_for_all)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_and_wait((enum who)_i, RUN("--pidns", "--wait-all", "--", "sh", "-c",
						"(setsid sh -c 'sleep 0.3; echo late' &) ; exit 3"), &run);
	ck_assert_msg(status == 3, "status %d: %s", status, run.text);
	ck_assert_msg(strstr(run.text, "late"), "%s", run.text);
}
END_TEST

/* What no other run can promise: nobody is alive who could end the daemon. */
START_TEST(launcher_and_server_killed)
{
	struct run run;
	pid_t server;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	run_start(&run, (enum who)_i,
		  PIDNS_RUN("exec 3<>/dev/vfio/vfio; setsid sh -c 'trap \"\" TERM; echo ready; exec sleep 1000' & sleep 1000"));
	run_expect(&run, "ready");
	server = child_named(run.launcher, "vfiosim-server");
	ck_assert_int_gt(server, 0);
	kill(run.launcher, SIGSTOP);
	kill(server, SIGKILL);
	kill(run.launcher, SIGKILL);
	ck_assert_int_eq(run_end(&run), 1000 + SIGKILL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("pidns");
	Suite *suite = suite_create("launch_pidns");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, counts_for_itself, 0, N_WHO);
	tcase_add_loop_test(tcase, status_of_a_signal, 0, N_WHO);
	tcase_add_loop_test(tcase, leftovers_are_ended_and_named, 0, N_WHO);
	tcase_add_loop_test(tcase, waits_for_all, 0, N_WHO);
	tcase_add_loop_test(tcase, launcher_and_server_killed, 0, N_WHO);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
