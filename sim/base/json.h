/* SPDX-License-Identifier: MIT */
/*
 * A small JSON writer: the simulator only ever writes JSON (who reads some, as the
 * harness does, uses json-c). Commas, quoting and indentation are its work;
 * calls in the wrong order are a bug of the caller and abort.
 *
 * Writes to a stdio stream; errors are the stream's (ferror()).
 */
#ifndef SIM_BASE_JSON_H
#define SIM_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	bool pretty;		/* indent, one value per line */
	unsigned depth;		/* of open objects and arrays, at most 32 */
	uint32_t objects;	/* bit n: level n is an object, not an array */
	bool first;		/* nothing written yet at this depth */
	bool after_key;
	bool placed;		/* what the next value stands behind is written */
};

void json_init(struct json *json, FILE *to, bool pretty);
/*
 * Leaves out a value. Returns what writes just that one later, into @to; the text around
 * it is as if it were there.
 */
struct json json_leave_out(struct json *json, FILE *to);
void json_object(struct json *json);
void json_object_end(struct json *json);
void json_array(struct json *json);
void json_array_end(struct json *json);
void json_key(struct json *json, const char *key);
void json_string(struct json *json, const char *text); /* NULL: null; invalid UTF-8 as \u00XX */
void json_number(struct json *json, int64_t number);
void json_unsigned(struct json *json, uint64_t number);		/* decimal */
void json_hex(struct json *json, uint64_t number);		/* a string: "0x1000" */
void json_bool(struct json *json, bool value);
/* Key and value in one. */
void json_put_string(struct json *json, const char *key, const char *text);
void json_put_number(struct json *json, const char *key, int64_t number);
void json_put_unsigned(struct json *json, const char *key, uint64_t number);
void json_put_hex(struct json *json, const char *key, uint64_t number);
void json_put_bool(struct json *json, const char *key, bool value);

#endif
