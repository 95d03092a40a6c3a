/* SPDX-License-Identifier: MIT */
/* Entering a run. See enter.h. */
#include "ctl/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "ctl/numbers.h"
#include "ctl/runs.h"
#include "launch/filter.h"
#include "launch/launch.h"
#include "launch/space.h"

static bool same_user_namespace(pid_t server)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", server);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino == theirs.st_ino;
}

/*
 * The user and mount namespaces of @process; with @pids our children are in its PID
 * namespace. The working directory stays the one of that name.
 */
static int enter_namespaces(pid_t process, bool pids)
{
	int flags = CLONE_NEWNS | (same_user_namespace(process) ? 0 : CLONE_NEWUSER) |
		    (pids ? CLONE_NEWPID : 0);
	char path[PATH_MAX];
	bool known = getcwd(path, sizeof(path));
	int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
	int error = pidfd < 0 || setns(pidfd, flags) ? -errno : 0;

	if (pidfd >= 0)
		close(pidfd);
	if (!error && (!known || chdir(path)) && chdir("/"))
		error = -errno;
	return error;
}

/* Whoever serves the run answers for our filter, too. */
static int be_supervised(int control)
{
	struct json_object *answer;
	char line[64];
	int listener = filter_install(true), error;

	if (listener < 0) {
		cli_error("%s", filter_sentence(listener) ? filter_sentence(listener) :
							    strerror(-listener));
		return listener;
	}
	snprintf(line, sizeof(line), "supervise %d %d", getpid(), listener);
	answer = run_control_ask(control, line, &error);
	if (error)
		cli_error("the run does not take another program: %s", strerror(-error));
	json_object_put(answer);
	close(listener);
	return error;
}

static int enter(const struct run_entry *run, pid_t process, bool pids, int control)
{
	int error = enter_namespaces(process, pids);

	if (error) {
		cli_error("cannot enter the run: %s", strerror(-error));
		return error;
	}
	prctl(PR_SET_DUMPABLE, 1);
	error = be_supervised(control);
	if (error)
		return error;
	launch_environment(run->topology);
	return 0;
}

/* A PID namespace is entered by a child alone: we wait for it, and end as it does. */
static _Noreturn void wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static int become_two(void)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		cli_error("cannot start a process: %s", strerror(errno));
		return -errno;
	}
	if (child > 0)
		wait_for(child);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return 0;
}

int enter_and_execute(const struct run_entry *run, char **argv)
{
	/* Inside, programs have the filter from birth. */
	bool inside = !access(SPACE_CONTROL "/ctl", F_OK);
	pid_t within = inside ? 0 : process_in_namespace(run->launcher);
	int control = run_control_open(run);

	if (control < 0) {
		cli_error("cannot reach the run: %s", strerror(-control));
		return LAUNCH_FAILED;
	}
	if (!inside && enter(run, within ? within : run->server, within, control))
		return LAUNCH_FAILED;
	close(control);
	if (within && become_two())
		return LAUNCH_FAILED;
	launch_execute(argv);
}
