/* SPDX-License-Identifier: MIT */
/* vfiosim case list|show|verbs|run: options, and what is printed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/topology.h>

#include "case/builtin.h"
#include "case/job.h"
#include "case/library.h"
#include "case/verb.h"
#include "base/nearest.h"
#include "cli.h"
#include "report/report.h"
#include "target_worker.h"

#define DEVICES_MAX 32

static const char usage[] =
	"usage: vfiosim case list [GLOB...]\n"
	"       vfiosim case show NAME\n"
	"       vfiosim case verbs\n"
	"       vfiosim case run [OPTION...] [NAME|GLOB|FILE...]\n"
	"Runs cases: short stories told to a simulated machine, with what should come of every step.\n"
	"\n"
	"      --target TARGET       inproc (in this process, the default), fuse (through /dev/vfio),\n"
	"                            host (this computer's own VFIO, needs --device)\n"
	"      --mode MODE           only this mode: legacy, iommufd\n"
	"      --policy POLICY       only with this selection policy; 'none': only as scripted\n"
	"      --variant GLOB        only these variants\n"
	"      --explain             tell every step: arguments, result, reason\n"
	"      --log                 print what came of each step\n"
	"      --trace               print what the machine answered, as lines of JSON\n"
	"      --tap                 report as TAP\n"
	"      --junit FILE          report as JUnit XML too\n"
	"      --device NAME=ADDRESS for --target host: what the case's device NAME is here\n"
	"  -h, --help\n"
	"\n"
	"The format of cases is described in cases/README.md. Exit status: 1 if a case failed,\n"
	"2 if one cannot be read or a name matches none.\n";

struct options {
	struct job_options job;
	struct play_filter filter;
	const char *variant;
	const char *junit;
	bool explain, log, trace, tap, help;
	struct target_device devices[DEVICES_MAX];
};

/* ---- Options ----------------------------------------------------------- */

enum { OPT_TARGET = 256, OPT_MODE, OPT_POLICY, OPT_VARIANT, OPT_EXPLAIN, OPT_LOG, OPT_TRACE,
       OPT_TAP, OPT_JUNIT, OPT_DEVICE };

static const struct option long_options[] = {
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "variant", required_argument, NULL, OPT_VARIANT },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "log", no_argument, NULL, OPT_LOG },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "tap", no_argument, NULL, OPT_TAP },
	{ "junit", required_argument, NULL, OPT_JUNIT },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "help", no_argument, NULL, 'h' },
	{},
};

/* Index of @text in @known, or -1 after a complaint. */
static int choose(const char *option, const char *text, const char *const *known)
{
	char list[300] = "", hint[80];
	size_t n = 0;
	int i;

	for (i = 0; known[i]; i++) {
		if (!strcmp(known[i], text))
			return i;
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", n ? ", " : "",
					      known[i]);
	}
	if (*suggestion(text, known, (size_t)i, hint, sizeof(hint)))
		cli_error("%s: unknown '%s'%s", option, text, hint);
	else
		cli_error("%s: unknown '%s', expected one of: %s", option, text, list);
	return -1;
}

static int choose_policy(struct options *options, const char *text)
{
	const char *known[32] = { NULL };
	int index;

	for (size_t i = 0; i < 30 && policy_at(i); i++) {
		known[i] = policy_at(i)->name;
		known[i + 1] = "none";
		known[i + 2] = NULL;
	}
	index = choose("--policy", text, known);
	options->filter.policy = index < 0 ? NULL : policy_at((size_t)index);
	options->filter.scripted_only = index >= 0 && !options->filter.policy;
	return index < 0 ? -EINVAL : 0;
}

static int add_device(struct options *options, const char *text)
{
	int error = options->job.n_devices == DEVICES_MAX ?
			    -ENOSPC :
			    job_device(text, &options->devices[options->job.n_devices]);

	if (error == -EINVAL)
		cli_error("--device: expected NAME=ADDRESS, as in nic0=0000:01:00.0, not '%s'",
			  text);
	else if (error == -ENOENT)
		cli_error("--device: this computer has no such device: %s", text);
	else if (error)
		cli_error("--device: %s has no IOMMU group: is the IOMMU on?", text);
	options->job.n_devices += !error;
	return error;
}

static int parse_option(struct options *options, int option)
{
	int index;

	switch (option) {
	case OPT_TARGET:
		index = choose("--target", optarg, job_targets);
		options->job.target = (enum job_target)index;
		return index < 0 ? -EINVAL : 0;
	case OPT_MODE:
		options->filter.mode = choose("--mode", optarg, mode_names);
		return options->filter.mode < 0 ? -EINVAL : 0;
	case OPT_POLICY:
		return choose_policy(options, optarg);
	case OPT_VARIANT:
		options->filter.variant = optarg;
		return 0;
	case OPT_EXPLAIN:
		options->explain = true;
		return 0;
	case OPT_LOG:
		options->log = true;
		return 0;
	case OPT_TRACE:
		options->trace = true;
		return 0;
	case OPT_TAP:
		options->tap = true;
		return 0;
	case OPT_JUNIT:
		options->junit = optarg;
		return 0;
	case OPT_DEVICE:
		return add_device(options, optarg);
	case 'h':
		options->help = true;
		return 0;
	default:
		fputs("Try 'vfiosim case --help'.\n", stderr);
		return -EINVAL;
	}
}

