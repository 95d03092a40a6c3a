/* SPDX-License-Identifier: MIT */
/*
 * type1 on the q35 machine: groups 10 and 11 are physical, 15 and 16 are mdevs; the
 * MSI window is 0xfee00000..0xfeefffff, the aperture has 39 bits.
 */
#include "machine/story_test.h"
#include "base/suite_test.h"

#define MSI 0xfee00000ull
#define BEYOND (1ull << 45)

static struct story story;
static int container, mdev, nic;

static void begin_lazy(void)
{
	story_begin(&story, "q35");
	container = container_with(&story, 15, &mdev);
	nic = open_group(&story, 10);
}

static void begin_physical(void)
{
	story_begin(&story, "q35");
	container = container_with(&story, 10, &nic);
}

static void end(void)
{
	story_end(&story);
}

START_TEST(replay_refuses_what_nobody_looked_at)
{
	uint64_t good = memory(&story, 4, 3), readonly = memory(&story, 1, 1);
	const struct {
		uint64_t iova, uva, size;
		int error;
		const char *rule;
	} rows[] = {
		{ 0x100000, 0xdead000, PAGE, EFAULT, "pin-unmapped" },
		{ 0x100000, readonly, PAGE, EFAULT, "pin-unwritable" },
		{ 0x100000, readonly, 2 * PAGE, EFAULT, "pin-unwritable" },
		{ MSI, good, PAGE, EINVAL, "attach-reserved" },
		{ MSI, 0xdead000, PAGE, EINVAL, "attach-reserved" },
		{ MSI - PAGE, good, 2 * PAGE, EINVAL, "attach-reserved" },
		{ BEYOND, good, PAGE, ERANGE, "domain-range" },
		{ (1ull << 39) - PAGE, good, 2 * PAGE, ERANGE, "domain-range" },
		{ BEYOND, 0xdead000, PAGE, EFAULT, "pin-unmapped" },
	};

	map(&story, container, 0, good, 4 * PAGE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		map(&story, container, rows[i].iova, rows[i].uva, rows[i].size);
		for (int twice = 0; twice < 2; twice++) {
			ck_assert_int_eq(set_container(&story, nic, container), -rows[i].error);
			ck_assert_rule(&story, rows[i].rule);
		}
		ck_assert_int_eq(unset_container(&story, nic), -EINVAL);
		ck_assert_uint_eq(unmap(&story, container, rows[i].iova, rows[i].size), rows[i].size);
	}
	ck_assert_int_eq(set_container(&story, nic, container), 0);
	ck_assert_int_eq(__map(&story, container, 0x100000, 0xdead000, PAGE, MAP_RW), -EFAULT);
}
END_TEST

START_TEST(lazy_again_when_the_last_physical_group_leaves)
{
	uint64_t good = memory(&story, 4, 3);
	struct vfiosim_counters counters;

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(set_container(&story, nic, container), 0);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 4);
	ck_assert_int_eq(unset_container(&story, nic), 0);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.pinned_pages, 0);
	ck_assert_uint_eq(counters.mappings, 1);

	/* Once a physical group was there the container has ranges, so the errno differs. */
	map(&story, container, BEYOND, good, PAGE);
	ck_assert_int_eq(set_container(&story, nic, container), -EINVAL);
	ck_assert_rule(&story, "attach-aperture");
}
END_TEST

START_TEST(the_last_group_takes_the_mappings_along)
{
	uint64_t good = memory(&story, 4, 3);

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(unset_container(&story, mdev), 0);
	ck_assert_int_eq(__map(&story, container, 0, good, PAGE, MAP_RW), -EINVAL);
	ck_assert_rule(&story, "no-iommu-set");
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), -EINVAL);
	ck_assert_rule(&story, "no-group");
}
END_TEST

