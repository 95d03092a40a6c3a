/* SPDX-License-Identifier: MIT */
/* Every test program runs its suite with this. */
#ifndef SIM_BASE_SUITE_TEST_H
#define SIM_BASE_SUITE_TEST_H

#include <check.h>
#include <stdlib.h>

/* Frees @suite; main()'s exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
