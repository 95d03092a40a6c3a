/* SPDX-License-Identifier: MIT */
#include "fuzz/machine.h"

#include <stdlib.h>

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

struct vfiosim_topology *any_topology(struct choices *choices, FILE *tell)
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
	vfiosim_topology_set_memlock(topology, memlock, 256 << 10);
	if (tell)
		fprintf(tell, "topology %s, kernel %u.%u, memlock %s\n", names[which], kernel.major,
			kernel.minor, memlock == VFIOSIM_MEMLOCK_CLIENT ? "of the client" :
				      memlock == VFIOSIM_MEMLOCK_BYTES ? "256K" : "unlimited");
	return topology;
}
