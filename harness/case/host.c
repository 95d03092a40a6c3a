/* SPDX-License-Identifier: MIT */
/* This computer as the machine of a play: see host.h. */
#include "case/host.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <vfiosim/topology.h>

#include "cli.h"

/* ---- Files of sysfs ---------------------------------------------------- */

/* The first line, without its end. */
static int read_line(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, to, size - 1);
	int error = n < 0 ? -errno : 0;

	to[n > 0 ? n : 0] = 0;
	to[strcspn(to, "\n")] = 0;
	if (fd >= 0)
		close(fd);
	return error;
}

static int write_line(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

/* Last part of what a link leads to; "" if there is none. */
static void link_name(const char *path, char *to, size_t size)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	target[n > 0 ? n : 0] = 0;
	slash = strrchr(target, '/');
	snprintf(to, size, "%.*s", (int)size - 1, slash ? slash + 1 : target);
}

static void file_of(const struct target_device *device, const char *name, char *to, size_t size)
{
	snprintf(to, size, "/sys/bus/%s/devices/%s/%s", device->mdev ? "mdev" : "pci",
		 device->address, name);
}

/* ---- A device ---------------------------------------------------------- */

/*
 * Which group the device is in now, and that group's node. A group that vfio made for a device
 * without an IOMMU is a number as any other in sysfs. -ENODEV: in none.
 */
static int find_group(struct target_device *device)
{
	char path[200], group[32], *end, plain[sizeof(device->node)];

	file_of(device, "iommu_group", path, sizeof(path));
	link_name(path, group, sizeof(group));
	device->group = (int)strtol(group, &end, 10);
	if (end == group)
		return -ENODEV;
	snprintf(plain, sizeof(plain), "/dev/vfio/%d", device->group);
	snprintf(device->node, sizeof(device->node), "/dev/vfio/noiommu-%d", device->group);
	if (!access(plain, F_OK) || access(device->node, F_OK))
		strcpy(device->node, plain);
	return 0;
}

int host_device(const char *text, struct target_device *ret_device)
{
	const char *equals = strchr(text, '=');
	struct target_device device = { .dma_bar = -1 };
	char path[200];

	if (!equals || equals == text || !equals[1] ||
	    (size_t)(equals - text) >= sizeof(device.name) || strchr(equals, '/'))
		return -EINVAL;
	memcpy(device.name, text, (size_t)(equals - text));
	snprintf(device.address, sizeof(device.address), "%s", equals + 1);
	for (int i = 0; i < 2; i++) {
		device.mdev = i;
		file_of(&device, "", path, sizeof(path));
		if (access(path, F_OK))
			continue;
		if (find_group(&device))
			return -ENODEV;
		*ret_device = device;
		return 0;
	}
	return -ENOENT;
}

static void note_device(struct host_device *to, const struct target_device *device)
{
	char path[200];

	to->device = device;
	file_of(device, "driver", path, sizeof(path));
	link_name(path, to->driver, sizeof(to->driver));
	file_of(device, "driver_override", path, sizeof(path));
	read_line(path, to->override, sizeof(to->override));
	file_of(device, "mdev_type", path, sizeof(path));
	if (!device->mdev || !realpath(path, to->type))
		to->type[0] = 0;
}

/* An mdev that was removed is made again; one without its driver as well: none can be bound to it. */
static int put_mdev_back(const struct host_device *noted)
{
	char path[PATH_MAX + 16], driver[64];
	int error = 0;

	file_of(noted->device, "driver", path, sizeof(path));
	link_name(path, driver, sizeof(driver));
	if (!noted->type[0] || driver[0])
		return 0;
	file_of(noted->device, "remove", path, sizeof(path));
	if (!access(path, F_OK))
		error = write_line(path, "1");
	snprintf(path, sizeof(path), "%s/create", noted->type);
	return error ? error : write_line(path, noted->device->address);
}

