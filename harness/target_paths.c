/* SPDX-License-Identifier: MIT */
/*
 * The target of real system calls: /dev/vfio as it stands here. Its processes are
 * workers (target_worker.h); the runner itself never holds a VFIO file, so that
 * limits, fork, exec and exit mean what they mean.
 */
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <json.h>

#include "cli.h"
#include "target_worker.h"

#define CONTROL_STATE "/dev/.vfiosim/state"
#define CONTROL_LAST "/dev/.vfiosim/last"

struct paths_target {
	struct target base;
	bool allow_sysfs;		/* on a real kernel */
	uint64_t memlock;		/* of fresh processes; LIMIT_UNLIMITED: their own */
	struct paths_proc **procs;	/* in order of creation; NULL: exited */
	unsigned n_procs;
};

struct paths_proc {
	struct proc base;
	int socket;
	pid_t pid;
	int pidfd;			/* tells that it has ended; -1: not known */
	bool ours;			/* a child of the runner, to be reaped */
	uint64_t last;			/* number of the last refusal told */
};

static struct paths_target *paths_target(struct target *target)
{
	return (struct paths_target *)target->ctx;
}

static int sock(struct proc *proc)
{
	return ((struct paths_proc *)proc->ctx)->socket;
}

/* ---- Asking a worker --------------------------------------------------- */

/* @to: where the reply's bytes go, at most @size of them. The result of the call. */
static int64_t ask_for(struct proc *proc, const struct worker_request *request, const void *bytes,
		       uint64_t *ret_value, void *to, size_t size)
{
	struct worker_reply reply = { 0 };
	int error = worker_send(sock(proc), request, sizeof(*request));

	if (!error)
		error = worker_send(sock(proc), bytes, request->size);
	if (!error)
		error = worker_receive(sock(proc), &reply, sizeof(reply));
	if (!error && reply.size > size)
		error = -EPROTO;
	if (!error)
		error = worker_receive(sock(proc), to, reply.size);
	if (error)
		return error;
	if (ret_value)
		*ret_value = reply.value;
	return reply.result;
}

static int64_t ask(struct proc *proc, const struct worker_request *request)
{
	return ask_for(proc, request, NULL, NULL, NULL, 0);
}

/* ---- Reasons ------------------------------------------------------------ */

static void copy_string(json_object *event, const char *key, char *to, size_t size)
{
	json_object *value = json_object_object_get(event, key);

	snprintf(to, size, "%s", value ? json_object_get_string(value) : "");
}

/* The host's own kernel refuses some things before the simulator hears of them: is it news? */
static bool is_new(struct proc *proc, json_object *event)
{
	struct paths_proc *own = proc->ctx;
	uint64_t number = json_object_get_uint64(json_object_object_get(event, "number"));
	bool result = number != own->last;

	own->last = number;
	return result;
}

static void paths_refusal(struct proc *proc, struct refusal *ret_refusal)
{
	struct worker_request request = { .op = WORKER_READ_FILE, .size = sizeof(CONTROL_LAST) };
	json_object *event = NULL;
	char *text;

	*ret_refusal = (struct refusal){ 0 };
	if (!proc->target->simulated)
		return;
	text = calloc(1, WORKER_BYTES_MAX + 1);
	if (text && ask_for(proc, &request, CONTROL_LAST, NULL, text, WORKER_BYTES_MAX) > 0)
		event = json_tokener_parse(text);	/* NULL: nothing was refused */
	if (event && is_new(proc, event)) {
		copy_string(event, "rule", ret_refusal->rule, sizeof(ret_refusal->rule));
		copy_string(event, "reason", ret_refusal->reason, sizeof(ret_refusal->reason));
	}
	json_object_put(event);
	free(text);
}

/* Reasons are remembered from the first reading on. */
static void watch_refusals(struct proc *proc)
{
	struct refusal ignored;

	paths_refusal(proc, &ignored);
}

/* ---- Processes --------------------------------------------------------- */

static int add_proc(struct paths_target *self, struct paths_proc *proc)
{
	struct paths_proc **procs;

	procs = realloc(self->procs, (self->n_procs + 1) * sizeof(struct paths_proc *));
	if (!procs)
		return -ENOMEM;
	self->procs = procs;
	procs[self->n_procs++] = proc;
	proc->base = (struct proc){ .target = &self->base, .number = self->n_procs, .ctx = proc };
	return 0;
}

