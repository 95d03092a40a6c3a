/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor or a mapping of an in-process client refers to (the kernel's
 * struct file): a file of the simulator, an eventfd, or something foreign.
 *
 * Counted: by descriptors, by mappings, and by the simulator while it holds an
 * eventfd. Shared by parent and child after a fork, so the count and the eventfd's
 * counter are atomic; the rest never changes.
 */
#ifndef SIM_FRONT_INPROC_FILE_H
#define SIM_FRONT_INPROC_FILE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vfiosim/vfiosim.h>

enum open_kind {
	OPEN_FOREIGN,		/* stdin and the like: not ours, not an eventfd */
	OPEN_SIM,
	OPEN_EVENTFD,
};

struct open_file {
	atomic_uint refs;
	enum open_kind kind;
	struct vfiosim *sim;
	struct vfiosim_file *file;	/* OPEN_SIM; NULL while it is being opened */
	_Atomic uint64_t counter;	/* OPEN_EVENTFD: at most UINT64_MAX - 1, as the kernel's */
};

/* Counted from 1. NULL: no memory. */
struct open_file *open_file_create(struct vfiosim *sim, enum open_kind kind);
struct open_file *open_file_get(struct open_file *file);
/*
 * The last put releases the simulator's file on behalf of @client. Call it with
 * no lock held: the simulator may have work that touches client memory. NULL is
 * allowed.
 */
void open_file_put(struct open_file *file, struct vfiosim_client *client);

/* Adds 1, as write() of an eventfd does; a full counter stays full. */
void open_file_signal(struct open_file *file);
/* Reads and clears the counter. */
uint64_t open_file_take(struct open_file *file);

#endif
