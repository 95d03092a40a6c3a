/* SPDX-License-Identifier: MIT */
/*
 * The target in this process: a machine of its own for every target, processes
 * that are tables (vfiosim/inproc.h). The same calls give the same trace.
 */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>

#define PARKED_MAX 4

struct inproc_target {
	struct target base;
	struct vfiosim *sim;
	struct inproc_proc **procs;	/* in order of creation; NULL: exited */
	unsigned n_procs;
	struct refusal last;		/* calls are answered one at a time */
	struct parked_write {		/* writers that wait; proc NULL: a free place */
		struct proc *proc;
		char path[128], text[128];
	} parked[PARKED_MAX];
};

struct inproc_proc {
	struct proc base;
	struct vfiosim_inproc *inproc;
};

static struct inproc_target *inproc_target(struct target *target)
{
	return (struct inproc_target *)target->ctx;
}

static struct vfiosim_inproc *inproc(struct proc *proc)
{
	return ((struct inproc_proc *)proc->ctx)->inproc;
}

/* Remembers why the last refused call was refused. */
static void note_refusal(void *ctx, const struct vfiosim_event *event)
{
	struct inproc_target *self = ctx;

	if (event->result >= 0)
		return;
	snprintf(self->last.rule, sizeof(self->last.rule), "%s",
		 event->rule ? event->rule->id : "");
	snprintf(self->last.reason, sizeof(self->last.reason), "%s",
		 event->reason ? event->reason : "");
}

static void inproc_refusal(struct proc *proc, struct refusal *ret_refusal)
{
	*ret_refusal = inproc_target(proc->target)->last;
}

static void called(struct proc *proc)
{
	if (proc->target->called)
		proc->target->called(proc->target->called_ctx);
}

/* ---- Sysfs ------------------------------------------------------------- */

/* Whoever waits tries again: something was closed. */
static void retry_parked(struct inproc_target *self)
{
	for (int i = 0; i < PARKED_MAX; i++) {
		struct parked_write *parked = &self->parked[i];

		if (parked->proc && vfiosim_inproc_write_file(inproc(parked->proc), parked->path,
							      parked->text) != -EINPROGRESS)
			parked->proc = NULL;
	}
}

static int park(struct inproc_target *self, struct proc *proc, const char *path, const char *text)
{
	for (int i = 0; i < PARKED_MAX; i++) {
		struct parked_write *parked = &self->parked[i];

		if (parked->proc)
			continue;
		parked->proc = proc;
		snprintf(parked->path, sizeof(parked->path), "%s", path);
		snprintf(parked->text, sizeof(parked->text), "%s", text);
		return -EINPROGRESS;
	}
	return -ENOSPC;	/* of ours: no case has so many */
}

static int inproc_write_file(struct proc *proc, const char *path, const char *text)
{
	ssize_t length = vfiosim_inproc_write_file(inproc(proc), path, text);

	if (length == -EINPROGRESS)
		return park(inproc_target(proc->target), proc, path, text);
	return length < 0 ? (int)length : 0;
}

static void cancel_parked(struct inproc_target *self, const struct proc *proc)
{
	for (int i = 0; i < PARKED_MAX; i++)
		if (self->parked[i].proc == proc)
			self->parked[i].proc = NULL;
}

/* ---- Processes --------------------------------------------------------- */

static int add_proc(struct inproc_target *self, struct inproc_proc *proc)
{
	struct inproc_proc **procs;

	procs = realloc(self->procs, (self->n_procs + 1) * sizeof(struct inproc_proc *));
	if (!procs)
		return -ENOMEM;
	self->procs = procs;
	procs[self->n_procs++] = proc;
	proc->base = (struct proc){ .target = &self->base, .number = self->n_procs, .ctx = proc };
	return 0;
}

static int inproc_process(struct target *target, struct proc *parent, struct proc **ret_proc)
{
	struct inproc_target *self = inproc_target(target);
	struct inproc_proc *proc = calloc(1, sizeof(*proc));
	int error;

	if (!proc)
		return -ENOMEM;
	if (parent)
		error = vfiosim_inproc_fork(inproc(parent), &proc->inproc);
	else
		error = vfiosim_inproc_create(self->sim, &proc->inproc);
	if (!error)
		error = add_proc(self, proc);
	if (error) {
		vfiosim_inproc_destroy(proc->inproc);
		free(proc);
		return error;
	}
	*ret_proc = &proc->base;
	return 0;
}

