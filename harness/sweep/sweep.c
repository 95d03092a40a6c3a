/* SPDX-License-Identifier: MIT */
/*
 * vfiosim sweep: every failure of a program in turn.
 *
 * Two clean runs make the plan: which points there are. Then one run for each of them,
 * each on a machine of its own, and a verdict: what the program made of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/errnos.h"
#include "base/nearest.h"
#include "base/value.h"
#include "expect/run_expect.h"
#include "launch/launch.h"
#include "sweep/attempt.h"
#include "sweep/results.h"

#define JOBS_MAX 64
#define ONLY_MAX 16
#define HANG_MS 10000		/* a program that makes no call for so long hangs ... */
#define HANG_TIMES 5		/* ... or for so many times the clean run, if that is longer */
#define CLEAN_FAILED 125

struct texts {
	const char *list[ONLY_MAX];
	size_t n;
};

struct shard {
	uint64_t index, count;	/* index from 1; count 0: all of it */
};

struct sweep_options {
	struct machine_args machine;
	struct plan_options plan;
	struct texts only;
	struct shard shard;
	struct reach_omit may_omit;
	const char *expect;
	const char *point, *from;
	const char *json, *junit, *html, *defects;
	const char *baseline, *record_baseline;
	const char *plan_file, *record_plan;
	uint64_t jobs, timeout_s, max_unstable, shallow, seed;
	bool persistent;
};

/* A sweep under way. */
struct sweep {
	const struct sweep_options *options;
	struct run_expect expect;	/* what the command is expected to do without a fault */
	struct attempt_options attempt_options;
	char folder[64];	/* of what runs leave behind */
	struct plan plan;
	struct sweep_record *clean_record;
	struct judge_run clean;
	struct results results;
	size_t *order;		/* indices of results that are to be tested, n_order of them */
	size_t n_order;
	struct slot {
		struct attempt attempt;
		size_t index;	/* of the result */
	} slots[JOBS_MAX];
	uint64_t clean_ms, started_ms;
	size_t done, printed;
	bool *finished;		/* by index of @order */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
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
	return 0;
}

/* ---- The clean runs ---------------------------------------------------- */

static int run_clean(struct sweep *sweep, struct sweep_record *record, const struct plan *plan,
		     struct attempt *attempt)
{
	int error;

	*attempt = (struct attempt){ .options = &sweep->attempt_options, .record = record };
	snprintf(attempt->folder, sizeof(attempt->folder), "%s/clean", sweep->folder);
	error = attempt_start(attempt, NULL, plan);
	if (error) {
		cli_error("cannot start a run: %s", strerror(-error));
		return error;
	}
	attempt_wait(attempt);
	return 0;
}

static void copy_out(const char *path)
{
	char line[1024];
	FILE *from = fopen(path, "re");

	while (from && fgets(line, sizeof(line), from))
		fputs(line, stderr);
	if (from)
		fclose(from);
}

static bool is_expected(const struct sweep *sweep, int status)
{
	const struct expectations *expect = sweep->expect.expect;

	switch (expect ? expect->exit : EXIT_UNSAID) {
	case EXIT_ANY:
		return true;
	case EXIT_STATUS:
		return status == expect->status;
	case EXIT_SIGNAL:
		return status == 128 + expect->status;
	default:
		return !status;
	}
}

static int clean_is_good(const struct sweep *sweep, const struct attempt *attempt)
{
	char path[600];

	if (is_expected(sweep, attempt->status) && !attempt->hung)
		return 0;
	snprintf(path, sizeof(path), "%s/stderr", attempt->folder);
	copy_out(path);
	if (attempt->hung)
		cli_error("without a fault the command makes no call for %" PRIu64 " s: hung",
			  attempt->options->timeout_ms / 1000);
	else
		cli_error("without a fault the command ends with status %d: --expect FILE says what is "
			  "expected of it, if not 0", attempt->status);
	return -EINVAL;
}

