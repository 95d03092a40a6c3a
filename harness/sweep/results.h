/* SPDX-License-Identifier: MIT */
/*
 * The results of a sweep: on a terminal, as JSON Lines, as JUnit; and read again, to be
 * merged or to be a baseline. A report's first line says which plan it is of.
 */
#ifndef SWEEP_RESULTS_H
#define SWEEP_RESULTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sweep/judge.h"

struct result {
	char *point;		/* the fault; malloc'ed */
	size_t number;		/* in the plan, from 1 */
	bool tested;
	struct verdict verdict;
	int status;		/* the program's exit status */
	char *story;		/* malloc'ed; NULL: not kept */
};

struct results {
	struct result *items;	/* in the order of the plan */
	size_t n;
	uint64_t plan;		/* of all points there are: results_plan() */
	size_t points;		/* how many these are */
};

/* A plan is told by its points. */
uint64_t results_plan(uint64_t plan, const char *point);

void results_done(struct results *results);
size_t results_count(const struct results *results, enum judge_defect defect);
/* Without the unstable ones. */
size_t results_defects(const struct results *results);

void results_print_row(FILE *to, const struct result *result, bool colours);
void results_print_summary(FILE *to, const struct results *results);

/* 0 or -errno; told. */
int results_write_json(const struct results *results, const char *path);
int results_write_junit(const struct results *results, const char *path);
int results_read_json(struct results *results, const char *path);
/* One page, with the story of each run; in results_page.c. */
int results_write_html(const struct results *results, const char *title, const char *path);
/* One more, of @point (copied); its number is its place. NULL: no memory. */
struct result *results_add(struct results *results, const char *point);
/* All of @from becomes @results'. -EINVAL, told as @path's fault: of another plan, or twice. */
int results_merge(struct results *results, struct results *from, const char *path);

#endif
