/* SPDX-License-Identifier: MIT */
/*
 * How long an operation on many mappings delays other clients: the longest call of another
 * client meanwhile. The floor is the longest call beside a loop that does not use the machine.
 */
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/state.h>

#include "bench/bench.h"
#include "bench/machine.h"

#define MAPPINGS 200000u
#define RANGES 524288u
#define LIMIT_MS 5.0

struct hold {
	struct machine machine;
	struct vfiosim_inproc *other;
	int container;			/* the other's */
	int iommufd, group;
	uint32_t ioas;
	uint64_t ranges;		/* address of RANGES of them */
	pthread_t thread;
	atomic_bool stop;
	atomic_ullong calls, longest;	/* the other's; nanoseconds */
};

static void *watch(void *ctx)
{
	struct hold *hold = ctx;

	while (!atomic_load(&hold->stop)) {
		uint64_t start = bench_now(), ns;

		vfiosim_inproc_ioctl(hold->other, hold->container, VFIO_CHECK_EXTENSION,
				     VFIO_UNMAP_ALL);
		ns = bench_now() - start;
		if (ns > atomic_load(&hold->longest))
			atomic_store(&hold->longest, ns);
		atomic_fetch_add(&hold->calls, 1);
	}
	return NULL;
}

/* Until a call that has begun before this, and one more, have ended. */
static void wait_for_two(const struct hold *hold)
{
	unsigned long long calls = atomic_load(&hold->calls);

	while (atomic_load(&hold->calls) < calls + 2)
		;
}

/* ---- What is watched ---- */

static bool fill(struct hold *hold)
{
	return machine_fill(&hold->machine, MAPPINGS);
}

static bool unmap_all(struct hold *hold)
{
	return machine_unmap(&hold->machine, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

static bool join(struct hold *hold)
{
	struct machine *machine = &hold->machine;

	return machine_join(machine, PHYSICAL, &hold->group) &&
	       !vfiosim_inproc_ioctl(machine->proc, machine->container, VFIO_SET_IOMMU,
				     VFIO_TYPE1v2_IOMMU);
}

/* The container's last group leaves: its mappings go. */
static bool leave(struct hold *hold)
{
	return !vfiosim_inproc_ioctl(hold->machine.proc, hold->group, VFIO_GROUP_UNSET_CONTAINER, 0) &&
	       !vfiosim_inproc_close(hold->machine.proc, hold->group);
}

static bool clean_up_ranges(struct hold *hold)
{
	struct vfiosim_iommu_ioas_allow_iovas none = { .size = sizeof(none), .ioas_id = hold->ioas };

	return !vfiosim_inproc_ioctl_struct(hold->machine.proc, hold->iommufd,
					    VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &none, sizeof(none));
}

static bool allow(struct hold *hold)
{
	struct vfiosim_iommu_ioas_allow_iovas args = { .size = sizeof(args), .ioas_id = hold->ioas,
					       .num_iovas = RANGES, .allowed_iovas = hold->ranges };

	return !vfiosim_inproc_ioctl_struct(hold->machine.proc, hold->iommufd,
					    VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &args, sizeof(args));
}

static bool read_state(struct hold *hold)
{
	char *text;

	if (vfiosim_state_json(hold->machine.sim, &text))
		return false;
	free(text);
	return true;
}

static bool nothing(struct hold *hold)
{
	(void)hold;
	return true;
}

static bool spin(struct hold *hold)
{
	uint64_t start = bench_now();

	(void)hold;
	while (bench_now() - start < 50 * 1000 * 1000)
		;
	return true;
}

static const struct watched {
	const char *what;
	bool (*before)(struct hold *hold);
	bool (*during)(struct hold *hold);
	bool (*after)(struct hold *hold);
} watched[] = {
	{ "others wait: unmap of 200000", fill, unmap_all, nothing },
	{ "others wait: state of 200000", fill, read_state, unmap_all },
	{ "others wait: end of 200000", fill, leave, join },
	{ "others wait: 524288 allowed iovas", nothing, allow, clean_up_ranges },
};
#define N_WATCHED (sizeof(watched) / sizeof(watched[0]))

/* Milliseconds; negative: it failed. */
static double longest(struct hold *hold, bool (*during)(struct hold *hold))
{
	bool ok;

	wait_for_two(hold);
	atomic_store(&hold->longest, 0);
	ok = during(hold);
	wait_for_two(hold);
	return ok ? (double)atomic_load(&hold->longest) / 1e6 : -1;
}

static bool measure(struct hold *hold, const struct watched *it, struct row *row)
{
	struct samples figures = { 0 }, floors = { 0 };

	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		double figure;

		if (!it->before(hold))
			return false;
		figure = longest(hold, it->during);
		if (figure < 0 || !it->after(hold))
			return false;
		samples_add(&figures, figure);
		samples_add(&floors, longest(hold, spin));
	}
	row->figure = samples_median(&figures);
	row->floor = samples_median(&floors);
	return true;
}

/* ---- Life ---- */

static bool write_ranges(struct hold *hold)
{
	size_t size = RANGES * sizeof(struct vfiosim_iommu_iova_range);
	struct vfiosim_iommu_iova_range *ranges = malloc(size);
	bool ok = ranges && !vfiosim_inproc_mmap(hold->machine.proc, size,
						 VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE,
						 VFIOSIM_VMA_MEMORY, &hold->ranges);

	/* The highest first: they have to be sorted. */
	for (uint32_t i = 0; ok && i < RANGES; i++)
		ranges[i] = (struct vfiosim_iommu_iova_range){ live_iova(RANGES - i), live_iova(RANGES - i) + PAGE - 1 };
	ok = ok && !vfiosim_inproc_poke(hold->machine.proc, hold->ranges, ranges, size);
	free(ranges);
	return ok;
}

static bool hold_init(struct hold *hold)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct machine *machine = &hold->machine;

	if (!machine_init(machine, PHYSICAL, MAPPINGS) ||
	    vfiosim_inproc_create(machine->sim, &hold->other))
		return false;
	hold->group = machine->group;
	hold->container = vfiosim_inproc_open(hold->other, "/dev/vfio/vfio");
	hold->iommufd = vfiosim_inproc_open(machine->proc, "/dev/iommu");
	if (hold->container < 0 || hold->iommufd < 0 ||
	    vfiosim_inproc_ioctl_struct(machine->proc, hold->iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc,
					sizeof(alloc)))
		return false;
	hold->ioas = alloc.out_ioas_id;
	return write_ranges(hold) && !pthread_create(&hold->thread, NULL, watch, hold);
}

void bench_hold(struct table *table, const char *vfiosim)
{
	struct hold hold = { 0 };
	bool ok = hold_init(&hold);

	(void)vfiosim;
	for (size_t i = 0; i < N_WATCHED; i++) {
		struct row *row = table_add(table, watched[i].what, "beside an idle loop", "ms");

		row->figure_limit = LIMIT_MS;
		ok = ok && measure(&hold, &watched[i], row);
		if (!ok)
			row_skip(row, "the machine refused a step of it");
	}
	atomic_store(&hold.stop, true);
	if (hold.thread)
		pthread_join(hold.thread, NULL);
	vfiosim_inproc_destroy(hold.other);
	machine_done(&hold.machine);
}
