/* SPDX-License-Identifier: MIT */
/* Edits: what can happen to a text that somebody writes. */
#ifndef HARNESS_FUZZ_EDITS_H
#define HARNESS_FUZZ_EDITS_H

#include "fuzz/choices.h"

#define TEXT_MAX 65536

struct text {
	char bytes[TEXT_MAX];
	size_t n;
};

/* What does not fit is cut off. */
void text_set(struct text *text, const char *from, size_t n);
/* Any one edit; @other is a text of the same kind, from which lines and words may come. */
void edit_any(struct text *text, const struct text *other, struct choices *choices);

#endif
