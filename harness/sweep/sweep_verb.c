/* SPDX-License-Identifier: MIT */
/* vfiosim sweep: options, reports, the exit status; see sweep.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/errnos.h"
#include "base/value.h"
#include "sweep/sweep.h"

static void stop(int signal)
{
	sweep_stopped = signal;
}

/* ---- Options ----------------------------------------------------------- */

static const char *parse_errors(const char *text, void *to)
{
	static const char expected[] = "default, all, or errnos: ENOMEM,EBUSY";
	struct plan_options *options = to;
	char *copy, *rest, *word;
	size_t n = 0;
	int error;

	options->errors = !strcmp(text, "default") ? PLAN_OUTSIDE :
			  !strcmp(text, "all")	   ? PLAN_ALL :
						     PLAN_LISTED;
	if (options->errors != PLAN_LISTED)
		return NULL;
	copy = strdup(text);
	for (word = copy ? strtok_r(copy, ",", &rest) : NULL; word && n < 31;
	     word = strtok_r(NULL, ",", &rest)) {
		error = errno_by_word(word);
		if (error < 0)
			break;
		options->listed[n++] = error;
	}
	free(copy);
	return word || !n ? expected : NULL;
}

static const char *errors_word(size_t index)
{
	static const char *const words[] = { "default", "all", NULL };

	return index < 3 ? words[index] : NULL;
}

static const char *add_only(const char *text, void *to)
{
	struct texts *texts = to;

	if (texts->n == ONLY_MAX)
		return "at most 16 of them";
	texts->list[texts->n++] = text;
	return NULL;
}

static const char *parse_shard(const char *text, void *to)
{
	struct shard *shard = to;
	char end;

	if (sscanf(text, "%" SCNu64 "/%" SCNu64 "%c", &shard->index, &shard->count, &end) == 2 &&
	    shard->index && shard->index <= shard->count)
		return NULL;
	return "I/N, with I from 1 to N: 2/8";
}

static const char *add_may_omit(const char *text, void *to)
{
	struct reach_omit *omit = to;
	struct reach_range *range = &omit->list[omit->n];
	char *copy = strdup(text), *dots = copy ? strstr(copy, "..") : NULL;
	bool good = false;

	if (dots && omit->n < sizeof(omit->list) / sizeof(omit->list[0])) {
		*dots = 0;
		good = value_number(copy, &range->first) && value_number(dots + 2, &range->last) &&
		       range->first <= range->last;
	}
	free(copy);
	omit->n += good;
	return good ? NULL : "FIRST..LAST, iovas, both inclusive; at most 16 of them";
}

static const char *parse_number(const char *text, void *to)
{
	return value_number(text, to) ? NULL : "a number";
}

static const char *parse_jobs(const char *text, void *to)
{
	uint64_t *jobs = to;

	return value_number(text, jobs) && *jobs && *jobs <= JOBS_MAX ? NULL : "a number from 1 to 64";
}

/* A test runner that shards wants to know that we do: the file it names is touched. */
static void tell_sharded(void)
{
	const char *path = getenv("TEST_SHARD_STATUS_FILE");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;

	if (fd >= 0)
		close(fd);
	else if (path)
		cli_error("cannot write %s: %s", path, strerror(errno));
}

/* What test runners of Bazel and others say: from 0. */
static int shard_of_environment(struct sweep_options *options)
{
	const char *index = getenv("TEST_SHARD_INDEX"), *count = getenv("TEST_TOTAL_SHARDS");
	struct shard *shard = &options->shard;

	if (shard->count || !index || !count)
		return 0;
	if (!value_number(index, &shard->index) || !value_number(count, &shard->count) ||
	    shard->index >= shard->count) {
		cli_error("TEST_SHARD_INDEX=%s is not from 0 to TEST_TOTAL_SHARDS=%s less 1", index,
			  count);
		return -EINVAL;
	}
	shard->index++;
	tell_sharded();
	return 0;
}

/* ---- A baseline -------------------------------------------------------- */

static const struct result *find_result(const struct results *results, const char *point)
{
	for (size_t i = 0; i < results->n; i++)
		if (!strcmp(results->items[i].point, point))
			return &results->items[i];
	return NULL;
}

