/* SPDX-License-Identifier: MIT */
/*
 * Leader and followers: threads that take turns at reading requests.
 *
 * One thread at a time, the leader, receives a request and handles it itself, so
 * requests are begun in the order in which they came and no queue stands between
 * reading and answering. A handler says what it is about to do:
 *
 *	nothing		it cannot block: order is kept, the leader goes on leading
 *	loop_lend()	it might block (touches a client's memory): it keeps the lead, but
 *			if it is not back within a moment a follower takes over. Costs
 *			nothing when it does not block: nobody is woken.
 *	loop_pass()	it will block, or wait for a request that only a reader can answer:
 *			a follower leads from now on
 *
 * A follower to take over always exists: one more thread is made whenever none is
 * idle, so no number of blocked handlers starves the reading. Idle threads beyond
 * a few go away.
 *
 * Waking a sleeping thread costs more than any request does. So before it sleeps
 * the leader polls the source for a bounded time, as long as that keeps paying
 * off; never on a machine with one cpu, and never when nobody calls.
 */
#ifndef SIM_FRONT_LOOP_LOOP_H
#define SIM_FRONT_LOOP_LOOP_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;

#define LOOP_SOURCES 2

struct loop_options {
	/* What to sleep on, LOOP_SOURCES of them; fd -1: none. The caller's; receive may
	   change them. */
	const struct pollfd *sources;
	size_t buffer_size;			/* bytes each thread gets for a request */
	bool poll_first;			/* poll before sleeping (see above) */
	void *ctx;
	/* Takes one request into @buffer without blocking: its length; 0: there is none
	   now; negative: the source has ended. @ready: what was slept on, and what poll()
	   said of it just now; NULL: it was not asked. One thread at a time. */
	long (*receive)(void *ctx, void *buffer, const struct pollfd *ready);
	/* Answers it. Any number of threads at a time. */
	void (*handle)(void *ctx, void *buffer, size_t length);
};

/* -ENOMEM, -EMFILE. */
int loop_create(const struct loop_options *options, struct loop **ret_loop);
/* Serves in this thread and others until loop_stop() or until the source ends: 0, or -EAGAIN when
   no thread could be made at all. Returns with handlers possibly still at work: loop_join(). */
int loop_run(struct loop *loop);
/* No more reading. May be called from any thread and from a signal handler, any number of times. */
void loop_stop(struct loop *loop);
/* Waits until every handler has returned and every thread is gone. Call after loop_run(). */
void loop_join(struct loop *loop);
/* The same, for so many seconds at most. False: some handler is still at work. */
bool loop_join_within(struct loop *loop, unsigned seconds);
void loop_destroy(struct loop *loop);

/* By the leader, inside handle or receive; by any other thread they do nothing. */
void loop_lend(struct loop *loop);
void loop_pass(struct loop *loop);
/*
 * Have another thread handle @length bytes of @request (copied). For a receive that
 * comes upon a request which may block while it holds another. -ENOMEM.
 */
int loop_delegate(struct loop *loop, const void *request, size_t length);

/*
 * A thread such as the loop's: its stack is small, and signals are others'. @ret_thread: to be
 * joined; NULL: detached. -EAGAIN.
 */
int loop_thread(void *(*run)(void *arg), void *arg, pthread_t *ret_thread);

#endif
