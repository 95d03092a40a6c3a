/* SPDX-License-Identifier: MIT */
/* See lock.h. */
#include "machine/lock.h"

#include <sched.h>

#include "machine/sim.h"

#define YIELDS 1000	/* most sched_yield() calls until a woken thread has taken the lock */

void lock_take(struct vfiosim *sim)
{
	if (!pthread_mutex_trylock(&sim->lock))
		return;
	atomic_fetch_add(&sim->waiting, 1);
	pthread_mutex_lock(&sim->lock);
	atomic_fetch_sub(&sim->waiting, 1);
	atomic_fetch_add(&sim->turns, 1);
}

void lock_release(struct vfiosim *sim)
{
	pthread_mutex_unlock(&sim->lock);
}

/* A mutex is not fair: this thread would take it again before a waiting one has woken up. */
bool lock_yield(struct vfiosim *sim)
{
	unsigned turns;

	if (!atomic_load_explicit(&sim->waiting, memory_order_relaxed))
		return false;
	turns = atomic_load(&sim->turns);
	pthread_mutex_unlock(&sim->lock);
	for (unsigned i = 0; i < YIELDS && atomic_load(&sim->turns) == turns; i++)
		sched_yield();
	lock_take(sim);	/* as one that waits: the other thread may have to yield, too */
	return true;
}