/* Where --from begins. -ENOENT: nowhere, told. */
static int events_from(const struct sweep *sweep, size_t n, size_t *ret_from)
{
	const struct sweep_event *events = sweep->clean_record->events;
	const char *marks[64];
	char nearest[128];
	size_t n_marks = 0;

	*ret_from = 0;
	if (!sweep->options->from)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(events[i].verb, "mark"))
			continue;
		*ret_from = i;
		if (!strcmp(events[i].object, sweep->options->from))
			return 0;
		if (n_marks < 64)
			marks[n_marks++] = events[i].object;
	}
	cli_error("--from %s: the command sets no such mark%s", sweep->options->from,
		  suggestion(sweep->options->from, marks, n_marks, nearest, sizeof(nearest)));
	return -ENOENT;
}

/* The second clean run counts the steps inside of commands. */
static int make_plan(struct sweep *sweep)
{
	struct sweep_record *again = sweep_record_create();
	struct attempt attempt;
	size_t n, from;
	int error = again ? 0 : -ENOMEM;

	if (!error)
		error = run_clean(sweep, sweep->clean_record, NULL, &attempt);
	if (!error)
		error = clean_is_good(sweep, &attempt);
	if (!error) {
		sweep->clean_ms = attempt.ended_ms - attempt.started_ms;
		n = sweep_record_n(sweep->clean_record);
		judge_run_init(&sweep->clean, sweep->clean_record->events, n,
			       &sweep->options->may_omit);
		sweep->clean.status = attempt.status;
		error = events_from(sweep, n, &from);
	}
	if (!error) {
		plan_init(&sweep->plan, &sweep->options->plan, sweep->clean_record->events, n, from);
		error = run_clean(sweep, again, &sweep->plan, &attempt);
	}
	if (!error)
		error = clean_is_good(sweep, &attempt);
	if (!error) {
		plan_add_steps(&sweep->plan, &sweep->options->plan, again->met);
		if (sweep->attempt_options.timeout_ms < HANG_TIMES * sweep->clean_ms)
			sweep->attempt_options.timeout_ms = HANG_TIMES * sweep->clean_ms;
	}
	sweep_record_destroy(again);
	return error;
}

/* ---- Which points ------------------------------------------------------ */

/* Is the point @fault one that --only @only names? */
static bool is_only(const struct vfiosim_fault *only, const struct vfiosim_fault *fault)
{
	unsigned of = only->of;

	if (only->site != fault->site)
		return false;
	if (only->command && (!fault->command || strcmp(only->command->name, fault->command->name)))
		return false;
	if (only->command_class) {
		const char *const *name = only->command_class->commands;

		while (*name && (!fault->command || strcmp(*name, fault->command->name)))
			name++;
		if (!*name)
			return false;
	}
	if (*only->device && strcmp(only->device, fault->device))
		return false;
	if ((fault->of & of) != of)
		return false;
	return (!(of & VFIOSIM_FAULT_OF_GROUP) || only->group == fault->group) &&
	       (!(of & VFIOSIM_FAULT_OF_CONTAINER) || only->container == fault->container) &&
	       (!(of & VFIOSIM_FAULT_OF_IOAS) || only->ioas == fault->ioas) &&
	       (!(of & VFIOSIM_FAULT_OF_IOVA) || (only->iova_first <= fault->iova_last &&
						  only->iova_last >= fault->iova_first)) &&
	       (!only->error || only->error == fault->error);
}

struct onlys {
	struct vfiosim_fault list[ONLY_MAX];
	size_t n;
};

/* An --only says no effect, or an errno: where it says none, any is meant. */
static int parse_onlys(const struct sweep *sweep, struct onlys *onlys)
{
	char text[VFIOSIM_FAULT_TEXT_MAX], problem[VFIOSIM_FAULT_TEXT_MAX];
	const struct texts *texts = &sweep->options->only;

	for (size_t i = 0; i < texts->n; i++) {
		bool has_error = strstr(texts->list[i], ",error=");

		snprintf(text, sizeof(text), "%s%s", texts->list[i],
			 has_error ? "" : ",error=EIO,force");
		if (vfiosim_fault_parse(text, sweep->attempt_options.topology, &onlys->list[i],
					problem, sizeof(problem))) {
			cli_error("--only %s: %s", texts->list[i], problem);
			return -EINVAL;
		}
		if (!has_error)
			onlys->list[i].error = 0;
		onlys->n++;
	}
	return 0;
}

static bool is_chosen(const struct sweep *sweep, const struct onlys *onlys, const char *point)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;

	if (!onlys->n)
		return true;
	if (vfiosim_fault_parse(point, sweep->attempt_options.topology, &fault, problem,
				sizeof(problem)))
		return false;
	for (size_t i = 0; i < onlys->n; i++)
		if (is_only(&onlys->list[i], &fault))
			return true;
	return false;
}

