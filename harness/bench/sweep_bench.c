/* SPDX-License-Identifier: MIT */
/* A point of an in-process sweep of the hot-add case, against one run of that case. */
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

void bench_sweep(struct table *table)
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
