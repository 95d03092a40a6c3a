/* SPDX-License-Identifier: MIT */
/* Verbs of processes: fork, exec, exit, their limits and their memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>
#include <vfiosim/vfiosim.h>

#include "case/verb.h"

static const char *const kinds[] = MEMORY_KINDS;
static const char *const nothing[] = { NULL };

/* ---- Processes --------------------------------------------------------- */

static int fork_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct named *named = run_name(run, NAMED_PROC, step_text(step, "as", ""));

	if (!named)
		return run_broken(run, "too many names in one case");
	return run_answer(run,
			  run->target->ops->process(run->target, run->proc, &named->proc),
			  ret_result);
}

static int process_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct named *named = run_name(run, NAMED_PROC, step_text(step, "as", ""));

	if (!named)
		return run_broken(run, "too many names in one case");
	return run_answer(run, run->target->ops->process(run->target, NULL, &named->proc),
			  ret_result);
}

static int exec_run(struct run *run, const struct step *step, struct result *ret_result)
{
	return run_answer(run, run->target->ops->exec(run->proc), ret_result);
}

static int exit_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct named *named = run_named(run, NAMED_PROC, step_text(step, "process", ""));

	if (!named || !named->proc)
		return run_broken(run, "no process is called '%s'", step_text(step, "process", ""));
	run->target->ops->exit(named->proc);
	named->proc = NULL;
	return 0;
}

static int limit_run(struct run *run, const struct step *step, struct result *ret_result)
{
	uint64_t bytes = step_number(step, "memlock", LIMIT_UNLIMITED);
	int error = run->target->ops->limit(run->proc, bytes, step_number(step, "rawio", 1),
					    step_number(step, "resource", 1));

	if (error == -ENOSYS)
		return run_skip(run, "this user may not lock that much memory");
	return run_answer(run, error, ret_result);
}

/* ---- Memory ------------------------------------------------------------ */

static int memory_run(struct run *run, const struct step *step, struct result *ret_result)
{
	uint64_t size = step_number(step, "size", 0), uva = 0;
	struct named *named;
	int error = run_memory(run, step_text(step, "from", "ram"), 0, size, &uva);

	if (error)
		return error;
	named = run_name(run, NAMED_MEMORY, step_text(step, "name", ""));
	if (!named)
		return run_broken(run, "too many names in one case");
	named->uva = uva;
	named->size = size;
	return 0;
}

static int find_memory(struct run *run, const struct step *step, struct named **ret_named)
{
	*ret_named = run_named(run, NAMED_MEMORY, step_text(step, "name", ""));
	return *ret_named ? 0 : run_broken(run, "no memory is called '%s'",
					   step_text(step, "name", ""));
}

static int free_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct named *named;
	int error = find_memory(run, step, &named);

	if (error)
		return error;
	return run_answer(run, run->target->ops->munmap(run->proc, named->uva, named->size),
			  ret_result);
}

static int poke_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *data = step_text(step, "data", "");
	struct named *named;
	int error = find_memory(run, step, &named);

	if (error)
		return error;
	return run_answer(run,
			  run->target->ops->poke(run->proc,
						 named->uva + step_number(step, "at", 0), data,
						 strlen(data)),
			  ret_result);
}

/* 64-bit numbers, one behind the other. */
static int poke64_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const struct ynode *values = step_arg(step, "values")->node;
	struct named *named;
	int error = find_memory(run, step, &named);

	for (size_t i = 0; i < values->n && !error; i++) {
		uint64_t value;

		if (ynode_number(&values->items[i], &value, NULL))
			return run_broken(run, "poke64: expected a list of numbers");
		error = run->target->ops->poke(run->proc,
					       named->uva + step_number(step, "at", 0) + i * 8,
					       &value, sizeof(value));
	}
	return error < -10000 ? error : run_answer(run, error, ret_result);
}

static int peek_run(struct run *run, const struct step *step, struct result *ret_result)
{
	char data[100] = { 0 };
	uint64_t size = step_number(step, "size", 0);
	struct named *named;
	int error = find_memory(run, step, &named);

	if (error)
		return error;
	if (size >= sizeof(data))
		return run_broken(run, "peek shows at most %zu bytes", sizeof(data) - 1);
	error = run->target->ops->peek(run->proc, named->uva + step_number(step, "at", 0), data,
				       size);
	if (!error)
		result_text(ret_result, "data", "%s", data);
	return run_answer(run, error, ret_result);
}

static int peek64_run(struct run *run, const struct step *step, struct result *ret_result)
{
	struct named *named;
	uint64_t value;
	int error = find_memory(run, step, &named);

	if (error)
		return error;
	error = run->target->ops->peek(run->proc, named->uva + step_number(step, "at", 0), &value,
				       sizeof(value));
	if (!error)
		result_number(ret_result, "value", value);
	return run_answer(run, error, ret_result);
}

