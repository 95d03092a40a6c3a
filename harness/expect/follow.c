/* SPDX-License-Identifier: MIT */
/* What happens in a run, as expectations see it. See follow.h. */
#include "expect/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/fault.h>
#include <vfiosim/state.h>

#include "base/list.h"
#include "expect/event.h"
#include "expect/interest.h"
#include "expect/judge.h"
#include "expect/record.h"
#include "expect/seen.h"
#include "expect/steps.h"
#include "expect/tracks.h"

#define REGION_SHIFT 40		/* in the offsets of a device's descriptor, as the kernel has it */
#define STRAYS_MAX 64	/* mappings nobody expects that are told, for want of a better choice */

struct follow {
	struct vfiosim *sim;
	const struct vfiosim_topology *topology;
	const struct expectations *expect;	/* NULL: nothing is expected */
	struct expect_report *report;
	struct record *record;		/* NULL: not wanted */

	pthread_mutex_t lock;		/* guards what follows */
	bool no_memory;			/* something is missing: no verdict is to be trusted */
	struct tracks tracks;
	struct steps step;		/* where something is expected */
	char **open;
	size_t n_open;
	struct group_place {
		uint32_t group, container;
	} *places;			/* which container a group went to last */
	size_t n_places;
	const char **attached;		/* devices that were, ever */
	size_t n_attached;
	const char **refused;		/* devices that were, ever: addresses */
	size_t n_refused;
	uint64_t n_events;		/* the number of the last one that has a number */
	bool has_exit;			/* a process has ended and left something open: */
	struct seen at_exit;
	struct tales tales;		/* kept where something is expected */
	bool wants_pinned;		/* ... of how much is pinned */
	bool wants_fullest;		/* the spaces of the fullest moment: */
	struct seen fullest;
	bool only_mapped;		/* since it was looked at, and no pages counted */
	size_t n_strays;		/* mappings that no expectation holds, told so far */
	uint64_t pinned;		/* pages, after the last step */
	size_t next_moment;
};

static char *keep_text(struct follow *follow, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		follow->no_memory = true;
	return copy;
}

/* ---- A step, told ------------------------------------------------------ */

static char *tell(const struct follow *follow, const struct vfiosim_event *event)
{
	return tell_event(event, follow->n_events);
}

/* What the kernel closes after an exit decides nothing about what was left open. */
static bool is_cleaning_up(const struct follow *follow, enum tale_kind kind)
{
	return follow->has_exit &&
	       (kind == TALE_CLOSED || kind == TALE_UNMAPPED || kind == TALE_PINNED);
}

/* Steps are told only where something is expected: that costs more than all else here. */
static void keep_name(struct follow *follow, enum tale_kind kind, const char *name,
		      const struct vfiosim_event *event)
{
	if (follow->expect && !is_cleaning_up(follow, kind))
		tales_keep_name(&follow->tales, kind, name, tell(follow, event));
}

/* Files are open under the name of their device, without "device ". */
static void keep_file(struct follow *follow, enum tale_kind kind, const char *object,
		      const struct vfiosim_event *event)
{
	keep_name(follow, kind, expect_file_name(object), event);
}

/* Regions, what is named by its iovas, and some of what nobody expects: there may be thousands. */
static bool is_worth_telling(struct follow *follow, const struct seen_mapping *mapping)
{
	const struct expectations *expect = follow->expect;
	bool any;

	if (!expect || mapping->device || interest_in(expect, mapping, true, &any))
		return expect;
	return any && !interest_in(expect, mapping, false, &any) && follow->n_strays++ < STRAYS_MAX;
}

static void keep_mapping(struct follow *follow, enum tale_kind kind,
			 const struct seen_mapping *mapping, unsigned space,
			 const struct vfiosim_event *event)
{
	if (is_cleaning_up(follow, kind))
		return;
	if (is_worth_telling(follow, mapping) || (follow->expect && kind == TALE_MAP_REFUSED))
		tales_keep_mapping(&follow->tales, kind, mapping, space, tell(follow, event));
}

/* What any step may be worth: it changed what is pinned, or was refused last. */
static void note_step(struct follow *follow, const struct vfiosim_event *event)
{
	struct vfiosim_counters counters;

	if (follow->expect && follow->expect->exit != EXIT_UNSAID && event->result < 0)
		keep_name(follow, TALE_FAILED, NULL, event);
	if (!follow->wants_pinned)
		return;
	vfiosim_counters(follow->sim, &counters);
	if (counters.pinned_pages != follow->pinned)
		keep_name(follow, TALE_PINNED, NULL, event);
	follow->pinned = counters.pinned_pages;
}

