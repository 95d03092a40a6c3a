/* SPDX-License-Identifier: MIT */
/*
 * Evidence that cannot be had: memory runs out before a case is played. The program is
 * linked with --wrap, see the Makefile.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "base/suite_test.h"
#include "case/library.h"
#include "case/evidence.h"

int __wrap_library_plays(const struct library *library, const struct play_filter *filter,
			 struct play **ret_plays, size_t *ret_n);

/* As the real one: nothing is written. */
int __wrap_library_plays(const struct library *library, const struct play_filter *filter,
			 struct play **ret_plays, size_t *ret_n)
{
	return -ENOMEM;
}

/* What a function finds in variables that it does not set. */
static void __attribute__((noinline)) litter_stack(void)
{
	char litter[65536];

	memset(litter, 0x5a, sizeof(litter));
	__asm__ volatile("" : : "r"(litter) : "memory");
}

START_TEST(no_memory_for_plays)
{
	struct evidence evidence = { 0 };

	litter_stack();
	ck_assert_int_eq(evidence_collect(&evidence), -ENOMEM);
	ck_assert_uint_eq(evidence.n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence");
	TCase *tests = tcase_create("memory");

	tcase_add_test(tests, no_memory_for_plays);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
