/* SPDX-License-Identifier: MIT */
/* Remote clients: a client, its memory, its calls (remote.h). Which one calls: remotes.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/span.h"
#include "front/loop/loop.h"
#include "front/remote/remote.h"
#include "machine/client.h"

static const struct vfiosim_client_ops remote_ops;

/* ---- /proc ---- */

static bool is_full(int error)
{
	return error == -EMFILE || error == -ENFILE;
}

static int proc_open(pid_t tid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int remote_proc_number(pid_t tid, const char *name, const char *field, int base, uint64_t *ret_value)
{
	char text[4096], *at;
	int fd = proc_open(tid, name, O_RDONLY);
	ssize_t length;

	if (fd < 0)
		return is_full(fd) ? fd : -ESRCH;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return -ESRCH;
	text[length] = 0;
	at = strstr(text, field);
	if (!at)
		return -ESRCH;
	*ret_value = strtoull(at + strlen(field), NULL, base);
	return 0;
}

/* ---- One client ---- */

bool remote_files_get(struct remote *remote)
{
	unsigned users = atomic_load(&remote->files);

	while (users && !atomic_compare_exchange_weak(&remote->files, &users, users + 1))
		;
	return users;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* What a mapping still names keeps no descriptors: there may be many that have ended. */
void remote_files_put(struct remote *remote)
{
	if (atomic_fetch_sub(&remote->files, 1) != 1)
		return;
	close_fd(remote->maps_fd);
	close_fd(remote->pagemap_fd);
	close_fd(remote->mem_fd);
	close_fd(remote->pidfd);
}

static bool files_alive(const struct remote *remote)
{
	char byte;

	/* A read of one byte is refused (entries have 8), but only where there is memory. */
	if (remote->pagemap_fd >= 0)
		return pread(remote->pagemap_fd, &byte, 1, 0) != 0;
	if (remote->maps_fd >= 0)
		return pread(remote->maps_fd, &byte, 1, 0) > 0;
	return !kill(remote->tgid, 0) || errno != ESRCH;
}

bool remote_alive(struct remote *remote)
{
	bool alive;

	if (!remote_files_get(remote))
		return false;
	alive = files_alive(remote);
	remote_files_put(remote);
	return alive;
}

/* Has the process not been reaped? Then its number is nobody else's. */
static bool process_there(const struct remote *remote)
{
	return remote->pidfd >= 0 &&
	       (!syscall(SYS_pidfd_send_signal, remote->pidfd, 0, NULL, 0) || errno != ESRCH);
}

bool remote_process_there(struct remote *remote)
{
	bool there;

	if (!remote_files_get(remote))
		return false;
	there = process_there(remote);
	remote_files_put(remote);
	return there;
}

/*
 * The request of FUSE that this thread serves: whoever made it waits for the reply, not
 * even killed it goes before, so it keeps its number and its memory until then. (Whoever
 * waits for a seccomp notification does go.)
 */
static _Thread_local const struct remote_call *serving;

static bool is_serving(const struct remote *remote)
{
	return serving && serving->remote == remote && !atomic_load(&remote->set->aborted);
}

bool remote_has_thread(const struct remote *remote, pid_t tid)
{
	if (tid != remote->tgid && tgkill(remote->tgid, tid, 0) && errno == ESRCH)
		return false;
	return process_there(remote);
}

pid_t remote_thread(struct remote *remote)
{
	pid_t tid = atomic_load(&remote->last_tid);

	if (is_serving(remote))
		return (pid_t)serving->caller.tid;
	if (!files_alive(remote))
		return 0;
	if (remote_has_thread(remote, tid))
		return tid;
	return process_there(remote) ? remote->tgid : 0;
}

bool remote_thread_still(const struct remote *remote, pid_t tid)
{
	return is_serving(remote) || remote_has_thread(remote, tid);
}

/* The client of one memory whose last reference is gone (client op). */
static void remote_done(void *client_ctx)
{
	struct remote *remote = client_ctx;

	if (atomic_load(&remote->files))	/* never was in the set */
		remote_files_put(remote);
	free(remote);
}

/* Once, because every call of such a client would say it. */
static void remotes_tell_unreachable(struct remotes *set, pid_t tid, int error)
{
	if (atomic_exchange(&set->told, true))
		return;
	fprintf(stderr,
		"vfiosim: the memory of process %d is out of reach (%s): its commands fail with "
		"EFAULT. A program that its user may execute but not read, or that runs under "
		"other rights than this simulator, cannot be served.\n",
		(int)tid, strerror(error));
}

void remotes_tell_full(struct remotes *set, int error)
{
	if (!is_full(error) || atomic_exchange(&set->told_full, true))
		return;
	fprintf(stderr,
		"vfiosim: there are no file descriptors left (%s): commands of further clients "
		"fail, and so do those that name a descriptor. A higher limit helps: ulimit -Hn.\n",
		strerror(-error));
}

/* Where the kernel's exec left random bytes in the thread's memory; 0: not to be told. */
static uint64_t mark_of(pid_t tid)
{
	uint64_t auxv[64 * 2];
	int fd = proc_open(tid, "auxv", O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, auxv, sizeof(auxv));

	close_fd(fd);
	for (ssize_t i = 0; i + 1 < length / (ssize_t)sizeof(auxv[0]); i += 2)
		if (auxv[i] == AT_RANDOM)
			return auxv[i + 1];
	return 0;
}

int remote_create(struct remotes *set, pid_t tid, pid_t tgid, struct remote **ret_remote)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	uint64_t uid;
	int error;

	if (!remote)
		return -ENOMEM;
	remote->set = set;
	remote->tgid = tgid;
	remote->last_tid = tid;
	remote->files = 1;
	if (!remote_proc_number(tid, "status", "\nUid:", 10, &uid))
		remote->uid = (uint32_t)uid;
	remote->maps_fd = proc_open(tid, "maps", O_RDONLY);
	remote->pagemap_fd = proc_open(tid, "pagemap", O_RDONLY);
	remote->mem_fd = proc_open(tid, "mem", O_RDWR);
	remote->pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (remote->pidfd < 0)
		remote->pidfd = -errno;
	remote->mark_at = remote->mem_fd < 0 ? 0 : mark_of(tid);
	if (remote->maps_fd == -EACCES || remote->maps_fd == -EPERM)
		remotes_tell_unreachable(set, tid, -remote->maps_fd);
	remotes_tell_full(set, remote->maps_fd);
	remotes_tell_full(set, remote->pagemap_fd);
	/* Not made without them: at its next call there may be some again. */
	remotes_tell_full(set, remote->mem_fd);
	remotes_tell_full(set, remote->pidfd);
	error = is_full(remote->maps_fd) || is_full(remote->pagemap_fd) ||
				is_full(remote->mem_fd) || is_full(remote->pidfd) ?
			-EMFILE :
			vfiosim_client_create(set->sim, &remote_ops, remote, &remote->client);
	if (error) {
		remote_done(remote);
		return error;
	}
	client_set_process(remote->client, (uint32_t)tgid);
	*ret_remote = remote;
	return 0;
}

/* In the caller's own call, as the kernel copies: within the memory's protection. */
static ssize_t copy_by_number(const struct remote *remote, pid_t tid, uint64_t uva,
			      struct iovec ours, bool write)
{
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)uva, .iov_len = ours.iov_len };
	ssize_t copied = write ? process_vm_writev(tid, &ours, 1, &theirs, 1, 0) :
				 process_vm_readv(tid, &ours, 1, &theirs, 1, 0);

	if (copied < 0 && errno == EPERM)
		remotes_tell_unreachable(remote->set, tid, EPERM);
	return copied;
}

