/* SPDX-License-Identifier: MIT */
/*
 * How to wait for the next request: polling for a moment first, or sleeping at
 * once? Waking a sleeping thread takes longer than serving a request, so on an idle
 * machine polling wins by far; where other programs want the cpus, it takes them
 * from the very client that is waited for, and sleeping wins.
 *
 * So it is measured: the mean of either way's waits, of their logarithms since one
 * wait in a hundred is a thousand times longer. The way that does worse is tried now
 * and then, more rarely each time it loses again. A poll in which the thread lost
 * its cpu says at once that the machine is busy.
 */
#ifndef SIM_FRONT_LOOP_PACE_H
#define SIM_FRONT_LOOP_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum pace_way { PACE_SLEEP, PACE_POLL };

struct pace {
	bool can_poll;
	enum pace_way way;	/* to wait the next time */
	uint32_t mean[2];	/* of log2 of the waits in ns, in 1/4096; 0: not known */
	bool trying;		/* the way that seemed worse */
	unsigned left;		/* waits until something changes */
	unsigned period;	/* waits between two trials */
};

void pace_init(struct pace *pace, bool can_poll);
/* A wait of @ns that ended with a request. */
void pace_waited(struct pace *pace, uint64_t ns);
/* The thread lost its cpu while it polled. */
void pace_disturbed(struct pace *pace);

#endif
