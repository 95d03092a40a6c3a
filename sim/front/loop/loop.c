/* SPDX-License-Identifier: MIT */
/*
 * Leader and followers (loop.h).
 *
 * Threads: workers wait for `turn` until there is nobody who leads. One more
 * thread, the watch, sleeps on a timer which the leader arms when it lends the
 * lead: twice the same handler found lending means that it blocks, and the watch
 * takes the lead away from it. lock guards everything but constants.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "front/loop/loop.h"
#include "front/loop/pace.h"

#define KEEP_IDLE 4			/* idle workers that stay for good */
#define IDLE_SECONDS 2			/* how long others stay */
#define WATCH_NS 2000000		/* how long a handler that lends is left alone */
#define POLL_NS 40000			/* how long to poll before sleeping */
#define STACK_BYTES (1u << 20)		/* of a worker; as little as serves, for there may be many */
#define DISTURBED_NS 100000		/* one look at the source takes less, unless the cpu is lost */

struct job {
	STAILQ_ENTRY(job) next;
	size_t length;
	uint64_t bytes[];
};

/* One thread that serves; lives on its stack. */
struct worker {
	pthread_t thread;
	void *buffer;
};

struct loop {
	struct loop_options options;
	int stop_fd;			/* an eventfd: readable once stopped, for good */
	int timer_fd;
	atomic_bool stopping;

	pthread_mutex_t lock;
	pthread_cond_t turn;		/* nobody leads, or a job, or stopping */
	pthread_cond_t gone;		/* a thread ended */
	struct worker *leader;		/* NULL: nobody */
	bool lent;			/* the leader's handler may block */
	bool armed;			/* the timer runs */
	uint64_t request;		/* number of the request being handled */
	uint64_t watched;		/* the one the watch saw last */
	unsigned threads;		/* workers and the watch */
	unsigned idle;			/* workers that wait for turn */
	bool told;			/* that there are too few, on stderr */
	unsigned n_jobs;		/* delegated, and taken by nobody yet */
	STAILQ_HEAD(, job) jobs;

	/* The leader's own. */
	bool receiving;			/* what it handles meanwhile must not give the lead away */
	struct pace pace;
};

static void *loop_work(void *arg);

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool more_than_one_cpu(void)
{
	cpu_set_t cpus;

	return !sched_getaffinity(0, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) > 1;
}

int loop_thread(void *(*run)(void *arg), void *arg, pthread_t *ret_thread)
{
	pthread_attr_t how;
	pthread_t thread;
	sigset_t all, old;
	int error = pthread_attr_init(&how);

	if (error)
		return -error;
#ifndef __SANITIZE_ADDRESS__	/* whose frames are larger */
	pthread_attr_setstacksize(&how, STACK_BYTES);
#endif
	if (!ret_thread)
		pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(ret_thread ? ret_thread : &thread, &how, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&how);
	return -error;
}

/* One more thread of the loop. Lock held. */
static int loop_spawn(struct loop *loop, void *(*run)(void *arg))
{
	int error = loop_thread(run, loop, NULL);

	if (!error)
		loop->threads++;
	return error;
}

/* Once: everybody waits from now on, and would not know for what. Lock held. */
static void loop_tell_starved(struct loop *loop, int error)
{
	if (loop->told)
		return;
	loop->told = true;
	fprintf(stderr,
		"vfiosim: the server cannot have more than %u threads (%s): calls wait for those "
		"that block. Raise the limit on its address space (ulimit -v) or on processes "
		"(ulimit -u, the cgroup's pids.max).\n",
		loop->threads, strerror(-error));
}

/* A thread's last act. Lock held; unlocks. */
static void loop_leave(struct loop *loop)
{
	loop->threads--;
	pthread_cond_broadcast(&loop->gone);
	if (loop->stopping)
		pthread_cond_broadcast(&loop->turn);
	pthread_mutex_unlock(&loop->lock);
}

int loop_create(const struct loop_options *options, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int error;

	if (!loop)
		return -ENOMEM;
	loop->options = *options;
	STAILQ_INIT(&loop->jobs);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->turn, NULL);
	pthread_cond_init(&loop->gone, NULL);
	loop->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (loop->stop_fd < 0 || loop->timer_fd < 0) {
		error = -errno;
		loop_destroy(loop);
		return error;
	}
	pace_init(&loop->pace, options->poll_first && more_than_one_cpu());
	*ret_loop = loop;
	return 0;
}