START_TEST(map_checks_in_the_kernels_order)
{
	uint64_t good = memory(&story, 4, 3);
	const struct {
		uint64_t iova, uva, size;
		uint32_t flags;
		int error;
		const char *rule;
	} rows[] = {
		{ 0, 0, 0, 0x10, EINVAL, "unknown-flags" },
		{ 1, good, 0, 0, EINVAL, "empty" },
		{ 0xfffffffffffff000, good, 2 * PAGE, 0, EOVERFLOW, "wraps" },
		{ 0, 0xfffffffffffff000, 2 * PAGE, MAP_RW, EOVERFLOW, "wraps" },
		{ 0, good, PAGE, 0, EINVAL, "no-access" },
		{ 0, good, PAGE, MAP_RW | VFIO_DMA_MAP_FLAG_VADDR, EINVAL, "vaddr-and-access" },
		{ 0, good, PAGE + 1, MAP_RW, EINVAL, "misaligned" },
		{ 0x800, good, PAGE, MAP_RW, EINVAL, "misaligned" },
		{ MSI, 0xdead000, PAGE, MAP_RW, EINVAL, "reserved-region" },
		{ BEYOND, 0xdead000, PAGE, MAP_RW, EINVAL, "beyond-aperture" },
		{ 0xfffffffffffff000, good, PAGE, MAP_RW, EINVAL, "beyond-aperture" },
		{ 0, 0xdead000, PAGE, MAP_RW, EFAULT, "pin-unmapped" },
		{ 0, good + 2 * PAGE, 4 * PAGE, MAP_RW, EFAULT, "pin-unmapped" },
		{ 0x1000, good, PAGE, VFIO_DMA_MAP_FLAG_VADDR, ENOENT, "vaddr-no-mapping" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(__map(&story, container, rows[i].iova, rows[i].uva, rows[i].size,
				       rows[i].flags), -rows[i].error);
		ck_assert_rule(&story, rows[i].rule);
	}
	map(&story, container, 0, good, PAGE);
	ck_assert_int_eq(__map(&story, container, 0, 0xdead000, 2 * PAGE, MAP_RW), -EEXIST);
}
END_TEST

START_TEST(unmap_removes_whole_mappings_or_nothing)
{
	uint64_t good = memory(&story, 8, 3), gone;

	map(&story, container, 0x10000, good, 4 * PAGE);
	map(&story, container, 0x20000, good, 2 * PAGE);
	ck_assert_int_eq(__unmap(&story, container, 0x10000, PAGE, 0, &gone), -EINVAL);
	ck_assert_rule(&story, "bisects");
	ck_assert_uint_eq(gone, PAGE);
	ck_assert_int_eq(__unmap(&story, container, 0x10000, 0x11000, 0, NULL), -EINVAL);
	ck_assert_int_eq(__unmap(&story, container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &gone), 0);
	ck_assert_uint_eq(gone, 6 * PAGE);
	ck_assert_uint_eq(unmap(&story, container, 0x10000, 4 * PAGE), 0);
	ck_assert_int_eq(__unmap(&story, container, 0x1000, UINT64_MAX & ~0xfffull, 0, NULL), 0);
	ck_assert_int_eq(__unmap(&story, container, 0x2000, UINT64_MAX & ~0xfffull, 0, NULL), -EOVERFLOW);
}
END_TEST

START_TEST(v1_takes_what_begins_in_the_range)
{
	int other = open_container(&story), group = open_group(&story, 11);
	uint64_t good = memory(&story, 4, 3);

	ck_assert_int_eq(set_container(&story, group, other), 0);
	ck_assert_int_eq(command(&story, other, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	map(&story, other, 0x10000, good, 4 * PAGE);
	ck_assert_uint_eq(unmap(&story, other, 0x11000, PAGE), 0);
	ck_assert_uint_eq(unmap(&story, other, 0xf000, 2 * PAGE), 4 * PAGE);
}
END_TEST

START_TEST(the_entry_limit_comes_back_with_unmap)
{
	uint64_t good = memory(&story, 1, 3);
	long ret = 0;
	uint64_t n;

	for (n = 0; !ret; n++)
		ret = __map(&story, container, n * PAGE, good, PAGE, MAP_RW);
	ck_assert_uint_eq(n, 65536);
	ck_assert_int_eq(ret, -ENOSPC);
	ck_assert_int_eq(__map(&story, container, MSI, 0xdead000, PAGE, MAP_RW), -ENOSPC);
	ck_assert_int_eq(__map(&story, container, 0, good, PAGE, MAP_RW), -EEXIST);
	ck_assert_uint_eq(unmap(&story, container, 0, PAGE), PAGE);
	map(&story, container, 0, good, PAGE);
}
END_TEST

START_TEST(memlock_counts_pages_twice_and_gives_them_back)
{
	struct vfiosim_limits limits = { .memlock = 4 * PAGE };
	uint64_t good = memory(&story, 4, 3);

	vfiosim_inproc_set_limits(story.proc, &limits);
	map(&story, container, 0, good, 2 * PAGE);
	map(&story, container, 0x10000, good, 2 * PAGE);
	ck_assert_int_eq(__map(&story, container, 0x20000, good, PAGE, MAP_RW), -ENOMEM);
	ck_assert_rule(&story, "memlock");
	ck_assert_int_eq(__map(&story, container, 0x20000, 0xdead000, PAGE, MAP_RW), -EFAULT);
	unmap(&story, container, 0, 2 * PAGE);
	map(&story, container, 0x20000, good, PAGE);
}
END_TEST

/* A program that hands its mappings to another one: the other's account and limit count then. */
START_TEST(restoring_a_vaddr_takes_the_mapping_over)
{
	struct vfiosim_limits few = { .memlock = 3 * PAGE }, enough = { .memlock = 4 * PAGE };
	uint64_t good = memory(&story, 4, 3);
	struct vfiosim_inproc *heir, *parent = story.proc;

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(__unmap(&story, container, 0, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, NULL), 0);
	ck_assert_int_eq(vfiosim_inproc_fork(parent, &heir), 0);
	story.proc = heir;
	vfiosim_inproc_set_limits(heir, &few);
	ck_assert_int_eq(__map(&story, container, 0, good, 4 * PAGE, VFIO_DMA_MAP_FLAG_VADDR), -ENOMEM);
	ck_assert_rule(&story, "memlock");
	vfiosim_inproc_set_limits(heir, &enough);
	ck_assert_int_eq(__map(&story, container, 0, good, 4 * PAGE, VFIO_DMA_MAP_FLAG_VADDR), 0);
	ck_assert_int_eq(__map(&story, container, 0x10000, good, PAGE, MAP_RW), -ENOMEM);
	story.proc = parent;
	vfiosim_inproc_destroy(heir);
}
END_TEST

START_TEST(an_invalid_vaddr_blocks_attach_until_restored)
{
	uint64_t good = memory(&story, 4, 3), other = memory(&story, 4, 3);
	int second = open_group(&story, 11);

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(__unmap(&story, container, 0, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, NULL), 0);
	ck_assert_int_eq(__unmap(&story, container, 0, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR, NULL),
			 -EINVAL);
	ck_assert_rule(&story, "vaddr-twice");
	ck_assert_int_eq(set_container(&story, second, container), -EBUSY);
	ck_assert_int_eq(__map(&story, container, 0, other, PAGE, VFIO_DMA_MAP_FLAG_VADDR), -EINVAL);
	ck_assert_int_eq(__map(&story, container, 0, other, 4 * PAGE, VFIO_DMA_MAP_FLAG_VADDR), 0);
	ck_assert_int_eq(set_container(&story, second, container), 0);
}
END_TEST

START_TEST(another_process_attaches_through_its_own_memory)
{
	uint64_t good = memory(&story, 4, 3);
	struct vfiosim_inproc *child, *parent = story.proc;

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(vfiosim_inproc_fork(parent, &child), 0);
	ck_assert_int_eq(vfiosim_inproc_munmap(child, good, PAGE), 0);
	story.proc = child;
	ck_assert_int_eq(set_container(&story, nic, container), -EFAULT);
	story.proc = parent;
	ck_assert_int_eq(set_container(&story, nic, container), 0);
	vfiosim_inproc_destroy(child);
}
END_TEST

/* CAP_IPC_LOCK counts where a mapping is made, the limit where it is pinned. */
START_TEST(the_limit_of_whoever_attaches_the_right_of_whoever_mapped)
{
	struct vfiosim_limits poor = { .memlock = PAGE }, privileged = { .memlock = PAGE, .ipc_lock = true };
	uint64_t good = memory(&story, 4, 3);

	vfiosim_inproc_set_limits(story.proc, &poor);
	map(&story, container, 0, good, 2 * PAGE);
	vfiosim_inproc_set_limits(story.proc, &privileged);
	ck_assert_int_eq(set_container(&story, nic, container), -ENOMEM);
	ck_assert_rule(&story, "memlock");
	unmap(&story, container, 0, 2 * PAGE);
	map(&story, container, 0, good, 2 * PAGE);
	vfiosim_inproc_set_limits(story.proc, &poor);
	ck_assert_int_eq(set_container(&story, nic, container), 0);
}
END_TEST

static uint64_t dirty_bits(uint64_t iova, uint64_t pages, long *ret)
{
	uint64_t uva = memory(&story, 1, 3), bits = 0, all = ~0ull;
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} dirty = {
		.head = { .argsz = sizeof(dirty), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
		.get = { .iova = iova,
			 .size = pages * PAGE,
			 .bitmap = { .pgsize = PAGE, .size = 8, .data = (void *)(uintptr_t)uva } },
	};

	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva + 8, &all, 8), 0);
	*ret = command_struct(&story, container, VFIO_IOMMU_DIRTY_PAGES, &dirty, sizeof(dirty));
	ck_assert_int_eq(vfiosim_inproc_peek(story.proc, uva, &bits, 8), 0);
	return bits;
}

/* GET_BITMAP of one page, to eight bytes at @uva. */
static long dirty_to(uint64_t uva)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} dirty = {
		.head = { .argsz = sizeof(dirty), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP },
		.get = { .size = PAGE,
			 .bitmap = { .pgsize = PAGE, .size = 8, .data = (void *)(uintptr_t)uva } },
	};

	return command_struct(&story, container, VFIO_IOMMU_DIRTY_PAGES, &dirty, sizeof(dirty));
}

