/* SPDX-License-Identifier: MIT */
#include "sweep/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

struct mapping {
	char space[RECORD_NAME];
	char memory[RECORD_NAME];
	uint64_t first, last;	/* iovas */
	uint64_t at;		/* where @first lies in @memory */
	bool stuck;		/* the kernel would not unmap it */
};

/* A group, or a device of its own node: where it is. */
struct member {
	char name[RECORD_NAME];		/* "group 10", "device 0000:01:00.0" */
	char of[RECORD_NAME];		/* a device: its group; "": it is bound to ... */
	char iommufd[RECORD_NAME];
	char space[RECORD_NAME];	/* "": in none */
	bool open;
};

struct made {
	char space[RECORD_NAME];
	size_t index;
};

/* Growing arrays; what does not fit into memory is noted in reach.no_memory. */
struct model {
	struct reach *reach;
	const struct reach_omit *omit;
	struct mapping *mappings;
	size_t n_mappings;
	struct member *members;
	size_t n_members;
	struct made *made;
	size_t n_made;
	uint64_t *regions;
	size_t n_regions;
	uint32_t *hwpts;		/* pairs: a hwpt, its ioas */
	size_t n_hwpts;
	struct made *left;		/* what the kernel closes, after the process */
	size_t n_left;
};

#define ADD(model_, array_, n_)                                                                    \
	(list_room(&(array_), (n_), sizeof(*(array_)), &(model_)->reach->no_memory) ?              \
		 &(array_)[(n_)++] : NULL)

static void copy_name(char *to, const char *from)
{
	snprintf(to, RECORD_NAME, "%s", from);
}

/* ---- Members ---- */

static struct member *member(struct model *model, const char *name)
{
	struct member *added;

	for (size_t i = 0; i < model->n_members; i++)
		if (!strcmp(model->members[i].name, name))
			return &model->members[i];
	added = ADD(model, model->members, model->n_members);
	if (!added)
		return NULL;
	*added = (struct member){ 0 };
	copy_name(added->name, name);
	return added;
}

/* Where it is; "": in nothing. */
static const char *space_of(struct model *model, const struct member *device)
{
	for (size_t i = 0; *device->of && i < model->n_members; i++)
		if (!strcmp(model->members[i].name, device->of))
			return model->members[i].space;
	return device->space;
}

static size_t made_at(const struct model *model, const char *space)
{
	for (size_t i = 0; i < model->n_made; i++)
		if (!strcmp(model->made[i].space, space))
			return model->made[i].index;
	return 0;
}

static void make_space(struct model *model, const char *space, size_t index)
{
	struct made *added = ADD(model, model->made, model->n_made);

	if (!added)
		return;
	copy_name(added->space, space);
	added->index = index;
}

/* ---- What is reached ---- */

static void fill_row(struct reach_row *row, const char *device, const char *moment,
		     const struct mapping *mapping)
{
	copy_name(row->device, device);
	copy_name(row->moment, moment);
	copy_name(row->memory, mapping->memory);
	row->first = mapping->at;
	row->last = mapping->at + (mapping->last - mapping->first);
}

static bool counts(const struct model *model, const struct mapping *mapping)
{
	for (size_t i = 0; model->omit && i < model->omit->n; i++)
		if (model->omit->list[i].first <= mapping->first &&
		    mapping->last <= model->omit->list[i].last)
			return false;
	return *mapping->memory;
}

static void add_rows(struct model *model, const struct member *device, const char *moment)
{
	const char *space = space_of(model, device);
	struct reach *reach = model->reach;
	struct reach_row *row;

	for (size_t i = 0; i < model->n_mappings; i++) {
		if (strcmp(model->mappings[i].space, space) || !counts(model, &model->mappings[i]))
			continue;
		row = ADD(model, reach->rows, reach->n);
		if (row)
			fill_row(row, device->name, moment, &model->mappings[i]);
	}
}

