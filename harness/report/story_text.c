/* SPDX-License-Identifier: MIT */
/* A story as text. See story_text.h. */
#include "report/story_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "report/lines.h"
#include "report/picture.h"
#include "report/story.h"
#include "report/words.h"

#define COLUMN 51	/* where answers begin */

/* ---- Lines ------------------------------------------------------------- */

static void colour(const struct story_teller *teller, const char *code)
{
	if (teller->style->colours)
		fprintf(teller->to, "\033[%sm", code);
}

static void line(const struct story_teller *teller, const char *code, int indent, const char *head,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
static void line(const struct story_teller *teller, const char *code, int indent, const char *head,
		 const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	colour(teller, code);
	lines_put(teller->to, indent, head, text);
	colour(teller, "0");
}

/* ---- Glosses ----------------------------------------------------------- */

const struct word *story_word(const struct story *story, size_t index)
{
	static const enum word_mode modes[] = { [MODE_LEGACY] = WORD_LEGACY,
						[MODE_IOMMUFD] = WORD_IOMMUFD };
	const struct word *word = word_at(index);

	return word && !word->looked_up && (word->mode == WORD_ANY || word->mode == modes[story->play->mode]) ? word : NULL;
}

/* Explains the words of @text that were not explained yet, and those of the explanations. */
static void gloss(struct story_teller *teller, const char *text)
{
	for (size_t i = 0; word_at(i); i++) {
		const struct word *word = story_word(teller->story, i);

		if (!word || teller->glossed & (uint64_t)1 << i || !word_in(text, word->word))
			continue;
		teller->glossed |= (uint64_t)1 << i;
		line(teller, "36", 3, "| ", "%s: %s", word->word, word->meaning);
		gloss(teller, word->meaning);
	}
}

/* ---- Spaces ------------------------------------------------------------ */

static const struct space *found_in(const struct spaces *spaces, const struct space *space)
{
	return spaces_find(spaces, space->name);
}

bool story_space_differs(const struct space *one, const struct space *other)
{
	if (!other || one->n_devices != other->n_devices || strcmp(one->domains, other->domains) ||
	    one->n_mappings != other->n_mappings || one->pinned_pages != other->pinned_pages)
		return true;
	for (size_t i = 0; i < one->n_devices; i++)
		if (strcmp(one->devices[i].name, other->devices[i].name))
			return true;
	for (size_t i = 0; i < one->n_mappings; i++)
		if (one->mappings[i].first != other->mappings[i].first ||
		    one->mappings[i].last != other->mappings[i].last)
			return true;
	return false;
}

static void put(char *to, size_t size, size_t *n, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void put(char *to, size_t size, size_t *n, const char *format, ...)
{
	va_list args;

	if (*n >= size)
		return;
	va_start(args, format);
	*n += (size_t)vsnprintf(to + *n, size - *n, format, args);
	va_end(args);
}

static void put_mappings(struct story *story, const struct space *space, char *to, size_t size, size_t *n)
{
	put(to, size, n, " | %zu mapping%s", space->n_mappings, space->n_mappings == 1 ? "" : "s");
	for (size_t i = 0; i < space->n_mappings && space->n_mappings <= 4; i++) {
		const char *label = story_label(story, space->mappings[i].first);

		if (*label)
			put(to, size, n, "%s%s", i ? ", " : " (", label);
		else
			put(to, size, n, "%s0x%llx", i ? ", " : " (",
			    (unsigned long long)space->mappings[i].first);
	}
	if (space->n_mappings && space->n_mappings <= 4)
		put(to, size, n, ")");
	if (space->n_mappings)
		put(to, size, n, ", %llu page%s pinned", (unsigned long long)space->pinned_pages,
		    space->pinned_pages == 1 ? "" : "s");
}

void story_space_line(struct story *story, const struct space *space, char *to, size_t size)
{
	size_t n = 0;

	put(to, size, &n, "%s: ", space->name);
	for (size_t i = 0; i < space->n_devices; i++)
		put(to, size, &n, "%s%s", i ? ", " : "", space->devices[i].name);
	if (!space->n_devices)
		put(to, size, &n, "no device");
	put_mappings(story, space, to, size, &n);
	put(to, size, &n, " | %s", *space->domains ? space->domains :
		space_is_ioas(space) ? "no hwpt" : "no domain");
}

static bool has_refusal(const struct story_scene *scene)
{
	for (size_t i = 0; i < scene->n_commands; i++)
		if (scene->commands[i].error && !scene->commands[i].folded)
			return true;
	return false;
}

/* The state that the scene leaves: the spaces that changed, or that none did. */
static void tell_state(const struct story_teller *teller, const struct story_scene *scene)
{
	const struct play *play = teller->story->play;
	const char *device = scene->step < play->n_steps ?
		step_text(&play->steps[scene->step], "device", NULL) : NULL;
	const char *noun = play->mode == MODE_LEGACY ? "container" : "ioas";
	bool same = true;
	char text[500];

	for (size_t i = 0; i < scene->after.n; i++) {
		const struct space *space = &scene->after.list[i];

		if (!story_space_differs(space, found_in(&scene->before, space)))
			continue;
		same = false;
		story_space_line(teller->story, space, text, sizeof(text));
		line(teller, "1", 3, "= ", "%s", text);
	}
	for (size_t i = 0; i < scene->before.n; i++)
		if (!found_in(&scene->after, &scene->before.list[i])) {
			same = false;
			line(teller, "1", 3, "= ", "%s is gone", scene->before.list[i].name);
		}
	if (!same || !has_refusal(scene))
		return;
	if (device && !spaces_hold(&scene->after, device))
		line(teller, "1", 3, "= ", "no %s has changed; %s is in none", noun, device);
	else
		line(teller, "1", 3, "= ", "no %s has changed", noun);
}

/* ---- Commands ---------------------------------------------------------- */

static void tell_walk(const struct story_teller *teller, const struct story_command *command)
{
	static const char refused[] = ": refused";

	line(teller, "0", 7, "", "What the kernel did with that one command:");
	for (size_t i = 0; command->walk[i]; i++) {
		size_t length = strlen(command->walk[i]);

		if (length < sizeof(refused) ||
		    strcmp(command->walk[i] + length - sizeof(refused) + 1, refused))
			line(teller, "0", 9, "- ", "%s", command->walk[i]);
		else
			line(teller, "0", 9, "- ", "%s: %s [rule %s; Linux: %s]", command->walk[i], command->reason,
			     command->rule->id, command->rule->mirrors);
	}
}

static bool same_reason(const struct story_teller *teller, const struct story_command *command)
{
	return command->reason && teller->last_reason && !strcmp(command->reason, teller->last_reason);
}

static void tell_refusal(struct story_teller *teller, const struct story_command *command)
{
	if (!command->rule)
		return;
	if (command->walk && command->walk[0])
		tell_walk(teller, command);
	else if (!same_reason(teller, command))
		line(teller, "0", 7, "because ", "%s [rule %s; Linux: %s]", command->reason, command->rule->id,
		     command->rule->mirrors);
	teller->last_reason = command->reason;
}

/* Columns up to the answer. */
static size_t width(const char *text)
{
	return strlen(text) + 6 > COLUMN ? strlen(text) + 6 : COLUMN;
}

static void tell_command(struct story_teller *teller, const struct story_command *command)
{
	size_t told = 0;
	char text[400], answer[100] = "ok";
	const char *name = strerrorname_np(command->error);

	snprintf(text, sizeof(text), "%s %s", command->name, command->what);
	if (command->error)
		snprintf(answer, sizeof(answer), "REFUSED  %s (%s)%s", name ? name : "?",
			 strerror(command->error), same_reason(teller, command) ? ", same reason" : "");
	else if (command->result > 0)
		snprintf(answer, sizeof(answer), "ok, answer %ld", command->result);
	if (!command->error && command->changes && command->changes[0] &&
	    width(text) + strlen(command->changes[0]) + 4 <= LINES_WIDTH) {
		snprintf(answer, sizeof(answer), "ok: %s", command->changes[0]);
		told = 1;
	}
	fprintf(teller->to, "     %-*s ", COLUMN - 6, text);
	colour(teller, command->error ? "1;31" : "32");
	fprintf(teller->to, "%s", answer);
	colour(teller, "0");
	fputc('\n', teller->to);
	if (command->error) {
		tell_refusal(teller, command);
		return;
	}
	for (size_t i = told; command->changes && command->changes[i]; i++)
		line(teller, "32", 7, "", "%s", command->changes[i]);
}

/* ---- Scenes ------------------------------------------------------------ */

static void tell_commands(struct story_teller *teller, const struct story_scene *scene)
{
	size_t folded = 0;

	for (size_t i = 0; i < scene->n_commands; i++) {
		folded += scene->commands[i].folded;
		if (scene->commands[i].folded ||
		    (teller->style->refused_only && !scene->commands[i].error))
			continue;
		tell_command(teller, &scene->commands[i]);
	}
	teller->folded += folded;
}

static void tell_body(struct story_teller *teller, const struct story_scene *scene)
{
	bool end = scene->step == teller->story->play->n_steps;

	colour(teller, "1");
	if (end || !*scene->title) {
		if (has_refusal(scene))
			lines_put(teller->to, 0, "   ", scene->title);
	} else {
		char head[16], text[500];

		snprintf(head, sizeof(head), "%-3u", ++teller->number);
		snprintf(text, sizeof(text), "%s%s%s", scene->title, scene->note ? ": " : "",
			 scene->note ? scene->note : "");
		lines_put(teller->to, 0, head, text);
	}
	colour(teller, "0");
	tell_commands(teller, scene);
	if (scene->decided && !teller->style->refused_only && !end)
		line(teller, "1", 5, "=> ", "%s", scene->decided);
	if (!end && !teller->style->refused_only)
		tell_state(teller, scene);
}

static bool worth_telling(const struct story_teller *teller, const struct story_scene *scene)
{
	if (teller->style->refused_only)
		return has_refusal(scene);
	return scene->n_commands || scene->decided || scene->alone;
}

static void tell_scene(struct story_teller *teller, const struct story_scene *scene)
{
	FILE *to = teller->to;
	char *text = NULL;
	size_t size;

	if (!worth_telling(teller, scene))
		return;
	teller->to = open_memstream(&text, &size);
	if (!teller->to) {
		teller->to = to;
		return;
	}
	tell_body(teller, scene);
	fclose(teller->to);
	teller->to = to;
	fputs(text, to);
	if (!teller->style->refused_only)
		gloss(teller, text);
	if (teller->style->picture && scene->step < teller->story->play->n_steps && has_refusal(scene))
		picture_scene(teller->story, scene, teller->style->ascii, to);
	free(text);
}

/* ---- The head and the end ---------------------------------------------- */

/* Which BARs of an mdev could be mapped for another device. */
static void tell_bars(struct story_teller *teller, const struct vfiosim_topo_device *device)
{
	static const char *const words[] = {
		[VFIOSIM_PIN_PFNMAP] = "has bus addresses: a domain can hold it",
		[VFIOSIM_PIN_PAGES] = "is memory and can be pinned",
		[VFIOSIM_PIN_NEVER] = "is made up by its driver, no memory to pin",
	};
	char text[300];
	size_t n = 0;

	for (unsigned i = 0; i < 6; i++)
		if (device->bars[i].size && device->bars[i].mmap)
			put(text, sizeof(text), &n, "%sBAR %u %s", n ? "; " : "", i,
			    words[device->bars[i].pin]);
	if (n)
		line(teller, "0", 12, "", "%s", text);
	gloss(teller, text);
}

static void tell_device(struct story_teller *teller, const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topology *topology = teller->story->play->topology;
	const struct vfiosim_topo_group *group =
		device->group >= 0 ? &topology->groups[device->group] : NULL;
	char text[300];

	if (device->kind == VFIOSIM_DEVICE_MDEV)
		snprintf(text, sizeof(text), "a mediated device (mdev), group %u, no IOMMU behind it",
			 group ? group->number : 0);
	else if (group && group->iommu >= 0)
		snprintf(text, sizeof(text), "a physical device, group %u, behind IOMMU %s, driver %s",
			 group->number, topology->iommus[group->iommu].name,
			 *device->driver ? device->driver : "none");
	else
		snprintf(text, sizeof(text), "a physical device without an IOMMU, driver %s",
			 *device->driver ? device->driver : "none");
	fprintf(teller->to, "   %-8s %s\n", device->name, text);
	if (device->kind == VFIOSIM_DEVICE_MDEV)
		tell_bars(teller, device);
	gloss(teller, text);
}

void story_tell_head(struct story_teller *teller)
{
	const struct story *story = teller->story;
	const struct play *play = story->play;
	const char *variant = case_variant(play->file, play->variant);
	const struct story_style *style = teller->style;
	char others[80] = "";

	line(teller, "1", 0, "", "%s: %s", play->file->name, play->file->about);
	if (style->others)
		snprintf(others, sizeof(others), " (%zu other%s: --variant, --mode, --policy)",
			 style->others, style->others == 1 ? "" : "s");
	line(teller, "0", 0, "Told: ", "%s%s%s%s%s%s%s%s", variant ? "variant " : "", variant ? variant : "",
	     variant ? ", " : "", play->mode == MODE_LEGACY ? "with containers" : "with iommufd",
	     play->policy ? ", as " : "", play->policy ? story_actor(play) : "", play->policy ? " chooses" : "",
	     others);
	if (play->policy)
		line(teller, "0", 0, "", "%s: %s", story_actor(play), play->policy->about);
	story_tell_machine(teller);
}

void story_tell_machine(struct story_teller *teller)
{
	const struct story *story = teller->story;
	const struct vfiosim_topology *topology = story->play->topology;

	line(teller, "0", 0, "The machine: ", "%s", topology->about);
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].kind != VFIOSIM_DEVICE_BRIDGE &&
		    story_takes_part(story, topology->devices[i].name))
			tell_device(teller, &topology->devices[i]);
	fputc('\n', teller->to);
}

