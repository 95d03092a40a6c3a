/* SPDX-License-Identifier: MIT */
/*
 * A story: what one play asked of a machine, what the machine answered, and how it
 * stood after each answer, kept so that it can be told as a text or as a page.
 *
 *	story_create -> a trace sink (story_event), a watch (story_watch), and after each
 *	call of the program story_called() -> story_scene(0), (1) ... -> story_destroy
 *
 * A scene is the smallest piece worth a number: the commands from one decision of the
 * program to its next. A step of the case is one scene, or several where a selection
 * policy decides in between. Pointers live as long as the story.
 */
#ifndef HARNESS_REPORT_STORY_H
#define HARNESS_REPORT_STORY_H

#include <vfiosim/trace.h>

#include "base/arena.h"
#include "case/run.h"
#include "report/spaces.h"

/* One command, with the names people gave. */
struct story_command {
	const struct vfiosim_command *command;	/* NULL: open, close, mmap ... */
	const char *name;		/* "MAP_DMA": as the kernel has it, without VFIO_, IOMMU_ */
	const char *what;		/* "0x0..0x7ffffff (RAM)": what it is about */
	int error;			/* positive errno; 0: done */
	long result;
	const char *reason;		/* of a refusal; NULL: unknown */
	const struct vfiosim_rule *rule;
	const char *provoke;		/* of a refusal: the fault that gives the same; NULL: none */
	const char **walk;		/* of a refusal: what was done, and undone, before it; ends in NULL */
	const char **changes;		/* what it changed, worth telling; ends in NULL */
	bool folded;			/* set-up or a question, answered as expected */
};

struct story_scene {
	size_t step;			/* index of the case's; n_steps: the end */
	const char *title;		/* "QEMU maps RAM, 128M at iova 0x0" */
	const char *note;		/* the case's sentence, or NULL */
	struct story_command *commands;
	size_t n_commands;
	const char *decided;		/* what the program makes of it, or NULL */
	bool alone;			/* worth telling without commands: a limit, a process */
	struct spaces before, after;
};

struct story {
	const struct play *play;	/* borrowed */
	struct target *target;		/* borrowed; NULL until it is known */
	struct arena arena;
	struct story_scene *scenes;
	size_t n_scenes, capacity;
	size_t step;			/* being played */
	bool step_titled;		/* its first scene has the step's own title */
	const char *note;
	struct spaces now;
	struct story_alias {		/* what commands say, and what is meant: the last ones */
		uint32_t client;	/* whose descriptor; 0: anybody's */
		const char *said;	/* "fd 5", "device 0000:01:00.0" */
		const char *name;	/* "container 1", "iommufd 2"; NULL: closed since */
	} aliases[32];
	size_t n_aliases;		/* so many have been learnt */
	bool run;			/* of somebody's program, no case: steps are its commands */
	bool failed;			/* memory ran out: the story is not whole */
};

int story_create(const struct play *play, struct story **ret_story);
void story_destroy(struct story *story);
/* A trace sink; @ctx is a struct story. */
void story_event(void *ctx, const struct vfiosim_event *event);
/*
 * For a run, in place of the two above and of story_watch(): what a program asked, and how
 * the machine stands now (NULL: as before).
 */
void story_run_event(struct story *story, const struct vfiosim_event *event, const char *state);
/* The target's: the machine may be asked for its state now. */
void story_called(void *ctx);
struct run_watch story_watch(struct story *story);

/* Nothing more will happen. */
void story_finish(struct story *story);

/* NULL past the end. */
const struct story_scene *story_scene(const struct story *story, size_t index);
/* "RAM", "BAR 0 of mdev0": what the case maps at @iova; "" unknown. */
const char *story_label(struct story *story, uint64_t iova);
/* Is @device, by name, in the story at all? */
bool story_takes_part(const struct story *story, const char *device);
/* "QEMU", "cloud-hypervisor", "the program". */
const char *story_actor(const struct play *play);

#endif
