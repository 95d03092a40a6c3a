/* SPDX-License-Identifier: MIT */
/* Calls: what they know about clients, and what they leave behind. */
#include "machine/call.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"
#include "machine/client.h"
#include "machine/fault.h"
#include "machine/kernel.h"
#include "machine/lock.h"
#include "machine/reap.h"
#include "machine/rules_table.h"
#include "machine/sim.h"

/* ---- Life ---- */

/*
 * The library's, which is quicker than what the compiler puts in its place (rep stos):
 * one part in twenty of a MAP_DMA in process.
 */
static void *(*const volatile clear)(void *, int, size_t) = memset;

void call_init(struct call *call, struct vfiosim *sim, struct vfiosim_caller *caller,
	       struct vfiosim_file *file)
{
	clear(call, 0, offsetof(struct call, in));
	call->sim = sim;
	call->caller = caller;
	call->file = file;
}

static struct vma_view *views_of(struct call *call)
{
	return call->views ? call->views : call->few;
}

static void drop_views(struct call *call)
{
	struct vma_view *views = views_of(call);

	for (unsigned i = 0; i < call->n_views; i++) {
		vfiosim_vmas_done(&views[i].vmas);
		if (!views[i].borrowed)
			vfiosim_client_put(views[i].client);
	}
	free(call->views);
}

static void drop_memlocks(struct call *call)
{
	struct memlock_view *view;

	while ((view = call->memlocks)) {
		call->memlocks = view->next;
		vfiosim_client_put(view->client);
		free(view);
	}
}

static void run_soon(struct call *call);

/* Nobody fetched what a run asked for. */
static void drop_need(struct call *call)
{
	if (call->result.need.client != call->caller->client)
		vfiosim_client_put(call->result.need.client);
	vfiosim_client_put(call->result.need.memlock);
}

static void list_forget(struct change_list *list, size_t n)
{
	while (list->n > n)
		free(list->text[--list->n]);
}

/* No lock held. */
static void result_done(struct call *call)
{
	struct call_result *result = &call->result;
	struct call_out *out;

	drop_need(call);
	while ((out = result->outs)) {
		result->outs = out->next;
		free(out);
	}
	list_forget(&result->changes, 0);
	free(result->changes.text);
	list_forget(&result->walk, 0);
	free(result->walk.text);
}

void call_done(struct call *call)
{
	run_soon(call);
	result_done(call);
	drop_views(call);
	drop_memlocks(call);
	free(call->tail);
}

/* ---- Asking about clients ---- */

int call_vmas(struct call *call, struct vfiosim_client *client, struct span span,
	      const struct vma_view **ret_view)
{
	for (unsigned i = 0; i < call->n_views; i++) {
		struct vma_view *view = &views_of(call)[i];

		if (view->client != client || !span_contains(view->span, span))
			continue;
		*ret_view = view;
		return view->error;
	}
	if (call->result.need.client)	/* one after the other */
		return CALL_AGAIN;
	/* call_done gives it back; the caller's own is there as long as the call. */
	call->result.need.client = client == call->caller->client ? client : client_get(client);
	/* Not once for every mapping of a replay: the second time, ask for all. */
	call->result.need.span = call->n_views ? SPAN_ALL : span;
	return CALL_AGAIN;
}

/* What the topology says of locked memory; false when the caller's own limits have to be known. */
static bool memlock_from_topology(const struct vfiosim_topology *topology,
				  struct vfiosim_limits *limits)
{
	switch (topology->memlock) {
	case VFIOSIM_MEMLOCK_UNLIMITED:
		limits->memlock = UINT64_MAX;
		limits->ipc_lock = true;
		return true;
	case VFIOSIM_MEMLOCK_BYTES:
		limits->memlock = topology->memlock_bytes;
		limits->ipc_lock = false;
		return true;
	case VFIOSIM_MEMLOCK_CLIENT:
		break;
	}
	return false;
}

int call_memlock(struct call *call, struct vfiosim_limits *ret_limits)
{
	struct vfiosim_limits limits = { 0 };

	if (call->have_limits)
		limits = call->limits;
	if (!memlock_from_topology(call->sim->topology, &limits) && !call->have_limits) {
		call->result.need.limits = true;
		return CALL_AGAIN;
	}
	*ret_limits = limits;
	return 0;
}

int call_memlock_of(struct call *call, struct vfiosim_client *client, uint64_t *ret_memlock)
{
	struct vfiosim_limits limits = { 0 };
	const struct memlock_view *view = call->memlocks;
	int ret;

	if (client == call->caller->client) {
		ret = call_memlock(call, &limits);
		*ret_memlock = limits.memlock;
		return ret;
	}
	if (memlock_from_topology(call->sim->topology, &limits)) {
		*ret_memlock = limits.memlock;
		return 0;
	}
	while (view && view->client != client)
		view = view->next;
	if (!view) {
		if (!call->result.need.memlock)	/* one after the other */
			call->result.need.memlock = client_get(client);
		return CALL_AGAIN;
	}
	if (!view->error)
		client->limits.memlock = view->memlock;
	*ret_memlock = client->limits.memlock;
	return 0;
}

