/* SPDX-License-Identifier: MIT */
/* Clients: counting, and ending them where no lock is held. */
#include "machine/client.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/lock.h"
#include "machine/sim.h"
#include "machine/subsystem.h"

int vfiosim_client_create(struct vfiosim *sim, const struct vfiosim_client_ops *ops,
			  void *client_ctx, struct vfiosim_client **ret_client)
{
	struct vfiosim_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->sim = sim;
	client->ops = ops;
	client->ctx = client_ctx;
	client->refs = 1;

	lock_take(sim);
	client->number = ++sim->next_client;
	sim->counters.clients++;
	TAILQ_INSERT_TAIL(&sim->clients, client, in_sim);
	lock_release(sim);

	*ret_client = client;
	return 0;
}

struct vfiosim_client *client_get(struct vfiosim_client *client)
{
	client->refs++;
	return client;
}

static void end(void *object)
{
	struct vfiosim_client *client = object;

	client->ops->done(client->ctx);
	free(client);
}

void client_put(struct vfiosim_client *client)
{
	struct vfiosim *sim;

	if (!client || --client->refs)
		return;
	sim = client->sim;
	sim->counters.clients--;
	TAILQ_REMOVE(&sim->clients, client, in_sim);
	reap_later(sim, &client->dead, end, client);
}

void client_set_process(struct vfiosim_client *client, uint32_t process)
{
	lock_take(client->sim);
	client->process = process;
	lock_release(client->sim);
}

uint32_t client_process(const struct vfiosim *sim, uint32_t number)
{
	const struct vfiosim_client *client;

	TAILQ_FOREACH(client, &sim->clients, in_sim)
		if (client->number == number)
			return client->process;
	return 0;
}

static struct user *user_of(struct vfiosim *sim, uint32_t uid)
{
	struct user *user;

	TAILQ_FOREACH(user, &sim->users, in_sim)
		if (user->uid == uid)
			return user;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	TAILQ_INSERT_TAIL(&sim->users, user, in_sim);
	return user;
}

int client_set_limits(struct vfiosim_client *client, const struct vfiosim_limits *limits)
{
	client->limits = *limits;
	if (!client->user)
		client->user = user_of(client->sim, limits->uid);
	return client->user ? 0 : -ENOMEM;
}

struct vfiosim_client *vfiosim_client_get(struct vfiosim_client *client)
{
	lock_take(client->sim);
	client_get(client);
	lock_release(client->sim);
	return client;
}

void vfiosim_client_put(struct vfiosim_client *client)
{
	struct vfiosim *sim;

	if (!client)
		return;
	sim = client->sim;
	lock_take(sim);
	client_put(client);
	lock_release(sim);
	reap(sim);
}

uint32_t vfiosim_client_number(const struct vfiosim_client *client)
{
	return client->number;
}

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	TAILQ_INIT(&sim->clients);
	TAILQ_INIT(&sim->users);
	return 0;
}

static void done(struct vfiosim *sim)
{
	struct user *user;

	while ((user = TAILQ_FIRST(&sim->users))) {
		TAILQ_REMOVE(&sim->users, user, in_sim);
		free(user);
	}
}

static void show(struct state *state)
{
	struct json *json = &state->json;
	const struct vfiosim_client *client;

	json_key(json, "clients");
	json_array(json);
	TAILQ_FOREACH(client, &state->sim->clients, in_sim) {
		json_object(json);
		json_put_unsigned(json, "number", client->number);
		if (client->process)
			json_put_unsigned(json, "process", client->process);
		json_put_unsigned(json, "locked_pages", client->locked_pages);
		json_object_end(json);
	}
	json_array_end(json);
}

const struct subsystem client_subsystem = { .init = init, .done = done, .show = show };
