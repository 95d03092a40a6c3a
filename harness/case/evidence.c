/* SPDX-License-Identifier: MIT */
/* Every case, played for its refusals. See evidence.h. */
#include "case/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/error.h>
#include <vfiosim/trace.h>

#include "case/case_verb.h"
#include "case/library.h"
#include "case/run.h"
#include "report/names.h"

struct collector {
	struct evidence evidence;
	const struct play *play;
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

static bool is_known(const struct evidence *evidence, const struct vfiosim_event *event)
{
	for (size_t i = 0; i < evidence->n; i++)
		if (evidence->list[i].rule == event->rule && evidence->list[i].error == -event->result &&
		    !strcmp(evidence->list[i].verb, event->verb))
			return true;
	return false;
}

static int add(struct collector *collector, const struct vfiosim_event *event)
{
	struct evidence *evidence = &collector->evidence;
	struct shown *grown = realloc(evidence->list, (evidence->n + 1) * sizeof(*grown));
	struct shown *shown;
	char reason[1000];

	if (!grown)
		return -ENOMEM;
	evidence->list = grown;
	names_fill(collector->play->topology, event->reason ? event->reason : "", reason, sizeof(reason));
	shown = &grown[evidence->n++];
	*shown = (struct shown){
		.rule = event->rule,
		.verb = strdup(event->verb),
		.error = (int)-event->result,
		.reason = strdup(reason),
		.provoke = event->provoke ? strdup(event->provoke) : NULL,
		.name = strdup(collector->play->file->name),
		.play = command_of(collector->play),
	};
	return shown->verb && shown->reason && shown->name && shown->play ? 0 : -ENOMEM;
}

static void note_refusal(void *ctx, const struct vfiosim_event *event)
{
	struct collector *collector = ctx;

	if (event->result < 0 && event->rule && strcmp(event->rule->id, "injected") &&
	    is_command(event) && !collector->error && !is_known(&collector->evidence, event))
		collector->error = add(collector, event);
}

static int collect_play(struct collector *collector, const struct play *play)
{
	struct vfiosim_errors why;
	struct play whole;
	int error = case_play_make(play->file, play->variant, play->mode, play->policy, &whole, &why);

	if (error)
		return error;
	collector->play = &whole;
	error = run_play_heard(&whole, note_refusal, collector);
	case_play_done(&whole);
	return error ? error : collector->error;
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
	for (size_t i = 0; i < n && !error; i++)
		error = collect_play(&collector, &plays[i]);
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
