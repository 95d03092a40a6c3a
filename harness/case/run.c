/* SPDX-License-Identifier: MIT */
/* Running a play: steps, what they gave, and what the policy ended with. See run.h. */
#include "case/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "case/compare.h"
#include "case/verb.h"

/* ---- For the verbs ----------------------------------------------------- */

int run_skip(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->skip, sizeof(run->skip), format, args);
	va_end(args);
	return RUN_SKIP;
}

int run_broken(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->broken, sizeof(run->broken), format, args);
	va_end(args);
	return RUN_BROKEN;
}

int run_answer(struct run *run, long answer, struct result *ret_result)
{
	struct refusal why;

	ret_result->error = answer < 0 ? (int)answer : 0;
	if (answer >= 0)
		return 0;
	if (answer == -ENOSYS)
		return run_skip(run, "%s cannot do this step", run->target->ops->name);
	run->target->ops->refusal(run->proc, &why);
	snprintf(ret_result->rule, sizeof(ret_result->rule), "%s", why.rule);
	snprintf(ret_result->reason, sizeof(ret_result->reason), "%s", why.reason);
	return 0;
}

static struct result_value *new_value(struct result *result, const char *name)
{
	struct result_value *value;

	if (result->n_values == EXPECT_VALUES_MAX)
		return NULL;
	value = &result->values[result->n_values++];
	*value = (struct result_value){ 0 };
	snprintf(value->name, sizeof(value->name), "%s", name);
	return value;
}

void result_number(struct result *result, const char *name, uint64_t number)
{
	struct result_value *value = new_value(result, name);

	if (value)
		value->number = number;
}

void result_text(struct result *result, const char *name, const char *format, ...)
{
	struct result_value *value = new_value(result, name);
	va_list args;

	if (!value)
		return;
	value->is_text = true;
	va_start(args, format);
	vsnprintf(value->text, sizeof(value->text), format, args);
	va_end(args);
}

/* ---- Names ------------------------------------------------------------- */

struct named *run_named(struct run *run, enum named_kind kind, const char *name)
{
	return name_map_find(&run->names[kind], name);
}

struct named *run_name(struct run *run, enum named_kind kind, const char *name)
{
	struct named *named = run_named(run, kind, name), *made = NULL;

	if (!named)
		named = made = malloc(sizeof(*named));
	if (made && name_map_insert(&run->names[kind], name, made)) {
		free(made);
		return NULL;
	}
	if (named)
		*named = (struct named){ .fd = -1 };
	return named;
}

static void free_named(void *ctx, const char *name, void *item)
{
	free(item);
}

static void names_done(struct run *run)
{
	for (unsigned kind = 0; kind < NAMED_KINDS; kind++) {
		name_map_visit(&run->names[kind], free_named, NULL);
		name_map_done(&run->names[kind]);
	}
}

int run_fd(struct run *run, const char *name)
{
	struct named *named = run_named(run, NAMED_FD, name);

	return named ? named->fd : -1;
}

const struct target_device *run_device(struct run *run, const char *name)
{
	return target_device(run->target, name);
}

/* ---- One step ---------------------------------------------------------- */

/* Who does it: the first process, or the one called `by`. */
static int choose_process(struct run *run, const struct step *step)
{
	struct named *named;

	run->proc = run->first;
	if (!step->by)
		return 0;
	named = run_named(run, NAMED_PROC, step->by);
	if (!named || !named->proc)
		return run_broken(run, "no process is called '%s': `fork: {as: %s}` makes one",
				  step->by, step->by);
	run->proc = named->proc;
	return 0;
}

static int do_step(struct run *run, const struct step *step, struct result *result)
{
	const struct verb *verb = step->verb;
	int error = choose_process(run, step);

	if (error)
		return error;
	if (run->play->policy)
		return verb->play ? verb->play(run, step, result) : 0;
	if (!verb->run)
		return run_broken(run, "'%s' needs a policy", verb->name);
	return verb->run(run, step, result);
}

/* The picture of the machine, or NULL where there is none (a real kernel). */
static char *picture(struct run *run)
{
	char *text = NULL;

	return run->target->ops->state(run->target, &text) ? NULL : text;
}

