/* SPDX-License-Identifier: MIT */
/*
 * Things whose end may block: a client, a file that it mapped. Their last reference may
 * go while the machine's lock is held, and the front must not be called under it, so
 * they wait in sim->dead until a thread without the lock ends them.
 */
#ifndef SIM_MACHINE_REAP_H
#define SIM_MACHINE_REAP_H

#include <sys/queue.h>

struct vfiosim;

struct dead {			/* part of such a thing */
	void (*end)(void *object);	/* no lock held; frees it */
	void *object;
	STAILQ_ENTRY(dead) in_sim;
};

/* Lock held: @object has no reference left. @dead is in its memory. Cannot fail. */
void reap_later(struct vfiosim *sim, struct dead *dead, void (*end)(void *object), void *object);
/* No lock held: ends all that wait, oldest first. */
void reap(struct vfiosim *sim);

#endif
