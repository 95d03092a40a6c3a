/* SPDX-License-Identifier: MIT */
#include "base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/errors.h"
#include "base/nearest.h"
#include "base/value.h"

struct yaml_reading {
	yaml_parser_t parser;
	yaml_event_t event;		/* the one being looked at */
	bool have_event;
	bool useless;			/* no tree comes of it, only complaints */
	bool duplicates;		/* the tree has a key twice */
	const char *file;		/* as long as the tree */
	const char *text;
	size_t length;
	struct arena *arena;
	struct vfiosim_errors *errors;
	unsigned depth;
};

/* ---- Complaints ---- */

int ynode_error(const struct ynode *node, struct vfiosim_errors *errors, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	errors_vadd(errors, node->file, node->line, node->column, format, args);
	va_end(args);
	return -EINVAL;
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

int ynode_expected(const struct ynode *node, struct vfiosim_errors *errors, const char *what)
{
	char found[80];

	return ynode_error(node, errors, "expected %s, found %s", what,
			   ynode_found(node, found, sizeof(found)));
}

int ynode_unknown(const struct ynode *node, struct vfiosim_errors *errors, const char *what,
		  const char *const *known)
{
	char hint[80], found[80], list[320] = "";
	size_t n = 0, used = 0;

	ynode_found(node, found, sizeof(found));
	if (node->kind != YNODE_SCALAR)
		return ynode_expected(node, errors, what);
	while (known[n])
		n++;
	if (*suggestion(node->text, known, n, hint, sizeof(hint)))
		return ynode_error(node, errors, "unknown %s %s%s", what, found, hint);
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 known[i]);
	return ynode_error(node, errors, "unknown %s %s; expected one of: %s", what, found, list);
}

/* ---- Parsing ---- */

