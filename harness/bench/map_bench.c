/* SPDX-License-Identifier: MIT */
/*
 * Mappings in process: MAP+UNMAP at a random place between n live ones against
 * inserting into and erasing from the bare ordered set; how that grows with n;
 * what a mapping weighs; replaying mappings against making them.
 */
#include <linux/vfio.h>
#include <malloc.h>
#include <stdlib.h>

#include "base/span_set.h"
#include "bench/bench.h"
#include "bench/machine.h"

#define FULL 65535u
#define PAIRS 30000u

/* A fixed sequence of numbers (xorshift64), the same for figure and floor. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- The floor: the set alone ---- */

static bool set_fill(struct span_set *set, uint64_t n)
{
	span_set_init(set);
	for (uint64_t i = 0; i < n; i++) {
		struct span span = { live_iova(i), live_iova(i) + PAGE - 1 };

		if (span_set_insert(set, span, set))
			return false;
	}
	return true;
}

/* Nanoseconds for an insert and an erase. */
static double set_pairs(struct span_set *set, uint64_t n)
{
	uint64_t state = 88172645463325252u, start = bench_now();

	for (unsigned i = 0; i < PAIRS; i++) {
		uint64_t iova = live_iova(next_random(&state) % n) + PAGE;

		if (span_set_insert(set, (struct span){ iova, iova + PAGE - 1 }, set) ||
		    !span_set_erase(set, iova))
			return -1;
	}
	return (double)(bench_now() - start) / PAIRS;
}

/* ---- MAP and UNMAP beside it ---- */

/* Nanoseconds for a MAP and an UNMAP. */
static double machine_pairs(struct machine *machine, uint64_t n)
{
	uint64_t state = 88172645463325252u, start = bench_now();

	for (unsigned i = 0; i < PAIRS; i++) {
		uint64_t live = next_random(&state) % n, iova = live_iova(live) + PAGE;

		if (!machine_map(machine, iova, live) || !machine_unmap(machine, iova, PAGE, 0))
			return -1;
	}
	return (double)(bench_now() - start) / PAIRS;
}

/* ---- MAP+UNMAP between live mappings ---- */

/* Bytes that malloc() has handed out; 0 where it cannot be asked (sanitizers). */
static double heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd);
}

static const uint32_t sizes[] = { 1000, FULL, 1000000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

struct pair_bench {
	struct machine machines[SIZES];
	struct span_set sets[SIZES];
	struct samples machine_ns[SIZES], set_ns[SIZES];
	double bytes, set_bytes;	/* per mapping, of the largest */
};

static bool pair_bench_init(struct pair_bench *bench)
{
	for (unsigned i = 0; i < SIZES; i++) {
		double before;

		if (!machine_init(&bench->machines[i], PHYSICAL, sizes[i]))
			return false;
		before = heap_bytes();
		if (!machine_fill(&bench->machines[i], sizes[i]))
			return false;
		bench->bytes = (heap_bytes() - before) / sizes[i];
		if (!set_fill(&bench->sets[i], sizes[i]))
			return false;
		bench->set_bytes = (double)span_set_bytes(&bench->sets[i]) / sizes[i];
	}
	return true;
}

static bool pair_bench_run(struct pair_bench *bench)
{
	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		for (unsigned i = 0; i < SIZES; i++) {
			double figure = machine_pairs(&bench->machines[i], sizes[i]);
			double floor = set_pairs(&bench->sets[i], sizes[i]);

			if (figure < 0 || floor < 0)
				return false;
			samples_add(&bench->machine_ns[i], figure);
			samples_add(&bench->set_ns[i], floor);
		}
	}
	return true;
}

static void pair_bench_rows(const struct pair_bench *bench, struct table *table)
{
	struct row *row;

	row = table_add(table, "MAP+UNMAP at 65535 mappings", "insert+erase, same set", "ns");
	row->figure = samples_median(&bench->machine_ns[1]);
	row->floor = samples_median(&bench->set_ns[1]);
	row->ratio_limit = 3;

	row = table_add(table, "MAP+UNMAP at 1000000 mappings", "the same at 1000", "ns");
	row->figure = samples_median(&bench->machine_ns[2]);
	row->floor = samples_median(&bench->machine_ns[0]);
	row->ratio_limit = 3;

	row = table_add(table, "insert+erase at 1000000", "the same at 1000", "ns");
	row->figure = samples_median(&bench->set_ns[2]);
	row->floor = samples_median(&bench->set_ns[0]);

	row = table_add(table, "a mapping's memory, of 1000000", "of it, nodes of the set", "B");
	row->figure = bench->bytes;
	row->floor = bench->set_bytes;
	row->figure_limit = 128;
	if (bench->bytes <= 0)
		row_skip(row, "this build's malloc() does not tell");
}

static void bench_pairs(struct table *table)
{
	struct pair_bench *bench = calloc(1, sizeof(*bench));

	if (bench && pair_bench_init(bench) && pair_bench_run(bench))
		pair_bench_rows(bench, table);
	else
		row_skip(table_add(table, "MAP+UNMAP", "", ""), "the machine refused a mapping");
	for (unsigned i = 0; bench && i < SIZES; i++) {
		machine_done(&bench->machines[i]);
		span_set_done(&bench->sets[i]);
	}
	free(bench);
}

/* ---- Replay ---- */

/* Map for an mdev, which nobody looks at; then a physical group makes them real. */
static bool replay_round(struct machine *machine, struct samples *map_ms, struct samples *replay_ms)
{
	uint64_t start = bench_now(), mapped;
	int group;

	if (!machine_fill(machine, FULL))
		return false;
	mapped = bench_now();
	if (!machine_join(machine, PHYSICAL, &group))
		return false;
	samples_add(replay_ms, (double)(bench_now() - mapped) / 1e6);
	samples_add(map_ms, (double)(mapped - start) / 1e6);
	return !vfiosim_inproc_ioctl(machine->proc, group, VFIO_GROUP_UNSET_CONTAINER, 0) &&
	       !vfiosim_inproc_close(machine->proc, group) &&
	       machine_unmap(machine, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

static void bench_replay(struct table *table)
{
	struct row *row =
		table_add(table, "replay of 65535 mappings", "mapping them, lazily", "ms");
	struct samples map_ms = { 0 }, replay_ms = { 0 };
	struct machine machine;
	bool ok = machine_init(&machine, MDEV, FULL);

	row->ratio_limit = 4;
	for (unsigned round = 0; ok && round < BENCH_ROUNDS; round++)
		ok = replay_round(&machine, &map_ms, &replay_ms);
	if (!ok)
		row_skip(row, "the machine refused a step of it");
	row->figure = samples_median(&replay_ms);
	row->floor = samples_median(&map_ms);
	machine_done(&machine);
}

void bench_map(struct table *table, const char *vfiosim)
{
	(void)vfiosim;
	bench_pairs(table);
	bench_replay(table);
}