/* May all of @uva be read, or written? mem_fd would not ask. */
static bool allows(struct remote *remote, struct span uva, bool write)
{
	struct vfiosim_vmas vmas = { 0 };
	uint64_t at = uva.first;
	bool found = false;

	if (!remote_vmas(remote, uva.first, uva.last, &vmas))
		for (size_t i = 0; i < vmas.n && !found; i++) {
			const struct vfiosim_vma *vma = &vmas.items[i];

			if (vma->first > at || !(write ? vma->writable : vma->readable))
				break;
			found = vma->last >= uva.last;
			at = vma->last + 1;
		}
	vfiosim_vmas_done(&vmas);
	return found;
}

/* This memory, or none. */
static ssize_t copy_by_memory(struct remote *remote, uint64_t uva, struct iovec ours, bool write)
{
	struct span span;

	if (!span_make(uva, ours.iov_len, &span) || span.last > INT64_MAX ||
	    !allows(remote, span, write))
		return -1;
	return write ? pwrite(remote->mem_fd, ours.iov_base, ours.iov_len, (off_t)uva) :
		       pread(remote->mem_fd, ours.iov_base, ours.iov_len, (off_t)uva);
}

/*
 * Where the memory cannot be opened: that of a process that is not dumpable is root's,
 * though its user may reach it. By a number, then, that was the process' own before and
 * still is afterwards: so it was meanwhile, and what was read is this memory's. A write
 * has gone astray where it no longer is: to another process of the same user, since that
 * is who serves here.
 */
