/* SPDX-License-Identifier: MIT */
/* The state of a run at its fullest and at the end. See fullest.h. */
#include "launch/fullest.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/state.h>
#include <vfiosim/trace.h>

#define EXACT_MAX 256	/* mappings */

struct fullness {
	size_t n_devices, n_mappings;
	uint64_t bytes;
};

struct fullest {
	struct vfiosim *sim;
	pthread_mutex_t lock;		/* guards what follows */
	struct fullness best;		/* of @full; zeroes: of nothing */
	char *full, *end;		/* states; NULL: not taken yet */
	bool no_memory;
};

static void take(struct fullest *fullest, char **state)
{
	char *text;

	if (vfiosim_state_json(fullest->sim, &text)) {
		fullest->no_memory = true;
		return;
	}
	free(*state);
	*state = text;
}

static struct fullness measure(struct fullest *fullest)
{
	struct fullness now = { 0 };
	struct vfiosim_counters counters;
	struct vfiosim_spaces spaces;

	if (vfiosim_spaces(fullest->sim, false, &spaces)) {
		fullest->no_memory = true;
		return now;
	}
	for (size_t i = 0; i < spaces.n; i++) {
		now.n_devices += spaces.items[i].n_devices;
		now.bytes += spaces.items[i].bytes;
	}
	vfiosim_spaces_done(&spaces);
	vfiosim_counters(fullest->sim, &counters);
	now.n_mappings = counters.mappings;
	return now;
}

static bool is_fuller(const struct fullness *now, const struct fullness *best)
{
	if (now->n_devices != best->n_devices)
		return now->n_devices > best->n_devices;
	if (now->bytes <= best->bytes)
		return false;
	return now->n_mappings <= EXACT_MAX || now->n_mappings > best->n_mappings + best->n_mappings / 8;
}

static void on_event(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct fullest *fullest = ctx;
	struct fullness now;

	if (event->result < 0)
		return;
	pthread_mutex_lock(&fullest->lock);
	if (!strcmp(event->verb, "left-open")) {
		if (!fullest->end)
			take(fullest, &fullest->end);
	} else if (event->command) {
		now = measure(fullest);
		if (is_fuller(&now, &fullest->best)) {
			fullest->best = now;
			take(fullest, &fullest->full);
		}
	}
	pthread_mutex_unlock(&fullest->lock);
}

int fullest_create(struct vfiosim *sim, struct fullest **ret_fullest)
{
	struct fullest *fullest = calloc(1, sizeof(*fullest));
	int error;

	if (!fullest)
		return -ENOMEM;
	fullest->sim = sim;
	pthread_mutex_init(&fullest->lock, NULL);
	error = vfiosim_trace_follow(sim, on_event, fullest);
	if (error)
		free(fullest);
	else
		*ret_fullest = fullest;
	return error;
}

int fullest_write(struct fullest *fullest, FILE *to)
{
	vfiosim_trace_unfollow(fullest->sim, on_event, fullest);
	if (!fullest->end)
		take(fullest, &fullest->end);
	/* Nothing was ever attached or mapped: it was never fuller than now. */
	fprintf(to, "{\n\"fullest\": %s,\n\"end\": %s}\n",
		fullest->full ? fullest->full : fullest->end ? fullest->end : "null",
		fullest->end ? fullest->end : "null");
	return fullest->no_memory ? -ENOMEM : 0;
}

void fullest_destroy(struct fullest *fullest)
{
	if (!fullest)
		return;
	free(fullest->full);
	free(fullest->end);
	pthread_mutex_destroy(&fullest->lock);
	free(fullest);
}
