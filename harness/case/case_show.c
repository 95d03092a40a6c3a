/* SPDX-License-Identifier: MIT */
/* vfiosim case show: a case as a page to read, or its text. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/error.h>
#include <vfiosim/topology.h>

#include "base/nearest.h"
#include "case/builtin.h"
#include "case/case_verb.h"
#include "case/elsewhere.h"
#include "case/job.h"
#include "case/library.h"
#include "case/told.h"
#include "report/lines.h"
#include "report/titles.h"
#include "select/policy.h"

struct options {
	bool yaml;
};

/* ---- As it is written -------------------------------------------------- */

static int print_file(const char *path)
{
	FILE *from = fopen(path, "re");
	char buffer[4096];
	int error = 0;
	size_t n;

	if (!from) {
		cli_error("%s: cannot be read: %s", path, strerror(errno));
		return 2;
	}
	while ((n = fread(buffer, 1, sizeof(buffer), from)))
		fwrite(buffer, 1, n, stdout);
	if (ferror(from))
		error = errno;
	fclose(from);
	if (error)
		cli_error("%s: cannot be read: %s", path, strerror(error));
	return error ? 2 : 0;
}

static int unknown(const char *name)
{
	const char *known[512];
	char hint[160];
	size_t n = 0;

	for (; n < 512 && case_builtin(n); n++)
		known[n] = case_builtin(n)->name;
	if (*suggestion(name, known, n, hint, sizeof(hint)))
		cli_error("there is no case '%s'%s", name, hint);
	else
		cli_error("there is no case '%s'; `vfiosim case list` names them", name);
	return 2;
}

static const struct case_builtin *find_builtin(const char *name)
{
	for (size_t i = 0; case_builtin(i); i++)
		if (!strcmp(case_builtin(i)->name, name))
			return case_builtin(i);
	return NULL;
}

static int print_one(const char *name)
{
	const struct case_builtin *builtin = find_builtin(name);

	if (yaml_is_path(name))
		return print_file(name);
	if (!builtin)
		return unknown(name);
	fwrite(builtin->text, 1, builtin->length, stdout);
	return 0;
}

/* ---- As a page --------------------------------------------------------- */

static void put_paragraph(const char *head, const char *text)
{
	if (!text)
		return;
	lines_put(stdout, 0, head, text);
}

/* The devices that a program could use: mdevs, and what has a driver; no bridges. */
static void put_machine(const struct play *play)
{
	const struct vfiosim_topology *topology = play->topology;

	printf("\nMachine  %s: %s\n", play->file->topology_name, topology->about);
	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];
		const struct vfiosim_topo_group *group =
			device->group >= 0 ? &topology->groups[device->group] : NULL;

		if (device->kind == VFIOSIM_DEVICE_BRIDGE || (device->kind != VFIOSIM_DEVICE_MDEV && !*device->driver))
			continue;
		printf("  %-8s %s", device->name, device->kind == VFIOSIM_DEVICE_MDEV ? "an mdev" : "a PCI device");
		if (group)
			printf(", group %u", group->number);
		if (group && group->iommu >= 0)
			printf(", behind %s", topology->iommus[group->iommu].name);
		printf("%s%s\n", *device->driver ? ", driver " : "", device->driver);
	}
}

static void put_params(const struct case_file *file)
{
	for (size_t i = 0; file->params && i < file->params->n; i++)
		printf("  %s: %s\n", file->params->keys[i].text,
		       file->params->items[i].text ? file->params->items[i].text : "differs by variant");
	for (size_t i = 0; file->faults && i < file->faults->n; i++) {
		const struct ynode *fault = &file->faults->items[i];

		fputs("  fault:", stdout);
		for (size_t k = 0; k < fault->n; k++)
			printf(" %s=%s", fault->keys[k].text, fault->items[k].text ? fault->items[k].text : "...");
		putchar('\n');
	}
}

static void put_step(const struct step *step, size_t number, const char *actor, bool judged)
{
	char title[600], head[24], text[1200], name[24];
	size_t n;

	title_of_step(step, actor, title, sizeof(title));
	n = (size_t)snprintf(text, sizeof(text), "%s%s%s", title, step->note ? ": " : "",
			     step->note ? step->note : "");
	if (judged && step->expect.error && n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, " -> %s%s%s%s", errno_name(step->expect.error, name),
			 step->expect.rule ? " [" : "", step->expect.rule ? step->expect.rule : "",
			 step->expect.rule ? "]" : "");
	snprintf(head, sizeof(head), "%3zu  ", number);
	lines_put(stdout, 0, head, text);
}

