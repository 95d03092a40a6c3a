/* SPDX-License-Identifier: MIT */
/* See show.h. */
#include "pages/show.h"

#include <stdlib.h>

#include "machine/client.h"
#include "pages/pin.h"

void ranges_show(struct state *state, const char *key, const struct ranges *ranges)
{
	struct json *json = &state->json;

	json_key(json, key);
	json_array(json);
	for (size_t i = 0; i < ranges->n; i++) {
		json_object(json);
		json_put_hex(json, "first", ranges->items[i].first);
		json_put_hex(json, "last", ranges->items[i].last);
		json_object_end(json);
	}
	json_array_end(json);
}

/* Pinned, but not what is there now. */
static bool is_stale(const struct state *state, const struct area *area)
{
	const struct vfiosim_vmas *vmas = state_vmas(state, pages_memory(area->pages));

	return area->flags & AREA_FILLED && vmas && pin_stale(area, vmas);
}

/* What is told of an area. */
struct row {
	struct span iova;
	uint64_t at;
	uint32_t client, shared_by;
	uint64_t charged, accessed;
	uint32_t flags;
	bool file, stale;
};

static struct row row_of(const struct state *state, const struct area *area)
{
	return (struct row){
		.iova = area->iova,
		.at = area_uva(area, area->iova.first),
		.client = area->pages->source->number,
		.shared_by = area->pages->refs,
		.charged = area->pages->npinned,
		.accessed = area_accessed(area),
		.flags = area->flags,
		.file = pages_file(area->pages),
		.stale = is_stale(state, area),
	};
}

static void row_show(struct json *json, const struct row *row)
{
	json_object(json);
	json_put_hex(json, "first", row->iova.first);
	json_put_hex(json, "last", row->iova.last);
	json_put_hex(json, row->file ? "file_offset" : "vaddr", row->at);
	json_put_bool(json, "read", row->flags & AREA_READ);
	json_put_bool(json, "write", row->flags & AREA_WRITE);
	json_put_unsigned(json, "client", row->client);
	json_put_bool(json, "pinned", row->flags & AREA_FILLED);
	json_put_unsigned(json, "charged_pages", row->charged);
	if (row->shared_by > 1)
		json_put_unsigned(json, "shared_by", row->shared_by);
	json_put_unsigned(json, "mdev_pinned_pages", row->accessed);
	if (row->flags & AREA_VADDR_INVALID)
		json_put_bool(json, "vaddr_invalid", true);
	if (row->stale)
		json_put_bool(json, "stale", true);
	json_object_end(json);
}

/* The areas of a space, as they are taken and told. */
struct area_table {
	struct state_table table;	/* first */
	const struct iopt *iopt;
	uint64_t next;			/* iova: those below are in rows */
	struct row *rows;
	size_t n, most;
};

static bool take_rows(struct state *state, struct state_table *base)
{
	struct area_table *table = (struct area_table *)base;
	size_t until = table->n + IOPT_PIECE;
	struct span_cursor cursor;
	const struct area *area;

	/* As long as rows are left, the space cannot go without a change of areas_changed. */
	if (table->n == table->most)
		return false;
	iopt_for_each(table->iopt, &cursor, area, table->next, UINT64_MAX) {
		if (table->n == until)
			return true;
		table->rows[table->n++] = row_of(state, area);
		table->next = area->iova.last + 1;
		if (!table->next)
			break;
	}
	return false;
}

static void show_rows(struct json *json, const struct state_table *base)
{
	const struct area_table *table = (const struct area_table *)base;

	json_array(json);
	for (size_t i = 0; i < table->n; i++)
		row_show(json, &table->rows[i]);
	json_array_end(json);
}

static void rows_done(struct state_table *base)
{
	struct area_table *table = (struct area_table *)base;

	free(table->rows);
	free(table);
}

static struct state_table *area_table(const struct iopt *iopt)
{
	struct area_table *table = malloc(sizeof(*table));
	struct row *rows = calloc(iopt->set.count + 1, sizeof(*rows));

	if (!table || !rows) {
		free(table);
		free(rows);
		return NULL;
	}
	*table = (struct area_table){ .table = { take_rows, show_rows, rows_done },
				      .iopt = iopt, .rows = rows, .most = iopt->set.count };
	return &table->table;
}

void iopt_show(struct state *state, const struct iopt *iopt)
{
	json_key(&state->json, "mappings");
	state_later(state, area_table(iopt));
}

void iopt_list(const struct iopt *iopt, struct spaces *spaces, struct vfiosim_space *space)
{
	struct span_cursor cursor;
	const struct area *area;

	iopt_for_each(iopt, &cursor, area, 0, UINT64_MAX) {
		const struct vfiosim_mapping mapping = {
			.first = area->iova.first,
			.last = area->iova.last,
			.client = pages_file(area->pages) ? 0 : area->pages->source->number,
			.at = area_uva(area, area->iova.first),
		};

		space_add_mapping(spaces, space, &mapping, area->pages->npinned * VFIOSIM_PAGE_SIZE);
	}
}
