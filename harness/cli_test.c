/* SPDX-License-Identifier: MIT */
/*
 * The command line: what the parser makes of words, and that --help, the man page
 * and the shell's completion say what the verbs' rows say.
 */
#include "cli.h"

#include <check.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/suite_test.h"
#include "base/value.h"

/* ---- A verb to try the parser on ---- */

struct values {
	bool flag, other;
	const char *text;
	int choice, shade;
	uint64_t number;
};

static struct values got;
static char **got_args;
static size_t got_n;
static char said[4096];

static const char *colour(size_t index)
{
	static const char *const words[] = { "red", "green", "blue", NULL };

	return index < 3 ? words[index] : NULL;
}

static const char *parse_number(const char *text, void *to)
{
	return value_number(text, to) ? NULL : "a number";
}

static int try(void *options, char **args, size_t n)
{
	got = *(struct values *)options;
	for (got_n = 0; got_n < n; got_n++)
		got_args[got_n] = args[got_n];
	ck_assert_ptr_null(args[n]);
	return 42;
}

#define AT(member_) offsetof(struct values, member_)

static const struct cli_option options[] = {
	{ "flag", 'f', NULL, "a flag", CLI_FLAG, AT(flag) },
	{ "other", 'o', NULL, "another,\nin two lines", CLI_FLAG, AT(other) },
	{ "text", 't', "TEXT", "a text", CLI_TEXT, AT(text), .files = true },
	{ "colour", 0, "COLOUR", "a colour", CLI_CHOICE, AT(choice), .words = colour },
	{ "shade", 0, "SHADE", "a shade", CLI_CHOICE, AT(shade), .words = colour, .optional = true },
	{ "number-of-those", 'n', "AS-MANY-AS-THERE-ARE", "a number", CLI_PARSED, AT(number),
	  .parse = parse_number },
	{ NULL },
};

static const struct values defaults = { .choice = -1, .shade = -1, .text = "unsaid" };

#define VERB(name_, ...) \
	.name = name_, .about = "tries", .options = options, .size = sizeof(struct values), \
	.defaults = &defaults, .run = try, __VA_ARGS__

static const struct cli_verb plain = { VERB("plain", .args = "A [B]", .min_args = 1, .max_args = 2) };
static const struct cli_verb command = { VERB("command", .args = "[COMMAND...]", .max_args = SIZE_MAX,
					      .command = true, .usage_status = 125) };
static const struct cli_option text_option[] = { { "text", 't', "TEXT", "a text", CLI_TEXT, AT(text) },
						 { NULL } };
static const struct cli_verb *const below_group[] = { &plain, NULL };
static const struct cli_verb group = { .name = "group", .options = text_option, .verbs = below_group };
static const struct cli_verb *const below[] = { &plain, &command, &group, NULL };
static const struct cli_verb root = { .name = "root", .about = "root of all", .verbs = below };

/* Runs @line, words with one space between them; what was said is in @said. */
static int __cli(const char *line)
{
	static char words[512];
	static char *argv[32], *args[32];
	struct capture capture;
	int argc = 0, status;

	memset(argv, 0, sizeof(argv));
	got_args = args;
	snprintf(words, sizeof(words), "root %s", line);
	for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	capture_begin(&capture, true, true);
	status = cli_main(&root, argc, argv);
	capture_end(&capture, said, sizeof(said));
	return status;
}

static void cli(const char *line)
{
	ck_assert_msg(__cli(line) == 42, "%s: %s", line, said);
}

START_TEST(every_way_to_write_an_option)
{
	cli("plain x");
	ck_assert(!got.flag && got.choice == -1 && !got.number && got_n == 1);
	ck_assert_str_eq(got.text, "unsaid");
	cli("plain --flag --text one x --colour=blue y --number-of-those 4K");
	ck_assert(got.flag && !got.other && got.choice == 2 && got.number == 4096 && got_n == 2);
	ck_assert_str_eq(got.text, "one");
	ck_assert_str_eq(got_args[1], "y");
	ck_assert_int_eq(got.shade, -1);
	cli("plain --shade x");		/* an argument of the verb, not of the option */
	ck_assert(got.shade == 0 && got_n == 1);
	cli("plain --shade=blue x");
	ck_assert_int_eq(got.shade, 2);
	cli("plain x -fo -tone -n 3");
	ck_assert(got.flag && got.other && got.number == 3);
	ck_assert_str_eq(got.text, "one");
	cli("plain --fl --col green --te= -- -x");	/* the beginning of a name is enough */
	ck_assert(got.flag && got.choice == 1);
	ck_assert_str_eq(got.text, "");
	ck_assert_str_eq(got_args[0], "-x");
	cli("plain -");
	ck_assert_str_eq(got_args[0], "-");
	cli("command -f sh -c x --text y");	/* the command's options are its own */
	ck_assert(got.flag && got_n == 5);
	ck_assert_str_eq(got.text, "unsaid");
	cli("command -f -- --text y");
	ck_assert_uint_eq(got_n, 2);
	cli("command");
	ck_assert_uint_eq(got_n, 0);
	cli("group -t one plain x");	/* before the verb, if all verbs there have it */
	ck_assert_str_eq(got.text, "one");
}
END_TEST

