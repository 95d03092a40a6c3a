/* SPDX-License-Identifier: MIT */
/* vfiosim run: options, the topology, and where traces and messages go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "base/errors.h"
#include "cli.h"
#include "case/case_verb.h"
#include "expect/from_case.h"
#include "expect/run_expect.h"
#include "fault_args.h"
#include "launch/fullest.h"
#include "launch/launch.h"
#include "launch/machine_args.h"
#include "launch/run_page.h"
#include "report/explain.h"
#include "select/policy.h"

struct run_options {
	struct machine_args machine;
	const char *trace;	/* NULL: none; "-": with the messages */
	const char *output;	/* NULL: stderr */
	int explain;		/* enum explain_how; -1: not */
	const char *name;
	const char *state;	/* NULL: none */
	const char *html;	/* NULL: none */
	bool wait_all;
	bool pidns;
	const char *case_name;	/* NULL: none */
	int policy;		/* index of case_policy_word(); -1: not given */
	struct expect_options expect;
};

enum explain_how { EXPLAIN_FULL, EXPLAIN_REFUSED };

/* What is written where, while the command runs. */
struct sinks {
	bool explaining, refused_only;
	struct explain explain;
	FILE *messages;
	FILE *trace;		/* NULL: none; may be @messages */
	FILE *state;		/* NULL: none */
	FILE *html;		/* NULL: none */
	const char *messages_name, *trace_name, *state_name, *html_name;
	const struct vfiosim_topology *topology;
	struct run_expect *expect;
	struct vfiosim *sim;	/* in the server process, as is: */
	struct fullest *fullest;	/* NULL: no state is wanted */
	struct run_page *page;		/* NULL: no page is */
	char *command;			/* owned; the page's title */
};

/* ---- Sinks ------------------------------------------------------------- */

/* Appending: launcher and server write to it in turn. */
static FILE *open_output(const char *path)
{
	FILE *file = fopen(path, "we");

	if (file && (fclose(file) || !(file = fopen(path, "ae"))))
		file = NULL;
	if (file)
		setvbuf(file, NULL, _IOLBF, 0);
	else
		cli_error("cannot write %s: %s", path, strerror(errno));
	return file;
}

static int sinks_open(struct sinks *sinks, const struct run_options *options)
{
	*sinks = (struct sinks){
		.explaining = options->explain >= 0,
		.refused_only = options->explain == EXPLAIN_REFUSED,
		.messages = stderr,
		.messages_name = options->output ? options->output : "standard error",
		.trace_name = options->trace,
		.state_name = options->state,
		.html_name = options->html,
	};
	if (options->output && !(sinks->messages = open_output(options->output)))
		return -EIO;
	if (options->state && !(sinks->state = open_output(options->state)))
		return -EIO;
	if (options->html && !(sinks->html = open_output(options->html)))
		return -EIO;
	if (!options->trace)
		return 0;
	if (!strcmp(options->trace, "-"))
		sinks->trace = sinks->messages;
	else
		sinks->trace = open_output(options->trace);
	return sinks->trace ? 0 : -EIO;
}

/* 0, or -errno: the messages have not all been written; told. */
static int sinks_close(struct sinks *sinks)
{
	int error = 0;

	if (sinks->trace && sinks->trace != sinks->messages)
		fclose(sinks->trace);
	if (sinks->state)
		fclose(sinks->state);
	if (sinks->html)
		fclose(sinks->html);
	free(sinks->command);
	if (sinks->messages && sinks->messages != stderr) {
		error = cli_flush(sinks->messages, sinks->messages_name);
		fclose(sinks->messages);
	}
	return error;
}

/* In the server process: what it wrote has arrived. */
static int sinks_flush(const struct sinks *sinks, bool has_faults)
{
	bool traces_apart = sinks->trace && sinks->trace != sinks->messages;
	int error = traces_apart ? cli_flush(sinks->trace, sinks->trace_name) : 0;

	if (!error && (sinks->explaining || has_faults || sinks->trace == sinks->messages))
		error = cli_flush(sinks->messages, sinks->messages_name);
	return error;
}

/* In the server process: the states have arrived. */
static int end_state(struct sinks *sinks)
{
	int error;

	if (!sinks->fullest)
		return 0;
	error = fullest_write(sinks->fullest, sinks->state);
	if (error)
		cli_error("no memory for the state at the fullest");
	fullest_destroy(sinks->fullest);
	sinks->fullest = NULL;
	return worse(cli_flush(sinks->state, sinks->state_name), error);
}

/* In the server process: so has the page. */
static int end_page(struct sinks *sinks)
{
	int error;

	if (!sinks->page)
		return 0;
	error = run_page_write(sinks->page, sinks->command ? sinks->command : "a run", sinks->html);
	if (error)
		cli_error("no memory for the page of the run: it is not whole");
	run_page_destroy(sinks->page);
	sinks->page = NULL;
	return worse(cli_flush(sinks->html, sinks->html_name), error);
}