/* A fresh process: a child of the runner that drops every socket but its own. */
static int start(struct paths_target *self, struct paths_proc *proc, int theirs)
{
	proc->pid = fork();
	if (proc->pid < 0)
		return -errno;
	if (!proc->pid) {
		close(proc->socket);
		for (unsigned i = 0; i < self->n_procs; i++)
			if (self->procs[i])
				close(self->procs[i]->socket);
		_exit(worker_serve(theirs));
	}
	proc->ours = true;
	return 0;
}

/* Ask @parent to fork; the child's socket travels along. */
static int start_fork(struct proc *parent, struct paths_proc *proc, int theirs)
{
	const struct worker_request request = { .op = WORKER_FORK };
	struct worker_reply reply = { 0 };
	int error = worker_send_fd(sock(parent), &request, sizeof(request), theirs);

	if (!error)
		error = worker_receive(sock(parent), &reply, sizeof(reply));
	if (error)
		return error;
	proc->pid = (pid_t)reply.result;
	return reply.result < 0 ? (int)reply.result : 0;
}

static int paths_limit(struct proc *proc, uint64_t memlock, bool rawio, bool resource)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_LIMIT, .a = memlock,
							.b = (uint64_t)rawio | (uint64_t)resource << 1 });
}

static int paths_process(struct target *target, struct proc *parent, struct proc **ret_proc)
{
	struct paths_target *self = paths_target(target);
	struct paths_proc *proc = calloc(1, sizeof(*proc));
	int ends[2], error;

	if (!proc)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		free(proc);
		return -errno;
	}
	proc->socket = ends[0];
	error = parent ? start_fork(parent, proc, ends[1]) : start(self, proc, ends[1]);
	close(ends[1]);
	proc->pidfd = error ? -1 : (int)syscall(SYS_pidfd_open, proc->pid, 0);
	if (!error)
		error = add_proc(self, proc);
	if (error) {
		close(proc->socket);
		if (proc->pidfd >= 0)
			close(proc->pidfd);
		free(proc);
		return error;
	}
	*ret_proc = &proc->base;
	if (target->simulated)
		watch_refusals(*ret_proc);
	if (parent || self->memlock == LIMIT_UNLIMITED)
		return 0;
	return paths_limit(*ret_proc, self->memlock, true, true);
}

#define END_PATIENCE_MS 30000

/*
 * Until the process has ended, whosever child it is: it lets go of its files after its
 * socket is closed, and the next play would find a group busy.
 */
static void wait_for_end(const struct paths_proc *proc)
{
	struct pollfd ended = { .fd = proc->pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&ended, 1, END_PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	if (!n)
		cli_error("process %d of a case does not end; what it holds stays in use",
			  (int)proc->pid);
}

/* A worker that loses its socket exits. Its own children were ended before it, or are by init. */
static void paths_exit(struct proc *proc)
{
	struct paths_target *self = paths_target(proc->target);
	struct paths_proc *own = proc->ctx;
	char byte;

	self->procs[proc->number - 1] = NULL;
	shutdown(own->socket, SHUT_WR);
	while (recv(own->socket, &byte, 1, 0) > 0)	/* until it exits */
		;
	close(own->socket);
	if (own->pidfd >= 0) {
		wait_for_end(own);
		close(own->pidfd);
	}
	if (own->ours)
		waitpid(own->pid, NULL, own->pidfd >= 0 ? WNOHANG : 0);
	free(own);
}

static int paths_exec(struct proc *proc)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_EXEC });
}

/* ---- Calls ------------------------------------------------------------- */

/* The one folder "vfioN" in the device's vfio-dev. */
static int paths_cdev(struct proc *proc, const struct target_device *device, char *to, size_t size)
{
	const struct dirent *entry;
	char path[128];
	int error = -ENOENT;
	DIR *folder;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/vfio-dev",
		 device->mdev ? "mdev" : "pci", device->address);
	folder = opendir(path);
	if (!folder)
		return -errno;
	while (error && (entry = readdir(folder)))
		if (!strncmp(entry->d_name, "vfio", 4)) {
			snprintf(to, size, "/dev/vfio/devices/%.32s", entry->d_name);
			error = 0;
		}
	closedir(folder);
	return error;
}

static int paths_open(struct proc *proc, const char *path)
{
	struct worker_request request = { .op = WORKER_OPEN, .size = (uint32_t)strlen(path) };

	return (int)ask_for(proc, &request, path, NULL, NULL, 0);
}

