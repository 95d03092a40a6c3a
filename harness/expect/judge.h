/* SPDX-License-Identifier: MIT */
/*
 * What was expected against what was seen: a row for each expectation. The server fills
 * the rows, the launcher prints them, so they are in memory that both share.
 */
#ifndef HARNESS_EXPECT_JUDGE_H
#define HARNESS_EXPECT_JUDGE_H

#include "expect/expect.h"
#include "expect/seen.h"

#define ROW_NAME_MAX 120
#define ROW_MESSAGE_MAX 1200
#define ROW_DETAIL_MAX 2400

struct tales;

struct expect_row {
	bool failed;
	char name[ROW_NAME_MAX];	/* "never map msi" */
	char message[ROW_MESSAGE_MAX];	/* failed: expected and seen, with the place; else a remark or "" */
	char detail[ROW_DETAIL_MAX];	/* the explained step that decided; "" */
};

struct expect_report {
	size_t n;
	bool complete;			/* the server has filled it */
	char last_failed[ROW_DETAIL_MAX];	/* the last step that was refused, told; "" */
	struct expect_row rows[];
};

/* Rows in order: outcome, moments, must, never. Mapped shared; every row failed at first. NULL: no memory. */
struct expect_report *report_create(const struct expectations *expect);
void report_destroy(struct expect_report *report);
struct expect_row *report_outcome(struct expect_report *report, const struct expectations *expect);
struct expect_row *report_moment(struct expect_report *report, const struct expectations *expect, size_t index);
struct expect_row *report_must(struct expect_report *report, const struct expectations *expect, size_t index);
struct expect_row *report_never(struct expect_report *report, const struct expectations *expect, size_t index);

/* @to: the row's verdict, with the step of @tales that decided it if it failed. */
void judge_moment(const struct vfiosim_topology *topology, const struct moment_want *want,
		  const struct seen *seen, const struct tales *tales, struct expect_row *to);
void judge_outcome(const struct vfiosim_topology *topology, const struct expectations *expect,
		   const struct seen_outcome *seen, const struct seen *fullest,
		   const char *const *refused, size_t n_refused, const struct tales *tales,
		   struct expect_row *to);
/* @told: the explained step, NULL: none. */
void row_fail(struct expect_row *row, const struct ynode *node, const char *told, const char *format,
	      ...) __attribute__((format(printf, 4, 5)));
void row_pass(struct expect_row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Is @mapping what @what speaks of? A range: overlaps it. */
bool what_is(const struct what *what, const struct seen_mapping *mapping);
/* "mdev0.bar0", "0x1000..0x1fff" */
void put_mapping(FILE *to, const struct vfiosim_topology *topology, const struct seen_mapping *mapping);

#endif
