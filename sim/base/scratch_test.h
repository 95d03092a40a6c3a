/* SPDX-License-Identifier: MIT */
/*
 * Files of a test program: all in a folder of its own, $TMPDIR/vfiosim-test-PID. The folder goes
 * when the program ends, with whatever tests have left in it, also when SIGINT or SIGTERM ends
 * it. That of a program that was killed goes when the next one begins.
 *
 *	scratch_begin() ... fd = scratch_file(path, "trace", "") ... scratch_end()
 *
 * suite_run() begins and ends it. What a test starts finds the folder as $TMPDIR.
 */
#ifndef SIM_BASE_SCRATCH_TEST_H
#define SIM_BASE_SCRATCH_TEST_H

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_PREFIX "vfiosim-test-"
#define SCRATCH_PATH 160	/* bytes of a path in the folder, with its NUL */

static struct {
	char folder[SCRATCH_PATH - 48];
	pid_t owner;		/* 0: there is no folder */
} scratch;

/* Calls only what a signal handler may. A folder in which something is mounted stays. */
static inline void scratch_remove(const char *folder)
{
	static const char script[] = "grep -qF \" $1/\" /proc/self/mounts || rm -rf -- \"$1\" 2>/dev/null";
	pid_t child = fork();

	if (!child) {
		execl("/bin/sh", "sh", "-c", script, "sh", folder, NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static inline void scratch_end(void)
{
	if (scratch.owner != getpid())
		return;
	scratch_remove(scratch.folder);
	scratch.owner = 0;
}

/* libcheck ends the running test first. */
static inline void scratch_signalled(int signal_number)
{
	scratch_end();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Does nobody use the folder @name, in @tmp, any more? A test's children hold its lock as well. */
static inline bool scratch_is_abandoned(DIR *tmp, const char *name)
{
	pid_t pid = atoi(name + strlen(SCRATCH_PREFIX));
	bool abandoned;
	int fd;

	if (pid <= 0 || (pid != getpid() && (!kill(pid, 0) || errno != ESRCH)))
		return false;
	fd = openat(dirfd(tmp), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	abandoned = fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB);
	if (fd >= 0)
		close(fd);
	return abandoned;
}

static inline void scratch_sweep(const char *where)
{
	char path[SCRATCH_PATH];
	const struct dirent *entry;
	DIR *tmp = opendir(where);

	while (tmp && (entry = readdir(tmp)))
		if (!strncmp(entry->d_name, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) &&
		    scratch_is_abandoned(tmp, entry->d_name) &&
		    snprintf(path, sizeof(path), "%s/%s", where, entry->d_name) < (int)sizeof(path))
			scratch_remove(path);
	if (tmp)
		closedir(tmp);
}

/* Where it cannot be made the program ends: no test could do without. */
static inline void scratch_begin(void)
{
	static const int signals[] = { SIGINT, SIGTERM };
	const char *tmp = getenv("TMPDIR");
	int lock;

	tmp = tmp && *tmp ? tmp : "/tmp";
	scratch_sweep(tmp);
	if (snprintf(scratch.folder, sizeof(scratch.folder), "%s/" SCRATCH_PREFIX "%d", tmp, getpid()) >=
		    (int)sizeof(scratch.folder) ||
	    mkdir(scratch.folder, 0700)) {
		fprintf(stderr, "cannot make a folder in %s: %s\n", tmp, strerror(errno));
		exit(1);
	}
	scratch.owner = getpid();
	lock = open(scratch.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	flock(lock, LOCK_EX);	/* until the last process that has inherited it ends */
	chmod(scratch.folder, 01777);	/* tests are other users as well */
	setenv("TMPDIR", scratch.folder, 1);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], scratch_signalled);
}

/* A template for mkstemp(), mkdtemp() and, behind it, whatever a test wants to append. */
static inline void scratch_path(char to[SCRATCH_PATH], const char *name)
{
	snprintf(to, SCRATCH_PATH, "%s/%.30s-XXXXXX", scratch.folder, name);
}

/* A new file with @text in it that everybody may read and write; its descriptor. */
static inline int scratch_file(char to[SCRATCH_PATH], const char *name, const char *text)
{
	int fd;

	scratch_path(to, name);
	fd = mkstemp(to);
	ck_assert_msg(fd >= 0, "%s: %s", to, strerror(errno));
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	return fd;
}

#endif
