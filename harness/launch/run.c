/* SPDX-License-Identifier: MIT */
/* vfiosim run: options, the topology, and where traces and messages go. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "cli.h"
#include "launch/launch.h"
#include "report/explain.h"

#define DEFAULT_TOPOLOGY "q35"

static const char usage[] =
	"usage: vfiosim run [OPTION...] [--] [COMMAND [ARGUMENT...]]\n"
	"Runs COMMAND ($SHELL by default) with a simulated VFIO machine at /dev/vfio and in sysfs.\n"
	"\n"
	"  -t, --topology NAME|FILE  the machine (" DEFAULT_TOPOLOGY "); `vfiosim topology list` names them\n"
	"      --explain             tell every command as a step: arguments, result, reason\n"
	"      --trace FILE          write every command as a line of JSON; - is where messages go\n"
	"  -o, --output FILE         messages, --explain and --trace - go to FILE, not to stderr\n"
	"      --memlock LIMIT       locked memory: unlimited, client (each process' own limit),\n"
	"                            or bytes (64K, 1M, 2G)\n"
	"      --fake-chardev WHEN   auto, yes, no: fstat() shows the nodes as character devices,\n"
	"                            and costs every program more; auto: where there are cdevs\n"
	"  -h, --help\n"
	"\n"
	"Inside, $VFIOSIM_STATE names a file that holds the machine's state as JSON.\n"
	"Exit status: COMMAND's, 128 + its signal, 125 if vfiosim fails, 126 if COMMAND cannot be\n"
	"executed, 127 if it is not found.\n";

struct memlock {
	bool given;
	enum vfiosim_memlock kind;
	uint64_t bytes;
};

enum fake_chardev { FAKE_AUTO, FAKE_YES, FAKE_NO };

struct run_options {
	const char *topology;
	const char *trace;	/* NULL: none; "-": with the messages */
	const char *output;	/* NULL: stderr */
	bool explain;
	bool help;
	struct memlock memlock;
	enum fake_chardev fake_chardev;
	char **argv;		/* NULL: $SHELL */
};

/* What is written where, while the command runs. */
struct sinks {
	bool explaining;
	struct explain explain;
	FILE *messages;
	FILE *trace;		/* NULL: none; may be @messages */
	struct vfiosim *sim;	/* in the server process */
};

/* ---- Options ----------------------------------------------------------- */

/* A number of bytes with an optional K, M, G or T. */
static bool parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	unsigned shift = 0;
	const char *unit;
	uint64_t number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno)
		return false;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (*end || number > UINT64_MAX >> shift)
		return false;
	*ret_bytes = number << shift;
	return true;
}

static int parse_memlock(const char *text, struct memlock *memlock)
{
	memlock->given = true;
	if (!strcmp(text, "unlimited"))
		memlock->kind = VFIOSIM_MEMLOCK_UNLIMITED;
	else if (!strcmp(text, "client"))
		memlock->kind = VFIOSIM_MEMLOCK_CLIENT;
	else if (parse_bytes(text, &memlock->bytes))
		memlock->kind = VFIOSIM_MEMLOCK_BYTES;
	else {
		cli_error("--memlock: '%s' is neither 'unlimited' nor 'client' nor a number of bytes",
			  text);
		return -EINVAL;
	}
	return 0;
}

static int parse_fake_chardev(const char *text, enum fake_chardev *ret_when)
{
	static const char *const words[] = { "auto", "yes", "no" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]))
			continue;
		*ret_when = (enum fake_chardev)i;
		return 0;
	}
	cli_error("--fake-chardev: '%s' is neither 'auto' nor 'yes' nor 'no'", text);
	return -EINVAL;
}

/* Does any device have a node of its own, or may one come to have it? */
static bool has_cdevs(const struct vfiosim_topology *topology)
{
	for (size_t i = 0; i < topology->n_devices; i++)
		if (topology->devices[i].kind == VFIOSIM_DEVICE_MDEV ||
		    !strcmp(topology->devices[i].driver, "vfio-pci"))
			return true;
	return false;
}

static bool fakes_chardevs(enum fake_chardev when, const struct vfiosim_topology *topology)
{
	return when == FAKE_YES || (when == FAKE_AUTO && has_cdevs(topology));
}

enum { OPT_EXPLAIN = 256, OPT_TRACE, OPT_MEMLOCK, OPT_FAKE_CHARDEV };

