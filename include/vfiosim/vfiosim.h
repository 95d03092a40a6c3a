/* SPDX-License-Identifier: MIT */
/*
 * vfiosim: the kernel side of VFIO, simulated.
 *
 * One struct vfiosim is one machine: its IOMMUs, groups and devices come from a
 * topology (topology.h), its users are *clients*. A client is a set of memory
 * (the kernel's mm): it opens files, issues commands on them and owns the memory
 * that mappings point at. The simulator never touches a client's memory, file
 * descriptors or limits itself: it asks through struct vfiosim_client_ops, so
 * that the same machine serves threads of this process (inproc.h) and foreign
 * processes that reach it through FUSE (fuse.h).
 *
 * Life of a machine:
 *	vfiosim_create -> { vfiosim_client_create -> vfiosim_open -> vfiosim_ioctl ...
 *	-> vfiosim_release -> vfiosim_client_put } -> vfiosim_destroy
 *
 * Errors: every function that can fail returns 0 (or a length, or a file
 * descriptor number) on success and a negative errno otherwise.
 *
 * Threads: every function may be called from any thread at any time. No lock of
 * the simulator is held while a client op runs, so a client op may block, and
 * may call back into the simulator, except where its comment says otherwise.
 */
#ifndef VFIOSIM_VFIOSIM_H
#define VFIOSIM_VFIOSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim;
struct vfiosim_client;
struct vfiosim_file;
struct vfiosim_node;
struct vfiosim_topology;

/* ---- Life cycle -------------------------------------------------------- */

/*
 * Builds a machine from @topology, which stays the caller's and must outlive it.
 * -ENOMEM; -EINVAL when the topology names a device model that does not exist
 * (a topology that vfiosim_topology_load() accepted never does).
 */
int vfiosim_create(const struct vfiosim_topology *topology, struct vfiosim **ret_sim);

/*
 * Frees the machine. Every file must have been released and every client put.
 * NULL is allowed.
 */
void vfiosim_destroy(struct vfiosim *sim);

/* ---- What the simulator asks of a client ------------------------------- */

#define VFIOSIM_PAGE_SIZE 4096u

enum vfiosim_vma_kind {
	VFIOSIM_VMA_MEMORY,	/* pages that can be pinned: anonymous, or of a file system in memory */
	VFIOSIM_VMA_PRIVATE,	/* a private mapping of any file: pinned as a copy */
	VFIOSIM_VMA_DIRTYTRACK,	/* a shared mapping of a file system that tracks dirty pages: not
				   pinnable for writing (mm/gup.c: writable_file_mapping_allowed) */
	VFIOSIM_VMA_REGION,	/* a region of one of this machine's own devices */
	VFIOSIM_VMA_NEVER,	/* exists, but cannot be pinned (beyond the end of its file, ...) */
};

/* One stretch of a client's address space. first and last are inclusive, page granular. */
struct vfiosim_vma {
	uint64_t first;
	uint64_t last;
	bool readable;
	bool writable;
	enum vfiosim_vma_kind kind;
	uint32_t device;	/* VFIOSIM_VMA_REGION: index of the device in the machine */
	uint64_t offset;	/* VFIOSIM_VMA_REGION: offset of @first in the device's file */
};

/* VMAs in ascending order. The op appends with vfiosim_vmas_add(); the simulator frees. */
struct vfiosim_vmas {
	struct vfiosim_vma *items;
	size_t n;
	size_t capacity;
	bool lent;		/* items is somebody else's: copied when it is too small, never freed */
};
/* -ENOMEM */
int vfiosim_vmas_add(struct vfiosim_vmas *vmas, const struct vfiosim_vma *vma);
void vfiosim_vmas_done(struct vfiosim_vmas *vmas);

/* The rights and limits of a caller, as they are now. */
struct vfiosim_limits {
	uint64_t memlock;	/* bytes; UINT64_MAX: unlimited (RLIMIT_MEMLOCK) */
	bool ipc_lock;		/* CAP_IPC_LOCK: locked memory is not limited */
	bool sys_rawio;		/* CAP_SYS_RAWIO: may use groups without IOMMU */
	bool sys_resource;	/* CAP_SYS_RESOURCE: may choose how iommufd accounts */
	uint32_t uid;		/* whose locked memory iommufd accounts */
};

/* An eventfd of a client, held by the simulator. Belongs to the front. */
struct vfiosim_eventfd;

/* A file of a client that mappings name, held by the simulator. Belongs to the front. */
struct vfiosim_backing;

/*
 * One thread of a client, in one call. Lives on the front's stack: fill in
 * @client, @ctx and @tid, pass it to one entry point, reply, then call
 * vfiosim_finish() exactly once.
 */