static int add_result(struct results *results, const char *point)
{
	struct result *grown = reallocarray(results->items, results->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	results->items = grown;
	grown[results->n] = (struct result){ .point = strdup(point), .number = results->n + 1 };
	if (!grown[results->n].point)
		return -ENOMEM;
	results->plan = results_plan(results->plan, point);
	results->points = ++results->n;
	return 0;
}

/* Is it a fault that this machine's kernel could have? Steps know that only here. */
static bool is_possible(const struct sweep *sweep, const char *point)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;

	return !vfiosim_fault_parse(point, sweep->attempt_options.topology, &fault, problem,
				    sizeof(problem));
}

static int list_points(struct sweep *sweep)
{
	char point[2 * VFIOSIM_FAULT_TEXT_MAX];
	struct onlys onlys = { 0 };
	int error = parse_onlys(sweep, &onlys);

	for (size_t i = 0; !error && i < sweep->plan.n; i++) {
		plan_fault(&sweep->plan.points[i], sweep->options->persistent, point, sizeof(point));
		if (is_possible(sweep, point) && is_chosen(sweep, &onlys, point))
			error = add_result(&sweep->results, point);
	}
	return error;
}

/* Of a file that --record-plan wrote. */
static int read_points(struct sweep *sweep, const char *path)
{
	FILE *from = fopen(path, "re");
	size_t size = 0, number = 0;
	char *line = NULL;
	ssize_t length;
	int error = 0;

	if (!from) {
		cli_error("cannot read %s: %s", path, strerror(errno));
		return -errno;
	}
	while (!error && (length = getline(&line, &size, from)) > 0) {
		number++;
		line[length - (line[length - 1] == '\n')] = 0;
		error = is_possible(sweep, line) ? add_result(&sweep->results, line) : -EINVAL;
	}
	if (error == -EINVAL)
		cli_error("%s: line %zu is no point: '%s'", path, number, line);
	free(line);
	fclose(from);
	return error;
}

static int write_points(const struct sweep *sweep, const char *path)
{
	uint64_t seconds = sweep->results.n * sweep->clean_ms / 1000 / sweep->options->jobs;
	FILE *to = fopen(path, "we");
	int error;

	if (!to) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return -EIO;
	}
	for (size_t i = 0; i < sweep->results.n; i++)
		fprintf(to, "%s\n", sweep->results.items[i].point);
	error = cli_flush(to, path);
	fclose(to);
	printf("%zu points, about %" PRIu64 " s\n", sweep->results.n, seconds);
	return error;
}

static size_t common_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* Ids are long, and differ at their ends. NULL: none has the same place. */
static const char *nearest_point(const struct results *results, const char *point)
{
	size_t best = strcspn(point, ",");
	const char *nearest = NULL;

	for (size_t i = 0; i < results->n; i++) {
		size_t common = common_prefix(results->items[i].point, point);

		if (common > best) {
			best = common;
			nearest = results->items[i].point;
		}
	}
	return nearest;
}

