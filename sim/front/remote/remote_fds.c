/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: descriptors and limits of a calling thread. The thread waits in
 * its call meanwhile, so its number names it for sure.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/list.h"
#include "front/loop/loop.h"
#include "front/remote/aside.h"
#include "front/remote/remote.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL	/* 6.9 */
#endif

#define SIGNALS_AT_ONCE 64	/* by as many threads; beyond that the slower way is taken */

struct vfiosim_eventfd {
	struct remotes *set;
	int fd;
};

/* ---- Descriptors ---- */

/* Is the descriptor table of thread @tid that of the first thread? Not to be told: yes. */
static bool has_table_of(pid_t tid, pid_t tgid)
{
	return tid == tgid || syscall(SYS_kcmp, tid, tgid, KCMP_FILES, 0, 0) <= 0;
}

/*
 * A thread may have a descriptor table of its own (unshare(CLONE_FILES)), which only
 * its own pidfd sees. Before 6.9 there are pidfds of processes only, and such a table is out
 * of reach: the first thread's number would be another file.
 */
static int pidfd_of(pid_t tid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	uint64_t tgid;

	if (pidfd >= 0 || errno != EINVAL)
		return pidfd < 0 ? -errno : pidfd;
	if (remote_proc_number(tid, "status", "\nTgid:", 10, &tgid))
		return -ESRCH;
	if (!has_table_of(tid, (pid_t)tgid))
		return -EBADF;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)tgid, 0);
	return pidfd < 0 ? -errno : pidfd;
}

int remote_fd_get(pid_t tid, int fd)
{
	int pidfd = pidfd_of(tid), ours;

	if (pidfd < 0)
		return pidfd;
	ours = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (ours < 0)
		ours = -errno;
	aside_close(pidfd);	/* this may be a job */
	return ours;
}

bool remote_fd_identify(pid_t tid, int fd, dev_t *ret_dev, uint64_t *ret_inode)
{
	struct statx stx;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", tid, fd);
	/* DONT_SYNC: no file system is asked for anything, not even ours. */
	if (fd < 0 || statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx))
		return false;
	*ret_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	*ret_inode = stx.stx_ino;
	return true;
}

/* Is it there for its path alone (O_PATH)? Not to be told: no. */
static bool is_path(pid_t tid, int fd)
{
	char name[32];
	uint64_t flags;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return !remote_proc_number(tid, name, "\nflags:", 8, &flags) && flags & O_PATH;
}

enum remote_fd_owner remote_fd_owner(const struct remotes *set, pid_t tid, int fd)
{
	uint64_t inode;
	dev_t dev;

	if (!remote_fd_identify(tid, fd, &dev, &inode))
		return REMOTE_FD_UNKNOWN;
	return dev == set->nodes_dev || dev == set->devices_dev ? REMOTE_FD_OURS : REMOTE_FD_OTHERS;
}

int remote_call_fd_get(struct remote_call *call, int fd)
{
	pid_t tid = (pid_t)call->caller.tid;
	int ours;

	if (remote_fd_owner(call->set, tid, fd) == REMOTE_FD_OURS)
		ours = is_path(tid, fd) ? -EBADF : -EBADFD;
	else
		ours = remote_fd_get(tid, fd);
	remotes_tell_full(call->set, ours);
	if (!remote_call_waits(call)) {
		if (ours >= 0)
			remote_fd_put(call->set, ours);
		return -ESRCH;
	}
	if (ours >= 0 && fcntl(ours, F_GETFL) & O_PATH) {
		remote_fd_put(call->set, ours);
		return -EBADF;
	}
	return ours;
}

void remote_fd_put(struct remotes *set, int fd)
{
	remotes_sync(set);
	close(fd);
}

