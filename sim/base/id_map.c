/* SPDX-License-Identifier: MIT */
#include "base/id_map.h"

#include <errno.h>
#include <stdlib.h>

/* Out of memory: uthash forgets the entry and tells us, instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(entry_) ((entry_)->lost = true)
#include <stdbool.h>
#include <uthash.h>

struct entry {
	uint64_t id;
	void *item;
	bool lost;
	UT_hash_handle hh;
};

void id_map_init(struct id_map *map)
{
	map->head = NULL;
}

void id_map_done(struct id_map *map)
{
	struct entry *head = map->head, *entry, *next;

	HASH_ITER(hh, head, entry, next) {
		HASH_DEL(head, entry);
		free(entry);
	}
	map->head = NULL;
}

static struct entry *find_entry(const struct id_map *map, uint64_t id)
{
	struct entry *head = map->head, *entry;

	HASH_FIND(hh, head, &id, sizeof(id), entry);
	return entry;
}

int id_map_insert(struct id_map *map, uint64_t id, void *item)
{
	struct entry *head = map->head, *entry;

	if (!item)
		return -EINVAL;
	if (find_entry(map, id))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->id = id;
	entry->item = item;
	HASH_ADD(hh, head, id, sizeof(entry->id), entry);
	if (entry->lost) {
		free(entry);
		return -ENOMEM;
	}
	map->head = head;
	return 0;
}

void *id_map_find(const struct id_map *map, uint64_t id)
{
	struct entry *entry = find_entry(map, id);

	return entry ? entry->item : NULL;
}

void *id_map_erase(struct id_map *map, uint64_t id)
{
	struct entry *head = map->head, *entry = find_entry(map, id);
	void *item;

	if (!entry)
		return NULL;
	item = entry->item;
	HASH_DEL(head, entry);
	map->head = head;
	free(entry);
	return item;
}

size_t id_map_count(const struct id_map *map)
{
	struct entry *head = map->head;

	return HASH_COUNT(head);
}

void id_map_visit(struct id_map *map, void (*visit)(void *ctx, uint64_t id, void *item), void *ctx)
{
	struct entry *head = map->head, *entry, *next;

	HASH_ITER(hh, head, entry, next)
		visit(ctx, entry->id, entry->item);
}
