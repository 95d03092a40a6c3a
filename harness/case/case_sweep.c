/* SPDX-License-Identifier: MIT */
/* vfiosim case sweep: everything that can fail in a play fails once, in turn. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/error.h>

#include "base/json.h"
#include "case/case_verb.h"
#include "case/library.h"
#include "case/sweep.h"
#include "cli.h"

struct options {
	struct sweep_options sweep;
	int mode;		/* enum mode; -1: any */
	unsigned policies;	/* bits by case_policy_word(); 0: any */
	const char *variant;
	const char *json;	/* NULL: none */
	bool points;
};

/* Over all plays, and of one. */
struct tally {
	const struct options *options;
	const struct play *play;
	FILE *json;
	size_t n, defects;
	size_t outcomes[SWEEP_OUTCOMES];
	size_t all, all_defects;
};

/* ---- What is printed --------------------------------------------------- */

static void print_defect(const struct tally *tally, const struct sweep_point *point, const char *text)
{
	printf("  %s: %s: %s\n    ", sweep_defects[point->defect], text, point->detail);
	case_put_command(tally->play, stdout);
	fputs(" --fault ", stdout);
	cli_put_word(text, stdout);
	fputs(" --explain\n", stdout);
}

static void write_json(const struct tally *tally, const struct sweep_point *point, const char *text)
{
	struct json json;
	char name[200];

	case_play_name(tally->play, name, sizeof(name));
	json_init(&json, tally->json, false);
	json_object(&json);
	json_put_string(&json, "play", name);
	json_put_string(&json, "fault", text);
	json_put_string(&json, "outcome", sweep_outcomes[point->outcome]);
	if (point->defect) {
		json_put_string(&json, "defect", sweep_defects[point->defect]);
		json_put_string(&json, "detail", point->detail);
	}
	json_object_end(&json);
	fputc('\n', tally->json);
}

static void tell(void *ctx, const struct sweep_point *point)
{
	struct tally *tally = ctx;
	char text[VFIOSIM_FAULT_TEXT_MAX];

	vfiosim_fault_text(&point->fault, text, sizeof(text));
	tally->n++;
	tally->outcomes[point->outcome]++;
	tally->defects += point->defect != SWEEP_SOUND;
	if (tally->options->points)
		printf("  %-16s %s\n", sweep_outcomes[point->outcome], text);
	if (point->defect)
		print_defect(tally, point, text);
	if (tally->json)
		write_json(tally, point, text);
}

static void print_play(const struct tally *tally)
{
	char name[200];
	const char *sep = ": ";

	case_play_name(tally->play, name, sizeof(name));
	printf("%s: %zu points", name, tally->n);
	for (size_t i = 0; i < SWEEP_OUTCOMES; i++) {
		if (!tally->outcomes[i] || i == SWEEP_SCRIPTED)
			continue;
		printf("%s%zu %s", sep, tally->outcomes[i], sweep_outcomes[i]);
		sep = ", ";
	}
	if (tally->defects)
		printf("; %zu with a defect", tally->defects);
	putchar('\n');
	fflush(stdout);
}

/* On a terminal: goes away by itself. */
static void progress(size_t done, size_t n, const struct play *play)
{
	char name[200];

	if (!isatty(STDERR_FILENO))
		return;
	case_play_name(play, name, sizeof(name));
	fprintf(stderr, "\r\033[K%zu/%zu %s\r", done, n, name);
}

/* ---- The verb ---------------------------------------------------------- */

static int sweep_one(struct tally *tally, const struct play *play)
{
	char name[200];
	struct play whole;
	int error = case_play_make(play->file, play->variant, play->mode, play->policy, &whole, NULL);

	if (error)
		return error;
	tally->play = play;
	tally->n = tally->defects = 0;
	memset(tally->outcomes, 0, sizeof(tally->outcomes));
	error = sweep_play(&whole, &tally->options->sweep, tell, tally);
	case_play_done(&whole);
	if (error == -ENOTSUP) {
		case_play_name(play, name, sizeof(name));
		printf("%s: does not pass without a fault, so it is not swept\n", name);
		return 0;
	}
	if (error)
		return error;
	print_play(tally);
	tally->all += tally->n;
	tally->all_defects += tally->defects;
	return 0;
}