static const struct option long_options[] = {
	{ "topology", required_argument, NULL, 't' },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "output", required_argument, NULL, 'o' },
	{ "memlock", required_argument, NULL, OPT_MEMLOCK },
	{ "fake-chardev", required_argument, NULL, OPT_FAKE_CHARDEV },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int parse_options(int argc, char **argv, struct run_options *options)
{
	int option;

	*options = (struct run_options){ .topology = DEFAULT_TOPOLOGY };
	argv[0] = (char[]){ "vfiosim run" };	/* getopt's name for us */
	optind = 1;
	while ((option = getopt_long(argc, argv, "+t:o:h", long_options, NULL)) >= 0) {
		switch (option) {
		case 't':
			options->topology = optarg;
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'h':
			options->help = true;
			break;
		case OPT_EXPLAIN:
			options->explain = true;
			break;
		case OPT_TRACE:
			options->trace = optarg;
			break;
		case OPT_MEMLOCK:
			if (parse_memlock(optarg, &options->memlock))
				return -EINVAL;
			break;
		case OPT_FAKE_CHARDEV:
			if (parse_fake_chardev(optarg, &options->fake_chardev))
				return -EINVAL;
			break;
		default:
			fputs("Try 'vfiosim run --help'.\n", stderr);
			return -EINVAL;
		}
	}
	if (optind < argc)
		options->argv = argv + optind;
	return 0;
}

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
	*sinks = (struct sinks){ .explaining = options->explain, .messages = stderr };
	if (options->output && !(sinks->messages = open_output(options->output)))
		return -EIO;
	if (!options->trace)
		return 0;
	if (!strcmp(options->trace, "-"))
		sinks->trace = sinks->messages;
	else
		sinks->trace = open_output(options->trace);
	return sinks->trace ? 0 : -EIO;
}

static void sinks_close(struct sinks *sinks)
{
	if (sinks->trace && sinks->trace != sinks->messages)
		fclose(sinks->trace);
	if (sinks->messages && sinks->messages != stderr)
		fclose(sinks->messages);
}

/* In the server process, see launch.h. */
static void sinks_watch(void *ctx, struct vfiosim *sim)
{
	struct sinks *sinks = ctx;

	if (!sim) {
		if (sinks->trace)
			vfiosim_trace_remove(sinks->sim, vfiosim_trace_json, sinks->trace);
		if (sinks->explaining)
			vfiosim_trace_remove(sinks->sim, explain_event, &sinks->explain);
		return;
	}
	sinks->sim = sim;
	if (sinks->trace)
		vfiosim_trace_add(sim, vfiosim_trace_json, sinks->trace);
	if (sinks->explaining) {
		explain_init(&sinks->explain, sinks->messages, cli_colours(sinks->messages));
		vfiosim_trace_add(sim, explain_event, &sinks->explain);
	}
}

/* ---- The verb ---------------------------------------------------------- */

/* What `--topology` would take inside the run as well; malloc'ed. */
static char *topology_name(const char *name_or_file)
{
	char *path = strchr(name_or_file, '/') || strstr(name_or_file, ".yaml") ?
			     realpath(name_or_file, NULL) :
			     NULL;

	return path ? path : strdup(name_or_file);
}

static int run(const struct run_options *options, struct vfiosim_topology *topology)
{
	char fallback[] = "/bin/sh";
	char *shell[] = { getenv("SHELL"), NULL };
	struct sinks sinks;
	char *name = topology_name(options->topology);
	struct launch_options launch_options = {
		.topology = topology,
		.topology_name = name ? name : options->topology,
		.fake_chardevs = fakes_chardevs(options->fake_chardev, topology),
		.watch = sinks_watch,
		.ctx = &sinks,
	};
	int status = LAUNCH_FAILED;

	if (!shell[0] || !*shell[0])
		shell[0] = fallback;
	if (options->memlock.given)
		vfiosim_topology_set_memlock(topology, options->memlock.kind,
					     options->memlock.bytes);
	if (!sinks_open(&sinks, options)) {
		launch_options.messages = sinks.messages;
		status = launch(&launch_options, options->argv ? options->argv : shell);
	}
	sinks_close(&sinks);
	free(name);
	return status;
}

int verb_run(int argc, char **argv)
{
	struct vfiosim_topology *topology;
	struct vfiosim_errors errors;
	struct run_options options;
	int status;

	if (parse_options(argc, argv, &options))
		return LAUNCH_FAILED;
	if (options.help)
		return fputs(usage, stdout) < 0 ? LAUNCH_FAILED : 0;
	if (vfiosim_topology_load(options.topology, &topology, &errors)) {
		cli_file_errors(&errors);
		return LAUNCH_FAILED;
	}
	status = run(&options, topology);
	vfiosim_topology_free(topology);
	return status;
}
