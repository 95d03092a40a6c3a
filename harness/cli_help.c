/* SPDX-License-Identifier: MIT */
/* What --help prints, from the verbs' rows; see cli.h. */
#include <string.h>

#include "cli.h"

#define COLUMN_MAX 26	/* help stands no further to the right, if need be on a line of its own */

static const char help_option[] = "  -h, --help";

/* "  -t, --topology NAME|FILE" */
static int put_option(const struct cli_option *option, char *to, size_t size)
{
	char letter[8] = "    ";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (option->optional)
		return snprintf(to, size, "  %s--%s[=%s]", letter, option->name, option->arg);
	return snprintf(to, size, "  %s--%s%s%s", letter, option->name, option->arg ? " " : "",
			option->arg ? option->arg : "");
}

static int column_of(const struct cli_verb *verb)
{
	int column = (int)strlen(help_option) + 2;
	char text[128];

	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		int width = put_option(option, text, sizeof(text)) + 2;

		if (width > column && width <= COLUMN_MAX + 2)
			column = width;
	}
	return column;
}

/* Lines of @help, all but the first indented to @column. */
static void put_help(const char *help, int column, FILE *to)
{
	for (;;) {
		size_t length = strcspn(help, "\n");

		fprintf(to, "%.*s\n", (int)length, help);
		if (!help[length])
			return;
		help += length + 1;
		fprintf(to, "%*s", column, "");
	}
}

static void put_options(const struct cli_verb *verb, FILE *to)
{
	int column = column_of(verb);
	char text[128];

	putc('\n', to);
	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		int width = put_option(option, text, sizeof(text));

		fputs(text, to);
		if (width + 2 > column)
			fprintf(to, "\n%*s", column, "");
		else
			fprintf(to, "%*s", column - width, "");
		put_help(option->help, column, to);
	}
	fprintf(to, "%-*sthis text\n", column, help_option);
}

static void put_usage(const struct cli_verb *verb, const char *path, FILE *to)
{
	fprintf(to, "vfiosim%s%s%s%s%s\n", *path ? " " : "", path,
		verb->options ? " [OPTION...]" : "", verb->args ? " " : "",
		verb->args ? verb->args : "");
}

static void put_verbs(const struct cli_verb *verb, FILE *to)
{
	int column = 0;

	for (const struct cli_verb *const *below = verb->verbs; *below; below++)
		if ((*below)->about && (int)strlen((*below)->name) > column)
			column = (int)strlen((*below)->name);
	putc('\n', to);
	for (const struct cli_verb *const *below = verb->verbs; *below; below++)
		if ((*below)->about)
			fprintf(to, "  %-*s  %s\n", column, (*below)->name, (*below)->about);
}

void cli_help(const struct cli_verb *verb, const char *path, FILE *to)
{
	fputs("usage: ", to);
	if (verb->verbs)
		fprintf(to, "vfiosim%s%s VERB [OPTION...] [ARGUMENT...]\n%s\n", *path ? " " : "", path,
			verb->about);
	else
		put_usage(verb, path, to);
	if (verb->verbs)
		put_verbs(verb, to);
	else
		fprintf(to, "%s\n", verb->about ? verb->about : "");
	if (!verb->verbs)
		put_options(verb, to);
	if (verb->more)
		fprintf(to, "\n%s", verb->more);
}
