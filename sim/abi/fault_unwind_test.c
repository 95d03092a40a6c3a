/* SPDX-License-Identifier: MIT */
/*
 * Every step that can fail inside of commands fails once, in turn, with every errno it
 * can give: the command then answers that errno and changes nothing, everything can be
 * closed, and the same program works on the same machine the second time.
 */
#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/fault.h>
#include <vfiosim/state.h>

#include "machine/story_test.h"
#include "base/suite_test.h"

#define VECTORS 4

/* A program, and how far it came. Each call is skipped once one has failed. */
struct program {
	struct story story;
	long error;			/* of the first call that failed; 0: none has */
	uint32_t cmd;			/* what that was; 0: an open */
	char *before;			/* the machine's state before that call */
	int fds[8];
	unsigned n_fds;
	uint64_t uva;
};

/* From the containers on: how often something was done, and was met by faults, stands before. */
static char *state_of(struct story *story)
{
	char *text, *from;

	ck_assert_int_eq(vfiosim_state_json(story->sim, &text), 0);
	from = strstr(text, "\"containers\": [");
	ck_assert_ptr_nonnull(from);
	memmove(text, from, strlen(from) + 1);
	return text;
}

static long settle(struct program *program, long answer)
{
	if (answer < 0)
		program->error = answer;
	else
		free(program->before);
	if (answer >= 0)
		program->before = NULL;
	return answer;
}

static bool begin_call(struct program *program, uint32_t cmd)
{
	if (program->error)
		return false;
	program->cmd = cmd;
	program->before = state_of(&program->story);
	return true;
}

static int keep(struct program *program, long fd)
{
	if (fd >= 0)
		program->fds[program->n_fds++] = (int)fd;
	return (int)fd;
}

static int p_open(struct program *program, const char *path)
{
	if (!begin_call(program, 0))
		return -1;
	return keep(program, settle(program, vfiosim_inproc_open(program->story.proc, path)));
}

static long p_ioctl(struct program *program, int fd, uint32_t cmd, void *data, size_t size)
{
	if (!begin_call(program, cmd))
		return -1;
	return settle(program, command_struct(&program->story, fd, cmd, data, size));
}

static long p_value(struct program *program, int fd, uint32_t cmd, uint64_t value)
{
	if (!begin_call(program, cmd))
		return -1;
	return settle(program, command(&program->story, fd, cmd, value));
}

/* ---- Programs ---- */

static void legacy_map(struct program *program, int container, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = MAP_RW,
						.vaddr = program->uva, .iova = iova,
						.size = 4 * PAGE };

	p_ioctl(program, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
}

static int legacy_join(struct program *program, int container, const char *group_node)
{
	int group = p_open(program, group_node);

	p_ioctl(program, group, VFIO_GROUP_SET_CONTAINER, &container, sizeof(container));
	return group;
}

static void arm_vectors(struct program *program, int device)
{
	struct {
		struct vfio_irq_set set;
		int32_t fds[VECTORS];
	} irqs = { { .argsz = sizeof(irqs),
		     .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		     .index = VFIO_PCI_MSIX_IRQ_INDEX, .count = VECTORS },
		   { -1, -1, -1, -1 } };

	p_ioctl(program, device, VFIO_DEVICE_SET_IRQS, &irqs, sizeof(irqs));
}

/* An mdev's container with mappings, which a physical device then joins. */
static void legacy_program(struct program *program)
{
	char mdev[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", nic[] = "0000:01:00.0";
	int container = p_open(program, "/dev/vfio/vfio"), group, device;

	group = legacy_join(program, container, "/dev/vfio/11");
	p_value(program, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	legacy_map(program, container, 0);
	keep(program, p_ioctl(program, group, VFIO_GROUP_GET_DEVICE_FD, mdev, sizeof(mdev)));
	group = legacy_join(program, container, "/dev/vfio/10");
	legacy_map(program, container, 0x100000);
	device = keep(program, p_ioctl(program, group, VFIO_GROUP_GET_DEVICE_FD, nic, sizeof(nic)));
	arm_vectors(program, device);
}

static void ioas_map(struct program *program, int iommufd, uint32_t ioas, uint64_t iova)
{
	struct vfiosim_iommu_ioas_map map = {
		.size = sizeof(map), .flags = VFIOSIM_IOAS_MAP_FIXED_IOVA |
					      VFIOSIM_IOAS_MAP_READABLE |
					      VFIOSIM_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas, .user_va = program->uva, .length = 4 * PAGE, .iova = iova
	};

	p_ioctl(program, iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map, sizeof(map));
}

static void ioas_copy(struct program *program, int iommufd, uint32_t from, uint32_t to)
{
	struct vfiosim_iommu_ioas_copy copy = {
		.size = sizeof(copy), .flags = VFIOSIM_IOAS_MAP_FIXED_IOVA |
					       VFIOSIM_IOAS_MAP_READABLE,
		.dst_ioas_id = to, .src_ioas_id = from, .length = 2 * PAGE, .dst_iova = 0x300000
	};

	p_ioctl(program, iommufd, VFIOSIM_IOMMU_IOAS_COPY, &copy, sizeof(copy));
}

static uint32_t new_ioas(struct program *program, int iommufd)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	p_ioctl(program, iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc, sizeof(alloc));
	return alloc.out_ioas_id;
}

static uint32_t bound(struct program *program, int iommufd, const char *node, int *ret_device)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };

	*ret_device = p_open(program, node);
	p_ioctl(program, *ret_device, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, sizeof(bind));
	return bind.out_devid;
}