/* ---- Moments ----------------------------------------------------------- */

static void look(struct follow *follow, struct seen *ret_seen)
{
	if (seen_look(follow->sim, &follow->tracks, (const char *const *)follow->open,
		      follow->n_open, ret_seen))
		follow->no_memory = true;
}

/*
 * After a step that may have filled some space. @mapping, in space @number, is all that it did;
 * NULL: it did something else. Looking at the machine takes as long as there are mappings, so
 * while a program only maps, they are added to what was seen.
 */
static void note_fullness(struct follow *follow, unsigned number, const struct seen_mapping *mapping)
{
	bool fuller = tracks_note_fullness(&follow->tracks);

	if (!follow->wants_fullest)
		return;
	if (!mapping || !fuller)
		follow->only_mapped = false;
	if (!fuller || (follow->only_mapped && seen_add(&follow->fullest, number, mapping)))
		return;
	seen_done(&follow->fullest);
	look(follow, &follow->fullest);
	follow->only_mapped = !follow->expect || !interest_in_pages(&follow->expect->spaces);
}

static bool moment_is(const struct moment_want *want, enum moment_kind kind, const char *name)
{
	return want->kind == kind && !strcmp(want->name, name);
}

/* The moments that are next, as far as they are this one. */
static void moment(struct follow *follow, enum moment_kind kind, const char *name)
{
	const struct expectations *expect = follow->expect;
	struct seen now = { 0 };

	if (follow->record && record_wants(follow->record, kind)) {
		look(follow, &now);
		record_moment(follow->record, kind, name, &now);
	}
	while (expect && follow->next_moment < expect->n_moments) {
		const struct moment_want *want = &expect->moments[follow->next_moment];

		if (!moment_is(want, kind, name))
			break;
		if (!now.spaces)
			look(follow, &now);
		judge_moment(follow->topology, want, &now, &follow->tales,
			     report_moment(follow->report, expect, follow->next_moment));
		follow->next_moment++;
	}
	seen_done(&now);
}

/* ---- Steps ------------------------------------------------------------- */

static void do_deed(struct follow *follow, struct deed *deed)
{
	deed->step = follow->n_events;
	if (follow->record)
		record_step(follow->record, deed->kind, deed->devices, deed->n_devices, deed->space,
			    &deed->mapping, deed->event);
	if (follow->expect)
		steps_do(&follow->step, deed);
}

/* ---- Devices come, go, are refused ------------------------------------- */

static void attached(struct follow *follow, struct track *track, const char *device,
		     const struct vfiosim_event *event)
{
	struct deed deed = { .kind = STEP_ATTACH, .event = event, .devices = &device,
			     .n_devices = 1, .space = tracks_number(&follow->tracks, track) };

	if (!list_has_text(follow->attached, follow->n_attached, device) &&
	    list_room(&follow->attached, follow->n_attached, sizeof(device), &follow->no_memory))
		follow->attached[follow->n_attached++] = device;
	keep_name(follow, TALE_ATTACHED, device, event);
	do_deed(follow, &deed);
}

/* Its devices now are @space's; those that are new have been attached. */
static void update_track(struct follow *follow, struct track *track, const struct vfiosim_space *space,
			 const struct vfiosim_event *event, const char **come, size_t *n_come)
{
	const char **devices = calloc(space->n_devices + 1, sizeof(*devices));

	if (!devices) {
		follow->no_memory = true;
		return;
	}
	for (size_t i = 0; i < space->n_devices; i++) {
		devices[i] = space->devices[i];
		if (list_has_text(track->devices, track->n_devices, devices[i]))
			continue;
		attached(follow, track, devices[i], event);
		if (*n_come < 16)
			come[(*n_come)++] = devices[i];
	}
	free(track->devices);
	track->devices = devices;
	track->n_devices = space->n_devices;
	track->bytes = space->bytes;
	track->live = space->n_devices || space->n_mappings;
}

