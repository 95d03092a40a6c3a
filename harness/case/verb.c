/* SPDX-License-Identifier: MIT */
/* All verbs. The rows live with what they do; see verb.h. */
#include "case/verb.h"

#include <string.h>

static const struct verb *const tables[] = { verbs_space, verbs_plug, verbs_process, verbs_device,
					     verbs_raw, verbs_ioctl };

const struct verb *verb_at(size_t index)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct verb *verb = tables[i]; verb->name; verb++)
			if (!index--)
				return verb;
	return NULL;
}

const struct verb *verb_by_name(const char *name)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)); i++)
		if (!strcmp(verb->name, name))
			return verb;
	return NULL;
}

size_t verb_names(const char **to, size_t max)
{
	const struct verb *verb;
	size_t n = 0;

	while (n + 1 < max && (verb = verb_at(n)))
		to[n++] = verb->name;
	to[n] = NULL;
	return n;
}