static void put_steps(const struct play *play)
{
	const char *variant = case_variant(play->file, play->variant);

	printf("\nSteps");
	if (variant)
		printf("  (variant %s%s", variant, play->file->modes[MODE_IOMMUFD] ? "" : ")");
	if (play->file->modes[MODE_IOMMUFD])
		printf("%s%s)", variant ? ", " : "  (", play->mode == MODE_LEGACY ? "containers" : "iommufd");
	putchar('\n');
	for (size_t i = 0; i < play->n_steps; i++)
		put_step(&play->steps[i], i + 1, "the program", !play->policy);
}

/* The play whose steps are listed: as scripted where the case has that, in the story's variant and mode. */
static const struct play *listed(const struct play *told, const struct play *plays, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (plays[i].variant == told->variant && plays[i].mode == told->mode && !plays[i].policy)
			return &plays[i];
	return told;
}

static int put_outcomes(const struct play *told, const struct play *plays, size_t n)
{
	static const struct job_options inproc = { .target = JOB_INPROC };
	struct elsewhere elsewhere = { .n = 0 };

	for (size_t i = 0; i < n && elsewhere.n < ELSEWHERE_MAX; i++) {
		struct job_result result;
		int error = job_run(&plays[i], &inproc, &result);

		if (error)
			return error;
		elsewhere_add(&elsewhere, &plays[i], &result.outcome);
		job_result_done(&result);
	}
	putchar('\n');
	elsewhere_print(&elsewhere, told, stdout);
	return 0;
}

static int put_page(const struct case_file *file, const struct play *plays, size_t n)
{
	const struct play *told = told_choose(file, plays, n, NULL), *steps = listed(told, plays, n);
	struct play whole;
	int error = case_play_make(file, steps->variant, steps->mode, steps->policy, &whole, NULL);

	if (error)
		return error;
	printf("%s%s%s%s\n", file->path ? file->path : file->name, file->topic ? ", topic " : "",
	       file->topic ? file->topic : "", file->lesson.title ? ", a lesson of the tour" : "");
	put_paragraph("", file->about);
	putchar('\n');
	put_paragraph("Met in   ", file->source);
	put_paragraph("Seen as  ", file->symptom);
	put_paragraph("Shows    ", file->teaches);
	put_machine(&whole);
	put_params(file);
	put_steps(&whole);
	case_play_done(&whole);
	error = put_outcomes(steps, plays, n);
	printf("\nvfiosim case run %s --explain tells what happens, vfiosim case show %s --yaml how it is written.\n",
	       file->path ? file->path : file->name, file->path ? file->path : file->name);
	return error;
}

static int show_page(char *name)
{
	static const struct play_filter any = { .mode = -1 };
	struct library library;
	struct vfiosim_errors why;
	struct play *plays;
	size_t n;
	int error;

	if (!yaml_is_path(name) && !find_builtin(name))
		return unknown(name);
	if (library_load(&name, 1, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	error = library_plays(&library, &any, &plays, &n);
	if (!error) {
		error = put_page(library.files[0], plays, n);
		library_plays_done(plays, n);
	}
	library_done(&library);
	if (error)
		cli_error("%s: %s", name, strerror(-error));
	return error ? 2 : 0;
}

static int show(void *given, char **names, size_t n)
{
	const struct options *options = given;
	int status = 0;

	for (size_t i = 0; i < n && !status; i++) {
		if (i && !options->yaml)
			putchar('\n');
		status = options->yaml ? print_one(names[i]) : show_page(names[i]);
	}
	return status;
}

static const struct cli_option show_options[] = {
	{ "yaml", 0, NULL, "print the case as it is written", CLI_FLAG, offsetof(struct options, yaml) },
	{ NULL },
};

const struct cli_verb case_show_verb = {
	.name = "show",
	.about = "tell what cases are about: machine, steps, what comes of them",
	.args = "NAME|FILE...",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.words = case_word,
	.files = true,
	.options = show_options,
	.size = sizeof(struct options),
	.run = show,
};
