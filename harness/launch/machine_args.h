/* SPDX-License-Identifier: MIT */
/* The options that say which machine a run gets: the same wherever programs are run. */
#ifndef LAUNCH_MACHINE_ARGS_H
#define LAUNCH_MACHINE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include <vfiosim/error.h>
#include <vfiosim/topology.h>

#include "cli.h"
#include "fault_args.h"

#define DEFAULT_TOPOLOGY "q35"

struct memlock_arg {
	bool given;
	enum vfiosim_memlock kind;
	uint64_t bytes;
};

enum fake_chardev { FAKE_AUTO, FAKE_YES, FAKE_NO };

struct machine_args {
	const char *topology;		/* NULL: not given */
	struct memlock_arg memlock;
	struct vfiosim_kernel kernel;	/* 0.0: the topology's */
	int fake_chardev;		/* enum fake_chardev */
	struct fault_args faults;
};

/* Their rows in a table of options; the values go into @member_ of @type_, a struct machine_args. */
#define MACHINE_OPTIONS(type_, member_)                                                            \
	{ "topology", 't', "NAME|FILE",                                                            \
	  "the machine (" DEFAULT_TOPOLOGY "); `vfiosim topology list` names them", CLI_TEXT,      \
	  offsetof(type_, member_.topology), .words = topology_word, .files = true },              \
	{ "kernel", 0, "VERSION", "the Linux whose answers the machine gives, 6.1 to 7.2 (7.2)",   \
	  CLI_PARSED, offsetof(type_, member_.kernel), .parse = machine_parse_kernel },            \
	{ "memlock", 0, "LIMIT",                                                                   \
	  "locked memory: unlimited, client (each process' own limit),\nor bytes (64K, 1M, 2G)",   \
	  CLI_PARSED, offsetof(type_, member_.memlock), .words = machine_memlock_word,             \
	  .parse = machine_parse_memlock },                                                        \
	FAULT_OPTION(type_, member_.faults),                                                       \
	{ "fake-chardev", 0, "WHEN",                                                               \
	  "auto, yes, no: fstat() shows the nodes as character devices,\n"                         \
	  "and costs every program more; auto: where there are cdevs",                             \
	  CLI_CHOICE, offsetof(type_, member_.fake_chardev), .words = machine_chardev_word }

const char *machine_parse_kernel(const char *text, void *to);
const char *machine_memlock_word(size_t index);
const char *machine_parse_memlock(const char *text, void *to);
const char *machine_chardev_word(size_t index);

/*
 * The topology, with what the options say of it. Negative errno: what is wrong with the
 * file is in @ret_errors; with the options, it has been told, and there is nothing.
 */
int machine_load(const struct machine_args *args, struct vfiosim_topology **ret_topology,
		 struct vfiosim_errors *ret_errors);
/* What the options say, of a topology that is there already. -EINVAL: told; -ENOMEM. */
int machine_apply(const struct machine_args *args, struct vfiosim_topology *topology);
/* What `--topology` would take inside the run as well; malloc'ed. */
char *machine_topology_name(const struct machine_args *args);
/* struct launch_options's fake_chardevs. */
bool machine_fakes_chardevs(const struct machine_args *args,
			    const struct vfiosim_topology *topology);

#endif
