/* SPDX-License-Identifier: MIT */
#include "topology/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"

bool value_range(const char *text, struct vfiosim_range *ret_range)
{
	const char *dots = strstr(text, "..");
	char first[32];
	struct vfiosim_range range;

	if (!dots || (size_t)(dots - text) >= sizeof(first))
		return false;
	memcpy(first, text, (size_t)(dots - text));
	first[dots - text] = '\0';
	if (!value_number(first, &range.first) || !value_number(dots + 2, &range.last))
		return false;
	*ret_range = range;
	return true;
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

bool value_begins_with_uuid(const char *text)
{
	char begin[UUID_LENGTH + 1];

	snprintf(begin, sizeof(begin), "%s", text);
	return value_uuid(begin);
}
