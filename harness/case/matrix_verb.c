/* SPDX-License-Identifier: MIT */
/* vfiosim case matrix: options, and where the matrix goes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <vfiosim/error.h>

#include "case/case_verb.h"
#include "case/matrix.h"
#include "cli.h"

struct options {
	int mode;		/* enum mode; -1: any */
	unsigned policies;	/* bits by case_policy_word(); 0: any */
	const char *variant;
	struct matrix_kernels kernels;
	const char *html, *json;
	bool wide;
};

#define PLAIN_WIDTH 110	/* of what is no terminal */

/* 0: a line may have any length. */
static unsigned line_width(const struct options *options)
{
	struct winsize size;

	if (options->wide)
		return 0;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return PLAIN_WIDTH;
	return size.ws_col;
}

/* NULL: it is not asked for. */
static int write_file(const struct matrix *matrix, const char *path,
		      void write_it(const struct matrix *matrix, FILE *to))
{
	FILE *to = path ? fopen(path, "we") : NULL;
	int error;

	if (!path)
		return 0;
	if (!to) {
		cli_error("cannot write %s: %s", path, strerror(errno));
		return -errno;
	}
	write_it(matrix, to);
	error = cli_flush(to, path);
	fclose(to);
	return error;
}

static size_t scripted_only(const struct matrix *matrix)
{
	size_t n = 0;

	for (size_t i = 0; i < matrix->n_rows; i++)
		n += !matrix->rows[i].has_policies;
	return n;
}

/* What the table leaves out, and what failed. */
static void print_rest(const struct matrix *matrix)
{
	size_t n = scripted_only(matrix);

	if (n && n < matrix->n_rows && !matrix->scripted)
		printf("Not shown: %zu more that no policy plays. --policy none shows %s.\n", n,
		       n == 1 ? "it" : "them");
	if (matrix->n_failed)
		printf("%zu failed: not what the cases expect\n", matrix->n_failed);
}

static int show(const struct library *library, const struct options *options,
		const struct play_filter *filter)
{
	struct matrix matrix;
	int status, error = matrix_make(library, filter, &options->kernels, options->html, &matrix);

	if (error) {
		cli_error("%s", strerror(-error));
		return 2;
	}
	if (!matrix.n_rows) {
		case_complain_of_nothing("case matrix", library, filter);
		matrix_done(&matrix);
		return 2;
	}
	matrix_print(&matrix, stdout, line_width(options), cli_colours(stdout));
	print_rest(&matrix);
	status = matrix.n_failed ? 1 : 0;
	if (write_file(&matrix, options->html, matrix_page) ||
	    write_file(&matrix, options->json, matrix_json))
		status = 2;
	matrix_done(&matrix);
	return status;
}

static int run(void *given, char **names, size_t n_names)
{
	const struct options *options = given;
	struct play_filter filter = { .variant = options->variant, .mode = options->mode,
				      .policies = options->policies };
	struct library library;
	struct vfiosim_errors why;
	int status;

	if (library_load(names, n_names, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	status = show(&library, options, &filter);
	library_done(&library);
	return status;
}

static const char *parse_kernels(const char *text, void *to)
{
	struct matrix_kernels *kernels = to;
	char one[32];

	for (;;) {
		size_t length = strcspn(text, ",");

		snprintf(one, sizeof(one), "%.*s", (int)length, text);
		if (kernels->n == MATRIX_KERNELS_MAX || length >= sizeof(one) ||
		    !vfiosim_kernel_parse(one, &kernels->list[kernels->n++]))
			return "versions of Linux from 6.1 to 7.2, like 6.1,7.2";
		if (!text[length])
			return NULL;
		text += length + 1;
	}
}

#define AT(member_) offsetof(struct options, member_)

static const struct cli_option matrix_options[] = {
	{ "mode", 0, "MODE", "only this mode: legacy, iommufd", CLI_CHOICE, AT(mode),
	  .words = case_mode_word },
	{ "policy", 0, "POLICIES", "only these selection policies, like qemu-legacy,dpdk; none: as scripted",
	  CLI_CHOICES, AT(policies), .words = case_policy_word },
	{ "variant", 0, "GLOB", "only these variants", CLI_TEXT, AT(variant) },
	{ "kernel", 0, "VERSIONS",
	  "on these versions of Linux, like 6.1,7.2: a line for each.\n"
	  "A case that names its own is played on that or not at all", CLI_PARSED, AT(kernels),
	  .parse = parse_kernels },
	{ "wide", 0, NULL, "whole words in one table, however wide", CLI_FLAG, AT(wide) },
	{ "json", 0, "FILE", "write the results, a line of JSON each", CLI_TEXT, AT(json),
	  .files = true },
	{ "html", 0, "FILE", "write a page too, on which each cell leads to its explanation", CLI_TEXT,
	  AT(html), .files = true },
	{ NULL },
};

static const struct options defaults = { .mode = -1 };

const struct cli_verb case_matrix_verb = {
	.name = "matrix",
	.about = "print what each selection policy makes of each case",
	.args = "[NAME[/VARIANT]|TOPIC|GLOB|FILE...]",
	.max_args = SIZE_MAX,
	.words = case_or_topic_word,
	.files = true,
	.more = "Without a name all cases that are built in. The policies of a mode play every case\n"
		"that says how one of them ends. Where the line is too short for whole words, each cell\n"
		"is one word.\n"
		"Exit status: 1 if a case failed, 2 if one cannot be read or a name matches none.\n",
	.options = matrix_options,
	.size = sizeof(struct options),
	.defaults = &defaults,
	.run = run,
};
