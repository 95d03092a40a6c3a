/* SPDX-License-Identifier: MIT */
/* vfiosim case run: options, and what is printed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/error.h>

#include "case/case_page.h"
#include "case/case_verb.h"
#include "case/elsewhere.h"
#include "case/host.h"
#include "case/job.h"
#include "case/library.h"
#include "case/told.h"
#include "cli.h"
#include "fault_args.h"
#include "launch/machine_args.h"
#include "report/report.h"
#include "report/story_text.h"

struct options {
	struct job_options job;
	int target;		/* enum job_target */
	int mode;		/* enum mode; -1: any */
	unsigned policies;	/* bits by case_policy_word(); 0: any */
	const char *variant;
	const char *junit;
	const char *html;	/* a file, or a folder with '/' behind it */
	int explain;		/* enum explain_how; -1: not */
	bool log, trace, tap, picture;
	struct story_style style;	/* made of those above */
	struct devices {
		struct target_device list[JOB_DEVICES_MAX];
		size_t n;
	} devices;
	struct fault_args faults;
	struct play_filter filter;	/* made of those above */
};

enum explain_how { EXPLAIN_STORY, EXPLAIN_FULL, EXPLAIN_REFUSED };

/* ---- Options ----------------------------------------------------------- */

static const char *target_word(size_t index)
{
	return index < JOB_HOST + 1 ? job_targets[index] : NULL;
}

static const char *add_device(const char *text, void *to)
{
	struct devices *devices = to;
	int error = devices->n == JOB_DEVICES_MAX ? -ENOSPC : host_device(text, &devices->list[devices->n]);

	if (!error)
		devices->n++;
	switch (error) {
	case 0:
		return NULL;
	case -ENOSPC:
		return "at most 32 devices";
	case -EINVAL:
		return "NAME=ADDRESS, as in nic0=0000:01:00.0";
	case -ENOENT:
		return "a device that this computer has";
	default:
		return "a device in an IOMMU group (is the IOMMU on?), or one that vfio-pci holds without an IOMMU";
	}
}