int call_limits(struct call *call, struct vfiosim_limits *ret_limits)
{
	struct vfiosim_limits limits;
	int ret = call_memlock(call, &limits);

	if (ret)
		return ret;
	if (call->sim->topology->rawio_granted) {
		limits.sys_rawio = true;
	} else if (!call->have_limits) {
		call->result.need.limits = true;
		return CALL_AGAIN;
	}
	*ret_limits = limits;
	if (call->caller->client && client_set_limits(call->caller->client, &limits))
		return refuse(call, RULE_NO_MEMORY);
	return 0;
}

/* A cleared one, counted already. NULL: no memory. */
static struct vma_view *new_view(struct call *call)
{
	unsigned capacity = call->views ? call->capacity : CALL_VIEWS_FEW;
	struct vma_view *view;

	if (call->n_views == capacity) {
		view = reallocarray(call->views, 2 * capacity, sizeof(*view));
		if (!view)
			return NULL;
		if (!call->views)
			memcpy(view, call->few, sizeof(call->few));
		call->views = view;
		call->capacity = 2 * capacity;
	}
	view = &views_of(call)[call->n_views++];
	memset(view, 0, sizeof(*view));
	return view;
}

static int fetch_vmas(struct call *call)
{
	struct vfiosim_client *client = call->result.need.client;
	bool borrowed = client == call->caller->client;
	struct vma_view *view = new_view(call);
	int ret;

	if (!view)
		return -ENOMEM;
	call->result.need.client = NULL;	/* the view's now */
	if (!call->room_used) {
		call->room_used = true;
		view->vmas = (struct vfiosim_vmas){ .items = call->room, .lent = true,
						    .capacity = sizeof(call->room) / sizeof(call->room[0]) };
	}
	view->client = client;
	view->borrowed = borrowed;
	view->span = call->result.need.span;
	ret = client->ops->vmas(client->ctx, view->span.first, view->span.last, &view->vmas);
	if (ret == -ENOMEM)
		return ret;
	view->error = ret;
	return 0;
}

static int fetch_memlock(struct call *call)
{
	struct vfiosim_client *client = call->result.need.memlock;
	struct memlock_view *view = malloc(sizeof(*view));

	if (!view)
		return -ENOMEM;
	call->result.need.memlock = NULL;	/* the view's now */
	*view = (struct memlock_view){ .client = client, .next = call->memlocks };
	view->error = client->ops->memlock(client->ctx, &view->memlock);
	call->memlocks = view;
	return 0;
}

int call_fetch(struct call *call)
{
	int ret = 0;

	if (call->result.need.limits) {
		if (!call->caller->client ||
		    call->caller->client->ops->limits(call->caller, &call->limits))
			call->limits = (struct vfiosim_limits){ 0 };
		call->have_limits = true;
		call->result.need.limits = false;
	}
	if (call->result.need.memlock)
		ret = fetch_memlock(call);
	if (!ret && call->result.need.client)
		ret = fetch_vmas(call);
	return ret;
}

int call_prefetch(struct call *call, const struct span *uva)
{
	struct vfiosim_limits limits;

	(void)call_memlock(call, &limits);
	if (uva) {
		call->result.need.client = call->caller->client;
		call->result.need.span = *uva;
	}
	return call_fetch(call) ? refuse(call, RULE_NO_MEMORY) : 0;
}

/* ---- Telling what happened ---- */

int call_refuse(struct call *call, enum rule_index rule, const struct vfiosim_value *values)
{
	int error = rules_table[rule].error;

	/* The memory that is short is what a fault took away: that is the reason. */
	if (rule == RULE_NO_MEMORY && call->result.injected)
		return call->result.injected;
	for (const struct vfiosim_value *v = values; !error && v->name; v++)
		if (!strcmp(v->name, "error"))
			error = (int)v->number;
	call->result.rule = &rules_table[rule];
	text_fill(call->reason, sizeof(call->reason), call->result.rule->sentence, values);
	error = kernel_error(call->sim, rule, error);
	return error > 0 && error <= ERRNO_MAX ? -error : 0;
}

bool call_traced(const struct call *call)
{
	return atomic_load_explicit(&call->sim->trace.heard, memory_order_relaxed);
}

static void list_add(struct change_list *list, const char *sentence,
		     const struct vfiosim_value *values)
{
	char text[256];

	if (!list_room(&list->text, list->n, sizeof(*list->text), NULL))
		return;
	text_fill(text, sizeof(text), sentence, values);
	list->text[list->n] = strdup(text);
	if (list->text[list->n])
		list->n++;
}

void call_changed(struct call *call, const char *sentence, const struct vfiosim_value *values)
{
	if (call_traced(call))
		list_add(&call->result.changes, sentence, values);
}

void call_walked(struct call *call, const char *sentence, const struct vfiosim_value *values)
{
	if (call_traced(call))
		list_add(&call->result.walk, sentence, values);
}

