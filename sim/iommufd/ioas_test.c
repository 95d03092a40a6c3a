/* SPDX-License-Identifier: MIT */
/*
 * iommufd on the q35 machine, in process: vfio0 is the physical device A, vfio3 and
 * vfio4 are M0 and M1 of one group, vfio7 is an mdev.
 */
#include <sys/resource.h>

#include <vfiosim/abi/iommufd.h>

#include "machine/story_test.h"

#include <vfiosim/abi/cdev.h>

#include "base/suite_test.h"

#define MSI 0xfee00000ull
#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)
#define FIXED VFIOSIM_IOAS_MAP_FIXED_IOVA

static struct story story;
static int iommufd;

static void begin(void)
{
	story_begin(&story, "q35");
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
}

static void end(void)
{
	story_end(&story);
}

#define iommu(number_, data_) command_struct(&story, iommufd, (number_), (data_), sizeof(*(data_)))

static uint32_t ioas_alloc(void)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static long destroy(uint32_t id)
{
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return iommu(VFIOSIM_IOMMU_DESTROY, &cmd);
}

static long ioas_map(uint32_t ioas, uint32_t flags, uint64_t *iova, uint64_t uva, uint64_t length)
{
	struct vfiosim_iommu_ioas_map cmd = { .size = sizeof(cmd), .flags = flags, .ioas_id = ioas,
					      .user_va = uva, .length = length, .iova = *iova };
	long ret = iommu(VFIOSIM_IOMMU_IOAS_MAP, &cmd);

	*iova = cmd.iova;
	return ret;
}

static long fixed(uint32_t ioas, uint64_t iova, uint64_t uva, uint64_t length)
{
	return ioas_map(ioas, FIXED | RW, &iova, uva, length);
}

static long ioas_unmap(uint32_t ioas, uint64_t iova, uint64_t length, uint64_t *ret_length)
{
	struct vfiosim_iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = ioas, .iova = iova,
						.length = length };
	long ret = iommu(VFIOSIM_IOMMU_IOAS_UNMAP, &cmd);

	if (ret_length)
		*ret_length = cmd.length;
	return ret;
}

static int cdev(const char *name, uint32_t *ret_id)
{
	struct vfiosim_device_bind_iommufd cmd = { .argsz = 16, .iommufd = iommufd };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	fd = vfiosim_inproc_open(story.proc, path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(command_struct(&story, fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd, 16), 0);
	*ret_id = cmd.out_devid;
	return fd;
}

static long attach(int fd, uint32_t *pt_id)
{
	struct vfiosim_device_attach_iommufd_pt cmd = { .argsz = 12, .pt_id = *pt_id };
	long ret = command_struct(&story, fd, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd, 12);

	*pt_id = cmd.pt_id;
	return ret;
}

static long attach_to(int fd, uint32_t pt_id)
{
	return attach(fd, &pt_id);
}

static long detach(int fd)
{
	struct vfiosim_device_detach_iommufd_pt cmd = { .argsz = 8 };

	return command_struct(&story, fd, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &cmd, 8);
}

START_TEST(ids_are_the_lowest_free)
{
	uint32_t first = ioas_alloc(), second = ioas_alloc();

	ck_assert_uint_eq(first, 1);
	ck_assert_uint_eq(second, 2);
	ck_assert_int_eq(destroy(first), 0);
	ck_assert_int_eq(destroy(first), -ENOENT);
	ck_assert_rule(&story, "no-object");
	ck_assert_uint_eq(ioas_alloc(), 1);
	ck_assert_int_eq(destroy(0), -ENOENT);
}
END_TEST

START_TEST(the_hot_add_story_under_iommufd)
{
	uint64_t good = memory(&story, 4, 3);
	uint32_t ioas = ioas_alloc(), other = ioas_alloc(), id, pt = ioas;
	int mdev = cdev("vfio7", &id), nic = cdev("vfio0", &id);

	ck_assert_int_eq(attach(mdev, &pt), 0);
	ck_assert_uint_eq(pt, ioas);
	ck_assert_int_eq(fixed(ioas, 0, good, 4 * PAGE), 0);
	ck_assert_int_eq(fixed(ioas, MSI, good, PAGE), 0);
	ck_assert_int_eq(attach_to(nic, ioas), -EADDRINUSE);
	ck_assert_rule(&story, "resv-in-use");
	ck_assert_int_eq(ioas_unmap(ioas, MSI, PAGE, NULL), 0);
	ck_assert_int_eq(fixed(ioas, 0x100000, 0xdead000, PAGE), 0);
	ck_assert_int_eq(attach_to(nic, ioas), -EFAULT);
	ck_assert_rule(&story, "pin-unmapped");

	/* What the program does then: a second ioas, without what cannot be. */
	ck_assert_int_eq(fixed(other, 0, good, 4 * PAGE), 0);
	ck_assert_int_eq(attach_to(nic, other), 0);
	ck_assert_int_eq(fixed(other, 0x100000, 0xdead000, PAGE), -EFAULT);
	ck_assert_int_eq(fixed(other, MSI, good, PAGE), -EINVAL);
	ck_assert_rule(&story, "ioas-reserved");
}
END_TEST

START_TEST(a_failed_replace_keeps_the_old_ioas)
{
	uint64_t good = memory(&story, 4, 3);
	uint32_t clean = ioas_alloc(), bad = ioas_alloc(), id;
	struct vfiosim_counters counters;
	int nic = cdev("vfio0", &id);

	ck_assert_int_eq(fixed(clean, 0, good, 4 * PAGE), 0);
	ck_assert_int_eq(fixed(bad, MSI, good, PAGE), 0);
	ck_assert_int_eq(attach_to(nic, clean), 0);
	ck_assert_int_eq(attach_to(nic, bad), -EADDRINUSE);
	ck_assert_int_eq(destroy(clean), -EBUSY);
	ck_assert_int_eq(fixed(clean, 0x100000, 0xdead000, PAGE), -EFAULT);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 4);
	ck_assert_int_eq(detach(nic), 0);
	ck_assert_int_eq(detach(nic), 0);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	ck_assert_int_eq(destroy(clean), 0);
}
END_TEST

