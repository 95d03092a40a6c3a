/* SPDX-License-Identifier: MIT */
/* From words to a verb, its options and its arguments; see cli.h. */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli.h"

#define KNOWN_MAX 64u
#define PATH_SIZE 64u

struct parsing {
	const struct cli_verb *verb;
	char path[PATH_SIZE];	/* "case run" */
	char **words;		/* not looked at yet; a NULL ends them */
	char **args;		/* those that are no options */
	size_t n_args;
	void *options;
	bool help;
};

/* ---- Looking up ---- */

const struct cli_verb *cli_find_verb(const struct cli_verb *verb, const char *name)
{
	for (const struct cli_verb *const *at = verb->verbs; at && *at; at++)
		if (!strcmp((*at)->name, name))
			return *at;
	return NULL;
}

const struct cli_option *cli_find_option(const struct cli_verb *verb, const char *name, size_t length)
{
	for (const struct cli_option *option = verb->options; option && option->name; option++)
		if (strlen(option->name) == length && !memcmp(option->name, name, length))
			return option;
	return NULL;
}

/* The only option that begins with @name: people need not write all of it. */
static const struct cli_option *find_beginning(const struct cli_verb *verb, const char *name,
					       size_t length)
{
	const struct cli_option *found = NULL;

	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		if (!length || strncmp(option->name, name, length))
			continue;
		if (found)
			return NULL;
		found = option;
	}
	return found;
}

static const struct cli_option *find_letter(const struct cli_verb *verb, char letter)
{
	for (const struct cli_option *option = verb->options; option && option->name; option++)
		if (option->letter == letter)
			return option;
	return NULL;
}

/* ---- Complaints ---- */

static int status_of(const struct cli_verb *verb)
{
	return verb->usage_status ? verb->usage_status : 2;
}

static const char *colon(const struct parsing *parsing)
{
	return *parsing->path ? ": " : "";
}

static int unknown_option(const struct parsing *parsing, const char *name, size_t length)
{
	const char *known[KNOWN_MAX];
	char word[64], hint[96] = "";
	const char *nearest;
	size_t n = 0;

	for (const struct cli_option *option = parsing->verb->options;
	     option && option->name && n < KNOWN_MAX; option++)
		known[n++] = option->name;
	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	nearest = nearest_word(word, known, n);
	if (nearest)
		snprintf(hint, sizeof(hint), "did you mean '--%s'?", nearest);
	else
		snprintf(hint, sizeof(hint), "`vfiosim %s%s--help` lists them", parsing->path,
			 *parsing->path ? " " : "");
	cli_error("%s%sunknown option '--%s'; %s", parsing->path, colon(parsing), word, hint);
	return -EINVAL;
}

static int unknown_letter(const struct parsing *parsing, char letter)
{
	cli_error("%s%sunknown option '-%c'; `vfiosim %s%s--help` lists them", parsing->path,
		  colon(parsing), letter, parsing->path, *parsing->path ? " " : "");
	return -EINVAL;
}

static int unknown_verb(const struct parsing *parsing, const char *word)
{
	const char *known[KNOWN_MAX];
	char hint[96];
	size_t n = 0, used = 0;
	char list[200] = "";

	for (const struct cli_verb *const *at = parsing->verb->verbs; *at && n < KNOWN_MAX; at++) {
		if (!(*at)->about)
			continue;
		if (used < sizeof(list))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 n ? ", " : "", (*at)->name);
		known[n++] = (*at)->name;
	}
	if (*suggestion(word, known, n, hint, sizeof(hint)))
		cli_error("%s%sunknown verb '%s'%s", parsing->path, colon(parsing), word, hint);
	else
		cli_error("%s%sunknown verb '%s'; expected one of: %s", parsing->path,
			  colon(parsing), word, list);
	return -EINVAL;
}

static int bad_argument(const struct parsing *parsing, const struct cli_option *option,
			const char *text, const char *expected)
{
	cli_error("%s%s--%s: expected %s, found '%s'", parsing->path, colon(parsing), option->name,
		  expected, text);
	return -EINVAL;
}

/* "red, green or blue" in @list, and the words in @known; returns how many. */
static size_t list_words(const struct cli_option *option, const char *known[KNOWN_MAX], char *list,
			 size_t size)
{
	size_t n = 0, used = 0;

	*list = '\0';
	for (; n < KNOWN_MAX && option->words(n); n++) {
		known[n] = option->words(n);
		if (used < size)
			used += (size_t)snprintf(list + used, size - used, "%s%s",
						 !n ? "" : option->words(n + 1) ? ", " : " or ",
						 known[n]);
	}
	return n;
}