void call_changes_forget(struct call *call, size_t n)
{
	list_forget(&call->result.changes, n);
}

/* ---- Leaving work for later ---- */

static void append_out(struct call *call, struct call_out *out)
{
	out->next = NULL;
	if (call->result.outs)
		call->result.last_out->next = out;
	else
		call->result.outs = out;
	call->result.last_out = out;
}

int call_out_bits(struct call *call, uint64_t uva, const void *data, size_t size,
		  unsigned keep_bits)
{
	struct call_out *out = malloc(sizeof(*out) + size);

	if (!out)
		return -ENOMEM;
	out->uva = uva;
	out->data = out + 1;
	out->size = size;
	out->keep_bits = keep_bits;
	memcpy(out->data, data, size);
	append_out(call, out);
	return 0;
}

int call_out_zeroes(struct call *call, uint64_t uva, size_t size)
{
	struct call_out *out = malloc(sizeof(*out));

	if (!out)
		return -ENOMEM;
	*out = (struct call_out){ .uva = uva, .size = size };
	append_out(call, out);
	return 0;
}

int call_out(struct call *call, uint64_t uva, const void *data, size_t size)
{
	return call_out_bits(call, uva, data, size, 0);
}

static struct deferred *new_deferred(void (*work)(struct vfiosim *sim, void *arg), void *arg)
{
	struct deferred *item = malloc(sizeof(*item));

	if (item)
		*item = (struct deferred){ .work = work, .arg = arg, .ours = true };
	return item;
}

/* @first: NULL while the list is empty. What the list begins with then. */
static struct deferred *append(struct deferred *first, struct deferred *item)
{
	struct deferred *last = first;

	if (!first)
		return item;
	while (last->next)
		last = last->next;
	last->next = item;
	return first;
}

int call_defer(struct call *call, void (*work)(struct vfiosim *sim, void *arg), void *arg)
{
	struct deferred *item = new_deferred(work, arg);

	if (!item)
		return -ENOMEM;
	call->caller->deferred = append(call->caller->deferred, item);
	return 0;
}

void call_defer_item(struct call *call, struct deferred *item,
		     void (*work)(struct vfiosim *sim, void *arg), void *arg)
{
	*item = (struct deferred){ .work = work, .arg = arg };
	call->caller->deferred = append(call->caller->deferred, item);
}

int call_soon(struct call *call, void (*work)(struct vfiosim *sim, void *arg), void *arg)
{
	struct deferred *item = new_deferred(work, arg);

	if (!item)
		return -ENOMEM;
	call->soon = append(call->soon, item);
	return 0;
}

/* An item that is not ours goes with its work. */
static void deferred_run(struct vfiosim *sim, struct deferred *item)
{
	bool ours = item->ours;

	item->work(sim, item->arg);
	if (ours)
		free(item);
}

static void run_soon(struct call *call)
{
	struct deferred *item;

	while ((item = call->soon)) {
		call->soon = item->next;
		deferred_run(call->sim, item);
	}
}

void vfiosim_finish(struct vfiosim *sim, struct vfiosim_caller *caller)
{
	struct deferred *item;

	while ((item = caller->deferred)) {
		caller->deferred = item->next;
		deferred_run(sim, item);
	}
	reap(sim);
}

/* ---- Running ---- */

/* The command asks for something and is run again: as if this run had not been. */
static void forget_run(struct call *call)
{
	result_done(call);
	call->result = (struct call_result){ 0 };
}

void call_cleanup(struct call *call, struct call_cleanup *cleanup)
{
	cleanup->call = call;
	call->n_cleanups++;
	STAILQ_INSERT_TAIL(&call->sim->cleanups, cleanup, in_sim);
}

/* One step of the oldest, whose call it may not be that does it. */
static void cleanup_step(struct vfiosim *sim)
{
	struct call_cleanup *cleanup = STAILQ_FIRST(&sim->cleanups);
	struct call *call = cleanup->call;

	STAILQ_REMOVE_HEAD(&sim->cleanups, in_sim);
	if (cleanup->step(cleanup))
		STAILQ_INSERT_HEAD(&sim->cleanups, cleanup, in_sim);
	else
		call->n_cleanups--;
}

static void do_cleanups(struct call *call)
{
	while (call->n_cleanups) {
		cleanup_step(call->sim);
		lock_yield(call->sim);
	}
}

void call_finish_cleanups(struct vfiosim *sim)
{
	while (!STAILQ_EMPTY(&sim->cleanups)) {
		cleanup_step(sim);
		lock_yield(sim);
	}
}

int call_run(struct call *call, int (*decide)(struct call *call))
{
	int ret;

	for (;;) {
		lock_take(call->sim);
		ret = decide(call);
		if (fault_armed(call->sim))
			fault_run_end(call->sim, ret != CALL_AGAIN && ret != CALL_PARKED);
		do_cleanups(call);
		lock_release(call->sim);
		if (ret != CALL_AGAIN)
			return ret;
		ret = call_fetch(call);
		forget_run(call);
		if (ret)
			return refuse(call, RULE_NO_MEMORY);
	}
}
