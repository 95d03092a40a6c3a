/* SPDX-License-Identifier: MIT */
/*
 * The engine: devices come and go, sections appear and vanish; the policy says
 * which container takes what. See select.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
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
	TAILQ_INIT(&selector->sections);
	TAILQ_INIT(&selector->spaces);
	TAILQ_INIT(&selector->groups);
	TAILQ_INIT(&selector->devices);
	*ret_selector = selector;
	return 0;
}

/* ---- Groups ------------------------------------------------------------ */

static struct select_group *find_group(struct selector *selector, int number)
{
	struct select_group *group;

	TAILQ_FOREACH(group, &selector->groups, in_selector)
		if (group->number == number)
			return group;
	return NULL;
}

static long set_container(struct select_group *group, struct space *space)
{
	struct selector *selector = space->selector;

	return selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_SET_CONTAINER,
					 &space->fd, sizeof(space->fd));
}

static long unset_container(struct selector *selector, struct select_group *group)
{
	return selector->ops->ioctl(selector->proc, group->fd, VFIO_GROUP_UNSET_CONTAINER, 0);
}

static int check_viable(struct selector *selector, const struct select_group *group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	long error = selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_GET_STATUS,
					       &status, sizeof(status));
	bool viable = selector->policy->viable_exact ?
			      status.flags == VFIO_GROUP_FLAGS_VIABLE :
			      (status.flags & VFIO_GROUP_FLAGS_VIABLE);

	if (error)
		return (int)error;
	if (viable)
		return 0;
	selector_say(selector, "the group is not viable: a device of it belongs to a host driver");
	return -EINVAL;
}

/* A container that exists takes the group: whoever pins RAM forbids discarding it. */
static int joined(struct selector *selector, struct select_group *group, struct space *space)
{
	int error = discards_forbid(selector);

	if (error) {
		unset_container(selector, group);
		return error;
	}
	space->n_groups++;
	group->space = space;
	return 0;
}

/* 0: one of the containers took it; 1: none did, make one; negative errno: it is refused. */
static int offer(struct selector *selector, struct select_group *group)
{
	struct space *space;

	if (selector->policy->spaces == SPACES_EACH)
		return 1;
	TAILQ_FOREACH(space, &selector->spaces, in_selector) {
		long error = set_container(group, space);

		if (!error)
			return joined(selector, group, space);
		selector_say(selector, "container %u refuses the group: %s", space->number,
			     strerrorname_np((int)-error));
		if (selector->policy->spaces == SPACES_ONE)
			return (int)error;
	}
	return 1;
}

/* Leaves the container, which goes with its last group. */
static void leave_space(struct selector *selector, struct select_group *group)
{
	struct space *space = group->space;
	bool last = !--space->n_groups;
	long error;

	if (last)
		space_empty(space);
	error = unset_container(selector, group);
	if (error)
		selector_say(selector, "the group stays in its container: %s",
			     strerrorname_np((int)-error));
	group->space = NULL;
	if (!last)
		return;
	selector_say(selector, "container %u is empty and goes", space->number);
	space_close(space);
}

/* A container of its own, with everything in it. */
static int new_space(struct selector *selector, struct select_group *group)
{
	struct space *space;
	int error = space_open(selector, group->fd, &space);

	if (error)
		return error;
	error = space_fill(space);
	if (!error) {
		group->space = space;
		return 0;
	}
	space_empty(space);
	discards_allow(selector);
	if (selector->policy->unset_first)
		unset_container(selector, group);
	space_close(space);
	return error;
}

/* Into a container: an old one or a new one. */
static int place(struct selector *selector, struct select_group *group)
{
	int error = check_viable(selector, group);

	if (error)
		return error;
	error = offer(selector, group);
	return error > 0 ? new_space(selector, group) : error;
}

static int group_get(struct selector *selector, const struct target_device *device,
		     struct select_group **ret_group)
{
	struct select_group *group = find_group(selector, device->group);
	int error;

	if (group) {
		*ret_group = group;
		return 0;
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->number = device->group;
	group->fd = selector->ops->open(selector->proc, device->node);
	error = group->fd < 0 ? group->fd : 0;
	if (error)
		goto free_group;
	error = place(selector, group);
	if (error)
		goto close_fd;
	TAILQ_INSERT_TAIL(&selector->groups, group, in_selector);
	*ret_group = group;
	return 0;
close_fd:
	selector->ops->close(selector->proc, group->fd);
free_group:
	free(group);
	return error;
}

/* Goes with its last device. */
static void group_put(struct selector *selector, struct select_group *group)
{
	if (group->n_devices)
		return;
	if (!group->discards_ok)
		discards_allow(selector);
	leave_space(selector, group);
	selector->ops->close(selector->proc, group->fd);
	TAILQ_REMOVE(&selector->groups, group, in_selector);
	free(group);
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

static int get_device_fd(struct selector *selector, const struct select_group *group,
			 const struct target_device *device)
{
	char address[sizeof(device->address)];

	memcpy(address, device->address, sizeof(address));
	return (int)selector->ops->ioctl_data(selector->proc, group->fd, VFIO_GROUP_GET_DEVICE_FD,
					      address, strlen(address) + 1);
}

/* All devices of a group must agree whether RAM may be discarded. */
static int agree_on_discards(struct selector *selector, struct select_group *group, bool ok)
{
	if (group->discards_ok == ok || !selector->policy->discards)
		return 0;
	if (group->n_devices) {
		selector_say(selector, "the devices of the group disagree on discarding RAM");
		return -EINVAL;
	}
	group->discards_ok = ok;
	discards_allow(selector);
	return 0;
}

static int open_device(struct selector *selector, struct select_device *device, bool discards_ok)
{
	struct select_group *group = device->group;
	struct vfio_device_info info = { .argsz = sizeof(info) };
	long error;

	device->fd = get_device_fd(selector, group, device->target);
	if (device->fd < 0)
		return device->fd;
	error = selector->ops->ioctl_data(selector->proc, device->fd, VFIO_DEVICE_GET_INFO, &info,
					  sizeof(info));
	if (!error)
		error = agree_on_discards(selector, group, discards_ok);
	if (error)
		selector->ops->close(selector->proc, device->fd);
	return (int)error;
}

static int plug(struct selector *selector, const struct target_device *target, bool discards_ok)
{
	struct select_device *device = calloc(1, sizeof(*device));
	int error;

	if (!device)
		return -ENOMEM;
	device->target = target;
	error = group_get(selector, target, &device->group);
	if (error) {
		free(device);
		return error;
	}
	error = open_device(selector, device, discards_ok);
	if (error) {
		group_put(selector, device->group);
		free(device);
		return error;
	}
	device->group->n_devices++;
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
		selector_say(selector, "%s is in container %u", device->name,
			     find_device(selector, device->name)->group->space->number);
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
	selector->ops->close(selector->proc, device->fd);
	TAILQ_REMOVE(&selector->devices, device, in_selector);
	device->group->n_devices--;
	group_put(selector, device->group);
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

static bool is_omitted(const struct selector *selector, uint64_t iova)
{
	const struct space *space;
	const struct omission *omission;

	TAILQ_FOREACH(space, &selector->spaces, in_selector)
		TAILQ_FOREACH(omission, &space->omissions, in_space)
			if (omission->iova == iova)
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
	free(selector);
}
