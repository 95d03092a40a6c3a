/* SPDX-License-Identifier: MIT */
/* Lessons, one after the other. See tour.h. */
#include "learn/tour.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/error.h>

#include "case/told.h"
#include "cli.h"
#include "report/lines.h"

/* ---- Which lessons ----------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct case_file *one = *(const struct case_file *const *)a;
	const struct case_file *other = *(const struct case_file *const *)b;

	return one->lesson.number < other->lesson.number ? -1 : one->lesson.number > other->lesson.number;
}

int tour_load(char **names, size_t n, struct tour *ret_tour)
{
	struct tour tour = { .from = stdin, .to = stdout, .questions = true };
	struct vfiosim_errors why;
	int error = library_load(names, n, &tour.library, &why);

	if (error) {
		cli_file_errors(&why);
		return error;
	}
	tour.lessons = calloc(tour.library.n + 1, sizeof(struct case_file *));
	if (!tour.lessons) {
		library_done(&tour.library);
		return -ENOMEM;
	}
	for (size_t i = 0; i < tour.library.n; i++)
		if (tour.library.files[i]->lesson.title)
			tour.lessons[tour.n++] = tour.library.files[i];
	qsort(tour.lessons, tour.n, sizeof(struct case_file *), by_number);
	*ret_tour = tour;
	return 0;
}

void tour_done(struct tour *tour)
{
	free(tour->lessons);
	library_done(&tour->library);
}

/* ---- Asking ------------------------------------------------------------ */

static void strong(const struct tour *tour, const char *text)
{
	if (tour->style.colours)
		fputs("\033[1m", tour->to);
	fputs(text, tour->to);
	if (tour->style.colours)
		fputs("\033[0m", tour->to);
}

/* A line of the learner's, without its end; false: there is no more. */
static bool read_line(struct tour *tour, char *to, int size)
{
	fflush(tour->to);
	if (!fgets(to, size, tour->from))
		return false;
	to[strcspn(to, "\n")] = 0;
	if (tour->echo)
		fprintf(tour->to, "%s\n", to);
	return true;
}

/* 0 to 2; -1: no answer. */
static int read_answer(struct tour *tour)
{
	char line[80];

	for (;;) {
		const char *at = line;

		fputs("Your answer (a, b or c; Enter: just tell me; q: stop): ", tour->to);
		if (!read_line(tour, line, sizeof(line))) {
			fputc('\n', tour->to);
			return -1;
		}
		at += strspn(line, " \t");
		if (!*at)
			return -1;
		if (tolower((unsigned char)*at) == 'q') {
			tour->stopped = true;
			return -1;
		}
		if (!at[1] && tolower((unsigned char)*at) >= 'a' && tolower((unsigned char)*at) <= 'c')
			return tolower((unsigned char)*at) - 'a';
	}
}

static void judge(struct tour *tour, const struct case_lesson *lesson, int answer)
{
	char letter = (char)('a' + lesson->right);

	tour->asked++;
	if (answer < 0) {
		fprintf(tour->to, "It is %c.\n", letter);
		return;
	}
	tour->answered++;
	tour->right += answer == (int)lesson->right;
	if (answer == (int)lesson->right)
		fprintf(tour->to, "Right, it is %c.\n", letter);
	else
		fprintf(tour->to, "No, it is %c.\n", letter);
}

static void ask(struct tour *tour, const struct case_lesson *lesson)
{
	char head[] = "   a) ";

	fputc('\n', tour->to);
	lines_put(tour->to, 0, "? ", lesson->question);
	for (int i = 0; i < LESSON_ANSWERS; i++, head[3]++)
		lines_put(tour->to, 0, head, lesson->answers[i]);
	if (tour->questions) {
		int answer = read_answer(tour);

		if (!tour->stopped)
			judge(tour, lesson, answer);
	} else {
		fprintf(tour->to, "It is %c.\n", 'a' + (char)lesson->right);
	}
	fputc('\n', tour->to);
}

/* ---- A lesson ---------------------------------------------------------- */

static void tell(struct tour *tour, const struct case_file *file, struct story *story)
{
	const struct case_lesson *lesson = &file->lesson;
	struct story_teller teller = story_teller(story, &tour->style, tour->to);

	teller.glossed = tour->glossed;
	story_tell_machine(&teller);
	if (lesson->at)
		story_tell_until(&teller, lesson->at - 1);
	else
		story_tell_until(&teller, SIZE_MAX);
	ask(tour, lesson);
	if (tour->stopped)
		return;
	story_tell_until(&teller, SIZE_MAX);
	tour->glossed = teller.glossed;
	fputc('\n', tour->to);
	lines_put(tour->to, 0, "Why: ", lesson->why);
	story_tell_lesson(file, &tour->style, tour->to);
	fprintf(tour->to, "Again, with all details: vfiosim case run %s --explain\n",
		file->path ? file->path : file->name);
}

int tour_lesson(struct tour *tour, size_t index)
{
	static const struct play_filter any = { .mode = -1 };
	const struct case_file *file = tour->lessons[index];
	struct told told = { 0 };
	struct play *plays;
	size_t n;
	int error = library_plays(&tour->library, &any, &plays, &n);
	char title[200];

	if (error)
		return error;
	snprintf(title, sizeof(title), "Lesson %llu: %s\n", (unsigned long long)file->lesson.number,
		 file->lesson.title);
	strong(tour, title);
	lines_put(tour->to, 0, "", file->lesson.before);
	fputc('\n', tour->to);
	error = told_make(told_choose(file, plays, n, NULL), NULL, &told);
	if (!error) {
		tell(tour, file, told.story);
		told_done(&told);
	}
	library_plays_done(plays, n);
	return error;
}

void tour_score(const struct tour *tour)
{
	if (!tour->asked)
		return;
	fprintf(tour->to, "\nYour score: %zu of %zu right", tour->right, tour->asked);
	if (tour->answered < tour->asked)
		fprintf(tour->to, " (%zu not answered)", tour->asked - tour->answered);
	fputs(".\n", tour->to);
}
