/* SPDX-License-Identifier: MIT */
/* See picture.h. */
#include "report/picture.h"

#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "report/lines.h"
#include "report/story.h"
#include "report/story_text.h"

#define BOX_WIDTH 30
#define BOX_TEXT 164
#define BOXES_PER_ROW 3
#define INDENT 5

/* ---- What lies in a space ---------------------------------------------- */

static void add_part(struct ruler_part *to, size_t *n, struct ruler_part part)
{
	size_t at = *n;

	if (*n == RULER_MAX)
		return;
	for (size_t i = 0; i < *n; i++)
		if (to[i].first == part.first && to[i].last == part.last && to[i].kind == part.kind)
			return;
	for (; at && to[at - 1].first > part.first; at--)
		to[at] = to[at - 1];
	to[at] = part;
	(*n)++;
}

static void add_reserved(struct ruler_part *to, size_t *n, const struct vfiosim_resv *resv, size_t n_resv)
{
	for (size_t i = 0; i < n_resv; i++)
		add_part(to, n, (struct ruler_part){ resv[i].range.first, resv[i].range.last,
						     RULER_RESERVED, "reserved", false });
}

static void add_limits(struct story *story, struct ruler_part *to, size_t *n)
{
	const struct vfiosim_topology *topology = story->play->topology;

	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];
		const struct vfiosim_topo_group *group =
			device->group >= 0 ? &topology->groups[device->group] : NULL;
		const struct vfiosim_topo_iommu *iommu =
			group && group->iommu >= 0 ? &topology->iommus[group->iommu] : NULL;

		if (!iommu || device->kind == VFIOSIM_DEVICE_BRIDGE ||
		    !story_takes_part(story, device->name))
			continue;
		add_reserved(to, n, iommu->resv, iommu->n_resv);
		add_reserved(to, n, group->resv, group->n_resv);
		add_reserved(to, n, device->resv, device->n_resv);
		add_part(to, n, (struct ruler_part){ iommu->aperture.last, iommu->aperture.last,
						     RULER_END, iommu->name, false });
	}
}

size_t ruler_parts(struct story *story, const struct space *space, uint64_t at, struct ruler_part *to)
{
	bool found = at == UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < space->n_mappings && i < RULER_MAX / 2; i++) {
		const struct space_mapping *mapping = &space->mappings[i];
		const char *label = story_label(story, mapping->first);
		bool conflict = at >= mapping->first && at <= mapping->last;

		found |= conflict;
		add_part(to, &n, (struct ruler_part){ mapping->first, mapping->last, RULER_MAPPED,
						      *label ? label : "mapped", conflict });
	}
	if (!found) {
		const char *label = story_label(story, at);

		add_part(to, &n, (struct ruler_part){ at, at, RULER_MAPPED,
						      *label ? label : "asked for", true });
	}
	add_limits(story, to, &n);
	return n;
}

/* The last "container 1" or "ioas 2" in @what; of "ioas 2" and "ioas 2 of iommufd 3" the longer. */
static const struct space *named_in(const struct spaces *spaces, const char *what)
{
	const struct space *found = NULL;
	const char *place = NULL;

	for (size_t i = 0; i < spaces->n; i++) {
		const char *name = spaces->list[i].name;

		for (const char *at = what; (at = strstr(at, name)); at++)
			if (!place || at > place ||
			    (at == place && strlen(name) > strlen(found->name))) {
				place = at;
				found = &spaces->list[i];
			}
	}
	return found;
}

const struct space *ruler_of(struct story *story, const struct story_scene *scene, uint64_t *ret_at)
{
	for (size_t i = 0; i < scene->n_commands; i++) {
		const struct story_command *command = &scene->commands[i];
		const char *hex = command->reason ? strstr(command->reason, "0x") : NULL;
		const struct space *space = named_in(&scene->after, command->what);

		if (!command->error || command->folded || !space)
			continue;
		*ret_at = hex ? strtoull(hex, NULL, 16) : UINT64_MAX;
		return space;
	}
	return NULL;
}

/* ---- Rulers ------------------------------------------------------------ */

static size_t cell_width(const struct ruler_part *part)
{
	char first[24];
	size_t label = strlen(part->label) + (part->kind == RULER_END ? 3 : 4);
	size_t address = (size_t)snprintf(first, sizeof(first), "0x%llx", (unsigned long long)part->first);

	return (label > address ? label : address) + 2;
}

static void put_cell(const struct ruler_part *part, size_t width, FILE *to)
{
	char text[100];
	int n;

	if (part->kind == RULER_END)
		n = snprintf(text, sizeof(text), "| %s", part->label);
	else if (part->conflict)
		n = snprintf(text, sizeof(text), "[!%s!]", part->label);
	else if (part->kind == RULER_RESERVED)
		n = snprintf(text, sizeof(text), "[#%s#]", part->label);
	else
		n = snprintf(text, sizeof(text), "[=%s=]", part->label);
	fputs(text, to);
	for (size_t i = (size_t)n; i < width && part->kind != RULER_END; i++)
		putc('.', to);
}

