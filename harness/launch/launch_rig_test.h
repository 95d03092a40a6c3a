/* SPDX-License-Identifier: MIT */
/*
 * The rig of launch_test.c: being root or an ordinary user, a run in a process of
 * its own (at a terminal if need be), and proof that nothing of it is left.
 *
 * The test adopts orphans, so that waiting until it has no children left proves
 * that no process outlived the run.
 */
#ifndef LAUNCH_RIG_TEST_H
#define LAUNCH_RIG_TEST_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "base/suite_test.h"
#include "launch/launch.h"

#define ORDINARY_ID 4242
#define PATIENCE_MS 8000

enum who { AS_ROOT, AS_USER, N_WHO };

/* ---- Being somebody ---------------------------------------------------- */

/* /dev/fuse as distributions ship it, for this process and its children alone. */
static inline int private_fuse(mode_t mode)
{
	char folder[SCRATCH_PATH], node[SCRATCH_PATH + 8];
	mode_t old = umask(0);
	int error = 0;

	scratch_path(folder, "fuse");
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    !mkdtemp(folder))
		return -errno;
	snprintf(node, sizeof(node), "%s/fuse", folder);
	if (mount("test", folder, "tmpfs", 0, NULL) ||
	    mknod(node, S_IFCHR | mode, makedev(10, 229)) ||
	    mount(node, "/dev/fuse", NULL, MS_BIND, NULL))
		error = -errno;
	umount2(folder, MNT_DETACH);
	rmdir(folder);
	umask(old);
	return error;
}

/* A shell complains of a working directory whose path is closed to the user. */
static inline void leave_closed_folder(void)
{
	char path[PATH_MAX];

	if ((!getcwd(path, sizeof(path)) || access(path, X_OK)) && chdir("/"))
		_exit(99);
}

static inline void drop_to_user(void)
{
	if (setgroups(0, NULL) || setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID) ||
	    setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID))
		_exit(99);
	/* A folder of root's in it would turn "not found" into "permission denied". */
	setenv("PATH", "/usr/bin:/bin", 1);
	/* As after exec: /proc/self belongs to the new user. */
	prctl(PR_SET_DUMPABLE, 1);
	leave_closed_folder();
}

static inline void become_user(mode_t fuse_mode)
{
	if (geteuid() != 0)
		return;
	if (private_fuse(fuse_mode))
		_exit(99);
	drop_to_user();
}

/*
 * NULL, or why this cannot run here. Thread sanitizer keeps a thread of its own, and only a
 * single thread may enter a user namespace.
 */
static inline const char *cannot(enum who who)
{
	if (who == AS_USER && THREAD_SANITIZER)
		return "no user namespace under thread sanitizer";
	if (access("/dev/fuse", F_OK))
		return "there is no /dev/fuse";
	if (no_listener())
		return no_listener();
	if (who == AS_ROOT && geteuid() != 0)
		return "not root";
	if (who == AS_USER && geteuid() != 0 && access("/dev/fuse", R_OK | W_OK))
		return "/dev/fuse is closed to this user";
	return NULL;
}

#define SKIP_UNLESS_POSSIBLE(who) SKIP_IF(cannot(who), who)
/* @why_: the reason, NULL: none. */
#define SKIP_IF(why_, who)                                                                    \
	do {                                                                                  \
		const char *why = (why_);                                                     \
		if (why) {                                                                    \
			printf("skip: %s as %s: %s\n", __func__, (who) ? "user" : "root",     \
			       why);                                                          \
			return;                                                               \
		}                                                                             \
	} while (0)

/* A case of @suite with @tests, each as root and as a user, which may take @seconds. */
static inline TCase *add_for_each_who(Suite *suite, const TTest *const *tests, size_t n, double seconds)
{
	TCase *tcase = tcase_create("run");

	tcase_set_timeout(tcase, seconds);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tcase, tests[i], 0, N_WHO);
	suite_add_tcase(suite, tcase);
	return tcase;
}

/* ---- A run ------------------------------------------------------------- */

struct run {
	pid_t launcher;
	int out;		/* its stdout and stderr */
	bool terminal;		/* @out is the other side of its terminal */
	char text[65536];	/* what came from @out so far */
	size_t length;
};

