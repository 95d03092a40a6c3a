/* SPDX-License-Identifier: MIT */
#include "resv.h"

#include <string.h>

static const char *const words[] = {
	[VFIOSIM_RESV_DIRECT] = "direct",
	[VFIOSIM_RESV_DIRECT_RELAXABLE] = "direct-relaxable",
	[VFIOSIM_RESV_RESERVED] = "reserved",
	[VFIOSIM_RESV_MSI] = "msi",
	[VFIOSIM_RESV_SW_MSI] = "sw-msi",
};

const char *resv_word(enum vfiosim_resv_type type)
{
	return words[type];
}

bool resv_from_word(const char *word, enum vfiosim_resv_type *ret_type)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word)) {
			*ret_type = (enum vfiosim_resv_type)i;
			return true;
		}
	return false;
}
