/* SPDX-License-Identifier: MIT */
#include "fuzz/world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/check.h"

/* ---- Telling ------------------------------------------------------------ */

void world_broken(const struct world *world, const char *format, ...)
{
	va_list args;

	fflush(NULL);
	fprintf(stderr, "step %u, %s: ", world->step, world->doing[0] ? world->doing : "nothing yet");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void world_doing(struct world *world, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(world->doing, sizeof(world->doing), format, args);
	va_end(args);
	if (!world->tell)
		return;
	fprintf(world->tell, "%u %s\n", world->step, world->doing);
	fflush(world->tell);	/* the next call may be the last */
}

void world_answered(struct world *world, int64_t result)
{
	if (!world->tell)
		return;
	if (result < 0)
		fprintf(world->tell, "    = %s\n", strerrorname_np((int)-result));
	else
		fprintf(world->tell, "    = %#" PRIx64 "\n", (uint64_t)result);
}

/* ---- The picture -------------------------------------------------------- */

/* "counters": {...}, is cut out of @text: it changes with every call. */
static void cut_counters(char *text)
{
	char *from = strstr(text, "  \"counters\": {"), *to = from ? strstr(from, "},") : NULL;

	if (to)
		memmove(from, to + 2, strlen(to + 2) + 1);
}

/* A refused command decides before it acts: nothing has changed. */
static void look_at_refusal(const struct world *world, const char *text)
{
	const struct watch *watch = &world->watch;
	size_t at = 0;

	if (world->shared || watch->step_events != 1 || !watch->command || watch->result >= 0)
		return;
	while (text[at] && text[at] == world->text[at])
		at++;
	if (text[at] == world->text[at] || check_may_change(world))
		return;
	at = at > 200 ? at - 200 : 0;
	world_broken(world, "it was refused, but has changed something.\n---- Now: ...%.400s\n---- Before: ...%.400s",
		     text + at, world->text + at);
}

void world_look(struct world *world)
{
	char *text = NULL;
	struct machine_counters counters;
	int error = world->target->ops->state(world->target, &text);

	if (error)
		world_broken(world, "the state cannot be read: %s", strerrorname_np(-error));
	counters = check_counters(text);
	cut_counters(text);
	if (world->text)
		look_at_refusal(world, text);
	if (!world->text || strcmp(text, world->text) != 0) {
		json_object_put(world->picture);
		world->picture = json_tokener_parse(text);
		if (!world->picture)
			world_broken(world, "the state is not JSON:\n%s", text);
	}
	free(world->text);
	world->text = text;
	check_world(world, &counters);
	world->watch.step_events = 0;
	world->elsewhere = false;
}

/* ---- Files and memory --------------------------------------------------- */

struct opened *file_add(struct world *world, unsigned kind)
{
	struct opened *file;

	if (world->n_files == FILES_MAX)
		return NULL;
	file = &world->files[world->n_files++];
	*file = (struct opened){ .kind = kind };
	return file;
}

struct held *hold(struct world *world, struct program *program, int fd, struct opened *file)
{
	if (!file || program->n_held == HELD_MAX) {
		world->target->ops->close(program->proc, fd);
		return NULL;
	}
	program->held[program->n_held] = (struct held){ fd, file };
	return &program->held[program->n_held++];
}

void drop(struct program *program, struct held *held)
{
	*held = program->held[--program->n_held];
}

struct held *any_held(struct program *program, unsigned kinds, struct choices *choices)
{
	unsigned n = 0;
	uint64_t which;

	for (unsigned i = 0; i < program->n_held; i++)
		n += (program->held[i].file->kind & kinds) != 0;
	if (!n)
		return NULL;
	which = choose(choices, n);
	for (struct held *held = program->held;; held++)
		if (held->file->kind & kinds && !which--)
			return held;
}

void remember_memory(struct program *program, uint64_t uva, uint64_t length, bool region)
{
	unsigned at = program->n_memory < STRETCHES_MAX ? program->n_memory++ :
							  (unsigned)(uva / PAGE) % STRETCHES_MAX;

	program->memory[at] = (struct stretch){ uva, length, region };
}

struct stretch *any_memory(struct program *program, struct choices *choices)
{
	return program->n_memory ? &program->memory[choose(choices, program->n_memory)] : NULL;
}

/* ---- Programs ----------------------------------------------------------- */

struct program *any_program(struct world *world, struct choices *choices)
{
	uint64_t which = choose(choices, PROGRAMS_MAX);

	for (unsigned i = 0; i < PROGRAMS_MAX; i++) {
		struct program *program = &world->programs[(which + i) % PROGRAMS_MAX];

		if (program->proc)
			return program;
	}
	return NULL;
}

struct program *program_slot(struct world *world)
{
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		if (!world->programs[i].proc)
			return &world->programs[i];
	return NULL;
}

void program_start(struct world *world, struct program *parent)
{
	struct program *program = program_slot(world);
	struct proc *proc = NULL;
	int error = world->target->ops->process(world->target, parent ? parent->proc : NULL, &proc);

	/* A real parent may have died of what it asked for. */
	if (error && parent && world->shared)
		return;
	if (error)
		world_broken(world, "no new process: %s", strerrorname_np(-error));
	if (parent)
		*program = *parent;
	else
		*program = (struct program){ 0 };
	program->proc = proc;
	program->number = ++world->n_ever;
}

void program_end(struct world *world, struct program *program)
{
	world->target->ops->exit(program->proc);
	*program = (struct program){ 0 };
}

/* ---- Life --------------------------------------------------------------- */

int world_begin(struct world *world, struct target *target, const struct vfiosim_topology *topology)
{
	world->target = target;
	world->topology = topology;
	program_start(world, NULL);
	world_look(world);
	return 0;
}

void world_end(struct world *world, struct choices *choices)
{
	struct program *program;

	while ((program = any_program(world, choices))) {
		world->step++;
		world_doing(world, "program %u ends", program->number);
		program_end(world, program);
		if (!world->shared)
			world_look(world);
	}
	if (!world->shared)
		check_nothing_left(world);
	target_destroy(world->target);
	json_object_put(world->picture);
	free(world->text);
}
