/* SPDX-License-Identifier: MIT */
/* The machine's lock. */
#ifndef SIM_MACHINE_LOCK_H
#define SIM_MACHINE_LOCK_H

struct vfiosim;

void lock_take(struct vfiosim *sim);
void lock_release(struct vfiosim *sim);

#endif
