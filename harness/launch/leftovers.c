/* SPDX-License-Identifier: MIT */
/* Finding and ending what a command left behind: see leftovers.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "launch/leftovers.h"

#define SETTLE_MS 30	/* the tail of a pipeline may still be about to end by itself */
#define GRACE_MS 1000	/* between SIGTERM and SIGKILL */
#define KILL_MS 3000

struct process {
	pid_t pid;
	pid_t parent;
	char name[32];
	char state;		/* as in /proc/PID/stat: R, S, D, T, Z, X */
	bool ours;
	bool foreign;		/* another mount namespace, looked at already */
};

struct census {
	struct process *items;
	size_t n;
	size_t capacity;
};

/* ---- Who there is ------------------------------------------------------ */

/* "PID (NAME) STATE PARENT ...", and NAME may hold anything. */
static bool process_read(struct process *process, int proc, const char *pid)
{
	char path[64], text[512], *open_paren, *close_paren;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	open_paren = strchr(text, '(');
	close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren)
		return false;
	*close_paren = '\0';
	*process = (struct process){ .pid = atoi(text) };
	snprintf(process->name, sizeof(process->name), "%.31s", open_paren + 1);
	return sscanf(close_paren + 1, " %c %d", &process->state, &process->parent) == 2;
}

static int census_add(struct census *census, const struct process *process)
{
	if (census->n == census->capacity) {
		size_t capacity = census->capacity ? 2 * census->capacity : 256;
		struct process *items = reallocarray(census->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		census->items = items;
		census->capacity = capacity;
	}
	census->items[census->n++] = *process;
	return 0;
}

static void census_take(struct census *census, DIR *proc)
{
	struct process process;
	struct dirent *entry;

	census->n = 0;
	rewinddir(proc);
	while ((entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    process_read(&process, dirfd(proc), entry->d_name) &&
		    census_add(census, &process))
			return;
}

/* ---- Who belongs to the run -------------------------------------------- */

static ino_t mount_namespace(int proc, const char *pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/ns/mnt", pid);
	return fstatat(proc, path, &st, 0) ? 0 : st.st_ino;
}

/* Is the file system @device among the mounts of @pid? Field 3 of mountinfo is MAJOR:MINOR. */
static bool mounts_have(int proc, pid_t pid, dev_t device)
{
	char path[64], wanted[32], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%d/mountinfo", pid);
	snprintf(wanted, sizeof(wanted), " %u:%u ", major(device), minor(device));
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && getline(&line, &size, file) > 0)
		found = strstr(line, wanted) != NULL;
	free(line);
	fclose(file);
	return found;
}

static struct process *census_find(const struct census *census, pid_t pid)
{
	for (size_t i = 0; i < census->n; i++)
		if (census->items[i].pid == pid)
			return &census->items[i];
	return NULL;
}

/* The chain of parents is short, and a census is a snapshot that may lie: hence the bound. */
static bool descends_from(const struct census *census, const struct process *process, pid_t from)
{
	for (int depth = 0; process && depth < 64; depth++) {
		if (process->parent == from)
			return true;
		process = census_find(census, process->parent);
	}
	return false;
}

static size_t census_mark(struct census *census, const struct leftovers *leftovers, int proc)
{
	ino_t own = mount_namespace(proc, "self"), other;
	dev_t device = leftovers->device;
	size_t n = 0;
	char pid[16];

	for (size_t i = 0; i < census->n; i++) {
		struct process *process = &census->items[i];

		if (process->pid == leftovers->launcher || process->pid == leftovers->server ||
		    process->pid == leftovers->init || process->state == 'Z' || process->state == 'X')
			continue;
		snprintf(pid, sizeof(pid), "%d", process->pid);
		other = mount_namespace(proc, pid);
		process->ours = (own && other == own) ||
				descends_from(census, process, leftovers->launcher) ||
				(other && device && mounts_have(proc, process->pid, device));
		n += process->ours;
	}
	return n;
}

/* ---- Ending them ------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void reap(const struct leftovers *leftovers)
{
	if (leftovers->reap)
		leftovers->reap(leftovers->ctx);
}

static bool listener_hung_up(int listener, int milliseconds)
{
	struct pollfd poll_fd = { .fd = listener };

	return poll(&poll_fd, 1, milliseconds) == 1 && (poll_fd.revents & (POLLHUP | POLLNVAL));
}

bool leftovers_none(const struct leftovers *leftovers, int milliseconds)
{
	uint64_t end = now_ms() + (uint64_t)milliseconds;

	/* In small steps: older kernels count a process until its parent has reaped it. */
	for (;;) {
		reap(leftovers);
		if (listener_hung_up(leftovers->listener, milliseconds < 5 ? milliseconds : 5))
			return true;
		if (now_ms() >= end)
			return false;
	}
}

static void end_process(const struct leftovers *leftovers, const struct process *process, int signal)
{
	if (kill(process->pid, signal))
		return;
	if (signal == SIGTERM)
		kill(process->pid, SIGCONT);	/* a stopped one could not hear it */
	fprintf(leftovers->messages, "vfiosim: %s %d (%s), still running when the run ended\n",
		signal == SIGTERM ? "ended" : "killed", process->pid, process->name);
	fflush(leftovers->messages);
}

static size_t end_all(const struct leftovers *leftovers, struct census *census, DIR *proc, int signal)
{
	size_t n;

	census_take(census, proc);
	n = census_mark(census, leftovers, dirfd(proc));
	for (size_t i = 0; i < census->n; i++)
		if (census->items[i].ours)
			end_process(leftovers, &census->items[i], signal);
	return n;
}

int leftovers_end(const struct leftovers *leftovers)
{
	struct census census = {};
	uint64_t deadline;
	bool none;
	DIR *proc;

	if (leftovers_none(leftovers, 0) || leftovers_none(leftovers, SETTLE_MS))
		return 0;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	end_all(leftovers, &census, proc, SIGTERM);
	none = leftovers_none(leftovers, GRACE_MS);
	/* Whoever is killed may just have started another. */
	for (deadline = now_ms() + KILL_MS; !none && now_ms() < deadline;) {
		end_all(leftovers, &census, proc, SIGKILL);
		none = leftovers_none(leftovers, 100);
	}
	closedir(proc);
	free(census.items);
	return none ? 0 : -ETIMEDOUT;
}
