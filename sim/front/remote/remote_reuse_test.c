/* SPDX-License-Identifier: MIT */
/*
 * A client is a memory, whoever has the number of the process that it was first seen
 * of. P is a client and ends, S shares its memory and goes on, V is another process
 * that gets P's number: what is written for the client goes to S's memory, and V is
 * another client. No FUSE here: the remote layer asks the kernel about real processes.
 *
 * Choosing a number wants CAP_CHECKPOINT_RESTORE.
 *
 * The threads of one process: any of them may end, the first one to call, the first of
 * all. What stands in their memory is told as long as one is left, whether the kernel is
 * asked about one address or gives a text (below 6.11).
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vfiosim/state.h>
#include <vfiosim/topology.h>

#include "front/loop/loop.h"
#include "base/suite_test.h"
#include "front/remote/remote.h"

#define PAGE 4096u

static char buffer[PAGE] __attribute__((aligned(PAGE)));
static char stack[65536] __attribute__((aligned(16)));

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct remotes *set;

static void begin(void)
{
	struct vfiosim_errors errors;

	ck_assert_int_eq(vfiosim_topology_load("minimal", &topology, &errors), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(remotes_create(sim, &set), 0);
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	memset(buffer, 'a', sizeof(buffer));
}

static void end(void)
{
	remotes_destroy(set);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

static int wait_for_ever(void *arg)
{
	for (;;)
		pause();
	return 0;
}

/* P, which makes S when it is told to, says its number, and ends when it is told to. */
static void client_main(int from, int to)
{
	pid_t sibling = clone(wait_for_ever, stack + sizeof(stack), CLONE_VM, NULL);
	char go;

	if (write(to, &sibling, sizeof(sibling)) == sizeof(sibling) && read(from, &go, 1) == 1)
		syscall(SYS_exit_group, 0);
	syscall(SYS_exit_group, 1);
}

static pid_t fork_as(pid_t number)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&number, .set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static char first_byte(pid_t pid)
{
	char byte = '?';
	struct iovec ours = { &byte, 1 }, theirs = { buffer, 1 };

	ck_assert_int_eq(process_vm_readv(pid, &ours, 1, &theirs, 1, 0), 1);
	return byte;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, __WALL), pid);
}

/* P and S; S is the only one left, and V has P's number. */
struct heirs {
	pid_t p, s, v;
	int down[2], up[2];
};

/* False, said why: the thread sanitizer's runtime does not survive in a sibling that shares memory. */
static bool can_share_memory(void)
{
	if (THREAD_SANITIZER)
		test_skip(tcase_name(), "no sibling by clone(CLONE_VM) under thread sanitizer");
	return !THREAD_SANITIZER;
}

/* The same where only a sibling has the memory in the end. */
static bool can_inherit_memory(void)
{
	if (!set->has_query) {
		test_skip(tcase_name(), "below Linux 6.11 a memory tells what stands in it by threads of "
				      "its own process only");
		return false;
	}
	return can_share_memory();
}

static void heirs_begin(struct heirs *heirs)
{
	ck_assert_int_eq(pipe2(heirs->down, O_CLOEXEC) | pipe2(heirs->up, O_CLOEXEC), 0);
	heirs->p = test_fork();
	if (!heirs->p)
		client_main(heirs->down[0], heirs->up[1]);
	ck_assert_int_eq(read(heirs->up[0], &heirs->s, sizeof(heirs->s)), sizeof(heirs->s));
}

/* False: not possible here, said why. */
static bool heirs_part(struct heirs *heirs)
{
	ck_assert_int_eq(write(heirs->down[1], "x", 1), 1);
	ck_assert_int_eq(waitpid(heirs->p, NULL, 0), heirs->p);
	heirs->v = fork_as(heirs->p);
	if (!heirs->v)
		wait_for_ever(NULL);
	if (heirs->v > 0)
		return true;
	ck_assert_msg(errno == EPERM, "clone3: %s", strerror(errno));
	test_skip(tcase_name(), "a process' number is not to be chosen without CAP_CHECKPOINT_RESTORE");
	return false;
}