static int parse_options(int argc, char **argv, struct options *options)
{
	int option, error = 0;

	*options = (struct options){ .filter.mode = -1 };
	options->job.devices = options->devices;
	argv[0] = (char[]){ "vfiosim case" };	/* getopt's name for us */
	optind = 1;
	while (!error && (option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		error = parse_option(options, option);
	return error;
}

/* ---- What is printed while it runs ------------------------------------- */

static const char *const verdict_words[] = { "ok", "FAILED", "skipped" };

/* On a terminal: which play is being run; goes away by itself. */
static void progress(size_t done, size_t n, const char *name)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%zu/%zu %s", done, n, name);
}

static void progress_done(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static void print_verdict(const struct report_row *row)
{
	static const char *const colours[] = { "\033[32m", "\033[1;31m", "\033[33m" };
	bool coloured = cli_colours(stdout);

	printf("%s%-8s%s%s", coloured ? colours[row->verdict] : "", verdict_words[row->verdict],
	       coloured ? "\033[0m" : "", row->name);
	if (row->verdict == REPORT_SKIPPED)
		printf(": %s", row->message);
	putchar('\n');
}

/* What the user has to type to see this failure again. */
static void repro(const struct play *play, const struct options *options, FILE *to)
{
	const char *variant = case_variant(play->file, play->variant);
	const char *file = play->file->root->file;

	fprintf(to, "vfiosim case run %s --mode %s --policy %s", strchr(file, '/') ? file :
		play->file->name, modes[play->mode].name,
		play->policy ? play->policy->name : "none");
	if (variant)
		fprintf(to, " --variant %s", variant);
	if (options->job.target != JOB_INPROC)
		fprintf(to, " --target %s", job_targets[options->job.target]);
	for (size_t i = 0; i < options->job.n_devices; i++)
		fprintf(to, " --device %s=%s", options->devices[i].name,
			options->devices[i].address);
	fputs(" --explain\n", to);
}

static char *failure_detail(const struct play *play, const struct options *options,
			    const struct job_result *result)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fprintf(to, "steps:\n%s", result->outcome.log ? result->outcome.log : "");
	fprintf(to, "trace:\n%s", result->trace ? result->trace : "");
	fputs("again: ", to);
	repro(play, options, to);
	fclose(to);
	return text;
}

/* ---- run --------------------------------------------------------------- */

struct rows {
	struct report_row *rows;
	size_t n;
	size_t counts[3];
};

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free((void *)(uintptr_t)rows->rows[i].name);
		free((void *)(uintptr_t)rows->rows[i].message);
		free((void *)(uintptr_t)rows->rows[i].detail);
	}
	free(rows->rows);
}

static int add_row(struct rows *rows, const struct play *play, const struct options *options,
		   const struct job_result *result)
{
	struct report_row *row = &rows->rows[rows->n];
	char name[200];

	case_play_name(play, name, sizeof(name));
	*row = (struct report_row){
		.name = strdup(name),
		.suite = play->file->name,
		.verdict = (enum report_verdict)result->outcome.verdict,
	};
	if (row->verdict != REPORT_PASSED)
		row->message = strdup(result->outcome.message ? result->outcome.message : "");
	if (row->verdict == REPORT_FAILED)
		row->detail = failure_detail(play, options, result);
	rows->n++;
	rows->counts[row->verdict]++;
	return row->name && (row->verdict == REPORT_PASSED || row->message) ? 0 : -ENOMEM;
}

static void print_row(const struct report_row *row, size_t number, const struct options *options,
		      const struct job_result *result)
{
	progress_done();
	if (options->tap) {
		tap_row(stdout, number, row);
		return;
	}
	print_verdict(row);
	if (row->verdict == REPORT_FAILED)
		printf("%s\n%s", row->message, row->detail ? row->detail : "");
	if (options->log && row->verdict != REPORT_FAILED && result->outcome.log)
		fputs(result->outcome.log, stdout);
	if (options->trace && row->verdict != REPORT_FAILED && result->trace)
		fputs(result->trace, stdout);
	fflush(stdout);
}

static int run_one(const struct play *play, const struct options *options, struct rows *rows,
		   size_t n)
{
	struct job_result result;
	char name[200];
	int error;

	case_play_name(play, name, sizeof(name));
	if (!options->explain)
		progress(rows->n + 1, n, name);
	error = job_run(play, &options->job, &result);
	if (error) {
		cli_error("%s: %s", name, error == -ECANCELED ? "no run could be started" :
								strerror(-error));
		return error;
	}
	error = add_row(rows, play, options, &result);
	if (!error)
		print_row(&rows->rows[rows->n - 1], rows->n, options, &result);
	job_result_done(&result);
	return error;
}