static int begin_page(struct sinks *sinks)
{
	int error = sinks->html ? run_page_create(sinks->sim, sinks->topology, &sinks->page) : 0;

	if (error)
		cli_error("the run cannot be followed: %s", strerror(-error));
	return error;
}

/* "qemu-system-x86_64 -m 256" */
static char *command_line(char **argv)
{
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	for (; to && *argv; argv++)
		fprintf(to, "%s%s", *argv, argv[1] ? " " : "");
	if (to)
		fclose(to);
	return text;
}

static int begin_state(struct sinks *sinks)
{
	int error = sinks->state ? fullest_create(sinks->sim, &sinks->fullest) : 0;

	if (error)
		cli_error("the run cannot be followed: %s", strerror(-error));
	return error;
}

/* In the server process, see launch.h. */
static int sinks_watch(void *ctx, struct vfiosim *sim)
{
	struct sinks *sinks = ctx;

	if (!sim) {
		bool has_faults = sinks->topology->n_faults;
		int error = worse(run_expect_end(sinks->expect),
				  worse(end_state(sinks), end_page(sinks)));

		if (has_faults)
			faults_report(sinks->sim, sinks->messages);
		if (sinks->trace)
			vfiosim_trace_remove(sinks->sim, vfiosim_trace_json, sinks->trace);
		if (sinks->explaining)
			vfiosim_trace_remove(sinks->sim, explain_event, &sinks->explain);
		return worse(sinks_flush(sinks, has_faults), error);
	}
	sinks->sim = sim;
	if (sinks->trace)
		vfiosim_trace_add(sim, vfiosim_trace_json, sinks->trace);
	if (sinks->explaining) {
		explain_init(&sinks->explain, sinks->messages, cli_colours(sinks->messages));
		sinks->explain.refused_only = sinks->refused_only;
		vfiosim_trace_add(sim, explain_event, &sinks->explain);
	}
	return worse(worse(begin_state(sinks), begin_page(sinks)), run_expect_begin(sinks->expect, sim));
}

/* ---- The verb ---------------------------------------------------------- */

/* @argv: what to run; empty: $SHELL. */
static int launch_in(struct vfiosim_topology *topology, const struct run_options *options,
		     struct run_expect *expect, char **argv)
{
	char fallback[] = "/bin/sh";
	char *shell[] = { getenv("SHELL"), NULL };
	struct sinks sinks;
	char *name = machine_topology_name(&options->machine);
	struct launch_options launch_options = {
		.topology = topology,
		.topology_name = name ? name : options->machine.topology,
		.fake_chardevs = machine_fakes_chardevs(&options->machine, topology),
		.name = options->name,
		.wait_all = options->wait_all,
		.pid_namespace = options->pidns,
		.tells_mapped = expect->expect != NULL,
		.watch = sinks_watch,
		.ctx = &sinks,
	};
	int status = LAUNCH_FAILED, wait_status = WAIT_UNKNOWN;

	launch_options.wait_status = &wait_status;
	if (!shell[0] || !*shell[0])
		shell[0] = fallback;
	if (!sinks_open(&sinks, options)) {
		sinks.topology = topology;
		sinks.command = command_line(*argv ? argv : shell);
		sinks.expect = expect;
		launch_options.messages = sinks.messages;
		status = launch(&launch_options, *argv ? argv : shell);
		status = run_expect_report(expect, status, wait_status, sinks.messages);
	}
	if (sinks_close(&sinks))
		status = LAUNCH_FAILED;
	free(name);
	return status;
}

/* The machine is known: --topology's, else the expectations', else the usual one. */
static int run_in(struct vfiosim_topology *topology, const struct run_options *options,
		  struct run_expect *expect, struct vfiosim_errors *errors, char **args)
{
	if (expect->expect && expect->expect->kernel.major && !options->machine.kernel.major)
		vfiosim_topology_set_kernel(topology, expect->expect->kernel);
	if (run_expect_open(expect, topology, errors))
		return LAUNCH_FAILED;
	return launch_in(topology, options, expect, args);
}

/* --case: its machine, and how it ends for --policy. */
static int run_case(struct run_options *options, char **args)
{
	const struct policy *policy = options->policy < 0 ? NULL : policy_at((size_t)options->policy);
	struct run_expect expect = { .options = &options->expect };
	struct case_expect from = { 0 };
	struct vfiosim_errors errors = { 0 };
	int status = LAUNCH_FAILED;

	if (!policy || options->expect.expect || options->machine.topology) {
		cli_error("--case requires --policy, and neither --expect nor --topology");
		return LAUNCH_FAILED;
	}
	if (!case_expect_load(options->case_name, policy, &from, &expect.expect)) {
		options->machine.topology = from.play.topology->name;
		setenv("VFIOSIM_CASE", options->case_name, 1);
		if (!machine_apply(&options->machine, from.play.topology))
			status = run_in(from.play.topology, options, &expect, &errors, args);
	}
	run_expect_close(&expect);
	case_expect_done(&from);
	return status;
}

