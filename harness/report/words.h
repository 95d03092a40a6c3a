/* SPDX-License-Identifier: MIT */
/* The words --explain uses: what commands do, and what the field's words mean. */
#ifndef HARNESS_REPORT_WORDS_H
#define HARNESS_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* A command in plain words: "join a container". @verb is an event's. NULL: none known. */
const char *words_for_verb(const char *verb);

/* "MAP_DMA" of "VFIO_IOMMU_MAP_DMA", as people write it; @name where there is nothing to leave out. */
const char *words_short_name(const char *name);

enum word_mode { WORD_ANY, WORD_LEGACY, WORD_IOMMUFD };

struct word {
	const char *word;	/* as it appears in a sentence */
	const char *meaning;	/* a gloss: half a sentence */
	enum word_mode mode;	/* where it has that meaning */
	const char *more;	/* some sentences for who looks it up; NULL: the row above has them */
	const char *shown;	/* name of a case that shows it; NULL: the row above has it, or none */
	bool looked_up;		/* no gloss of it in stories: they are understood without */
};
/* @word stands in @text as a word, or begins one: "pin" in "pinned", not in "spinning". */
bool word_in(const char *text, const char *word);
/* Is @text (@length letters) the word, whole: "pin", "pins", "pinned"? Either case. */
bool word_means(const char *text, size_t length, const char *word);
/* The glossary, at most 64 rows; NULL past the end. */
const struct word *word_at(size_t index);

#endif
