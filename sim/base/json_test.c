/* SPDX-License-Identifier: MIT */
/* The JSON writer: commas, indentation, quoting, and calls in the wrong order. */
#include "base/json.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite_test.h"

static struct json json;
static char *text;
static size_t size;

static void begin(bool pretty)
{
	json_init(&json, open_memstream(&text, &size), pretty);
	ck_assert_ptr_nonnull(json.to);
}

static void ends_as(const char *expected)
{
	fclose(json.to);
	ck_assert_str_eq(text, expected);
	free(text);
}

static void write_sample(void)
{
	json_object(&json);
	json_put_string(&json, "name", "q35");
	json_put_string(&json, "none", NULL);
	json_key(&json, "ranges");
	json_array(&json);
	json_hex(&json, 0xfee00000);
	json_unsigned(&json, UINT64_MAX);
	json_number(&json, INT64_MIN);
	json_array(&json);
	json_array_end(&json);
	json_object(&json);
	json_object_end(&json);
	json_array_end(&json);
	json_key(&json, "inner");
	json_object(&json);
	json_put_bool(&json, "yes", true);
	json_put_bool(&json, "no", false);
	json_object_end(&json);
	json_put_hex(&json, "zero", 0);
	json_put_number(&json, "error", -14);
	json_put_unsigned(&json, "count", 3);
	json_object_end(&json);
}

START_TEST(test_compact)
{
	begin(false);
	write_sample();
	ends_as("{\"name\":\"q35\",\"none\":null,\"ranges\":[\"0xfee00000\",18446744073709551615,"
		"-9223372036854775808,[],{}],\"inner\":{\"yes\":true,\"no\":false},"
		"\"zero\":\"0x0\","
		"\"error\":-14,\"count\":3}");
}
END_TEST

START_TEST(test_pretty)
{
	begin(true);
	write_sample();
	ends_as("{\n"
		"  \"name\": \"q35\",\n"
		"  \"none\": null,\n"
		"  \"ranges\": [\n"
		"    \"0xfee00000\",\n"
		"    18446744073709551615,\n"
		"    -9223372036854775808,\n"
		"    [],\n"
		"    {}\n"
		"  ],\n"
		"  \"inner\": {\n"
		"    \"yes\": true,\n"
		"    \"no\": false\n"
		"  },\n"
		"  \"zero\": \"0x0\",\n"
		"  \"error\": -14,\n"
		"  \"count\": 3\n"
		"}");
}
END_TEST

static const struct {
	const char *string, *quoted;
} strings[] = {
	{ "", "\"\"" },
	{ "a \"b\" \\", "\"a \\\"b\\\" \\\\\"" },
	{ "line\n\ttab\x01\x7f", "\"line\\n\\ttab\\u0001\\u007f\"" },
	{ "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7",
	  "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7\"" },
	{ "\xff\xc3(", "\"\\u00ff\\u00c3(\"" },
	{ "\xc0\x80", "\"\\u00c0\\u0080\"" }, /* overlong */
	{ "\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"" }, /* a surrogate */
	{ "\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\"" }, /* beyond U+10FFFF */
	{ "cut \xe2\x82", "\"cut \\u00e2\\u0082\"" },
};

static void write_one(struct json *to)
{
	json_array(to);
	json_number(to, 1);
	json_array_end(to);
}

/* A value alone, in arrays, or behind a key: written, or left out at @ret_at for @ret_value. */
static void write_around(unsigned arrays, bool key, struct json *ret_value, size_t *ret_at)
{
	for (unsigned i = 0; i < arrays; i++)
		json_array(&json);
	if (key) {
		json_object(&json);
		json_key(&json, "left");
	}
	if (ret_value) {
		*ret_value = json_leave_out(&json, NULL);
		*ret_at = (size_t)ftell(json.to);
	} else {
		write_one(&json);
	}
	if (key) {
		json_put_number(&json, "next", 5);
		json_object_end(&json);
	} else if (arrays) {
		json_number(&json, 5);
	}
	for (unsigned i = 0; i < arrays; i++)
		json_array_end(&json);
}

/* Put in its place later, it is as it comes out in one piece. */
START_TEST(test_left_out)
{
	const bool key = _i & 1, pretty = _i & 2;
	char *around, *later, *whole;
	size_t length, at = 0;
	struct json value;

	for (unsigned arrays = 0; arrays < 3; arrays++) {
		begin(pretty);
		write_around(arrays, key, &value, &at);
		fclose(json.to);
		around = text;
		value.to = open_memstream(&later, &length);
		write_one(&value);
		fclose(value.to);
		ck_assert_int_gt(asprintf(&whole, "%.*s%s%s", (int)at, around, later, around + at),
				 0);
		free(around);
		free(later);
		begin(pretty);
		write_around(arrays, key, NULL, NULL);
		ends_as(whole);
		free(whole);
	}
}
END_TEST

START_TEST(test_strings)
{
	begin(false);
	json_string(&json, strings[_i].string);
	ends_as(strings[_i].quoted);
}
END_TEST

static void value_without_key(void)
{
	json_object(&json);
	json_number(&json, 1);
}

static void key_in_array(void)
{
	json_array(&json);
	json_key(&json, "a");
}

static void wrong_end(void)
{
	json_array(&json);
	json_object_end(&json);
}

static void end_too_many(void)
{
	json_array_end(&json);
}

static void key_without_value(void)
{
	json_object(&json);
	json_key(&json, "a");
	json_object_end(&json);
}

static void too_deep(void)
{
	for (unsigned i = 0; i < 33; i++)
		json_array(&json);
}

static void (*const misuses[])(void) = {
	value_without_key, key_in_array, wrong_end, end_too_many, key_without_value, too_deep,
};

START_TEST(test_misuse_aborts)
{
	begin(false);
	misuses[_i]();
}
END_TEST

START_TEST(test_deepest)
{
	begin(false);
	for (unsigned i = 0; i < 32; i++)
		json_array(&json);
	for (unsigned i = 0; i < 32; i++)
		json_array_end(&json);
	ends_as("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tests = tcase_create("json");

	tcase_add_test(tests, test_compact);
	tcase_add_test(tests, test_pretty);
	tcase_add_loop_test(tests, test_left_out, 0, 4);
	tcase_add_loop_test(tests, test_strings, 0, sizeof(strings) / sizeof(strings[0]));
	tcase_add_loop_test_raise_signal(tests, test_misuse_aborts, SIGABRT, 0,
					 sizeof(misuses) / sizeof(misuses[0]));
	tcase_add_test(tests, test_deepest);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
