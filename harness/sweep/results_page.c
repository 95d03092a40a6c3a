/* SPDX-License-Identifier: MIT */
/*
 * Results as a page of HTML: points down, errnos and outputs across. Below the table, the
 * story of each run, which the style shows only while it is the one asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report/page.h"
#include "sweep/results.h"

#define EFFECTS_MAX 128

static const char style[] =
	"<style>\n"
	"body { max-width: none }\n"
	".grid thead th { position: sticky; top: 0 } tbody th { text-align: left }\n"
	"tr { scroll-margin-top: 4rem }\n"
	"td a { display: block; color: inherit }\n"
	".omitted { background: var(--bar) } .defect { outline: 3px solid var(--refused) }\n"
	"section { display: none; position: fixed; inset: 4% 6%; padding: 1rem; overflow: auto;\n"
	"  background: var(--paper); border: 2px solid var(--rule) }\n"
	"section:target { display: block }\n"
	"section > a { position: sticky; top: 0; float: right; background: var(--panel); padding: .3rem }\n"
	"</style>\n"
	"<p>Follow a cell to its story: every command, its answer, and what was injected.\n"
	"<span class=\"defect\">A frame is a defect</span>; an empty cell: not tested, or not possible.</p>\n";

/* A point's place and its effect: "...,when=1" and "error=ENOMEM". */
static size_t place_length(const char *point)
{
	const char *comma = strrchr(point, ',');

	return comma ? (size_t)(comma - point) : strlen(point);
}

static const char *effect_of(const char *point)
{
	size_t length = place_length(point);

	return point[length] ? point + length + 1 : "";
}

struct page {
	const struct results *results;
	FILE *to;
	const char *effects[EFFECTS_MAX];
	size_t n_effects;
};

static void find_effects(struct page *page)
{
	for (size_t i = 0; i < page->results->n && page->n_effects < EFFECTS_MAX; i++) {
		const char *effect = effect_of(page->results->items[i].point);
		size_t k = 0;

		while (k < page->n_effects && strcmp(page->effects[k], effect))
			k++;
		if (k == page->n_effects && page->results->items[i].tested)
			page->effects[page->n_effects++] = effect;
	}
}

static bool same_place(const struct result *a, const struct result *b)
{
	size_t length = place_length(a->point);

	return length == place_length(b->point) && !strncmp(a->point, b->point, length);
}

/* The result of the place of @first, with @effect. */
static const struct result *find(const struct page *page, const struct result *first, const char *effect)
{
	for (size_t i = 0; i < page->results->n; i++) {
		const struct result *each = &page->results->items[i];

		if (each->tested && same_place(each, first) && !strcmp(effect_of(each->point), effect))
			return each;
	}
	return NULL;
}

/* Whose row @result is in. */
static const struct result *first_of_place(const struct page *page, const struct result *result)
{
	const struct result *each = page->results->items;

	while (each < result && !(each->tested && same_place(each, result)))
		each++;
	return each;
}

static void put_cell(const struct page *page, const struct result *result)
{
	static const char *const classes[OUTCOMES] = {
		"ok", "ok", "ok", "ok", "ok", "omitted", "refused", "refused", "quiet"
	};
	const struct verdict *verdict = result ? &result->verdict : NULL;

	if (!result) {
		fputs("<td></td>", page->to);
		return;
	}
	fprintf(page->to, "<td class=\"%s%s\"><a href=\"#p%zu\">%s", classes[verdict->outcome],
		verdict->defect ? " defect" : "", result->number, judge_outcomes[verdict->outcome]);
	if (verdict->defect)
		fprintf(page->to, ", <b>%s</b>", judge_defects[verdict->defect]);
	fputs("</a></td>", page->to);
}

static void put_row(const struct page *page, const struct result *first)
{
	char place[512];

	snprintf(place, sizeof(place), "%.*s", (int)place_length(first->point), first->point);
	fprintf(page->to, "<tr id=\"r%zu\"><th class=\"mono\">", first->number);
	page_text(page->to, place);
	fputs("</th>", page->to);
	for (size_t i = 0; i < page->n_effects; i++)
		put_cell(page, find(page, first, page->effects[i]));
	fputs("</tr>\n", page->to);
}

static void put_story(const struct page *page, const struct result *result)
{
	fprintf(page->to, "<section id=\"p%zu\"><a href=\"#r%zu\">close</a><p class=\"mono\">",
		result->number, first_of_place(page, result)->number);
	page_text(page->to, result->point);
	fputs("</p><p>", page->to);
	page_text(page->to, result->verdict.detail);
	fputs("</p><pre>", page->to);
	page_text(page->to, result->story ? result->story : "The story was not kept.");
	fputs("</pre></section>\n", page->to);
}

static void put_page(const struct page *page, const char *title)
{
	page_begin(page->to, title, "What the program makes of each failure it can meet.");
	fputs(style, page->to);
	fputs("<pre>", page->to);
	results_print_summary(page->to, page->results);
	fputs("</pre>\n<table class=\"grid\">\n<thead><tr><th>point</th>", page->to);
	for (size_t i = 0; i < page->n_effects; i++) {
		fputs("<th>", page->to);
		page_text(page->to, page->effects[i]);
		fputs("</th>", page->to);
	}
	fputs("</tr></thead>\n<tbody>\n", page->to);
	for (size_t i = 0; i < page->results->n; i++)
		if (page->results->items[i].tested &&
		    first_of_place(page, &page->results->items[i]) == &page->results->items[i])
			put_row(page, &page->results->items[i]);
	fputs("</tbody>\n</table>\n", page->to);
	for (size_t i = 0; i < page->results->n; i++)
		if (page->results->items[i].tested)
			put_story(page, &page->results->items[i]);
	page_end(page->to);
}

int results_write_html(const struct results *results, const char *title, const char *path)
{
	struct page page = { .results = results, .to = fopen(path, "we") };
	int error;

	if (!page.to) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return -EIO;
	}
	find_effects(&page);
	put_page(&page, title);
	error = cli_flush(page.to, path);
	fclose(page.to);
	return error;
}
