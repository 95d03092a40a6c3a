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

#include "expect/judge.h"
#include "expect/record.h"
#include "report/explain.h"

#define REGION_SHIFT 40		/* in the offsets of a device's descriptor, as the kernel has it */
#define PAGE 4096u
#define STRAYS_MAX 64	/* mappings nobody expects that are told, for want of a better choice */

/* Which space: a container, or an ioas of an iommufd. */
struct space_key {
	uint32_t container, iommufd, ioas;
};

/* A mapping that was refused in a space, and is not there. */
struct refused_map {
	struct seen_mapping mapping;
	struct space_key space;
};

struct track {
	struct space_key key;
	unsigned number;		/* from 1; 0: nobody has tried to attach anything */
	bool live;			/* has devices or mappings now */
	const char **devices;		/* addresses, as vfiosim_spaces() lists them */
	size_t n_devices;
	uint64_t bytes;			/* mapped */
};

/* A device's region that was mapped in a space. */
struct held {
	struct space_key space;
	struct seen_mapping mapping;
};

/* One thing that was asked, for must: and never:. */
struct deed {
	enum step_kind kind;
	const struct vfiosim_event *event;
	const char *const *devices;	/* that it is about */
	size_t n_devices;
	unsigned space;			/* its number; 0: unknown */
	struct seen_mapping mapping;	/* STEP_MAP, STEP_UNMAP */
	bool everything;		/* STEP_UNMAP of all there is */
};

struct follow {
	struct vfiosim *sim;
	const struct vfiosim_topology *topology;
	const struct expectations *expect;	/* NULL: nothing is expected */
	struct expect_report *report;
	struct record *record;		/* NULL: not wanted */

	pthread_mutex_t lock;		/* guards what follows */
	bool no_memory;			/* something is missing: no verdict is to be trusted */
	struct track *tracks;
	size_t n_tracks;
	unsigned n_numbers;
	struct held *held;
	size_t n_held;
	struct refused_map *refused_maps;
	size_t n_refused_maps;
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
	struct seen_outcome best;
	uint64_t steps;			/* as --explain counts them */
	bool has_exit;			/* a process has ended and left something open: */
	struct seen at_exit;
	struct tales tales;		/* kept where something is expected */
	bool wants_pinned;		/* ... of how much is pinned */
	size_t n_strays;		/* mappings that no expectation holds, told so far */
	uint64_t pinned;		/* pages, after the last step */
	size_t next_moment, next_must;
	struct step_count {		/* a row of never: */
		uint64_t asked, matched;
		char *told;		/* the first that was one too many */
	} *counts;
	char *near;			/* a step that must[next_must] wanted, but for its answer ... */
	enum near {			/* ... or for: */
		NEAR_ANSWER, NEAR_SPACE, NEAR_IOVA,
	} nearness;
	unsigned near_space;		/* its space */
	struct span near_iova;
};

/* ---- Small lists ------------------------------------------------------- */

/* Room for one more in a list of @n, which grows at powers of two. */
static bool make_room(struct follow *follow, void *list, size_t n, size_t size)
{
	void **items = list, *more;

	if (n & (n - 1))
		return true;
	more = reallocarray(*items, n ? 2 * n : 1, size);
	if (more)
		*items = more;
	else
		follow->no_memory = true;
	return more;
}

static bool has_text(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return false;
}

static char *keep_text(struct follow *follow, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		follow->no_memory = true;
	return copy;
}

static bool same_key(struct space_key one, struct space_key other)
{
	return one.container == other.container && one.iommufd == other.iommufd &&
	       one.ioas == other.ioas;
}

/* ---- A step, told ------------------------------------------------------ */

/* The event as --explain tells it, without the glossary; malloc'ed, NULL: no memory. */
static char *tell(struct follow *follow, const struct vfiosim_event *event)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct explain explain;

	if (!to)
		return NULL;
	explain_init(&explain, to, false);
	explain.step = follow->steps ? follow->steps - 1 : 0;
	explain.glossary = UINT32_MAX;
	explain_event(&explain, event);
	fclose(to);
	return text;
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

