/* SPDX-License-Identifier: MIT */
/*
 * The page of a run: what was asked, why it was refused, and the spaces it left, step by
 * step; what is too much is counted.
 */
#include <check.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/fault.h>
#include <vfiosim/inproc.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"
#include "launch/run_page.h"

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct vfiosim_inproc *process;
static struct run_page *page;
static int container, group;
static uint64_t buffer;
static char *text;

static void setup(void)
{
	ck_assert_int_eq(vfiosim_topology_load("minimal", &topology, NULL), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(run_page_create(sim, topology, &page), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &process), 0);
}

static void teardown(void)
{
	run_page_destroy(page);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
	free(text);
	text = NULL;
}

static void attach(void)
{
	container = vfiosim_inproc_open(process, "/dev/vfio/vfio");
	group = vfiosim_inproc_open(process, "/dev/vfio/2");
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(process, group, VFIO_GROUP_SET_CONTAINER,
						     &container, sizeof(container)), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(process, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	ck_assert_int_eq(vfiosim_inproc_mmap(process, 4096, VFIOSIM_PROT_READ, VFIOSIM_VMA_MEMORY,
					     &buffer), 0);
}

static long map(uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = buffer, .iova = iova, .size = 4096,
	};

	return vfiosim_inproc_ioctl_struct(process, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
}

static long unmap(uint64_t iova)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova, .size = 4096 };

	return vfiosim_inproc_ioctl_struct(process, container, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
}

static int get_device(void)
{
	return (int)vfiosim_inproc_ioctl_struct(process, group, VFIO_GROUP_GET_DEVICE_FD,
						(char[]){ "0000:01:00.0" }, sizeof("0000:01:00.0"));
}

static void add_fault(const char *text_)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;
	uint32_t id;

	ck_assert_int_eq(vfiosim_fault_parse(text_, topology, &fault, problem, sizeof(problem)), 0);
	ck_assert_int_eq(vfiosim_fault_add(sim, &fault, &id, problem, sizeof(problem)), 0);
}

/* The run ends; its page is in @text. */
static void end(void)
{
	size_t size;
	FILE *to;

	vfiosim_inproc_destroy(process);
	to = open_memstream(&text, &size);
	ck_assert_int_eq(run_page_write(page, "./driver --fast <2>", to), 0);
	fclose(to);
}

#define HAS(part_) ck_assert_msg(strstr(text, (part_)), "not on the page: %s\n%s", part_, text)
#define LACKS(part_) ck_assert_msg(!strstr(text, (part_)), "on the page: %s", part_)

/* How many sections, of steps or of pictures. */
static unsigned count(const char *needle)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, needle)); at++)
		n++;
	return n;
}

START_TEST(steps_answers_reasons_and_spaces)
{
	attach();
	ck_assert_int_eq(map(0), 0);
	ck_assert_int_lt(map(0xfee00000), 0);
	ck_assert_int_eq(unmap(0), 0);
	end();
	HAS("<h1>./driver --fast &lt;2&gt;</h1>");
	HAS("<h3>1. put the group into a container</h3>");
	HAS("<code>SET_CONTAINER group 2 (nic0) -&gt; container 1</code> <span class=\"ok\">ok</span>");
	HAS("aria-label=\"container 1: nic0 | 1 mapping (memory), 1 page pinned | domain 1 of dmar0\"");
	HAS("<code>MAP_DMA 0xfee00000..0xfee00fff (memory) in container 1</code> "
	    "<span class=\"refused\">refused: EINVAL (Invalid argument)</span>");
	HAS("REFUSED: memory");
	HAS("[rule reserved-region; Linux: vfio_iommu_iova_dma_valid]");
	HAS("<h3>4. take that memory away from them</h3>");
	HAS("<dt id=\"g-container\">");
	ck_assert_uint_eq(count("<section class=\"step\""), 4);
}
END_TEST

