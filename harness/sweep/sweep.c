/* SPDX-License-Identifier: MIT */
/*
 * vfiosim sweep: every failure of a program in turn.
 *
 * Two clean runs make the plan: which points there are. Then one run for each of them,
 * each on a machine of its own, and a verdict: what the program made of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "launch/launch.h"
#include "sweep/sweep.h"

volatile sig_atomic_t sweep_stopped;

/* ---- The clean runs ---------------------------------------------------- */

static int run_clean(struct sweep *sweep, struct sweep_record *record, const struct plan *plan,
		     struct attempt *attempt)
{
	int error;

	*attempt = (struct attempt){ .options = &sweep->attempt_options, .record = record };
	snprintf(attempt->folder, sizeof(attempt->folder), "%s/clean", sweep->folder.path);
	error = attempt_start(attempt, NULL, plan);
	if (error) {
		cli_error("cannot start a run: %s", strerror(-error));
		return error;
	}
	while (!attempt_look(attempt)) {
		if (sweep_stopped)
			attempt_stop(attempt);
		attempt_pause();
	}
	return sweep_stopped ? -EINTR : 0;
}

static void copy_out(const char *path)
{
	char line[1024];
	FILE *from = fopen(path, "re");

	while (from && fgets(line, sizeof(line), from))
		fputs(line, stderr);
	if (from)
		fclose(from);
}

static bool is_expected(const struct sweep *sweep, int status)
{
	const struct expectations *expect = sweep->expect.expect;

	switch (expect ? expect->exit : EXIT_UNSAID) {
	case EXIT_ANY:
		return true;
	case EXIT_STATUS:
		return status == expect->status;
	case EXIT_SIGNAL:
		return status == 128 + expect->status;
	default:
		return !status;
	}
}

/* Is all that happened on record? */
static int check_record(const struct sweep_record *record)
{
	if (!atomic_load(&record->full))
		return 0;
	cli_error("a run has more than %d calls, opens and closes: too many for a sweep", RECORD_MAX);
	return -E2BIG;
}

/* -ECHILD: the command fails without a fault. */
static int check_clean(const struct sweep *sweep, const struct attempt *attempt)
{
	char path[600];

	if (is_expected(sweep, attempt->status) && !attempt->hung && !*attempt->record->broken)
		return check_record(attempt->record);
	snprintf(path, sizeof(path), "%s/stderr", attempt->folder);
	copy_out(path);
	if (attempt->hung)
		cli_error("without a fault the command makes no call for %" PRIu64 " s: hung",
			  attempt->options->timeout_ms / 1000);
	else if (*attempt->record->broken)
		cli_error("without a fault this does not hold: %s", attempt->record->broken);
	else if (attempt->status == LAUNCH_NOT_FOUND || attempt->status == LAUNCH_CANNOT_EXECUTE)
		cli_error("without a fault the command ends with status %d: it, or a command of it, could "
			  "not be executed", attempt->status);
	else
		cli_error("without a fault the command ends with status %d: --expect FILE says what is "
			  "expected of it, if not 0", attempt->status);
	return -ECHILD;
}

/* Where --from begins. -ENOENT: nowhere, told. */
static int events_from(const struct sweep *sweep, size_t n, size_t *ret_from)
{
	const struct sweep_event *events = sweep->clean_record->events;
	const char *marks[64];
	char nearest[128];
	size_t n_marks = 0;

	*ret_from = 0;
	if (!sweep->options->from)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(events[i].verb, "mark"))
			continue;
		*ret_from = i;
		if (!strcmp(events[i].object, sweep->options->from))
			return 0;
		if (n_marks < 64)
			marks[n_marks++] = events[i].object;
	}
	cli_error("--from %s: the command sets no such mark%s", sweep->options->from,
		  suggestion(sweep->options->from, marks, n_marks, nearest, sizeof(nearest)));
	return -ENOENT;
}

static int out_of_memory(void)
{
	cli_error("%s", strerror(ENOMEM));
	return -ENOMEM;
}

static int first_run(struct sweep *sweep, size_t *ret_from)
{
	struct attempt attempt;
	int error = run_clean(sweep, sweep->clean_record, NULL, &attempt);
	size_t n;

	if (!error)
		error = check_clean(sweep, &attempt);
	if (error)
		return error;
	n = sweep_record_n(sweep->clean_record);
	judge_run_init(&sweep->clean, sweep->clean_record->events, n, &sweep->options->may_omit);
	sweep->clean.status = attempt.status;
	sweep->clean_ms = attempt.ended_ms - attempt.started_ms;
	if (sweep->attempt_options.timeout_ms < HANG_TIMES * sweep->clean_ms)
		sweep->attempt_options.timeout_ms = HANG_TIMES * sweep->clean_ms;
	if (sweep->clean.reach.no_memory)
		return out_of_memory();
	return events_from(sweep, n, ret_from);
}

