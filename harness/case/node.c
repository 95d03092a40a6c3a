/* SPDX-License-Identifier: MIT */
/* YAML as a tree with places. See node.h. */
#include "case/node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include <vfiosim/topology.h>

#define DEPTH_MAX 32
#define NODES_MAX 100000	/* aliases can make a small file large */
#define NEAREST_MAX 64

struct reader {
	yaml_document_t document;
	const char *file;
	struct vfiosim_error *error;
	unsigned depth;
	unsigned n_nodes;
};

/* ---- Complaining ------------------------------------------------------- */

int node_error(const struct node *node, struct vfiosim_error *ret_error, const char *format, ...)
{
	va_list args;

	snprintf(ret_error->file, sizeof(ret_error->file), "%s", node->file);
	ret_error->line = node->line;
	ret_error->column = node->column;
	va_start(args, format);
	vsnprintf(ret_error->message, sizeof(ret_error->message), format, args);
	va_end(args);
	return -EINVAL;
}

/* How many letters must be added, dropped or changed to make @b of @a. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NEAREST_MAX + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

const char *nearest(const char *text, const char *const *known)
{
	const char *found = NULL;
	size_t length = strlen(text);
	unsigned best = length < 4 ? 2 : 4;

	if (length > NEAREST_MAX)
		return NULL;
	for (; *known; known++) {
		unsigned far;

		if (strlen(*known) > NEAREST_MAX)
			continue;
		far = strcasecmp(text, *known) ? distance(text, *known) : 0;
		if (far < best) {
			best = far;
			found = *known;
		}
	}
	return found;
}

int node_unknown(const struct node *node, struct vfiosim_error *ret_error, const char *what,
		 const char *const *known)
{
	const char *text = node->text ? node->text : "";
	const char *near = nearest(text, known);
	char list[300] = "";
	size_t n = 0;

	if (near)
		return node_error(node, ret_error, "unknown %s '%s', did you mean '%s'?", what,
				  text, near);
	for (; *known && n + 1 < sizeof(list); known++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "", *known);
	return node_error(node, ret_error, "unknown %s '%s', expected one of: %s", what, text,
			  list);
}

/* ---- Building the tree ------------------------------------------------- */

static int build(struct reader *reader, int index, struct node *to);

static int build_list(struct reader *reader, yaml_node_t *from, struct node *to)
{
	size_t n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);

	to->kind = NODE_LIST;
	to->items = calloc(n + 1, sizeof(*to->items));
	if (!to->items)
		return -ENOMEM;
	for (; to->n < n; to->n++) {
		int error = build(reader, from->data.sequence.items.start[to->n],
				  &to->items[to->n]);

		if (error) {
			to->n++;
			return error;
		}
	}
	return 0;
}

static int check_key(struct reader *reader, const struct node *map, const struct node *key)
{
	if (key->kind != NODE_SCALAR)
		return node_error(key, reader->error, "expected a name here");
	for (size_t i = 0; i < map->n; i++)
		if (map->keys[i].text && !strcmp(map->keys[i].text, key->text))
			return node_error(key, reader->error,
					  "'%s' stands here twice, first in line %u", key->text,
					  map->keys[i].line);
	return 0;
}

static int build_map(struct reader *reader, yaml_node_t *from, struct node *to)
{
	size_t n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);
	int error = 0;

	to->kind = NODE_MAP;
	to->items = calloc(n + 1, sizeof(*to->items));
	to->keys = calloc(n + 1, sizeof(*to->keys));
	if (!to->items || !to->keys)
		return -ENOMEM;
	for (size_t i = 0; i < n && !error; i++) {
		yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];

		error = build(reader, pair->key, &to->keys[i]);
		if (!error)
			error = check_key(reader, to, &to->keys[i]);
		if (!error)
			error = build(reader, pair->value, &to->items[i]);
		to->n++;
	}
	return error;
}

static int build(struct reader *reader, int index, struct node *to)
{
	yaml_node_t *from = yaml_document_get_node(&reader->document, index);
	int error;

	*to = (struct node){
		.file = reader->file,
		.line = (unsigned)from->start_mark.line + 1,
		.column = (unsigned)from->start_mark.column + 1,
	};
	if (reader->depth == DEPTH_MAX)
		return node_error(to, reader->error, "nested more than %d deep", DEPTH_MAX);
	if (reader->n_nodes++ == NODES_MAX)
		return node_error(to, reader->error, "more than %d values", NODES_MAX);
	reader->depth++;
	if (from->type == YAML_SEQUENCE_NODE) {
		error = build_list(reader, from, to);
	} else if (from->type == YAML_MAPPING_NODE) {
		error = build_map(reader, from, to);
	} else {
		to->kind = NODE_SCALAR;
		to->text = strdup((const char *)from->data.scalar.value);
		error = to->text ? 0 : -ENOMEM;
		if (!error && strlen(to->text) != from->data.scalar.length)
			error = node_error(to, reader->error, "a NUL byte inside a text");
	}
	reader->depth--;
	return error;
}

