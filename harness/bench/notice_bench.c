/* SPDX-License-Identifier: MIT */
/* The floor under a call that is watched: a notification that is answered with "go on". */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	/* Linux 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

#define SECONDS 0.05

/* Seen by both processes. */
struct notice {
	_Atomic int listener;		/* 0: not yet; negative: -errno */
	atomic_bool done;
	double ns;
};

static int listen_to_getppid(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	long fd;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		     &program);
	return fd < 0 ? -errno : (int)fd;
}

static bool call_watched(void *ctx)
{
	(void)ctx;
	return syscall(SYS_getppid) >= 0;
}

static void client(struct notice *notice)
{
	int listener = listen_to_getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&notice->listener, listener);
	if (listener >= 0)
		notice->ns = bench_repeat(SECONDS, UINT64_MAX, call_watched, NULL);
	atomic_store(&notice->done, true);
}

static bool serve_one(int listener)
{
	struct pollfd ready = { .fd = listener, .events = POLLIN };
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp answer = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	if (poll(&ready, 1, 20) <= 0 || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
		return false;
	answer.id = request.id;
	return !ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void serve(struct notice *notice)
{
	int listener;

	while (!(listener = atomic_load(&notice->listener)))
		sched_yield();
	if (listener < 0)
		return;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	while (!atomic_load(&notice->done))
		serve_one(listener);
	close(listener);
}

/* The client's memory is its own, as that of a run's programs is; the listener is both's. */
double bench_notice(void)
{
	struct notice *notice = mmap(NULL, sizeof(*notice), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double ns = -1;
	pid_t child;

	if (notice == MAP_FAILED)
		return -1;
	notice->ns = -1;
	child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!child) {
		client(notice);
		_exit(0);
	}
	if (child > 0) {
		serve(notice);
		waitpid(child, NULL, 0);
		ns = notice->ns;
	}
	munmap(notice, sizeof(*notice));
	return ns;
}
