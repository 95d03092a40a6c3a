/* SPDX-License-Identifier: MIT */
/* vfiosim tour. */
#include <string.h>
#include <unistd.h>

#include "base/value.h"
#include "cli.h"
#include "learn/tour.h"

struct options {
	uint64_t lesson;	/* 0: all */
	bool list, no_questions;
};

static const char *parse_lesson(const char *text, void *to)
{
	return value_number(text, to) && *(uint64_t *)to ? NULL : "the number of a lesson";
}

static int list(const struct tour *tour)
{
	for (size_t i = 0; i < tour->n; i++)
		printf("%2llu  %-40s %s\n", (unsigned long long)tour->lessons[i]->lesson.number,
		       tour->lessons[i]->lesson.title, tour->lessons[i]->name);
	return 0;
}

static int no_such_lesson(const struct tour *tour, uint64_t number)
{
	cli_error("tour: there is no lesson %llu; `vfiosim tour --list` names the %zu there are",
		  (unsigned long long)number, tour->n);
	return 2;
}

/* On a terminal the learner says when to go on. */
static void wait_for_enter(struct tour *tour)
{
	int c;

	if (!tour->questions || !isatty(STDIN_FILENO))
		return;
	fputs("\nEnter: the next lesson; q: stop ", stdout);
	fflush(stdout);
	c = getchar();
	tour->stopped = c == EOF || c == 'q';
	while (c != '\n' && c != EOF)
		c = getchar();
}

static int give(struct tour *tour, uint64_t only)
{
	size_t given = 0;

	for (size_t i = 0; i < tour->n && !tour->stopped; i++) {
		int error;

		if (only && tour->lessons[i]->lesson.number != only)
			continue;
		if (given++)
			wait_for_enter(tour);
		if (tour->stopped)
			break;
		putchar('\n');
		error = tour_lesson(tour, i);
		if (error) {
			cli_error("tour: %s: %s", tour->lessons[i]->name, strerror(-error));
			return 2;
		}
	}
	tour_score(tour);
	return given ? 0 : no_such_lesson(tour, only);
}

static int run(void *given, char **names, size_t n)
{
	const struct options *options = given;
	struct tour tour;
	int status;

	if (options->list && options->lesson) {
		cli_error("tour: --list and --lesson exclude each other");
		return 2;
	}
	if (tour_load(names, n, &tour))
		return 2;
	tour.questions = !options->no_questions;
	tour.echo = !isatty(STDIN_FILENO);
	tour.style = (struct story_style){
		.more = true,
		.picture = true,
		.ascii = !cli_utf8(),
		.colours = cli_colours(stdout),
	};
	if (!tour.n) {
		cli_error("tour: none of the cases is a lesson: they have no 'lesson:'");
		status = 2;
	} else {
		status = options->list ? list(&tour) : give(&tour, options->lesson);
	}
	tour_done(&tour);
	return status;
}

static const struct cli_option options[] = {
	{ "list", 0, NULL, "print the lessons", CLI_FLAG, offsetof(struct options, list) },
	{ "lesson", 0, "N", "this lesson alone", CLI_PARSED, offsetof(struct options, lesson),
	  .parse = parse_lesson },
	{ "no-questions", 0, NULL, "ask nothing, just tell", CLI_FLAG, offsetof(struct options, no_questions) },
	{ NULL },
};

const struct cli_verb tour_verb = {
	.name = "tour",
	.about = "learn how devices are attached: ten short lessons, each with a question",
	.args = "[FILE...]",
	.max_args = SIZE_MAX,
	.files = true,
	.more = "For somebody who knows C and nothing of VFIO. It needs neither FUSE nor rights, and keeps\n"
		"nothing. Answers may come over a pipe, one a line. FILEs are lessons of your own: cases\n"
		"with 'lesson:', see cases/README.md.\n",
	.options = options,
	.size = sizeof(struct options),
	.run = run,
};
