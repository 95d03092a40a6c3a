/* SPDX-License-Identifier: MIT */
/*
 * The FUSE front, tried by real clients: order of open and close, descriptors that
 * commands return, regions, blocked callers, processes that fork, exec and die.
 * Each test runs as root and as an ordinary user where the machine allows it.
 */
#include "base/suite_test.h"
#include "front/fuse/fuse_rig_test.h"

#define A_ADDRESS "0000:01:00.0"	/* q35: group 10, BAR 0 of 128K */

START_TEST(test_commands)
{
	struct rig rig;
	int container, group;
	char *memory;

	if (!rig_start(&rig, _i, "q35"))
		return;
	container = rig_open("vfio");
	ck_assert_int_ge(container, 0);
	ck_assert_int_eq(ioctl(container, VFIO_GET_API_VERSION), 0);
	ck_assert_int_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
	close(container);
	rig_attach("10", &container, &group);
	memory = rig_memory(1 << 20);
	ck_assert_int_eq(rig_map(container, memory, 0, 1 << 20), 0);
	ck_assert_int_eq(rig_map(container, memory, 4096, 4096), -EEXIST);
	ck_assert_int_eq(rig_map(container, (void *)8, 1 << 20, 4096), -EINVAL);
	ck_assert_int_eq(rig_map(container, (void *)4096, 1 << 20, 4096), -EFAULT);
	ck_assert_int_eq(rig_ioctl(container, VFIO_IOMMU_MAP_DMA, (void *)8), -EFAULT);
	ck_assert_int_eq(rig_unmap(container, 0, 1 << 20), 0);
	ck_assert_int_eq(rig_ioctl(container, _IO(';', 250), NULL), -ENOTTY);
	ck_assert_int_eq(pread(container, memory, 16, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	close(group);
	close(container);
	rig_unmount(&rig);
}
END_TEST

/* RELEASE is asynchronous; nobody may notice. */
START_TEST(test_reopen)
{
	struct rig rig;
	int container, group, device, again;

	if (!rig_start(&rig, _i, "q35"))
		return;
	for (int i = 0; i < 1000; i++) {
		group = rig_open("10");
		ck_assert_msg(group >= 0, "round %d: %s", i, strerror(-group));
		if (i % 100 == 0) {
			again = rig_open("10");
			ck_assert_int_eq(again, -EBUSY);
		}
		close(group);
	}
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	for (int i = 0; i < 500; i++) {
		device = rig_device(group, A_ADDRESS);
		ck_assert_int_ge(device, 0);
		if (i % 50 == 0)
			ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL),
					 -EBUSY);
		close(device);
		ck_assert_msg(!ioctl(group, VFIO_GROUP_UNSET_CONTAINER), "round %d: %s", i,
			      strerror(errno));
		ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container), 0);
		ck_assert_int_eq(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	}
	close(group);
	close(container);
	rig_stop(&rig);
}
END_TEST

static int many_files(void *arg)
{
	int group = rig_open("10");

	for (int i = 0; i < 300; i++) {
		if (rig_open("vfio") < 0)
			return 1;
	}
	return group < 0;
}

/* A process' files are closed at its exit, all at once: the kernel queues 301 RELEASEs. */
START_TEST(test_exit_with_many_files)
{
	struct rig rig;
	int group;

	if (!rig_start(&rig, _i, "q35"))
		return;
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(rig_child(many_files, NULL), 0);
		group = rig_open("10");
		ck_assert_int_ge(group, 0);
		close(group);
	}
	rig_stop(&rig);
}
END_TEST

/* ---- Descriptors that commands return ---- */

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
	alarms++;
}

START_TEST(test_device_descriptor)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct itimerval every = { { 0, 100 }, { 0, 100 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = count_alarm };
	struct rig rig;
	int container, group, device;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	ck_assert_int_eq(rig_device(group, "0000:ff:00.0"), -ENODEV);
	ck_assert_int_eq(rig_device(group, NULL), -EFAULT);
	ck_assert_int_eq(rig_device(container, A_ADDRESS), -ENOTTY);
	ck_assert_int_eq(rig_device(999, A_ADDRESS), -EBADF);
	ck_assert_int_eq(rig_device(rig.socket, A_ADDRESS), -ENOTTY);
	device = rig_device(group, A_ADDRESS);
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(fcntl(device, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_INFO, &info), 0);
	ck_assert_uint_ge(info.num_regions, 8);
	close(device);

	/* Signals neither disturb it nor leave descriptors behind. */
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 300; i++) {
		int again = rig_device(group, A_ADDRESS);

		if (again == -EINTR)
			continue;	/* before it was received */
		ck_assert_int_eq(again, device);
		close(again);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_gt(alarms, 0);
	ck_assert_int_eq(rig_open("vfio"), device);
	rig_stop(&rig);
}
END_TEST

