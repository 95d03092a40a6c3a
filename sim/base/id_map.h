/* SPDX-License-Identifier: MIT */
/*
 * Maps from 64-bit ids, or from names, to pointers: unordered, O(1). The only user of
 * uthash. Not locked; the pointers are the caller's.
 */
#ifndef SIM_BASE_ID_MAP_H
#define SIM_BASE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct id_map {
	void *head;
};

void id_map_init(struct id_map *map);
void id_map_done(struct id_map *map);
/* -EEXIST, -ENOMEM, -EINVAL for a NULL item. */
int id_map_insert(struct id_map *map, uint64_t id, void *item);
void *id_map_find(const struct id_map *map, uint64_t id);
/* Returns the item that was there, or NULL. */
void *id_map_erase(struct id_map *map, uint64_t id);
size_t id_map_count(const struct id_map *map);
/* Calls @visit for every item, in no particular order; @visit may erase that item only. */
void id_map_visit(struct id_map *map, void (*visit)(void *ctx, uint64_t id, void *item), void *ctx);

/* The same for names. A name is copied. */
struct name_map {
	void *head;
};

void name_map_init(struct name_map *map);
void name_map_done(struct name_map *map);
int name_map_insert(struct name_map *map, const char *name, void *item);
void *name_map_find(const struct name_map *map, const char *name);
void *name_map_erase(struct name_map *map, const char *name);
void name_map_visit(struct name_map *map, void (*visit)(void *ctx, const char *name, void *item),
		    void *ctx);

#endif
