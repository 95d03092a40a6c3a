/* SPDX-License-Identifier: MIT */
/* The benchmark: measures each part, or the named ones, and prints one table. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"

void samples_add(struct samples *samples, double value)
{
	if (samples->n < BENCH_ROUNDS)
		samples->value[samples->n++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double samples_median(const struct samples *samples)
{
	struct samples sorted = *samples;

	if (!sorted.n)
		return 0;
	qsort(sorted.value, sorted.n, sizeof(*sorted.value), compare);
	return sorted.value[sorted.n / 2];
}

void bench_template(char to[BENCH_PATH])
{
	const char *tmp = getenv("TMPDIR");

	snprintf(to, BENCH_PATH, "%s/vfiosim-bench-XXXXXX", tmp && *tmp ? tmp : "/tmp");
}

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double bench_repeat(double seconds, uint64_t most, bool (*call)(void *ctx), void *ctx)
{
	uint64_t start = bench_now(), end = start + (uint64_t)(seconds * 1e9), now, n = 0;

	do {
		if (!call(ctx))
			return -1;
		n++;
		now = bench_now();
	} while (now < end && n < most);
	return (double)(now - start) / (double)n;
}

/* ---- The table ---- */

struct row *table_add(struct table *table, const char *what, const char *floor_name,
		      const char *unit)
{
	struct row *row;

	if (table->n == BENCH_ROWS_MAX)
		abort();
	row = &table->rows[table->n++];
	*row = (struct row){ .what = what, .floor_name = floor_name, .unit = unit };
	return row;
}

void row_skip(struct row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(row->skipped, sizeof(row->skipped), format, args);
	va_end(args);
}

/* The target in words, and whether it is met. */
static const char *judge(const struct row *row, char *target, size_t size)
{
	bool ok = true;

	snprintf(target, size, "-");
	if (row->ratio_limit > 0) {
		snprintf(target, size, "<= %.1f", row->ratio_limit);
		ok = row->figure <= row->ratio_limit * row->floor;
	} else if (row->figure_limit > 0) {
		snprintf(target, size, "<=%.0f %s", row->figure_limit, row->unit);
		ok = row->figure <= row->figure_limit;
	} else {
		return "";
	}
	return ok ? "ok" : "miss";
}

static bool row_print(const struct row *row)
{
	char target[40], figure[24], floor[24];
	const char *verdict;

	if (row->skipped[0]) {
		printf("%-31s not measured: %s\n", row->what, row->skipped);
		return true;
	}
	verdict = judge(row, target, sizeof(target));
	snprintf(figure, sizeof(figure), "%.1f %s", row->figure, row->unit);
	snprintf(floor, sizeof(floor), "%.1f %s", row->floor, row->unit);
	printf("%-31s %10s %10s  %-24s %6.2f  %-7s %s\n", row->what, figure, floor, row->floor_name,
	       row->floor > 0 ? row->figure / row->floor : 0.0, target, verdict);
	if (strcmp(verdict, "miss"))
		return true;
	if (row->part_name && row->part > 0)
		printf("%-31s %10.1f %s of it: %s\n", "", row->part, row->unit, row->part_name);
	return false;
}

unsigned table_print(const struct table *table)
{
	unsigned misses = 0;

	printf("%-31s %10s %10s  %-24s %6s  %-7s\n", "what", "measured", "floor", "the floor is",
	       "ratio", "target");
	for (unsigned i = 0; i < table->n; i++)
		misses += !row_print(&table->rows[i]);
	return misses;
}

/* What else ran before we began: it spoils the rows that say "idle". */
static void print_load(double load)
{
	if (load > 0.5)
		printf("Something else ran: load average %.1f before the start. Idle rows need an "
		       "idle machine.\n", load);
}

static const struct part {
	const char *name;
	void (*measure)(struct table *table, const char *vfiosim);
} parts[] = {
	{ "fuse", bench_fuse },
	{ "map", bench_map },
	{ "hold", bench_hold },
	{ "run", suite_run },
	{ "others", bench_others },
	{ "sweep", bench_sweep },
};
#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static bool is_part(const char *name)
{
	for (size_t i = 0; i < N_PARTS; i++)
		if (!strcmp(parts[i].name, name))
			return true;
	return false;
}

/* Is it among the @n wanted? All are if none is named. */
static bool is_wanted(const struct part *part, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], part->name))
			return true;
	return !n;
}

/* The name of the first that is no part; NULL: all are. */
static const char *unknown_part(char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (!is_part(names[i]))
			return names[i];
	return NULL;
}

static int usage(const char *self, const char *unknown)
{
	if (unknown)
		fprintf(stderr, "unknown part '%s'\n", unknown);
	fprintf(stderr, "usage: %s VFIOSIM [PART...]\nparts:", self);
	for (size_t i = 0; i < N_PARTS; i++)
		fprintf(stderr, " %s", parts[i].name);
	fprintf(stderr, "\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct table table = { 0 };
	uint64_t start = bench_now();
	double load = 0;
	unsigned misses;

	if (argc == 2 && !strcmp(argv[1], "client"))
		return bench_fuse_client();
	if (argc == 2 && !strcmp(argv[1], "others"))
		return bench_others_client();
	if (argc < 2 || unknown_part(argv + 2, argc - 2))
		return usage(argv[0], argc < 2 ? NULL : unknown_part(argv + 2, argc - 2));
	getloadavg(&load, 1);
	signal(SIGPIPE, SIG_IGN);	/* a player that is gone is an answer too */
	for (size_t i = 0; i < N_PARTS; i++)
		if (is_wanted(&parts[i], argv + 2, argc - 2))
			parts[i].measure(&table, argv[1]);
	misses = table_print(&table);
	printf("%u of %u miss their target. Medians of %d rounds, %.0f s in all.\n", misses,
	       table.n, BENCH_ROUNDS, (double)(bench_now() - start) / 1e9);
	print_load(load);
	return 0;
}
