/* SPDX-License-Identifier: MIT */
/* vfiosim kernel list|diff: which Linux a machine can be, and what that changes. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/kernel.h>

#include "base/kernel_version.h"
#include "cli.h"

/* ---- list ---- */

static int list(void *options, char **args, size_t n)
{
	const struct vfiosim_kernel_profile *profile;

	for (size_t i = 0; (profile = vfiosim_kernel_profile(i)); i++)
		printf("%u.%-4u %s\n", profile->kernel.major, profile->kernel.minor, profile->about);
	return 0;
}

/* ---- diff ---- */

struct between {
	struct vfiosim_kernel older, newer;
};

/* Did it come after the older one, and no later than the newer? */
static bool is_between(const struct between *between, struct vfiosim_kernel since)
{
	return kernel_before(between->older, since) && !kernel_before(between->newer, since);
}

/* Has a command of this name been known before @index? Then its row tells of another shape. */
static bool is_repeated(size_t index)
{
	const char *name = vfiosim_command(index)->name;

	for (size_t i = 0; (vfiosim_command(i)); i++)
		if (i != index && !strcmp(vfiosim_command(i)->name, name) &&
		    kernel_before(vfiosim_command(i)->since, vfiosim_command(index)->since))
			return true;
	return false;
}

static size_t print_commands(const struct between *between)
{
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		if (!is_between(between, row->since) || is_repeated(i))
			continue;
		if (!n++)
			printf("Commands that %u.%u does not know (ENOTTY):\n", between->older.major,
			       between->older.minor);
		printf("  %-34s since %u.%u\n", row->name, row->since.major, row->since.minor);
	}
	return n;
}

static void print_change(const struct vfiosim_kernel_change *change)
{
	printf("  before %u.%u: %s\n", change->since.major, change->since.minor, change->before);
	printf("  since %u.%u:  %s\n", change->since.major, change->since.minor, change->after);
	if (change->evidence == VFIOSIM_UNMEASURED)
		puts("              (not measured)");
	if (change->evidence == VFIOSIM_MEASURED_SPAN)
		puts("              (measured on 6.12 and 7.2; which release in between is not known)");
	if (change->limit)
		printf("              (vfiosim answers as since %u.%u: %s)\n", change->since.major,
		       change->since.minor, change->limit);
}

static size_t print_changes(const struct between *between)
{
	const struct vfiosim_kernel_change *change, *last = NULL;
	size_t n = 0;

	for (size_t i = 0; (change = vfiosim_kernel_change(i)); i++) {
		if (!is_between(between, change->since))
			continue;
		if (!last || strcmp(last->about, change->about))
			printf("\n%s\n", change->about);
		print_change(change);
		last = change;
		n++;
	}
	return n;
}

static int diff(void *options, char **args, size_t n)
{
	struct vfiosim_kernel kernels[2];
	struct between between;
	size_t printed;

	for (size_t i = 0; i < 2; i++) {
		if (vfiosim_kernel_parse(args[i], &kernels[i]))
			continue;
		cli_error("kernel diff: expected a version of Linux from 6.1 to 7.2, found '%s'", args[i]);
		return 2;
	}
	between.older = kernel_before(kernels[0], kernels[1]) ? kernels[0] : kernels[1];
	between.newer = kernel_before(kernels[0], kernels[1]) ? kernels[1] : kernels[0];
	printed = print_commands(&between) + print_changes(&between);
	puts(printed ? "\nAnswers were measured on 6.1, 6.12 and 7.2. No release in between was bisected or\n"
		       "checked against its source: those are from memory." :
		       "no difference that vfiosim knows");
	return 0;
}

/* ---- The verbs ---- */

static const char *kernel_word(size_t index)
{
	static const char *const words[] = { "6.1", "6.12", "7.2", NULL };

	return words[index < 3 ? index : 3];
}

static const struct cli_verb list_verb = {
	.name = "list",
	.about = "print the versions of Linux that were measured, one a line",
	.more = "A machine can be any version from 6.1 to 7.2: vfiosim run --kernel VERSION.\n",
	.run = list,
};

static const struct cli_verb diff_verb = {
	.name = "diff",
	.about = "print what a program meets differently on two versions, and since which release",
	.args = "VERSION VERSION",
	.min_args = 2,
	.max_args = 2,
	.words = kernel_word,
	.run = diff,
};

static const struct cli_verb *const verbs[] = { &list_verb, &diff_verb, NULL };

const struct cli_verb kernel_verb = {
	.name = "kernel",
	.about = "list and compare the versions of Linux that a machine can be",
	.verbs = verbs,
};
