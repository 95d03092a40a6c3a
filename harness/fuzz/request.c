/* SPDX-License-Identifier: MIT */
#include "fuzz/request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DRAWS 16	/* of a command, until one has a chance */

/* ---- Fields ------------------------------------------------------------- */

static const struct vfiosim_field *field_of(const struct request *request, const char *name)
{
	const struct vfiosim_field *field = request->row->fields;

	while (field && field->name && strcmp(field->name, name) != 0)
		field++;
	return field && field->name ? field : NULL;
}

void put_at(struct request *request, size_t offset, const void *from, size_t size)
{
	if (offset + size > sizeof(request->bytes))
		return;
	memcpy(request->bytes + offset, from, size);
	if (request->size < offset + size)
		request->size = offset + size;
}

void put32(struct request *request, size_t offset, uint32_t value)
{
	put_at(request, offset, &value, sizeof(value));
}

void put64(struct request *request, size_t offset, uint64_t value)
{
	put_at(request, offset, &value, sizeof(value));
}

static void put_field(struct request *request, const struct vfiosim_field *field, uint64_t value)
{
	if (field->size && field->size <= sizeof(value))
		memcpy(request->bytes + field->offset, &value, field->size);	/* little-endian */
}

void field_set(struct request *request, const char *name, uint64_t value)
{
	const struct vfiosim_field *field = field_of(request, name);

	if (field)
		put_field(request, field, value);
}

uint64_t field_get(const struct request *request, const char *name)
{
	const struct vfiosim_field *field = field_of(request, name);
	uint64_t value = 0;

	if (field && field->size <= sizeof(value))
		memcpy(&value, request->bytes + field->offset, field->size);
	return value;
}

/* Both families begin with it. */
void set_size(struct request *request, size_t size)
{
	uint32_t value = (uint32_t)size;

	request->size = size < sizeof(request->bytes) ? size : sizeof(request->bytes);
	if (request->row->family == VFIOSIM_SIZE_ARGSZ || request->row->family == VFIOSIM_SIZE_IOMMUFD)
		memcpy(request->bytes, &value, sizeof(value));
}

/* ---- What there is ------------------------------------------------------ */

json_object *container_of(const struct world *world, const struct opened *file)
{
	return json_find(json_list(world->picture, "containers"), "number", file->number);
}

json_object *iommufd_of(const struct world *world, const struct opened *file)
{
	return json_find(json_list(world->picture, "iommufds"), "number", file->number);
}

json_object *group_of(const struct world *world, const struct opened *file)
{
	return json_find_text(json_list(world->picture, "groups"), "node", file->name);
}

uint64_t an_object(const struct request *request, const char *type)
{
	json_object *iommufd = iommufd_of(request->world, request->held->file);

	return json_u64(json_pick_text(json_list(iommufd, "objects"), "type", type,
				       request->choices), "id");
}

json_object *space_of(const struct request *request, uint64_t ioas)
{
	const struct opened *file = request->held->file;

	if (file->kind == VFIOSIM_CONTAINER)
		return container_of(request->world, file);
	return json_find(json_list(iommufd_of(request->world, file), "objects"), "id", ioas);
}

int a_descriptor(const struct request *request, unsigned kinds)
{
	const struct held *held = any_held(request->program, kinds, request->choices);

	return held ? held->fd : -1;
}

uint64_t some_memory(const struct request *request, uint64_t *ret_length)
{
	const struct stretch *stretch = any_memory(request->program, request->choices);
	uint64_t pages, at;

	if (!stretch)
		return 0;
	pages = stretch->length / PAGE;
	at = one_in(request->choices, 3) ? choose(request->choices, pages) : 0;
	pages -= at;
	if (pages > 1 && !one_in(request->choices, 3))
		pages = choose_between(request->choices, 1, pages < 16 ? pages : 16);
	*ret_length = pages * PAGE;
	return stretch->uva + at * PAGE;
}

static bool overlaps(json_object *list, uint64_t first, uint64_t last)
{
	for (size_t i = 0; i < json_length(list); i++)
		if (json_u64(json_at(list, i), "first") <= last &&
		    first <= json_u64(json_at(list, i), "last"))
			return true;
	return false;
}

/* Most lie close to each other, so that they can meet; some at the ends of what is possible. */
static uint64_t any_iova(const struct request *request, json_object *space, uint64_t length)
{
	struct choices *choices = request->choices;
	json_object *range = json_pick(json_list(space, "iova_ranges"), choices);

	if (!range)
		range = json_pick(json_list(space, "allowed"), choices);
	switch (choose(choices, 8)) {
	case 0:
		return range ? json_u64(range, "first") : 0;
	case 1:
		return range ? json_u64(range, "last") - length + 1 : 0xffff0000;
	case 2:
		return choose(choices, 4) << 30;
	case 3:
		return 0x100000000 + choose(choices, 256) * PAGE;
	default:
		return choose(choices, 64) * 16 * PAGE;
	}
}

