/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a file, and where.
 *
 * Whoever reads a file goes on behind a mistake as far as that makes sense, so that
 * all of a file's mistakes are told at once. They come in order of their place.
 */
#ifndef VFIOSIM_ERROR_H
#define VFIOSIM_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* line and column count from 1; 0: the file as a whole. */
struct vfiosim_error {
	char file[256];
	unsigned line;
	unsigned column;
	char message[512];		/* what was found, what was expected */
};

#define VFIOSIM_ERRORS_MAX 20

struct vfiosim_errors {
	size_t n;			/* of list */
	bool more;			/* than these: there was no room for all */
	struct vfiosim_error list[VFIOSIM_ERRORS_MAX];
};

#endif