START_TEST(a_number_is_not_a_memory)
{
	struct remote_call call, other;
	struct heirs heirs;
	struct remote *client;

	if (!can_inherit_memory())
		return;
	heirs_begin(&heirs);
	remote_call_begin(&call, set, NULL, heirs.p, REMOTE_MAKE);
	ck_assert_ptr_nonnull(call.remote);
	client = call.remote;
	if (heirs_part(&heirs)) {
		ck_assert_int_eq(remote_write(client, (uintptr_t)buffer, "X", 1), 0);
		ck_assert_int_eq(first_byte(heirs.s), 'X');
		ck_assert_int_eq(first_byte(heirs.v), 'a');
		remote_call_begin(&other, set, NULL, heirs.v, REMOTE_QUICK);
		ck_assert_ptr_nonnull(other.remote);
		ck_assert_ptr_ne(other.remote, client);
		remote_call_end(&other);
		end_process(heirs.v);
	}
	end_process(heirs.s);
	/* And when nobody has the memory any more, nothing does. */
	ck_assert_int_eq(remote_write(client, (uintptr_t)buffer, "Y", 1), -EFAULT);
	remote_call_end(&call);
}
END_TEST

/* A process of three threads: which of them have ended when the memory is looked at? */
static const struct {
	bool query, first_of_all;
} endings[] = {
	{ true, false }, { true, true }, { false, false }, { false, true },
};

static int threads_from, threads_to;

static void *say_number_and_end(void *arg)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	char go;

	if (write(threads_to, &tid, sizeof(tid)) != sizeof(tid) || read(threads_from, &go, 1) != 1)
		_exit(1);
	return NULL;
}

/* Says "ended" once both the caller and, if told to, the first thread are gone. */
static void *outlive(void *arg)
{
	const pthread_t *others = arg;

	for (int i = 0; i < 2; i++)
		if (others[i])
			pthread_join(others[i], NULL);
	if (write(threads_to, "e", 1) != 1)
		_exit(1);
	wait_for_ever(NULL);
	return NULL;
}

static void threads_main(int from, int to, bool end_first)
{
	static pthread_t others[2];	/* not on the stack of a thread that ends */
	pthread_t last;

	threads_from = from;
	threads_to = to;
	if (end_first)
		others[1] = pthread_self();
	if (pthread_create(&others[0], NULL, say_number_and_end, NULL) ||
	    pthread_create(&last, NULL, outlive, others))
		_exit(1);
	if (end_first)
		pthread_exit(NULL);
	wait_for_ever(NULL);
}

static bool is_gone(pid_t tgid, pid_t tid)
{
	return tgkill(tgid, tid, 0) && errno == ESRCH;
}

/* Is there one writable page at @buffer, as the remote layer tells? */
static bool has_buffer(struct remote *remote)
{
	struct vfiosim_vmas vmas = { 0 };
	int error = remote_vmas(remote, (uintptr_t)buffer, (uintptr_t)buffer + PAGE - 1, &vmas);
	bool found = !error && vmas.n == 1 && vmas.items[0].writable;

	vfiosim_vmas_done(&vmas);
	return found;
}

START_TEST(a_memory_outlives_the_thread_that_called)
{
	int down[2], up[2];
	struct remote_call call;
	char byte;
	pid_t process, tid;

	if (THREAD_SANITIZER && endings[_i].first_of_all) {
		test_skip(__func__, "no joining of a process' first thread under thread sanitizer");
		return;
	}
	ck_assert_int_eq(pipe2(down, O_CLOEXEC) | pipe2(up, O_CLOEXEC), 0);
	set->has_query = set->has_query && endings[_i].query;
	process = test_fork();
	if (!process)
		threads_main(down[0], up[1], endings[_i].first_of_all);
	ck_assert_int_eq(read(up[0], &tid, sizeof(tid)), sizeof(tid));
	remote_call_begin(&call, set, NULL, tid, REMOTE_MAKE);
	ck_assert_ptr_nonnull(call.remote);
	ck_assert(has_buffer(call.remote));
	ck_assert_int_eq(write(down[1], "x", 1), 1);
	ck_assert_int_eq(read(up[0], &byte, 1), 1);
	while (!is_gone(process, tid))
		usleep(1000);
	ck_assert(has_buffer(call.remote));
	ck_assert_int_eq(remote_write(call.remote, (uintptr_t)buffer, "X", 1), 0);
	ck_assert_int_eq(remote_read(call.remote, (uintptr_t)buffer, &byte, 1), 0);
	ck_assert_int_eq(byte, 'X');
	end_process(process);
	ck_assert(!has_buffer(call.remote));
	remote_call_end(&call);
}
END_TEST