/* KVM is not asked about our files, and is about all others. */
START_TEST(test_kvm_is_not_asked)
{
	struct {
		uint32_t flags, group;
		uint64_t attr, addr;
	} attr = { .group = 1, .attr = 1 };
	struct rig rig;
	int container, group, named;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	attr.addr = (uintptr_t)&named;
	named = group;
	ck_assert_int_eq(rig_ioctl(rig.socket, 0x4018aee1, &attr), 0);
	named = container;
	ck_assert_int_eq(rig_ioctl(rig.socket, 0x4018aee1, &attr), -ENOTTY);
	named = rig.socket;
	ck_assert_int_eq(rig_ioctl(rig.socket, 0x4018aee1, &attr), -ENOTTY);
	close(group);
	close(container);
	rig_stop(&rig);
}
END_TEST

/* ---- Regions ---- */

/* Reading a register of a serial port changes it: no other may be read along with one. */
START_TEST(test_ports)
{
	struct vfio_region_info bar = { .argsz = sizeof(bar) };
	const uint8_t divisor = 0x83, data = 3, fifo = 7;
	int container, group, device;
	uint8_t low, status;
	struct rig rig;
	off_t at;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("15", &container, &group);
	device = rig_device(group, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar), 0);
	at = (off_t)bar.offset;
	ck_assert_int_eq(pwrite(device, &divisor, 1, at + 3), 1);
	ck_assert_int_eq(pread(device, &low, 1, at), 1);
	ck_assert_int_eq(pwrite(device, &data, 1, at + 3), 1);
	ck_assert_int_eq(pwrite(device, &fifo, 1, at + 2), 1);
	ck_assert_int_eq(pread(device, &status, 1, at + 6), 1);
	ck_assert_uint_eq(status, 0xb3);	/* present, and clear to send: both new */
	rig_stop(&rig);
}
END_TEST

/* A register takes another value than was written: a cache would not know. */
START_TEST(test_registers)
{
	struct vfio_region_info config = { .argsz = sizeof(config),
					   .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint32_t value = UINT32_MAX, bar;
	off_t at;
	struct rig rig;
	int container, group, device;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	device = rig_device(group, A_ADDRESS);
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config), 0);
	at = (off_t)config.offset;
	ck_assert_int_eq(pread(device, &bar, 4, at + 16), 4);
	ck_assert_int_eq(pwrite(device, &value, 4, at + 16), 4);
	ck_assert_int_eq(pread(device, &value, 4, at + 16), 4);
	ck_assert_uint_eq(value, 0xfffe0000);
	ck_assert_int_eq(pwrite(device, &bar, 4, at + 16), 4);
	ck_assert_int_eq(pread(device, &value, 4, (off_t)200 << 40), -1);
	ck_assert_int_eq(errno, EINVAL);
	rig_stop(&rig);
}
END_TEST

/*
 * Asked for huge pages, the kernel reads far beyond what the client touches, and
 * beyond the region: refused, but not to the client.
 */
START_TEST(test_reading_ahead_is_nobodys_refusal)
{
	struct vfio_region_info region = { .argsz = sizeof(region),
					   .index = VFIO_PCI_BAR0_REGION_INDEX };
	struct rig rig;
	int container, group, device;
	char last[1024];
	uint32_t *bar;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_supervised(&rig);
	rig_attach("2", &container, &group);
	device = rig_device(group, "0000:01:00.0");
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region), 0);
	bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   (off_t)region.offset);
	ck_assert_ptr_ne(bar, MAP_FAILED);
	ck_assert_str_eq(rig_text("ctl/last", last, sizeof(last)), "null\n");
	madvise(bar, region.size, MADV_HUGEPAGE);
	ck_assert_uint_eq(bar[region.size / 4 - 1], 0);
	ck_assert_str_eq(rig_text("ctl/last", last, sizeof(last)), "null\n");
	/* What it asks for itself is. */
	ck_assert_int_eq(pread(device, last, 4, (off_t)(region.offset + region.size)), -1);
	ck_assert_ptr_nonnull(strstr(rig_text("ctl/last", last, sizeof(last)), "region-end"));
	munmap(bar, region.size);
	close(device);
	rig_stop(&rig);
}
END_TEST

