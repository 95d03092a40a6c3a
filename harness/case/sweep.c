/* SPDX-License-Identifier: MIT */
#include "case/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/vfiosim.h>

#include "base/list.h"
#include "case/compare.h"
#include "case/run.h"
#include "target.h"

const char *const sweep_outcomes[] = { "absorbed", "retried", "next-container", "new-container",
				       "mapping-omitted", "device-refused", "program-failed",
				       "scripted", NULL };
const char *const sweep_defects[] = { "", "changed", "unbalanced", "leak", "broken", NULL };

#define RULES_MAX 2048

/* ---- What happens in one run ---- */

/* The state of the machine before each of the play's calls, and after the one a fault failed. */
struct recorder {
	const struct target_ops *inner;
	char **states;		/* of the clean run; NULL while it is recorded ... */
	size_t n;		/* ... into these */
	size_t n_calls;
	bool keeps;		/* the clean run: states are kept */
	uint32_t fault;		/* its number; 0: there is none that makes a call fail */
	bool failed;		/* it has happened */
	char *after;		/* the state right after it */
	size_t failed_at;	/* index of that call */
	uint32_t failed_cmd;
	bool retried;
	bool no_memory;
};

/*
 * Target ops are wrapped, and their procs know only the target: a sweep is one thread's,
 * and runs one play at a time.
 */
static struct recorder *recording;

static void keep_state(struct recorder *self, struct target *target)
{
	char *text = NULL;

	if (!list_room(&self->states, self->n, sizeof(*self->states), NULL) ||
	    target->ops->state(target, &text)) {
		self->no_memory = true;
		return;
	}
	self->states[self->n++] = text;
}

/* Has the fault just happened? Not necessarily to the program: a device can fail by itself. */
static bool has_fired(const struct recorder *self, const struct proc *proc)
{
	struct vfiosim_fault_count count;

	return self->fault && !self->failed &&
	       !vfiosim_fault_count(target_inproc_machine(proc->target), self->fault, &count) &&
	       count.fired;
}

/* Before a call. */
static const struct target_ops *inner(struct proc *proc)
{
	if (recording->keeps)
		keep_state(recording, proc->target);
	if (has_fired(recording, proc))
		recording->failed = true;	/* between calls: nothing to compare with */
	return recording->inner;
}

static long note_call(struct proc *proc, uint32_t cmd, long result)
{
	struct recorder *self = recording;

	if (self->failed && result >= 0 && cmd && cmd == self->failed_cmd)
		self->retried = true;
	if (has_fired(self, proc)) {
		self->failed = true;
		self->failed_at = self->n_calls;
		self->failed_cmd = cmd;
		if (proc->target->ops->state(proc->target, &self->after))
			self->no_memory = true;
	}
	self->n_calls++;
	return result;
}

static int r_open(struct proc *proc, const char *path)
{
	return (int)note_call(proc, 0, inner(proc)->open(proc, path));
}

static int r_close(struct proc *proc, int fd)
{
	return (int)note_call(proc, 0, inner(proc)->close(proc, fd));
}

static long r_ioctl(struct proc *proc, int fd, uint32_t cmd, uint64_t arg)
{
	return note_call(proc, cmd, inner(proc)->ioctl(proc, fd, cmd, arg));
}

static long r_ioctl_data(struct proc *proc, int fd, uint32_t cmd, void *data, size_t size)
{
	return note_call(proc, cmd, inner(proc)->ioctl_data(proc, fd, cmd, data, size));
}

static ssize_t r_pwrite(struct proc *proc, int fd, const void *from, size_t length, uint64_t offset)
{
	return note_call(proc, 0, inner(proc)->pwrite(proc, fd, from, length, offset));
}

static int r_write_file(struct proc *proc, const char *path, const char *text)
{
	return (int)note_call(proc, 0, inner(proc)->write_file(proc, path, text));
}

static void recorder_done(struct recorder *self)
{
	for (size_t i = 0; i < self->n; i++)
		free(self->states[i]);
	if (self->keeps)
		free(self->states);
	free(self->after);
}

/* ---- One machine ---- */

struct stage {
	struct target *target;
	struct vfiosim *sim;
	struct target_ops ops;
	struct recorder recorder;
};

static int stage_init(struct stage *stage, const struct play *play)
{
	int error = target_inproc_create(play->topology, NULL, &stage->target);

	if (error)
		return error;
	stage->sim = target_inproc_machine(stage->target);
	stage->recorder = (struct recorder){ .inner = stage->target->ops };
	stage->ops = *stage->target->ops;
	stage->ops.open = r_open;
	stage->ops.close = r_close;
	stage->ops.ioctl = r_ioctl;
	stage->ops.ioctl_data = r_ioctl_data;
	stage->ops.pwrite = r_pwrite;
	stage->ops.write_file = r_write_file;
	stage->target->ops = &stage->ops;
	return 0;
}

