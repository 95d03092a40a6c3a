/* SPDX-License-Identifier: MIT */
/* See lock.h. */
#include "machine/lock.h"

#include "machine/sim.h"

void lock_take(struct vfiosim *sim)
{
	pthread_mutex_lock(&sim->lock);
}

void lock_release(struct vfiosim *sim)
{
	pthread_mutex_unlock(&sim->lock);
}
