/* SPDX-License-Identifier: MIT */
/* vfiosim case verbs, and what the verbs below `case` share. */
#include "case/case_verb.h"

#include <stdio.h>
#include <stdlib.h>

#include "case/builtin.h"
#include "case/library.h"
#include "case/topics.h"
#include "case/verb.h"
#include "select/policy.h"

/* ---- verbs ------------------------------------------------------------- */

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

const char *case_or_topic_word(size_t index)
{
	size_t n = 0;

	while (case_builtin(n))
		n++;
	if (index < n)
		return case_word(index);
	return topic_at(index - n) ? topic_at(index - n)->name : NULL;
}

static const struct cli_verb verbs_verb = {
	.name = "verbs",
	.about = "print what a step can do, and the selection policies",
	.run = list_verbs,
};

static const struct cli_verb *const verbs[] = {
	&case_list_verb, &case_show_verb, &verbs_verb, &case_run_verb, &case_sweep_verb, &case_matrix_verb, NULL,
};

const struct cli_verb case_verb = {
	.name = "case",
	.about = "list, show, run and sweep scenarios",
	.verbs = verbs,
	.more = "The format of cases is described in cases/README.md.\n",
};