static const struct {
	const char *line;
	int status;
	const char *says;
} mistakes[] = {
	{ "plain", 2, "vfiosim: error: root plain: expected A [B]\n" },
	{ "plain a b c", 2, "root plain: unexpected argument 'c'\n" },
	{ "plain --flga a", 2, "root plain: unknown option '--flga'; did you mean '--flag'?\n" },
	{ "plain --zzz=3 a", 2, "unknown option '--zzz'; `vfiosim root plain --help` lists them\n" },
	{ "plain -fx a", 2, "unknown option '-x'; `vfiosim root plain --help` lists them\n" },
	{ "plain --=3 a", 2, "unknown option '--'" },
	{ "plain a --text", 2, "--text needs an argument, TEXT\n" },
	{ "plain a -t", 2, "--text needs an argument, TEXT\n" },
	{ "plain a --colour", 2, "--colour needs an argument, COLOUR: red, green or blue\n" },
	{ "plain --flag=3 a", 2, "--flag takes no argument\n" },
	{ "plain --colour gren a", 2, "--colour: unknown 'gren'; did you mean 'green'?\n" },
	{ "plain --colour mauve a", 2, "--colour: expected red, green or blue, found 'mauve'\n" },
	{ "plain -n many a", 2, "--number-of-those: expected a number, found 'many'\n" },
	{ "command --txt", 125, "did you mean '--text'?" },
	{ "plian", 2, "root: unknown verb 'plian'; did you mean 'plain'?\n" },
	{ "zzz", 2, "root: unknown verb 'zzz'; expected one of: plain, command\n" },
	{ "--flag", 2, "root: unknown option '--flag'" },
	{ "-x", 2, "root: unknown option '-x'" },
	{ "group -t one plian", 2, "root group: unknown verb 'plian'; did you mean 'plain'?\n" },
	{ "group -t one", 2, "usage: vfiosim root group VERB" },
	{ "group -t one -x plain", 2, "root group: unknown option '-x'" },
	{ "", 2, "usage: vfiosim root VERB" },
	{ "--help", 0, "usage: vfiosim root VERB [OPTION...] [ARGUMENT...]\nroot of all\n\n  plain    tries\n" },
	{ "plain --help", 0, "usage: vfiosim root plain [OPTION...] A [B]\ntries\n\n"
			     "  -f, --flag           a flag\n"
			     "  -o, --other          another,\n"
			     "                       in two lines\n"
			     "  -t, --text TEXT      a text\n"
			     "      --colour COLOUR  a colour\n"
			     "      --shade[=SHADE]  a shade\n"
			     "  -n, --number-of-those AS-MANY-AS-THERE-ARE\n"
			     "                       a number\n"
			     "  -h, --help           this text\n" },
};

START_TEST(mistakes_are_told_in_one_way)
{
	int status = __cli(mistakes[_i].line);

	ck_assert_msg(status == mistakes[_i].status && strstr(said, mistakes[_i].says),
		      "%s: %d\n%swanted %d\n%s", mistakes[_i].line, status, said, mistakes[_i].status,
		      mistakes[_i].says);
}
END_TEST

/* ---- What is said elsewhere ---- */

/* Calls @look with every verb of vfiosim that does something, and its words. */
static void each_verb(void (*look)(const struct cli_verb *verb, char **words, size_t n))
{
	for (const struct cli_verb *const *verb = vfiosim_verb.verbs; *verb; verb++) {
		char *words[3] = { (char *)(uintptr_t)(*verb)->name };

		if ((*verb)->about && !(*verb)->verbs)
			look(*verb, words, 1);
		for (const struct cli_verb *const *at = (*verb)->verbs; at && *at; at++) {
			words[1] = (char *)(uintptr_t)(*at)->name;
			look(*at, words, 2);
		}
	}
}

