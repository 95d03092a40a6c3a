/* SPDX-License-Identifier: MIT */
/* A story told as text. */
#ifndef HARNESS_REPORT_STORY_TEXT_H
#define HARNESS_REPORT_STORY_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct case_file;
struct story;


struct story_style {
	bool colours;
	bool picture;		/* rulers and boxes as well */
	bool refused_only;	/* refusals with their reasons, nothing else */
	bool ascii;		/* no other signs in pictures */
	size_t others;		/* plays of the case that are not told */
	bool more;		/* the caller adds to it, and tells the lesson then */
	bool quiz;		/* scenes only: no head, no "What this shows" */
};

void story_tell(struct story *story, const struct story_style *style, FILE *to);
/* What the case teaches, wrapped. Nothing where it says nothing. */
void story_tell_lesson(const struct case_file *file, const struct story_style *style, FILE *to);

/* "container 1: mdev0 | 2 mappings, none pinned | no domain" */
struct space;
void story_space_line(struct story *story, const struct space *space, char *to, size_t size);
/* Does @one differ from @other in what that line tells? @other: NULL, there was none. */
bool story_space_differs(const struct space *one, const struct space *other);
/* The word of the glossary at @index, if it is right for the story's mode; else NULL. */
struct word;
const struct word *story_word(const struct story *story, size_t index);

#endif