START_TEST(test_region_mapping)
{
	struct vfio_region_info region = { .argsz = sizeof(region),
					   .index = VFIO_PCI_BAR0_REGION_INDEX };
	struct rig rig;
	int container, group, device;
	uint32_t *bar, value = 0;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_supervised(&rig);
	rig_attach("2", &container, &group);
	device = rig_device(group, "0000:01:00.0");
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(rig_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region), 0);
	bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		   (off_t)region.offset);
	ck_assert_ptr_ne(bar, MAP_FAILED);
	bar[256] = 0x12345678;
	ck_assert_int_eq(pread(device, &value, 4, (off_t)region.offset + 1024), 4);
	ck_assert_uint_eq(value, 0x12345678);
	/* A structure that lies in the region: reading it asks the server itself. */
	memset(bar, 0, 4096);
	ck_assert_int_eq(msync(bar, 4096, MS_SYNC), 0);
	ck_assert_int_eq(rig_ioctl(container, VFIO_IOMMU_MAP_DMA, bar + 1024), -EINVAL);
	/* The mapping keeps the device open after the descriptor is gone. */
	close(device);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL), -EBUSY);
	munmap(bar, region.size);
	ck_assert_int_eq(rig_ioctl(group, VFIO_GROUP_UNSET_CONTAINER, NULL), 0);
	rig_stop(&rig);
}
END_TEST

struct churn {
	int container;
	uint32_t *bar;
	size_t size;
	int device;
	off_t offset;
	atomic_bool done;
};

/* munmap() of a page that was written holds the process' mmap lock until the server answers. */
static void *churn_region(void *arg)
{
	struct churn *churn = arg;

	while (!churn->done) {
		uint32_t *bar = mmap(NULL, churn->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				     churn->device, churn->offset);

		if (bar == MAP_FAILED)
			return churn;
		bar[1] = 1;
		munmap(bar, churn->size);
	}
	return NULL;
}

/* Mappings of memory ask for the same lock, from within the server. */
START_TEST(test_no_deadlock_with_writeback)
{
	struct churn churn = { .done = false };
	struct vfio_region_info region = { .argsz = sizeof(region) };
	pthread_t threads[2];
	struct rig rig;
	int group;
	void *result, *memory;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_supervised(&rig);
	rig_attach("2", &churn.container, &group);
	churn.device = rig_device(group, "0000:01:00.0");
	ck_assert_int_eq(rig_ioctl(churn.device, VFIO_DEVICE_GET_REGION_INFO, &region), 0);
	churn.size = region.size;
	churn.offset = (off_t)region.offset;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, churn_region, &churn);
	memory = rig_memory(1 << 20);
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(rig_map(churn.container, memory, 0, 1 << 20), 0);
		ck_assert_int_eq(rig_unmap(churn.container, 0, 1 << 20), 0);
	}
	churn.done = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		ck_assert_ptr_eq(result, NULL);
	}
	close(churn.device);
	close(group);
	close(churn.container);
	rig_stop(&rig);
}
END_TEST

/* ---- Many callers ---- */

#define CALLERS 40

static void *call_set_container(void *arg)
{
	int group = *(int *)arg, container = rig_open("vfio"), closed = 9999;
	intptr_t bad = container < 0;

	for (int i = 0; i < 20; i++) {
		int result = rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);

		bad |= result && result != -EINVAL;
		bad |= rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &closed) != -EBADF;
	}
	close(container);
	return (void *)bad;
}

/* Each of them makes the server ask itself which file a descriptor is. */
START_TEST(test_forty_callers)
{
	struct rig rig;
	pthread_t threads[CALLERS];
	void *bad;
	int group;

	if (!rig_start(&rig, _i, "q35"))
		return;
	group = rig_open("10");
	ck_assert_int_ge(group, 0);
	for (int i = 0; i < CALLERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, call_set_container, &group), 0);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(threads[i], &bad);
		ck_assert_ptr_eq(bad, NULL);
	}
	close(group);
	rig_stop(&rig);
}
END_TEST

