/* SPDX-License-Identifier: MIT */
/* Arrays that grow while a run is looked at. */
#ifndef SWEEP_GROW_H
#define SWEEP_GROW_H

#include <stdbool.h>
#include <stdlib.h>

/* @array with room for one more than the @n it has. No memory: as it was, and @no_memory. */
static inline void *grow(void *array, size_t n, size_t *capacity, size_t size, bool *no_memory)
{
	size_t wanted = *capacity ? 2 * *capacity : 16;
	void *grown;

	if (n < *capacity)
		return array;
	grown = reallocarray(array, wanted, size);
	if (!grown) {
		*no_memory = true;
		return array;
	}
	*capacity = wanted;
	return grown;
}

#endif
