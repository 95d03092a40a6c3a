/* SPDX-License-Identifier: MIT */
/* Starting and ending a run, against a sandbox that does nothing but start and end. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

double bench_command(const char *const argv[])
{
	uint64_t start = bench_now();
	pid_t pid = fork();
	int status, null;

	if (!pid) {
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -1;
	return (double)(bench_now() - start) / 1e6;
}

#define MANY 1000	/* devices */

/* A machine of so many, each in a group of its own. */
static bool write_machine(FILE *to)
{
	fputs("iommus: {dmar0: {aperture: 0..0x7fffffffff}}\ndevices:\n", to);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(to, "  d%u: {model: edu, address: 0000:%02x:%02x.%u, group: %u, driver: vfio-pci}\n",
			i, i >> 8, i >> 3 & 31, i & 7, i);
	return !fflush(to) && !ferror(to);
}

static void bench_many(struct table *table, const char *vfiosim)
{
	struct row *row = table_add(table, "... with 1,000 devices", "vfiosim run -- true", "ms");
	FILE *machine = tmpfile();
	char path[40];
	const char *const run[] = { vfiosim, "run", "-t", path, "--", "true", NULL };
	const char *const floor[] = { vfiosim, "run", "--", "true", NULL };
	struct samples figures = { 0 }, floors = { 0 };

	row->figure_limit = 300;
	if (!machine || !write_machine(machine)) {
		row_skip(row, "its topology cannot be written");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fileno(machine));
	if (bench_command(run) < 0) {
		row_skip(row, "`%s run -t FILE -- true` fails", vfiosim);
	} else {
		for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
			samples_add(&figures, bench_command(run));
			samples_add(&floors, bench_command(floor));
		}
		row->figure = samples_median(&figures);
		row->floor = samples_median(&floors);
	}
	fclose(machine);
}

static void bench_one(struct table *table, const char *vfiosim)
{
	const char *const run[] = { vfiosim, "run", "--", "true", NULL };
	const char *const bwrap[] = { "bwrap", "--dev-bind", "/", "/", "true", NULL };
	struct row *row =
		table_add(table, "vfiosim run -- true", "bwrap --dev-bind / / true", "ms");
	struct samples figure = { 0 }, floor = { 0 };

	row->ratio_limit = 3;
	if (bench_command(bwrap) < 0)
		return row_skip(row, "bwrap is not installed, or may not make namespaces");
	if (bench_command(run) < 0)
		return row_skip(row, "`%s run -- true` fails", vfiosim);
	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		samples_add(&figure, bench_command(run));
		samples_add(&floor, bench_command(bwrap));
	}
	row->figure = samples_median(&figure);
	row->floor = samples_median(&floor);
}

void suite_run(struct table *table, const char *vfiosim)
{
	bench_one(table, vfiosim);
	bench_many(table, vfiosim);
}
