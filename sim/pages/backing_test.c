/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files, in process: on the engine machine, where dma0 (group 10) moves
 * what it is told to, and on q35, where locked memory is limited.
 */
#include "machine/story_test.h"

#include <vfiosim/abi/iommufd.h>
#include <vfiosim/engine.h>

#include "base/suite_test.h"

#define DEVICE 10
#define ADDRESS "0000:01:00.0"
#define IOVA 0x100000ull
#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)
#define FIXED (VFIOSIM_IOAS_MAP_FIXED_IOVA | RW)

static struct story story;
static int iommufd, group;
static uint32_t ioas;	/* the one the group's devices are attached to */

#define ask(fd_, number_, data_) command_struct(&story, (fd_), (number_), (data_), sizeof(*(data_)))

static void begin_on(const char *topology)
{
	struct vfiosim_iommu_vfio_ioas cmd = {
		.size = sizeof(cmd), .op = VFIOSIM_IOMMU_VFIO_IOAS_GET
	};

	story_begin(&story, topology);
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
	group = open_group(&story, DEVICE);
	ck_assert_int_eq(set_container(&story, group, iommufd), 0);
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_VFIO_IOAS, &cmd), 0);
	ioas = cmd.ioas_id;
}

static void begin(void)
{
	begin_on("engine");
}

static void begin_q35(void)
{
	begin_on("q35");
}

static void end(void)
{
	story_end(&story);
}

static int __device(void)
{
	char name[] = ADDRESS;

	return (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, name, sizeof(name));
}

static int device(void)
{
	int fd = __device();

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int memfd(uint64_t pages)
{
	int fd = vfiosim_inproc_memfd(story.proc, pages * PAGE);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static long __map_file(uint64_t iova, uint64_t length, int fd, uint64_t start, uint32_t flags)
{
	struct vfiosim_iommu_ioas_map_file cmd = {
		.size = sizeof(cmd), .flags = flags, .ioas_id = ioas, .fd = fd,
		.start = start, .length = length, .iova = iova,
	};

	return ask(iommufd, VFIOSIM_IOMMU_IOAS_MAP_FILE, &cmd);
}

static void map_file(uint64_t iova, uint64_t length, int fd, uint64_t start)
{
	ck_assert_int_eq(__map_file(iova, length, fd, start, FIXED), 0);
}

static long change_process(struct vfiosim_inproc *proc)
{
	struct vfiosim_iommu_change_process cmd = { .size = sizeof(cmd) };

	return vfiosim_inproc_ioctl_struct(proc, iommufd, VFIOSIM_IOMMU_IOAS_CHANGE_PROCESS, &cmd,
					   sizeof(cmd));
}

static uint64_t pinned_pages(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(story.sim, &counters);
	return counters.pinned_pages;
}

/* ---- What may be mapped ---- */

/* Nobody looks into a file before a domain wants its pages. */
START_TEST(test_lazy)
{
	int file = memfd(4);

	map_file(IOVA, 4 * PAGE, file, 0);
	ck_assert_int_eq(__map_file(IOVA, PAGE, file, 0, FIXED), -EEXIST);
	map_file(IOVA + 4 * PAGE, 4 * PAGE, file, 64 * PAGE);	/* beyond its end */
	map_file(IOVA + 8 * PAGE, PAGE, 0, 0);			/* stdin */
	map_file(IOVA + 9 * PAGE, PAGE, iommufd, 0);
	ck_assert_int_eq(__map_file(0x200000, PAGE, -1, 0, FIXED), -EBADF);
	ck_assert_int_eq(__map_file(0x200000, PAGE, 999, 0, FIXED), -EBADF);
	ck_assert_int_eq(__map_file(0x200000, 0, file, 0, FIXED), -EINVAL);
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 0, FIXED & ~RW), -EINVAL);
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 0, FIXED | 8), -EOPNOTSUPP);
	ck_assert_int_eq(__map_file(0x200000, 2 * PAGE, file, UINT64_MAX - PAGE, FIXED),
			 -EOVERFLOW);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

START_TEST(test_pinnable)
{
	int file = memfd(4);

	map_file(IOVA, PAGE, iommufd, 0);
	ck_assert_int_eq(__device(), -EINVAL);
	ck_assert_rule(&story, "file-not-pinnable");
	unmap(&story, iommufd, IOVA, PAGE);
	map_file(IOVA, 2 * PAGE, file, 3 * PAGE);
	ck_assert_int_eq(__device(), -EINVAL);
	ck_assert_rule(&story, "file-too-short");
	unmap(&story, iommufd, IOVA, 2 * PAGE);
	map_file(IOVA, 4 * PAGE, file, 0);
	device();
	ck_assert_uint_eq(pinned_pages(), 4);
	ck_assert_int_eq(__map_file(0x200000, PAGE, 0, 0, FIXED), -EINVAL);
	ck_assert_rule(&story, "file-not-pinnable");
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 4 * PAGE, FIXED), -EINVAL);
	ck_assert_rule(&story, "file-too-short");
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 0x800, FIXED), -EINVAL);
	ck_assert_rule(&story, "unaligned");
	unmap(&story, iommufd, IOVA, 4 * PAGE);
	ck_assert_uint_eq(pinned_pages(), 0);
}
END_TEST

