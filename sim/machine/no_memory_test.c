/* SPDX-License-Identifier: MIT */
/*
 * Short of memory: a story is told again and again, and each time another allocation
 * fails, from the first to the last. What its calls answer then does not matter, but
 * nothing may crash or be freed twice, and everything is given back: the machine's
 * counters say so, and the sanitizers.
 *
 * The program is linked with --wrap, see the Makefile: every allocation of our objects
 * passes through here.
 */
#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>
#include <vfiosim/hardware.h>
#include <vfiosim/state.h>

#include "machine/device.h"
#include "machine/sim.h"
#include "machine/story_test.h"
#include "base/suite_test.h"

#define PINNER "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)

/* There with the address sanitizer only. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static unsigned long allocations, failing;	/* failing: which one; 0: none does */

static bool fails(void)
{
	return ++allocations == failing;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t n);
char *__wrap_strndup(const char *text, size_t n);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return fails() ? NULL : __real_strndup(text, n);
}

/* ---- What the stories are made of: nothing is asserted ---- */

static struct story story;

static int open_node(const char *path)
{
	return vfiosim_inproc_open(story.proc, path);
}

static uint64_t some_memory(uint64_t pages)
{
	uint64_t uva = 0;

	vfiosim_inproc_mmap(story.proc, pages * PAGE, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE,
			    VFIOSIM_VMA_MEMORY, &uva);
	return uva;
}

static int attached(unsigned number, int container)
{
	int group = __open_group(&story, number);

	set_container(&story, group, container);
	return group;
}

static int device_of(int group, const char *name)
{
	char text[64] = "";

	snprintf(text, sizeof(text), "%s", name);
	return (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, text, sizeof(text));
}

static void engine_put(int device, uint64_t at, uint64_t value, size_t size)
{
	vfiosim_inproc_pwrite(story.proc, device, &value, size, at);
}

static void engine_run(int device, uint32_t number, uint64_t iova, uint64_t length)
{
	engine_put(device, VFIOSIM_ENGINE_SOURCE, iova, 8);
	engine_put(device, VFIOSIM_ENGINE_DESTINATION, iova, 8);
	engine_put(device, VFIOSIM_ENGINE_LENGTH, length, 8);
	engine_put(device, VFIOSIM_ENGINE_CONTROL, VFIOSIM_ENGINE_RAISE, 4);
	engine_put(device, VFIOSIM_ENGINE_COMMAND, number, 4);
}

static void arm(int device, uint32_t index, int event)
{
	uint32_t bytes[6] = { 0 };
	struct vfio_irq_set *set = (void *)bytes;

	*set = (struct vfio_irq_set){ .argsz = sizeof(*set) + sizeof(event), .index = index, .count = 1,
				      .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER };
	memcpy(set->data, &event, sizeof(event));
	command_struct(&story, device, VFIO_DEVICE_SET_IRQS, set, sizeof(bytes));
}

static void look(void)
{
	char *text = NULL;

	if (!vfiosim_state_json(story.sim, &text))
		free(text);
}

/* ---- The stories ---- */

static void containers(void)
{
	int container = open_node("/dev/vfio/vfio"), event, pinner, mdevs, group, device;
	uint64_t uva = some_memory(16);

	mdevs = attached(12, container);
	command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	__map(&story, container, 0, uva, 8 * PAGE, MAP_RW);
	__map(&story, container, 0x100000, uva + 8 * PAGE, PAGE, MAP_RW);
	pinner = device_of(mdevs, PINNER);
	engine_run(pinner, VFIOSIM_ENGINE_PIN, 0, 4 * PAGE);
	group = attached(10, container);
	device = device_of(group, "0000:01:00.0");
	event = vfiosim_inproc_eventfd(story.proc);
	for (int i = 0; i < 2; i++) {
		arm(device, VFIO_PCI_MSI_IRQ_INDEX, event);
		engine_run(device, VFIOSIM_ENGINE_COPY, 4 * PAGE, 2 * PAGE);
	}
	look();
	command(&story, device, VFIO_DEVICE_RESET, 0);
	__unmap(&story, container, 0, 8 * PAGE, 0, NULL);
	vfiosim_inproc_write_file(story.proc, "/sys/bus/pci/drivers/vfio-pci/unbind", "0000:02:00.0");
	vfiosim_inproc_write_file(story.proc, "/sys/bus/pci/drivers/vfio-pci/bind", "0000:02:00.0");
	vfiosim_inproc_close(story.proc, device);
}

