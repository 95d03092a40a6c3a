/* SPDX-License-Identifier: MIT */
/* The last refusal of each client. See last.h. */
#include "front/fuse/last.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "base/json.h"
#include "front/sysfs/tree.h"
#include "machine/client.h"
#include "machine/lock.h"
#include "machine/sim.h"

#define CLIENTS_MAX 256	/* that are remembered, the newest */
#define IN_MAX 256	/* bytes of a command's structure */

struct refusal {
	uint32_t client, tid;	/* 0: a free place */
	uint64_t number;	/* of the event: whoever asks again can tell old from new */
	int error;
	const struct vfiosim_command *command;	/* NULL: something else */
	uint64_t arg;
	size_t in_size;		/* 0: it was not read */
	uint8_t in[IN_MAX];
	char verb[48], object[96], text[128], reason[400];
	const struct vfiosim_rule *rule;
};

struct last {
	struct vfiosim *sim;
	struct tree *tree;
	pthread_mutex_t lock;	/* guards what follows; taken below the trace's lock */
	struct refusal refusals[CLIENTS_MAX];	/* [number of the client % CLIENTS_MAX] */
};

static struct refusal *place(struct last *last, uint32_t client)
{
	return &last->refusals[client % CLIENTS_MAX];
}

static void note(void *ctx, const struct vfiosim_event *event)
{
	struct last *last = ctx;
	struct refusal *refusal;

	if (!event->client)
		return;
	pthread_mutex_lock(&last->lock);
	refusal = place(last, event->client);
	refusal->client = event->client;
	refusal->tid = event->tid;
	refusal->command = event->command;
	refusal->arg = event->arg;
	refusal->in_size = event->in_size < IN_MAX ? event->in_size : IN_MAX;
	if (event->in)
		memcpy(refusal->in, event->in, refusal->in_size);
	refusal->number = event->number;
	refusal->error = (int)-event->result;
	refusal->rule = event->rule;
	snprintf(refusal->text, sizeof(refusal->text), "%s", event->text ? event->text : "");
	snprintf(refusal->verb, sizeof(refusal->verb), "%s", event->verb);
	snprintf(refusal->object, sizeof(refusal->object), "%s", event->object);
	snprintf(refusal->reason, sizeof(refusal->reason), "%s",
		 event->reason ? event->reason : "");
	pthread_mutex_unlock(&last->lock);
}

/* The arguments, as traces have them. */
static void put_args(struct json *json, const struct refusal *refusal)
{
	const struct vfiosim_event event = {
		.command = refusal->command,
		.arg = refusal->arg,
		.text = *refusal->text ? refusal->text : NULL,
		.in = refusal->in_size ? refusal->in : NULL,
		.in_size = refusal->in_size,
	};
	char args[512];

	if (!refusal->command)
		return;
	vfiosim_event_args(&event, args, sizeof(args));
	json_put_string(json, "args", args);
}

/* Of a thread its process, while that is known. */
static uint32_t process_of(struct last *last, const struct refusal *refusal)
{
	uint32_t process;

	lock_take(last->sim);
	process = client_process(last->sim, refusal->client);
	lock_release(last->sim);
	return process ? process : refusal->tid;
}

static void put(struct last *last, FILE *to, const struct refusal *refusal)
{
	const char *name = refusal ? strerrorname_np(refusal->error) : NULL;
	struct json json;

	json_init(&json, to, true);
	if (!refusal) {
		json_string(&json, NULL);
		return;
	}
	json_object(&json);
	json_put_unsigned(&json, "number", refusal->number);
	json_put_string(&json, "object", refusal->object);
	json_put_string(&json, "verb", refusal->verb);
	put_args(&json, refusal);
	json_put_string(&json, "error", name);
	json_put_string(&json, "rule", refusal->rule ? refusal->rule->id : NULL);
	json_put_string(&json, "reason", refusal->rule ? refusal->reason : NULL);
	json_put_string(&json, "mirrors", refusal->rule ? refusal->rule->mirrors : NULL);
	json_put_unsigned(&json, "process", process_of(last, refusal));
	json_object_end(&json);
}

/* @refusal NULL: there is none. */
static int put_text(struct last *last, const struct refusal *refusal, char **ret_text)
{
	size_t size;
	FILE *to = open_memstream(ret_text, &size);

	if (!to)
		return -ENOMEM;
	put(last, to, refusal);
	fputc('\n', to);
	return fclose(to) ? -ENOMEM : 0;
}

/* The caller's own. */
static int tell(void *ctx, struct vfiosim_caller *caller, char **ret_text)
{
	uint32_t client = caller->client ? vfiosim_client_number(caller->client) : 0;
	struct last *last = ctx;
	struct refusal refusal;

	pthread_mutex_lock(&last->lock);
	refusal = *place(last, client);
	pthread_mutex_unlock(&last->lock);
	return put_text(last, client && refusal.client == client ? &refusal : NULL, ret_text);
}

/* Is it @pid's, or one of its threads'? A thread may have ended since. */
static bool is_of(struct last *last, const struct refusal *refusal, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%u", pid, refusal->tid);
	return process_of(last, refusal) == (uint32_t)pid || !access(path, F_OK);
}

int last_of(struct last *last, pid_t pid, char **ret_text)
{
	struct refusal found = { 0 }, refusal;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		pthread_mutex_lock(&last->lock);
		refusal = last->refusals[i];
		pthread_mutex_unlock(&last->lock);
		if (refusal.number > found.number && (!pid || is_of(last, &refusal, pid)))
			found = refusal;
	}
	return put_text(last, found.client ? &found : NULL, ret_text);
}

int last_create(struct vfiosim *sim, struct tree *tree, struct last **ret_last)
{
	struct last *last = calloc(1, sizeof(*last));

	if (!last)
		return -ENOMEM;
	last->sim = sim;
	last->tree = tree;
	pthread_mutex_init(&last->lock, NULL);
	tree_set_last(tree, tell, last);
	vfiosim_trace_refusals(sim, note, last);
	*ret_last = last;
	return 0;
}

void last_destroy(struct last *last)
{
	if (!last)
		return;
	tree_set_last(last->tree, NULL, NULL);
	vfiosim_trace_refusals(last->sim, NULL, NULL);
	pthread_mutex_destroy(&last->lock);
	free(last);
}
