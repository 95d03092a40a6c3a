/* SPDX-License-Identifier: MIT */
/*
 * Verbs of a policy: plug and unplug leave it to the selection engine which space
 * a device joins. Memory comes by `map` without `in:`.
 */
#include <errno.h>

#include "case/verb.h"

static const char *const nothing[] = { NULL };

static int plug_play(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *name = step_text(step, "device", "");
	const struct target_device *device = run_device(run, name);

	if (!device)
		return run_skip(run, "no device was named for '%s': --device %s=ADDRESS", name,
				name);
	return run_answer(run,
			  selector_plug(run->selector, device, step_number(step, "discards", 0)),
			  ret_result);
}

static int unplug_play(struct run *run, const struct step *step, struct result *ret_result)
{
	return run_answer(run, selector_unplug(run->selector, step_text(step, "device", "")),
			  ret_result);
}

static int discards_play(struct run *run, const struct step *step, struct result *ret_result)
{
	selector_require_discards(run->selector, step_number(step, "required", 0));
	return 0;
}

const struct verb verbs_plug[] = {
	{
		.name = "plug",
		.about = "bring a device in as the policy does",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "discards", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = nothing,
		.play = plug_play,
		.needs_policy = true,
	},
	{
		.name = "unplug",
		.about = "take a device out as the policy does",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ NULL } },
		.gives = nothing,
		.play = unplug_play,
		.needs_policy = true,
	},
	{
		.name = "discards",
		.about = "somebody in the program needs to discard RAM (a balloon), or no longer",
		.fields = (const struct verb_field[]){
			{ "required", ARG_BOOL, true, NULL },
			{ NULL } },
		.gives = nothing,
		.play = discards_play,
		.needs_policy = true,
	},
	{ .name = NULL },
};
