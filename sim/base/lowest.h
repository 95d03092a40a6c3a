/* SPDX-License-Identifier: MIT */
/* Numbers as the kernel's ida gives them out: the lowest that is free. */
#ifndef SIM_BASE_LOWEST_H
#define SIM_BASE_LOWEST_H

#include <stddef.h>
#include <stdint.h>

/*
 * The lowest number that none of @n things has, no two of which have the same one.
 * @number_of: negative, it has none.
 */
static inline int lowest_free(size_t n, int (*number_of)(const void *ctx, size_t i), const void *ctx)
{
	int count = 0, highest = -1;

	for (size_t i = 0; i < n; i++) {
		int number = number_of(ctx, i);

		count += number >= 0;
		highest = number > highest ? number : highest;
	}
	if (count == highest + 1)	/* nothing has been given back */
		return count;
	for (int first = 0;; first += 64) {
		uint64_t taken = 0;

		for (size_t i = 0; i < n; i++) {
			int number = number_of(ctx, i);

			if (number >= first && number < first + 64)
				taken |= UINT64_C(1) << (number - first);
		}
		if (~taken)
			return first + __builtin_ctzll(~taken);
	}
}

#endif
