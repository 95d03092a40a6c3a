/* SPDX-License-Identifier: MIT */
/*
 * Sentences with named values: "{first}..{last} overlaps {type}" and a list of
 * values ended by a NULL name. {name} prints text, or the number in hex;
 * {name:d} prints it in decimal, {name:size} as 4K, 2M, 1G; {name:s} prints "s"
 * unless the number is 1. A name without a value is printed as it stands, braces
 * and all.
 */
#ifndef SIM_BASE_TEXT_H
#define SIM_BASE_TEXT_H

#include <stddef.h>

struct vfiosim_value;

/* At most @size bytes with the final NUL; returns the length it wanted. */
size_t text_fill(char *to, size_t size, const char *sentence, const struct vfiosim_value *values);

#endif