/* Stacks stand at the end of a program's half of memory, bitmaps on stacks. */
START_TEST(a_bitmap_is_in_the_programs_half_of_memory)
{
#if defined(__aarch64__)
	uint64_t end = UINT64_C(1) << 52, highest = 0xfffffffff000;	/* with 48 bits of address */
#else
	uint64_t end = 0x7ffffffff000, highest = end;
#endif
	struct vfio_iommu_type1_dirty_bitmap start = {
		.argsz = sizeof(start), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START
	};

	map(&story, container, 0, memory(&story, 1, 3), PAGE);
	ck_assert_int_eq(command_struct(&story, container, VFIO_IOMMU_DIRTY_PAGES, &start, 8), 0);
	ck_assert_int_eq(dirty_to(highest - 8), -EFAULT);	/* nothing is mapped there */
	ck_assert_int_eq(dirty_to(end - 8), -EFAULT);
	ck_assert_int_eq(dirty_to(end - 7), -EINVAL);
	ck_assert_rule(&story, "bitmap-address");
}
END_TEST

START_TEST(a_physical_group_dirties_everything)
{
	struct vfio_iommu_type1_dirty_bitmap start = {
		.argsz = sizeof(start), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START
	};
	uint64_t good = memory(&story, 16, 3);
	long ret;

	map(&story, container, 0, good, 4 * PAGE);
	map(&story, container, 0x8000, good, 2 * PAGE);
	dirty_bits(0, 4, &ret);
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_rule(&story, "not-tracking");
	ck_assert_int_eq(command_struct(&story, container, VFIO_IOMMU_DIRTY_PAGES, &start, 8), 0);
	ck_assert_uint_eq(dirty_bits(0, 4, &ret), 0xf);
	ck_assert_uint_eq(dirty_bits(0, 16, &ret), 0x30f);
	ck_assert_int_eq(ret, 0);
	dirty_bits(0, 2, &ret);
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_rule(&story, "bisects");
}
END_TEST

