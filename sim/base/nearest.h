/* SPDX-License-Identifier: MIT */
/* What was perhaps meant: the nearest of some known words to one that is none of them. */
#ifndef SIM_BASE_NEAREST_H
#define SIM_BASE_NEAREST_H

#include <stddef.h>

/*
 * How far @one is from @other, either case: letters to insert, remove, change or
 * swap. Counts no further than 9.
 */
unsigned word_distance(const char *one, const char *other);

/*
 * The nearest of the @n words of @known; NULL when none is near. Of words equally
 * near the first. Near: one letter in a word of up to four, else two, or a third of
 * a long one.
 */
const char *nearest_word(const char *word, const char *const *known, size_t n);

/*
 * "; did you mean 'x'?" for the end of a sentence. Where nothing is near: the words that begin
 * with @word, "'x1' or 'x2'", or "" if there are none, or more than three.
 */
const char *suggestion(const char *word, const char *const *known, size_t n, char *buffer,
		       size_t size);

#endif
