/* SPDX-License-Identifier: MIT */
/*
 * Values as people write them. Every function takes the whole text and returns
 * false, its output untouched, when there is anything else in it.
 */
#ifndef SIM_BASE_VALUE_H
#define SIM_BASE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * 4096, 0x1000, 4K: decimal or hex, perhaps a unit of 1024 bytes or their powers: K, M, G, T,
 * P or E, either case. -1 is the largest number. No other sign, no overflow, and 010 is ten.
 */
bool value_number(const char *text, uint64_t *ret_number);
/* Would it be a number, had it less than 65 bits? For messages. */
bool value_is_too_large(const char *text);
/* The shortest way to write bytes: 4K, 128K, 1M, 1000. @to has room for VALUE_SIZE_MAX; returns it. */
#define VALUE_SIZE_MAX 24
char *value_size(uint64_t bytes, char *to);
/* yes, no, true, false, on, off. */
bool value_bool(const char *text, bool *ret_bool);

#endif
