/* SPDX-License-Identifier: MIT */
#include "front/inproc_file.h"

#include <stdlib.h>

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
