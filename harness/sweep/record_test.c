/* SPDX-License-Identifier: MIT */
#include "sweep/record.h"

#include <vfiosim/trace.h>

#include "base/suite_test.h"

#define EXTRA 10

/* A program that makes many other calls between its tries has tried all the same. */
START_TEST(tries_are_counted_beyond_what_is_kept)
{
	static const struct vfiosim_rule injected = { .id = "injected" };
	const struct vfiosim_event refused = {
		.object = "container 1", .verb = "open", .rule = &injected, .reason = "by fault 3: open",
	};
	struct sweep_record *record = sweep_record_create();

	ck_assert_ptr_nonnull(record);
	for (size_t i = 0; i < RECORD_MAX; i++)
		sweep_record_event(record, &refused, 3, 0);
	ck_assert(!atomic_load(&record->full));
	for (size_t i = 0; i < EXTRA; i++)
		sweep_record_event(record, &refused, 3, 0);
	sweep_record_event(record, &refused, 2, 0);
	ck_assert(atomic_load(&record->full));
	ck_assert_uint_eq(sweep_record_n(record), RECORD_MAX);
	ck_assert_uint_eq(atomic_load(&record->repeats), RECORD_MAX + EXTRA);
	sweep_record_destroy(record);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sweep record");
	TCase *tcase = tcase_create("events");

	tcase_add_test(tcase, tries_are_counted_beyond_what_is_kept);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
