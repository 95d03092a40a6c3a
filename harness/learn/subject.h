/* SPDX-License-Identifier: MIT */
/*
 * What can be explained, by kind: rules, commands, errnos, terms, sites, verdicts. A kind is a row;
 * `vfiosim explain` asks each of them about a word, and tells what every one that knows it
 * has to say.
 */
#ifndef HARNESS_LEARN_SUBJECT_H
#define HARNESS_LEARN_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "case/evidence.h"

/* What is known while something is told. */
struct subject_context {
	FILE *to;
	struct evidence evidence;	/* collected when it is asked for first */
	bool has_evidence;
	int error;			/* -errno: it could not be collected */
	bool told_error;
};
/* NULL: it could not be had, which was told. */
const struct evidence *subject_evidence(struct subject_context *context);

struct subject_kind {
	const char *name;		/* "rules": what --list takes */
	const char *about;
	/* Tells of @word, to context->to. False: it is none of this kind. */
	bool (*tell)(struct subject_context *context, const char *word);
	/* The words of this kind, and half a sentence of each (@ret_about); NULL past the end. */
	const char *(*word)(size_t index, const char **ret_about);
};

extern const struct subject_kind subject_rules;		/* subject_rule.c */
extern const struct subject_kind subject_commands;	/* subject_command.c */
extern const struct subject_kind subject_errnos;	/* subject_errno.c */
extern const struct subject_kind subject_terms;		/* subject_term.c */
extern const struct subject_kind subject_sites;		/* subject_site.c */
extern const struct subject_kind subject_verdicts;	/* subject_verdict.c */

/* Every rule with which @verb (NULL: any) was refused with @error (0: any), as cases show. */
size_t subject_tell_rules(struct subject_context *context, const char *verb, int error);
/* The rules of @command with @error, and what is to be said where none is shown. */
void subject_tell_answer(struct subject_context *context, const char *command, int error);
/* The full name of the command @word means, with or without its prefix; NULL: none. */
const char *subject_command_name(const char *word);
/* The newest row of that name, the first of those that files of several kinds have. */
struct vfiosim_command;
const struct vfiosim_command *subject_command_row(const char *name);
/* "EINVAL", "22", "-22": positive errno; 0: it is none. */
int subject_errno(const char *word);

/* An ioctl number: what it is, or what is wrong with it. False: @word is no such number. */
bool subject_tell_number(struct subject_context *context, const char *word);

#endif