/* What is not tested says nothing, and an unstable point is told apart: print_unstable(). */
static bool differs(const struct result *now, const struct result *before)
{
	return now->tested && now->verdict.defect != DEFECT_UNSTABLE &&
	       (!before || before->verdict.outcome != now->verdict.outcome ||
		before->verdict.defect != now->verdict.defect);
}

/* Prints what differs; returns the number of new defects. */
static size_t compare_results(const struct results *was, const struct results *is)
{
	size_t new = 0;

	for (size_t i = 0; i < is->n; i++) {
		const struct result *now = &is->items[i], *before = find_result(was, now->point);

		if (!differs(now, before))
			continue;
		if (now->verdict.defect)
			new += !before || before->verdict.defect != now->verdict.defect;
		fputs(before ? "differs: " : "new:     ", stdout);
		results_print_row(stdout, now, false);
	}
	for (size_t i = 0; i < was->n && was->plan != is->plan; i++)
		if (!find_result(is, was->items[i].point))
			printf("gone:    %s\n", was->items[i].point);
	return new;
}

/* ---- The verb ---------------------------------------------------------- */

/* A program that races with itself does not come past each point each time. */
static void print_unstable(const struct results *results)
{
	if (!results_count(results, DEFECT_UNSTABLE))
		return;
	puts("\nnot reached again, so not tested:");
	for (size_t i = 0; i < results->n; i++)
		if (results->items[i].tested && results->items[i].verdict.defect == DEFECT_UNSTABLE)
			printf("unstable %s\n", results->items[i].point);
}

/* The exit status. */
static int report(const struct sweep_options *options, const struct results *results,
		  const struct results *baseline, const char *title)
{
	size_t bad = results_defects(results);

	if (options->baseline)
		bad = compare_results(baseline, results);
	print_unstable(results);
	results_print_summary(stdout, results);
	if (results_count(results, DEFECT_UNSTABLE) > options->max_unstable) {
		printf("more than %" PRIu64 " unstable points: see --max-unstable\n",
		       options->max_unstable);
		bad++;
	}
	if ((options->json && results_write_json(results, options->json)) ||
	    (options->record_baseline && results_write_json(results, options->record_baseline)) ||
	    (options->junit && results_write_junit(results, options->junit)) ||
	    (options->html && results_write_html(results, title, options->html)))
		return 2;
	return bad ? 1 : 0;
}

/* What to type to see a defect; the first will do for a person, --defects keeps all. */
static void print_again(const struct sweep *sweep)
{
	const struct results *results = &sweep->results;
	size_t i = 0;

	while (i < results->n && (!results->items[i].tested || !results->items[i].verdict.defect ||
				  results->items[i].verdict.defect == DEFECT_UNSTABLE))
		i++;
	if (i == results->n)
		return;
	fputs("the first of them again:\n  ", stdout);
	sweep_put_command(sweep, "vfiosim", results->items[i].point, stdout);
}

static int run_sweep(struct sweep *sweep, const struct results *baseline)
{
	const struct sweep_options *options = sweep->options;
	int status, error = sweep_make_plan(sweep);

	if (sweep_stopped)
		return 128 + sweep_stopped;
	if (error)
		return error == -ECHILD ? CLEAN_FAILED : 2;
	if (options->plan_file ? sweep_read_points(sweep, options->plan_file) : sweep_list_points(sweep))
		return 2;
	if (options->record_plan)
		return sweep_write_points(sweep, options->record_plan) ? 2 : 0;
	if (sweep_choose(sweep))
		return 2;
	if (!sweep->results.n) {
		cli_error(!options->plan_file && !sweep->plan.n ?
				  "the command asks nothing of the machine that can fail" :
				  "no point is left to be tested: see --only, --from, --errno");
		return 2;
	}
	if (sweep_test_all(sweep))
		return sweep_stopped ? 128 + sweep_stopped : 2;
	status = report(options, &sweep->results, baseline, sweep->attempt_options.argv[0]);
	if (status == 1 && !options->baseline)
		print_again(sweep);
	return status;
}

static void sweep_done(struct sweep *sweep)
{
	attempts_settle();	/* or it would write into the folder again */
	work_folder_done(&sweep->folder);
	for (size_t i = 0; i < JOBS_MAX; i++)
		sweep_record_destroy(sweep->slots[i].attempt.record);
	judge_run_done(&sweep->clean);
	sweep_record_destroy(sweep->clean_record);
	plan_done(&sweep->plan);
	results_done(&sweep->results);
	free(sweep->order);
	free(sweep->finished);
}

