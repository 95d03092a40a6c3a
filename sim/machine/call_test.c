/* SPDX-License-Identifier: MIT */
/* Calls by themselves: what a refusal answers, and what is left of a run that asks. */
#include "machine/call.h"

#include "base/suite_test.h"
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
	ck_assert_str_eq(call.result.rule->id, "group-open");
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
	ck_assert_str_eq(call.result.rule->id, "too-many-files");
}
END_TEST

/* ---- Runs ---- */

static unsigned runs;

/* Makes one of everything, then finds that it lacks the VMAs of a client. */
static int decide_twice(struct call *again)
{
	const struct vma_view *view;

	runs++;
	ck_assert_ptr_null(again->result.rule);
	ck_assert_ptr_null(again->result.outs);
	ck_assert_uint_eq(again->result.changes.n, 0);
	changed(again, "run {n:d}", V("n", runs));
	ck_assert_int_eq(call_out_zeroes(again, 0, 8), 0);
	(void)refuse(again, RULE_NO_MEMORY);
	again->result.answer_anyway = runs == 1;
	return call_vmas(again, again->caller->client, (struct span){ 0, 1 }, &view);
}

static int no_vmas(void *ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas)
{
	return 0;
}

static void no_done(void *ctx)
{
}

START_TEST(a_run_that_asks_leaves_nothing_behind)
{
	static const struct vfiosim_client_ops ops = { .vmas = no_vmas, .done = no_done };
	struct vfiosim_caller caller = { 0 };
	struct call again;

	ck_assert_int_eq(vfiosim_client_create(story.sim, &ops, NULL, &caller.client), 0);
	runs = 0;
	call_init(&again, story.sim, &caller, NULL);
	ck_assert_int_eq(call_run(&again, decide_twice), 0);
	ck_assert_uint_eq(runs, 2);
	ck_assert_uint_eq(again.result.changes.n, 1);
	ck_assert_str_eq(again.result.changes.text[0], "run 2");
	ck_assert_ptr_eq(again.result.outs, again.result.last_out);
	ck_assert(!again.result.answer_anyway);
	call_done(&again);
	vfiosim_client_put(caller.client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("call");
	TCase *tests = tcase_create("refusals");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, refusal_has_the_errno_of_its_row);
	tcase_add_test(tests, refusal_has_the_errno_of_its_use);
	tcase_add_test(tests, refusal_without_an_errno_is_one_all_the_same);
	tcase_add_test(tests, a_run_that_asks_leaves_nothing_behind);
	return suite_run(suite);
}
