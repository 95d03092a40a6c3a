/* SPDX-License-Identifier: MIT */
/* vfiosim VERB ...: the table of verbs and what is common to them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct verb verbs[] = {
	{ "run", verb_run, "run a program against a simulated VFIO machine" },
	{ "topology", verb_topology, "list, show and check machines" },
	{ "case", verb_case, "list, show and run scenarios" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int usage(FILE *to, int status)
{
	fputs("usage: vfiosim VERB [ARGUMENT...]\n"
	      "VFIO's kernel side, simulated: unmodified programs attach devices nobody has.\n\n",
	      to);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\nvfiosim VERB --help tells more; vfiosim --version.\n"
	      "A first look: vfiosim run -- sh -c 'ls /dev/vfio; cat $VFIOSIM_STATE'\n",
	      to);
	return status;
}

/* Edits (insert, drop, replace) that make one word of the other; both are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (n >= 32)
		return 32;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; *a; a++, i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static int unknown(const char *word)
{
	const struct verb *nearest = NULL;
	size_t least = 4;	/* farther ones are no misspellings */

	for (size_t i = 0; i < N_VERBS; i++) {
		size_t edits = distance(word, verbs[i].name);

		if (edits < least && edits < strlen(verbs[i].name)) {
			least = edits;
			nearest = &verbs[i];
		}
	}
	if (nearest)
		cli_error("there is no verb '%s'; did you mean '%s'?", word, nearest->name);
	else
		cli_error("there is no verb '%s'; `vfiosim --help` lists them", word);
	return 2;
}

/* Where standard descriptors are closed, nothing of ours may take their numbers. */
static void reserve_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	reserve_standard_fds();
	if (!word)
		return usage(stderr, 2);
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		return usage(stdout, 0);
	if (!strcmp(word, "--version")) {
		puts("vfiosim " VFIOSIM_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(word, verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	return unknown(word);
}
