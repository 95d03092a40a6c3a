/* SPDX-License-Identifier: MIT */
#include "topology/read.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/value.h"
#include "topology/value.h"

int topology_fail(struct topology_reader *reader, const struct ynode *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	yaml_verror(reader->error, reader->file, node ? node->line : 0, node ? node->column : 0,
		    format, args);
	va_end(args);
	return -EINVAL;
}

int topology_expected(struct topology_reader *reader, const struct ynode *node, const char *what)
{
	char found[80];

	return topology_fail(reader, node, "expected %s, found %s", what,
			     ynode_found(node, found, sizeof(found)));
}

int keep_name(struct topology_reader *reader, enum topology_name_kind kind,
	      const struct ynode *value)
{
	struct topology_name *name = arena_alloc(reader->scratch, sizeof(*name));

	if (!name)
		return -ENOMEM;
	*name = (struct topology_name){
		.kind = kind, .text = value->text, .file = reader->file, .line = value->line,
		.column = value->column, .next = reader->names,
	};
	reader->names = name;
	return 0;
}

bool is_file_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..") &&
	       strlen(name) < 64;
}

static size_t collect_keys(const struct field *fields, const char **known, size_t n, size_t max)
{
	for (; fields && fields->key && n < max; fields++)
		known[n++] = fields->key;
	return n;
}

static int fail_key(struct topology_reader *reader, const struct ynode *key,
		    const struct field *fields, const struct field *more)
{
	const char *known[64];
	char hint[64], list[320];
	size_t n = collect_keys(fields, known, 0, 64), used = 0;

	n = collect_keys(more, known, n, 64);
	if (*suggestion(key->text, known, n, hint, sizeof(hint)))
		return topology_fail(reader, key, "unknown key '%.60s'%s", key->text, hint);
	list[0] = '\0';
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 i ? ", " : "", known[i]);
	return topology_fail(reader, key, "unknown key '%.60s'; expected one of: %s", key->text,
			     list);
}

static bool has_row(const struct field *fields, const char *key)
{
	for (; fields && fields->key; fields++)
		if (!strcmp(fields->key, key))
			return true;
	return false;
}

static int read_rows(struct topology_reader *reader, const struct ynode *map,
		     const struct field *fields, void *base)
{
	for (; fields && fields->key; fields++) {
		const struct ynode *value = ynode_get(map, fields->key);
		int err;

		if (!value && fields->required)
			return topology_fail(reader, map, "'%s' is missing here", fields->key);
		if (!value || !fields->read)
			continue;
		err = fields->read(reader, value, (char *)base + fields->offset);
		if (err)
			return err;
	}
	return 0;
}

int read_fields(struct topology_reader *reader, const struct ynode *map,
		const struct field *fields, const struct field *more, void *base)
{
	int err;

	if (map->kind != YNODE_MAP)
		return topology_expected(reader, map, "a map of keys and values");
	for (const struct ynode *key = map->first; key; key = key->next)
		if (!has_row(fields, key->text) && !has_row(more, key->text))
			return fail_key(reader, key, fields, more);
	err = read_rows(reader, map, fields, base);
	return err ? err : read_rows(reader, map, more, base);
}

int read_word(struct topology_reader *reader, const struct ynode *value, const struct word *words,
	      int *ret_value)
{
	char list[200] = "";
	size_t used = 0;

	for (const struct word *word = words; word->word; word++) {
		if (value->kind == YNODE_SCALAR && !strcmp(value->text, word->word)) {
			*ret_value = word->value;
			return 0;
		}
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 word == words ? "" : word[1].word ? ", " : " or ",
						 word->word);
	}
	return topology_expected(reader, value, list);
}

int read_text(struct topology_reader *reader, const struct ynode *value, void *to)
{
	const char **text = to;

	if (value->kind != YNODE_SCALAR)
		return topology_expected(reader, value, "text");
	*text = arena_text(reader->arena, value->text, strlen(value->text));
	return *text ? 0 : -ENOMEM;
}

int read_bool(struct topology_reader *reader, const struct ynode *value, void *to)
{
	if (value->kind != YNODE_SCALAR || !value_bool(value->text, to))
		return topology_expected(reader, value, "yes or no");
	return 0;
}

static int read_up_to(struct topology_reader *reader, const struct ynode *value, uint64_t most,
		      uint64_t *ret_number)
{
	char what[64];

	if (value->kind == YNODE_SCALAR && value_number(value->text, ret_number) &&
	    *ret_number <= most)
		return 0;
	snprintf(what, sizeof(what), "a number up to %#llx", (unsigned long long)most);
	return topology_expected(reader, value, what);
}

int read_u8(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t number;
	int err = read_up_to(reader, value, UINT8_MAX, &number);

	if (!err)
		*(uint8_t *)to = (uint8_t)number;
	return err;
}

int read_u16(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t number;
	int err = read_up_to(reader, value, UINT16_MAX, &number);

	if (!err)
		*(uint16_t *)to = (uint16_t)number;
	return err;
}

int read_u32(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t number;
	int err = read_up_to(reader, value, UINT32_MAX, &number);

	if (!err)
		*(uint32_t *)to = (uint32_t)number;
	return err;
}

int read_size(struct topology_reader *reader, const struct ynode *value, void *to)
{
	if (value->kind != YNODE_SCALAR || !value_size(value->text, to))
		return topology_expected(reader, value, "a size (4096, 0x1000, 128K, 2M, 1G)");
	return 0;
}

int read_power(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t size;
	int err = read_size(reader, value, &size);

	if (err)
		return err;
	if (size & (size - 1))
		return topology_expected(reader, value, "a size that is a power of two");
	*(uint64_t *)to = size;
	return 0;
}

int read_range(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_range *range = to;

	if (value->kind != YNODE_SCALAR || !value_range(value->text, range))
		return topology_expected(reader, value, "a range FIRST..LAST");
	if (range->first > range->last)
		return topology_fail(reader, value, "the range %s is reversed: FIRST is above LAST",
				     value->text);
	return 0;
}
