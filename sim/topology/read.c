/* SPDX-License-Identifier: MIT */
#include "topology/read.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/value.h"
#include "topology/value.h"

int keep_name(struct topology_reader *reader, enum topology_name_kind kind,
	      const struct ynode *value)
{
	struct topology_name *name = arena_alloc(reader->scratch, sizeof(*name));

	if (!name)
		return -ENOMEM;
	*name = (struct topology_name){ .kind = kind, .node = value, .next = reader->names };
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

static int unknown_key(struct topology_reader *reader, const struct ynode *key,
		       const struct field *fields, const struct field *more)
{
	const char *known[64] = { NULL };
	size_t n = collect_keys(fields, known, 0, 63);

	collect_keys(more, known, n, 63);
	return ynode_unknown(key, reader->errors, "key", known);
}

static bool has_row(const struct field *fields, const char *key)
{
	for (; fields && fields->key; fields++)
		if (!strcmp(fields->key, key))
			return true;
	return false;
}

/* Is there a key without a row that may be @key? That is told already. */
static bool is_misspelt(const struct ynode *map, const struct field *fields, const char *key)
{
	for (size_t i = 0; i < map->n; i++)
		if (!has_row(fields, map->keys[i].text) && nearest_word(map->keys[i].text, &key, 1))
			return true;
	return false;
}

/* @unknown: @map has keys without a row. */
static int read_rows(struct topology_reader *reader, const struct ynode *map,
		     const struct field *fields, void *base, bool unknown)
{
	int err = 0;

	for (const struct field *row = fields; row && row->key && err != -ENOMEM; row++) {
		const struct ynode *value = ynode_get(map, row->key);

		if (!value && row->required && !(unknown && is_misspelt(map, fields, row->key)))
			err = worse(err, ynode_error(map, reader->errors, "'%s' is missing here",
						     row->key));
		if (value && row->read)
			err = worse(err, row->read(reader, value, (char *)base + row->offset));
	}
	return err;
}

int read_fields(struct topology_reader *reader, const struct ynode *map,
		const struct field *fields, const struct field *more, void *base)
{
	int unknown = 0, err;

	if (map->kind != YNODE_MAP)
		return ynode_expected(map, reader->errors, "a map of keys and values");
	for (size_t i = 0; i < map->n; i++)
		if (!has_row(fields, map->keys[i].text) && !has_row(more, map->keys[i].text))
			unknown = unknown_key(reader, &map->keys[i], fields, more);
	err = worse(unknown, read_rows(reader, map, fields, base, unknown));
	if (err == -ENOMEM)
		return err;
	return worse(err, read_rows(reader, map, more, base, unknown));
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
	return ynode_expected(value, reader->errors, list);
}

int read_text(struct topology_reader *reader, const struct ynode *value, void *to)
{
	const char **text = to;

	if (value->kind != YNODE_SCALAR)
		return ynode_expected(value, reader->errors, "text");
	*text = arena_text(reader->arena, value->text, strlen(value->text));
	return *text ? 0 : -ENOMEM;
}

int read_bool(struct topology_reader *reader, const struct ynode *value, void *to)
{
	return ynode_bool(value, to, reader->errors);
}

static int read_up_to(struct topology_reader *reader, const struct ynode *value, uint64_t most,
		      uint64_t *ret_number)
{
	char what[64];

	if (value->kind == YNODE_SCALAR && value_number(value->text, ret_number) &&
	    *ret_number <= most)
		return 0;
	snprintf(what, sizeof(what), "a number up to %#llx", (unsigned long long)most);
	return ynode_expected(value, reader->errors, what);
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
	return ynode_number(value, to, reader->errors);
}

int read_power(struct topology_reader *reader, const struct ynode *value, void *to)
{
	uint64_t size;
	int err = read_size(reader, value, &size);

	if (err)
		return err;
	if (size & (size - 1))
		return ynode_expected(value, reader->errors, "a size that is a power of two");
	*(uint64_t *)to = size;
	return 0;
}

int read_range(struct topology_reader *reader, const struct ynode *value, void *to)
{
	struct vfiosim_range *range = to;

	if (value->kind != YNODE_SCALAR || !value_range(value->text, range))
		return ynode_expected(value, reader->errors, "a range FIRST..LAST");
	if (range->first > range->last)
		return ynode_error(value, reader->errors, "the range %s is reversed: FIRST is above LAST",
				   value->text);
	return 0;
}