/* What is mapped now. */
static void add_held(struct model *model, const char *moment)
{
	struct reach *reach = model->reach;
	struct reach_moment *at = ADD(model, reach->moments, reach->n_moments);
	struct reach_row *row;

	if (!at)
		return;
	copy_name(at->name, moment);
	for (size_t i = 0; i < model->n_mappings; i++) {
		if (model->mappings[i].stuck || !*model->mappings[i].memory)
			continue;
		row = ADD(model, reach->held, reach->n_held);
		if (row)
			fill_row(row, "", moment, &model->mappings[i]);
	}
}

static void add_mapped(struct model *model, const struct mapping *mapping)
{
	struct reach *reach = model->reach;
	struct reach_row *row = ADD(model, reach->mapped, reach->n_mapped);

	if (row)
		fill_row(row, "", "", mapping);
}

/* What an attachment before this one reached. */
static void forget_rows(struct reach *reach, const char *device)
{
	size_t kept = 0;

	for (size_t i = 0; i < reach->n; i++)
		if (*reach->rows[i].moment || strcmp(reach->rows[i].device, device))
			reach->rows[kept++] = reach->rows[i];
	reach->n = kept;
}

/* It is about to be detached: if that was its last attachment, this is what counts. */
static void see_device(struct model *model, struct member *device)
{
	struct reach *reach = model->reach;
	const char *space = space_of(model, device);
	struct reach_device *seen = NULL;

	if (!device->open || !*space)
		return;
	for (size_t i = 0; i < reach->n_devices; i++)
		if (!strcmp(reach->devices[i].device, device->name))
			seen = &reach->devices[i];
	if (!seen)
		seen = ADD(model, reach->devices, reach->n_devices);
	if (!seen)
		return;
	forget_rows(reach, device->name);
	copy_name(seen->device, device->name);
	copy_name(seen->space, space);
	seen->opened = made_at(model, space);
	add_rows(model, device, REACH_DETACH);
}

/* Of everything @of; NULL: everything. */
static void see_all(struct model *model, const char *of)
{
	for (size_t i = 0; i < model->n_members; i++)
		if (!of || !strcmp(model->members[i].of, of) || !strcmp(model->members[i].name, of))
			see_device(model, &model->members[i]);
}

/* ---- Mappings ---- */

static void space_name(char *to, struct model *model, const struct sweep_event *event, uint32_t ioas)
{
	if (!strncmp(event->object, "container ", 10)) {
		copy_name(to, event->object);
		return;
	}
	for (size_t i = 0; i + 1 < model->n_hwpts; i += 2)
		if (model->hwpts[i] == ioas)
			ioas = model->hwpts[i + 1];
	snprintf(to, RECORD_NAME, "%.40s/ioas %u", event->object, ioas);
}

/* The program's anonymous memory is told by the order in which it is first mapped. */
static void name_memory(struct model *model, const struct sweep_event *event, struct mapping *to)
{
	uint64_t *region;
	size_t i = 0;

	copy_name(to->memory, event->memory);
	to->at = event->memory_at;
	if (strcmp(event->memory, "anonymous"))
		return;	/* a file, or a device's region: "" */
	while (i < model->n_regions && model->regions[i] != event->memory_first)
		i++;
	if (i == model->n_regions) {
		region = ADD(model, model->regions, model->n_regions);
		if (region)
			*region = event->memory_first;
	}
	snprintf(to->memory, sizeof(to->memory), "the program's memory region %zu", i + 1);
	to->at = event->memory_at - event->memory_first;
}

static void add_mapping(struct model *model, const struct sweep_event *event)
{
	struct mapping mapping = { 0 }, *added;

	name_memory(model, event, &mapping);	/* refused ones count as well */
	if (event->result < 0 || !event->length)
		return;
	space_name(mapping.space, model, event, event->ioas);
	mapping.first = event->out_length ? event->out_iova : event->iova;
	mapping.last = mapping.first + event->length - 1;
	added = ADD(model, model->mappings, model->n_mappings);
	if (added)
		*added = mapping;
	add_mapped(model, &mapping);
}

