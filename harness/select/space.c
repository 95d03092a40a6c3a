/* SPDX-License-Identifier: MIT */
/*
 * A space: a container or an ioas with a copy of the address space. Filling,
 * mapping and unmapping, and what the policy makes of each errno. How a space is
 * made and told is its backend's affair (legacy.c, iommufd.c).
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#include "select/selector.h"

static const char *const kinds[] = { "RAM", "ROM", "BAR" };

/* ---- Discarding RAM ---------------------------------------------------- */

int discards_forbid(struct selector *selector)
{
	if (!selector->policy->discards)
		return 0;
	if (selector->discards_required) {
		selector_say(selector, "discarding RAM cannot be forbidden: somebody needs it");
		return -EBUSY;
	}
	selector->discards_forbidden++;
	return 0;
}

void discards_allow(struct selector *selector)
{
	if (selector->policy->discards)
		selector->discards_forbidden--;
}

/* ---- A space's life ---------------------------------------------------- */

struct space *space_create(struct selector *selector)
{
	struct space *space = calloc(1, sizeof(*space));

	if (!space)
		return NULL;
	space->selector = selector;
	space->fd = -1;
	id_map_init(&space->omissions);
	TAILQ_INIT(&space->hwpts);
	return space;
}

void space_announce(struct space *space)
{
	struct selector *selector = space->selector;

	space->number = space->ioas ? space->ioas : ++selector->n_made;
	space->n_users = 1;
	space->announced = true;
	TAILQ_INSERT_TAIL(&selector->spaces, space, in_selector);
	selector_say(selector, "a new %s, number %u", selector->backend->space, space->number);
}

void space_free(struct space *space)
{
	id_map_done(&space->omissions);
	if (space->announced)
		TAILQ_REMOVE(&space->selector->spaces, space, in_selector);
	free(space);
}

/* ---- Mapping ----------------------------------------------------------- */

static int leave_out(struct space *space, const struct section *section, int error)
{
	int lost = id_map_insert(&space->omissions, section->iova, space);

	if (lost)
		return lost;
	selector_say(space->selector,
		     "%s %u does without the %s at 0x%" PRIx64 " (%s): only "
		     "peer-to-peer needs it",
		     space->selector->backend->space, space->number, kinds[section->kind],
		     section->iova, strerrorname_np(-error));
	return 0;
}

/* The program takes it for mapped. */
static int forget(struct space *space, const struct section *section, int error)
{
	int lost = id_map_insert(&space->omissions, section->iova, space);

	if (!lost)
		selector_say(space->selector,
			     "%s %u does not have the %s at 0x%" PRIx64 " (%s), which counts as "
			     "mapped all the same",
			     space->selector->backend->space, space->number, kinds[section->kind],
			     section->iova, strerrorname_np(-error));
	return lost;
}

/* Is there nothing to map with, or nothing that the program would map? */
static bool needs_no_map(const struct space *space, const struct section *section)
{
	return space->type == VFIO_NOIOMMU_IOMMU ||
	       (section->kind == SECTION_BAR && !space->selector->policy->maps_bars);
}

int space_map(struct space *space, const struct section *section)
{
	const struct policy *policy = space->selector->policy;
	struct section pages;
	int error;

	if (needs_no_map(space, section))
		return 0;
	if (!section_pages(section, &pages)) {
		selector_say(space->selector, "the %s at 0x%" PRIx64 " has no whole page to map",
			     kinds[section->kind], section->iova);
		return 0;
	}
	error = space->selector->backend->map(space, &pages);
	if (!error)
		return 0;
	if (section->kind == SECTION_BAR && policy->bar_optional)
		return leave_out(space, section, error);
	if (policy->map_ignored && space->live)
		return forget(space, section, error);
	selector_say(space->selector, "%s %u must have the %s at 0x%" PRIx64 ", but: %s",
		     space->selector->backend->space, space->number, kinds[section->kind],
		     section->iova, strerrorname_np(-error));
	return error;
}

void space_unmap(struct space *space, const struct section *section)
{
	const struct policy *policy = space->selector->policy;
	struct section pages;
	long error;

	id_map_erase(&space->omissions, section->iova);
	if (needs_no_map(space, section))
		return;
	if (!section_pages(section, &pages))
		return;
	error = space->selector->backend->unmap(space, pages.iova, pages.size);
	if (error == -EINVAL && policy->last_page && space->type == VFIO_TYPE1v2_IOMMU &&
	    !(pages.iova + pages.size))
		error = space->selector->backend->unmap(space, pages.iova,
							pages.size - VFIOSIM_PAGE_SIZE);
	if (error)
		selector_say(space->selector, "%s %u kept 0x%" PRIx64 ": %s",
			     space->selector->backend->space, space->number, pages.iova,
			     strerrorname_np((int)-error));
}

/* From @own on nothing was mapped. */
static int stop_replay(struct space *space, struct select_section *own, int error)
{
	int lost = 0;

	for (; own && !lost; own = TAILQ_NEXT(own, in_selector))
		if (!needs_no_map(space, &own->section))
			lost = forget(space, &own->section, error);
	return lost;
}

int space_fill(struct space *space)
{
	const struct policy *policy = space->selector->policy;
	struct select_section *own;
	int error, first = 0;

	TAILQ_FOREACH(own, &space->selector->sections, in_selector) {
		error = space_map(space, &own->section);
		if (error && policy->replay_stops) {
			first = stop_replay(space, own, error);
			break;
		}
		if (error && !first)
			first = error;
		if (first && !policy->fills_on)
			break;
	}
	space->live = !first;
	return first;
}

void space_empty(struct space *space)
{
	struct select_section *own;

	TAILQ_FOREACH(own, &space->selector->sections, in_selector)
		space_unmap(space, &own->section);
	space->live = false;
}
