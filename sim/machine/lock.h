/* SPDX-License-Identifier: MIT */
/*
 * The machine's lock, and how long operations yield it.
 *
 * An operation that may hold the lock for more than about a millisecond calls lock_yield()
 * between two parts. That is free unless another thread waits. After it, everything read
 * from the machine before may have changed. Compare cond_resched_lock() in the kernel.
 */
#ifndef SIM_MACHINE_LOCK_H
#define SIM_MACHINE_LOCK_H

#include <stdbool.h>

struct vfiosim;

void lock_take(struct vfiosim *sim);
void lock_release(struct vfiosim *sim);

/*
 * Lock held on entry and on return. If threads wait for the lock, lets one of them take
 * it first. False: no thread waits, and the lock was not released.
 */
bool lock_yield(struct vfiosim *sim);

#endif