static int choose_point(struct sweep *sweep, const char *point)
{
	const char *nearest = nearest_point(&sweep->results, point);
	size_t i = 0;

	while (i < sweep->results.n && strcmp(sweep->results.items[i].point, point))
		i++;
	if (i < sweep->results.n) {
		sweep->order[sweep->n_order++] = i;
		return 0;
	}
	cli_error("--point %s: there is no such point%s%s%s", point, nearest ? "; did you mean '" : "",
		  nearest ? nearest : "", nearest ? "'?" : "");
	return -EINVAL;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int compare_sizes(const void *a, const void *b)
{
	size_t first = *(const size_t *)a, second = *(const size_t *)b;

	return (first > second) - (first < second);
}

/* --shallow: some of them, in the order of the plan. */
static void choose_some(struct sweep *sweep)
{
	uint64_t state = sweep->options->seed, n = sweep->options->shallow;

	if (!n || n >= sweep->n_order)
		return;
	for (size_t i = 0; i < n; i++) {
		size_t other = i + next_random(&state) % (sweep->n_order - i);
		size_t kept = sweep->order[i];

		sweep->order[i] = sweep->order[other];
		sweep->order[other] = kept;
	}
	sweep->n_order = n;
	qsort(sweep->order, n, sizeof(*sweep->order), compare_sizes);
}

static int choose(struct sweep *sweep)
{
	const struct shard *shard = &sweep->options->shard;

	sweep->order = calloc(sweep->results.n + 1, sizeof(*sweep->order));
	sweep->finished = calloc(sweep->results.n + 1, sizeof(*sweep->finished));
	if (!sweep->order || !sweep->finished)
		return -ENOMEM;
	if (sweep->options->point)
		return choose_point(sweep, sweep->options->point);
	for (size_t i = 0; i < sweep->results.n; i++)
		if (!shard->count || i % shard->count == shard->index - 1)
			sweep->order[sweep->n_order++] = i;
	choose_some(sweep);
	return 0;
}

/* ---- Defects are kept -------------------------------------------------- */

/* From the folder that we are in, by the program that we are: it runs from anywhere. */
static void put_where(FILE *to)
{
	char *folder = getcwd(NULL, 0), program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (folder) {
		fputs("cd ", to);
		cli_put_word(folder, to);
		fputs(" || exit\n", to);
	}
	free(folder);
	fputs("exec ", to);
	program[n > 0 ? n : 0] = 0;
	cli_put_word(n > 0 ? program : "vfiosim", to);
}

static void write_repro(const struct sweep *sweep, const char *folder, const char *point)
{
	const struct machine_args *machine = &sweep->options->machine;
	char path[600];
	FILE *to;

	snprintf(path, sizeof(path), "%s/repro.sh", folder);
	to = fopen(path, "we");
	if (!to)
		return;
	fputs("#!/bin/sh\n", to);
	put_where(to);
	fputs(" run --explain --topology ", to);
	cli_put_word(machine->topology, to);
	if (machine->kernel.major)
		fprintf(to, " --kernel %u.%u", machine->kernel.major, machine->kernel.minor);
	if (machine->memlock.given && machine->memlock.kind == VFIOSIM_MEMLOCK_BYTES)
		fprintf(to, " --memlock %" PRIu64, machine->memlock.bytes);
	else if (machine->memlock.given)
		fprintf(to, " --memlock %s", machine_memlock_word(machine->memlock.kind));
	for (size_t i = 0; i < machine->faults.n; i++) {
		fputs(" --fault ", to);
		cli_put_word(machine->faults.texts[i], to);
	}
	fputs(" --fault ", to);
	cli_put_word(point, to);
	fputs(" --", to);
	for (char **word = sweep->attempt_options.argv; *word; word++) {
		putc(' ', to);
		cli_put_word(*word, to);
	}
	putc('\n', to);
	fclose(to);
	chmod(path, 0755);
}

static void copy_file(const char *from_folder, const char *to_folder, const char *name)
{
	char path[600], buffer[4096];
	FILE *from, *to;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", from_folder, name);
	from = fopen(path, "re");
	snprintf(path, sizeof(path), "%s/%s", to_folder, name);
	to = from ? fopen(path, "we") : NULL;
	while (to && (n = fread(buffer, 1, sizeof(buffer), from)))
		fwrite(buffer, 1, n, to);
	if (to)
		fclose(to);
	if (from)
		fclose(from);
}

/* Trace, explanation, the command's stderr, and what to type. */
static void keep_defect(const struct sweep *sweep, const struct attempt *attempt, size_t index)
{
	char folder[500];

	snprintf(folder, sizeof(folder), "%.480s/%04zu", sweep->options->defects, index + 1);
	if (mkdir(sweep->options->defects, 0777) && errno != EEXIST) {
		cli_error("cannot make %s: %s", sweep->options->defects, strerror(errno));
		return;
	}
	if (mkdir(folder, 0777) && errno != EEXIST)
		return;
	copy_file(attempt->folder, folder, "trace.jsonl");
	copy_file(attempt->folder, folder, "explain.txt");
	copy_file(attempt->folder, folder, "stderr");
	write_repro(sweep, folder, sweep->results.items[index].point);
}

#define STORY_MAX (256u << 10)

/* What happened, in words; a long story without its end. */
static char *read_story(const char *folder)
{
	char path[600], *story = calloc(1, STORY_MAX);
	FILE *from;

	snprintf(path, sizeof(path), "%s/explain.txt", folder);
	from = fopen(path, "re");
	if (story && from)
		story[fread(story, 1, STORY_MAX - 1, from)] = 0;
	if (from)
		fclose(from);
	return story;
}

/* ---- All points -------------------------------------------------------- */

static void progress(const struct sweep *sweep)
{
	uint64_t spent = attempt_now_ms() - sweep->started_ms;
	uint64_t left = sweep->done ? spent * (sweep->n_order - sweep->done) / sweep->done / 1000 : 0;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%zu/%zu, %" PRIu64 ":%02" PRIu64 " left", sweep->done,
			sweep->n_order, left / 60, left % 60);
}