struct vfiosim_caller {
	struct vfiosim_client *client;
	void *ctx;		/* the front's own; not interpreted */
	uint32_t tid;		/* for traces; 0 where there is none */
	bool unasked;		/* a read for the front's own use (a page to be mapped): where it is
				   refused nobody is told, because nobody asked */
	uint32_t late_ms;	/* out: the answer is to be given only so much later; start with 0 */
	void *deferred;		/* the simulator's: work for vfiosim_finish(); start with NULL */
};

/*
 * How a front serves its clients. Called with no lock held and may block, but for
 * backing_size. @ctx of
 * the client ops below is the one given to vfiosim_client_create().
 */
struct vfiosim_client_ops {
	/* Copy all of @length bytes from/to the client's memory, respecting its
	   protection. 0, or -EFAULT (then an unknown part may have been copied). */
	int (*read)(void *client_ctx, uint64_t uva, void *to, size_t length);
	int (*write)(void *client_ctx, uint64_t uva, const void *from, size_t length);
	/* Append every VMA that touches first..last. 0, -ENOMEM; -ESRCH when the
	   memory is gone (the process ended or called exec). */
	int (*vmas)(void *client_ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas);
	/* The limits and rights of the calling thread. 0 or -ESRCH. */
	int (*limits)(struct vfiosim_caller *caller, struct vfiosim_limits *ret_limits);
	/* RLIMIT_MEMLOCK, in bytes, of the process whose memory it is, as it is now
	   (UINT64_MAX: unlimited). 0; -ESRCH when the memory is gone. */
	int (*memlock)(void *client_ctx, uint64_t *ret_memlock);
	/* Which of the simulator's files is the caller's descriptor @fd? The file is
	   borrowed until vfiosim_finish(). -EBADF: no such descriptor (or O_PATH);
	   -EBADFD: a descriptor of something else. */
	int (*file)(struct vfiosim_caller *caller, int fd, struct vfiosim_file **ret_file);
	/* Hold the caller's eventfd @fd. -EBADF; -EINVAL: not an eventfd. */
	int (*event_get)(struct vfiosim_caller *caller, int fd, struct vfiosim_eventfd **ret_event);
	/* Add 1 to its counter. Never blocks: a full counter stays full. */
	void (*event_signal)(struct vfiosim_eventfd *event);
	void (*event_put)(struct vfiosim_eventfd *event);
	/* Does the caller's process still have a descriptor of it? NULL: as if it had. */
	bool (*event_open)(struct vfiosim_caller *caller, struct vfiosim_eventfd *event);
	/* Hold the file behind the caller's descriptor @fd, whatever it is, for mappings
	   of it. -EBADF, -ENOMEM. */
	int (*backing_get)(struct vfiosim_caller *caller, int fd,
			   struct vfiosim_backing **ret_backing);
	/* Its size in bytes as it is now, when it is made of memory (a memfd, a file of
	   tmpfs or hugetlbfs), else 0. Called with the simulator's lock held: must
	   answer at once. */
	uint64_t (*backing_size)(struct vfiosim_backing *backing);
	/* Copy all of @length bytes at @offset. 0; -EFAULT: not there (then an unknown
	   part may have been copied); -EACCES: not the client's to write. */
	int (*backing_read)(struct vfiosim_backing *backing, uint64_t offset, void *to,
			    size_t length);
	int (*backing_write)(struct vfiosim_backing *backing, uint64_t offset, const void *from,
			     size_t length);
	void (*backing_put)(struct vfiosim_backing *backing);
	/* Put @file into the caller's descriptor table, close-on-exec; returns the
	   number, or -EMFILE... On success the descriptor owns the file: the front
	   calls vfiosim_release() when it is closed for good. */
	int (*install)(struct vfiosim_caller *caller, struct vfiosim_file *file);
	/* Send the calling thread a signal, of which it hears when its call returns. NULL: none. */
	void (*signal)(struct vfiosim_caller *caller, int signal);
	/* The calling thread's name, at most @size bytes. NULL: it has none. */
	void (*comm)(struct vfiosim_caller *caller, char *to, size_t size);
	/* The last reference is gone; free @client_ctx. */
	void (*done)(void *client_ctx);
};

/* A client, counted from 1. -ENOMEM. @ops must outlive it. */
int vfiosim_client_create(struct vfiosim *sim, const struct vfiosim_client_ops *ops,
			  void *client_ctx, struct vfiosim_client **ret_client);
struct vfiosim_client *vfiosim_client_get(struct vfiosim_client *client);
void vfiosim_client_put(struct vfiosim_client *client);
/* The number a client has in traces and state: 1, 2, ... in order of creation. */
uint32_t vfiosim_client_number(const struct vfiosim_client *client);