/* Which file of the machine is descriptor @fd of this thread? -EBADF: O_PATH; -EBADFD: none. */
static int fd_file(struct remotes *set, int fd, struct vfiosim_file **ret_file)
{
	struct fuse_who who = { .file = 0 };
	struct statx stx;
	dev_t dev;

	if (fcntl(fd, F_GETFL) & O_PATH)
		return -EBADF;
	/* DONT_SYNC: no file system is asked for anything, not even ours. */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx))
		return -EBADFD;
	dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	if ((dev != set->nodes_dev && dev != set->devices_dev) || !S_ISREG(stx.stx_mode))
		return -EBADFD;
	memcpy(who.nonce, set->nonce, sizeof(who.nonce));
	if (aside_ioctl(fd, FUSE_WHO, &who) || !who.file)
		return -EBADFD;
	remotes_sync(set);
	*ret_file = (struct vfiosim_file *)(uintptr_t)who.file;
	return 0;
}

/* ---- Jobs of remotes.aside: what they open and close leads back to us ---- */

struct taking {
	struct remotes *set;
	pid_t tid;
	int fd;				/* of that thread */
	int ours;			/* aside; -errno, also where it is no file of ours */
	struct vfiosim_file *file;
	unsigned kind;			/* its; of kind_job() */
};

static void give_back(struct remotes *set, int fd)
{
	remotes_sync(set);
	aside_close(fd);
}

static void take_job(void *ctx)
{
	struct taking *taking = ctx;
	int error;

	taking->ours = remote_fd_get(taking->tid, taking->fd);
	if (taking->ours < 0)
		return;
	error = fd_file(taking->set, taking->ours, &taking->file);
	if (!error)
		return;
	give_back(taking->set, taking->ours);
	taking->ours = error;
}

static void give_back_job(void *ctx)
{
	struct taking *taking = ctx;

	give_back(taking->set, taking->ours);
}

static void kind_job(void *ctx)
{
	struct taking *taking = ctx;

	take_job(taking);
	if (taking->ours < 0)
		return;
	taking->kind = vfiosim_file_kind(taking->file);
	give_back(taking->set, taking->ours);
}

static void unborrow_job(void *ctx)
{
	struct remote_call *call = ctx;

	for (size_t i = 0; i < call->n_borrowed; i++)
		give_back(call->set, call->borrowed[i]);
}

/* While a job is done, that thread is looked at for whether the call ends. */
static void call_do(struct remote_call *call, void (*job)(void *ctx), void *ctx)
{
	pid_t tid = aside_begin(call->set->aside), own = call->server_tid;

	if (tid)
		remote_call_served_by(call, tid);
	aside_do(call->set->aside, job, ctx);
	remote_call_served_by(call, own);
}

/* ---- The machine's files ---- */

unsigned remote_fd_kind(struct remotes *set, pid_t tid, int fd)
{
	struct taking taking = { .set = set, .tid = tid, .fd = fd };

	if (remote_fd_owner(set, tid, fd) != REMOTE_FD_OTHERS)
		aside_do(set->aside, kind_job, &taking);
	return taking.kind;
}

void remote_call_unborrow(struct remote_call *call)
{
	if (call->n_borrowed)
		call_do(call, unborrow_job, call);
	for (size_t i = 0; i < call->n_borrowed; i++)
		remotes_unhold(call->set);
	free(call->borrowed);
}

/* A file of others is not taken: its file system may never answer when it is closed. */
int remote_file(struct vfiosim_caller *caller, int fd, struct vfiosim_file **ret_file)
{
	struct remote_call *call = caller->ctx;
	struct taking taking = { .set = call->set, .tid = (pid_t)caller->tid, .fd = fd };
	bool waits;

	if (!list_room(&call->borrowed, call->n_borrowed, sizeof(*call->borrowed), NULL))
		return -ENOMEM;
	if (remote_fd_owner(call->set, taking.tid, fd) == REMOTE_FD_OTHERS) {
		taking.ours = is_path(taking.tid, fd) ? -EBADF : -EBADFD;
		return remote_call_waits(call) ? taking.ours : -EBADF;
	}
	if (call->loop)
		loop_pass(call->loop);	/* we are about to ask ourselves */
	remotes_hold(call->set);	/* until the call ends, see remote_call_unborrow() */
	call_do(call, take_job, &taking);
	remotes_tell_full(call->set, taking.ours);
	waits = remote_call_waits(call);
	if (taking.ours >= 0 && waits) {
		call->borrowed[call->n_borrowed++] = taking.ours;
		*ret_file = taking.file;
		return 0;
	}
	if (taking.ours >= 0)
		call_do(call, give_back_job, &taking);
	remotes_unhold(call->set);
	return taking.ours == -EBADFD && waits ? -EBADFD : -EBADF;
}

