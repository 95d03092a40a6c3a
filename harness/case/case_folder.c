/* SPDX-License-Identifier: MIT */
/* A folder of pages: cases, an index by topic, the rules, the policies' matrix. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <vfiosim/trace.h>

#include "case/case_page.h"
#include "case/library.h"
#include "case/matrix.h"
#include "case/topics.h"
#include "cli.h"
#include "case/evidence.h"
#include "report/page.h"

/* Calls @put with the file @name of @folder. 0, or -errno, told. */
static int write_page(const char *folder, const char *name, void (*put)(const void *what, FILE *to),
		      const void *what)
{
	char path[PATH_MAX];
	FILE *to;
	int error;

	snprintf(path, sizeof(path), "%s%s", folder, name);
	to = fopen(path, "we");
	if (!to) {
		error = -errno;
		cli_error("cannot write %s: %s", path, strerror(-error));
		return error;
	}
	put(what, to);
	error = cli_flush(to, path);
	fclose(to);
	return error;
}

/* ---- The index --------------------------------------------------------- */

static int by_lesson(const void *a, const void *b)
{
	const struct case_file *one = *(const struct case_file *const *)a;
	const struct case_file *other = *(const struct case_file *const *)b;

	if (one->lesson.number != other->lesson.number)
		return one->lesson.number < other->lesson.number ? -1 : 1;
	return strcmp(one->name, other->name);
}

static void put_case(const struct case_file *file, FILE *to)
{
	fputs("<li><a href=\"", to);
	page_text(to, file->name);
	fputs(".html\">", to);
	page_text(to, file->name);
	fputs("</a>: ", to);
	page_text(to, file->about);
	fputs("</li>\n", to);
}

static void put_head(const char *title, const char *about, FILE *to)
{
	fputs("<section><h2>", to);
	page_text(to, title);
	fputs("</h2>\n<p class=\"quiet\">", to);
	page_text(to, about);
	fputs("</p>\n", to);
}

static void put_topic(const struct library *library, const struct topic *topic, FILE *to)
{
	size_t n = 0;

	for (size_t i = 0; i < library->n; i++) {
		const struct case_file *file = library->files[i];

		if (!topic_holds(topic, file->topic) || file->lesson.title)
			continue;
		if (!n++) {
			put_head(topic ? topic->name : "more", topic ? topic->about : "cases of your own", to);
			fputs("<ul>\n", to);
		}
		put_case(file, to);
	}
	if (n)
		fputs("</ul></section>\n", to);
}

static void put_lessons(const struct library *library, FILE *to)
{
	const struct case_file **lessons = calloc(library->n, sizeof(struct case_file *));
	size_t n = 0;

	for (size_t i = 0; lessons && i < library->n; i++)
		if (library->files[i]->lesson.title)
			lessons[n++] = library->files[i];
	if (n) {
		qsort(lessons, n, sizeof(struct case_file *), by_lesson);
		put_head("Lessons", "Begin here: each is a short story with a question.", to);
		fputs("<ol>\n", to);
		for (size_t i = 0; i < n; i++)
			put_case(lessons[i], to);
		fputs("</ol></section>\n", to);
	}
	free(lessons);
}

static void put_index(const void *what, FILE *to)
{
	const struct library *library = what;

	page_begin(to, "Cases of vfiosim", "How Linux attaches devices to programs: short stories, by topic.");
	fputs("<p>Besides: <a href=\"rules.html\">why the kernel refuses</a>, rule by rule; "
	      "<a href=\"matrix.html\">what programs make of each case</a>.</p>\n", to);
	put_lessons(library, to);
	for (size_t i = 0; topic_at(i); i++)
		put_topic(library, topic_at(i), to);
	put_topic(library, NULL, to);
	page_end(to);
}

/* ---- Rules ------------------------------------------------------------- */

struct rules {
	const struct evidence *evidence;
	const struct library *library;		/* cases that have pages here */
};

