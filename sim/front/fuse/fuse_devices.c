/* SPDX-License-Identifier: MIT */
/*
 * The devices connection: a folder of devices, told by their inode numbers, so
 * that a client's VMA names device and offset. Each has two files:
 *
 *	vfioN		its own node; the folder stands at /dev/vfio/devices
 *	(hidden)	what its group hands out. Cannot be opened by name or through
 *			/proc: only the server opens it, for a device file that it is
 *			about to put into a client's table (device_fd_open()).
 *
 * All open files of a device share one inode, hence one set of mapped pages, as a
 * device's registers are one. (It is never open both ways at a time.)
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "machine/lock.h"
#include "vfio/device.h"
#include "machine/sim.h"
#include "front/fuse/fuse_front.h"
#include "front/remote/aside.h"

#define DEVICE_NAME "vfio-device-%u"	/* not listed */
#define CDEVS_PATH "dev/vfio/devices"	/* of the tree */
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
	if (fuse->devices.cached)
		cached_stat(fuse, st);
	return ino == FUSE_ROOT_ID || ino >= DEVICE_INO_FIRST;
}

/* How long the kernel may believe device_stat(), in seconds. */
static double device_timeout(const struct vfiosim_fuse *fuse)
{
	return fuse->devices.cached ? 0 : 3600;
}

struct node *cdev_node(struct vfiosim_fuse *fuse, uint32_t device)
{
	char path[sizeof(CDEVS_PATH) + 24];
	int number = -1;

	lock_take(fuse->sim);
	if (device < fuse->sim->n_devices && fuse->sim->devices[device]->vfio)
		number = fuse->sim->devices[device]->vfio->cdev;
	lock_release(fuse->sim);
	snprintf(path, sizeof(path), CDEVS_PATH "/vfio%d", number);
	return number < 0 ? NULL : tree_find(fuse->tree, path);
}

/* Of a node there is now: named, and mapped as any device file. */
static int cdev_stat(struct vfiosim_fuse *fuse, struct node *node, struct stat *ret_st)
{
	int error = node ? stat_of(fuse, node, ret_st) : -ENOENT;

	ret_st->st_size = DEVICE_SIZE;
	if (fuse->devices.cached)
		cached_stat(fuse, ret_st);
	return error;
}

/* Is the thread one of ours that is about to open a file? */
static bool install_waits(struct vfiosim_fuse *fuse, pid_t tid)
{
	struct install *install;

	pthread_mutex_lock(&fuse->lock);
	LIST_FOREACH(install, &fuse->installs, next)
		if (install->tid == tid)
			break;
	pthread_mutex_unlock(&fuse->lock);
	return install;
}

/* A hidden file is there for whoever has something to open it for. */
static void lookup_hidden(fuse_req_t req, uint32_t device)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct fuse_entry_param entry = { .ino = DEVICE_INO_FIRST + device };

	if (!install_waits(fuse, req_tid(req))) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	device_stat(fuse, entry.ino, &entry.attr);
	entry.attr_timeout = device_timeout(fuse);
	fuse_reply_entry(req, &entry);
}

static void devices_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct fuse_entry_param entry = { 0 };
	struct node *folder, *node = NULL;
	unsigned device;
	char end;

	if (sscanf(name, DEVICE_NAME "%c", &device, &end) == 1) {
		lookup_hidden(req, device);
		return;
	}
	folder = tree_find(fuse->tree, CDEVS_PATH);
	if (folder)
		node = tree_lookup(fuse->tree, folder, name);
	if (cdev_stat(fuse, node, &entry.attr)) {
		lookup_refuse(req, "devices/", name);
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry.ino = entry.attr.st_ino;
	fuse_reply_entry(req, &entry);
}

static void devices_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct stat st;

	/* One whose node is gone is still open somewhere. */
	if (ino >= CDEV_INO_FIRST && !cdev_stat(fuse, cdev_node(fuse, inode_device(ino)), &st))
		fuse_reply_attr(req, &st, 0);
	else if (device_stat(fuse, ino, &st))
		fuse_reply_attr(req, &st, device_timeout(fuse));
	else
		fuse_reply_err(req, ENOENT);
}

static void devices_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			    struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct node *node = ino >= CDEV_INO_FIRST ? cdev_node(fuse, inode_device(ino)) : NULL;
	int error = node_setattr(fuse, node, attr, to_set);

	if (error)
		fuse_reply_err(req, error == -ENOENT ? EPERM : -error);
	else
		devices_getattr(req, ino, fi);
}

static void devices_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	folder_open(req, tree_find(req_fuse(req)->tree, CDEVS_PATH), fi);
}

/* Before 6.6 direct I/O and mapping exclude each other: pages are cached then. */
static void open_uncached(const struct connection *connection, const struct handle *handle,
			  struct fuse_file_info *fi)
{
	fi->direct_io = connection->offers_mmap || !handle_is_mappable(handle);
	fi->keep_cache = !fi->direct_io;
}

