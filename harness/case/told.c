/* SPDX-License-Identifier: MIT */
/* See told.h. */
#include "case/told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "case/job.h"
#include "report/story.h"

static int run(struct told *told)
{
	struct target_sink sinks[] = { { story_event, told->story }, { NULL, NULL } };
	struct run_watch watch = story_watch(told->story);
	struct target *target;
	int error = target_inproc_create(told->play->topology, sinks, &target);

	if (error)
		return error;
	told->story->target = target;
	target->called = story_called;
	target->called_ctx = told->story;
	error = run_play(told->play, target, &watch, &told->outcome);
	target_destroy(target);
	story_finish(told->story);
	return error;
}

int told_make(const struct play *play, const struct job_options *options, struct told *ret_told)
{
	static const struct job_options none;
	struct told told = { .play = calloc(1, sizeof(*told.play)) };
	int error = told.play ? 0 : -ENOMEM;

	if (!error)
		error = job_make(play, options ? options : &none, told.play);
	if (!error)
		error = story_create(told.play, &told.story);
	if (!error)
		error = run(&told);
	if (error)
		told_done(&told);
	else
		*ret_told = told;
	return error;
}

void told_done(struct told *told)
{
	story_destroy(told->story);
	if (told->play)
		case_play_done(told->play);
	free(told->play);
	outcome_done(&told->outcome);
	*told = (struct told){ 0 };
}

static bool is_case_story(const struct play *play)
{
	const struct case_story *story = &play->file->story;
	const char *variant = case_variant(play->file, play->variant);

	return (!story->variant || (variant && !strcmp(variant, story->variant))) &&
	       (story->mode < 0 || story->mode == (int)play->mode) &&
	       (!story->policy || story->policy == play->policy);
}

const struct play *told_choose(const struct case_file *file, const struct play *plays, size_t n,
			       size_t *ret_others)
{
	const struct play *told = NULL, *first = NULL;
	size_t of_it = 0;

	for (size_t i = 0; i < n; i++) {
		if (plays[i].file != file)
			continue;
		of_it++;
		first = first ? first : &plays[i];
		if (!told && is_case_story(&plays[i]))
			told = &plays[i];
	}
	if (ret_others)
		*ret_others = of_it ? of_it - 1 : 0;
	return told ? told : first;
}
