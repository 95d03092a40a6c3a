/* SPDX-License-Identifier: MIT */
#include "topology/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
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

bool value_range(const char *text, struct vfiosim_range *ret_range)
{
	const char *dots = strstr(text, "..");
	char first[32];
	struct vfiosim_range range;

	if (!dots || (size_t)(dots - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	if (!value_size(first, &range.first) || !value_size(dots + 2, &range.last))
		return false;
	*ret_range = range;
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

/* Does @text look like @shape? x: a hex digit, l: a lower-case one, anything else: itself. */
static bool has_shape(const char *text, const char *shape)
{
	for (; *shape; text++, shape++) {
		if (*shape == 'x' || *shape == 'l') {
			if (!isxdigit((unsigned char)*text))
				return false;
			if (*shape == 'l' && isupper((unsigned char)*text))
				return false;
		} else if (*text != *shape) {
			return false;
		}
	}
	return !*text;
}

bool value_ids(const char *text, uint16_t *ret_first, uint16_t *ret_second)
{
	if (!has_shape(text, "xxxx:xxxx"))
		return false;
	*ret_first = (uint16_t)strtoul(text, NULL, 16);
	*ret_second = (uint16_t)strtoul(text + 5, NULL, 16);
	return true;
}

bool value_pci_address(const char *text)
{
	return has_shape(text, "llll:ll:ll.l") && text[11] >= '0' && text[11] <= '7' &&
	       strtoul(text + 8, NULL, 16) < 32;
}

unsigned pci_address_domain(const char *address)
{
	return (unsigned)strtoul(address, NULL, 16);
}

uint8_t pci_address_bus(const char *address)
{
	return (uint8_t)strtoul(address + 5, NULL, 16);
}

uint8_t pci_address_devfn(const char *address)
{
	return (uint8_t)(strtoul(address + 8, NULL, 16) << 3 | (uint8_t)(address[11] - '0'));
}

bool value_uuid(const char *text)
{
	return has_shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}
