/* SPDX-License-Identifier: MIT */
/*
 * hot_reset, noiommu, remove_busy: cdevs and the bus below them: resets of a whole
 * bus, a device without an IOMMU, devices that are taken away while in use.
 */
#include "iommufd.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

/* ---- hot_reset ------------------------------------------------------------- */

struct hot_reset_info {
	uint32_t argsz, flags, count;
	struct {
		uint32_t devid;
		uint16_t segment;
		uint8_t bus, devfn;
	} devices[8];
};

static void say_hot_reset_info(const struct place *at, int cdev, uint32_t devid)
{
	struct hot_reset_info info = { .argsz = sizeof(info) };
	int ret = ioctl(cdev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info);
	char extra[64];

	if (ret) {
		say(ret, "%s: HOT_RESET_INFO", at->label);
		return;
	}
	snprintf(extra, sizeof(extra), "flags=0x%x count=%u ids: own=%d %d", info.flags, info.count,
		 info.devices[0].devid == devid, (int)info.devices[1].devid);
	say_extra(extra, ret, "%s: HOT_RESET_INFO", at->label);
}

/* With one descriptor, or none (-1). */
static int hot_reset(int cdev, int fd)
{
	struct {
		uint32_t argsz, flags, count;
		int32_t fd;
	} arg = { .argsz = sizeof(arg), .count = fd >= 0, .fd = fd };

	return ioctl(cdev, VFIO_DEVICE_PCI_HOT_RESET, &arg);
}

static void say_hot_reset(const struct place *at)
{
	int fd = iommufd_open(), cdev = cdev_open(at);
	struct hot_reset_info info = { .argsz = sizeof(info) };
	uint32_t devid;

	say(ioctl(cdev, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), "%s: HOT_RESET_INFO before BIND",
	    at->label);
	bind_to(cdev, fd, &devid);
	say_hot_reset_info(at, cdev, devid);
	say(hot_reset(cdev, -1), "%s: HOT_RESET count 0", at->label);
	say(hot_reset(cdev, fd), "%s: HOT_RESET with the iommufd", at->label);
	say(hot_reset(cdev, cdev), "%s: HOT_RESET with the device fd", at->label);
	close(cdev);
	close(fd);
}

void case_iommufd_hot_reset(void)
{
	int fd;
	struct bound m0;

	say_hot_reset(&A);
	say_hot_reset(&E0);
	fd = iommufd_open();
	m0 = bound_open(&M0, fd);
	bound_open(&M1, fd);
	say(hot_reset(m0.cdev, -1), "both of the group bound: HOT_RESET count 0");
}

/* ---- noiommu --------------------------------------------------------------- */

/* The name of the cdev of the device at @path, or "(none)". */
static void find_cdev(const char *path, char *ret_name, size_t size)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	snprintf(ret_name, size, "(none)");
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, "vfio", 4))
			snprintf(ret_name, size, "%s", entry->d_name);
	if (dir)
		closedir(dir);
}

void case_iommufd_noiommu(void)
{
	char name[256], path[512];

	find_cdev("/sys/bus/pci/devices/0000:21:00.0/vfio-dev", name, sizeof(name));
	note("X cdev name: %s", name);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", name);
	say(AS_RESULT(open(path, O_RDWR)), "open cdev");
}

/* ---- remove_busy ----------------------------------------------------------- */

#define SOON 300	/* milliseconds: what has not ended by then waits for something */
#define BOUND 5000	/* what ought to end has ended by then */

/* Writes to sysfs in a process of its own, as that may have to wait. */
static pid_t write_start(const char *path, const char *text)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		write_text(path, text);
		_exit(0);
	}
	return pid;
}

static bool finished(pid_t pid, int ms)
{
	for (; ms >= 0; ms -= 10) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	return false;
}

static void finish(pid_t pid)
{
	if (finished(pid, BOUND))
		return;
	fprintf(stderr, "facts-probe: still waiting after the device was closed\n");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void say_mdev_removed(void)
{
	int fd = iommufd_open();
	struct bound t = bound_open(&T1, fd);
	char path[128];
	pid_t pid;

	say(attach_to(t.cdev, ioas_alloc(fd)), "ATTACH T1");
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/remove", T1.name);
	pid = write_start(path, "1");
	note("mdev remove while bound+attached: finished: %d", finished(pid, SOON));
	say(device_works(t.cdev), "device fd then: GET_INFO");
	say(AS_RESULT(cdev_open(&T1)), "cdev open again");
	say(close(t.cdev), "close");
	finish(pid);
	say(AS_RESULT(cdev_open(&T1)), "cdev open after removal");
	close(fd);
}

static void say_pci_unbound(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd);
	pid_t pid;

	attach_to(a.cdev, ioas);
	pid = write_start("/sys/bus/pci/drivers/vfio-pci/unbind", A.name);
	note("pci unbind while bound+attached: finished: %d", finished(pid, SOON));
	say(device_works(a.cdev), "device fd then: GET_INFO");
	say(close(a.cdev), "close");
	finish(pid);
	say(destroy(fd, ioas), "DESTROY ioas");
	write_text("/sys/bus/pci/drivers/vfio-pci/bind", A.name);
	close(fd);
}

void case_iommufd_remove_busy(void)
{
	say_mdev_removed();
	say_pci_unbound();
}
