/* SPDX-License-Identifier: MIT */
/*
 * A case: a short story told to a machine, with what should come of every step.
 * cases/README.md is the page for those who write them.
 *
 * A case file is read once (struct case_file). What is run is a *play*: the case
 * with the values of one variant, in one mode, either as scripted or with a
 * selection policy in the leading part. Reading a case makes every play of it
 * once, so that whatever is wrong with a file is found before anything runs.
 *
 *	case_load -> { case_play_make -> run_play() (run.h) -> case_play_done } -> case_free
 */
#ifndef HARNESS_CASE_CASE_H
#define HARNESS_CASE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/yaml.h"

struct verb;
struct policy;
struct vfiosim_errors;
struct vfiosim_topology;

/* ---- Modes: the two ways into VFIO ------------------------------------- */

enum mode { MODE_LEGACY, MODE_IOMMUFD, MODE_COUNT };

/* Their names; a NULL ends them. */
extern const char *const mode_names[MODE_COUNT + 1];

/* ---- What is expected -------------------------------------------------- */

#define EXPECT_VALUES_MAX 12

struct expect {
	const struct ynode *node;	/* NULL: nothing said, so success */
	bool any;			/* of plug and unplug: whatever the policy makes of it */
	int error;			/* positive errno; 0: success */
	const char *rule;		/* id of a refusal's rule, NULL: any */
	bool unchanged;			/* containers and groups are as before */
	struct expect_value {
		const char *name;
		const struct ynode *node;	/* scalar or list, resolved */
	} values[EXPECT_VALUES_MAX];
	unsigned n_values;
};

/* How a play under a policy should end; NULL nodes: nothing said. */
struct expect_outcome {
	const struct ynode *spaces;	/* number of containers */
	const struct ynode *omitted;	/* iovas of sections left out somewhere */
	const struct ynode *refused;	/* names of devices */
	const struct ynode *aborted;	/* did the program give up? */
	const struct ynode *discards;	/* how often discarding RAM is forbidden at the end */
};

/*
 * What a value stands for in this play: `$name` is taken from the variant's
 * @values, and a map of modes gives the one for @mode.
 */
const struct ynode *case_pick(const struct ynode *node, const struct ynode *values, enum mode mode);

/* ---- Steps ------------------------------------------------------------- */

#define STEP_ARGS_MAX 16

struct arg {
	const char *name;		/* of the verb's field */
	const struct ynode *node;	/* NULL: not given */
	const char *text;
	uint64_t number;		/* numbers, booleans, index of a choice */
};

struct step {
	const struct verb *verb;
	const struct ynode *node;	/* the step's map, for its place */
	const struct ynode *args_node;
	struct arg args[STEP_ARGS_MAX];
	const char *by;			/* the process that does it; NULL: the first */
	const char *note;		/* a sentence for --explain, or NULL */
	struct expect expect;
};

/* An argument that was given, or NULL. */
const struct arg *step_arg(const struct step *step, const char *name);
/* Its text, number or @otherwise. */
const char *step_text(const struct step *step, const char *name, const char *otherwise);
uint64_t step_number(const struct step *step, const char *name, uint64_t otherwise);

/* ---- A case ------------------------------------------------------------ */

#define LESSON_ANSWERS 3	/* a, b, c */

struct case_file {
	char *name;			/* mdev-hotadd */
	const char *topic;		/* of one that is built in: its folder; NULL: it is not */
	const char *path;		/* of the file it came from; NULL: from none, it is built in */
	const char *chosen;		/* its variants that are meant, a glob; NULL: all */
	struct arena arena;		/* holds what follows */
	const struct ynode *root;
	const char *about;
	const char *source;		/* where it was met: issue threads, or a program's version; NULL */
	const char *symptom;		/* as users saw it; NULL */
	const char *teaches;		/* what one learns from it, some sentences; NULL */
	struct case_story {		/* the play that --explain tells; NULLs, -1: the first */
		const char *variant;
		int mode;
		const struct policy *policy;
	} story;
	struct case_lesson {		/* asked of a learner; title NULL: the case is no lesson */
		uint64_t number;	/* its place in the tour */
		const char *title;
		const char *before;	/* what to know beforehand, some sentences */
		uint64_t at;		/* asked before step @at is told, from 1; 0: after all */
		const char *question;
		const char *answers[LESSON_ANSWERS];
		unsigned right;		/* index of one of them */
		const char *why;	/* some sentences */
	} lesson;
	char *topology_name;		/* a name, or a path from here */
	const struct ynode *topology_node;
	bool modes[MODE_COUNT];		/* that the case is written for */
	const struct ynode *variants;	/* map of maps, or NULL */
	const struct ynode *params;	/* map, or NULL */
	const struct ynode *faults;	/* list, or NULL: what the machine is told to fail with */
	const struct ynode *skip;	/* map from targets to reasons, or NULL */
	const struct ynode *outcome;	/* map by policy, or NULL */
	const struct ynode *steps;	/* list */
	bool scripted;			/* can be run as written; false: only under a policy */
};

/*
 * Reads a case from memory. @file is for messages, its name without folder and
 * ending is the case's. A topology named by path is looked up beside @file.
 * -EINVAL and all that is wrong, added to @errors; -ENOMEM.
 */
int case_parse(const char *file, const char *text, size_t length, struct case_file **ret_case,
	       struct vfiosim_errors *errors);
/* The same from a file; also errnos of open() and read(). */
int case_load(const char *path, struct case_file **ret_case, struct vfiosim_errors *errors);
/* NULL is allowed. */
void case_free(struct case_file *file);

/* Names of variants: 1 and NULL when there are none. */
size_t case_variants(const struct case_file *file);
const char *case_variant(const struct case_file *file, size_t index);
/* What it is about, its value `about`; NULL: it does not say. */
const char *case_variant_about(const struct case_file *file, size_t index);

/* One way to run a case. */
struct play {
	const struct case_file *file;
	size_t variant;
	enum mode mode;
	const struct policy *policy;	/* NULL: as scripted */
	struct vfiosim_topology *topology;	/* with the case's params applied */
	struct step *steps;
	size_t n_steps;
	struct expect_outcome outcome;
	bool unjudged;			/* steps go on whatever comes of them, nothing is expected */
};
/* Does @policy belong to @mode? Others are not played in it. */
bool case_policy_fits(const struct policy *policy, enum mode mode);
/* -EINVAL and where; -ENOMEM. */
int case_play_make(const struct case_file *file, size_t variant, enum mode mode,
		   const struct policy *policy, struct play *ret_play,
		   struct vfiosim_errors *errors);
void case_play_done(struct play *play);
/* "mdev-hotadd/unpinnable legacy qemu-legacy" */
void case_play_name(const struct play *play, char *to, size_t size);

/* ---- Errnos by name ---------------------------------------------------- */

/* "EINVAL", "blocks" for EINPROGRESS (the caller waits), or "errno 1234" in a buffer of the caller (at least 24 bytes). */
const char *errno_name(int error, char *buffer);	/* back: errno_by_name() */

#endif
