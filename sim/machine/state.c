/* SPDX-License-Identifier: MIT */
/* The machine's state as JSON; see state.h. */
#include "machine/state.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "base/list.h"
#include "machine/call.h"
#include "machine/client.h"
#include "machine/lock.h"
#include "machine/subsystem.h"

#define TRIES 4		/* to take it while others use the machine; the last one does not yield */

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

/* ---- Long arrays, taken in pieces and told without the lock ---- */

struct later {
	size_t at;		/* where it belongs in the text, without all of them */
	struct json json;
	struct state_table *table;
};

void state_later(struct state *state, struct state_table *table)
{
	struct json json = json_leave_out(&state->json, NULL);
	long at = ftell(state->json.to);

	if (!table || at < 0 ||
	    !list_room(&state->later, state->n_later, sizeof(*state->later), NULL)) {
		state->no_memory = true;
		if (table)
			table->done(table);
		return;
	}
	state->later[state->n_later++] = (struct later){ (size_t)at, json, table };
}

/* Lock held. @yield: release it in between. False: mappings changed, the rows do not match. */
static bool take_later(struct vfiosim *sim, struct state *state, bool yield)
{
	uint64_t moment = sim->areas_changed;

	for (size_t i = 0; i < state->n_later; i++) {
		struct state_table *table = state->later[i].table;

		while (table->take(state, table))
			if (yield && lock_yield(sim) && sim->areas_changed != moment)
				return false;
	}
	return true;
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
		later->table->show(&later->json, later->table);
	}
	fwrite(text + told, 1, size - told, to);
	return ferror(to) ? -ENOMEM : 0;
}

static void drop_later(struct state *state)
{
	for (size_t i = 0; i < state->n_later; i++)
		state->later[i].table->done(state->later[i].table);
	free(state->later);
	state->later = NULL;
	state->n_later = 0;
}

/* ---- The walk ---- */

/* False: mappings changed meanwhile. */
static bool show_machine(struct vfiosim *sim, struct state *state, bool yield)
{
	bool ok;

	lock_take(sim);
	call_finish_cleanups(sim);	/* what they free is still counted */
	json_object(&state->json);
	for (const struct subsystem *const *part = sim->subsystems; *part; part++)
		if ((*part)->show)
			(*part)->show(state);
	json_object_end(&state->json);
	ok = take_later(sim, state, yield);
	lock_release(sim);
	return ok;
}

/* A stream into *@ret_text, which is ours alone. NULL: no memory. */
static FILE *open_text(char **ret_text, size_t *ret_size)
{
	FILE *to = open_memstream(ret_text, ret_size);

	if (to)
		__fsetlocking(to, FSETLOCKING_BYCALLER);
	return to;
}

/*
 * The text without the long arrays, malloc'ed. -ENOMEM; -EAGAIN, with @yield only:
 * mappings changed meanwhile.
 */
static int state_text(struct vfiosim *sim, struct state *state, bool yield, char **ret_text,
		      size_t *ret_size)
{
	FILE *to = open_text(ret_text, ret_size);
	bool whole;
	int failed;

	if (!to)
		return -ENOMEM;
	json_init(&state->json, to, true);
	whole = show_machine(sim, state, yield);
	failed = ferror(to);
	if (fclose(to) || failed || state->no_memory)
		return -ENOMEM;
	return whole ? 0 : -EAGAIN;
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

	for (unsigned try = 1; !error; try++) {
		error = state_text(sim, &state, try < TRIES, &text, &size);
		if (error != -EAGAIN)
			break;
		drop_later(&state);
		free(text);
		text = NULL;
		error = 0;
	}
	drop_memories(&state);
	if (!error)
		error = whole_text(&state, text, size, ret_text);
	drop_later(&state);
	free(text);
	return error;
}
