/* SPDX-License-Identifier: MIT */
/*
 * Stories: what --explain says of a case is short, explains each word once, and tells the
 * walk of a refusal as the kernel's side did it.
 */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/error.h>

#include "case/job.h"
#include "base/suite_test.h"
#include "case/library.h"
#include "report/lines.h"
#include "report/story_text.h"
#include "report/words.h"

#define STORY_LINES 60

/* The story of the play of @name that passes @filter first; the caller frees it. */
static char *story_of(const char *name, const struct play_filter *filter, const struct story_style *style)
{
	char *patterns[] = { (char *)(uintptr_t)name };
	struct job_options options = { .target = JOB_INPROC, .story = style };
	struct job_result result;
	struct library library;
	struct vfiosim_errors errors;
	struct play *plays;
	size_t n, size;
	char *text;

	ck_assert_int_eq(library_load(patterns, 1, &library, &errors), 0);
	ck_assert_int_eq(library_plays(&library, filter, &plays, &n), 0);
	ck_assert_uint_gt(n, 0);
	options.explain = open_memstream(&text, &size);
	ck_assert_int_eq(job_run(&plays[0], &options, &result), 0);
	ck_assert_int_eq(result.outcome.verdict, PASSED);
	fclose(options.explain);
	job_result_done(&result);
	library_plays_done(plays, n);
	library_done(&library);
	return text;
}

static unsigned count(const char *text, const char *needle)
{
	unsigned n = 0;

	for (; (text = strstr(text, needle)); text++)
		n++;
	return n;
}

static const struct story_style plain = { .more = true };

static struct play_filter hotadd(const char *policy, int mode)
{
	return (struct play_filter){ .variant = "unpinnable", .mode = mode,
				     .policies = 1U << policy_index(policy_by_name(policy)) };
}

START_TEST(the_walk_of_a_refused_replay)
{
	struct play_filter filter = hotadd("qemu-legacy", MODE_LEGACY);
	char *text = story_of("mdev-hotadd", &filter, &plain);

	ck_assert_ptr_nonnull(strstr(text, "into a new domain on dmar0: 2 in all"));
	ck_assert_ptr_nonnull(strstr(text, "- 0x0..0x7ffffff: 32768 pages pinned, memory of QEMU, "
					   "charged to QEMU (no limit)\n"));
	ck_assert_ptr_nonnull(strstr(text, "- 0xfe400000..0xfe400fff: refused: iova 0xfe400000"));
	ck_assert_ptr_nonnull(strstr(text, "- undone: 32768 pages unpinned; the domain is gone\n"));
	ck_assert_ptr_nonnull(strstr(text, "= no container has changed; nic0 is in none\n"));
	ck_assert_ptr_nonnull(strstr(text, "= container 2: nic0 | 1 mapping (RAM), 32768 pages pinned | "
					   "domain 1 of dmar0\n"));
	ck_assert_ptr_null(strstr(text, "83b8f4f2"));	/* people say mdev0 */
	ck_assert_ptr_null(strstr(text, "argsz"));
	free(text);
	filter = hotadd("single-ioas", MODE_IOMMUFD);
	text = story_of("mdev-hotadd", &filter, &plain);
	ck_assert_ptr_nonnull(strstr(text, "- undone: 32768 pages unpinned; the domain is gone\n"));
	ck_assert_ptr_nonnull(strstr(text, "-> ioas 2"));
	ck_assert_ptr_null(strstr(text, "EMSGSIZE"));	/* a question about room is no refusal */
	free(text);
}
END_TEST

/* Processes have the names that the case gives them. */
START_TEST(who_lends_memory_and_who_pays)
{
	struct play_filter filter = { .mode = MODE_LEGACY };
	char *text = story_of("other-process-replay", &filter, &plain);

	ck_assert_ptr_nonnull(strstr(text, "16 pages pinned, memory of child, charged to the program"));
	ck_assert_ptr_null(strstr(text, "process 1"));
	free(text);
}
END_TEST

/* A program that unmaps in the end what it had left out is refused, and does not mind. */
START_TEST(what_was_left_out_is_unmapped_without_a_word)
{
	struct play_filter filter = hotadd("qemu-iommufd", MODE_IOMMUFD);
	char *text = story_of("mdev-hotadd", &filter, &plain);

	ck_assert_ptr_null(strstr(text, "ENOENT"));
	ck_assert_ptr_null(strstr(text, "gives everything back"));
	ck_assert_ptr_nonnull(strstr(text, "QEMU makes another ioas, for nic0\n"));
	free(text);
}
END_TEST

