/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: files that mappings name (client ops backing_*).
 *
 * What is made of memory is kept by a descriptor of our own; nothing else is, so no
 * file system but the kernel's own two is ever asked for anything. Its bytes are moved
 * through a mapping of ours that lives as long as the move, and by the calls that copy
 * between processes, given ourselves: where the file has become shorter, they say so,
 * while a load or store would end us.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "front/remote/remote.h"

struct vfiosim_backing {
	int fd;			/* -1: not made of memory */
	size_t page;		/* bytes of one of its pages: mappings begin with one */
};

/* Is it on one of our own mounts? Those are not to be asked. */
static bool is_own(const struct remotes *set, int fd, bool *ret_regular)
{
	struct statx stx;
	dev_t dev;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx))
		return true;
	dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	*ret_regular = S_ISREG(stx.stx_mode);
	return dev == set->nodes_dev || dev == set->devices_dev;
}

/* Mirrors shmem_file() || is_file_hugepages(). */
static bool is_memory(const struct remotes *set, int fd, size_t *ret_page)
{
	struct statfs fs;
	bool regular = false;

	if (is_own(set, fd, &regular) || !regular || fstatfs(fd, &fs))
		return false;
	*ret_page = fs.f_type == HUGETLBFS_MAGIC ? (size_t)fs.f_bsize : VFIOSIM_PAGE_SIZE;
	return fs.f_type == HUGETLBFS_MAGIC || fs.f_type == TMPFS_MAGIC;
}

/*
 * The kernel lets a device write to what was opened for reading, whoever's it is. Here it
 * may write what the caller could have opened for writing as well; what it could not is
 * kept as it is, and the device's writes fail.
 */
static int for_writing(struct remote_call *call, int fd)
{
	char path[64];
	int again;

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR)
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = remote_open(call, path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (again < 0)
		return fd;
	close(fd);
	return again;
}

int remote_backing_get(struct vfiosim_caller *caller, int fd, struct vfiosim_backing **ret_backing)
{
	struct remote_call *call = caller->ctx;
	struct vfiosim_backing *backing;
	int ours = remote_call_fd_get(call, fd);

	/* -EBADFD: one of the machine's, so no memory. */
	if (ours < 0 && ours != -EBADFD)
		return -EBADF;
	backing = malloc(sizeof(*backing));
	if (backing) {
		backing->fd = -1;
		if (ours >= 0 && is_memory(call->set, ours, &backing->page)) {
			backing->fd = for_writing(call, ours);
			ours = -1;
		}
		*ret_backing = backing;
	}
	if (ours >= 0)
		remote_fd_put(call->set, ours);
	return backing ? 0 : -ENOMEM;
}

/* These file systems answer from their inode, without waiting. */
uint64_t remote_backing_size(struct vfiosim_backing *backing)
{
	struct stat st;

	return backing->fd >= 0 && !fstat(backing->fd, &st) ? (uint64_t)st.st_size : 0;
}

/* A stretch of the file in our memory. */
struct window {
	uint8_t *start;		/* MAP_FAILED: none */
	size_t length;
	uint8_t *bytes;
};

static int window_open(const struct vfiosim_backing *backing, uint64_t offset, size_t length,
		       int prot, struct window *ret_window)
{
	uint64_t first;
	size_t mapped;

	if (backing->fd < 0)
		return -EFAULT;
	first = offset - offset % backing->page;
	mapped = (size_t)(offset - first) + length;
	mapped = (mapped + backing->page - 1) / backing->page * backing->page;
	ret_window->length = mapped;
	ret_window->start = mmap(NULL, mapped, prot, MAP_SHARED, backing->fd, (off_t)first);
	if (ret_window->start == MAP_FAILED)	/* EPERM: sealed */
		return errno == EACCES || errno == EPERM ? -EACCES : -EFAULT;
	ret_window->bytes = ret_window->start + (offset - first);
	return 0;
}

static void window_close(struct window *window)
{
	munmap(window->start, window->length);
}

int remote_backing_read(struct vfiosim_backing *backing, uint64_t offset, void *to, size_t length)
{
	struct window window;
	struct iovec local = { to, length }, remote;
	ssize_t moved;
	int ret = window_open(backing, offset, length, PROT_READ, &window);

	if (ret)
		return ret;
	remote = (struct iovec){ window.bytes, length };
	moved = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	window_close(&window);
	return moved == (ssize_t)length ? 0 : -EFAULT;
}

int remote_backing_write(struct vfiosim_backing *backing, uint64_t offset, const void *from,
			 size_t length)
{
	struct window window;
	struct iovec local, remote;
	ssize_t moved;
	int ret = window_open(backing, offset, length, PROT_READ | PROT_WRITE, &window);

	if (ret)
		return ret;
	local = (struct iovec){ (void *)(uintptr_t)from, length };
	remote = (struct iovec){ window.bytes, length };
	moved = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	window_close(&window);
	return moved == (ssize_t)length ? 0 : -EFAULT;
}

void remote_backing_put(struct vfiosim_backing *backing)
{
	if (backing->fd >= 0)
		close(backing->fd);
	free(backing);
}
