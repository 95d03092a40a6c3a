/* SPDX-License-Identifier: MIT */
/*
 * The machine's lock, and how long work lets others in.
 *
 * Whoever holds it for longer than a millisecond or so calls lock_breathe() between two
 * pieces: it costs nothing while nobody waits. What was learned about the machine before
 * may be wrong after it.
 */
#ifndef SIM_MACHINE_LOCK_H
#define SIM_MACHINE_LOCK_H

#include <stdbool.h>

struct vfiosim;

void lock_take(struct vfiosim *sim);
void lock_release(struct vfiosim *sim);

/* Lock held: lets those who wait for it have it first. False: nobody does, it was kept. */
bool lock_breathe(struct vfiosim *sim);

#endif
