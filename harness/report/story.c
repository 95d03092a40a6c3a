/* SPDX-License-Identifier: MIT */
/* Recording a play as scenes. See story.h; story_text.c tells them. */
#include "report/story.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>

#include "base/value.h"
#include "case/verb.h"
#include "report/names.h"
#include "report/titles.h"
#include "report/words.h"

#define TEXT_MAX 600
#define LIST_MAX 24

/* ---- Text that lives as long as the story ------------------------------ */

static const char *keep(struct story *story, const char *text)
{
	char *kept = arena_text(&story->arena, text, strlen(text));

	if (!kept)
		story->failed = true;
	return kept ? kept : "";
}

static const char *keep_format(struct story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static const char *keep_format(struct story *story, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return keep(story, text);
}

/* @text with the names that people gave instead of addresses. */
static const char *with_names(struct story *story, const char *text)
{
	char out[TEXT_MAX];

	names_fill(story->play->topology, text, out, sizeof(out));
	return keep(story, out);
}

/* ---- Words ------------------------------------------------------------- */

const char *story_actor(const struct play *play)
{
	if (!play->policy)
		return "the program";
	return strncmp(play->policy->name, "qemu", 4) ? play->policy->name : "QEMU";
}

/* The number behind "@key=" in a command's arguments. */
static bool argument(const char *args, const char *key, uint64_t *ret_value)
{
	size_t length = strlen(key);

	for (const char *at = args; at && *at; at = strchr(at, ' '), at = at ? at + 1 : NULL)
		if (!strncmp(at, key, length) && at[length] == '=') {
			*ret_value = strtoull(at + length + 1, NULL, 0);
			return true;
		}
	return false;
}

static const char *memory_label(struct story *story, const char *from)
{
	char text[160];

	title_of_memory(from, text, sizeof(text));
	return keep(story, text);
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
	char text[TEXT_MAX];

	title_of_step(step, story_actor(story->play), text, sizeof(text));
	return with_names(story, text);
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
			keep_format(story, "%s; %s", before->decided, scene->decided) : scene->decided;
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
		return keep_format(story, "%s goes on", actor);
	if (device && !strcmp(command->name, "IOAS_ALLOC"))
		return keep_format(story, "%s makes another ioas, for %s", actor, device);
	if (arrow && device && !spaces_find(&scene->before, arrow + 4) && spaces_find(&scene->after, arrow + 4))
		return keep_format(story, "%s opens %s, a new one, for %s", actor, arrow + 4, device);
	if (arrow)
		return keep_format(story, "%s turns to %s", actor, arrow + 4);
	if (!strcmp(command->name, "MAP_DMA") || !strcmp(command->name, "IOAS_MAP"))
		return keep_format(story, "%s maps there all that it has mapped before, one by one", actor);
	words = command->command ? words_for_verb(command->command->name) : command->name;
	return keep_format(story, "%s goes on: %s", actor, words ? words : command->name);
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
	return keep_format(story, "%s", words ? words : command->name);
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

/* ---- Commands ---------------------------------------------------------- */

static bool is_verb(const struct story *story, const char *name)
{
	return story->step < story->play->n_steps &&
	       !strcmp(story->play->steps[story->step].verb->name, name);
}

/* Steps that stand for several commands, of which few matter. */
static bool is_compound(const struct story *story)
{
	static const char *const verbs[] = { "attach", "detach", "map", "unmap", "plug", "unplug",
					     "pin", "unpin", "pinned", "dma" };

	if (story->play->policy || story->step == story->play->n_steps)
		return true;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(story->play->steps[story->step].verb->name, verbs[i]))
			return true;
	return false;
}

static const char *group_with_devices(struct story *story, const char *object)
{
	const struct vfiosim_topology *topology = story->play->topology;
	unsigned number = (unsigned)atoi(object + strlen("group "));
	char text[200];
	size_t n = 0;

	for (size_t i = 0; i < topology->n_devices && n < sizeof(text); i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];

		if (device->group >= 0 && topology->groups[device->group].number == number)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
					      device->name);
	}
	return n ? keep_format(story, "%s (%s)", object, text) : object;
}