START_TEST(devices_of_one_group_go_together)
{
	uint32_t a = ioas_alloc(), b = ioas_alloc(), id;
	int m0 = cdev("vfio3", &id), m1 = cdev("vfio4", &id);

	ck_assert_int_eq(attach_to(m0, a), 0);
	ck_assert_int_eq(attach_to(m1, b), -EINVAL);
	ck_assert_rule(&story, "other-hwpt");
	ck_assert_int_eq(attach_to(m1, a), 0);
	ck_assert_int_eq(attach_to(m0, b), 0);
	ck_assert_int_eq(destroy(a), 0);
	ck_assert_int_eq(destroy(b), -EBUSY);
	ck_assert_int_eq(detach(m0), 0);
	ck_assert_int_eq(destroy(b), -EBUSY);
	ck_assert_int_eq(detach(m1), 0);
	ck_assert_int_eq(destroy(b), 0);
}
END_TEST

START_TEST(iovas_are_chosen_where_nothing_is)
{
	uint64_t good = memory(&story, 4, 3), iova = 0;
	struct vfiosim_iommu_iova_range allowed = { 0x100000, 0x101fff };
	uint64_t at = memory(&story, 1, 3);
	struct vfiosim_iommu_ioas_allow_iovas allow = { .size = sizeof(allow), .num_iovas = 1,
							.allowed_iovas = at };
	uint32_t ioas = ioas_alloc();

	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, PAGE), 0);
	ck_assert_uint_eq(iova, 0x1000);
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, PAGE), 0);
	ck_assert_uint_eq(iova, 0x2000);
	allow.ioas_id = ioas;
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, at, &allowed, sizeof(allowed)), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &allow), 0);
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, 2 * PAGE), 0);
	ck_assert_uint_eq(iova, 0x100000);
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, PAGE), -ENOSPC);
	ck_assert_rule(&story, "no-iova-free");
	ck_assert_int_eq(fixed(ioas, 0x200000, good, PAGE), 0);
}
END_TEST