static void copy_mapping(struct model *model, const struct sweep_event *event)
{
	char from[RECORD_NAME];
	struct mapping *added;

	space_name(from, model, event, event->src_ioas);
	for (size_t i = 0; i < model->n_mappings; i++) {
		const struct mapping source = model->mappings[i];

		if (strcmp(source.space, from) || event->src_iova < source.first ||
		    event->src_iova > source.last)
			continue;
		added = ADD(model, model->mappings, model->n_mappings);
		if (!added)
			return;
		*added = source;
		space_name(added->space, model, event, event->ioas);
		added->first = event->out_length ? event->out_iova : event->iova;
		added->last = added->first + event->length - 1;
		added->at = source.at + (event->src_iova - source.first);
		added->stuck = false;
		add_mapped(model, added);
		return;
	}
}

static void remove_mapping(struct model *model, size_t index, uint64_t first, uint64_t last)
{
	struct mapping old = model->mappings[index], *added;

	model->mappings[index] = model->mappings[--model->n_mappings];
	if (old.first < first) {
		added = ADD(model, model->mappings, model->n_mappings);
		if (added) {
			*added = old;
			added->last = first - 1;
		}
	}
	if (old.last > last) {
		added = ADD(model, model->mappings, model->n_mappings);
		if (added) {
			*added = old;
			added->first = last + 1;
			added->at += last + 1 - old.first;
		}
	}
}

static void remove_mappings(struct model *model, const char *space, uint64_t first, uint64_t last)
{
	for (size_t i = model->n_mappings; i-- > 0;) {
		const struct mapping *each = &model->mappings[i];

		if (!strcmp(each->space, space) && each->first <= last && each->last >= first)
			remove_mapping(model, i, first, last);
	}
}

static void mark_stuck(struct model *model, const char *space, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < model->n_mappings; i++) {
		struct mapping *each = &model->mappings[i];

		if (!strcmp(each->space, space) && each->first <= last && each->last >= first)
			each->stuck = true;
	}
}

#define UNMAP_ALL 2u	/* VFIO_DMA_UNMAP_FLAG_ALL */

/* A fault let the kernel stop after so many bytes. */
static bool is_cut_short(const struct sweep_event *event)
{
	return event->number && event->out_length < event->length;
}

/*
 * The answer is how many bytes were unmapped: fewer than asked for where there are holes,
 * more where type1 v1 removes a whole mapping, none where it would have to cut one.
 */
static void unmap(struct model *model, const struct sweep_event *event)
{
	bool all = !strcmp(event->verb, "VFIO_IOMMU_UNMAP_DMA") && event->flags & UNMAP_ALL;
	uint64_t length = event->length > event->out_length ? event->length : event->out_length;
	uint64_t first = all ? 0 : event->iova;
	uint64_t last = all ? UINT64_MAX : event->iova + length - 1;
	char space[RECORD_NAME];

	if (!all && !length)
		return;
	space_name(space, model, event, event->ioas);
	if (event->result < 0 || is_cut_short(event))
		mark_stuck(model, space, first, last);
	if (event->result < 0 || !event->out_length)
		return;
	if (is_cut_short(event))
		last = first + event->out_length - 1;
	remove_mappings(model, space, first, last);
}

/* An ioas, with all in it. */
static void destroy(struct model *model, const struct sweep_event *event)
{
	char space[RECORD_NAME];

	snprintf(space, sizeof(space), "%.40s/ioas %u", event->object, event->id);
	remove_mappings(model, space, 0, UINT64_MAX);
}

/* An iommufd, with all that it holds. */
static void close_iommufd(struct model *model, const char *iommufd)
{
	char prefix[RECORD_NAME];

	snprintf(prefix, sizeof(prefix), "%.40s/", iommufd);
	for (size_t i = model->n_mappings; i-- > 0;)
		if (!strncmp(model->mappings[i].space, prefix, strlen(prefix)))
			model->mappings[i] = model->mappings[--model->n_mappings];
}

/* ---- Events ---- */

static void open_device(struct model *model, const struct sweep_event *event)
{
	char name[RECORD_NAME];
	struct member *device;

	snprintf(name, sizeof(name), "device %.56s", event->device);
	device = member(model, name);
	if (!device)
		return;
	copy_name(device->of, event->object);
	device->open = true;
}

