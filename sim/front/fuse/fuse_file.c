/* SPDX-License-Identifier: MIT */
/*
 * Open files of both connections.
 *
 * What the machine asks of a client while it serves a command may wait, so the
 * lead is lent first (loop.h). RELEASE never lends it: see fuse_front.h.
 *
 * READ and WRITE may come from a page fault or from writing back a mapped page,
 * with the client's mmap lock or a page lock held: they are answered from the
 * machine alone, and what they set off (DMA, interrupts) follows the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include <vfiosim/trace.h>

#include "front/fuse/fuse_front.h"
#include "front/fuse/late.h"

#define READ_ON_STACK 4096

struct handle *handle_create(struct vfiosim_fuse *fuse)
{
	struct handle *handle = calloc(1, sizeof(*handle));

	if (!handle)
		return NULL;
	pthread_mutex_lock(&fuse->lock);
	TAILQ_INSERT_TAIL(&fuse->handles, handle, in_front);
	pthread_mutex_unlock(&fuse->lock);
	return handle;
}

void handle_destroy(struct vfiosim_fuse *fuse, struct handle *handle)
{
	pthread_mutex_lock(&fuse->lock);
	TAILQ_REMOVE(&fuse->handles, handle, in_front);
	pthread_mutex_unlock(&fuse->lock);
	if (handle->device)
		atomic_fetch_sub(&fuse->device_files, 1);
	for (size_t i = 0; i < handle->list.n; i++)
		free(handle->list.rows[i].name);
	free(handle->list.rows);
	free(handle->text);
	free(handle);
}

/* What a call left for later, after its reply: may touch clients' memory; nobody waits for it. */
static void call_finish_late(struct remote_call *call)
{
	if (call->caller.deferred)
		loop_pass(call->loop);
	remote_call_finish(call);
	remote_call_end(call);
}

void handle_release(struct vfiosim_fuse *fuse, struct handle *handle)
{
	struct vfiosim_file *file;
	struct remote_call call;

	remotes_sync(fuse->remotes);
	file = handle->file;
	if (file && handle->left_open)
		vfiosim_trace_left_open(file);
	handle_destroy(fuse, handle);
	if (!file)
		return;
	remote_call_begin(&call, fuse->remotes, fuse->loop, 0, REMOTE_NOBODY);
	vfiosim_release(file, &call.caller);
	store_retry(fuse);
	call_finish_late(&call);
}

void handle_reply(fuse_req_t req, struct handle *handle, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);

	fi->fh = (uintptr_t)handle;
	/* A FLUSH at each close would be one more request to wait for. */
	fi->noflush = !handle->file || !vfiosim_trace_followed(fuse->sim);
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_release(fuse, handle);
}

static bool answer_who(fuse_req_t req, const struct handle *handle, const void *in, size_t in_size)
{
	struct remotes *remotes = req_fuse(req)->remotes;
	struct fuse_who who;

	if (in_size != sizeof(who))
		return false;
	memcpy(&who, in, sizeof(who));
	if (memcmp(who.nonce, remotes->nonce, sizeof(who.nonce)))
		return false;
	who.file = (uintptr_t)handle->file;
	remotes_sync(remotes);
	fuse_reply_ioctl(req, 0, &who, sizeof(who));
	return true;
}

void file_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
		struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
		size_t out_size)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_of(fi);
	struct remote_call call;
	long result;

	if (cmd == FUSE_WHO && answer_who(req, handle, in, in_size))
		return;
	if (!handle->file) {
		fuse_reply_err(req, ENOTTY);
		return;
	}
	loop_lend(fuse->loop);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req), REMOTE_MAKE);
	result = vfiosim_ioctl(handle->file, &call.caller, cmd, (uintptr_t)arg);
	remote_call_end(&call);
	/* Eventfds that a command signals count before ioctl() returns; commands move no data. */
	vfiosim_finish(fuse->sim, &call.caller);
	if (call.caller.late_ms)
		late_wait_request(fuse, req, call.caller.late_ms);
	if (result < 0)
		fuse_reply_err(req, (int)-result);
	else
		fuse_reply_ioctl(req, (int)result, NULL, 0);
	remote_call_finish(&call);
}

/* ---- Reading and writing ---- */

static void reply_text(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	size_t length = handle->text ? handle->length : 0;
	size_t from = (size_t)offset < length ? (size_t)offset : length;

	fuse_reply_buf(req, handle->text ? handle->text + from : "",
		       size < length - from ? size : length - from);
}

/* ---- ctl/ctl ---- */

#define CONTROL_LINE_MAX 4096

/*
 * Takes @answer. `echo LINE >FILE` cannot read what it is answered: `cat FILE` can, since
 * whoever reads without having written a line gets the last such answer.
 */
static void control_keep(struct vfiosim_fuse *fuse, struct handle *handle, char *answer, bool can_read)
{
	char **to = can_read ? &handle->text : &fuse->control_answer;

	pthread_mutex_lock(&fuse->lock);
	free(*to);
	*to = answer;
	if (can_read) {
		handle->length = answer ? strlen(answer) : 0;
		handle->told = 0;
	}
	pthread_mutex_unlock(&fuse->lock);
}