/* Nothing is free: the space ends before, or all of it is reserved or mapped. */
START_TEST(iovas_are_chosen_below_the_end)
{
	uint64_t good = memory(&story, 4, 3), iova = 0;
	uint32_t ioas = ioas_alloc(), id;

	ck_assert_int_eq(ioas_map(ioas, RW, &iova, 0, UINT64_MAX / 2), -EOVERFLOW);
	ck_assert_rule(&story, "iova-overflow");
	ck_assert_int_eq(fixed(ioas, PAGE, 0, UINT64_MAX - 4 * PAGE), 0);
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, 0, 8 * PAGE), -ENOSPC);
	ck_assert_rule(&story, "no-iova-free");
	ck_assert_int_eq(ioas_unmap(ioas, 0, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(attach_to(cdev("vfio0", &id), ioas), 0);
	/* More than the aperture has, which begins with what is reserved for interrupts. */
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, 0, 1ull << 39), -ENOSPC);
	ck_assert_rule(&story, "no-iova-free");
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good + 1, PAGE), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, PAGE + 1), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	ck_assert_int_eq(fixed(ioas, 0, good, PAGE + 1), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	ck_assert_int_eq(ioas_map(ioas, RW, &iova, good, PAGE), 0);
	ck_assert_uint_eq(iova, PAGE);
}
END_TEST

START_TEST(unmap_takes_whole_mappings_one_by_one)
{
	uint64_t good = memory(&story, 4, 3), gone;
	uint32_t ioas = ioas_alloc();

	ck_assert_int_eq(ioas_unmap(ioas, 0, UINT64_MAX, &gone), 0);
	ck_assert_uint_eq(gone, 0);
	ck_assert_int_eq(ioas_unmap(ioas, 0x1000, PAGE, NULL), -ENOENT);
	ck_assert_int_eq(fixed(ioas, 0x1000, good, PAGE), 0);
	ck_assert_int_eq(fixed(ioas, 0x10000, good, 4 * PAGE), 0);
	ck_assert_int_eq(ioas_unmap(ioas, 0x1000, 0x11000, &gone), -ENOENT);
	ck_assert_rule(&story, "area-bisected");
	ck_assert_uint_eq(gone, 0x11000);
	/* Unlike type1, the first of them is gone. */
	ck_assert_int_eq(ioas_unmap(ioas, 0x1000, PAGE, NULL), -ENOENT);
	ck_assert_int_eq(ioas_unmap(ioas, 0x10000, 4 * PAGE, NULL), 0);
}
END_TEST

START_TEST(a_copy_shares_memory_and_rights)
{
	uint64_t good = memory(&story, 4, 3), iova = 0x4000;
	uint32_t from = ioas_alloc(), to = ioas_alloc();
	struct vfiosim_iommu_ioas_copy copy = { .size = sizeof(copy), .flags = FIXED | RW,
						.dst_ioas_id = to, .src_ioas_id = from,
						.length = 2 * PAGE, .src_iova = 0x1000 };

	ck_assert_int_eq(fixed(from, 0, good, 4 * PAGE), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -EEXIST);
	ck_assert_int_eq(ioas_map(from, FIXED | VFIOSIM_IOAS_MAP_READABLE, &iova, good, PAGE), 0);
	copy.src_iova = 0x4000;
	copy.dst_iova = 0x10000;
	copy.length = PAGE;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -EPERM);
	copy.src_iova = 0x5000;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -ENOENT);
	copy.length = 0;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -EINVAL);
	ck_assert_rule(&story, "length-zero");
	copy.length = UINT64_MAX;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -EOVERFLOW);
	ck_assert_rule(&story, "iova-overflow");
}
END_TEST

/* An ioas without devices has bytes, one with a device has pages. */
START_TEST(a_copy_to_where_pages_are_needed)
{
	uint32_t from = ioas_alloc(), to = ioas_alloc(), id;
	struct vfiosim_iommu_ioas_copy copy = { .size = sizeof(copy), .flags = FIXED | RW,
						.dst_ioas_id = to, .src_ioas_id = from,
						.length = PAGE };

	ck_assert_int_eq(fixed(from, 0, memory(&story, 4, 3) + 16, 2 * PAGE), 0);
	ck_assert_int_eq(attach_to(cdev("vfio0", &id), to), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	copy.src_iova = PAGE - 16;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_COPY, &copy), 0);
}
END_TEST