/* Options that would have no effect. */
static bool is_ignored(const struct run_options *options)
{
	const struct expect_options *expect = &options->expect;

	if (options->case_name)
		return false;
	if (options->policy >= 0)
		cli_error("--policy requires --case");
	else if (!expect->expect && (expect->tap || expect->junit))
		cli_error("--%s requires --expect or --case", expect->tap ? "tap" : "junit");
	else
		return false;
	return true;
}

static int run(void *given, char **args, size_t n)
{
	struct run_options *options = given;
	struct vfiosim_topology *topology = NULL;
	struct vfiosim_errors errors, expect_errors;
	struct run_expect expect;
	int status = LAUNCH_FAILED;

	if (is_ignored(options))
		return LAUNCH_FAILED;
	if (options->case_name)
		return run_case(options, args);
	if (run_expect_load(&expect, &options->expect, &expect_errors) && !expect.expect) {
		cli_file_errors(&expect_errors);
		return LAUNCH_FAILED;
	}
	if (!options->machine.topology && expect.expect)
		options->machine.topology = expect.expect->topology;
	if (!options->machine.topology)
		options->machine.topology = DEFAULT_TOPOLOGY;
	errors.n = 0;
	if (machine_load(&options->machine, &topology, &errors)) {
		if (expect_errors.n)
			cli_file_errors(&expect_errors);
		if (errors.n)
			cli_file_errors(&errors);
	} else {
		status = run_in(topology, options, &expect, &expect_errors, args);
	}
	run_expect_close(&expect);
	vfiosim_topology_free(topology);
	return status;
}

static const char *explain_word(size_t index)
{
	static const char *const words[] = { "full", "refused" };

	return index < sizeof(words) / sizeof(words[0]) ? words[index] : NULL;
}

#define AT(member_) offsetof(struct run_options, member_)

static const struct cli_option run_options[] = {
	MACHINE_OPTIONS(struct run_options, machine),
	{ "explain", 0, "HOW", "full: tell every command as a step, with arguments, result and reason\n"
	  "(the default); refused: only those that were refused", CLI_CHOICE, AT(explain),
	  .words = explain_word, .optional = true },
	{ "trace", 0, "FILE", "write every command as a line of JSON; - is where messages go", CLI_TEXT,
	  AT(trace), .files = true },
	{ "output", 'o', "FILE", "messages, --explain and --trace - go to FILE, not to stderr", CLI_TEXT,
	  AT(output), .files = true },
	{ "name", 0, "NAME", "what `vfiosim ctl -r` may call this run", CLI_TEXT, AT(name) },
	{ "state", 0, "FILE", "write the machine's state at its fullest and at the end, as JSON",
	  CLI_TEXT, AT(state), .files = true },
	{ "html", 0, "FILE", "write what was asked, answered and left behind as a page, with pictures",
	  CLI_TEXT, AT(html), .files = true },
	{ "wait-all", 0, NULL, "the run ends with its last process, not with COMMAND", CLI_FLAG,
	  AT(wait_all) },
	{ "pidns", 0, NULL, "COMMAND gets a PID namespace: no process outlives the run, whoever is killed",
	  CLI_FLAG, AT(pidns) },
	{ "case", 0, "NAME/VARIANT", "the machine of a case, and how it ends for --policy", CLI_TEXT,
	  AT(case_name), .words = case_word },
	{ "policy", 0, "POLICY", "with --case: the selection policy that COMMAND has", CLI_CHOICE,
	  AT(policy), .words = case_policy_word },
	{ "expect", 0, "FILE", "what should become of COMMAND; a mismatch turns exit status 0 into 1",
	  CLI_TEXT, AT(expect.expect), .files = true },
	{ "record-expect", 0, "FILE", "write what happened as such a file, to be edited", CLI_TEXT,
	  AT(expect.record), .files = true },
	{ "tap", 0, NULL, "with --expect or --case: the verdict as TAP", CLI_FLAG, AT(expect.tap) },
	{ "junit", 0, "FILE", "with --expect or --case: the verdict as JUnit XML", CLI_TEXT,
	  AT(expect.junit), .files = true },
	{ NULL },
};

static const struct run_options defaults = { .explain = -1, .policy = -1 };

const struct cli_verb run_verb = {
	.name = "run",
	.about = "run a program with a simulated VFIO machine at /dev/vfio and in sysfs",
	.args = "[--] [COMMAND [ARGUMENT...]]",
	.max_args = SIZE_MAX,
	.command = true,
	.more = "COMMAND is $SHELL if none is given. Inside, $VFIOSIM_STATE names a file that holds the\n"
		"machine's state as JSON, $VFIOSIM_CTL one that takes the commands of `vfiosim ctl`.\n"
		"Exit status: COMMAND's, 128 + its signal, 125 if vfiosim fails, 126 if COMMAND cannot be\n"
		"executed, 127 if it is not found. With --expect a mismatch turns 0 into 1; where the file\n"
		"says exit:, the verdict alone decides.\n",
	.options = run_options,
	.size = sizeof(struct run_options),
	.defaults = &defaults,
	.usage_status = LAUNCH_FAILED,
	.run = run,
};
