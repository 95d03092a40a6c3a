/* SPDX-License-Identifier: MIT */
/* IOVA ranges: a short sorted array. */
#include "pages/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ranges_init(struct ranges *ranges)
{
	memset(ranges, 0, sizeof(*ranges));
}

void ranges_done(struct ranges *ranges)
{
	free(ranges->items);
	ranges_init(ranges);
}

static int insert_at(struct ranges *ranges, size_t at, struct span span)
{
	if (ranges->n == ranges->capacity) {
		size_t capacity = ranges->capacity ? 2 * ranges->capacity : 8;
		struct span *grown = realloc(ranges->items, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ranges->items = grown;
		ranges->capacity = capacity;
	}
	memmove(&ranges->items[at + 1], &ranges->items[at], (ranges->n - at) * sizeof(span));
	ranges->items[at] = span;
	ranges->n++;
	return 0;
}

static void remove_at(struct ranges *ranges, size_t at)
{
	ranges->n--;
	memmove(&ranges->items[at], &ranges->items[at + 1],
		(ranges->n - at) * sizeof(ranges->items[0]));
}

int ranges_copy(struct ranges *to, const struct ranges *from)
{
	ranges_init(to);
	for (size_t i = 0; i < from->n; i++)
		if (insert_at(to, i, from->items[i])) {
			ranges_done(to);
			return -ENOMEM;
		}
	return 0;
}

int ranges_limit(struct ranges *ranges, struct span window)
{
	if (!ranges->n)
		return insert_at(ranges, 0, window);
	for (size_t i = 0; i < ranges->n;) {
		if (!span_overlaps(ranges->items[i], window)) {
			remove_at(ranges, i);
			continue;
		}
		ranges->items[i] = span_clip(ranges->items[i], window);
		i++;
	}
	return 0;
}

int ranges_exclude(struct ranges *ranges, struct span hole)
{
	for (size_t i = 0; i < ranges->n;) {
		struct span old = ranges->items[i];
		int ret = 0;

		if (!span_overlaps(old, hole)) {
			i++;
			continue;
		}
		remove_at(ranges, i);
		if (old.first < hole.first)
			ret = insert_at(ranges, i++, (struct span){ old.first, hole.first - 1 });
		if (!ret && old.last > hole.last)
			ret = insert_at(ranges, i++, (struct span){ hole.last + 1, old.last });
		if (ret)
			return ret;
	}
	return 0;
}

int ranges_append(struct ranges *ranges, struct span span)
{
	return insert_at(ranges, ranges->n, span);
}

bool ranges_allow(const struct ranges *ranges, struct span span)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (span_contains(ranges->items[i], span))
			return true;
	return !ranges->n;
}
