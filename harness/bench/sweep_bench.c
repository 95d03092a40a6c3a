/* SPDX-License-Identifier: MIT */
/*
 * A point of a sweep against one run of the same: of the hot-add case in process, and of
 * the small client attach2 in `vfiosim run`.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "case/job.h"
#include "case/library.h"
#include "case/sweep.h"

#define RUNS 50

static void count(void *ctx, const struct sweep_point *point)
{
	(void)point;
	++*(size_t *)ctx;
}

/* Microseconds for each point of all @n plays; negative: it failed. */
static double sweep(const struct play *plays, size_t n)
{
	const struct sweep_options options = { 0 };
	uint64_t start = bench_now();
	size_t points = 0;

	for (size_t i = 0; i < n; i++) {
		struct play whole;
		int error = case_play_make(plays[i].file, plays[i].variant, plays[i].mode,
					   plays[i].policy, &whole, NULL);

		if (error)
			return -1;
		error = sweep_play(&whole, &options, count, &points);
		case_play_done(&whole);
		if (error)
			return -1;
	}
	return points ? (double)(bench_now() - start) / 1e3 / (double)points : -1;
}

static double run(const struct play *plays, size_t n)
{
	const struct job_options options = { .target = JOB_INPROC };
	uint64_t start = bench_now();

	for (size_t i = 0; i < RUNS; i++) {
		struct job_result result;

		if (job_run(&plays[i % n], &options, &result))
			return -1;
		job_result_done(&result);
	}
	return (double)(bench_now() - start) / 1e3 / RUNS;
}

static void measure(struct row *row, const struct play *plays, size_t n)
{
	struct samples figure = { .n = 0 }, floor = { .n = 0 };

	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		double one = sweep(plays, n), other = run(plays, n);

		if (one < 0 || other < 0) {
			row_skip(row, "a play failed");
			return;
		}
		samples_add(&figure, one);
		samples_add(&floor, other);
	}
	row->figure = samples_median(&figure);
	row->floor = samples_median(&floor);
}

static void bench_case_sweep(struct table *table)
{
	struct row *row = table_add(table, "case sweep, hot-add, per point", "one case run", "us");
	char *name = (char[]){ "mdev-hotadd" };
	struct play_filter filter = { .mode = -1 };
	struct vfiosim_errors why;
	struct library library;
	struct play *plays;
	size_t n;

	row->figure_limit = 200;	/* 5,000 points a second */
	if (library_load(&name, 1, &library, &why)) {
		row_skip(row, "no such case");
		return;
	}
	if (library_plays(&library, &filter, &plays, &n)) {
		row_skip(row, "out of memory");
	} else {
		measure(row, plays, n);
		library_plays_done(plays, n);
	}
	library_done(&library);
}

/* ---- Over FUSE ---- */

static size_t count_lines(const char *path)
{
	FILE *from = fopen(path, "re");
	size_t n = 0;
	int c;

	while (from && (c = getc(from)) != EOF)
		n += c == '\n';
	if (from)
		fclose(from);
	return n;
}

static void bench_program_sweep(struct table *table, const char *vfiosim)
{
	struct row *row = table_add(table, "sweep of attach2, per point", "run -- attach2", "ms");
	struct samples figure = { .n = 0 }, floor = { .n = 0 };
	char attach2[PATH_MAX], report[BENCH_PATH];
	const char *const sweep[] = { vfiosim, "sweep", "-t", "hotadd", "--only", "map", "--json", report,
				      "--", attach2, NULL };
	const char *const run[] = { vfiosim, "run", "-t", "hotadd", "--", attach2, NULL };
	int fd;

	bench_template(report);
	fd = mkstemp(report);
	snprintf(attach2, sizeof(attach2), "%.*s/examples/attach2", (int)(strrchr(vfiosim, '/') - vfiosim),
		 vfiosim);
	row->ratio_limit = 2;
	for (unsigned round = 0; round < BENCH_ROUNDS && !*row->skipped; round++) {
		double one = bench_command(sweep), other = bench_command(run);
		size_t points = count_lines(report);

		if (fd < 0 || one < 0 || other < 0 || !points) {
			row_skip(row, "`%s sweep` or `run` fails", vfiosim);
			break;
		}
		samples_add(&figure, one / (double)points);
		samples_add(&floor, other);
	}
	row->figure = samples_median(&figure);
	row->floor = samples_median(&floor);
	if (fd >= 0) {
		close(fd);
		unlink(report);
	}
}

void bench_sweep(struct table *table, const char *vfiosim)
{
	bench_case_sweep(table);
	bench_program_sweep(table, vfiosim);
}
