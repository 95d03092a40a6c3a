/* SPDX-License-Identifier: MIT */
/*
 * Steps of a run that may turn out to have decided an expectation, told as --explain tells
 * them: a verdict on what is there, or missing, looks here for the step that made it so.
 * Of steps about the same thing the last is kept; of all, the last TALES_MAX.
 *
 * Life: zeroed -> tales_keep_* ... tales_of -> tales_done. One thread at a time.
 */
#ifndef HARNESS_EXPECT_TALES_H
#define HARNESS_EXPECT_TALES_H

#include <vfiosim/trace.h>

#include "expect/expect.h"

#define TALES_MAX 256

enum tale_kind {
	TALE_ATTACHED,		/* a device, by its address */
	TALE_REFUSED,		/* ... where it, or its group, was refused */
	TALE_MAPPED,		/* a mapping, of a space */
	TALE_MAP_REFUSED,
	TALE_UNMAPPED,
	TALE_OPENED,		/* "container 1", "device 0000:01:00.0" */
	TALE_CLOSED,
	TALE_PINNED,		/* what changed how much is pinned */
	TALE_FAILED,		/* whatever was refused */
};

/* Iovas that are mapped, or were to be, and of what: @device NULL: memory. */
struct seen_mapping {
	struct span iova;
	const char *device;	/* an address */
	unsigned region;
	bool moves;		/* memory at an iova that is its address in the program: another
				   one in each run */
};

struct tale {
	enum tale_kind kind;
	char *name;			/* of the device or the file; NULL: none */
	struct seen_mapping mapping;	/* TALE_MAPPED, _MAP_REFUSED, _UNMAPPED */
	unsigned space;			/* its number; 0: unknown */
	char *told;
};

struct tales {
	struct tale *items;	/* oldest first */
	size_t n;
};

/* The event as --explain tells it, without the glossary; malloc'ed, NULL: no memory. */
char *tell_event(const struct vfiosim_event *event, uint64_t step);

/* Copies @name; @told becomes the callee's, NULL is no memory and keeps nothing. */
void tales_keep_name(struct tales *tales, enum tale_kind kind, const char *name, char *told);
void tales_keep_mapping(struct tales *tales, enum tale_kind kind, const struct seen_mapping *mapping,
			unsigned space, char *told);
void tales_done(struct tales *tales);

/* The last of each; NULL: none, as of @tales NULL. @name NULL: whichever. @space 0: any. */
const char *tales_of(const struct tales *tales, enum tale_kind kind, const char *name);
const char *tales_of_mapping(const struct tales *tales, enum tale_kind kind,
			     const struct seen_mapping *mapping, unsigned space);
/* Of either kind. */
const char *tales_of_what(const struct tales *tales, enum tale_kind kind, enum tale_kind other,
			  const struct what *what, unsigned space);

#endif
