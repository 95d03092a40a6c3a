/* SPDX-License-Identifier: MIT */
/* Finding runs, and asking them. See runs.h. */
#include "ctl/runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json.h>

#include "cli.h"
#include "launch/server.h"
#include "launch/space.h"

#define CONTROL_FILE SPACE_CONTROL "/ctl"

/* ---- Asking ------------------------------------------------------------ */

/* All that can be read; malloc'ed, NULL: no memory, or it cannot be read. */
static char *read_all(int fd)
{
	char *text = NULL, *grown;
	size_t n = 0, room = 0;
	ssize_t got;

	do {
		if (room - n < 4096) {
			room = room ? 2 * room : 65536;
			grown = realloc(text, room);
			if (!grown)
				break;
			text = grown;
		}
		got = read(fd, text + n, room - n - 1);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (text)
		text[n] = '\0';
	return text;
}

struct json_object *run_control_ask(int fd, const char *line, int *ret_error)
{
	struct json_object *answer;
	char *text;

	*ret_error = write(fd, line, strlen(line)) < 0 ? -errno : 0;
	text = read_all(fd);
	answer = text ? json_tokener_parse(text) : NULL;
	/* `why` answers null. */
	if (!answer && text && !strncmp(text, "null", 4))
		answer = json_object_new_object();
	free(text);
	return answer;
}

/* In a process of its own: enters the run, opens, sends. */
static _Noreturn void open_inside(const struct run_entry *run, int to)
{
	int pidfd = (int)syscall(SYS_pidfd_open, run->server, 0), fd = -1;

	if (pidfd >= 0 && !setns(pidfd, CLONE_NEWUSER | CLONE_NEWNS))
		fd = open(CONTROL_FILE, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		send_fd(to, 'f', fd);
	_exit(fd < 0);
}

/* A file system of a user namespace can be looked into from inside alone; once open, a file can be used anywhere. */
static int open_through(const struct run_entry *run)
{
	int ends[2], fd = -1;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid)
		open_inside(run, ends[1]);
	close(ends[1]);
	if (pid < 0 || receive_fd(ends[0], &fd) != 'f')
		fd = -1;
	close(ends[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return fd < 0 ? -EACCES : fd;
}

int run_control_open(const struct run_entry *run)
{
	char path[80] = CONTROL_FILE;
	int fd;

	if (run->server && access(CONTROL_FILE, F_OK))
		snprintf(path, sizeof(path), "/proc/%d/root" CONTROL_FILE, run->server);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == EACCES && run->server)
		return open_through(run);
	return fd < 0 ? -errno : fd;
}

/* ---- Finding ----------------------------------------------------------- */

static void copy_text(struct json_object *from, const char *key, char *to, size_t size)
{
	const char *text = json_object_get_string(json_object_object_get(from, key));

	snprintf(to, size, "%s", text ? text : "");
}

/* Who it says it is. False: it cannot be asked. */
static bool identify(struct run_entry *run)
{
	int fd = run_control_open(run), error;
	struct json_object *answer;

	if (fd < 0)
		return false;
	answer = run_control_ask(fd, "list", &error);
	close(fd);
	if (!answer || error) {
		json_object_put(answer);
		return false;
	}
	run->launcher = json_object_get_int(json_object_object_get(answer, "launcher"));
	run->server = json_object_get_int(json_object_object_get(answer, "server"));
	copy_text(answer, "name", run->name, sizeof(run->name));
	copy_text(answer, "topology", run->topology, sizeof(run->topology));
	copy_text(answer, "command", run->command, sizeof(run->command));
	json_object_put(answer);
	return true;
}

static bool is_server(const char *pid)
{
	char path[300], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	return !strcmp(name, "vfiosim-server\n");
}

size_t runs_find(struct run_entry *to, size_t max)
{
	const struct dirent *entry;
	size_t n = 0;
	DIR *proc;

	to[0] = (struct run_entry){ 0 };
	if (!access(CONTROL_FILE, F_OK) && identify(&to[0]))
		return 1;
	proc = opendir("/proc");
	while (proc && n < max && (entry = readdir(proc))) {
		to[n] = (struct run_entry){ .server = atoi(entry->d_name) };
		if (to[n].server > 0 && is_server(entry->d_name) && identify(&to[n]))
			n++;
	}
	if (proc)
		closedir(proc);
	return n;
}

static bool is_called(const struct run_entry *run, const char *name)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", run->launcher);
	return !name || !strcmp(name, number) || (run->name[0] && !strcmp(name, run->name));
}

int runs_choose(const char *name, struct run_entry *ret_run)
{
	struct run_entry *runs = calloc(RUNS_MAX, sizeof(*runs));
	size_t n = runs ? runs_find(runs, RUNS_MAX) : 0, found = 0;

	for (size_t i = 0; i < n; i++)
		if (is_called(&runs[i], name) && !found++)
			*ret_run = runs[i];
	free(runs);
	if (found == 1)
		return 0;
	if (found)
		cli_error("there are %zu runs%s%s: choose one with -r NUMBER; `vfiosim ctl list` prints "
			  "their numbers", found, name ? " called " : "", name ? name : "");
	else
		cli_error("there is no run%s%s that you can look into", name ? " called " : "",
			  name ? name : "");
	return found ? -ENOTUNIQ : -ENOENT;
}