static bool list_has(const struct what_list *list, const struct seen_mapping *mapping, bool ranges)
{
	for (size_t i = 0; i < list->n; i++)
		if ((!ranges || list->items[i].kind == WHAT_RANGE) &&
		    what_is(&list->items[i], mapping))
			return true;
	return false;
}

/* Is it named by some expectation of what is held (@ranges: by its iovas)? @ret_any: is there one? */
static bool is_held(const struct expectations *expect, const struct seen_mapping *mapping,
		    bool ranges, bool *ret_any)
{
	bool held = list_has(&expect->omitted, mapping, ranges);

	*ret_any = false;
	for (size_t i = 0; i < expect->n_moments; i++) {
		const struct moment_want *want = &expect->moments[i];

		*ret_any = *ret_any || want->holds.node || want->spaces.listed;
		held = held || list_has(&want->holds, mapping, ranges);
		for (size_t k = 0; want->spaces.listed && k < want->spaces.n; k++)
			held = held || list_has(&want->spaces.items[k].holds, mapping, ranges);
	}
	return held;
}

/* Regions, what is named by its iovas, and some of what nobody expects: there may be thousands. */
static bool is_worth_telling(struct follow *follow, const struct seen_mapping *mapping)
{
	const struct expectations *expect = follow->expect;
	bool any;

	if (!expect || mapping->device || is_held(expect, mapping, true, &any))
		return expect;
	return any && !is_held(expect, mapping, false, &any) && follow->n_strays++ < STRAYS_MAX;
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

static bool wants_pinned(const struct expectations *expect)
{
	for (size_t i = 0; expect && i < expect->n_moments; i++) {
		const struct moment_want *want = &expect->moments[i];

		if (want->pinned.node)
			return true;
		for (size_t k = 0; want->spaces.listed && k < want->spaces.n; k++)
			if (want->spaces.items[k].pinned.node)
				return true;
	}
	return false;
}

/* ---- Spaces ------------------------------------------------------------ */

static struct track *find_track(struct follow *follow, struct space_key key)
{
	for (size_t i = 0; i < follow->n_tracks; i++)
		if (same_key(follow->tracks[i].key, key))
			return &follow->tracks[i];
	return NULL;
}

static struct track *get_track(struct follow *follow, struct space_key key)
{
	struct track *track = find_track(follow, key);

	if (track || !make_room(follow, &follow->tracks, follow->n_tracks, sizeof(*track)))
		return track;
	track = &follow->tracks[follow->n_tracks++];
	*track = (struct track){ .key = key };
	return track;
}

static unsigned number_of(struct follow *follow, struct track *track)
{
	if (track && !track->number)
		track->number = ++follow->n_numbers;
	return track ? track->number : 0;
}

static void forget_refused_map(struct follow *follow, size_t index)
{
	follow->refused_maps[index] = follow->refused_maps[--follow->n_refused_maps];
}

/* Nothing is known of what @iova of a space holds, or did not get. */
static void forget_mappings(struct follow *follow, struct space_key key, struct span iova)
{
	for (size_t i = follow->n_held; i-- > 0;)
		if (same_key(follow->held[i].space, key) &&
		    span_overlaps(follow->held[i].mapping.iova, iova))
			follow->held[i] = follow->held[--follow->n_held];
	for (size_t i = follow->n_refused_maps; i-- > 0;)
		if (same_key(follow->refused_maps[i].space, key) &&
		    span_overlaps(follow->refused_maps[i].mapping.iova, iova))
			forget_refused_map(follow, i);
}

static void end_track(struct follow *follow, struct track *track)
{
	forget_mappings(follow, track->key, SPAN_ALL);
	track->live = false;
	track->n_devices = 0;
	track->bytes = 0;
	track->number = 0;
}

static struct space_key key_of(const struct vfiosim_space *space)
{
	return (struct space_key){ space->container, space->iommufd, space->ioas };
}

static bool is_there(const struct vfiosim_spaces *spaces, struct space_key key)
{
	for (size_t i = 0; i < spaces->n; i++)
		if (same_key(key_of(&spaces->items[i]), key))
			return true;
	return false;
}

/* ---- The fullest moment ------------------------------------------------ */

static void note_omitted(struct follow *follow)
{
	struct seen_outcome *best = &follow->best;
	size_t n = follow->n_refused_maps;
	struct seen_mapping *omitted = reallocarray(best->omitted, n + 1, sizeof(*omitted));

	if (!omitted) {
		follow->no_memory = true;
		return;
	}
	best->omitted = omitted;
	best->n_omitted = 0;
	for (size_t i = 0; i < n; i++)
		omitted[best->n_omitted++] = follow->refused_maps[i].mapping;
}

/*
 * Most devices, then most bytes. Of equals the first, but what a space refuses while it
 * is as full as it ever gets counts as well: a program may map after it has attached.
 */
static void note_fullness(struct follow *follow)
{
	struct seen_outcome *best = &follow->best;
	size_t n_devices = 0, n_spaces = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < follow->n_tracks; i++) {
		n_devices += follow->tracks[i].n_devices;
		bytes += follow->tracks[i].bytes;
		n_spaces += follow->tracks[i].live;
	}
	if (n_devices < best->n_devices || (n_devices == best->n_devices && bytes < best->bytes))
		return;
	if (n_devices > best->n_devices || bytes > best->bytes) {
		best->n_devices = n_devices;
		best->bytes = bytes;
		best->n_spaces = n_spaces;
	}
	note_omitted(follow);
}

