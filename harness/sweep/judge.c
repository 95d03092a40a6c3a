/* SPDX-License-Identifier: MIT */
#include "sweep/judge.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "sweep/plan.h"

const char *const judge_outcomes[] = { "absorbed", "retried", "next-container", "new-container",
				       "other-iommu-type", "mapping-omitted", "device-refused",
				       "program-failed", "not-reached", NULL };
const char *const judge_defects[] = { "", "silent", "leak", "crash", "abort",
				      "expectation", "hang", "retry-forever", "unstable", NULL };

void judge_run_init(struct judge_run *run, const struct sweep_event *events, size_t n,
		    const struct reach_omit *omit)
{
	*run = (struct judge_run){ .events = events, .n = n };
	reach_init(&run->reach, events, n, omit);
}

void judge_run_done(struct judge_run *run)
{
	reach_done(&run->reach);
}

/* ---- The outcome ---- */

static const struct sweep_event *injected(const struct judge_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->events[i].injected)
			return &run->events[i];
	return NULL;
}

/* The same call after @fault, with success. */
static bool is_retried(const struct judge_run *run, const struct sweep_event *fault)
{
	char where[VFIOSIM_FAULT_TEXT_MAX], other[VFIOSIM_FAULT_TEXT_MAX];
	const struct sweep_event *end = run->events + run->n;

	if (fault->result >= 0 || !plan_where(fault, where, sizeof(where)))
		return false;
	for (const struct sweep_event *each = fault + 1; each < end; each++)
		if (each->result >= 0 && each->arg == fault->arg &&
		    plan_where(each, other, sizeof(other)) && !strcmp(where, other))
			return true;
	return false;
}

static bool has_other_type(const struct judge_run *run, const struct sweep_event *fault)
{
	const struct sweep_event *end = run->events + run->n;

	for (const struct sweep_event *each = fault + 1; each < end; each++)
		if (!strcmp(fault->verb, "VFIO_SET_IOMMU") && !strcmp(each->verb, fault->verb) &&
		    !strcmp(each->object, fault->object) && each->result >= 0 &&
		    each->arg != fault->arg)
			return true;
	return false;
}

static bool lacks_device(const struct judge_run *clean, const struct judge_run *run)
{
	for (size_t i = 0; i < clean->reach.n_devices; i++)
		if (!reach_device(&run->reach, clean->reach.devices[i].device))
			return true;
	return false;
}

/* A device that is elsewhere; NULL: none. */
static const struct reach_device *moved_device(const struct judge_run *clean,
					       const struct judge_run *run)
{
	for (size_t i = 0; i < clean->reach.n_devices; i++) {
		const struct reach_device *was = &clean->reach.devices[i];
		const struct reach_device *is = reach_device(&run->reach, was->device);

		if (is && strcmp(is->space, was->space))
			return is;
	}
	return NULL;
}

/* A mapping, of a device's region or of memory that is gone again by then. */
static bool is_left_out(const struct sweep_event *fault, const struct judge_run *run)
{
	return plan_is_map(fault) && !is_retried(run, fault);
}

static enum judge_outcome outcome_of(const struct judge_run *clean, const struct judge_run *run)
{
	const struct sweep_event *fault = injected(run);
	const struct reach_device *moved;

	if (!fault)
		return OUTCOME_UNREACHED;
	if (run->hung || run->repeats || run->status != clean->status)
		return OUTCOME_PROGRAM_FAILED;
	if (lacks_device(clean, run))
		return OUTCOME_DEVICE_REFUSED;
	moved = moved_device(clean, run);
	if (moved)
		return moved->opened > (size_t)(fault - run->events) ? OUTCOME_NEW_CONTAINER :
								       OUTCOME_NEXT_CONTAINER;
	if (has_other_type(run, fault))
		return OUTCOME_OTHER_IOMMU_TYPE;
	if (is_retried(run, fault))
		return OUTCOME_RETRIED;
	if (reach_lacks(&run->reach, &clean->reach, NULL))
		return OUTCOME_MAPPING_OMITTED;
	return fault->result < 0 && is_left_out(fault, run) ? OUTCOME_MAPPING_OMITTED :
							OUTCOME_ABSORBED;
}

/* ---- Defects ---- */

static bool is_crash(int status)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (status == 128 + signals[i])
			return true;
	return false;
}

static bool is_kind(const char *object, const char *of)
{
	size_t length = strcspn(of, " ");

	return !strncmp(object, of, length) && object[length] == ' ';
}

/* Did the kernel have to close @object; or, @kind, anything of its kind? */
static bool left_open(const struct judge_run *run, const char *object, bool kind)
{
	for (size_t i = 0; i < run->n; i++)
		if (run->events[i].by_exit &&
		    (kind ? is_kind(run->events[i].object, object) :
			    !strcmp(run->events[i].object, object)))
			return true;
	return false;
}

static bool knows_object(const struct judge_run *run, const char *object)
{
	for (size_t i = 0; i < run->n; i++)
		if (!strcmp(run->events[i].object, object))
			return true;
	return false;
}

/*
 * Something that the clean run gave back; or that it does not have, but of a kind of which
 * it gave everything back: a program that leaves it all to the kernel leaks nothing.
 */
static bool is_leaked(const struct judge_run *clean, const struct judge_run *run, const char *object)
{
	return left_open(run, object, false) && !left_open(clean, object, !knows_object(clean, object));
}

