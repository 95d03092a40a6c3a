/* SPDX-License-Identifier: MIT */
/*
 * The first program of the virtual machine in which check.sh asks Linux. An ordinary static
 * program: it takes nothing from the system but its initramfs, which holds
 *
 *	/devices	NAME ADDRESS [PARENT TYPE], one a line: PCI devices, which vfio-pci gets, and
 *			mdevs, which are made where the parent is there
 *	/modules	paths of kernel modules, one a line, in the order to load them
 *	/commands	NAME SECONDS [?PATH] PROGRAM ARGUMENT..., one a line, split at blanks;
 *			with ?PATH it is run only where PATH exists; @devices stands for
 *			--device NAME=ADDRESS of all devices that are there
 *
 * What the commands print goes to the second serial port, between the lines "@begin NAME"
 * and "@end NAME STATUS MILLISECONDS". Then it ends the virtual machine through QEMU's
 * isa-debug-exit: powering off would wait for devices that a command left stuck.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define RESULTS "/dev/ttyS1"
#define OUTPUT "/tmp/output"
#define EXIT_PORT 0xf4		/* of isa-debug-exit: QEMU exits with 2 * value + 1 */
#define ARGUMENTS_MAX 200

static FILE *results;

__attribute__((format(printf, 1, 2)))
static void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(results, format, args);
	va_end(args);
	fflush(results);
}

static _Noreturn void leave(unsigned char value)
{
	sync();
	tcdrain(fileno(results));
	if (!ioperm(EXIT_PORT, 1, 1))
		outb(value, EXIT_PORT);
	for (;;)
		pause();
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(results, "@failed %s: %s\n", what, strerror(errno));
	leave(1);
}

/* Every byte arrives as it was written. */
static void open_results(void)
{
	struct termios raw;
	int fd = open(RESULTS, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		perror(RESULTS);
		exit(1);	/* the kernel panics, and QEMU with -no-reboot ends */
	}
	if (!tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		cfsetspeed(&raw, B115200);
		tcsetattr(fd, TCSANOW, &raw);
	}
	results = fdopen(fd, "w");
}