static void print_finished(struct sweep *sweep)
{
	bool quiet = sweep->options->baseline;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	while (sweep->printed < sweep->n_order && sweep->finished[sweep->printed]) {
		size_t index = sweep->order[sweep->printed++];

		if (!quiet)
			results_print_row(stdout, &sweep->results.items[index], cli_colours(stdout));
	}
	fflush(stdout);
}

static void finish(struct sweep *sweep, struct slot *slot)
{
	size_t index = sweep->order[slot->index];
	struct result *result = &sweep->results.items[index];
	struct judge_run run;

	judge_run_init(&run, slot->attempt.record->events, sweep_record_n(slot->attempt.record),
		       &sweep->options->may_omit);
	run.status = slot->attempt.status;
	run.hung = slot->attempt.hung;
	run.repeats = slot->attempt.repeats;
	result->tested = true;
	result->status = run.status;
	judge(&sweep->clean, &run, &result->verdict);
	judge_run_done(&run);
	if (sweep->options->html)
		result->story = read_story(slot->attempt.folder);
	if (result->verdict.defect && sweep->options->defects)
		keep_defect(sweep, &slot->attempt, index);
	attempt_remove(&slot->attempt);
	sweep->finished[slot->index] = true;
	sweep->done++;
	print_finished(sweep);
	progress(sweep);
}

static int start(struct sweep *sweep, struct slot *slot, size_t index)
{
	int error;

	slot->index = index;
	snprintf(slot->attempt.folder, sizeof(slot->attempt.folder), "%s/%zu", sweep->folder, index);
	error = attempt_start(&slot->attempt, sweep->results.items[sweep->order[index]].point, NULL);
	if (error)
		cli_error("cannot start a run: %s", strerror(-error));
	return error;
}

static int slots_init(struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->options->jobs; i++) {
		sweep->slots[i].attempt.options = &sweep->attempt_options;
		sweep->slots[i].attempt.record = sweep_record_create();
		if (!sweep->slots[i].attempt.record)
			return -ENOMEM;
	}
	return 0;
}

static int test_all(struct sweep *sweep)
{
	const struct timespec look = { .tv_nsec = 1000000 };
	size_t next = 0, running = 0;
	int error = slots_init(sweep);

	sweep->started_ms = attempt_now_ms();
	do {
		for (size_t i = 0; i < sweep->options->jobs; i++) {
			struct slot *slot = &sweep->slots[i];

			if (slot->attempt.pid && attempt_look(&slot->attempt)) {
				running--;
				finish(sweep, slot);
			}
			if (slot->attempt.pid || error || stopped || next == sweep->n_order)
				continue;
			error = start(sweep, slot, next++);
			running += !error;
		}
		nanosleep(&look, NULL);
	} while (running || (!error && !stopped && next < sweep->n_order));
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return stopped ? -EINTR : error;
}

/* ---- A baseline -------------------------------------------------------- */

static const struct result *find_result(const struct results *results, const char *point)
{
	for (size_t i = 0; i < results->n; i++)
		if (results->items[i].tested && !strcmp(results->items[i].point, point))
			return &results->items[i];
	return NULL;
}

/* Prints what differs; returns the number of new defects. */
static size_t compare_results(const struct results *was, const struct results *is)
{
	size_t new = 0;

	for (size_t i = 0; i < is->n; i++) {
		const struct result *now = &is->items[i], *before = find_result(was, now->point);

		if (!now->tested || (before && before->verdict.outcome == now->verdict.outcome &&
				     before->verdict.defect == now->verdict.defect))
			continue;
		if (now->verdict.defect && now->verdict.defect != DEFECT_UNSTABLE)
			new += !before || before->verdict.defect != now->verdict.defect;
		fputs(before ? "differs: " : "new:     ", stdout);
		results_print_row(stdout, now, false);
	}
	for (size_t i = 0; i < was->n; i++)
		if (!find_result(is, was->items[i].point))
			printf("gone:    %s\n", was->items[i].point);
	return new;
}

