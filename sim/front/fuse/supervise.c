/* SPDX-License-Identifier: MIT */
/*
 * Commands that return a descriptor. A FUSE reply cannot hand one out, so the
 * launcher's seccomp filter stops the calling thread before the kernel sees the
 * ioctl and notifies us: if the descriptor is one of our files, the command is
 * run here, the new descriptor put into the caller's table, and the call made to
 * return; else it goes on as if nothing had been.
 *
 * What else the filter notifies of:
 *	KVM_SET_DEVICE_ATTR	KVM would refuse to take our files for VFIO's, so telling
 *				it about one of them succeeds without asking it
 *	mmap() of a file	the kernel maps files of FUSE without a question, so what
 *				the device refuses is refused here
 *	stat() by descriptor	see chardev.c
 *	exit_group()		devices that are still mapped then were left open
 *
 * Descriptors that are not ours are never duplicated: whoever closes the last one of a
 * pipe, or of a locked file, has closed it then.
 *
 * A notification is valid as long as its thread waits. A thread's number may be
 * given out again after it was killed: what was read by that number counts only
 * if the notification is valid afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <vfiosim/command.h>

#include "front/fuse/chardev.h"
#include "front/fuse/fuse_front.h"
#include "front/fuse/late.h"
#include "front/remote/aside.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)	/* 5.19 */
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)	/* 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* struct kvm_device_attr and what QEMU, crosvm, ... do with it. */
struct kvm_attr {
	uint32_t flags;
	uint32_t group;
	uint64_t attr;
	uint64_t addr;
};
#define KVM_SET_ATTR 0x4018aee1u	/* KVM_SET_DEVICE_ATTR */
#define KVM_VFIO_FILE 1u		/* group KVM_DEV_VFIO_FILE */
#define KVM_VFIO_ADD 1u
#define KVM_VFIO_DEL 2u

struct supervisor {
	struct vfiosim_fuse *fuse;
	struct loop *loop;
	int listener;
	/* Not remotes.aside: giving a client its descriptor waits until that client is run. */
	struct aside *aside;
	int aside_listener;		/* the same there; -1: not yet */
	struct pollfd sources[LOOP_SOURCES];
	size_t notice_size;		/* the kernel's struct seccomp_notif may be longer than ours */
	/*
	 * A thread that waits is not disturbed by signals (5.19), so the new descriptor
	 * can be given first and ours closed before the call returns: a client that
	 * closes it at once then closes it for good. Else both happen in one step.
	 */
	bool undisturbed;
};

/* One notification being answered. */
struct notice {
	struct remote_call call;	/* first, see notice_of() */
	struct supervisor *supervisor;
	uint64_t id;
	bool in_struct;			/* the descriptor goes into the command's structure */
	bool answered;			/* the call has returned already */
};

static struct notice *notice_of(struct remote_call *call)
{
	return (struct notice *)call;
}