/* The words after "run". */
#define RUN(...) ((const char *const[]){ __VA_ARGS__, NULL })
/* The test as the command: its path may lead through folders closed to the ordinary user. */
#define SELF "/proc/self/exe"
#define SHELL_RUN(script) RUN("--", "sh", "-c", script)

static _Noreturn void be_launcher(enum who who, const char *const *words)
{
	static char verb[] = "run", *argv[16] = { verb };
	int argc = 1;

	for (; words[argc - 1] && argc < 15; argc++)
		argv[argc] = strdup(words[argc - 1]);
	if (who == AS_USER)
		become_user(0666);
	exit(cli_main(&run_verb, argc, argv));
}

/* In the child that is to become the launcher: true; what it says comes from @run->out. */
static inline bool run_fork(struct run *run)
{
	int ends[2];

	*run = (struct run){};
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	run->launcher = test_fork();
	ck_assert_int_ge(run->launcher, 0);
	if (run->launcher == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		return true;
	}
	close(ends[1]);
	run->out = ends[0];
	return false;
}

static inline void run_start(struct run *run, enum who who, const char *const *words)
{
	if (run_fork(run))
		be_launcher(who, words);
}

/* The same at a terminal, as a shell would start it: leader of the foreground group. */
static inline void run_start_terminal(struct run *run, enum who who, const char *const *words)
{
	*run = (struct run){ .terminal = true };
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	run->launcher = forkpty(&run->out, NULL, NULL, NULL);
	ck_assert_int_ge(run->launcher, 0);
	if (run->launcher == 0) {
		pid_t job = test_fork();
		int status;

		/* The session's leader is the shell; its job has a group of its own. */
		if (job == 0) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(0, getpid());
			signal(SIGTTOU, SIG_DFL);
			be_launcher(who, words);
		}
		signal(SIGTTOU, SIG_IGN);	/* the job may set tostop */
		while (waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
			dprintf(1, "[stopped by %d]\n", WSTOPSIG(status));
			kill(-job, SIGCONT);
		}
		dprintf(1, "[status %d]\n", WEXITSTATUS(status));
		_exit(WEXITSTATUS(status));
	}
}

static inline int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads once; false at the end, or when nothing comes for too long. */
static inline bool run_read(struct run *run)
{
	struct pollfd poll_fd = { .fd = run->out, .events = POLLIN };
	ssize_t n;

	if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
		return false;
	n = read(run->out, run->text + run->length, sizeof(run->text) - 1 - run->length);
	if (n <= 0)
		return false;
	run->length += (size_t)n;
	run->text[run->length] = '\0';
	return true;
}

static inline void run_expect(struct run *run, const char *text)
{
	while (!strstr(run->text, text) && run_read(run))
		;
	ck_assert_msg(strstr(run->text, text), "'%s' did not come, but:\n%s", text, run->text);
}

static inline int run_status(struct run *run)
{
	int status = 0;

	while (run_read(run))
		;
	ck_assert_int_eq(waitpid(run->launcher, &status, 0), run->launcher);
	close(run->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Everybody who was adopted has ended: nothing outlives a run. */
static inline void no_process_is_left(void)
{
	int64_t end = now_ms() + PATIENCE_MS;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0 && now_ms() < end)
		if (pid == 0)
			usleep(2000);
	ck_assert_msg(pid < 0 && errno == ECHILD, "a process outlived the run");
}

/* Are we a thread of a run's server? */
static inline bool in_server(void)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	return !strcmp(name, "vfiosim-server");
}

/* The status of a run of which nothing is left. */
static inline int run_end(struct run *run)
{
	int status = run_status(run);

	no_process_is_left();
	return status;
}

static inline int run_and_wait(enum who who, const char *const *words, struct run *run)
{
	run_start(run, who, words);
	return run_end(run);
}

/* A child of @parent whose name is @name, or 0. */
static inline pid_t child_named(pid_t parent, const char *name)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;
	const struct dirent *entry;

	while (proc && !found && (entry = readdir(proc))) {
		char path[64], comm[64] = "";
		int pid = atoi(entry->d_name), ppid = 0;
		FILE *stat;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		stat = fopen(path, "re");
		if (stat && fscanf(stat, "%*d (%63[^)]) %*c %d", comm, &ppid) == 2 &&
		    ppid == parent && !strcmp(comm, name))
			found = pid;
		if (stat)
			fclose(stat);
	}
	if (proc)
		closedir(proc);
	return found;
}

#endif
