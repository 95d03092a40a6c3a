/* SPDX-License-Identifier: MIT */
/* See show.h. */
#include "pages/show.h"

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

static void area_show(struct state *state, const struct area *area)
{
	struct json *json = &state->json;

	json_object(json);
	json_put_hex(json, "first", area->iova.first);
	json_put_hex(json, "last", area->iova.last);
	json_put_hex(json, pages_file(area->pages) ? "file_offset" : "vaddr",
		     area_uva(area, area->iova.first));
	json_put_bool(json, "read", area->flags & AREA_READ);
	json_put_bool(json, "write", area->flags & AREA_WRITE);
	json_put_unsigned(json, "client", area->pages->source->number);
	json_put_bool(json, "pinned", area->flags & AREA_FILLED);
	json_put_unsigned(json, "charged_pages", area->pages->npinned);
	if (area->pages->refs > 1)
		json_put_unsigned(json, "shared_by", area->pages->refs);
	json_put_unsigned(json, "mdev_pinned_pages", area_accessed(area));
	if (area->flags & AREA_VADDR_INVALID)
		json_put_bool(json, "vaddr_invalid", true);
	if (is_stale(state, area))
		json_put_bool(json, "stale", true);
	json_object_end(json);
}

void iopt_show(struct state *state, const struct iopt *iopt)
{
	struct json *json = &state->json;
	struct span_cursor cursor;
	const struct area *area;

	json_key(json, "mappings");
	json_array(json);
	iopt_for_each(iopt, &cursor, area, 0, UINT64_MAX)
		area_show(state, area);
	json_array_end(json);
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
