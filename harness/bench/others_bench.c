/* SPDX-License-Identifier: MIT */
/*
 * What a run costs the calls that have nothing to do with it: the same calls, and the same
 * build of many small files, by the same program outside of any run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"

#define FILES 300		/* of the build */
#define BUILD_ROUNDS 3

/* ---- The calls, inside or outside ---- */

struct others {
	int file;		/* a page of its own, deleted already */
	int pipe[2];
};

static bool call_fstat(void *ctx)
{
	struct stat st;

	return !fstat(((struct others *)ctx)->file, &st);
}

static bool call_fstatat(void *ctx)
{
	struct stat st;

	return !fstatat(((struct others *)ctx)->file, "", &st, AT_EMPTY_PATH);
}

static bool call_open(void *ctx)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)ctx;
	return fd >= 0 && !close(fd);
}

static bool call_read(void *ctx)
{
	char byte;

	return pread(((struct others *)ctx)->file, &byte, 1, 0) == 1;
}

static bool call_ioctl(void *ctx)
{
	int there;

	return !ioctl(((struct others *)ctx)->pipe[0], FIONREAD, &there);
}

static bool call_mmap(void *ctx)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ((struct others *)ctx)->file, 0);

	return at != MAP_FAILED && !munmap(at, 4096);
}

/* The letter a player is asked for it; the most it may cost, against outside. */
static const struct call {
	char letter;
	const char *what;
	double limit;
	bool watched;		/* by the run's filter: a notification each */
	bool (*call)(void *ctx);
} calls[] = {
	{ 'f', "in a run: fstat", 1.5, true, call_fstat },
	{ 'n', "in a run: newfstatat, a descr.", 1.5, true, call_fstatat },
	{ 'o', "in a run: open and close", 1.5, false, call_open },
	{ 'r', "in a run: read", 1.5, false, call_read },
	{ 'i', "in a run: ioctl of others", 1.5, false, call_ioctl },
	{ 's', "in a run: mmap, munmap, shared", 2, true, call_mmap },
};
#define NOTICE 'N'		/* the letter of a notification alone */
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static double measure(void *ctx, char letter)
{
	for (size_t i = 0; i < N_CALLS; i++)
		if (calls[i].letter == letter)
			return bench_repeat(0.05, UINT64_MAX, calls[i].call, ctx);
	return letter == NOTICE ? bench_notice() : -1;
}

int bench_others_client(void)
{
	char path[BENCH_PATH];
	struct others others;

	bench_template(path);
	others.file = mkostemp(path, O_CLOEXEC);
	if (others.file < 0 || unlink(path) || ftruncate(others.file, 4096) ||
	    pipe2(others.pipe, O_CLOEXEC))
		return 1;
	return player_serve(measure, &others);
}

static int outside_main(void *ctx)
{
	(void)ctx;
	return bench_others_client();
}

static int inside_main(void *ctx)
{
	return player_run(ctx, "others");
}

static void measure_call(struct table *table, const struct call *call, struct player *inside,
			 struct player *outside)
{
	struct row *row = table_add(table, call->what, "the same outside", "us");
	struct samples figure = { 0 }, floor = { 0 }, notice = { 0 };

	row->ratio_limit = call->limit;
	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		double in = player_ask(inside, call->letter);
		double out = player_ask(outside, call->letter);

		if (in < 0 || out < 0) {
			row_skip(row, "the call failed, or `vfiosim run` ended early");
			return;
		}
		samples_add(&figure, in / 1e3);
		samples_add(&floor, out / 1e3);
		if (call->watched)
			samples_add(&notice, player_ask(outside, NOTICE) / 1e3);
	}
	row->figure = samples_median(&figure);
	row->floor = samples_median(&floor);
	row->part_name = "a notification that is answered with \"go on\", and no more";
	row->part = samples_median(&notice);
}

static void bench_calls(struct table *table, const char *vfiosim)
{
	struct player inside, outside;

	if (!player_start(&outside, outside_main, NULL)) {
		row_skip(table_add(table, "calls of others", "", ""), "no process: %s",
			 strerror(errno));
		return;
	}
	if (!player_start(&inside, inside_main, (void *)(uintptr_t)vfiosim)) {
		row_skip(table_add(table, "calls of others", "", ""), "no process: %s",
			 strerror(errno));
	} else {
		for (size_t i = 0; i < N_CALLS; i++)
			measure_call(table, &calls[i], &inside, &outside);
		player_stop(&inside);
	}
	player_stop(&outside);
}

/* ---- A build ---- */

/* A file @name in @folder with @text, of which %u is @number. */
static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[BENCH_PATH + 40];
	FILE *to;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	to = fopen(path, "we");
	if (!to)
		return false;
	ok = fputs(text, to) >= 0;
	return !fclose(to) && ok;
}

static bool write_tree(const char *folder)
{
	char name[40], text[200];

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u.c", i);
		snprintf(text, sizeof(text),
			 "#include <stdio.h>\n#include <stdlib.h>\nint f%u(int x) { return x * %u; }\n",
			 i, i);
		if (!write_file(folder, name, text))
			return false;
	}
	return write_file(folder, "Makefile",
			  "all: $(patsubst %.c,%.o,$(wildcard *.c))\n"
			  "%.o: %.c\n\t@cc -c -o $@ $<\n");
}

static void remove_tree(const char *folder)
{
	const char *const rm[] = { "rm", "-rf", folder, NULL };

	bench_command(rm);
}

static void measure_build(struct row *row, const char *vfiosim, const char *folder)
{
	const char *const inside[] = { vfiosim, "run", "--", "make", "-B", "-s", "-j4", "-C", folder,
				       NULL };
	struct samples figure = { 0 }, floor = { 0 };

	for (unsigned round = 0; round < BUILD_ROUNDS; round++) {
		double in = bench_command(inside), out = bench_command(&inside[3]);

		if (in < 0 || out < 0) {
			row_skip(row, "make or cc fails here, or `vfiosim run` does");
			return;
		}
		samples_add(&figure, in);
		samples_add(&floor, out);
	}
	row->figure = samples_median(&figure);
	row->floor = samples_median(&floor);
}

static void bench_build(struct table *table, const char *vfiosim)
{
	struct row *row = table_add(table, "in a run: make -j4, 300 files", "the same outside",
				    "ms");
	char folder[BENCH_PATH];

	row->ratio_limit = 1.15;
	bench_template(folder);
	if (!mkdtemp(folder)) {
		row_skip(row, "no folder in $TMPDIR: %s", strerror(errno));
		return;
	}
	if (write_tree(folder))
		measure_build(row, vfiosim, folder);
	else
		row_skip(row, "its files cannot be written: %s", strerror(errno));
	remove_tree(folder);
}

void bench_others(struct table *table, const char *vfiosim)
{
	bench_calls(table, vfiosim);
	bench_build(table, vfiosim);
}
