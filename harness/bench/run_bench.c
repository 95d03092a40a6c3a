/* SPDX-License-Identifier: MIT */
/* Starting and ending a run, against a sandbox that does nothing but start and end. */
#include <fcntl.h>
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

void suite_run(struct table *table, const char *vfiosim)
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
