/* SPDX-License-Identifier: MIT */
/* viability: drivers that come and go below a group, by sysfs. */
#include "probe.h"

#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define SOON 300	/* milliseconds: what has not ended by then waits for something */
#define BOUND 5000	/* what ought to end has ended by then */

/* ---- Drivers ----------------------------------------------------------- */

static const char *driver_of(const struct place *at)
{
	static char target[PATH_MAX];
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", at->name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return "(none)";
	target[n] = '\0';
	return strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
}

static void unbind(const struct place *at)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", at->name);
	write_text(path, at->name);
}

/* Binds a device without a driver to @driver. */
static void bind_to(const struct place *at, const char *driver)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", at->name);
	write_text(path, driver);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	write_text(path, at->name);
}

static void rebind(const struct place *at, const char *driver)
{
	unbind(at);
	bind_to(at, driver);
}

/* An unbind in a process of its own, as it may have to wait. */
static pid_t unbind_start(const struct place *at)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		unbind(at);
		_exit(0);
	}
	return pid;
}

/* Has it ended, or does it within @ms milliseconds? */
static bool finished(pid_t pid, int ms, int *ret_status)
{
	for (; ms >= 0; ms -= 10) {
		if (waitpid(pid, ret_status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- Siblings ---------------------------------------------------------- */

static void say_unbound_sibling(void *arg)
{
	int container = container_open(), group = group_open(&M0);

	note("both vfio-pci: status: 0x%x", group_status(group));
	close(group);
	unbind(&M1);
	note("M1 driver: %s", driver_of(&M1));
	group = group_open(&M0);
	say(AS_RESULT(group), "M1 unbound: open group");
	note("M1 unbound: status: 0x%x", group_status(group));
	say(group_set(group, container), "M1 unbound: SET_CONTAINER");
	say(ioctl(container, VFIO_SET_IOMMU, 3ul), "M1 unbound: SET_IOMMU");
	say(device_fd(group, &M1), "M1 unbound: GET_DEVICE_FD M1");
	say(AS_RESULT(device_fd(group, &M0)), "M1 unbound: GET_DEVICE_FD M0");
	bind_to(&M1, "e1000e");
	note("bind e1000e while group claimed: M1 driver: %s", driver_of(&M1));
	bind_to(&M1, "vfio-pci");
	note("bind vfio-pci while group claimed: M1 driver: %s", driver_of(&M1));
	say(AS_RESULT(device_fd(group, &M1)), "then GET_DEVICE_FD M1");
}

static void say_host_sibling(void)
{
	struct space space;
	int container = container_open(), group;

	rebind(&M1, "e1000e");
	note("M1 driver: %s", driver_of(&M1));
	group = group_open(&M0);
	note("M1 on e1000e: status: 0x%x", group_status(group));
	say(group_set(group, container), "M1 on e1000e: SET_CONTAINER");
	note("status after: 0x%x", group_status(group));
	space = space_open(&B, 3);
	say(AS_RESULT(space.group), "container already holding B");
	say(group_set(group, space.container), "SET_CONTAINER beside B");
	note("status: 0x%x", group_status(space.group));
	space_close(&space);
	close(group);
	close(container);
	rebind(&M1, "vfio-pci");
	note("M1 driver: %s", driver_of(&M1));
}

/* ---- Cdevs ------------------------------------------------------------- */

static void say_cdev(void)
{
	struct space space = space_open(&M0, 3);
	int iommufd = open("/dev/iommu", O_RDWR), cdev = cdev_open(&M1);
	struct cdev_arg arg = { .argsz = sizeof(arg), .iommufd = iommufd };

	say(ioctl(cdev, BIND_IOMMUFD, &arg), "group M in container: cdev BIND M1");
	space_close(&space);
	say(ioctl(cdev, BIND_IOMMUFD, &arg), "group M free: cdev BIND M1");
	close(cdev);
	close(iommufd);
}

/* ---- Unbinding what is in use -------------------------------------------- */

static int set_req_eventfd(int device, int event)
{
	struct {
		struct vfio_irq_set head;
		int32_t fd;
	} arg = {
		.head = { .argsz = sizeof(arg), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
			  .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER },
		.fd = event,
	};

	return ioctl(device, VFIO_DEVICE_SET_IRQS, &arg);
}

static void say_unbind_sibling(void)
{
	struct space space = space_open(&M0, 3);
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int event = eventfd(0, EFD_NONBLOCK), device, status = 0, done;
	uint64_t value = 0;
	pid_t pid = unbind_start(&M1);

	done = finished(pid, BOUND, &status);
	note("unbind M1, group in container, M1 not open: finished: %d driver=%s", done, driver_of(&M1));
	note("group status then: 0x%x", group_status(space.group));
	bind_to(&M1, "vfio-pci");
	device = device_fd(space.group, &M1);
	say(set_req_eventfd(device, event), "M1 open: SET_IRQS REQ eventfd");
	pid = unbind_start(&M1);
	done = finished(pid, SOON, &status);
	if (read(event, &value, sizeof(value)) < 0)
		value = 0;
	note("unbind M1 with device fd open: finished: %d req-eventfd=%d", done, value > 0);
	say(ioctl(device, VFIO_DEVICE_GET_INFO, &info), "device fd during pending unbind: GET_INFO");
	say(device_fd(space.group, &M1), "GET_DEVICE_FD M1 during pending unbind");
	close(device);
	done = finished(pid, BOUND, &status);
	note("after close: finished: %d driver=%s", done, driver_of(&M1));
	space_close(&space);
	bind_to(&M1, "vfio-pci");
	note("M1 driver: %s", driver_of(&M1));
}

/* The last device of a group: only its group descriptor is open. */
static void say_unbind_group(void)
{
	int group = group_open(&A), container = container_open(), status = 0;
	struct vfio_group_status arg = { .argsz = sizeof(arg) };
	pid_t pid = unbind_start(&A);

	note("unbind A, group open: finished: %d", finished(pid, BOUND, &status));
	say(ioctl(group, VFIO_GROUP_GET_STATUS, &arg), "group fd: GET_STATUS");
	say(group_set(group, container), "group fd: SET_CONTAINER");
	say(AS_RESULT(group_open(&A)), "open group node again");
	close(group);
	close(container);
	bind_to(&A, "vfio-pci");
}

/* The group is closed while the device stays open. */
static void say_unbind_closed_group(void)
{
	struct space space = space_open(&A, 3);
	int device = device_fd(space.group, &A), status = 0;
	pid_t pid = unbind_start(&A);

	finished(pid, SOON, &status);
	space_close(&space);
	note("after group closed: finished: %d driver=%s", finished(pid, SOON, &status), driver_of(&A));
	close(device);
	if (!finished(pid, BOUND, &status))
		kill(pid, SIGKILL);
	bind_to(&A, "vfio-pci");
}

static void say_unbind_container(void)
{
	struct space space = space_open(&A, 3);
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int device = device_fd(space.group, &A), status = 0, done;
	pid_t pid = unbind_start(&A);

	finished(pid, SOON, &status);
	say(ioctl(device, VFIO_DEVICE_GET_INFO, &info), "device fd then");
	say(device_fd(space.group, &A), "GET_DEVICE_FD then");
	close(device);
	done = finished(pid, BOUND, &status);
	note("after device closed, group still in the container: finished: %d status=%d", done, status);
	note("group status: 0x%x", group_status(space.group));
	say(map(space.container, 0x100000, PAGE, memory(1)), "MAP then");
	say(group_unset(space.group), "UNSET then");
	say(group_set(space.group, space.container), "SET_CONTAINER then");
	space_close(&space);
	bind_to(&A, "vfio-pci");
}

void case_viability(void)
{
	in_child(say_unbound_sibling, NULL);
	say_host_sibling();
	say_cdev();
	say_unbind_sibling();
	say_unbind_group();
	say_unbind_closed_group();
	say_unbind_container();
}
