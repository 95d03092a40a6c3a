/* SPDX-License-Identifier: MIT */
/*
 * Sequences of calls against a machine in this process: opens, commands, closes, mmaps,
 * forks, exec, descriptors that are passed on, writes to sysfs, programs that end.
 *
 * An input is a list of records of 16 bytes: the first says which machine, each further
 * one is a step. After each the machine is held against itself (check.c).
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/steps.h"

#define RECORD 16
#define TWICE 16	/* so many inputs are run twice: the same calls, the same events */

static struct tally tally;

/* ---- The machine -------------------------------------------------------- */

static const char *const names[] = { "engine", "hotadd", "q35", "reserved", "edges", "q35-noiommu",
				     "engine", "q35" };
#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* Read once. */
static struct vfiosim_topology *topology_of(size_t which)
{
	static struct vfiosim_topology *loaded[N_NAMES];

	if (!loaded[which] && vfiosim_topology_load(names[which], &loaded[which], NULL))
		abort();
	return loaded[which];
}

static struct vfiosim_topology *any_topology(struct choices *choices, FILE *tell)
{
	static const struct vfiosim_kernel kernels[] = { { 7, 2 }, { 7, 2 }, { 6, 1 }, { 6, 6 },
							 { 6, 12 }, { 6, 3 } };
	static const enum vfiosim_memlock memlocks[] = { VFIOSIM_MEMLOCK_CLIENT,
							 VFIOSIM_MEMLOCK_UNLIMITED,
							 VFIOSIM_MEMLOCK_BYTES };
	size_t which = choose(choices, N_NAMES);
	struct vfiosim_topology *topology = topology_of(which);
	struct vfiosim_kernel kernel = kernels[choose(choices, sizeof(kernels) / sizeof(kernels[0]))];
	enum vfiosim_memlock memlock = memlocks[choose(choices, 3)];

	vfiosim_topology_set_kernel(topology, kernel);
	vfiosim_topology_set_memlock(topology, memlock, 64 * PAGE);
	if (tell)
		fprintf(tell, "topology %s, kernel %u.%u, memlock %s\n", names[which], kernel.major,
			kernel.minor, memlock == VFIOSIM_MEMLOCK_CLIENT ? "of the client" :
				      memlock == VFIOSIM_MEMLOCK_BYTES ? "256K" : "unlimited");
	return topology;
}

/* ---- One input ---------------------------------------------------------- */

/* A hash of all that the machine told. */
static uint64_t tell_story(const uint8_t *data, size_t size, FILE *tell, struct tally *count)
{
	struct world *world = calloc(1, sizeof(*world));
	const struct target_sink sinks[] = { { world_watch, world }, { NULL, NULL } };
	struct vfiosim_topology *topology;
	struct choices choices;
	struct target *target;
	uint64_t hash;

	choices_init(&choices, data, RECORD);
	topology = any_topology(&choices, tell);
	if (!world || target_inproc_create(topology, sinks, &target))
		abort();
	world->tell = tell;
	world->tally = count;
	world_begin(world, target, topology);
	for (size_t at = RECORD; at + RECORD <= size; at += RECORD) {
		choices_init(&choices, data + at, RECORD);
		step_any(world, &choices);
	}
	world_end(world, &choices);
	hash = world->watch.hash;
	free(world);
	return hash;
}

static void run(const uint8_t *data, size_t size, FILE *tell)
{
	uint64_t hash;

	if (size < 2 * RECORD)
		return;
	tally.inputs++;
	hash = tell_story(data, size, tell, &tally);
	if (tally.inputs % TWICE || hash == tell_story(data, size, NULL, NULL))
		return;
	fprintf(stderr, "the same calls gave other events\n");
	abort();
}

/* Calls that are mostly refused reach little of a machine. */
static bool report(FILE *to)
{
	tally_print(&tally, to);
	if (getenv("FUZZ_ALL"))
		tally_print_all(&tally, to);
	return tally.succeeded >= tally.commands / 2;
}

const struct fuzz_target fuzz_target = {
	.name = "calls",
	.unit = RECORD,
	.max = 256 * RECORD,
	.run = run,
	.report = report,
};
