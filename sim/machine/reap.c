/* SPDX-License-Identifier: MIT */
/* Ending things where no lock is held; see reap.h. */
#include "machine/reap.h"

#include "machine/lock.h"
#include "machine/sim.h"

void reap_later(struct vfiosim *sim, struct dead *dead, void (*end)(void *object), void *object)
{
	dead->end = end;
	dead->object = object;
	STAILQ_INSERT_TAIL(&sim->dead, dead, in_sim);
	atomic_store_explicit(&sim->any_dead, true, memory_order_relaxed);
}

void reap(struct vfiosim *sim)
{
	struct dead *dead;

	if (!atomic_load_explicit(&sim->any_dead, memory_order_relaxed))
		return;
	for (;;) {
		lock_take(sim);
		dead = STAILQ_FIRST(&sim->dead);
		if (dead)
			STAILQ_REMOVE_HEAD(&sim->dead, in_sim);
		else
			atomic_store_explicit(&sim->any_dead, false, memory_order_relaxed);
		lock_release(sim);
		if (!dead)
			return;
		dead->end(dead->object);
	}
}
