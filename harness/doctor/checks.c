/* SPDX-License-Identifier: MIT */
/* What a run needs, and what to do where it is missing. See doctor.h. */
#include "doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <linux/vfio.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <vfiosim/topology.h>

#include "launch/filter.h"
#include "launch/launch.h"
#include "launch/machine_args.h"
#include "launch/space.h"

/* ---- Kernel and libfuse ------------------------------------------------ */

static void check_kernel(const struct patient *patient, struct finding *finding)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	if (sscanf(name.release, "%u.%u", &major, &minor) != 2)
		finding_failed(finding, "%s %s is no Linux that vfiosim knows", name.sysname, name.release);
	else if (major < 5 || (major == 5 && minor < 14))
		finding_failed(finding, "Linux %s is too old: use 5.14 or later", name.release);
	else if (launch_foreign_page_kib())
		finding_failed(finding, LAUNCH_FOREIGN_PAGES, launch_foreign_page_kib());
	else if (major < 6 || (major == 6 && minor < 6))
		finding_ok(finding, "Linux %s; before 6.6 reads and writes of a device that can be mapped "
			   "go through cached pages", name.release);
	else
		finding_ok(finding, "Linux %s", name.release);
}

static void check_libfuse(const struct patient *patient, struct finding *finding)
{
	finding_ok(finding, "%s", fuse_pkgversion());
}

/* ---- Namespaces -------------------------------------------------------- */

/* The number in a file of /proc/sys; -1: there is no such file, or no /proc. */
static long setting(const char *name)
{
	char path[128];
	long value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%ld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

/*
 * A chroot whose folder is a mount point, as schroot and arch-chroot make them, looks like a
 * root. The kernel knows: there it refuses user namespaces with EPERM, for which else a seccomp
 * filter or Debian's sysctl would be the cause. (AppArmor's answer is another.)
 */
static bool refused_by_chroot(int error)
{
	if (!space_root_is_mount())
		return true;
	return error == EPERM && !prctl(PR_GET_SECCOMP) &&
	       setting("kernel/unprivileged_userns_clone") != 0;
}

static void check_chroot(const struct patient *patient, struct finding *finding)
{
	bool is_root = geteuid() == 0 && !unshare(CLONE_NEWNS);
	int error = is_root || !unshare(CLONE_NEWUSER) ? 0 : errno;

	if (!refused_by_chroot(error))
		finding_ok(finding, "not in one");
	else if (is_root)
		finding_ok(finding, "in one, which does not hinder root");
	else
		finding_failed(finding, "in one, where the kernel allows no user namespace: run as "
					"root, outside of it, or make its folder a mount point and "
					"use pivot_root(2), as unshare --root and bwrap do");
}

/* Why the kernel gave no user namespace. */
static void no_user_namespace(struct finding *finding, int error)
{
	if (setting("user/max_user_namespaces") == 0)
		finding_failed(finding, "none allowed: set user.max_user_namespaces above 0 "
					"(sysctl), or run as root");
	else if (setting("kernel/unprivileged_userns_clone") == 0)
		finding_failed(finding, "none for ordinary users: set "
					"kernel.unprivileged_userns_clone=1 (sysctl), or run as root");
	else if (error == ENOSPC)
		finding_failed(finding, "no more of them: user.max_user_namespaces (%ld), or 32 "
					"inside one another, is reached; an outer namespace may "
					"have a lower limit",
			       setting("user/max_user_namespaces"));
	else if (refused_by_chroot(error))
		finding_failed(finding, "none in a chroot, see there");
	else
		finding_failed(finding, "refused (%s): the container or sandbox around this has to "
					"allow unshare(2), or grant CAP_SYS_ADMIN (docker run "
					"--cap-add SYS_ADMIN --security-opt seccomp=unconfined)",
			       strerror(error));
}

/* A namespace was made, but who is who in it could not be said. */
static void no_identity(struct finding *finding, const struct space *space, int error)
{
	if (space_lacks_setfcap(space, error))
		finding_failed(finding, "one can be made, but root without CAP_SETFCAP cannot be root of "
					"it: run as another user, or give the container that capability "
					"(docker run --cap-add SETFCAP)");
	else
		finding_failed(finding, "one can be made, but /proc/self/uid_map cannot be written in it "
					"(%s): /proc has to be mounted, and the container or sandbox "
					"around this has to allow it",
			       strerror(-error));
}

static void check_namespaces(const struct patient *patient, struct finding *finding)
{
	struct space space;
	int error;

	space_init(&space);
	if (geteuid() == 0 && !unshare(CLONE_NEWNS)) {
		finding_ok(finding, "not needed: root has a mount namespace without one");
		return;
	}
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
		no_user_namespace(finding, errno);
		return;
	}
	error = space_map_identity(&space);
	if (error)
		no_identity(finding, &space, error);
	else
		finding_ok(finding, "one can be made");
}

