/* SPDX-License-Identifier: MIT */
#include "sweep/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

/* ---- Places ---- */

static bool can_fail(const struct sweep_event *event)
{
	const struct vfiosim_command *row = event->command;

	if (!row)
		return !strcmp(event->verb, "open");
	return (row->errors && *row->errors) || (row->returns && *row->returns >= 0) ||
	       (row->sets && *row->sets);
}

/* ",container=1": what its object is for faults. */
static const char *object_key(const struct sweep_event *event, char *to, size_t size)
{
	static const struct {
		const char *object, *key;
	} keys[] = { { "container ", "container" }, { "group ", "group" }, { "device ", "device" } };

	*to = 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t length = strlen(keys[i].object);

		if (!strncmp(event->object, keys[i].object, length))
			snprintf(to, size, ",%s=%s", keys[i].key, event->object + length);
	}
	return to;
}

static bool is_of_class(const struct sweep_event *event, const char *name)
{
	const struct vfiosim_fault_class *class;

	for (size_t i = 0; event->command && (class = vfiosim_fault_class(i)); i++)
		for (const char *const *each = class->commands; *each; each++)
			if (!strcmp(class->name, name) && !strcmp(*each, event->verb))
				return true;
	return false;
}

bool plan_is_map(const struct sweep_event *event)
{
	return is_of_class(event, "map");
}

static bool is_mapping(const struct sweep_event *event)
{
	return plan_is_map(event) || is_of_class(event, "unmap");
}

bool plan_where(const struct sweep_event *event, char *to, size_t size)
{
	char object[RECORD_NAME + 16], ioas[32] = "", iova[64] = "";

	if (!can_fail(event))
		return false;
	object_key(event, object, sizeof(object));
	if (!event->command && (!*object || !strncmp(event->object, "container", 9)))
		*object = 0;	/* opened nodes without a number of their own */
	if (event->command && event->ioas)
		snprintf(ioas, sizeof(ioas), ",ioas=%" PRIu32, event->ioas);
	if (is_mapping(event) && event->length)
		snprintf(iova, sizeof(iova), ",iova=0x%" PRIx64 "..0x%" PRIx64, event->iova,
			 event->iova + (event->length - 1));
	snprintf(to, size, "%s%s%s%s", event->verb, object, ioas, iova);
	return true;
}

/* Would a fault at the place of @event be met by @other as well? */
static bool meets(const struct sweep_event *event, const struct sweep_event *other)
{
	bool opens = !event->command;
	char key[RECORD_NAME + 16];

	if (strcmp(event->verb, other->verb))
		return false;
	object_key(event, key, sizeof(key));
	if (opens && (!*key || !strncmp(event->object, "container", 9)))
		return true;
	if (strcmp(event->object, other->object) ||
	    (event->command && event->ioas && event->ioas != other->ioas))
		return false;
	if (!is_mapping(event) || !event->length)
		return true;
	return other->length && other->iova <= event->iova + (event->length - 1) &&
	       event->iova <= other->iova + (other->length - 1);
}

static uint64_t ordinal_of(const struct sweep_event *events, size_t index)
{
	uint64_t ordinal = 1;

	for (size_t i = 0; i < index; i++)
		ordinal += meets(&events[index], &events[i]);
	return ordinal;
}

/* ---- Points ---- */

static void add_point(struct plan *plan, const char *where, uint64_t ordinal, const char *effect,
		      const struct sweep_event *event)
{
	struct plan_point *point;

	if (!list_room(&plan->points, plan->n, sizeof(*plan->points), &plan->no_memory))
		return;
	point = &plan->points[plan->n++];
	*point = (struct plan_point){ .ordinal = ordinal, .event = event };
	snprintf(point->where, sizeof(point->where), "%s", where);
	snprintf(point->effect, sizeof(point->effect), "%s", effect);
}

static bool is_listed(const int *errors, int error)
{
	while (errors && *errors && *errors != error)
		errors++;
	return errors && *errors;
}

static bool is_wanted(const struct plan_options *options, const struct vfiosim_command *row, int error)
{
	if (options->errors == PLAN_LISTED)
		return is_listed(options->listed, error);
	return options->errors == PLAN_ALL || !row || vfiosim_fault_from_outside(row, error);
}

