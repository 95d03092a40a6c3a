/* SPDX-License-Identifier: MIT */
#include "base/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

struct yaml_reading {
	yaml_parser_t parser;
	yaml_event_t event;		/* the one being looked at */
	bool have_event;
	const char *file;
	const char *text;
	size_t length;
	struct arena *arena;
	struct vfiosim_error *error;
	unsigned depth;
};

int yaml_verror(struct vfiosim_error *ret_error, const char *file, unsigned line, unsigned column,
		const char *format, va_list args)
{
	if (!ret_error)
		return -EINVAL;
	memset(ret_error, 0, sizeof(*ret_error));
	snprintf(ret_error->file, sizeof(ret_error->file), "%s", file);
	ret_error->line = line;
	ret_error->column = column;
	vsnprintf(ret_error->message, sizeof(ret_error->message), format, args);
	return -EINVAL;
}

int yaml_error(struct vfiosim_error *ret_error, const char *file, const struct ynode *node,
	       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	yaml_verror(ret_error, file, node ? node->line : 0, node ? node->column : 0, format, args);
	va_end(args);
	return -EINVAL;
}

__attribute__((format(printf, 3, 4)))
static int fail_at(struct yaml_reading *reading, yaml_mark_t mark, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	yaml_verror(reading->error, reading->file, (unsigned)mark.line + 1,
		    (unsigned)mark.column + 1, format, args);
	va_end(args);
	return -EINVAL;
}

