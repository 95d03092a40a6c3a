/* SPDX-License-Identifier: MIT */
#include "report/space_svg.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/page.h"
#include "report/picture.h"
#include "report/spaces.h"
#include "report/story.h"
#include "report/story_text.h"

#define WIDTH 330u
#define MARGIN 10
#define PAD 8		/* between a frame and its text */
#define CHIP 24		/* height of a device, of a page table */
#define PART 40		/* height of a mapping */
#define GAP 12		/* iovas in between, where nothing is */
#define LINE_HEIGHT 34	/* the end of an aperture */
#define INNER (WIDTH - 2 * MARGIN)

/* A picture is made twice: to know its height, and to draw it. */
struct drawing {
	FILE *to;	/* NULL: only measured */
	unsigned y;
};

/* @text in a frame of @width, from @x: cut where it is too long. */
static void put_text(struct drawing *drawing, unsigned x, unsigned y, unsigned width, bool small,
		     const char *text)
{
	unsigned letter = small ? SVG_SMALL : SVG_LETTER, fits = (width - 2 * PAD) / letter;
	size_t length = strlen(text);
	char cut[128];

	if (!drawing->to)
		return;
	snprintf(cut, sizeof(cut), "%.*s%s", (int)(length > fits ? fits - 2 : length), text,
		 length > fits ? ".." : "");
	fprintf(drawing->to, "<text x=\"%u\" y=\"%u\"%s>", x + PAD, y, small ? " class=\"small\"" : "");
	page_text(drawing->to, cut);
	fputs("</text>\n", drawing->to);
}

static void put_box(struct drawing *drawing, unsigned x, unsigned y, unsigned width, unsigned height,
		    const char *class)
{
	if (drawing->to)
		fprintf(drawing->to, "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\"/>\n",
			class, x, y, width, height);
}

/* Frames with a word in each, in rows. */
static void put_chip(struct drawing *drawing, unsigned *x, const char *class, const char *text)
{
	unsigned width = (unsigned)strlen(text) * SVG_LETTER + 2 * PAD;

	if (width > INNER)
		width = INNER;
	if (*x + width > WIDTH - MARGIN) {
		*x = MARGIN;
		drawing->y += CHIP + 6;
	}
	put_box(drawing, *x, drawing->y, width, CHIP, class);
	put_text(drawing, *x, drawing->y + 17, width, false, text);
	*x += width + 6;
}

static void put_devices(struct drawing *drawing, const struct space *space)
{
	unsigned x = MARGIN;

	for (size_t i = 0; i < space->n_devices; i++) {
		char text[80];

		snprintf(text, sizeof(text), "%s%s", space->devices[i].name,
			 space->devices[i].mdev ? " (mdev)" : "");
		put_chip(drawing, &x, "device", text);
	}
	if (!space->n_devices)
		put_text(drawing, MARGIN, drawing->y + 17, INNER, false, "no device");
	drawing->y += CHIP + 6;
}

/* "domain 1 of dmar0, domain 2 of dmar1": a frame each. */
static void put_domains(struct drawing *drawing, const struct space *space)
{
	const char *at = space->domains;
	unsigned x = MARGIN;

	if (!*at)
		put_text(drawing, MARGIN, drawing->y + 17, INNER, false,
			 space_is_ioas(space) ? "no hwpt" : "no domain");
	while (*at) {
		size_t length = strcspn(at, ",");
		char text[80];

		snprintf(text, sizeof(text), "%.*s", (int)length, at);
		put_chip(drawing, &x, "domain", text);
		at += length;
		at += strspn(at, ", ");
	}
	drawing->y += CHIP + 10;
}

static const struct space_mapping *mapping_at(const struct space *space, uint64_t first)
{
	for (size_t i = 0; i < space->n_mappings; i++)
		if (space->mappings[i].first == first)
			return &space->mappings[i];
	return NULL;
}

