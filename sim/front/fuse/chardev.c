/* SPDX-License-Identifier: MIT */
/*
 * Device nodes that look like character devices to stat() by descriptor. FUSE
 * cannot serve one that is (the kernel would look for the real driver), and a
 * program may insist: QEMU compares a cdev's st_rdev with sysfs. So the filter
 * notifies of fstat(), and of fstatat() and statx() with AT_EMPTY_PATH, and for a
 * descriptor of ours the structure is filled in here. stat() by path stays as it
 * is: it shows a regular file.
 *
 * Every such call of every program pays for it, so descriptors that are not ours
 * are told without touching them: neither the descriptor's file system nor the
 * client's memory is asked for anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "front/fuse/chardev.h"
#include "front/fuse/fuse_front.h"

/* ---- Whose descriptor ---- */

static struct node *node_behind(struct vfiosim_fuse *fuse, dev_t dev, uint64_t inode)
{
	if (dev == fuse->remotes->nodes_dev)
		return tree_node(fuse->tree, inode);
	if (dev == fuse->remotes->devices_dev && inode >= CDEV_INO_FIRST)
		return cdev_node(fuse, inode_device(inode));
	return NULL;
}

bool chardev_find(struct vfiosim_fuse *fuse, pid_t tid, int fd, struct stat *ret_st)
{
	struct node_stat stat;
	struct node *node;
	uint64_t inode;
	dev_t dev;

	if (!remote_fd_identify(tid, fd, &dev, &inode))
		return false;
	node = node_behind(fuse, dev, inode);
	if (!node || node_stat(fuse->tree, node, &stat) || !stat.major ||
	    stat_of(fuse, node, ret_st))
		return false;
	ret_st->st_dev = dev;
	ret_st->st_ino = inode;
	ret_st->st_mode = S_IFCHR | (ret_st->st_mode & 07777);
	ret_st->st_rdev = makedev(stat.major, stat.minor);
	ret_st->st_size = 0;
	return true;
}

/* ---- The answer ---- */

static bool reads_empty_path(pid_t tid, uint64_t uva)
{
	char first;
	struct iovec ours = { &first, 1 }, theirs = { (void *)(uintptr_t)uva, 1 };

	if (!uva)
		return true;		/* as good as an empty one since 6.11 */
	return process_vm_readv(tid, &ours, 1, &theirs, 1, 0) == 1 && !first;
}

static struct statx_timestamp statx_time(struct timespec at)
{
	return (struct statx_timestamp){ .tv_sec = at.tv_sec, .tv_nsec = (uint32_t)at.tv_nsec };
}

static struct statx statx_of(const struct stat *st)
{
	return (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_nlink = (uint32_t)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_atime = statx_time(st->st_atim),
		.stx_ctime = statx_time(st->st_ctim),
		.stx_mtime = statx_time(st->st_mtim),
		.stx_rdev_major = major(st->st_rdev),
		.stx_rdev_minor = minor(st->st_rdev),
		.stx_dev_major = major(st->st_dev),
		.stx_dev_minor = minor(st->st_dev),
	};
}

bool chardev_asks_descriptor(const struct seccomp_notif *request)
{
	return request->data.nr == SYS_fstat ||
	       reads_empty_path((pid_t)request->pid, request->data.args[1]);
}

int chardev_write(struct remote *caller, const struct seccomp_notif *request,
		  const struct stat *st)
{
	const uint64_t *args = (const uint64_t *)request->data.args;
	struct statx stx;

	if (request->data.nr == SYS_fstat)
		return remote_write(caller, args[1], st, sizeof(*st));
	if (request->data.nr == SYS_newfstatat)
		return remote_write(caller, args[2], st, sizeof(*st));
	stx = statx_of(st);
	return remote_write(caller, args[4], &stx, sizeof(stx));
}
