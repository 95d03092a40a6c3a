/* SPDX-License-Identifier: MIT */
/* Reports: TAP and JUnit escape what they must; --explain tells events as steps. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "report/explain.h"
#include "base/suite_test.h"
#include "report/page.h"
#include "report/report.h"
#include "report/words.h"

static const struct report_row rows[] = {
	{ "a/x legacy", "a", REPORT_PASSED, NULL, NULL },
	{ "b legacy", "b", REPORT_SKIPPED, "no #1 reason", NULL },
	{ "c <&\"> legacy", "c", REPORT_FAILED, "a < b\nand more", "line 1\nline 2\x01\n" },
};

START_TEST(tap)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	tap_plan(to, 3);
	for (size_t i = 0; i < 3; i++)
		tap_row(to, i + 1, &rows[i]);
	fclose(to);
	ck_assert_str_eq(text, "TAP version 13\n1..3\n"
			       "ok 1 - a/x legacy\n"
			       "ok 2 - b legacy # SKIP no  1 reason\n"
			       "not ok 3 - c <&\"> legacy\n"
			       "# a < b\n# and more\n# line 1\n# line 2\x01\n");
	free(text);
}
END_TEST

START_TEST(junit)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_int_eq(junit_write(to, "inproc", rows, 3), 0);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(text, "tests=\"3\" failures=\"1\" skipped=\"1\""));
	ck_assert_ptr_nonnull(strstr(text, "<testcase classname=\"a\" name=\"a/x legacy\"/>"));
	ck_assert_ptr_nonnull(strstr(text, "name=\"c &lt;&amp;&quot;&gt; legacy\""));
	ck_assert_ptr_nonnull(strstr(text, "<failure message=\"a &lt; b\nand more\">line 1\nline 2?"));
	free(text);
}
END_TEST

START_TEST(page)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	page_begin(to, "a < b", "\"c\" & d");
	page_end(to);
	fclose(to);
	ck_assert_ptr_nonnull(strstr(text, "<title>a &lt; b</title>"));
	ck_assert_ptr_nonnull(strstr(text, "<h1>a &lt; b</h1>\n<p>&quot;c&quot; &amp; d</p>"));
	ck_assert_ptr_null(strstr(text, "http"));	/* it needs no network */
	ck_assert_ptr_nonnull(strstr(text, "</body>\n</html>\n"));
	free(text);
}
END_TEST

/* ---- --explain --------------------------------------------------------- */

static const struct vfiosim_rule rule = { "some-rule", EINVAL, "...", "some_function" };

static char *explained(const struct vfiosim_event *events, size_t n, bool colours)
{
	struct explain explain;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	explain_init(&explain, to, colours);
	for (size_t i = 0; i < n; i++)
		explain_event(&explain, &events[i]);
	fclose(to);
	return text;
}

START_TEST(steps_results_and_reasons)
{
	static const char *const changes[] = { "group 1 is in container 1" };
	const struct vfiosim_event events[] = {
		{ .number = 1, .client = 1, .object = "group 1", .verb = "open" },
		{ .number = 2, .client = 1, .object = "group 1", .verb = "VFIO_GROUP_SET_CONTAINER",
		  .changes = changes, .n_changes = 1 },
		{ .number = 3, .client = 1, .object = "device nic0", .verb = "read", .result = 4 },
		{ .number = 4, .client = 2, .tid = 4711, .object = "group 1", .verb = "open", .result = -EINVAL,
		  .rule = &rule, .reason = "of the reserved region" },
	};
	char *text = explained(events, 4, false);

	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "   1  group 1: open it\n"));
	ck_assert_ptr_nonnull(strstr(text, "   2  group 1: put the group into a container\n"));
	ck_assert_ptr_nonnull(strstr(text, "      -> group 1 is in container 1\n"));
	ck_assert_ptr_nonnull(strstr(text, "   4  group 1: open it (process 2, thread 4711)\n"));
	ck_assert_ptr_nonnull(strstr(text, "refused: EINVAL (Invalid argument)\n"));
	ck_assert_ptr_nonnull(strstr(text, "because of the reserved region [some-rule; Linux: some_function]"));
	free(text);
	text = explained(events, 4, true);
	ck_assert_ptr_nonnull(strchr(text, '\033'));
	free(text);
}
END_TEST

static unsigned count(const char *text, const char *needle)
{
	unsigned n = 0;

	while ((text = strstr(text, needle))) {
		n++;
		text++;
	}
	return n;
}

/* A word is explained where it comes up first, and once. */
START_TEST(glossary)
{
	static const char *const changes[] = { "spinning in a domain", "a second domain" };
	const struct vfiosim_event event = { .object = "container 1", .verb = "open",
					     .changes = changes, .n_changes = 2 };
	const struct vfiosim_event events[] = { event, event };
	char *text = explained(events, 2, false);

	ck_assert_uint_eq(count(text, "| container: "), 1);
	ck_assert_uint_eq(count(text, "| domain: "), 1);
	ck_assert_uint_eq(count(text, "| pin: "), 0);
	free(text);
	ck_assert_ptr_null(word_at(64));
}
END_TEST

/* Every command has plain words for it. */
START_TEST(every_command_has_words)
{
	for (size_t i = 0; vfiosim_command(i); i++)
		ck_assert_msg(words_for_verb(vfiosim_command(i)->name), "%s",
			      vfiosim_command(i)->name);
	ck_assert_ptr_null(words_for_verb("nothing"));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("report");
	Suite *suite = suite_create("report");

	tcase_add_test(tests, tap);
	tcase_add_test(tests, junit);
	tcase_add_test(tests, page);
	tcase_add_test(tests, steps_results_and_reasons);
	tcase_add_test(tests, glossary);
	tcase_add_test(tests, every_command_has_words);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
