/* SPDX-License-Identifier: MIT */
/* Recording a play as scenes. See story.h; story_text.c tells them. */
#include "report/story.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>

#include "case/verb.h"
#include "report/story_command.h"
#include "report/titles.h"
#include "report/words.h"

/* ---- Words ------------------------------------------------------------- */

const char *story_actor(const struct play *play)
{
	if (!play->policy)
		return "the program";
	return strncmp(play->policy->name, "qemu", 4) ? play->policy->name : "QEMU";
}

static const char *memory_label(struct story *story, const char *from)
{
	char text[160];

	title_of_memory(from, text, sizeof(text));
	return story_keep(story, text);
}

const char *story_label(struct story *story, uint64_t iova)
{
	if (story->run)
		return "memory";
	for (size_t i = 0; i < story->play->n_steps; i++) {
		const struct step *step = &story->play->steps[i];
		uint64_t first = step_number(step, "iova", UINT64_MAX);
		uint64_t size = step_number(step, "size", 0);

		if (!strcmp(step->verb->name, "map") && iova >= first && size && iova - first < size)
			return memory_label(story, step_text(step, "from", "ram"));
	}
	return "";
}

static const char *step_title(struct story *story, const struct step *step)
{
	char text[STORY_TEXT_MAX];

	title_of_step(step, story_actor(story->play), text, sizeof(text));
	return story_with_names(story, text);
}

/* ---- Scenes ------------------------------------------------------------ */

static struct story_scene *scene_now(struct story *story)
{
	return story->n_scenes ? &story->scenes[story->n_scenes - 1] : NULL;
}

static int copy_spaces(const struct spaces *from, struct spaces *ret_copy)
{
	struct spaces copy = { .list = calloc(from->n ? from->n : 1, sizeof(*copy.list)) };

	if (!copy.list)
		return -ENOMEM;
	for (; copy.n < from->n; copy.n++) {
		struct space *space = &copy.list[copy.n];
		size_t size = from->list[copy.n].n_mappings * sizeof(*space->mappings);

		*space = from->list[copy.n];
		space->mappings = malloc(size ? size : 1);
		if (!space->mappings) {
			spaces_done(&copy);
			return -ENOMEM;
		}
		if (size)
			memcpy(space->mappings, from->list[copy.n].mappings, size);
	}
	*ret_copy = copy;
	return 0;
}

static void new_scene(struct story *story)
{
	struct story_scene *scene;

	if (story->n_scenes == story->capacity) {
		size_t capacity = story->capacity ? 2 * story->capacity : 16;
		struct story_scene *grown = realloc(story->scenes, capacity * sizeof(*grown));

		if (!grown) {
			story->failed = true;
			return;
		}
		story->scenes = grown;
		story->capacity = capacity;
	}
	scene = &story->scenes[story->n_scenes++];
	*scene = (struct story_scene){ .step = story->step, .note = story->note };
	story->note = NULL;
	if (copy_spaces(&story->now, &scene->before))
		story->failed = true;
}

static bool tells_something(const struct story_scene *scene)
{
	for (size_t i = 0; i < scene->n_commands; i++)
		if (!scene->commands[i].folded)
			return true;
	return false;
}

static void scene_done(struct story_scene *scene)
{
	free(scene->commands);
	spaces_done(&scene->before);
	spaces_done(&scene->after);
}

/* Commands that are only set-up belong to what was told before, in the same step. */
static bool join_before(struct story *story, struct story_scene *scene)
{
	struct story_scene *before = scene - 1;
	struct story_command *grown;

	if (scene == story->scenes || before->step != scene->step || tells_something(scene))
		return false;
	grown = realloc(before->commands,
			(before->n_commands + scene->n_commands + 1) * sizeof(*grown));
	if (!grown)
		return false;
	if (scene->n_commands)
		memcpy(grown + before->n_commands, scene->commands,
		       scene->n_commands * sizeof(*grown));
	before->commands = grown;
	before->n_commands += scene->n_commands;
	if (scene->decided)
		before->decided = before->decided ?
			story_keep_format(story, "%s; %s", before->decided, scene->decided) : scene->decided;
	spaces_done(&before->after);
	before->after = scene->after;
	scene->after = (struct spaces){ 0 };
	scene_done(scene);
	story->n_scenes--;
	return true;
}

