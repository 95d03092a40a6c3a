/* SPDX-License-Identifier: MIT */
/*
 * The floor under a command over FUSE: a server on libfuse's own loop that knows
 * one file and answers every ioctl with 0, and a client that calls it.
 *
 * Mounted where nobody else sees it, in a mount namespace of its own (as an
 * ordinary user: in a user namespace too).
 *
 * Also the calls by which a server is told who calls, timed on their own:
 *
 *	e	the empty ioctl
 *	k	a read's: is the process still there, and the thread's memory?
 *	c	a command's: is it, which memory; its argument, and what is mapped there
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define FILE_INO 2
#define FILE_NAME "x"

/* ---- The server ---- */

static struct stat file_stat(fuse_ino_t ino)
{
	return (struct stat){
		.st_ino = ino,
		.st_mode = ino == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0666,
		.st_nlink = 1,
		.st_uid = getuid(),
		.st_gid = getgid(),	/* one that is not mapped would mean read-only */
	};
}

static void serve_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .ino = FILE_INO, .attr = file_stat(FILE_INO) };

	if (strcmp(name, FILE_NAME))
		fuse_reply_err(req, ENOENT);
	else
		fuse_reply_entry(req, &entry);
}

static void serve_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	struct stat stat = file_stat(ino);

	fuse_reply_attr(req, &stat, 1.0);
}

static void serve_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
	info->direct_io = 1;
	fuse_reply_open(req, info);
}

static void serve_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg,
			struct fuse_file_info *info, unsigned flags, const void *in, size_t in_size,
			size_t out_size)
{
	fuse_reply_ioctl(req, 0, NULL, 0);
}

static const struct fuse_lowlevel_ops server_ops = {
	.lookup = serve_lookup,
	.getattr = serve_getattr,
	.open = serve_open,
	.ioctl = serve_ioctl,
};

static int serve(int fuse_fd)
{
	char name[] = "floor", path[32];
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	session = fuse_session_new(&args, &server_ops, sizeof(server_ops), NULL);
	snprintf(path, sizeof(path), "/dev/fd/%d", fuse_fd);	/* libfuse: mounted already */
	if (!session || fuse_session_mount(session, path))
		return 1;
	return fuse_session_loop(session) ? 1 : 0;
}

/* ---- Where it stands ---- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A mount namespace of our own; whoever is not root needs a user namespace for that. */
static bool enter_namespaces(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(uid ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		return false;
	if (uid) {
		snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
		if (!write_file("/proc/self/uid_map", map) ||
		    !write_file("/proc/self/setgroups", "deny"))
			return false;
		snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
		if (!write_file("/proc/self/gid_map", map))
			return false;
	}
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* The connection, mounted on @folder; -1: FUSE is not to be had. */
static int mount_floor(const char *folder)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[100];

	if (fd < 0)
		return -1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u", fd,
		 geteuid(), getegid());
	if (mount("floor", folder, "fuse.floor", MS_NOSUID | MS_NODEV, options)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- The client ---- */

struct floor {
	int file;
	pid_t other;			/* a process that can be asked about */
	int pidfd, pagemap, maps;	/* its */
	char page[64];			/* where it is in both, for one is the other's child */
};

static bool call_empty(void *ctx)
{
	return !ioctl(((struct floor *)ctx)->file, _IO('f', 1), 0);
}

static bool is_there(const struct floor *floor)
{
	return !syscall(SYS_pidfd_send_signal, floor->pidfd, 0, NULL, 0);
}

static bool call_known(void *ctx)
{
	const struct floor *floor = ctx;
	char byte;

	return is_there(floor) && pread(floor->pagemap, &byte, 1, 0) < 0 && errno == EINVAL;
}

static bool copy(const struct floor *floor, size_t length)
{
	char to[sizeof(floor->page)];
	struct iovec ours = { to, length }, theirs = { (void *)(uintptr_t)floor->page, length };

	return process_vm_readv(floor->other, &ours, 1, &theirs, 1, 0) == (ssize_t)length;
}

/* PROCMAP_QUERY of <linux/fs.h> (6.11), which may be too old to have it. */
static void query(const struct floor *floor)
{
	uint64_t vma[13] = { sizeof(vma), 0, (uintptr_t)floor->page };

	(void)ioctl(floor->maps, _IOWR('f', 17, uint64_t[13]), vma);
}

static bool call_command(void *ctx)
{
	const struct floor *floor = ctx;
	bool ok = is_there(floor) && copy(floor, 8) && copy(floor, 32);

	query(floor);
	return ok;
}

static double measure(void *ctx, char letter)
{
	bool (*call)(void *) = letter == 'k' ? call_known :
			       letter == 'c' ? call_command :
					       call_empty;

	return bench_repeat(letter == 'e' ? 0.2 : 0.05, UINT64_MAX, call, ctx);
}

static int open_of(pid_t pid, const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int play(pid_t server)
{
	struct floor floor = { .other = server };

	floor.file = open("/mnt/" FILE_NAME, O_RDWR | O_CLOEXEC);
	floor.pidfd = (int)syscall(SYS_pidfd_open, server, 0);
	floor.pagemap = open_of(server, "pagemap");
	floor.maps = open_of(server, "maps");
	return floor.file < 0 || floor.pidfd < 0 ? 1 : player_serve(measure, &floor);
}

int bench_fuse_floor(void *ctx)
{
	static const char folder[] = "/mnt";
	int fuse_fd, status;
	pid_t server;

	if (!enter_namespaces())
		return FLOOR_NO_FUSE;
	fuse_fd = mount_floor(folder);
	if (fuse_fd < 0)
		return FLOOR_NO_FUSE;
	server = fork();
	if (!server)
		_exit(serve(fuse_fd));
	close(fuse_fd);
	status = play(server);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	umount2(folder, MNT_DETACH);
	return status;
}