#define ask(fd_, number_, cmd_) command_struct(&story, (fd_), (number_), &(cmd_), sizeof(cmd_))

static void ioases(void)
{
	int iommufd = open_node("/dev/iommu"), cdev = open_node("/dev/vfio/devices/vfio0");
	uint64_t uva = some_memory(16);
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) }, other = alloc;
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	struct vfiosim_device_attach_iommufd_pt attach = { .argsz = 12 };
	struct vfiosim_iommu_ioas_map map = { .size = sizeof(map), .flags = RW, .user_va = uva,
					      .length = 4 * PAGE };
	struct vfiosim_iommu_ioas_copy copy = { .size = sizeof(copy), .flags = RW, .length = 2 * PAGE };
	struct vfiosim_iommu_ioas_map_file file = { .size = sizeof(file), .flags = RW, .length = PAGE };
	struct vfiosim_iommu_ioas_unmap unmap = { .size = sizeof(unmap), .length = UINT64_MAX };
	struct vfiosim_iommu_iova_range range = { .start = PAGE, .last = 0xffffff };
	struct vfiosim_iommu_ioas_allow_iovas allow = { .size = sizeof(allow), .num_iovas = 1 };

	ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, alloc);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, other);
	vfiosim_inproc_poke(story.proc, uva, &range, sizeof(range));
	allow.ioas_id = map.ioas_id = copy.src_ioas_id = unmap.ioas_id = attach.pt_id = alloc.out_ioas_id;
	file.ioas_id = copy.dst_ioas_id = other.out_ioas_id;
	allow.allowed_iovas = uva;
	ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, allow);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP, map);
	command_struct(&story, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, 16);
	command_struct(&story, cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &attach, 12);
	copy.src_iova = map.iova;
	ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, copy);
	file.fd = vfiosim_inproc_memfd(story.proc, 4 * PAGE);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP_FILE, file);
	engine_run(cdev, VFIOSIM_ENGINE_COPY, map.iova, PAGE);
	look();
	attach.pt_id = other.out_ioas_id;
	command_struct(&story, cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &attach, 12);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, unmap);
}

static void dirty(int container, uint32_t flags, uint64_t bits)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap args;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} cmd = {
		.args = { .argsz = sizeof(cmd), .flags = flags },
		.range = { .size = 8 * PAGE,
			   .bitmap = { .pgsize = PAGE, .size = 8, .data = (void *)(uintptr_t)bits } },
	};

	ask(container, VFIO_IOMMU_DIRTY_PAGES, cmd);
}

/* What an mdev writes is known; what physical devices do is not. */
static void dirty_pages(void)
{
	int container = open_node("/dev/vfio/vfio"), pinner, mdevs, group, other;
	uint64_t uva = some_memory(16);
	struct {
		struct vfio_iommu_type1_dma_unmap args;
		struct vfio_bitmap bitmap;
	} unmap = {
		.args = { .argsz = sizeof(unmap), .flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
			  .size = 8 * PAGE },
		.bitmap = { .pgsize = PAGE, .size = 8, .data = (void *)(uintptr_t)(uva + 8 * PAGE) },
	};

	mdevs = attached(12, container);
	command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	__map(&story, container, 0, uva, 8 * PAGE, MAP_RW);
	pinner = device_of(mdevs, PINNER);
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START, 0);
	engine_run(pinner, VFIOSIM_ENGINE_COPY, 0, 2 * PAGE);
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP, uva + 8 * PAGE);
	group = attached(10, container);
	other = attached(11, container);
	ask(container, VFIO_IOMMU_UNMAP_DMA, unmap);
	dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP, 0);
	unset_container(&story, other);
	unset_container(&story, group);
	look();
}

