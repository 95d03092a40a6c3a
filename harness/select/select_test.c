/* SPDX-License-Identifier: MIT */
/*
 * The selection engine against a scripted kernel: every command is written down,
 * and a script says which of them fail. So each error path is walked, and it can
 * be seen that everything opened was closed and every mapping taken away.
 */
#include <check.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#include "select/select.h"

#define FDS_MAX 32

/* One rule of the script: the command's @nth call (from 1, 0: each) fails with @error. */
struct fault {
	uint32_t cmd;		/* 0: open() of a path that contains @path */
	const char *path;
	unsigned nth;
	int error;
	unsigned seen;
};

struct kernel {
	struct target target;
	struct proc proc;
	struct fault *faults;	/* ended by an error of 0 */
	char log[8192];
	size_t n;
	bool open[FDS_MAX];
	unsigned mappings;	/* MAP_DMA that succeeded, less UNMAP_DMA */
	long extension;		/* the answer of CHECK_EXTENSION */
	uint32_t status;
};

static struct kernel *kernel_of(struct proc *proc)
{
	return proc->ctx;
}

__attribute__((format(printf, 2, 3)))
static void note(struct kernel *kernel, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	kernel->n += (size_t)vsnprintf(kernel->log + kernel->n, sizeof(kernel->log) - kernel->n,
				       format, args);
	va_end(args);
	ck_assert_uint_lt(kernel->n, sizeof(kernel->log));
}

static int script(struct kernel *kernel, uint32_t cmd, const char *path)
{
	for (struct fault *fault = kernel->faults; fault && fault->error; fault++) {
		if (path ? !fault->path || !strstr(path, fault->path) : fault->cmd != cmd)
			continue;
		fault->seen++;
		if (!fault->nth || fault->nth == fault->seen)
			return -fault->error;
	}
	return 0;
}

static int new_fd(struct kernel *kernel)
{
	for (int fd = 3; fd < FDS_MAX; fd++)
		if (!kernel->open[fd]) {
			kernel->open[fd] = true;
			return fd;
		}
	return -EMFILE;
}

static int k_open(struct proc *proc, const char *path)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, 0, path);

	note(kernel, "open %s%s\n", path, error ? " fails" : "");
	return error ? error : new_fd(kernel);
}

static int k_close(struct proc *proc, int fd)
{
	struct kernel *kernel = kernel_of(proc);

	ck_assert_msg(fd >= 0 && fd < FDS_MAX && kernel->open[fd], "close of %d", fd);
	kernel->open[fd] = false;
	note(kernel, "close %d\n", fd);
	return 0;
}

static const struct {
	uint32_t cmd;
	const char *name;
} names[] = {
	{ VFIO_GET_API_VERSION, "version" },
	{ VFIO_CHECK_EXTENSION, "extension" },
	{ VFIO_SET_IOMMU, "set_iommu" },
	{ VFIO_GROUP_GET_STATUS, "status" },
	{ VFIO_GROUP_SET_CONTAINER, "set_container" },
	{ VFIO_GROUP_UNSET_CONTAINER, "unset_container" },
	{ VFIO_GROUP_GET_DEVICE_FD, "get_device" },
	{ VFIO_DEVICE_GET_INFO, "device_info" },
	{ VFIO_IOMMU_GET_INFO, "info" },
	{ VFIO_IOMMU_MAP_DMA, "map" },
	{ VFIO_IOMMU_UNMAP_DMA, "unmap" },
};

static const char *name_of(uint32_t cmd)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].cmd == cmd)
			return names[i].name;
	ck_abort_msg("command %x", cmd);
	return NULL;
}

static long k_ioctl(struct proc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, cmd, NULL);

	ck_assert(kernel->open[fd]);
	note(kernel, "%s %d %d%s\n", name_of(cmd), fd, (int)arg, error ? " fails" : "");
	if (error)
		return error;
	return cmd == VFIO_CHECK_EXTENSION ? kernel->extension : 0;
}

static long answer(struct kernel *kernel, uint32_t cmd, void *data)
{
	struct vfio_iommu_type1_dma_map *map = data;
	struct vfio_iommu_type1_dma_unmap *unmap = data;

	switch (cmd) {
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)data)->flags = kernel->status;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return new_fd(kernel);
	case VFIO_IOMMU_MAP_DMA:
		note(kernel, " %llx+%llx", (unsigned long long)map->iova,
		     (unsigned long long)map->size);
		kernel->mappings++;
		return 0;
	case VFIO_IOMMU_UNMAP_DMA:
		note(kernel, " %llx+%llx", (unsigned long long)unmap->iova,
		     (unsigned long long)unmap->size);
		kernel->mappings -= kernel->mappings > 0;
		return 0;
	default:
		return 0;
	}
}

