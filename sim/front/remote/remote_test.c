/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: what the machine learns about the memory, the descriptors and
 * the limits of real processes, through FUSE.
 */
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include <vfiosim/engine.h>

#include "front/fuse/fuse_rig_test.h"
#include "base/suite_test.h"

#define PAGE 4096u

static int client_main(int argc, char **argv);

/* ---- Memory ---- */

static int map_once(int container, void *at, size_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
						.flags = flags,
						.vaddr = (uintptr_t)at,
						.iova = 0x100000,
						.size = size };
	int result = rig_ioctl(container, VFIO_IOMMU_MAP_DMA, &map);

	if (!result)
		ck_assert_int_eq(rig_unmap(container, 0x100000, size), 0);
	return result;
}

#define READ_ONLY VFIO_DMA_MAP_FLAG_READ
#define READ_WRITE (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

START_TEST(test_protection)
{
	struct rig rig;
	int container, group;
	char *at;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_attach("2", &container, &group);
	at = rig_memory(8 * PAGE);
	ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_WRITE), 0);
	mprotect(at + PAGE, PAGE, PROT_READ);
	ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_WRITE), -EFAULT);
	ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_ONLY), 0);
	mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
	ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_ONLY), -EFAULT);
	ck_assert_int_eq(map_once(container, at, 2 * PAGE, READ_ONLY), 0);
	munmap(at + 4 * PAGE, PAGE);
	ck_assert_int_eq(map_once(container, at + 3 * PAGE, 2 * PAGE, READ_ONLY), -EFAULT);
	ck_assert_int_eq(map_once(container, at + 5 * PAGE, 3 * PAGE, READ_WRITE), 0);
	ck_assert_int_eq(map_once(container, (void *)0xffff800000000000, PAGE, READ_ONLY), -EFAULT);
	rig_stop(&rig);
}
END_TEST

static int file_of(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	unlink(path);
	return fd;
}

static char *map_file(int fd, size_t size, int flags)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	ck_assert_ptr_ne(at, MAP_FAILED);
	return at;
}

START_TEST(test_files)
{
	char path[SCRATCH_PATH];
	struct rig rig;
	struct statfs fs;
	int container, group, fd;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_attach("2", &container, &group);

	/* Of the kernel's own memory, by a name or without. */
	fd = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, 2 * PAGE), 0);
	ck_assert_int_eq(map_once(container, map_file(fd, 2 * PAGE, MAP_SHARED), 2 * PAGE,
				  READ_WRITE), 0);
	ck_assert_int_eq(map_once(container, map_file(-1, 2 * PAGE, MAP_SHARED | MAP_ANONYMOUS),
				  2 * PAGE, READ_WRITE), 0);
	fd = file_of("/mnt/file", 2 * PAGE);
	ck_assert_int_eq(map_once(container, map_file(fd, 2 * PAGE, MAP_SHARED), 2 * PAGE,
				  READ_WRITE), 0);

	/* Beyond the end of the file there are no pages. */
	ck_assert_int_eq(map_once(container, map_file(fd, 8 * PAGE, MAP_SHARED), 8 * PAGE,
				  READ_ONLY), -EFAULT);
	ck_assert_int_eq(map_once(container, map_file(fd, 8 * PAGE, MAP_PRIVATE), 8 * PAGE,
				  READ_ONLY), -EFAULT);
	ck_assert_int_eq(map_once(container, map_file(fd, 8 * PAGE, MAP_PRIVATE), 2 * PAGE,
				  READ_WRITE), 0);

	/* Of a file system that tracks dirty pages: a copy is fine, the file's pages are not. */
	close(scratch_file(path, "file", ""));
	fd = file_of(path, 2 * PAGE);
	fstatfs(fd, &fs);
	ck_assert_int_eq(map_once(container, map_file(fd, 2 * PAGE, MAP_PRIVATE), 2 * PAGE,
				  READ_WRITE), 0);
	if (fs.f_type == TMPFS_MAGIC) {
		rig_skip("/tmp is in memory: no file system that tracks dirty pages");
	} else {
		ck_assert_int_eq(map_once(container, map_file(fd, 2 * PAGE, MAP_SHARED),
					  2 * PAGE, READ_WRITE), -EFAULT);
		ck_assert_int_eq(map_once(container, map_file(fd, 2 * PAGE, MAP_SHARED),
					  2 * PAGE, READ_ONLY), 0);
	}
	rig_stop(&rig);
}
END_TEST