/* ---- A look at the machine --------------------------------------------- */

void seen_done(struct seen *seen)
{
	for (size_t i = 0; i < seen->n_spaces; i++) {
		free(seen->spaces[i].devices);
		free(seen->spaces[i].mappings);
	}
	free(seen->spaces);
	for (size_t i = 0; i < seen->n_open; i++)
		free(seen->open[i]);
	free(seen->open);
	*seen = (struct seen){ 0 };
}

static struct seen_mapping mapping_of(const struct follow *follow, struct space_key key,
				      const struct vfiosim_mapping *mapping)
{
	struct seen_mapping seen = {
		.iova = { mapping->first, mapping->last },
		.moves = mapping->client && mapping->first == mapping->at,
	};

	for (size_t i = 0; i < follow->n_held; i++)
		if (same_key(follow->held[i].space, key) &&
		    span_overlaps(follow->held[i].mapping.iova, seen.iova)) {
			seen.device = follow->held[i].mapping.device;
			seen.region = follow->held[i].mapping.region;
		}
	return seen;
}

static void see_space(struct follow *follow, const struct vfiosim_space *space, struct seen *seen)
{
	struct space_key key = key_of(space);
	struct seen_space *to = &seen->spaces[seen->n_spaces++];

	*to = (struct seen_space){
		.number = number_of(follow, get_track(follow, key)),
		.devices = calloc(space->n_devices + 1, sizeof(*to->devices)),
		.mappings = calloc(space->n_mappings + 1, sizeof(*to->mappings)),
		.pinned = space->pinned,
	};
	if (!to->devices || !to->mappings) {
		follow->no_memory = true;
		return;
	}
	for (; to->n_devices < space->n_devices; to->n_devices++)
		to->devices[to->n_devices] = space->devices[to->n_devices];
	for (; to->n_mappings < space->n_mappings; to->n_mappings++)
		to->mappings[to->n_mappings] = mapping_of(follow, key,
							  &space->mappings[to->n_mappings]);
}

static int by_number(const void *one, const void *other)
{
	const struct seen_space *a = one, *b = other;

	return (a->number > b->number) - (a->number < b->number);
}

