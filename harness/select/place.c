/* SPDX-License-Identifier: MIT */
/*
 * Which space takes a group or a device: the policy's order of offers, the same for
 * containers and for ioas. Which commands that takes is the backend's affair.
 */
#include <errno.h>
#include <string.h>

#include "select/selector.h"

/* ---- Coming in --------------------------------------------------------- */

/* A space that exists takes it: whoever pins RAM forbids discarding it. */
static int joined(struct space *space, struct member *member)
{
	int error = discards_forbid(space->selector);

	if (error) {
		space->selector->backend->leave(space, member, false);
		return error;
	}
	space->n_users++;
	member->space = space;
	return 0;
}

/* 0: one of the spaces took it; 1: none did, make one; negative errno: it is refused. */
static int offer(struct selector *selector, struct member *member)
{
	const struct backend *backend = selector->backend;
	struct space *space;

	if (selector->policy->spaces == SPACES_EACH)
		return 1;
	TAILQ_FOREACH(space, &selector->spaces, in_selector) {
		int error = backend->join(space, member);

		if (!error)
			return joined(space, member);
		selector_say(selector, "%s %u refuses the %s: %s", backend->space, space->number,
			     backend->member, strerrorname_np(-error));
		if (selector->policy->spaces == SPACES_ONE)
			return error;
	}
	return 1;
}

/* The first member is in, and the program knows what the space can do. */
static int begin(struct space *space, struct member *member)
{
	struct selector *selector = space->selector;
	int error = selector->backend->begin(space, member);

	if (error)
		return error;
	error = discards_forbid(selector);
	if (error)
		goto leave;
	error = selector->backend->info(space);
	if (!error)
		return 0;
	discards_allow(selector);
leave:
	selector->backend->leave(space, member, true);
	return error;
}

/* Open and begun; not yet filled. */
static int open_space(struct selector *selector, struct member *member, struct space **ret_space)
{
	struct space *space = space_create(selector);
	int error;

	if (!space)
		return -ENOMEM;
	error = selector->backend->open(space);
	if (error)
		goto free_space;
	error = begin(space, member);
	if (error)
		goto close_space;
	space_announce(space);
	*ret_space = space;
	return 0;
close_space:
	selector->backend->close(space);
free_space:
	space_free(space);
	return error;
}

static int new_space(struct selector *selector, struct member *member)
{
	struct space *space;
	int error = open_space(selector, member, &space);

	if (error)
		return error;
	error = space_fill(space);
	if (!error) {
		member->space = space;
		return 0;
	}
	space_empty(space);
	discards_allow(selector);
	selector->backend->leave(space, member, true);
	selector->backend->close(space);
	space_free(space);
	return error;
}

int member_place(struct selector *selector, struct member *member)
{
	int error = offer(selector, member);

	return error > 0 ? new_space(selector, member) : error;
}

/* ---- Going out --------------------------------------------------------- */

void member_leave(struct selector *selector, struct member *member)
{
	const struct backend *backend = selector->backend;
	struct space *space = member->space;
	bool last = !--space->n_users;

	if (!member->discards_ok)
		discards_allow(selector);
	if (last && backend->empties_first)
		space_empty(space);
	backend->leave(space, member, false);
	member->space = NULL;
	if (!last)
		return;
	if (!backend->empties_first)
		space_empty(space);
	selector_say(selector, "%s %u is empty and goes", backend->space, space->number);
	backend->close(space);
	space_free(space);
}