/* ---- What is meant ---- */

#define ALIASES (sizeof(((struct story *)NULL)->aliases) / sizeof(((struct story *)NULL)->aliases[0]))

static struct story_alias *find_alias(struct story *story, uint32_t client, const char *said)
{
	for (size_t i = 0; i < ALIASES && i < story->n_aliases; i++) {
		struct story_alias *alias = &story->aliases[i];

		if (alias->name && alias->client == client && !strcmp(alias->said, said))
			return alias;
	}
	return NULL;
}

static const char *meant(struct story *story, uint32_t client, const char *said)
{
	const struct story_alias *alias = find_alias(story, client, said);

	return alias ? alias->name : NULL;
}

/* The oldest makes room. */
static void learn_alias(struct story *story, uint32_t client, const char *said, const char *name)
{
	struct story_alias *alias = find_alias(story, client, said);

	if (!alias)
		alias = &story->aliases[story->n_aliases++ % ALIASES];
	*alias = (struct story_alias){ client, keep(story, said), keep(story, name) };
	if (!alias->said)
		alias->name = NULL;
}

/* A number that meant @object may mean another one from now on. */
static void forget_alias(struct story *story, const char *object)
{
	for (size_t i = 0; i < ALIASES && i < story->n_aliases; i++)
		if (story->aliases[i].name && !strcmp(story->aliases[i].name, object))
			story->aliases[i].name = NULL;
}

/* "group 10 is in container 2" says which container a descriptor means. */
static const char *container_meant(struct story *story, const struct vfiosim_event *event, uint64_t fd)
{
	char said[32];

	snprintf(said, sizeof(said), "fd %" PRIu64, fd);
	for (size_t i = 0; i < event->n_changes; i++) {
		const char *at = strstr(event->changes[i], " is in container ");

		if (at)
			learn_alias(story, event->client, said, at + strlen(" is in "));
	}
	return meant(story, event->client, said);
}

/* "0000:01:00.0 bound to iommufd 2 as device 3": its page tables are that one's. */
static void learn_binding(struct story *story, const struct vfiosim_event *event)
{
	char name[32];

	for (size_t i = 0; i < event->n_changes; i++) {
		const char *at = strstr(event->changes[i], " bound to iommufd ");

		if (!at || strncmp(event->object, "device ", 7))
			continue;
		snprintf(name, sizeof(name), "iommufd %d", atoi(at + strlen(" bound to iommufd ")));
		learn_alias(story, 0, event->object, name);
	}
}

/* The number of the iommufd that @event is about. */
static uint64_t iommufd_of(struct story *story, const struct vfiosim_event *event)
{
	const char *name = strncmp(event->object, "device ", 7) ? event->object :
								   meant(story, 0, event->object);

	return name && !strncmp(name, "iommufd ", 8) ? strtoull(name + 8, NULL, 10) : 1;
}

static const char *page_table_name(struct story *story, const struct vfiosim_event *event, uint64_t id)
{
	uint64_t iommufd = iommufd_of(story, event);
	char name[48];

	spaces_object_name("ioas", id, iommufd, name, sizeof(name));
	if (!spaces_find(&story->now, name))
		spaces_object_name("hwpt", id, iommufd, name, sizeof(name));
	return keep(story, name);
}

static const char *range_text(struct story *story, uint64_t first, uint64_t size, const char *where)
{
	const char *label = story_label(story, first);

	if (!size)
		return keep_format(story, "0x%llx, 0 bytes, in %s", (unsigned long long)first, where);
	return keep_format(story, "0x%llx..0x%llx%s%s%s in %s", (unsigned long long)first,
			   (unsigned long long)(first + size - 1), *label ? " (" : "", label,
			   *label ? ")" : "", where);
}

/* "out_ioas_id=0": a place for the answer. */
static bool is_empty_output(const char *arg, size_t length)
{
	return !strncmp(arg, "out_", 4) && length > 2 && !strncmp(arg + length - 2, "=0", 2);
}

