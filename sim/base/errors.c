/* SPDX-License-Identifier: MIT */
#include "base/errors.h"

#include <stdio.h>
#include <string.h>

void errors_init(struct vfiosim_errors *errors)
{
	if (!errors)
		return;
	errors->n = 0;
	errors->more = false;
}

/* As strcmp(): by place. */
static int compare(const struct vfiosim_error *one, const struct vfiosim_error *other)
{
	int files = strcmp(one->file, other->file);

	if (files)
		return files;
	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	return (one->column > other->column) - (one->column < other->column);
}

static void insert(struct vfiosim_errors *errors, const struct vfiosim_error *error)
{
	size_t at = 0, end = errors->n;

	for (; at < errors->n && compare(&errors->list[at], error) <= 0; at++)
		if (!compare(&errors->list[at], error) &&
		    !strcmp(errors->list[at].message, error->message))
			return;
	if (errors->n == VFIOSIM_ERRORS_MAX) {
		errors->more = true;
		end--;
		if (at > end)
			return;
	} else {
		errors->n++;
	}
	memmove(&errors->list[at + 1], &errors->list[at], (end - at) * sizeof(*error));
	errors->list[at] = *error;
}

int errors_vadd(struct vfiosim_errors *errors, const char *file, unsigned line, unsigned column,
		const char *format, va_list args)
{
	struct vfiosim_error error = { .line = line, .column = column };

	if (!errors)
		return -EINVAL;
	snprintf(error.file, sizeof(error.file), "%s", file);
	vsnprintf(error.message, sizeof(error.message), format, args);
	insert(errors, &error);
	return -EINVAL;
}

int errors_add(struct vfiosim_errors *errors, const char *file, unsigned line, unsigned column,
	       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	errors_vadd(errors, file, line, column, format, args);
	va_end(args);
	return -EINVAL;
}
