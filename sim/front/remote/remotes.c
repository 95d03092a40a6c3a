/* SPDX-License-Identifier: MIT */
/* All remote clients: which of them a thread is (remote.h). */
#include <errno.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "front/remote/aside.h"
#include "front/remote/remote.h"

#define THREADS_MAX 4096	/* cached; beyond that the cache starts anew */

/* A thread that called before. Guarded by the set's lock. */
struct remote_thread {
	pid_t tid;
	struct remote *remote;
};

/* ---- Life ---- */

int remotes_create(struct vfiosim *sim, struct remotes **ret_set)
{
	struct remotes *set = calloc(1, sizeof(*set));
	int error;

	if (!set)
		return -ENOMEM;
	set->sim = sim;
	set->has_query = remote_has_query();
	set->memory_dev = remote_memory_dev();
	set->first_user_ns = remote_in_first_user_ns(getpid());
	pthread_mutex_init(&set->lock, NULL);
	pthread_mutex_init(&set->calls_lock, NULL);
	TAILQ_INIT(&set->clients);
	TAILQ_INIT(&set->calls);
	id_map_init(&set->threads);
	remotes_signals_init(set);
	set->aside = aside_create();
	error = set->aside ? 0 : -ENOMEM;
	if (!error && getrandom(set->nonce, sizeof(set->nonce), 0) != sizeof(set->nonce))
		error = -EIO;
	if (error) {
		remotes_destroy(set);
		return error;
	}
	*ret_set = set;
	return 0;
}

void remotes_abort(struct remotes *set)
{
	atomic_store(&set->aborted, true);
}

void remotes_sync(struct remotes *set)
{
	pthread_mutex_lock(&set->lock);
	pthread_mutex_unlock(&set->lock);
}

#define SETTLE_NS 50000000	/* how long after a close its RELEASE may come, on a busy machine */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void remotes_hold(struct remotes *set)
{
	atomic_fetch_add(&set->held, 1);
}

void remotes_unhold(struct remotes *set)
{
	atomic_store(&set->let_go, now_ns());
	atomic_fetch_sub(&set->held, 1);
}

bool remotes_unsettled(struct remotes *set)
{
	return atomic_load(&set->held) || now_ns() - atomic_load(&set->let_go) < SETTLE_NS;
}

static void free_thread(void *ctx, uint64_t tid, void *item)
{
	struct remotes *set = ctx;

	free(id_map_erase(&set->threads, tid));
}

/* Lock held. */
static void remotes_forget_threads(struct remotes *set)
{
	id_map_visit(&set->threads, free_thread, set);
}

static void remotes_drop(struct remotes *set, struct remote *remote)
{
	TAILQ_REMOVE(&set->clients, remote, in_set);
	remote_files_put(remote);
	vfiosim_client_put(remote->client);
}

void remotes_sweep(struct remotes *set)
{
	struct remote *remote, *next;
	bool any = false;

	pthread_mutex_lock(&set->lock);
	for (remote = TAILQ_FIRST(&set->clients); remote; remote = next) {
		next = TAILQ_NEXT(remote, in_set);
		if (remote_alive(remote))
			continue;
		if (!any)
			remotes_forget_threads(set);
		any = true;
		remotes_drop(set, remote);
	}
	pthread_mutex_unlock(&set->lock);
}

void remotes_destroy(struct remotes *set)
{
	struct remote *remote;

	if (!set)
		return;
	remotes_forget_threads(set);
	while ((remote = TAILQ_FIRST(&set->clients)))
		remotes_drop(set, remote);
	id_map_done(&set->threads);
	pthread_mutex_destroy(&set->lock);
	pthread_mutex_destroy(&set->calls_lock);
	remotes_signals_done(set);
	aside_destroy(set->aside);
	free(set);
}

/* Remember whose the thread is. A cache: may fail. Lock held. */
static void remotes_remember(struct remotes *set, pid_t tid, struct remote *remote)
{
	struct remote_thread *thread;

	if (atomic_load(&remote->shared))
		return;
	if (id_map_count(&set->threads) >= THREADS_MAX)
		remotes_forget_threads(set);
	free(id_map_erase(&set->threads, (uint64_t)tid));
	thread = malloc(sizeof(*thread));
	if (!thread)
		return;
	*thread = (struct remote_thread){ .tid = tid, .remote = remote };
	if (id_map_insert(&set->threads, (uint64_t)tid, thread))
		free(thread);
}

static struct remote *remote_called(struct remote *remote, pid_t tid)
{
	atomic_store(&remote->last_tid, tid);
	vfiosim_client_get(remote->client);
	return remote;
}

/*
 * The thread's client if the thread called before, with a reference; else NULL. Where
 * remote_prove() follows, it looks whether the memory is still there.
 */
static struct remote *remotes_find_thread(struct remotes *set, pid_t tid, enum remote_how how)
{
	struct remote *found = NULL;
	struct remote_thread *thread;