static int parser_error(const yaml_parser_t *parser, const char *file,
			struct vfiosim_error *ret_error)
{
	struct node at = { .file = file, .line = (unsigned)parser->problem_mark.line + 1,
			   .column = (unsigned)parser->problem_mark.column + 1 };

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return node_error(&at, ret_error, "not YAML: %s%s%s",
			  parser->problem ? parser->problem : "unreadable",
			  parser->context ? " " : "", parser->context ? parser->context : "");
}

/* The document is loaded; makes the tree of it. */
static int build_root(struct reader *reader, struct node **ret_root)
{
	struct node *root = calloc(1, sizeof(*root));
	char *file = strdup(reader->file);
	int error;

	if (!root || !file) {
		free(root);
		free(file);
		return -ENOMEM;
	}
	reader->file = file;
	*root = (struct node){ .file = file, .line = 1, .column = 1 };
	if (yaml_document_get_root_node(&reader->document))
		error = build(reader, 1, root);
	else
		error = node_error(root, reader->error, "the file is empty");
	if (error)
		node_free(root);
	else
		*ret_root = root;
	return error;
}

int node_parse(const char *file, const char *text, size_t length, struct node **ret_root,
	       struct vfiosim_error *ret_error)
{
	struct reader reader = { .file = file, .error = ret_error };
	yaml_parser_t parser;
	int error;

	*ret_error = (struct vfiosim_error){ 0 };
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (yaml_parser_load(&parser, &reader.document)) {
		error = build_root(&reader, ret_root);
		yaml_document_delete(&reader.document);
	} else {
		error = parser_error(&parser, file, ret_error);
	}
	yaml_parser_delete(&parser);
	return error;
}

static void free_below(struct node *node)
{
	for (size_t i = 0; i < node->n; i++) {
		free_below(&node->items[i]);
		if (node->keys)
			free_below(&node->keys[i]);
	}
	free(node->items);
	free(node->keys);
	free((void *)(uintptr_t)node->text);
}

void node_free(struct node *root)
{
	const char *file;

	if (!root)
		return;
	file = root->file;
	free_below(root);
	free(root);
	free((void *)(uintptr_t)file);
}

/* ---- Looking and reading ----------------------------------------------- */

const struct node *node_get(const struct node *map, const char *key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->keys[i].text, key))
			return &map->items[i];
	return NULL;
}

const struct node *node_resolve(const struct node *node, const struct node *values)
{
	const struct node *value;

	if (!node || node->kind != NODE_SCALAR || node->text[0] != '$')
		return node;
	value = node_get(values, node->text + 1);
	return value ? value : node;
}

int node_text(const struct node *node, const char *what, const char **ret_text,
	      struct vfiosim_error *ret_error)
{
	if (node->kind != NODE_SCALAR || !node->text[0])
		return node_error(node, ret_error, "expected %s", what);
	if (node->text[0] == '$')
		return node_error(node, ret_error,
				  "nothing is called '%s': no variant gives it a value",
				  node->text);
	*ret_text = node->text;
	return 0;
}

static bool suffix(const char *text, unsigned *ret_shift)
{
	static const char letters[] = "KMGTPE";
	const char *at;

	if (!text[0]) {
		*ret_shift = 0;
		return true;
	}
	at = strchr(letters, text[0]);
	if (!at || text[1])
		return false;
	*ret_shift = 10 * (unsigned)(at - letters + 1);
	return true;
}

int node_number(const struct node *node, uint64_t *ret_value, struct vfiosim_error *ret_error)
{
	static const char expected[] = "a number: 4096, 0x1000, 4K, 128M";
	const char *text;
	char *end;
	uint64_t value;
	unsigned shift;
	int error = node_text(node, expected, &text, ret_error);

	if (error)
		return error;
	if (!strcmp(text, "-1")) {
		*ret_value = UINT64_MAX;
		return 0;
	}
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno == ERANGE)
		return node_error(node, ret_error, "'%s' does not fit into 64 bits", text);
	if (text[0] < '0' || text[0] > '9' || !suffix(end, &shift))
		return node_error(node, ret_error, "'%s' is not a number: expected %s", text,
				  expected);
	if (shift && value > UINT64_MAX >> shift)
		return node_error(node, ret_error, "'%s' does not fit into 64 bits", text);
	*ret_value = value << shift;
	return 0;
}

int node_choice(const struct node *node, const char *what, const char *const *known,
		unsigned *ret_index, struct vfiosim_error *ret_error)
{
	const char *text;
	int error = node_text(node, what, &text, ret_error);

	if (error)
		return error;
	for (unsigned i = 0; known[i]; i++)
		if (!strcmp(text, known[i])) {
			*ret_index = i;
			return 0;
		}
	return node_unknown(node, ret_error, what, known);
}

int node_bool(const struct node *node, bool *ret_value, struct vfiosim_error *ret_error)
{
	static const char *const words[] = { "no", "yes", "false", "true", NULL };
	unsigned index;
	int error = node_choice(node, "yes or no", words, &index, ret_error);

	if (!error)
		*ret_value = index & 1;
	return error;
}