/* With the case's own lines, which stand in `case run`: 60 in all. */
START_TEST(short_enough)
{
	struct play_filter filter = hotadd("qemu-legacy", MODE_LEGACY);
	char *text = story_of("mdev-hotadd", &filter, &plain), *at = text;

	ck_assert_uint_le(count(text, "\n"), STORY_LINES);
	for (; *at; at += strcspn(at, "\n"), at += *at == '\n')
		ck_assert_uint_le(strcspn(at, "\n"), LINES_WIDTH + 20);
	free(text);
}
END_TEST

/* ---- Words ------------------------------------------------------------- */

static void check_glosses(const char *name, const char *text)
{
	char gloss[80];

	for (size_t i = 0; word_at(i); i++) {
		snprintf(gloss, sizeof(gloss), "| %s: ", word_at(i)->word);
		ck_assert_msg(count(text, gloss) <= 1, "%s explains '%s' twice:\n%s", name,
			      word_at(i)->word, text);
	}
}

/* ---- Every case -------------------------------------------------------- */

/* Each case as its first play tells it, in either mode. */
static void each_story(void (*check)(const char *name, const char *text))
{
	struct library library;
	struct vfiosim_errors errors;
	size_t told = 0;

	ck_assert_int_eq(library_load(NULL, 0, &library, &errors), 0);
	for (size_t i = 0; i < library.n; i++)
		for (int mode = 0; mode < MODE_COUNT; mode++) {
			struct play_filter filter = { .mode = mode };
			char *text;

			if (!library.files[i]->modes[mode])
				continue;
			text = story_of(library.files[i]->name, &filter, &plain);
			check(library.files[i]->name, text);
			free(text);
			told++;
		}
	ck_assert_uint_gt(told, 150);
	library_done(&library);
}

START_TEST(no_word_is_explained_twice)
{
	each_story(check_glosses);
}
END_TEST

/*
 * What a reader cannot know who is new to the field. Abbreviations are found by their
 * capitals; other words must stand here.
 */
static const char *const terms[] = {
	"access", "aperture", "cdev", "container", "dirty", "domain", "emulated", "eventfd", "group",
	"hot-add", "hot reset", "hwpt", "ioas", "iommufd", "iova", "locked", "mapping", "mdev", "nesting",
	"noiommu", "huge page", "vector", "virtual function", "token", "identity", "sysfs", "peer-to-peer", "pin", "policy", "region", "relaxable", "replay", "reserved", "space",
	"type1", "viable", "snoop control", "interrupt remapping", "vIOMMU",
};

/* Abbreviations that a C programmer on Linux knows, and names. */
static const char *const plain_words[] = {
	"RAM", "PCI", "QEMU", "DPDK", "SPDK", "VT", "UUID", "PROGRAM", "REFUSED", "SIGBUS",
	"VENDOR", "DEVICE",	/* sysfs: what stands in new_id */
};

static bool in_glossary(const char *word, size_t length)
{
	for (size_t i = 0; word_at(i); i++)
		if (word_means(word, length, word_at(i)->word))
			return true;
	return false;
}

static bool is_plain(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(plain_words) / sizeof(plain_words[0]); i++)
		if (strlen(plain_words[i]) == length && !strncmp(plain_words[i], word, length))
			return true;
	return false;
}

/* A part of a command's name, or a flag: `vfiosim explain` tells of these. */
static bool is_of_a_command(const char *word, size_t length)
{
	const struct vfiosim_command *command;

	for (size_t i = 0; (command = vfiosim_command(i)); i++) {
		const char *part = command->name;

		for (; *part; part += strcspn(part, "_"), part += *part == '_')
			if (strcspn(part, "_") == length && !strncmp(part, word, length))
				return true;
		for (const struct vfiosim_flag *flag = command->flags; flag && flag->name; flag++)
			if (strlen(flag->name) == length && !strncmp(flag->name, word, length))
				return true;
	}
	return false;
}

/* "MSI" is one, as is "PASIDs". A command, a flag and an errno have their own explanations. */
static bool is_abbreviation(const char *word, size_t length)
{
	size_t capitals = 0;

	while (capitals < length && isupper((unsigned char)word[capitals]))
		capitals++;
	if (capitals < 2 || (capitals < length && strncmp(word + capitals, "s", length - capitals)))
		return false;
	for (int error = 1; error < 134; error++) {
		const char *name = strerrorname_np(error);

		if (name && strlen(name) == length && !strncmp(name, word, length))
			return false;
	}
	return true;
}

/* A command's line, "     MAP_DMA ...", is no sentence. */
static bool is_sentence(const char *line)
{
	return strncmp(line, "     ", 5) || line[5] == ' ' || line[5] == '=';
}

static void check_abbreviations(const char *name, const char *line, const char *end)
{
	for (const char *at = line; at < end; ) {
		size_t length = 0;

		if (!isalpha((unsigned char)*at)) {
			at++;
			continue;
		}
		while (isalnum((unsigned char)at[length]) || at[length] == '_' || at[length] == '/' ||
		       at[length] == '=' || at[length] == '|')
			length++;
		ck_assert_msg(!is_abbreviation(at, length) || is_plain(at, length) ||
				      is_of_a_command(at, length) || in_glossary(at, length),
			      "%s: '%.*s' is not in the glossary: %.*s", name, (int)length, at,
			      (int)(end - line), line);
		at += length;
	}
}

