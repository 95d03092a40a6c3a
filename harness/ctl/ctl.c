/* SPDX-License-Identifier: MIT */
/* vfiosim ctl: looking into a run, and reaching in. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json.h>

#include "base/nearest.h"
#include "cli.h"
#include "ctl/enter.h"
#include "ctl/runs.h"

#define LOOK_MS 100	/* between two looks at the log */

struct ctl_options {
	const char *run;	/* NULL: the only one */
	bool json;
	/* Of verbs that are one line to the run, by their defaults: */
	const char *line;	/* how it begins; the arguments follow */
	void (*show)(struct json_object *answer);
};

struct unplug_options {
	const char *run;
	bool no_wait;
};

/* ---- Showing ----------------------------------------------------------- */

static const char *text_of(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key));
}

static int64_t number_of(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

static struct json_object *list_of(struct json_object *object, const char *key)
{
	struct json_object *list = json_object_object_get(object, key);

	return json_object_is_type(list, json_type_array) ? list : NULL;
}

static size_t length_of(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

static uint64_t hex_of(struct json_object *object, const char *key)
{
	const char *text = text_of(object, key);

	return text ? strtoull(text, NULL, 16) : 0;
}

/* The one of @list whose @key is that number; NULL: none. */
static struct json_object *find_number(struct json_object *list, const char *key, int64_t number)
{
	for (size_t i = 0; i < length_of(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (number_of(item, key) == number)
			return item;
	}
	return NULL;
}

/* "process 1 (PID 4711)": faults, traces and --explain count processes. */
static void show_client(struct json_object *state, int64_t number)
{
	int64_t pid = number_of(find_number(list_of(state, "clients"), "number", number), "process");

	printf("process %" PRId64, number);
	if (pid)
		printf(" (PID %" PRId64 ")", pid);
}

static void show_mapping(struct json_object *state, struct json_object *mapping)
{
	bool file = json_object_object_get(mapping, "file_offset");

	printf("    %s..%s -> %s %s", text_of(mapping, "first"), text_of(mapping, "last"),
	       file ? "file offset" : "vaddr", text_of(mapping, file ? "file_offset" : "vaddr"));
	if (number_of(mapping, "client")) {
		fputs(" of ", stdout);
		show_client(state, number_of(mapping, "client"));
	}
	puts(json_object_get_boolean(json_object_object_get(mapping, "pinned")) ? ", pinned" : "");
}

/* "4 mappings, 128 MiB, 32768 pages pinned" */
static void show_mappings(struct json_object *state, struct json_object *space)
{
	struct json_object *mappings = list_of(space, "mappings");
	uint64_t bytes = 0, pinned = 0, stale = 0;

	for (size_t i = 0; i < length_of(mappings); i++) {
		struct json_object *mapping = json_object_array_get_idx(mappings, i);

		bytes += hex_of(mapping, "last") - hex_of(mapping, "first") + 1;
		pinned += (uint64_t)number_of(mapping, "charged_pages");
		stale += json_object_get_boolean(json_object_object_get(mapping, "stale"));
	}
	printf("%zu mapping%s, %" PRIu64 " KiB, %" PRIu64 " page%s pinned", length_of(mappings),
	       length_of(mappings) == 1 ? "" : "s", bytes / 1024, pinned, pinned == 1 ? "" : "s");
	if (stale)
		printf(", %" PRIu64 " stale", stale);
	putchar('\n');
	for (size_t i = 0; i < length_of(mappings) && i < 16; i++)
		show_mapping(state, json_object_array_get_idx(mappings, i));
	if (length_of(mappings) > 16)
		printf("    ... %zu more (--json shows all)\n", length_of(mappings) - 16);
}

/* "nic0 (0000:01:00.0)" */
static void show_device_name(struct json_object *state, const char *address)
{
	struct json_object *devices = list_of(state, "devices");
	const char *name = NULL;

	for (size_t i = 0; i < length_of(devices) && !name; i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		if (!strcmp(text_of(device, "address"), address))
			name = text_of(device, "name");
	}
	if (name)
		printf("%s (%s)", name, address);
	else
		fputs(address, stdout);
}

static void show_groups_of(struct json_object *state, struct json_object *container)
{
	struct json_object *groups = list_of(state, "groups"), *own = list_of(container, "groups");
	const char *sep = "";

	for (size_t i = 0; i < length_of(own); i++) {
		int64_t number = json_object_get_int64(json_object_array_get_idx(own, i));
		struct json_object *devices = list_of(find_number(groups, "number", number), "devices");

		for (size_t k = 0; k < length_of(devices); k++, sep = ", ") {
			fputs(sep, stdout);
			show_device_name(state, json_object_get_string(
							json_object_array_get_idx(devices, k)));
		}
	}
}

static void show_containers(struct json_object *state)
{
	struct json_object *containers = list_of(state, "containers");

	for (size_t i = 0; i < length_of(containers); i++) {
		struct json_object *container = json_object_array_get_idx(containers, i);
		const char *driver = text_of(container, "driver");

		printf("container %" PRId64 " (%s): ", number_of(container, "number"),
		       driver ? driver : "no IOMMU driver yet");
		show_groups_of(state, container);
		fputs("\n  ", stdout);
		show_mappings(state, container);
	}
}

static void show_object(struct json_object *state, struct json_object *object)
{
	const char *type = text_of(object, "type") ? text_of(object, "type") : "object";
	const char *device = text_of(object, "device");

	printf("  %s %" PRId64, type, number_of(object, "id"));
	if (device) {
		fputs(": ", stdout);
		show_device_name(state, device);
	}
	if (json_object_object_get(object, "hwpt"))
		printf(", hwpt %" PRId64, number_of(object, "hwpt"));
	if (json_object_object_get(object, "ioas"))
		printf(", ioas %" PRId64, number_of(object, "ioas"));
	if (list_of(object, "mappings")) {
		fputs(": ", stdout);
		show_mappings(state, object);
	} else {
		putchar('\n');
	}
}

static void show_iommufds(struct json_object *state)
{
	struct json_object *iommufds = list_of(state, "iommufds");

	for (size_t i = 0; i < length_of(iommufds); i++) {
		struct json_object *iommufd = json_object_array_get_idx(iommufds, i);
		struct json_object *objects = list_of(iommufd, "objects");

		printf("iommufd %" PRId64 ":\n", number_of(iommufd, "number"));
		for (size_t k = 0; k < length_of(objects); k++)
			show_object(state, json_object_array_get_idx(objects, k));
	}
}

static void show_devices(struct json_object *state)
{
	struct json_object *devices = list_of(state, "devices");

	for (size_t i = 0; i < length_of(devices); i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);
		const char *driver = text_of(device, "driver");
		int64_t open = number_of(device, "open");

		if (open)
			printf("device %s (%s, %s): open\n", text_of(device, "name"),
			       text_of(device, "address"), driver ? driver : "no driver");
	}
}

/* What --fault and `ctl fault` have armed. */
static void show_faults(struct json_object *state)
{
	struct json_object *faults = list_of(state, "injected");

	for (size_t i = 0; i < length_of(faults); i++) {
		struct json_object *fault = json_object_array_get_idx(faults, i);

		printf("fault %" PRId64 ": %s: fired %" PRId64 " time%s\n", number_of(fault, "number"),
		       text_of(fault, "fault"), number_of(fault, "fired"),
		       number_of(fault, "fired") == 1 ? "" : "s");
	}
}

static void show_state(struct json_object *state)
{
	struct json_object *counters = json_object_object_get(state, "counters");

	printf("%s: %" PRId64 " ioctls so far, %" PRId64 " of them refused; %" PRId64 " DMA faults\n",
	       text_of(state, "topology"), number_of(counters, "commands"),
	       number_of(counters, "refusals"), number_of(counters, "dma_faults"));
	show_containers(state);
	show_iommufds(state);
	show_devices(state);
	show_faults(state);
}

static void show_why(struct json_object *why)
{
	const char *error = text_of(why, "error"), *args = text_of(why, "args");
	const char *reason = text_of(why, "reason");

	if (!error) {
		puts("nothing was refused");
		return;
	}
	printf("PID %" PRId64 ": %s on %s: %s\n", number_of(why, "process"), text_of(why, "verb"),
	       text_of(why, "object"), error);
	if (args)
		printf("  asked: %s\n", args);
	if (reason)
		printf("  because %s\n  [%s; Linux: %s]\n", reason, text_of(why, "rule"),
		       text_of(why, "mirrors"));
}

static void show_done(struct json_object *answer)
{
	json_object_object_foreach(answer, key, value)
		printf("%s %s\n", key, json_object_get_string(value));
}

/* ---- Asking ------------------------------------------------------------ */

/* The answer's "error", or what the errno says. */
static int tell_error(struct json_object *answer, int error)
{
	const char *message = text_of(answer, "error");

	cli_error("%s", message ? message : strerror(-error));
	json_object_put(answer);
	return 2;
}

/* The control file of the run called @name; NULL: of the only one. -errno, told. */
static int open_run(const char *name)
{
	struct run_entry run;
	int fd = runs_choose(name, &run);

	if (fd)
		return fd;
	fd = run_control_open(&run);
	if (fd < 0)
		cli_error("cannot reach the run: %s", strerror(-fd));
	return fd;
}

static int ask(const struct ctl_options *options, const char *line)
{
	struct json_object *answer;
	int fd = open_run(options->run), error;

	if (fd < 0)
		return 2;
	answer = run_control_ask(fd, line, &error);
	close(fd);
	if (error || !answer)
		return tell_error(answer, error ? error : -EPIPE);
	if (options->json)
		puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PRETTY));
	else
		options->show(answer);
	json_object_put(answer);
	return cli_finish(0);
}