static void stage_done(struct stage *stage)
{
	stage->target->ops = stage->recorder.inner;
	target_destroy(stage->target);
	recorder_done(&stage->recorder);
}

static int stage_run(struct stage *stage, const struct play *play, bool unjudged,
		     struct outcome *ret_outcome)
{
	struct play copy = *play;
	int error;

	copy.unjudged = unjudged;
	recording = &stage->recorder;
	error = run_play(&copy, stage->target, NULL, ret_outcome);
	recording = NULL;
	return error ? error : stage->recorder.no_memory ? -ENOMEM : 0;
}

/* What is still open. */
struct left {
	uint32_t containers;
	uint64_t mappings, pinned;
	uint32_t clients, domains;
};

static struct left left_in(struct vfiosim *sim)
{
	struct vfiosim_counters counters;

	vfiosim_counters(sim, &counters);
	return (struct left){ counters.containers, counters.mappings, counters.pinned_pages,
			      counters.clients, counters.domains };
}

/* ---- Without a fault ---- */

struct clean {
	struct stage stage;
	struct outcome outcome;
	struct left left;
	char *end;		/* the state when all processes have exited */
	bool repeats;		/* the play passes twice on one machine */
};

static void clean_done(struct clean *clean)
{
	outcome_done(&clean->outcome);
	free(clean->end);
	stage_done(&clean->stage);
}

static int run_twice(struct clean *clean, const struct play *play)
{
	struct outcome again;
	int error;

	clean->stage.recorder.keeps = false;
	error = stage_run(&clean->stage, play, false, &again);
	clean->stage.recorder.keeps = true;
	if (error)
		return error;
	clean->repeats = again.verdict == PASSED;
	outcome_done(&again);
	target_inproc_exit_all(clean->stage.target);
	return 0;
}

static int run_clean(struct clean *clean, const struct play *play)
{
	int error;

	clean->stage.recorder.keeps = true;
	error = stage_run(&clean->stage, play, false, &clean->outcome);
	if (error)
		return error;
	clean->left = left_in(clean->stage.sim);
	target_inproc_exit_all(clean->stage.target);
	error = vfiosim_state_json(clean->stage.sim, &clean->end);
	if (!error && clean->outcome.verdict == PASSED)
		error = run_twice(clean, play);
	if (!error && clean->outcome.verdict != PASSED)
		error = -ENOTSUP;
	return error;
}

static int clean_init(struct clean *clean, const struct play *play)
{
	int error;

	*clean = (struct clean){ 0 };
	error = stage_init(&clean->stage, play);
	if (error)
		return error;
	error = run_clean(clean, play);
	if (error)
		clean_done(clean);
	return error;
}

/* ---- Which points there are ---- */

struct rules {
	struct vfiosim_fault *list;
	uint64_t *met;
	size_t n;
};

static void add_rule(struct rules *rules, struct vfiosim_fault fault)
{
	/* It counts, and never happens. */
	fault.when = (struct vfiosim_fault_when){ .first = UINT64_MAX, .last = UINT64_MAX };
	if (rules->n < RULES_MAX)
		rules->list[rules->n++] = fault;
}

static bool is_first_of_name(size_t index)
{
	const char *name = vfiosim_command(index)->name;

	for (size_t i = 0; i < index; i++)
		if (!strcmp(vfiosim_command(i)->name, name))
			return false;
	return true;
}

/* Rows of one name share what they can answer: each errno once. */
static bool is_listed_before(const struct rules *rules, const struct vfiosim_command *row, int error)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->list[i].command && rules->list[i].error == error &&
		    !strcmp(rules->list[i].command->name, row->name))
			return true;
	return false;
}

static void add_errors(struct rules *rules, const struct vfiosim_command *row,
		       const struct sweep_options *options)
{
	for (const int *error = row->errors; error && *error; error++) {
		if (!options->all_errors && !vfiosim_fault_from_outside(row, *error))
			continue;
		if (!is_listed_before(rules, row, *error))
			add_rule(rules, (struct vfiosim_fault){ .site = VFIOSIM_FAULT_COMMAND,
								.command = row, .error = *error });
	}
}

static void add_answers(struct rules *rules, const struct vfiosim_command *row)
{
	for (const long *value = row->returns; value && *value >= 0; value++)
		add_rule(rules, (struct vfiosim_fault){ .site = VFIOSIM_FAULT_COMMAND, .command = row,
							.returns = true, .value = *value });
	for (const char *const *set = row->sets; set && *set; set++) {
		struct vfiosim_fault fault = { .site = VFIOSIM_FAULT_COMMAND, .command = row };

		snprintf(fault.set_field, sizeof(fault.set_field), "%s", *set);
		add_rule(rules, fault);	/* to nothing: no flag, no bytes, none left */
	}
}

