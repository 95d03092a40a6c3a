/* SPDX-License-Identifier: MIT */
/* Reading a sysfs, or a tree that looks like one, below a descriptor of its root. */
#ifndef HARNESS_RECORD_SYSFS_H
#define HARNESS_RECORD_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SYSFS_PATH 512

/* The path that @format gives, cut at SYSFS_PATH: what is so long does not exist. */
void sysfs_path(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Up to @size bytes of a file. -errno. */
ssize_t sysfs_bytes(int sysfs, const char *path, void *to, size_t size);
/* Its first line, without the newline. -errno, @to is empty then. */
int sysfs_line(int sysfs, const char *path, char *to, size_t size);
/* Its number: 0x1234, 12, Y or N; as @base says for others. -errno. */
int sysfs_number(int sysfs, const char *path, int base, uint64_t *ret_number);
/* Where a link leads to, as it is written. -errno, @to is empty then. */
int sysfs_link(int sysfs, const char *path, char *to, size_t size);
/* The last part of that. */
int sysfs_link_name(int sysfs, const char *path, char *to, size_t size);
bool sysfs_exists(int sysfs, const char *path);

/* The names in a folder, in order; one that is not there has none. -ENOMEM. */
struct sysfs_names {
	char **items;
	size_t n;
};
int sysfs_list(int sysfs, const char *path, struct sysfs_names *ret_names);
void sysfs_names_done(struct sysfs_names *names);

#endif
