/* SPDX-License-Identifier: MIT */
/*
 * The tour: every lesson is whole, asks before it tells, runs to its end over a pipe, and
 * scores right answers higher than wrong ones.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "case/told.h"
#include "base/suite_test.h"
#include "cli.h"
#include "learn/tour.h"
#include "report/words.h"

static struct tour tour;
static char *text;

static void load(void)
{
	ck_assert_int_eq(tour_load(NULL, 0, &tour), 0);
	tour.style.more = tour.style.picture = tour.style.ascii = true;
}

static void done(void)
{
	tour_done(&tour);
	free(text);
	text = NULL;
}

/* Gives lessons @first to @last, answered by @answers, into @text. */
static void give(const char *answers, size_t first, size_t last)
{
	size_t size;

	tour.from = fmemopen((char *)(uintptr_t)answers, strlen(answers), "r");
	tour.to = open_memstream(&text, &size);
	for (size_t i = first; i <= last && !tour.stopped; i++)
		ck_assert_int_eq(tour_lesson(&tour, i), 0);
	tour_score(&tour);
	fclose(tour.from);
	fclose(tour.to);
}

/* An answer a line: the right ones, each moved on by @off. */
static const char *answers_of(unsigned off)
{
	static char answers[200];
	size_t n = 0;

	for (size_t i = 0; i < tour.n; i++) {
		answers[n++] = (char)('a' + (tour.lessons[i]->lesson.right + off) % LESSON_ANSWERS);
		answers[n++] = '\n';
	}
	answers[n] = 0;
	return answers;
}

static unsigned count(const char *where, const char *needle)
{
	unsigned n = 0;

	for (; (where = strstr(where, needle)); where++)
		n++;
	return n;
}

START_TEST(every_lesson_is_whole)
{
	unsigned rights[LESSON_ANSWERS] = { 0 };

	ck_assert_uint_eq(tour.n, 10);
	for (size_t i = 0; i < tour.n; i++) {
		const struct case_file *file = tour.lessons[i];
		const struct case_lesson *lesson = &file->lesson;

		ck_assert_msg(lesson->number == i + 1, "%s has number %llu", file->name,
			      (unsigned long long)lesson->number);
		ck_assert_msg(file->teaches && *file->teaches, "%s teaches nothing", file->name);
		ck_assert_msg(lesson->at <= file->steps->n, "%s asks behind its end", file->name);
		for (unsigned k = 0; k < LESSON_ANSWERS; k++)
			ck_assert_str_ne(lesson->answers[k], lesson->answers[(k + 1) % LESSON_ANSWERS]);
		rights[lesson->right]++;
	}
	for (unsigned k = 0; k < LESSON_ANSWERS; k++)	/* guessing one letter gets nobody far */
		ck_assert_uint_le(rights[k], tour.n / 2);
}
END_TEST

static void check_score(unsigned off, const char *expected)
{
	load();
	give(answers_of(off), 0, tour.n - 1);
	ck_assert_uint_eq(count(text, "What this shows: "), tour.n);
	ck_assert_msg(strstr(text, expected), "not \"%s\" at the end of\n%s", expected, text);
	done();
}

START_TEST(right_answers_score_higher_than_wrong_ones)
{
	char all[40];

	load();
	snprintf(all, sizeof(all), "Your score: %zu of %zu right.\n", tour.n, tour.n);
	done();
	check_score(0, all);
	check_score(1, "Your score: 0 of ");
	check_score(2, "Your score: 0 of ");
}
END_TEST

/* It goes on to the end where the pipe ends. */
START_TEST(no_answer_is_no_score)
{
	load();
	give("b\n", 0, tour.n - 1);
	ck_assert_ptr_nonnull(strstr(text, "Your score: 1 of "));
	ck_assert_ptr_nonnull(strstr(text, " not answered)"));
	ck_assert_uint_eq(count(text, "What this shows: "), tour.n);
	done();
}
END_TEST

START_TEST(without_questions_nothing_is_asked)
{
	load();
	tour.questions = false;
	give("b\n", 0, tour.n - 1);
	ck_assert_ptr_null(strstr(text, "Your "));
	ck_assert_uint_eq(count(text, "\nIt is "), tour.n);
	done();
}
END_TEST

START_TEST(what_is_no_answer_is_asked_again)
{
	load();
	give("what?\nB\n", 0, 0);
	ck_assert_uint_eq(count(text, "Your answer"), 2);
	ck_assert_ptr_nonnull(strstr(text, "Your score: 1 of 1 right.\n"));
	done();
	load();
	give("a\nq\nb\n", 0, tour.n - 1);
	ck_assert_uint_eq(count(text, "Your answer"), 2);
	ck_assert_ptr_nonnull(strstr(text, "Your score: 0 of 1 right.\n"));
	done();
}
END_TEST

/* What is asked is told behind the question, and something is. */
START_TEST(asks_before_it_tells)
{
	load();
	for (size_t i = 0; i < tour.n; i++) {
		const char *question, *end;
		char *before;

		give("", i, i);
		question = strstr(text, "\n? ");
		end = question ? strstr(question, "\nWhy: ") : NULL;
		ck_assert_msg(end && (strstr(question, "REFUSED") || strstr(question, " ok")),
			      "%s: nothing is told behind the question:\n%s", tour.lessons[i]->name, text);
		before = strndup(text, (size_t)(question - text));
		ck_assert_msg(!strstr(before, "REFUSED"), "%s tells before it asks:\n%s",
			      tour.lessons[i]->name, text);
		free(before);
		free(text);
		text = NULL;
	}
	done();
}
END_TEST

/* Over the whole tour, in either mode's meaning. */
START_TEST(no_word_is_explained_twice)
{
	char gloss[200];

	load();
	give("", 0, tour.n - 1);
	for (size_t i = 0; word_at(i); i++) {
		snprintf(gloss, sizeof(gloss), "| %s: %.20s", word_at(i)->word, word_at(i)->meaning);
		ck_assert_msg(count(text, gloss) <= 1, "'%s' is explained twice", word_at(i)->word);
	}
	ck_assert_uint_gt(count(text, "\n   | "), 12);
	done();
}
END_TEST

START_TEST(lessons_of_ones_own)
{
	char *names[] = { (char[]){ "tour-map" }, (char[]){ "ids" } };

	ck_assert_int_eq(tour_load(names, 2, &tour), 0);
	ck_assert_uint_eq(tour.n, 1);	/* the other has no question */
	done();
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tests;

	tests = tcase_create("tour");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, right_answers_score_higher_than_wrong_ones);
	tcase_add_test(tests, no_answer_is_no_score);
	tcase_add_test(tests, without_questions_nothing_is_asked);
	tcase_add_test(tests, what_is_no_answer_is_asked_again);
	tcase_add_test(tests, asks_before_it_tells);
	tcase_add_test(tests, no_word_is_explained_twice);
	tcase_add_test(tests, lessons_of_ones_own);
	suite = suite_create("tour");
	suite_add_tcase(suite, tests);
	tests = tcase_create("lessons");
	tcase_add_checked_fixture(tests, load, done);
	tcase_add_test(tests, every_lesson_is_whole);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
