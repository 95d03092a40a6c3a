/* SPDX-License-Identifier: MIT */
#include "base/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool number_prefix(const char *text, const char **ret_end, uint64_t *ret_number)
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

bool value_number(const char *text, uint64_t *ret_number)
{
	const char *end;
	uint64_t number;

	if (!number_prefix(text, &end, &number) || *end)
		return false;
	*ret_number = number;
	return true;
}

/* The shift of K, M, G, T; -1: none of them. */
static int unit_shift(char unit)
{
	static const char units[] = "KMGT";
	const char *at = unit ? strchr(units, toupper((unsigned char)unit)) : NULL;

	return at ? 10 * (int)(at - units + 1) : -1;
}

bool value_size(const char *text, uint64_t *ret_bytes)
{
	const char *end;
	uint64_t number;
	int shift = 0;

	if (!number_prefix(text, &end, &number))
		return false;
	if (*end) {
		shift = unit_shift(*end++);
		if (shift < 0 || *end || number > UINT64_MAX >> shift)
			return false;
	}
	*ret_bytes = number << shift;
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