/* Something that may have changed which devices are where. */
static void update(struct follow *follow, const struct vfiosim_event *event)
{
	struct vfiosim_spaces spaces;
	const char *come[16];
	size_t n_come = 0;

	if (vfiosim_spaces(follow->sim, false, &spaces)) {
		follow->no_memory = true;
		return;
	}
	tracks_end_gone(&follow->tracks, &spaces);
	for (size_t i = 0; i < spaces.n; i++) {
		struct track *track = tracks_get(&follow->tracks, key_of(&spaces.items[i]));

		if (track)
			update_track(follow, track, &spaces.items[i], event, come, &n_come);
	}
	vfiosim_spaces_done(&spaces);
	note_fullness(follow, 0, NULL);
	for (size_t i = 0; i < n_come; i++)
		moment(follow, MOMENT_ATTACHED, come[i]);
}

static void refused(struct follow *follow, const char *const *devices, size_t n, unsigned space,
		    const struct vfiosim_event *event)
{
	struct deed deed = { .kind = STEP_ATTACH, .event = event, .devices = devices,
				   .n_devices = n, .space = space };

	do_deed(follow, &deed);
	for (size_t i = 0; i < n; i++) {
		keep_name(follow, TALE_REFUSED, devices[i], event);
		if (!list_has_text(follow->refused, follow->n_refused, devices[i]) &&
		    list_room(&follow->refused, follow->n_refused, sizeof(*follow->refused),
			      &follow->no_memory))
			follow->refused[follow->n_refused++] = devices[i];
		moment(follow, MOMENT_REFUSED, devices[i]);
	}
}

/* The space that a command is about. False: none, or it is not known. */
static bool space_of(struct follow *follow, const struct vfiosim_event *event,
		     const struct vfiosim_about *about, struct space_key *ret_key)
{
	uint32_t iommufd = number_in(event->object, "iommufd ");
	uint64_t ioas;

	*ret_key = (struct space_key){ 0 };
	if (about->known & VFIOSIM_FAULT_OF_CONTAINER)
		ret_key->container = about->container;
	else if (event_asked_ioas(event, &ioas))
		*ret_key = tracks_ioas(&follow->tracks, iommufd, (uint32_t)ioas);
	else if (iommufd)	/* a command of VFIO's on an iommufd: on the one ioas that is for it */
		*ret_key = tracks_live_ioas(&follow->tracks, iommufd);
	return ret_key->container || ret_key->ioas;
}

/* Whose group it is, as far as vfio drives it. */
static size_t devices_of_group(struct follow *follow, uint32_t group, const char **to, size_t max)
{
	const struct vfiosim_topology *topology = follow->topology;
	struct vfiosim_device_state state;
	size_t n = 0;

	for (size_t i = 0; i < topology->n_devices && n < max; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];

		if (vfiosim_device_state(follow->sim, device->address, &state) ||
		    state.group != (int)group)
			continue;
		if (device->kind == VFIOSIM_DEVICE_MDEV || !strcmp(state.driver, "vfio-pci"))
			to[n++] = device->address;
	}
	return n;
}

/* The devices that a command to attach something is about. */
static size_t devices_of(struct follow *follow, const struct vfiosim_event *event,
			 const struct vfiosim_about *about, const char **to, size_t max)
{
	size_t n = 0;

	if (about->device) {
		to[0] = about->device;
		return 1;
	}
	if (about->known & VFIOSIM_FAULT_OF_GROUP)
		return devices_of_group(follow, about->group, to, max);
	for (size_t i = 0; i < follow->n_places; i++)
		if (follow->places[i].container == about->container)
			n += devices_of_group(follow, follow->places[i].group, to + n, max - n);
	return n;
}

static void place_group(struct follow *follow, uint32_t group, uint32_t container)
{
	size_t i = 0;

	while (i < follow->n_places && follow->places[i].group != group)
		i++;
	if (i == follow->n_places) {
		if (!list_room(&follow->places, i, sizeof(*follow->places), &follow->no_memory))
			return;
		follow->n_places++;
	}
	follow->places[i] = (struct group_place){ group, container };
}

/* A command that attaches, or one on the way there. */
static void on_attach(struct follow *follow, const struct vfiosim_event *event,
		      const struct vfiosim_about *about)
{
	const char *devices[64];
	struct space_key key;
	bool known = space_of(follow, event, about, &key);
	struct track *track = known ? tracks_get(&follow->tracks, key) : NULL;
	size_t n;

	if (event->result >= 0) {
		tracks_number(&follow->tracks, track);
		if (event_is(event, "VFIO_GROUP_SET_CONTAINER"))
			place_group(follow, about->group, about->container);
		return;
	}
	n = devices_of(follow, event, about, devices, 64);
	if (n)
		refused(follow, devices, n, tracks_number(&follow->tracks, track), event);
}