static int unknown_choice(const struct parsing *parsing, const struct cli_option *option,
			  const char *text)
{
	const char *known[KNOWN_MAX];
	char hint[96], list[300];
	size_t n = list_words(option, known, list, sizeof(list));

	if (!*suggestion(text, known, n, hint, sizeof(hint)))
		return bad_argument(parsing, option, text, list);
	cli_error("%s%s--%s: unknown '%s'%s", parsing->path, colon(parsing), option->name, text,
		  hint);
	return -EINVAL;
}

static int no_argument(const struct parsing *parsing, const struct cli_option *option)
{
	bool choice = option->kind == CLI_CHOICE || option->kind == CLI_CHOICES;
	const char *known[KNOWN_MAX];
	char list[300] = "";

	if (choice)
		list_words(option, known, list, sizeof(list));
	cli_error("%s%s--%s needs an argument, %s%s%s", parsing->path, colon(parsing), option->name,
		  option->arg, choice ? ": " : "", list);
	return -EINVAL;
}

/* ---- Options ---- */

static int choose(const struct parsing *parsing, const struct cli_option *option, const char *text,
		  int *to)
{
	for (size_t i = 0; option->words(i); i++) {
		if (strcmp(option->words(i), text))
			continue;
		*to = (int)i;
		return 0;
	}
	return unknown_choice(parsing, option, text);
}

static int choose_several(const struct parsing *parsing, const struct cli_option *option,
			  char *text, unsigned *to)
{
	int one;

	for (char *word; (word = strsep(&text, ","));) {
		if (choose(parsing, option, word, &one))
			return -EINVAL;
		*to |= 1U << one;
	}
	return 0;
}

/* @text: the argument; NULL for a flag. */
static int set_option(const struct parsing *parsing, const struct cli_option *option, char *text)
{
	void *to = (char *)parsing->options + option->offset;
	const char *expected;

	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)to = true;
		return 0;
	case CLI_TEXT:
		*(const char **)to = text;
		return 0;
	case CLI_CHOICE:
		return choose(parsing, option, text, to);
	case CLI_CHOICES:
		return choose_several(parsing, option, text, to);
	case CLI_PARSED:
		expected = option->parse(text, to);
		return expected ? bad_argument(parsing, option, text, expected) : 0;
	}
	return -EINVAL;
}

/* @text: an argument that stands in the same word, or NULL. */
static int take_option(struct parsing *parsing, const struct cli_option *option, char *text)
{
	if (option->optional && !text)
		text = (char *)(uintptr_t)option->words(0);
	if (option->arg && !text)
		text = *parsing->words ? *parsing->words++ : NULL;
	if (option->arg && !text)
		return no_argument(parsing, option);
	if (!option->arg && text) {
		cli_error("%s%s--%s takes no argument", parsing->path, colon(parsing), option->name);
		return -EINVAL;
	}
	return set_option(parsing, option, text);
}

/* --name, --name=argument */
static int take_long(struct parsing *parsing, char *name)
{
	char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *option = cli_find_option(parsing->verb, name, length);

	if (!option && length == 4 && !memcmp(name, "help", 4)) {
		parsing->help = true;
		return 0;
	}
	if (!option)
		option = find_beginning(parsing->verb, name, length);
	if (!option)
		return unknown_option(parsing, name, length);
	return take_option(parsing, option, equals ? equals + 1 : NULL);
}

/* -x, -xy, -xARGUMENT. A number, -22, is an argument. */
static int take_letters(struct parsing *parsing, char *letters)
{
	int err = 0;

	for (; *letters && !err; letters++) {
		const struct cli_option *option = find_letter(parsing->verb, *letters);

		if (!option && *letters == 'h') {
			parsing->help = true;
			continue;
		}
		if (!option)
			return unknown_letter(parsing, *letters);
		if (option->arg)
			return take_option(parsing, option, letters[1] ? letters + 1 : NULL);
		err = take_option(parsing, option, NULL);
	}
	return err;
}

static void take_rest(struct parsing *parsing)
{
	while (*parsing->words)
		parsing->args[parsing->n_args++] = *parsing->words++;
}

/* Is what begins with @word a command, with options of its own? */
static bool begins_command(const struct parsing *parsing, const char *word)
{
	const struct cli_verb *verb = parsing->verb;

	if (!verb->command || parsing->n_args || (word[0] == '-' && word[1]))
		return false;
	return !verb->no_command || strcmp(word, verb->no_command);
}

