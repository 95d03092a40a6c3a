/* SPDX-License-Identifier: MIT */
/* Namespaces and mounts of a run: see space.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli.h"
#include "launch/cover.h"
#include "launch/space.h"

void space_init(struct space *space)
{
	*space = (struct space){
		.umask = umask(0),
		.uid = geteuid(),
		.gid = getegid(),
		.nodes_fd = -1,
		.devices_fd = -1,
		.null = -1,
		.copies = { -1, -1 },
		.old_dev = -1,
		.cwd = -1,
	};
}

/* ---- Namespaces -------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* One id each way: the user stays who they are, and no privilege is needed for it. */
int space_map_identity(const struct space *space)
{
	char text[64];
	int error;

	error = write_file("/proc/self/setgroups", "deny");
	if (error && error != -ENOENT)
		return error;
	snprintf(text, sizeof(text), "%u %u 1", space->uid, space->uid);
	error = write_file("/proc/self/uid_map", text);
	if (error)
		return error;
	snprintf(text, sizeof(text), "%u %u 1", space->gid, space->gid);
	return write_file("/proc/self/gid_map", text);
}

bool space_root_is_mount(void)
{
	struct statx stx;

	return statx(AT_FDCWD, "/", AT_STATX_DONT_SYNC, STATX_TYPE, &stx) ||
	       !(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* One of the limits below /proc/sys/user, 0 among others. */
static void no_room(int error)
{
	cli_error("no namespace for the run (%s): have the administrator raise "
		  "user.max_mnt_namespaces and user.max_user_namespaces", strerror(-error));
}

static int no_user_namespace(int error)
{
	if (error == -EPERM && !space_root_is_mount()) {
		cli_error("cannot create a user namespace: not allowed inside a chroot. Run as "
			  "root, or outside the chroot");
		return error;
	}
	if (error == -EPERM && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER) {
		cli_error("cannot create a user namespace: the seccomp filter of the container refuses "
			  "(docker run --security-opt seccomp=unconfined)");
		return error;
	}
	if (error == -ENOSPC) {
		no_room(error);
		return error;
	}
	cli_error("no user namespace for an ordinary user here (%s): have the administrator set "
		  "user.max_user_namespaces and kernel.unprivileged_userns_clone above 0, leave "
		  "the chroot if this is one, or run as root (vfiosim doctor says which)",
		  strerror(-error));
	return error;
}

/* Since 5.12 only a root that may set capabilities of files may be root of a namespace. */
bool space_lacks_setfcap(const struct space *space, int error)
{
	return error == -EPERM && space->uid == 0;
}

static int no_identity(const struct space *space, int error)
{
	if (space_lacks_setfcap(space, error))
		cli_error("root without CAP_SETFCAP cannot be root of a user namespace: run as another "
			  "user, or give the container that capability");
	else
		cli_error("cannot say who is who in the run's user namespace (/proc/self/uid_map): %s",
			  strerror(-error));
	return error;
}

int space_enter_namespaces(struct space *space)
{
	int error;

	if (space->uid == 0) {
		if (!unshare(CLONE_NEWNS))
			return 0;
		if (errno != EPERM) {
			error = -errno;
			if (error == -ENOSPC)
				no_room(error);
			else
				cli_error("no mount namespace: %s", strerror(-error));
			return error;
		}
		/* Root of a container, without the right to mount: as anybody else. */
	}
	space->user_namespace = true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return no_user_namespace(-errno);
	error = space_map_identity(space);
	return error ? no_identity(space, error) : 0;
}

/* AppArmor on some distributions grants the namespace and then no right inside it. */
static int mount_refused(int error)
{
	if (error == -EPERM || error == -EACCES)
		cli_error("mounting was refused in the run's own namespace (%s), as AppArmor does "
			  "for programs without a profile: install harness/vfiosim.apparmor, or set "
			  "kernel.apparmor_restrict_unprivileged_userns=0; in a container, grant "
			  "CAP_SYS_ADMIN",
			  strerror(-error));
	else
		cli_error("cannot mount in the run's own namespace: %s", strerror(-error));
	return error;
}

/* To the root of the mount namespace, wherever chroot() has put ours. */
static int enter_first_root(void)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0), error = 0;

	if (self < 0)
		return -errno;
	if (setns(self, CLONE_NEWNS))
		error = -errno;
	close(self);
	return error;
}

/* In a chroot the folder / is no mount, and has no propagation of its own to change. */
static int make_private_in_chroot(void)
{
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (root < 0)
		return -errno;
	error = enter_first_root();
	if (!error && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		error = -errno;
	if (!error && (fchdir(root) || chroot(".")))
		error = -errno;
	close(root);
	return error;
}

int space_make_private(void)
{
	if (!space_root_is_mount())
		return make_private_in_chroot();
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? -errno : 0;
}

static int open_fuse(const struct space *space)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int error = -errno;

	if (fd >= 0)
		return fd;
	if (error == -EACCES || error == -EPERM)
		cli_error("/dev/fuse may not be opened by uid %u: have the administrator allow it "
			  "(chmod 0666 /dev/fuse, as distributions ship it), or run as root",
			  space->uid);
	else
		cli_error("/dev/fuse cannot be opened (%s): load the kernel's fuse module (modprobe "
			  "fuse), or give the container that device",
			  strerror(-error));
	return error;
}

/*
 * Callers are known by their numbers in /proc: it must be that of our own PID namespace.
 * `unshare --pid --fork` alone leaves the one of the parent.
 */
