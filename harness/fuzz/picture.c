/* SPDX-License-Identifier: MIT */
#include "fuzz/picture.h"

#include <stdlib.h>
#include <string.h>

static json_object *get(json_object *object, const char *key)
{
	return object ? json_object_object_get(object, key) : NULL;
}

uint64_t json_u64(json_object *object, const char *key)
{
	json_object *value = get(object, key);

	if (json_object_is_type(value, json_type_string))
		return strtoull(json_object_get_string(value), NULL, 0);
	return value ? json_object_get_uint64(value) : 0;
}

const char *json_text(json_object *object, const char *key)
{
	json_object *value = get(object, key);

	return value ? json_object_get_string(value) : "";
}

bool json_true(json_object *object, const char *key)
{
	json_object *value = get(object, key);

	return value && json_object_get_boolean(value);
}

bool json_has(json_object *object, const char *key)
{
	return get(object, key);
}

json_object *json_list(json_object *object, const char *key)
{
	json_object *list = get(object, key);

	return json_object_is_type(list, json_type_array) ? list : NULL;
}

size_t json_length(json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

json_object *json_at(json_object *list, size_t i)
{
	return json_object_array_get_idx(list, i);
}

json_object *json_find(json_object *list, const char *key, uint64_t value)
{
	for (size_t i = 0; i < json_length(list); i++)
		if (json_u64(json_at(list, i), key) == value)
			return json_at(list, i);
	return NULL;
}

json_object *json_find_text(json_object *list, const char *key, const char *value)
{
	for (size_t i = 0; i < json_length(list); i++)
		if (!strcmp(json_text(json_at(list, i), key), value))
			return json_at(list, i);
	return NULL;
}

json_object *json_pick(json_object *list, struct choices *choices)
{
	size_t n = json_length(list);

	return n ? json_at(list, choose(choices, n)) : NULL;
}

json_object *json_pick_text(json_object *list, const char *key, const char *value,
			    struct choices *choices)
{
	size_t n = 0, which;

	for (size_t i = 0; i < json_length(list); i++)
		n += !strcmp(json_text(json_at(list, i), key), value);
	if (!n)
		return NULL;
	which = choose(choices, n);
	for (size_t i = 0;; i++)
		if (!strcmp(json_text(json_at(list, i), key), value) && !which--)
			return json_at(list, i);
}