static long k_ioctl_data(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	struct kernel *kernel = kernel_of(proc);
	int error = script(kernel, cmd, NULL);
	long result = error;

	ck_assert(kernel->open[fd]);
	note(kernel, "%s %d%s", name_of(cmd), fd, error ? " fails" : "");
	if (!error)
		result = answer(kernel, cmd, data);
	note(kernel, "\n");
	return result;
}

static int k_munmap(struct proc *proc, uint64_t uva, uint64_t length)
{
	note(kernel_of(proc), "munmap %llx\n", (unsigned long long)uva);
	return 0;
}

static const struct target_ops ops = {
	.name = "scripted",
	.open = k_open,
	.close = k_close,
	.ioctl = k_ioctl,
	.ioctl_data = k_ioctl_data,
	.munmap = k_munmap,
};

static const struct target_device nic = { "nic", "0000:01:00.0", "/dev/vfio/1", 1, false, -1 };
static const struct target_device twin = { "twin", "0000:01:00.1", "/dev/vfio/1", 1, false, -1 };
static const struct target_device disk = { "disk", "0000:02:00.0", "/dev/vfio/2", 2, false, -1 };

static const struct section ram = { SECTION_RAM, 0, 0x100000, 0x7f0000000000, NULL };
static const struct section bar = { SECTION_BAR, 0xfe000000, 0x10000, 0x7f1000000000, &nic };

static void begin(struct kernel *kernel, const char *policy, struct fault *faults,
		  struct selector **ret_selector)
{
	*kernel = (struct kernel){
		.target.ops = &ops,
		.faults = faults,
		.extension = 1,
		.status = VFIO_GROUP_FLAGS_VIABLE,
	};
	kernel->proc = (struct proc){ .target = &kernel->target, .number = 1, .ctx = kernel };
	ck_assert_int_eq(selector_create(&kernel->proc, policy_by_name(policy), ret_selector), 0);
}

/* Whatever happened, in the end nothing is left. */
static void end(struct kernel *kernel, struct selector *selector)
{
	selector_destroy(selector);
	for (int fd = 0; fd < FDS_MAX; fd++)
		ck_assert_msg(!kernel->open[fd], "%d is still open:\n%s", fd, kernel->log);
}

static void order(const struct kernel *kernel, const char *first, const char *then)
{
	const char *a = strstr(kernel->log, first), *b = a ? strstr(a, then) : NULL;

	ck_assert_msg(a && b, "expected '%s' and then '%s' in\n%s", first, then, kernel->log);
}

START_TEST(first_device_makes_a_container)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_str_eq(kernel.log, "open /dev/vfio/1\n"
				     "status 3\n"
				     "open /dev/vfio/vfio\n"
				     "version 4 0\n"
				     "extension 4 3\n"
				     "set_container 3\n"
				     "set_iommu 4 3\n"
				     "info 4\n"
				     "map 4 0+100000\n"
				     "get_device 3\n"
				     "device_info 5\n");
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_uint_eq(selector_discards(selector), 1);
	kernel.n = 0;
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_str_eq(kernel.log, "close 5\n"
				     "unmap 4 0+100000\n"
				     "unset_container 3 0\n"
				     "close 4\n"
				     "close 3\n");
	ck_assert_uint_eq(selector_discards(selector), 0);
	ck_assert_uint_eq(kernel.mappings, 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(any_refusal_means_another_container)
{
	static const int errors[] = { EINVAL, EFAULT, ENOMEM, EBUSY, EPERM, EIO };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fault faults[] = { { VFIO_GROUP_SET_CONTAINER, NULL, 2, errors[i], 0 }, {} };
		struct kernel kernel;
		struct selector *selector;

		begin(&kernel, "qemu-legacy", faults, &selector);
		ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
		ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
		ck_assert_uint_eq(selector_spaces(selector), 2);
		ck_assert_uint_eq(selector_discards(selector), 2);
		ck_assert_ptr_null(selector_refused(selector, 0));
		end(&kernel, selector);
	}
}
END_TEST