static void put_words(const struct space *space, const struct ruler_part *part, char *to, size_t size)
{
	const struct space_mapping *mapping = mapping_at(space, part->first);

	if (part->kind == RULER_RESERVED)
		snprintf(to, size, "reserved%s", *space->domains ? "" : " (for devices to come)");
	else if (part->conflict)
		snprintf(to, size, "%s: %s", mapping ? "CONFLICT" : "REFUSED", part->label);
	else if (mapping && mapping->pinned)
		snprintf(to, size, "%s, pinned", part->label);
	else if (mapping && mapping->pinned_pages)
		snprintf(to, size, "%s, %llu page%s pinned", part->label,
			 (unsigned long long)mapping->pinned_pages, mapping->pinned_pages == 1 ? "" : "s");
	else
		snprintf(to, size, "%s, not pinned", part->label);
}

static const char *class_of(const struct ruler_part *part)
{
	if (part->kind == RULER_RESERVED)
		return part->conflict ? "resv conflict" : "resv";
	if (!strncmp(part->label, "BAR ", 4))
		return part->conflict ? "bar conflict" : "bar";
	return part->conflict ? "ram conflict" : "ram";
}

static void put_part(struct drawing *drawing, const struct space *space, const struct ruler_part *part)
{
	char text[128], range[64];

	if (part->kind == RULER_END) {
		if (drawing->to)
			fprintf(drawing->to, "<line class=\"line\" x1=\"%u\" x2=\"%u\" y1=\"%u\" y2=\"%u\"/>\n",
				(unsigned)MARGIN, (unsigned)(WIDTH - MARGIN), drawing->y + 4, drawing->y + 4);
		snprintf(text, sizeof(text), "%s%s ends at 0x%llx", part->label,
			 *space->domains ? "" : " (not used yet)", (unsigned long long)part->last);
		put_text(drawing, MARGIN, drawing->y + 22, INNER, true, text);
		drawing->y += LINE_HEIGHT;
		return;
	}
	put_words(space, part, text, sizeof(text));
	snprintf(range, sizeof(range), "0x%llx..0x%llx", (unsigned long long)part->first,
		 (unsigned long long)part->last);
	put_box(drawing, MARGIN, drawing->y, INNER, PART, class_of(part));
	put_text(drawing, MARGIN, drawing->y + 16, INNER, false, text);
	put_text(drawing, MARGIN, drawing->y + 33, INNER, true, part->first == part->last ? strchr(range, '.') + 2 :
								  range);
	drawing->y += PART;
}

static void put_parts(struct drawing *drawing, const struct space *space, const struct ruler_part *parts,
		      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i && parts[i].first > parts[i - 1].last + 1) {
			if (drawing->to)
				fprintf(drawing->to, "<line class=\"line gap\" x1=\"%u\" x2=\"%u\" y1=\"%u\" y2=\"%u\"/>\n",
					WIDTH / 2, WIDTH / 2, drawing->y, drawing->y + GAP);
			drawing->y += GAP;
		}
		put_part(drawing, space, &parts[i]);
	}
}

static void draw(struct drawing *drawing, const struct space *space, const struct ruler_part *parts,
		 size_t n)
{
	drawing->y = MARGIN;
	put_text(drawing, MARGIN - PAD, drawing->y + 14, INNER, false, space->name);
	drawing->y += CHIP;
	put_devices(drawing, space);
	put_domains(drawing, space);
	put_parts(drawing, space, parts, n);
	drawing->y += MARGIN;
}

void space_svg(struct story *story, const struct space *space, uint64_t at, FILE *to)
{
	struct ruler_part parts[RULER_MAX];
	size_t n = ruler_parts(story, space, at, parts);
	struct drawing drawing = { .to = NULL };
	char label[500];

	draw(&drawing, space, parts, n);
	story_space_line(story, space, label, sizeof(label));
	fprintf(to, "<figure><svg role=\"img\" viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" aria-label=\"",
		(unsigned)WIDTH, drawing.y, (unsigned)WIDTH, drawing.y);
	page_text(to, label);
	fputs("\">\n", to);
	drawing.to = to;
	put_box(&drawing, 1, 1, WIDTH - 2, drawing.y - 2, "box");
	draw(&drawing, space, parts, n);
	fputs("</svg></figure>\n", to);
}
