/* SPDX-License-Identifier: MIT */
/*
 * Leader and followers: requests are bytes in a pipe, a handler does what its byte
 * says. Order, taking over from handlers that block, coming and going of threads.
 */
#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "front/loop/loop.h"
#include "base/suite_test.h"

enum request {
	QUICK = 'q',		/* noted down, in order */
	LENT = 'l',		/* lends the lead and blocks until opened */
	PASSED = 'p',		/* passes it and blocks until opened */
	TWO = 't',		/* receive delegates a LENT and goes on with a QUICK */
	MANY = 'm',		/* receive delegates `number` LENT and goes on with a PASSED */
};

struct rig {
	struct loop *loop;
	struct pollfd sources[LOOP_SOURCES];
	int write_fd;
	sem_t gate;		/* blocked handlers wait here */
	sem_t handled;		/* posted by each handler when it has begun */
	atomic_uint quick;	/* handled so far */
	unsigned next;		/* the number QUICK expects; unordered use is an error */
	atomic_bool disorder;
	pthread_t runner;
	int result;
};

struct message {
	char what;
	unsigned number;
};

static void rig_delegate(struct rig *rig, struct message *message, unsigned n, enum request then)
{
	message->what = LENT;
	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(loop_delegate(rig->loop, message, sizeof(*message)), 0);
	message->what = (char)then;
}

static long rig_receive(void *ctx, void *buffer, const struct pollfd *ready)
{
	struct rig *rig = ctx;
	struct message *message = buffer;
	ssize_t length = read(rig->sources[0].fd, message, sizeof(*message));

	if (!length)
		return -EPIPE;
	if (length < 0)
		return 0;
	if (message->what == TWO)
		rig_delegate(rig, message, 1, QUICK);
	else if (message->what == MANY)
		rig_delegate(rig, message, message->number, PASSED);
	return sizeof(*message);
}

static void rig_handle(void *ctx, void *buffer, size_t length)
{
	struct rig *rig = ctx;
	const struct message *message = buffer;

	if (message->what == QUICK) {
		if (message->number != rig->next++)
			rig->disorder = true;
		rig->quick++;
		sem_post(&rig->handled);
		return;
	}
	if (message->what == LENT)
		loop_lend(rig->loop);
	else
		loop_pass(rig->loop);
	sem_post(&rig->handled);
	sem_wait(&rig->gate);
}

static void *rig_run(void *arg)
{
	struct rig *rig = arg;

	rig->result = loop_run(rig->loop);
	return NULL;
}

static void rig_start(struct rig *rig, bool poll_first)
{
	struct loop_options options = { .sources = rig->sources,
					.buffer_size = sizeof(struct message),
					.poll_first = poll_first,
					.ctx = rig,
					.receive = rig_receive,
					.handle = rig_handle };
	int fds[2];

	*rig = (struct rig){ .next = 0 };
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	rig->sources[0] = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	rig->sources[1] = (struct pollfd){ .fd = -1 };
	rig->write_fd = fds[1];
	sem_init(&rig->gate, 0, 0);
	sem_init(&rig->handled, 0, 0);
	ck_assert_int_eq(loop_create(&options, &rig->loop), 0);
	ck_assert_int_eq(pthread_create(&rig->runner, NULL, rig_run, rig), 0);
}

static void rig_finish(struct rig *rig)
{
	pthread_join(rig->runner, NULL);
	loop_join(rig->loop);
	loop_destroy(rig->loop);
	ck_assert_int_eq(rig->result, 0);
	ck_assert(!rig->disorder);
}

static void rig_stop(struct rig *rig)
{
	loop_stop(rig->loop);
	rig_finish(rig);
	close(rig->write_fd);
	close(rig->sources[0].fd);
}

static void rig_send(struct rig *rig, enum request what, unsigned number)
{
	struct message message = { .what = (char)what, .number = number };

	ck_assert_int_eq(write(rig->write_fd, &message, sizeof(message)), sizeof(message));
}

/* Waits until @n more handlers have begun; false after 5 seconds. */
static bool rig_handled(struct rig *rig, unsigned n)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	while (n-- > 0) {
		while (sem_timedwait(&rig->handled, &until)) {
			if (errno != EINTR)
				return false;
		}
	}
	return true;
}

static unsigned threads_now(void)
{
	DIR *folder = opendir("/proc/self/task");
	unsigned n = 0;

	while (readdir(folder))
		n++;
	closedir(folder);
	return n - 2;
}

/* ---- Threads, of which there may be too few ---- */

static atomic_int threads_left = 1000000;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*begin)(void *arg),
		   void *arg)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
	return atomic_fetch_sub(&threads_left, 1) > 0 ? create(thread, attr, begin, arg) : EAGAIN;
}

/* stderr into a file from now on. Returns where it went before. */
static int catch_stderr(void)
{
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);

	ck_assert(file && before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	fclose(file);
	return before;
}

static void read_caught(char *to, size_t size)
{
	ssize_t length = pread(STDERR_FILENO, to, size - 1, 0);

	to[length > 0 ? length : 0] = '\0';
}

/* False: it does not come within some seconds. */
static bool is_said(const char *wanted)
{
	char text[1000] = "";

	for (int i = 0; i < 5000 && !strstr(text, wanted); i++) {
		usleep(1000);
		read_caught(text, sizeof(text));
	}
	return strstr(text, wanted);
}

