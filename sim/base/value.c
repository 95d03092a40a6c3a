/* SPDX-License-Identifier: MIT */
#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Digits, and where they end. */
static bool read_digits(const char *text, const char **ret_end, uint64_t *ret_number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;
	unsigned long long number;

	if (!(hex ? isxdigit((unsigned char)*digits) : isdigit((unsigned char)*digits)))
		return false;
	errno = 0;
	number = strtoull(digits, &end, hex ? 16 : 10);
	if (errno)
		return false;
	*ret_end = end;
	*ret_number = number;
	return true;
}

/* The shift of a unit, 0 of none; -1: it is no unit. */
static int unit_shift(const char *unit)
{
	static const char units[] = "KMGTPE";
	const char *at;

	if (!*unit)
		return 0;
	at = strchr(units, toupper((unsigned char)*unit));
	return at && !unit[1] ? 10 * (int)(at - units + 1) : -1;
}

bool value_number(const char *text, uint64_t *ret_number)
{
	const char *unit;
	uint64_t number;
	int shift;

	if (!strcmp(text, "-1")) {
		*ret_number = UINT64_MAX;
		return true;
	}
	if (!read_digits(text, &unit, &number))
		return false;
	shift = unit_shift(unit);
	if (shift < 0 || number > UINT64_MAX >> shift)
		return false;
	*ret_number = number << shift;
	return true;
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
