/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

static void expect(bool condition)
{
	if (!condition)
		abort();
}

static bool in_object(const struct json *json)
{
	return json->depth && json->objects >> (json->depth - 1) & 1;
}

/* ---- Text ---- */

/* Length of the well-formed UTF-8 sequence at @text; 0: it is none. Ends at the NUL by itself. */
static unsigned utf8_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last;	/* of the lead byte */
		unsigned char low, high;	/* of the byte after it */
		unsigned length;
	} rows[] = {
		{ 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned n_rows = sizeof(rows) / sizeof(rows[0]);
	unsigned row = 0;

	while (row < n_rows && (*text < rows[row].first || *text > rows[row].last))
		row++;
	if (row == n_rows)
		return 0;
	if (rows[row].length == 1)
		return 1;
	if (text[1] < rows[row].low || text[1] > rows[row].high)
		return 0;
	for (unsigned i = 2; i < rows[row].length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return rows[row].length;
}

/* How many bytes stand for themselves; most do, so they are written at once. */
static size_t plain_length(const unsigned char *text)
{
	size_t n = 0;

	while (text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
		n++;
	return n;
}

static void put_quoted(FILE *to, const char *string)
{
	const unsigned char *text = (const unsigned char *)string;

	putc('"', to);
	while (*text) {
		size_t plain = plain_length(text);
		unsigned length;

		fwrite(text, 1, plain, to);
		text += plain;
		if (!*text)
			break;
		length = utf8_length(text);
		if (*text == '"' || *text == '\\')
			fprintf(to, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", to);
		else if (*text == '\t')
			fputs("\\t", to);
		else if (*text < 0x20 || *text == 0x7f || !length)
			fprintf(to, "\\u%04x", *text);
		else
			fwrite(text, 1, length, to);
		text += length ? length : 1;
	}
	putc('"', to);
}

/* ---- Structure ---- */

static void new_line(struct json *json)
{
	static const char spaces[2 * DEPTH_MAX + 1] =
		"                                                                ";

	if (!json->pretty)
		return;
	putc('\n', json->to);
	fwrite(spaces, 2, json->depth, json->to);
}

/* Before the next member or element: the comma behind the one before. */
static void separate(struct json *json)
{
	if (!json->first)
		putc(',', json->to);
	json->first = false;
	new_line(json);
}

static void before_value(struct json *json)
{
	if (json->placed) {
		json->placed = false;
		return;
	}
	expect(in_object(json) == json->after_key);
	if (!json->after_key && json->depth)
		separate(json);
	json->after_key = false;
}

static void open_level(struct json *json, bool object)
{
	before_value(json);
	expect(json->depth < DEPTH_MAX);
	putc(object ? '{' : '[', json->to);
	if (object)
		json->objects |= UINT32_C(1) << json->depth;
	else
		json->objects &= ~(UINT32_C(1) << json->depth);
	json->depth++;
	json->first = true;
}

static void close_level(struct json *json, bool object)
{
	expect(json->depth && in_object(json) == object && !json->after_key);
	json->depth--;
	if (!json->first)
		new_line(json);
	putc(object ? '}' : ']', json->to);
	json->first = false;
}

void json_init(struct json *json, FILE *to, bool pretty)
{
	*json = (struct json){ .to = to, .pretty = pretty, .first = true };
}

struct json json_leave_out(struct json *json, FILE *to)
{
	struct json value;

	before_value(json);
	value = *json;
	value.to = to;
	value.placed = true;
	json->first = false;
	return value;
}

void json_object(struct json *json)
{
	open_level(json, true);
}

void json_object_end(struct json *json)
{
	close_level(json, true);
}

void json_array(struct json *json)
{
	open_level(json, false);
}

void json_array_end(struct json *json)
{
	close_level(json, false);
}

void json_key(struct json *json, const char *key)
{
	expect(in_object(json) && !json->after_key);
	separate(json);
	put_quoted(json->to, key);
	fputs(json->pretty ? ": " : ":", json->to);
	json->after_key = true;
}

/* ---- Values ---- */

void json_string(struct json *json, const char *text)
{
	before_value(json);
	if (text)
		put_quoted(json->to, text);
	else
		fputs("null", json->to);
}

void json_number(struct json *json, int64_t number)
{
	before_value(json);
	fprintf(json->to, "%" PRId64, number);
}

void json_unsigned(struct json *json, uint64_t number)
{
	before_value(json);
	fprintf(json->to, "%" PRIu64, number);
}

void json_hex(struct json *json, uint64_t number)
{
	before_value(json);
	fprintf(json->to, "\"0x%" PRIx64 "\"", number);
}

void json_bool(struct json *json, bool value)
{
	before_value(json);
	fputs(value ? "true" : "false", json->to);
}

void json_put_string(struct json *json, const char *key, const char *text)
{
	json_key(json, key);
	json_string(json, text);
}

void json_put_number(struct json *json, const char *key, int64_t number)
{
	json_key(json, key);
	json_number(json, number);
}

void json_put_unsigned(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_unsigned(json, number);
}

void json_put_hex(struct json *json, const char *key, uint64_t number)
{
	json_key(json, key);
	json_hex(json, number);
}

void json_put_bool(struct json *json, const char *key, bool value)
{
	json_key(json, key);
	json_bool(json, value);
}
