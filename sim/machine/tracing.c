/* SPDX-License-Identifier: MIT */
/* Events and their sinks; see vfiosim/trace.h. */
#include "machine/tracing.h"

#include <errno.h>

#include <vfiosim/command.h>

#include "machine/client.h"
#include "machine/file.h"
#include "machine/sim.h"

/* trace.lock held. */
static void trace_count(struct vfiosim *sim)
{
	atomic_store(&sim->trace.heard, sim->trace.n || sim->trace.n_followers);
}

int vfiosim_trace_add(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx)
{
	int ret = 0;

	pthread_mutex_lock(&sim->trace.lock);
	for (unsigned i = 0; i < sim->trace.n; i++)
		if (sim->trace.sinks[i].sink == sink && sim->trace.sinks[i].ctx == ctx)
			ret = -EINVAL;
	if (!ret && sim->trace.n == SIM_TRACE_SINKS)
		ret = -ENOSPC;
	if (!ret) {
		sim->trace.sinks[sim->trace.n].sink = sink;
		sim->trace.sinks[sim->trace.n++].ctx = ctx;
	}
	trace_count(sim);
	pthread_mutex_unlock(&sim->trace.lock);
	return ret;
}

void vfiosim_trace_remove(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx)
{
	pthread_mutex_lock(&sim->trace.lock);
	for (unsigned i = 0; i < sim->trace.n; i++) {
		if (sim->trace.sinks[i].sink != sink || sim->trace.sinks[i].ctx != ctx)
			continue;
		sim->trace.n--;
		for (; i < sim->trace.n; i++)
			sim->trace.sinks[i] = sim->trace.sinks[i + 1];
	}
	trace_count(sim);
	pthread_mutex_unlock(&sim->trace.lock);
}

int vfiosim_trace_follow(struct vfiosim *sim, vfiosim_trace_follower *follower, void *ctx)
{
	int ret = 0;

	pthread_mutex_lock(&sim->trace.lock);
	if (sim->trace.n_followers == VFIOSIM_FOLLOWERS_MAX) {
		ret = -ENOSPC;
	} else {
		sim->trace.followers[sim->trace.n_followers].follower = follower;
		sim->trace.followers[sim->trace.n_followers++].ctx = ctx;
	}
	trace_count(sim);
	pthread_mutex_unlock(&sim->trace.lock);
	return ret;
}

void vfiosim_trace_unfollow(struct vfiosim *sim, vfiosim_trace_follower *follower, void *ctx)
{
	pthread_mutex_lock(&sim->trace.lock);
	for (unsigned i = 0; i < sim->trace.n_followers; i++) {
		if (sim->trace.followers[i].follower != follower || sim->trace.followers[i].ctx != ctx)
			continue;
		sim->trace.n_followers--;
		for (; i < sim->trace.n_followers; i++)
			sim->trace.followers[i] = sim->trace.followers[i + 1];
	}
	trace_count(sim);
	pthread_mutex_unlock(&sim->trace.lock);
}

static void tell_followers(struct vfiosim *sim, const struct vfiosim_event *event,
			   const struct vfiosim_about *about)
{
	for (unsigned i = 0; i < sim->trace.n_followers; i++)
		sim->trace.followers[i].follower(sim->trace.followers[i].ctx, event, about);
}

void vfiosim_trace_refusals(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx)
{
	pthread_mutex_lock(&sim->trace.lock);
	sim->trace.refusals = sink;
	sim->trace.refusals_ctx = ctx;
	pthread_mutex_unlock(&sim->trace.lock);
}

bool vfiosim_trace_followed(const struct vfiosim *sim)
{
	return sim->trace.n_followers > 0;
}

void vfiosim_trace_left_open(struct vfiosim_file *file)
{
	struct vfiosim *sim = file->sim;
	char object[FILE_NAME_MAX];
	const struct vfiosim_event event = { .object = object, .verb = "left-open" };

	trace_object(file, object, sizeof(object));
	tell_followers(sim, &event, NULL);
}

void vfiosim_mark(struct vfiosim *sim, uint32_t tid, const char *name)
{
	struct vfiosim_caller caller = { .tid = tid };
	struct call call;
	char object[96];

	snprintf(object, sizeof(object), "mark %s", name);
	call_init(&call, sim, &caller, NULL);
	call.object = object;
	trace_call(&call, "mark", NULL, NULL, 0);
	call_done(&call);
}

void trace_object(const struct vfiosim_file *file, char *to, size_t size)
{
	if (file)
		file->ops->describe(file, to, size);
	else
		snprintf(to, size, "machine");
}

void trace_call(struct call *call, const char *verb, const struct vfiosim_command *command,
		const struct vfiosim_about *about, long result)
{
	struct vfiosim *sim = call->sim;
	bool refused = result < 0 && sim->trace.refusals;
	struct vfiosim_event event;
	char object[FILE_NAME_MAX];

	if (!call_traced(call) && !refused)
		return;
	if (!call->object)
		trace_object(call->file, object, sizeof(object));
	event = (struct vfiosim_event){
		.client = call->caller->client ? call->caller->client->number : 0,
		.tid = call->caller->tid,
		.object = call->object ? call->object : object,
		.verb = verb,
		.command = command,
		.arg = call->arg,
		.text = command && command->fields && command->fields->format == VFIOSIM_STRING ?
				(const char *)call->tail :
				NULL,
		.in = call->asked_size ? call->asked : NULL,
		.in_size = call->asked_size,
		.out = call->answered ? call->in.bytes : NULL,
		.out_size = call->answered,
		.result = result,
		.rule = result < 0 ? call->result.rule : NULL,
		.reason = result < 0 && call->result.rule ? call->reason : NULL,
		.provoke = result < 0 ? call->provoke : NULL,
		.walk = result < 0 ? (const char *const *)call->result.walk.text : NULL,
		.n_walk = result < 0 ? call->result.walk.n : 0,
		.changes = (const char *const *)call->result.changes.text,
		.n_changes = call->result.changes.n,
	};

	/* A copy was kept only if somebody listens. */
	if (refused && !event.in && command && call->in_size) {
		event.in = call->in.bytes;
		event.in_size = call->in_size;
	}
	pthread_mutex_lock(&sim->trace.lock);
	event.number = ++sim->trace.last;
	for (unsigned i = 0; i < sim->trace.n; i++)
		sim->trace.sinks[i].sink(sim->trace.sinks[i].ctx, &event);
	if (refused)
		sim->trace.refusals(sim->trace.refusals_ctx, &event);
	pthread_mutex_unlock(&sim->trace.lock);
	tell_followers(sim, &event, about);
}