START_TEST(an_unattached_hwpt_narrows_to_the_aperture)
{
	uint64_t good = memory(&story, 4, 3);
	uint32_t ioas = ioas_alloc(), id;
	int nic = cdev("vfio0", &id);
	struct vfiosim_iommu_hwpt_alloc alloc = { .size = sizeof(alloc), .dev_id = id, .pt_id = ioas };

	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_HWPT_ALLOC, &alloc), 0);
	ck_assert_int_eq(fixed(ioas, MSI, good, PAGE), 0);
	ck_assert_int_eq(fixed(ioas, 1ull << 39, good, PAGE), -EINVAL);
	ck_assert_int_eq(attach_to(nic, alloc.out_hwpt_id), -EADDRINUSE);
	ck_assert_int_eq(ioas_unmap(ioas, MSI, PAGE, NULL), 0);
	ck_assert_int_eq(attach_to(nic, alloc.out_hwpt_id), 0);
	ck_assert_int_eq(destroy(alloc.out_hwpt_id), -EBUSY);
	ck_assert_int_eq(detach(nic), 0);
	ck_assert_int_eq(destroy(ioas), -EBUSY);
	ck_assert_int_eq(destroy(alloc.out_hwpt_id), 0);
	ck_assert_int_eq(destroy(ioas), 0);
}
END_TEST

/* The queue is looked for last; nothing is left of what was made before. */
START_TEST(a_hwpt_without_its_fault_queue_is_taken_back)
{
	uint32_t ioas = ioas_alloc(), id;
	int nic = cdev("vfio0", &id);
	struct vfiosim_iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc), .flags = VFIOSIM_HWPT_FAULT_ID_VALID,
		.dev_id = id, .pt_id = ioas, .fault_id = 77,
	};

	ck_assert_int_eq(fixed(ioas, 0, 0xdead000, PAGE), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_HWPT_ALLOC, &alloc), -EFAULT);
	ck_assert_int_eq(ioas_unmap(ioas, 0, PAGE, NULL), 0);
	ck_assert_int_eq(fixed(ioas, 0, memory(&story, 1, 3), PAGE), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_HWPT_ALLOC, &alloc), -ENOENT);
	ck_assert_rule(&story, "no-object");
	ck_assert_int_eq(fixed(ioas, 1ull << 39, 0xdead000, PAGE), 0);
	ck_assert_int_eq(ioas_unmap(ioas, 0, UINT64_MAX, NULL), 0);
	ck_assert_int_eq(destroy(ioas), 0);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, nic), 0);
}
END_TEST

START_TEST(a_hwpt_keeps_its_fault_queue)
{
	struct vfiosim_iommu_fault_alloc queue = { .size = sizeof(queue) };
	uint32_t ioas = ioas_alloc(), id;
	int nic = cdev("vfio0", &id);
	struct vfiosim_iommu_hwpt_alloc alloc = { .size = sizeof(alloc), .dev_id = id, .pt_id = ioas,
						  .flags = VFIOSIM_HWPT_FAULT_ID_VALID };
	uint32_t response[2] = { 0 };

	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	alloc.fault_id = queue.out_fault_id;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_HWPT_ALLOC, &alloc), 0);
	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, (int)queue.out_fault_fd, response, 4, 0), -ESPIPE);
	ck_assert_rule(&story, "fault-queue-pieces");
	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, (int)queue.out_fault_fd, response, 0, 0), 0);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, (int)queue.out_fault_fd), 0);
	ck_assert_int_eq(destroy(queue.out_fault_id), -EBUSY);
	ck_assert_int_eq(destroy(alloc.out_hwpt_id), 0);
	ck_assert_int_eq(destroy(queue.out_fault_id), 0);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, nic), 0);
}
END_TEST

START_TEST(locked_memory_is_the_users)
{
	struct vfiosim_limits limits = { .memlock = 4 * PAGE, .uid = 1000 };
	uint64_t good = memory(&story, 8, 3);
	uint32_t ioas = ioas_alloc(), id;
	int nic = cdev("vfio0", &id);

	ck_assert_int_eq(attach_to(nic, ioas), 0);
	vfiosim_inproc_set_limits(story.proc, &limits);
	ck_assert_int_eq(fixed(ioas, 0, good, 4 * PAGE), 0);
	ck_assert_int_eq(fixed(ioas, 0x10000, good, PAGE), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	ck_assert_int_eq(fixed(ioas, 0x10000, 0xdead000, PAGE), -EFAULT);
	ck_assert_int_eq(ioas_unmap(ioas, 0, 4 * PAGE, NULL), 0);
	ck_assert_int_eq(fixed(ioas, 0x10000, good, PAGE), 0);
}
END_TEST

/* Every mapping is looked at through the memory of whoever made it, however many they are. */
START_TEST(the_memories_of_many_processes)
{
	struct vfiosim_inproc *child[8], *parent = story.proc;
	const size_t n = sizeof(child) / sizeof(child[0]);
	uint64_t good = memory(&story, 1, 3);
	uint32_t ioas = ioas_alloc(), dev;
	int fd = cdev("vfio0", &dev);

	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(vfiosim_inproc_fork(parent, &child[i]), 0);
		story.proc = child[i];
		ck_assert_int_eq(fixed(ioas, i * PAGE, good, PAGE), 0);
	}
	story.proc = parent;
	ck_assert_int_eq(attach_to(fd, ioas), 0);
	ck_assert_int_eq(detach(fd), 0);
	ck_assert_int_eq(vfiosim_inproc_munmap(child[n - 1], good, PAGE), 0);
	ck_assert_int_eq(attach_to(fd, ioas), -EFAULT);
	for (size_t i = 0; i < n; i++)
		vfiosim_inproc_destroy(child[i]);
}
END_TEST