uint64_t free_iova(const struct request *request, json_object *space, uint64_t length)
{
	uint64_t iova = 0;

	for (int i = 0; i < 8; i++) {
		iova = any_iova(request, space, length);
		if (!overlaps(json_list(space, "mappings"), iova, iova + length - 1) &&
		    !overlaps(json_list(space, "reserved"), iova, iova + length - 1))
			break;
	}
	return iova;
}

/* ---- Filling by names and formats ---------------------------------------- */

static uint64_t size_value(struct request *request)
{
	return request->size;
}

static uint64_t ioas_value(struct request *request)
{
	return an_object(request, "ioas");
}

static uint64_t table_value(struct request *request)
{
	uint64_t id = one_in(request->choices, 3) ? an_object(request, "hwpt") : 0;

	return id ? id : an_object(request, "ioas");
}

static uint64_t device_value(struct request *request)
{
	return an_object(request, "device");
}

static uint64_t hwpt_value(struct request *request)
{
	return an_object(request, "hwpt");
}

static uint64_t fault_value(struct request *request)
{
	return an_object(request, "fault");
}

static uint64_t container_value(struct request *request)
{
	return (uint64_t)a_descriptor(request, VFIOSIM_CONTAINER | VFIOSIM_IOMMUFD);
}

static uint64_t iommufd_value(struct request *request)
{
	return (uint64_t)a_descriptor(request, VFIOSIM_IOMMUFD);
}

static uint64_t memfd_value(struct request *request)
{
	return (uint64_t)a_descriptor(request, KIND_MEMFD);
}

static uint64_t index_value(struct request *request)
{
	return choose(request->choices, 10);
}

static uint64_t zero_value(struct request *request)
{
	return 0;
}

static const struct {
	const char *name;
	uint64_t (*value)(struct request *request);
} by_name[] = {
	{ "argsz", size_value },
	{ "ioas_id", ioas_value },
	{ "src_ioas_id", ioas_value },
	{ "dst_ioas_id", ioas_value },
	{ "pt_id", table_value },
	{ "dev_id", device_value },
	{ "hwpt_id", hwpt_value },
	{ "fault_id", fault_value },
	{ "container", container_value },
	{ "iommufd", iommufd_value },
	{ "fd", memfd_value },
	{ "index", index_value },
	{ "data_type", zero_value },
	{ "token_uuid_ptr", zero_value },
};

static uint64_t any_flags(struct request *request)
{
	uint64_t flags = 0;

	for (const struct vfiosim_flag *flag = request->row->flags; flag && flag->name; flag++)
		if (one_in(request->choices, 2))
			flags |= flag->bit;
	return flags;
}

static uint64_t by_format(struct request *request, const struct vfiosim_field *field)
{
	uint64_t length;

	switch (field->format) {
	case VFIOSIM_FD:
		return (uint64_t)a_descriptor(request, UINT32_MAX);
	case VFIOSIM_FLAGS:
		return any_flags(request);
	case VFIOSIM_POINTER:
		return some_memory(request, &length);
	default:
		return strcmp(field->name, "flags") ? choose(request->choices, 4) : 0;
	}
}

static uint64_t field_value(struct request *request, const struct vfiosim_field *field)
{
	for (size_t i = 0; i < sizeof(by_name) / sizeof(by_name[0]); i++)
		if (!strcmp(by_name[i].name, field->name))
			return by_name[i].value(request);
	return by_format(request, field);
}

static void fill(struct request *request)
{
	const struct vfiosim_command *row = request->row;
	const struct recipe *recipe = recipe_of(row);
	size_t shorter = row->full_size - row->min_size;

	memset(request->bytes, 0, sizeof(request->bytes));
	set_size(request, one_in(request->choices, 4) ? row->full_size - choose(request->choices,
						       shorter + 1) : row->full_size);
	for (const struct vfiosim_field *field = row->fields; field && field->name; field++)
		if (field->offset || row->family == VFIOSIM_SIZE_FIXED)
			put_field(request, field, field_value(request, field));
	if (row->family == VFIOSIM_SIZE_VALUE)
		request->arg = choose(request->choices, 16);
	if (recipe && recipe->fill)
		recipe->fill(request);
}

/* ---- Spoiling ------------------------------------------------------------ */

static void spoil_field(struct request *request)
{
	const struct vfiosim_field *fields = request->row->fields;
	size_t n = 0;

	while (fields && fields[n].name)
		n++;
	if (n)
		put_field(request, &fields[choose(request->choices, n)],
			  choose_odd(request->choices));
}

static void spoil(struct request *request)
{
	struct choices *choices = request->choices;

	request->arg = choose_odd(choices);
	switch (choose(choices, 5)) {
	case 0:
		if (request->size)
			request->bytes[choose(choices, request->size)] ^= 1 << choose(choices, 8);
		break;
	case 1:
		set_size(request, choose(choices, 128));
		break;
	case 2:		/* what it says is not what there is */
		request->size = choose(choices, request->size + 1);
		break;
	case 3:
		choose_bytes(choices, request->bytes, request->size);
		break;
	default:
		spoil_field(request);
	}
}

