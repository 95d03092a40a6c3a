/* SPDX-License-Identifier: MIT */
/*
 * A machine in process, with mappings: what map_bench.c and hold_bench.c measure. The
 * functions that answer bool: false when the machine refused.
 */
#ifndef HARNESS_BENCH_MACHINE_H
#define HARNESS_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

#define PAGE 4096u
#define FIRST_IOVA UINT64_C(0x100000000)	/* above the MSI window */
#define PHYSICAL "/dev/vfio/10"
#define MDEV "/dev/vfio/15"

struct machine {
	struct vfiosim_topology *topology;
	struct vfiosim *sim;
	struct vfiosim_inproc *proc;
	int container;
	int group;		/* the one it was made with */
	uint64_t memory;	/* address of its pages */
};

/* A q35 with one container of type1v2 that holds @group, room for @n mappings, and @n pages. */
bool machine_init(struct machine *machine, const char *group, uint32_t n);
void machine_done(struct machine *machine);

bool machine_join(struct machine *machine, const char *path, int *ret_group);
/* One page of its memory, at @iova. */
bool machine_map(struct machine *machine, uint64_t iova, uint64_t page);
bool machine_unmap(struct machine *machine, uint64_t iova, uint64_t size, uint32_t flags);

/* The i-th live mapping is at an even page, so that there is room behind each. */
static inline uint64_t live_iova(uint64_t i)
{
	return FIRST_IOVA + i * 2 * PAGE;
}

/* The first @n of them. */
bool machine_fill(struct machine *machine, uint64_t n);

#endif