static void on_map(struct follow *follow, const struct vfiosim_event *event,
		   const struct vfiosim_about *about, struct seen_mapping mapping)
{
	struct deed deed = { .kind = STEP_MAP, .event = event, .mapping = mapping };
	struct space_key key;
	bool known = space_of(follow, event, about, &key);
	struct track *track = known ? tracks_get(&follow->tracks, key) : NULL;
	uint64_t moved;

	deed.space = track ? track->number : 0;
	if (event->result >= 0 && ANSWERED(event, &moved, "iova", "dst_iova"))
		deed.mapping.iova = (struct span){ moved, moved + (mapping.iova.last - mapping.iova.first) };
	do_deed(follow, &deed);
	if (!track)
		return;
	if (event->result < 0) {
		keep_mapping(follow, TALE_MAP_REFUSED, &deed.mapping, deed.space, event);
		if (event->result != -EEXIST)	/* something is there already */
			tracks_map_refused(&follow->tracks, key, &deed.mapping);
	} else {
		tracks_mapped(&follow->tracks, track, &deed.mapping);
		keep_mapping(follow, TALE_MAPPED, &deed.mapping, deed.space, event);
	}
	if (event->result < 0)
		tracks_note_fullness(&follow->tracks);
	else
		note_fullness(follow, deed.space, &deed.mapping);
}

/* Regions that were there, and what is named by its iovas. */
static void keep_unmapped(struct follow *follow, struct space_key key, struct span iova,
			  unsigned space, const struct vfiosim_event *event)
{
	const struct seen_mapping gone = { .iova = iova }, *held;
	size_t at = 0;
	bool any;

	while ((held = tracks_next_held(&follow->tracks, key, iova, &at)))
		keep_mapping(follow, TALE_UNMAPPED, held, space, event);
	if (follow->expect && interest_in(follow->expect, &gone, true, &any))
		keep_mapping(follow, TALE_UNMAPPED, &gone, space, event);
}

static void on_unmap(struct follow *follow, const struct vfiosim_event *event,
		     const struct vfiosim_about *about, struct seen_mapping mapping, bool everything)
{
	struct deed deed = { .kind = STEP_UNMAP, .event = event, .mapping = mapping,
			     .everything = everything };
	struct space_key key;
	bool known = space_of(follow, event, about, &key);
	struct track *track = known ? tracks_get(&follow->tracks, key) : NULL;
	uint64_t gone = 0;

	deed.space = track ? track->number : 0;
	do_deed(follow, &deed);
	if (!track || event->result < 0)
		return;
	keep_unmapped(follow, key, everything ? SPAN_ALL : mapping.iova, deed.space, event);
	ANSWERED(event, &gone, "size", "length");
	tracks_unmapped(&follow->tracks, track, everything ? SPAN_ALL : mapping.iova, gone);
	follow->only_mapped = false;
}

/* ---- What is open ------------------------------------------------------ */

static void opened(struct follow *follow, const char *object, const struct vfiosim_event *event)
{
	char *copy = keep_text(follow, object);

	keep_file(follow, TALE_OPENED, object, event);
	if (copy && list_room(&follow->open, follow->n_open, sizeof(copy), &follow->no_memory))
		follow->open[follow->n_open++] = copy;
	else
		free(copy);
}

static void closed(struct follow *follow, const char *object, const struct vfiosim_event *event)
{
	keep_file(follow, TALE_CLOSED, object, event);
	for (size_t i = 0; i < follow->n_open; i++) {
		if (strcmp(follow->open[i], object))
			continue;
		free(follow->open[i]);
		memmove(&follow->open[i], &follow->open[i + 1],
			(--follow->n_open - i) * sizeof(*follow->open));
		return;
	}
}

/* The device's name may have options behind it. */
static void opened_device(struct follow *follow, const char *text, const struct vfiosim_event *event)
{
	char object[96];

	snprintf(object, sizeof(object), "device %.*s", (int)strcspn(text, " "), text);
	opened(follow, object, event);
}

/* ---- Events, sorted ---------------------------------------------------- */

/* A device or a group that cannot be opened is refused. */
static void open_refused(struct follow *follow, const struct vfiosim_event *event)
{
	const char *devices[64];
	size_t n = 0;

	if (!strncmp(event->object, "group ", 6)) {
		n = devices_of_group(follow, number_in(event->object, "group "), devices, 64);
	} else if (!strncmp(event->object, "device ", 7)) {
		int index = vfiosim_topology_device(follow->topology, event->object + 7);

		if (index >= 0)
			devices[n++] = follow->topology->devices[index].address;
	}
	if (n)
		refused(follow, devices, n, 0, event);
}

