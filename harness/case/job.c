/* SPDX-License-Identifier: MIT */
/* One play on one target. See job.h; job_fuse.c has the target that needs a run. */
#include "case/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "case/host.h"
#include "case/job_fuse.h"
#include "case/verb.h"
#include "fault_args.h"
#include "report/explain.h"
#include "report/story.h"
#include "report/story_text.h"

const char *const job_targets[] = { "inproc", "fuse", "host", NULL };

/* ---- Telling the steps ------------------------------------------------- */

static void tell_step(void *ctx, const struct play *play, size_t index)
{
	const struct step *step = &play->steps[index];
	struct explain *explain = ctx;
	char text[400];
	size_t n = 0;

	for (const struct verb_field *field = step->verb->fields; field->name; field++) {
		const struct arg *arg = step_arg(step, field->name);

		if (arg && arg->node->text && n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s %s", field->name,
					      arg->node->text);
	}
	text[n < sizeof(text) ? n : sizeof(text) - 1] = 0;
	explain_heading(explain, false, "%zu. %s%s%s%s", index + 1, step->verb->name,
			n ? text : "", step->note ? ": " : "", step->note ? step->note : "");
}

static void tell_note(void *ctx, const char *note)
{
	explain_note(ctx, note);
}

static void tell_end(void *ctx)
{
	explain_heading(ctx, false, "the end: the program exits, what it still holds is closed");
}

struct run_watch job_watch(struct explain *explain)
{
	return (struct run_watch){ tell_step, tell_note, tell_end, explain };
}

void job_tell_title(struct explain *explain, const struct play *play)
{
	char name[200];

	case_play_name(play, name, sizeof(name));
	explain_heading(explain, true, "%s: %s", name, play->file->about);
}

/* ---- In this process --------------------------------------------------- */

/* What tells the play while it runs: every event, or a story. */
struct telling {
	struct explain explain;
	struct story *story;
	struct run_watch watch;
	struct target_sink sinks[3];
};

static int begin_telling(const struct play *play, const struct job_options *options,
			 struct telling *telling)
{
	int error = 0;

	if (options->story) {
		error = story_create(play, &telling->story);
		if (error)
			return error;
		telling->watch = story_watch(telling->story);
		telling->sinks[1] = (struct target_sink){ story_event, telling->story };
	} else if (options->explain) {
		explain_init(&telling->explain, options->explain, options->colours);
		job_tell_title(&telling->explain, play);
		telling->watch = job_watch(&telling->explain);
		telling->sinks[1] = (struct target_sink){ explain_event, &telling->explain };
	}
	return error;
}

static void listen_to(struct target *target, struct story *story)
{
	if (!story)
		return;
	story->target = target;
	target->called = story_called;
	target->called_ctx = story;
}

static void end_telling(const struct job_options *options, struct telling *telling)
{
	if (!telling->story)
		return;
	story_finish(telling->story);
	story_tell(telling->story, options->story, options->explain);
	story_destroy(telling->story);
}

static int run_inproc(const struct play *play, const struct job_options *options,
		      struct job_result *ret_result)
{
	struct telling telling = { .story = NULL };
	struct target *target;
	size_t size;
	FILE *trace = open_memstream(&ret_result->trace, &size);
	int error;

	if (!trace)
		return -ENOMEM;
	telling.sinks[0] = (struct target_sink){ vfiosim_trace_json, trace };
	error = begin_telling(play, options, &telling);
	if (!error)
		error = target_inproc_create(play->topology, telling.sinks, &target);
	if (!error) {
		listen_to(target, telling.story);
		error = run_play(play, target, telling.watch.step ? &telling.watch : NULL,
				 &ret_result->outcome);
		target_destroy(target);
	}
	end_telling(options, &telling);
	fclose(trace);
	return error;
}

/* ---- On this computer -------------------------------------------------- */

static int run_host(const struct play *play, const struct job_options *options,
		    struct job_result *ret_result)
{
	struct target *target;
	struct host host;
	int error;

	if (!host_begin(play, options, &host)) {
		ret_result->outcome.verdict = SKIPPED;
		ret_result->outcome.message = strdup(host.why);
		return ret_result->outcome.message ? 0 : -ENOMEM;
	}
	error = target_host_create(host.devices, options->n_devices, options->allow_sysfs,
				   host.memlock, &target);
	if (!error) {
		error = run_play(play, target, NULL, &ret_result->outcome);
		target_destroy(target);
	}
	host_end(&host);
	return error;
}

const char *job_skipped(const struct play *play, enum job_target target)
{
	const struct ynode *skip = ynode_get(play->file->skip, job_targets[target]);

	if (!skip && target == JOB_HOST && play->file->faults)
		return "its faults can be injected only into a simulated machine";
	return skip ? skip->text : NULL;
}

/* ---- Any --------------------------------------------------------------- */

int job_make(const struct play *play, const struct job_options *options, struct play *ret_whole)
{
	/* Nothing is wrong with it: every play was made once when the case was read. */
	int error = case_play_make(play->file, play->variant, play->mode, play->policy, ret_whole, NULL);

	if (error)
		return error;
	if (options->kernel.major && !ynode_get(play->file->params, "kernel"))
		vfiosim_topology_set_kernel(ret_whole->topology, options->kernel);
	error = fault_args_apply(options->faults, ret_whole->topology);
	if (error)
		case_play_done(ret_whole);
	return error;
}

int job_run(const struct play *play, const struct job_options *options,
	    struct job_result *ret_result)
{
	const char *why = job_skipped(play, options->target);
	struct play whole;
	int error;

	*ret_result = (struct job_result){ 0 };
	if (why) {
		ret_result->outcome.verdict = SKIPPED;
		ret_result->outcome.message = strdup(why);
		return ret_result->outcome.message ? 0 : -ENOMEM;
	}
	error = job_make(play, options, &whole);
	if (error)
		return error;
	if (options->target == JOB_INPROC)
		error = run_inproc(&whole, options, ret_result);
	else if (options->target == JOB_FUSE)
		error = job_run_fuse(&whole, options, ret_result);
	else
		error = run_host(&whole, options, ret_result);
	case_play_done(&whole);
	if (error)
		job_result_done(ret_result);
	return error;
}

void job_result_done(struct job_result *result)
{
	outcome_done(&result->outcome);
	free(result->trace);
	*result = (struct job_result){ 0 };
}
