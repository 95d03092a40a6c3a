/* SPDX-License-Identifier: MIT */
/* Versions of Linux; see kernel_version.h. */
#include "base/kernel_version.h"

#include <ctype.h>
#include <stdlib.h>

/* The number at *@at, behind which *@at is left. */
static bool read_number(const char **at, unsigned *ret_number)
{
	char *end;
	unsigned long number;

	if (!isdigit((unsigned char)**at))
		return false;
	number = strtoul(*at, &end, 10);
	*at = end;
	*ret_number = (unsigned)number;
	return number <= 1000;
}

bool vfiosim_kernel_parse(const char *text, struct vfiosim_kernel *ret_kernel)
{
	struct vfiosim_kernel kernel;

	if (!read_number(&text, &kernel.major) || *text++ != '.' ||
	    !read_number(&text, &kernel.minor) || *text)
		return false;
	if (kernel_before(kernel, KERNEL_OLDEST) || kernel_before(KERNEL_NEWEST, kernel))
		return false;
	*ret_kernel = kernel;
	return true;
}