/* Reads that succeed are not told, and use up nothing. */
START_TEST(reads_are_no_commands)
{
	uint64_t value;
	int device;

	attach();
	device = get_device();
	ck_assert_int_ge(device, 0);
	for (int i = 0; i < RUN_PAGE_COMMANDS; i++)
		ck_assert_int_eq(vfiosim_inproc_pread(process, device, &value, 4, UINT64_C(7) << 40), 4);
	ck_assert_int_eq(map(0), 0);
	ck_assert_int_lt(vfiosim_inproc_pread(process, device, &value, 4, UINT64_C(0xffffff) << 40), 0);
	end();
	HAS("<code>MAP_DMA 0x0..0xfff (memory) in container 1</code>");
	HAS("<code>read ");
	LACKS("which are not told");
}
END_TEST

/* The second container has the number that the first had. */
START_TEST(a_number_means_what_it_means_now)
{
	int old;

	container = vfiosim_inproc_open(process, "/dev/vfio/vfio");
	group = vfiosim_inproc_open(process, "/dev/vfio/2");
	old = container;
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(process, group, VFIO_GROUP_SET_CONTAINER,
						     &container, sizeof(container)), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(process, group, VFIO_GROUP_UNSET_CONTAINER, 0), 0);
	vfiosim_inproc_close(process, container);
	container = vfiosim_inproc_open(process, "/dev/vfio/vfio");
	ck_assert_int_eq(container, old);
	add_fault("SET_CONTAINER,error=EPERM");
	ck_assert_int_lt(vfiosim_inproc_ioctl_struct(process, group, VFIO_GROUP_SET_CONTAINER,
						     &container, sizeof(container)), 0);
	end();
	HAS("SET_CONTAINER group 2 (nic0) -&gt; container 1</code> <span class=\"ok\">");
	HAS("SET_CONTAINER group 2 (nic0) -&gt; a new container</code> <span class=\"refused\">");
}
END_TEST

/* Each iommufd begins its ids anew. The last one is closed within its step. */
START_TEST(two_iommufds_have_an_ioas_1_each)
{
	for (int i = 0; i < 3; i++) {
		struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
		int iommufd = vfiosim_inproc_open(process, "/dev/iommu");

		ck_assert_int_eq(vfiosim_inproc_ioctl_struct(process, iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc,
							     sizeof(alloc)), 0);
	}
	end();
	ck_assert_uint_eq(count("aria-label=\"ioas 1: "), 1);
	ck_assert_uint_eq(count("aria-label=\"ioas 1 of iommufd 2: "), 1);
}
END_TEST

START_TEST(a_run_that_asks_nothing)
{
	end();
	HAS("The program asked nothing of VFIO.");
	LACKS("<section class=\"step\"");
}
END_TEST

/* Mappings in a row are one step; after a thousand commands the others are counted. */
START_TEST(what_nobody_reads_is_counted)
{
	unsigned asked = 0;

	attach();
	for (; asked < RUN_PAGE_COMMANDS + 50; asked++)
		ck_assert_int_eq(map(asked * 4096), 0);
	end();
	ck_assert_uint_eq(count("<section class=\"step\""), 2);
	ck_assert_uint_lt(count("<code>MAP_DMA "), RUN_PAGE_COMMANDS);
	ck_assert_uint_gt(count("<code>MAP_DMA "), RUN_PAGE_COMMANDS - 10);
	HAS(" more commands, which are not told.</p>");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page of a run");
	TCase *tests = tcase_create("pages");

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, steps_answers_reasons_and_spaces);
	tcase_add_test(tests, reads_are_no_commands);
	tcase_add_test(tests, a_number_means_what_it_means_now);
	tcase_add_test(tests, two_iommufds_have_an_ioas_1_each);
	tcase_add_test(tests, a_run_that_asks_nothing);
	tcase_add_test(tests, what_nobody_reads_is_counted);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
