/* SPDX-License-Identifier: MIT */
/*
 * Which cases are meant: names and globs among those built in, or files of the
 * user's own. And which plays of them: by variant, mode and policy.
 */
#ifndef HARNESS_CASE_LIBRARY_H
#define HARNESS_CASE_LIBRARY_H

#include <stdio.h>

#include "case/case.h"

struct library {
	struct case_file **files;
	size_t n;
};

/*
 * @patterns: n of them, which must outlive the library; none means every case built in. A pattern
 * with a '/' or ending in .yaml is a file, or NAME/VARIANT as `case run` prints it; else a glob, or
 * where that matches nothing a topic. -ENOENT: one matches nothing; otherwise as case_parse() and
 * case_load(). @errors says what is wrong with all of them.
 */
int library_load(char **patterns, size_t n, struct library *ret_library,
		 struct vfiosim_errors *errors);
void library_done(struct library *library);

struct play_filter {
	const char *variant;	/* NULL: any; a glob */
	int mode;		/* enum mode; -1: any */
	unsigned policies;	/* a bit for each, by policy_index(); 0: any, and as scripted */
};

/* NULL: as scripted. */
bool library_has_policy(const struct play_filter *filter, const struct policy *policy);

/* May variant @variant of @file be played, as the filter and the pattern that named it say? */
bool library_has_variant(const struct play_filter *filter, const struct case_file *file, size_t variant);

/*
 * Every play that passes the filter, in order: which they are, without machine and
 * steps. job_run() makes those for the time it takes. -ENOMEM.
 */
int library_plays(const struct library *library, const struct play_filter *filter,
		  struct play **ret_plays, size_t *ret_n);
void library_plays_done(struct play *plays, size_t n);

/* Why the filter passes no play: the option that leaves none, and what it could have said. */
void library_why_nothing(const struct library *library, const struct play_filter *filter, FILE *to);

#endif