static const struct story_command *main_command(const struct story_scene *scene)
{
	for (size_t i = 0; i < scene->n_commands; i++)
		if (!scene->commands[i].folded)
			return &scene->commands[i];
	return scene->commands;
}

/* "nic0": whom the scene is about; NULL: none. */
static const char *device_of(const struct story *story, const struct story_scene *scene)
{
	return scene->step < story->play->n_steps ?
		step_text(&story->play->steps[scene->step], "device", NULL) : NULL;
}

/* What the program turns to in a step that was told already. */
static const char *next_title(struct story *story, const struct story_scene *scene)
{
	const struct story_command *command = main_command(scene);
	const char *actor = story_actor(story->play), *words, *device = device_of(story, scene);
	const char *arrow = command ? strstr(command->what, " -> ") : NULL;

	if (!command)
		return story_keep_format(story, "%s goes on", actor);
	if (device && !strcmp(command->name, "IOAS_ALLOC"))
		return story_keep_format(story, "%s makes another ioas, for %s", actor, device);
	if (arrow && device && !spaces_find(&scene->before, arrow + 4) && spaces_find(&scene->after, arrow + 4))
		return story_keep_format(story, "%s opens %s, a new one, for %s", actor, arrow + 4, device);
	if (arrow)
		return story_keep_format(story, "%s turns to %s", actor, arrow + 4);
	if (!strcmp(command->name, "MAP_DMA") || !strcmp(command->name, "IOAS_MAP"))
		return story_keep_format(story, "%s maps there all that it has mapped before, one by one", actor);
	words = command->command ? words_for_verb(command->command->name) : command->name;
	return story_keep_format(story, "%s goes on: %s", actor, words ? words : command->name);
}

/* What the answers and the state do not show: a new space, a refusal, who is where. */
static bool is_news(const char *note)
{
	return strncmp(note, "a new ", 6) && strncmp(note, "in the end: ", 12) &&
	       !strstr(note, " refuses the group") && !strstr(note, " refuses the device") && !strstr(note, " is in container ") &&
	       !strstr(note, " is in ioas ");
}

/* "put the group into a container": what the first command of note does. */
static const char *run_title(struct story *story, const struct story_scene *scene)
{
	const struct story_command *command = main_command(scene);
	const char *words;

	if (!scene->n_commands)
		return "";
	words = words_for_verb(command->command ? command->command->name : command->name);
	return story_keep_format(story, "%s", words ? words : command->name);
}

static void end_scene(struct story *story)
{
	struct story_scene *scene = scene_now(story);
	const struct play *play = story->play;

	if (!scene || scene->after.list)
		return;
	if (copy_spaces(&story->now, &scene->after))
		story->failed = true;
	if (!scene->alone && join_before(story, scene))
		return;
	if (story->run)
		scene->title = run_title(story, scene);
	else if (scene->step == play->n_steps)
		scene->title = "the end: the program gives everything back";
	else if (play->policy && !scene->n_commands)
		scene->title = "";
	else if (scene == story->scenes || scene[-1].step != scene->step)
		scene->title = step_title(story, &play->steps[scene->step]);
	else
		scene->title = next_title(story, scene);
}

/* The scene that what happens now belongs to. */
static struct story_scene *open_scene(struct story *story)
{
	struct story_scene *scene = scene_now(story);

	if (!scene || scene->after.list || scene->step != story->step) {
		end_scene(story);
		new_scene(story);
	}
	return scene_now(story);
}

void story_event(void *ctx, const struct vfiosim_event *event)
{
	struct story *story = ctx;
	struct story_scene *scene = open_scene(story);

	if (scene && (strcmp(event->verb, "read") != 0 || (story->run && event->result < 0)))
		story_add_command(story, scene, event);
}

