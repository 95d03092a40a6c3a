/* SPDX-License-Identifier: MIT */
/*
 * The end of a short run: the server ends before its supervising thread has begun.
 *
 * The test widens that moment. Its pthread_create() holds the thread back until the
 * server's main thread runs exit handlers, or for HOLD_S where it runs none; the exit
 * handler then overwrites the stack that main() has left and lets the thread begin.
 */
#include "launch/launch_rig_test.h"

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

#include "base/suite_test.h"

#define HOLD_S 1
#define SUPERVISING 2	/* the main thread starts one that serves, then one that supervises */

struct held {
	void *(*begin)(void *arg);
	void *arg;
};

static struct held held;
static unsigned started;	/* by the server's main thread */
static sem_t exiting, ended;

static bool is_server_main(void)
{
	return gettid() == getpid() && in_server();
}

static void wait_for(sem_t *event)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HOLD_S;
	while (sem_timedwait(event, &until) && errno == EINTR)
		;
}

static void *begin_late(void *none)
{
	void *result;

	wait_for(&exiting);
	result = held.begin(held.arg);
	sem_post(&ended);
	return result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*begin)(void *arg),
		   void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	if (!is_server_main() || ++started != SUPERVISING)
		return create(thread, attr, begin, arg);
	held = (struct held){ begin, arg };
	return create(thread, attr, begin_late, NULL);
}

static void on_exit_handlers(void)
{
	char stack[16384];

	if (!is_server_main())
		return;
	memset(stack, 0x5a, sizeof(stack));
	__asm__ volatile("" : : "r"(stack) : "memory");
	sem_post(&exiting);
	wait_for(&ended);
}

START_TEST(server_ends_before_its_supervisor_begins)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	/* Nothing of this command waits for the supervisor. */
	status = run_and_wait((enum who)_i, RUN("--fake-chardev", "no", "--", "no-such-program"),
			      &run);
	ck_assert_msg(status == 127, "status %d: %s", status, run.text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("end");
	Suite *suite = suite_create("launch_end");

	sem_init(&exiting, 0, 0);
	sem_init(&ended, 0, 0);
	atexit(on_exit_handlers);
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, server_ends_before_its_supervisor_begins, 0, N_WHO);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
