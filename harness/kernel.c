/* SPDX-License-Identifier: MIT */
/* vfiosim kernel list|diff: which Linux a machine can be, and what that changes. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/kernel.h>

#include "base/kernel_version.h"
#include "cli.h"
#include "report/lines.h"

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

#define FIRST_IOMMUFD ((struct vfiosim_kernel){ 6, 2 })
#define MEASURED_BEFORE ((struct vfiosim_kernel){ 6, 12 })	/* 7.2, of what was measured */
#define NOTE 15		/* column of what is said about a row */

/* Commands whose names begin with @prefix, below @title. */
static void print_commands(const struct between *between, const char *prefix, const char *title)
{
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		if (strncmp(row->name, prefix, strlen(prefix)) || !is_between(between, row->since) ||
		    is_repeated(i))
			continue;
		if (!n++)
			printf("\n%s:\n", title);
		printf("  %-34s since %u.%u\n", row->name, row->since.major, row->since.minor);
	}
}

static void print_all_commands(const struct between *between)
{
	const struct vfiosim_kernel *older = &between->older;
	char title[300];

	snprintf(title, sizeof(title), "Commands of VFIO that %u.%u does not know (ENOTTY)", older->major,
		 older->minor);
	print_commands(between, "VFIO_", title);
	if (is_between(between, FIRST_IOMMUFD))
		snprintf(title, sizeof(title),
			 "Commands of /dev/iommu since 6.2: IOMMU_DESTROY, IOMMU_OPTION, IOMMU_VFIO_IOAS and those of\n"
			 "IOMMU_IOAS_ that are not among these later ones");
	else
		snprintf(title, sizeof(title), "Commands of /dev/iommu that %u.%u does not know (ENOTTY)",
			 older->major, older->minor);
	print_commands(between, "IOMMU_", title);
}

/* "since 6.17: " as a column that sentences stand behind. */
static void print_sentence(const char *when, struct vfiosim_kernel kernel, const char *sentence,
			   const char *mark)
{
	char head[32], release[16];

	snprintf(release, sizeof(release), "%u.%u:", kernel.major, kernel.minor);
	snprintf(head, sizeof(head), "%-6s %-6s", when, release);
	lines_putf(stdout, 2, head, "%s%s", sentence, mark);
}

static void print_change(const struct vfiosim_kernel_change *change)
{
	const bool span = change->evidence == VFIOSIM_MEASURED_SPAN;
	const char *mark = change->evidence == VFIOSIM_SOURCE ? " [source]" : span ? " [release?]" : "";

	print_sentence(span ? "on" : "before", span ? MEASURED_BEFORE : change->since, change->before, mark);
	print_sentence(span ? "on" : "since", change->since, change->after, mark);
	if (change->limit)
		lines_putf(stdout, NOTE, "", "(vfiosim always answers as %s %u.%u: %s)",
			   change->as_before ? "before" : "since", change->since.major,
			   change->since.minor, change->limit);
}

/* Under their title, if there are any. */
static void print_changes(const struct between *between, enum vfiosim_kernel_part part,
			  const char *title)
{
	const struct vfiosim_kernel_change *change, *last = NULL;

	for (size_t i = 0; (change = vfiosim_kernel_change(i)); i++) {
		if (change->part != part || !is_between(between, change->since))
			continue;
		if (!last)
			printf("\n== %s ==\n", title);
		if (!last || strcmp(last->about, change->about)) {
			putchar('\n');
			lines_put(stdout, 0, "", change->about);
		}
		print_change(change);
		last = change;
	}
}

static size_t count_changes(const struct between *between)
{
	const struct vfiosim_kernel_change *change;
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (change = vfiosim_kernel_change(i)); i++)
		n += is_between(between, change->since);
	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		n += is_between(between, row->since) && !is_repeated(i);
	return n;
}

/* What the answers below are known from. */
static const char evidence[] =
	"Answers were recorded on Linux 6.1.176 and 6.12.95 (Debian's), and on 6.12.117 and 7.2.13 with "
	"iommufd. For a release in between, \"since\" is what Linux's history says; a stable update "
	"may have brought the change earlier. \"[source]\" marks an answer that was read in the source "
	"of these kernels, \"[release?]\" a change whose release is not known. Debian's kernels have "
	"neither /dev/iommu nor cdevs: `iommufd: no` in a topology.";

static void print_header(const struct between *between)
{
	lines_putf(stdout, 0, "",
		   "What a program meets differently on Linux %u.%u and %u.%u. In everything else vfiosim "
		   "answers alike for both.",
		   between->older.major, between->older.minor, between->newer.major, between->newer.minor);
	lines_put(stdout, 0, "", evidence);
}

static void print_differences(const struct between *between)
{
	print_header(between);
	print_changes(between, VFIOSIM_PART_CONTAINERS, "Every program: groups, containers, devices");
	print_changes(between, VFIOSIM_PART_NODES, "Nodes");
	print_all_commands(between);
	print_changes(between, VFIOSIM_PART_IOMMUFD, "iommufd and cdevs");
	print_changes(between, VFIOSIM_PART_FEATURES, "Features a program can do without");
}

static int diff(void *options, char **args, size_t n)
{
	struct vfiosim_kernel kernels[2];
	struct between between;

	for (size_t i = 0; i < 2; i++) {
		if (vfiosim_kernel_parse(args[i], &kernels[i]))
			continue;
		cli_error("kernel diff: expected a version of Linux from 6.1 to 7.2, found '%s'", args[i]);
		return 2;
	}
	between.older = kernel_before(kernels[0], kernels[1]) ? kernels[0] : kernels[1];
	between.newer = kernel_before(kernels[0], kernels[1]) ? kernels[1] : kernels[0];
	if (count_changes(&between))
		print_differences(&between);
	else
		printf("vfiosim knows no difference between Linux %u.%u and %u.%u\n", between.older.major,
		       between.older.minor, between.newer.major, between.newer.minor);
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
