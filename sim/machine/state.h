/* SPDX-License-Identifier: MIT */
/*
 * The machine's state while it is told, as JSON: vfiosim_state_json() walks the
 * machine's subsystems, each of which appends its keys. Which keys there are is known
 * where the things are.
 */
#ifndef SIM_MACHINE_STATE_H
#define SIM_MACHINE_STATE_H

#include "base/json.h"
#include "machine/sim.h"

struct state {
	const struct vfiosim *sim;	/* its lock is held */
	struct json json;		/* what is shown is appended here */
	/*
	 * What the clients' memory looked like just before the lock was taken, so that
	 * pins whose memory is not there any more can be told.
	 */
	struct memory {
		struct vfiosim_client *client;	/* counted */
		struct vfiosim_vmas vmas;
		bool known;
	} *memories;
	uint32_t n_memories;
	/* Arrays that are told once the lock is free; see state_later(). */
	struct later *later;
	size_t n_later;
	bool no_memory;			/* some of it is missing */
};

/*
 * The value of the key just appended is an array that may be long: its rows are kept now
 * and told by @show without the lock. malloc'ed @rows become the callee's.
 */
void state_later(struct state *state, void *rows, size_t n,
		 void (*show)(struct json *json, const void *rows, size_t n));

/* The VMAs of @client; NULL: they could not be had. */
const struct vfiosim_vmas *state_vmas(const struct state *state,
				      const struct vfiosim_client *client);

#endif
