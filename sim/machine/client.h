/* SPDX-License-Identifier: MIT */
/*
 * A client: one memory (the kernel's mm) whose pages mappings point at and whose
 * locked-memory account they are charged to.
 *
 * Counted: files' callers and mappings keep the client they belong to, so that
 * what it was charged can be given back after the process is gone. Created by the
 * front at first use. refs and locked_pages are guarded by the machine's lock; the
 * rest is constant. The front's done op may block, so a client whose last
 * reference goes away under the lock is ended later: reap.h.
 */
#ifndef SIM_MACHINE_CLIENT_H
#define SIM_MACHINE_CLIENT_H

#include <sys/queue.h>

#include <vfiosim/vfiosim.h>

#include "machine/reap.h"

/* Whoever owns processes: iommufd charges locked memory to it. Kept as long as the machine. */
struct user {
	uint32_t uid;
	uint64_t locked_pages;
	TAILQ_ENTRY(user) in_sim;
};

struct vfiosim_client {
	struct vfiosim *sim;
	const struct vfiosim_client_ops *ops;
	void *ctx;			/* the front's */
	uint32_t number;
	uint32_t process;		/* its PID; 0: it has none, or none that is known */
	unsigned refs;
	uint64_t locked_pages;		/* charged by this machine's pins */
	struct user *user;		/* NULL: nobody asked yet, or limits are the topology's */
	struct vfiosim_limits limits;	/* as they were last known: see call_memlock_of() */
	TAILQ_ENTRY(vfiosim_client) in_sim;
	struct dead dead;
};

/* Under the machine's lock. NULL is allowed in put. */
struct vfiosim_client *client_get(struct vfiosim_client *client);
void client_put(struct vfiosim_client *client);

/* Once, before anybody else knows of @client. */
void client_set_process(struct vfiosim_client *client, uint32_t process);
/* The PID of client @number, lock held; 0: that is not known, or the client has gone. */
uint32_t client_process(const struct vfiosim *sim, uint32_t number);

/* The limits of @client became known: remembers them, and whose it is. -ENOMEM. */
int client_set_limits(struct vfiosim_client *client, const struct vfiosim_limits *limits);

extern const struct subsystem client_subsystem;

#endif
