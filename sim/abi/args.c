/* SPDX-License-Identifier: MIT */
/* Commands as text: their arguments for people, and whole events as JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "base/json.h"

static uint64_t field_value(const struct vfiosim_field *field, const uint8_t *bytes)
{
	uint64_t value = 0;

	memcpy(&value, bytes + field->offset, field->size);	/* little endian, as the ABI */
	return value;
}

static bool has_field(const struct vfiosim_field *field, const void *bytes, size_t size)
{
	return bytes && field->size && (size_t)field->offset + field->size <= size;
}

static void put_flags(FILE *to, const struct vfiosim_command *command, uint64_t value)
{
	const char *sep = "";

	for (const struct vfiosim_flag *flag = command->flags; flag && flag->name; flag++)
		if (flag->bit && (value & flag->bit) == flag->bit) {
			fprintf(to, "%s%s", sep, flag->name);
			value &= ~(uint64_t)flag->bit;
			sep = "|";
		}
	if (value || !*sep)
		fprintf(to, "%s0x%" PRIx64, sep, value);
}

static void put_field(FILE *to, const struct vfiosim_command *command,
		      const struct vfiosim_field *field, uint64_t value)
{
	switch (field->format) {
	case VFIOSIM_FLAGS:
		put_flags(to, command, value);
		break;
	case VFIOSIM_FD:
		fprintf(to, "%d", (int)value);
		break;
	case VFIOSIM_DEC:
		fprintf(to, "%" PRIu64, value);
		break;
	default:
		fprintf(to, "0x%" PRIx64, value);
	}
}

/* "VFIO_TYPE1v2_IOMMU", or the number where it has no name. */
static void put_value(FILE *to, const struct vfiosim_event *event)
{
	const struct vfiosim_flag *value = NULL;

	if (event->command && event->command->family == VFIOSIM_SIZE_VALUE)
		value = event->command->flags;
	while (value && value->name && value->bit != event->arg)
		value++;
	if (value && value->name)
		fputs(value->name, to);
	else
		fprintf(to, "0x%" PRIx64, event->arg);
}

/* The structure's fields, or the argument itself where there is no structure. */
static void put_args(FILE *to, const struct vfiosim_event *event)
{
	const struct vfiosim_command *command = event->command;
	const char *sep = "";

	if (!command || command->family == VFIOSIM_SIZE_VALUE || !event->in) {
		if (event->text)
			fprintf(to, "'%s'", event->text);
		else
			put_value(to, event);
		return;
	}
	for (const struct vfiosim_field *field = command->fields; field && field->name; field++)
		if (has_field(field, event->in, event->in_size)) {
			fprintf(to, "%s%s=", sep, field->name);
			put_field(to, command, field, field_value(field, event->in));
			sep = " ";
		}
}

size_t vfiosim_event_args(const struct vfiosim_event *event, char *to, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	if (size)
		*to = '\0';
	if (!stream)
		return 0;
	put_args(stream, event);
	fclose(stream);
	if (size)
		snprintf(to, size, "%s", text);
	free(text);
	return length;
}

static void put_json_field(struct json *json, const struct vfiosim_command *command,
			   const struct vfiosim_field *field, uint64_t value)
{
	char *text = NULL;
	size_t length;
	FILE *stream;

	if (field->format == VFIOSIM_DEC) {
		json_put_unsigned(json, field->name, value);
		return;
	}
	if (field->format == VFIOSIM_FD) {
		json_put_number(json, field->name, (int)value);
		return;
	}
	stream = open_memstream(&text, &length);
	if (!stream)
		return;
	put_field(stream, command, field, value);
	fclose(stream);
	json_put_string(json, field->name, text);
	free(text);
}

static void put_json_struct(struct json *json, const char *key,
			    const struct vfiosim_command *command, const void *bytes, size_t size)
{
	json_key(json, key);
	json_object(json);
	for (const struct vfiosim_field *field = command->fields; field && field->name; field++)
		if (has_field(field, bytes, size))
			put_json_field(json, command, field, field_value(field, bytes));
	json_object_end(json);
}

static void put_json_list(struct json *json, const char *key, const char *const *list, size_t n)
{
	if (!n)
		return;
	json_key(json, key);
	json_array(json);
	for (size_t i = 0; i < n; i++)
		json_string(json, list[i]);
	json_array_end(json);
}

static void put_json_event(struct json *json, const struct vfiosim_event *event)
{
	json_object(json);
	json_put_unsigned(json, "version", VFIOSIM_TRACE_VERSION);
	json_put_unsigned(json, "n", event->number);
	json_put_unsigned(json, "client", event->client);
	if (event->tid)
		json_put_unsigned(json, "tid", event->tid);
	json_put_string(json, "object", event->object);
	json_put_string(json, "verb", event->verb);
	if (event->text)
		json_put_string(json, "text", event->text);
	else if (event->command && event->in)
		put_json_struct(json, "args", event->command, event->in, event->in_size);
	else
		json_put_hex(json, "arg", event->arg);
	if (event->command && event->out)
		put_json_struct(json, "answer", event->command, event->out, event->out_size);
	json_put_number(json, "result", event->result < 0 ? -1 : event->result);
	if (event->result < 0)
		json_put_string(json, "error", strerrorname_np((int)-event->result));
	if (event->rule) {
		json_put_string(json, "rule", event->rule->id);
		json_put_string(json, "reason", event->reason);
		json_put_string(json, "mirrors", event->rule->mirrors);
	}
	if (event->provoke)
		json_put_string(json, "provoke", event->provoke);
	put_json_list(json, "walk", event->walk, event->n_walk);
	put_json_list(json, "changes", event->changes, event->n_changes);
	json_object_end(json);
}

void vfiosim_trace_json(void *ctx, const struct vfiosim_event *event)
{
	struct json json;
	FILE *to = ctx;

	json_init(&json, to, false);
	put_json_event(&json, event);
	putc('\n', to);
	fflush(to);
}