static int take_words(struct parsing *parsing)
{
	int err = 0;

	while (*parsing->words && !err && !parsing->help) {
		char *word = *parsing->words;

		if (begins_command(parsing, word)) {
			take_rest(parsing);
			break;
		}
		parsing->words++;
		if (!strcmp(word, "--"))
			take_rest(parsing);
		else if (word[0] == '-' && word[1] == '-')
			err = take_long(parsing, word + 2);
		else if (word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]))
			err = take_letters(parsing, word + 1);
		else
			parsing->args[parsing->n_args++] = word;
	}
	return err;
}

/* ---- Verbs ---- */

static int check_count(const struct parsing *parsing)
{
	const struct cli_verb *verb = parsing->verb;

	if (parsing->n_args > verb->max_args)
		cli_error("%s: unexpected argument '%s'", parsing->path,
			  parsing->args[verb->max_args]);
	else if (parsing->n_args < verb->min_args)
		cli_error("%s: expected %s", parsing->path, verb->args);
	else
		return 0;
	return -EINVAL;
}

/* The options are parsed into memory of their own, which ends with the verb. */
static int run_verb_row(struct parsing *parsing)
{
	const struct cli_verb *verb = parsing->verb;
	int status = status_of(verb);

	if (verb->defaults)
		memcpy(parsing->options, verb->defaults, verb->size);
	if (take_words(parsing))
		return status;
	if (parsing->help) {
		cli_help(verb, parsing->path, stdout);
		return 0;
	}
	if (check_count(parsing))
		return status;
	return verb->run(parsing->options, parsing->args, parsing->n_args);
}

static int do_verb(struct parsing *parsing, size_t n)
{
	int status = status_of(parsing->verb);

	parsing->options = calloc(1, parsing->verb->size + 1);
	parsing->args = calloc(n + 1, sizeof(*parsing->args));
	if (parsing->options && parsing->args)
		status = run_verb_row(parsing);
	else
		cli_error("out of memory");
	free(parsing->options);
	free(parsing->args);
	return status;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* How many words the option @word of @verb takes; 0: there is none. */
static size_t option_words(const struct cli_verb *verb, const char *word)
{
	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		size_t length = strlen(option->name);

		if (word[0] == '-' && option->letter && word[1] == option->letter)
			return option->arg && !word[2] ? 2 : 1;
		if (!strncmp(word, "--", 2) && !strncmp(word + 2, option->name, length) &&
		    (!word[2 + length] || word[2 + length] == '='))
			return option->arg && !word[2 + length] ? 2 : 1;
	}
	return 0;
}

/*
 * `ctl -r RUN state` is `ctl state -r RUN`: an option that all verbs below have may stand before.
 * Returns the verb, or what stands in its place; NULL: nothing does.
 */
static char *take_option_along(struct parsing *parsing)
{
	char **words = parsing->words, *verb;
	size_t n = 0, more = 1;

	while (more && words[n]) {
		more = option_words(parsing->verb, words[n]);
		for (size_t i = 0; i < more && words[n]; i++)
			n++;
	}
	verb = words[n];
	if (n && verb && cli_find_verb(parsing->verb, verb)) {
		memmove(words + 1, words, n * sizeof(*words));
		words[0] = verb;
	}
	return verb;
}

/* @word is no verb; NULL: there is none. */
static int no_verb(struct parsing *parsing, const char *word)
{
	if (!word)
		cli_help(parsing->verb, parsing->path, stderr);
	else if (is_help(word))
		parsing->help = true;
	else if (word[0] == '-' && word[1] == '-')
		unknown_option(parsing, word + 2, strlen(word + 2));
	else if (word[0] == '-' && word[1])
		unknown_letter(parsing, word[1]);
	else
		unknown_verb(parsing, word);
	return -EINVAL;
}

/* A verb that has others below it: the next word says which. */
static int descend(struct parsing *parsing)
{
	const char *word = take_option_along(parsing);
	const struct cli_verb *below = word ? cli_find_verb(parsing->verb, word) : NULL;
	size_t used = strlen(parsing->path);

	if (!below)
		return no_verb(parsing, word);
	snprintf(parsing->path + used, PATH_SIZE - used, "%s%s", used ? " " : "", word);
	parsing->words++;
	parsing->verb = below;
	return 0;
}

int cli_main(const struct cli_verb *verb, int argc, char **argv)
{
	struct parsing parsing = { .verb = verb, .words = argv + (argc > 0) };

	snprintf(parsing.path, sizeof(parsing.path), "%s", verb->name);
	while (parsing.verb->verbs) {
		if (!descend(&parsing))
			continue;
		if (parsing.help)
			cli_help(parsing.verb, parsing.path, stdout);
		return parsing.help ? 0 : status_of(parsing.verb);
	}
	return do_verb(&parsing, (size_t)argc);
}
