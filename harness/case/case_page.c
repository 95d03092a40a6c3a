/* SPDX-License-Identifier: MIT */
/* See case_page.h. */
#include "case/case_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case/elsewhere.h"
#include "case/job.h"
#include "case/library.h"
#include "case/told.h"
#include "cli.h"
#include "report/page.h"
#include "report/story_page.h"
#include "select/policy.h"

/* ---- Which plays ------------------------------------------------------- */

/* "qemu" of "qemu-legacy": the program. */
static bool same_program(const struct policy *one, const struct policy *other)
{
	size_t length = strcspn(one->name, "-");

	return length == strcspn(other->name, "-") && !strncmp(one->name, other->name, length);
}

/*
 * What tells in the other mode what @told tells: the same variant, played by the same
 * program, else by another; as scripted only if @told is. NULL: there is none.
 */
static const struct play *other_side(const struct play *told, const struct play *plays, size_t n)
{
	const struct play *found = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct play *play = &plays[i];

		if (play->file != told->file || play->variant != told->variant || play->mode == told->mode ||
		    !play->policy != !told->policy)
			continue;
		if (!found || (told->policy && same_program(told->policy, play->policy)))
			found = play;
	}
	return found;
}

/* ---- A page ------------------------------------------------------------ */

struct page {
	const struct play *told;
	struct elsewhere elsewhere;
};

static void put_cell(const char *text, FILE *to)
{
	fputs("<td>", to);
	page_text(to, text ? text : "");
	fputs("</td>", to);
}

/* "reserved: the BAR lies over the window for interrupts" */
static void put_variant(const struct play *play, FILE *to)
{
	const char *name = case_variant(play->file, play->variant);
	const char *about = case_variant_about(play->file, play->variant);
	char text[400];

	snprintf(text, sizeof(text), "%s%s%s", name ? name : "", about ? ": " : "", about ? about : "");
	put_cell(text, to);
}

/* How the other plays ended. */
static void put_elsewhere(FILE *to, void *ctx)
{
	const struct page *page = ctx;

	if (page->elsewhere.n < 2)
		return;
	fputs("<h2 id=\"others\">In other variants, and with other programs</h2>\n"
	      "<div class=\"wide\"><table class=\"grid\"><thead><tr><th>variant</th><th>interface</th>"
	      "<th>who chooses</th><th>what comes of it</th></tr></thead><tbody>\n", to);
	for (size_t i = 0; i < page->elsewhere.n; i++) {
		const struct elsewhere_play *entry = &page->elsewhere.plays[i];
		const struct play *play = entry->play;

		fputs("<tr>", to);
		put_variant(play, to);
		put_cell(play->mode == MODE_LEGACY ? "containers" : "iommufd", to);
		put_cell(play->policy ? play->policy->name : "as scripted", to);
		put_cell(entry->ended, to);
		fputs("</tr>\n", to);
	}
	fputs("</tbody></table></div>\n", to);
}

static int play_all(struct page *page, const struct play *plays, size_t n, const struct job_options *options)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		struct job_result result;

		if (plays[i].file != page->told->file || page->elsewhere.n == ELSEWHERE_MAX)
			continue;
		error = job_run(&plays[i], options, &result);
		if (error)
			return error;
		elsewhere_add(&page->elsewhere, &plays[i], &result.outcome);
		job_result_done(&result);
	}
	return error;
}

static int write_sides(struct page *page, const struct play *other, const struct job_options *options, FILE *to)
{
	struct told sides[STORY_PAGE_SIDES] = { 0 };
	int error = told_make(page->told, options, &sides[0]);

	if (!error && other)
		error = told_make(other, options, &sides[1]);
	if (!error) {
		const struct story_page story = { .file = page->told->file,
						  .sides = { sides[0].story, sides[1].story },
						  .more = put_elsewhere, .ctx = page };

		story_page_write(&story, to);
	}
	for (int i = 0; i < STORY_PAGE_SIDES; i++)
		told_done(&sides[i]);
	return error;
}

int case_page_one(const struct case_file *file, const struct play *plays, size_t n,
		  const struct job_options *options, const char *path)
{
	/* Pages tell of machines in this process, whatever the cases are run on. */
	struct job_options inproc = { .kernel = options->kernel, .faults = options->faults };
	struct page page = { .told = told_choose(file, plays, n, NULL) };
	FILE *to;
	int error;

	if (!page.told)
		return 0;
	to = fopen(path, "we");
	if (!to) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return -errno;
	}
	error = play_all(&page, plays, n, &inproc);
	if (!error)
		error = write_sides(&page, other_side(page.told, plays, n), &inproc, to);
	if (error)
		cli_error("cannot write %s: %s", path, strerror(-error));
	else
		error = cli_flush(to, path);
	fclose(to);
	return error;
}

int case_page_write(const struct library *library, const struct play *plays, size_t n,
		    const struct job_options *options, const char *path)
{
	if (*path && path[strlen(path) - 1] == '/')
		return case_folder_write(library, plays, n, options, path);
	if (library->n != 1) {
		cli_error("case run: --html: %zu cases do not go into one page; expected one case, or DIR/",
			  library->n);
		return -EINVAL;
	}
	return case_page_one(library->files[0], plays, n, options, path);
}
