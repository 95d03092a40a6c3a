/* SPDX-License-Identifier: MIT */
/* The machine's state as JSON; see state.h. */
#include "machine/state.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "base/list.h"
#include "machine/client.h"
#include "machine/lock.h"
#include "machine/subsystem.h"

/* ---- What the clients' memory looks like (no lock) ---- */

static int take_memories(struct vfiosim *sim, struct state *state)
{
	struct vfiosim_client *client;
	uint32_t n = 0;

	lock_take(sim);
	TAILQ_FOREACH(client, &sim->clients, in_sim)
		n++;
	state->memories = calloc(n + 1, sizeof(*state->memories));
	if (state->memories)
		TAILQ_FOREACH(client, &sim->clients, in_sim)
			state->memories[state->n_memories++].client = client_get(client);
	lock_release(sim);
	if (!state->memories)
		return -ENOMEM;
	for (uint32_t i = 0; i < state->n_memories; i++) {
		struct memory *memory = &state->memories[i];
		const struct vfiosim_client_ops *ops = memory->client->ops;

		memory->known =
			ops->vmas(memory->client->ctx, 0, UINT64_MAX, &memory->vmas) != -ENOMEM;
	}
	return 0;
}

static void drop_memories(struct state *state)
{
	for (uint32_t i = 0; i < state->n_memories; i++) {
		vfiosim_vmas_done(&state->memories[i].vmas);
		vfiosim_client_put(state->memories[i].client);
	}
	free(state->memories);
}

const struct vfiosim_vmas *state_vmas(const struct state *state, const struct vfiosim_client *client)
{
	for (uint32_t i = 0; i < state->n_memories; i++)
		if (state->memories[i].client == client)
			return state->memories[i].known ? &state->memories[i].vmas : NULL;
	return NULL;
}

/* ---- Long arrays, told without the lock ---- */

struct later {
	size_t at;		/* where it belongs in the text, without all of them */
	struct json json;
	void *rows;
	size_t n;
	void (*show)(struct json *json, const void *rows, size_t n);
};

void state_later(struct state *state, void *rows, size_t n,
		 void (*show)(struct json *json, const void *rows, size_t n))
{
	struct json json = json_leave_out(&state->json, NULL);
	long at = ftell(state->json.to);

	if (at < 0 ||
	    !list_room(&state->later, state->n_later, sizeof(*state->later), NULL)) {
		state->no_memory = true;
		free(rows);
		return;
	}
	state->later[state->n_later++] = (struct later){ (size_t)at, json, rows, n, show };
}

/* @text with all that was left out. -ENOMEM. */
static int tell_later(struct state *state, const char *text, size_t size, FILE *to)
{
	size_t told = 0;

	for (size_t i = 0; i < state->n_later; i++) {
		struct later *later = &state->later[i];

		fwrite(text + told, 1, later->at - told, to);
		told = later->at;
		later->json.to = to;
		later->show(&later->json, later->rows, later->n);
	}
	fwrite(text + told, 1, size - told, to);
	return ferror(to) ? -ENOMEM : 0;
}

static void drop_later(struct state *state)
{
	for (size_t i = 0; i < state->n_later; i++)
		free(state->later[i].rows);
	free(state->later);
}

/* ---- The walk ---- */

static void show_machine(struct vfiosim *sim, struct state *state)
{
	lock_take(sim);
	json_object(&state->json);
	for (const struct subsystem *const *part = sim->subsystems; *part; part++)
		if ((*part)->show)
			(*part)->show(state);
	json_object_end(&state->json);
	lock_release(sim);
}

/* A stream into *@ret_text, which is ours alone. NULL: no memory. */
static FILE *open_text(char **ret_text, size_t *ret_size)
{
	FILE *to = open_memstream(ret_text, ret_size);

	if (to)
		__fsetlocking(to, FSETLOCKING_BYCALLER);
	return to;
}

/* All that is told under the lock; @state->later is left out. malloc'ed. */
static int state_text(struct vfiosim *sim, struct state *state, char **ret_text, size_t *ret_size)
{
	FILE *to = open_text(ret_text, ret_size);
	int failed;

	if (!to)
		return -ENOMEM;
	json_init(&state->json, to, true);
	show_machine(sim, state);
	failed = ferror(to);
	return fclose(to) || failed || state->no_memory ? -ENOMEM : 0;
}

static int whole_text(struct state *state, const char *text, size_t size, char **ret_text)
{
	size_t whole;
	FILE *to = open_text(ret_text, &whole);
	int error;

	if (!to)
		return -ENOMEM;
	error = tell_later(state, text, size, to);
	if (fclose(to) || error) {
		free(*ret_text);
		return -ENOMEM;
	}
	return 0;
}

int vfiosim_state_json(struct vfiosim *sim, char **ret_text)
{
	struct state state = { .sim = sim };
	char *text = NULL;
	size_t size = 0;
	int error = take_memories(sim, &state);

	if (!error)
		error = state_text(sim, &state, &text, &size);
	drop_memories(&state);
	if (!error)
		error = whole_text(&state, text, size, ret_text);
	drop_later(&state);
	free(text);
	return error;
}