/* ---- Mounting, FUSE ---------------------------------------------------- */

/* What a run does first; where it cannot be done another check has said so. */
static bool enter(struct space *space, struct finding *finding)
{
	int silent = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (silent >= 0)
		dup2(silent, STDERR_FILENO);
	space_init(space);
	if (!space_enter_namespaces(space))
		return true;
	finding_skipped(finding, "not tried without a namespace to do it in");
	return false;
}

static void check_fuse(const struct patient *patient, struct finding *finding)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd >= 0) {
		finding_ok(finding, "can be opened");
		close(fd);
	} else if (errno == ENOENT) {
		finding_failed(finding, "does not exist: load the kernel's module (modprobe fuse), or "
					"give the container the device (docker run --device "
					"/dev/fuse)");
	} else if (errno == EACCES && !stat("/dev/fuse", &st)) {
		finding_failed(finding, "is closed to uid %u (mode %04o): chmod 0666 /dev/fuse, as "
					"distributions ship it, or run as root",
			       geteuid(), st.st_mode & 07777);
	} else if (errno == EPERM) {
		finding_failed(finding, "may not be opened here: the container's device cgroup has to "
					"allow it (docker run --device /dev/fuse)");
	} else {
		finding_failed(finding, "cannot be opened (%s): load the kernel's module (modprobe fuse)",
			       strerror(errno));
	}
}

static void mount_refused(struct finding *finding, const char *what, int error)
{
	if (setting("kernel/apparmor_restrict_unprivileged_userns") == 1 && geteuid() != 0)
		finding_failed(finding, "%s is refused by AppArmor, which leaves user namespaces "
					"without rights: install harness/vfiosim.apparmor as "
					"/etc/apparmor.d/vfiosim, or set "
					"kernel.apparmor_restrict_unprivileged_userns=0 (sysctl)",
			       what);
	else if (error == EPERM || error == EACCES)
		finding_failed(finding, "%s is refused (%s): in a container, grant CAP_SYS_ADMIN and an "
					"AppArmor profile that allows mount (docker run --cap-add "
					"SYS_ADMIN --security-opt apparmor=unconfined)",
			       what, strerror(error));
	else if (error == ENODEV)
		finding_failed(finding, "this kernel has no FUSE: load its module (modprobe fuse)");
	else
		finding_failed(finding, "%s fails: %s", what, strerror(error));
}

static void check_mount(const struct patient *patient, struct finding *finding)
{
	struct space space;
	char options[128];
	int fd, error;

	if (!enter(&space, finding))
		return;
	error = space_make_private();
	if (error) {
		mount_refused(finding, "changing mounts", -error);
		return;
	}
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (mount("vfiosim", "/dev", "tmpfs", 0, "mode=755,size=64k") || mkdir("/dev/fuse", 0700)) {
		mount_refused(finding, "mounting", errno);
		return;
	}
	if (fd < 0) {
		finding_skipped(finding, "a FUSE mount was not tried without /dev/fuse");
		return;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fd, space.uid,
		 space.gid);
	if (mount("vfiosim", "/dev/fuse", "fuse.vfiosim", MS_NOSUID | MS_NODEV, options))
		mount_refused(finding, "a FUSE mount", errno);
	else
		finding_ok(finding, "a FUSE file system can be mounted");
}

/* ---- seccomp ----------------------------------------------------------- */