/* Has the text the line @line? */
static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!strncmp(text, line, length) && (text[length] == '\n' || !text[length]))
			return true;
	return false;
}

static void check_completion(const char *offered, cli_words *words, const char *what)
{
	for (size_t i = 0; words && words(i); i++)
		ck_assert_msg(has_line(offered, words(i)), "%s: %s is not offered:\n%s", what, words(i),
			      offered);
}

/* What cli_complete() offers at the end of @words and @last; free() it. */
static char *complete(char **words, size_t n, const char *option, const char *begun)
{
	char *all[6], *text = NULL;
	size_t size, m = 0;
	FILE *to = open_memstream(&text, &size);

	for (; m < n; m++)
		all[m] = words[m];
	if (option)
		all[m++] = (char *)(uintptr_t)option;
	all[m] = (char *)(uintptr_t)begun;
	cli_complete(&vfiosim_verb, all, m + 1, m, to);
	fclose(to);
	return text;
}

static void look_at_rows(const struct cli_verb *verb, char **words, size_t n)
{
	char *offered = complete(words, n, NULL, "--"), name[64];

	ck_assert(verb->run && (!verb->options || verb->size));
	for (const struct cli_option *option = verb->options; option && option->name; option++) {
		char *arguments;

		ck_assert_msg(option->help && *option->help, "%s has no help", option->name);
		ck_assert((option->kind == CLI_FLAG) == !option->arg);
		ck_assert(option->kind != CLI_CHOICE || option->words);
		ck_assert((option->kind == CLI_PARSED) == !!option->parse);
		ck_assert_uint_lt(option->offset, verb->size);
		for (const struct cli_option *other = option + 1; other->name; other++)
			ck_assert(strcmp(other->name, option->name) &&
				  (!option->letter || other->letter != option->letter));
		snprintf(name, sizeof(name), "--%s", option->name);
		ck_assert_msg(has_line(offered, name), "%s is not offered:\n%s", name, offered);
		arguments = complete(words, n, name, "");
		if (option->optional) {
			snprintf(name, sizeof(name), "--%s=%s", option->name, option->words(1));
			ck_assert_msg(has_line(offered, name), "%s is not offered:\n%s", name, offered);
		} else if (option->arg)
			check_completion(arguments, option->words, name);
		ck_assert_int_eq(option->files, !option->optional && has_line(arguments, ":files") && option->arg);
		free(arguments);
	}
	free(offered);
}

START_TEST(completion_offers_what_the_rows_say)
{
	char *run[] = { (char[]){ "run" }, (char[]){ "-t" }, (char[]){ "q35" }, (char[]){ "sh" } };
	char *offered;

	each_verb(look_at_rows);
	offered = complete(NULL, 0, NULL, "");
	ck_assert(has_line(offered, "run") && has_line(offered, "--version") && !has_line(offered, "worker"));
	free(offered);
	offered = complete(run, 2, NULL, "edge");
	ck_assert_str_eq(offered, "edges\n:files\n");
	free(offered);
	offered = complete(run, 4, NULL, "-");
	ck_assert_str_eq(offered, ":command 3\n");
	free(offered);
	offered = complete(run, 3, NULL, "");
	ck_assert_str_eq(offered, ":command 3\n");
	free(offered);
	offered = complete(run, 1, "--", "");
	ck_assert_str_eq(offered, ":command 2\n");
	free(offered);
}
END_TEST

/* The words of bash's COMPREPLY, one a line, for @words and an empty or begun one. */
static void ask_bash(char **words, size_t n, const char *begun, char *to, size_t size)
{
	char script[512], folder[PATH_MAX] = "";
	size_t used = 0;
	FILE *from;

	ck_assert_int_gt(readlink("/proc/self/exe", folder, sizeof(folder) - 1), 0);
	used = (size_t)snprintf(script, sizeof(script),
				"PATH=%s/..:$PATH bash -c '. harness/completion.bash; COMP_WORDS=(vfiosim",
				dirname(folder));
	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(script + used, sizeof(script) - used, " %s", words[i]);
	snprintf(script + used, sizeof(script) - used,
		 " \"%s\"); COMP_CWORD=%zu; _vfiosim; printf \"%%s\\n\" \"${COMPREPLY[@]}\"'", begun,
		 n + 1);
	from = popen(script, "re");
	ck_assert_ptr_nonnull(from);
	used = fread(to, 1, size - 1, from);
	to[used] = '\0';
	ck_assert_msg(pclose(from) == 0, "%s", script);
}