static ssize_t copy_by_process(struct remote *remote, uint64_t uva, struct iovec ours, bool write)
{
	pid_t tid = remote_thread(remote);
	ssize_t copied = tid ? copy_by_number(remote, tid, uva, ours, write) : -1;

	return remote_thread_still(remote, tid) && files_alive(remote) ? copied : -1;
}

static int remote_copy(struct remote *remote, uint64_t uva, struct iovec ours, bool write)
{
	ssize_t copied;

	if (!ours.iov_len)
		return 0;
	if (remote->maps_fd < 0 || !remote_files_get(remote))
		return -EFAULT;
	if (is_serving(remote))
		copied = copy_by_number(remote, (pid_t)serving->caller.tid, uva, ours, write);
	else if (remote->mem_fd >= 0)
		copied = copy_by_memory(remote, uva, ours, write);
	else
		copied = copy_by_process(remote, uva, ours, write);
	remote_files_put(remote);
	return copied == (ssize_t)ours.iov_len ? 0 : -EFAULT;
}

bool remote_has_page(struct remote *remote, uint64_t page)
{
	struct iovec ours = { (char[1]){ 0 }, 1 };

	if (remote->mem_fd >= 0)
		return pread(remote->mem_fd, ours.iov_base, 1, (off_t)page) == 1;
	if (is_serving(remote))
		return copy_by_number(remote, (pid_t)serving->caller.tid, page, ours, false) == 1;
	return copy_by_process(remote, page, ours, false) == 1;
}

int remote_read(void *client_ctx, uint64_t uva, void *to, size_t length)
{
	return remote_copy(client_ctx, uva, (struct iovec){ to, length }, false);
}

int remote_write(void *client_ctx, uint64_t uva, const void *from, size_t length)
{
	return remote_copy(client_ctx, uva,
			   (struct iovec){ (void *)(uintptr_t)from, length }, true);
}

/* ---- Its address space ---- */

bool remote_is_memory_of(struct remote *remote, pid_t tid)
{
	uint64_t theirs = 0, ours = 0, known = atomic_load(&remote->mark);
	struct iovec to = { &theirs, sizeof(theirs) };
	bool same, read;

	if (!remote->mark_at)
		return remote_alive(remote);	/* no more can be told */
	read = copy_by_number(remote, tid, remote->mark_at, to, false) == sizeof(theirs);
	if (read && known && theirs == known)
		return true;
	if (!read && errno != EFAULT)
		return remote_alive(remote);
	/* Not read before, or the program has written there. */
	if (!remote_files_get(remote))
		return false;
	if (pread(remote->mem_fd, &ours, sizeof(ours), (off_t)remote->mark_at) == sizeof(ours))
		same = read && ours == theirs;
	else	/* unmapped: for both, where the memory is there at all */
		same = !read && files_alive(remote);
	remote_files_put(remote);
	atomic_store(&remote->mark, ours);
	return same;
}