static void attach(struct program *program, int device, uint32_t pt)
{
	struct vfiosim_device_attach_iommufd_pt attach = { .argsz = sizeof(attach), .pt_id = pt };

	p_ioctl(program, device, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &attach, sizeof(attach));
}

static uint32_t new_hwpt(struct program *program, int iommufd, uint32_t device, uint32_t ioas)
{
	struct vfiosim_iommu_hwpt_alloc alloc = { .size = sizeof(alloc), .dev_id = device,
						  .pt_id = ioas };

	p_ioctl(program, iommufd, VFIOSIM_IOMMU_HWPT_ALLOC, &alloc, sizeof(alloc));
	return alloc.out_hwpt_id;
}

/* Attached, moved to a page table of its own, and to another ioas; an mdev in the first. */
static void iommufd_program(struct program *program)
{
	int iommufd = p_open(program, "/dev/iommu"), nic, mdev;
	uint32_t id = bound(program, iommufd, "/dev/vfio/devices/vfio0", &nic);
	uint32_t ioas = new_ioas(program, iommufd), other;

	ioas_map(program, iommufd, ioas, 0);
	attach(program, nic, ioas);
	attach(program, nic, new_hwpt(program, iommufd, id, ioas));
	ioas_map(program, iommufd, ioas, 0x100000);
	other = new_ioas(program, iommufd);
	ioas_copy(program, iommufd, ioas, other);
	attach(program, nic, other);
	bound(program, iommufd, "/dev/vfio/devices/vfio1", &mdev);
	attach(program, mdev, ioas);
	arm_vectors(program, nic);
}

static void (*const programs[])(struct program *) = { legacy_program, iommufd_program };

/* ---- Each step ---- */

static void run_program(struct program *program, size_t which)
{
	program->error = 0;
	program->n_fds = 0;
	programs[which](program);
}

static void close_all(struct program *program)
{
	while (program->n_fds)
		vfiosim_inproc_close(program->story.proc, program->fds[--program->n_fds]);
}

/* Does Linux leave the machine as it was, when @site fails? */
static bool is_undone(const struct program *program, enum vfiosim_fault_site site)
{
	return site != VFIOSIM_FAULT_COPY_OUT ||
	       vfiosim_command_undone(program->cmd, strstr(program->before, "\"attached\": true"));
}

static void expect_nothing_changed(struct program *program, size_t which, uint64_t n)
{
	char *after = state_of(&program->story);
	size_t same = 0;

	while (after[same] && after[same] == program->before[same])
		same++;
	ck_assert_msg(!strcmp(program->before, after),
		      "program %zu, time %zu, %ld: was %.200s\nis now %.200s", which, (size_t)n,
		      program->error, program->before + same, after + same);
	free(after);
}

static void begin_program(struct program *program)
{
	*program = (struct program){ 0 };
	story_begin(&program->story, "hotadd");
	program->uva = memory(&program->story, 4, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
}

static void expect_works(struct program *program, size_t which)
{
	run_program(program, which);
	ck_assert_msg(!program->error, "program %zu: %ld [%s]", which, program->error,
		      program->story.rule ? program->story.rule->id : "");
	close_all(program);
}

/* Time @n of @site fails with @error; false: there is no such time. */
static bool fail_once(size_t which, enum vfiosim_fault_site site, uint64_t n, int error)
{
	struct vfiosim_fault fault = { .site = site, .when = { n, n, 0 }, .error = error };
	struct vfiosim_fault_count count;
	struct program program;
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	uint32_t id;

	begin_program(&program);
	ck_assert_msg(!vfiosim_fault_add(program.story.sim, &fault, &id, problem, sizeof(problem)),
		      "%s", problem);
	run_program(&program, which);
	ck_assert_int_eq(vfiosim_fault_count(program.story.sim, id, &count), 0);
	ck_assert_uint_eq(count.fired, count.met >= n);
	ck_assert_int_eq(program.error, count.fired ? -error : 0);
	if (count.fired) {
		ck_assert_rule(&program.story, "injected");
		if (is_undone(&program, site))
			expect_nothing_changed(&program, which, n);
		free(program.before);
	}
	close_all(&program);
	if (count.fired)
		expect_works(&program, which);
	story_end(&program.story);
	return count.fired;
}

START_TEST(each_step_that_fails_changes_nothing)
{
	enum vfiosim_fault_site site = (enum vfiosim_fault_site)_i;
	unsigned n_points = 0;

	for (size_t which = 0; which < sizeof(programs) / sizeof(programs[0]); which++)
		for (const int *error = vfiosim_fault_site(site)->errors; *error; error++)
			for (uint64_t n = 1; fail_once(which, site, n, *error); n++)
				n_points++;
	ck_assert_msg(n_points, "%s is met nowhere", vfiosim_fault_site(site)->name);
}
END_TEST

START_TEST(the_programs_work)
{
	struct program program;

	begin_program(&program);
	expect_works(&program, (size_t)_i);
	story_end(&program.story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_unwind");
	TCase *tests = tcase_create("steps");

	tcase_add_loop_test(tests, the_programs_work, 0, sizeof(programs) / sizeof(programs[0]));
	tcase_add_loop_test(tests, each_step_that_fails_changes_nothing, VFIOSIM_FAULT_OPEN,
			    VFIOSIM_FAULT_SITES);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
