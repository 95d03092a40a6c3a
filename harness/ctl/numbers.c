/* SPDX-License-Identifier: MIT */
#include "ctl/numbers.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The PID namespace of a process; 0: it has gone, or cannot be looked at. */
static ino_t namespace_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), pid ? "/proc/%d/ns/pid" : "/proc/self/ns/pid", pid);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* @line of /proc/PID/status, behind its name and colon; false: there is none. */
static bool read_status(pid_t pid, const char *line, char *to, size_t size)
{
	size_t length = strlen(line);
	char path[64], text[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && !found && fgets(text, sizeof(text), file))
		found = !strncmp(text, line, length) && text[length] == ':';
	if (file)
		fclose(file);
	if (found)
		snprintf(to, size, "%s", text + length + 1);
	return found;
}

/* What its own namespace calls it: the last of NSpid. */
static pid_t own_number(pid_t pid)
{
	char text[200];
	const char *last;

	if (!read_status(pid, "NSpid", text, sizeof(text)))
		return 0;
	last = strrchr(text, '\t');
	return last ? atoi(last) : 0;
}

static pid_t parent_of(pid_t pid)
{
	char text[64];

	return read_status(pid, "PPid", text, sizeof(text)) ? atoi(text) : 0;
}

/* The first process for which @is says so; 0: none. */
static pid_t find_process(bool (*is)(pid_t pid, pid_t a, ino_t b), pid_t a, ino_t b)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	pid_t found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && is(pid, a, b))
			found = pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

static bool is_called(pid_t pid, pid_t number, ino_t space)
{
	return namespace_of(pid) == space && own_number(pid) == number;
}

pid_t number_of_process(pid_t who, pid_t pid)
{
	ino_t theirs = namespace_of(who);
	pid_t found;

	if (!pid || !theirs || theirs == namespace_of(0))
		return pid;
	found = find_process(is_called, pid, theirs);
	return found ? found : -ESRCH;
}

static bool is_child_elsewhere(pid_t pid, pid_t parent, ino_t space)
{
	return parent_of(pid) == parent && namespace_of(pid) && namespace_of(pid) != space;
}

static bool is_child(pid_t pid, pid_t parent, ino_t space)
{
	return parent_of(pid) == parent && namespace_of(pid) == space;
}

pid_t process_in_namespace(pid_t launcher)
{
	pid_t init = find_process(is_child_elsewhere, launcher, namespace_of(0));

	return init ? find_process(is_child, init, namespace_of(init)) : 0;
}