/* The arguments as one line: "mark booted". malloc'ed. */
static char *join(const char *verb, char **args, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs(verb, to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, " %s", args[i]);
	return fclose(to) ? NULL : text;
}

static int do_ask(void *given, char **args, size_t n)
{
	const struct ctl_options *options = given;
	char *line = join(options->line, args, n);
	int status = 2;

	if (line)
		status = ask(options, line);
	else
		cli_error("%s", strerror(ENOMEM));
	free(line);
	return status;
}

/* ---- The verbs --------------------------------------------------------- */

static int do_list(void *given, char **args, size_t n)
{
	struct run_entry *runs = calloc(RUNS_MAX, sizeof(*runs));
	size_t found;

	if (!runs) {
		cli_error("%s", strerror(ENOMEM));
		return 2;
	}
	found = runs_find(runs, RUNS_MAX);
	for (size_t i = 0; i < found; i++)
		printf("%d  %s  %s  %s\n", runs[i].launcher, runs[i].name[0] ? runs[i].name : "-",
		       runs[i].topology, runs[i].command);
	free(runs);
	return cli_finish(0);
}

/*
 * As in Linux, nothing takes an unplug back: who stops waiting does not stop it. A run that
 * ends, because its program closes the device and exits, say, has closed everything.
 */
static void wait_unplugged(int fd, const char *device)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	struct json_object *answer;
	bool waiting = true;
	char line[80];
	int error = 0;

	snprintf(line, sizeof(line), "leaving %s", device);
	while (waiting && (answer = run_control_ask(fd, line, &error)) && !error) {
		waiting = json_object_get_boolean(json_object_object_get(answer, "waiting"));
		json_object_put(answer);
		if (waiting)
			nanosleep(&look, NULL);
	}
	if (waiting && answer)
		json_object_put(answer);
}

