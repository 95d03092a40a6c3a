/* SPDX-License-Identifier: MIT */
/*
 * Expectations: what should become of a program in a run, as a short YAML file.
 *
 *	expect_load -> expect_resolve (the machine is known now) -> follow.h, judge.h
 *	-> expect_free
 *
 *	read.c		the file		follow.c	what happens, in the server
 *	judge.c		one held against the other; a row each
 *	record.c	what happened, as such a file
 */
#ifndef HARNESS_EXPECT_EXPECT_H
#define HARNESS_EXPECT_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <vfiosim/error.h>
#include <vfiosim/topology.h>

#include "base/arena.h"
#include "base/span.h"
#include "base/yaml.h"

struct vfiosim_command;

/* What a mapping is of, or where: "mdev0.bar0", "ram", "msi", "0x1000..0x1fff". */
enum what_kind {
	WHAT_RANGE,	/* iovas: @spans, n of them */
	WHAT_REGION,	/* a device's region */
	WHAT_RAM,	/* what is no device's */
};

struct what {
	enum what_kind kind;
	const char *text;	/* as it was written */
	struct span *spans;
	size_t n;
	bool whole;		/* WHAT_RANGE, written FIRST..LAST: what is held is all of it */
	const char *device;	/* WHAT_REGION: its address */
	unsigned region;
};

struct what_list {
	const struct ynode *node;	/* NULL: nothing is said */
	struct what *items;
	size_t n;
};

struct name_list {
	const struct ynode *node;	/* NULL: nothing is said */
	const char **names;		/* devices: addresses; else as written */
	size_t n;
};

struct number_want {
	const struct ynode *node;	/* NULL: nothing is said */
	uint64_t value;
};

struct space_want {
	const struct ynode *node;
	struct name_list devices;
	struct what_list holds;
	struct number_want pinned;	/* bytes */
};

/* "spaces: 2", or what each of them is like. */
struct spaces_want {
	const struct ynode *node;	/* NULL: nothing is said */
	bool listed;
	size_t n;
	struct space_want *items;	/* listed only */
};

enum moment_kind { MOMENT_MARK, MOMENT_ATTACHED, MOMENT_REFUSED, MOMENT_EXIT };

struct moment_want {
	const struct ynode *node;
	enum moment_kind kind;
	const char *text;		/* "attached nic0" */
	const char *name;		/* the mark, or the device's address */
	struct spaces_want spaces;
	struct name_list devices;
	struct what_list holds;		/* of all spaces together */
	struct number_want pinned;
	struct name_list open;
};

enum step_kind { STEP_ATTACH, STEP_MAP, STEP_UNMAP, STEP_COMMAND };
extern const char *const step_kinds[];	/* "attach", ..., NULL */

/* A row of must: or never:. */
struct step_want {
	const struct ynode *node;
	enum step_kind kind;
	const char *text;		/* "map msi" */
	const char *device;		/* an address; NULL: any */
	struct what what;		/* STEP_MAP, STEP_UNMAP */
	const char *command;		/* STEP_COMMAND: a name with or without prefix, or a class of them */
	uint64_t space;			/* 0: any */
	const char *rule;		/* NULL: any */
	int error;			/* -1: not said; 0: it succeeds */
	uint64_t max;			/* never: so often is fine */
};

enum exit_kind { EXIT_UNSAID, EXIT_ANY, EXIT_STATUS, EXIT_SIGNAL };

struct expectations {
	struct arena arena;
	const struct ynode *root;
	const char *file;
	const char *topology;		/* NULL: not said */
	struct vfiosim_kernel kernel;	/* 0.0: not said */
	const struct ynode *faults;	/* NULL: none */
	enum exit_kind exit;
	int status;			/* or the signal */
	const struct ynode *outcome;	/* NULL: not said */
	struct spaces_want spaces;	/* its keys */
	struct what_list omitted;
	struct name_list refused;
	struct moment_want *moments;
	size_t n_moments;
	struct step_want *must, *never;
	size_t n_must, n_never;
};

/*
 * The file, as far as it does not speak of a machine. -EINVAL: see @errors, and where there
 * is an *@ret_expect, expect_resolve() may add more of them; -ENOMEM.
 */
int expect_load(const char *path, struct expectations **ret_expect, struct vfiosim_errors *errors);
/* The rest: names of @topology's get a meaning, its faults: are added to it. -EINVAL, -ENOMEM. */
int expect_resolve(struct expectations *expect, struct vfiosim_topology *topology,
		   struct vfiosim_errors *errors);
/* What must hold whatever fails in the run: never: and at: exit. The rest is forgotten. */
void expect_keep_invariants(struct expectations *expect);
void expect_free(struct expectations *expect);

/* The short name of the device at @address, or that address where it has none. */
const char *expect_device_name(const struct vfiosim_topology *topology, const char *address);
/* "[nic0, mdev0]"; what is no address stays as it is. */
void expect_put_devices(FILE *to, const struct vfiosim_topology *topology, const char *const *addresses,
			size_t n);
/* What an open file is called: "device 0000:01:00.0" is that address, others stay as they are. */
const char *expect_file_name(const char *object);
/* Is @row the command called @name, with or without its prefix, or one of that class? */
bool expect_command_is(const struct vfiosim_command *row, const char *name);

#endif