static void look_at_bash(const struct cli_verb *verb, char **words, size_t n)
{
	char offered[16384];
	char *wanted = complete(words, n, NULL, "-");

	ask_bash(words, n, "-", offered, sizeof(offered));
	ck_assert_str_eq(offered, wanted);
	free(wanted);
	if (verb->command)
		return;
	ask_bash(words, n, "", offered, sizeof(offered));
	check_completion(offered, verb->words, verb->name);
	ck_assert_int_eq(verb->files, has_line(offered, "harness"));	/* a file of this folder */
}

START_TEST(bash_is_told_what_the_rows_say)
{
	char *target[] = { (char[]){ "case" }, (char[]){ "run" }, (char[]){ "--target" } };
	char *run[] = { (char[]){ "run" }, (char[]){ "--explain" } };
	char offered[4096];

	if (system("command -v bash >/dev/null")) {
		test_skip(__func__, "no bash");
		return;
	}
	each_verb(look_at_bash);
	ask_bash(target, 3, "", offered, sizeof(offered));
	ck_assert_str_eq(offered, "inproc\nfuse\nhost\n");
	ask_bash(run, 2, "mkfif", offered, sizeof(offered));
	ck_assert(has_line(offered, "mkfifo"));
}
END_TEST

/* ---- Output that does not arrive --------------------------------------- */