static int unplug(int fd, const struct unplug_options *options, const char *device)
{
	struct json_object *answer;
	char line[80];
	bool waiting;
	int error;

	if (snprintf(line, sizeof(line), "unplug %s", device) >= (int)sizeof(line)) {
		cli_error("there is no device '%s'", device);
		return 2;
	}
	answer = run_control_ask(fd, line, &error);
	if (error)
		return tell_error(answer, error);
	if (!answer) {	/* the run took it, and ended before it was asked how that went */
		printf("%s is unplugged: its run has ended\n", device);
		return cli_finish(0);
	}
	waiting = json_object_get_boolean(json_object_object_get(answer, "waiting"));
	json_object_put(answer);
	if (waiting) {
		printf("%s is open: its user is asked to close it\n", device);
		fflush(stdout);
		if (options->no_wait)
			return cli_finish(0);
		wait_unplugged(fd, device);
	}
	printf("%s is unplugged\n", device);
	return cli_finish(0);
}

static int do_unplug(void *given, char **args, size_t n)
{
	const struct unplug_options *options = given;
	int fd = open_run(options->run), status;

	if (fd < 0)
		return 2;
	status = unplug(fd, options, args[0]);
	close(fd);
	return status;
}

/* Until the run ends, or nobody reads. */
static int follow_log(int fd)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	char line[40] = "log";
	struct json_object *answer;
	int error;

	while ((answer = run_control_ask(fd, line, &error)) && !error) {
		fputs(text_of(answer, "text") ? text_of(answer, "text") : "", stdout);
		if (fflush(stdout)) {
			json_object_put(answer);
			return cli_finish(0);
		}
		snprintf(line, sizeof(line), "log %" PRId64, number_of(answer, "next"));
		json_object_put(answer);
		nanosleep(&look, NULL);
	}
	if (answer)
		return tell_error(answer, error);
	return 0;
}

static int do_log(void *given, char **args, size_t n)
{
	const struct ctl_options *options = given;
	int fd = open_run(options->run), status;

	if (fd < 0)
		return 2;
	status = follow_log(fd);
	close(fd);
	return status;
}

static int do_exec(void *given, char **args, size_t n)
{
	const struct ctl_options *options = given;
	struct run_entry run;

	if (runs_choose(options->run, &run))
		return 125;
	return enter_and_execute(&run, args);
}

