/* SPDX-License-Identifier: MIT */
#include "front/inproc/inproc_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTER_MAX (UINT64_MAX - 1)

struct open_file *open_file_create(struct vfiosim *sim, enum open_kind kind)
{
	struct open_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	atomic_init(&file->refs, 1);
	file->kind = kind;
	file->sim = sim;
	return file;
}

struct open_file *open_file_get(struct open_file *file)
{
	atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
	return file;
}

void open_file_put(struct open_file *file, struct vfiosim_client *client)
{
	struct vfiosim_caller caller = { .client = client };

	if (!file || atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (file->file) {
		vfiosim_release(file->file, &caller);
		vfiosim_finish(file->sim, &caller);
	}
	if (file->contents)
		pthread_mutex_destroy(&file->contents->lock);
	free(file->contents);
	free(file);
}

void open_file_signal(struct open_file *file)
{
	uint64_t counter = atomic_load(&file->counter);

	while (counter < COUNTER_MAX &&
	       !atomic_compare_exchange_weak(&file->counter, &counter, counter + 1))
		;
}

uint64_t open_file_take(struct open_file *file)
{
	return atomic_exchange(&file->counter, 0);
}

/* ---- Memfds ---- */

int open_file_fill(struct open_file *file, uint64_t size)
{
	struct contents *contents;

	if (size > SIZE_MAX - sizeof(*contents))
		return -ENOMEM;
	contents = calloc(1, sizeof(*contents) + size);
	if (!contents)
		return -ENOMEM;
	pthread_mutex_init(&contents->lock, NULL);
	contents->size = size;
	file->contents = contents;
	return 0;
}

static struct contents *contents_of(struct vfiosim_backing *backing)
{
	return ((struct open_file *)backing)->contents;
}

uint64_t open_backing_size(struct vfiosim_backing *backing)
{
	return contents_of(backing) ? contents_of(backing)->size : 0;
}

static bool is_within(const struct contents *contents, uint64_t offset, size_t length)
{
	return contents && offset <= contents->size && length <= contents->size - offset;
}

int open_backing_read(struct vfiosim_backing *backing, uint64_t offset, void *to, size_t length)
{
	struct contents *contents = contents_of(backing);

	if (!is_within(contents, offset, length))
		return -EFAULT;
	pthread_mutex_lock(&contents->lock);
	memcpy(to, contents->bytes + offset, length);
	pthread_mutex_unlock(&contents->lock);
	return 0;
}

int open_backing_write(struct vfiosim_backing *backing, uint64_t offset, const void *from,
		       size_t length)
{
	struct contents *contents = contents_of(backing);

	if (!is_within(contents, offset, length))
		return -EFAULT;
	if (atomic_load(&contents->sealed))
		return -EACCES;
	pthread_mutex_lock(&contents->lock);
	memcpy(contents->bytes + offset, from, length);
	pthread_mutex_unlock(&contents->lock);
	return 0;
}

void open_backing_put(struct vfiosim_backing *backing)
{
	open_file_put((struct open_file *)backing, NULL);
}
