/* SPDX-License-Identifier: MIT */
/* What was asked against must: and never:. See steps.h. */
#include "expect/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "expect/event.h"
#include "expect/judge.h"

int steps_init(struct steps *steps, const struct expectations *expect, struct expect_report *report)
{
	*steps = (struct steps){
		.expect = expect,
		.report = report,
		.counts = calloc(expect->n_never + 1, sizeof(*steps->counts)),
		.early = calloc(expect->n_must + 1, sizeof(*steps->early)),
	};
	return steps->counts && steps->early ? 0 : -ENOMEM;
}

void steps_done(struct steps *steps)
{
	for (size_t i = 0; steps->counts && i < steps->expect->n_never; i++)
		free(steps->counts[i].told);
	free(steps->counts);
	for (size_t i = 0; steps->early && i < steps->expect->n_must; i++)
		free(steps->early[i]);
	free(steps->early);
	free(steps->near);
	*steps = (struct steps){ 0 };
}

/* ---- Does a step match a row? ------------------------------------------ */

static bool answer_is(const struct step_want *want, const struct vfiosim_event *event, bool must)
{
	int error = event->result < 0 ? (int)-event->result : 0;

	if (want->rule && (!event->rule || strcmp(event->rule->id, want->rule)))
		return false;
	if (want->error >= 0)
		return error == want->error;
	return !must || want->rule || !error;
}

static bool is_about(const struct step_want *want, const struct deed *deed)
{
	if (want->device && !list_has_text(deed->devices, deed->n_devices, want->device))
		return false;
	if (want->space && want->space != deed->space)
		return false;
	if (want->kind == STEP_MAP)
		return what_is(&want->what, &deed->mapping);
	if (want->kind == STEP_UNMAP)
		return deed->everything || what_is(&want->what, &deed->mapping);
	if (want->kind == STEP_COMMAND)
		return event_is(deed->event, want->command);
	return true;
}

/* ---- must: ------------------------------------------------------------- */

static void set_near(struct steps *steps, enum near nearness, const struct deed *deed)
{
	free(steps->near);
	steps->near = tell_event(deed->event, deed->step);
	steps->nearness = nearness;
	steps->near_space = deed->space;
	steps->near_iova = deed->mapping.iova;
}

/*
 * The same in another space, or the first mapping elsewhere in that space: better than
 * nothing to tell, if nothing nearer comes.
 */
static void note_near(struct steps *steps, const struct step_want *want, const struct deed *deed)
{
	struct step_want anywhere = *want;

	anywhere.space = 0;
	if (want->kind != deed->kind)
		return;
	if (want->space && is_about(&anywhere, deed)) {
		if (!steps->near || steps->nearness != NEAR_ANSWER)
			set_near(steps, NEAR_SPACE, deed);
	} else if (want->kind == STEP_MAP && want->what.kind == WHAT_RANGE && !steps->near &&
		   !deed->mapping.device && (!want->space || want->space == deed->space)) {
		set_near(steps, NEAR_IOVA, deed);
	}
}

static bool is_wanted(const struct step_want *want, const struct deed *deed)
{
	return want->kind == deed->kind && is_about(want, deed) && answer_is(want, deed->event, true);
}

static void note_early(struct steps *steps, const struct deed *deed)
{
	for (size_t i = steps->next_must + 1; i < steps->expect->n_must; i++)
		if (!steps->early[i] && is_wanted(&steps->expect->must[i], deed))
			steps->early[i] = tell_event(deed->event, deed->step);
}

static void do_must(struct steps *steps, const struct deed *deed)
{
	const struct expectations *expect = steps->expect;
	const struct step_want *want;

	if (steps->next_must >= expect->n_must)
		return;
	want = &expect->must[steps->next_must];
	note_early(steps, deed);
	if (want->kind != deed->kind || !is_about(want, deed)) {
		note_near(steps, want, deed);
		return;
	}
	if (!answer_is(want, deed->event, true)) {
		set_near(steps, NEAR_ANSWER, deed);
		return;
	}
	row_pass(report_must(steps->report, expect, steps->next_must), "%s", "");
	steps->next_must++;
	free(steps->near);
	steps->near = NULL;
}

/* The row that was not reached: what came instead. */
static void fail_next(const struct steps *steps, size_t i, struct expect_row *row)
{
	const struct step_want *want = &steps->expect->must[i];

	if (steps->near && steps->nearness == NEAR_ANSWER)
		row_fail(row, want->node, steps->near, "expected %s, seen with another answer", want->text);
	else if (steps->early[i])
		row_fail(row, want->node, steps->early[i], "expected %s after %s, seen before it",
			 want->text, steps->expect->must[i - 1].text);
	else if (steps->near && steps->nearness == NEAR_IOVA)
		row_fail(row, want->node, steps->near, "expected %s, seen 0x%" PRIx64 "..0x%" PRIx64,
			 want->text, steps->near_iova.first, steps->near_iova.last);
	else if (steps->near)
		row_fail(row, want->node, steps->near, "expected %s, seen in space %u", want->text,
			 steps->near_space);
	else if (i)
		row_fail(row, want->node, NULL, "expected %s after %s, which never came", want->text,
			 steps->expect->must[i - 1].text);
	else
		row_fail(row, want->node, NULL, "expected %s, which never came", want->text);
}

static void finish_must(struct steps *steps)
{
	const struct expectations *expect = steps->expect;

	for (size_t i = steps->next_must; i < expect->n_must; i++) {
		struct expect_row *row = report_must(steps->report, expect, i);

		if (i == steps->next_must)
			fail_next(steps, i, row);
		else
			row_fail(row, expect->must[i].node, NULL,
				 "expected %s, but what must come before it did not",
				 expect->must[i].text);
	}
}

/* ---- never: ------------------------------------------------------------ */

static void do_never(struct steps *steps, const struct deed *deed)
{
	for (size_t i = 0; i < steps->expect->n_never; i++) {
		const struct step_want *want = &steps->expect->never[i];
		struct step_count *count = &steps->counts[i];

		if (want->kind != deed->kind)
			continue;
		count->asked++;
		if (!is_about(want, deed) || !answer_is(want, deed->event, false))
			continue;
		if (++count->matched == want->max + 1)
			count->told = tell_event(deed->event, deed->step);
	}
}

static void finish_never(struct steps *steps)
{
	for (size_t i = 0; i < steps->expect->n_never; i++) {
		const struct step_want *want = &steps->expect->never[i];
		const struct step_count *count = &steps->counts[i];
		struct expect_row *row = report_never(steps->report, steps->expect, i);

		if (count->matched <= want->max)
			row_pass(row, "%" PRIu64 " of %" PRIu64, count->matched, count->asked);
		else
			row_fail(row, want->node, count->told,
				 "expected at most %" PRIu64 ", seen %" PRIu64 " of %" PRIu64, want->max,
				 count->matched, count->asked);
	}
}

/* ------------------------------------------------------------------------ */

void steps_do(struct steps *steps, const struct deed *deed)
{
	do_must(steps, deed);
	do_never(steps, deed);
}

void steps_finish(struct steps *steps)
{
	finish_must(steps);
	finish_never(steps);
}
