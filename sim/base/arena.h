/* SPDX-License-Identifier: MIT */
/*
 * Arena: memory that is given back all at once. For things that are built piece
 * by piece, never change afterwards and end together: a parsed file, a topology.
 */
#ifndef SIM_BASE_ARENA_H
#define SIM_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;	/* newest first; NULL: nothing allocated yet */
};

void arena_init(struct arena *arena);
void arena_done(struct arena *arena);
/* @size bytes of zeroes, aligned for anything; NULL when there is no memory. 0 bytes are a pointer too. */
void *arena_alloc(struct arena *arena, size_t size);
/* A NUL-terminated copy of @length bytes of @text; NULL when there is no memory. */
char *arena_text(struct arena *arena, const char *text, size_t length);

#endif