/* Ids are given out again: @id is an ioas now. */
static void forget_hwpt(struct model *model, uint32_t id)
{
	for (size_t i = 0; i + 1 < model->n_hwpts; i += 2)
		if (model->hwpts[i] == id)
			model->hwpts[i + 1] = id;
}

static void add_hwpt(struct model *model, uint32_t hwpt, uint32_t ioas)
{
	uint32_t *pair;

	for (size_t i = 0; i + 1 < model->n_hwpts; i += 2)
		if (model->hwpts[i] == hwpt) {
			model->hwpts[i + 1] = ioas;
			return;
		}
	for (size_t i = 0; i < 2; i++) {
		pair = ADD(model, model->hwpts, model->n_hwpts);
		if (pair)
			*pair = i ? ioas : hwpt;
	}
}

static void attach_iommufd(struct model *model, const struct sweep_event *event)
{
	struct member *device = member(model, event->object);
	struct sweep_event iommufd = { 0 };

	if (!device)
		return;
	see_device(model, device);	/* it may be attached elsewhere */
	copy_name(iommufd.object, device->iommufd);
	space_name(device->space, model, &iommufd, event->ioas);
	device->open = true;
	if (event->out_id && event->out_id != event->ioas)
		add_hwpt(model, event->out_id, event->ioas);
}

static void mark(struct model *model, const char *name)
{
	for (size_t i = 0; i < model->n_members; i++)
		if (model->members[i].open && *space_of(model, &model->members[i]))
			add_rows(model, &model->members[i], name);
	add_held(model, name);
}

static bool is_left(const struct model *model, const char *object)
{
	for (size_t i = 0; i < model->n_left; i++)
		if (!strcmp(model->left[i].space, object))
			return true;
	return false;
}

static void leave_open(struct model *model, const char *object)
{
	struct made *added = ADD(model, model->left, model->n_left);

	if (added)
		copy_name(added->space, object);
}

/* Something is detached by @event: a group from its container, a device from its ioas. */
static void leave(struct model *model, const struct sweep_event *event)
{
	struct member *left = member(model, event->object);
	char space[RECORD_NAME];

	if (!left)
		return;
	see_all(model, left->name);
	copy_name(space, space_of(model, left));
	if (event->lost_mappings && !is_left(model, event->object))
		remove_mappings(model, space, 0, UINT64_MAX);
	*left->space = 0;
	if (!strcmp(event->verb, "close"))
		left->open = false;
}

static void take_success(struct model *model, const struct sweep_event *event, size_t index)
{
	char space[RECORD_NAME];
	struct member *joined;

	if (!strcmp(event->verb, "open") && !strncmp(event->object, "container ", 10)) {
		make_space(model, event->object, index);
	} else if (!strcmp(event->verb, "IOMMU_IOAS_ALLOC")) {
		forget_hwpt(model, event->out_id);
		space_name(space, model, event, event->out_id);
		make_space(model, space, index);
	} else if (!strcmp(event->verb, "IOMMU_HWPT_ALLOC")) {
		add_hwpt(model, event->out_id, event->ioas);
	} else if (!strcmp(event->verb, "VFIO_GROUP_GET_DEVICE_FD")) {
		open_device(model, event);
	} else if (!strcmp(event->verb, "VFIO_DEVICE_ATTACH_IOMMUFD_PT")) {
		attach_iommufd(model, event);
	} else if (!strcmp(event->verb, "mark")) {
		mark(model, event->object);
	} else if (!strcmp(event->verb, "IOMMU_DESTROY")) {
		destroy(model, event);
	} else if (!strcmp(event->verb, "close") && !strncmp(event->object, "iommufd ", 8) &&
		   !is_left(model, event->object)) {
		close_iommufd(model, event->object);
	} else if (*event->joined && (joined = member(model, event->object))) {
		copy_name(*event->joined == 'i' ? joined->iommufd : joined->space, event->joined);
	} else if (event->left || !strcmp(event->verb, "VFIO_DEVICE_DETACH_IOMMUFD_PT")) {
		leave(model, event);
	}
}

