/* SPDX-License-Identifier: MIT */
/*
 * A client: one memory (the kernel's mm) whose pages mappings point at and whose
 * locked-memory account they are charged to.
 *
 * Counted: files' callers and mappings keep the client they belong to, so that
 * what it was charged can be given back after the process is gone. Created by the
 * front at first use. refs and locked_pages are guarded by the machine's lock; the
 * rest is constant. The front's done op may block, so a client whose last
 * reference goes away under the lock waits in sim->dead until client_reap().
 */
#ifndef SIM_CORE_CLIENT_H
#define SIM_CORE_CLIENT_H

#include <sys/queue.h>

#include <vfiosim/vfiosim.h>

struct vfiosim_client {
	struct vfiosim *sim;
	const struct vfiosim_client_ops *ops;
	void *ctx;			/* the front's */
	uint32_t number;
	unsigned refs;
	uint64_t locked_pages;		/* charged by this machine's pins */
	TAILQ_ENTRY(vfiosim_client) in_sim;	/* sim->clients, then sim->dead */
};

/* Under the machine's lock. NULL is allowed in put. */
struct vfiosim_client *client_get(struct vfiosim_client *client);
void client_put(struct vfiosim_client *client);

/* No lock held: ends the clients that died under the lock. */
void client_reap(struct vfiosim *sim);

#endif
