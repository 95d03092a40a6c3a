/* SPDX-License-Identifier: MIT */
/* How to wait for the next request (pace.h). */
#include "front/loop/pace.h"

#define TRY_FOR 6		/* waits of a trial */
#define PERIOD_MIN 64
#define PERIOD_MAX 16384
#define MEAN_SHIFT 3		/* the mean of about the last eight */

/* In 1/4096: whole, then the next four bits as they are. Never 0. */
static uint32_t log2_of(uint64_t ns)
{
	unsigned top;

	ns |= 16;
	top = 63 - (unsigned)__builtin_clzll(ns);
	return (top * 16 + (uint32_t)(ns >> (top - 4) & 15)) * 256;
}

static void pace_settle(struct pace *pace, enum pace_way way)
{
	pace->way = way;
	pace->trying = false;
	pace->left = pace->period;
}

static void pace_try(struct pace *pace)
{
	pace->way = pace->way == PACE_POLL ? PACE_SLEEP : PACE_POLL;
	pace->mean[pace->way] = 0;
	pace->trying = true;
	pace->left = TRY_FOR;
}

void pace_init(struct pace *pace, bool can_poll)
{
	*pace = (struct pace){ .can_poll = can_poll, .period = PERIOD_MIN, .left = TRY_FOR };
	pace->way = can_poll ? PACE_POLL : PACE_SLEEP;
}

void pace_waited(struct pace *pace, uint64_t ns)
{
	uint32_t *mean = &pace->mean[pace->way], log2 = log2_of(ns);
	enum pace_way better;

	if (!pace->can_poll)
		return;
	*mean = *mean ? *mean - (*mean >> MEAN_SHIFT) + (log2 >> MEAN_SHIFT) : log2;
	if (--pace->left)
		return;
	if (!pace->trying) {
		pace_try(pace);
		return;
	}
	better = pace->mean[PACE_POLL] < pace->mean[PACE_SLEEP] ? PACE_POLL : PACE_SLEEP;
	if (better == pace->way)
		pace->period = PERIOD_MIN;
	else if (pace->period < PERIOD_MAX)
		pace->period *= 2;
	pace_settle(pace, better);
}

void pace_disturbed(struct pace *pace)
{
	if (!pace->trying)
		pace->period = PERIOD_MIN;
	else if (pace->period < PERIOD_MAX)
		pace->period *= 2;
	pace_settle(pace, PACE_SLEEP);
}
