/* SPDX-License-Identifier: MIT */
/*
 * A client in this process: a descriptor table and a memory, and the calls that
 * go with them. See vfiosim/inproc.h.
 *
 * After exec the process has a new client and a new memory; the old client stays
 * as long as mappings name it.
 */
#include <vfiosim/inproc.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front/inproc/inproc_file.h"
#include "front/inproc/inproc_memory.h"
#include "front/inproc/inproc_nodes.h"
#include "front/inproc/inproc_sysfs.h"

#define FD_MAX 1024		/* RLIMIT_NOFILE as most programs find it */
#define FD_STEP 16
#define FD_STDIO 3		/* 0, 1, 2: open, and not ours */

struct descriptor {
	struct open_file *file;		/* NULL: not open */
	bool cloexec;
};

struct vfiosim_inproc {
	struct vfiosim *sim;
	struct vfiosim_client *client;
	struct memory *memory;		/* the client's: it frees it when it is done */
	struct vfiosim_limits limits;
	struct descriptor *fds;
	int n_fds;			/* rows of fds */
	struct waiting_writes writes;
};

struct waiting_writes *inproc_waiting_writes(struct vfiosim_inproc *proc)
{
	return &proc->writes;
}

static struct vfiosim_caller caller_of(struct vfiosim_inproc *proc)
{
	return (struct vfiosim_caller){ .client = proc->client, .ctx = proc };
}

/* ---- Descriptors ---- */

static struct open_file *fd_find(struct vfiosim_inproc *proc, int fd)
{
	return fd >= 0 && fd < proc->n_fds ? proc->fds[fd].file : NULL;
}

