/* SPDX-License-Identifier: MIT */
/*
 * The engine: devices come and go, sections appear and vanish; the policy says
 * which container takes what. See select.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "select/selector.h"

void selector_say(struct selector *selector, const char *format, ...)
{
	va_list args;
	char **notes = realloc(selector->notes, (selector->n_notes + 1) * sizeof(char *));
	char *text;
	int n;

	if (!notes)
		return;
	selector->notes = notes;
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	notes[selector->n_notes++] = text;
	if (selector->heard)
		selector->heard(selector->heard_ctx, text);
}

void selector_listen(struct selector *selector, void (*heard)(void *ctx, const char *note),
		     void *ctx)
{
	selector->heard = heard;
	selector->heard_ctx = ctx;
}

int selector_create(struct proc *proc, const struct policy *policy, struct selector **ret_selector)
{
	struct selector *selector = calloc(1, sizeof(*selector));

	if (!selector)
		return -ENOMEM;
	selector->proc = proc;
	selector->ops = proc->target->ops;
	selector->policy = policy;
	selector->backend = strcmp(policy->mode, "iommufd") ? &backend_legacy : &backend_iommufd;
	selector->iommufd = -1;
	TAILQ_INIT(&selector->sections);
	TAILQ_INIT(&selector->spaces);
	id_map_init(&selector->groups);
	TAILQ_INIT(&selector->devices);
	*ret_selector = selector;
	return 0;
}

/* ---- Devices ----------------------------------------------------------- */

static struct select_device *find_device(const struct selector *selector, const char *name)
{
	struct select_device *device;

	TAILQ_FOREACH(device, &selector->devices, in_selector)
		if (!strcmp(device->target->name, name))
			return device;
	return NULL;
}

static int plug(struct selector *selector, const struct target_device *target, bool discards_ok)
{
	struct select_device *device = calloc(1, sizeof(*device));
	int error;

	if (!device)
		return -ENOMEM;
	device->target = target;
	error = selector->backend->attach(selector, device, discards_ok);
	if (error) {
		free(device);
		return error;
	}
	TAILQ_INSERT_TAIL(&selector->devices, device, in_selector);
	return 0;
}

static void note_refused(struct selector *selector, const char *name, bool refused)
{
	for (unsigned i = 0; i < selector->n_refused; i++) {
		if (strcmp(selector->refused[i], name))
			continue;
		selector->n_refused--;
		memmove(selector->refused[i], selector->refused[i + 1],
			(selector->n_refused - i) * sizeof(selector->refused[0]));
		break;
	}
	if (refused && selector->n_refused < SELECT_REFUSED_MAX)
		snprintf(selector->refused[selector->n_refused++], sizeof(selector->refused[0]),
			 "%s", name);
}

int selector_plug(struct selector *selector, const struct target_device *device, bool discards_ok)
{
	int error;

	if (find_device(selector, device->name)) {
		selector_say(selector, "%s is there already", device->name);
		return -EEXIST;
	}
	error = plug(selector, device, discards_ok);
	note_refused(selector, device->name, error);
	if (error)
		selector_say(selector, "%s does not come in: %s", device->name,
			     strerrorname_np(-error));
	else
		selector_say(selector, "%s is in %s %u", device->name, selector->backend->space,
			     find_device(selector, device->name)->member.space->number);
	return error;
}

static void remove_section(struct selector *selector, struct select_section *own)
{
	struct space *space;

	TAILQ_FOREACH(space, &selector->spaces, in_selector)
		space_unmap(space, &own->section);
	TAILQ_REMOVE(&selector->sections, own, in_selector);
	free(own);
}

/* A device takes its BARs with it: nobody may reach them, and the program lets go of them. */
static void remove_bars(struct selector *selector, const struct target_device *owner)
{
	struct select_section *own = TAILQ_FIRST(&selector->sections);

	while (own) {
		struct select_section *next = TAILQ_NEXT(own, in_selector);
		struct section section = own->section;

		if (section.owner == owner) {
			remove_section(selector, own);
			selector->ops->munmap(selector->proc, section.uva, section.size);
		}
		own = next;
	}
}