static bool notice_valid(const struct supervisor *supervisor, uint64_t id)
{
	return !ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

/* A notification is being answered: does its thread still wait? */
static bool notice_waits(const struct remote_call *call)
{
	const struct notice *notice = (const struct notice *)call;

	return notice_valid(notice->supervisor, notice->id);
}

static void notice_begin(struct notice *notice, const struct seccomp_notif *request)
{
	remote_call_begin_if(&notice->call, notice->supervisor->fuse->remotes, (pid_t)request->pid,
			     notice_waits);
}

static void notice_end(struct notice *notice)
{
	remote_call_finish(&notice->call);
	remote_call_end(&notice->call);
}

/* The kernel may have dropped it meanwhile: then nobody waits for an answer. */
static void notice_send(const struct supervisor *supervisor, struct seccomp_notif_resp resp)
{
	(void)ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static void notice_answer(const struct supervisor *supervisor, uint64_t id, long result)
{
	notice_send(supervisor, (struct seccomp_notif_resp){ .id = id,
							     .val = result < 0 ? 0 : result,
							     .error = result < 0 ? (int)result : 0 });
}

/* Not ours: the kernel runs the call. */
static void notice_continue(const struct supervisor *supervisor, uint64_t id)
{
	notice_send(supervisor, (struct seccomp_notif_resp){
					.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE });
}

/* A job of the supervisor's: what it opens and closes leads back to us. */
struct adding {
	struct notice *notice;
	struct vfiosim_file *file;
	struct seccomp_notif_addfd add;
	int result;			/* the descriptor that the client has; -errno */
};

static void add_descriptor(void *ctx)
{
	struct adding *adding = ctx;
	struct supervisor *supervisor = adding->notice->supervisor;
	struct vfiosim_fuse *fuse = supervisor->fuse;
	int ours;

	if (supervisor->aside_listener < 0)
		supervisor->aside_listener = aside_copy(supervisor->aside, supervisor->listener);
	ours = supervisor->aside_listener < 0 ? supervisor->aside_listener : device_fd_open(fuse, adding->file);
	adding->result = ours;
	if (ours < 0)
		return;
	adding->add.srcfd = (uint32_t)ours;
	adding->result = aside_ioctl(supervisor->aside_listener, SECCOMP_IOCTL_NOTIF_ADDFD, &adding->add);
	if (adding->result == -ENOENT)
		adding->result = -EINTR;	/* it was killed */
	if (adding->result < 0)
		device_fd_revoke(fuse, adding->file);
	remotes_sync(fuse->remotes);
	aside_close(ours);
}

static void close_listener(void *ctx)
{
	const struct supervisor *supervisor = ctx;

	aside_close(supervisor->aside_listener);
}

/* Client op install: @file gets a descriptor in the table of the thread that waits. */
static int supervise_install(struct remote_call *call, struct vfiosim_file *file)
{
	struct notice *notice = notice_of(call);
	const struct supervisor *supervisor = notice->supervisor;
	struct adding adding = {
		.notice = notice,
		.file = file,
		.add = {
			.id = notice->id,
			.flags = supervisor->undisturbed || notice->in_struct ? 0 : SECCOMP_ADDFD_FLAG_SEND,
			.newfd_flags = O_CLOEXEC,
		},
	};

	aside_do(supervisor->aside, add_descriptor, &adding);
	if (adding.result >= 0)
		notice->answered = adding.add.flags & SECCOMP_ADDFD_FLAG_SEND;
	return adding.result;
}

static bool returns_in_struct(const struct vfiosim_file *file, uint32_t number)
{
	const struct vfiosim_command *row = vfiosim_command_by_number(vfiosim_file_kind(file),
								      number);

	return row && row->fd_field;
}

static void supervise_command(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	struct notice notice = { .supervisor = supervisor, .id = request->id };
	struct remote_call *call = &notice.call;
	struct vfiosim_file *file;
	bool ran = false;
	long result = 0;

	if (remote_fd_owner(supervisor->fuse->remotes, (pid_t)request->pid,
			    (int)request->data.args[0]) == REMOTE_FD_OTHERS) {
		notice_continue(supervisor, request->id);
		return;
	}
	notice_begin(&notice, request);
	call->install = supervise_install;
	if (remote_file(&call->caller, (int)request->data.args[0], &file)) {
		notice_continue(supervisor, request->id);
	} else {
		notice.in_struct = returns_in_struct(file, (uint32_t)request->data.args[1]);
		result = vfiosim_ioctl(file, &call->caller, (uint32_t)request->data.args[1],
				       request->data.args[2]);
		ran = true;
	}
	notice_end(&notice);
	if (ran && !notice.answered && call->caller.late_ms)
		late_wait_while(supervisor->fuse, call->caller.late_ms, call);
	if (ran && !notice.answered)
		notice_answer(supervisor, request->id, result);
}

/* ---- KVM ---- */

static bool read_from(pid_t tid, uint64_t uva, void *to, size_t size)
{
	struct iovec ours = { to, size }, theirs = { (void *)(uintptr_t)uva, size };

	return process_vm_readv(tid, &ours, 1, &theirs, 1, 0) == (ssize_t)size;
}

/* Does the call tell KVM about one of our files? */
static bool names_our_file(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	pid_t tid = (pid_t)request->pid;
	struct kvm_attr attr = { 0 };
	int theirs = -1;

	if (!read_from(tid, request->data.args[2], &attr, sizeof(attr)) ||
	    attr.group != KVM_VFIO_FILE ||
	    (attr.attr != KVM_VFIO_ADD && attr.attr != KVM_VFIO_DEL) ||
	    !read_from(tid, attr.addr, &theirs, sizeof(theirs)))
		return false;
	return remote_fd_kind(supervisor->fuse->remotes, tid, theirs) & (VFIOSIM_GROUP | VFIOSIM_DEVICE);
}

static void supervise_kvm(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	if (names_our_file(supervisor, request))
		notice_answer(supervisor, request->id, 0);
	else
		notice_continue(supervisor, request->id);
}

/* ---- stat() by descriptor, see chardev.c ---- */

/*
 * The caller may be killed meanwhile and its number given away: its memory is found
 * first, and then the notice must still be the one it waits for.
 */
static void answer_stat(struct supervisor *supervisor, const struct seccomp_notif *request,
			const struct stat *st)
{
	struct notice notice = { .supervisor = supervisor, .id = request->id };
	int error = -EFAULT;

	notice_begin(&notice, request);
	if (notice.call.remote && remote_call_waits(&notice.call))
		error = chardev_write(notice.call.remote, request, st);
	notice_end(&notice);
	notice_answer(supervisor, request->id, error);
}

/* Most are not about us: those are let go at once, without another thread's being woken. */
static void supervise_stat(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	struct stat st;

	if (!chardev_find(supervisor->fuse, (pid_t)request->pid, (int)request->data.args[0], &st)) {
		notice_continue(supervisor, request->id);
		return;
	}
	loop_pass(supervisor->loop);
	if (!chardev_asks_descriptor(request))
		notice_continue(supervisor, request->id);
	else
		answer_stat(supervisor, request, &st);
}

/* ---- mmap() ---- */

/* What mmap() would be told, had FUSE a request for it; 0: the kernel goes on and maps. */
static int check_mmap(struct remote_call *call, const struct seccomp_data *data)
{
	const uint64_t page = VFIOSIM_PAGE_SIZE - 1;
	struct vfiosim_file *file;

	if (remote_file(&call->caller, (int)data->args[4], &file))
		return 0;
	return vfiosim_mmap(file, &call->caller, data->args[5], (data->args[1] + page) & ~page,
			    data->args[3] & MAP_SHARED, data->args[2] & PROT_WRITE);
}

static void supervise_mmap(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	struct notice notice = { .supervisor = supervisor, .id = request->id };
	int error;

	if (remote_fd_owner(supervisor->fuse->remotes, (pid_t)request->pid,
			    (int)request->data.args[4]) != REMOTE_FD_OURS) {
		notice_continue(supervisor, request->id);
		return;
	}
	loop_pass(supervisor->loop);
	notice_begin(&notice, request);
	error = check_mmap(&notice.call, &request->data);
	notice_end(&notice);
	if (error)
		notice_answer(supervisor, request->id, error);
	else
		notice_continue(supervisor, request->id);
}

/* ---- exit_group() ---- */

static void supervise_exit(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	if (atomic_load(&supervisor->fuse->device_files)) {
		loop_pass(supervisor->loop);
		devices_left_mapped(supervisor->fuse, (pid_t)request->pid);
	}
	notice_continue(supervisor, request->id);
}

/* ---- The loop ---- */

static void supervise_notice(struct supervisor *supervisor, const struct seccomp_notif *request)
{
	if (request->data.nr == SYS_mmap) {
		supervise_mmap(supervisor, request);
		return;
	}
	if (request->data.nr == SYS_exit_group) {
		supervise_exit(supervisor, request);
		return;
	}
	if (request->data.nr != SYS_ioctl) {
		supervise_stat(supervisor, request);
		return;
	}
	loop_pass(supervisor->loop);	/* one that waits delays no other */
	if ((uint32_t)request->data.args[1] == KVM_SET_ATTR)
		supervise_kvm(supervisor, request);
	else
		supervise_command(supervisor, request);
}

static void supervise_handle(void *ctx, void *buffer, size_t length)
{
	struct supervisor *supervisor = ctx;

	remotes_hold(supervisor->fuse->remotes);
	supervise_notice(supervisor, buffer);
	remotes_unhold(supervisor->fuse->remotes);
}

static long supervise_receive(void *ctx, void *buffer, const struct pollfd *ready)
{
	struct supervisor *supervisor = ctx;

	if (ready[1].revents || (ready[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
		return -ESHUTDOWN;	/* the front stopped, or nobody is left who could notify */
	if (!ready[0].revents)
		return 0;
	memset(buffer, 0, supervisor->notice_size);
	if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_RECV, buffer))
		return 0;		/* ENOENT: killed before we came to it */
	return (long)supervisor->notice_size;
}

/* Asks with a filter that cannot be read: only a flag the kernel does not know is worse. */
static bool knows_killable(void)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		       NULL) &&
	       errno == EFAULT;
}

int vfiosim_fuse_supervise(struct vfiosim_fuse *fuse, int listener)
{
	struct supervisor supervisor = {
		.fuse = fuse,
		.listener = listener,
		.aside_listener = -1,
		.sources = { { .fd = listener, .events = POLLIN },
			     { .fd = fuse->stop_fd, .events = POLLIN } },
		.undisturbed = knows_killable(),
	};
	struct seccomp_notif_sizes sizes;
	struct loop_options options = { .sources = supervisor.sources,
					.ctx = &supervisor,
					.receive = supervise_receive,
					.handle = supervise_handle };
	int error;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return -errno;
	/* Who waits for the other is woken on the other's cpu. Older kernels have no such flag. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	supervisor.notice_size = sizes.seccomp_notif > sizeof(struct seccomp_notif) ?
					 sizes.seccomp_notif :
					 sizeof(struct seccomp_notif);
	options.buffer_size = supervisor.notice_size;
	supervisor.aside = aside_create();
	if (!supervisor.aside)
		return -ENOMEM;
	error = loop_create(&options, &supervisor.loop);
	if (error)
		goto destroy_aside;
	error = loop_run(supervisor.loop);
	loop_join(supervisor.loop);
	loop_destroy(supervisor.loop);
	if (supervisor.aside_listener >= 0)
		aside_do(supervisor.aside, close_listener, &supervisor);
destroy_aside:
	aside_destroy(supervisor.aside);
	return error;
}
