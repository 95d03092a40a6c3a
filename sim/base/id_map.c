/* SPDX-License-Identifier: MIT */
#include "base/id_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory: uthash forgets the entry and tells us, instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(entry_) ((entry_)->lost = true)
#include <stdbool.h>
#include <uthash.h>

struct entry {
	void *item;
	bool lost;
	UT_hash_handle hh;
	char key[];	/* an id, or a name and its NUL */
};

/* ---- Keys of any kind ---- */

static struct entry *find(void *map, const void *key, size_t size)
{
	struct entry *head = map, *entry;

	HASH_FIND(hh, head, key, size, entry);
	return entry;
}

static int insert(void **map, const void *key, size_t size, void *item)
{
	struct entry *head = *map, *entry;

	if (!item)
		return -EINVAL;
	if (find(head, key, size))
		return -EEXIST;
	entry = calloc(1, sizeof(*entry) + size);
	if (!entry)
		return -ENOMEM;
	memcpy(entry->key, key, size);
	entry->item = item;
	HASH_ADD_KEYPTR(hh, head, entry->key, size, entry);
	if (entry->lost) {
		free(entry);
		return -ENOMEM;
	}
	*map = head;
	return 0;
}

static void *erase(void **map, const void *key, size_t size)
{
	struct entry *head = *map, *entry = find(head, key, size);
	void *item;

	if (!entry)
		return NULL;
	item = entry->item;
	HASH_DEL(head, entry);
	*map = head;
	free(entry);
	return item;
}

static void forget(void **map)
{
	struct entry *head = *map, *entry, *next;

	HASH_ITER(hh, head, entry, next) {
		HASH_DEL(head, entry);
		free(entry);
	}
	*map = NULL;
}

/* ---- Ids ---- */

void id_map_init(struct id_map *map)
{
	map->head = NULL;
}

void id_map_done(struct id_map *map)
{
	forget(&map->head);
}

int id_map_insert(struct id_map *map, uint64_t id, void *item)
{
	return insert(&map->head, &id, sizeof(id), item);
}

void *id_map_find(const struct id_map *map, uint64_t id)
{
	struct entry *entry = find(map->head, &id, sizeof(id));

	return entry ? entry->item : NULL;
}

void *id_map_erase(struct id_map *map, uint64_t id)
{
	return erase(&map->head, &id, sizeof(id));
}

size_t id_map_count(const struct id_map *map)
{
	struct entry *head = map->head;

	return HASH_COUNT(head);
}

void id_map_visit(struct id_map *map, void (*visit)(void *ctx, uint64_t id, void *item), void *ctx)
{
	struct entry *head = map->head, *entry, *next;
	uint64_t id;

	HASH_ITER(hh, head, entry, next) {
		memcpy(&id, entry->key, sizeof(id));
		visit(ctx, id, entry->item);
	}
}

/* ---- Names ---- */

void name_map_init(struct name_map *map)
{
	map->head = NULL;
}

void name_map_done(struct name_map *map)
{
	forget(&map->head);
}

int name_map_insert(struct name_map *map, const char *name, void *item)
{
	return insert(&map->head, name, strlen(name) + 1, item);
}

void *name_map_find(const struct name_map *map, const char *name)
{
	struct entry *entry = find(map->head, name, strlen(name) + 1);

	return entry ? entry->item : NULL;
}

void *name_map_erase(struct name_map *map, const char *name)
{
	return erase(&map->head, name, strlen(name) + 1);
}

void name_map_visit(struct name_map *map, void (*visit)(void *ctx, const char *name, void *item),
		    void *ctx)
{
	struct entry *head = map->head, *entry, *next;

	HASH_ITER(hh, head, entry, next)
		visit(ctx, entry->key, entry->item);
}