/* ---- Giving it ----------------------------------------------------------- */

/* Where in the program's memory it stands: sometimes at the edge of it, or beyond. */
static long ioctl_at_address(struct request *request)
{
	const struct target_ops *ops = request->world->target->ops;
	struct choices *choices = request->choices;
	uint64_t length, uva = some_memory(request, &length);
	long result;

	request->world->elsewhere = true;
	if (request->world->shared && request->size > length)	/* what follows is the worker's */
		return -EFAULT;
	if (one_in(choices, 4) && !request->world->shared)
		uva = uva + length - choose(choices, request->size + 16);
	else if (one_in(choices, 8) && !request->world->shared)
		uva = choose_odd(choices);
	ops->poke(request->program->proc, uva, request->bytes, request->size);
	result = ops->ioctl(request->program->proc, request->held->fd, request->row->number, uva);
	if (result >= 0)
		ops->peek(request->program->proc, uva, request->bytes, request->size);
	return result;
}

static long give(struct request *request)
{
	const struct target_ops *ops = request->world->target->ops;
	struct proc *proc = request->program->proc;

	if (request->row->family == VFIOSIM_SIZE_VALUE)
		return ops->ioctl(proc, request->held->fd, request->row->number, request->arg);
	if (one_in(request->choices, 16) && request->program->n_memory)
		return ioctl_at_address(request);
	return ops->ioctl_data(proc, request->held->fd, request->row->number, request->bytes,
			       request->size);
}

static void hold_new(struct request *request, long result)
{
	const struct vfiosim_command *row = request->row;
	unsigned kind = row->kinds == VFIOSIM_GROUP ? VFIOSIM_DEVICE : VFIOSIM_FAULT;
	struct opened *file = file_add(request->world, kind);
	uint32_t fd = (uint32_t)result;

	if (row->fd_field)
		memcpy(&fd, request->bytes + row->fd_field, sizeof(fd));
	if (file && kind == VFIOSIM_DEVICE)
		snprintf(file->name, sizeof(file->name), "%.*s",
			 (int)strcspn((char *)request->bytes, " "), (char *)request->bytes);
	hold(request->world, request->program, (int)fd, file);
}

static void ask(struct request *request)
{
	const struct recipe *recipe = recipe_of(request->row);
	long result;

	fill(request);
	if (one_in(request->choices, 12))
		spoil(request);
	world_doing(request->world, "program %u: %s on %d", request->program->number,
		    request->row->name, request->held->fd);
	result = give(request);
	world_answered(request->world, result);
	if (result < 0)
		return;
	if (request->row->returns_fd)
		hold_new(request, result);
	if (recipe && recipe->done)
		recipe->done(request, result);
}

/* ---- Choosing one -------------------------------------------------------- */

/* Any command that files of one of @kinds know, by weight. */
static const struct vfiosim_command *any_command(unsigned kinds, struct choices *choices)
{
	const struct vfiosim_command *row;
	unsigned sum = 0;
	uint64_t which;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (row->kinds & kinds)
			sum += recipe_of(row) ? recipe_of(row)->weight : 1;
	if (!sum)
		return NULL;
	which = choose(choices, sum);
	for (size_t i = 0;; i++) {
		unsigned weight;

		row = vfiosim_command(i);
		if (!(row->kinds & kinds))
			continue;
		weight = recipe_of(row) ? recipe_of(row)->weight : 1;
		if (which < weight)
			return row;
		which -= weight;
	}
}

static bool has_a_chance(const struct request *request)
{
	const struct recipe *recipe = recipe_of(request->row);

	return !recipe || !recipe->ready ||
	       recipe->ready(request->world, request->program, request->held->file);
}

static unsigned kinds_held(const struct program *program)
{
	unsigned kinds = 0;

	for (unsigned i = 0; i < program->n_held; i++)
		kinds |= program->held[i].file->kind;
	return kinds & (VFIOSIM_CONTAINER | VFIOSIM_GROUP | VFIOSIM_DEVICE | VFIOSIM_IOMMUFD);
}

/* Draws until one has a chance; now and then one that has none will do. */
static bool draw(struct request *request)
{
	unsigned kinds = kinds_held(request->program);

	for (int i = 0; i < DRAWS && kinds; i++) {
		request->row = any_command(kinds, request->choices);
		request->held = any_held(request->program, request->row->kinds, request->choices);
		if (has_a_chance(request) || one_in(request->choices, 256))
			return true;
	}
	return false;
}

void request_any(struct world *world, struct program *program, struct choices *choices)
{
	struct request request = { .world = world, .program = program, .choices = choices };

	if (!draw(&request))
		return;
	if (one_in(choices, 64))	/* of some other file */
		request.row = any_command(UINT32_MAX, choices);
	ask(&request);
}
