/* SPDX-License-Identifier: MIT */
/* Which points a sweep tests; see sweep.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/sweep.h"

/* Does @only name an effect? If so, does @fault have it? */
static bool has_effect(const struct vfiosim_fault *only, const struct vfiosim_fault *fault)
{
	if (only->error)
		return only->error == fault->error;
	if (only->returns)
		return fault->returns && only->value == fault->value;
	return !*only->set_field || !strcmp(only->set_field, fault->set_field);
}

/* Of a step the place inside of its command: it may be one of several. */
static bool has_iova(const struct vfiosim_fault *only, const struct vfiosim_fault *fault)
{
	return !(only->of & fault->of & VFIOSIM_FAULT_OF_IOVA) ||
	       (only->iova_first <= fault->iova_last && only->iova_last >= fault->iova_first);
}

static bool is_effect(const char *word)
{
	static const char *const effects[] = { "error=", "return=", "set.", "delay=", "signal=" };

	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++)
		if (!strncmp(word, effects[i], strlen(effects[i])))
			return true;
	return false;
}

static bool names_effect(const char *text)
{
	for (text = strchr(text, ','); text; text = strchr(text, ',')) {
		text++;
		text += strspn(text, " ");
		if (is_effect(text))
			return true;
	}
	return false;
}

/* An --only that names no effect means any. */
static int parse_only(const struct sweep *sweep, const char *only, struct vfiosim_fault *ret_fault)
{
	char text[VFIOSIM_FAULT_TEXT_MAX], problem[VFIOSIM_FAULT_TEXT_MAX];
	bool any = !names_effect(only);

	snprintf(text, sizeof(text), "%s%s", only, any ? ",error=EIO,force" : "");
	if (vfiosim_fault_parse(text, sweep->attempt_options.topology, ret_fault, problem,
				sizeof(problem))) {
		cli_error("--only %s: %s", only, problem);
		return -EINVAL;
	}
	if (any)
		ret_fault->error = 0;
	if (!ret_fault->delay_ms && !ret_fault->signal)
		return 0;
	cli_error("--only %s: points fail or give another answer; they have no delay= and no signal=",
		  only);
	return -EINVAL;
}

int sweep_parse_onlys(struct sweep *sweep)
{
	struct onlys *onlys = &sweep->attempt_options.onlys;
	const struct texts *texts = &sweep->options->only;
	int error = 0;

	for (size_t i = 0; i < texts->n && !error; i++)
		error = parse_only(sweep, texts->list[i], &onlys->list[onlys->n++]);
	return error;
}

/* @text: of @point. */
static bool is_chosen(const struct sweep *sweep, const struct plan_point *point, const char *text)
{
	const struct onlys *onlys = &sweep->attempt_options.onlys;
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;

	if (!onlys->n)
		return true;
	if (vfiosim_fault_parse(text, sweep->attempt_options.topology, &fault, problem,
				sizeof(problem)))
		return false;
	for (size_t i = 0; i < onlys->n; i++)
		if (point->event->only & 1u << i && onlys->list[i].site == fault.site &&
		    has_effect(&onlys->list[i], &fault) && has_iova(&onlys->list[i], &fault))
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
	char text[2 * VFIOSIM_FAULT_TEXT_MAX];
	int error = 0;

	for (size_t i = 0; !error && i < sweep->plan.n; i++) {
		const struct plan_point *point = &sweep->plan.points[i];

		plan_fault(point, sweep->options->persistent, text, sizeof(text));
		if (is_possible(sweep, text) && is_chosen(sweep, point, text))
			error = add_result(&sweep->results, text);
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
		cli_error("%s: line %zu is not a point: '%s'", path, number, line);
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
	printf("%zu point%s, about %" PRIu64 " s\n", sweep->results.n, sweep->results.n == 1 ? "" : "s",
	       seconds);
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
