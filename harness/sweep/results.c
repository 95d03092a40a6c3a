/* SPDX-License-Identifier: MIT */
#include "sweep/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli.h"
#include "report/report.h"

/* FNV-1a, over the texts and what ends them. */
uint64_t results_plan(uint64_t plan, const char *point)
{
	if (!plan)
		plan = 0xcbf29ce484222325;
	do {
		plan = (plan ^ (unsigned char)*point) * 0x100000001b3;
	} while (*point++);
	return plan;
}

void results_done(struct results *results)
{
	for (size_t i = 0; i < results->n; i++) {
		free(results->items[i].point);
		free(results->items[i].story);
	}
	free(results->items);
}

size_t results_count(const struct results *results, enum judge_defect defect)
{
	size_t n = 0;

	for (size_t i = 0; i < results->n; i++)
		n += results->items[i].tested && results->items[i].verdict.defect == defect;
	return n;
}

size_t results_defects(const struct results *results)
{
	size_t n = 0;

	for (int defect = DEFECT_NONE + 1; defect < DEFECT_UNSTABLE; defect++)
		n += results_count(results, (enum judge_defect)defect);
	return n;
}

/* ---- For people ---- */

void results_print_row(FILE *to, const struct result *result, bool colours)
{
	const struct verdict *verdict = &result->verdict;

	fprintf(to, "%-17s %s%-14s%s%s\n", judge_outcomes[verdict->outcome],
		colours && verdict->defect ? "\033[1;31m" : "", judge_defects[verdict->defect],
		colours && verdict->defect ? "\033[0m" : "", result->point);
	if (*verdict->detail)
		fprintf(to, "%-17s %s\n", "", verdict->detail);
}

static size_t count_outcome(const struct results *results, enum judge_outcome outcome)
{
	size_t n = 0;

	for (size_t i = 0; i < results->n; i++)
		n += results->items[i].tested && results->items[i].verdict.outcome == outcome;
	return n;
}

void results_print_summary(FILE *to, const struct results *results)
{
	const char *before = ":";
	size_t tested = 0, n;

	for (size_t i = 0; i < results->n; i++)
		tested += results->items[i].tested;
	fprintf(to, "\ntested %zu of %zu point%s", tested, results->points,
		results->points == 1 ? "" : "s");
	for (int outcome = 0; outcome < OUTCOMES; outcome++)
		if ((n = count_outcome(results, (enum judge_outcome)outcome))) {
			fprintf(to, "%s %zu %s", before, n, judge_outcomes[outcome]);
			before = ",";
		}
	fputs("\ndefects:", to);
	for (int defect = DEFECT_NONE + 1; defect < DEFECTS; defect++)
		if ((n = results_count(results, (enum judge_defect)defect)))
			fprintf(to, " %zu %s", n, judge_defects[defect]);
	fputs(results_defects(results) + results_count(results, DEFECT_UNSTABLE) ? "\n" : " none\n", to);
}

/* ---- For machines ---- */

static void put_result(FILE *to, const struct result *result)
{
	const struct verdict *verdict = &result->verdict;
	struct json json;

	json_init(&json, to, false);
	json_object(&json);
	json_put_unsigned(&json, "n", result->number);
	json_put_string(&json, "point", result->point);
	json_put_string(&json, "outcome", judge_outcomes[verdict->outcome]);
	json_put_number(&json, "status", result->status);
	if (verdict->defect)
		json_put_string(&json, "defect", judge_defects[verdict->defect]);
	if (*verdict->detail)
		json_put_string(&json, "detail", verdict->detail);
	json_object_end(&json);
	fputc('\n', to);
}

static void put_head(FILE *to, const struct results *results)
{
	struct json json;

	json_init(&json, to, false);
	json_object(&json);
	json_put_hex(&json, "plan", results->plan);
	json_put_unsigned(&json, "points", results->points);
	json_object_end(&json);
	fputc('\n', to);
}

static FILE *open_report(const char *path)
{
	FILE *to = fopen(path, "we");

	if (!to)
		cli_error("cannot write %s: %s", path, strerror(errno));
	return to;
}

int results_write_json(const struct results *results, const char *path)
{
	FILE *to = open_report(path);
	int error;

	if (!to)
		return -EIO;
	put_head(to, results);
	for (size_t i = 0; i < results->n; i++)
		if (results->items[i].tested)
			put_result(to, &results->items[i]);
	error = cli_flush(to, path);
	fclose(to);
	return error;
}

static void make_row(const struct result *result, struct report_row *row, char *message, size_t size)
{
	const struct verdict *verdict = &result->verdict;

	snprintf(message, size, "%s, %s%s%s", judge_outcomes[verdict->outcome],
		 judge_defects[verdict->defect], *verdict->detail ? ": " : "", verdict->detail);
	*row = (struct report_row){
		.name = result->point,
		.suite = "sweep",
		.verdict = verdict->defect == DEFECT_UNSTABLE ? REPORT_SKIPPED :
			   verdict->defect		      ? REPORT_FAILED :
								REPORT_PASSED,
		.message = verdict->defect ? message : NULL,
	};
}

#define MESSAGE_SIZE 400

int results_write_junit(const struct results *results, const char *path)
{
	struct report_row *rows = calloc(results->n + 1, sizeof(*rows));
	char (*messages)[MESSAGE_SIZE] = calloc(results->n + 1, sizeof(*messages));
	FILE *to = rows && messages ? open_report(path) : NULL;
	int error = to ? 0 : -EIO;
	size_t n = 0;

	for (size_t i = 0; to && i < results->n; i++)
		if (results->items[i].tested) {
			make_row(&results->items[i], &rows[n], messages[n], MESSAGE_SIZE);
			n++;
		}
	if (to) {
		error = junit_write(to, "sweep", rows, n);
		fclose(to);
	}
	free(messages);
	free(rows);
	return error;
}

/* ---- Merging ---- */

static int compare_numbers(const void *a, const void *b)
{
	const struct result *first = a, *second = b;

	return (first->number > second->number) - (first->number < second->number);
}

struct result *results_add(struct results *results, const char *point)
{
	struct result *grown = reallocarray(results->items, results->n + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	results->items = grown;
	grown[results->n] = (struct result){ .point = strdup(point), .number = results->n + 1 };
	return grown[results->n].point ? &grown[results->n++] : NULL;
}

int results_merge(struct results *results, struct results *from, const char *path)
{
	struct result *grown;

	if (results->plan && results->plan != from->plan) {
		cli_error("%s: it is of another plan than the reports before it", path);
		return -EINVAL;
	}
	grown = reallocarray(results->items, results->n + from->n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	results->items = grown;
	results->plan = from->plan;
	results->points = from->points;
	if (from->n)
		memcpy(&grown[results->n], from->items, from->n * sizeof(*grown));
	results->n += from->n;
	from->n = 0;
	qsort(grown, results->n, sizeof(*grown), compare_numbers);
	for (size_t i = 1; i < results->n; i++)
		if (grown[i].number == grown[i - 1].number) {
			cli_error("%s: point %zu is there twice: %s", path, grown[i].number,
				  grown[i].point);
			return -EINVAL;
		}
	return 0;
}
