/* SPDX-License-Identifier: MIT */
/* How to wait: which way is chosen when one or the other takes longer. */
#include <check.h>
#include <stdlib.h>

#include "front/loop/pace.h"
#include "base/suite_test.h"

/* Waits that take so long each way; how many of @n were polled. */
static unsigned play(struct pace *pace, unsigned n, uint64_t poll_ns, uint64_t sleep_ns)
{
	unsigned polled = 0;

	for (unsigned i = 0; i < n; i++) {
		polled += pace->way == PACE_POLL;
		pace_waited(pace, pace->way == PACE_POLL ? poll_ns : sleep_ns);
	}
	return polled;
}

START_TEST(test_better_way_is_kept)
{
	struct pace pace;

	pace_init(&pace, true);
	play(&pace, 100, 8000, 45000);
	ck_assert_uint_gt(play(&pace, 10000, 8000, 45000), 9900);
	/* The machine becomes busy; and idle again. */
	play(&pace, 20000, 60000, 5000);
	ck_assert_uint_lt(play(&pace, 10000, 60000, 5000), 100);
	play(&pace, 20000, 8000, 45000);
	ck_assert_uint_gt(play(&pace, 10000, 8000, 45000), 9900);
}
END_TEST

/* One wait of a second among short ones says nothing. */
START_TEST(test_rare_long_waits)
{
	struct pace pace;
	unsigned polled = 0;

	pace_init(&pace, true);
	play(&pace, 1000, 8000, 45000);
	for (int i = 0; i < 100; i++) {
		polled += play(&pace, 99, 8000, 45000);
		pace_waited(&pace, 1000000000);
	}
	ck_assert_uint_gt(polled, 9000);
}
END_TEST

START_TEST(test_disturbed)
{
	struct pace pace;

	pace_init(&pace, true);
	ck_assert_int_eq(pace.way, PACE_POLL);
	pace_disturbed(&pace);
	ck_assert_int_eq(pace.way, PACE_SLEEP);
	for (int i = 0; i < 20000; i++) {
		if (pace.way == PACE_POLL)
			pace_disturbed(&pace);
		pace_waited(&pace, 30000);
	}
	ck_assert_uint_gt(pace.period, 1000);
}
END_TEST

START_TEST(test_one_cpu)
{
	struct pace pace;

	pace_init(&pace, false);
	ck_assert_uint_eq(play(&pace, 10000, 1, 1000000), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pace");
	TCase *tests = tcase_create("pace");

	tcase_add_test(tests, test_better_way_is_kept);
	tcase_add_test(tests, test_rare_long_waits);
	tcase_add_test(tests, test_disturbed);
	tcase_add_test(tests, test_one_cpu);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
