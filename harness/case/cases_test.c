/* SPDX-License-Identifier: MIT */
/*
 * Every case that is built in: passes in this process, gives the same trace twice,
 * the same outcome over FUSE; and together they reach every rule of the simulator.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/command.h>
#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "case/builtin.h"
#include "base/suite_test.h"
#include "case/job.h"
#include "case/library.h"
#include "cli.h"
#include "fault_args.h"
#include "target_worker.h"

struct plays {
	struct library library;
	struct play *plays;
	size_t n;
};

static void load(struct plays *to, char **names, size_t n)
{
	struct play_filter filter = { .mode = -1 };
	struct vfiosim_errors why;
	int error = library_load(names, n, &to->library, &why);

	ck_assert_msg(!error, "%s:%u:%u: %s", why.list[0].file, why.list[0].line, why.list[0].column, why.list[0].message);
	ck_assert_int_eq(library_plays(&to->library, &filter, &to->plays, &to->n), 0);
}

static int count_cases(void)
{
	int n = 0;

	while (case_builtin((size_t)n))
		n++;
	return n;
}

static void setup(struct plays *all)
{
	load(all, NULL, 0);
	for (size_t i = 0; case_builtin(i); i++)
		ck_assert_msg(i < all->library.n, "two cases are called %s", case_builtin(i)->name);
	ck_assert_uint_eq(all->library.n, (size_t)count_cases());
	for (size_t i = 0; i < all->library.n; i++)
		ck_assert_msg(!all->library.files[i]->symptom || all->library.files[i]->source,
			      "%s: seen by whom?", all->library.files[i]->name);
}

static void teardown(struct plays *all)
{
	library_plays_done(all->plays, all->n);
	library_done(&all->library);
}

static void run(const struct play *play, enum job_target target, struct job_result *ret_result)
{
	struct job_options options = { .target = target };
	char name[200];

	case_play_name(play, name, sizeof(name));
	ck_assert_msg(!job_run(play, &options, ret_result), "%s", name);
	ck_assert_msg(ret_result->outcome.verdict != FAILED, "%s: %s\n%s", name,
		      ret_result->outcome.message, ret_result->outcome.log);
	if (ret_result->outcome.verdict == SKIPPED)
		ck_assert_msg(job_skipped(play, target), "%s was skipped: %s", name,
			      ret_result->outcome.message);
}

START_TEST(every_case_passes_and_repeats)
{
	struct plays all;

	setup(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct job_result first, second;

		run(&all.plays[i], JOB_INPROC, &first);
		run(&all.plays[i], JOB_INPROC, &second);
		if (first.outcome.verdict == PASSED) {
			ck_assert_str_eq(first.trace, second.trace);
			ck_assert_str_eq(first.outcome.log, second.outcome.log);
		}
		job_result_done(&first);
		job_result_done(&second);
	}
	teardown(&all);
}
END_TEST

/* What a target cannot provide here (a disk that tracks dirty pages, say) is skipped, not compared. */
static void compare(const struct play *play, bool *told)
{
	struct job_options options = { .target = JOB_FUSE };
	struct job_result here, there;
	char name[200];

	case_play_name(play, name, sizeof(name));
	run(play, JOB_INPROC, &here);
	ck_assert_msg(!job_run(play, &options, &there), "%s", name);
	if (there.outcome.verdict == SKIPPED && !*told) {
		printf("skip: a_case_ends_the_same_over_fuse: %s: %s\n", name, there.outcome.message);
		*told = true;	/* one line for a test, see check.sh */
	}
	ck_assert_msg(there.outcome.verdict != FAILED, "%s: %s\n%.2000s", name,
		      there.outcome.message, there.outcome.log);
	if (there.outcome.verdict == PASSED)
		ck_assert_msg(!strcmp(here.outcome.log, there.outcome.log),
			      "%s\nin process:\n%sover FUSE:\n%s", name, here.outcome.log,
			      there.outcome.log);
	job_result_done(&here);
	job_result_done(&there);
}

/* One case at a time: each run forks this process, which had better be small. */
START_TEST(a_case_ends_the_same_over_fuse)
{
	const char *why = no_run();
	struct plays plays;
	bool told = false;
	char *name;

	if (why) {
		test_skip(__func__, why);
		return;
	}
	name = strdup(case_builtin((size_t)_i)->name);
	ck_assert_ptr_nonnull(name);
	load(&plays, &name, 1);
	for (size_t i = 0; i < plays.n; i++)
		compare(&plays.plays[i], &told);
	teardown(&plays);
	free(name);
}
END_TEST

/* ---- "to provoke it" --------------------------------------------------- */

/* The next line of @trace without why it was refused; NULL past the end. To be freed. */
static char *next_answer(const char **trace)
{
	const char *end = strchr(*trace, '\n');
	char *line, *rule;

	if (!end)
		return NULL;
	line = strndup(*trace, (size_t)(end - *trace));
	ck_assert_ptr_nonnull(line);
	rule = strstr(line, ",\"rule\"");
	if (rule)
		*rule = 0;
	*trace = end + 1;
	return line;
}

static void expect_same_answers(const char *one, const char *other, const char *fault)
{
	char *a, *b;

	do {
		a = next_answer(&one);
		b = next_answer(&other);
		ck_assert_msg(a ? b && !strcmp(a, b) : !b, "with --fault %s\n%s became\n%s", fault, a, b);
		free(a);
		free(b);
	} while (*one || *other);
}