static bool state_says_stale(void)
{
	char *text;
	bool stale;

	ck_assert_int_eq(vfiosim_state_json(story.sim, &text), 0);
	stale = strstr(text, "\"stale\": true");
	free(text);
	return stale;
}

START_TEST(memory_that_goes_under_a_pin_is_told_stale)
{
	uint64_t good = memory(&story, 4, 3);

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert(!state_says_stale());
	ck_assert_int_eq(vfiosim_inproc_munmap(story.proc, good + PAGE, PAGE), 0);
	ck_assert(state_says_stale());
}
END_TEST

/* The last page there is. */
START_TEST(memory_that_goes_at_its_end_is_told_stale)
{
	uint64_t good = memory(&story, 4, 3);

	map(&story, container, 0, good, 4 * PAGE);
	ck_assert_int_eq(vfiosim_inproc_munmap(story.proc, good + 3 * PAGE, PAGE), 0);
	ck_assert(state_says_stale());
}
END_TEST

/* Each step towards a device without IOMMU asks for CAP_SYS_RAWIO anew. */
START_TEST(a_capability_that_is_lost)
{
	const struct vfiosim_limits with = { .memlock = PAGE, .sys_rawio = true },
				    without = { .memlock = PAGE };
	char name[] = "0000:21:00.0";
	int group;

	story_begin(&story, "q35-noiommu");
	container = open_container(&story);
	vfiosim_inproc_set_limits(story.proc, &with);
	group = vfiosim_inproc_open(story.proc, "/dev/vfio/noiommu-0");
	ck_assert_int_ge(group, 0);
	vfiosim_inproc_set_limits(story.proc, &without);
	ck_assert_int_eq(set_container(&story, group, container), -EPERM);
	ck_assert_rule(&story, "no-rawio");
	vfiosim_inproc_set_limits(story.proc, &with);
	ck_assert_int_eq(set_container(&story, group, container), 0);
	vfiosim_inproc_set_limits(story.proc, &without);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), -EPERM);
	vfiosim_inproc_set_limits(story.proc, &with);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU), 0);
	vfiosim_inproc_set_limits(story.proc, &without);
	ck_assert_int_eq(command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, name, sizeof(name)),
			 -EPERM);
	ck_assert_rule(&story, "no-rawio");
	vfiosim_inproc_set_limits(story.proc, &with);
	ck_assert_int_ge(command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, name, sizeof(name)), 0);
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("type1");
	TCase *others = tcase_create("other machines");
	TCase *lazy = tcase_create("mdev first"), *physical = tcase_create("physical");

	tcase_add_checked_fixture(lazy, begin_lazy, end);
	tcase_add_test(lazy, replay_refuses_what_nobody_looked_at);
	tcase_add_test(lazy, lazy_again_when_the_last_physical_group_leaves);
	tcase_add_test(lazy, the_last_group_takes_the_mappings_along);
	tcase_add_test(lazy, another_process_attaches_through_its_own_memory);
	tcase_add_test(lazy, the_limit_of_whoever_attaches_the_right_of_whoever_mapped);
	suite_add_tcase(suite, lazy);
	tcase_add_checked_fixture(physical, begin_physical, end);
	tcase_set_timeout(physical, 60);
	tcase_add_test(physical, map_checks_in_the_kernels_order);
	tcase_add_test(physical, unmap_removes_whole_mappings_or_nothing);
	tcase_add_test(physical, v1_takes_what_begins_in_the_range);
	tcase_add_test(physical, the_entry_limit_comes_back_with_unmap);
	tcase_add_test(physical, memlock_counts_pages_twice_and_gives_them_back);
	tcase_add_test(physical, restoring_a_vaddr_takes_the_mapping_over);
	tcase_add_test(physical, an_invalid_vaddr_blocks_attach_until_restored);
	tcase_add_test(physical, a_bitmap_is_in_the_programs_half_of_memory);
	tcase_add_test(physical, a_physical_group_dirties_everything);
	tcase_add_test(physical, memory_that_goes_under_a_pin_is_told_stale);
	tcase_add_test(physical, memory_that_goes_at_its_end_is_told_stale);
	suite_add_tcase(suite, physical);
	tcase_add_test(others, a_capability_that_is_lost);
	suite_add_tcase(suite, others);
	return suite_run(suite);
}
