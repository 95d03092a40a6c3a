/* SPDX-License-Identifier: MIT */
/* vfiosim case list|show|verbs, and what the verbs below `case` share. */
#include "case/case_verb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/error.h>

#include "base/nearest.h"
#include "case/builtin.h"
#include "case/library.h"
#include "case/verb.h"
#include "select/policy.h"

/* ---- list, show, verbs ------------------------------------------------- */

static int list(void *options, char **names, size_t n)
{
	struct library library;
	struct vfiosim_errors why;

	if (library_load(names, n, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	for (size_t i = 0; i < library.n; i++) {
		const struct case_file *file = library.files[i];

		printf("%-28s %-12s %s", file->name, file->topology_name, file->about);
		for (size_t v = 0; file->variants && v < file->variants->n; v++)
			printf("%s%s", v ? ", " : " [", case_variant(file, v));
		puts(file->variants ? "]" : "");
	}
	library_done(&library);
	return 0;
}

/* The text of a case of the user's own. */
static int show_file(const char *path)
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

static int show_one(const char *name)
{
	const struct case_builtin *builtin;
	const char *known[512];
	char hint[160];
	size_t i;

	for (i = 0; i < 512 && (builtin = case_builtin(i)); i++) {
		known[i] = builtin->name;
		if (!strcmp(builtin->name, name)) {
			fwrite(builtin->text, 1, builtin->length, stdout);
			return 0;
		}
	}
	if (*suggestion(name, known, i, hint, sizeof(hint)))
		cli_error("there is no case '%s'%s", name, hint);
	else
		cli_error("there is no case '%s'; `vfiosim case list` names them", name);
	return 2;
}

static int show(void *options, char **names, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n && !status; i++)
		status = yaml_is_path(names[i]) ? show_file(names[i]) : show_one(names[i]);
	return status;
}

static void list_policies(void)
{
	const struct policy *policy;

	puts("\nselection policies, which `outcome:` speaks of:");
	for (size_t i = 0; (policy = policy_at(i)); i++) {
		printf("%s (%s)\n    %s\n", policy->name, policy->mode, policy->about);
		printf("    from source: %s\n", policy->mirrors);
		if (policy->proved)
			printf("    checked by %s\n", policy->proved);
	}
}

static int list_verbs(void *options, char **args, size_t n)
{
	const struct verb *verb;

	for (size_t i = 0; (verb = verb_at(i)); i++) {
		printf("%s:", verb->name);
		for (const struct verb_field *field = verb->fields; field->name; field++) {
			printf(" %s%s", field->name, field->required ? "" : "?");
			for (size_t k = 0; field->choices && field->choices[k]; k++)
				printf("%s%s", k ? "|" : "=", field->choices[k]);
		}
		printf("\n    %s\n", verb->about);
	}
	list_policies();
	return 0;
}

/* ---- Shared ------------------------------------------------------------ */

const char *case_mode_word(size_t index)
{
	return index < MODE_COUNT ? mode_names[index] : NULL;
}

const char *case_policy_word(size_t index)
{
	if (policy_at(index))
		return policy_at(index)->name;
	return !index || policy_at(index - 1) ? "none" : NULL;
}

void case_put_command(const struct play *play, FILE *to)
{
	const char *variant = case_variant(play->file, play->variant);

	fputs("vfiosim case run ", to);
	cli_put_word(play->file->path ? play->file->path : play->file->name, to);
	fprintf(to, " --mode %s --policy %s", mode_names[play->mode],
		play->policy ? play->policy->name : "none");
	if (variant) {
		fputs(" --variant ", to);
		cli_put_word(variant, to);
	}
}

void case_complain_of_nothing(const char *verb, const struct library *library,
			      const struct play_filter *filter)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	library_why_nothing(library, filter, to);
	fclose(to);
	cli_error("%s: %s", verb, text);
	free(text);
}

/* ---- The verbs --------------------------------------------------------- */

const char *case_word(size_t index)
{
	const struct case_builtin *builtin = case_builtin(index);

	return builtin ? builtin->name : NULL;
}

static const struct cli_verb list_verb = {
	.name = "list",
	.about = "print cases, one a line: name, topology, what it is, variants",
	.args = "[NAME|GLOB|FILE...]",
	.max_args = SIZE_MAX,
	.words = case_word,
	.files = true,
	.run = list,
};

static const struct cli_verb show_verb = {
	.name = "show",
	.about = "print the text of cases",
	.args = "NAME|FILE...",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.words = case_word,
	.files = true,
	.run = show,
};

static const struct cli_verb verbs_verb = {
	.name = "verbs",
	.about = "print what a step can do, and the selection policies",
	.run = list_verbs,
};

static const struct cli_verb *const verbs[] = {
	&list_verb, &show_verb, &verbs_verb, &case_run_verb, &case_sweep_verb, &case_matrix_verb, NULL,
};

const struct cli_verb case_verb = {
	.name = "case",
	.about = "list, show, run and sweep scenarios",
	.verbs = verbs,
	.more = "The format of cases is described in cases/README.md.\n",
};
