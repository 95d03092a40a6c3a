/* SPDX-License-Identifier: MIT */
/* One of the two connections: a mounted /dev/fuse and libfuse's session on it (fuse_front.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "front/fuse/fuse_front.h"

#define BACKGROUND_MAX 4096		/* RELEASE is a background request: all of them, in order */
#define INIT_EXT (1u << 30)		/* FUSE_INIT_EXT: flags2 counts (5.17) */
#define ALLOW_MMAP (1u << 4)		/* FUSE_DIRECT_IO_ALLOW_MMAP, bit 36 (6.6) */

/*
 * What libfuse cannot do depends on its version, and with it how it comes by @fd.
 *
 * session_mount	gives the session @fd, mounted already: 0 or -EIO
 * want_mmap		the answer to INIT says that direct I/O and mapping go together
 */
#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP	/* 3.17 */

static int session_mount(struct connection *connection, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	return fuse_session_mount(connection->session, path) ? -EIO : 0;
}

static void want_mmap(struct fuse_conn_info *info)
{
	info->want |= info->capable & FUSE_CAP_DIRECT_IO_ALLOW_MMAP;
}

#else	/* The answer is completed on its way; 3.18.3 has ended that. */

static void complete_init(const struct connection *connection, const struct iovec *iov, int count)
{
	const struct fuse_out_header *header = iov[0].iov_base;
	struct fuse_init_out *out;

	if (header->unique != connection->init || header->error || count < 2 ||
	    iov[1].iov_len < sizeof(*out))
		return;
	out = iov[1].iov_base;
	out->flags |= INIT_EXT;
	out->flags2 |= ALLOW_MMAP;
}

static ssize_t connection_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct connection *connection = userdata;

	if (connection->offers_mmap && connection->init)
		complete_init(connection, iov, count);
	/* What this thread wrote is seen by whoever reads the client's next request. */
	atomic_fetch_add_explicit(&connection->fuse->answers, 1, memory_order_release);
	/* Not writev(): the sanitizers' looks at the bytes afterwards, when whoever asked may
	   have the answer and have closed the file they belong to. */
	return syscall(SYS_writev, fd, iov, count);
}

/* libfuse wants one; requests are read by connection_receive(). */
static ssize_t connection_read(int fd, void *to, size_t size, void *userdata)
{
	return read(fd, to, size);
}

static int session_mount(struct connection *connection, int fd)
{
	static const struct fuse_custom_io io = { .writev = connection_writev,
						  .read = connection_read };

	return fuse_session_custom_io(connection->session, &io, fd) ? -EIO : 0;
}

static void want_mmap(struct fuse_conn_info *info)
{
}

#endif

void connection_init(void *userdata, struct fuse_conn_info *info)
{
	const struct connection *connection = userdata;

	info->max_background = BACKGROUND_MAX;
	info->max_readahead = 0;
	info->max_write = CONNECTION_TRANSFER_MAX;
	info->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE | FUSE_CAP_AUTO_INVAL_DATA |
				  FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
#ifdef FUSE_CAP_OVER_IO_URING
	info->want &= ~(unsigned)FUSE_CAP_OVER_IO_URING;	/* requests come by connection_receive() */
#endif
	if (connection->cached)
		info->want |= info->capable & FUSE_CAP_AUTO_INVAL_DATA;
	if (connection->offers_mmap)
		want_mmap(info);
}

static void connection_saw_init(struct connection *connection, const struct fuse_in_header *header)
{
	const struct fuse_init_in *in = (const void *)(header + 1);

	connection->init = header->unique;
	connection->offers_mmap = connection->devices && !connection->fuse->page_cache &&
				  header->len >= sizeof(*header) + 20 &&
				  in->flags & INIT_EXT && in->flags2 & ALLOW_MMAP;
	connection->cached = connection->devices && !connection->offers_mmap;
}

size_t connection_receive(struct connection *connection, void *message)
{
	const struct fuse_in_header *header = message;
	ssize_t length;

	if (connection->ended)
		return 0;
	length = read(connection->fd, message, CONNECTION_MESSAGE_MAX);
	if (length < 0 && errno == ENODEV)
		connection->ended = true;
	if (length < (ssize_t)sizeof(*header))
		return 0;
	atomic_load_explicit(&connection->fuse->answers, memory_order_acquire);
	if (header->opcode == FUSE_INIT)
		connection_saw_init(connection, header);
	return (size_t)length;
}

int connection_create(struct vfiosim_fuse *fuse, struct connection *connection, int fd,
		      const char *path, bool devices)
{
	char *argv[] = { (char[]){ "vfiosim" }, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	const struct fuse_lowlevel_ops *ops = devices ? &devices_ops : &nodes_ops;

	connection->fuse = fuse;
	connection->devices = devices;
	connection->path = strdup(path);
	if (!connection->path)
		return -ENOMEM;
	connection->session = fuse_session_new(&args, ops, sizeof(*ops), connection);
	fuse_opt_free_args(&args);
	if (!connection->session)
		return -EIO;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) || session_mount(connection, fd))
		return -EIO;
	connection->fd = fd;
	return 0;
}

void connection_destroy(struct connection *connection)
{
	if (connection->session)
		fuse_session_destroy(connection->session);	/* closes what it was given */
	free(connection->path);
}

/* Aborts also where it answers EBUSY. */
void connection_abort(struct connection *connection)
{
	if (connection->fd >= 0 && umount2(connection->path, MNT_FORCE | UMOUNT_NOFOLLOW) &&
	    errno != EBUSY && errno != EINVAL && errno != ENOENT)
		fprintf(stderr, "vfiosim: cannot abort the connection at %s: %s\n",
			connection->path, strerror(errno));
}