/* The same on every target, so it holds a rule only where the case speaks of one. */
static void log_step(FILE *log, const struct step *step, size_t index, const struct result *result)
{
	char buffer[24];

	fprintf(log, "%zu %s: %s", index + 1, step->verb->name,
		result->error ? errno_name(-result->error, buffer) : "ok");
	if (step->expect.rule && result->rule[0])
		fprintf(log, " %s", result->rule);
	for (unsigned i = 0; i < result->n_values; i++) {
		const struct result_value *value = &result->values[i];

		if (value->is_text)
			fprintf(log, " %s=%s", value->name, value->text);
		else
			fprintf(log, " %s=0x%" PRIx64, value->name, value->number);
	}
	fputc('\n', log);
}

/* Is anything expected of this play? Of a policy that the case does not speak of nothing is. */
static bool is_judged(const struct run *run)
{
	const struct policy *policy = run->play->policy;

	return !run->play->unjudged &&
	       (!policy || ynode_get(run->play->file->outcome, policy->name));
}

/* Under a policy only steps of plug and unplug are held against what they expect. */
static bool is_checked(const struct run *run, const struct step *step)
{
	return is_judged(run) && (!run->play->policy || step->verb->needs_policy);
}

static int check_step(struct run *run, const struct step *step, size_t index, char *before,
		      const struct result *result, FILE *message)
{
	const struct ynode *at = step->expect.node ? step->expect.node : step->node;
	char *after;
	bool same;

	fprintf(message, "%s:%u:%u: step %zu (%s): ", at->file, at->line, at->column, index + 1,
		step->verb->name);
	if (!compare_result(&step->expect, result, run->target->simulated, message))
		return FAILED;
	if (!step->expect.unchanged || !before)
		return PASSED;
	after = picture(run);
	same = after && compare_state(before, after, message);
	free(after);
	return same ? PASSED : FAILED;
}

/* A verdict; PASSED: go on with the next step. */
static enum verdict run_step(struct run *run, size_t index, FILE *log, FILE *message)
{
	const struct step *step = &run->play->steps[index];
	struct result result = { 0 };
	char *before = step->expect.unchanged && is_judged(run) ? picture(run) : NULL;
	int error = do_step(run, step, &result);
	enum verdict verdict = PASSED;

	rewind(message);
	if (error == RUN_SKIP) {
		fprintf(message, "step %zu (%s): %s", index + 1, step->verb->name, run->skip);
		verdict = SKIPPED;
	} else if (error == RUN_BROKEN && !is_judged(run)) {
		verdict = PASSED;	/* what it needs did not come about */
	} else if (error == RUN_BROKEN) {
		fprintf(message, "%s:%u:%u: step %zu (%s): %s", step->node->file, step->node->line,
			step->node->column, index + 1, step->verb->name, run->broken);
		verdict = FAILED;
	} else if (error) {
		fprintf(message, "step %zu (%s): the harness itself failed: %s", index + 1,
			step->verb->name, strerror(-error));
		verdict = FAILED;
	} else {
		if (!run->play->policy || step->verb->play)
			log_step(log, step, index, &result);
		if (is_checked(run, step))
			verdict = check_step(run, step, index, before, &result, message);
	}
	free(before);
	return verdict;
}

/* ---- The whole --------------------------------------------------------- */

/* For --explain: what the policy ended with, in a sentence. */
static void tell_outcome(const struct run *run, const struct run_watch *watch)
{
	const struct selector *selector = run->selector;
	uint64_t omitted[8];
	size_t n = selector_omitted(selector, omitted, 8), length;
	char text[400];

	if (!watch || !watch->note)
		return;
	length = (size_t)snprintf(text, sizeof(text), "in the end: %u %s%s, left out:%s",
				  selector_spaces(selector),
				  run->play->mode == MODE_LEGACY ? "container" : "ioas",
				  run->play->mode == MODE_LEGACY && selector_spaces(selector) != 1 ?
					  "s" : "", n ? "" : " nothing");
	for (size_t i = 0; i < n && i < 8; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " 0x%" PRIx64,
					   omitted[i]);
	length += (size_t)snprintf(text + length, sizeof(text) - length, ", refused:%s",
				   selector_refused(selector, 0) ? "" : " nobody");
	for (size_t i = 0; selector_refused(selector, i) && length < sizeof(text); i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, " %s",
					   selector_refused(selector, i));
	watch->note(watch->ctx, text);
}