static int check_proc(void)
{
	char self[16], ours[16];
	ssize_t length = readlink("/proc/self", self, sizeof(self) - 1);

	if (length < 0) {
		int error = -errno;

		cli_error("no /proc here (%s): mount it (mount -t proc proc /proc)", strerror(-error));
		return error;
	}
	self[length] = '\0';
	snprintf(ours, sizeof(ours), "%d", getpid());
	if (!strcmp(self, ours))
		return 0;
	cli_error("/proc is that of another PID namespace: mount this one's (mount -t proc proc "
		  "/proc; unshare has --mount-proc)");
	return -ESRCH;
}

int space_enter(struct space *space)
{
	int error = check_proc();

	if (error)
		return error;
	space->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	space->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	space->cwd_path = getcwd(NULL, 0);
	error = space_enter_namespaces(space);
	if (error)
		return error;
	/* Before /dev is covered, and in the user namespace that mounts: FUSE insists. */
	space->nodes_fd = open_fuse(space);
	if (space->nodes_fd < 0)
		return space->nodes_fd;
	space->devices_fd = open_fuse(space);
	if (space->devices_fd < 0)
		return space->devices_fd;
	error = space_make_private();
	return error ? mount_refused(error) : 0;
}

/* ---- Mounts ------------------------------------------------------------ */

unsigned space_cover_mode(const struct space *space)
{
	return space->uid ? 0555 : 0755;
}

static int mount_fuse(const struct space *space, int fd, const char *path)
{
	char options[160];
	int error;

	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=%u,group_id=%u,allow_other,default_permissions", fd,
		 space->uid, space->gid);
	if (!mount("vfiosim", path, "fuse.vfiosim", MS_NOSUID | MS_NODEV, options))
		return 0;
	error = -errno;
	if (error == -ENODEV)
		cli_error("this kernel has no FUSE: load its fuse module (modprobe fuse)");
	else
		mount_refused(error);
	return error;
}

/* Without asking the server, which does not run yet. */
static dev_t device_of(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx))
		return 0;
	return makedev(stx.stx_dev_major, stx.stx_dev_minor);
}

/* Taken before /dev is covered: afterwards it would come with the cover on it. */
static int take_host_dev(const struct space *space)
{
	if (!space->user_namespace)
		return -1;
	return open_tree(AT_FDCWD, "/dev", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static int put_host_dev(int tree)
{
	int error = 0;

	if (tree < 0)
		return 0;
	if (mkdir(SPACE_HOST_DEV, 0700) ||
	    move_mount(tree, "", AT_FDCWD, SPACE_HOST_DEV, MOVE_MOUNT_F_EMPTY_PATH))
		error = -errno;
	close(tree);
	return error;
}

/* Of both mounts, for space_abort(). Asks no server. */
static int take_copies(struct space *space)
{
	static const char *const paths[] = { SPACE_NODES, SPACE_DEVICES };

	for (size_t i = 0; i < 2; i++) {
		space->copies[i] = open_tree(AT_FDCWD, paths[i], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (space->copies[i] < 0)
			return mount_refused(-errno);
	}
	return 0;
}

int space_mount(struct space *space)
{
	int host_dev = take_host_dev(space);
	int error;

	space->old_dev = cover_mount("/dev", space_cover_mode(space));
	if (space->old_dev < 0)
		return mount_refused(space->old_dev);
	if (mkdir("/dev/.vfiosim-server", 0755) || mkdir(SPACE_NODES, 0700) ||
	    mkdir(SPACE_DEVICES, 0700))
		return mount_refused(-errno);
	error = put_host_dev(host_dev);
	if (error)
		return mount_refused(error);
	error = mount_fuse(space, space->nodes_fd, SPACE_NODES);
	if (!error)
		error = mount_fuse(space, space->devices_fd, SPACE_DEVICES);
	if (error)
		return error;
	space->device = device_of(SPACE_NODES);
	return take_copies(space);
}

/* ---- Afterwards -------------------------------------------------------- */

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return !strncmp(path, folder, length) && (path[length] == '/' || path[length] == '\0');
}

int space_restore(struct space *space)
{
	const char *path = space->cwd_path;

	umask(space->umask);
	/* The place itself may be covered now: what the name stands for is meant. */
	if (path && (is_below(path, "/dev") || is_below(path, "/sys")) && !chdir(path))
		return 0;
	return space->cwd >= 0 && fchdir(space->cwd) ? -errno : 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void space_close_fuse(struct space *space)
{
	close_fd(&space->nodes_fd);
	close_fd(&space->devices_fd);
}

void space_settle(const struct space *space)
{
	struct statx stx;

	/* Requests are answered in order; closing a file is one that nobody waits for. */
	statx(AT_FDCWD, SPACE_NODES, AT_STATX_FORCE_SYNC, STATX_MODE, &stx);
	statx(AT_FDCWD, SPACE_DEVICES, AT_STATX_FORCE_SYNC, STATX_MODE, &stx);
}

/*
 * A command that runs as root may have detached all mounts that have a path, or covered
 * them; the copy it cannot reach. The kernel aborts nothing through a mount that is in
 * no namespace, so the copy is put over / first: no path that starts there leads to it.
 * The second time it is there already.
 */
static void abort_connection(int copy)
{
	char path[32];

	(void)move_mount(copy, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	/* The kernel aborts the connection first, then says EBUSY: @copy keeps the mount. */
	if (umount2(path, MNT_FORCE) && errno != EBUSY)
		cli_error("cannot abort a FUSE connection: %s", strerror(errno));
}

void space_abort(const int copies[2])
{
	for (size_t i = 0; i < 2; i++)
		if (copies[i] >= 0)
			abort_connection(copies[i]);
}

void space_leave(struct space *space)
{
	close_fd(&space->copies[0]);
	close_fd(&space->copies[1]);
	space_close_fuse(space);
	close_fd(&space->null);
	close_fd(&space->old_dev);
	close_fd(&space->cwd);
	free(space->cwd_path);
	space->cwd_path = NULL;
}
