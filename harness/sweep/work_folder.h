/* SPDX-License-Identifier: MIT */
/*
 * $TMPDIR/vfiosim-sweep-XXXXXX: what the runs of a sweep leave behind, until the sweep ends.
 *
 * The sweep and its runs hold a lock on it. A sweep that is killed cannot remove its folder:
 * the next one of the same user does, once the last run has ended and the lock is free.
 */
#ifndef SWEEP_WORK_FOLDER_H
#define SWEEP_WORK_FOLDER_H

struct work_folder {
	char path[480];		/* "": there is none */
	int lock;		/* the folder, open; inherited by what the sweep forks */
};

/* Removes what killed sweeps have left, too. -errno, told. */
int work_folder_init(struct work_folder *folder);
void work_folder_done(struct work_folder *folder);

/* @path and all that is in it; what cannot be removed stays. */
void remove_tree(const char *path);

#endif