/* A mapped BAR is told from memory, by device and offset. */
START_TEST(test_regions)
{
	struct vfio_region_info bar0 = { .argsz = sizeof(bar0) };
	struct rig rig;
	int container, group, device, second, second_group;
	char *at;

	if (!rig_start(&rig, _i, "hotadd"))
		return;
	rig_supervised(&rig);
	/* The mdev's BAR 0 cannot be pinned: harmless until a physical device comes. */
	rig_attach("11", &container, &group);
	device = rig_device(group, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar0), 0);
	at = mmap(NULL, bar0.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)bar0.offset);
	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_int_eq(rig_map(container, at, 0, bar0.size), 0);
	second_group = rig_open("10");
	ck_assert_int_eq(rig_ioctl(second_group, VFIO_GROUP_SET_CONTAINER, &container), -EFAULT);
	second = rig_open("vfio");
	ck_assert_int_eq(rig_ioctl(second_group, VFIO_GROUP_SET_CONTAINER, &second), 0);
	ck_assert_int_eq(ioctl(second, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	ck_assert_int_eq(rig_map(second, at, 0, bar0.size), -EFAULT);
	rig_stop(&rig);
}
END_TEST

/* ---- Whose memory ---- */

static unsigned clients_in_state(void)
{
	static char text[1 << 16];
	unsigned n = 0;

	rig_text("ctl/state", text, sizeof(text));
	for (const char *at = strstr(text, "\"clients\""); at && (at = strstr(at, "\"client\""));
	     at++)
		n++;
	return n;
}

struct mapper {
	int container;
	void *at;
	uint64_t iova;
};

static int map_one(void *arg)
{
	struct mapper *mapper = arg;

	return rig_map(mapper->container, mapper->at, mapper->iova, PAGE) ? 1 : 0;
}

static int map_fresh(void *arg)
{
	struct mapper mapper = *(struct mapper *)arg;

	mapper.at = rig_memory(PAGE);
	return map_one(&mapper);
}

static void *map_in_thread(void *arg)
{
	return (void *)(intptr_t)map_one(arg);
}

static int map_in_clone(void *arg)
{
	return map_one(arg);
}

START_TEST(test_fork_exec_threads)
{
	char fd_text[16], at_text[32], stack[16384] __attribute__((aligned(16)));
	struct mapper mapper = { .iova = 0 };
	pthread_t thread;
	struct rig rig;
	int group, status;
	void *result;
	pid_t child;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_attach("2", &mapper.container, &group);
	mapper.at = rig_memory(PAGE);
	ck_assert_int_eq(map_one(&mapper), 0);

	/* A thread has the same memory; so has a process made with CLONE_VM. */
	mapper.iova += PAGE;
	pthread_create(&thread, NULL, map_in_thread, &mapper);
	pthread_join(thread, &result);
	ck_assert_ptr_eq(result, NULL);
	mapper.iova += PAGE;
	if (!THREAD_SANITIZER) {
		child = clone(map_in_clone, stack + sizeof(stack),
			      CLONE_VM | CLONE_FILES | SIGCHLD, &mapper);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		mapper.iova += PAGE;
	}
	ck_assert_int_eq(map_one(&mapper), 0);
	ck_assert_uint_le(clients_in_state(), 1);

	/* A child has a memory of its own; what it mapped outlives it. */
	mapper.iova += PAGE;
	ck_assert_int_eq(rig_child(map_fresh, &mapper), 0);
	ck_assert_int_eq(rig_unmap(mapper.container, mapper.iova, PAGE), 0);

	/* After exec the descriptor works, on the new memory. */
	fcntl(mapper.container, F_SETFD, 0);
	snprintf(fd_text, sizeof(fd_text), "%d", mapper.container);
	snprintf(at_text, sizeof(at_text), "%p", mapper.at);
	child = test_fork();
	if (!child) {
		execl("/proc/self/exe", "client", "--client", fd_text, at_text, NULL);
		_exit(9);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "the client ended with 0x%x",
		      (unsigned)status);
	rig_stop(&rig);
}
END_TEST

/* --client CONTAINER ADDRESS: what test_fork_exec_threads starts. */
static int client_main(int argc, char **argv)
{
	int container = atoi(argv[2]);
	void *gone = (void *)(uintptr_t)strtoull(argv[3], NULL, 16);
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (rig_map(container, gone, 0x200000, PAGE) != -EFAULT)
		return 1;
	if (rig_map(container, at, 0x200000, PAGE))
		return 2;
	return 0;
}

/* ---- Who is not dumpable ---- */

static bool engine_put(int device, off_t at, uint64_t value, size_t size)
{
	return pwrite(device, &value, size, at) == (ssize_t)size;
}

/* Has the engine write @text to @iova. It begins when its doorbell's write was answered. */
static bool engine_write(int device, uint64_t iova, const char *text)
{
	uint32_t status = VFIOSIM_ENGINE_BUSY;
	size_t n = strlen(text);
	bool ok = pwrite(device, text, n, VFIOSIM_ENGINE_WINDOW) == (ssize_t)n &&
		  engine_put(device, VFIOSIM_ENGINE_DESTINATION, iova, 8) &&
		  engine_put(device, VFIOSIM_ENGINE_LENGTH, n, 8) &&
		  engine_put(device, VFIOSIM_ENGINE_COMMAND, VFIOSIM_ENGINE_WRITE, 4);

	while (ok && status == VFIOSIM_ENGINE_BUSY)
		ok = pread(device, &status, sizeof(status), VFIOSIM_ENGINE_STATUS) == sizeof(status);
	return status == VFIOSIM_ENGINE_DONE;
}

/* --not-dumpable: what test_not_dumpable starts. No test runs in it: nothing is asserted. */
static int not_dumpable_main(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	int container, group, device, fd = memfd_create("test", MFD_CLOEXEC);
	char *at = mmap(NULL, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *file = mmap(NULL, 8 * PAGE, rw, MAP_SHARED, fd, 0);

	prctl(PR_SET_DUMPABLE, 0);	/* before the server sees it first */
	container = rig_open("vfio");
	group = rig_open("10");
	if (ftruncate(fd, 2 * PAGE) || rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 1;
	if (rig_map(container, at, 0, PAGE) || rig_map(container, file, PAGE, 2 * PAGE))
		return 2;
	if (rig_map(container, file + 2 * PAGE, 8 * PAGE, PAGE) != -EFAULT)
		return 3;
	device = rig_device(group, "0000:01:00.0");
	if (device < 0)
		return 4;
	if (!engine_write(device, 8, "by DMA"))
		return 5;
	return strcmp(at + 8, "by DMA") ? 6 : 0;
}

static int become_not_dumpable(void *arg)
{
	rig_supervised(arg);
	execl("/proc/self/exe", "client", "--not-dumpable", NULL);
	return 9;
}

/*
 * Its memory is not an ordinary user's to open, but to reach, if the program was begun
 * inside the run.
 */
START_TEST(test_not_dumpable)
{
	struct rig rig;

	if (!rig_start(&rig, _i, "engine"))
		return;
	ck_assert_int_eq(rig_child(become_not_dumpable, &rig), 0);
	rig_stop(&rig);
}
END_TEST

/* ---- Descriptors ---- */

struct unshared {
	int group, result;
};

static void *unshared_files(void *arg)
{
	struct unshared *unshared = arg;
	int container;

	if (unshare(CLONE_FILES))
		return NULL;
	dup2(rig_open("vfio"), 400);	/* another file than the first thread has there */
	container = 400;
	unshared->result = rig_ioctl(unshared->group, VFIO_GROUP_SET_CONTAINER, &container);
	return NULL;
}

/* Linux 6.9 lets a thread's own descriptors be had; before, such a one is bad. */
static int unshared_is_reached(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), O_EXCL);

	if (pidfd < 0)
		return -EBADF;
	close(pidfd);
	return 0;
}

START_TEST(test_descriptors)
{
	struct rig rig;
	int container, group, other, fd;
	struct unshared unshared;
	pthread_t thread;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	container = rig_open("vfio");
	group = rig_open("2");
	other = open(RIG_VFIO "vfio", O_PATH | O_CLOEXEC);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &other), -EBADF);
	fd = -1;
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &fd), -EBADF);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &rig.socket), -EBADFD);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &group), -EBADFD);
	fd = open(RIG_NODES "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", O_RDONLY);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &fd), -EBADFD);
	fd = dup(container);
	close(container);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &fd), 0);
	ck_assert_int_eq(ioctl(group, VFIO_GROUP_UNSET_CONTAINER), 0);
	dup2(rig.socket, 400);
	unshared = (struct unshared){ .group = group, .result = -EIO };
	pthread_create(&thread, NULL, unshared_files, &unshared);
	pthread_join(thread, NULL);
	ck_assert_int_eq(unshared.result, unshared_is_reached());
	rig_stop(&rig);
}
END_TEST