static const char *explain_word(size_t index)
{
	static const char *const words[] = { "story", "full", "refused" };

	return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
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
	case_put_command(play, to);
	if (options->job.target != JOB_INPROC)
		fprintf(to, " --target %s", job_targets[options->job.target]);
	if (options->job.kernel.major)
		fprintf(to, " --kernel %u.%u", options->job.kernel.major, options->job.kernel.minor);
	for (size_t i = 0; i < options->faults.n; i++) {
		fputs(" --fault ", to);
		cli_put_word(options->faults.texts[i], to);
	}
	for (size_t i = 0; i < options->job.n_devices; i++)
		fprintf(to, " --device %s=%s", options->job.devices[i].name,
			options->job.devices[i].address);
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
	struct elsewhere elsewhere;	/* plays of the case whose turn it is */
	struct report_row *rows;
	size_t n;
	size_t counts[3];
	int explain_error;	/* -errno, the first: not all of --explain was written */
	bool fired[FAULT_ARGS_MAX];	/* those of --fault, in any play */
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

/* Those of the case have the first numbers. */
static void note_fired(const struct play *play, const struct options *options,
		       const struct job_result *result, struct rows *rows)
{
	size_t own = play->file->faults ? play->file->faults->n : 0;

	for (size_t i = 0; result->trace && i < options->faults.n; i++)
		rows->fired[i] |= fault_fired_in(result->trace, own + i + 1);
}

static void report_unfired(const struct options *options, const struct rows *rows)
{
	for (size_t i = 0; i < options->faults.n; i++)
		if (!rows->fired[i])
			fprintf(stderr, "vfiosim: fault %zu never fired in any play: %s\n", i + 1,
				options->faults.texts[i]);
}

/* Plays are told as stories: in this process, where the machine can be asked how it stands. */
static bool tells_stories(const struct options *options)
{
	return options->explain >= 0 && options->explain != EXPLAIN_FULL &&
	       options->job.target == JOB_INPROC;
}

/* All plays of the case were run: how the others ended, and what it teaches. */
static void end_story(const struct options *options, const struct play *told, struct rows *rows)
{
	FILE *to = options->job.explain;

	elsewhere_print(&rows->elsewhere, told, to);
	story_tell_lesson(told->file, &options->style, to);
	fputc('\n', to);
	fflush(to);
}

static int run_one(const struct play *play, const struct options *options, struct rows *rows,
		   const struct play *plays, size_t n)
{
	struct job_options job = options->job;
	struct story_style style = options->style;
	bool told = true;
	struct job_result result;
	char name[200];
	int error;

	case_play_name(play, name, sizeof(name));
	if (options->explain < 0)
		progress(rows->n + 1, n, name);
	if (tells_stories(options)) {
		told = options->explain == EXPLAIN_REFUSED ||
		       told_choose(play->file, plays, n, &style.others) == play;
		job.story = &style;
		if (!told) {
			job.explain = NULL;
			job.story = NULL;
		}
	}
	error = job_run(play, &job, &result);
	if (error) {
		if (error != -EINVAL)	/* a fault of no use here: told */
			cli_error("%s: %s", name, error == -ECANCELED ? "no run could be started" :
									strerror(-error));
		return error;
	}
	error = add_row(rows, play, options, &result);
	if (!error && ((told && options->explain != EXPLAIN_STORY) || options->tap || rows->rows[rows->n - 1].verdict == REPORT_FAILED))
		print_row(&rows->rows[rows->n - 1], rows->n, options, &result);
	if (tells_stories(options) && options->explain == EXPLAIN_STORY) {
		elsewhere_add(&rows->elsewhere, play, &result.outcome);
		if (play == plays + n - 1 || play[1].file != play->file)
			end_story(options, told_choose(play->file, plays, n, &style.others), rows);
	}
	note_fired(play, options, &result, rows);
	if (!rows->explain_error)
		rows->explain_error = result.explain_error;
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
		cli_error("cannot write %s: %s", options->junit, strerror(-error));
	return error;
}

/* What is lost was written here or by a process of a run. 0, or -errno, told. */
static int explain_arrived(const struct options *options, const struct rows *rows)
{
	int error = rows->explain_error;

	if (!error && options->job.explain)
		error = cli_stream_error(options->job.explain);
	if (error)
		cli_error("cannot write the explanation: %s", strerror(-error));
	return error;
}

static int run_plays(const struct options *options, const struct play *plays, size_t n)
{
	struct rows rows = { .rows = calloc(n, sizeof(*rows.rows)) };
	int error = rows.rows ? 0 : -ENOMEM;

	if (options->tap)
		tap_plan(stdout, n);
	for (size_t i = 0; i < n && !error; i++)
		error = run_one(&plays[i], options, &rows, plays, n);
	if (!error && options->junit)
		error = write_junit(options, &rows);
	if (!error)
		printf("%s%zu passed, %zu failed, %zu skipped\n", options->tap ? "# " : "",
		       rows.counts[PASSED], rows.counts[FAILED], rows.counts[SKIPPED]);
	if (!error)
		report_unfired(options, &rows);
	if (explain_arrived(options, &rows))
		error = -EIO;
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
	if (options->job.explain)
		return 0;
	if (fd >= 0)
		close(fd);
	return -EBADF;
}

static void finish_options(struct options *options)
{
	options->job.target = (enum job_target)options->target;
	options->job.faults = &options->faults;
	options->style.more = true;
	options->style.picture = options->picture;
	options->style.refused_only = options->explain == EXPLAIN_REFUSED;
	options->style.ascii = !cli_utf8();
	options->style.colours = cli_colours(options->tap ? stderr : stdout);
	options->job.devices = options->devices.list;
	options->job.n_devices = options->devices.n;
	options->filter.variant = options->variant;
	options->filter.mode = options->mode;
	options->filter.policies = options->policies;
}

/* Options that would have no effect. */
static bool is_ignored(const struct options *options)
{
	if (options->picture && options->explain < 0)
		cli_error("case run: --picture requires --explain");
	else if (options->devices.n && options->target != JOB_HOST)
		cli_error("case run: --device requires --target host");
	else if (options->job.allow_sysfs && options->target != JOB_HOST)
		cli_error("case run: --allow-sysfs requires --target host");
	else if (options->job.kernel.major && options->target == JOB_HOST)
		cli_error("case run: --kernel requires a simulated machine, not --target host");
	else
		return false;
	return true;
}

static int run(void *given, char **names, size_t n_names)
{
	struct options *options = given;
	struct library library;
	struct vfiosim_errors why;
	struct play *plays = NULL;
	size_t n = 0;
	int status = 2, error;

	if (is_ignored(options))
		return 2;
	error = library_load(names, n_names, &library, &why);
	if (error) {
		cli_file_errors(&why);
		return 2;
	}
	finish_options(options);
	error = library_plays(&library, &options->filter, &plays, &n);
	if (!error && options->explain >= 0)
		error = open_explain(options);
	if (error == -EBADF)
		cli_error("cannot write the explanation: %s", strerror(-error));
	else if (error)
		cli_error("%s", strerror(-error));
	else if (!n)
		case_complain_of_nothing("case run", &library, &options->filter);
	else
		status = run_plays(options, plays, n);
	if (n && status < 2 && options->html &&
	    case_page_write(&library, plays, n, &options->job, options->html))
		status = 2;
	if (options->job.explain)
		fclose(options->job.explain);
	library_plays_done(plays, n);
	library_done(&library);
	return status;
}

#define AT(member_) offsetof(struct options, member_)

static const struct cli_option run_options[] = {
	{ "target", 0, "TARGET",
	  "inproc (in this process, the default), fuse (through /dev/vfio),\n"
	  "host (this computer's own VFIO, needs --device)",
	  CLI_CHOICE, AT(target), .words = target_word },
	{ "mode", 0, "MODE", "only this mode: legacy, iommufd", CLI_CHOICE, AT(mode), .words = case_mode_word },
	{ "policy", 0, "POLICIES", "only with these selection policies, like qemu-legacy,dpdk;\n"
	  "none: as scripted", CLI_CHOICES, AT(policies), .words = case_policy_word },
	{ "variant", 0, "GLOB", "only these variants", CLI_TEXT, AT(variant) },
	{ "kernel", 0, "VERSION", "the Linux whose answers are given where a case says none, 6.1 to 7.2", CLI_PARSED,
	  AT(job.kernel), .parse = machine_parse_kernel },
	FAULT_OPTION(struct options, faults),
	{ "explain", 0, "HOW",
	  "story: tell one play of each case, what was done and why it was refused\n"
	  "(the default); full: every command of every play; refused: only refusals",
	  CLI_CHOICE, AT(explain), .words = explain_word, .optional = true },
	{ "picture", 0, NULL, "with --explain: draw the address spaces as well", CLI_FLAG, AT(picture) },
	{ "log", 0, NULL, "print what came of each step", CLI_FLAG, AT(log) },
	{ "trace", 0, NULL, "print what the machine answered, as lines of JSON", CLI_FLAG, AT(trace) },
	{ "tap", 0, NULL, "report as TAP", CLI_FLAG, AT(tap) },
	{ "junit", 0, "FILE", "report as JUnit XML too", CLI_TEXT, AT(junit), .files = true },
	{ "html", 0, "FILE|DIR/",
	  "write the case as a page: its steps, the spaces as pictures, both interfaces\n"
	  "side by side; DIR/: a page for each case, and an index", CLI_TEXT, AT(html), .files = true },
	{ "device", 0, "NAME=ADDRESS", "for --target host: what the case's device NAME is here", CLI_PARSED,
	  AT(devices), .parse = add_device },
	{ "allow-sysfs", 0, NULL,
	  "for --target host: cases may write to sysfs, and set module parameters; drivers of the\n"
	  "devices named, their mdevs and the parameters are put back after each play",
	  CLI_FLAG, AT(job.allow_sysfs) },
	{ NULL },
};

static const struct options defaults = { .mode = -1, .explain = -1 };

const struct cli_verb case_run_verb = {
	.name = "run",
	.about = "run cases: short stories told to a machine, with what should come of every step",
	.args = "[NAME[/VARIANT]|TOPIC|GLOB|FILE...]",
	.max_args = SIZE_MAX,
	.words = case_or_topic_word,
	.files = true,
	.more = "Without a name all cases that are built in. vfiosim-case(5) describes the format.\n"
		"Exit status: 1 if a case failed, 2 if one cannot be read or a name matches none.\n",
	.options = run_options,
	.size = sizeof(struct options),
	.defaults = &defaults,
	.run = run,
};
