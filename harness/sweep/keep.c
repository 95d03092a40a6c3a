/* SPDX-License-Identifier: MIT */
/* What is kept of a defect; see sweep.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweep/sweep.h"

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
void sweep_keep_defect(const struct sweep *sweep, const struct attempt *attempt, size_t index)
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
char *sweep_read_story(const char *folder)
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
