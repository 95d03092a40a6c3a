/* SPDX-License-Identifier: MIT */
/*
 * Values as people write them. Every function takes the whole text and returns
 * false, its output untouched, when there is anything else in it.
 */
#ifndef SIM_BASE_VALUE_H
#define SIM_BASE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* 4096, 0x1000; no sign, no overflow. */
bool value_number(const char *text, uint64_t *ret_number);
/* A number, or one followed by K, M, G or T. */
bool value_size(const char *text, uint64_t *ret_bytes);
/* yes, no, true, false, on, off. */
bool value_bool(const char *text, bool *ret_bool);

#endif
