/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: processes that reach the machine through FUSE. A request brings
 * along the number of the thread that made it; everything the machine wants to
 * know about the client (memory, VMAs, descriptors, limits) is fetched from the
 * kernel by that number.
 *
 * A client is a memory (the kernel's mm), not a process: /proc/TID/mem, maps and
 * pagemap, opened at the first call, stay with the memory when the process ends or
 * calls exec, and tell that it is gone. A number names a thread only while it cannot
 * be given to another one: a thread that waits in a call of ours keeps its number, and
 * a process keeps its until it is reaped, which its pidfd tells. So memory is reached by
 * number in the caller's own call alone; everything else (DMA above all) goes through
 * mem_fd, which leads to this memory and no other. From a thread to its client leads a
 * cache, checked at every use by calls that never wait: is the process still there, is
 * the thread one of it, is the memory still in use? What they cannot tell is that the
 * process went on to another memory, by exec, while somebody else keeps the old one in
 * use: commands, which may wait, compare a mark that every exec makes anew.
 *
 * Whoever waits for a seccomp notification can be killed, and its number be given away:
 * what was found by that number counts only if it waits afterwards (remote_call_waits()).
 *
 * What may wait, and for whom (the deadlock rules of the FUSE front):
 *   - reading or writing client memory, and asking for its VMAs, waits for the
 *     client's mmap lock, whose holder may wait for us: lend the lead before;
 *   - telling which of our files a descriptor is asks our own mount: the op passes
 *     the lead on by itself. Never call it with a lock held;
 *   - kcmp() and the last mmput() can wait for a process in exec: only done by
 *     REMOTE_MAKE, which therefore wants the lead lent.
 */
#ifndef SIM_FRONT_REMOTE_REMOTE_H
#define SIM_FRONT_REMOTE_REMOTE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <vfiosim/vfiosim.h>

#include "base/id_map.h"

struct loop;

/*
 * On the devices connection a device is told by its file's inode number: one for
 * what its group hands out, one for its own node.
 */
#define DEVICE_INO_FIRST 2u
#define CDEV_INO_FIRST 0x40000000u
/* Of what is no device and cannot be mapped: fault queues. */
#define FAULT_INO (CDEV_INO_FIRST - 1)

static inline uint32_t inode_device(uint64_t inode)
{
	return (uint32_t)(inode - (inode < CDEV_INO_FIRST ? DEVICE_INO_FIRST : CDEV_INO_FIRST));
}

/*
 * "Which open file are you?", asked by the server itself on a descriptor it has
 * taken from a client. Whoever does not know the nonce gets ENOTTY.
 */
struct fuse_who {
	uint8_t nonce[16];
	uint64_t file;		/* out: the struct vfiosim_file, 0: not one */
};
#define FUSE_WHO _IOWR(0xf5, 0x70, struct fuse_who)

/* All clients of one front. */
struct remotes {
	struct vfiosim *sim;
	struct aside *aside;		/* holds and asks clients' descriptors of our own files */
	uint8_t nonce[16];
	dev_t nodes_dev, devices_dev;	/* st_dev of the two mounts */
	dev_t memory_dev;		/* st_dev of memfds and shared anonymous memory */
	bool first_user_ns;		/* we are in the first user namespace */
	bool has_query;			/* PROCMAP_QUERY works (6.11) */
	atomic_uint held;		/* calls that hold a client's descriptor now, or may soon */
	_Atomic uint64_t let_go;	/* when the last of them let go: CLOCK_MONOTONIC, ns */
	atomic_bool aborted;		/* requests end without a reply */
	atomic_bool told;		/* said that some client's memory is out of reach */
	atomic_bool told_full;		/* said that there are no descriptors left */

	pthread_mutex_t lock;		/* the rest; held across no call that can wait */
	TAILQ_HEAD(, remote) clients;
	struct id_map threads;		/* tid -> struct remote_thread: a cache */

	/* For remote_event_signal(), see there; 0: not on this kernel. */
	unsigned long signals;
	int null_fd;

	pthread_mutex_t calls_lock;	/* innermost; held across no call that can wait */
	TAILQ_HEAD(, remote_call) calls;	/* under way, of clients */
};

/* One memory. Lives as long as its client; in remotes.clients as long as the memory does. */
struct remote {
	struct remotes *set;
	struct vfiosim_client *client;	/* the set's reference */
	TAILQ_ENTRY(remote) in_set;
	pid_t tgid;
	_Atomic pid_t last_tid;		/* the thread that called last */
	/* The set's and those of calls; at 0 all are closed: the memory is gone. */
	atomic_uint files;
	int pidfd;			/* of tgid; -1: not known */
	int mem_fd;			/* -1: not to be opened: see copy_by_process() */
	int maps_fd;			/* -1: this memory is out of reach */
	int pagemap_fd;			/* -1: out of reach, or this kernel has none */
	uint32_t uid;			/* at its first call */
	uint64_t mark_at;		/* where exec left random bytes (AT_RANDOM); 0: not known */
	_Atomic uint64_t mark;		/* the first 8 of them; 0: not read yet */
	bool parted;			/* its process has another memory now; the set's lock */
	_Atomic uint64_t user_ns;	/* what remote_fds.c found out lately: tid, when, answer */
	atomic_bool shared;		/* with another process (CLONE_VM): never cached */
};

/*
 * One call of a client. Lives on the stack of the thread that serves it:
 *	remote_call_begin -> vfiosim_ioctl(.., &call.caller, ..) -> remote_call_finish
 *	-> remote_call_end -> reply; but read and write reply before they finish
 */
struct remote_call {
	struct vfiosim_caller caller;	/* its ctx is this call */
	struct remotes *set;
	struct remote *remote;		/* a reference; NULL: nobody's */
	struct loop *loop;		/* whose lead to pass on; NULL: none */
	/* Does the caller still wait? NULL: until the reply, for sure. */
	bool (*waits)(const struct remote_call *call);
	/* Puts a file into the caller's table; NULL: this call has no way to. */
	int (*install)(struct remote_call *call, struct vfiosim_file *file);
	int *borrowed;			/* descriptors of the caller that we hold meanwhile, aside */
	size_t n_borrowed;

	/* For remotes_stuck(); guarded by calls_lock. */
	TAILQ_ENTRY(remote_call) in_set;
	pid_t client_tid;		/* 0: of no client, not listed */
	pid_t server_tid;		/* our thread that serves it */
	uint64_t blocked_in;		/* where that blocked when it was looked at last; 0: it ran */
	unsigned looks;			/* since then, all with the same answer */
};

enum remote_how {
	REMOTE_NOBODY,		/* the call is nobody's */
	REMOTE_KNOWN,		/* never waits; a process that was not seen yet is nobody */
	REMOTE_QUICK,		/* never waits, makes a client of it (may overlook CLONE_VM) */
	REMOTE_MAKE,		/* makes a client of it; may wait */
};

/* -ENOMEM, -errno. The mounts' device numbers are set by the front afterwards. */
int remotes_create(struct vfiosim *sim, struct remotes **ret_set);
/* Drops every client. No call may be under way. */
void remotes_destroy(struct remotes *set);
/*
 * The connections are about to be aborted: whoever waits for a reply goes on without it,
 * and its number may become another's while its call is still being served.
 */
void remotes_abort(struct remotes *set);
/*
 * A file travels between our threads by way of the kernel: FUSE_WHO's answer, the
 * RELEASE that follows the close of a borrowed descriptor. The kernel orders these,
 * which the language does not know: called on both sides, it does.
 */
void remotes_sync(struct remotes *set);
/*
 * A client that is killed while we hold one of its descriptors closes that only when
 * we do, and the RELEASE comes a moment later. Between hold and unhold a descriptor
 * may be ours; unsettled: one is, or was so shortly ago that its RELEASE may still
 * be on its way.
 */
void remotes_hold(struct remotes *set);
void remotes_unhold(struct remotes *set);
bool remotes_unsettled(struct remotes *set);
/* The thread's client, with a reference; NULL: nobody. */
struct remote *remotes_get(const struct remote_call *call, pid_t tid, enum remote_how how);
/* A client that is not in the set yet. -ENOMEM, -EMFILE. */
int remote_create(struct remotes *set, pid_t tid, pid_t tgid, struct remote **ret_remote);
/* Drops the clients whose memory is gone. */
void remotes_sweep(struct remotes *set);

/*
 * A client that was killed and cannot die, because the call it waits for has been
 * blocked in the kernel, at one place, for the last REMOTE_STUCK_LOOKS looks: its
 * thread; 0: there is none. The kernel's own copying would have been cut short by
 * the signal, ours on its behalf is not. To be called at regular times.
 */
#define REMOTE_STUCK_LOOKS 3
pid_t remotes_stuck(struct remotes *set);
/* Part of remote_call_begin() and remote_call_end(). */
void remote_call_list(struct remote_call *call, pid_t tid);
void remote_call_unlist(struct remote_call *call);
/* From now on our thread @server_tid serves the call. */
void remote_call_served_by(struct remote_call *call, pid_t server_tid);

/* Never fails: where the client cannot be found, the call is nobody's (caller.client NULL). */
void remote_call_begin(struct remote_call *call, struct remotes *set, struct loop *loop, pid_t tid,
		       enum remote_how how);
/* The same for a caller that may be killed, and its number given away, before it has its answer. */
void remote_call_begin_if(struct remote_call *call, struct remotes *set, pid_t tid,
			  bool (*waits)(const struct remote_call *call));
bool remote_call_waits(const struct remote_call *call);
/* vfiosim_finish(), before or after the reply: see there. */
void remote_call_finish(struct remote_call *call);
/* Gives back the caller's descriptors, so that closing them is the caller's alone. Before the reply
   where the call may have borrowed any, and always last. */
void remote_call_end(struct remote_call *call);

/* Between get and put the descriptors stay open. False: the memory is gone, and they are. */
bool remote_files_get(struct remote *remote);
void remote_files_put(struct remote *remote);
/* Says once that our descriptors have run out, if @error is -EMFILE or -ENFILE. */
void remotes_tell_full(struct remotes *set, int error);
/* Has the client's process not been reaped? Then its number is nobody else's. */
bool remote_process_there(struct remote *remote);
/* Is the client's memory still in use? Never waits for anybody. */
bool remote_alive(struct remote *remote);
/*
 * A number that names one of the client's threads now; 0: none does. If it still does
 * afterwards, what was found by it in between was the client's. Between files_get and
 * files_put.
 */
pid_t remote_thread(struct remote *remote);
bool remote_thread_still(const struct remote *remote, pid_t tid);
/*
 * /proc/TID/maps by a thread that lives; ours, close-on-exec. -ESRCH: no thread of this
 * memory is known. Between files_get and files_put. May wait.
 */
int remote_maps_open(struct remote *remote);
/*
 * Of a memory that is alive: is @tid a thread of its process? The process is looked at
 * last: what was found by its number before was then found of it.
 */
bool remote_has_thread(const struct remote *remote, pid_t tid);
/*
 * Has @tid, which waits in a call, this memory? Its process has gone on to another one
 * if it called exec. May wait.
 */
bool remote_is_memory_of(struct remote *remote, pid_t tid);
/* Is there memory at @page, which the client may read? Between files_get and files_put. */
bool remote_has_page(struct remote *remote, uint64_t page);
/* Copies between the client's memory and ours: 0 or -EFAULT. */
int remote_read(void *client_ctx, uint64_t uva, void *to, size_t length);
int remote_write(void *client_ctx, uint64_t uva, const void *from, size_t length);

/* remote_vmas.c */
int remote_vmas(void *client_ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas);
/* Does this kernel answer PROCMAP_QUERY? */
bool remote_has_query(void);
/* st_dev of the kernel's own memory file system; 0 if it cannot be told. */
dev_t remote_memory_dev(void);

/* remote_fds.c */
/* A copy of the thread's descriptor @fd: ours, close-on-exec. -EBADF, -EPERM, -ESRCH, -EMFILE. */
int remote_fd_get(pid_t tid, int fd);
/*
 * The same of the call's thread, and of nobody who has its number by now. -EBADF also for O_PATH;
 * -EBADFD: it is one of our files, which only remote_file() takes.
 */
int remote_call_fd_get(struct remote_call *call, int fd);
/* Gives such a copy back. */
void remote_fd_put(struct remotes *set, int fd);
/* File system and inode behind the thread's descriptor. Never waits. False: not to be seen. */
bool remote_fd_identify(pid_t tid, int fd, dev_t *ret_dev, uint64_t *ret_inode);
enum remote_fd_owner {
	REMOTE_FD_OURS,		/* it comes from one of our connections */
	REMOTE_FD_OTHERS,
	REMOTE_FD_UNKNOWN,	/* not open, or not to be seen: a program that is not dumpable */
};
/* Whose is the thread's descriptor? Never waits, and touches nothing. */
enum remote_fd_owner remote_fd_owner(const struct remotes *set, pid_t tid, int fd);
/* Which kind of the machine's files is the thread's descriptor @fd? 0: none. May wait for ourselves. */
unsigned remote_fd_kind(struct remotes *set, pid_t tid, int fd);
/* Part of remote_call_end(). May wait for ourselves. */
void remote_call_unborrow(struct remote_call *call);
int remote_file(struct vfiosim_caller *caller, int fd, struct vfiosim_file **ret_file);
int remote_event_get(struct vfiosim_caller *caller, int fd, struct vfiosim_eventfd **ret_event);
/* Adds one, never waits. */
void remote_event_signal(struct vfiosim_eventfd *event);
/* Part of remotes_create() and remotes_destroy(). */
void remotes_signals_init(struct remotes *set);
void remotes_signals_done(struct remotes *set);
void remote_event_put(struct vfiosim_eventfd *event);
bool remote_event_open(struct vfiosim_caller *caller, struct vfiosim_eventfd *event);
/* remote_rights.c */
/* open() with the rights of the call's thread. May wait. -errno. */
int remote_open(struct remote_call *call, const char *path, int flags);

/* remote_backing.c */
int remote_backing_get(struct vfiosim_caller *caller, int fd, struct vfiosim_backing **ret_backing);
uint64_t remote_backing_size(struct vfiosim_backing *backing);
int remote_backing_read(struct vfiosim_backing *backing, uint64_t offset, void *to, size_t length);
int remote_backing_write(struct vfiosim_backing *backing, uint64_t offset, const void *from,
			 size_t length);
void remote_backing_put(struct vfiosim_backing *backing);

int remote_limits(struct vfiosim_caller *caller, struct vfiosim_limits *ret_limits);
int remote_memlock(void *client_ctx, uint64_t *ret_memlock);

/* Is the thread in the first user namespace, where rights count for the whole machine? */
bool remote_in_first_user_ns(pid_t tid);
/* A field of /proc/TID/@name, "Tgid:" of status, as a number in @base; -ESRCH, -EMFILE, -ENFILE. */
int remote_proc_number(pid_t tid, const char *name, const char *field, int base, uint64_t *ret_value);

#endif