/* By @tid, if that is a thread of this memory and has not ended. */
static int maps_open_by(struct remote *remote, pid_t tid)
{
	int fd = proc_open(tid, "maps", O_RDONLY);
	char byte;

	if (is_full(fd))
		return fd;
	if (fd >= 0 && pread(fd, &byte, 1, 0) == 1 && remote_is_memory_of(remote, tid) &&
	    remote_thread_still(remote, tid))
		return fd;
	close_fd(fd);
	return -ESRCH;
}

int remote_maps_open(struct remote *remote)
{
	pid_t tid = remote_thread(remote);
	const struct dirent *entry;
	char path[64];
	int fd = tid ? maps_open_by(remote, tid) : -ESRCH;
	DIR *threads;

	if (!tid || fd >= 0 || is_full(fd))
		return fd;
	/* Neither the last to call nor the first of the process, but it may have others. */
	snprintf(path, sizeof(path), "/proc/%d/task", (int)remote->tgid);
	threads = opendir(path);
	while (threads && fd < 0 && (entry = readdir(threads)))
		if ((tid = atoi(entry->d_name)) > 0)
			fd = maps_open_by(remote, tid);
	if (threads)
		closedir(threads);
	return fd;
}

/* ---- As a client ---- */

static int remote_install(struct vfiosim_caller *caller, struct vfiosim_file *file)
{
	struct remote_call *call = caller->ctx;

	return call->install ? call->install(call, file) : -ENOTTY;
}

/* While it waits its number is its own. */
static void remote_signal(struct vfiosim_caller *caller, int signal)
{
	if (caller->tid && remote_call_waits(caller->ctx))
		(void)syscall(SYS_tkill, (pid_t)caller->tid, signal);
}

static void remote_comm(struct vfiosim_caller *caller, char *to, size_t size)
{
	char path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", caller->tid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(to, (int)size, file))
		to[strcspn(to, "\n")] = 0;
	fclose(file);
}

static const struct vfiosim_client_ops remote_ops = {
	.read = remote_read,
	.write = remote_write,
	.vmas = remote_vmas,
	.limits = remote_limits,
	.memlock = remote_memlock,
	.file = remote_file,
	.event_get = remote_event_get,
	.event_signal = remote_event_signal,
	.event_put = remote_event_put,
	.event_open = remote_event_open,
	.backing_get = remote_backing_get,
	.backing_size = remote_backing_size,
	.backing_read = remote_backing_read,
	.backing_write = remote_backing_write,
	.backing_put = remote_backing_put,
	.install = remote_install,
	.signal = remote_signal,
	.comm = remote_comm,
	.done = remote_done,
};

/* ---- Calls ---- */

bool remote_call_waits(const struct remote_call *call)
{
	return !call->waits || call->waits(call);
}

static void call_begin(struct remote_call *call, pid_t tid, enum remote_how how)
{
	struct remote *remote = remotes_get(call, tid, how);

	call->remote = remote;
	call->caller = (struct vfiosim_caller){ .client = remote ? remote->client : NULL,
						.ctx = call,
						.tid = (uint32_t)tid };
}

void remote_call_begin(struct remote_call *call, struct remotes *set, struct loop *loop, pid_t tid,
		       enum remote_how how)
{
	*call = (struct remote_call){ .set = set, .loop = loop };
	if (how != REMOTE_NOBODY && tid > 0)
		remote_call_list(call, tid);
	call_begin(call, tid, how);
	if (call->remote && how == REMOTE_MAKE && loop)
		serving = call;
}

/* Not listed: whoever can be killed does not get stuck. */
void remote_call_begin_if(struct remote_call *call, struct remotes *set, pid_t tid,
			  bool (*waits)(const struct remote_call *call))
{
	*call = (struct remote_call){ .set = set, .waits = waits };
	call_begin(call, tid, REMOTE_MAKE);
}

void remote_call_finish(struct remote_call *call)
{
	vfiosim_finish(call->set->sim, &call->caller);
}

void remote_call_end(struct remote_call *call)
{
	if (serving == call)
		serving = NULL;
	remote_call_unborrow(call);
	remote_call_unlist(call);
	if (!call->remote)
		return;
	vfiosim_client_put(call->remote->client);
}
