/* SPDX-License-Identifier: MIT */
/*
 * Calls that never end (remotes_stuck()).
 *
 * A client's memory may answer late or never: a userfaultfd that nobody serves, a
 * file of a file system whose server hangs. Ours waits for it then, and the client
 * waits for ours, out of reach of SIGKILL, since its request has been read.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "front/remote/remote.h"

#define STUCK_MAX 16	/* looked at in one go; all of one process are killed together */

/* Asked once: of a thread it never changes, and each question is a system call. */
static pid_t own_tid(void)
{
	static _Thread_local pid_t tid;

	if (!tid)
		tid = gettid();
	return tid;
}

void remote_call_list(struct remote_call *call, pid_t tid)
{
	struct remotes *set = call->set;

	call->client_tid = tid;
	call->server_tid = own_tid();
	pthread_mutex_lock(&set->calls_lock);
	TAILQ_INSERT_TAIL(&set->calls, call, in_set);
	pthread_mutex_unlock(&set->calls_lock);
}

void remote_call_unlist(struct remote_call *call)
{
	struct remotes *set = call->set;

	if (!call->client_tid)
		return;
	pthread_mutex_lock(&set->calls_lock);
	TAILQ_REMOVE(&set->calls, call, in_set);
	pthread_mutex_unlock(&set->calls_lock);
}

void remote_call_served_by(struct remote_call *call, pid_t server_tid)
{
	struct remotes *set = call->set;

	if (!call->client_tid)
		return;
	pthread_mutex_lock(&set->calls_lock);
	call->server_tid = server_tid;
	pthread_mutex_unlock(&set->calls_lock);
}

static uint64_t hash(const char *bytes, size_t length)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return value ? value : 1;
}

/*
 * Where our thread blocks: its system call, the arguments and the stack, as a
 * number; 0: it runs, or waits for a lock, which whoever holds it has to answer for.
 */
static uint64_t blocked_in(pid_t tid)
{
	char path[64], text[256];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return 0;
	text[length] = 0;
	if (text[0] < '0' || text[0] > '9' || strtol(text, NULL, 10) == SYS_futex)
		return 0;
	return hash(text, (size_t)length);
}

static void call_look(struct remote_call *call)
{
	uint64_t now = blocked_in(call->server_tid);

	call->looks = now && now == call->blocked_in ? call->looks + 1 : now != 0;
	call->blocked_in = now;
}

/* Looks at every call; the clients' threads of those that are stuck. */
static size_t calls_look(struct remotes *set, pid_t tids[STUCK_MAX])
{
	struct remote_call *call;
	size_t n = 0;

	pthread_mutex_lock(&set->calls_lock);
	TAILQ_FOREACH(call, &set->calls, in_set) {
		call_look(call);
		if (call->looks >= REMOTE_STUCK_LOOKS && n < STUCK_MAX)
			tids[n++] = call->client_tid;
	}
	pthread_mutex_unlock(&set->calls_lock);
	return n;
}

static bool call_is_stuck(struct remotes *set, pid_t tid)
{
	struct remote_call *call;
	bool stuck = false;

	pthread_mutex_lock(&set->calls_lock);
	TAILQ_FOREACH(call, &set->calls, in_set)
		stuck |= call->client_tid == tid && call->looks >= REMOTE_STUCK_LOOKS &&
			 blocked_in(call->server_tid) == call->blocked_in;
	pthread_mutex_unlock(&set->calls_lock);
	return stuck;
}

/* Whatever ends a process leaves SIGKILL pending for each of its threads. */
static bool is_killed(pid_t tid)
{
	uint64_t pending;

	return !remote_proc_number(tid, "status", "\nSigPnd:", 16, &pending) && pending & 1ull << (SIGKILL - 1);
}

pid_t remotes_stuck(struct remotes *set)
{
	pid_t tids[STUCK_MAX];
	size_t n = calls_look(set, tids);

	/* A look at a client may wait for it to die: without the lock. */
	for (size_t i = 0; i < n; i++)
		if (is_killed(tids[i]) && call_is_stuck(set, tids[i]))
			return tids[i];
	return 0;
}