START_TEST(one_container_refuses_for_good)
{
	struct fault faults[] = { { VFIO_GROUP_SET_CONTAINER, NULL, 2, EINVAL, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "cloud-hypervisor", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EINVAL);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_str_eq(selector_refused(selector, 0), "disk");
	ck_assert_ptr_null(selector_refused(selector, 1));
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_ptr_null(selector_refused(selector, 0));
	end(&kernel, selector);
}
END_TEST

START_TEST(a_bar_may_be_left_out_ram_may_not)
{
	struct fault second[] = { { VFIO_IOMMU_MAP_DMA, NULL, 2, EFAULT, 0 }, {} };
	struct fault first[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, EFAULT, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;
	uint64_t iova;

	begin(&kernel, "qemu-legacy", second, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_omitted(selector, &iova, 1), 1);
	ck_assert_uint_eq(iova, 0xfe000000);
	end(&kernel, selector);

	begin(&kernel, "qemu-legacy", first, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EFAULT);
	ck_assert_uint_eq(selector_spaces(selector), 0);
	ck_assert_uint_eq(selector_discards(selector), 0);
	ck_assert(!selector_aborted(selector));
	/* QEMU closes the container without VFIO_GROUP_UNSET_CONTAINER, and before the group. */
	ck_assert_ptr_null(strstr(kernel.log, "unset_container"));
	order(&kernel, "close 4\n", "close 3\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(a_running_program_gives_up_over_ram)
{
	struct fault faults[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, ENOMEM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), -ENOMEM);
	ck_assert(selector_aborted(selector));
	end(&kernel, selector);
}
END_TEST

START_TEST(busy_mappings_are_tried_once_more)
{
	struct fault once[] = { { VFIO_IOMMU_MAP_DMA, NULL, 1, EBUSY, 0 }, {} };
	struct fault always[] = { { VFIO_IOMMU_MAP_DMA, NULL, 0, EBUSY, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", once, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	order(&kernel, "map 4 fails\nunmap 4 0+100000\n", "map 4 0+100000\n");
	end(&kernel, selector);

	begin(&kernel, "qemu-legacy", always, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &ram), -EBUSY);
	ck_assert_uint_eq(always[0].seen, 2);
	end(&kernel, selector);
}
END_TEST

START_TEST(the_last_page_of_64_bits_is_spared)
{
	struct section top = { SECTION_RAM, 0xffffffffffff0000, 0x10000, 0x7f0000000000, NULL };
	struct fault faults[] = { { VFIO_IOMMU_UNMAP_DMA, NULL, 1, EINVAL, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_add(selector, &top), 0);
	ck_assert_int_eq(selector_remove(selector, top.iova), 0);
	order(&kernel, "unmap 4 fails\n", "unmap 4 ffffffffffff0000+f000\n");
	end(&kernel, selector);
}
END_TEST

START_TEST(exists_counts_as_mapped_for_dpdk)
{
	struct fault faults[] = { { VFIO_IOMMU_MAP_DMA, NULL, 0, EEXIST, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "dpdk", faults, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	end(&kernel, selector);
}
END_TEST

START_TEST(types)
{
	struct fault faults[] = { { VFIO_SET_IOMMU, NULL, 1, EPERM, 0 }, {} };
	struct kernel kernel;
	struct selector *selector;

	/* DPDK asks for all and tries the next; QEMU takes the first answer and no other. */
	begin(&kernel, "dpdk", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	order(&kernel, "set_iommu 4 1 fails\n", "set_iommu 4 7\n");
	end(&kernel, selector);

	faults[0].seen = 0;
	begin(&kernel, "qemu-legacy", faults, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EPERM);
	end(&kernel, selector);

	/* An error counts as "yes" for QEMU, which asks for anything but 0. */
	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.extension = -1;
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	end(&kernel, selector);
	begin(&kernel, "cloud-hypervisor", NULL, &selector);
	kernel.extension = 2;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.extension = 0;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
}
END_TEST

START_TEST(status_is_read_as_each_program_does)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	kernel.status = VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET;
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	kernel.status = 0;
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EINVAL);
	end(&kernel, selector);

	begin(&kernel, "cloud-hypervisor", NULL, &selector);
	kernel.status = VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET;
	ck_assert_int_eq(selector_plug(selector, &nic, false), -EINVAL);
	end(&kernel, selector);
}
END_TEST

START_TEST(devices_of_a_group_come_together)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "libvfn", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &twin, false), 0);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_spaces(selector), 2);
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert_uint_eq(selector_spaces(selector), 2);
	ck_assert_int_eq(selector_unplug(selector, "twin"), 0);
	ck_assert_uint_eq(selector_spaces(selector), 1);
	ck_assert_int_eq(selector_unplug(selector, "twin"), -ENOENT);
	end(&kernel, selector);
}
END_TEST

START_TEST(discarding_ram)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, true), 0);
	ck_assert_uint_eq(selector_discards(selector), 0);
	selector_require_discards(selector, true);
	ck_assert_int_eq(selector_plug(selector, &disk, false), -EBUSY);
	order(&kernel, "set_container", "unset_container");
	ck_assert_int_eq(selector_plug(selector, &twin, false), -EINVAL);
	selector_require_discards(selector, false);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_uint_eq(selector_discards(selector), 1);
	end(&kernel, selector);
}
END_TEST

