/* SPDX-License-Identifier: MIT */
/* Calls by themselves: what a refusal answers, whatever its row and its values say. */
#include "machine/call.h"

#include "machine/story_test.h"

static struct story story;
static struct vfiosim_caller nobody;
static struct call call;

static void setup(void)
{
	story_begin(&story, "minimal");
	call_init(&call, story.sim, &nobody, NULL);
}

static void teardown(void)
{
	call_done(&call);
	story_end(&story);
}

START_TEST(refusal_has_the_errno_of_its_row)
{
	ck_assert_int_eq(refuse(&call, RULE_GROUP_OPEN, V("group", 10)), -EBUSY);
	ck_assert_str_eq(call.rule->id, "group-open");
}
END_TEST

START_TEST(refusal_has_the_errno_of_its_use)
{
	ck_assert_int_eq(refuse(&call, RULE_TOO_MANY_FILES, VS("errno", "ENFILE"),
				V("error", ENFILE)),
			 -ENFILE);
	ck_assert_int_eq(refuse(&call, RULE_GROUP_OPEN, V("error", ENFILE)), -EBUSY);
}
END_TEST

/* Success, or the dispatcher's own CALL_AGAIN, is what it must never look like. */
START_TEST(refusal_without_an_errno_is_one_all_the_same)
{
	ck_assert_int_eq(refuse(&call, RULE_TOO_MANY_FILES), -EIO);
	ck_assert_int_eq(refuse(&call, RULE_TOO_MANY_FILES, V("error", 0)), -EIO);
	ck_assert_int_eq(refuse(&call, RULE_TOO_MANY_FILES, V("error", -ENOMEM)), -EIO);
	ck_assert_int_eq(refuse(&call, RULE_TOO_MANY_FILES, V("error", -CALL_AGAIN)), -EIO);
	ck_assert_str_eq(call.rule->id, "too-many-files");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tests = tcase_create("refusals");
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, refusal_has_the_errno_of_its_row);
	tcase_add_test(tests, refusal_has_the_errno_of_its_use);
	tcase_add_test(tests, refusal_without_an_errno_is_one_all_the_same);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
