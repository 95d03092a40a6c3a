/* SPDX-License-Identifier: MIT */
/*
 * The devices connection: a folder with one file per device, told by its inode
 * number, so that a client's VMA names device and offset. The files cannot be
 * opened by name or through /proc: only the server opens them, for a device file
 * that it is about to put into a client's table (device_fd_open()).
 *
 * All open files of a device share one inode, hence one set of mapped pages, as a
 * device's registers are one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/fuse_front.h"

#define DEVICE_NAME "vfio-device-%u"
#define DEVICE_SIZE (1ll << 52)		/* covers every region's offset */

static bool device_stat(struct vfiosim_fuse *fuse, fuse_ino_t ino, struct stat *st)
{
	bool root = ino == FUSE_ROOT_ID;

	*st = (struct stat){
		.st_ino = ino,
		.st_mode = root ? S_IFDIR | 0755 : S_IFREG | 0600,
		.st_nlink = root ? 2 : 1,
		.st_uid = root ? fuse->root_uid : fuse->uid,
		.st_gid = root ? fuse->root_gid : fuse->gid,
		.st_size = root ? 0 : DEVICE_SIZE,
		.st_blksize = VFIOSIM_PAGE_SIZE,
		.st_atim = fuse->started,
		.st_mtim = fuse->started,
		.st_ctim = fuse->started,
	};
	return ino == FUSE_ROOT_ID || ino >= DEVICE_INO_FIRST;
}

static void devices_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { 0 };
	unsigned device;
	char end;

	if (sscanf(name, DEVICE_NAME "%c", &device, &end) != 1) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry.ino = DEVICE_INO_FIRST + device;
	device_stat(req_fuse(req), entry.ino, &entry.attr);
	entry.attr_timeout = 3600;	/* never changes */
	fuse_reply_entry(req, &entry);
}

static void devices_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	if (device_stat(req_fuse(req), ino, &st))
		fuse_reply_attr(req, &st, 3600);
	else
		fuse_reply_err(req, ENOENT);
}

static void devices_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct connection *connection = fuse_req_userdata(req);
	struct vfiosim_fuse *fuse = connection->fuse;
	struct handle *handle = handle_create(fuse);
	pid_t tid = req_tid(req);
	struct install *install;

	if (!handle) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	handle->device = true;
	atomic_fetch_add(&fuse->device_files, 1);
	pthread_mutex_lock(&fuse->lock);
	LIST_FOREACH(install, &fuse->installs, next) {
		if (install->tid == tid && install->file) {
			handle->file = install->file;
			install->file = NULL;
			install->handle = handle;
			break;
		}
	}
	pthread_mutex_unlock(&fuse->lock);
	if (!handle->file) {
		handle_destroy(fuse, handle);
		fuse_reply_err(req, ENXIO);
		return;
	}
	vfiosim_file_set_ctx(handle->file, handle);
	/* Before 6.6 direct I/O and mapping exclude each other: pages are cached then. */
	fi->direct_io = connection->offers_mmap;
	fi->keep_cache = !connection->offers_mmap;
	fi->fh = (uintptr_t)handle;
	fi->noflush = 1;
	/* Should the answer come too late, device_fd_open() fails and takes the file back. */
	fuse_reply_open(req, fi);
}

const struct fuse_lowlevel_ops devices_ops = {
	.init = connection_init,
	.lookup = devices_lookup,
	.getattr = devices_getattr,
	.open = devices_open,
	.ioctl = file_ioctl,
	.read = file_read,
	.write = file_write,
	.release = file_release,
};

int device_fd_open(struct vfiosim_fuse *fuse, struct vfiosim_file *file)
{
	struct install install = { .tid = gettid(), .file = file };
	char *path;
	int fd;

	if (asprintf(&path, "%s/" DEVICE_NAME, fuse->devices.path, vfiosim_file_device(file)) < 0)
		return -ENOMEM;
	pthread_mutex_lock(&fuse->lock);
	LIST_INSERT_HEAD(&fuse->installs, &install, next);
	pthread_mutex_unlock(&fuse->lock);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	pthread_mutex_lock(&fuse->lock);
	LIST_REMOVE(&install, next);
	if (fd < 0 && install.handle)
		install.handle->file = NULL;
	pthread_mutex_unlock(&fuse->lock);
	free(path);
	return fd;
}

void device_fd_revoke(struct vfiosim_fuse *fuse, struct vfiosim_file *file)
{
	struct handle *handle = vfiosim_file_ctx(file);

	pthread_mutex_lock(&fuse->lock);
	handle->file = NULL;
	pthread_mutex_unlock(&fuse->lock);
	vfiosim_file_set_ctx(file, NULL);
}
