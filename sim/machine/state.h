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
	/* Long arrays; see state_later(). */
	struct later *later;
	size_t n_later;
	bool no_memory;			/* some of it is missing */
};

/* Mappings, as an array that may be long. */
struct state_table {
	/* Lock held: takes some more of them. False: that was all. */
	bool (*take)(struct state *state, struct state_table *table);
	/* No lock: appends what was taken. */
	void (*show)(struct json *json, const struct state_table *table);
	void (*done)(struct state_table *table);	/* frees it; no lock */
};

/*
 * @table is the value of the key just appended, and from now on the callee's. It is taken
 * after everything else, in pieces, between which others are let at the machine. As soon
 * as sim->areas_changed has changed nothing is taken any more: the state is told anew.
 * NULL: there was no memory for it.
 */
void state_later(struct state *state, struct state_table *table);

/* The VMAs of @client; NULL: they could not be had. */
const struct vfiosim_vmas *state_vmas(const struct state *state,
				      const struct vfiosim_client *client);

#endif