static int write_junit(const struct options *options, const struct rows *rows)
{
	FILE *to = fopen(options->junit, "we");
	int error = to ? junit_write(to, job_targets[options->job.target], rows->rows, rows->n) :
			 -errno;

	if (to && fclose(to) && !error)
		error = -errno;
	if (error)
		cli_error("%s: %s", options->junit, strerror(-error));
	return error;
}

static int run_plays(const struct options *options, const struct play *plays, size_t n)
{
	struct rows rows = { .rows = calloc(n, sizeof(*rows.rows)) };
	int error = rows.rows ? 0 : -ENOMEM;

	if (options->tap)
		tap_plan(stdout, n);
	for (size_t i = 0; i < n && !error; i++)
		error = run_one(&plays[i], options, &rows, n);
	if (!error && options->junit)
		error = write_junit(options, &rows);
	if (!error)
		printf("%s%zu passed, %zu failed, %zu skipped\n", options->tap ? "# " : "",
		       rows.counts[PASSED], rows.counts[FAILED], rows.counts[SKIPPED]);
	free_rows(&rows);
	if (error)
		return 2;
	return rows.counts[FAILED] ? 1 : 0;
}

/* A stream of --explain that the processes of a run share: close-on-exec, see job_fuse.c. */
static int open_explain(struct options *options)
{
	int fd = fcntl(options->tap ? STDERR_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	options->job.explain = fd < 0 ? NULL : fdopen(fd, "w");
	options->job.colours = cli_colours(options->tap ? stderr : stdout);
	return options->job.explain ? 0 : -EIO;
}

static int do_run(struct options *options, char **names, size_t n_names)
{
	struct library library;
	struct vfiosim_errors why;
	struct play *plays = NULL;
	size_t n = 0;
	int status = 2, error = library_load(names, n_names, &library, &why);

	if (error) {
		cli_file_errors(&why);
		return 2;
	}
	error = library_plays(&library, &options->filter, &plays, &n);
	if (!error && options->explain)
		error = open_explain(options);
	if (error)
		cli_error("%s", strerror(-error));
	else if (!n)
		cli_error("no variant, mode or policy of these cases is left to run");
	else
		status = run_plays(options, plays, n);
	if (options->job.explain)
		fclose(options->job.explain);
	library_plays_done(plays, n);
	library_done(&library);
	return status;
}

/* ---- list, show, verbs ------------------------------------------------- */

static int do_list(char **names, size_t n)
{
	struct library library;
	struct vfiosim_errors why;

	if (library_load(names, n, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	for (size_t i = 0; i < library.n; i++) {
		const struct case_file *file = library.files[i];

		printf("%-28s %-12s %s", file->name, file->topology_name, file->about);
		for (size_t v = 0; file->variants && v < file->variants->n; v++)
			printf("%s%s", v ? ", " : " [", case_variant(file, v));
		puts(file->variants ? "]" : "");
	}
	library_done(&library);
	return 0;
}

static int do_show(char **names, size_t n)
{
	const struct case_builtin *builtin;
	const char *known[512];
	char hint[160];
	size_t i;

	if (n != 1) {
		cli_error("case show takes one name");
		return 2;
	}
	for (i = 0; i < 512 && (builtin = case_builtin(i)); i++) {
		known[i] = builtin->name;
		if (!strcmp(builtin->name, names[0])) {
			fwrite(builtin->text, 1, builtin->length, stdout);
			return 0;
		}
	}
	if (*suggestion(names[0], known, i, hint, sizeof(hint)))
		cli_error("there is no case '%s'%s", names[0], hint);
	else
		cli_error("there is no case '%s'; `vfiosim case list` names them", names[0]);
	return 2;
}

static int do_verbs(void)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)); i++) {
		printf("%s:", verb->name);
		for (const struct verb_field *field = verb->fields; field->name; field++) {
			printf(" %s%s", field->name, field->required ? "" : "?");
			for (size_t k = 0; field->choices && field->choices[k]; k++)
				printf("%s%s", k ? "|" : "=", field->choices[k]);
		}
		printf("\n    %s\n", verb->about);
	}
	return 0;
}

int verb_case(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct options options;

	if (argc == 3 && !strcmp(what, "--worker"))
		return worker_resume(argv[2]);
	if (parse_options(argc, argv, &options))
		return 2;
	if (options.help) {
		fputs(usage, stdout);
		return 0;
	}
	what = optind < argc ? argv[optind++] : "";
	if (!strcmp(what, "run"))
		return do_run(&options, argv + optind, (size_t)(argc - optind));
	if (!strcmp(what, "list"))
		return do_list(argv + optind, (size_t)(argc - optind));
	if (!strcmp(what, "show"))
		return do_show(argv + optind, (size_t)(argc - optind));
	if (!strcmp(what, "verbs"))
		return do_verbs();
	if (*what)
		cli_error("case: there is no '%s'; expected list, show, verbs or run", what);
	else
		fputs(usage, stderr);
	return 2;
}
