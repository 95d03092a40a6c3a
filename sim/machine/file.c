/* SPDX-License-Identifier: MIT */
/* Files: opening, reading, writing, mapping and closing, whatever their kind; see file.h. */
#include "machine/file.h"

#include <poll.h>
#include <stdlib.h>

#include "machine/fault.h"
#include "machine/sim.h"
#include "machine/tracing.h"

struct vfiosim_file *file_create(struct call *call, const struct file_ops *ops, void *object)
{
	struct vfiosim_file *file = fault_zalloc(call, sizeof(*file));

	if (!file)
		return NULL;
	file->sim = call->sim;
	file->ops = ops;
	file->object = object;
	return file;
}

void file_free(struct vfiosim_file *file)
{
	free(file);
}

enum vfiosim_file_kind vfiosim_file_kind(const struct vfiosim_file *file)
{
	return file->ops->kind;
}

void *vfiosim_file_ctx(const struct vfiosim_file *file)
{
	return file->ctx;
}

void vfiosim_file_set_ctx(struct vfiosim_file *file, void *ctx)
{
	file->ctx = ctx;
}

/* ---- Open ---- */

struct opening {		/* its call_state() */
	int (*decide)(struct call *call);
};

/* Counted once, however often it is decided. */
static void note_reached(struct call *call)
{
	if (call->where && !call->provoking->reached && call_traced(call))
		fault_reached(call, NULL, call->where, call->provoking);
}

static int decide_open(struct call *call)
{
	int ret;

	note_reached(call);
	ret = fault_point(call, VFIOSIM_FAULT_OPEN, NULL);
	return ret ? ret : call_state(call, struct opening)->decide(call);
}

int file_open(struct vfiosim *sim, struct vfiosim_caller *caller, const char *wanted,
	      struct fault_where *where, uint64_t arg, int (*decide)(struct call *call),
	      struct vfiosim_file **ret_file)
{
	char comm[VFIOSIM_FAULT_COMM_MAX] = "", text[VFIOSIM_FAULT_TEXT_MAX];
	struct provoke provoke;
	struct call call;
	int ret;

	call_init(&call, sim, caller, NULL);
	call.arg = arg;
	call.where = where;
	provoke.reached = false;
	call.provoking = &provoke;
	if (fault_armed(sim))
		fault_fetch_comm(&call, comm, sizeof(comm));
	call_state(&call, struct opening)->decide = decide;
	ret = call_run(&call, decide_open);
	if (ret)	/* there is no file that could tell what it was */
		call.object = wanted;
	if (fault_provokes(&provoke, &call, ret)) {
		vfiosim_fault_text(&provoke.fault, text, sizeof(text));
		call.provoke = text;
	}
	trace_call(&call, "open", NULL, NULL, ret);
	if (!ret)
		*ret_file = call.file;
	call_done(&call);
	return ret;
}

/* ---- Read, write, map ---- */

/* What these three decide about: their call_state(). */
struct transfer {
	void *to;
	const void *from;
	size_t length;
	bool shared;
	ssize_t moved;
};

int file_refuse_operation(struct call *call, const char *operation)
{
	char object[FILE_NAME_MAX];

	trace_object(call->file, object, sizeof(object));
	return refuse(call, RULE_NO_SUCH_OPERATION, VS("object", object), VS("operation", operation));
}

int file_refuse_mmap(struct call *call)
{
	char object[FILE_NAME_MAX];

	trace_object(call->file, object, sizeof(object));
	return refuse(call, RULE_NO_MMAP, VS("object", object));
}

static int decide_read(struct call *call)
{
	struct transfer *transfer = call_state(call, struct transfer);
	const struct file_ops *ops = call->file->ops;

	if (!ops->read)
		return file_refuse_operation(call, "read");
	transfer->moved = ops->read(call, transfer->to, transfer->length, call->arg);
	return transfer->moved < 0 ? (int)transfer->moved : 0;
}

static int decide_write(struct call *call)
{
	struct transfer *transfer = call_state(call, struct transfer);
	const struct file_ops *ops = call->file->ops;

	if (!ops->write)
		return file_refuse_operation(call, "write");
	transfer->moved = ops->write(call, transfer->from, transfer->length, call->arg);
	return transfer->moved < 0 ? (int)transfer->moved : 0;
}

static int decide_mmap(struct call *call)
{
	const struct transfer *transfer = call_state(call, struct transfer);
	const struct file_ops *ops = call->file->ops;

	if (!ops->mmap)
		return file_refuse_mmap(call);
	return ops->mmap(call, call->arg, transfer->length, transfer->shared);
}

static ssize_t transfer(struct vfiosim_file *file, struct vfiosim_caller *caller,
			struct transfer what, uint64_t offset, const char *verb,
			int (*decide)(struct call *call))
{
	struct call call;
	ssize_t ret;

	call_init(&call, file->sim, caller, file);
	call.arg = offset;
	*call_state(&call, struct transfer) = what;
	ret = call_run(&call, decide);
	if (!ret)
		ret = call_state(&call, struct transfer)->moved;
	if (ret >= 0 || !caller->unasked)
		trace_call(&call, verb, NULL, NULL, ret);
	call_done(&call);
	return ret;
}

ssize_t vfiosim_read(struct vfiosim_file *file, struct vfiosim_caller *caller, void *to,
		     size_t length, uint64_t offset)
{
	struct transfer what = { .to = to, .length = length };

	return transfer(file, caller, what, offset, "read", decide_read);
}

ssize_t vfiosim_write(struct vfiosim_file *file, struct vfiosim_caller *caller, const void *from,
		      size_t length, uint64_t offset)
{
	struct transfer what = { .from = from, .length = length };

	return transfer(file, caller, what, offset, "write", decide_write);
}

int vfiosim_mmap(struct vfiosim_file *file, struct vfiosim_caller *caller, uint64_t offset,
		 uint64_t length, bool shared, bool writable)
{
	struct transfer what = { .length = length, .shared = shared };

	return (int)transfer(file, caller, what, offset, "mmap", decide_mmap);
}

unsigned vfiosim_ready(const struct vfiosim_file *file)
{
	if (file->ops->ready)
		return file->ops->ready(file);
	return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;	/* DEFAULT_POLLMASK */
}

/* ---- Close ---- */

static int decide_release(struct call *call)
{
	call->file->ops->release(call);
	return 0;
}

void vfiosim_release(struct vfiosim_file *file, struct vfiosim_caller *caller)
{
	struct call call;
	char object[FILE_NAME_MAX];

	call_init(&call, file->sim, caller, file);
	if (call_traced(&call))	/* the object may be gone afterwards */
		trace_object(file, object, sizeof(object));
	call.object = call_traced(&call) ? object : NULL;
	call.releasing = true;
	call_run(&call, decide_release);
	trace_call(&call, "close", NULL, NULL, 0);
	call_done(&call);
	file_free(file);
}
