/* SPDX-License-Identifier: MIT */
/* The address space: sections in ascending order, and the whole pages inside them. */
#include <errno.h>
#include <stdlib.h>

#include "select/selector.h"

#include <vfiosim/vfiosim.h>

#define PAGE_MASK (VFIOSIM_PAGE_SIZE - 1ul)

static uint64_t last_of(const struct section *section)
{
	return section->iova + section->size - 1;
}

int sections_insert(struct selector *selector, const struct section *section,
		    struct select_section **ret_section)
{
	struct select_section *next, *own;

	if (!section->size || last_of(section) < section->iova)
		return -EINVAL;
	TAILQ_FOREACH(next, &selector->sections, in_selector) {
		if (next->section.iova > last_of(section))
			break;
		if (last_of(&next->section) >= section->iova)
			return -EEXIST;
	}
	own = calloc(1, sizeof(*own));
	if (!own)
		return -ENOMEM;
	own->section = *section;
	if (next)
		TAILQ_INSERT_BEFORE(next, own, in_selector);
	else
		TAILQ_INSERT_TAIL(&selector->sections, own, in_selector);
	*ret_section = own;
	return 0;
}

struct select_section *sections_find(const struct selector *selector, uint64_t iova)
{
	struct select_section *own;

	TAILQ_FOREACH(own, &selector->sections, in_selector)
		if (own->section.iova == iova)
			return own;
	return NULL;
}

/* Rounds inwards: a page that is only partly the section's belongs to nobody. */
bool section_pages(const struct section *section, struct section *ret_pages)
{
	uint64_t skip = -section->iova & PAGE_MASK;
	uint64_t size;

	if ((section->iova & PAGE_MASK) != (section->uva & PAGE_MASK))
		return false;
	if (section->size <= skip)
		return false;
	size = (section->size - skip) & ~PAGE_MASK;
	if (!size)
		return false;
	*ret_pages = (struct section){
		.kind = section->kind,
		.iova = section->iova + skip,
		.size = size,
		.uva = section->uva + skip,
	};
	return true;
}