static int sweep_all(struct tally *tally, const struct play *plays, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		progress(i + 1, n, &plays[i]);
		error = sweep_one(tally, &plays[i]);
	}
	if (error) {
		cli_error("case sweep: %s", strerror(-error));
		return 2;
	}
	printf("%zu points in %zu plays, %zu with a defect\n", tally->all, n, tally->all_defects);
	return tally->all_defects ? 1 : 0;
}

static int sweep_plays(const struct options *options, const struct play *plays, size_t n)
{
	struct tally tally = { .options = options };
	int status;

	if (options->json && !(tally.json = fopen(options->json, "we"))) {
		cli_error("cannot write %s: %s", options->json, strerror(errno));
		return 2;
	}
	status = sweep_all(&tally, plays, n);
	if (tally.json && cli_flush(tally.json, options->json))
		status = 2;
	if (tally.json)
		fclose(tally.json);
	return status;
}

static int run(void *given, char **names, size_t n_names)
{
	const struct options *options = given;
	const struct play_filter filter = {
		.variant = options->variant,
		.mode = options->mode,
		.policies = options->policies,
	};
	struct library library;
	struct vfiosim_errors why;
	struct play *plays = NULL;
	size_t n = 0;
	int status = 2, error;

	if (library_load(names, n_names, &library, &why)) {
		cli_file_errors(&why);
		return 2;
	}
	error = library_plays(&library, &filter, &plays, &n);
	if (error)
		cli_error("%s", strerror(-error));
	else if (!n)
		case_complain_of_nothing("case sweep", &library, &filter);
	else
		status = sweep_plays(options, plays, n);
	library_plays_done(plays, n);
	library_done(&library);
	return status;
}

#define AT(member_) offsetof(struct options, member_)

static const struct cli_option sweep_options[] = {
	{ "mode", 0, "MODE", "only this mode: legacy, iommufd", CLI_CHOICE, AT(mode), .words = case_mode_word },
	{ "policy", 0, "POLICIES", "only with these selection policies, like qemu-legacy,dpdk;\n"
	  "none: as scripted", CLI_CHOICES, AT(policies), .words = case_policy_word },
	{ "variant", 0, "GLOB", "only these variants", CLI_TEXT, AT(variant) },
	{ "all-errnos", 0, NULL, "also errnos that only wrong arguments give", CLI_FLAG,
	  AT(sweep.all_errors) },
	{ "points", 0, NULL, "print every point and what became of it", CLI_FLAG, AT(points) },
	{ "json", 0, "FILE", "a line of JSON for every point", CLI_TEXT, AT(json), .files = true },
	{ NULL },
};

static const struct options defaults = { .mode = -1 };

const struct cli_verb case_sweep_verb = {
	.name = "sweep",
	.about = "let everything that can fail in a case fail once, in turn, and judge what comes of it",
	.args = "[NAME[/VARIANT]|TOPIC|GLOB|FILE...]",
	.max_args = SIZE_MAX,
	.words = case_or_topic_word,
	.files = true,
	.more = "A point is a command or a step inside of one, an errno, and which time. Each is tried on a\n"
		"machine of its own, in this process. With a policy the line counts what it made of them:\n"
		"  absorbed, retried   it ended as without the fault; after trying the same again\n"
		"  next-container, new-container   a device is in another, or in one more, container or ioas\n"
		"  mapping-omitted, device-refused, program-failed   it goes on without; it gives up\n"
		"None of these is wrong by itself: they are how the policy reacts.\n"
		"A defect is the simulator's or the policy's: the refused command changed something\n"
		"(changed), something is left when all processes have exited (unbalanced), the policy gave\n"
		"back less than without the fault (leak), or the same case does not pass on the same\n"
		"machine afterwards (broken).\n"
		"Exit status: 1 if there is a defect, 2 if a case cannot be read or a name matches none.\n",
	.options = sweep_options,
	.size = sizeof(struct options),
	.defaults = &defaults,
	.run = run,
};
