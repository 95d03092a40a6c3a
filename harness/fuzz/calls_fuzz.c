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
#include "fuzz/machine.h"
#include "fuzz/steps.h"

#define RECORD 16
#define TWICE 16	/* so many inputs are run twice: the same calls, the same events */

static struct tally tally;

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
	.few = 200,
	.run = run,
	.report = report,
};