static long no_request(void *ctx, void *request, const struct pollfd *ready)
{
	return 0;
}

static void no_answer(void *ctx, void *request, size_t length)
{
}

/* Where its connection is aborted, the caller goes before its call has been served. */
START_TEST(an_aborted_call_has_no_number)
{
	static const struct pollfd none[LOOP_SOURCES] = { { .fd = -1 }, { .fd = -1 } };
	const struct loop_options options = { .sources = none, .receive = no_request,
					      .handle = no_answer };
	struct remote_call call;
	struct heirs heirs;
	struct loop *loop;

	if (!can_inherit_memory())
		return;
	ck_assert_int_eq(loop_create(&options, &loop), 0);
	heirs_begin(&heirs);
	remote_call_begin(&call, set, loop, heirs.p, REMOTE_MAKE);
	ck_assert_int_eq(remote_write(call.remote, (uintptr_t)buffer, "W", 1), 0);
	ck_assert_int_eq(first_byte(heirs.p), 'W');
	remotes_abort(set);
	if (heirs_part(&heirs)) {
		ck_assert_int_eq(remote_write(call.remote, (uintptr_t)buffer, "X", 1), 0);
		ck_assert_int_eq(first_byte(heirs.s), 'X');
		ck_assert_int_eq(first_byte(heirs.v), 'a');
		end_process(heirs.v);
	}
	end_process(heirs.s);
	remote_call_end(&call);
	loop_destroy(loop);
}
END_TEST

/* mem_fd would write anywhere: what the client cannot write is left alone. */
START_TEST(protection_is_kept)
{
	pid_t p = test_fork();
	struct remote_call call;
	char byte;

	if (!p) {
		mprotect(buffer, PAGE, PROT_READ);
		wait_for_ever(NULL);
	}
	remote_call_begin(&call, set, NULL, p, REMOTE_MAKE);
	while (remote_write(call.remote, (uintptr_t)buffer, "a", 1) == 0)
		usleep(1000);
	ck_assert_int_eq(remote_read(call.remote, (uintptr_t)buffer, &byte, 1), 0);
	ck_assert_int_eq(byte, 'a');
	ck_assert_int_eq(remote_read(call.remote, 0x1000, &byte, 1), -EFAULT);
	ck_assert_int_eq(remote_read(call.remote, UINT64_MAX, &byte, 1), -EFAULT);
	remote_call_end(&call);
	end_process(p);
}
END_TEST

/* ---- exec ---- */

static void exec_main(bool shares, int from, int to)
{
	pid_t sibling = shares ? clone(wait_for_ever, stack + sizeof(stack), CLONE_VM, NULL) : 0;
	char go, number[16];

	snprintf(number, sizeof(number), "%d", dup(to));
	if (write(to, &sibling, sizeof(sibling)) == sizeof(sibling) && read(from, &go, 1) == 1)
		execl("/proc/self/exe", "after", "--after-exec", number, NULL);
	syscall(SYS_exit_group, 1);
}

/* --after-exec PIPE: what exec_main becomes. */
static int after_exec(const char *number)
{
	return write(atoi(number), "x", 1) == 1 ? wait_for_ever(NULL) : 1;
}

/* Its number; it may be gone with the call. */
static uint32_t client_of(pid_t tid, enum remote_how how)
{
	struct remote_call call;
	uint32_t number;

	remote_call_begin(&call, set, NULL, tid, how);
	ck_assert_ptr_nonnull(call.remote);
	number = vfiosim_client_number(call.caller.client);
	remote_call_end(&call);
	return number;
}

/*
 * P calls exec: from then on it is another client. The memory it had is S's alone, or
 * nobody's.
 */