static void look(struct follow *follow, struct seen *ret_seen)
{
	struct vfiosim_counters counters;
	struct vfiosim_spaces spaces;

	*ret_seen = (struct seen){ 0 };
	if (vfiosim_spaces(follow->sim, true, &spaces)) {
		follow->no_memory = true;
		return;
	}
	vfiosim_counters(follow->sim, &counters);
	ret_seen->pinned = counters.pinned_pages * PAGE;
	ret_seen->spaces = calloc(spaces.n + 1, sizeof(*ret_seen->spaces));
	ret_seen->open = calloc(follow->n_open + 1, sizeof(*ret_seen->open));
	if (!ret_seen->spaces || !ret_seen->open)
		follow->no_memory = true;
	for (size_t i = 0; ret_seen->spaces && i < spaces.n; i++)
		if (spaces.items[i].n_devices || spaces.items[i].n_mappings)
			see_space(follow, &spaces.items[i], ret_seen);
	for (; ret_seen->open && ret_seen->n_open < follow->n_open; ret_seen->n_open++) {
		ret_seen->open[ret_seen->n_open] = keep_text(follow, follow->open[ret_seen->n_open]);
		if (!ret_seen->open[ret_seen->n_open])
			break;
	}
	if (ret_seen->n_spaces)
		qsort(ret_seen->spaces, ret_seen->n_spaces, sizeof(*ret_seen->spaces), by_number);
	vfiosim_spaces_done(&spaces);
}

/* ---- Moments ----------------------------------------------------------- */

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

static bool answer_is(const struct step_want *want, const struct vfiosim_event *event, bool must)
{
	int error = event->result < 0 ? (int)-event->result : 0;

	if (want->rule && (!event->rule || strcmp(event->rule->id, want->rule)))
		return false;
	if (want->error >= 0)
		return error == want->error;
	return !must || want->rule || !error;
}

static bool is_about(const struct step_want *want, const struct deed *deed)
{
	if (want->device && !has_text(deed->devices, deed->n_devices, want->device))
		return false;
	if (want->space && want->space != deed->space)
		return false;
	if (want->kind == STEP_MAP)
		return what_is(&want->what, &deed->mapping);
	if (want->kind == STEP_UNMAP)
		return deed->everything || what_is(&want->what, &deed->mapping);
	if (want->kind == STEP_COMMAND)
		return deed->event->command && expect_command_is(deed->event->command, want->command);
	return true;
}

static void set_near(struct follow *follow, enum near nearness, const struct deed *deed)
{
	free(follow->near);
	follow->near = tell(follow, deed->event);
	follow->nearness = nearness;
	follow->near_space = deed->space;
	follow->near_iova = deed->mapping.iova;
}

/*
 * The same in another space, or the first mapping elsewhere in that space: better than
 * nothing to tell, if nothing nearer comes.
 */
static void note_near(struct follow *follow, const struct step_want *want, const struct deed *deed)
{
	struct step_want anywhere = *want;

	anywhere.space = 0;
	if (want->kind != deed->kind)
		return;
	if (want->space && is_about(&anywhere, deed)) {
		if (!follow->near || follow->nearness != NEAR_ANSWER)
			set_near(follow, NEAR_SPACE, deed);
	} else if (want->kind == STEP_MAP && want->what.kind == WHAT_RANGE && !follow->near &&
		   !deed->mapping.device && (!want->space || want->space == deed->space)) {
		set_near(follow, NEAR_IOVA, deed);
	}
}

static void do_must(struct follow *follow, const struct deed *deed)
{
	const struct expectations *expect = follow->expect;
	const struct step_want *want;

	if (follow->next_must >= expect->n_must)
		return;
	want = &expect->must[follow->next_must];
	if (want->kind != deed->kind || !is_about(want, deed)) {
		note_near(follow, want, deed);
		return;
	}
	if (!answer_is(want, deed->event, true)) {
		set_near(follow, NEAR_ANSWER, deed);
		return;
	}
	row_pass(report_must(follow->report, expect, follow->next_must), "%s", "");
	follow->next_must++;
	free(follow->near);
	follow->near = NULL;
}

