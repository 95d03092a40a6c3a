/* SPDX-License-Identifier: MIT */
/*
 * The verb `ioctl`, which speaks every command by its row's field names
 * (vfiosim/command.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>
#include <vfiosim/vfiosim.h>

#include "case/verb.h"

#define DATA_MAX 8192

static const char *const own_fields[] = { "on", "command", "number", "arg", "as", "fds", "bytes",
					  "tail", "pad", "set" };

static bool is_own(const char *key)
{
	for (size_t i = 0; i < sizeof(own_fields) / sizeof(own_fields[0]); i++)
		if (!strcmp(own_fields[i], key))
			return true;
	return false;
}

static const struct vfiosim_field *find_field(const struct vfiosim_command *command,
					      const char *name)
{
	for (const struct vfiosim_field *field = command->fields; field && field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

/* How large an iommufd's structure says it is; filled in unless the case has it. */
static bool is_size(const struct vfiosim_command *command, const char *key)
{
	return command->family == VFIOSIM_SIZE_IOMMUFD && !strcmp(key, "size");
}

static int check_field(const struct vfiosim_command *command, const struct ynode *key,
		       struct vfiosim_errors *errors)
{
	const char *known[40] = { NULL };
	char what[80];
	size_t n = 0;

	if (is_own(key->text) || find_field(command, key->text) || is_size(command, key->text))
		return 0;
	for (const struct vfiosim_field *f = command->fields; f && f->name && n < 32; f++)
		known[n++] = f->name;
	for (size_t i = 3; i < sizeof(own_fields) / sizeof(own_fields[0]); i++)
		known[n++] = own_fields[i];
	snprintf(what, sizeof(what), "field of %s", command->name);
	return ynode_unknown(key, errors, what, known);
}

static int ioctl_check(const struct step *step, struct vfiosim_errors *errors)
{
	const struct arg *name = step_arg(step, "command");
	const struct vfiosim_command *command;
	const char *known[129] = { NULL };
	int error = 0;

	if (!name)
		return step_arg(step, "number") ?
			       0 :
			       ynode_error(step->args_node, errors,
					   "ioctl needs 'command: NAME' or 'number: N'");
	command = vfiosim_command_by_name(name->text);
	if (!command) {
		for (size_t i = 0; i < 128 && vfiosim_command(i); i++)
			known[i] = vfiosim_command(i)->name;
		return ynode_unknown(name->node, errors, "command", known);
	}
	for (size_t i = 0; i < step->args_node->n && !error; i++)
		error = check_field(command, &step->args_node->keys[i], errors);
	return error;
}

