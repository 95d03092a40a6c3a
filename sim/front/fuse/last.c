/* SPDX-License-Identifier: MIT */
/* The last refusal of each client. See last.h. */
#include "front/fuse/last.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/trace.h>

#include "base/json.h"
#include "front/sysfs/tree.h"

#define CLIENTS_MAX 256	/* that are remembered; then the oldest is forgotten */

struct refusal {
	uint32_t client;	/* 0: a free place */
	uint64_t number;	/* of the event: whoever asks again can tell old from new */
	int error;
	char verb[48], object[96], reason[400];
	const struct vfiosim_rule *rule;
};

struct last {
	struct vfiosim *sim;
	struct tree *tree;
	pthread_mutex_t lock;	/* guards what follows; taken below the trace's lock */
	struct refusal refusals[CLIENTS_MAX];
	unsigned next;		/* the place that is given away next */
};

static struct refusal *find(struct last *last, uint32_t client)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (last->refusals[i].client == client)
			return &last->refusals[i];
	return NULL;
}

static struct refusal *place(struct last *last, uint32_t client)
{
	struct refusal *refusal = find(last, client);

	if (refusal)
		return refusal;
	refusal = &last->refusals[last->next];
	last->next = (last->next + 1) % CLIENTS_MAX;
	return refusal;
}

static void note(void *ctx, const struct vfiosim_event *event)
{
	struct last *last = ctx;
	struct refusal *refusal;

	if (event->result >= 0 || !event->client)
		return;
	pthread_mutex_lock(&last->lock);
	refusal = place(last, event->client);
	refusal->client = event->client;
	refusal->number = event->number;
	refusal->error = (int)-event->result;
	refusal->rule = event->rule;
	snprintf(refusal->verb, sizeof(refusal->verb), "%s", event->verb);
	snprintf(refusal->object, sizeof(refusal->object), "%s", event->object);
	snprintf(refusal->reason, sizeof(refusal->reason), "%s",
		 event->reason ? event->reason : "");
	pthread_mutex_unlock(&last->lock);
}

static void put(FILE *to, const struct refusal *refusal)
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
	json_put_string(&json, "error", name);
	json_put_string(&json, "rule", refusal->rule ? refusal->rule->id : NULL);
	json_put_string(&json, "reason", refusal->rule ? refusal->reason : NULL);
	json_object_end(&json);
}

static int tell(void *ctx, struct vfiosim_caller *caller, char **ret_text)
{
	struct last *last = ctx;
	struct refusal refusal = { 0 };
	const struct refusal *found = NULL;
	size_t size;
	FILE *to = open_memstream(ret_text, &size);

	if (!to)
		return -ENOMEM;
	pthread_mutex_lock(&last->lock);
	if (caller->client)
		found = find(last, vfiosim_client_number(caller->client));
	if (found)
		refusal = *found;
	pthread_mutex_unlock(&last->lock);
	vfiosim_trace_add(last->sim, note, last);	/* -EINVAL from the second time on */
	put(to, found ? &refusal : NULL);
	fputc('\n', to);
	return fclose(to) ? -ENOMEM : 0;
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
	*ret_last = last;
	return 0;
}

void last_destroy(struct last *last)
{
	if (!last)
		return;
	tree_set_last(last->tree, NULL, NULL);
	vfiosim_trace_remove(last->sim, note, last);
	pthread_mutex_destroy(&last->lock);
	free(last);
}
