/* SPDX-License-Identifier: MIT */
#include "base/fault_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

struct writer {
	fault_text_pick *pick;
	void *ctx;
	struct vfiosim_errors *errors;
	FILE *to;
};

/* @key: NULL for where it happens. */
static int put_word(const struct writer *writer, const struct ynode *key, const struct ynode *node)
{
	const struct ynode *value = node;
	int error = writer->pick ? writer->pick(writer->ctx, node, &value) : 0;

	if (error)
		return error;
	if (value->kind != YNODE_SCALAR || !*value->text || strchr(value->text, ','))
		return ynode_expected(value, writer->errors, "one word or number");
	if (key && strpbrk(key->text, ",="))
		return ynode_error(key, writer->errors, "a fault has no key '%s'", key->text);
	if (key)
		fprintf(writer->to, ",%s=", key->text);
	fputs(value->text, writer->to);
	return 0;
}

static int put_map(const struct writer *writer, const struct ynode *map)
{
	const struct ynode *at = ynode_get(map, "at");
	int error;

	if (!at)
		return ynode_error(map, writer->errors, "where? A fault has 'at: SITE'");
	error = put_word(writer, NULL, at);
	for (size_t i = 0; i < map->n; i++)
		if (&map->items[i] != at)
			error = worse(error, put_word(writer, &map->keys[i], &map->items[i]));
	return error;
}

int fault_text_read(const struct ynode *node, fault_text_pick *pick, void *ctx, struct arena *arena,
		    const char **ret_text, struct vfiosim_errors *errors)
{
	struct writer writer = { .pick = pick, .ctx = ctx, .errors = errors };
	char *text = NULL;
	size_t size = 0;
	int error;

	if (node->kind == YNODE_SCALAR) {
		*ret_text = arena_text(arena, node->text, strlen(node->text));
		return *ret_text ? 0 : -ENOMEM;
	}
	if (node->kind != YNODE_MAP)
		return ynode_expected(node, errors, "a fault, {at: MAP_DMA, when: 3, error: ENOMEM}");
	writer.to = open_memstream(&text, &size);
	if (!writer.to)
		return -ENOMEM;
	error = put_map(&writer, node);
	if (fclose(writer.to))
		error = -ENOMEM;
	if (!error) {
		*ret_text = arena_text(arena, text, size);
		error = *ret_text ? 0 : -ENOMEM;
	}
	free(text);
	return error;
}
