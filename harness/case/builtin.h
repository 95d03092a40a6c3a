/* SPDX-License-Identifier: MIT */
/* The cases built into the program; the table is made from cases/ by harness/embed.sh. */
#ifndef HARNESS_CASE_BUILTIN_H
#define HARNESS_CASE_BUILTIN_H

#include <stddef.h>

struct case_builtin {
	const char *name;	/* mdev-hotadd */
	const char *topic;	/* its folder: "mdev" */
	const char *text;	/* the file, ended by a NUL that length does not count */
	size_t length;
};

/* NULL past the end. */
const struct case_builtin *case_builtin(size_t index);

#endif