/* ---- Files ------------------------------------------------------------- */

enum vfiosim_file_kind {
	VFIOSIM_CONTAINER = 1,	/* /dev/vfio/vfio */
	VFIOSIM_GROUP = 2,	/* /dev/vfio/N, /dev/vfio/noiommu-N */
	VFIOSIM_DEVICE = 4,	/* what VFIO_GROUP_GET_DEVICE_FD returns, or an opened cdev */
	VFIOSIM_IOMMUFD = 8,	/* /dev/iommu */
	VFIOSIM_FAULT = 16,	/* what IOMMU_FAULT_QUEUE_ALLOC returns */
};

/* /dev/vfio/vfio opened. -ENOMEM. */
int vfiosim_open_container(struct vfiosim *sim, struct vfiosim_caller *caller,
			   struct vfiosim_file **ret_file);
/*
 * A group's node opened, by its index in the machine (vfiosim_group_info()).
 * -EBUSY: open already, or in use through a device file that outlives the group
 * file; -ENODEV: no device of it is bound to a vfio driver; -EPERM: a group
 * without IOMMU and no CAP_SYS_RAWIO; -ENOMEM. Mirrors vfio_group_fops_open (7.2).
 */
int vfiosim_open_group(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t group,
		       struct vfiosim_file **ret_file);

/* /dev/iommu opened. -ENOMEM. */
int vfiosim_open_iommufd(struct vfiosim *sim, struct vfiosim_caller *caller,
			 struct vfiosim_file **ret_file);
/*
 * /dev/vfio/devices/vfioN opened, by the device's index in the machine. May be open
 * any number of times; until VFIO_DEVICE_BIND_IOMMUFD it answers EINVAL to
 * everything else. -ENODEV: not bound to a vfio driver; -ENOMEM. Mirrors
 * vfio_device_fops_cdev_open (7.2).
 */
int vfiosim_open_cdev(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t device,
		      struct vfiosim_file **ret_file);

/*
 * A command: what ioctl(fd, cmd, arg) returns, or a negative errno. Commands
 * that return a descriptor install it through the client op of that name.
 */
long vfiosim_ioctl(struct vfiosim_file *file, struct vfiosim_caller *caller, uint32_t cmd,
		   uint64_t arg);

/*
 * pread() and pwrite(). Return the bytes moved, fewer at most where the kernel
 * moves fewer. -EINVAL on files that have neither, and as the device's driver says.
 */
ssize_t vfiosim_read(struct vfiosim_file *file, struct vfiosim_caller *caller, void *to,
		     size_t length, uint64_t offset);
ssize_t vfiosim_write(struct vfiosim_file *file, struct vfiosim_caller *caller, const void *from,
		      size_t length, uint64_t offset);

/* What poll() answers now, POLL* of <poll.h>. It never becomes more by itself. */
unsigned vfiosim_ready(const struct vfiosim_file *file);

/*
 * May @length bytes at @offset be mapped? 0; -ENODEV on containers and groups;
 * -EINVAL as the device's driver says. @shared: MAP_SHARED. The front makes the
 * mapping; its loads and stores become vfiosim_read() and vfiosim_write().
 */
int vfiosim_mmap(struct vfiosim_file *file, struct vfiosim_caller *caller, uint64_t offset,
		 uint64_t length, bool shared, bool writable);

/*
 * The last descriptor (and the last mapping) is gone. Cannot fail. @caller may
 * name no client (the kernel does not say who closed).
 */
void vfiosim_release(struct vfiosim_file *file, struct vfiosim_caller *caller);

/*
 * What a call left for later: signals eventfds, moves DMA data, drops what it
 * borrowed. Never skip it, also not after an error. After vfiosim_ioctl() it may
 * come before the reply, so that eventfds are signalled when the client goes on;
 * after vfiosim_read() and vfiosim_write() only after the reply: the client may
 * hold a lock of its memory that DMA would wait for.
 */
void vfiosim_finish(struct vfiosim *sim, struct vfiosim_caller *caller);

enum vfiosim_file_kind vfiosim_file_kind(const struct vfiosim_file *file);
/* The front's own pointer that travels with a file, NULL at first. */
void *vfiosim_file_ctx(const struct vfiosim_file *file);
void vfiosim_file_set_ctx(struct vfiosim_file *file, void *ctx);
/* Index of the device behind a device file; UINT32_MAX for other kinds. */
uint32_t vfiosim_file_device(const struct vfiosim_file *file);
/* Can any of it be mapped? False: vfiosim_mmap() refuses whatever is asked. */
bool vfiosim_file_mappable(const struct vfiosim_file *file);

#ifdef __cplusplus
}
#endif

/* Looking at the machine: state.h. */
#include <vfiosim/state.h>

#endif