#define AT(member_) offsetof(struct ctl_options, member_)
#define RUN_ABOUT "its name, or its launcher's number; may be left out if it is the only one"
#define RUN_OPTION { "run", 'r', "RUN", RUN_ABOUT, CLI_TEXT, AT(run) }
#define JSON_OPTION { "json", 0, NULL, "the whole answer as JSON", CLI_FLAG, AT(json) }

static const struct cli_option run_options[] = { RUN_OPTION, { NULL } };
static const struct cli_option all_options[] = { RUN_OPTION, JSON_OPTION, { NULL } };

/* A verb that is one line to the run. */
#define ASKS(line_, show_)                                                                         \
	.options = all_options, .size = sizeof(struct ctl_options),                                \
	.defaults = &(const struct ctl_options){ .line = (line_), .show = (show_) }, .run = do_ask

static const struct cli_verb list_verb = {
	.name = "list",
	.about = "the runs that you can look into: number, name, machine, command",
	.run = do_list,
};

static const struct cli_verb state_verb = {
	.name = "state",
	.about = "what the machine's spaces, mappings and devices are now",
	ASKS("state", show_state),
};

static const struct cli_verb why_verb = {
	.name = "why",
	.about = "why the last refused command was refused: of a process, or of all",
	.args = "[PID]",
	.max_args = 1,
	ASKS("why", show_why),
};

static const struct cli_verb log_verb = {
	.name = "log",
	.about = "tell what is asked of the machine from now on, as run --explain does",
	.options = run_options,
	.size = sizeof(struct ctl_options),
	.run = do_log,
};

static const struct cli_verb mark_verb = {
	.name = "mark",
	.about = "mark a moment, for traces and for run --expect",
	.args = "NAME",
	.min_args = 1,
	.max_args = 1,
	ASKS("mark", show_done),
};

static const struct cli_verb fault_verb = {
	.name = "fault",
	.about = "make commands fail from now on, as run --fault does; or remove such a fault",
	.args = "FAULT|remove NUMBER",
	.min_args = 1,
	.max_args = 2,
	ASKS("fault", show_done),
};

static const struct cli_verb plug_verb = {
	.name = "plug",
	.about = "put back a device that was unplugged; the driver that the topology names takes it",
	.args = "DEVICE",
	.min_args = 1,
	.max_args = 1,
	ASKS("plug", show_done),
};

static const struct cli_option unplug_options[] = {
	{ "run", 'r', "RUN", RUN_ABOUT, CLI_TEXT, offsetof(struct unplug_options, run) },
	{ "no-wait", 0, NULL, "do not wait until it is closed", CLI_FLAG,
	  offsetof(struct unplug_options, no_wait) },
	{ NULL },
};

static const struct cli_verb unplug_verb = {
	.name = "unplug",
	.about = "pull a device out: ask its user to close it (the REQ interrupt), and wait for that",
	.args = "DEVICE",
	.min_args = 1,
	.max_args = 1,
	.options = unplug_options,
	.size = sizeof(struct unplug_options),
	.run = do_unplug,
	.more = "As Linux does. An unplug that has begun ends when the device is closed, whoever waits.\n",
};

static const struct cli_verb pin_verb = {
	.name = "pin",
	.about = "let an mdev's driver pin pages, one if no length is given; prints how many",
	.args = "DEVICE IOVA [LENGTH] [readonly]",
	.min_args = 2,
	.max_args = 4,
	ASKS("pin", show_done),
};

static const struct cli_verb unpin_verb = {
	.name = "unpin",
	.about = "let that driver unpin pages",
	.args = "DEVICE IOVA [LENGTH]",
	.min_args = 2,
	.max_args = 3,
	ASKS("unpin", show_done),
};

static const struct cli_verb exec_verb = {
	.name = "exec",
	.about = "start another program in a run",
	.args = "[--] COMMAND [ARGUMENT...]",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.command = true,
	.options = run_options,
	.size = sizeof(struct ctl_options),
	.usage_status = 125,
	.run = do_exec,
	.more = "It sees the same machine as the run's COMMAND, and ends with the run.\n",
};

static const struct cli_verb *const verbs[] = {
	&list_verb, &state_verb, &why_verb, &log_verb, &mark_verb, &fault_verb,
	&plug_verb, &unplug_verb, &pin_verb, &unpin_verb, &exec_verb, NULL,
};

const struct cli_verb ctl_verb = {
	.name = "ctl",
	.about = "look into a run, from inside or from another terminal, and reach in",
	.options = run_options,
	.verbs = verbs,
	.more = "Where there are several runs, -r chooses one by name or number: vfiosim ctl -r RUN state.\n",
};
