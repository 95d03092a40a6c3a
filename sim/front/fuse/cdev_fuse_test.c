/* SPDX-License-Identifier: MIT */
/*
 * /dev/iommu and the cdevs over FUSE, by an ordinary program: names, commands,
 * mapped regions, and what closing one descriptor means to the next command.
 */
#include "front/fuse/fuse_rig_test.h"

#include <dirent.h>
#include <poll.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "base/suite_test.h"

#define CDEVS RIG_DEVICES "/"
#define UNBIND "sys/bus/pci/drivers/vfio-pci/unbind"

static struct rig rig;

static int open_at(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_iommufd(void)
{
	int fd = open_at(RIG_NODES "/dev/iommu");

	ck_assert_int_ge(fd, 0);
	return fd;
}

static int bind_to(int cdev, int iommufd)
{
	struct vfiosim_device_bind_iommufd cmd = { .argsz = 16, .iommufd = iommufd };

	return rig_ioctl(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd);
}

static uint32_t ioas_alloc(int iommufd)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	ck_assert_int_eq(rig_ioctl(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static int ioas_map(int iommufd, uint32_t ioas, uint64_t iova, void *at, uint64_t length)
{
	struct vfiosim_iommu_ioas_map cmd = {
		.size = sizeof(cmd), .flags = 7, .ioas_id = ioas, .user_va = (uintptr_t)at,
		.length = length, .iova = iova,
	};

	return rig_ioctl(iommufd, VFIOSIM_IOMMU_IOAS_MAP, &cmd);
}

static int attach(int cdev, uint32_t pt)
{
	struct vfiosim_device_attach_iommufd_pt cmd = { .argsz = 12, .pt_id = pt };

	return rig_ioctl(cdev, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

START_TEST(names_are_those_of_the_machine)
{
	struct dirent *entry;
	struct stat st;
	unsigned n = 0;
	DIR *folder;

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	folder = opendir(RIG_DEVICES);
	ck_assert(folder != NULL);
	while ((entry = readdir(folder)))
		n += !strncmp(entry->d_name, "vfio", 4);
	closedir(folder);
	ck_assert_uint_eq(n, 10);
	ck_assert_int_eq(stat(CDEVS "vfio9", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_uint_eq(st.st_uid, rig.uid);
	ck_assert_int_eq(open_at(CDEVS "vfio10"), -ENOENT);
	/* What only the server opens. */
	ck_assert_int_eq(open_at(CDEVS "vfio-device-0"), -ENOENT);
	ck_assert_int_eq(chmod(CDEVS "vfio9", 0666), 0);
	ck_assert_int_eq(stat(CDEVS "vfio9", &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	/* A name goes with the driver. */
	ck_assert_int_eq(rig_store(UNBIND, "0000:02:00.0"), 12);
	ck_assert_int_eq(open_at(CDEVS "vfio1"), -ENOENT);
	rig_stop(&rig);
}
END_TEST

START_TEST(a_device_from_bind_to_dma)
{
	struct vfio_region_info region = { .argsz = sizeof(region) };
	int cdev, iommufd;
	uint32_t ioas;
	char *bar, *ram;

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	cdev = open_at(CDEVS "vfio0");
	ck_assert_int_ge(cdev, 0);
	iommufd = open_iommufd();
	ck_assert_int_eq(rig_ioctl(cdev, VFIO_DEVICE_GET_REGION_INFO, &region), -EINVAL);
	ck_assert_int_eq(bind_to(cdev, cdev), -EBADFD);
	ck_assert_int_eq(bind_to(cdev, iommufd), 0);
	ioas = ioas_alloc(iommufd);
	ck_assert_int_eq(attach(cdev, ioas), 0);
	ck_assert_int_eq(rig_ioctl(cdev, VFIO_DEVICE_GET_REGION_INFO, &region), 0);
	bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, cdev,
		   (off_t)region.offset);
	ck_assert_ptr_ne(bar, MAP_FAILED);
	ram = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_int_eq(ioas_map(iommufd, ioas, 0, ram, 65536), 0);
	/* The mapping names the device: iommufd pins memory, not registers. */
	ck_assert_int_eq(ioas_map(iommufd, ioas, 1 << 20, bar, VFIOSIM_PAGE_SIZE), -EFAULT);
	/* It also holds the descriptor. */
	close(cdev);
	cdev = open_at(CDEVS "vfio0");
	ck_assert_int_eq(bind_to(cdev, iommufd), -EINVAL);
	munmap(bar, region.size);
	ck_assert_int_eq(bind_to(cdev, iommufd), 0);
	close(cdev);
	close(iommufd);
	rig_unmount(&rig);
}
END_TEST

/* Each close is on another connection than the command that it decides about. */
START_TEST(closes_count_before_the_next_command)
{
	int cdev, group, iommufd, none;

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	iommufd = open_iommufd();
	none = open(RIG_NODES, O_PATH | O_CLOEXEC);
	for (unsigned i = 0; i < 300; i++) {
		cdev = open_at(CDEVS "vfio0");
		ck_assert_int_ge(cdev, 0);
		ck_assert_int_eq(bind_to(cdev, iommufd), 0);
		ck_assert_int_eq(rig_open("10"), -EBUSY);
		close(cdev);
		group = rig_open("10");
		ck_assert_int_ge(group, 0);
		cdev = open_at(CDEVS "vfio0");
		ck_assert_int_eq(bind_to(cdev, iommufd), -EBUSY);
		close(group);
		/* The group is looked at before the descriptor. */
		ck_assert_int_eq(bind_to(cdev, none), -EBADF);
		ck_assert_int_eq(bind_to(cdev, iommufd), 0);
		close(cdev);
	}
	rig_stop(&rig);
}
END_TEST

struct churn {
	unsigned number;
	int failures;
};

static void *churn(void *arg)
{
	struct churn *churn = arg;
	char path[64];

	snprintf(path, sizeof(path), CDEVS "vfio%u", churn->number);
	for (unsigned i = 0; i < 100; i++) {
		int iommufd = open_at(RIG_NODES "/dev/iommu"), cdev = open_at(path);

		churn->failures += bind_to(cdev, iommufd) != 0;
		churn->failures += attach(cdev, ioas_alloc(iommufd)) != 0;
		close(iommufd);
		close(cdev);
	}
	return NULL;
}

START_TEST(many_at_a_time)
{
	struct churn churns[8] = { 0 };
	pthread_t threads[8];

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	/* M0 and M1, E0 and E1 have one owner at a time: one of each. */
	for (unsigned i = 0; i < 8; i++) {
		static const unsigned numbers[] = { 0, 1, 2, 3, 5, 7, 8, 9 };

		churns[i].number = numbers[i];
		pthread_create(&threads[i], NULL, churn, &churns[i]);
	}
	for (unsigned i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(churns[i].failures, 0);
	}
	rig_stop(&rig);
}
END_TEST

START_TEST(unbind_waits_for_the_last_descriptor)
{
	int cdev, status;
	pid_t writer;

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	cdev = open_at(CDEVS "vfio1");
	ck_assert_int_ge(cdev, 0);
	writer = test_fork();
	if (!writer) {
		close(cdev);
		_exit(rig_store(UNBIND, "0000:02:00.0") == 12 ? 0 : 1);
	}
	while (!access(CDEVS "vfio1", F_OK))
		usleep(1000);
	ck_assert_int_eq(waitpid(writer, &status, WNOHANG), 0);
	close(cdev);
	ck_assert_int_eq(waitpid(writer, &status, 0), writer);
	ck_assert_int_eq(status, 0);
	rig_stop(&rig);
}
END_TEST

static int set_intx(int cdev, uint32_t action, int event)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} cmd = { .set = { .argsz = sizeof(cmd), .flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
			   .count = 1 }, .fd = event };

	return rig_ioctl(cdev, VFIO_DEVICE_SET_IRQS, &cmd);
}

/* As QEMU does under KVM: it closes the eventfd and makes another. */
START_TEST(a_closed_eventfd_unmasks_no_more)
{
	int cdev, trigger, unmask;

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	cdev = open_at(CDEVS "vfio0");
	ck_assert_int_eq(bind_to(cdev, open_iommufd()), 0);
	trigger = eventfd(0, EFD_CLOEXEC);
	unmask = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(set_intx(cdev, VFIO_IRQ_SET_ACTION_TRIGGER, trigger), 0);
	ck_assert_int_eq(set_intx(cdev, VFIO_IRQ_SET_ACTION_UNMASK, unmask), 0);
	ck_assert_int_eq(set_intx(cdev, VFIO_IRQ_SET_ACTION_UNMASK, trigger), -EBUSY);
	close(unmask);
	ck_assert_int_eq(set_intx(cdev, VFIO_IRQ_SET_ACTION_UNMASK, trigger), 0);
	rig_stop(&rig);
}
END_TEST

/* Responses can be written at any time, and no fault comes. */
START_TEST(a_fault_queue_is_polled)
{
	struct vfiosim_iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct pollfd asked = { .events = POLLIN | POLLOUT };

	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	rig_supervised(&rig);
	ck_assert_int_eq(rig_ioctl(open_iommufd(), VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	asked.fd = (int)queue.out_fault_fd;
	ck_assert_int_eq(poll(&asked, 1, 0), 1);
	ck_assert_int_eq(asked.revents, POLLOUT);
	asked.events = POLLIN;
	ck_assert_int_eq(poll(&asked, 1, 0), 0);
	rig_stop(&rig);
}
END_TEST

START_TEST(nothing_is_made_in_it)
{
	if (!rig_start(&rig, (enum rig_user)_i, "q35"))
		return;
	ck_assert_int_eq(mkdir(RIG_NODES "/sys/new", 0755), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mknod(RIG_NODES "/sys/new", S_IFREG | 0644, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(symlink("old", RIG_NODES "/sys/new"), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(rename(RIG_NODES "/dev/iommu", RIG_NODES "/dev/new"), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(open_at(RIG_NODES "/sys"), -EISDIR);
	ck_assert_int_eq(open(RIG_NODES "/sys/new", O_WRONLY | O_CREAT, 0644), -1);
	ck_assert_int_eq(errno, EACCES);
	rig_stop(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cdevs over FUSE");
	TCase *tests = tcase_create("stories");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, names_are_those_of_the_machine, 0, RIG_ALL);
	tcase_add_loop_test(tests, a_device_from_bind_to_dma, 0, RIG_ALL);
	tcase_add_loop_test(tests, closes_count_before_the_next_command, 0, RIG_ALL);
	tcase_add_loop_test(tests, many_at_a_time, 0, RIG_ALL);
	tcase_add_loop_test(tests, unbind_waits_for_the_last_descriptor, 0, RIG_ALL);
	tcase_add_loop_test(tests, a_closed_eventfd_unmasks_no_more, 0, RIG_ALL);
	tcase_add_loop_test(tests, a_fault_queue_is_polled, 0, RIG_ALL);
	tcase_add_loop_test(tests, nothing_is_made_in_it, 0, RIG_ALL);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
