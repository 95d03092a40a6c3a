/* SPDX-License-Identifier: MIT */
/* vfiosim case list: cases by topic. */
#include <stdio.h>
#include <string.h>

#include <vfiosim/error.h>

#include "case/case_verb.h"
#include "case/library.h"
#include "case/topics.h"

#define ABOUT_COLUMN 30

static void put_name(const char *name)
{
	printf("  %-*s ", ABOUT_COLUMN - 3, name);
}

static void put_case(const struct case_file *file)
{
	put_name(file->path ? file->path : file->name);
	fputs(file->about, stdout);
	if (file->variants)
		printf(" (%zu variants)", file->variants->n);
	putchar('\n');
}

static void put_topic(const struct library *library, const struct topic *topic, bool *ret_any)
{
	bool strong = cli_colours(stdout), any = false;

	for (size_t i = 0; i < library->n; i++) {
		if (!topic_holds(topic, library->files[i]->topic))
			continue;
		if (!any)
			printf("%s%s%s%s: %s\n", *ret_any ? "\n" : "", strong ? "\033[1m" : "",
			       topic ? topic->name : "files", strong ? "\033[0m" : "",
			       topic ? topic->about : "cases of your own");
		any = *ret_any = true;
		put_case(library->files[i]);
	}
}

static int list(void *options, char **names, size_t n)
{
	struct library library;
	struct vfiosim_errors why;
	bool any = false;

	if (library_load(names, n, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	for (size_t i = 0; topic_at(i); i++)
		put_topic(&library, topic_at(i), &any);
	put_topic(&library, NULL, &any);
	library_done(&library);
	return 0;
}

const struct cli_verb case_list_verb = {
	.name = "list",
	.about = "print cases by topic, one a line",
	.args = "[NAME|TOPIC|GLOB|FILE...]",
	.max_args = SIZE_MAX,
	.words = case_or_topic_word,
	.files = true,
	.more = "`vfiosim case show NAME` tells what a case is about, `vfiosim case run NAME --explain` what\n"
		"happens in it.\n",
	.run = list,
};