/* @state: JSON. */
static void take_state(struct story *story, const char *state)
{
	struct spaces spaces;

	if (spaces_read(state, story->play->topology, &spaces)) {
		story->failed = true;
		return;
	}
	spaces_done(&story->now);
	story->now = spaces;
}

void story_called(void *ctx)
{
	struct story *story = ctx;
	char *text = NULL;

	if (!story->target || story->failed || story->target->ops->state(story->target, &text))
		return;
	take_state(story, text);
	free(text);
}

/* ---- What the runner says ---------------------------------------------- */

static void begin_step(void *ctx, const struct play *play, size_t index)
{
	struct story *story = ctx;

	end_scene(story);
	story->step = index;
	story->note = play->steps[index].note ? story_keep(story, play->steps[index].note) : NULL;
	if (title_alone(&play->steps[index]))
		open_scene(story)->alone = !story->failed;
}

static void note_decision(void *ctx, const char *note)
{
	struct story *story = ctx;
	struct story_scene *scene = open_scene(story);

	if (!scene)
		return;
	if (is_news(note))
		scene->decided = story_with_names(story, note);
	end_scene(story);
}

static void begin_end(void *ctx)
{
	struct story *story = ctx;

	end_scene(story);
	story->step = story->play->n_steps;
	story->note = NULL;
}

struct run_watch story_watch(struct story *story)
{
	return (struct run_watch){ begin_step, note_decision, begin_end, story };
}

void story_finish(struct story *story)
{
	end_scene(story);
	story->target = NULL;
}

/* ---- A run ------------------------------------------------------------- */

/* SET_IOMMU belongs to the SET_CONTAINER before it, maps to maps, unmaps to unmaps. */
static bool goes_on(const struct story_scene *scene, const struct vfiosim_event *event)
{
	const struct story_command *last = scene->n_commands ? &scene->commands[scene->n_commands - 1] : NULL;
	const char *name = event->command ? words_short_name(event->command->name) : event->verb;
	bool map = strstr(name, "MAP_DMA") || !strcmp(name, "IOAS_MAP") || !strcmp(name, "IOAS_UNMAP");

	if (last && (last->error || story_is_left_open(event) != !strcmp(last->name, "left-open")))
		return false;
	if (!last || story_is_setup(event) || !tells_something(scene))
		return true;
	return event->result >= 0 && ((map && !strcmp(last->name, name)) || !strcmp(name, "SET_IOMMU"));
}

void story_run_event(struct story *story, const struct vfiosim_event *event, const char *state)
{
	struct story_scene *scene = scene_now(story);

	if (scene && !scene->after.list && !goes_on(scene, event))
		end_scene(story);
	story_event(story, event);
	if (state)
		take_state(story, state);
}

int story_create(const struct play *play, struct story **ret_story)
{
	struct story *story = calloc(1, sizeof(*story));

	if (!story)
		return -ENOMEM;
	story->play = play;
	arena_init(&story->arena);
	*ret_story = story;
	return 0;
}

void story_destroy(struct story *story)
{
	if (!story)
		return;
	for (size_t i = 0; i < story->n_scenes; i++)
		scene_done(&story->scenes[i]);
	free(story->scenes);
	spaces_done(&story->now);
	arena_done(&story->arena);
	free(story);
}

const struct story_scene *story_scene(const struct story *story, size_t index)
{
	return index < story->n_scenes ? &story->scenes[index] : NULL;
}

bool story_takes_part(const struct story *story, const char *device)
{
	for (size_t i = 0; i < story->n_scenes; i++)
		if (spaces_hold(&story->scenes[i].after, device))
			return true;
	for (size_t i = 0; i < story->play->n_steps; i++) {
		const struct step *step = &story->play->steps[i];

		for (size_t k = 0; k < STEP_ARGS_MAX; k++)
			if (step->args[k].text && !strcmp(step->args[k].text, device))
				return true;
	}
	return false;
}