/* What was written is answered by what is read next, whatever the file's offset. */
static void control_write(fuse_req_t req, struct handle *handle, const char *from, size_t size,
			  bool can_read)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	char line[CONTROL_LINE_MAX], *answer = NULL;
	size_t taken = size;
	int error;

	while (size && (from[size - 1] == '\n' || !from[size - 1]))
		size--;
	if (!fuse->control || size >= sizeof(line)) {
		fuse_reply_err(req, fuse->control ? EMSGSIZE : EACCES);
		return;
	}
	memcpy(line, from, size);
	line[size] = '\0';
	loop_lend(fuse->loop);
	error = fuse->control(fuse->control_ctx, req_tid(req), line, &answer);
	control_keep(fuse, handle, answer, can_read);
	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_write(req, taken);
}

static void control_read(fuse_req_t req, struct handle *handle, size_t size)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	size_t left;
	char *copy;

	pthread_mutex_lock(&fuse->lock);
	if (!handle->text && fuse->control_answer) {
		handle->text = strdup(fuse->control_answer);
		handle->length = handle->text ? strlen(handle->text) : 0;
	}
	left = handle->length - handle->told;
	size = size < left ? size : left;
	copy = malloc(size + 1);
	if (copy && size)
		memcpy(copy, handle->text + handle->told, size);
	handle->told += copy ? size : 0;
	pthread_mutex_unlock(&fuse->lock);
	if (copy)
		fuse_reply_buf(req, copy, size);
	else
		fuse_reply_err(req, ENOMEM);
	free(copy);
}

bool handle_is_mappable(const struct handle *handle)
{
	return handle->device && vfiosim_file_mappable(handle->file);
}

static ssize_t handle_read(struct vfiosim_fuse *fuse, const struct fuse_file_info *fi,
			   struct vfiosim_caller *caller, void *to, size_t size, off_t offset)
{
	struct handle *handle = handle_of(fi);

	if (handle_is_mappable(handle) && fuse->devices.cached)
		return cached_read(handle, caller, to, size, offset);
	/* Mapped pages are read on behalf of nobody: further than the client looks, too. */
	caller->unasked = handle->device && !fi->lock_owner;
	if (handle->file)
		return vfiosim_read(handle->file, caller, to, size, (uint64_t)offset);
	return node_pread(fuse->tree, handle->node, to, size, (uint64_t)offset);
}

void file_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	       struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_of(fi);
	char on_stack[READ_ON_STACK], *to = on_stack;
	struct remote_call call;
	ssize_t length;

	if (!handle->file && handle->kind == NODE_CONTROL) {
		control_read(req, handle, size);
		return;
	}
	if (!handle->file && handle->kind != NODE_BINARY) {
		reply_text(req, handle, size, offset);
		return;
	}
	if (size > sizeof(on_stack))
		to = malloc(size);
	if (!to) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	loop_lend(fuse->loop);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req),
			  handle->file ? REMOTE_QUICK : REMOTE_NOBODY);
	length = handle_read(fuse, fi, &call.caller, to, size, offset);
	if (length < 0)
		fuse_reply_err(req, (int)-length);
	else
		fuse_reply_buf(req, to, (size_t)length);
	if (to != on_stack)
		free(to);
	call_finish_late(&call);
}

static ssize_t handle_write(struct vfiosim_fuse *fuse, struct handle *handle,
			    struct vfiosim_caller *caller, const void *from, size_t size,
			    off_t offset)
{
	if (handle->file)
		return vfiosim_write(handle->file, caller, from, size, (uint64_t)offset);
	return node_pwrite(fuse->tree, handle->node, from, size, (uint64_t)offset);
}

void file_write(fuse_req_t req, fuse_ino_t ino, const char *from, size_t size, off_t offset,
		struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_of(fi);
	struct remote_call call;
	ssize_t length;

	if (!handle->file && handle->kind == NODE_CONTROL) {
		control_write(req, handle, from, size, (fi->flags & O_ACCMODE) != O_WRONLY);
		return;
	}
	if (!handle->file && handle->kind != NODE_BINARY) {
		store_begin(req, handle->node, from, size);
		return;
	}
	loop_lend(fuse->loop);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req),
			  handle->file ? REMOTE_QUICK : REMOTE_NOBODY);
	length = handle_write(fuse, handle, &call.caller, from, size, offset);
	if (length < 0)
		fuse_reply_err(req, (int)-length);
	else
		fuse_reply_write(req, (size_t)length);
	call_finish_late(&call);
}

void file_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	       struct fuse_pollhandle *wakes)
{
	const struct handle *handle = handle_of(fi);

	/* Nothing ever becomes ready later, so nobody is woken. */
	if (wakes)
		fuse_pollhandle_destroy(wakes);
	fuse_reply_poll(req, vfiosim_ready(handle->file));
}

/*
 * A process that ends gives up its memory first, then its descriptors. FLUSH says who
 * closes, and close() waits for it; RELEASE comes later and does not say. One that has
 * closed a device, but still maps it: devices_left_mapped().
 */
static bool has_ended(pid_t tid)
{
	char byte;
	struct iovec ours = { &byte, 1 }, theirs = { NULL, 1 };

	return tid && process_vm_readv(tid, &ours, 1, &theirs, 1, 0) < 0 && errno == ESRCH;
}

void file_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	handle->left_open = has_ended(req_tid(req));
	fuse_reply_err(req, 0);
}

void file_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_of(fi);

	fuse_reply_err(req, 0);
	handle_release(fuse, handle);
}