/* ---- What devices do to it ---- */

/* The file's bytes move, across the seam with memory that has an address. */
START_TEST(test_transfers)
{
	uint64_t uva = memory(&story, 2, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	int file = memfd(4), dev = device();
	char out[] = "through a file", in[sizeof(out)] = "";

	map_file(IOVA, PAGE, file, 2 * PAGE);
	map(&story, iommufd, IOVA + PAGE, uva, 2 * PAGE);
	ck_assert_int_eq(vfiosim_inproc_poke(story.proc, uva + PAGE, out, sizeof(out)), 0);
	engine(&story, dev, VFIOSIM_ENGINE_COPY, IOVA + 2 * PAGE, IOVA + PAGE - 5, sizeof(out));
	ck_assert_int_eq(vfiosim_inproc_pread(story.proc, file, in, 5, 3 * PAGE - 5), 5);
	ck_assert_int_eq(vfiosim_inproc_peek(story.proc, uva, in + 5, sizeof(in) - 5), 0);
	ck_assert_str_eq(in, out);

	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, file, "new", 3, 3 * PAGE - 5), 3);
	engine(&story, dev, VFIOSIM_ENGINE_COPY, IOVA + PAGE - 5, IOVA + 2 * PAGE + 100, 5);
	ck_assert_int_eq(vfiosim_inproc_peek(story.proc, uva + PAGE + 100, in, 5), 0);
	ck_assert_mem_eq(in, "newou", 5);
}
END_TEST

/* The mapping keeps the file: neither close nor exec takes the pages away. */
START_TEST(test_outlives_its_descriptor)
{
	int file = memfd(1), other, dev = device();
	char in[4];

	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, file, "kept", 4, 0), 4);
	map_file(IOVA, PAGE, file, 0);
	other = memfd(1);
	map_file(IOVA + PAGE, PAGE, other, 0);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, file), 0);
	engine(&story, dev, VFIOSIM_ENGINE_COPY, IOVA, IOVA + PAGE, 4);
	ck_assert_int_eq(vfiosim_inproc_pread(story.proc, other, in, 4, 0), 4);
	ck_assert_mem_eq(in, "kept", 4);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, other), 0);
	unmap(&story, iommufd, IOVA, 2 * PAGE);
}
END_TEST

/* Copies and parts of a mapping are the file's, too. */
START_TEST(test_copies_and_parts)
{
	struct vfiosim_iommu_ioas_copy cmd = {
		.size = sizeof(cmd), .flags = FIXED, .dst_ioas_id = ioas, .src_ioas_id = ioas,
		.length = PAGE, .dst_iova = 0x200000, .src_iova = IOVA + PAGE,
	};
	int file = memfd(4), dev;
	char in[4];

	ck_assert_int_eq(command(&story, iommufd, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	dev = device();
	map_file(IOVA, 4 * PAGE, file, 0);
	ck_assert_int_eq(vfiosim_inproc_close(story.proc, vfiosim_inproc_dup(story.proc, file)), 0);
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &cmd), 0);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA + PAGE, PAGE), PAGE);
	ck_assert_uint_eq(pinned_pages(), 4);
	ck_assert_int_eq(vfiosim_inproc_pwrite(story.proc, file, "copy", 4, PAGE), 4);
	engine(&story, dev, VFIOSIM_ENGINE_COPY, 0x200000, IOVA + 3 * PAGE, 4);
	ck_assert_int_eq(vfiosim_inproc_pread(story.proc, file, in, 4, 3 * PAGE), 4);
	ck_assert_mem_eq(in, "copy", 4);
}
END_TEST

/* ---- Another process ---- */

static void limit(struct vfiosim_inproc *proc, uint64_t pages, uint32_t uid)
{
	const struct vfiosim_limits limits = {
		.memlock = pages * PAGE, .sys_rawio = true, .sys_resource = true, .uid = uid,
	};

	vfiosim_inproc_set_limits(proc, &limits);
}

START_TEST(test_limit)
{
	int file = memfd(8);

	limit(story.proc, 4, 1000);
	map_file(IOVA, 5 * PAGE, file, 0);
	ck_assert_int_eq(__device(), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	unmap(&story, iommufd, IOVA, 5 * PAGE);
	device();
	map_file(IOVA, 4 * PAGE, file, 0);
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 0, FIXED), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
}
END_TEST

