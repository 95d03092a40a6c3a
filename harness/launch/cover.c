/* SPDX-License-Identifier: MIT */
/* Covering a folder with a tmpfs that has every entry bound back: see cover.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/cover.h"

bool cover_names_have(const struct cover_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->items[i], name))
			return true;
	return false;
}

int cover_mount(const char *path, unsigned mode)
{
	char options[32];
	int old = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return -errno;
	snprintf(options, sizeof(options), "mode=%o", mode);
	if (mount("vfiosim", path, "tmpfs", MS_NOSUID, options)) {
		int error = errno;

		close(old);
		return -error;
	}
	return old;
}

static void copy_link(const char *name, const char *target)
{
	char link[4096];
	ssize_t length = readlink(name, link, sizeof(link) - 1);

	if (length < 0)
		return;
	link[length] = '\0';
	(void)!symlink(link, target);
}

/* A device node like @name: the same device, at half the cost of a mount. */
static bool copy_node(const char *name, const char *target)
{
	struct stat st;

	if (lstat(name, &st) || mknod(target, st.st_mode, st.st_rdev))
		return false;
	if ((st.st_uid || st.st_gid) && lchown(target, st.st_uid, st.st_gid)) {
		unlink(target);
		return false;
	}
	return true;
}

/* The working directory is the folder it comes from. */
static void bring_back(const char *name, unsigned char type, const char *target, bool nodes)
{
	if (nodes && (type == DT_CHR || type == DT_BLK) && copy_node(name, target))
		return;
	switch (type) {
	case DT_LNK:
		copy_link(name, target);
		return;
	case DT_DIR:
		/* With what is mounted inside: alone it would uncover that, and is refused. */
		if (!mkdir(target, 0755) && mount(name, target, NULL, MS_BIND | MS_REC, NULL))
			rmdir(target);
		return;
	default:
		if (!mknod(target, S_IFREG | 0644, 0) && mount(name, target, NULL, MS_BIND, NULL))
			unlink(target);
	}
}

static unsigned char entry_type(const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	return lstat(entry->d_name, &st) ? DT_REG : IFTODT(st.st_mode);
}

int cover_fill(const char *path, int old, const struct cover_names *skip, bool nodes)
{
	char target[512];
	DIR *folder = fdopendir(old);
	struct dirent *entry;
	int error = 0;

	if (!folder) {
		error = -errno;
		close(old);
		return error;
	}
	if (fchdir(old))
		error = -errno;
	while (!error && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    cover_names_have(skip, entry->d_name))
			continue;
		if ((size_t)snprintf(target, sizeof(target), "%s/%s", path, entry->d_name) <
		    sizeof(target))
			bring_back(entry->d_name, entry_type(entry), target, nodes);
	}
	closedir(folder);
	return error;
}
