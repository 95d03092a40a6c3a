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
#include <time.h>
#include <unistd.h>

#include "base/nearest.h"
#include "sweep/sweep.h"

volatile sig_atomic_t sweep_stopped;

/* ---- The clean runs ---------------------------------------------------- */

static int run_clean(struct sweep *sweep, struct sweep_record *record, const struct plan *plan,
		     struct attempt *attempt)
{
	int error;

	*attempt = (struct attempt){ .options = &sweep->attempt_options, .record = record };
	snprintf(attempt->folder, sizeof(attempt->folder), "%s/clean", sweep->folder);
	error = attempt_start(attempt, NULL, plan);
	if (error) {
		cli_error("cannot start a run: %s", strerror(-error));
		return error;
	}
	attempt_wait(attempt);
	return 0;
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

static int clean_is_good(const struct sweep *sweep, const struct attempt *attempt)
{
	char path[600];

	if (is_expected(sweep, attempt->status) && !attempt->hung && !*attempt->record->broken)
		return 0;
	snprintf(path, sizeof(path), "%s/stderr", attempt->folder);
	copy_out(path);
	if (attempt->hung)
		cli_error("without a fault the command makes no call for %" PRIu64 " s: hung",
			  attempt->options->timeout_ms / 1000);
	else if (*attempt->record->broken)
		cli_error("without a fault this does not hold: %s", attempt->record->broken);
	else
		cli_error("without a fault the command ends with status %d: --expect FILE says what is "
			  "expected of it, if not 0", attempt->status);
	return -EINVAL;
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

/* The second clean run counts the steps inside of commands. */
int sweep_make_plan(struct sweep *sweep)
{
	struct sweep_record *again = sweep_record_create();
	struct attempt attempt;
	size_t n, from;
	int error = again ? 0 : -ENOMEM;

	if (!error)
		error = run_clean(sweep, sweep->clean_record, NULL, &attempt);
	if (!error)
		error = clean_is_good(sweep, &attempt);
	if (!error) {
		sweep->clean_ms = attempt.ended_ms - attempt.started_ms;
		n = sweep_record_n(sweep->clean_record);
		judge_run_init(&sweep->clean, sweep->clean_record->events, n,
			       &sweep->options->may_omit);
		sweep->clean.status = attempt.status;
		error = events_from(sweep, n, &from);
	}
	if (!error) {
		plan_init(&sweep->plan, &sweep->options->plan, sweep->clean_record->events, n, from);
		error = run_clean(sweep, again, &sweep->plan, &attempt);
	}
	if (!error)
		error = clean_is_good(sweep, &attempt);
	if (!error) {
		plan_add_steps(&sweep->plan, &sweep->options->plan, again->met);
		if (sweep->attempt_options.timeout_ms < HANG_TIMES * sweep->clean_ms)
			sweep->attempt_options.timeout_ms = HANG_TIMES * sweep->clean_ms;
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

static void finish(struct sweep *sweep, struct slot *slot)
{
	size_t index = sweep->order[slot->index];
	struct result *result = &sweep->results.items[index];
	struct judge_run run;

	judge_run_init(&run, slot->attempt.record->events, sweep_record_n(slot->attempt.record),
		       &sweep->options->may_omit);
	run.status = slot->attempt.status;
	run.hung = slot->attempt.hung;
	run.repeats = slot->attempt.repeats;
	run.broken = slot->attempt.record->broken;
	result->tested = true;
	result->status = run.status;
	judge(&sweep->clean, &run, &result->verdict);
	judge_run_done(&run);
	if (sweep->options->html)
		result->story = sweep_read_story(slot->attempt.folder);
	if (result->verdict.defect && sweep->options->defects)
		sweep_keep_defect(sweep, &slot->attempt, index);
	attempt_remove(&slot->attempt);
	sweep->finished[slot->index] = true;
	sweep->done++;
	print_finished(sweep);
	progress(sweep);
}

static int start(struct sweep *sweep, struct slot *slot, size_t index)
{
	int error;

	slot->index = index;
	snprintf(slot->attempt.folder, sizeof(slot->attempt.folder), "%s/%zu", sweep->folder, index);
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
			return -ENOMEM;
	}
	return 0;
}

int sweep_test_all(struct sweep *sweep)
{
	const struct timespec look = { .tv_nsec = 1000000 };
	size_t next = 0, running = 0;
	int error = slots_init(sweep);

	sweep->started_ms = attempt_now_ms();
	do {
		for (size_t i = 0; i < sweep->options->jobs; i++) {
			struct slot *slot = &sweep->slots[i];

			if (slot->attempt.pid && attempt_look(&slot->attempt)) {
				running--;
				finish(sweep, slot);
			}
			if (slot->attempt.pid || error || sweep_stopped || next == sweep->n_order)
				continue;
			error = start(sweep, slot, next++);
			running += !error;
		}
		nanosleep(&look, NULL);
	} while (running || (!error && !sweep_stopped && next < sweep->n_order));
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return sweep_stopped ? -EINTR : error;
}