/* The same program, refused by the fault where it was refused by the machine. */
static void provoke(const struct play *play, const char *trace, const char *fault)
{
	const struct fault_args faults = { .texts = { fault }, .n = 1 };
	const struct job_options options = { .target = JOB_INPROC, .faults = &faults };
	struct job_result result;
	const char *injected;

	ck_assert_msg(!job_run(play, &options, &result), "--fault %s", fault);
	injected = strstr(result.trace, "\"rule\":\"injected\"");
	ck_assert_msg(injected && !strstr(injected + 1, "\"rule\":\"injected\""),
		      "--fault %s happens %s", fault, injected ? "twice" : "never");
	/* Scripted steps stop where they are refused for another reason than expected. */
	if (play->policy)
		expect_same_answers(trace, result.trace, fault);
	job_result_done(&result);
}

static size_t provoke_each(const struct play *play, const char *trace)
{
	static const char key[] = "\"provoke\":\"";
	size_t n = 0;

	for (const char *at = trace; (at = strstr(at, key)); n++) {
		char *fault;

		at += strlen(key);
		fault = strndup(at, strcspn(at, "\""));
		ck_assert_ptr_nonnull(fault);
		provoke(play, trace, fault);
		free(fault);
	}
	return n;
}

START_TEST(each_refusal_can_be_provoked)
{
	struct plays all;
	size_t n = 0;

	setup(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct job_result result;

		if (all.plays[i].file->faults)
			continue;
		run(&all.plays[i], JOB_INPROC, &result);
		if (result.outcome.verdict == PASSED)
			n += provoke_each(&all.plays[i], result.trace);
		job_result_done(&result);
	}
	ck_assert_uint_gt(n, 200);
	teardown(&all);
}
END_TEST

/* ---- Rules ------------------------------------------------------------- */

#define RULES_MAX 256

/* Rules that no case can reach, and why. */
static const struct {
	const char *id, *why;
} unreachable[] = {
	{ "no-memory", "only when the machine itself runs out of memory" },
	{ "bus-leaving", "cases plug nothing in; sim/device/hardware_test.c does" },
	{ "too-many-files", "a client's table of descriptors has no limit in this process" },
	{ "no-cdev", "a node goes with its driver: only who looked it up before, and opens it after, meets this" },
	{ "mmap-private", "clients in this process map regions shared" },
	{ "pins-never", "the drivers of a case's mdevs can pin; sim/device/hardware_test.c asks others" },
	{ "pins-not-open", "a case's driver pins for who has its device open; sim/device/hardware_test.c does" },
	{ "pins-nothing", "a case lets go of what it has pinned; sim/device/hardware_test.c does not" },
	{ "injected", "cases inject no faults; sim/abi/fault_test.c does" },
};

struct reached {
	bool rules[RULES_MAX];
};

static bool is_unreachable(const char *id)
{
	for (size_t i = 0; i < sizeof(unreachable) / sizeof(unreachable[0]); i++)
		if (!strcmp(unreachable[i].id, id))
			return true;
	return false;
}

/* Could @text be @sentence with its {values} filled in? The words between them are there, in order. */
static bool fits(const char *sentence, const char *text)
{
	while (*sentence) {
		size_t length = strcspn(sentence, "{");
		char words[400];

		snprintf(words, sizeof(words), "%.*s", (int)length, sentence);
		text = strstr(text, words);
		if (!text)
			return false;
		text += length;
		sentence += length;
		sentence += strcspn(sentence, "}");
		sentence += *sentence == '}';
	}
	return true;
}

/* A rule is met by a refusal, or told among the changes (what a device met by itself). */
static void note_rules(void *ctx, const struct vfiosim_event *event)
{
	struct reached *reached = ctx;

	for (size_t i = 0; i < RULES_MAX && vfiosim_rule(i); i++) {
		if (event->rule == vfiosim_rule(i))
			reached->rules[i] = true;
		for (size_t k = 0; k < event->n_changes; k++)
			if (fits(vfiosim_rule(i)->sentence, event->changes[k]))
				reached->rules[i] = true;
	}
}

static void collect(const struct play *play, struct reached *reached)
{
	struct vfiosim_errors why;
	struct play whole;

	ck_assert_int_eq(case_play_make(play->file, play->variant, play->mode, play->policy, &whole,
					&why), 0);
	ck_assert_int_eq(run_play_heard(&whole, note_rules, reached), 0);
	case_play_done(&whole);
}

START_TEST(every_rule_is_reached)
{
	struct reached reached = { 0 };
	struct plays all;
	char missing[4000] = "";
	size_t n = 0;

	setup(&all);
	for (size_t i = 0; i < all.n; i++)
		collect(&all.plays[i], &reached);
	teardown(&all);
	for (size_t i = 0; i < RULES_MAX && vfiosim_rule(i) && n < sizeof(missing); i++)
		if (!reached.rules[i] && !is_unreachable(vfiosim_rule(i)->id))
			n += (size_t)snprintf(missing + n, sizeof(missing) - n, " %s",
					      vfiosim_rule(i)->id);
	ck_assert_msg(!n, "no case reaches:%s", missing);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite;
	TCase *tests;

	/* The cases' processes exec this program, see target_worker.h. */
	if (argc > 1 && !strcmp(argv[1], worker_verb.name))
		return cli_main(&vfiosim_verb, argc, argv);
	tests = tcase_create("cases");
	suite = suite_create("cases");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, every_case_passes_and_repeats);
	tcase_add_loop_test(tests, a_case_ends_the_same_over_fuse, 0, count_cases());
	tcase_add_test(tests, each_refusal_can_be_provoked);
	tcase_add_test(tests, every_rule_is_reached);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
