/* SPDX-License-Identifier: MIT */
/*
 * The inside of the FUSE front, shared by fuse*.c and supervise.c.
 *
 *	fuse.c			life cycle, receiving in order
 *	fuse_connection.c	one of the two connections
 *	fuse_nodes.c		the nodes connection: names and attributes (tree.h)
 *	fuse_devices.c		the devices connection: device files
 *	fuse_file.c		open files of both: commands, read, write, release
 *	fuse_store.c		stores into attributes that have to wait
 *	late.c			answers that a fault delays
 *	supervise.c		commands that return a descriptor, by seccomp notification
 *
 * Order: the machine must see a close before whatever the client does next, on
 * either connection. RELEASE is asynchronous, but queued before close() returns;
 * so requests are begun in order (loop.h), RELEASE is answered by the leader
 * without lending the lead, and before a request of one connection is begun,
 * whatever the other holds by then is taken in.
 *
 * Deadlock: who holds vfiosim_fuse.lock or remotes.lock calls nothing that may
 * wait for a client or for our own mount.
 */
#ifndef SIM_FRONT_FUSE_FUSE_FRONT_H
#define SIM_FRONT_FUSE_FUSE_FRONT_H

#include <fuse_lowlevel.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <time.h>

#include <vfiosim/fuse.h>

#include "front/fuse/last.h"
#include "front/loop/loop.h"
#include "front/remote/remote.h"
#include "front/sysfs/tree.h"

/* One mounted /dev/fuse; userdata of its session. */
struct connection {
	struct vfiosim_fuse *fuse;
	struct fuse_session *session;	/* owns fd */
	int fd;				/* -1: not opened yet */
	char *path;			/* where it is mounted */
	bool devices;			/* which of the two */
	bool ended;			/* unmounted or aborted. The leader's */
	/* Its INIT request, whose answer connection_writev() completes. */
	uint64_t init;
	bool offers_mmap;		/* kernel 6.6: FUSE_DIRECT_IO_ALLOW_MMAP */
	bool cached;			/* devices without that: fuse_cached.c */
};

/* One open file (fuse_file_info.fh), from its OPEN or OPENDIR to its RELEASE. */
struct handle {
	TAILQ_ENTRY(handle) in_front;
	struct vfiosim_file *file;	/* container, group, device; NULL: another kind */
	bool device;			/* on the devices connection */
	_Atomic uint64_t inode;		/* there; 0: on the other one */
	atomic_bool left_open;		/* the last who had it kept it to its end; followed only */
	struct node *node;		/* an attribute or a folder; NULL: a file */
	enum node_kind kind;		/* of node */
	char *text;			/* an attribute as it was at open; NULL: write-only */
	size_t length;
	size_t told;			/* NODE_CONTROL: bytes of text that were read; fuse->lock */
	struct dirent_list {		/* a folder as it was at opendir */
		struct dirent_row {
			char *name;
			struct stat st;
		} *rows;
		size_t n;
	} list;
};

/* Mode and owner of a node that are not the tree's any more. */
struct node_owner {
	mode_t permissions;
	uint32_t uid, gid;
};

/* A file that a thread of ours is opening on the devices connection; on its stack. */
struct install {
	LIST_ENTRY(install) next;
	pid_t tid;
	struct vfiosim_file *file;
	struct handle *handle;		/* out: what its OPEN made of it */
};

struct vfiosim_fuse {
	struct vfiosim *sim;
	struct tree *tree;
	struct last *last;
	struct remotes *remotes;
	struct loop *loop;
	struct connection nodes, devices;
	struct pollfd sources[LOOP_SOURCES];	/* the leader's */
	struct connection *asked_first;	/* the leader's */
	unsigned in_a_row;		/* requests that had, all from there */
	void *spare;			/* the leader's second buffer */
	atomic_uint answers;		/* counted to order answers before later requests */
	atomic_uint device_files;	/* open on the devices connection, ours included */
	uint32_t uid, gid;		/* owner of device nodes */
	uint32_t root_uid, root_gid;	/* owner of everything else: 0 where that is mapped */
	struct timespec started;	/* time of every node */
	int stop_fd;			/* an eventfd: readable once stopped */
	atomic_bool cut;		/* aborted for a client that could not die otherwise */
	bool page_cache;		/* as below Linux 6.6 */
	int (*control)(void *ctx, pid_t tid, const char *line, char **ret_answer);
	void *control_ctx;
	atomic_uint_fast64_t changes;	/* cached_stat() so far */

	pthread_mutex_t lock;		/* guards what follows */
	TAILQ_HEAD(, handle) handles;
	TAILQ_HEAD(, parked) parked;	/* stores that wait */
	uint64_t releases;		/* files released so far */
	LIST_HEAD(, install) installs;
	struct id_map owners;		/* node id -> struct node_owner */
	char *control_answer;		/* the last to a line from a descriptor that cannot read; NULL */
};

