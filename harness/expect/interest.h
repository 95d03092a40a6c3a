/* SPDX-License-Identifier: MIT */
/* What some expectation of a file asks for: all else need not be looked at, counted or told. */
#ifndef HARNESS_EXPECT_INTEREST_H
#define HARNESS_EXPECT_INTEREST_H

#include <stdbool.h>

#include "expect/expect.h"
#include "expect/seen.h"

/*
 * Is the mapping named by some expectation of what is held (@ranges: by its iovas)? @ret_any: is
 * there one?
 */
bool interest_in(const struct expectations *expect, const struct seen_mapping *mapping, bool ranges,
		 bool *ret_any);
/* Is it asked how much of these spaces is pinned? */
bool interest_in_pages(const struct spaces_want *want);
/* The same of any spaces, or at any moment; NULL: no. */
bool interest_in_pinned(const struct expectations *expect);

#endif