START_TEST(closing_the_iommufd_first_leaves_the_device_working)
{
	uint32_t ioas = ioas_alloc(), id;
	int nic = cdev("vfio0", &id);

	ck_assert_int_eq(vfiosim_inproc_close(story.proc, iommufd), 0);
	ck_assert_int_eq(attach_to(nic, ioas), 0);
	ck_assert_int_eq(detach(nic), 0);
}
END_TEST

/* What is known of the hardware, then zeroes as far as the program has room, however far it says. */
START_TEST(hardware_is_told_with_zeroes_behind)
{
	uint64_t uva = memory(&story, 2, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	struct vfiosim_iommu_hw_info cmd = { .size = sizeof(cmd), .data_uptr = uva };
	uint8_t full[2 * PAGE], seen[2 * PAGE];
	const uint32_t room = PAGE + 500;
	struct rusage usage;
	uint64_t registers;

	cdev("vfio0", &cmd.dev_id);
	memset(full, 0xff, sizeof(full));
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva, full, sizeof(full)), 0);
	cmd.data_len = room;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_GET_HW_INFO, &cmd), 0);
	ck_assert_uint_eq(cmd.data_len, sizeof(struct vfiosim_iommu_hw_info_vtd));
	ck_assert_int_eq(vfiosim_inproc_peek(story.proc, uva, seen, sizeof(seen)), 0);
	memcpy(&registers, seen + 8, sizeof(registers));
	ck_assert_uint_ne(registers, 0);
	for (size_t i = cmd.data_len; i < sizeof(seen); i++)
		ck_assert_uint_eq(seen[i], i < room ? 0 : 0xff);
	cmd.data_len = UINT32_MAX;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_GET_HW_INFO, &cmd), -EFAULT);
	/* and no copy of 4 GiB was made for it */
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	ck_assert_int_lt(usage.ru_maxrss, 1 << 20);
}
END_TEST

/* A list of more ranges than there is room for: refused, and nothing is freed twice. */
START_TEST(too_many_allowed_iovas)
{
	const uint32_t n = (1u << 20) + 1024;
	size_t bytes = n * sizeof(struct vfiosim_iommu_iova_range);
	struct vfiosim_iommu_iova_range *ranges = malloc(bytes);
	struct vfiosim_iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd), .ioas_id = ioas_alloc(), .num_iovas = n,
		.allowed_iovas = memory(&story, bytes / PAGE, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE),
	};

	for (uint32_t i = 0; i < n; i++)
		ranges[i] = (struct vfiosim_iommu_iova_range){ i * PAGE, i * PAGE + PAGE - 1 };
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, cmd.allowed_iovas, ranges, bytes), 0);
	free(ranges);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &cmd), -ENOMEM);
	ck_assert_rule(&story, "no-memory");
	cmd.num_iovas = 0;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &cmd), 0);
}
END_TEST

/* The kernel checks each range before it reads the next. */
START_TEST(a_bad_range_before_memory_that_is_gone)
{
	const struct vfiosim_iommu_iova_range bad = { 5, 5 }, good = { 5, 6 };
	uint64_t end = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE) + PAGE;
	struct vfiosim_iommu_ioas_allow_iovas cmd = {
		.size = sizeof(cmd), .ioas_id = ioas_alloc(), .num_iovas = 1000,
		.allowed_iovas = end - sizeof(bad),
	};

	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, end - sizeof(bad), &bad, sizeof(bad)), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &cmd), -EINVAL);
	ck_assert_rule(&story, "bad-allowed");
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, end - sizeof(bad), &good, sizeof(good)), 0);
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &cmd), -EFAULT);
}
END_TEST