static void do_never(struct follow *follow, const struct deed *deed)
{
	for (size_t i = 0; i < follow->expect->n_never; i++) {
		const struct step_want *want = &follow->expect->never[i];
		struct step_count *count = &follow->counts[i];

		if (want->kind != deed->kind)
			continue;
		count->asked++;
		if (!is_about(want, deed) || !answer_is(want, deed->event, false))
			continue;
		if (++count->matched == want->max + 1)
			count->told = tell(follow, deed->event);
	}
}

static void do_deed(struct follow *follow, const struct deed *deed)
{
	if (follow->record)
		record_step(follow->record, deed->kind, deed->devices, deed->n_devices, deed->space,
			    &deed->mapping, deed->event);
	if (!follow->expect)
		return;
	do_must(follow, deed);
	do_never(follow, deed);
}

/* ---- Devices come, go, are refused ------------------------------------- */

static void attached(struct follow *follow, struct track *track, const char *device,
		     const struct vfiosim_event *event)
{
	struct deed deed = { .kind = STEP_ATTACH, .event = event, .devices = &device,
			     .n_devices = 1, .space = number_of(follow, track) };

	if (!has_text(follow->attached, follow->n_attached, device) &&
	    make_room(follow, &follow->attached, follow->n_attached, sizeof(device)))
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
		if (has_text(track->devices, track->n_devices, devices[i]))
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
	for (size_t i = 0; i < follow->n_tracks; i++)
		if (!is_there(&spaces, follow->tracks[i].key))
			end_track(follow, &follow->tracks[i]);
	for (size_t i = 0; i < spaces.n; i++) {
		struct track *track = get_track(follow, key_of(&spaces.items[i]));

		if (track)
			update_track(follow, track, &spaces.items[i], event, come, &n_come);
	}
	vfiosim_spaces_done(&spaces);
	note_fullness(follow);
	for (size_t i = 0; i < n_come; i++)
		moment(follow, MOMENT_ATTACHED, come[i]);
}

static void refused(struct follow *follow, const char *const *devices, size_t n, unsigned space,
		    const struct vfiosim_event *event)
{
	const struct deed deed = { .kind = STEP_ATTACH, .event = event, .devices = devices,
				   .n_devices = n, .space = space };

	do_deed(follow, &deed);
	for (size_t i = 0; i < n; i++) {
		keep_name(follow, TALE_REFUSED, devices[i], event);
		if (!has_text(follow->refused, follow->n_refused, devices[i]) &&
		    make_room(follow, &follow->refused, follow->n_refused,
			      sizeof(*follow->refused)))
			follow->refused[follow->n_refused++] = devices[i];
		moment(follow, MOMENT_REFUSED, devices[i]);
	}
}

/* ---- Events ------------------------------------------------------------ */

static bool field(const struct vfiosim_event *event, const void *bytes, size_t size,
		  const char *const *names, uint64_t *ret_value)
{
	const struct vfiosim_field *row = event->command ? event->command->fields : NULL;

	for (; bytes && row && row->name; row++)
		for (const char *const *name = names; *name; name++)
			if (!strcmp(row->name, *name) && row->size <= sizeof(*ret_value) &&
			    (size_t)row->offset + row->size <= size) {
				*ret_value = 0;
				memcpy(ret_value, (const char *)bytes + row->offset, row->size);
				return true;
			}
	return false;
}

#define ASKED(event_, value_, ...)                                                                 \
	field((event_), (event_)->in, (event_)->in_size, (const char *const[]){ __VA_ARGS__, NULL },  \
	      (value_))
#define ANSWERED(event_, value_, ...)                                                              \
	field((event_), (event_)->out, (event_)->out_size,                                            \
	      (const char *const[]){ __VA_ARGS__, NULL }, (value_))

static bool is_command(const struct vfiosim_event *event, const char *name)
{
	return event->command && expect_command_is(event->command, name);
}

static unsigned number_in(const char *object, const char *kind)
{
	size_t length = strlen(kind);

	return strncmp(object, kind, length) ? 0 : (unsigned)strtoul(object + length, NULL, 10);
}

