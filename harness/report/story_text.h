/* SPDX-License-Identifier: MIT */
/* A story told as text. */
#ifndef HARNESS_REPORT_STORY_TEXT_H
#define HARNESS_REPORT_STORY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
};

void story_tell(struct story *story, const struct story_style *style, FILE *to);

/*
 * The same in parts, so that something can be asked in between:
 *
 *	story_teller -> story_tell_head -> { story_tell_until } -> story_tell_end
 */
struct story_teller {
	struct story *story;
	const struct story_style *style;
	FILE *to;
	uint64_t glossed;	/* words explained already, a bit each; another story's may go on from it */
	const char *last_reason;
	unsigned number;	/* of the last scene */
	size_t next;		/* scene that was not told yet */
	size_t folded;		/* commands that were not told */
};

struct story_teller story_teller(struct story *story, const struct story_style *style, FILE *to);
/* The play, the machine and the devices that take part. */
void story_tell_head(struct story_teller *teller);
/* The second part of it, the machine, alone. */
void story_tell_machine(struct story_teller *teller);
/* The scenes before @step of the case, by index; SIZE_MAX: all. */
void story_tell_until(struct story_teller *teller, size_t step);
/* What belongs behind the last scene. */
void story_tell_end(struct story_teller *teller);
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