/* As scripted each of the case's faults happens; a policy may come past without meeting it. */
static enum verdict check_faults(struct run *run, FILE *message)
{
	const struct ynode *at = run->play->file->faults;
	char *state = at && !run->play->policy && !run->play->unjudged ? picture(run) : NULL;
	bool fired;

	if (!state)
		return PASSED;
	rewind(message);
	fprintf(message, "%s:%u:%u: ", at->file, at->line, at->column);
	fired = compare_faults(state, message);
	free(state);
	return fired ? PASSED : FAILED;
}

static void note_end(const struct selector *selector, struct outcome_end *end)
{
	const char *name;

	end->known = true;
	end->aborted = selector_aborted(selector);
	end->spaces = selector_spaces(selector);
	end->omitted = selector_omitted(selector, end->omitted_at, OUTCOME_NAMED_MAX);
	end->unmapped = selector_unmapped(selector);
	for (; (name = selector_refused(selector, end->refused)); end->refused++)
		if (end->refused < OUTCOME_NAMED_MAX)
			snprintf(end->refused_names[end->refused], sizeof(end->refused_names[0]),
				 "%s", name);
	selector_placed(selector, end->placed, sizeof(end->placed));
}

static enum verdict check_outcome(struct run *run, const struct run_watch *watch, FILE *log,
				  FILE *message)
{
	if (!run->play->policy)
		return PASSED;
	tell_outcome(run, watch);
	if (!is_judged(run))
		return PASSED;
	rewind(message);
	for (size_t i = 0; selector_note(run->selector, i); i++)
		fprintf(log, "policy: %s\n", selector_note(run->selector, i));
	return compare_outcome(run->play, run->selector, log, message) ? PASSED : FAILED;
}

static enum verdict run_steps(struct run *run, const struct run_watch *watch, FILE *log,
			      FILE *message)
{
	for (size_t i = 0; i < run->play->n_steps; i++) {
		enum verdict verdict;

		if (watch && watch->step)
			watch->step(watch->ctx, run->play, i);
		verdict = run_step(run, i, log, message);
		if (verdict != PASSED)
			return verdict;
		if (run->selector && selector_aborted(run->selector))
			break;
	}
	if (check_faults(run, message) != PASSED)
		return FAILED;
	return check_outcome(run, watch, log, message);
}

static int begin(struct run *run, const struct run_watch *watch)
{
	int error;

	for (unsigned kind = 0; kind < NAMED_KINDS; kind++)
		name_map_init(&run->names[kind]);
	error = run->target->ops->process(run->target, NULL, &run->first);

	if (!error && run->play->policy)
		error = selector_create(run->first, run->play->policy, &run->selector);
	if (!error && run->selector && watch)
		selector_listen(run->selector, watch->note, watch->ctx);
	run->proc = run->first;
	return error;
}

int run_play(const struct play *play, struct target *target, const struct run_watch *watch,
	     struct outcome *ret_outcome)
{
	struct run run = { .play = play, .target = target };
	size_t log_size, message_size;
	FILE *log, *message;
	int error = begin(&run, watch);

	if (error)
		return error;
	*ret_outcome = (struct outcome){ 0 };
	log = open_memstream(&ret_outcome->log, &log_size);
	message = open_memstream(&ret_outcome->message, &message_size);
	if (log && message)
		ret_outcome->verdict = run_steps(&run, watch, log, message);
	else
		error = -ENOMEM;
	if (log)
		fclose(log);
	if (message)
		fclose(message);
	if (watch && watch->end)
		watch->end(watch->ctx);
	if (run.selector)
		note_end(run.selector, &ret_outcome->end);
	selector_destroy(run.selector);
	names_done(&run);
	if (error)
		outcome_done(ret_outcome);
	return error;
}

int run_play_heard(const struct play *play, vfiosim_trace_sink *sink, void *ctx)
{
	struct target_sink sinks[] = { { sink, ctx }, { NULL, NULL } };
	struct outcome outcome = { 0 };
	struct target *target;
	int error = target_inproc_create(play->topology, sinks, &target);

	if (error)
		return error;
	error = run_play(play, target, NULL, &outcome);
	target_destroy(target);
	outcome_done(&outcome);
	return error;
}

void outcome_done(struct outcome *outcome)
{
	free(outcome->log);
	free(outcome->message);
	*outcome = (struct outcome){ 0 };
}