/* The ioas of that id; where @iommufd is 0, of the first iommufd that has one. */
static struct space_key find_ioas(struct follow *follow, uint32_t iommufd, uint32_t ioas)
{
	for (size_t i = 0; i < follow->n_tracks; i++) {
		struct space_key key = follow->tracks[i].key;

		if (key.ioas == ioas && (!iommufd || key.iommufd == iommufd))
			return key;
	}
	return (struct space_key){ 0 };
}

/* What the client asked for: the answer may stand in the same place by now. */
static bool asked_ioas(const struct vfiosim_event *event, uint64_t *ret_ioas)
{
	return ASKED(event, ret_ioas, "ioas_id", "dst_ioas_id", "pt_id");
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
	else if (asked_ioas(event, &ioas))
		*ret_key = find_ioas(follow, iommufd, (uint32_t)ioas);
	else if (iommufd)	/* a command of VFIO's on an iommufd: on the one ioas that is for it */
		for (size_t i = 0; i < follow->n_tracks; i++)
			if (follow->tracks[i].key.iommufd == iommufd && follow->tracks[i].live)
				*ret_key = follow->tracks[i].key;
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
		if (!make_room(follow, &follow->places, i, sizeof(*follow->places)))
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
	struct track *track = known ? get_track(follow, key) : NULL;
	size_t n;

	if (event->result >= 0) {
		number_of(follow, track);
		if (is_command(event, "VFIO_GROUP_SET_CONTAINER"))
			place_group(follow, about->group, about->container);
		return;
	}
	n = devices_of(follow, event, about, devices, 64);
	if (n)
		refused(follow, devices, n, number_of(follow, track), event);
}

static void refuse_map(struct follow *follow, struct space_key key, const struct seen_mapping *mapping,
		       const struct vfiosim_event *event)
{
	struct refused_map *map;

	if (event->result == -EEXIST)	/* something is there already */
		return;
	for (size_t i = follow->n_refused_maps; i-- > 0;)
		if (same_key(follow->refused_maps[i].space, key) &&
		    span_contains(mapping->iova, follow->refused_maps[i].mapping.iova))
			forget_refused_map(follow, i);
	if (!make_room(follow, &follow->refused_maps, follow->n_refused_maps, sizeof(*map)))
		return;
	map = &follow->refused_maps[follow->n_refused_maps++];
	*map = (struct refused_map){ .mapping = *mapping, .space = key };
}

static void keep_held(struct follow *follow, struct space_key key, const struct seen_mapping *mapping)
{
	if (mapping->device &&
	    make_room(follow, &follow->held, follow->n_held, sizeof(*follow->held)))
		follow->held[follow->n_held++] = (struct held){ key, *mapping };
}

static void on_map(struct follow *follow, const struct vfiosim_event *event,
		   const struct vfiosim_about *about, struct seen_mapping mapping)
{
	struct deed deed = { .kind = STEP_MAP, .event = event, .mapping = mapping };
	struct space_key key;
	bool known = space_of(follow, event, about, &key);
	struct track *track = known ? get_track(follow, key) : NULL;
	uint64_t moved;

	deed.space = track ? track->number : 0;
	if (event->result >= 0 && ANSWERED(event, &moved, "iova", "dst_iova"))
		deed.mapping.iova = (struct span){ moved, moved + (mapping.iova.last - mapping.iova.first) };
	do_deed(follow, &deed);
	if (!track)
		return;
	if (event->result < 0) {
		keep_mapping(follow, TALE_MAP_REFUSED, &deed.mapping, deed.space, event);
		refuse_map(follow, key, &deed.mapping, event);
	} else {
		forget_mappings(follow, key, deed.mapping.iova);
		keep_held(follow, key, &deed.mapping);
		keep_mapping(follow, TALE_MAPPED, &deed.mapping, deed.space, event);
		track->bytes += span_length(deed.mapping.iova);
		track->live = true;
	}
	note_fullness(follow);
}