static void check_terms(const char *name, const char *text)
{
	for (const char *line = text, *end; *line; line = end + 1) {
		char copy[400];

		end = strchrnul(line, '\n');
		if (is_sentence(line)) {
			check_abbreviations(name, line, end);
			snprintf(copy, sizeof(copy), "%.*s", (int)(end - line), line);
			for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
				ck_assert_msg(!word_in(copy, terms[i]) || in_glossary(terms[i], strlen(terms[i])),
					      "%s: '%s' is not in the glossary: %s", name, terms[i], copy);
		}
		if (!*end)
			break;
	}
}

START_TEST(terms_in_sentences_are_in_the_glossary)
{
	each_story(check_terms);
}
END_TEST

/* What a case says besides its story: on its page, and in the tour. */
START_TEST(terms_of_lessons_are_in_the_glossary)
{
	struct library library;
	struct vfiosim_errors errors;
	size_t lessons = 0;

	ck_assert_int_eq(library_load(NULL, 0, &library, &errors), 0);
	for (size_t i = 0; i < library.n; i++) {
		const struct case_file *file = library.files[i];
		const char *const texts[] = { file->teaches, file->lesson.title,
					      file->lesson.before, file->lesson.question, file->lesson.why,
					      file->lesson.answers[0], file->lesson.answers[1],
					      file->lesson.answers[2] };

		lessons += file->lesson.title != NULL;
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			if (texts[k])
				check_terms(file->name, texts[k]);
	}
	ck_assert_uint_ge(lessons, 8);
	library_done(&library);
}
END_TEST

/* Words that somebody new to the field cannot know, where they come up in a story. */
START_TEST(words_of_the_field_are_explained)
{
	static const char *const words[] = { "group", "container", "domain", "iova", "mdev", "pin",
					     "BAR", "IOMMU", "peer-to-peer", NULL };
	static const char *const iommufd_words[] = { "ioas", "hwpt", "iommufd", "mdev", "pin", NULL };
	struct play_filter filter = hotadd("qemu-legacy", MODE_LEGACY);

	for (int mode = 0; mode < MODE_COUNT; mode++) {
		char *text = story_of("mdev-hotadd", &filter, &plain);

		for (const char *const *word = mode ? iommufd_words : words; *word; word++) {
			char gloss[80];

			snprintf(gloss, sizeof(gloss), "| %s: ", *word);
			ck_assert_msg(word_in(text, *word) && strstr(text, gloss), "%s:\n%s", *word, text);
		}
		free(text);
		filter = hotadd("qemu-iommufd", MODE_IOMMUFD);
	}
}
END_TEST

START_TEST(refusals_alone)
{
	static const struct story_style style = { .refused_only = true };
	struct play_filter filter = hotadd("qemu-legacy", MODE_LEGACY);
	char *text = story_of("mdev-hotadd", &filter, &style);

	ck_assert_uint_eq(count(text, "REFUSED  EFAULT"), 2);
	ck_assert_uint_eq(count(text, " ok"), 0);
	free(text);
}
END_TEST

START_TEST(pictures)
{
	static const struct story_style style = { .picture = true, .ascii = true };
	struct play_filter filter = hotadd("qemu-legacy", MODE_LEGACY);
	char *text = story_of("mdev-hotadd", &filter, &style);

	ck_assert_ptr_nonnull(strstr(text, "[=RAM=]"));
	ck_assert_ptr_nonnull(strstr(text, "[!BAR 0 of mdev0!]"));
	ck_assert_ptr_nonnull(strstr(text, "[#reserved#]"));
	ck_assert_ptr_nonnull(strstr(text, "^ the conflict"));
	ck_assert_ptr_nonnull(strstr(text, "| container 2 "));
	for (const char *at = text; *at; at++)
		ck_assert_msg((unsigned char)*at < 0x80, "not ASCII: %s", at);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("story");
	Suite *suite = suite_create("story");

	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, the_walk_of_a_refused_replay);
	tcase_add_test(tests, who_lends_memory_and_who_pays);
	tcase_add_test(tests, what_was_left_out_is_unmapped_without_a_word);
	tcase_add_test(tests, short_enough);
	tcase_add_test(tests, no_word_is_explained_twice);
	tcase_add_test(tests, terms_in_sentences_are_in_the_glossary);
	tcase_add_test(tests, terms_of_lessons_are_in_the_glossary);
	tcase_add_test(tests, words_of_the_field_are_explained);
	tcase_add_test(tests, refusals_alone);
	tcase_add_test(tests, pictures);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
