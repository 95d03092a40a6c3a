/* SPDX-License-Identifier: MIT */
/*
 * The first program of the virtual machine in which check.sh asks Linux. An ordinary static
 * program: it takes nothing from the system but its initramfs, which holds
 *
 *	/devices	NAME ADDRESS [PARENT TYPE], one a line: PCI devices, which vfio-pci gets, and
 *			mdevs, which are made where the parent is there
 *	/modules	paths of kernel modules, one a line, in the order to load them
 *	/commands	NAME SECONDS [?PATH] [@host FOLDER] PROGRAM ARGUMENT..., one a line, split at
 *			blanks; with ?PATH it is run only where PATH exists; @host: in FOLDER of the
 *			host's file system (9p, tag "a"), of which nothing is changed; @devices stands
 *			for --device NAME=ADDRESS of all devices that are there
 *
 * What the commands print goes to the second serial port, between the lines "@begin NAME"
 * and "@end NAME STATUS MILLISECONDS". Then it ends the virtual machine through QEMU's
 * isa-debug-exit: powering off would wait for devices that a command left stuck.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
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
	reboot(RB_AUTOBOOT);	/* a kernel without ioperm(): QEMU ends by -no-reboot */
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
		{ "tmpfs", "/tmp" }, { "tmpfs", "/dev/shm" }, { "devpts", "/dev/pts" },
		{ "cgroup2", "/sys/fs/cgroup" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i][1], 0755);
		mount(mounts[i][0], mounts[i][1], mounts[i][0], 0, NULL);
	}
}

/* As udev does; bash opens /dev/fd/N for <(...). */
static void link_descriptors(void)
{
	must(!symlink("/proc/self/fd", "/dev/fd") && !symlink("fd/0", "/dev/stdin") &&
		     !symlink("fd/1", "/dev/stdout") && !symlink("fd/2", "/dev/stderr"),
	     "the links of /dev");
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

/* ---- The host's file system -------------------------------------------- */

static void must_mount(const char *from, const char *to, const char *type, unsigned long flags,
		       const char *options)
{
	mkdir(to, 0755);
	must(!mount(from, to, type, flags, options), to);
}

/* What is written goes into memory, and /tmp, /run begin empty. */
static void provide_host(void)
{
	static bool is_there;

	if (is_there)
		return;
	is_there = true;
	must_mount("a", "/host", "9p", MS_RDONLY, "trans=virtio,version=9p2000.L,msize=262144,cache=loose");
	must_mount("tmpfs", "/written", "tmpfs", 0, NULL);
	mkdir("/written/upper", 0755);
	mkdir("/written/work", 0755);
	must_mount("overlay", "/whole", "overlay", 0,
		   "lowerdir=/host,upperdir=/written/upper,workdir=/written/work");
	must_mount("tmpfs", "/whole/tmp", "tmpfs", 0, NULL);
	must_mount("tmpfs", "/whole/run", "tmpfs", 0, NULL);
	must_mount("/proc", "/whole/proc", NULL, MS_BIND | MS_REC, NULL);
	must_mount("/sys", "/whole/sys", NULL, MS_BIND | MS_REC, NULL);
	must_mount("/dev", "/whole/dev", NULL, MS_BIND | MS_REC, NULL);
	chmod("/dev/fuse", 0666);	/* as udev does */
}

/*
 * The calling process. @folder: an absolute path. As switch_root does it: below a root that
 * is no mount point Linux makes no user namespaces.
 */
static void enter_host(const char *folder)
{
	if (unshare(CLONE_NEWNS) || chdir("/whole") || mount(".", "/", NULL, MS_MOVE, NULL) ||
	    chroot(".") || chdir(folder)) {
		perror(folder);
		_exit(127);
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
}

/* ---- Commands ---------------------------------------------------------- */

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/*
 * Its output goes into a file: to a terminal programs would write other things.
 * @host: a folder of the host's; NULL.
 */
static pid_t start(char **args, const char *host)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	setsid();
	fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (host)
		enter_host(host);
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
	char *words[2 * ARGUMENTS_MAX + 1], **args = words + 2, *rest = line, *word, *host = NULL;
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
	must(strcmp(*args, "@host") || n > 4, "@host has a folder, and a program to run there");
	if (*args[0] == '?' && access(*args++ + 1, F_OK))
		return;
	if (*args && !strcmp(*args, "@host")) {
		host = args[1];
		args += 2;
		provide_host();
	}
	must(*args, "a command has a program");
	tell("@begin %s\n", words[0]);
	status = wait_for(start(args, host), started + atoi(words[1]) * INT64_C(1000));
	tell_output();
	tell("@end %s %d %lld\n", words[0], status, (long long)(milliseconds() - started));
}

int main(void)
{
	const struct rlimit memlock = { 8 << 20, 8 << 20 };

	mount_all();
	open_results();
	link_descriptors();
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