static int fds_grow(struct vfiosim_inproc *proc, int n)
{
	struct descriptor *fds = reallocarray(proc->fds, (size_t)n, sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	memset(fds + proc->n_fds, 0, (size_t)(n - proc->n_fds) * sizeof(*fds));
	proc->fds = fds;
	proc->n_fds = n;
	return 0;
}

/* The lowest free descriptor, to be set at once. -EMFILE, -ENOMEM. */
static int fd_reserve(struct vfiosim_inproc *proc)
{
	int fd = 0, rc;

	while (fd < proc->n_fds && proc->fds[fd].file)
		fd++;
	if (fd == FD_MAX)
		return -EMFILE;
	rc = fd < proc->n_fds ? 0 : fds_grow(proc, proc->n_fds + FD_STEP);
	return rc ? rc : fd;
}

/* Takes over the caller's reference. */
static int fd_give(struct vfiosim_inproc *proc, int fd, struct open_file *file, bool cloexec)
{
	proc->fds[fd] = (struct descriptor){ file, cloexec };
	return fd;
}

/* A new file of @kind under the lowest free descriptor. */
static int fd_create(struct vfiosim_inproc *proc, enum open_kind kind, bool cloexec)
{
	int fd = fd_reserve(proc);
	struct open_file *file;

	if (fd < 0)
		return fd;
	file = open_file_create(proc->sim, kind);
	return file ? fd_give(proc, fd, file, cloexec) : -ENOMEM;
}

static void fd_drop(struct vfiosim_inproc *proc, int fd)
{
	struct open_file *file = proc->fds[fd].file;

	proc->fds[fd] = (struct descriptor){ 0 };
	open_file_put(file, proc->client);
}

/* The simulator's file behind @fd, or why not: @foreign is for descriptors of something else. */
static int fd_sim_file(struct vfiosim_inproc *proc, int fd, int foreign,
		       struct open_file **ret_file)
{
	struct open_file *file = fd_find(proc, fd);

	if (!file)
		return -EBADF;
	if (file->kind != OPEN_SIM)
		return foreign;
	*ret_file = file;
	return 0;
}

static int fds_open_stdio(struct vfiosim_inproc *proc)
{
	int fd;

	do
		fd = fd_create(proc, OPEN_FOREIGN, false);
	while (fd >= 0 && fd < FD_STDIO - 1);
	return fd < 0 ? fd : 0;
}

/* ---- Client ops ---- */

static int op_limits(struct vfiosim_caller *caller, struct vfiosim_limits *ret_limits)
{
	const struct vfiosim_inproc *proc = caller->ctx;

	if (!proc)
		return -ESRCH;
	*ret_limits = proc->limits;
	return 0;
}

static int op_file(struct vfiosim_caller *caller, int fd, struct vfiosim_file **ret_file)
{
	struct open_file *file;
	int rc;

	if (!caller->ctx)
		return -EBADF;
	rc = fd_sim_file(caller->ctx, fd, -EBADFD, &file);
	if (!rc)
		*ret_file = file->file;
	return rc;
}

static int op_install(struct vfiosim_caller *caller, struct vfiosim_file *file)
{
	struct vfiosim_inproc *proc = caller->ctx;
	int fd;

	if (!proc)
		return -ESRCH;
	fd = fd_create(proc, OPEN_SIM, true);
	if (fd >= 0)
		proc->fds[fd].file->file = file;
	return fd;
}

/* To the simulator an eventfd is an opaque pointer: our open file. */
static int op_event_get(struct vfiosim_caller *caller, int fd, struct vfiosim_eventfd **ret_event)
{
	struct open_file *file = caller->ctx ? fd_find(caller->ctx, fd) : NULL;

	if (!file)
		return -EBADF;
	if (file->kind != OPEN_EVENTFD)
		return -EINVAL;
	*ret_event = (struct vfiosim_eventfd *)open_file_get(file);
	return 0;
}

static void op_event_signal(struct vfiosim_eventfd *event)
{
	open_file_signal((struct open_file *)event);
}

static void op_event_put(struct vfiosim_eventfd *event)
{
	open_file_put((struct open_file *)event, NULL);
}

/*
 * To the simulator a backing is as opaque. Only memfds are memory here; for all else
 * something foreign stands: who keeps an iommufd keeps its mappings.
 */
static int op_backing_get(struct vfiosim_caller *caller, int fd,
			  struct vfiosim_backing **ret_backing)
{
	struct open_file *file = caller->ctx ? fd_find(caller->ctx, fd) : NULL;

	if (!file)
		return -EBADF;
	if (file->kind == OPEN_MEMFD)
		open_file_get(file);
	else
		file = open_file_create(file->sim, OPEN_FOREIGN);
	if (!file)
		return -ENOMEM;
	*ret_backing = (struct vfiosim_backing *)file;
	return 0;
}

static bool op_event_open(struct vfiosim_caller *caller, struct vfiosim_eventfd *event)
{
	const struct vfiosim_inproc *proc = caller->ctx;

	for (int fd = 0; proc && fd < proc->n_fds; fd++)
		if (proc->fds[fd].file == (struct open_file *)event)
			return true;
	return false;
}

static void op_done(void *client_ctx)
{
	memory_free(client_ctx);
}

static const struct vfiosim_client_ops ops = {
	.read = memory_read,
	.write = memory_write,
	.vmas = memory_vmas,
	.limits = op_limits,
	.memlock = memory_memlock,
	.file = op_file,
	.event_get = op_event_get,
	.event_signal = op_event_signal,
	.event_put = op_event_put,
	.event_open = op_event_open,
	.backing_get = op_backing_get,
	.backing_size = open_backing_size,
	.backing_read = open_backing_read,
	.backing_write = open_backing_write,
	.backing_put = open_backing_put,
	.install = op_install,
	.done = op_done,
};

/* ---- Processes ---- */

/* A client for @memory, which is freed if that fails. */
static int client_for(struct vfiosim *sim, struct memory *memory,
		      struct vfiosim_client **ret_client)
{
	int rc = vfiosim_client_create(sim, &ops, memory, ret_client);

	if (rc)
		memory_free(memory);
	else
		memory->client = *ret_client;
	return rc;
}

/* A process without descriptors; takes @memory over. */
static int proc_create(struct vfiosim *sim, struct memory *memory, struct vfiosim_inproc **ret_proc)
{
	struct vfiosim_inproc *proc = calloc(1, sizeof(*proc));
	int rc;

	if (!proc) {
		memory_free(memory);
		return -ENOMEM;
	}
	proc->sim = sim;
	proc->memory = memory;
	rc = client_for(sim, memory, &proc->client);
	if (rc)
		free(proc);
	else
		*ret_proc = proc;
	return rc;
}

int vfiosim_inproc_create(struct vfiosim *sim, struct vfiosim_inproc **ret_proc)
{
	const struct vfiosim_limits none = {
		.memlock = UINT64_MAX, .ipc_lock = true, .sys_rawio = true, .sys_resource = true,
	};
	struct vfiosim_inproc *proc;
	struct memory *memory;
	int rc;

	rc = memory_create(&memory);
	if (!rc)
		rc = proc_create(sim, memory, &proc);
	if (rc)
		return rc;
	vfiosim_inproc_set_limits(proc, &none);
	rc = fds_open_stdio(proc);
	if (rc)
		vfiosim_inproc_destroy(proc);
	else
		*ret_proc = proc;
	return rc;
}

/* As the kernel does it: first the memory, then the descriptors. */
void vfiosim_inproc_destroy(struct vfiosim_inproc *proc)
{
	if (!proc)
		return;
	memory_drop(proc->memory);
	for (int fd = 0; fd < proc->n_fds; fd++)
		fd_drop(proc, fd);
	vfiosim_client_put(proc->client);
	waiting_writes_done(&proc->writes);
	free(proc->fds);
	free(proc);
}

int vfiosim_inproc_fork(struct vfiosim_inproc *proc, struct vfiosim_inproc **ret_child)
{
	struct vfiosim_inproc *child;
	struct memory *memory;
	int rc;

	rc = memory_copy(proc->memory, &memory);
	if (!rc)
		rc = proc_create(proc->sim, memory, &child);
	if (rc)
		return rc;
	vfiosim_inproc_set_limits(child, &proc->limits);
	rc = fds_grow(child, proc->n_fds);
	if (rc) {
		vfiosim_inproc_destroy(child);
		return rc;
	}
	for (int fd = 0; fd < proc->n_fds; fd++)
		if (proc->fds[fd].file)
			fd_give(child, fd, open_file_get(proc->fds[fd].file),
				proc->fds[fd].cloexec);
	*ret_child = child;
	return 0;
}

int vfiosim_inproc_exec(struct vfiosim_inproc *proc)
{
	struct vfiosim_client *client;
	struct memory *memory;
	int rc;

	rc = memory_create(&memory);
	if (!rc)
		rc = client_for(proc->sim, memory, &client);
	if (rc)
		return rc;
	memory_drop(proc->memory);
	vfiosim_client_put(proc->client);
	proc->client = client;
	proc->memory = memory;
	memory_set_memlock(memory, proc->limits.memlock);
	for (int fd = 0; fd < proc->n_fds; fd++)
		if (proc->fds[fd].cloexec)
			fd_drop(proc, fd);
	return 0;
}

void vfiosim_inproc_set_limits(struct vfiosim_inproc *proc, const struct vfiosim_limits *limits)
{
	proc->limits = *limits;
	memory_set_memlock(proc->memory, limits->memlock);
}

struct vfiosim_client *vfiosim_inproc_client(struct vfiosim_inproc *proc)
{
	return proc->client;
}

/* ---- Opening and closing ---- */

int vfiosim_inproc_open(struct vfiosim_inproc *proc, const char *path)
{
	struct vfiosim_caller caller = caller_of(proc);
	int fd = fd_create(proc, OPEN_SIM, false), rc;

	if (fd < 0)
		return fd;
	rc = inproc_open_node(proc->sim, &caller, path, &proc->fds[fd].file->file);
	vfiosim_finish(proc->sim, &caller);
	if (!rc)
		return fd;
	fd_drop(proc, fd);
	return rc;
}

int vfiosim_inproc_close(struct vfiosim_inproc *proc, int fd)
{
	if (!fd_find(proc, fd))
		return -EBADF;
	fd_drop(proc, fd);
	return 0;
}

int vfiosim_inproc_dup(struct vfiosim_inproc *proc, int fd)
{
	return vfiosim_inproc_send(proc, fd, proc);
}

int vfiosim_inproc_send(struct vfiosim_inproc *proc, int fd, struct vfiosim_inproc *to)
{
	struct open_file *file = fd_find(proc, fd);
	int copy;

	if (!file)
		return -EBADF;
	copy = fd_reserve(to);
	return copy < 0 ? copy : fd_give(to, copy, open_file_get(file), false);
}

/* ---- Commands ---- */

long vfiosim_inproc_ioctl(struct vfiosim_inproc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	struct vfiosim_caller caller = caller_of(proc);
	struct open_file *file;
	long rc;

	rc = fd_sim_file(proc, fd, -ENOTTY, &file);
	if (rc)
		return rc;
	rc = vfiosim_ioctl(file->file, &caller, cmd, arg);
	vfiosim_finish(proc->sim, &caller);
	return rc;
}

/* Too large for the stack: in a mapping of its own. */
static long ioctl_large(struct vfiosim_inproc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	uint64_t length = (size + VFIOSIM_PAGE_SIZE - 1) & ~(uint64_t)(VFIOSIM_PAGE_SIZE - 1);
	unsigned prot = VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE;
	uint64_t uva;
	long rc, result;

	rc = memory_map(proc->memory, length, prot, VFIOSIM_VMA_MEMORY, NULL, 0, &uva);
	if (rc)
		return rc;
	rc = memory_write(proc->memory, uva, data, size);
	if (!rc) {
		result = vfiosim_inproc_ioctl(proc, fd, cmd, uva);
		rc = memory_read(proc->memory, uva, data, size);
		rc = rc ? rc : result;
	}
	memory_unmap(proc->memory, uva, length);
	return rc;
}

/* The structure ends where the stack ends: a command that goes beyond it gets EFAULT. */
long vfiosim_inproc_ioctl_struct(struct vfiosim_inproc *proc, int fd, uint32_t cmd, void *data,
				 size_t size)
{
	uint64_t uva;
	long rc;

	if (size > STACK_SIZE)
		return ioctl_large(proc, fd, cmd, data, size);
	uva = memory_window_open(proc->memory, data, size);
	rc = vfiosim_inproc_ioctl(proc, fd, cmd, uva);
	memory_window_close(proc->memory);
	return rc;
}

/* A memfd's own reads and writes; -ESPIPE: it is no memfd. As many bytes as it has there. */
static ssize_t memfd_move(struct vfiosim_inproc *proc, int fd, void *to, const void *from,
			  size_t length, uint64_t offset)
{
	struct vfiosim_backing *backing = (struct vfiosim_backing *)fd_find(proc, fd);
	uint64_t size = open_backing_size(backing);
	uint64_t left = offset < size ? size - offset : 0;

	if (proc->fds[fd].file->kind != OPEN_MEMFD)
		return -ESPIPE;
	if (length > left)
		length = left;
	if (to)
		open_backing_read(backing, offset, to, length);
	else if (open_backing_write(backing, offset, from, length) == -EACCES)
		return -EPERM;
	return (ssize_t)length;
}

ssize_t vfiosim_inproc_pread(struct vfiosim_inproc *proc, int fd, void *to, size_t length,
			     uint64_t offset)
{
	struct vfiosim_caller caller = caller_of(proc);
	struct open_file *file;
	ssize_t rc;

	rc = fd_sim_file(proc, fd, -ESPIPE, &file);
	if (rc == -ESPIPE)
		return memfd_move(proc, fd, to, NULL, length, offset);
	if (rc)
		return rc;
	rc = vfiosim_read(file->file, &caller, to, length, offset);
	vfiosim_finish(proc->sim, &caller);
	return rc;
}

ssize_t vfiosim_inproc_pwrite(struct vfiosim_inproc *proc, int fd, const void *from, size_t length,
			      uint64_t offset)
{
	struct vfiosim_caller caller = caller_of(proc);
	struct open_file *file;
	ssize_t rc;

	rc = fd_sim_file(proc, fd, -ESPIPE, &file);
	if (rc == -ESPIPE)
		return memfd_move(proc, fd, NULL, from, length, offset);
	if (rc)
		return rc;
	rc = vfiosim_write(file->file, &caller, from, length, offset);
	vfiosim_finish(proc->sim, &caller);
	return rc;
}

int vfiosim_inproc_memfd(struct vfiosim_inproc *proc, uint64_t size)
{
	int fd = fd_create(proc, OPEN_MEMFD, false), rc;

	if (fd < 0)
		return fd;
	rc = open_file_fill(proc->fds[fd].file, size);
	if (!rc)
		return fd;
	fd_drop(proc, fd);
	return rc;
}

int vfiosim_inproc_seal(struct vfiosim_inproc *proc, int fd)
{
	struct open_file *file = fd_find(proc, fd);

	if (!file)
		return -EBADF;
	if (file->kind != OPEN_MEMFD)
		return -EINVAL;
	atomic_store(&file->contents->sealed, true);
	return 0;
}

int vfiosim_inproc_eventfd(struct vfiosim_inproc *proc)
{
	return fd_create(proc, OPEN_EVENTFD, false);
}

int64_t vfiosim_inproc_event_read(struct vfiosim_inproc *proc, int fd)
{
	struct open_file *file = fd_find(proc, fd);

	if (!file || file->kind != OPEN_EVENTFD)
		return -EBADF;
	return (int64_t)open_file_take(file);
}

/* ---- Memory ---- */

int vfiosim_inproc_mmap(struct vfiosim_inproc *proc, uint64_t length, unsigned prot,
			enum vfiosim_vma_kind kind, uint64_t *ret_uva)
{
	if (kind == VFIOSIM_VMA_REGION)
		return -EINVAL;
	return memory_map(proc->memory, length, prot, kind, NULL, 0, ret_uva);
}

int vfiosim_inproc_mmap_fd(struct vfiosim_inproc *proc, int fd, uint64_t offset, uint64_t length,
			   uint64_t *ret_uva)
{
	struct vfiosim_caller caller = caller_of(proc);
	struct open_file *file;
	int rc;

	rc = fd_sim_file(proc, fd, -ENODEV, &file);
	if (rc)
		return rc;
	if ((offset | length) % VFIOSIM_PAGE_SIZE || !length)
		return -EINVAL;
	rc = vfiosim_mmap(file->file, &caller, offset, length, true, true);
	vfiosim_finish(proc->sim, &caller);
	if (rc)
		return rc;
	return memory_map(proc->memory, length, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE,
			  VFIOSIM_VMA_REGION, file, offset, ret_uva);
}

int vfiosim_inproc_mprotect(struct vfiosim_inproc *proc, uint64_t uva, uint64_t length,
			    unsigned prot)
{
	return memory_protect(proc->memory, uva, length, prot);
}

int vfiosim_inproc_munmap(struct vfiosim_inproc *proc, uint64_t uva, uint64_t length)
{
	return memory_unmap(proc->memory, uva, length);
}

int vfiosim_inproc_peek(struct vfiosim_inproc *proc, uint64_t uva, void *to, size_t length)
{
	struct vfiosim_caller caller = caller_of(proc);

	return memory_load(proc->memory, &caller, uva, to, length);
}

int vfiosim_inproc_poke(struct vfiosim_inproc *proc, uint64_t uva, const void *from, size_t length)
{
	struct vfiosim_caller caller = caller_of(proc);

	return memory_store(proc->memory, &caller, uva, from, length);
}