/* ---- Eventfds ---- */

static bool is_eventfd(int fd)
{
	static const char wanted[] = "anon_inode:[eventfd]";
	char path[64], target[sizeof(wanted)];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	return length == sizeof(wanted) - 1 && !memcmp(target, wanted, sizeof(wanted) - 1);
}

/* With the first eventfd: a context costs tens of milliseconds when its process ends. */
static void signals_want(struct remotes *set)
{
	pthread_mutex_lock(&set->lock);
	if (set->null_fd < 0) {
		set->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (set->null_fd < 0 || syscall(SYS_io_setup, SIGNALS_AT_ONCE, &set->signals))
			set->signals = 0;
	}
	pthread_mutex_unlock(&set->lock);
}

int remote_event_get(struct vfiosim_caller *caller, int fd, struct vfiosim_eventfd **ret_event)
{
	struct remote_call *call = caller->ctx;
	struct vfiosim_eventfd *event;
	int ours = remote_call_fd_get(call, fd);

	if (ours < 0)
		return ours == -EBADFD ? -EINVAL : -EBADF;
	event = is_eventfd(ours) ? malloc(sizeof(*event)) : NULL;
	if (!event) {
		close(ours);
		return -EINVAL;
	}
	signals_want(call->set);
	event->set = call->set;
	event->fd = ours;
	*ret_event = event;
	return 0;
}

void remotes_signals_init(struct remotes *set)
{
	set->null_fd = -1;
	set->signals = 0;
}

void remotes_signals_done(struct remotes *set)
{
	if (set->signals)
		syscall(SYS_io_destroy, set->signals);
	if (set->null_fd >= 0)
		close(set->null_fd);
}

/*
 * A read of nothing whose end is told to the eventfd: the kernel counts by itself,
 * eventfd_signal(), as it does for an interrupt. That never waits.
 */
static bool event_count(struct vfiosim_eventfd *event)
{
	char byte;
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_PREAD,
				.aio_fildes = (uint32_t)event->set->null_fd,
				.aio_buf = (uintptr_t)&byte,
				.aio_nbytes = sizeof(byte),
				.aio_flags = IOCB_FLAG_RESFD,
				.aio_resfd = (uint32_t)event->fd };
	struct iocb *requests[] = { &request };
	struct io_event ended[4];

	if (!event->set->signals || syscall(SYS_io_submit, event->set->signals, 1, requests) != 1)
		return false;
	syscall(SYS_io_getevents, event->set->signals, 0, sizeof(ended) / sizeof(ended[0]), ended,
		NULL);
	return true;
}

/*
 * The description is the client's too, so it is not made non-blocking. Where the
 * kernel cannot be made to count, a full counter is found by poll(): only a client
 * that fills it right then makes us wait.
 */
void remote_event_signal(struct vfiosim_eventfd *event)
{
	struct pollfd writable = { .fd = event->fd, .events = POLLOUT };
	uint64_t one = 1;

	if (event_count(event))
		return;
	if (poll(&writable, 1, 0) == 1 && write(event->fd, &one, sizeof(one)) < 0)
		return;		/* full by now: it stays full */
}

void remote_event_put(struct vfiosim_eventfd *event)
{
	close(event->fd);
	free(event);
}

/* Where the kernel cannot compare, it counts as open. */
bool remote_event_open(struct vfiosim_caller *caller, struct vfiosim_eventfd *event)
{
	pid_t tid = (pid_t)caller->tid;
	struct dirent *entry;
	bool open = false;
	char path[32];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", tid);
	folder = opendir(path);
	if (!folder)
		return true;
	while (!open && (entry = readdir(folder))) {
		unsigned long theirs = strtoul(entry->d_name, NULL, 10);

		long differs;

		if (entry->d_name[0] == '.')
			continue;
		differs = syscall(SYS_kcmp, tid, getpid(), KCMP_FILE, theirs, event->fd);
		open = !differs || (differs < 0 && errno != EBADF);
	}
	closedir(folder);
	return open;
}

