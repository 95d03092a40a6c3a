/* SPDX-License-Identifier: MIT */
/*
 * A server that is killed while it waits for itself.
 *
 * To learn which file a client's descriptor names, the server sends a request to its
 * own FUSE connection. The test's read() kills the server as soon as it has read such
 * a request: the thread that asked then waits where no signal ends it, and the run
 * ends only if its launcher aborts the connections.
 */
#include "launch/launch_rig_test.h"

#include <linux/fuse.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* A request that a thread of this process has made. */
static bool is_own_request(const void *bytes, ssize_t length)
{
	const struct fuse_in_header *header = bytes;

	return length >= (ssize_t)sizeof(*header) && (size_t)length == header->len && header->pid &&
	       !syscall(SYS_tgkill, getpid(), header->pid, 0);
}

ssize_t read(int fd, void *to, size_t size)
{
	ssize_t length = syscall(SYS_read, fd, to, size);

	if (length > 0 && in_server() && is_own_request(to, length))
		kill(getpid(), SIGKILL);
	return length;
}

/* The command: puts a group into a container, whose descriptor the server looks up. */
static int be_client(void)
{
	int container = open("/dev/vfio/vfio", O_RDWR), group = open("/dev/vfio/10", O_RDWR);

	printf("asks\n");
	fflush(stdout);
	ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
	printf("answered: %s\n", strerror(errno));
	return 0;
}

/* The same by a process that the command leaves behind, once the command has ended. */
static int be_leftover(void)
{
	pid_t command = getpid();

	signal(SIGTERM, SIG_IGN);
	if (fork())
		return 3;
	while (getppid() == command)
		usleep(1000);
	return be_client();
}

static void check_run_ends(enum who who, const char *command)
{
	struct run run;
	int status = run_and_wait(who, RUN("--topology", "q35", "--", SELF, command), &run);

	ck_assert_msg(status == 125 && strstr(run.text, "asks\n") && strstr(run.text, "signal 9"),
		      "status %d: %s", status, run.text);
}

START_TEST(server_killed_while_it_asks_itself)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends((enum who)_i, "client");
}
END_TEST

START_TEST(server_killed_after_the_command)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends((enum who)_i, "leftover");
}
END_TEST

int main(int argc, char **argv)
{
	TCase *tcase = tcase_create("kill");
	Suite *suite = suite_create("launch_kill");
	SRunner *runner;
	int failed;

	if (argc > 1 && !strcmp(argv[1], "client"))
		return be_client();
	if (argc > 1 && !strcmp(argv[1], "leftover"))
		return be_leftover();
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, server_killed_while_it_asks_itself, 0, N_WHO);
	tcase_add_loop_test(tcase, server_killed_after_the_command, 0, N_WHO);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