static void read_stderr(int before, char *to, size_t size)
{
	read_caught(to, size);
	dup2(before, STDERR_FILENO);
	close(before);
}

START_TEST(test_order)
{
	struct rig rig = { 0 };

	rig_start(&rig, _i);
	for (unsigned i = 0; i < 5000; i++)
		rig_send(&rig, QUICK, i);
	ck_assert(rig_handled(&rig, 5000));
	ck_assert_uint_eq(rig.quick, 5000);
	rig_stop(&rig);
}
END_TEST

/* Whoever blocks, and however many: what comes after is served. */
START_TEST(test_blocked_handlers)
{
	const enum request how[] = { LENT, PASSED };
	struct rig rig = { 0 };

	rig_start(&rig, true);
	for (unsigned i = 0; i < 60; i++)
		rig_send(&rig, how[_i], 0);
	rig_send(&rig, QUICK, 0);
	ck_assert(rig_handled(&rig, 61));
	ck_assert_uint_eq(rig.quick, 1);
	for (unsigned i = 0; i < 60; i++)
		sem_post(&rig.gate);
	rig_send(&rig, QUICK, 1);
	ck_assert(rig_handled(&rig, 1));
	/* The many threads are not kept. */
	for (int i = 0; i < 100 && threads_now() > 10; i++)
		usleep(100000);
	ck_assert_uint_le(threads_now(), 10);
	rig_stop(&rig);
}
END_TEST

/* What comes after waits until one of them is done; it is said, once, and nothing is lost. */
START_TEST(test_too_few_threads)
{
	char text[1000], *line;
	struct rig rig = { 0 };
	int before;

	rig_start(&rig, true);
	before = catch_stderr();
	threads_left = 3;
	for (unsigned i = 0; i < 10; i++)
		rig_send(&rig, PASSED, 0);
	rig_send(&rig, QUICK, 0);
	ck_assert(is_said("the server cannot have more than "));
	for (unsigned i = 0; i < 10; i++)
		sem_post(&rig.gate);
	ck_assert(rig_handled(&rig, 11));
	ck_assert_uint_eq(rig.quick, 1);
	read_stderr(before, text, sizeof(text));
	line = strstr(text, "the server cannot have more than ");
	ck_assert_msg(line && !strchr(strchr(line, '\n') + 1, '\n'), "%s", text);
	threads_left = 1000000;
	rig_stop(&rig);
}
END_TEST

START_TEST(test_delegate)
{
	struct rig rig = { 0 };

	rig_start(&rig, false);
	for (unsigned i = 0; i < 20; i++)
		rig_send(&rig, TWO, i);
	ck_assert(rig_handled(&rig, 40));
	for (unsigned i = 0; i < 20; i++)
		sem_post(&rig.gate);
	rig_stop(&rig);
}
END_TEST

/* Idle workers are not counted upon twice: each is enough for one request, or for the lead. */
START_TEST(test_delegate_more_than_idle)
{
	struct rig rig = { 0 };

	rig_start(&rig, false);
	for (unsigned i = 0; i < 6; i++)
		rig_send(&rig, PASSED, 0);
	ck_assert(rig_handled(&rig, 6));
	for (unsigned i = 0; i < 6; i++)
		sem_post(&rig.gate);
	usleep(100000);		/* some of them are idle now */
	rig_send(&rig, MANY, 12);
	rig_send(&rig, QUICK, 0);
	ck_assert(rig_handled(&rig, 14));
	for (unsigned i = 0; i < 13; i++)
		sem_post(&rig.gate);
	rig_stop(&rig);
}
END_TEST

static uint64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* Polling ends soon after the last request, and the watch's timer too. */
START_TEST(test_idle_takes_no_time)
{
	struct rig rig = { 0 };
	uint64_t before;

	rig_start(&rig, true);
	for (unsigned i = 0; i < 2000; i++) {
		rig_send(&rig, QUICK, i);
		ck_assert(rig_handled(&rig, 1));
	}
	rig_send(&rig, LENT, 0);
	ck_assert(rig_handled(&rig, 1));
	sem_post(&rig.gate);
	usleep(20000);
	before = cpu_us();
	usleep(500000);
	ck_assert_uint_lt(cpu_us() - before, 10000);
	rig_stop(&rig);
}
END_TEST

/* The source ends: so does the loop, once the handlers are back. */
START_TEST(test_end_of_source)
{
	struct rig rig = { 0 };

	rig_start(&rig, true);
	rig_send(&rig, PASSED, 0);
	ck_assert(rig_handled(&rig, 1));
	close(rig.write_fd);
	pthread_join(rig.runner, NULL);
	ck_assert_int_eq(rig.result, 0);
	sem_post(&rig.gate);
	loop_join(rig.loop);
	loop_destroy(rig.loop);
	close(rig.sources[0].fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loop");
	TCase *tests = tcase_create("loop");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_order, 0, 2);
	tcase_add_loop_test(tests, test_blocked_handlers, 0, 2);
	tcase_add_test(tests, test_too_few_threads);
	tcase_add_test(tests, test_delegate);
	tcase_add_test(tests, test_delegate_more_than_idle);
	tcase_add_test(tests, test_idle_takes_no_time);
	tcase_add_test(tests, test_end_of_source);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
