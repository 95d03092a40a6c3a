/* SPDX-License-Identifier: MIT */
/*
 * Pictures of IOVA spaces as text: a ruler of what lies where, not to scale, and boxes
 * of spaces with the devices in them.
 */
#ifndef HARNESS_REPORT_PICTURE_H
#define HARNESS_REPORT_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct space;
struct story;
struct story_scene;

enum ruler_kind { RULER_MAPPED, RULER_RESERVED, RULER_END };

/* A stretch on a ruler. */
struct ruler_part {
	uint64_t first, last;
	enum ruler_kind kind;
	const char *label;	/* "RAM", "reserved (msi)", "end of dmar0" */
	bool conflict;
};

#define RULER_MAX 32
/*
 * What lies in @space, ascending, and what of the machine's IOMMUs limits it. @at: an iova
 * that was refused; UINT64_MAX: none. Returns how many.
 */
size_t ruler_parts(struct story *story, const struct space *space, uint64_t at,
		   struct ruler_part *to);
/* The space that the scene's first refusal is about, before it, and the iova; NULL: none. */
const struct space *ruler_of(struct story *story, const struct story_scene *scene, uint64_t *ret_at);

/* The ruler of the space that @scene's refusal is about. */
void picture_scene(struct story *story, const struct story_scene *scene, bool ascii, FILE *to);
/* Boxes: the spaces before the first refusal, and at the end. */
void picture_ends(struct story *story, bool ascii, FILE *to);

#endif
