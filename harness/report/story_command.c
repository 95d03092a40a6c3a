/* SPDX-License-Identifier: MIT */
/* One command of a program, in words: see story_command.h. */
#include "report/story_command.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>

#include "case/verb.h"
#include "report/names.h"
#include "report/words.h"

#define LIST_MAX 24

/* ---- Text that lives as long as the story ------------------------------ */

const char *story_keep(struct story *story, const char *text)
{
	char *kept = arena_text(&story->arena, text, strlen(text));

	if (!kept)
		story->failed = true;
	return kept ? kept : "";
}

const char *story_keep_format(struct story *story, const char *format, ...)
{
	char text[STORY_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return story_keep(story, text);
}

const char *story_with_names(struct story *story, const char *text)
{
	char out[STORY_TEXT_MAX];

	names_fill(story->play->topology, text, out, sizeof(out));
	return story_keep(story, out);
}

/* ---- What it is part of ------------------------------------------------ */

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

/* ---- What it is about -------------------------------------------------- */

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
	return n ? story_keep_format(story, "%s (%s)", object, text) : object;
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
	*alias = (struct story_alias){ client, story_keep(story, said), story_keep(story, name) };
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
	return story_keep(story, name);
}

static const char *range_text(struct story *story, uint64_t first, uint64_t size, const char *where)
{
	const char *label = story_label(story, first);

	if (!size)
		return story_keep_format(story, "0x%llx, 0 bytes, in %s", (unsigned long long)first, where);
	return story_keep_format(story, "0x%llx..0x%llx%s%s%s in %s", (unsigned long long)first,
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
	char text[STORY_TEXT_MAX];
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
	return story_keep(story, text);
}

static const char *what_of(struct story *story, const struct vfiosim_event *event)
{
	const char *object = story_with_names(story, event->object), *where = object, *name, *given;
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
		return name ? story_keep_format(story, "%s -> %s", object, name) :
			      story_keep_format(story, "%s -> a new container", object);
	}
	if (argument(args, "pt_id", &id))
		return story_keep_format(story, "%s -> %s", object, page_table_name(story, event, id));
	if (event->command->family == VFIOSIM_SIZE_VALUE)
		return event->arg && !is_compound(story) ? story_keep_format(story, "%s, %s", object, args) : object;
	given = short_args(story, story_with_names(story, args));
	return *given ? story_keep_format(story, "%s, %s", object, given) : object;
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
		return number < 6 ? story_keep_format(story, "BAR %lu", number) : "";
	name = process_name(story, number);
	return name ? name : "";
}

/* "charged to process 1": "charged to QEMU"; "region 0 of mdev0": "BAR 0 of mdev0". */
static const char *in_words(struct story *story, const char *text)
{
	char out[STORY_TEXT_MAX];
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
	return story_with_names(story, out);
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
			kept[used++] = changes ? story_with_names(story, short_change(list[i])) :
						 in_words(story, list[i]);
	return kept;
}

bool story_is_left_open(const struct vfiosim_event *event)
{
	return !strcmp(event->verb, "left-open");
}

bool story_is_setup(const struct vfiosim_event *event)
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
		return story_is_setup(event) && !story_is_left_open(event);
	if (story->step == story->play->n_steps)
		return true;
	if (is_verb(story, "status"))
		return !event->command;
	return is_compound(story) && story_is_setup(event) && !(event->n_changes && is_verb(story, "pin"));
}

void story_add_command(struct story *story, struct story_scene *scene, const struct vfiosim_event *event)
{
	struct story_command *grown;

	learn_binding(story, event);
	grown = realloc(scene->commands, (scene->n_commands + 1) * sizeof(*grown));
	if (!grown) {
		story->failed = true;
		return;
	}
	scene->commands = grown;
	grown[scene->n_commands++] = (struct story_command){
		.command = event->command,
		.name = event->command ? words_short_name(event->command->name) : story_keep(story, event->verb),
		.what = what_of(story, event),
		.error = event->result < 0 ? (int)-event->result : 0,
		.result = event->result,
		.reason = event->reason ? in_words(story, event->reason) : NULL,
		.rule = event->rule,
		.provoke = event->provoke ? story_keep(story, event->provoke) : NULL,
		.walk = keep_list(story, event->walk, event->n_walk, false),
		.changes = keep_list(story, event->changes, event->result < 0 ? 0 : event->n_changes,
				     true),
		.folded = folds(story, event),
	};
	if (story_is_left_open(event) || !strcmp(event->verb, "close"))
		forget_alias(story, event->object);
}