/* "mdev0.bar1": the device's region 1 as mapped memory. 0: it is not of that form. */
static int map_region(struct run *run, const char *from, uint64_t at, uint64_t size,
		      uint64_t *ret_uva)
{
	const char *dot = strstr(from, ".bar");
	char name[RUN_NAME_MAX];
	uint64_t offset, region_size;
	char *end;
	unsigned long index;
	int fd, error;

	if (!dot || (size_t)(dot - from) >= sizeof(name))
		return 0;
	index = strtoul(dot + 4, &end, 10);
	if (*end || end == dot + 4 || index > 5)
		return 0;
	memcpy(name, from, (size_t)(dot - from));
	name[dot - from] = 0;
	fd = run->selector ? selector_device_fd(run->selector, name) : run_fd(run, name);
	if (fd < 0)
		return run_broken(run, "'%s': %s is not attached", from, name);
	error = run_region(run, fd, (unsigned)index, &offset, &region_size);
	if (!error)
		error = run->target->ops->mmap_fd(run->proc, fd, offset + at, size, ret_uva);
	if (error == -ENODEV || error == -ENOSYS)
		return run_skip(run, "regions cannot be mapped here");
	if (error)
		return run_broken(run, "'%s' cannot be mapped: %s", from, strerrorname_np(-error));
	return 1;
}

int run_memory(struct run *run, const char *from, uint64_t at, uint64_t size, uint64_t *ret_uva)
{
	struct named *named = run_named(run, NAMED_MEMORY, from);
	uint64_t whole = (at + size + VFIOSIM_PAGE_SIZE - 1) / VFIOSIM_PAGE_SIZE * VFIOSIM_PAGE_SIZE;
	int error;

	if (named) {
		*ret_uva = named->uva + at;
		return 0;
	}
	if (from[0] >= '0' && from[0] <= '9') {
		*ret_uva = strtoull(from, NULL, 0) + at;
		return 0;
	}
	error = map_region(run, from, at, size, ret_uva);
	if (error)
		return error > 0 ? 0 : error;
	for (unsigned kind = 0; kinds[kind]; kind++) {
		if (strcmp(kinds[kind], from))
			continue;
		error = run->target->ops->mmap(run->proc, (enum memory_kind)kind,
					       whole ? whole : VFIOSIM_PAGE_SIZE, ret_uva);
		*ret_uva += at;
		return error == -ENOSYS ? run_skip(run, "no such memory here: %s", from) : error;
	}
	return run_broken(run, "'%s' is neither a kind nor a name of memory, nor DEVICE.barN", from);
}

const struct verb verbs_process[] = {
	{
		.name = "fork",
		.about = "a copy of the process: shares open files, copies memory",
		.fields = (const struct verb_field[]){
			{ "as", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = fork_run,
	},
	{
		.name = "process",
		.about = "another process, with nothing in common with the first",
		.fields = (const struct verb_field[]){
			{ "as", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = process_run,
	},
	{
		.name = "exec",
		.about = "the process starts another program: its memory is gone",
		.fields = (const struct verb_field[]){ { NULL } },
		.gives = nothing,
		.run = exec_run,
	},
	{
		.name = "exit",
		.about = "a process ends; everything it alone held is closed",
		.fields = (const struct verb_field[]){
			{ "process", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = exit_run,
	},
	{
		.name = "limit",
		.about = "limit the memory the process may lock; without memlock: lift the limit; "
			 "rawio, resource: no takes CAP_SYS_RAWIO, CAP_SYS_RESOURCE away",
		.fields = (const struct verb_field[]){
			{ "memlock", ARG_NUMBER, false, NULL },
			{ "rawio", ARG_BOOL, false, NULL },
			{ "resource", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = limit_run,
		.play = limit_run,
	},
	{
		.name = "memory",
		.about = "get memory and give it a name",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "from", ARG_TEXT, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = memory_run,
		.play = memory_run,
	},
	{
		.name = "free",
		.about = "give memory back (munmap)",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = free_run,
		.play = free_run,
	},
	{
		.name = "poke",
		.about = "write text into memory, as the program",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ "data", ARG_TEXT, true, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = poke_run,
	},
	{
		.name = "poke64",
		.about = "write 64-bit numbers into memory, as the program",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ "values", ARG_NODE, true, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = poke64_run,
	},
	{
		.name = "peek",
		.about = "read text from memory, as the program; gives data",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = (const char *const[]){ "data", NULL },
		.run = peek_run,
	},
	{
		.name = "peek64",
		.about = "read a 64-bit number from memory, as the program; gives value",
		.fields = (const struct verb_field[]){
			{ "name", ARG_NAME, true, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = (const char *const[]){ "value", NULL },
		.run = peek64_run,
	},
	{ .name = NULL },
};
