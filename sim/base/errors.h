/* SPDX-License-Identifier: MIT */
/*
 * A list of what is wrong with a file, filled as it is found and kept in order of
 * the places. Functions take NULL for "do not tell me". Begin with errors_init().
 */
#ifndef SIM_BASE_ERRORS_H
#define SIM_BASE_ERRORS_H

#include <errno.h>
#include <stdarg.h>

#include <vfiosim/error.h>

void errors_init(struct vfiosim_errors *errors);
/* Adds one, unless the same is said of the same place already. Always -EINVAL. */
int errors_add(struct vfiosim_errors *errors, const char *file, unsigned line, unsigned column,
	       const char *format, ...) __attribute__((format(printf, 5, 6)));
int errors_vadd(struct vfiosim_errors *errors, const char *file, unsigned line, unsigned column,
		const char *format, va_list args) __attribute__((format(printf, 5, 0)));

/* Of two results, for readers that go on: what is broken for good counts over a mistake in the file. */
static inline int worse(int one, int other)
{
	return !one || (one == -EINVAL && other) ? other : one;
}

#endif
