/* SPDX-License-Identifier: MIT */
/*
 * Choices: where a fuzzer's decisions come from.
 *
 * First from bytes that a fuzzing engine made, then from a generator that these bytes
 * have seeded. So a few bytes are enough for a step with many decisions, the engine's
 * mutations reach the first of them one by one, and the same bytes always decide the
 * same.
 */
#ifndef HARNESS_FUZZ_CHOICES_H
#define HARNESS_FUZZ_CHOICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choices {
	const uint8_t *bytes;	/* borrowed: those that are not used up */
	size_t n;
	uint64_t state;		/* of the generator */
};

void choices_init(struct choices *choices, const uint8_t *bytes, size_t n);
/* From a number alone: an endless stream. */
void choices_seed(struct choices *choices, uint64_t seed);

/* 0..@n-1; 0 when @n is 0. One byte where that is enough. */
uint64_t choose(struct choices *choices, uint64_t n);
/* @first..@last */
uint64_t choose_between(struct choices *choices, uint64_t first, uint64_t last);
bool one_in(struct choices *choices, unsigned n);
/* Any number, but edges far more often: 0, 1, all ones, around powers of two and pages. */
uint64_t choose_odd(struct choices *choices);
void choose_bytes(struct choices *choices, void *to, size_t size);

#endif