/* "READ|WRITE", or a number. */
static int flags_value(struct run *run, const struct vfiosim_command *command,
		       const struct ynode *node, uint64_t *ret_value)
{
	char text[200], *save, *word;

	*ret_value = 0;
	if (!ynode_number(node, ret_value, NULL))
		return 0;
	snprintf(text, sizeof(text), "%s", node->text ? node->text : "");
	for (word = strtok_r(text, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		const struct vfiosim_flag *flag = command->flags;

		while (flag && flag->name && strcmp(flag->name, word))
			flag++;
		if (!flag || !flag->name)
			return run_broken(run, "%s has no flag '%s'", command->name, word);
		*ret_value |= flag->bit;
	}
	return 0;
}

/* Does the field hold the id of an object in an iommufd? */
static bool is_id(const struct vfiosim_field *field)
{
	size_t length = strlen(field->name);

	return field->format == VFIOSIM_DEC && length >= 2 && !strcmp(field->name + length - 2, "id");
}

/* A field's value: a number, a flag's name, an open thing's or its id, or a memory's. */
static int field_value(struct run *run, const struct vfiosim_command *command,
		       const struct vfiosim_field *field, const struct ynode *node,
		       uint64_t *ret_value)
{
	struct named *named;

	if (field->format == VFIOSIM_FLAGS)
		return flags_value(run, command, node, ret_value);
	if (!ynode_number(node, ret_value, NULL))
		return 0;
	if (node->text && field->format == VFIOSIM_POINTER) {
		named = run_named(run, NAMED_MEMORY, node->text);
		if (named) {
			*ret_value = named->uva;
			return 0;
		}
	}
	named = node->text ? run_named(run, NAMED_FD, node->text) : NULL;
	if (named && is_id(field) && named->id) {
		*ret_value = named->id;
		return 0;
	}
	if (named && named->fd >= 0) {
		*ret_value = (uint64_t)named->fd;
		return 0;
	}
	return run_broken(run, "'%s' is not a value for %s", node->text ? node->text : "?",
			  field->name);
}

struct raw {
	const struct vfiosim_command *command;	/* NULL: by number */
	uint32_t number;
	unsigned char data[DATA_MAX];
	size_t size;
};

static int fill_field(struct run *run, const struct step *step, struct raw *raw,
		      const struct vfiosim_field *field, const struct ynode *node)
{
	const struct play *play = run->play;
	const struct ynode *variants = play->file->variants;
	uint64_t value;
	int error;

	node = case_pick(node, variants ? &variants->items[play->variant] : NULL, play->mode);
	if (!node)
		return run_broken(run, "no value for %s in this mode", field->name);
	if (field->format == VFIOSIM_STRING) {
		const struct target_device *device = run_device(run, node->text ? node->text : "");
		const char *text = device ? device->address : node->text ? node->text : "";

		if (strlen(text) >= DATA_MAX)
			return run_broken(run, "a text of more than %d bytes", DATA_MAX);
		memset(raw->data, 'x', raw->size);	/* as far as `pad` says */
		if (raw->size)
			raw->data[raw->size - 1] = 0;
		memcpy(raw->data, text, strlen(text));
		if (strlen(text) >= raw->size)
			raw->size = strlen(text) + 1;
		return 0;
	}
	error = field_value(run, raw->command, field, node, &value);
	if (!error)
		memcpy(raw->data + field->offset, &value, field->size);	/* little-endian */
	return error;
}

/* 64-bit numbers behind the structure; a name is the address of that memory. */
static int fill_words(struct run *run, const struct arg *words, struct raw *raw)
{
	for (size_t i = 0; i < words->node->n && raw->size + 8 <= DATA_MAX; i++) {
		const struct ynode *node = &words->node->items[i];
		struct named *named = run_named(run, NAMED_MEMORY, node->text ? node->text : "");
		uint64_t value = named ? named->uva : 0;

		if (!named && ynode_number(node, &value, NULL))
			return run_broken(run, "tail: expected numbers, or names of memory");
		memcpy(raw->data + raw->size, &value, sizeof(value));
		raw->size += sizeof(value);
	}
	return 0;
}

/* What stands behind the structure: descriptors by name, bytes, or 64-bit numbers. */
static int fill_tail(struct run *run, const struct step *step, struct raw *raw)
{
	const struct arg *fds = step_arg(step, "fds"), *bytes = step_arg(step, "bytes");
	const struct arg *words = step_arg(step, "tail");

	for (size_t i = 0; fds && i < fds->node->n && raw->size + 4 <= DATA_MAX; i++) {
		const char *text = fds->node->items[i].text;
		int32_t fd = text ? run_fd(run, text) : -1;

		if (fd < 0 && text)
			fd = (int32_t)strtol(text, NULL, 10);
		memcpy(raw->data + raw->size, &fd, sizeof(fd));
		raw->size += sizeof(fd);
	}
	for (size_t i = 0; bytes && i < bytes->node->n && raw->size < DATA_MAX; i++) {
		uint64_t byte;

		if (ynode_number(&bytes->node->items[i], &byte, NULL))
			return run_broken(run, "bytes: expected numbers");
		raw->data[raw->size++] = (unsigned char)byte;
	}
	return words ? fill_words(run, words, raw) : 0;
}

/* Zeros behind everything, or a text made longer: to `pad` bytes in all. */
static void pad(const struct step *step, struct raw *raw)
{
	uint64_t size = step_number(step, "pad", 0);

	if (size > raw->size && size <= DATA_MAX)
		raw->size = size;
}

/* argsz covers everything unless the case says otherwise. */
static void fill_argsz(struct raw *raw)
{
	uint32_t size = (uint32_t)raw->size;

	if (raw->command->family == VFIOSIM_SIZE_ARGSZ ||
	    raw->command->family == VFIOSIM_SIZE_IOMMUFD)
		memcpy(raw->data, &size, sizeof(size));
}

/* 32-bit numbers at offsets of the structure: what has no name, reserved fields and the like. */
static int fill_set(struct run *run, const struct arg *set, struct raw *raw)
{
	const struct ynode *map = set->node;

	for (size_t i = 0; i < map->n; i++) {
		uint64_t offset, value;

		if (map->kind != YNODE_MAP || ynode_number(&map->keys[i], &offset, NULL) ||
		    ynode_number(&map->items[i], &value, NULL) || raw->size < 4 ||
		    offset > raw->size - 4)
			return run_broken(run, "set: {OFFSET: NUMBER} within the %zu bytes",
					  raw->size);
		memcpy(raw->data + offset, &value, 4);	/* little-endian */
	}
	return 0;
}

static int fill_one(struct run *run, const struct step *step, struct raw *raw,
		    const struct ynode *key, const struct ynode *item)
{
	const struct vfiosim_field *field = find_field(raw->command, key->text);
	const struct vfiosim_field size = { "size", 0, 4, VFIOSIM_DEC };

	if (!field && is_size(raw->command, key->text))
		field = &size;
	return field ? fill_field(run, step, raw, field, item) : 0;
}

static int fill(struct run *run, const struct step *step, struct raw *raw)
{
	const struct arg *set = step_arg(step, "set");
	const struct ynode *args = step->args_node;
	int error;

	raw->size = raw->command->full_size > raw->command->min_size ? raw->command->full_size :
								       raw->command->min_size;
	error = fill_tail(run, step, raw);
	pad(step, raw);
	fill_argsz(raw);
	for (size_t i = 0; i < args->n && !error; i++)
		error = fill_one(run, step, raw, &args->keys[i], &args->items[i]);
	return error || !set ? error : fill_set(run, set, raw);
}

/* Addresses and descriptor numbers are nobody's business: they differ between targets. */
static void give_fields(const struct raw *raw, struct result *ret_result)
{
	for (const struct vfiosim_field *f = raw->command->fields; f && f->name; f++) {
		uint64_t value = 0;

		if (f->format == VFIOSIM_POINTER || f->format == VFIOSIM_FD ||
		    f->format == VFIOSIM_STRING || f->offset + f->size > raw->size)
			continue;
		memcpy(&value, raw->data + f->offset, f->size);
		result_number(ret_result, f->name, value);
	}
}

/*
 * An object that was made gets the name `as`, with its descriptor if it has one; a device
 * that was bound has a name already.
 */
static int name_object(struct run *run, const struct step *step, const struct raw *raw)
{
	const char *as = step_text(step, "as", NULL);
	const struct vfiosim_field *field = raw->command ? raw->command->fields : NULL;
	struct named *named;

	while (field && field->name && (strncmp(field->name, "out_", 4) || !is_id(field)))
		field++;
	if (!field || !field->name)
		return 0;
	if (!as && strcmp(field->name, "out_devid"))
		return 0;
	named = as ? run_name(run, NAMED_FD, as) :
		     run_named(run, NAMED_FD, step_text(step, "on", ""));
	if (!named)
		return run_broken(run, "too many names in one case");
	if (as && raw->command->fd_field)
		memcpy(&named->fd, raw->data + raw->command->fd_field, sizeof(named->fd));
	else if (as)
		named->fd = run_fd(run, step_text(step, "on", ""));
	memcpy(&named->id, raw->data + field->offset, sizeof(named->id));
	return 0;
}

static int ioctl_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const struct arg *arg = step_arg(step, "arg");
	const char *as = step_text(step, "as", NULL);
	struct raw raw = { .number = (uint32_t)step_number(step, "number", 0) };
	int fd, error = raw_handle(run, step, "on", &fd);
	long answer;

	if (error)
		return error;
	raw.command = vfiosim_command_by_name(step_text(step, "command", ""));
	if (raw.command)
		raw.number = raw.command->number;
	if (!raw.command || arg || raw.command->family == VFIOSIM_SIZE_VALUE) {
		answer = run->target->ops->ioctl(run->proc, fd, raw.number,
						 arg ? arg->number : 0);
	} else {
		error = fill(run, step, &raw);
		if (error)
			return error;
		answer = run->target->ops->ioctl_data(run->proc, fd, raw.number, raw.data,
						      raw.size);
		if (answer >= 0)
			give_fields(&raw, ret_result);
	}
	if (answer >= 0 && raw.command && raw.size)
		error = name_object(run, step, &raw);
	if (error)
		return error;
	if (answer >= 0 && as && raw.command && raw.command->returns_fd && !raw.command->fd_field)
		return raw_name(run, as, (int)answer);
	if (answer >= 0 && !(raw.command && raw.command->returns_fd))
		result_number(ret_result, "result", (uint64_t)answer);
	return run_answer(run, answer, ret_result);
}

const struct verb verbs_ioctl[] = {
	{
		.name = "ioctl",
		.about = "any command, by the names of its fields; gives the fields and `result`",
		.fields = (const struct verb_field[]){
			{ "on", ARG_NAME, true, NULL },
			{ "command", ARG_TEXT, false, NULL },
			{ "number", ARG_NUMBER, false, NULL },
			{ "arg", ARG_NUMBER, false, NULL },
			{ "as", ARG_NAME, false, NULL },
			{ "fds", ARG_NODE, false, NULL },
			{ "bytes", ARG_NODE, false, NULL },
			{ "tail", ARG_NODE, false, NULL },
			{ "pad", ARG_NUMBER, false, NULL },
			{ "set", ARG_NODE, false, NULL },
			{ NULL } },
		.open_ended = true,
		.check = ioctl_check,
		.run = ioctl_run,
	},
	{ .name = NULL },
};