/* The one that the program used first: in which order the kernel closes them is chance. */
static const struct sweep_event *leaked_at_exit(const struct judge_run *clean,
						const struct judge_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		if (is_leaked(clean, run, run->events[i].object))
			return &run->events[i];
	return NULL;
}

/* What @event opens: a node, or the device that a group gives out; "": nothing. */
static const char *opened_by(const struct sweep_event *event, char to[RECORD_NAME])
{
	*to = 0;
	if (event->result >= 0 && !strcmp(event->verb, "open"))
		snprintf(to, RECORD_NAME, "%s", event->object);
	else if (event->result >= 0 && !strcmp(event->verb, "VFIO_GROUP_GET_DEVICE_FD"))
		snprintf(to, RECORD_NAME, "device %.56s", event->device);
	return to;
}

/* Descriptors of @object that are open, or mapped, at the mark with index @mark. */
static int held_at(const struct judge_run *run, const char *object, size_t mark, bool *ret_opened)
{
	char opened[RECORD_NAME];
	int held = 0;

	*ret_opened = false;
	for (size_t i = 0; i < mark; i++) {
		const struct sweep_event *each = &run->events[i];

		if (!strcmp(opened_by(each, opened), object)) {
			held++;
			*ret_opened = true;
		} else if (!strcmp(each->verb, "close") && !strcmp(each->object, object)) {
			held--;
		}
	}
	return held;
}

static bool find_mark(const struct judge_run *run, const char *name, size_t *ret_index)
{
	for (size_t i = 0; i < run->n; i++)
		if (!strcmp(run->events[i].verb, "mark") && !strcmp(run->events[i].object, name)) {
			*ret_index = i;
			return true;
		}
	return false;
}

/* What the clean run had opened and given back by the same mark; false: nothing. */
static bool leaked_at_mark(const struct judge_run *clean, const struct judge_run *run,
			   char ret_object[RECORD_NAME])
{
	size_t at, then;
	bool opened, is_open;

	for (size_t m = 0; m < run->n; m++) {
		const struct sweep_event *mark = &run->events[m];

		if (strcmp(mark->verb, "mark") || !find_mark(clean, mark->object, &then))
			continue;
		for (at = 0; at < m; at++)
			if (*opened_by(&run->events[at], ret_object) &&
			    held_at(run, ret_object, m, &is_open) >
				    held_at(clean, ret_object, then, &opened) && opened)
				return true;
	}
	return false;
}

/* A device is open as long as a program maps it. */
static const char *or_mapped(const char *object)
{
	return is_kind(object, "device ") ? " or mapped" : "";
}

static enum judge_defect leak(const struct judge_run *clean, const struct judge_run *run,
			      struct verdict *verdict)
{
	const struct sweep_event *left = leaked_at_exit(clean, run);
	char held[RECORD_NAME];
	bool at_mark = leaked_at_mark(clean, run, held);
	const struct reach_row *kept = reach_keeps(&run->reach, &clean->reach);

	if (run->status != clean->status || (!left && !at_mark && !kept))
		return DEFECT_NONE;
	if (left)
		snprintf(verdict->detail, sizeof(verdict->detail),
			 "%s was still open%s when the program exited", left->object,
			 or_mapped(left->object));
	else if (at_mark)
		snprintf(verdict->detail, sizeof(verdict->detail), "%s is still open%s at a mark", held,
			 or_mapped(held));
	else
		snprintf(verdict->detail, sizeof(verdict->detail),
			 "bytes 0x%" PRIx64 "..0x%" PRIx64 " of %s are still mapped %s%s", kept->first, kept->last,
			 kept->memory, *kept->moment ? "at mark " : "when the program exited", kept->moment);
	return DEFECT_LEAK;
}

static enum judge_defect silent(const struct judge_run *clean, const struct judge_run *run,
				struct verdict *verdict)
{
	const struct reach_row *row = reach_lacks(&run->reach, &clean->reach, NULL);

	if (run->status != clean->status || !row)
		return DEFECT_NONE;
	snprintf(verdict->detail, sizeof(verdict->detail),
		 "%s does not reach all of bytes 0x%" PRIx64 "..0x%" PRIx64 " of %s%s%s", row->device,
		 row->first, row->last, row->memory, *row->moment ? " at mark " : "", row->moment);
	return DEFECT_SILENT;
}

static enum judge_defect defect_of(const struct judge_run *clean, const struct judge_run *run,
				   struct verdict *verdict)
{
	enum judge_defect defect;

	if (run->repeats)
		return DEFECT_RETRY_FOREVER;
	if (run->hung)
		return DEFECT_HANG;
	if (!injected(run))
		return DEFECT_UNSTABLE;
	if (run->status != clean->status && run->status == 128 + SIGABRT)
		return DEFECT_ABORT;
	if (run->status != clean->status && is_crash(run->status))
		return DEFECT_CRASH;
	if (run->broken && *run->broken) {
		snprintf(verdict->detail, sizeof(verdict->detail), "%s", run->broken);
		return DEFECT_EXPECTATION;
	}
	defect = silent(clean, run, verdict);
	return defect ? defect : leak(clean, run, verdict);
}

void judge(const struct judge_run *clean, const struct judge_run *run, struct verdict *ret_verdict)
{
	*ret_verdict = (struct verdict){ .outcome = outcome_of(clean, run) };
	ret_verdict->defect = defect_of(clean, run, ret_verdict);
}
