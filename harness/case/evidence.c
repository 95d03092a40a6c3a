/* SPDX-License-Identifier: MIT */
/* Every case, played for its refusals. See evidence.h. */
#include "case/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/error.h>
#include <vfiosim/trace.h>

#include "base/kernel_version.h"
#include "case/case_verb.h"
#include "case/library.h"
#include "case/run.h"
#include "report/names.h"

struct collector {
	struct evidence evidence;
	const struct play *play;
	size_t of_play;
	int error;
};

static void shown_done(struct shown *shown)
{
	free((void *)(uintptr_t)shown->verb);
	free(shown->reason);
	free(shown->provoke);
	free(shown->name);
	free(shown->play);
}

/* "ioctl 0x3bff": a number that is no command. */
static bool is_command(const struct vfiosim_event *event)
{
	return strncmp(event->verb, "ioctl ", strlen("ioctl ")) != 0;
}

/* What plays @play, as a command to be typed. */
static char *command_of(const struct play *play)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	case_put_command(play, to);
	fclose(to);
	return text;
}

/* NULL: it is not known yet. */
static struct shown *find(const struct evidence *evidence, const struct vfiosim_event *event)
{
	for (size_t i = 0; i < evidence->n; i++)
		if (evidence->list[i].rule == event->rule && evidence->list[i].error == -event->result &&
		    !strcmp(evidence->list[i].verb, event->verb))
			return &evidence->list[i];
	return NULL;
}

/* One more, or NULL: no memory. */
static struct shown *add(struct evidence *evidence)
{
	struct shown *grown = realloc(evidence->list, (evidence->n + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	evidence->list = grown;
	grown[evidence->n] = (struct shown){ 0 };
	return &grown[evidence->n++];
}

static int fill(struct shown *shown, const struct collector *collector,
		const struct vfiosim_event *event)
{
	const struct play *play = collector->play;
	char reason[1000];

	names_fill(play->topology, event->reason ? event->reason : "", reason, sizeof(reason));
	shown_done(shown);
	*shown = (struct shown){
		.rule = event->rule,
		.verb = strdup(event->verb),
		.error = (int)-event->result,
		.reason = strdup(reason),
		.provoke = event->provoke ? strdup(event->provoke) : NULL,
		.name = strdup(play->file->name),
		.play = command_of(play),
		.of_play = collector->of_play,
		.kernel = play->topology->kernel,
	};
	return shown->verb && shown->reason && shown->name && shown->play ? 0 : -ENOMEM;
}

static bool is_refusal(const struct collector *collector, const struct vfiosim_event *event)
{
	return event->result < 0 && event->rule && strcmp(event->rule->id, "injected") &&
	       is_command(event) && !collector->error;
}

static void note_refusal(void *ctx, const struct vfiosim_event *event)
{
	struct collector *collector = ctx;
	struct shown *shown;

	if (!is_refusal(collector, event))
		return;
	shown = find(&collector->evidence, event);
	if (shown && !kernel_before(shown->kernel, collector->play->topology->kernel))
		return;
	if (!shown)
		shown = add(&collector->evidence);
	collector->error = shown ? fill(shown, collector, event) : -ENOMEM;
}

/* What is known already, on a newer Linux. */
static void note_again(void *ctx, const struct vfiosim_event *event)
{
	struct collector *collector = ctx;
	struct shown *shown = is_refusal(collector, event) ? find(&collector->evidence, event) : NULL;

	if (shown && kernel_before(shown->kernel, collector->play->topology->kernel))
		shown->kernel = collector->play->topology->kernel;
}

const char *evidence_where(const struct evidence *evidence, const struct shown *shown, char *to,
			   size_t size)
{
	*to = '\0';
	if (kernel_before(shown->kernel, evidence->newest))
		snprintf(to, size, " on Linux %u.%u", shown->kernel.major, shown->kernel.minor);
	return to;
}

/* @again: on the newest Linux, whatever the play says. */
static int collect_play(struct collector *collector, const struct play *play, bool again)
{
	struct evidence *evidence = &collector->evidence;
	struct vfiosim_errors why;
	struct play whole;
	int error = case_play_make(play->file, play->variant, play->mode, play->policy, &whole, &why);

	if (error)
		return error;
	collector->play = &whole;	/* cppcheck-suppress autoVariables ; read while it is played */
	if (again)
		vfiosim_topology_set_kernel(whole.topology, evidence->newest);
	if (kernel_before(evidence->newest, whole.topology->kernel))
		evidence->newest = whole.topology->kernel;
	error = run_play_heard(&whole, again ? note_again : note_refusal, collector);
	case_play_done(&whole);
	return error ? error : collector->error;
}

/* Plays on older kernels may show what the newest answers as well. */
static int look_again(struct collector *collector, const struct play *plays)
{
	const struct evidence *evidence = &collector->evidence;
	int error = 0;

	for (size_t i = 0; i < evidence->n && !error; i++)
		if (kernel_before(evidence->list[i].kernel, evidence->newest))
			error = collect_play(collector, &plays[evidence->list[i].of_play], true);
	return error;
}

int evidence_collect(struct evidence *ret_evidence)
{
	static const struct play_filter any = { .mode = -1 };
	struct collector collector = { .error = 0 };
	struct vfiosim_errors why;
	struct library library;
	struct play *plays = NULL;
	size_t n = 0;
	int error = library_load(NULL, 0, &library, &why);

	if (error) {
		cli_file_errors(&why);
		return error;
	}
	error = library_plays(&library, &any, &plays, &n);
	for (collector.of_play = 0; collector.of_play < n && !error; collector.of_play++)
		error = collect_play(&collector, &plays[collector.of_play], false);
	if (!error)
		error = look_again(&collector, plays);
	library_plays_done(plays, n);
	library_done(&library);
	if (error)
		evidence_done(&collector.evidence);
	else
		*ret_evidence = collector.evidence;
	return error;
}

void evidence_done(struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->n; i++)
		shown_done(&evidence->list[i]);
	free(evidence->list);
	*evidence = (struct evidence){ 0 };
}
