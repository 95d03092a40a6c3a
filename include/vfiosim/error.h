/* SPDX-License-Identifier: MIT */
/* What is wrong with a file, and where. */
#ifndef VFIOSIM_ERROR_H
#define VFIOSIM_ERROR_H

/* line and column count from 1; 0: the file as a whole. */
struct vfiosim_error {
	char file[256];
	unsigned line;
	unsigned column;
	char message[512];		/* what was found, what was expected */
};

#endif