static void inproc_exit(struct proc *proc)
{
	struct inproc_target *self = inproc_target(proc->target);
	struct inproc_proc *own = proc->ctx;

	self->procs[proc->number - 1] = NULL;
	cancel_parked(self, proc);
	vfiosim_inproc_destroy(own->inproc);
	free(own);
	retry_parked(self);
}

static int inproc_exec(struct proc *proc)
{
	return vfiosim_inproc_exec(inproc(proc));
}

static int inproc_limit(struct proc *proc, uint64_t memlock, bool rawio, bool resource)
{
	struct vfiosim_limits limits = {
		.memlock = memlock,
		.ipc_lock = memlock == LIMIT_UNLIMITED,
		.sys_rawio = rawio,
		.sys_resource = resource,
	};

	vfiosim_inproc_set_limits(inproc(proc), &limits);
	return 0;
}

/* ---- Calls ------------------------------------------------------------- */

/* There is no sysfs to look into here, but the machine tells the same. */
static int inproc_cdev(struct proc *proc, const struct target_device *device, char *to, size_t size)
{
	struct vfiosim_device_state state;
	int error = vfiosim_device_state(inproc_target(proc->target)->sim, device->address, &state);

	if (error || state.cdev < 0)
		return -ENOENT;
	snprintf(to, size, "/dev/vfio/devices/vfio%d", state.cdev);
	return 0;
}

static int inproc_open(struct proc *proc, const char *path)
{
	return vfiosim_inproc_open(inproc(proc), path);
}

static int inproc_close(struct proc *proc, int fd)
{
	int error = vfiosim_inproc_close(inproc(proc), fd);

	retry_parked(inproc_target(proc->target));
	called(proc);
	return error;
}

static int inproc_dup(struct proc *proc, int fd)
{
	return vfiosim_inproc_dup(inproc(proc), fd);
}

static int inproc_send(struct proc *proc, int fd, struct proc *to)
{
	return vfiosim_inproc_send(inproc(proc), fd, inproc(to));
}

static long inproc_ioctl(struct proc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	long answer = vfiosim_inproc_ioctl(inproc(proc), fd, cmd, arg);

	called(proc);
	return answer;
}

static long inproc_ioctl_data(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	long answer = vfiosim_inproc_ioctl_struct(inproc(proc), fd, cmd, data, size);

	called(proc);
	return answer;
}

static ssize_t inproc_pread(struct proc *proc, int fd, void *to, size_t length, uint64_t offset)
{
	return vfiosim_inproc_pread(inproc(proc), fd, to, length, offset);
}

static ssize_t inproc_pwrite(struct proc *proc, int fd, const void *from, size_t length,
			     uint64_t offset)
{
	ssize_t answer = vfiosim_inproc_pwrite(inproc(proc), fd, from, length, offset);

	called(proc);
	return answer;
}

static int inproc_eventfd(struct proc *proc)
{
	return vfiosim_inproc_eventfd(inproc(proc));
}

static int inproc_memfd(struct proc *proc, uint64_t size, bool sealed)
{
	int fd = vfiosim_inproc_memfd(inproc(proc), size);

	if (fd >= 0 && sealed)
		vfiosim_inproc_seal(inproc(proc), fd);
	return fd;
}

static int64_t inproc_event_read(struct proc *proc, int fd)
{
	return vfiosim_inproc_event_read(inproc(proc), fd);
}

/* ---- Memory ------------------------------------------------------------ */

static const struct {
	unsigned prot;
	enum vfiosim_vma_kind kind;
} kinds[] = {
	[MEMORY_RAM] = { VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_MEMORY },
	[MEMORY_READONLY] = { VFIOSIM_PROT_READ, VFIOSIM_VMA_MEMORY },
	[MEMORY_WRITEONLY] = { VFIOSIM_PROT_WRITE, VFIOSIM_VMA_MEMORY },
	[MEMORY_NONE] = { 0, VFIOSIM_VMA_MEMORY },
	[MEMORY_UNMAPPED] = { 0, VFIOSIM_VMA_MEMORY },
	[MEMORY_FILE] = { VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_PRIVATE },
	[MEMORY_SHARED] = { VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_MEMORY },
	[MEMORY_DIRTYTRACK] = { VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_DIRTYTRACK },
	[MEMORY_BEYOND] = { VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE, VFIOSIM_VMA_NEVER },
};

