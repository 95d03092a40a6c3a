/* SPDX-License-Identifier: MIT */
/*
 * The client whose commands over FUSE are timed: runs inside `vfiosim run` on the
 * topology q35. Letter m: MAP_DMA, one page at a time; a: GET_API_VERSION, which
 * copies nothing.
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"

#define FIRST_IOVA 0x100000000u	/* above the MSI window */
#define MOST_MAPS 60000		/* below dma_entry_limit */

struct client {
	int container;
	struct vfio_iommu_type1_dma_map map;
};

static bool call_map(void *ctx)
{
	struct client *client = ctx;

	client->map.iova += 2 * client->map.size;
	return !ioctl(client->container, VFIO_IOMMU_MAP_DMA, &client->map);
}

static bool call_version(void *ctx)
{
	struct client *client = ctx;

	return ioctl(client->container, VFIO_GET_API_VERSION) == VFIO_API_VERSION;
}

static double measure(void *ctx, char letter)
{
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	struct client *client = ctx;
	double answer;

	if (letter == 'a')
		return bench_repeat(0.2, UINT64_MAX, call_version, client);
	client->map.iova = FIRST_IOVA;
	answer = bench_repeat(0.2, MOST_MAPS, call_map, client);
	return ioctl(client->container, VFIO_IOMMU_UNMAP_DMA, &all) ? -1 : answer;
}

int bench_fuse_client(void)
{
	struct client client = { .container = open("/dev/vfio/vfio", O_RDWR) };
	int group = open("/dev/vfio/10", O_RDWR);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (client.container < 0 || group < 0 || page == MAP_FAILED)
		return 1;
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &client.container) ||
	    ioctl(client.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 1;
	client.map = (struct vfio_iommu_type1_dma_map){
		.argsz = sizeof(client.map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.size = 4096,
	};
	return player_serve(measure, &client);
}