static void unplug(struct selector *selector, struct select_device *device)
{
	remove_bars(selector, device->target);
	TAILQ_REMOVE(&selector->devices, device, in_selector);
	selector->backend->detach(selector, device);
	free(device);
}

int selector_unplug(struct selector *selector, const char *name)
{
	struct select_device *device = find_device(selector, name);

	if (!device)
		return -ENOENT;
	unplug(selector, device);
	selector_say(selector, "%s is gone", name);
	return 0;
}

/* ---- Sections ---------------------------------------------------------- */

int selector_add(struct selector *selector, const struct section *section)
{
	struct select_section *own;
	struct space *space;
	int error = sections_insert(selector, section, &own);

	if (error)
		return error;
	TAILQ_FOREACH(space, &selector->spaces, in_selector) {
		error = space_map(space, &own->section);
		if (!error)
			continue;
		selector->aborted = selector->policy->live_fatal;
		selector->n_unmapped += !selector->aborted;
		if (selector->aborted)
			selector_say(selector, "devices would read and write the wrong memory: "
					       "the program gives up");
		return error;
	}
	return 0;
}

int selector_remove(struct selector *selector, uint64_t iova)
{
	struct select_section *own = sections_find(selector, iova);

	if (!own)
		return -ENOENT;
	remove_section(selector, own);
	return 0;
}

bool selector_has(const struct selector *selector, uint64_t iova)
{
	return sections_find(selector, iova);
}

void selector_require_discards(struct selector *selector, bool required)
{
	selector->discards_required = required;
}

/* ---- What it came to --------------------------------------------------- */

bool selector_aborted(const struct selector *selector)
{
	return selector->aborted;
}

unsigned selector_spaces(const struct selector *selector)
{
	const struct space *space;
	unsigned n = 0;

	TAILQ_FOREACH(space, &selector->spaces, in_selector)
		n++;
	return n;
}

unsigned selector_discards(const struct selector *selector)
{
	return selector->discards_forbidden;
}

int selector_device_fd(const struct selector *selector, const char *name)
{
	const struct select_device *device = find_device(selector, name);

	return device ? device->fd : -1;
}

void selector_placed(const struct selector *selector, char *to, size_t size)
{
	const struct select_device *device;
	size_t used = 0;

	*to = 0;
	TAILQ_FOREACH(device, &selector->devices, in_selector) {
		const struct space *space = device->group ? device->group->member.space :
							    device->member.space;

		if (used < size)
			used += (size_t)snprintf(to + used, size - used, "%s%s=%u", used ? " " : "",
						 device->target->name, space ? space->number : 0);
	}
}

static bool is_omitted(const struct selector *selector, uint64_t iova)
{
	const struct space *space;

	TAILQ_FOREACH(space, &selector->spaces, in_selector)
		if (id_map_find(&space->omissions, iova))
			return true;
	return false;
}

size_t selector_omitted(const struct selector *selector, uint64_t *to, size_t max)
{
	const struct select_section *own;
	size_t n = 0;

	TAILQ_FOREACH(own, &selector->sections, in_selector) {
		if (!is_omitted(selector, own->section.iova))
			continue;
		if (to && n < max)
			to[n] = own->section.iova;
		n++;
	}
	return n;
}

const char *selector_refused(const struct selector *selector, size_t index)
{
	return index < selector->n_refused ? selector->refused[index] : NULL;
}

unsigned selector_unmapped(const struct selector *selector)
{
	return selector->n_unmapped;
}

const char *selector_note(const struct selector *selector, size_t index)
{
	return index < selector->n_notes ? selector->notes[index] : NULL;
}

void selector_destroy(struct selector *selector)
{
	struct select_section *own;

	if (!selector)
		return;
	while (!TAILQ_EMPTY(&selector->devices))
		unplug(selector, TAILQ_FIRST(&selector->devices));
	while ((own = TAILQ_FIRST(&selector->sections))) {
		TAILQ_REMOVE(&selector->sections, own, in_selector);
		free(own);
	}
	for (size_t i = 0; i < selector->n_notes; i++)
		free(selector->notes[i]);
	free(selector->notes);
	id_map_done(&selector->groups);
	free(selector);
}