START_TEST(exec_leads_to_another_memory)
{
	int down[2], up[2];
	struct remote_call call;
	uint32_t number;
	pid_t p, s = 0;
	char byte;

	if (_i && !can_share_memory())
		return;
	ck_assert_int_eq(pipe2(down, O_CLOEXEC) | pipe2(up, O_CLOEXEC), 0);
	p = test_fork();
	if (!p)
		exec_main(_i, down[0], up[1]);
	ck_assert_int_eq(read(up[0], &s, sizeof(s)), sizeof(s));
	remote_call_begin(&call, set, NULL, p, REMOTE_MAKE);
	ck_assert_ptr_nonnull(call.remote);
	number = vfiosim_client_number(call.caller.client);
	ck_assert_uint_eq(client_of(p, REMOTE_MAKE), number);
	ck_assert_int_eq(write(down[1], "x", 1), 1);
	ck_assert_int_eq(read(up[0], &byte, 1), 1);
	ck_assert_uint_ne(client_of(p, REMOTE_MAKE), number);
	ck_assert_uint_eq(client_of(p, REMOTE_QUICK), client_of(p, REMOTE_MAKE));
	ck_assert_int_eq(remote_write(call.remote, (uintptr_t)buffer, "X", 1), _i ? 0 : -EFAULT);
	if (_i)
		ck_assert_int_eq(first_byte(s), 'X');
	remote_call_end(&call);
	end_process(p);
	if (_i)
		end_process(s);
}
END_TEST

/* A program may write where exec left its mark: it is the same client all the same. */
START_TEST(a_mark_may_be_written_over)
{
	int down[2], up[2];
	uint32_t number;
	char byte;
	pid_t p;

	ck_assert_int_eq(pipe2(down, O_CLOEXEC) | pipe2(up, O_CLOEXEC), 0);
	p = test_fork();
	if (!p) {
		if (read(down[0], &byte, 1) == 1)
			memset((void *)getauxval(AT_RANDOM), 'x', 16);
		byte = 'x';
		if (write(up[1], &byte, 1) == 1)
			wait_for_ever(NULL);
	}
	number = client_of(p, REMOTE_MAKE);
	ck_assert_int_eq(write(down[1], "x", 1), 1);
	ck_assert_int_eq(read(up[0], &byte, 1), 1);
	ck_assert_uint_eq(client_of(p, REMOTE_MAKE), number);
	end_process(p);
}
END_TEST

/* ---- Who does not wait any more ---- */

static bool never(const struct remote_call *call)
{
	return false;
}

static bool always(const struct remote_call *call)
{
	return true;
}

static unsigned clients(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(sim, &counters);
	return counters.clients;
}

/* What is found by the number of a thread that was killed may be anybody's: it is not kept. */
START_TEST(a_client_is_of_who_waits)
{
	struct vfiosim_file *file;
	struct remote_call call;
	pid_t p = test_fork();

	if (!p)
		wait_for_ever(NULL);
	remote_call_begin_if(&call, set, p, never);
	ck_assert_ptr_null(call.remote);
	ck_assert_int_eq(remote_call_fd_get(&call, 0), -ESRCH);
	ck_assert_int_eq(remote_file(&call.caller, 0, &file), -EBADF);
	remote_call_end(&call);
	ck_assert_uint_eq(clients(), 0);
	remote_call_begin_if(&call, set, p, always);
	ck_assert_ptr_nonnull(call.remote);
	remote_call_end(&call);
	ck_assert_uint_eq(clients(), 1);
	end_process(p);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tcase;

	if (argc == 3 && !strcmp(argv[1], "--after-exec"))
		return after_exec(argv[2]);
	/* qemu-user has none. */
	if (process_vm_readv(getpid(), NULL, 0, NULL, 0, 0))
		return suite_skip("remote_reuse", "no process_vm_readv() here");
	suite = suite_create("remote_reuse");
	tcase = tcase_create("memory");
	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_number_is_not_a_memory);
	tcase_add_test(tcase, an_aborted_call_has_no_number);
	tcase_add_test(tcase, protection_is_kept);
	tcase_add_loop_test(tcase, exec_leads_to_another_memory, 0, 2);
	tcase_add_test(tcase, a_mark_may_be_written_over);
	tcase_add_test(tcase, a_client_is_of_who_waits);
	tcase_add_loop_test(tcase, a_memory_outlives_the_thread_that_called, 0,
			    sizeof(endings) / sizeof(endings[0]));
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
