/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim doctor`: can programs be run here, and if not, what is to be done? Each check
 * tries the very thing that a run does, in a process of its own, so that nothing of it is
 * left.
 *
 *	doctor.c	the verb: runs the checks, one line each
 *	checks.c	what is checked: a row each
 */
#ifndef HARNESS_DOCTOR_DOCTOR_H
#define HARNESS_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#define FINDING_MAX 700

enum finding_kind { FINDING_OK, FINDING_FAILED, FINDING_SKIPPED };

struct finding {
	enum finding_kind kind;
	char text[FINDING_MAX];	/* what was found; failed: and the remedy. One line */
};

/* What is known when a check begins. */
struct patient {
	char **command;		/* that is to be run; NULL: none was given */
	bool failed;		/* a check before this one */
};

struct check {
	const char *name;
	/* In a process of its own. Begins with @finding FINDING_OK. */
	void (*run)(const struct patient *patient, struct finding *finding);
};

extern const struct check checks[];	/* a NULL name ends them */

void finding_ok(struct finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
void finding_failed(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void finding_skipped(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