/* Every command of the story fails once, in turn; nothing is ever left behind. */
START_TEST(every_failure_unwinds)
{
	static const struct {
		uint32_t cmd;
		const char *path;
		int error;
	} rows[] = {
		{ 0, "/dev/vfio/1", ENOENT }, { 0, "/dev/vfio/vfio", EACCES },
		{ VFIO_GROUP_GET_STATUS, NULL, EINVAL }, { VFIO_GET_API_VERSION, NULL, ENOTTY },
		{ VFIO_GROUP_SET_CONTAINER, NULL, EPERM }, { VFIO_SET_IOMMU, NULL, EPERM },
		{ VFIO_IOMMU_GET_INFO, NULL, EINVAL }, { VFIO_IOMMU_MAP_DMA, NULL, ENOSPC },
		{ VFIO_GROUP_GET_DEVICE_FD, NULL, ENODEV }, { VFIO_DEVICE_GET_INFO, NULL, EIO },
	};

	for (size_t p = 0; policy_at(p); p++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct fault faults[] = {
				{ rows[i].cmd, rows[i].path, 1, rows[i].error, 0 }, {} };
			struct kernel kernel;
			struct selector *selector;
			int error;

			begin(&kernel, policy_at(p)->name, faults, &selector);
			ck_assert_int_eq(selector_add(selector, &ram), 0);
			error = selector_plug(selector, &nic, false);
			if (error) {
				ck_assert_uint_eq(selector_spaces(selector), 0);
				ck_assert_uint_eq(selector_discards(selector), 0);
				ck_assert_str_eq(selector_refused(selector, 0), "nic");
			}
			for (int fd = 0; error && fd < FDS_MAX; fd++)
				ck_assert(!kernel.open[fd]);
			end(&kernel, selector);
		}
}
END_TEST

START_TEST(sections)
{
	struct section overlap = { SECTION_RAM, 0x80000, 0x100000, 0x7f2000000000, NULL };
	struct section small = { SECTION_RAM, 0x200010, 0x100, 0x7f2000000010, NULL };
	struct section crooked = { SECTION_RAM, 0x300100, 0x4000, 0x7f2000000200, NULL };
	struct section partly = { SECTION_RAM, 0x400100, 0x2000, 0x7f2000000100, NULL };
	struct section wraps = { SECTION_RAM, 0xfffffffffffff000, 0x2000, 0, NULL };
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_add(selector, &ram), 0);
	ck_assert_int_eq(selector_add(selector, &overlap), -EEXIST);
	ck_assert_int_eq(selector_add(selector, &wraps), -EINVAL);
	ck_assert_int_eq(selector_add(selector, &small), 0);
	ck_assert_int_eq(selector_add(selector, &crooked), 0);
	ck_assert_int_eq(selector_add(selector, &partly), 0);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_uint_eq(kernel.mappings, 2);
	order(&kernel, "map 4 0+100000\n", "map 4 401000+1000\n");
	ck_assert(selector_has(selector, 0));
	ck_assert_int_eq(selector_remove(selector, 0x1000), -ENOENT);
	end(&kernel, selector);
}
END_TEST

START_TEST(a_device_takes_its_bars_along)
{
	struct kernel kernel;
	struct selector *selector;

	begin(&kernel, "qemu-legacy", NULL, &selector);
	ck_assert_int_eq(selector_plug(selector, &nic, false), 0);
	ck_assert_int_eq(selector_plug(selector, &disk, false), 0);
	ck_assert_int_eq(selector_add(selector, &bar), 0);
	ck_assert_int_eq(selector_unplug(selector, "nic"), 0);
	ck_assert(!selector_has(selector, bar.iova));
	order(&kernel, "unmap 4 fe000000+10000\n", "munmap 7f1000000000\n");
	end(&kernel, selector);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("select");
	Suite *suite = suite_create("select");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, first_device_makes_a_container);
	tcase_add_test(tests, any_refusal_means_another_container);
	tcase_add_test(tests, one_container_refuses_for_good);
	tcase_add_test(tests, a_bar_may_be_left_out_ram_may_not);
	tcase_add_test(tests, a_running_program_gives_up_over_ram);
	tcase_add_test(tests, busy_mappings_are_tried_once_more);
	tcase_add_test(tests, the_last_page_of_64_bits_is_spared);
	tcase_add_test(tests, exists_counts_as_mapped_for_dpdk);
	tcase_add_test(tests, types);
	tcase_add_test(tests, status_is_read_as_each_program_does);
	tcase_add_test(tests, devices_of_a_group_come_together);
	tcase_add_test(tests, discarding_ram);
	tcase_add_test(tests, every_failure_unwinds);
	tcase_add_test(tests, sections);
	tcase_add_test(tests, a_device_takes_its_bars_along);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
