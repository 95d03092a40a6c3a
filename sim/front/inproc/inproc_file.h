/* SPDX-License-Identifier: MIT */
/*
 * What a descriptor or a mapping of an in-process client refers to (the kernel's
 * struct file): a file of the simulator, an eventfd, a memfd, or something foreign.
 *
 * Counted: by descriptors, by mappings, and by the simulator while it holds an
 * eventfd or a backing. Shared by parent and child after a fork, so the count and the eventfd's
 * counter are atomic; the rest never changes.
 */
#ifndef SIM_FRONT_INPROC_INPROC_FILE_H
#define SIM_FRONT_INPROC_INPROC_FILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <vfiosim/vfiosim.h>

enum open_kind {
	OPEN_FOREIGN,		/* stdin and the like: not ours, not an eventfd */
	OPEN_SIM,
	OPEN_EVENTFD,
	OPEN_MEMFD,
};

/* What a memfd holds: one thread, or a device's transfer, at a time. */
struct contents {
	pthread_mutex_t lock;
	uint64_t size;			/* never changes */
	atomic_bool sealed;		/* read-only for good */
	uint8_t bytes[];
};

struct open_file {
	atomic_uint refs;
	enum open_kind kind;
	struct vfiosim *sim;
	struct vfiosim_file *file;	/* OPEN_SIM; NULL while it is being opened */
	_Atomic uint64_t counter;	/* OPEN_EVENTFD: at most UINT64_MAX - 1, as the kernel's */
	struct contents *contents;	/* OPEN_MEMFD */
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

/* Makes it a memfd of @size bytes, all 0. -ENOMEM. */
int open_file_fill(struct open_file *file, uint64_t size);
/* The client ops of these names: a backing is an open file, and only a memfd is memory. */
uint64_t open_backing_size(struct vfiosim_backing *backing);
int open_backing_read(struct vfiosim_backing *backing, uint64_t offset, void *to, size_t length);
int open_backing_write(struct vfiosim_backing *backing, uint64_t offset, const void *from,
		       size_t length);
void open_backing_put(struct vfiosim_backing *backing);

#endif