static int paths_close(struct proc *proc, int fd)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_CLOSE, .fd = fd });
}

static int paths_dup(struct proc *proc, int fd)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_DUP, .fd = fd });
}

/* Through this process, which holds it for that long. */
static int paths_send(struct proc *proc, int fd, struct proc *to)
{
	const struct worker_request give = { .op = WORKER_GIVE, .fd = fd };
	const struct worker_request take = { .op = WORKER_TAKE };
	struct worker_reply reply = { .result = 0 };
	int error = worker_send(sock(proc), &give, sizeof(give)), passing = -1;

	if (!error)
		error = worker_receive_fd(sock(proc), &reply, sizeof(reply), &passing);
	if (!error && passing < 0)
		error = reply.result < 0 ? (int)reply.result : -EMFILE;
	if (error)
		return error;
	error = worker_send_fd(sock(to), &take, sizeof(take), passing);
	close(passing);
	if (!error)
		error = worker_receive(sock(to), &reply, sizeof(reply));
	return error ? error : (int)reply.result;
}

static long paths_ioctl(struct proc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	return ask(proc, &(struct worker_request){ .op = WORKER_IOCTL, .fd = fd, .a = cmd,
						   .b = arg });
}

static long paths_ioctl_data(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	struct worker_request request = { .op = WORKER_IOCTL_DATA, .fd = fd, .a = cmd,
					  .size = (uint32_t)size };

	return ask_for(proc, &request, data, NULL, data, size);
}

static ssize_t paths_pread(struct proc *proc, int fd, void *to, size_t length, uint64_t offset)
{
	struct worker_request request = { .op = WORKER_PREAD, .fd = fd, .a = offset, .b = length };

	return ask_for(proc, &request, NULL, NULL, to, length);
}

static ssize_t paths_pwrite(struct proc *proc, int fd, const void *from, size_t length,
			    uint64_t offset)
{
	struct worker_request request = { .op = WORKER_PWRITE, .fd = fd, .a = offset,
					  .size = (uint32_t)length };

	return ask_for(proc, &request, from, NULL, NULL, 0);
}

static int paths_eventfd(struct proc *proc)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_EVENTFD });
}

static int paths_memfd(struct proc *proc, uint64_t size, bool sealed)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_MEMFD, .a = size, .b = sealed });
}

/* A real device signals after the reply; give it a moment before saying that nothing came. */
static int64_t paths_event_read(struct proc *proc, int fd)
{
	struct worker_request request = { .op = WORKER_EVENT_READ, .fd = fd };
	int64_t count = 0;

	for (int i = 0; i < 20 && !(count = ask(proc, &request)); i++)
		usleep(5000);
	return count;
}

/* ---- Memory ------------------------------------------------------------ */

static int paths_mmap(struct proc *proc, enum memory_kind kind, uint64_t length, uint64_t *ret_uva)
{
	struct worker_request request = { .op = WORKER_MMAP, .a = kind, .b = length };

	return (int)ask_for(proc, &request, NULL, ret_uva, NULL, 0);
}

static int paths_mmap_fd(struct proc *proc, int fd, uint64_t offset, uint64_t length,
			 uint64_t *ret_uva)
{
	struct worker_request request = { .op = WORKER_MMAP_FD, .fd = fd, .a = offset,
					  .b = length };

	return (int)ask_for(proc, &request, NULL, ret_uva, NULL, 0);
}

static int paths_munmap(struct proc *proc, uint64_t uva, uint64_t length)
{
	return (int)ask(proc, &(struct worker_request){ .op = WORKER_MUNMAP, .a = uva,
							.b = length });
}

static int paths_mprotect(struct proc *proc, uint64_t uva, uint64_t length, bool readable,
			  bool writable)
{
	int prot = (readable ? PROT_READ : 0) | (writable ? PROT_WRITE : 0);

	return (int)ask(proc, &(struct worker_request){ .op = WORKER_MPROTECT, .a = uva,
							.b = length, .fd = prot });
}

static int paths_peek(struct proc *proc, uint64_t uva, void *to, size_t length)
{
	struct worker_request request = { .op = WORKER_PEEK, .a = uva, .b = length };

	return (int)ask_for(proc, &request, NULL, NULL, to, length);
}