/* ---- The verb ---------------------------------------------------------- */

/* The exit status. */
static int report(const struct sweep_options *options, const struct results *results,
		  const struct results *baseline, const char *title)
{
	size_t bad = results_defects(results);

	if (options->baseline)
		bad = compare_results(baseline, results);
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

static int run_sweep(struct sweep *sweep, const struct results *baseline)
{
	const struct sweep_options *options = sweep->options;
	int error = make_plan(sweep);

	if (error)
		return error == -ENOENT ? 2 : CLEAN_FAILED;
	if (options->plan_file ? read_points(sweep, options->plan_file) : list_points(sweep))
		return 2;
	if (options->record_plan)
		return write_points(sweep, options->record_plan) ? 2 : 0;
	if (choose(sweep))
		return 2;
	if (!sweep->n_order) {
		cli_error("no point is left to be tested: see --only, --from, --shard");
		return 2;
	}
	if (test_all(sweep))
		return stopped ? 128 + stopped : 2;
	return report(options, &sweep->results, baseline, sweep->attempt_options.argv[0]);
}

static void sweep_done(struct sweep *sweep)
{
	struct attempt rest = { 0 };

	snprintf(rest.folder, sizeof(rest.folder), "%s", sweep->folder);
	attempt_remove(&rest);
	for (size_t i = 0; i < JOBS_MAX; i++)
		sweep_record_destroy(sweep->slots[i].attempt.record);
	judge_run_done(&sweep->clean);
	sweep_record_destroy(sweep->clean_record);
	plan_done(&sweep->plan);
	results_done(&sweep->results);
	free(sweep->order);
	free(sweep->finished);
}

static int sweep_in(struct sweep *sweep, const struct results *baseline)
{
	const struct sigaction action = { .sa_handler = stop };
	const char *tmp = getenv("TMPDIR");
	int status;

	snprintf(sweep->folder, sizeof(sweep->folder), "%.40s/vfiosim-sweep-XXXXXX", tmp ? tmp : "/tmp");
	sweep->clean_record = sweep_record_create();
	if (!mkdtemp(sweep->folder) || !sweep->clean_record) {
		cli_error("cannot make %s: %s", sweep->folder, strerror(errno));
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
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
	sweep->attempt_options.machine = &options->machine;
	sweep->attempt_options.argv = args;
	sweep->attempt_options.timeout_ms = options->timeout_s ? options->timeout_s * 1000 : HANG_MS;
	status = sweep_in(sweep, baseline);
	vfiosim_topology_free(sweep->attempt_options.topology);
	return status;
}

static int run(void *given, char **args, size_t n)
{
	struct sweep_options *options = given;
	struct sweep sweep = { .options = options };
	struct results baseline = { 0 };
	int status = 2;

	if (!load_expect(&sweep, options) && !shard_of_environment(options) &&
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
	{ "expect", 0, "FILE", "what becomes of the command without a fault: exit: of such a file", CLI_TEXT,
	  AT(expect), .files = true },
	{ "may-omit", 0, "FIRST..LAST", "mappings of these iovas may be missing; repeatable", CLI_PARSED,
	  AT(may_omit), .parse = add_may_omit },
	{ "timeout", 0, "SECONDS",
	  "without a call and without an end it hangs (10);\nat least 5 times the clean run", CLI_PARSED,
	  AT(timeout_s), .parse = parse_number },
	{ "max-unstable", 0, "N", "so many points may not be reached again (0)", CLI_PARSED,
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
	.more = "merge puts reports of --json together, those of the shards of one plan. A command\n"
		"of that name is ./merge.\n"
		"Inside, $VFIOSIM_POINT says what fails; $TMPDIR is each run's own.\n"
		"Exit status: 0 no defect, 1 defects, 2 usage, 125 COMMAND fails without a fault.\n",
	.options = options_table,
	.size = sizeof(struct sweep_options),
	.defaults = &defaults,
	.run = run,
};