static void add_steps(struct rules *rules)
{
	const struct vfiosim_fault_site_info *info;

	for (size_t site = VFIOSIM_FAULT_COMMAND + 1; (info = vfiosim_fault_site(site)); site++)
		for (const int *error = info->errors; *error; error++)
			add_rule(rules, (struct vfiosim_fault){ .site = (enum vfiosim_fault_site)site,
								.error = *error });
}

static int rules_init(struct rules *rules, const struct sweep_options *options)
{
	*rules = (struct rules){ .list = calloc(RULES_MAX, sizeof(*rules->list)),
				 .met = calloc(RULES_MAX, sizeof(*rules->met)) };
	if (!rules->list || !rules->met)
		return -ENOMEM;
	for (size_t i = 0; vfiosim_command(i); i++) {
		add_errors(rules, vfiosim_command(i), options);
		if (is_first_of_name(i))
			add_answers(rules, vfiosim_command(i));
	}
	add_steps(rules);
	return 0;
}

static void rules_done(struct rules *rules)
{
	free(rules->list);
	free(rules->met);
}

/* How often each of the rules is met in a run. */
static int count_points(struct rules *rules, const struct play *play)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct outcome outcome = { 0 };
	struct stage stage = { 0 };
	uint32_t *ids = calloc(rules->n + 1, sizeof(*ids));
	int error = ids ? stage_init(&stage, play) : -ENOMEM;

	if (error) {
		free(ids);
		return error;
	}
	for (size_t i = 0; i < rules->n && !error; i++)
		error = vfiosim_fault_add(stage.sim, &rules->list[i], &ids[i], problem,
					  sizeof(problem));
	if (!error)
		error = stage_run(&stage, play, true, &outcome);
	for (size_t i = 0; i < rules->n && !error; i++) {
		struct vfiosim_fault_count count;

		error = vfiosim_fault_count(stage.sim, ids[i], &count);
		rules->met[i] = error ? 0 : count.met;
	}
	outcome_done(&outcome);
	stage_done(&stage);
	free(ids);
	return error;
}

/* ---- One point ---- */

/* The next word of "nic0=2 ..."; 0: there is none. @ret_name: letters of the device's name. */
static size_t next_place(const char **at, size_t *ret_name)
{
	*at += strspn(*at, " ");
	*ret_name = strcspn(*at, "=");
	return strcspn(*at, " ");
}

/* Is there a place of the device called @name (@n letters)? */
static bool has_place(const char *placed, const char *name, size_t n)
{
	size_t length, letters;

	for (; (length = next_place(&placed, &letters)); placed += length)
		if (letters == n && !strncmp(placed, name, n))
			return true;
	return false;
}

/* Is a device missing that there was without the fault? */
static bool lost_device(const char *clean, const char *placed)
{
	size_t length, letters;

	for (; (length = next_place(&clean, &letters)); clean += length)
		if (!has_place(placed, clean, letters))
			return true;
	return false;
}

static enum sweep_outcome classify(const struct play *play, const struct outcome_end *clean,
				   const struct outcome_end *end, bool retried)
{
	if (!play->policy)
		return SWEEP_SCRIPTED;
	if (end->aborted && !clean->aborted)
		return SWEEP_ABORTED;
	if (end->refused > clean->refused || lost_device(clean->placed, end->placed))
		return SWEEP_REFUSED;
	if (end->omitted > clean->omitted)
		return SWEEP_OMITTED;
	if (end->spaces > clean->spaces)
		return SWEEP_NEW_SPACE;
	if (strcmp(end->placed, clean->placed))
		return SWEEP_NEXT_SPACE;
	return retried ? SWEEP_RETRIED : SWEEP_ABSORBED;
}

static void defect(struct sweep_point *point, enum sweep_defect kind, const char *detail)
{
	if (point->defect)
		return;
	point->defect = kind;
	snprintf(point->detail, sizeof(point->detail), "%s", detail);
}

static bool has_same_domains(const char *before, const char *after)
{
	static const char key[] = "\"domains\": ";
	const char *one = strstr(before, key), *other = strstr(after, key);

	return one && other && strtoul(one + strlen(key), NULL, 10) == strtoul(other + strlen(key), NULL, 10);
}

/* The same apart from other counters? Texts are compared first, that is quicker. */
static bool is_same(const char *before, const char *after, char *detail, size_t size)
{
	const char *one = strstr(before, "\"containers\""), *other = strstr(after, "\"containers\"");
	const char *end = one ? strstr(one, "\n  \"devices\"") : NULL;
	FILE *message;
	bool same;

	if (one && other && end && !strncmp(one, other, (size_t)(end - one)) &&
	    has_same_domains(before, after))
		return true;
	message = fmemopen(detail, size, "w");
	if (!message)
		return true;
	same = compare_state(before, after, message);
	fclose(message);
	return same;
}