static void stop_by_signals(void)
{
	const struct sigaction action = { .sa_handler = stop };
	struct sigaction old;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN)	/* nohup */
		sigaction(SIGHUP, &action, NULL);
}

static int sweep_in(struct sweep *sweep, const struct results *baseline)
{
	int status = 2;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	stop_by_signals();
	sweep->clean_record = sweep_record_create();
	if (!sweep->clean_record)
		cli_error("%s", strerror(ENOMEM));
	else if (!work_folder_init(&sweep->folder))
		status = run_sweep(sweep, baseline);
	sweep_done(sweep);
	return status;
}

/* `sweep merge REPORT...` */
static int merge(const struct sweep_options *options, char **paths, const struct results *baseline)
{
	struct results all = { 0 }, one;
	int error = *paths ? 0 : -EINVAL, status = 2;

	if (error)
		cli_error("sweep merge: which reports? Those that --json wrote");
	for (; !error && *paths; paths++) {
		error = results_read_json(&one, *paths);
		if (!error)
			error = results_merge(&all, &one, *paths);
		results_done(&one);
	}
	for (size_t i = 0; !error && i < all.n && !options->baseline; i++)
		results_print_row(stdout, &all.items[i], cli_colours(stdout));
	if (!error)
		status = report(options, &all, baseline, "merged");
	results_done(&all);
	return status;
}

/* --expect; its topology, too, unless --topology says another. */
static int load_expect(struct sweep *sweep, struct sweep_options *options)
{
	const struct expect_options expect_options = { .expect = options->expect };
	struct vfiosim_errors errors = { 0 };

	if (run_expect_load(&sweep->expect, &expect_options, &errors)) {
		cli_file_errors(&errors);
		return -EINVAL;
	}
	if (!options->machine.topology && sweep->expect.expect)
		options->machine.topology = sweep->expect.expect->topology;
	return 0;
}

/* The machine is known. */
static int use_expect(struct sweep *sweep, const struct sweep_options *options)
{
	struct vfiosim_topology *topology = sweep->attempt_options.topology;
	struct expectations *expect = sweep->expect.expect;
	struct vfiosim_errors errors = { 0 };

	if (!expect)
		return 0;
	if (expect->kernel.major && !options->machine.kernel.major)
		vfiosim_topology_set_kernel(topology, expect->kernel);
	if (expect->root && (expect_resolve(expect, topology, &errors) || errors.n)) {
		cli_file_errors(&errors);
		return -EINVAL;
	}
	expect_keep_invariants(expect);
	sweep->attempt_options.expect = expect;
	return 0;
}

static int sweep_machine(struct sweep *sweep, struct sweep_options *options, char **args,
			 const struct results *baseline)
{
	struct vfiosim_errors errors = { 0 };
	int status;

	if (!options->machine.topology)
		options->machine.topology = DEFAULT_TOPOLOGY;
	if (machine_load(&options->machine, &sweep->attempt_options.topology, &errors)) {
		if (errors.n)
			cli_file_errors(&errors);
		return 2;
	}
	if (use_expect(sweep, options)) {
		vfiosim_topology_free(sweep->attempt_options.topology);
		return 2;
	}
	sweep->attempt_options.machine = &options->machine;
	sweep->attempt_options.argv = args;
	sweep->attempt_options.timeout_ms = options->timeout_s ? options->timeout_s * 1000 : HANG_MS;
	status = sweep_in(sweep, baseline);
	vfiosim_topology_free(sweep->attempt_options.topology);
	return status;
}

/* A plan's points are all of them, and the same for all shards. */
static int check_plan_options(const struct sweep_options *options)
{
	if (!options->plan_file || (!options->only.n && !options->from && !options->persistent &&
				    options->plan.errors == PLAN_OUTSIDE))
		return 0;
	cli_error("--plan names the points: --only, --from, --errno and --persistent belong to "
		  "--record-plan");
	return -EINVAL;
}

static int run(void *given, char **args, size_t n)
{
	struct sweep_options *options = given;
	struct sweep sweep = { .options = options };
	struct results baseline = { 0 };
	int status = 2;

	if (!check_plan_options(options) && !load_expect(&sweep, options) && !shard_of_environment(options) &&
	    !(options->baseline && results_read_json(&baseline, options->baseline)))
		status = strcmp(args[0], "merge") ? sweep_machine(&sweep, options, args, &baseline) :
						    merge(options, args + 1, &baseline);
	run_expect_close(&sweep.expect);
	results_done(&baseline);
	return status;
}

