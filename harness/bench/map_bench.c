/* SPDX-License-Identifier: MIT */
/*
 * Mappings in process: MAP+UNMAP at a random place between n live ones against
 * inserting into and erasing from the bare ordered set; how that grows with n;
 * what a mapping weighs; replaying mappings against making them.
 */
#include <linux/vfio.h>
#include <malloc.h>
#include <stdlib.h>

#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

#include "base/span_set.h"
#include "bench/bench.h"

#define PAGE 4096u
#define FIRST_IOVA UINT64_C(0x100000000)	/* above the MSI window */
#define PHYSICAL "/dev/vfio/10"
#define MDEV "/dev/vfio/15"
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

/* The i-th live mapping is at an even page, so that there is room behind each. */
static uint64_t live_iova(uint64_t i)
{
	return FIRST_IOVA + i * 2 * PAGE;
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

/* ---- The machine ---- */

struct machine {
	struct vfiosim_topology *topology;
	struct vfiosim *sim;
	struct vfiosim_inproc *proc;
	int container;
	uint64_t memory;	/* address of its pages */
};

static bool join(struct machine *machine, const char *path, int *ret_group)
{
	int group = vfiosim_inproc_open(machine->proc, path);

	*ret_group = group;
	return group >= 0 &&
	       !vfiosim_inproc_ioctl_struct(machine->proc, group, VFIO_GROUP_SET_CONTAINER,
					    &machine->container, sizeof(int));
}

/* A q35 with one container of type1v2 that holds @group, room for @n mappings, and @n pages. */
static bool machine_init(struct machine *machine, const char *group, uint32_t n)
{
	struct vfiosim_errors error;
	int fd;

	*machine = (struct machine){ 0 };
	if (vfiosim_topology_load("q35", &machine->topology, &error))
		return false;
	machine->topology->dma_entry_limit = n + 1;
	vfiosim_topology_set_memlock(machine->topology, VFIOSIM_MEMLOCK_UNLIMITED, 0);
	if (vfiosim_create(machine->topology, &machine->sim) ||
	    vfiosim_inproc_create(machine->sim, &machine->proc))
		return false;
	machine->container = vfiosim_inproc_open(machine->proc, "/dev/vfio/vfio");
	return machine->container >= 0 && join(machine, group, &fd) &&
	       !vfiosim_inproc_ioctl(machine->proc, machine->container, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU) &&
	       !vfiosim_inproc_mmap(machine->proc, (uint64_t)n * PAGE,
				    VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_MEMORY,
				    &machine->memory);
}

static void machine_done(struct machine *machine)
{
	vfiosim_inproc_destroy(machine->proc);
	vfiosim_destroy(machine->sim);
	vfiosim_topology_free(machine->topology);
}

static bool map(struct machine *machine, uint64_t iova, uint64_t page)
{
	struct vfio_iommu_type1_dma_map args = {
		.argsz = sizeof(args),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = machine->memory + page * PAGE,
		.iova = iova,
		.size = PAGE,
	};

	return !vfiosim_inproc_ioctl_struct(machine->proc, machine->container, VFIO_IOMMU_MAP_DMA,
					    &args, sizeof(args));
}

static bool unmap(struct machine *machine, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap args = {
		.argsz = sizeof(args),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	return !vfiosim_inproc_ioctl_struct(machine->proc, machine->container, VFIO_IOMMU_UNMAP_DMA,
					    &args, sizeof(args));
}

static bool machine_fill(struct machine *machine, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!map(machine, live_iova(i), i))
			return false;
	return true;
}

/* Nanoseconds for a MAP and an UNMAP. */
static double machine_pairs(struct machine *machine, uint64_t n)
{
	uint64_t state = 88172645463325252u, start = bench_now();

	for (unsigned i = 0; i < PAIRS; i++) {
		uint64_t live = next_random(&state) % n, iova = live_iova(live) + PAGE;

		if (!map(machine, iova, live) || !unmap(machine, iova, PAGE, 0))
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
	if (!join(machine, PHYSICAL, &group))
		return false;
	samples_add(replay_ms, (double)(bench_now() - mapped) / 1e6);
	samples_add(map_ms, (double)(mapped - start) / 1e6);
	return !vfiosim_inproc_ioctl(machine->proc, group, VFIO_GROUP_UNSET_CONTAINER, 0) &&
	       !vfiosim_inproc_close(machine->proc, group) &&
	       unmap(machine, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
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