void loop_destroy(struct loop *loop)
{
	struct job *job;

	if (!loop)
		return;
	if (loop->stop_fd >= 0)
		close(loop->stop_fd);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	while ((job = STAILQ_FIRST(&loop->jobs))) {
		STAILQ_REMOVE_HEAD(&loop->jobs, next);
		free(job);
	}
	free(loop);
}

/* ---- Waiting for a request (the leader) ---- */

/* Polls for a bounded time: what receive answered, 0 when nothing came. */
static long loop_poll(struct loop *loop, void *buffer, uint64_t since)
{
	uint64_t before = since, now;
	long length;

	do {
		length = loop->options.receive(loop->options.ctx, buffer, NULL);
		if (length)
			return length;
		cpu_relax();
		now = now_ns();
		if (now - before > DISTURBED_NS) {
			pace_disturbed(&loop->pace);
			return 0;
		}
		before = now;
	} while (now - since < POLL_NS &&
		 !atomic_load_explicit(&loop->stopping, memory_order_relaxed));
	return 0;
}

static void loop_sleep(struct loop *loop, struct pollfd fds[LOOP_SOURCES + 1])
{
	memcpy(fds, loop->options.sources, LOOP_SOURCES * sizeof(fds[0]));
	fds[LOOP_SOURCES] = (struct pollfd){ .fd = loop->stop_fd, .events = POLLIN };
	if (poll(fds, LOOP_SOURCES + 1, -1) < 0)	/* then it says nothing */
		for (unsigned i = 0; i < LOOP_SOURCES; i++)
			fds[i].revents = 0;
}

/* A request's length; negative when there will be none any more. */
static long loop_receive(struct loop *loop, void *buffer)
{
	struct pollfd ready[LOOP_SOURCES + 1];
	uint64_t since = now_ns();
	long length = 0;

	if (loop->pace.way == PACE_POLL)
		length = loop_poll(loop, buffer, since);
	while (!length) {
		loop_sleep(loop, ready);
		if (atomic_load(&loop->stopping))
			return -ECANCELED;
		length = loop->options.receive(loop->options.ctx, buffer, ready);
	}
	if (length > 0)
		pace_waited(&loop->pace, now_ns() - since);
	return length;
}

/* ---- Handing over ---- */

static void loop_arm(struct loop *loop, bool on)
{
	struct timespec period = { .tv_nsec = on ? WATCH_NS : 0 };
	struct itimerspec timer = { .it_interval = period, .it_value = period };

	loop->armed = on;
	timerfd_settime(loop->timer_fd, 0, &timer, NULL);
}

/*
 * Somebody idle is wanted, and one more for the next time. Who was called counts as
 * idle until it runs: there must be one for each job and one for a free lead. False:
 * there are too few. Lock held.
 */
static bool loop_call_follower(struct loop *loop)
{
	unsigned wanted = loop->n_jobs + !loop->leader;
	bool enough = loop->idle >= wanted;

	if (loop->idle <= wanted && !loop->stopping) {
		int error = loop_spawn(loop, loop_work);

		if (error && !enough)
			loop_tell_starved(loop, error);
		enough |= !error;
	}
	pthread_cond_signal(&loop->turn);
	return enough;
}

/*
 * The lead is free from now on. Where no thread can be made to take it, it stays,
 * and the watch tries again. Lock held.
 */
static void loop_hand_over(struct loop *loop)
{
	struct worker *leader = loop->leader;

	loop->leader = NULL;
	loop->lent = !loop_call_follower(loop);
	if (!loop->lent)
		return;
	loop->leader = leader;
	if (!loop->armed)
		loop_arm(loop, true);
}

static bool loop_leads(const struct loop *loop)
{
	return loop->leader && pthread_equal(loop->leader->thread, pthread_self());
}

void loop_pass(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	if (loop_leads(loop) && !loop->receiving)
		loop_hand_over(loop);
	pthread_mutex_unlock(&loop->lock);
}

void loop_lend(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	if (loop_leads(loop) && !loop->receiving) {
		loop->lent = true;
		if (!loop->armed)
			loop_arm(loop, true);
	}
	pthread_mutex_unlock(&loop->lock);
}

/* One tick: take the lead from a handler that was lending at the last one too. Lock held. */
static void loop_watch_tick(struct loop *loop)
{
	if (loop->request == loop->watched) {
		if (loop->leader && loop->lent)
			loop_hand_over(loop);
		else if (!loop->lent)
			loop_arm(loop, false);
	}
	loop->watched = loop->request;
}