static void put_ruler(const struct ruler_part *parts, size_t n, FILE *to)
{
	size_t fits = 0, width = INDENT, conflict = 0, at = INDENT;

	while (fits < n && width + cell_width(&parts[fits]) <= LINES_WIDTH - 14)
		width += cell_width(&parts[fits++]);
	fprintf(to, "%*s", INDENT, "");
	for (size_t i = 0; i < fits; i++)
		fprintf(to, "0x%-*llx", i + 1 < fits ? (int)cell_width(&parts[i]) - 2 : 0,
			(unsigned long long)parts[i].first);
	fprintf(to, "\n%*s", INDENT, "");
	for (size_t i = 0; i < fits; i++) {
		put_cell(&parts[i], cell_width(&parts[i]), to);
		if (parts[i].conflict)
			conflict = at;
		at += cell_width(&parts[i]);
	}
	fputs(fits < n ? " ...\n" : "\n", to);
	if (conflict)
		fprintf(to, "%*s^ the conflict\n", (int)conflict + 1, "");
	fprintf(to, "%*s(not to scale: above each box its first iova, above | the last that the IOMMU translates;\n"
		"%*s = mapped, ! in conflict, # reserved)\n", INDENT, "", INDENT, "");
}

void picture_scene(struct story *story, const struct story_scene *scene, bool ascii, FILE *to)
{
	struct ruler_part parts[RULER_MAX];
	uint64_t at = UINT64_MAX;
	const struct space *space = ruler_of(story, scene, &at);

	if (!space)
		return;
	fprintf(to, "%*siovas of %s%s:\n", INDENT, "", space->name, at == UINT64_MAX ? "" : " and what was asked");
	put_ruler(parts, ruler_parts(story, space, at, parts), to);
}

/* ---- Boxes ------------------------------------------------------------- */

struct box {
	char rows[4][BOX_TEXT];
};

static void fill_box(struct story *story, const struct space *space, struct box *ret_box)
{
	struct box box = { 0 };
	size_t n = 0;

	snprintf(box.rows[0], BOX_TEXT, "%s", space->name);
	for (size_t i = 0; i < space->n_devices && n < BOX_TEXT; i++)
		n += (size_t)snprintf(box.rows[1] + n, BOX_TEXT - n, "%s%s", i ? ", " : "",
				      space->devices[i].name);
	if (!space->n_devices)
		snprintf(box.rows[1], BOX_WIDTH, "no device");
	n = 0;
	for (size_t i = 0; i < space->n_mappings && n < BOX_TEXT; i++) {
		const char *label = story_label(story, space->mappings[i].first);

		n += (size_t)snprintf(box.rows[2] + n, BOX_TEXT - n, "%s%s", i ? ", " : "",
				      *label ? label : "a mapping");
	}
	if (!space->n_mappings)
		snprintf(box.rows[2], BOX_WIDTH, "nothing mapped");
	snprintf(box.rows[3], BOX_TEXT, "%s", *space->domains ? space->domains :
		 space_is_ioas(space) ? "no hwpt" : "no domain");
	*ret_box = box;
}

static void put_repeated(const char *sign, unsigned n, FILE *to)
{
	while (n--)
		fputs(sign, to);
}

static void put_edge(size_t n, bool top, bool ascii, FILE *to)
{
	fprintf(to, "%*s", INDENT, "");
	for (size_t i = 0; i < n; i++) {
		fputs(ascii ? "+" : top ? "\u250c" : "\u2514", to);
		put_repeated(ascii ? "-" : "\u2500", BOX_WIDTH, to);
		fputs(ascii ? "+" : top ? "\u2510" : "\u2518", to);
		fputs(i + 1 < n ? " " : "", to);
	}
	putc('\n', to);
}

static void put_boxes(const struct box *boxes, size_t n, bool ascii, FILE *to)
{
	const char *side = ascii ? "|" : "\u2502";

	put_edge(n, true, ascii, to);
	for (unsigned row = 0; row < 4; row++) {
		fprintf(to, "%*s", INDENT, "");
		for (size_t i = 0; i < n; i++)
			fprintf(to, "%s %-*.*s%s%s", side, BOX_WIDTH - 1, BOX_WIDTH - 1,
				boxes[i].rows[row], side, i + 1 < n ? " " : "");
		putc('\n', to);
	}
	put_edge(n, false, ascii, to);
}

static void put_spaces(struct story *story, const char *when, const struct spaces *spaces, bool ascii, FILE *to)
{
	struct box boxes[BOXES_PER_ROW];

	fprintf(to, "   %s:%s\n", when, spaces->n ? "" : " no space");
	for (size_t i = 0; i < spaces->n; i += BOXES_PER_ROW) {
		size_t n = spaces->n - i < BOXES_PER_ROW ? spaces->n - i : BOXES_PER_ROW;

		for (size_t k = 0; k < n; k++)
			fill_box(story, &spaces->list[i + k], &boxes[k]);
		put_boxes(boxes, n, ascii, to);
	}
}

/* The first scene with a refusal, or NULL. */
static const struct story_scene *first_refusal(const struct story *story)
{
	for (size_t i = 0; i < story->n_scenes; i++)
		for (size_t k = 0; k < story->scenes[i].n_commands; k++)
			if (story->scenes[i].commands[k].error && !story->scenes[i].commands[k].folded)
				return &story->scenes[i];
	return NULL;
}

void picture_ends(struct story *story, bool ascii, FILE *to)
{
	const struct story_scene *refused = first_refusal(story), *last = NULL;

	for (size_t i = 0; i < story->n_scenes; i++)
		if (story->scenes[i].step < story->play->n_steps)
			last = &story->scenes[i];
	if (refused)
		put_spaces(story, "Before the first refusal", &refused->before, ascii, to);
	if (last)
		put_spaces(story, refused ? "After the last step" : "At the end", &last->after, ascii, to);
}
