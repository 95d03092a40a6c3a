/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target: something that eats bytes. Each is a program, X_fuzz.c, linked twice:
 *
 *	with libFuzzer (clang)	`make fuzz`: coverage leads, the corpus grows
 *	with driver.c		seeded random inputs, on any compiler; `make check` runs a
 *				short share of it
 *
 * libFuzzer rather than AFL++: a machine costs less than a fork, lives in the process
 * and leaves nothing behind, so one process can try thousands a second; it comes with
 * clang; and its one function is all that the driver needs to take its place.
 *
 * An input that fails ends the process (abort(), or a sanitizer).
 */
#ifndef HARNESS_FUZZ_FUZZ_H
#define HARNESS_FUZZ_FUZZ_H

#include <stdio.h>

#include "fuzz/choices.h"

struct fuzz_target {
	const char *name;
	/* Called first by the driver; may end the program, where it is started as something else. */
	void (*begin)(int argc, char **argv);
	size_t unit;		/* inputs are made of pieces of so many bytes; 1: of bytes */
	size_t max;		/* bytes of one input */
	unsigned few;		/* inputs: some seconds' worth, for `make check` */
	/* What the driver tries, of @size bytes at most; its length. NULL: random bytes. */
	size_t (*make)(struct choices *choices, uint8_t *to, size_t size);
	/* @tell: the story of this input goes there; NULL: no story. */
	void (*run)(const uint8_t *data, size_t size, FILE *tell);
	/* What was tried so far; false: that was not worth much. NULL: nothing to say. */
	bool (*report)(FILE *to);
};

/* Each program has one. */
extern const struct fuzz_target fuzz_target;

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

#endif
