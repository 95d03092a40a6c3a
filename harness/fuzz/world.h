/* SPDX-License-Identifier: MIT */
/*
 * The world of one input: a machine, the programs on it, and what they hold, as far as
 * somebody who makes up calls has to know. What the machine has made of it is in the
 * picture (picture.h), read again after each step.
 *
 * Life: world_begin -> steps -> world_end, which ends what programs are left and checks
 * that the machine is as it was.
 */
#ifndef HARNESS_FUZZ_WORLD_H
#define HARNESS_FUZZ_WORLD_H

#include <stdio.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "fuzz/choices.h"
#include "fuzz/picture.h"
#include "fuzz/tally.h"
#include "target.h"

#define PROGRAMS_MAX 4
#define HELD_MAX 32
#define STRETCHES_MAX 16
#define FILES_MAX 512
#define PAGE ((uint64_t)4096)

/* Kinds of files beside enum vfiosim_file_kind. */
enum { KIND_EVENTFD = 1 << 10, KIND_MEMFD = 1 << 11 };

/* An open file, whoever has descriptors of it. */
struct opened {
	unsigned kind;		/* enum vfiosim_file_kind, or of the above */
	bool cdev;		/* a device, opened by its own node */
	uint64_t number;	/* of a container, iommufd or group; of a cdev: the iommufd it is
				   bound to, 0: none */
	char name[64];		/* a device's address */
};

struct held {
	int fd;
	struct opened *file;
};

/* Memory a program has mapped. */
struct stretch {
	uint64_t uva, length;
	bool region;		/* of a device */
};

/* A program: a process, and what it holds. */
struct program {
	struct proc *proc;	/* NULL: has ended */
	unsigned number;	/* 1, 2, ... */
	struct held held[HELD_MAX];
	unsigned n_held;
	struct stretch memory[STRETCHES_MAX];
	unsigned n_memory;
};

struct world {
	struct target *target;
	const struct vfiosim_topology *topology;
	struct program programs[PROGRAMS_MAX];
	unsigned n_ever;		/* programs that were started */
	struct opened files[FILES_MAX];
	unsigned n_files;
	json_object *picture;
	char *text;			/* the same as text, without its counters */
	struct tally *tally;

	/* What the machine has told of the current step, see watch.h. */
	struct watch {
		uint64_t events, commands, refusals;	/* ever */
		uint64_t hash;				/* of all events */
		uint64_t step_events;
		long result;				/* of the last */
		const struct vfiosim_command *command;	/* it was; NULL: none that we know */
		const struct vfiosim_rule *rule;	/* that refused it, or NULL */
	} watch;

	unsigned step;			/* 1, 2, ... */
	bool elsewhere;			/* the step's structure stands where answers may not fit */
	char doing[512];		/* in words */
	FILE *tell;			/* NULL: nobody wants to read it */
	bool shared;			/* others work with the machine meanwhile */
};

/* 0, or -errno. @target is the world's from now on. */
int world_begin(struct world *world, struct target *target, const struct vfiosim_topology *topology);
void world_end(struct world *world, struct choices *choices);

/* A sink of the machine's: counts, checks and tells events. @ctx is the world. */
void world_watch(void *ctx, const struct vfiosim_event *event);

/* Something is wrong with the machine: tells what and where, and aborts. */
void world_broken(const struct world *world, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* What the current step does. */
void world_doing(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the call of the current step answered. */
void world_answered(struct world *world, int64_t result);
/* Reads the picture again, and checks it. */
void world_look(struct world *world);

/* ---- Programs and what they hold ---------------------------------------- */

/* NULL: there is none (any more). */
struct program *any_program(struct world *world, struct choices *choices);
/* A place for another one, NULL: there are enough. */
struct program *program_slot(struct world *world);
/* @parent NULL: a fresh one. */
void program_start(struct world *world, struct program *parent);
void program_end(struct world *world, struct program *program);

struct opened *file_add(struct world *world, unsigned kind);
/* What is held is forgotten where there is no room for it, never the descriptor: it is closed. */
struct held *hold(struct world *world, struct program *program, int fd, struct opened *file);
void drop(struct program *program, struct held *held);
/* Any descriptor of a file of one of @kinds; NULL. */
struct held *any_held(struct program *program, unsigned kinds, struct choices *choices);

void remember_memory(struct program *program, uint64_t uva, uint64_t length, bool region);
struct stretch *any_memory(struct program *program, struct choices *choices);

#endif