/* type1's commands to an iommufd, and objects that only programs make. */
static void objects(void)
{
	int iommufd = open_node("/dev/iommu"), group = attached(10, iommufd), cdev;
	uint64_t uva = some_memory(8), gone;
	struct vfiosim_iommu_ioas_iova_ranges ranges = { .size = sizeof(ranges), .ioas_id = 1,
							 .num_iovas = 8, .allowed_iovas = uva };
	struct vfiosim_iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfiosim_iommu_hwpt_alloc hwpt = { .size = sizeof(hwpt),
						 .flags = VFIOSIM_HWPT_FAULT_ID_VALID };

	command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU);
	device_of(group, "0000:01:00.0");
	__map(&story, iommufd, 0, uva, 4 * PAGE, MAP_RW);
	__unmap(&story, iommufd, PAGE, PAGE, 0, &gone);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_IOVA_RANGES, ranges);
	ask(iommufd, VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC, queue);
	ask(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, alloc);
	cdev = open_node("/dev/vfio/devices/vfio1");
	command_struct(&story, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, 16);
	hwpt.dev_id = bind.out_devid;
	hwpt.pt_id = alloc.out_ioas_id;
	hwpt.fault_id = queue.out_fault_id;
	ask(iommufd, VFIOSIM_IOMMU_HWPT_ALLOC, hwpt);
	look();
}

#define BORN "83b8f4f2-509f-382f-3c1e-e6bfe0fa1009"

static bool halfway;

/* Devices that come: with their driver and what belongs to it, or without one. */
static void plugs(void)
{
	const struct device *dev;

	vfiosim_unplug(story.sim, 0, "0000:02:00.0");
	vfiosim_plug(story.sim, 0, "0000:02:00.0");
	dev = sim_device(story.sim, "0000:02:00.0");
	halfway |= !dev || !dev->driver != !dev->driver_override;
	vfiosim_inproc_write_file(story.proc, "/sys/class/mdev_bus/engine/mdev_supported_types/engine-1/create",
				  BORN);
	vfiosim_unplug(story.sim, 0, BORN);
	look();
}

/* The largest machine there is, beside the stories'. */
static void machines(void)
{
	struct vfiosim_topology *topology = NULL;
	struct vfiosim_errors errors;
	struct vfiosim *sim;

	if (vfiosim_topology_load("q35", &topology, &errors))
		return;
	if (!vfiosim_create(topology, &sim))
		vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

/* ---- Telling them ---- */

static bool begin(void)
{
	struct vfiosim_errors errors;

	story = (struct story){ 0 };
	return !vfiosim_topology_load("engine", &story.topology, &errors) &&
	       !vfiosim_create(story.topology, &story.sim) &&
	       !vfiosim_trace_add(story.sim, story_watch, &story) &&
	       !vfiosim_inproc_create(story.sim, &story.proc);
}

static void end(void)
{
	struct vfiosim_counters counters = { 0 };

	vfiosim_inproc_destroy(story.proc);
	if (story.sim)
		vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.containers, 0);
	ck_assert_uint_eq(counters.domains, 0);
	ck_assert_uint_eq(counters.mappings, 0);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	ck_assert_uint_eq(counters.clients, 0);
	vfiosim_destroy(story.sim);
	vfiosim_topology_free(story.topology);
}

/* @which: the allocation that fails; 0: none. How many there were. */
static unsigned long tell(void (*body)(void), unsigned long which)
{
	allocations = 0;
	failing = which;
	if (begin())
		body();
	failing = 0;
	ck_assert(!halfway);
	end();
	return allocations;
}

static void (*const stories[])(void) = { containers, dirty_pages, ioases, objects, plugs, machines };

START_TEST(each_allocation_may_fail)
{
	unsigned long n = tell(stories[_i], 0);

	ck_assert_uint_gt(n, 100);
	ck_assert_msg(!story.rule, "refused: %s", story.rule->id);
	for (unsigned long which = 1; which <= n; which++)
		tell(stories[_i], which);
	if (__lsan_do_recoverable_leak_check)
		ck_assert_msg(!__lsan_do_recoverable_leak_check(), "something was left behind");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("no memory");
	TCase *tests = tcase_create("no memory");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, each_allocation_may_fail, 0,
			    (int)(sizeof(stories) / sizeof(stories[0])));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
