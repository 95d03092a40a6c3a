/* SPDX-License-Identifier: MIT */
/* One run's expectations, from the options to the exit status. See run_expect.h. */
#include "expect/run_expect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/errors.h"
#include "cli.h"
#include "expect/follow.h"
#include "expect/judge.h"
#include "report/report.h"

int run_expect_load(struct run_expect *run, const struct expect_options *options,
		    struct vfiosim_errors *errors)
{
	*run = (struct run_expect){ .options = options };
	errors_init(errors);
	return options->expect ? expect_load(options->expect, &run->expect, errors) : 0;
}

static FILE *open_file(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		cli_error("cannot write %s: %s", path, strerror(errno));
	return file;
}

int run_expect_open(struct run_expect *run, struct vfiosim_topology *topology,
		    struct vfiosim_errors *errors)
{
	const struct expect_options *options = run->options;

	run->topology = topology;
	if (run->expect && run->expect->root && (expect_resolve(run->expect, topology, errors) || errors->n)) {
		cli_file_errors(errors);
		return -EINVAL;
	}
	if (run->expect && !(run->report = report_create(run->expect))) {
		cli_error("no memory for the expectations");
		return -ENOMEM;
	}
	if (options->record && !(run->record = open_file(options->record)))
		return -EIO;
	if (options->junit && !(run->junit = open_file(options->junit)))
		return -EIO;
	return 0;
}

int run_expect_begin(struct run_expect *run, struct vfiosim *sim)
{
	int error;

	if (!run->expect && !run->record)
		return 0;
	error = follow_create(sim, run->topology, run->expect, run->report, run->record,
			      &run->follow);
	if (error)
		cli_error("the run cannot be followed: %s", strerror(-error));
	return error;
}

int run_expect_end(struct run_expect *run)
{
	int error = 0;

	if (!run->follow)
		return 0;
	if (run->record)
		fprintf(run->record, "topology: %s\n", run->topology->name);
	follow_finish(run->follow);
	follow_destroy(run->follow);
	run->follow = NULL;
	if (run->record)
		error = cli_flush(run->record, run->options->record);
	return error;
}

/* ---- The verdict ------------------------------------------------------- */

static void put_status(FILE *to, int wait_status)
{
	if (WIFSIGNALED(wait_status))
		fprintf(to, "SIG%s", sigabbrev_np(WTERMSIG(wait_status)));
	else
		fprintf(to, "%d", WEXITSTATUS(wait_status));
}

/* How the command ended, as a row. */
static void judge_exit(const struct expectations *expect, int wait_status,
		       const char *last_failed, struct expect_row *row)
{
	const struct ynode *node = ynode_get(expect->root, "exit");
	bool same = expect->exit == EXIT_ANY;
	char seen[32] = "";
	FILE *to;

	snprintf(row->name, sizeof(row->name), "exit %s", node->text);
	if (wait_status == WAIT_UNKNOWN) {
		row_fail(row, node, NULL, "the run ended before COMMAND did");
		return;
	}
	to = fmemopen(seen, sizeof(seen), "w");
	if (to) {
		put_status(to, wait_status);
		fclose(to);
	}
	if (expect->exit == EXIT_STATUS)
		same = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == expect->status;
	else if (expect->exit == EXIT_SIGNAL)
		same = WIFSIGNALED(wait_status) && WTERMSIG(wait_status) == expect->status;
	if (same)
		row_pass(row, "%s", seen);
	else
		row_fail(row, node, last_failed, "expected exit %s, seen %s%s", node->text, seen,
			 *last_failed ? "; what was refused last:" : "");
}

static struct report_row report_row_of(const struct run_expect *run, const struct expect_row *row)
{
	return (struct report_row){
		.name = row->name,
		.suite = run->expect->file,
		.verdict = row->failed ? REPORT_FAILED : REPORT_PASSED,
		.message = row->failed ? row->message : NULL,
		.detail = row->failed ? row->detail : NULL,
	};
}

static void put_text(FILE *to, const struct expect_row *row)
{
	if (row->failed)
		fprintf(to, "vfiosim: expect: FAILED %s\n%s\n%s", row->name, row->message, row->detail);
	else
		fprintf(to, "vfiosim: expect: ok %s%s%s\n", row->name, *row->message ? ": " : "",
			row->message);
}

static size_t put_rows(const struct run_expect *run, const struct expect_row *const *rows, size_t n,
		       FILE *messages)
{
	size_t failed = 0;

	if (run->options->tap)
		tap_plan(messages, n);
	for (size_t i = 0; i < n; i++) {
		const struct report_row row = report_row_of(run, rows[i]);

		failed += rows[i]->failed;
		if (run->options->tap)
			tap_row(messages, i + 1, &row);
		else
			put_text(messages, rows[i]);
	}
	if (!run->options->tap)
		fprintf(messages, "vfiosim: expect: %zu of %zu hold\n", n - failed, n);
	fflush(messages);
	return failed;
}

/* -errno: the report cannot be written; told. */
static int put_junit(const struct run_expect *run, const struct expect_row *const *rows, size_t n)
{
	struct report_row *list = calloc(n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list[i] = report_row_of(run, rows[i]);
	junit_write(run->junit, "vfiosim run", list, n);
	free(list);
	return cli_flush(run->junit, run->options->junit);
}

/* The rows that say something. Returns how many. */
static size_t collect_rows(const struct expect_report *report, const struct expect_row **rows)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++)
		if (report->rows[i].name[0])
			rows[n++] = &report->rows[i];
	return n;
}

/* Returns how many rows failed; a verdict that is lost, which was told, is one. */
static size_t put_verdict(const struct run_expect *run, int wait_status, FILE *messages)
{
	const struct expect_report *report = run->report;
	const struct expect_row **rows = calloc(report->n + 1, sizeof(*rows));
	struct expect_row *exit_row = calloc(1, sizeof(*exit_row));
	size_t n, failed = 1;

	if (rows && exit_row) {
		n = collect_rows(report, rows);
		if (run->expect->exit != EXIT_UNSAID) {
			judge_exit(run->expect, wait_status, report->last_failed, exit_row);
			rows[n++] = exit_row;
		}
		failed = put_rows(run, rows, n, messages);
		if (run->junit && put_junit(run, rows, n))
			failed++;
	} else {
		cli_error("no memory for the verdict");
	}
	free(rows);
	free(exit_row);
	return failed;
}

/* What was seen is not all that there was. */
static void distrust(const struct run_expect *run)
{
	struct expect_report *report = run->report;

	for (size_t i = 0; i < report->n; i++)
		row_fail(&report->rows[i], NULL, NULL, "memory ran out while the run was followed");
}

int run_expect_report(struct run_expect *run, int status, int wait_status, FILE *messages)
{
	size_t failed;

	if (!run->expect)
		return status;
	if (!run->report->complete && wait_status != WAIT_UNKNOWN)
		distrust(run);
	failed = put_verdict(run, wait_status, messages);
	if (wait_status == WAIT_UNKNOWN)
		return status;
	if (run->expect->exit != EXIT_UNSAID && run->report->complete)
		return failed ? 1 : 0;
	return failed && !status ? 1 : status;
}

void run_expect_close(struct run_expect *run)
{
	if (run->record)
		fclose(run->record);
	if (run->junit)
		fclose(run->junit);
	report_destroy(run->report);
	expect_free(run->expect);
	*run = (struct run_expect){ 0 };
}