/* Regions that were there, and what is named by its iovas. */
static void keep_unmapped(struct follow *follow, struct space_key key, struct span iova,
			  unsigned space, const struct vfiosim_event *event)
{
	const struct seen_mapping gone = { .iova = iova };
	bool any;

	for (size_t i = 0; i < follow->n_held; i++)
		if (same_key(follow->held[i].space, key) &&
		    span_overlaps(follow->held[i].mapping.iova, iova))
			keep_mapping(follow, TALE_UNMAPPED, &follow->held[i].mapping, space, event);
	if (follow->expect && is_held(follow->expect, &gone, true, &any))
		keep_mapping(follow, TALE_UNMAPPED, &gone, space, event);
}

static void on_unmap(struct follow *follow, const struct vfiosim_event *event,
		     const struct vfiosim_about *about, struct seen_mapping mapping, bool everything)
{
	struct deed deed = { .kind = STEP_UNMAP, .event = event, .mapping = mapping,
			     .everything = everything };
	struct space_key key;
	bool known = space_of(follow, event, about, &key);
	struct track *track = known ? get_track(follow, key) : NULL;
	uint64_t gone = 0;

	deed.space = track ? track->number : 0;
	do_deed(follow, &deed);
	if (!track || event->result < 0)
		return;
	keep_unmapped(follow, key, everything ? SPAN_ALL : mapping.iova, deed.space, event);
	forget_mappings(follow, key, everything ? SPAN_ALL : mapping.iova);
	ANSWERED(event, &gone, "size", "length");
	track->bytes -= gone < track->bytes ? gone : track->bytes;
	track->live = track->n_devices || track->bytes;
}

/* ---- What is open ------------------------------------------------------ */