/* Arguments without those that say nothing. */
static const char *short_args(struct story *story, const char *args)
{
	char text[TEXT_MAX];
	size_t n = 0;

	while (*args && n < sizeof(text) - 1) {
		size_t length = strcspn(args, " ");

		if (strncmp(args, "argsz=", 6) && strncmp(args, "size=", 5) &&
		    !(length == 9 && !strncmp(args, "flags=0x0", 9)) && !is_empty_output(args, length))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n ? " " : "",
					      (int)length, args);
		args += length;
		args += *args == ' ';
	}
	text[n < sizeof(text) ? n : sizeof(text) - 1] = 0;
	return keep(story, text);
}

static const char *what_of(struct story *story, const struct vfiosim_event *event)
{
	const char *object = with_names(story, event->object), *where = object, *name, *given;
	uint64_t first, size, id;
	char args[512];

	if (!strncmp(object, "group ", 6))
		object = group_with_devices(story, object);
	if (!event->command)
		return object;
	vfiosim_event_args(event, args, sizeof(args));
	if (argument(args, "ioas_id", &id) || argument(args, "dst_ioas_id", &id))
		where = page_table_name(story, event, id);
	if ((argument(args, "iova", &first) || argument(args, "dst_iova", &first)) &&
	    (argument(args, "size", &size) || argument(args, "length", &size)))
		return range_text(story, first, size, where);
	if (argument(args, "container", &id)) {
		name = container_meant(story, event, id);
		return name ? keep_format(story, "%s -> %s", object, name) :
			      keep_format(story, "%s -> a new container", object);
	}
	if (argument(args, "pt_id", &id))
		return keep_format(story, "%s -> %s", object, page_table_name(story, event, id));
	if (event->command->family == VFIOSIM_SIZE_VALUE)
		return event->arg && !is_compound(story) ? keep_format(story, "%s, %s", object, args) : object;
	given = short_args(story, with_names(story, args));
	return *given ? keep_format(story, "%s, %s", object, given) : object;
}

/* Changes that the state below the commands shows anyway. */
static bool seen_in_state(const char *change)
{
	static const char *const known[] = { " is in container ", "iova range ", " now works by ",
					     " attached to domain ", " opened", " closed: ", " no longer has ", " left container " };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(change, known[i]))
			return true;
	return false;
}

/* "mapping 0x0..0xfff accepted ...": what it is about was said. */
static const char *short_change(const char *change)
{
	const char *at = change;

	if (strncmp(change, "mapping ", 8))
		return change;
	at = strchr(change + 8, ' ');
	return at ? at + 1 : change;
}

/* Processes are numbered as they begin: the first plays the leading part. NULL: unknown. */
static const char *process_name(const struct story *story, unsigned long number)
{
	unsigned long n = 1;

	if (story->run)
		return NULL;
	if (number == n)
		return story_actor(story->play);
	for (size_t i = 0; i < story->play->n_steps; i++) {
		const struct step *step = &story->play->steps[i];

		if ((!strcmp(step->verb->name, "fork") || !strcmp(step->verb->name, "process")) &&
		    ++n == number)
			return step_text(step, "as", NULL);
	}
	return NULL;
}

/* What stands for "process 1" or "region 0" at @text; "": neither does. @ret_end: behind it. */
static const char *number_in_words(struct story *story, const char *text, const char **ret_end)
{
	static const char process[] = "process ", region[] = "region ";
	const char *word = !strncmp(text, process, strlen(process)) ? process :
			   !strncmp(text, region, strlen(region)) ? region : NULL, *name;
	unsigned long number;
	char *end;

	if (!word || !isdigit((unsigned char)text[strlen(word)]))
		return "";
	number = strtoul(text + strlen(word), &end, 10);
	*ret_end = end;
	if (word == region)
		return number < 6 ? keep_format(story, "BAR %lu", number) : "";
	name = process_name(story, number);
	return name ? name : "";
}

/* "charged to process 1": "charged to QEMU"; "region 0 of mdev0": "BAR 0 of mdev0". */
static const char *in_words(struct story *story, const char *text)
{
	char out[TEXT_MAX];
	size_t n = 0;

	while (*text && n + 1 < sizeof(out)) {
		const char *end = NULL, *words = number_in_words(story, text, &end);

		if (*words) {
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s", words);
			text = end;
		} else {
			out[n++] = *text++;
		}
	}
	out[n < sizeof(out) ? n : sizeof(out) - 1] = 0;
	return with_names(story, out);
}

