/* SPDX-License-Identifier: MIT */
/* Lists that grow one by one: a pointer and a number. */
#ifndef SIM_BASE_LIST_H
#define SIM_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Room for one more of @size bytes in the list at @list, of @n, which grows at powers of two.
 * No memory: false, the list is as it was, and @no_memory, if not NULL, is set.
 */
static inline bool list_room(void *list, size_t n, size_t size, bool *no_memory)
{
	void **items = list, *more;

	if (n & (n - 1))
		return true;
	more = reallocarray(*items, n ? 2 * n : 1, size);
	if (more)
		*items = more;
	else if (no_memory)
		*no_memory = true;
	return more;
}

static inline bool list_has_text(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return false;
}

#endif