#define AT(member_) offsetof(struct sweep_options, member_)

static const struct cli_option options_table[] = {
	MACHINE_OPTIONS(struct sweep_options, machine),
	{ "only", 0, "SITE[,KEY=VALUE]...", "only these points, told as faults are; repeatable",
	  CLI_PARSED, AT(only), .words = fault_site_word, .parse = add_only },
	{ "from", 0, "MARK", "only points after the command has set this mark", CLI_TEXT, AT(from) },
	{ "point", 0, "ID", "only this point, as reports name it", CLI_TEXT, AT(point) },
	{ "errno", 0, "WHICH",
	  "default: those that hardware, memory, limits or state give; all; or a list",
	  CLI_PARSED, AT(plan), .words = errors_word, .parse = parse_errors },
	{ "persistent", 0, NULL, "each fault goes on happening, not once", CLI_FLAG, AT(persistent) },
	{ "jobs", 'j', "N", "runs at a time (1)", CLI_PARSED, AT(jobs), .parse = parse_jobs },
	{ "shard", 0, "I/N", "the Ith of N parts; or TEST_SHARD_INDEX and TEST_TOTAL_SHARDS",
	  CLI_PARSED, AT(shard), .parse = parse_shard },
	{ "shallow", 0, "N", "only N points, chosen by --seed", CLI_PARSED, AT(shallow),
	  .parse = parse_number },
	{ "seed", 0, "S", "which ones --shallow takes (0)", CLI_PARSED, AT(seed),
	  .parse = parse_number },
	{ "expect", 0, "FILE", "how the command ends without a fault: exit: of such a file;\nits never: and at: exit hold in every run", CLI_TEXT,
	  AT(expect), .files = true },
	{ "may-omit", 0, "FIRST..LAST", "mappings of these iovas may be missing; repeatable", CLI_PARSED,
	  AT(may_omit), .parse = add_may_omit },
	{ "timeout", 0, "SECONDS",
	  "a run that makes no call and does not end for so long hangs\n"
	  "(10; at least 5 times the run without a fault)", CLI_PARSED,
	  AT(timeout_s), .parse = parse_number },
	{ "max-unstable", 0, "N", "accept N points that are not reached again (0)", CLI_PARSED,
	  AT(max_unstable), .parse = parse_number },
	{ "record-plan", 0, "FILE", "write the points, one a line, and test nothing", CLI_TEXT,
	  AT(record_plan), .files = true },
	{ "plan", 0, "FILE", "test the points of FILE", CLI_TEXT, AT(plan_file), .files = true },
	{ "json", 0, "FILE", "write the results, a line of JSON each", CLI_TEXT, AT(json),
	  .files = true },
	{ "junit", 0, "FILE", "write the results as JUnit XML", CLI_TEXT, AT(junit), .files = true },
	{ "html", 0, "FILE", "write the results as a page, with the story of each run", CLI_TEXT,
	  AT(html), .files = true },
	{ "defects", 0, "FOLDER", "keep trace, explanation, stderr and repro.sh of each defect",
	  CLI_TEXT, AT(defects), .files = true },
	{ "record-baseline", 0, "FILE", "write the results, for --baseline", CLI_TEXT,
	  AT(record_baseline), .files = true },
	{ "baseline", 0, "FILE", "print what differs; only new defects count", CLI_TEXT, AT(baseline),
	  .files = true },
	{ NULL },
};

static const struct sweep_options defaults = { .jobs = 1 };

const struct cli_verb sweep_verb = {
	.name = "sweep",
	.about = "run a program once for each failure it can meet, and tell what it makes of them",
	.args = "[--] COMMAND [ARGUMENT...] | merge REPORT...",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.command = true,
	.no_command = "merge",
	.more = "merge joins the --json reports of one plan's shards. A command called merge is written\n"
		"./merge.\n"
		"Inside, $VFIOSIM_POINT says what fails; $TMPDIR is each run's own.\n"
		"Exit status: 0 no defect, 1 defects, 2 usage, 125 COMMAND fails without a fault.\n",
	.options = options_table,
	.size = sizeof(struct sweep_options),
	.defaults = &defaults,
	.run = run,
};