/* An attach counts each account by itself, and what nobody is charged for not at all. */
START_TEST(test_accounts_apart)
{
	struct vfiosim_inproc *child, *parent = story.proc;
	int file = memfd(8);

	map_file(IOVA, 4 * PAGE, file, 0);	/* with CAP_IPC_LOCK */
	limit(parent, 2, 1000);
	map_file(0x200000, 2 * PAGE, file, 0);
	ck_assert_int_eq(vfiosim_inproc_fork(parent, &child), 0);
	limit(child, 1, 1001);
	story.proc = child;
	map_file(0x300000, PAGE, file, 0);
	map_file(0x400000, PAGE, file, 0);
	story.proc = parent;
	ck_assert_int_eq(__device(), -ENOMEM);	/* the child's second page */
	ck_assert_rule(&story, "account-limit");
	unmap(&story, iommufd, 0x400000, PAGE);
	device();
	ck_assert_uint_eq(pinned_pages(), 7);
	vfiosim_inproc_destroy(child);
}
END_TEST

/* Who takes the mappings over is charged, if its limit allows that. */
START_TEST(test_change_process)
{
	struct vfiosim_inproc *child;
	int file = memfd(8);

	limit(story.proc, 4, 1000);
	device();
	map_file(IOVA, 4 * PAGE, file, 0);
	ck_assert_int_eq(change_process(story.proc), 0);
	ck_assert_int_eq(vfiosim_inproc_fork(story.proc, &child), 0);
	limit(child, 3, 1001);
	ck_assert_int_eq(change_process(child), -ENOMEM);
	ck_assert_rule(&story, "account-limit");
	ck_assert_int_eq(__map_file(0x200000, PAGE, file, 0, FIXED), -ENOMEM);
	limit(child, 4, 1001);
	ck_assert_int_eq(change_process(child), 0);
	map_file(0x200000, PAGE, file, 0);
	ck_assert_uint_eq(pinned_pages(), 5);
	vfiosim_inproc_destroy(child);
	ck_assert_uint_eq(pinned_pages(), 5);
}
END_TEST

/* Copies have the same pages, which are charged once. */
START_TEST(test_change_process_with_copies)
{
	struct vfiosim_iommu_ioas_copy cmd = {
		.size = sizeof(cmd), .flags = FIXED, .dst_ioas_id = ioas, .src_ioas_id = ioas,
		.length = 3 * PAGE, .dst_iova = 0x200000, .src_iova = IOVA,
	};
	struct vfiosim_inproc *child;

	limit(story.proc, 4, 1000);
	device();
	map_file(IOVA, 4 * PAGE, memfd(4), 0);
	ck_assert_int_eq(ask(iommufd, VFIOSIM_IOMMU_IOAS_COPY, &cmd), 0);
	ck_assert_int_eq(vfiosim_inproc_fork(story.proc, &child), 0);
	limit(child, 4, 1001);
	ck_assert_int_eq(change_process(child), 0);
	limit(story.proc, 3, 1000);
	ck_assert_int_eq(change_process(story.proc), -ENOMEM);
	ck_assert_uint_eq(unmap(&story, iommufd, IOVA, 4 * PAGE), 4 * PAGE);
	ck_assert_int_eq(change_process(story.proc), 0);
	ck_assert_uint_eq(pinned_pages(), 3);
	vfiosim_inproc_destroy(child);
}
END_TEST

START_TEST(test_change_process_of_memory)
{
	map_file(IOVA, PAGE, memfd(1), 0);
	map(&story, iommufd, 0x200000, memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE),
	    PAGE);
	ck_assert_int_eq(change_process(story.proc), -EINVAL);
	ck_assert_rule(&story, "not-a-file");
	unmap(&story, iommufd, 0x200000, PAGE);
	ck_assert_int_eq(change_process(story.proc), 0);
}
END_TEST

int main(void)
{
	TCase *files = tcase_create("files"), *accounts = tcase_create("accounts");
	Suite *suite = suite_create("backing");

	tcase_add_checked_fixture(files, begin, end);
	tcase_add_test(files, test_lazy);
	tcase_add_test(files, test_pinnable);
	tcase_add_test(files, test_transfers);
	tcase_add_test(files, test_outlives_its_descriptor);
	tcase_add_test(files, test_copies_and_parts);
	tcase_add_checked_fixture(accounts, begin_q35, end);
	tcase_add_test(accounts, test_limit);
	tcase_add_test(accounts, test_accounts_apart);
	tcase_add_test(accounts, test_change_process);
	tcase_add_test(accounts, test_change_process_with_copies);
	tcase_add_test(accounts, test_change_process_of_memory);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, accounts);
	return suite_run(suite);
}