static int set_irqs(int device, uint32_t flags, int32_t fd)
{
	uint32_t bytes[6] = { 0 };
	struct vfio_irq_set *set = (void *)bytes;

	*set = (struct vfio_irq_set){ .argsz = sizeof(*set),
				      .flags = flags,
				      .index = VFIO_PCI_MSI_IRQ_INDEX,
				      .count = 1 };
	if (flags & VFIO_IRQ_SET_DATA_EVENTFD)
		set->argsz += sizeof(fd);
	memcpy(set->data, &fd, sizeof(fd));
	return rig_ioctl(device, VFIO_DEVICE_SET_IRQS, set);
}

START_TEST(test_eventfds)
{
	const uint32_t arm = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	const uint32_t fire = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	struct rig rig;
	int container, group, device, event = eventfd(0, EFD_CLOEXEC);
	uint64_t count = 0;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_supervised(&rig);
	rig_attach("2", &container, &group);
	device = rig_device(group, "0000:01:00.0");
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(set_irqs(device, arm, 9999), -EBADF);
	ck_assert_int_eq(set_irqs(device, arm, rig.socket), -EINVAL);
	ck_assert_int_eq(set_irqs(device, arm, event), 0);
	ck_assert_int_eq(set_irqs(device, fire, 0), 0);
	ck_assert_int_eq(set_irqs(device, fire, 0), 0);
	ck_assert_int_eq(read(event, &count, sizeof(count)), sizeof(count));
	ck_assert_uint_eq(count, 2);
	/* A full counter neither blocks nor fails: the kernel itself goes to the very end. */
	count = UINT64_MAX - 1;
	ck_assert_int_eq(write(event, &count, sizeof(count)), sizeof(count));
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(set_irqs(device, fire, 0), 0);
	ck_assert_int_eq(read(event, &count, sizeof(count)), sizeof(count));
	ck_assert_msg(count >= UINT64_MAX - 1, "%lx", (unsigned long)count);
	ck_assert_int_eq(fcntl(event, F_GETFL) & O_NONBLOCK, 0);
	rig_stop(&rig);
}
END_TEST

