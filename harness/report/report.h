/* SPDX-License-Identifier: MIT */
/*
 * Reports for machines: the Test Anything Protocol on a stream, and JUnit's XML
 * in a file. A row is one play of a case on one target.
 */
#ifndef HARNESS_REPORT_REPORT_H
#define HARNESS_REPORT_REPORT_H

#include <stddef.h>
#include <stdio.h>

enum report_verdict { REPORT_PASSED, REPORT_FAILED, REPORT_SKIPPED };

struct report_row {
	const char *name;	/* "mdev-hotadd/unpinnable legacy" */
	const char *suite;	/* the case: mdev-hotadd */
	enum report_verdict verdict;
	const char *message;	/* why it failed or was skipped; NULL: passed */
	const char *detail;	/* steps and trace of a failed one; NULL: none */
};

/* TAP 13: first the plan, then rows, counted from 1. */
void tap_plan(FILE *to, size_t n);
void tap_row(FILE *to, size_t number, const struct report_row *row);

/* JUnit: the file as a whole, from all rows. -EIO when it cannot be written. */
int junit_write(FILE *to, const char *target, const struct report_row *rows, size_t n);

#endif
