/* SPDX-License-Identifier: MIT */
/*
 * The client whose commands over FUSE are timed: runs inside `vfiosim run` on the
 * topology q35. A letter each:
 *
 *	a	GET_API_VERSION, which copies nothing
 *	m	MAP_DMA, one page at a time
 *	r	pread of config space
 *	t	GET_API_VERSION of 32 threads at the same time, time for each of all
 *	w	the longest wait for GET_API_VERSION while another thread maps 1 GiB
 */
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/bench.h"

#define FIRST_IOVA 0x100000000u	/* above the MSI window */
#define MOST_MAPS 60000		/* below dma_entry_limit */
#define THREADS 32
#define LARGE (UINT64_C(1) << 30)
#define SECONDS 0.2

struct client {
	int container, device;
	struct vfio_iommu_type1_dma_map map;
	off_t config;		/* of the device's regions */
	void *large;		/* LARGE bytes, touched */
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

static bool call_pread(void *ctx)
{
	const struct client *client = ctx;
	uint32_t ids;

	return pread(client->device, &ids, sizeof(ids), client->config) == sizeof(ids);
}

static double measure_map(struct client *client)
{
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	double answer;

	client->map.iova = FIRST_IOVA;
	answer = bench_repeat(SECONDS, MOST_MAPS, call_map, client);
	return ioctl(client->container, VFIO_IOMMU_UNMAP_DMA, &all) ? -1 : answer;
}

/* ---- Several threads ---- */

static void *caller(void *ctx)
{
	double answer = bench_repeat(SECONDS, UINT64_MAX, call_version, ctx);

	return answer < 0 ? NULL : (void *)(uintptr_t)(SECONDS * 1e9 / answer);
}

static double measure_threads(struct client *client)
{
	pthread_t threads[THREADS];
	unsigned n = 0;
	double calls = 0;
	bool ok = true;
	void *done;

	while (n < THREADS && !pthread_create(&threads[n], NULL, caller, client))
		n++;
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], &done);
		ok &= done != NULL;
		calls += (double)(uintptr_t)done;
	}
	return ok && n == THREADS ? SECONDS * 1e9 / calls : -1;
}

struct slow {
	struct client *client;
	atomic_bool done;
	bool ok;
};

/* Maps the large memory and unmaps it again. */
static void *map_large(void *ctx)
{
	struct slow *slow = ctx;
	struct vfio_iommu_type1_dma_map map = slow->client->map;
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = FIRST_IOVA,
		.size = LARGE,
	};

	map.vaddr = (uintptr_t)slow->client->large;
	map.iova = FIRST_IOVA;
	map.size = LARGE;
	slow->ok = !ioctl(slow->client->container, VFIO_IOMMU_MAP_DMA, &map) &&
		   !ioctl(slow->client->container, VFIO_IOMMU_UNMAP_DMA, &unmap);
	atomic_store(&slow->done, true);
	return NULL;
}

static double measure_wait(struct client *client)
{
	struct slow slow = { .client = client };
	double longest = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, map_large, &slow))
		return -1;
	while (!atomic_load(&slow.done)) {
		uint64_t start = bench_now();
		double took;

		if (!call_version(client))
			break;
		took = (double)(bench_now() - start);
		longest = took > longest ? took : longest;
	}
	pthread_join(thread, NULL);
	return slow.ok ? longest : -1;
}

static double measure(void *ctx, char letter)
{
	switch (letter) {
	case 'a':
		return bench_repeat(SECONDS, UINT64_MAX, call_version, ctx);
	case 'm':
		return measure_map(ctx);
	case 'r':
		return bench_repeat(SECONDS, UINT64_MAX, call_pread, ctx);
	case 't':
		return measure_threads(ctx);
	case 'w':
		return measure_wait(ctx);
	}
	return -1;
}

/* ---- The client ---- */

static bool open_device(struct client *client, int group)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = VFIO_PCI_CONFIG_REGION_INDEX };

	client->device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.0");
	if (client->device < 0 || ioctl(client->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return false;
	client->config = (off_t)info.offset;
	return true;
}

int bench_fuse_client(void)
{
	struct client client = { .container = open("/dev/vfio/vfio", O_RDWR) };
	int group = open("/dev/vfio/10", O_RDWR);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	client.large = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (client.container < 0 || group < 0 || page == MAP_FAILED || client.large == MAP_FAILED)
		return 1;
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &client.container) ||
	    ioctl(client.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ||
	    !open_device(&client, group))
		return 1;
	client.map = (struct vfio_iommu_type1_dma_map){
		.argsz = sizeof(client.map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.size = 4096,
	};
	return player_serve(measure, &client);
}
