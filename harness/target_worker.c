/* SPDX-License-Identifier: MIT */
/* A worker process: system calls on request. See target_worker.h. */
#include "target_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <vfiosim/vfiosim.h>

#include "cli.h"
#include "target.h"

#define REGIONS_MAX 32

struct worker {
	struct writer *waiting;		/* the last one first; NULL: nobody waits */
	long patience;			/* with each, ms */
	bool lets_go;			/* of its files before it ends, see let_go() */
	struct iovec regions[REGIONS_MAX];	/* of devices, mapped */
	unsigned n_regions;
	int socket;
	int passed;			/* descriptor that came with a request, -1: none */
	int given;			/* that goes along with the reply, -1: none */
	unsigned char *bytes;		/* of the request, then of the reply */
	bool saved;			/* the limit at start is known */
	struct rlimit memlock;
};

int worker_send(int socket, const void *bytes, size_t size)
{
	while (size) {
		ssize_t n = send(socket, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes = (const char *)bytes + n;
		size -= (size_t)n;
	}
	return 0;
}

int worker_receive(int socket, void *bytes, size_t size)
{
	while (size) {
		ssize_t n = recv(socket, bytes, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EPIPE;
		bytes = (char *)bytes + n;
		size -= (size_t)n;
	}
	return 0;
}

/* Room for one descriptor beside the bytes of a message. */
union passing {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int worker_send_fd(int socket, const void *head, size_t size, int fd)
{
	union passing control = { 0 };
	struct iovec iov = { .iov_len = size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *passed = CMSG_FIRSTHDR(&message);

	if (fd < 0)
		return worker_send(socket, head, size);
	memcpy(&iov.iov_base, &head, sizeof(head));	/* sendmsg() only reads it */
	passed->cmsg_level = SOL_SOCKET;
	passed->cmsg_type = SCM_RIGHTS;
	passed->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(passed), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int worker_receive_fd(int socket, void *head, size_t size, int *ret_fd)
{
	union passing control = { 0 };
	struct iovec iov = { head, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *passed;

	if (n <= 0)
		return n ? -errno : -EPIPE;
	*ret_fd = -1;
	passed = CMSG_FIRSTHDR(&message);
	if (passed && passed->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(passed), sizeof(*ret_fd));
	return worker_receive(socket, (char *)head + n, size - (size_t)n);
}

static int64_t or_errno(int64_t result)
{
	return result < 0 ? -errno : result;
}

/* ---- Memory ------------------------------------------------------------ */

static int64_t mapped(void *at, uint64_t *ret_uva)
{
	if (at == MAP_FAILED)
		return -errno;
	*ret_uva = (uintptr_t)at;
	return 0;
}

static int64_t map_anonymous(uint64_t length, int prot, uint64_t *ret_uva)
{
	return mapped(mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
		      ret_uva);
}

/* Memory of a file in memory that is @file_length long. */
static int64_t map_file(uint64_t length, uint64_t file_length, int flags, uint64_t *ret_uva)
{
	int fd = memfd_create("case", MFD_CLOEXEC);
	int64_t result;

	if (fd < 0)
		return -errno;
	result = or_errno(ftruncate(fd, (off_t)file_length));
	if (!result)
		result = mapped(mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0), ret_uva);
	close(fd);
	return result;
}

/* The file itself, for commands that take one. */
static int64_t new_memfd(uint64_t size, bool sealed)
{
	int fd = memfd_create("case", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, (off_t)size) ||
			(sealed && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE)))) {
		close(fd);
		return -EFBIG;
	}
	return or_errno(fd);
}

/* Only some file systems track what is written to mapped pages. */
static bool tracks_dirty(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC ||
				     fs.f_type == BTRFS_SUPER_MAGIC);
}

/* A file without a name in @folder, -1: not where it would be tracked. */
static int tracked_file(const char *folder)
{
	int fd = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;

	if (fd >= 0 && !tracks_dirty(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int64_t map_dirtytrack(uint64_t length, uint64_t *ret_uva)
{
	int fd = tracked_file(getenv("TMPDIR"));
	int64_t result;

	if (fd < 0)
		fd = tracked_file("/var/tmp");
	if (fd < 0)
		return -ENOSYS;
	result = or_errno(ftruncate(fd, (off_t)length));
	if (!result)
		result = mapped(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
				ret_uva);
	close(fd);
	return result;
}

/* Below where the kernel ever puts a mapping by itself: a hole up there would be filled. */
#define UNMAPPED_FIRST UINT64_C(0x20000000)
#define UNMAPPED_LAST UINT64_C(0x3fffffff)

static int64_t map_unmapped(uint64_t length, uint64_t *ret_uva)
{
	static uint64_t next = UNMAPPED_FIRST;
	void *at = MAP_FAILED;

	while (at == MAP_FAILED && length <= UNMAPPED_LAST - next) {
		at = mmap((void *)(uintptr_t)next, length, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		next += (length + VFIOSIM_PAGE_SIZE - 1) & ~(uint64_t)(VFIOSIM_PAGE_SIZE - 1);
	}
	if (at == MAP_FAILED)
		return -ENOMEM;
	*ret_uva = (uintptr_t)at;
	return or_errno(munmap(at, length));
}

static int64_t map_memory(enum memory_kind kind, uint64_t length, uint64_t *ret_uva)
{
	switch (kind) {
	case MEMORY_RAM:
		return map_anonymous(length, PROT_READ | PROT_WRITE, ret_uva);
	case MEMORY_READONLY:
		return map_anonymous(length, PROT_READ, ret_uva);
	case MEMORY_WRITEONLY:
		return map_anonymous(length, PROT_WRITE, ret_uva);
	case MEMORY_NONE:
		return map_anonymous(length, PROT_NONE, ret_uva);
	case MEMORY_UNMAPPED:
		return map_unmapped(length, ret_uva);
	case MEMORY_FILE:
		return map_file(length, length, MAP_PRIVATE, ret_uva);
	case MEMORY_SHARED:
		return map_file(length, length, MAP_SHARED, ret_uva);
	case MEMORY_DIRTYTRACK:
		return map_dirtytrack(length, ret_uva);
	case MEMORY_BEYOND:
		return map_file(length, 0, MAP_SHARED, ret_uva);
	}
	return -EINVAL;
}

/* Through the kernel, so that a bad address is an errno and no signal. */
static int64_t copy_memory(uint64_t uva, void *bytes, size_t length, bool to_memory)
{
	struct iovec here = { bytes, length }, there = { (void *)(uintptr_t)uva, length };
	ssize_t n = to_memory ? process_vm_writev(getpid(), &here, 1, &there, 1, 0) :
				process_vm_readv(getpid(), &here, 1, &there, 1, 0);

	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EFAULT;
}

/* ---- Limits, processes, files ------------------------------------------ */

/* Capabilities that are ours can be laid down and taken up again. */
static int64_t set_capability(unsigned capability, bool have)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective &= ~(1u << capability);
	if (have)
		data[0].effective |= data[0].permitted & 1u << capability;
	return or_errno(syscall(SYS_capset, &head, data));
}

static int64_t set_limit(struct worker *worker, uint64_t memlock)
{
	struct rlimit limit;

	if (!worker->saved && getrlimit(RLIMIT_MEMLOCK, &worker->memlock))
		return -errno;
	worker->saved = true;
	limit = worker->memlock;
	if (memlock == LIMIT_UNLIMITED)
		return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno :
							   set_capability(CAP_IPC_LOCK, true);
	if (limit.rlim_max != RLIM_INFINITY && memlock > limit.rlim_max)
		return -ENOSYS;		/* this user may not have that much: cannot be tried */
	limit.rlim_cur = memlock;
	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : set_capability(CAP_IPC_LOCK, false);
}

static int serve(struct worker *worker);

/* The child asks for no memory of its own: what the parent maps next shall be new to it. */
static int64_t do_fork(struct worker *worker)
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		close(worker->socket);
		worker->socket = worker->passed;
		worker->waiting = NULL;		/* the parent's thread */
		_exit(serve(worker));
	}
	close(worker->passed);
	return child;
}

static int64_t do_exec(struct worker *worker)
{
	char number[16];
	char program[] = "vfiosim", verb[] = "worker";
	char *const argv[] = { program, verb, number, NULL };

	snprintf(number, sizeof(number), "%d", worker->socket);
	fcntl(worker->socket, F_SETFD, 0);
	execv("/proc/self/exe", argv);
	return -errno;
}

static int64_t read_file(const char *path, void *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (length < size && (n = read(fd, (char *)to + length, size - length)) > 0)
		length += (size_t)n;
	close(fd);
	return (int64_t)length;
}

/* ---- Writing to sysfs, which may take long ----------------------------- */

struct writer {
	struct writer *next;
	pthread_t thread;
	char path[256], text[4096];
	int64_t result;
};

static void *write_file(void *arg)
{
	struct writer *writer = arg;
	int fd = open(writer->path, O_WRONLY | O_CLOEXEC);

	writer->result = fd < 0 ? -errno : 0;
	if (fd >= 0 && write(fd, writer->text, strlen(writer->text)) < 0)
		writer->result = -errno;
	if (fd >= 0)
		close(fd);
	return NULL;
}

static bool writer_ended(struct writer *writer, long milliseconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += milliseconds % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	return !pthread_timedjoin_np(writer->thread, NULL, &until);
}

/* In a thread, so that one that is kept waiting keeps nobody else. */
static int64_t start_writer(struct worker *worker, const char *path, const char *text,
			    long patience)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int64_t result;

	if (!writer)
		return -ENOMEM;
	snprintf(writer->path, sizeof(writer->path), "%s", path);
	snprintf(writer->text, sizeof(writer->text), "%s", text);
	if (pthread_create(&writer->thread, NULL, write_file, writer)) {
		free(writer);
		return -EAGAIN;
	}
	if (!writer_ended(writer, patience)) {
		writer->next = worker->waiting;	/* ends with the process at the latest */
		worker->waiting = writer;
		worker->patience = patience;
		return -EINPROGRESS;
	}
	result = writer->result;
	free(writer);
	return result;
}

/* Something was closed: give those who wait for that the time to go on. */
static void reap_writers(struct worker *worker)
{
	struct writer **at = &worker->waiting, *writer;

	while ((writer = *at)) {
		if (writer_ended(writer, worker->patience)) {
			*at = writer->next;
			free(writer);
		} else {
			at = &writer->next;
		}
	}
}

static int64_t do_close(struct worker *worker, int fd)
{
	int64_t result = or_errno(close(fd));

	reap_writers(worker);
	return result;
}

static int64_t event_read(int fd)
{
	uint64_t count = 0;

	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return -errno;
	if (read(fd, &count, sizeof(count)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	return (int64_t)count;
}

/* ---- Serving ----------------------------------------------------------- */

static int64_t map_device(struct worker *worker, int fd, uint64_t offset, uint64_t length,
			  uint64_t *ret_uva)
{
	void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);

	if (at != MAP_FAILED && worker->n_regions < REGIONS_MAX)
		worker->regions[worker->n_regions++] = (struct iovec){ at, length };
	return mapped(at, ret_uva);
}

/* A file without positions, as a fault queue is, refuses pread(), and programs read() it. */
static int64_t read_at(int fd, void *to, size_t length, off_t at)
{
	ssize_t n = pread(fd, to, length, at);

	return or_errno(n < 0 && errno == ESPIPE && !at ? read(fd, to, length) : n);
}

static int64_t write_at(int fd, const void *from, size_t length, off_t at)
{
	ssize_t n = pwrite(fd, from, length, at);

	return or_errno(n < 0 && errno == ESPIPE && !at ? write(fd, from, length) : n);
}

/* Commands whose reply carries bytes set reply->size. */
static int64_t perform(struct worker *worker, const struct worker_request *r,
		       struct worker_reply *reply)
{
	void *bytes = worker->bytes;
	int64_t n;

	switch ((enum worker_op)r->op) {
	case WORKER_OPEN:
		return or_errno(open(bytes, O_RDWR));
	case WORKER_CLOSE:
		return do_close(worker, r->fd);
	case WORKER_DUP:
		return or_errno(dup(r->fd));
	case WORKER_GIVE:
		worker->given = fcntl(r->fd, F_GETFD) < 0 ? -1 : r->fd;
		return worker->given < 0 ? -errno : 0;
	case WORKER_TAKE:
		return worker->passed < 0 ? -EMFILE : worker->passed;
	case WORKER_IOCTL:
		return or_errno(ioctl(r->fd, (unsigned long)r->a, r->b));
	case WORKER_IOCTL_DATA:
		reply->size = r->size;
		return or_errno(ioctl(r->fd, (unsigned long)r->a, bytes));
	case WORKER_PREAD:
		n = read_at(r->fd, bytes, r->b, (off_t)r->a);
		reply->size = n > 0 ? (uint32_t)n : 0;
		return n;
	case WORKER_PWRITE:
		return write_at(r->fd, bytes, r->size, (off_t)r->a);
	case WORKER_EVENTFD:
		return or_errno(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	case WORKER_MEMFD:
		return new_memfd(r->a, r->b);
	case WORKER_EVENT_READ:
		return event_read(r->fd);
	case WORKER_MMAP:
		return map_memory((enum memory_kind)r->a, r->b, &reply->value);
	case WORKER_MMAP_FD:
		return map_device(worker, r->fd, r->a, r->b, &reply->value);
	case WORKER_MUNMAP:
		return or_errno(munmap((void *)(uintptr_t)r->a, r->b));
	case WORKER_MPROTECT:
		return or_errno(mprotect((void *)(uintptr_t)r->a, r->b, r->fd));
	case WORKER_PEEK:
		reply->size = (uint32_t)r->b;
		return copy_memory(r->a, bytes, r->b, false);
	case WORKER_POKE:
		return copy_memory(r->a, bytes, r->size, true);
	case WORKER_LIMIT:
		n = set_limit(worker, r->a);
		if (!n)
			n = set_capability(CAP_SYS_RAWIO, r->b & 1);
		return n ? n : set_capability(CAP_SYS_RESOURCE, r->b & 2);
	case WORKER_FORK:
		return do_fork(worker);
	case WORKER_EXEC:
		return do_exec(worker);
	case WORKER_READ_FILE:
		n = read_file(bytes, bytes, WORKER_BYTES_MAX);
		reply->size = n > 0 ? (uint32_t)n : 0;
		return n;
	case WORKER_WRITE_FILE:
		worker->lets_go = r->b;
		return start_writer(worker, bytes, (char *)bytes + strlen(bytes) + 1, (long)r->a);
	}
	return -EINVAL;
}

static int serve_one(struct worker *worker)
{
	struct worker_request request = { 0 };
	struct worker_reply reply = { 0 };
	int error = worker_receive_fd(worker->socket, &request, sizeof(request), &worker->passed);

	if (error)
		return error;
	if (request.size > WORKER_BYTES_MAX || request.b > WORKER_BYTES_MAX) {
		bool moves = request.op == WORKER_PREAD || request.op == WORKER_PEEK;

		if (request.size > WORKER_BYTES_MAX || moves)
			return -EMSGSIZE;
	}
	error = worker_receive(worker->socket, worker->bytes, request.size);
	if (error)
		return error;
	worker->bytes[request.size] = 0;
	worker->given = -1;
	reply.result = perform(worker, &request, &reply);
	error = worker_send_fd(worker->socket, &reply, sizeof(reply), worker->given);
	return error ? error : worker_send(worker->socket, worker->bytes, reply.size);
}

/*
 * Closes all but the socket. A thread that waits in a real kernel for a device to be closed
 * keeps the descriptors and the memory of its process, and no signal ends it: it would wait
 * for itself.
 */
static void let_go(struct worker *worker)
{
	for (unsigned i = 0; i < worker->n_regions; i++)
		munmap(worker->regions[i].iov_base, worker->regions[i].iov_len);
	(void)syscall(SYS_close_range, worker->socket + 1, UINT_MAX, 0);
	if (worker->socket > STDERR_FILENO + 1)
		(void)syscall(SYS_close_range, STDERR_FILENO + 1, worker->socket - 1, 0);
	reap_writers(worker);
}

static int serve(struct worker *worker)
{
	int error;

	do
		error = serve_one(worker);
	while (!error);
	if (worker->waiting && worker->lets_go)
		let_go(worker);
	return error == -EPIPE ? 0 : 1;
}

int worker_serve(int socket)
{
	/* Of the process: a writer that still waits when it ends is part of it. */
	static struct worker worker;
	int status;

	worker = (struct worker){ .socket = socket, .passed = -1 };
	worker.bytes = malloc(WORKER_BYTES_MAX + 1);
	if (!worker.bytes)
		return 1;
	status = serve(&worker);
	free(worker.bytes);
	return status;
}

/* Tells the runner that it is there, then serves. */
static int resume(void *options, char **args, size_t n)
{
	struct worker_reply reply = { 0 };
	int fd = atoi(args[0]);

	if (worker_send(fd, &reply, sizeof(reply)))
		return 1;
	return worker_serve(fd);
}

const struct cli_verb worker_verb = {
	.name = "worker",
	.args = "SOCKET",
	.min_args = 1,
	.max_args = 1,
	.run = resume,
};