static void mount_all(void)
{
	static const char *const mounts[][2] = {
		{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" }, { "tmpfs", "/dev/shm" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
}

/* Calls @each for every line of a file. */
static void each_line(const char *path, void (*each)(char *line))
{
	FILE *from = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	must(from, path);
	while ((n = getline(&line, &size, from)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (*line)
			each(line);
	}
	free(line);
	fclose(from);
}

static void load(char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && !syscall(SYS_finit_module, fd, "", 0), path);
	close(fd);
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* ---- Devices ----------------------------------------------------------- */

struct device {
	char name[32], address[64], parent[32], type[32];
};

/* A line of /devices; false for a comment. */
static bool parse(const char *line, struct device *device)
{
	*device = (struct device){ 0 };
	return *line != '#' && sscanf(line, "%31s %63s %31s %31s", device->name, device->address,
				      device->parent, device->type) >= 2;
}

/* Before any module is there, so that no other driver takes it. */
static void reserve(char *line)
{
	struct device device;
	char path[128];

	if (!parse(line, &device) || *device.parent)
		return;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", device.address);
	must(write_text(path, "vfio-pci"), path);
}

/* A module has taken it; a driver that is built in has to be told. */
static void bind(const struct device *device)
{
	char path[128];

	write_text("/sys/bus/pci/drivers_probe", device->address);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/vfio-pci/%s", device->address);
	must(!access(path, F_OK), path);
}

static void make(const struct device *device)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s", device->address);
	if (!access(path, F_OK))
		return;
	snprintf(path, sizeof(path), "/sys/class/mdev_bus/%s/mdev_supported_types/%s/create",
		 device->parent, device->type);
	if (!access(path, F_OK))
		must(write_text(path, device->address), path);
}

static void provide(char *line)
{
	struct device device;

	if (!parse(line, &device))
		return;
	if (*device.parent)
		make(&device);
	else
		bind(&device);
}

/* Is it there, and of the type that its name stands for? */
static bool is_there(const struct device *device)
{
	char path[160], type[256];
	ssize_t n;

	if (!*device->parent)
		return true;
	snprintf(path, sizeof(path), "/sys/bus/mdev/devices/%s/mdev_type", device->address);
	n = readlink(path, type, sizeof(type) - 1);
	if (n < 0)
		return false;
	type[n] = 0;
	return strstr(type, device->type);
}

static char *device_args[ARGUMENTS_MAX];
static size_t n_device_args;

static void note_device(char *line)
{
	struct device device;

	if (!parse(line, &device) || !strcmp(device.name, "-") || !is_there(&device) ||
	    n_device_args + 2 > ARGUMENTS_MAX)
		return;
	device_args[n_device_args++] = strdup("--device");
	if (asprintf(&device_args[n_device_args++], "%s=%s", device.name, device.address) < 0)
		must(false, "memory");
}

static void tell_kernel(void)
{
	struct utsname name;

	uname(&name);
	tell("@linux %s\n", name.release);
	if (!access("/dev/iommu", F_OK))
		tell("@has iommufd\n");
	if (!access("/sys/class/mdev_bus/mtty", F_OK))
		tell("@has mtty\n");
	if (!access("/sys/class/mdev_bus/simdev", F_OK))
		tell("@has simdev\n");
}

/* ---- Commands ---------------------------------------------------------- */

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Its output goes into a file: to a terminal programs would write other things. */
static pid_t start(char **args)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	setsid();
	fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execv(args[0], args);
	perror(args[0]);
	_exit(127);
}

/* The exit status, 128 and a signal's number, or 124: not even SIGKILL ended it in time. */
static int wait_for(pid_t pid, int64_t until)
{
	int status;

	for (;;) {
		pid_t ended = waitpid(-1, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (ended > 0)
			continue;
		if (milliseconds() >= until)
			kill(-pid, SIGKILL);
		if (milliseconds() >= until + 2000)
			return 124;
		usleep(5000);
	}
}

static void tell_output(void)
{
	FILE *from = fopen(OUTPUT, "re");
	char bytes[4096];
	size_t n;

	while (from && (n = fread(bytes, 1, sizeof(bytes), from)))
		fwrite(bytes, 1, n, results);
	if (from)
		fclose(from);
}

static void run(char *line)
{
	char *words[2 * ARGUMENTS_MAX + 1], **args = words + 2, *rest = line, *word;
	int64_t started = milliseconds();
	size_t n = 0;
	int status;

	while (n < ARGUMENTS_MAX && (word = strtok_r(rest, " ", &rest))) {
		if (strcmp(word, "@devices")) {
			words[n++] = word;
			continue;
		}
		memcpy(words + n, device_args, n_device_args * sizeof(*words));
		n += n_device_args;
	}
	words[n] = NULL;
	must(n > 2, "a command has a name, seconds and a program");
	if (*args[0] == '?' && access(*args++ + 1, F_OK))
		return;
	must(*args, "a command has a program");
	tell("@begin %s\n", words[0]);
	status = wait_for(start(args), started + atoi(words[1]) * INT64_C(1000));
	tell_output();
	tell("@end %s %d %lld\n", words[0], status, (long long)(milliseconds() - started));
}

int main(void)
{
	const struct rlimit memlock = { 8 << 20, 8 << 20 };

	mount_all();
	open_results();
	setrlimit(RLIMIT_MEMLOCK, &memlock);
	each_line("/devices", reserve);
	each_line("/modules", load);
	each_line("/devices", provide);
	each_line("/devices", note_device);
	tell_kernel();
	tell("@ready %lld\n", (long long)milliseconds());
	each_line("/commands", run);
	tell("@done %lld\n", (long long)milliseconds());
	leave(0);
}
