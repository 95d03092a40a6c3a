/* SPDX-License-Identifier: MIT */
/* The machine's state as JSON; see state.h. */
#include "machine/state.h"

#include <errno.h>
#include <stdio_ext.h>
#include <stdlib.h>

#include "machine/client.h"
#include "machine/subsystem.h"

/* ---- What the clients' memory looks like (no lock) ---- */

static int take_memories(struct vfiosim *sim, struct state *state)
{
	struct vfiosim_client *client;
	uint32_t n = 0;

	pthread_mutex_lock(&sim->lock);
	TAILQ_FOREACH(client, &sim->clients, in_sim)
		n++;
	state->memories = calloc(n + 1, sizeof(*state->memories));
	if (state->memories)
		TAILQ_FOREACH(client, &sim->clients, in_sim)
			state->memories[state->n_memories++].client = client_get(client);
	pthread_mutex_unlock(&sim->lock);
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

/* ---- The walk ---- */

static void show_machine(struct vfiosim *sim, struct state *state)
{
	pthread_mutex_lock(&sim->lock);
	json_object(&state->json);
	for (const struct subsystem *const *part = sim->subsystems; *part; part++)
		if ((*part)->show)
			(*part)->show(state);
	json_object_end(&state->json);
	pthread_mutex_unlock(&sim->lock);
}

int vfiosim_state_json(struct vfiosim *sim, char **ret_text)
{
	struct state state = { .sim = sim };
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);
	int failed;

	if (!to)
		return -ENOMEM;
	__fsetlocking(to, FSETLOCKING_BYCALLER);	/* it is ours alone */
	if (take_memories(sim, &state)) {
		fclose(to);
		free(text);
		return -ENOMEM;
	}
	json_init(&state.json, to, true);
	show_machine(sim, &state);
	drop_memories(&state);
	failed = ferror(to);
	if (fclose(to) || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