/* ---- Stores that wait ---- */

static void *unbind_a(void *arg)
{
	return (void *)(intptr_t)rig_store("sys/bus/pci/drivers/vfio-pci/unbind", A_ADDRESS);
}

START_TEST(test_unbind_waits)
{
	struct sigaction action = { .sa_handler = count_alarm };
	struct rig rig;
	int container, group, device;
	pthread_t thread;
	void *result;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	device = rig_device(group, A_ADDRESS);
	ck_assert_int_ge(device, 0);
	sigaction(SIGUSR1, &action, NULL);

	/* A signal ends the wait. */
	pthread_create(&thread, NULL, unbind_a, NULL);
	usleep(100000);
	ck_assert_int_eq(pthread_tryjoin_np(thread, &result), EBUSY);
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, &result);
	ck_assert_int_eq((int)(intptr_t)result, -EINTR);

	/* So does the last close. */
	pthread_create(&thread, NULL, unbind_a, NULL);
	usleep(100000);
	ck_assert_int_eq(pthread_tryjoin_np(thread, &result), EBUSY);
	close(device);
	pthread_join(thread, &result);
	ck_assert_int_eq((int)(intptr_t)result, (int)strlen(A_ADDRESS));
	close(group);
	close(container);
	rig_stop(&rig);
}
END_TEST

/* ---- Faults ---- */

static volatile sig_atomic_t n_usr1;

static void count_usr1(int signal)
{
	(void)signal;
	n_usr1++;
}

/* An hour's delay: a signal ends it, and the command is done. Else this never ends. */
START_TEST(test_delayed_answers)
{
	static const char *const faults[] = { "SET_CONTAINER,delay=3600s",
					      NULL };
	const struct sigaction action = { .sa_handler = count_alarm };
	int container, group, error;
	struct rig rig;

	rig_faults = faults;
	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	sigaction(SIGALRM, &action, NULL);
	container = rig_open("vfio");
	group = rig_open("10");
	alarm(1);
	error = rig_ioctl(group, VFIO_GROUP_SET_CONTAINER, &container);
	ck_assert_int_eq(alarm(0), 0);	/* it came */
	ck_assert(!error || error == -EINTR);
	ck_assert_int_eq(ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	rig_stop(&rig);
}
END_TEST

/* A refusal in place of a new descriptor comes late as well. */
START_TEST(test_delayed_refusals)
{
	static const char *const faults[] = { "GET_DEVICE_FD,delay=120ms", NULL };
	struct timespec before, after;
	int container, group;
	struct rig rig;

	rig_faults = faults;
	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	clock_gettime(CLOCK_MONOTONIC, &before);
	ck_assert_int_eq(rig_device(group, "no such device"), -ENODEV);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000 +
				 (after.tv_nsec - before.tv_nsec) / 1000000,
			 119);
	rig_stop(&rig);
}
END_TEST

/* Before the call returns. */
START_TEST(test_faults_send_signals)
{
	static const char *const faults[] = {
		"GET_API_VERSION,when=2,signal=SIGUSR1", "open,comm=somebody-else,error=EPERM",
		"CHECK_EXTENSION,comm=vfiosim-named,return=0", NULL };
	const struct sigaction action = { .sa_handler = count_usr1 };
	struct rig rig;
	int container;

	rig_faults = faults;
	if (!rig_start(&rig, _i, "q35"))
		return;
	sigaction(SIGUSR1, &action, NULL);
	container = rig_open("vfio");
	ck_assert_int_ge(container, 0);
	ck_assert_int_eq(ioctl(container, VFIO_GET_API_VERSION), 0);
	ck_assert_int_eq(n_usr1, 0);
	ck_assert_int_eq(ioctl(container, VFIO_GET_API_VERSION), 0);
	ck_assert_int_eq(n_usr1, 1);
	ck_assert_int_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
	prctl(PR_SET_NAME, "vfiosim-named");
	ck_assert_int_eq(ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 0);
	rig_stop(&rig);
}
END_TEST

/* ---- Deaths ---- */

static int hold_group(void *arg)
{
	int container, group;

	rig_attach("10", &container, &group);
	rig_map(container, rig_memory(4096), 0, 4096);
	kill(getpid(), SIGKILL);
	return 0;
}