/* libyaml tells only the offset of bytes that are not UTF-8. */
static yaml_mark_t mark_of_offset(const struct yaml_reading *reading, size_t offset)
{
	yaml_mark_t mark = { 0 };

	for (size_t i = 0; i < offset && i < reading->length; i++) {
		if (reading->text[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else {
			mark.column++;
		}
	}
	return mark;
}

static int fail_parser(struct yaml_reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;
	const char *problem = parser->problem ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR)
		return fail_at(reading, mark_of_offset(reading, parser->problem_offset),
			       "this is not YAML text: %s", problem);
	if (parser->context)
		return fail_at(reading, parser->problem_mark, "this is not YAML: %s, %s",
			       problem, parser->context);
	return fail_at(reading, parser->problem_mark, "this is not YAML: %s", problem);
}

static int next_event(struct yaml_reading *reading)
{
	if (reading->have_event)
		yaml_event_delete(&reading->event);
	reading->have_event = false;
	if (!yaml_parser_parse(&reading->parser, &reading->event))
		return fail_parser(reading);
	reading->have_event = true;
	return 0;
}

static int compare_keys(const void *one, const void *other)
{
	const struct ynode *a = *(const struct ynode *const *)one;
	const struct ynode *b = *(const struct ynode *const *)other;
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

/* A key that stands twice would silently hide the first: refused. */
static int check_keys(struct yaml_reading *reading, const struct ynode *map)
{
	const struct ynode **keys;
	size_t n = 0;
	int err = 0;

	if (map->count < 2)
		return 0;
	keys = malloc(map->count * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (const struct ynode *key = map->first; key; key = key->next)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n && !err; i++)
		if (!strcmp(keys[i - 1]->text, keys[i]->text))
			err = yaml_error(reading->error, reading->file, keys[i],
					 "'%s' stands here for the second time, first in line %u",
					 keys[i]->text, keys[i - 1]->line);
	free(keys);
	return err;
}

static int read_node(struct yaml_reading *reading, struct ynode **ret_node);

static int check_plain(struct yaml_reading *reading, const yaml_char_t *anchor,
		       const yaml_char_t *tag)
{
	if (anchor)
		return fail_at(reading, reading->event.start_mark,
			       "anchors (&%s) are not supported: write the value out", (const char *)anchor);
	if (tag)
		return fail_at(reading, reading->event.start_mark,
			       "tags (%s) are not supported: values need no type", (const char *)tag);
	return 0;
}

static int read_scalar(struct yaml_reading *reading, struct ynode *node)
{
	const char *value = (const char *)reading->event.data.scalar.value;
	size_t length = reading->event.data.scalar.length;
	int err = check_plain(reading, reading->event.data.scalar.anchor,
			      reading->event.data.scalar.tag);

	if (err)
		return err;
	if (strlen(value) != length)
		return fail_at(reading, reading->event.start_mark, "a value cannot hold a NUL byte");
	node->kind = YNODE_SCALAR;
	node->text = arena_text(reading->arena, value, length);
	return node->text ? 0 : -ENOMEM;
}

static int read_list(struct yaml_reading *reading, struct ynode *node)
{
	struct ynode **tail = &node->first;
	int err = check_plain(reading, reading->event.data.sequence_start.anchor,
			      reading->event.data.sequence_start.tag);

	node->kind = YNODE_LIST;
	while (!err) {
		err = next_event(reading);
		if (err || reading->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		err = read_node(reading, tail);
		if (err)
			break;
		tail = &(*tail)->next;
		node->count++;
	}
	return err;
}

static int read_key(struct yaml_reading *reading, struct ynode **ret_key)
{
	int err;

	if (reading->event.type == YAML_MAPPING_START_EVENT ||
	    reading->event.type == YAML_SEQUENCE_START_EVENT)
		return fail_at(reading, reading->event.start_mark,
			       "a key must be a word, found a list or a map");
	err = read_node(reading, ret_key);
	if (!err)
		err = next_event(reading);
	if (!err)
		err = read_node(reading, &(*ret_key)->value);
	return err;
}

static int read_map(struct yaml_reading *reading, struct ynode *node)
{
	struct ynode **tail = &node->first;
	int err = check_plain(reading, reading->event.data.mapping_start.anchor,
			      reading->event.data.mapping_start.tag);

	node->kind = YNODE_MAP;
	while (!err) {
		err = next_event(reading);
		if (err || reading->event.type == YAML_MAPPING_END_EVENT)
			break;
		err = read_key(reading, tail);
		if (err)
			break;
		tail = &(*tail)->next;
		node->count++;
	}
	return err ? err : check_keys(reading, node);
}

/* Reads the node that the current event begins. */
static int read_node(struct yaml_reading *reading, struct ynode **ret_node)
{
	struct ynode *node = arena_alloc(reading->arena, sizeof(*node));
	int err;

	if (!node)
		return -ENOMEM;
	if (reading->depth >= YAML_DEPTH)
		return fail_at(reading, reading->event.start_mark,
			       "nested more than %d levels deep", YAML_DEPTH);
	node->line = (unsigned)reading->event.start_mark.line + 1;
	node->column = (unsigned)reading->event.start_mark.column + 1;
	reading->depth++;
	switch (reading->event.type) {
	case YAML_SCALAR_EVENT:
		err = read_scalar(reading, node);
		break;
	case YAML_SEQUENCE_START_EVENT:
		err = read_list(reading, node);
		break;
	case YAML_MAPPING_START_EVENT:
		err = read_map(reading, node);
		break;
	case YAML_ALIAS_EVENT:
		err = fail_at(reading, reading->event.start_mark,
			      "aliases (*%s) are not supported: write the value out",
			      (const char *)reading->event.data.alias.anchor);
		break;
	default:
		err = fail_at(reading, reading->event.start_mark, "expected a value");
	}
	reading->depth--;
	if (!err)
		*ret_node = node;
	return err;
}

static int expect_event(struct yaml_reading *reading, yaml_event_type_t type, const char *otherwise)
{
	int err = next_event(reading);

	if (!err && reading->event.type != type)
		err = fail_at(reading, reading->event.start_mark, "%s", otherwise);
	return err;
}

static int read_file(struct yaml_reading *reading, struct ynode **ret_root)
{
	struct ynode *root = NULL;
	int err = expect_event(reading, YAML_STREAM_START_EVENT, "expected YAML");

	if (!err)
		err = expect_event(reading, YAML_DOCUMENT_START_EVENT, "the file is empty");
	if (!err)
		err = next_event(reading);
	if (!err)
		err = read_node(reading, &root);
	if (!err)
		err = expect_event(reading, YAML_DOCUMENT_END_EVENT, "expected the end");
	if (!err)
		err = expect_event(reading, YAML_STREAM_END_EVENT,
				   "a second document begins here: one file holds one");
	if (!err)
		*ret_root = root;
	return err;
}

int yaml_read(const char *file, const char *text, size_t length, struct arena *arena,
	      struct ynode **ret_root, struct vfiosim_error *ret_error)
{
	struct yaml_reading reading = {
		.file = file, .text = text, .length = length, .arena = arena, .error = ret_error,
	};
	int err;

	if (length > YAML_BYTES)
		return yaml_error(ret_error, file, NULL, "longer than %u bytes", YAML_BYTES);
	if (!yaml_parser_initialize(&reading.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
	err = read_file(&reading, ret_root);
	if (reading.have_event)
		yaml_event_delete(&reading.event);
	yaml_parser_delete(&reading.parser);
	return err;
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	for (struct ynode *at = map->first; at; at = at->next)
		if (!strcmp(at->text, key))
			return at->value;
	return NULL;
}

const char *ynode_found(const struct ynode *node, char *buffer, size_t size)
{
	if (node->kind == YNODE_LIST)
		return "a list";
	if (node->kind == YNODE_MAP)
		return "a map";
	if (!*node->text)
		return "nothing";
	snprintf(buffer, size, "'%.*s'%s", 60, node->text, strlen(node->text) > 60 ? "..." : "");
	return buffer;
}
