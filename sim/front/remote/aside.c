/* SPDX-License-Identifier: MIT */
/* A thread that asks our own FUSE connections: see aside.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/loop/loop.h"
#include "front/remote/aside.h"

/* The lock guards the rest, which one work at a time uses. */
struct aside {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;		/* there is work, or it is to end */
	pthread_cond_t changed;		/* it is ready, or a work is done */
	void (*work)(void *ctx);	/* NULL: none; also when it is done */
	void *ctx;
	bool busy;			/* somebody's work is there: others wait for their turn */
	bool ready;
	bool ended;
	int process;			/* there: a pidfd of our process; -errno */
};

/* Keeps the standard ones: none of them is a connection. */
static int leave_descriptors(void)
{
	if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, CLOSE_RANGE_UNSHARE))
		return -errno;
	return 0;
}

/* Of the process' first thread, whose table is that of all the others. */
static int open_process(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	return fd < 0 ? -errno : fd;
}

static void *aside_run(void *arg)
{
	struct aside *aside = arg;
	int process = leave_descriptors();

	if (!process)
		process = open_process();
	pthread_mutex_lock(&aside->lock);
	aside->process = process;
	aside->ready = true;
	pthread_cond_broadcast(&aside->changed);
	while (!aside->ended) {
		if (!aside->work) {
			pthread_cond_wait(&aside->wanted, &aside->lock);
			continue;
		}
		pthread_mutex_unlock(&aside->lock);
		aside->work(aside->ctx);
		pthread_mutex_lock(&aside->lock);
		aside->work = NULL;
		pthread_cond_broadcast(&aside->changed);
	}
	pthread_mutex_unlock(&aside->lock);
	if (process >= 0)
		aside_close(process);
	return NULL;
}

/* 0, or why it cannot work. */
static int aside_wait_ready(struct aside *aside)
{
	pthread_mutex_lock(&aside->lock);
	while (!aside->ready)
		pthread_cond_wait(&aside->changed, &aside->lock);
	pthread_mutex_unlock(&aside->lock);
	return aside->process < 0 ? aside->process : 0;
}

int aside_create(struct aside **ret_aside)
{
	struct aside *aside = calloc(1, sizeof(*aside));
	int error;

	if (!aside)
		return -ENOMEM;
	pthread_mutex_init(&aside->lock, NULL);
	pthread_cond_init(&aside->wanted, NULL);
	pthread_cond_init(&aside->changed, NULL);
	error = loop_thread(aside_run, aside, &aside->thread);
	if (error) {
		free(aside);
		return error;
	}
	error = aside_wait_ready(aside);
	if (error)
		aside_destroy(aside);
	else
		*ret_aside = aside;
	return error;
}

void aside_destroy(struct aside *aside)
{
	if (!aside)
		return;
	pthread_mutex_lock(&aside->lock);
	aside->ended = true;
	pthread_cond_signal(&aside->wanted);
	pthread_mutex_unlock(&aside->lock);
	pthread_join(aside->thread, NULL);
	pthread_cond_destroy(&aside->wanted);
	pthread_cond_destroy(&aside->changed);
	pthread_mutex_destroy(&aside->lock);
	free(aside);
}

void aside_do(struct aside *aside, void (*work)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&aside->lock);
	while (aside->busy)
		pthread_cond_wait(&aside->changed, &aside->lock);
	aside->busy = true;
	aside->ctx = ctx;
	aside->work = work;
	pthread_cond_signal(&aside->wanted);
	while (aside->work)
		pthread_cond_wait(&aside->changed, &aside->lock);
	aside->busy = false;
	pthread_cond_broadcast(&aside->changed);
	pthread_mutex_unlock(&aside->lock);
}

int aside_copy(const struct aside *aside, int fd)
{
	int copy = (int)syscall(SYS_pidfd_getfd, aside->process, fd, 0);

	return copy < 0 ? -errno : copy;
}

int aside_open(const char *path, int flags)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags);

	return fd < 0 ? -errno : fd;
}

int aside_ioctl(int fd, unsigned long command, void *arg)
{
	int result = (int)syscall(SYS_ioctl, fd, command, arg);

	return result < 0 ? -errno : result;
}

void aside_close(int fd)
{
	syscall(SYS_close, fd);
}
