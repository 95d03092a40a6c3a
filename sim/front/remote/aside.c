/* SPDX-License-Identifier: MIT */
/* A thread that asks our own FUSE connections: see aside.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/loop/loop.h"
#include "front/remote/aside.h"

/* The lock guards the rest. */
struct aside {
	pthread_mutex_t lock;
	pthread_cond_t wanted;		/* there is a job, or it is to end */
	pthread_cond_t changed;		/* it has begun, a job is done, or the turn is another's */
	pthread_t thread;
	bool begun;
	pid_t tid;			/* 0: there is no thread */
	int process;			/* there: a pidfd of our process */
	void (*job)(void *ctx);		/* NULL: none; also when it is done */
	void *ctx;
	uint64_t last_turn, turn;	/* who asked first is served first */
	bool ended;
};

/* The standard ones are /dev/null's there: what says something says it to no client's file. */
static int leave_descriptors(void)
{
	if (syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE))
		return -errno;
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		(void)aside_open("/dev/null", O_RDWR);
	/* Of the process' first thread, whose table is that of the others until the end of a run. */
	return (int)syscall(SYS_pidfd_open, getpid(), 0);
}

static void *aside_run(void *arg)
{
	struct aside *aside = arg;
	int process = leave_descriptors();

	pthread_mutex_lock(&aside->lock);
	aside->process = process;
	aside->tid = process < 0 ? 0 : gettid();
	aside->begun = true;
	aside->ended = process < 0;
	pthread_cond_broadcast(&aside->changed);
	while (!aside->ended) {
		if (!aside->job) {
			pthread_cond_wait(&aside->wanted, &aside->lock);
			continue;
		}
		pthread_mutex_unlock(&aside->lock);
		aside->job(aside->ctx);
		pthread_mutex_lock(&aside->lock);
		aside->job = NULL;
		pthread_cond_broadcast(&aside->changed);
	}
	pthread_mutex_unlock(&aside->lock);
	return NULL;
}

struct aside *aside_create(void)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (!aside)
		return NULL;
	pthread_mutex_init(&aside->lock, NULL);
	pthread_cond_init(&aside->wanted, NULL);
	pthread_cond_init(&aside->changed, NULL);
	return aside;
}

void aside_destroy(struct aside *aside)
{
	if (!aside)
		return;
	pthread_mutex_lock(&aside->lock);
	aside->ended = true;
	pthread_cond_signal(&aside->wanted);
	pthread_mutex_unlock(&aside->lock);
	if (aside->tid)
		pthread_join(aside->thread, NULL);
	pthread_cond_destroy(&aside->wanted);
	pthread_cond_destroy(&aside->changed);
	pthread_mutex_destroy(&aside->lock);
	free(aside);
}

/* Lock held, and the turn is ours. */
static void begin(struct aside *aside)
{
	if (aside->begun)
		return;
	if (loop_thread(aside_run, aside, &aside->thread)) {
		aside->begun = true;
		return;
	}
	while (!aside->begun)
		pthread_cond_wait(&aside->changed, &aside->lock);
	if (!aside->tid)
		pthread_join(aside->thread, NULL);
}

static void take_turn(struct aside *aside)
{
	uint64_t turn;

	pthread_mutex_lock(&aside->lock);
	turn = aside->last_turn++;
	while (aside->turn != turn)
		pthread_cond_wait(&aside->changed, &aside->lock);
	begin(aside);
}

static void end_turn(struct aside *aside)
{
	aside->turn++;
	pthread_cond_broadcast(&aside->changed);
	pthread_mutex_unlock(&aside->lock);
}

pid_t aside_begin(struct aside *aside)
{
	bool begun;

	pthread_mutex_lock(&aside->lock);
	begun = aside->begun;
	pthread_mutex_unlock(&aside->lock);
	if (!begun) {
		take_turn(aside);
		end_turn(aside);
	}
	return aside->tid;	/* it stays */
}

void aside_do(struct aside *aside, void (*job)(void *ctx), void *ctx)
{
	take_turn(aside);
	if (aside->tid) {
		aside->ctx = ctx;
		aside->job = job;
		pthread_cond_signal(&aside->wanted);
		while (aside->job)
			pthread_cond_wait(&aside->changed, &aside->lock);
	} else {
		pthread_mutex_unlock(&aside->lock);
		job(ctx);
		pthread_mutex_lock(&aside->lock);
	}
	end_turn(aside);
}

int aside_copy(const struct aside *aside, int fd)
{
	int copy = aside->tid ? (int)syscall(SYS_pidfd_getfd, aside->process, fd, 0) :
				fcntl(fd, F_DUPFD_CLOEXEC, 0);

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