static void become_device(struct vfiosim_fuse *fuse, struct handle *handle, fuse_ino_t ino)
{
	handle->device = true;
	atomic_store(&handle->inode, ino);
	atomic_fetch_add(&fuse->device_files, 1);
}

static void cdev_open_by_name(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_create(fuse);
	struct remote_call call;
	int error;

	if (!handle) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	become_device(fuse, handle, ino);
	loop_lend(fuse->loop);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req), REMOTE_MAKE);
	error = vfiosim_open_cdev(fuse->sim, &call.caller, inode_device(ino), &handle->file);
	remote_call_finish(&call);
	remote_call_end(&call);
	if (error) {
		handle_destroy(fuse, handle);
		fuse_reply_err(req, -error);
		return;
	}
	vfiosim_file_set_ctx(handle->file, handle);
	open_uncached(fuse_req_userdata(req), handle, fi);
	handle_reply(req, handle, fi);
}

/*
 * Gives @handle the file that the thread of @req, one of ours, waits for, and describes it in
 * @fi. False: the thread waits for none. After this the file may be freed at any moment, by
 * the thread whose open() failed: only the lock keeps it.
 */
static bool install_take(fuse_req_t req, struct handle *handle, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	pid_t tid = req_tid(req);
	struct install *install;
	bool found = false;

	pthread_mutex_lock(&fuse->lock);
	LIST_FOREACH(install, &fuse->installs, next) {
		if (install->tid != tid || !install->file)
			continue;
		handle->file = install->file;
		install->file = NULL;
		install->handle = handle;
		vfiosim_file_set_ctx(handle->file, handle);
		open_uncached(fuse_req_userdata(req), handle, fi);
		/* A fault queue: no lseek(), no pread(). */
		fi->nonseekable = vfiosim_file_kind(handle->file) == VFIOSIM_FAULT;
		found = true;
		break;
	}
	pthread_mutex_unlock(&fuse->lock);
	return found;
}

static void devices_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle;

	if (ino >= CDEV_INO_FIRST) {
		cdev_open_by_name(req, ino, fi);
		return;
	}
	handle = handle_create(fuse);
	if (!handle) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	become_device(fuse, handle, ino);
	if (!install_take(req, handle, fi)) {
		handle_destroy(fuse, handle);
		fuse_reply_err(req, ENXIO);
		return;
	}
	fi->fh = (uintptr_t)handle;
	fi->noflush = !vfiosim_trace_followed(fuse->sim);
	/* Should the answer come too late, device_fd_open() fails and takes the file back. */
	fuse_reply_open(req, fi);
}

const struct fuse_lowlevel_ops devices_ops = {
	.init = connection_init,
	.lookup = devices_lookup,
	.getattr = devices_getattr,
	.setattr = devices_setattr,
	.open = devices_open,
	.create = no_create,
	.opendir = devices_opendir,
	.readdir = folder_read,
	.releasedir = file_release,
	.ioctl = file_ioctl,
	.read = file_read,
	.write = file_write,
	.poll = file_poll,
	.flush = file_flush,
	.release = file_release,
};

int device_fd_open(struct vfiosim_fuse *fuse, struct vfiosim_file *file)
{
	struct install install = { .tid = gettid(), .file = file };
	uint32_t device = vfiosim_file_device(file);
	char *path;
	int fd;

	if (vfiosim_file_kind(file) == VFIOSIM_FAULT)
		device = FAULT_INO - DEVICE_INO_FIRST;
	if (asprintf(&path, "%s/" DEVICE_NAME, fuse->devices.path, device) < 0)
		return -ENOMEM;
	pthread_mutex_lock(&fuse->lock);
	LIST_INSERT_HEAD(&fuse->installs, &install, next);
	pthread_mutex_unlock(&fuse->lock);
	fd = aside_open(path, O_RDWR | O_CLOEXEC);
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

/* ---- What is mapped ---- */

static void leave_open(struct vfiosim_fuse *fuse, uint64_t inode)
{
	struct handle *handle;

	pthread_mutex_lock(&fuse->lock);
	TAILQ_FOREACH(handle, &fuse->handles, in_front)
		if (atomic_load(&handle->inode) == inode)
			atomic_store(&handle->left_open, true);
	pthread_mutex_unlock(&fuse->lock);
}

void devices_left_mapped(struct vfiosim_fuse *fuse, pid_t tid)
{
	unsigned major, minor;
	size_t capacity = 0;
	char path[32], *line = NULL;
	uint64_t inode;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)tid);
	maps = fopen(path, "re");
	while (maps && getline(&line, &capacity, maps) > 0)
		if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) == 3 &&
		    makedev(major, minor) == fuse->remotes->devices_dev)
			leave_open(fuse, inode);
	free(line);
	if (maps)
		fclose(maps);
}
