/* SPDX-License-Identifier: MIT */
#include "base/errnos.h"

#include <string.h>
#include <strings.h>

#define LAST_ERRNO 133	/* EHWPOISON */

static int find(const char *name, int (*compare)(const char *, const char *))
{
	for (int error = 1; error <= LAST_ERRNO; error++) {
		const char *own = strerrorname_np(error);

		if (own && !compare(own, name))
			return error;
	}
	return -1;
}

int errno_by_name(const char *name)
{
	return find(name, strcmp);
}

int errno_by_word(const char *word)
{
	return find(word, strcasecmp);
}

size_t errno_words(const char **to, size_t max)
{
	size_t n = 0;

	for (int error = 1; error <= LAST_ERRNO && n < max; error++)
		if (strerrorname_np(error))
			to[n++] = strerrorname_np(error);
	return n;
}