static int inproc_mmap(struct proc *proc, enum memory_kind kind, uint64_t length,
		       uint64_t *ret_uva)
{
	int error = vfiosim_inproc_mmap(inproc(proc), length, kinds[kind].prot, kinds[kind].kind,
					ret_uva);

	if (!error && kind == MEMORY_UNMAPPED)
		error = vfiosim_inproc_munmap(inproc(proc), *ret_uva, length);
	return error;
}

static int inproc_mmap_fd(struct proc *proc, int fd, uint64_t offset, uint64_t length,
			  uint64_t *ret_uva)
{
	return vfiosim_inproc_mmap_fd(inproc(proc), fd, offset, length, ret_uva);
}

static int inproc_munmap(struct proc *proc, uint64_t uva, uint64_t length)
{
	return vfiosim_inproc_munmap(inproc(proc), uva, length);
}

static int inproc_mprotect(struct proc *proc, uint64_t uva, uint64_t length, bool readable,
			   bool writable)
{
	return vfiosim_inproc_mprotect(inproc(proc), uva, length,
				       (readable ? VFIOSIM_PROT_READ : 0) |
					       (writable ? VFIOSIM_PROT_WRITE : 0));
}

static int inproc_peek(struct proc *proc, uint64_t uva, void *to, size_t length)
{
	return vfiosim_inproc_peek(inproc(proc), uva, to, length);
}

static int inproc_poke(struct proc *proc, uint64_t uva, const void *from, size_t length)
{
	return vfiosim_inproc_poke(inproc(proc), uva, from, length);
}

/* ---- The machine ------------------------------------------------------- */

static int inproc_state(struct target *target, char **ret_text)
{
	return vfiosim_state_json(inproc_target(target)->sim, ret_text);
}

struct vfiosim *target_inproc_machine(struct target *target)
{
	return inproc_target(target)->sim;
}

void target_inproc_exit_all(struct target *target)
{
	struct inproc_target *self = inproc_target(target);

	while (self->n_procs) {
		struct inproc_proc *proc = self->procs[self->n_procs - 1];

		if (proc)
			inproc_exit(&proc->base);
		self->n_procs--;
	}
}

static void inproc_destroy(struct target *target)
{
	struct inproc_target *self = inproc_target(target);

	target_inproc_exit_all(target);
	vfiosim_destroy(self->sim);
	free(self->procs);
	free(self->base.devices);
	free(self);
}

static const struct target_ops inproc_ops = {
	.name = "inproc",
	.destroy = inproc_destroy,
	.process = inproc_process,
	.state = inproc_state,
	.exit = inproc_exit,
	.exec = inproc_exec,
	.limit = inproc_limit,
	.cdev = inproc_cdev,
	.open = inproc_open,
	.close = inproc_close,
	.dup = inproc_dup,
	.send = inproc_send,
	.ioctl = inproc_ioctl,
	.ioctl_data = inproc_ioctl_data,
	.pread = inproc_pread,
	.pwrite = inproc_pwrite,
	.eventfd = inproc_eventfd,
	.memfd = inproc_memfd,
	.event_read = inproc_event_read,
	.mmap = inproc_mmap,
	.mmap_fd = inproc_mmap_fd,
	.munmap = inproc_munmap,
	.mprotect = inproc_mprotect,
	.peek = inproc_peek,
	.poke = inproc_poke,
	.write_file = inproc_write_file,
	.refusal = inproc_refusal,
};

int target_inproc_create(const struct vfiosim_topology *topology, const struct target_sink *sinks,
			 struct target **ret_target)
{
	struct inproc_target *self = calloc(1, sizeof(*self));
	int error;

	if (!self)
		return -ENOMEM;
	self->base = (struct target){ .ops = &inproc_ops, .simulated = true, .ctx = self };
	error = target_devices_from(&self->base, topology);
	if (!error)
		error = vfiosim_create(topology, &self->sim);
	if (!error)
		error = vfiosim_trace_add(self->sim, note_refusal, self);
	for (; !error && sinks && sinks->sink; sinks++)
		error = vfiosim_trace_add(self->sim, sinks->sink, sinks->ctx);
	if (error) {
		inproc_destroy(&self->base);
		return error;
	}
	*ret_target = &self->base;
	return 0;
}