static int wait_in_unbind(void *arg)
{
	signal(SIGALRM, SIG_DFL);	/* Check has a handler */
	alarm(1);
	rig_store("sys/bus/pci/drivers/vfio-pci/unbind", A_ADDRESS);
	return 0;
}

START_TEST(test_killed_clients)
{
	struct rig rig;
	int container, group, device;

	if (!rig_start(&rig, _i, "q35"))
		return;
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(rig_child(hold_group, NULL), 128 + SIGKILL);
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	device = rig_device(group, A_ADDRESS);
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(rig_child(wait_in_unbind, NULL), 128 + SIGALRM);
	close(device);
	close(group);
	close(container);
	rig_stop(&rig);
}
END_TEST

START_TEST(test_killed_server)
{
	struct rig rig;
	int container, group, device, status;
	pthread_t thread;
	void *result;

	if (!rig_start(&rig, _i, "q35"))
		return;
	rig_supervised(&rig);
	rig_attach("10", &container, &group);
	device = rig_device(group, A_ADDRESS);
	ck_assert_int_ge(device, 0);
	pthread_create(&thread, NULL, unbind_a, NULL);
	usleep(50000);
	kill(rig.server, SIGKILL);
	ck_assert_int_eq(waitpid(rig.server, &status, 0), rig.server);
	pthread_join(thread, &result);
	ck_assert_int_lt((int)(intptr_t)result, 0);
	ck_assert_int_eq(rig_ioctl(container, VFIO_GET_API_VERSION, NULL), -ENOTCONN);
	ck_assert_int_eq(rig_open("vfio"), -ENOTCONN);
	ck_assert_int_eq(rig_device(group, A_ADDRESS), -ENOSYS);
	ck_assert_int_eq(close(device), 0);
}
END_TEST

/* ---- Names ---- */

START_TEST(test_names)
{
	struct rig rig;
	struct stat st;
	char text[256];

	if (!rig_start(&rig, _i, "q35"))
		return;
	ck_assert_int_eq(stat(RIG_VFIO "10", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_uid, rig.uid);
	ck_assert_int_eq(stat(RIG_VFIO "vfio", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	ck_assert_int_eq(rig_open("99"), -ENOENT);
	ck_assert_int_eq(chmod(RIG_VFIO "10", 0660), 0);
	ck_assert_int_eq(stat(RIG_VFIO "10", &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	ck_assert_uint_eq(st.st_uid, rig.uid);
	ck_assert_str_eq(rig_text("sys/bus/pci/devices/" A_ADDRESS "/vendor", text, sizeof(text)),
			 "0x8086\n");
	ck_assert_int_gt(readlink(RIG_NODES "/sys/bus/pci/devices/" A_ADDRESS "/iommu_group", text,
				  sizeof(text)), 0);
	ck_assert_int_eq(rig_store("sys/bus/pci/devices/" A_ADDRESS "/vendor", "1"), -EACCES);
	ck_assert_int_eq(unlink(RIG_VFIO "10"), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_str_ne(rig_text("ctl/state", text, sizeof(text)), "");
	ck_assert_int_eq(rig_store("sys/bus/pci/drivers/vfio-pci/unbind", A_ADDRESS), 12);
	ck_assert_int_eq(rig_open("10"), -ENOENT);
	ck_assert_int_eq(rig_store("sys/bus/pci/devices/" A_ADDRESS "/driver_override", "vfio-pci"),
			 8);
	ck_assert_int_eq(rig_store("sys/bus/pci/drivers/vfio-pci/bind", A_ADDRESS), 12);
	ck_assert_int_ge(rig_open("10"), 0);
	ck_assert_int_eq(system("ls -lR " RIG_NODES " >/dev/null"), 0);
	rig_stop(&rig);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("fuse");
	TCase *tests = tcase_create("clients");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_commands, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_reopen, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_exit_with_many_files, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_device_descriptor, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_kvm_is_not_asked, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_ports, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_registers, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_region_mapping, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_reading_ahead_is_nobodys_refusal, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_no_deadlock_with_writeback, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_forty_callers, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_unbind_waits, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_delayed_answers, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_delayed_refusals, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_faults_send_signals, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_killed_clients, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_killed_server, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_names, 0, RIG_USERS);
	suite_add_tcase(all, tests);
	return all;
}

int main(void)
{
	return suite_run(suite());
}