static void *loop_watch(void *arg)
{
	struct loop *loop = arg;
	struct pollfd fds[] = { { .fd = loop->timer_fd, .events = POLLIN },
				{ .fd = loop->stop_fd, .events = POLLIN } };
	uint64_t ticks;

	while (!loop->stopping) {
		poll(fds, 2, -1);
		if (!fds[0].revents || read(loop->timer_fd, &ticks, sizeof(ticks)) < 0)
			continue;
		pthread_mutex_lock(&loop->lock);
		loop_watch_tick(loop);
		pthread_mutex_unlock(&loop->lock);
	}
	pthread_mutex_lock(&loop->lock);
	loop_leave(loop);
	return NULL;
}

int loop_delegate(struct loop *loop, const void *request, size_t length)
{
	struct job *job = malloc(sizeof(*job) + length);

	if (!job)
		return -ENOMEM;
	job->length = length;
	memcpy(job->bytes, request, length);
	pthread_mutex_lock(&loop->lock);
	STAILQ_INSERT_TAIL(&loop->jobs, job, next);
	loop->n_jobs++;
	loop_call_follower(loop);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

/* ---- Workers ---- */

/* Lead: receive and handle until somebody else does. Lock held, and again on return. */
static void loop_lead(struct loop *loop, struct worker *self)
{
	long length;

	loop->leader = self;
	while (loop->leader == self) {
		pthread_mutex_unlock(&loop->lock);
		loop->receiving = true;
		length = loop_receive(loop, self->buffer);
		loop->receiving = false;
		if (length > 0)
			loop->options.handle(loop->options.ctx, self->buffer, (size_t)length);
		pthread_mutex_lock(&loop->lock);
		if (length < 0) {
			loop->leader = NULL;
			loop_stop(loop);
			return;
		}
		if (loop->leader == self) {
			loop->lent = false;
			loop->request++;
		}
	}
}

static void loop_do_job(struct loop *loop)
{
	struct job *job = STAILQ_FIRST(&loop->jobs);

	STAILQ_REMOVE_HEAD(&loop->jobs, next);
	loop->n_jobs--;
	pthread_mutex_unlock(&loop->lock);
	loop->options.handle(loop->options.ctx, job->bytes, job->length);
	free(job);
	pthread_mutex_lock(&loop->lock);
}

/* Wait to be needed. False: not needed any more, go. Lock held. */
static bool loop_follow(struct loop *loop)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	loop->idle++;
	while (loop->leader && STAILQ_EMPTY(&loop->jobs) && !loop->stopping && !error) {
		if (loop->idle > KEEP_IDLE)
			error = pthread_cond_timedwait(&loop->turn, &loop->lock, &until);
		else
			pthread_cond_wait(&loop->turn, &loop->lock);
	}
	loop->idle--;
	return !loop->stopping && (!error || !loop->leader || !STAILQ_EMPTY(&loop->jobs));
}

/* What every serving thread does. Lock held. */
static void loop_serve(struct loop *loop, struct worker *self)
{
	while (loop_follow(loop)) {
		if (!STAILQ_EMPTY(&loop->jobs))
			loop_do_job(loop);
		else
			loop_lead(loop, self);
	}
}

static void *loop_work(void *arg)
{
	struct loop *loop = arg;
	struct worker self = { .thread = pthread_self(),
			       .buffer = malloc(loop->options.buffer_size) };

	pthread_mutex_lock(&loop->lock);
	if (self.buffer)
		loop_serve(loop, &self);
	free(self.buffer);
	loop_leave(loop);
	return NULL;
}

int loop_run(struct loop *loop)
{
	int error;

	pthread_mutex_lock(&loop->lock);
	error = loop_spawn(loop, loop_watch);
	for (unsigned i = 0; i < 2 && !error; i++)
		error = loop_spawn(loop, loop_work);
	if (error)
		loop_stop(loop);
	while (!loop->stopping)
		pthread_cond_wait(&loop->gone, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
	return error;
}

void loop_stop(struct loop *loop)
{
	uint64_t one = 1;

	atomic_store(&loop->stopping, true);
	if (write(loop->stop_fd, &one, sizeof(one)) < 0)
		return;		/* stopped so often that the counter is full */
}

void loop_join(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	while (loop->threads)
		pthread_cond_wait(&loop->gone, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
}

bool loop_join_within(struct loop *loop, unsigned seconds)
{
	struct timespec until;
	int error = 0;
	bool joined;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&loop->lock);
	while (loop->threads && !error)
		error = pthread_cond_timedwait(&loop->gone, &loop->lock, &until);
	joined = !loop->threads;
	pthread_mutex_unlock(&loop->lock);
	return joined;
}