	pthread_mutex_lock(&set->lock);
	thread = id_map_find(&set->threads, (uint64_t)tid);
	if (thread && !atomic_load(&thread->remote->shared) &&
	    (how == REMOTE_MAKE || remote_alive(thread->remote)) &&
	    remote_has_thread(thread->remote, tid))
		found = remote_called(thread->remote, tid);
	pthread_mutex_unlock(&set->lock);
	return found;
}

/* By its process' number it is not found any more. */
static void remote_part(struct remote *remote)
{
	struct remotes *set = remote->set;

	pthread_mutex_lock(&set->lock);
	remote->parted = true;
	remotes_forget_threads(set);
	pthread_mutex_unlock(&set->lock);
}

/* What was found by the number of the call's thread, if it is that thread's. Takes the reference. */
static struct remote *remote_prove(const struct remote_call *call, struct remote *remote, pid_t tid,
				   enum remote_how how)
{
	if (!remote || how != REMOTE_MAKE || remote_is_memory_of(remote, tid))
		return remote;
	if (remote_call_waits(call))
		remote_part(remote);
	vfiosim_client_put(remote->client);
	return NULL;
}

/* The client of the thread's process, if any: threads share their memory. Lock held. */
static struct remote *remotes_find_locked(struct remotes *set, pid_t tid, pid_t tgid)
{
	struct remote *remote;

	TAILQ_FOREACH(remote, &set->clients, in_set) {
		if (remote->tgid != tgid || remote->parted || !remote_alive(remote) ||
		    !remote_process_there(remote))
			continue;
		remotes_remember(set, tid, remote);
		return remote_called(remote, tid);
	}
	return NULL;
}

static struct remote *remotes_find_process(struct remotes *set, pid_t tid, pid_t tgid)
{
	struct remote *found;

	pthread_mutex_lock(&set->lock);
	found = remotes_find_locked(set, tid, tgid);
	pthread_mutex_unlock(&set->lock);
	return found;
}

static void remote_set_shared(struct remote *remote)
{
	struct remotes *set = remote->set;

	pthread_mutex_lock(&set->lock);
	atomic_store(&remote->shared, true);
	remotes_forget_threads(set);
	pthread_mutex_unlock(&set->lock);
}

/* The processes that have clients; at most @max. */
static size_t remotes_processes(struct remotes *set, pid_t *ret_tgids, size_t max)
{
	struct remote *remote;
	size_t n = 0;

	pthread_mutex_lock(&set->lock);
	TAILQ_FOREACH(remote, &set->clients, in_set) {
		if (n < max && !remote->parted && remote_process_there(remote))
			ret_tgids[n++] = remote->tgid;
	}
	pthread_mutex_unlock(&set->lock);
	return n;
}

/*
 * The client whose memory the thread shares though it is of another process
 * (CLONE_VM, vfork). Such a memory is looked up each time: its users may part at
 * any exec. kcmp() may wait, so it is done without the lock.
 */
static struct remote *remotes_find_shared(struct remotes *set, pid_t tid)
{
	struct remote *found = NULL;
	pid_t others[256];
	size_t n = remotes_processes(set, others, sizeof(others) / sizeof(others[0]));

	for (size_t i = 0; i < n && !found; i++) {
		if (!syscall(SYS_kcmp, tid, others[i], KCMP_VM, 0, 0))
			found = remotes_find_process(set, tid, others[i]);
	}
	if (found)
		remote_set_shared(found);
	return found;
}

/* Publish a new client, unless another thread of its process was faster. */
static struct remote *remotes_publish(struct remotes *set, pid_t tid, struct remote *remote)
{
	struct remote *found;

	pthread_mutex_lock(&set->lock);
	found = remotes_find_locked(set, tid, remote->tgid);
	if (found) {
		vfiosim_client_put(remote->client);
	} else {
		TAILQ_INSERT_TAIL(&set->clients, remote, in_set);
		remotes_remember(set, tid, remote);
		found = remote_called(remote, tid);
	}
	pthread_mutex_unlock(&set->lock);
	return found;
}

struct remote *remotes_get(const struct remote_call *call, pid_t tid, enum remote_how how)
{
	struct remotes *set = call->set;
	struct remote *remote;
	uint64_t tgid;
	int error;

	if (how == REMOTE_NOBODY || tid <= 0)
		return NULL;
	remote = remote_prove(call, remotes_find_thread(set, tid, how), tid, how);
	if (remote)
		return remote;
	error = remote_proc_number(tid, "status", "\nTgid:", 10, &tgid);
	remotes_tell_full(set, error);
	if (error || (pid_t)tgid == getpid())
		return NULL;
	remote = remote_prove(call, remotes_find_process(set, tid, (pid_t)tgid), tid, how);
	if (remote || how == REMOTE_KNOWN)
		return remote;
	if (how == REMOTE_MAKE) {
		remotes_sweep(set);
		remote = remote_prove(call, remotes_find_shared(set, tid), tid, how);
		if (remote)
			return remote;
	}
	if (remote_create(set, tid, (pid_t)tgid, &remote))
		return NULL;
	if (remote_call_waits(call))
		return remotes_publish(set, tid, remote);
	vfiosim_client_put(remote->client);	/* of whoever had the number: perhaps of two */
	return NULL;
}