/* A PCI device that was removed is found again, and goes to the driver that it had. */
static int put_driver_back(const struct host_device *noted)
{
	const char *address = noted->device->address;
	char path[200], driver[64];
	int error = 0;

	file_of(noted->device, "", path, sizeof(path));
	if (access(path, F_OK))
		error = write_line("/sys/bus/pci/rescan", "1");
	if (error)
		return error;
	file_of(noted->device, "driver", path, sizeof(path));
	link_name(path, driver, sizeof(driver));
	if (strcmp(driver, noted->driver)) {
		file_of(noted->device, "driver_override", path, sizeof(path));
		error = write_line(path, noted->driver[0] ? noted->driver : "\n");
		file_of(noted->device, "driver/unbind", path, sizeof(path));
		if (!error && driver[0])
			error = write_line(path, address);
		snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", noted->driver);
		if (!error && noted->driver[0])
			error = write_line(path, address);
	}
	file_of(noted->device, "driver_override", path, sizeof(path));
	if (!error)
		error = write_line(path, strcmp(noted->override, "(null)") ? noted->override : "\n");
	return error;
}

/* ---- What the case requires of the kernel --------------------------------- */

static bool wants(const struct play *play, const char *param)
{
	return play->file->params && ynode_get(play->file->params, param);
}

static bool lacks(struct host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Notes why the play is skipped; false, for the caller to return. */
static bool lacks(struct host *host, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(host->why, sizeof(host->why), format, args);
	va_end(args);
	return false;
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &head, data) && data[0].effective & 1u << capability;
}

static bool suits_kernel(const struct play *play, struct host *host)
{
	struct vfiosim_kernel wanted = play->topology->kernel, here = { 0 };
	struct utsname name;

	if (!wants(play, "kernel"))
		return true;
	if (uname(&name) || sscanf(name.release, "%u.%u", &here.major, &here.minor) != 2)
		return lacks(host, "the version of this computer's Linux cannot be told");
	return (here.major == wanted.major && here.minor == wanted.minor) ||
	       lacks(host, "the case is about Linux %u.%u, this computer runs %u.%u", wanted.major,
		     wanted.minor, here.major, here.minor);
}

static bool suits_memlock(const struct play *play, struct host *host)
{
	const struct vfiosim_topology *topology = play->topology;
	struct rlimit limit;

	if (wants(play, "rawio") && topology->rawio_granted && !has_capability(CAP_SYS_RAWIO))
		return lacks(host, "the case requires CAP_SYS_RAWIO: run it as root");
	if (!wants(play, "memlock") || getrlimit(RLIMIT_MEMLOCK, &limit))
		return true;
	if (topology->memlock == VFIOSIM_MEMLOCK_UNLIMITED)
		return limit.rlim_cur == RLIM_INFINITY || has_capability(CAP_IPC_LOCK) ||
		       lacks(host, "the case requires unlimited locked memory: ulimit -l unlimited");
	if (topology->memlock == VFIOSIM_MEMLOCK_BYTES)
		host->memlock = topology->memlock_bytes;
	return host->memlock == LIMIT_UNLIMITED || limit.rlim_max >= host->memlock ||
	       lacks(host, "the case requires %llu bytes of locked memory: ulimit -Hl",
		     (unsigned long long)host->memlock);
}

/* Parameters of modules that cases set. */
static const char *const parameters[HOST_PARAMETERS] = {
	[HOST_NOIOMMU] = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
	[HOST_UNSAFE_INTERRUPTS] = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
	[HOST_IOMMUFD_UNSAFE_INTERRUPTS] = "/sys/module/iommufd/parameters/allow_unsafe_interrupts",
	[HOST_ENTRY_LIMIT] = "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit",
	[HOST_HUGEPAGES] = "/sys/module/vfio_iommu_type1/parameters/disable_hugepages",
	[HOST_IDLE_D3] = "/sys/module/vfio_pci/parameters/disable_idle_d3",
	[HOST_INTX_MASK] = "/sys/module/vfio_pci/parameters/nointxmask",
};

bool host_puts_back(const char *path)
{
	for (unsigned i = 0; i < HOST_PARAMETERS; i++)
		if (!strcmp(path, parameters[i]))
			return true;
	return false;
}

