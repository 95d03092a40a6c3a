/* SPDX-License-Identifier: MIT */
/*
 * The picture: a machine's state, as its JSON tells it. Who makes up commands looks
 * into it for ids and mappings that exist, who checks holds it against itself.
 */
#ifndef HARNESS_FUZZ_PICTURE_H
#define HARNESS_FUZZ_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json.h>

#include "fuzz/choices.h"

/* A number of @object, written as one or in hex; 0: there is none. */
uint64_t json_u64(json_object *object, const char *key);
/* "" where there is none. */
const char *json_text(json_object *object, const char *key);
bool json_true(json_object *object, const char *key);
/* Is there one, and not null? */
bool json_has(json_object *object, const char *key);
/* A list of @object; NULL, of length 0, where there is none. */
json_object *json_list(json_object *object, const char *key);
size_t json_length(json_object *list);
json_object *json_at(json_object *list, size_t i);
/* The member of @list whose @key is @value; NULL. */
json_object *json_find(json_object *list, const char *key, uint64_t value);
json_object *json_find_text(json_object *list, const char *key, const char *value);
/* Any member; NULL: there is none. */
json_object *json_pick(json_object *list, struct choices *choices);
/* Any member whose @key is @value. */
json_object *json_pick_text(json_object *list, const char *key, const char *value,
			    struct choices *choices);

#endif