/* The program's exit status for what a shell makes of @words. */
static int status_of(const char *words, char *message, size_t size)
{
	char script[PATH_MAX + 512], folder[PATH_MAX] = "";
	FILE *from;
	int status;

	ck_assert_int_gt(readlink("/proc/self/exe", folder, sizeof(folder) - 1), 0);
	snprintf(script, sizeof(script), "PATH=%s/..:$PATH; exec 2>&1; vfiosim %s",
		 dirname(folder), words);
	from = popen(script, "re");
	ck_assert_ptr_nonnull(from);
	message[fread(message, 1, size - 1, from)] = '\0';
	status = pclose(from);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *const writers[] = {
	"--version",
	"--help",
	"run --help",
	"topology list",
	"topology show q35",
	"case list",
	"case verbs",
	"case run set-container-twice",
	"case run set-container-twice --tap",
	"case run set-container-twice --explain",
};

/* @words, which end where its output goes, tell that it was lost, and once. */
static void check_lost(const char *words)
{
	char message[4096];
	int status = status_of(words, message, sizeof(message));
	const char *told = strstr(message, "standard output");

	ck_assert_msg(status == 2 && strstr(message, "error: cannot write "), "%s: %d %s", words,
		      status, message);
	ck_assert_msg(!told || !strstr(told + 1, "standard output"), "%s: %s", words, message);
}

START_TEST(lost_output_is_told)
{
	static const char *const lost[] = { ">/dev/full", ">&-" };
	char words[256], message[4096];

	for (size_t i = 0; i < 2; i++) {
		snprintf(words, sizeof(words), "%s %s", writers[_i], lost[i]);
		check_lost(words);
	}
	snprintf(words, sizeof(words), "%s >/dev/null", writers[_i]);
	ck_assert_int_eq(status_of(words, message, sizeof(message)), 0);
}
END_TEST

/* Where nothing runs there is nothing to list. */
START_TEST(lost_list_of_runs_is_told)
{
	if (no_run()) {
		test_skip(__func__, no_run());
		return;
	}
	check_lost("run -- sh -c 'vfiosim ctl list >/dev/full'");
	check_lost("run -- sh -c 'vfiosim ctl list >&-'");
}
END_TEST

/* Nothing stands in for a closed descriptor that could be opened and written to. */
START_TEST(closed_standard_output_is_no_file)
{
	char message[4096];
	int status = status_of("run --trace /dev/stdout -- true >&-", message, sizeof(message));

	if (no_run()) {
		test_skip(__func__, no_run());
		return;
	}
	ck_assert_msg(status == 125 && strstr(message, "/dev/stdout: Is a directory"), "%d: %s",
		      status, message);
}
END_TEST

/* By the server and the command of a play's run: what we write ourselves still fits. */
START_TEST(lost_report_is_told)
{
	char message[4096];
	int status = status_of("case run set-container-twice --junit /dev/full", message,
			       sizeof(message));

	ck_assert_msg(status == 2 && strstr(message, "cannot write /dev/full: No space left"),
		      "%d: %s", status, message);
}
END_TEST

/* What is flushed line by line fails long before its end, and the reason is told at the end. */
static const struct {
	const char *words, *reason;
} reasons[] = {
	{ "trap '' XFSZ; ulimit -f 1; vfiosim case run pin --explain >$file",
	  "explanation: File too large" },
	{ "vfiosim case run pin --explain >/dev/full",
	  "explanation: No space left on device" },
	/* Once nobody reads any more. */
	{ "trap '' PIPE; { while echo 2>/dev/null; do :; done; vfiosim case run pin --explain; } | true",
	  "explanation: Broken pipe" },
	{ "exec unshare -rm sh -c 'mount -t tmpfs -o size=4k none /mnt && "
	  "vfiosim case run pin --explain >/mnt/out'", "explanation: No space left on device" },
};

START_TEST(lost_lines_have_a_reason)
{
	char message[4096], name[SCRATCH_PATH], words[800];

	if (_i == 3 && system("unshare -rm mount -t tmpfs none /mnt 2>/dev/null")) {
		test_skip(__func__, "no file system can be mounted here");
		return;
	}
	close(scratch_file(name, "cli", ""));
	snprintf(words, sizeof(words), "--version >/dev/null; file=%s; %s", name, reasons[_i].words);
	status_of(words, message, sizeof(message));
	ck_assert_msg(strstr(message, reasons[_i].reason), "no '%s' in %s", reasons[_i].reason, message);
}
END_TEST

START_TEST(lost_output_of_a_run_is_told)
{
	char message[4096], script[800], name[SCRATCH_PATH];
	int status;

	if (no_run()) {
		test_skip(__func__, no_run());
		return;
	}
	close(scratch_file(name, "cli", ""));
	/* 6 blocks of 512 bytes: its trace is shorter, its explanation longer. */
	snprintf(script, sizeof(script),
		 "--version >/dev/null; trap '' XFSZ; ulimit -f 6; "
		 "vfiosim case run map-before-iommu --target fuse --tap --explain 2>%s; "
		 "status=$?; cat %s; exit $status",
		 name, name);
	status = status_of(script, message, sizeof(message));
	if (strstr(message, "no run could be started")) {
		test_skip(__func__, message);
		return;
	}
	ck_assert_msg(status == 2 && strstr(message, "\n--- 1. "), "%d: %s", status, message);
}
END_TEST

/* The manual page has every option of `run`. */
START_TEST(the_manual_knows_every_option)
{
	char page[32768], name[64];
	FILE *from = fopen("harness/vfiosim.1", "re");

	ck_assert_msg(from, "run this from the top of the sources");
	page[fread(page, 1, sizeof(page) - 1, from)] = '\0';
	fclose(from);
	for (const struct cli_option *option = run_verb.options; option->name; option++) {
		size_t used = (size_t)snprintf(name, sizeof(name), "\\-\\-");

		for (const char *at = option->name; *at; at++)
			used += (size_t)snprintf(name + used, sizeof(name) - used, "%s%c",
						 *at == '-' ? "\\" : "", *at);
		ck_assert_msg(strstr(page, name), "%s is not in vfiosim.1", name);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command line");
	TCase *tests = tcase_create("cli");

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, every_way_to_write_an_option);
	tcase_add_loop_test(tests, mistakes_are_told_in_one_way, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(tests, completion_offers_what_the_rows_say);
	tcase_add_test(tests, bash_is_told_what_the_rows_say);
	tcase_add_test(tests, the_manual_knows_every_option);
	tcase_add_test(tests, lost_report_is_told);
	tcase_add_loop_test(tests, lost_lines_have_a_reason, 0, sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(tests, lost_output_of_a_run_is_told);
	tcase_add_test(tests, lost_list_of_runs_is_told);
	tcase_add_test(tests, closed_standard_output_is_no_file);
	tcase_add_loop_test(tests, lost_output_is_told, 0, sizeof(writers) / sizeof(writers[0]));
	return suite_run(suite);
}
