/* SPDX-License-Identifier: MIT */
/* What some expectation of a file asks for. See interest.h. */
#include "expect/interest.h"

#include "expect/judge.h"

static bool list_has(const struct what_list *list, const struct seen_mapping *mapping, bool ranges)
{
	for (size_t i = 0; i < list->n; i++)
		if ((!ranges || list->items[i].kind == WHAT_RANGE) &&
		    what_is(&list->items[i], mapping))
			return true;
	return false;
}

static bool spaces_have(const struct spaces_want *spaces, const struct seen_mapping *mapping,
			bool ranges)
{
	for (size_t i = 0; spaces->listed && i < spaces->n; i++)
		if (list_has(&spaces->items[i].holds, mapping, ranges))
			return true;
	return false;
}

bool interest_in(const struct expectations *expect, const struct seen_mapping *mapping, bool ranges,
		 bool *ret_any)
{
	bool held = list_has(&expect->omitted, mapping, ranges) ||
		    spaces_have(&expect->spaces, mapping, ranges);

	*ret_any = expect->spaces.listed;
	for (size_t i = 0; i < expect->n_moments; i++) {
		const struct moment_want *want = &expect->moments[i];

		*ret_any = *ret_any || want->holds.node || want->spaces.listed;
		held = held || list_has(&want->holds, mapping, ranges) ||
		       spaces_have(&want->spaces, mapping, ranges);
	}
	return held;
}

bool interest_in_pages(const struct spaces_want *want)
{
	for (size_t i = 0; want->listed && i < want->n; i++)
		if (want->items[i].pinned.node)
			return true;
	return false;
}

bool interest_in_pinned(const struct expectations *expect)
{
	for (size_t i = 0; expect && i < expect->n_moments; i++)
		if (expect->moments[i].pinned.node || interest_in_pages(&expect->moments[i].spaces))
			return true;
	return expect && interest_in_pages(&expect->spaces);
}
