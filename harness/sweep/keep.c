/* SPDX-License-Identifier: MIT */
/* What is kept of a defect; see sweep.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweep/sweep.h"

static int close_file(FILE *written)
{
	int error = cli_stream_error(written);

	fclose(written);
	return error;
}

static void put_option(const char *name, const char *value, FILE *to)
{
	fprintf(to, " %s ", name);
	cli_put_word(value, to);
}

static void put_machine(const struct machine_args *machine, FILE *to)
{
	put_option("--topology", machine->topology, to);
	if (machine->kernel.major)
		fprintf(to, " --kernel %u.%u", machine->kernel.major, machine->kernel.minor);
	if (machine->memlock.given && machine->memlock.kind == VFIOSIM_MEMLOCK_BYTES)
		fprintf(to, " --memlock %" PRIu64, machine->memlock.bytes);
	else if (machine->memlock.given)
		fprintf(to, " --memlock %s", machine_memlock_word(machine->memlock.kind));
	for (size_t i = 0; i < machine->faults.n; i++)
		put_option("--fault", machine->faults.texts[i], to);
}

void sweep_put_command(const struct sweep *sweep, const char *program, const char *point, FILE *to)
{
	cli_put_word(program, to);
	fputs(" run --explain", to);
	put_machine(&sweep->options->machine, to);
	if (sweep->options->expect)
		put_option("--expect", sweep->options->expect, to);
	put_option("--fault", point, to);
	fputs(" --", to);
	for (char **word = sweep->attempt_options.argv; *word; word++) {
		putc(' ', to);
		cli_put_word(*word, to);
	}
	putc('\n', to);
}

/* From the folder that we are in, by the program that we are: it runs from anywhere. */
static void put_repro(const struct sweep *sweep, const char *point, FILE *to)
{
	char *folder = getcwd(NULL, 0), program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	program[n > 0 ? n : 0] = 0;
	fputs("#!/bin/sh\n", to);
	if (folder) {
		fputs("cd ", to);
		cli_put_word(folder, to);
		fputs(" || exit\n", to);
	}
	free(folder);
	fputs("export VFIOSIM_POINT=", to);
	cli_put_word(point, to);
	fputs("\nexec ", to);
	sweep_put_command(sweep, n > 0 ? program : "vfiosim", point, to);
}

static int write_repro(const struct sweep *sweep, const char *folder, const char *point)
{
	char path[600];
	FILE *to;

	snprintf(path, sizeof(path), "%s/repro.sh", folder);
	to = fopen(path, "we");
	if (!to)
		return -errno;
	put_repro(sweep, point, to);
	fchmod(fileno(to), 0755);
	return close_file(to);
}

static int copy_file(const char *from_folder, const char *to_folder, const char *name)
{
	char path[600], buffer[4096];
	FILE *from, *to;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", from_folder, name);
	from = fopen(path, "re");
	if (!from)
		return -errno;
	snprintf(path, sizeof(path), "%s/%s", to_folder, name);
	to = fopen(path, "we");
	if (!to) {
		n = (size_t)errno;
		fclose(from);
		return -(int)n;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), from)))
		fwrite(buffer, 1, n, to);
	fclose(from);
	return close_file(to);
}

static int make_folder(const char *path)
{
	return mkdir(path, 0777) && errno != EEXIST ? -errno : 0;
}

int sweep_keep_defect(const struct sweep *sweep, const struct attempt *attempt, size_t index)
{
	static const char *const names[] = { "trace.jsonl", "explain.txt", "stderr" };
	char folder[500];
	int error = make_folder(sweep->options->defects);

	snprintf(folder, sizeof(folder), "%.480s/%04zu", sweep->options->defects, index + 1);
	if (!error)
		error = make_folder(folder);
	for (size_t i = 0; !error && i < sizeof(names) / sizeof(names[0]); i++)
		error = copy_file(attempt->folder, folder, names[i]);
	if (!error)
		error = write_repro(sweep, folder, sweep->results.items[index].point);
	if (error)
		cli_error("cannot keep a defect in %s: %s", folder, strerror(-error));
	return error;
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