static bool is_one_of(const char *verb, const char *const *verbs)
{
	while (*verbs && strcmp(*verbs, verb))
		verbs++;
	return *verbs;
}

static void take(struct model *model, const struct sweep_event *event, size_t index)
{
	static const char *const maps[] = { "VFIO_IOMMU_MAP_DMA", "IOMMU_IOAS_MAP",
					    "IOMMU_IOAS_MAP_FILE", NULL };
	static const char *const unmaps[] = { "VFIO_IOMMU_UNMAP_DMA", "IOMMU_IOAS_UNMAP", NULL };

	if (event->by_exit)
		leave_open(model, event->object);
	else if (is_one_of(event->verb, maps))
		add_mapping(model, event);
	else if (is_one_of(event->verb, unmaps))
		unmap(model, event);
	else if (event->result < 0)
		return;
	else if (!strcmp(event->verb, "IOMMU_IOAS_COPY"))
		copy_mapping(model, event);
	else
		take_success(model, event, index);
}

void reach_init(struct reach *reach, const struct sweep_event *events, size_t n,
		const struct reach_omit *omit)
{
	struct model model = { .reach = reach, .omit = omit };

	*reach = (struct reach){ 0 };
	for (size_t i = 0; i < n; i++)
		take(&model, &events[i], i);
	see_all(&model, NULL);
	add_held(&model, REACH_END);
	free(model.left);
	free(model.mappings);
	free(model.members);
	free(model.made);
	free(model.regions);
	free(model.hwpts);
}

void reach_done(struct reach *reach)
{
	free(reach->rows);
	free(reach->devices);
	free(reach->held);
	free(reach->mapped);
	free(reach->moments);
}

/* ---- Comparing ---- */

const struct reach_device *reach_device(const struct reach *reach, const char *device)
{
	for (size_t i = 0; i < reach->n_devices; i++)
		if (!strcmp(reach->devices[i].device, device))
			return &reach->devices[i];
	return NULL;
}

static bool is_alike(const struct reach_row *a, const struct reach_row *b)
{
	return !strcmp(a->device, b->device) && !strcmp(a->moment, b->moment) &&
	       !strcmp(a->memory, b->memory);
}

/* All of @row, from pieces in any order. */
static bool has(const struct reach_row *rows, size_t n, const struct reach_row *row)
{
	uint64_t next = row->first;

	for (size_t i = 0; i < n; i++) {
		const struct reach_row *each = &rows[i];

		if (!is_alike(each, row) || each->first > next || each->last < next)
			continue;
		if (each->last >= row->last)
			return true;
		next = each->last + 1;
		i = (size_t)-1;		/* from the start: pieces are in no order */
	}
	return false;
}

const struct reach_row *reach_lacks(const struct reach *part, const struct reach *whole,
				    const char *moment)
{
	for (size_t i = 0; i < whole->n; i++) {
		const struct reach_row *row = &whole->rows[i];

		if ((!moment || !strcmp(row->moment, moment)) && reach_device(part, row->device) &&
		    !has(part->rows, part->n, row))
			return row;
	}
	return NULL;
}

/* Not even a part of @row. */
static bool has_none(const struct reach_row *rows, size_t n, const struct reach_row *row)
{
	for (size_t i = 0; i < n; i++)
		if (is_alike(&rows[i], row) && rows[i].first <= row->last && rows[i].last >= row->first)
			return false;
	return true;
}

static bool has_moment(const struct reach *reach, const char *moment)
{
	for (size_t i = 0; i < reach->n_moments; i++)
		if (!strcmp(reach->moments[i].name, moment))
			return true;
	return false;
}

const struct reach_row *reach_keeps(const struct reach *run, const struct reach *clean)
{
	for (size_t i = 0; i < run->n_held; i++) {
		const struct reach_row *row = &run->held[i];
		struct reach_row ever = *row;

		*ever.moment = 0;
		if (has_moment(clean, row->moment) && has(clean->mapped, clean->n_mapped, &ever) &&
		    has_none(clean->held, clean->n_held, row))
			return row;
	}
	return NULL;
}
