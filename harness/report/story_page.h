/* SPDX-License-Identifier: MIT */
/*
 * A case as a page: what it shows, the machine, a timeline of its steps with the spaces
 * after each as pictures, both interfaces side by side, a glossary. One file that needs
 * no network; arrow keys step through it.
 */
#ifndef HARNESS_REPORT_STORY_PAGE_H
#define HARNESS_REPORT_STORY_PAGE_H

#include <stdio.h>

struct case_file;
struct story;

#define STORY_PAGE_SIDES 2

struct story_page {
	const struct case_file *file;
	struct story *sides[STORY_PAGE_SIDES];	/* of one case; the first is the story, the second NULL, or
						   the same in the other mode */
	/* Writes what else belongs on the page, before the glossary; NULL: nothing. */
	void (*more)(FILE *to, void *ctx);
	void *ctx;
};

void story_page_write(const struct story_page *page, FILE *to);

/*
 * The same for the story of a run: each scene is a step. @title: the command; @untold: how
 * many of its commands came after those of the story.
 */
void story_page_write_run(struct story *story, const char *title, size_t untold, FILE *to);

#endif
