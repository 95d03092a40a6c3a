/* SPDX-License-Identifier: MIT */
/*
 * callers: who may call and whose memory is meant, in processes of an unusual
 * shape. Not measured: see ../derived.txt.
 */
#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STACK (16 * PAGE)

struct caller {
	struct space space;
	const void *page;
};

/* ---- Another process, the same memory ------------------------------------ */

static int map_as_twin(void *arg)
{
	const struct caller *caller = arg;

	return map(caller->space.container, 0x100000, PAGE, caller->page) ? 1 : 0;
}

static void say_twin(struct caller *caller)
{
	char *stack = memory(STACK / PAGE);
	int group = group_open(&A), status = -1;
	pid_t pid = clone(map_as_twin, stack + STACK, CLONE_VM | SIGCHLD, caller);

	waitpid(pid, &status, 0);
	note("a process that shares our memory maps: status %d", status);
	say(group_set(group, caller->space.container), "its mapping is replayed as ours");
	close(group);
	unmap_all(caller->space.container, &(uint64_t){ 0 });
}

/* ---- The first thread has ended ------------------------------------------ */

static void *outlive(void *arg)
{
	const struct caller *caller = arg;
	int group = group_open(&A);

	usleep(100000);
	say(map(caller->space.container, 0x200000, PAGE, memory(1)), "MAP, first thread gone");
	say(group_set(group, caller->space.container), "attach, first thread gone");
	say(AS_RESULT(device_fd(group, &A)), "GET_DEVICE_FD, first thread gone");
	exit(0);
}

static void leave_a_thread(void *arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, outlive, arg);
	syscall(SYS_exit, 0);
}

/* ---- Descriptors run out -------------------------------------------------- */

static void say_no_descriptors(const struct caller *caller)
{
	struct rlimit limit, old;
	int lowest = dup(0), device;

	close(lowest);
	getrlimit(RLIMIT_NOFILE, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &limit);
	say(device_fd(caller->space.group, &T0), "GET_DEVICE_FD, no descriptor left");
	setrlimit(RLIMIT_NOFILE, &old);
	device = device_fd(caller->space.group, &T0);
	note("GET_DEVICE_FD then: the lowest number: %d", device == lowest);
	close(device);
	say(group_unset(caller->space.group), "UNSET: the failed one left nothing open");
	group_set(caller->space.group, caller->space.container);
	ioctl(caller->space.container, VFIO_SET_IOMMU, 3ul);
}

/* ---- Memory that moves ---------------------------------------------------- */

static void say_moved(const struct caller *caller)
{
	int group = group_open(&A), c = caller->space.container;
	char *page = memory(1), *moved;

	say(map(c, 0x300000, PAGE, page), "MAP a page");
	moved = mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	mmap(page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	say(group_set(group, c), "attach: it has moved away");
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	say(group_set(group, c), "attach: something else is there");
	munmap(page, PAGE);
	munmap(moved, 2 * PAGE);
	say_unmap(c, 0x300000, PAGE, 0, "UNMAP, nothing is there any more");
	close(group);
}

void case_callers(void)
{
	struct caller caller = { space_open(&T0, 3), memory(1) };

	say_twin(&caller);
	in_child(leave_a_thread, &caller);
	prctl(PR_SET_DUMPABLE, 0);
	say(map(caller.space.container, 0x400000, PAGE, caller.page), "MAP, not dumpable");
	say(close(device_fd(caller.space.group, &T0)), "GET_DEVICE_FD, not dumpable");
	prctl(PR_SET_DUMPABLE, 1);
	unmap_all(caller.space.container, &(uint64_t){ 0 });
	say_no_descriptors(&caller);
	say_moved(&caller);
}