START_TEST(sizes_tell_old_programs_from_new)
{
	struct {
		struct vfiosim_iommu_ioas_alloc alloc;
		uint8_t tail[52];
	} cmd = { .alloc = { .size = 64 } };

	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	cmd.tail[51] = 1;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), -E2BIG);
	ck_assert_rule(&story, "nonzero-tail");
	cmd.alloc.size = 8;
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), -EINVAL);
	cmd.alloc = (struct vfiosim_iommu_ioas_alloc){ .size = 12, .flags = 1 };
	ck_assert_int_eq(iommu(VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), -EOPNOTSUPP);
}
END_TEST

/* In memory that only can be read: iommufd_destroy() and its like do not respond. */
static long ask_only(uint32_t number, const void *cmd, size_t size)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);

	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva, cmd, size), 0);
	ck_assert_int_eq(vfiosim_inproc_mprotect(story.proc, uva, PAGE, VFIOSIM_PROT_READ), 0);
	return command(&story, iommufd, number, uva);
}

START_TEST(what_is_not_responded_to_needs_no_memory_to_write)
{
	uint32_t ioas = ioas_alloc();
	struct vfiosim_iommu_vfio_ioas vfio = { .size = sizeof(vfio), .ioas_id = ioas,
						.op = VFIOSIM_IOMMU_VFIO_IOAS_SET };
	struct vfiosim_iommu_ioas_allow_iovas allow = { .size = sizeof(allow), .ioas_id = ioas };
	struct vfiosim_iommu_destroy destroy = { .size = sizeof(destroy), .id = ioas };

	ck_assert_int_eq(ask_only(VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS, &allow, sizeof(allow)), 0);
	ck_assert_int_eq(ask_only(VFIOSIM_IOMMU_VFIO_IOAS, &vfio, sizeof(vfio)), 0);
	vfio.op = VFIOSIM_IOMMU_VFIO_IOAS_GET;
	ck_assert_int_eq(ask_only(VFIOSIM_IOMMU_VFIO_IOAS, &vfio, sizeof(vfio)), -EFAULT);
	vfio.op = VFIOSIM_IOMMU_VFIO_IOAS_CLEAR;
	ck_assert_int_eq(ask_only(VFIOSIM_IOMMU_VFIO_IOAS, &vfio, sizeof(vfio)), 0);
	ck_assert_int_eq(ask_only(VFIOSIM_IOMMU_DESTROY, &destroy, sizeof(destroy)), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ioas");
	TCase *tcase = tcase_create("q35");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, ids_are_the_lowest_free);
	tcase_add_test(tcase, the_hot_add_story_under_iommufd);
	tcase_add_test(tcase, a_failed_replace_keeps_the_old_ioas);
	tcase_add_test(tcase, devices_of_one_group_go_together);
	tcase_add_test(tcase, iovas_are_chosen_where_nothing_is);
	tcase_add_test(tcase, iovas_are_chosen_below_the_end);
	tcase_add_test(tcase, unmap_takes_whole_mappings_one_by_one);
	tcase_add_test(tcase, a_copy_shares_memory_and_rights);
	tcase_add_test(tcase, a_copy_to_where_pages_are_needed);
	tcase_add_test(tcase, an_unattached_hwpt_narrows_to_the_aperture);
	tcase_add_test(tcase, a_hwpt_without_its_fault_queue_is_taken_back);
	tcase_add_test(tcase, a_hwpt_keeps_its_fault_queue);
	tcase_add_test(tcase, locked_memory_is_the_users);
	tcase_add_test(tcase, the_memories_of_many_processes);
	tcase_add_test(tcase, closing_the_iommufd_first_leaves_the_device_working);
	tcase_add_test(tcase, hardware_is_told_with_zeroes_behind);
	tcase_add_test(tcase, too_many_allowed_iovas);
	tcase_add_test(tcase, a_bad_range_before_memory_that_is_gone);
	tcase_add_test(tcase, sizes_tell_old_programs_from_new);
	tcase_add_test(tcase, what_is_not_responded_to_needs_no_memory_to_write);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