static void on_file(struct follow *follow, const struct vfiosim_event *event)
{
	if (!strcmp(event->verb, "left-open")) {
		if (!follow->has_exit)
			look(follow, &follow->at_exit);
		follow->has_exit = true;
	} else if (!strcmp(event->verb, "close")) {
		closed(follow, event->object, event);
		update(follow, event);
	} else if (!strcmp(event->verb, "mark")) {
		moment(follow, MOMENT_MARK, event->object + strlen("mark "));
	} else if (event->result >= 0) {
		opened(follow, event->object, event);
	} else {
		open_refused(follow, event);
	}
}

static void count_command(struct follow *follow, const struct vfiosim_event *event,
			  const struct vfiosim_about *about)
{
	const char *devices[64];
	struct space_key key;
	struct track *track = space_of(follow, event, about, &key) ? tracks_find(&follow->tracks, key) : NULL;
	struct deed deed = {
		.kind = STEP_COMMAND,
		.event = event,
		.devices = devices,
		.space = track ? track->number : 0,
	};

	if (follow->expect && (follow->expect->n_must || follow->expect->n_never))
		deed.n_devices = devices_of(follow, event, about, devices, 64);
	do_deed(follow, &deed);
}

/* A command that ends with a device open. */
static void on_get_device(struct follow *follow, const struct vfiosim_event *event)
{
	char name[80];
	int index;

	if (!event->text)
		return;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(event->text, " "), event->text);
	index = vfiosim_topology_device(follow->topology, name);
	if (event->result >= 0)
		opened_device(follow, name, event);
	else if (index >= 0)
		refused(follow, &follow->topology->devices[index].address, 1, 0, event);
}

static void on_command(struct follow *follow, const struct vfiosim_event *event,
		       const struct vfiosim_about *about, const struct seen_mapping *mapping)
{
	uint64_t flags = 0;

	count_command(follow, event, about);
	if (event_is(event, "attach") || event_is(event, "VFIO_DEVICE_BIND_IOMMUFD")) {
		on_attach(follow, event, about);
	} else if (event_is(event, "VFIO_GROUP_GET_DEVICE_FD")) {
		on_get_device(follow, event);
	} else if (event_is(event, "map")) {
		on_map(follow, event, about, *mapping);
		return;
	} else if (event_is(event, "unmap")) {
		ASKED(event, &flags, "flags");
		on_unmap(follow, event, about, *mapping,
			 event_is(event, "VFIO_IOMMU_UNMAP_DMA") && flags & 2);
		return;
	} else if (!event_is(event, "IOMMU_IOAS_ALLOC") && !event_is(event, "IOMMU_DESTROY") &&
		   !event_is(event, "VFIO_DEVICE_DETACH_IOMMUFD_PT") &&
		   !event_is(event, "VFIO_GROUP_UNSET_CONTAINER")) {
		return;
	}
	if (event->result >= 0)
		update(follow, event);
}

/* Iovas as the command gives them, and whose memory is there. No lock: it may wait for the client. */
static struct seen_mapping asked_mapping(struct follow *follow, const struct vfiosim_event *event)
{
	struct seen_mapping mapping = { .iova = { 0, 0 } };
	uint64_t iova = 0, length = 0, uva, offset;

	ASKED(event, &iova, "iova", "dst_iova");
	ASKED(event, &length, "size", "length");
	if (!span_make(iova, length, &mapping.iova))
		mapping.iova = (struct span){ iova, length ? UINT64_MAX : iova };
	if (!event_is(event, "map") || !ASKED(event, &uva, "vaddr", "user_va"))
		return mapping;
	mapping.moves = iova == uva;
	if (!vfiosim_region_at(follow->sim, event->client, uva, &mapping.device, &offset))
		mapping.region = (unsigned)(offset >> REGION_SHIFT);
	return mapping;
}

static bool concerns_us(const struct vfiosim_event *event)
{
	static const char *const verbs[] = { "open", "close", "left-open", "mark" };

	return event->command || list_has_text(verbs, sizeof(verbs) / sizeof(verbs[0]), event->verb);
}

