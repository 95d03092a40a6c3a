/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim explain`: every word it lists it explains, what it says of refusals is what
 * cases show, and a wrong ioctl number leads to the command that was meant.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "case/builtin.h"
#include "case/sweep.h"
#include "base/suite_test.h"
#include "cli.h"
#include "learn/subject.h"
#include "learn/trace_file.h"
#include "report/words.h"
#include "sweep/judge.h"

static struct subject_context context;	/* its evidence serves all tests of this program */


static char *told_by(const struct subject_kind *kind, const char *word)
{
	char *text = NULL;
	size_t size;

	context.to = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(context.to);
	ck_assert_msg(kind->tell(&context, word), "%s: %s is not explained", kind->name, word);
	fclose(context.to);
	return text;
}

static char *answer(const char *command, int error)
{
	char *text = NULL;
	size_t size;

	context.to = open_memstream(&text, &size);
	subject_tell_answer(&context, subject_command_name(command), error);
	fclose(context.to);
	return text;
}

static char *number(const char *word)
{
	char *text = NULL;
	size_t size;

	context.to = open_memstream(&text, &size);
	ck_assert_msg(subject_tell_number(&context, word), "%s is no number", word);
	fclose(context.to);
	return text;
}

static void says(char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in\n%s", part, text);
}

static const struct subject_kind *const kinds[] = {
	&subject_rules, &subject_commands, &subject_errnos, &subject_terms, &subject_sites,
	&subject_verdicts,
};

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

START_TEST(every_word_is_explained)
{
	const struct subject_kind *kind = kinds[_i];
	const char *word, *about;
	size_t n = 0;

	for (; (word = kind->word(n, &about)); n++) {
		char *text = told_by(kind, word);

		ck_assert_msg(about && *about, "%s: nothing is said of %s", kind->name, word);
		ck_assert_msg(lines_of(text) > 1, "%s: too little of %s:\n%s", kind->name, word, text);
		free(text);
	}
	ck_assert_uint_gt(n, 8);
}
END_TEST

START_TEST(every_verdict_of_a_sweep_is_explained)
{
	const char *const *const lists[] = { judge_outcomes, judge_defects + 1, sweep_defects + 1 };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const char *const *verdict = lists[i]; *verdict; verdict++)
			free(told_by(&subject_verdicts, *verdict));
}
END_TEST

static bool is_case(const char *name)
{
	for (size_t i = 0; case_builtin(i); i++)
		if (!strcmp(case_builtin(i)->name, name))
			return true;
	return false;
}

START_TEST(terms_lead_to_cases_that_exist)
{
	const struct word *word;

	for (size_t i = 0; (word = word_at(i)); i++) {
		ck_assert_msg(!word->shown || is_case(word->shown), "%s: no case %s", word->word, word->shown);
		ck_assert_msg(word->more || (i && !strcmp(word_at(i - 1)->word, word->word)),
			      "%s has only a gloss", word->word);
		ck_assert_uint_lt(i, 64);	/* stories keep a bit for each */
	}
}
END_TEST

/* The reasons for an answer are those of the commands that gave it, and no others. */
START_TEST(answers_have_their_reasons)
{
	char *text = answer("MAP_DMA", EINVAL);

	says(text, "VFIO_IOMMU_MAP_DMA answers EINVAL");
	says(text, "0xfee00000..0xfee00fff overlaps 0xfee00000..0xfeefffff, reserved (msi)");
	says(text, "[misaligned;");
	says(text, "vfiosim case run map-arguments ");
	ck_assert_ptr_null(strstr(text, "[overlap;"));	/* that is EEXIST */
	ck_assert_ptr_null(strstr(text, "[injected;"));
	free(text);
	text = answer("set_container", EFAULT);
	says(text, "is region 0 of mdev0, whose pages cannot");
	free(text);
	text = answer("MAP_DMA", EXDEV);
	says(text, "not among the answers");
	says(text, "EEXIST");
	free(text);
}
END_TEST

/* On which Linux, where the newest answers otherwise. */
START_TEST(older_answers_say_so)
{
	char *text = answer("MAP_DMA", EINVAL);

	says(text, "[wraps; on Linux 6.17:");
	free(text);
	text = answer("MAP_DMA", EOVERFLOW);
	says(text, "[wraps; Linux:");
	free(text);
	/* A case asks 6.18 for the second, which 7.2 was not asked for, and answers as well. */
	text = told_by(&subject_rules, "wraps");
	says(text, "VFIO_IOMMU_DIRTY_PAGES (EINVAL on Linux 6.17)");
	says(text, "VFIO_IOMMU_DIRTY_PAGES (EOVERFLOW)");
	free(text);
}
END_TEST

/* A call that --fault can let fail has answers, as a command has. */
START_TEST(calls_have_answers)
{
	char *text = answer("open", ENOMEM);

	says(text, "no case shows it, but the kernel can: for hardware, memory or a limit");
	says(text, "--fault open,when=1,error=ENOMEM");
	free(text);
	text = answer("open", EXDEV);
	says(text, "not among the answers");
	says(text, "answers  EBUSY");
	free(text);
	text = answer("close", ENOMEM);
	says(text, "not among the answers");
	ck_assert_ptr_null(strstr(text, "\n  answers"));
	free(text);
	text = told_by(&subject_commands, "open");
	says(text, "and, though no case shows it,");
	free(text);
}
END_TEST

/* The reason was told as an error: nothing is said of what is not known. */
START_TEST(without_evidence_no_reason_is_denied)
{
	struct subject_context broken = { .error = -ENOMEM, .told_error = true };
	char *text = NULL;
	size_t size;

	broken.to = open_memstream(&text, &size);
	subject_tell_answer(&broken, "VFIO_IOMMU_MAP_DMA", EINVAL);
	fclose(broken.to);
	says(text, "VFIO_IOMMU_MAP_DMA answers EINVAL");
	ck_assert_msg(!strstr(text, "no case") && !strstr(text, "no reason"), "%s", text);
	free(text);
}
END_TEST

static void reaches_each_shown_rule(const struct evidence *evidence)
{
	for (size_t i = 0; i < evidence->n; i++) {
		const struct shown *shown = &evidence->list[i];
		char *text = answer(shown->verb, shown->error), id[80];

		snprintf(id, sizeof(id), "[%s;", shown->rule->id);
		says(text, id);
		free(text);
	}
}

/* Of all verbs that cases use: a command, or a call such as open. */
START_TEST(every_refusal_of_a_case_is_told)
{
	const struct evidence *evidence = subject_evidence(&context);

	ck_assert_ptr_nonnull(evidence);
	ck_assert_uint_gt(evidence->n, 200);
	for (size_t i = 0; i < evidence->n; i++)
		ck_assert_msg(subject_command_name(evidence->list[i].verb), "%s has no name",
			      evidence->list[i].verb);
	reaches_each_shown_rule(evidence);
}
END_TEST

START_TEST(errnos_by_name_and_number)
{
	ck_assert_int_eq(subject_errno("EINVAL"), EINVAL);
	ck_assert_int_eq(subject_errno("einval"), EINVAL);
	ck_assert_int_eq(subject_errno("-22"), EINVAL);
	ck_assert_int_eq(subject_errno("22"), EINVAL);
	ck_assert_int_eq(subject_errno("0"), 0);
	ck_assert_int_eq(subject_errno("EINVLA"), 0);
	ck_assert_int_eq(subject_errno("99999"), 0);
	ck_assert_int_eq(subject_errno(""), 0);
}
END_TEST

static const struct {
	uint32_t number;
	const char *says[2];
} wrong_numbers[] = {
	{ _IOC(_IOC_READ | _IOC_WRITE, ';', 113, 48), { "wrong encoding", "0x3b71 VFIO_IOMMU_MAP_DMA" } },
	{ _IOC(_IOC_WRITE, ';', 0x85, 40), { "_IOW(';', 133, 40 bytes)", "IOMMU_IOAS_MAP" } },
	{ _IO(0xae, 113), { "that of KVM", "VFIO_IOMMU_MAP_DMA" } },
	{ _IO(';', 250), { "number 250", "The nearest, " } },
	{ _IO('0', 57), { "the letter is not ';'", "ENOTTY.\n  no command of VFIO or iommufd is number 57." } },
	{ 113, { "lacks the letter", "0x3b71 VFIO_IOMMU_MAP_DMA" } },
};

START_TEST(wrong_numbers_lead_to_the_command)
{
	char word[32], *text;

	snprintf(word, sizeof(word), "0x%x", wrong_numbers[_i].number);
	text = number(word);
	for (int i = 0; i < 2; i++)
		says(text, wrong_numbers[_i].says[i]);
	free(text);
}
END_TEST

START_TEST(right_numbers_are_their_commands)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		char word[32], *text;

		snprintf(word, sizeof(word), "%u", row->number);
		text = number(word);
		says(text, row->name);
		ck_assert_ptr_null(strstr(text, "wrong"));
		free(text);
	}
}
END_TEST

/* What is unknown: status 2. What it says goes to stderr. */
START_TEST(unknown_words)
{
	static const char *const words[][2] = {
		{ "pin-regon" }, { "zzzzzzzz" }, { "MAP_DMA", "EINVLA" }, { "MAP_DNA", "EINVAL" }, { "" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *argv[] = { (char[]){ "vfiosim" }, (char[]){ "explain" }, (char *)(uintptr_t)words[i][0],
				 (char *)(uintptr_t)words[i][1], NULL };

		ck_assert_int_eq(cli_main(&vfiosim_verb, words[i][1] ? 4 : 3, argv), 2);
	}
}
END_TEST

/* What `case run --trace` wrote. */
static const char trace[] =
	"{\"n\":7,\"client\":1,\"object\":\"container 1\",\"verb\":\"VFIO_IOMMU_MAP_DMA\",\"args\":{\"iova\":\"0x0\"},"
	"\"result\":0,\"changes\":[\"mapping 0x0..0xfff added and pinned, 1 page charged\"]}\n"
	"{\"n\":8,\"client\":1,\"object\":\"container 1\",\"verb\":\"VFIO_IOMMU_MAP_DMA\",\"args\":{\"iova\":\"0x200000\"},"
	"\"result\":-1,\"error\":\"EFAULT\",\"rule\":\"pin-unmapped\",\"reason\":\"nothing is there\","
	"\"mirrors\":\"get_user_pages\",\"provoke\":\"MAP_DMA,when=2,error=EFAULT\",\"walk\":[\"one thing\"]}\n";

static char *told_of_trace(const char *content, uint64_t step, int status)
{
	char path[SCRATCH_PATH], *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	close(scratch_file(path, "trace", content));
	ck_assert_int_eq(trace_file_tell(path, step, to), status);
	fclose(to);
	return text;
}

START_TEST(a_trace_is_told)
{
	char *text = told_of_trace(trace, 0, 0);

	says(text, "   8  container 1: let the container's devices reach a stretch of memory\n");
	says(text, "      VFIO_IOMMU_MAP_DMA iova=0x200000\n      refused: EFAULT (Bad address)\n");
	says(text, "because nothing is there [pin-unmapped; Linux: get_user_pages]\n      - one thing\n");
	says(text, "--fault MAP_DMA,when=2,error=EFAULT\n");
	says(text, "2 events, 1 refused.");
	ck_assert_ptr_null(strstr(text, "   7  "));
	free(text);
	text = told_of_trace(trace, 7, 0);
	says(text, "      ok\n      -> mapping 0x0..0xfff added");
	ck_assert_ptr_null(strstr(text, "refused"));
	free(text);
	free(told_of_trace(trace, 9, 2));
	free(told_of_trace("about: a case\n", 0, 2));
	free(told_of_trace("{}\n", 0, 2));
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tests;

	tests = tcase_create("explain");
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, every_word_is_explained, 0, sizeof(kinds) / sizeof(kinds[0]));
	tcase_add_test(tests, every_verdict_of_a_sweep_is_explained);
	tcase_add_test(tests, terms_lead_to_cases_that_exist);
	tcase_add_test(tests, answers_have_their_reasons);
	tcase_add_test(tests, older_answers_say_so);
	tcase_add_test(tests, calls_have_answers);
	tcase_add_test(tests, without_evidence_no_reason_is_denied);
	tcase_add_test(tests, every_refusal_of_a_case_is_told);
	tcase_add_test(tests, errnos_by_name_and_number);
	tcase_add_loop_test(tests, wrong_numbers_lead_to_the_command, 0,
			    sizeof(wrong_numbers) / sizeof(wrong_numbers[0]));
	tcase_add_test(tests, right_numbers_are_their_commands);
	tcase_add_test(tests, a_trace_is_told);
	tcase_add_test(tests, unknown_words);
	suite = suite_create("explain");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