/* Said of the file's text rather than of a node. */
__attribute__((format(printf, 3, 4)))
static int fail_at(struct yaml_reading *reading, yaml_mark_t mark, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	errors_vadd(reading->errors, reading->file, (unsigned)mark.line + 1,
		    (unsigned)mark.column + 1, format, args);
	va_end(args);
	reading->useless = true;
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

/* A key that stands twice would silently hide one of them: refused. */
static int check_keys(struct yaml_reading *reading, const struct ynode *map)
{
	const struct ynode **keys = calloc(map->n + 1, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++)
		keys[i] = &map->keys[i];
	qsort(keys, map->n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < map->n; i++)
		if (!strcmp(keys[i - 1]->text, keys[i]->text))
			reading->duplicates = ynode_error(keys[i], reading->errors,
							  "duplicate key '%.60s', first in line %u",
							  keys[i]->text, keys[i - 1]->line);
	free(keys);
	return 0;
}

/* What stands in a list or a map, while it is not known how much there is. */
struct child {
	struct ynode key, value;
	struct child *next;
};

static int read_node(struct yaml_reading *reading, struct ynode *node);

/* What is not supported but leaves the file readable is told; there may be more of it. */
static void check_plain(struct yaml_reading *reading, const yaml_char_t *anchor,
			const yaml_char_t *tag)
{
	if (anchor)
		fail_at(reading, reading->event.start_mark,
			"anchors (&%s) are not supported: write the value out", (const char *)anchor);
	if (tag)
		fail_at(reading, reading->event.start_mark,
			"tags (%s) are not supported: values need no type", (const char *)tag);
}

static int read_scalar(struct yaml_reading *reading, struct ynode *node)
{
	const char *value = (const char *)reading->event.data.scalar.value;
	size_t length = reading->event.data.scalar.length;

	check_plain(reading, reading->event.data.scalar.anchor, reading->event.data.scalar.tag);
	if (strlen(value) != length)
		fail_at(reading, reading->event.start_mark, "a value cannot hold a NUL byte");
	node->kind = YNODE_SCALAR;
	node->text = arena_text(reading->arena, value, length);
	return node->text ? 0 : -ENOMEM;
}

/* A key that is no word is read over, so that what follows can be looked at. */
static int read_key(struct yaml_reading *reading, struct ynode *key)
{
	yaml_mark_t mark = reading->event.start_mark;
	int err = read_node(reading, key);

	if (err || key->kind == YNODE_SCALAR)
		return err;
	fail_at(reading, mark, "a key must be a word, found a list or a map");
	key->kind = YNODE_SCALAR;
	key->text = "";
	return 0;
}

/* The next item, or key and value; @ret_child is NULL at the @end. */
static int read_child(struct yaml_reading *reading, yaml_event_type_t end, struct child **ret_child)
{
	struct child *child = NULL;
	int err = next_event(reading);

	if (err || reading->event.type == end) {
		*ret_child = NULL;
		return err;
	}
	child = arena_alloc(reading->arena, sizeof(*child));
	if (!child)
		return -ENOMEM;
	if (end == YAML_MAPPING_END_EVENT) {
		err = read_key(reading, &child->key);
		if (!err)
			err = next_event(reading);
	}
	if (!err)
		err = read_node(reading, &child->value);
	*ret_child = child;
	return err;
}

static int keep_children(struct yaml_reading *reading, struct ynode *node, const struct child *first)
{
	struct ynode *items = arena_alloc(reading->arena, node->n * sizeof(*items));
	struct ynode *keys = NULL;

	if (node->kind == YNODE_MAP)
		keys = arena_alloc(reading->arena, node->n * sizeof(*keys));
	if (!items || (node->kind == YNODE_MAP && !keys))
		return -ENOMEM;
	for (size_t i = 0; i < node->n; i++, first = first->next) {
		items[i] = first->value;
		if (keys)
			keys[i] = first->key;
	}
	node->items = items;
	node->keys = keys;
	return 0;
}

static int read_children(struct yaml_reading *reading, struct ynode *node, yaml_event_type_t end)
{
	struct child *first = NULL, **tail = &first;
	int err;

	while (!(err = read_child(reading, end, tail)) && *tail) {
		tail = &(*tail)->next;
		node->n++;
	}
	return err ? err : keep_children(reading, node, first);
}

static int read_list(struct yaml_reading *reading, struct ynode *node)
{
	check_plain(reading, reading->event.data.sequence_start.anchor,
		    reading->event.data.sequence_start.tag);
	node->kind = YNODE_LIST;
	return read_children(reading, node, YAML_SEQUENCE_END_EVENT);
}

static int read_map(struct yaml_reading *reading, struct ynode *node)
{
	int err;

	check_plain(reading, reading->event.data.mapping_start.anchor,
		    reading->event.data.mapping_start.tag);
	node->kind = YNODE_MAP;
	err = read_children(reading, node, YAML_MAPPING_END_EVENT);
	return err || reading->useless ? err : check_keys(reading, node);
}

static int read_alias(struct yaml_reading *reading, struct ynode *node)
{
	fail_at(reading, reading->event.start_mark,
		"aliases (*%s) are not supported: write the value out",
		(const char *)reading->event.data.alias.anchor);
	node->kind = YNODE_SCALAR;
	node->text = "";
	return 0;
}

/* Reads the node that the current event begins. An error is one that ends the reading. */
static int read_node(struct yaml_reading *reading, struct ynode *node)
{
	int err;

	if (reading->depth >= YAML_DEPTH)
		return fail_at(reading, reading->event.start_mark,
			       "nested more than %d levels deep", YAML_DEPTH);
	node->file = reading->file;
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
		err = read_alias(reading, node);
		break;
	default:
		err = fail_at(reading, reading->event.start_mark, "expected a value");
	}
	reading->depth--;
	return err;
}

static int expect_event(struct yaml_reading *reading, yaml_event_type_t type, const char *otherwise)
{
	int err = next_event(reading);

	if (!err && reading->event.type != type)
		err = fail_at(reading, reading->event.start_mark, "%s", otherwise);
	return err;
}

static int read_document(struct yaml_reading *reading, struct ynode *root)
{
	int err = expect_event(reading, YAML_STREAM_START_EVENT, "expected YAML");

	if (!err)
		err = expect_event(reading, YAML_DOCUMENT_START_EVENT, "the file is empty");
	if (!err)
		err = next_event(reading);
	if (!err)
		err = read_node(reading, root);
	if (!err)
		err = expect_event(reading, YAML_DOCUMENT_END_EVENT, "expected the end");
	if (!err)
		err = expect_event(reading, YAML_STREAM_END_EVENT,
				   "a second document begins here: one file holds one");
	return err;
}

