/* SPDX-License-Identifier: MIT */
/* Entering a run. See enter.h. */
#include "ctl/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <json.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli.h"
#include "ctl/runs.h"
#include "launch/filter.h"
#include "launch/launch.h"
#include "launch/space.h"

/* Are we in its mount namespace already? */
static bool is_inside(pid_t server)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", server);
	return !stat("/proc/self/ns/mnt", &ours) && !stat(path, &theirs) &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static bool same_user_namespace(pid_t server)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", server);
	return !stat("/proc/self/ns/user", &ours) && !stat(path, &theirs) && ours.st_ino == theirs.st_ino;
}

/* Its user and mount namespaces. The working directory stays the one of that name. */
static int enter_namespaces(pid_t server)
{
	int flags = CLONE_NEWNS | (same_user_namespace(server) ? 0 : CLONE_NEWUSER);
	char path[PATH_MAX];
	bool known = getcwd(path, sizeof(path));
	int pidfd = (int)syscall(SYS_pidfd_open, server, 0);
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

int enter_and_execute(const struct run_entry *run, char **argv)
{
	int control = run_control_open(run), error;

	if (control < 0) {
		cli_error("cannot reach the run: %s", strerror(-control));
		return LAUNCH_FAILED;
	}
	/* Inside, programs have the filter from birth. */
	if (!is_inside(run->server)) {
		error = enter_namespaces(run->server);
		if (error) {
			cli_error("cannot enter the run: %s", strerror(-error));
			return LAUNCH_FAILED;
		}
		prctl(PR_SET_DUMPABLE, 1);
		if (be_supervised(control))
			return LAUNCH_FAILED;
		setenv("VFIOSIM_STATE", SPACE_CONTROL "/state", 1);
		setenv("VFIOSIM_CTL", SPACE_CONTROL "/ctl", 1);
		setenv("VFIOSIM_TOPOLOGY", run->topology, 1);
	}
	close(control);
	execvp(argv[0], argv);
	error = errno;
	cli_error("cannot execute '%s': %s", argv[0], strerror(error));
	return error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_EXECUTE;
}