/* ---- Limits ---- */

/* RLIMIT_MEMLOCK; prlimit() wants the right over the process, the text does not. */
static int memlock_of(pid_t tid, uint64_t *ret_bytes)
{
	static const char row[] = "Max locked memory";
	char path[64], line[256];
	struct rlimit limit;
	FILE *limits;
	int error = -ESRCH;

	if (!prlimit(tid, RLIMIT_MEMLOCK, NULL, &limit)) {
		*ret_bytes = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/limits", (int)tid);
	limits = fopen(path, "re");
	if (!limits)
		return -ESRCH;
	while (error && fgets(line, sizeof(line), limits)) {
		if (strncmp(line, row, sizeof(row) - 1))
			continue;
		if (sscanf(line + sizeof(row) - 1, "%" SCNu64, ret_bytes) != 1)
			*ret_bytes = UINT64_MAX;	/* "unlimited" */
		error = 0;
	}
	fclose(limits);
	return error;
}

/*
 * The kernel asks for a right over the whole machine (capable()), so what a thread
 * may do inside a user namespace of its own does not count.
 */
bool remote_in_first_user_ns(pid_t tid)
{
	static const char first[] = "user:[4026531837]";	/* PROC_USER_INIT_INO */
	char path[64], target[sizeof(first) + 1];
	ssize_t length;

	/* Not stat(): that makes an inode each time. */
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)tid);
	length = readlink(path, target, sizeof(target));
	return length == sizeof(first) - 1 && !memcmp(target, first, sizeof(first) - 1);
}

static uint64_t rights_of(pid_t tid)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3,
						   .pid = tid };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/*
 * Looking takes as long as all the rest of a command, so the answer for one thread
 * is good for one tick of the coarse clock: in one word, thread, time and answer.
 */
static bool rights_count(struct remote_call *call, pid_t tid)
{
	struct remote *remote = call->remote;
	struct timespec now;
	uint64_t ms, key;
	bool first;

	if (!remote)
		return remote_in_first_user_ns(tid);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	key = (uint64_t)tid << 32 | ((ms << 1) & UINT32_MAX);
	if ((atomic_load(&remote->user_ns) & ~1ull) == key)
		return atomic_load(&remote->user_ns) & 1;
	first = remote_in_first_user_ns(tid);
	atomic_store(&remote->user_ns, key | first);
	return first;
}

int remote_limits(struct vfiosim_caller *caller, struct vfiosim_limits *ret_limits)
{
	struct remote_call *call = caller->ctx;
	const uint64_t ipc_lock = 1ull << CAP_IPC_LOCK, sys_rawio = 1ull << CAP_SYS_RAWIO,
		       sys_resource = 1ull << CAP_SYS_RESOURCE;
	pid_t tid = (pid_t)caller->tid;
	struct vfiosim_limits limits;
	uint64_t rights = 0;
	int error = memlock_of(tid, &limits.memlock);

	if (error)
		return error;
	if (call->set->first_user_ns)
		rights = rights_of(tid) & (ipc_lock | sys_rawio | sys_resource);
	if (rights && !rights_count(call, tid))
		rights = 0;
	limits.ipc_lock = rights & ipc_lock;
	limits.sys_rawio = rights & sys_rawio;
	limits.sys_resource = rights & sys_resource;
	limits.uid = call->remote ? call->remote->uid : 0;
	if (!remote_call_waits(call))
		return -ESRCH;
	*ret_limits = limits;
	return 0;
}

/* By its number, which is the process' own if it is there afterwards. */
int remote_memlock(void *client_ctx, uint64_t *ret_memlock)
{
	struct remote *remote = client_ctx;
	int error = memlock_of(remote->tgid, ret_memlock);

	return !error && remote_process_there(remote) ? 0 : -ESRCH;
}