/* It counts the steps inside of commands. */
static int second_run(struct sweep *sweep, struct sweep_record *record)
{
	struct attempt attempt;
	int error = run_clean(sweep, record, &sweep->plan, &attempt);

	if (!error)
		error = check_clean(sweep, &attempt);
	if (!error)
		plan_add_steps(&sweep->plan, &sweep->options->plan, record->met);
	return error;
}

int sweep_make_plan(struct sweep *sweep)
{
	struct sweep_record *again = sweep_record_create();
	size_t from;
	int error = again ? sweep_parse_onlys(sweep) : out_of_memory();

	if (!error)
		error = first_run(sweep, &from);

	if (!error) {
		plan_init(&sweep->plan, &sweep->options->plan, sweep->clean_record->events,
			  sweep_record_n(sweep->clean_record), from);
		error = second_run(sweep, again);
	}
	if (!error && sweep->plan.no_memory)
		error = out_of_memory();
	if (!error && sweep->plan.too_many_steps) {
		cli_error("the command meets more than %d places inside of its calls: --only or --from "
			  "leave some out", RECORD_COUNTS);
		error = -E2BIG;
	}
	sweep_record_destroy(again);
	return error;
}

/* ---- All points -------------------------------------------------------- */

static void progress(const struct sweep *sweep)
{
	uint64_t spent = attempt_now_ms() - sweep->started_ms;
	uint64_t left = sweep->done ? spent * (sweep->n_order - sweep->done) / sweep->done / 1000 : 0;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%zu/%zu, %" PRIu64 ":%02" PRIu64 " left", sweep->done,
			sweep->n_order, left / 60, left % 60);
}

static void print_finished(struct sweep *sweep)
{
	bool quiet = sweep->options->baseline;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	while (sweep->printed < sweep->n_order && sweep->finished[sweep->printed]) {
		size_t index = sweep->order[sweep->printed++];

		if (!quiet)
			results_print_row(stdout, &sweep->results.items[index], cli_colours(stdout));
	}
	fflush(stdout);
}

static int finish(struct sweep *sweep, struct slot *slot)
{
	size_t index = sweep->order[slot->index];
	struct result *result = &sweep->results.items[index];
	struct judge_run run;
	int error = 0;

	judge_run_init(&run, slot->attempt.record->events, sweep_record_n(slot->attempt.record),
		       &sweep->options->may_omit);
	run.status = slot->attempt.status;
	run.hung = slot->attempt.hung;
	run.repeats = slot->attempt.repeats;
	run.broken = slot->attempt.record->broken;
	result->tested = true;
	result->status = run.status;
	judge(&sweep->clean, &run, &result->verdict);
	if (run.reach.no_memory)
		error = out_of_memory();
	else if (!run.repeats && !run.hung)
		error = check_record(slot->attempt.record);
	judge_run_done(&run);
	if (sweep->options->html)
		result->story = sweep_read_story(slot->attempt.folder);
	if (!error && result->verdict.defect && sweep->options->defects)
		error = sweep_keep_defect(sweep, &slot->attempt, index);
	attempt_remove(&slot->attempt);
	sweep->finished[slot->index] = true;
	sweep->done++;
	print_finished(sweep);
	progress(sweep);
	return error;
}

static int start(struct sweep *sweep, struct slot *slot, size_t index)
{
	int error;

	slot->index = index;
	snprintf(slot->attempt.folder, sizeof(slot->attempt.folder), "%s/%zu", sweep->folder.path, index);
	error = attempt_start(&slot->attempt, sweep->results.items[sweep->order[index]].point, NULL);
	if (error)
		cli_error("cannot start a run: %s", strerror(-error));
	return error;
}

static int slots_init(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->options->jobs; i++) {
		sweep->slots[i].attempt.options = &sweep->attempt_options;
		sweep->slots[i].attempt.record = sweep_record_create();
		if (!sweep->slots[i].attempt.record)
			return out_of_memory();
	}
	return 0;
}

/* Starts what can be started, looks at what runs. Is anything left to do? */
static bool look(struct sweep *sweep, struct slot *slot, size_t *next, int *error)
{
	struct attempt *attempt = &slot->attempt;

	if (attempt->pid && sweep_stopped)
		attempt_stop(attempt);
	if (attempt->pid && attempt_look(attempt)) {
		if (sweep_stopped)
			attempt_remove(attempt);
		else if (finish(sweep, slot))
			*error = -EIO;
	}
	if (!attempt->pid && !*error && !sweep_stopped && *next < sweep->n_order)
		*error = start(sweep, slot, (*next)++);
	return attempt->pid > 0;
}

int sweep_test_all(struct sweep *sweep)
{
	int error = slots_init(sweep);
	size_t next = 0;
	bool busy;

	sweep->started_ms = attempt_now_ms();
	do {
		busy = false;
		for (size_t i = 0; i < sweep->options->jobs; i++)
			busy |= look(sweep, &sweep->slots[i], &next, &error);
		attempt_pause();
	} while (busy);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return sweep_stopped ? -EINTR : error;
}