/* Does Linux leave the machine as it was (@before) when @cmd fails at @site? */
static bool is_undone(enum vfiosim_fault_site site, uint32_t cmd, const char *before)
{
	return site != VFIOSIM_FAULT_COPY_OUT ||
	       vfiosim_command_undone(cmd, strstr(before, "\"attached\": true"));
}

static void check_unchanged(const struct clean *clean, const struct recorder *recorder,
			    struct sweep_point *point)
{
	char detail[sizeof(point->detail)] = "";
	const char *before;

	if (recorder->failed_at >= clean->stage.recorder.n || !recorder->after)
		return;
	before = clean->stage.recorder.states[recorder->failed_at];
	if (is_undone(point->fault.site, recorder->failed_cmd, before) &&
	    !is_same(before, recorder->after, detail, sizeof(detail)))
		defect(point, SWEEP_CHANGED, detail);
}

static void check_left(const struct clean *clean, const struct left *left, struct sweep_point *point)
{
	if (left->containers > clean->left.containers || left->mappings > clean->left.mappings ||
	    left->pinned > clean->left.pinned)
		defect(point, SWEEP_LEAK, "the program holds more than without the fault");
}

static void check_end(const struct clean *clean, struct stage *stage, struct sweep_point *point)
{
	const struct left left = left_in(stage->sim);
	char detail[sizeof(point->detail)] = "", *end;

	if (left.containers || left.mappings || left.pinned || left.clients || left.domains)
		defect(point, SWEEP_UNBALANCED, "containers, mappings, pins, clients or domains are left");
	if (vfiosim_state_json(stage->sim, &end))
		return;
	if (clean->repeats && !is_same(clean->end, end, detail, sizeof(detail)))
		defect(point, SWEEP_UNBALANCED, detail);
	free(end);
}

static int check_again(const struct clean *clean, struct stage *stage, const struct play *play,
		       struct sweep_point *point)
{
	struct outcome again = { 0 };
	int error;

	if (!clean->repeats)
		return 0;
	error = stage_run(stage, play, false, &again);
	if (!error && again.verdict != PASSED)
		defect(point, SWEEP_BROKEN, again.message);
	outcome_done(&again);
	target_inproc_exit_all(stage->target);
	return error;
}

static int play_point(const struct clean *clean, struct stage *stage, const struct play *play,
		      struct sweep_point *point)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct outcome outcome = { 0 };
	struct left left;
	uint32_t id;
	int error = vfiosim_fault_add(stage->sim, &point->fault, &id, problem, sizeof(problem));

	stage->recorder.fault = point->fault.error ? id : 0;
	if (!error)
		error = stage_run(stage, play, true, &outcome);
	if (error)
		return error;
	point->outcome = classify(play, &clean->outcome.end, &outcome.end, stage->recorder.retried);
	outcome_done(&outcome);
	check_unchanged(clean, &stage->recorder, point);
	left = left_in(stage->sim);
	if (play->policy)
		check_left(clean, &left, point);
	target_inproc_exit_all(stage->target);
	check_end(clean, stage, point);
	return check_again(clean, stage, play, point);
}

static int sweep_point(const struct clean *clean, const struct play *play, struct sweep_point *point)
{
	struct stage stage = { 0 };
	int error = stage_init(&stage, play);

	if (error)
		return error;
	error = play_point(clean, &stage, play, point);
	stage_done(&stage);
	return error;
}

/* ---- All of them ---- */

static int sweep_points(const struct clean *clean, const struct rules *rules,
			const struct play *play,
			void (*tell)(void *ctx, const struct sweep_point *point), void *ctx)
{
	int error = 0;

	for (size_t i = 0; i < rules->n && !error; i++)
		for (uint64_t n = 1; n <= rules->met[i] && !error; n++) {
			struct sweep_point point = { .fault = rules->list[i] };

			point.fault.when = (struct vfiosim_fault_when){ .first = n, .last = n };
			error = sweep_point(clean, play, &point);
			if (!error)
				tell(ctx, &point);
		}
	return error;
}

int sweep_play(const struct play *play, const struct sweep_options *options,
	       void (*tell)(void *ctx, const struct sweep_point *point), void *ctx)
{
	struct clean clean;
	struct rules rules;
	int error = clean_init(&clean, play);

	if (error)
		return error;
	error = rules_init(&rules, options);
	if (!error)
		error = count_points(&rules, play);
	if (!error)
		error = sweep_points(&clean, &rules, play, tell, ctx);
	rules_done(&rules);
	clean_done(&clean);
	return error;
}
