/* SPDX-License-Identifier: MIT */
#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits, and where they end. -EINVAL; -ERANGE. */
static int read_digits(const char *text, const char **ret_end, uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	if (!(hex ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
		return -EINVAL;
	errno = 0;
	*ret_number = strtoull(digits, &end, hex ? 16 : 10);
	*ret_end = end;
	return -errno;
}

static const char units[] = "KMGTPE";

/* The shift of a unit, 0 of none; -1: it is no unit. */
static int unit_shift(const char *unit)
{
	const char *at;

	if (!*unit)
		return 0;
	at = strchr(units, toupper((unsigned char)*unit));
	return at && !unit[1] ? 10 * (int)(at - units + 1) : -1;
}

/* -EINVAL; -ERANGE: a number, but not one of 64 bits. */
static int parse(const char *text, uint64_t *ret_number)
{
	const char *unit = "";
	uint64_t number;
	int err, shift;

	if (!strcmp(text, "-1")) {
		*ret_number = UINT64_MAX;
		return 0;
	}
	err = read_digits(text, &unit, &number);
	shift = unit_shift(unit);
	if (err == -EINVAL || shift < 0)
		return -EINVAL;
	if (err || number > UINT64_MAX >> shift)
		return -ERANGE;
	*ret_number = number << shift;
	return 0;
}

bool value_number(const char *text, uint64_t *ret_number)
{
	return !parse(text, ret_number);
}

bool value_is_too_large(const char *text)
{
	uint64_t number;

	return parse(text, &number) == -ERANGE;
}

char *value_size(uint64_t bytes, char *to)
{
	int unit = 0;

	while (bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(to, VALUE_SIZE_MAX, "%" PRIu64 "%.*s", bytes, unit > 0, unit ? units + unit - 1 : "");
	return to;
}

bool value_bool(const char *text, bool *ret_bool)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "yes", true }, { "true", true }, { "on", true },
		{ "no", false }, { "false", false }, { "off", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(text, words[i].word)) {
			*ret_bool = words[i].value;
			return true;
		}
	}
	return false;
}
