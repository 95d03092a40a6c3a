/* SPDX-License-Identifier: MIT */
#include "sweep/work_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define PREFIX "vfiosim-sweep-"

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
	return remove(path);
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Ours, and the lock is ours now: no sweep and no run has it any more. */
static bool is_abandoned(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && st.st_uid == geteuid() && !flock(fd, LOCK_EX | LOCK_NB);
}

static void remove_abandoned(const char *tmp)
{
	char path[sizeof(((struct work_folder *)0)->path)];
	const struct dirent *entry;
	DIR *in = opendir(tmp);
	int fd;

	while (in && (entry = readdir(in))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) ||
		    snprintf(path, sizeof(path), "%s/%s", tmp, entry->d_name) >= (int)sizeof(path))
			continue;
		fd = open_folder(path);
		if (fd < 0)
			continue;
		if (is_abandoned(fd))
			remove_tree(path);
		close(fd);
	}
	if (in)
		closedir(in);
}

/* -EAGAIN: another sweep took it for abandoned before it was locked. */
static int make(struct work_folder *folder, const char *tmp)
{
	struct stat st;

	if (snprintf(folder->path, sizeof(folder->path), "%s/" PREFIX "XXXXXX", tmp) >=
	    (int)sizeof(folder->path))
		return -ENAMETOOLONG;
	if (!mkdtemp(folder->path))
		return -errno;
	folder->lock = open_folder(folder->path);
	if (folder->lock < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	flock(folder->lock, LOCK_EX);	/* where this fails nobody takes it for abandoned */
	if (!fstat(folder->lock, &st) && st.st_nlink)
		return 0;
	close(folder->lock);
	return -EAGAIN;
}

int work_folder_init(struct work_folder *folder)
{
	const char *tmp = getenv("TMPDIR");
	int error;

	tmp = tmp && *tmp ? tmp : "/tmp";
	remove_abandoned(tmp);
	do {
		error = make(folder, tmp);
	} while (error == -EAGAIN);
	if (!error)
		return 0;
	if (error == -ENAMETOOLONG)
		cli_error("$TMPDIR: a path of more than %zu bytes",
			  sizeof(folder->path) - sizeof("/" PREFIX "XXXXXX"));
	else
		cli_error("cannot make %s: %s", folder->path, strerror(-error));
	*folder->path = 0;
	return error;
}

void work_folder_done(struct work_folder *folder)
{
	if (!*folder->path)
		return;
	remove_tree(folder->path);
	close(folder->lock);
	*folder->path = 0;
}