static int paths_poke(struct proc *proc, uint64_t uva, const void *from, size_t length)
{
	struct worker_request request = { .op = WORKER_POKE, .a = uva, .size = (uint32_t)length };

	return (int)ask_for(proc, &request, from, NULL, NULL, 0);
}

/* ---- The control files ------------------------------------------------- */

static int paths_state(struct target *target, char **ret_text)
{
	size_t size;
	FILE *from, *to;
	char buffer[4096];
	size_t n;

	if (!target->simulated)
		return -ENOSYS;
	from = fopen(CONTROL_STATE, "re");
	if (!from)
		return -errno;
	to = open_memstream(ret_text, &size);
	if (!to) {
		fclose(from);
		return -ENOMEM;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), from)))
		fwrite(buffer, 1, n, to);
	fclose(from);
	return fclose(to) ? -ENOMEM : 0;
}

/* How long a writer may take before it is said to wait. A real device is slower. */
#define PATIENCE_MS 400
#define REAL_PATIENCE_MS 3000

/* This computer's own devices and settings are not ours to change, unless the user said so. */
static int paths_write_file(struct proc *proc, const char *path, const char *text)
{
	const bool simulated = proc->target->simulated;
	struct worker_request request = { .op = WORKER_WRITE_FILE,
					  .a = simulated ? PATIENCE_MS : REAL_PATIENCE_MS,
					  .b = !simulated };
	char *bytes;
	int error, size;

	if (!simulated && !paths_target(proc->target)->allow_sysfs)
		return -ENOSYS;
	size = asprintf(&bytes, "%s%c%s", path, 0, text);
	if (size < 0)
		return -ENOMEM;
	request.size = (uint32_t)size;
	error = (int)ask_for(proc, &request, bytes, NULL, NULL, 0);
	free(bytes);
	return error;
}

/* ---- The target -------------------------------------------------------- */

static void paths_destroy(struct target *target)
{
	struct paths_target *self = paths_target(target);

	while (self->n_procs) {
		struct paths_proc *proc = self->procs[self->n_procs - 1];

		if (proc)
			paths_exit(&proc->base);
		self->n_procs--;
	}
	free(self->procs);
	free(self->base.devices);
	free(self);
}

static const struct target_ops paths_ops = {
	.name = "paths",
	.destroy = paths_destroy,
	.process = paths_process,
	.state = paths_state,
	.exit = paths_exit,
	.exec = paths_exec,
	.limit = paths_limit,
	.cdev = paths_cdev,
	.open = paths_open,
	.close = paths_close,
	.dup = paths_dup,
	.send = paths_send,
	.ioctl = paths_ioctl,
	.ioctl_data = paths_ioctl_data,
	.pread = paths_pread,
	.pwrite = paths_pwrite,
	.eventfd = paths_eventfd,
	.memfd = paths_memfd,
	.event_read = paths_event_read,
	.mmap = paths_mmap,
	.mmap_fd = paths_mmap_fd,
	.munmap = paths_munmap,
	.mprotect = paths_mprotect,
	.peek = paths_peek,
	.poke = paths_poke,
	.write_file = paths_write_file,
	.refusal = paths_refusal,
};

/* @ret_target with no devices yet. */
static int create(bool simulated, struct paths_target **ret_target)
{
	struct paths_target *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	self->base = (struct target){ .ops = &paths_ops, .simulated = simulated, .ctx = self };
	self->memlock = LIMIT_UNLIMITED;
	*ret_target = self;
	return 0;
}

int target_paths_create(const struct vfiosim_topology *topology, struct target **ret_target)
{
	struct paths_target *self;
	int error = create(true, &self);

	if (error)
		return error;
	error = target_devices_from(&self->base, topology);
	if (error)
		paths_destroy(&self->base);
	else
		*ret_target = &self->base;
	return error;
}

int target_host_create(const struct target_device *devices, size_t n_devices, bool allow_sysfs,
		       uint64_t memlock, struct target **ret_target)
{
	struct paths_target *self;
	int error = create(false, &self);

	if (error)
		return error;
	self->allow_sysfs = allow_sysfs;
	self->memlock = memlock;
	self->base.devices = calloc(n_devices + 1, sizeof(*devices));
	if (!self->base.devices) {
		paths_destroy(&self->base);
		return -ENOMEM;
	}
	if (n_devices)
		memcpy(self->base.devices, devices, n_devices * sizeof(*devices));
	self->base.n_devices = n_devices;
	*ret_target = &self->base;
	return 0;
}