static void on_event(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct follow *follow = ctx;
	struct seen_mapping mapping = { 0 };

	if (event->command && (event_is(event, "map") || event_is(event, "unmap")))
		mapping = asked_mapping(follow, event);
	pthread_mutex_lock(&follow->lock);
	follow->n_events = event->number ? event->number : follow->n_events;
	note_step(follow, event);
	if (concerns_us(event)) {
		if (event->command)
			on_command(follow, event, about, &mapping);
		else
			on_file(follow, event);
	}
	pthread_mutex_unlock(&follow->lock);
}

/* ---- Life -------------------------------------------------------------- */

int follow_create(struct vfiosim *sim, const struct vfiosim_topology *topology,
		  const struct expectations *expect, struct expect_report *report, FILE *record,
		  struct follow **ret_follow)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	int error;

	if (!follow)
		return -ENOMEM;
	follow->sim = sim;
	follow->topology = topology;
	follow->expect = expect;
	follow->report = report;
	follow->wants_pinned = interest_in_pinned(expect);
	follow->wants_fullest = record || (expect && expect->spaces.listed);
	if (record)
		follow->record = record_create(topology, record);
	pthread_mutex_init(&follow->lock, NULL);
	error = expect ? steps_init(&follow->step, expect, report) : 0;
	if (!error && record && !follow->record)
		error = -ENOMEM;
	if (!error)
		error = vfiosim_trace_follow(sim, on_event, follow);
	if (error) {
		steps_done(&follow->step);
		record_destroy(follow->record);
		free(follow);
		return error;
	}
	*ret_follow = follow;
	return 0;
}

/* Devices that were refused and never came in, first ones first. */
static void drop_attached(struct follow *follow)
{
	size_t n = 0;

	for (size_t i = 0; i < follow->n_refused; i++)
		if (!list_has_text(follow->attached, follow->n_attached, follow->refused[i]))
			follow->refused[n++] = follow->refused[i];
	follow->n_refused = n;
}

/* Why it never came: a device that was refused is not attached, and the other way round. */
static const char *instead_of(const struct follow *follow, const struct moment_want *want)
{
	if (want->kind == MOMENT_ATTACHED)
		return tales_of(&follow->tales, TALE_REFUSED, want->name);
	if (want->kind == MOMENT_REFUSED)
		return tales_of(&follow->tales, TALE_ATTACHED, want->name);
	return NULL;
}

static void finish_moments(struct follow *follow)
{
	const struct expectations *expect = follow->expect;

	for (size_t i = follow->next_moment; i < expect->n_moments; i++) {
		const struct moment_want *want = &expect->moments[i];
		struct expect_row *row = report_moment(follow->report, expect, i);

		if (want->kind == MOMENT_EXIT)
			judge_moment(follow->topology, want, &follow->at_exit, &follow->tales, row);
		else
			row_fail(row, want->node, instead_of(follow, want),
				 "this moment never came%s", i ? ", not after the one before it" : "");
	}
}

void follow_finish(struct follow *follow)
{
	vfiosim_trace_unfollow(follow->sim, on_event, follow);
	pthread_mutex_lock(&follow->lock);
	if (!follow->has_exit)
		look(follow, &follow->at_exit);
	drop_attached(follow);
	if (follow->expect) {
		finish_moments(follow);
		steps_finish(&follow->step);
		if (follow->expect->outcome)
			judge_outcome(follow->topology, follow->expect, &follow->tracks.fullest,
				      &follow->fullest, follow->refused, follow->n_refused, &follow->tales,
				      report_outcome(follow->report, follow->expect));
		snprintf(follow->report->last_failed, sizeof(follow->report->last_failed), "%s",
			 tales_of(&follow->tales, TALE_FAILED, NULL) ?: "");
		follow->report->complete = !follow->no_memory && !follow->tracks.no_memory;
	}
	if (follow->record)
		record_end(follow->record, &follow->tracks.fullest, &follow->fullest, follow->refused,
			   follow->n_refused, &follow->at_exit);
	pthread_mutex_unlock(&follow->lock);
}

void follow_destroy(struct follow *follow)
{
	if (!follow)
		return;
	tracks_done(&follow->tracks);
	for (size_t i = 0; i < follow->n_open; i++)
		free(follow->open[i]);
	free(follow->open);
	free(follow->places);
	free(follow->attached);
	free(follow->refused);
	seen_done(&follow->at_exit);
	seen_done(&follow->fullest);
	tales_done(&follow->tales);
	steps_done(&follow->step);
	record_destroy(follow->record);
	pthread_mutex_destroy(&follow->lock);
	free(follow);
}
