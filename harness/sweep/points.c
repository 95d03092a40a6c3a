/* SPDX-License-Identifier: MIT */
/* Which points a sweep tests; see sweep.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/sweep.h"

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
	if (!results_add(results, point))
		return -ENOMEM;
	results->plan = results_plan(results->plan, point);
	results->points = results->n;
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

int sweep_list_points(struct sweep *sweep)
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
int sweep_read_points(struct sweep *sweep, const char *path)
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

int sweep_write_points(const struct sweep *sweep, const char *path)
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

int sweep_choose(struct sweep *sweep)
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
