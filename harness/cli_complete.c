/* SPDX-License-Identifier: MIT */
/*
 * What the shell offers behind the words that stand there already; see cli.h. The
 * shell's own part is completion.bash, .zsh or .fish.
 */
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "cli.h"

struct completion {
	const char *begun;	/* of the word to be completed */
	FILE *to;
};

static void offer(const struct completion *completion, const char *dashes, const char *word)
{
	size_t n = strlen(dashes), length = strlen(completion->begun);

	if (strncmp(completion->begun, dashes, length < n ? length : n))
		return;
	if (length > n && strncmp(completion->begun + n, word, length - n))
		return;
	fprintf(completion->to, "%s%s\n", dashes, word);
}

static void offer_words(const struct completion *completion, cli_words *words, bool files)
{
	for (size_t i = 0; words && words(i); i++)
		offer(completion, "", words(i));
	if (files)
		fputs(":files\n", completion->to);
}

static void offer_options(const struct completion *completion, const struct cli_verb *verb)
{
	char name[64];

	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		offer(completion, "--", option->name);
		snprintf(name, sizeof(name), "--%s=", option->name);
		for (size_t i = 0; option->optional && option->words(i); i++)
			offer(completion, name, option->words(i));
	}
	offer(completion, "--", "help");
}

static void offer_verbs(const struct completion *completion, const struct cli_verb *verb)
{
	for (const struct cli_verb *const *below = verb->verbs; *below; below++)
		if ((*below)->about)
			offer(completion, "", (*below)->name);
	offer(completion, "--", "help");
	if (verb == &vfiosim_verb)
		offer(completion, "--", "version");
}

/* The option that @word is, and whether its argument is the next word. */
static const struct cli_option *option_of(const struct cli_verb *verb, const char *word)
{
	if (word[0] != '-' || !word[1])
		return NULL;
	if (word[1] == '-')
		return cli_find_option(verb, word + 2, strlen(word + 2));
	for (const struct cli_option *option = verb->options; option && option->name; option++)
		if (option->letter == word[1] && !word[2])
			return option;
	return NULL;
}

/* The first argument's index among @words from @first on; @n: there is none before @n. */
static size_t find_command(const struct cli_verb *verb, char **words, size_t first, size_t n)
{
	for (size_t i = first; i < n; i++) {
		const struct cli_option *option = option_of(verb, words[i]);

		if (!strcmp(words[i], "--"))
			return i + 1;
		if (option && option->arg && !option->optional)
			i++;
		else if (words[i][0] != '-')
			return i;
	}
	return n;
}

static void complete_verb_words(const struct cli_verb *verb, const struct completion *completion,
				char **words, size_t first, size_t index)
{
	const struct cli_option *before = index > first ? option_of(verb, words[index - 1]) : NULL;
	size_t command = verb->command ? find_command(verb, words, first, index) : index;

	if (verb->command && (command < index || (index > first && !strcmp(words[index - 1], "--"))))
		fprintf(completion->to, ":command %zu\n", command);
	else if (before && before->arg && !before->optional)
		offer_words(completion, before->words, before->files);
	else if (completion->begun[0] == '-')
		offer_options(completion, verb);
	else if (verb->command)
		fprintf(completion->to, ":command %zu\n", index);
	else
		offer_words(completion, verb->words, verb->files);
}

void cli_complete(const struct cli_verb *verb, char **words, size_t n, size_t index, FILE *to)
{
	struct completion completion = { .begun = index < n ? words[index] : "", .to = to };
	size_t first = 0;

	while (verb->verbs && first < index && first < n) {
		verb = cli_find_verb(verb, words[first++]);
		if (!verb)
			return;
	}
	if (verb->verbs)
		offer_verbs(&completion, verb);
	else if (index <= n)
		complete_verb_words(verb, &completion, words, first, index);
}

/* complete INDEX WORD...: what the shells' completions ask. INDEX counts from 0, vfiosim itself. */
static int run(void *options, char **args, size_t n)
{
	uint64_t index;

	if (!value_number(args[0], &index) || !index)
		return 2;
	cli_complete(&vfiosim_verb, args + 1, n - 1, index - 1, stdout);
	return 0;
}

const struct cli_verb complete_verb = {
	.name = "complete",
	.args = "INDEX [WORD...]",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.command = true,	/* the words are not this verb's options */
	.run = run,
};