/* ---- Limits ---- */

/* Root is not limited, an ordinary user is, also with all rights in a namespace of its own. */
START_TEST(test_memlock)
{
	struct rlimit limit = { 4 * PAGE, 4 * PAGE };
	struct rig rig;
	int container, group;
	char *at;

	if (!rig_start(&rig, _i, "q35"))
		return;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	rig_attach("10", &container, &group);
	at = rig_memory(8 * PAGE);
	ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_WRITE),
			 _i == RIG_ROOT ? 0 : -ENOMEM);
	ck_assert_int_eq(map_once(container, at, 4 * PAGE, READ_WRITE), 0);
	if (_i == RIG_ROOT && !unshare(CLONE_NEWUSER)) {
		usleep(20000);	/* such a change may be noticed late */
		ck_assert_int_eq(map_once(container, at, 8 * PAGE, READ_WRITE), -ENOMEM);
	}
	rig_stop(&rig);
}
END_TEST

/* Maps as a process of its own, and stays: its limit counts when another pins. */
static pid_t mapper_start(int container, void *at, size_t size)
{
	int ends[2];
	pid_t child;
	char result;

	ck_assert_int_eq(pipe(ends), 0);
	child = test_fork();
	if (!child) {
		result = (char)-rig_map(container, at, 0x100000, size);
		if (write(ends[1], &result, 1) == 1)
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ends[0], &result, 1), 1);
	ck_assert_int_eq(result, 0);
	close(ends[0]);
	close(ends[1]);
	return child;
}

START_TEST(test_memlock_of_another)
{
	struct rlimit limit = { 8 * PAGE, 8 * PAGE };
	int container, mdev, group;
	struct rig rig;
	pid_t child;
	char *at;

	if (!rig_start(&rig, RIG_ORDINARY, "q35"))
		return;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	rig_attach("15", &container, &mdev);
	group = rig_open("10");
	at = rig_memory(4 * PAGE);
	child = mapper_start(container, at, 4 * PAGE);
	limit.rlim_cur = 3 * PAGE;
	ck_assert_int_eq(prlimit(child, RLIMIT_MEMLOCK, &limit, NULL), 0);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), -ENOMEM);
	limit.rlim_cur = 4 * PAGE;
	ck_assert_int_eq(prlimit(child, RLIMIT_MEMLOCK, &limit, NULL), 0);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	rig_stop(&rig);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("remote");
	TCase *tests = tcase_create("remote");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_protection, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_files, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_regions, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_fork_exec_threads, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_not_dumpable, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_descriptors, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_eventfds, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_memlock, 0, RIG_USERS);
	tcase_add_test(tests, test_memlock_of_another);
	suite_add_tcase(all, tests);
	return all;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--client"))
		return client_main(argc, argv);
	if (argc == 2 && !strcmp(argv[1], "--not-dumpable"))
		return not_dumpable_main();
	return suite_run(suite());
}
