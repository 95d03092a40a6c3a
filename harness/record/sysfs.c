/* SPDX-License-Identifier: MIT */
#include "record/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"

void sysfs_path(char *to, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(to, SYSFS_PATH, format, args);
	va_end(args);
}

ssize_t sysfs_bytes(int sysfs, const char *path, void *to, size_t size)
{
	int fd = openat(sysfs, path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (done < size && (n = read(fd, (char *)to + done, size - done)) > 0)
		done += (size_t)n;
	if (n < 0 && !done)
		n = -errno;
	close(fd);
	return done ? (ssize_t)done : n;
}

int sysfs_line(int sysfs, const char *path, char *to, size_t size)
{
	ssize_t n = sysfs_bytes(sysfs, path, to, size - 1);

	to[n > 0 ? n : 0] = '\0';
	to[strcspn(to, "\n")] = '\0';
	return n < 0 ? (int)n : 0;
}

int sysfs_number(int sysfs, const char *path, int base, uint64_t *ret_number)
{
	char text[32], *end;
	int error = sysfs_line(sysfs, path, text, sizeof(text));
	uint64_t number;

	if (error)
		return error;
	if (!strcmp(text, "Y") || !strcmp(text, "N")) {
		*ret_number = *text == 'Y';
		return 0;
	}
	errno = 0;
	number = strtoull(text, &end, base);
	if (end == text || *end || errno)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

int sysfs_link(int sysfs, const char *path, char *to, size_t size)
{
	ssize_t n = readlinkat(sysfs, path, to, size - 1);

	to[n > 0 ? n : 0] = '\0';
	return n < 0 ? -errno : 0;
}

int sysfs_link_name(int sysfs, const char *path, char *to, size_t size)
{
	char target[SYSFS_PATH];
	int error = sysfs_link(sysfs, path, target, sizeof(target));
	const char *slash = strrchr(target, '/');

	snprintf(to, size, "%s", slash ? slash + 1 : target);
	return error;
}

bool sysfs_exists(int sysfs, const char *path)
{
	return !faccessat(sysfs, path, F_OK, 0);
}

/* ---- Lists ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct sysfs_names *names, const char *name)
{
	char **item;

	if (!list_room(&names->items, names->n, sizeof(*names->items), NULL))
		return -ENOMEM;
	item = &names->items[names->n++];
	*item = strdup(name);
	return *item ? 0 : -ENOMEM;
}

int sysfs_list(int sysfs, const char *path, struct sysfs_names *ret_names)
{
	int fd = openat(sysfs, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	*ret_names = (struct sysfs_names){ 0 };
	if (!folder)
		return 0;
	while (!error && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			error = add_name(ret_names, entry->d_name);
	closedir(folder);
	if (ret_names->n)
		qsort(ret_names->items, ret_names->n, sizeof(*ret_names->items), compare);
	if (error)
		sysfs_names_done(ret_names);
	return error;
}

void sysfs_names_done(struct sysfs_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct sysfs_names){ 0 };
}