static bool has_page(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->library->n; i++)
		if (!strcmp(rules->library->files[i]->name, name))
			return true;
	return false;
}

static void put_shown(const struct rules *rules, const struct shown *shown, FILE *to)
{
	bool page = has_page(rules, shown->name);
	char where[32];

	fputs("<li><code>", to);
	page_text(to, shown->verb);
	fprintf(to, "</code>: %s%s, in ", strerrorname_np(shown->error),
		evidence_where(rules->evidence, shown, where, sizeof(where)));
	if (page) {
		fputs("<a href=\"", to);
		page_text(to, shown->name);
		fputs(".html\">", to);
	}
	page_text(to, shown->name);
	fputs(page ? "</a></li>\n" : "</li>\n", to);
}

static void put_rule(const struct rules *rules, const struct vfiosim_rule *rule, FILE *to)
{
	const struct evidence *evidence = rules->evidence;
	bool any = false;

	fputs("<section><h2>", to);
	page_text(to, rule->id);
	fputs("</h2>\n<p>", to);
	for (size_t i = 0; i < evidence->n && !any; i++)
		if (evidence->list[i].rule == rule) {
			page_text(to, evidence->list[i].reason);
			any = true;
		}
	if (!any)
		page_text(to, rule->sentence);
	fputs(" <span class=\"quiet\">[Linux: ", to);
	page_text(to, rule->mirrors);
	fputs("]</span></p>\n", to);
	if (any)
		fputs("<ul>\n", to);
	for (size_t i = 0; i < evidence->n; i++)
		if (evidence->list[i].rule == rule)
			put_shown(rules, &evidence->list[i], to);
	fputs(any ? "</ul></section>\n" : "<p class=\"quiet\">No case shows it.</p></section>\n", to);
}

static void put_rules(const void *what, FILE *to)
{
	const struct rules *rules = what;

	page_begin(to, "Why the kernel refuses",
		   "Each rule with one of its reasons, the commands it refuses, and a case that shows it.");
	for (size_t i = 0; vfiosim_rule(i); i++)
		put_rule(rules, vfiosim_rule(i), to);
	page_end(to);
}

static int write_rules(const struct library *library, const char *folder)
{
	struct evidence evidence;
	struct rules rules = { &evidence, library };
	int error = evidence_collect(&evidence);

	if (error)
		return error;
	error = write_page(folder, "rules.html", put_rules, &rules);
	evidence_done(&evidence);
	return error;
}

/* ---- The matrix -------------------------------------------------------- */

static void put_matrix(const void *what, FILE *to)
{
	matrix_page(what, to);
}

static int write_matrix(const struct library *library, const char *folder)
{
	static const struct play_filter any = { .mode = -1 };
	static const struct matrix_kernels own = { .n = 0 };
	struct matrix matrix;
	int error = matrix_make(library, &any, &own, true, &matrix);

	if (error)
		return error;
	error = write_page(folder, "matrix.html", put_matrix, &matrix);
	matrix_done(&matrix);
	return error;
}

/* ---- All of it --------------------------------------------------------- */

int case_folder_write(const struct library *library, const struct play *plays, size_t n,
		      const struct job_options *options, const char *folder)
{
	char path[PATH_MAX];
	int error = 0;

	if (mkdir(folder, 0777) && errno != EEXIST) {
		error = -errno;
		cli_error("cannot make %s: %s", folder, strerror(-error));
		return error;
	}
	for (size_t i = 0; i < library->n && !error; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s%s.html", folder, library->files[i]->name) >=
		    sizeof(path))
			return -ENAMETOOLONG;
		error = case_page_one(library->files[i], plays, n, options, path);
	}
	if (!error)
		error = write_rules(library, folder);
	if (!error)
		error = write_matrix(library, folder);
	return error ? error : write_page(folder, "index.html", put_index, library);
}