/* How to see a program meet the first refusal where there is no reason for it. */
static void tell_fault(struct story_teller *teller)
{
	const struct story *story = teller->story;

	for (size_t i = 0; i < story->n_scenes; i++)
		for (size_t k = 0; k < story->scenes[i].n_commands; k++) {
			const struct story_command *command = &story->scenes[i].commands[k];

			if (!command->provoke || command->folded)
				continue;
			line(teller, "0", 0, "Let a program meet it: ",
			     "vfiosim run --fault %s -- PROGRAM", command->provoke);
			return;
		}
}

void story_tell_lesson(const struct case_file *file, const struct story_style *style, FILE *to)
{
	struct story_teller teller = { .style = style, .to = to };

	if (!file->teaches)
		return;
	line(&teller, "1", 0, "", "What this shows: %s", file->teaches);
}

struct story_teller story_teller(struct story *story, const struct story_style *style, FILE *to)
{
	return (struct story_teller){ .story = story, .style = style, .to = to };
}

void story_tell_until(struct story_teller *teller, size_t step)
{
	const struct story *story = teller->story;

	for (; teller->next < story->n_scenes && story->scenes[teller->next].step < step; teller->next++)
		tell_scene(teller, &story->scenes[teller->next]);
}

void story_tell_end(struct story_teller *teller)
{
	const struct story_style *style = teller->style;

	if (style->picture && !style->refused_only)
		picture_ends(teller->story, style->ascii, teller->to);
	if (teller->folded)
		line(teller, "2", 3, "", "(Not told: %zu commands of set-up and clean-up, answered as expected.)",
		     teller->folded);
	if (!style->refused_only)
		tell_fault(teller);
}

void story_tell(struct story *story, const struct story_style *style, FILE *to)
{
	struct story_teller teller = story_teller(story, style, to);

	story_tell_head(&teller);
	story_tell_until(&teller, SIZE_MAX);
	story_tell_end(&teller);
	if (!style->refused_only && !style->more)
		story_tell_lesson(story->play->file, style, to);
	if (story->failed)
		fputs("(memory ran out: this story is not whole)\n", to);
	fflush(to);
}
