/* SPDX-License-Identifier: MIT */
/*
 * A test of one's own code with libvfiosim: no process is started, nothing is mounted.
 *
 *	cc map_fails.c $(pkg-config --cflags --libs vfiosim check) -o map_fails && ./map_fails
 *
 * The machine is the topology `minimal`; nic0 is alone in group 2.
 */
#include <check.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include <vfiosim/fault.h>
#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

/* ---- The code under test. It reaches the kernel through a function that it is given. ---- */

typedef long command_fn(void *kernel, int fd, uint32_t command, void *data, size_t size);

/* Maps the @n buffers at @uva, a page each, one behind the other from iova 0: all or none. */
static int map_buffers(command_fn *command, void *kernel, int container, const uint64_t *uva, int n)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap) };

	for (int i = 0; i < n; i++) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ,
			.vaddr = uva[i], .iova = i * 4096u, .size = 4096,
		};
		long ret = command(kernel, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));

		if (ret < 0) {
			unmap.size = i * 4096u;
			if (i)
				command(kernel, container, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
			return (int)ret;
		}
	}
	return 0;
}

/* ---- The machine ---- */

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct vfiosim_inproc *process;
static int container, group;
static uint64_t buffers[3];

static long simulated(void *kernel, int fd, uint32_t command, void *data, size_t size)
{
	return vfiosim_inproc_ioctl_struct(kernel, fd, command, data, size);
}

static void setup(void)
{
	ck_assert_int_eq(vfiosim_topology_load("minimal", &topology, NULL), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &process), 0);
	container = vfiosim_inproc_open(process, "/dev/vfio/vfio");
	group = vfiosim_inproc_open(process, "/dev/vfio/2");
	ck_assert_int_eq(simulated(process, group, VFIO_GROUP_SET_CONTAINER, &container,
				   sizeof(container)), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(process, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(vfiosim_inproc_mmap(process, 4096, VFIOSIM_PROT_READ,
						     VFIOSIM_VMA_MEMORY, &buffers[i]), 0);
}

static void teardown(void)
{
	vfiosim_inproc_destroy(process);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

static uint64_t mappings(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(sim, &counters);
	return counters.mappings;
}

START_TEST(maps_all)
{
	ck_assert_int_eq(map_buffers(simulated, process, container, buffers, 3), 0);
	ck_assert_uint_eq(mappings(), 3);
}
END_TEST

/* The third mapping fails, as it would when the kernel is out of memory: the others must go. */
START_TEST(maps_none_when_one_fails)
{
	struct vfiosim_fault fault;
	char problem[200];
	uint32_t id;

	ck_assert_int_eq(vfiosim_fault_parse("MAP_DMA,when=3,error=ENOMEM", topology, &fault,
					     problem, sizeof(problem)), 0);
	ck_assert_int_eq(vfiosim_fault_add(sim, &fault, &id, problem, sizeof(problem)), 0);
	ck_assert_int_eq(map_buffers(simulated, process, container, buffers, 3), -ENOMEM);
	ck_assert_uint_eq(mappings(), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("map_fails");
	TCase *tcase = tcase_create("map_buffers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, maps_all);
	tcase_add_test(tcase, maps_none_when_one_fails);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
