/* SPDX-License-Identifier: MIT */
/*
 * Words of the glossary in a page: each links to its entry, once in a section.
 *
 *	zeroed -> { links_section, links_text ... } -> links_glossary
 */
#ifndef HARNESS_REPORT_LINKS_H
#define HARNESS_REPORT_LINKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct links {
	FILE *to;
	bool iommufd;		/* words that only iommufd has are meant as such */
	bool legacy;		/* those that only containers have */
	uint64_t used;		/* bits of words that were linked at all ... */
	uint64_t here;		/* ... and in this section */
};

/* A section begins: its words link anew. */
void links_section(struct links *links);
/* @text, escaped, its words linked. */
void links_text(struct links *links, const char *text);
/* The entries of all words that were linked, as <dl>; and of the words in these. */
void links_glossary(struct links *links);

#endif