static void opened(struct follow *follow, const char *object, const struct vfiosim_event *event)
{
	char *copy = keep_text(follow, object);

	keep_file(follow, TALE_OPENED, object, event);
	if (copy && make_room(follow, &follow->open, follow->n_open, sizeof(copy)))
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
	struct track *track = space_of(follow, event, about, &key) ? find_track(follow, key) : NULL;
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
	if (is_command(event, "attach") || is_command(event, "VFIO_DEVICE_BIND_IOMMUFD")) {
		on_attach(follow, event, about);
	} else if (is_command(event, "VFIO_GROUP_GET_DEVICE_FD")) {
		on_get_device(follow, event);
	} else if (is_command(event, "map")) {
		on_map(follow, event, about, *mapping);
		return;
	} else if (is_command(event, "unmap")) {
		ASKED(event, &flags, "flags");
		on_unmap(follow, event, about, *mapping,
			 is_command(event, "VFIO_IOMMU_UNMAP_DMA") && flags & 2);
		return;
	} else if (!is_command(event, "IOMMU_IOAS_ALLOC") && !is_command(event, "IOMMU_DESTROY") &&
		   !is_command(event, "VFIO_DEVICE_DETACH_IOMMUFD_PT") &&
		   !is_command(event, "VFIO_GROUP_UNSET_CONTAINER")) {
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
	if (!is_command(event, "map") || !ASKED(event, &uva, "vaddr", "user_va"))
		return mapping;
	mapping.moves = iova == uva;
	if (!vfiosim_region_at(follow->sim, event->client, uva, &mapping.device, &offset))
		mapping.region = (unsigned)(offset >> REGION_SHIFT);
	return mapping;
}

static bool concerns_us(const struct vfiosim_event *event)
{
	static const char *const verbs[] = { "open", "close", "left-open", "mark" };

	return event->command || has_text(verbs, sizeof(verbs) / sizeof(verbs[0]), event->verb);
}

static void on_event(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct follow *follow = ctx;
	struct seen_mapping mapping = { 0 };

	if (event->command && (is_command(event, "map") || is_command(event, "unmap")))
		mapping = asked_mapping(follow, event);
	pthread_mutex_lock(&follow->lock);
	follow->steps += strcmp(event->verb, "left-open") && explain_tells(event);
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
	follow->wants_pinned = wants_pinned(expect);
	follow->counts = calloc((expect ? expect->n_never : 0) + 1, sizeof(*follow->counts));
	if (record)
		follow->record = record_create(topology, record);
	pthread_mutex_init(&follow->lock, NULL);
	error = follow->counts && (!record || follow->record) ? 0 : -ENOMEM;
	if (!error)
		error = vfiosim_trace_follow(sim, on_event, follow);
	if (error) {
		free(follow->counts);
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
		if (!has_text(follow->attached, follow->n_attached, follow->refused[i]))
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

static void finish_must(struct follow *follow)
{
	const struct expectations *expect = follow->expect;

	for (size_t i = follow->next_must; i < expect->n_must; i++) {
		struct expect_row *row = report_must(follow->report, expect, i);

		if (i > follow->next_must)
			row_fail(row, expect->must[i].node, NULL,
				 "expected %s, but what must come before it did not",
				 expect->must[i].text);
		else if (follow->near && follow->nearness == NEAR_IOVA)
			row_fail(row, expect->must[i].node, follow->near,
				 "expected %s, seen 0x%" PRIx64 "..0x%" PRIx64, expect->must[i].text,
				 follow->near_iova.first, follow->near_iova.last);
		else if (follow->near && follow->nearness == NEAR_SPACE)
			row_fail(row, expect->must[i].node, follow->near,
				 "expected %s, seen in space %u", expect->must[i].text,
				 follow->near_space);
		else if (follow->near)
			row_fail(row, expect->must[i].node, follow->near,
				 "expected %s, seen with another answer", expect->must[i].text);
		else
			row_fail(row, expect->must[i].node, NULL, "expected %s, which never came%s",
				 expect->must[i].text, i ? ", not after what must come before it" : "");
	}
}

static void finish_never(struct follow *follow)
{
	for (size_t i = 0; i < follow->expect->n_never; i++) {
		const struct step_want *want = &follow->expect->never[i];
		const struct step_count *count = &follow->counts[i];
		struct expect_row *row = report_never(follow->report, follow->expect, i);

		if (count->matched <= want->max)
			row_pass(row, "%" PRIu64 " of %" PRIu64, count->matched, count->asked);
		else
			row_fail(row, want->node, count->told,
				 "expected at most %" PRIu64 ", seen %" PRIu64 " of %" PRIu64, want->max,
				 count->matched, count->asked);
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
		finish_must(follow);
		finish_never(follow);
		if (follow->expect->outcome)
			judge_outcome(follow->topology, follow->expect, &follow->best,
				      follow->refused, follow->n_refused, &follow->tales,
				      report_outcome(follow->report, follow->expect));
		snprintf(follow->report->last_failed, sizeof(follow->report->last_failed), "%s",
			 tales_of(&follow->tales, TALE_FAILED, NULL) ?: "");
		follow->report->complete = !follow->no_memory;
	}
	if (follow->record)
		record_end(follow->record, &follow->best, follow->refused, follow->n_refused,
			   &follow->at_exit);
	pthread_mutex_unlock(&follow->lock);
}

void follow_destroy(struct follow *follow)
{
	if (!follow)
		return;
	for (size_t i = 0; i < follow->n_tracks; i++)
		free(follow->tracks[i].devices);
	free(follow->tracks);
	free(follow->held);
	while (follow->n_refused_maps)
		forget_refused_map(follow, follow->n_refused_maps - 1);
	free(follow->refused_maps);
	for (size_t i = 0; i < follow->n_open; i++)
		free(follow->open[i]);
	free(follow->open);
	free(follow->places);
	free(follow->attached);
	free(follow->refused);
	free(follow->best.omitted);
	seen_done(&follow->at_exit);
	tales_done(&follow->tales);
	free(follow->near);
	for (size_t i = 0; follow->expect && i < follow->expect->n_never; i++)
		free(follow->counts[i].told);
	free(follow->counts);
	record_destroy(follow->record);
	pthread_mutex_destroy(&follow->lock);
	free(follow);
}
