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
	/* Lock held: takes the next rows. False: those were the last. */
	bool (*take)(struct state *state, struct state_table *table);
	/* No lock: appends the rows. */
	void (*show)(struct json *json, const struct state_table *table);
	void (*done)(struct state_table *table);	/* frees it; no lock */
};

/*
 * Makes @table the value of the key just appended and takes ownership. Its rows are taken
 * after the rest of the state, in parts, with the lock yielded in between. If mappings
 * change meanwhile (sim->areas_changed), @table is not used again and the whole state is
 * taken anew. NULL: there was no memory for a table.
 */
void state_later(struct state *state, struct state_table *table);

/* The VMAs of @client; NULL: they could not be had. */
const struct vfiosim_vmas *state_vmas(const struct state *state,
				      const struct vfiosim_client *client);

#endif