static const char **keep_list(struct story *story, const char *const *list, size_t n, bool changes)
{
	const char **kept = arena_alloc(&story->arena, (LIST_MAX + 1) * sizeof(*kept));
	size_t used = 0;

	if (!kept) {
		story->failed = true;
		return NULL;
	}
	for (size_t i = 0; i < n && used < LIST_MAX; i++)
		if (!changes || !seen_in_state(list[i]))
			kept[used++] = changes ? with_names(story, short_change(list[i])) :
						 in_words(story, list[i]);
	return kept;
}

/* Its program ended, and the kernel closes it. */
static bool is_left_open(const struct vfiosim_event *event)
{
	return !strcmp(event->verb, "left-open");
}

static bool is_setup(const struct vfiosim_event *event)
{
	static const char *const names[] = { "VFIO_CHECK_EXTENSION", "VFIO_GROUP_GET_STATUS",
					     "VFIO_GROUP_GET_DEVICE_FD", "VFIO_DEVICE_BIND_IOMMUFD",
					     "IOMMU_IOAS_IOVA_RANGES" };

	if (!event->command || strstr(event->verb, "_GET_"))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(event->verb, names[i]))
			return true;
	return false;
}

/* A refusal that programs count on: the question was how much room the answer needs. */
static bool is_size_probe(const struct vfiosim_event *event)
{
	return event->result == -EMSGSIZE && !strcmp(event->verb, "IOMMU_IOAS_IOVA_RANGES");
}

/* So is this one: in the end all is unmapped, what was left out as well. */
static bool is_nothing_to_unmap(const struct story *story, const struct vfiosim_event *event)
{
	return story->play->policy && story->step == story->play->n_steps && event->result == -ENOENT &&
	       !strcmp(event->verb, "IOMMU_IOAS_UNMAP");
}

static bool folds(const struct story *story, const struct vfiosim_event *event)
{
	if (is_size_probe(event) || is_nothing_to_unmap(story, event))
		return true;
	if (event->result < 0)
		return false;
	if (story->run)
		return is_setup(event) && !is_left_open(event);
	if (story->step == story->play->n_steps)
		return true;
	if (is_verb(story, "status"))
		return !event->command;
	return is_compound(story) && is_setup(event) && !(event->n_changes && is_verb(story, "pin"));
}

void story_event(void *ctx, const struct vfiosim_event *event)
{
	struct story *story = ctx;
	struct story_scene *scene = open_scene(story);
	struct story_command *grown;

	if (!scene || (!strcmp(event->verb, "read") && (!story->run || event->result >= 0)))
		return;
	learn_binding(story, event);
	grown = realloc(scene->commands, (scene->n_commands + 1) * sizeof(*grown));
	if (!grown) {
		story->failed = true;
		return;
	}
	scene->commands = grown;
	grown[scene->n_commands++] = (struct story_command){
		.command = event->command,
		.name = event->command ? words_short_name(event->command->name) : keep(story, event->verb),
		.what = what_of(story, event),
		.error = event->result < 0 ? (int)-event->result : 0,
		.result = event->result,
		.reason = event->reason ? in_words(story, event->reason) : NULL,
		.rule = event->rule,
		.provoke = event->provoke ? keep(story, event->provoke) : NULL,
		.walk = keep_list(story, event->walk, event->n_walk, false),
		.changes = keep_list(story, event->changes, event->result < 0 ? 0 : event->n_changes,
				     true),
		.folded = folds(story, event),
	};
	if (is_left_open(event) || !strcmp(event->verb, "close"))
		forget_alias(story, event->object);
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
	story->note = play->steps[index].note ? keep(story, play->steps[index].note) : NULL;
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
		scene->decided = with_names(story, note);
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

	if (last && (last->error || is_left_open(event) != !strcmp(last->name, "left-open")))
		return false;
	if (!last || is_setup(event) || !tells_something(scene))
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