int yaml_parse(const char *file, const char *text, size_t length, struct arena *arena,
	       const struct ynode **ret_root, struct vfiosim_errors *errors)
{
	struct ynode *root = arena_alloc(arena, sizeof(*root));
	struct yaml_reading reading = {
		.file = arena_text(arena, file, strlen(file)), .text = text, .length = length,
		.arena = arena, .errors = errors,
	};
	int err;

	*ret_root = NULL;
	if (!root || !reading.file)
		return -ENOMEM;
	if (length > YAML_BYTES)
		return errors_add(errors, file, 0, 0, "longer than %u bytes", YAML_BYTES);
	if (!yaml_parser_initialize(&reading.parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, length);
	err = read_document(&reading, root);
	if (reading.have_event)
		yaml_event_delete(&reading.event);
	yaml_parser_delete(&reading.parser);
	if (err)
		return err;
	if (!reading.useless)
		*ret_root = root;
	return reading.useless || reading.duplicates ? -EINVAL : 0;
}

/* ---- Files ---- */

bool yaml_is_path(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strchr(name, '/') || (dot && dot != name && !strcmp(dot, ".yaml"));
}

/* One byte more than is allowed: yaml_parse() refuses what is too long. */
static int read_file(const char *path, struct arena *arena, char **ret_text, size_t *ret_length)
{
	FILE *from = fopen(path, "re");
	int err = 0;

	if (!from)
		return -errno;
	*ret_text = arena_alloc(arena, YAML_BYTES + 1);
	if (*ret_text)
		*ret_length = fread(*ret_text, 1, YAML_BYTES + 1, from);
	if (!*ret_text)
		err = -ENOMEM;
	else if (ferror(from))
		err = errno ? -errno : -EIO;
	fclose(from);
	return err;
}

int yaml_load(const char *path, struct arena *arena, const struct ynode **ret_root,
	      struct vfiosim_errors *errors)
{
	char *text = NULL;
	size_t length = 0;
	int err = read_file(path, arena, &text, &length);

	*ret_root = NULL;
	if (!err)
		return yaml_parse(path, text, length, arena, ret_root, errors);
	if (err != -ENOMEM)
		errors_add(errors, path, 0, 0, "cannot be read: %s", strerror(-err));
	return err;
}

/* ---- Looking and reading ---- */

const struct ynode *ynode_get(const struct ynode *map, const char *key)
{
	if (!map || map->kind != YNODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->keys[i].text, key))
			return &map->items[i];
	return NULL;
}

int ynode_text(const struct ynode *node, const char *what, const char **ret_text,
	       struct vfiosim_errors *errors)
{
	if (node->kind != YNODE_SCALAR || !*node->text)
		return ynode_expected(node, errors, what);
	*ret_text = node->text;
	return 0;
}

int ynode_number(const struct ynode *node, uint64_t *ret_number, struct vfiosim_errors *errors)
{
	if (node->kind == YNODE_SCALAR && value_number(node->text, ret_number))
		return 0;
	if (node->kind == YNODE_SCALAR && value_is_too_large(node->text))
		return ynode_expected(node, errors, "a number up to 2^64-1");
	return ynode_expected(node, errors, "a number (4096, 0x1000, 128K, 2M, 1G)");
}

int ynode_bool(const struct ynode *node, bool *ret_bool, struct vfiosim_errors *errors)
{
	if (node->kind != YNODE_SCALAR || !value_bool(node->text, ret_bool))
		return ynode_expected(node, errors, "yes or no");
	return 0;
}

int ynode_choice(const struct ynode *node, const char *what, const char *const *known,
		 unsigned *ret_index, struct vfiosim_errors *errors)
{
	for (unsigned i = 0; known[i]; i++) {
		if (node->kind != YNODE_SCALAR || strcmp(node->text, known[i]))
			continue;
		*ret_index = i;
		return 0;
	}
	return ynode_unknown(node, errors, what, known);
}