extern const struct fuse_lowlevel_ops nodes_ops, devices_ops;

static inline struct vfiosim_fuse *req_fuse(fuse_req_t req)
{
	struct connection *connection = fuse_req_userdata(req);

	return connection->fuse;
}

static inline pid_t req_tid(fuse_req_t req)
{
	return fuse_req_ctx(req)->pid;
}

/* ---- fuse_connection.c ---- */

#define CONNECTION_TRANSFER_MAX (1u << 20)	/* bytes of one READ or WRITE */
#define CONNECTION_MESSAGE_MAX (CONNECTION_TRANSFER_MAX + 8192)

/* A session on @fd, a /dev/fuse that is mounted on @path and belongs to it then. -ENOMEM, -EIO. */
int connection_create(struct vfiosim_fuse *fuse, struct connection *connection, int fd,
		      const char *path, bool devices);
/* Also of what connection_create() failed on, or never saw. */
void connection_destroy(struct connection *connection);
/* Nobody waits for an answer any more. */
void connection_abort(struct connection *connection);
/* One request into @message, without waiting: its length; 0: none now, or ended. */
size_t connection_receive(struct connection *connection, void *message);
/* The op that answers INIT, of both. */
void connection_init(void *userdata, struct fuse_conn_info *info);

/* ---- fuse_nodes.c ---- */

/* What stat() says of a node. 0, or -ENOENT: it is not there any more. */
int stat_of(struct vfiosim_fuse *fuse, struct node *node, struct stat *ret_st);
/* Changes mode and owner; NULL: -ENOENT. -ENOMEM. */
int node_setattr(struct vfiosim_fuse *fuse, struct node *node, const struct stat *attr, int to_set);
/* Answers OPENDIR and READDIR of a folder of the tree; NULL: ENOENT. */
void folder_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi);
void folder_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi);

/* ---- fuse_file.c ---- */

/* NULL: no memory. */
struct handle *handle_create(struct vfiosim_fuse *fuse);
/* Of a file that nobody has open any more: releases nothing of the machine's. */
void handle_destroy(struct vfiosim_fuse *fuse, struct handle *handle);
/* Releases what the handle stands for. */
void handle_release(struct vfiosim_fuse *fuse, struct handle *handle);
static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}
/* Of a file whose pages programs can map. */
bool handle_is_mappable(const struct handle *handle);
/* Answers an OPEN with the handle; takes it back if the opener has gone meanwhile. */
void handle_reply(fuse_req_t req, struct handle *handle, struct fuse_file_info *fi);

void file_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		size_t out_size);
void file_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	       struct fuse_file_info *fi);
void file_write(fuse_req_t req, fuse_ino_t ino, const char *from, size_t size, off_t offset,
		struct fuse_file_info *fi);
void file_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	       struct fuse_pollhandle *wakes);
/* Only where somebody follows the trace: a descriptor is closed. */
void file_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void file_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ---- fuse_store.c ---- */

/* Stores, answers @req now or later. */
void store_begin(fuse_req_t req, struct node *node, const char *text, size_t length);
/* A file was released: try again what waits. */
void store_retry(struct vfiosim_fuse *fuse);
/* The front ends: nothing waits any more. */
void store_cancel(struct vfiosim_fuse *fuse);

/* ---- fuse_cached.c ---- */

/* Attributes that tell the kernel to forget what it has of the file. */
void cached_stat(struct vfiosim_fuse *fuse, struct stat *st);
/* A read of whole pages: @size, or what the device refuses with. */
ssize_t cached_read(struct handle *handle, struct vfiosim_caller *caller, void *to, size_t size,
		    off_t offset);

/* ---- fuse_devices.c ---- */

/*
 * There is no @name in /dev/vfio, or in @folder there ("devices/"): tells the trace why, if
 * a node could be called so. Before the answer; never waits.
 */
void lookup_refuse(fuse_req_t req, const char *folder, const char *name);
/* Files are not made: EACCES. */
void no_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);

/* The node of the device with this index, NULL: it has none now. */
struct node *cdev_node(struct vfiosim_fuse *fuse, uint32_t device);

/* In a job of an aside's: a descriptor there (close-on-exec) for a device file, which from now on
   belongs to it. -errno. */
int device_fd_open(struct vfiosim_fuse *fuse, struct vfiosim_file *file);
/* The thread's process ends: what it maps of devices it has left open. May wait for its memory. */
void devices_left_mapped(struct vfiosim_fuse *fuse, pid_t tid);
/* Takes the file back: closing the descriptor releases nothing. */
void device_fd_revoke(struct vfiosim_fuse *fuse, struct vfiosim_file *file);

#endif