static void note_parameters(struct host *host)
{
	for (unsigned i = 0; i < HOST_PARAMETERS; i++)
		if (read_line(parameters[i], host->before[i], sizeof(host->before[i])))
			host->before[i][0] = 0;
}

static void put_parameters_back(const struct host *host)
{
	char now[sizeof(host->before[0])];
	int error;

	for (unsigned i = 0; i < HOST_PARAMETERS; i++) {
		if (!host->before[i][0] || read_line(parameters[i], now, sizeof(now)) ||
		    !strcmp(now, host->before[i]))
			continue;
		error = write_line(parameters[i], host->before[i]);
		if (error)
			cli_error("%s is not %s again: %s", parameters[i], host->before[i],
				  strerror(-error));
	}
}

/* Has @parameter value @wanted, or is it given that? Truth is read as Y or N, and written so. */
static bool suits_parameter(struct host *host, enum host_parameter parameter, const char *wanted)
{
	const char *path = parameters[parameter], *before = host->before[parameter];
	int error;

	if (!*before)
		return lacks(host, "the case requires %s, which is not there", path);
	if (!strcmp(before, wanted))
		return true;
	if (!host->options->allow_sysfs)
		return lacks(host, "the case requires %s in %s: --allow-sysfs writes it", wanted, path);
	error = write_line(path, wanted);
	return !error ||
	       lacks(host, "%s cannot be written to %s: %s", wanted, path, strerror(-error));
}

static bool suits_parameters(const struct play *play, struct host *host)
{
	const struct vfiosim_topology *topology = play->topology;
	char number[16];

	snprintf(number, sizeof(number), "%u", topology->dma_entry_limit);
	return (!wants(play, "dma_entry_limit") ||
		suits_parameter(host, HOST_ENTRY_LIMIT, number)) &&
	       (!wants(play, "allow_unsafe_interrupts") ||
		suits_parameter(host, play->mode == MODE_IOMMUFD ? HOST_IOMMUFD_UNSAFE_INTERRUPTS :
								   HOST_UNSAFE_INTERRUPTS,
				topology->allow_unsafe_interrupts ? "Y" : "N")) &&
	       (!wants(play, "noiommu") ||
		suits_parameter(host, HOST_NOIOMMU, topology->noiommu ? "Y" : "N"));
}

/* What this computer lacks for the mode of the play. */
static bool suits_mode(const struct play *play, struct host *host)
{
	if (play->mode == MODE_IOMMUFD && access("/dev/iommu", F_OK))
		return lacks(host, "this computer has no /dev/iommu: modprobe iommufd");
	if (play->mode == MODE_LEGACY && access("/dev/vfio/vfio", F_OK))
		return lacks(host, "this computer has no /dev/vfio/vfio: modprobe vfio-pci");
	return true;
}

bool host_begin(const struct play *play, const struct job_options *options, struct host *host)
{
	*host = (struct host){ .options = options, .memlock = LIMIT_UNLIMITED };
	note_parameters(host);
	if (!suits_mode(play, host) || !suits_kernel(play, host) || !suits_memlock(play, host))
		return false;
	if (!suits_parameters(play, host)) {
		host_end(host);
		return false;
	}
	/* An mdev that was made again, say, is in another group than when it was named. */
	for (size_t i = 0; i < options->n_devices; i++) {
		host->devices[i] = options->devices[i];
		(void)find_group(&host->devices[i]);
		if (options->allow_sysfs)
			note_device(&host->noted[host->n_noted++], &host->devices[i]);
	}
	return true;
}

void host_end(struct host *host)
{
	for (size_t i = 0; i < host->n_noted; i++) {
		const struct host_device *noted = &host->noted[i];
		int error = noted->device->mdev ? put_mdev_back(noted) : put_driver_back(noted);

		if (error)
			cli_error("%s (%s) is not as it was before the case: %s", noted->device->name,
				  noted->device->address, strerror(-error));
	}
	if (host->options->allow_sysfs)
		put_parameters_back(host);
}