static void add_errors(struct plan *plan, const struct plan_options *options, const char *where,
		       uint64_t ordinal, const int *errors, const struct sweep_event *event,
		       const struct vfiosim_command *row)
{
	char effect[64];

	for (const int *error = errors; error && *error; error++) {
		if (!is_wanted(options, row, *error))
			continue;
		snprintf(effect, sizeof(effect), "error=%s", strerrorname_np(*error));
		add_point(plan, where, ordinal, effect, event);
	}
}

static void add_answers(struct plan *plan, const char *where, uint64_t ordinal,
			const struct sweep_event *event)
{
	const struct vfiosim_command *row = event->command;
	char effect[64];

	for (const long *value = row->returns; value && *value >= 0; value++) {
		snprintf(effect, sizeof(effect), "return=%ld", *value);
		if (*value != event->result)
			add_point(plan, where, ordinal, effect, event);
	}
	for (const char *const *set = row->sets; set && *set; set++) {
		snprintf(effect, sizeof(effect), "set.%s=0", *set);
		add_point(plan, where, ordinal, effect, event);
	}
}

static void add_event(struct plan *plan, const struct plan_options *options,
		      const struct sweep_event *events, size_t index)
{
	const struct sweep_event *event = &events[index];
	char where[VFIOSIM_FAULT_TEXT_MAX];
	uint64_t ordinal;

	if (event->result < 0 || !plan_where(event, where, sizeof(where)))
		return;
	ordinal = ordinal_of(events, index);
	add_errors(plan, options, where, ordinal,
		   event->command ? event->command->errors :
				    vfiosim_fault_site(VFIOSIM_FAULT_OPEN)->errors,
		   event, event->command);
	if (event->command)
		add_answers(plan, where, ordinal, event);
}

/* ---- Steps inside of commands ---- */

static void add_step(struct plan *plan, const struct sweep_event *event, size_t site)
{
	char place[VFIOSIM_FAULT_TEXT_MAX], where[2 * VFIOSIM_FAULT_TEXT_MAX];
	struct plan_step *step;

	if (!plan_where(event, place, sizeof(place)))
		return;
	snprintf(where, sizeof(where), "%s,command=%s", vfiosim_fault_site(site)->name, place);
	for (size_t i = 0; i < plan->n_steps; i++)
		if (!strcmp(plan->steps[i].where, where))
			return;
	plan->too_many_steps |= plan->n_steps == RECORD_COUNTS;
	if (plan->too_many_steps ||
	    !list_room(&plan->steps, plan->n_steps, sizeof(*plan->steps), &plan->no_memory))
		return;
	step = &plan->steps[plan->n_steps++];
	*step = (struct plan_step){ .site = site, .event = event };
	snprintf(step->where, sizeof(step->where), "%.*s", (int)sizeof(step->where) - 1, where);
}

void plan_add_steps(struct plan *plan, const struct plan_options *options, const uint64_t *met)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];

		for (uint64_t n = 1; n <= met[i]; n++)
			add_errors(plan, options, step->where, n,
				   vfiosim_fault_site(step->site)->errors, step->event, NULL);
	}
}

/* Steps that only wrong arguments make fail are no more wanted than errnos of that kind. */
static void add_event_steps(struct plan *plan, const struct plan_options *options,
			    const struct sweep_event *event)
{
	const struct vfiosim_fault_site_info *info;

	for (size_t site = VFIOSIM_FAULT_OPEN + 1; (info = vfiosim_fault_site(site)); site++)
		if (options->errors != PLAN_OUTSIDE || !info->from_arguments)
			add_step(plan, event, site);
}

/* ---- The plan ---- */

void plan_init(struct plan *plan, const struct plan_options *options,
	       const struct sweep_event *events, size_t n, size_t from)
{
	*plan = (struct plan){ 0 };
	for (size_t i = from; i < n; i++)
		add_event(plan, options, events, i);
	for (size_t i = from; i < n; i++)
		if (events[i].command)
			add_event_steps(plan, options, &events[i]);
}

void plan_done(struct plan *plan)
{
	free(plan->points);
	free(plan->steps);
}

void plan_fault(const struct plan_point *point, bool persistent, char *to, size_t size)
{
	snprintf(to, size, "%s,when=%" PRIu64 "%s,%s", point->where, point->ordinal,
		 persistent ? "+" : "", point->effect);
}