static void check_notification(const struct patient *patient, struct finding *finding)
{
	const uint32_t action = SECCOMP_RET_USER_NOTIF;

	if (!syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		finding_ok(finding, "there");
	else if (errno == EPERM || errno == EACCES)
		finding_failed(finding, "seccomp(2) is refused: the container or sandbox around this "
					"has to allow it (docker run --security-opt "
					"seccomp=unconfined)");
	else
		finding_failed(finding, "missing: use Linux 5.14 or later with CONFIG_SECCOMP_FILTER=y");
}

static void check_listener(const struct patient *patient, struct finding *finding)
{
	int listener = filter_install(false);
	const char *sentence = listener < 0 ? filter_sentence(listener) : NULL;

	if (listener >= 0)
		finding_ok(finding, "none: ours can be installed");
	else
		finding_failed(finding, "%s", sentence ? sentence : strerror(-listener));
}

/* ---- The command ------------------------------------------------------- */

static void check_command(const struct patient *patient, struct finding *finding)
{
	char path[PATH_MAX];
	struct stat st;

	if (!patient->command)
		return;
	if (!launch_find(patient->command[0], X_OK, path, sizeof(path)) || stat(path, &st))
		finding_failed(finding, "'%s' is not found: give its path, or mend PATH",
			       patient->command[0]);
	else if (S_ISDIR(st.st_mode))
		finding_failed(finding, "%s is a directory: give the path of a program", path);
	else if (access(path, X_OK))
		finding_failed(finding, "uid %u may not execute %s: chmod a+x, if it is a program",
			       geteuid(), path);
	else if (access(path, R_OK))
		finding_failed(finding, "%s may be executed, but not read: the kernel hides the memory "
					"of such a program, and nothing can be mapped from it. chmod "
					"a+r, or run as root",
			       path);
	else if (geteuid() != 0 && (st.st_mode & (S_ISUID | S_ISGID) ||
				    getxattr(path, "security.capability", NULL, 0) > 0))
		finding_ok(finding, "%s can be run, but its set-user-ID bit or capabilities have no "
				    "effect in a run",
			   path);
	else
		finding_ok(finding, "%s can be run", path);
}

/* ---- All together ------------------------------------------------------ */

static int try_container(void *ctx)
{
	int container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	return container < 0 || ioctl(container, VFIO_GET_API_VERSION) != VFIO_API_VERSION;
}

/* What a run says; the first line of it. The rest is read as well, or writing it would end the run. */
static void read_line(int fd, char *to, size_t size)
{
	FILE *file = fdopen(fd, "r");

	if (!file || !fgets(to, (int)size, file))
		snprintf(to, size, "it says nothing");
	to[strcspn(to, "\n")] = '\0';
	while (file && fgetc(file) != EOF)
		;
	if (file)
		fclose(file);
}

static _Noreturn void be_run(int to)
{
	struct vfiosim_topology *topology;
	struct vfiosim_errors errors;
	struct launch_options options = { .topology_name = DEFAULT_TOPOLOGY, .child = try_container };

	dup2(to, STDERR_FILENO);
	if (vfiosim_topology_load(DEFAULT_TOPOLOGY, &topology, &errors))
		_exit(1);
	options.topology = topology;
	_exit(launch(&options, NULL));
}

static void check_run(const struct patient *patient, struct finding *finding)
{
	int ends[2], status = -1;
	char line[400];
	pid_t pid;

	if (patient->failed) {
		finding_skipped(finding, "not tried after what failed above");
		return;
	}
	if (pipe2(ends, O_CLOEXEC)) {
		finding_failed(finding, "no pipe: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid)
		be_run(ends[1]);
	close(ends[1]);
	if (pid < 0) {
		finding_failed(finding, "no process: %s", strerror(errno));
		close(ends[0]);
		return;
	}
	read_line(ends[0], line, sizeof(line));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!status)
		finding_ok(finding, "a program has opened /dev/vfio/vfio in one");
	else
		finding_failed(finding, "a program that opens /dev/vfio/vfio fails in one: %s", line);
}

const struct check checks[] = {
	{ "kernel", check_kernel },
	{ "libfuse", check_libfuse },
	{ "chroot", check_chroot },
	{ "user namespaces", check_namespaces },
	{ "/dev/fuse", check_fuse },
	{ "mounting", check_mount },
	{ "seccomp notification", check_notification },
	{ "outer listener", check_listener },
	{ "command", check_command },
	{ "run", check_run },
	{ NULL, NULL },
};
