/* SPDX-License-Identifier: MIT */
/* Events and their sinks; see vfiosim/trace.h. */
#include "machine/tracing.h"

#include <errno.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>

#include "machine/client.h"
#include "vfio/container.h"
#include "machine/device.h"
#include "machine/file.h"
#include "vfio/group.h"
#include "iommufd/iommufd.h"
#include "machine/sim.h"

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
	pthread_mutex_unlock(&sim->trace.lock);
}

void trace_object(const struct vfiosim_file *file, char *to, size_t size)
{
	if (!file)
		snprintf(to, size, "machine");
	else if (file->kind == VFIOSIM_CONTAINER)
		snprintf(to, size, "container %u", file->container->number);
	else if (file->kind == VFIOSIM_GROUP)
		snprintf(to, size, "group %u", group_number(file->group));
	else if (file->kind == VFIOSIM_FAULT)
		snprintf(to, size, "fault queue %u", file->fault->id);
	else if (file->kind == VFIOSIM_IOMMUFD)
		snprintf(to, size, "iommufd %u", file->iommufd->number);
	else
		snprintf(to, size, "device %s", file->device->topo->address);
}

void trace_call(struct call *call, const char *verb, const struct vfiosim_command *command,
		long result)
{
	struct vfiosim *sim = call->sim;
	struct vfiosim_event event;
	char object[64];

	if (!call_traced(call))
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
		.rule = result < 0 ? call->rule : NULL,
		.reason = result < 0 && call->rule ? call->reason : NULL,
		.changes = (const char *const *)call->changes.text,
		.n_changes = call->changes.n,
	};

	pthread_mutex_lock(&sim->trace.lock);
	event.number = ++sim->trace.last;
	for (unsigned i = 0; i < sim->trace.n; i++)
		sim->trace.sinks[i].sink(sim->trace.sinks[i].ctx, &event);
	pthread_mutex_unlock(&sim->trace.lock);
}
