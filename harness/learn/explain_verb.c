/* SPDX-License-Identifier: MIT */
/* vfiosim explain WHAT: whatever a program met, or a text speaks of. */
#include <string.h>

#include "base/nearest.h"
#include "base/value.h"
#include "cli.h"
#include "case/evidence.h"
#include "learn/subject.h"
#include "learn/trace_file.h"
#include "report/words.h"

#define WORDS_MAX 1024

static const struct subject_kind *const kinds[] = {
	&subject_rules, &subject_commands, &subject_errnos, &subject_terms, &subject_sites,
	&subject_verdicts,
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct options {
	int list;	/* index of kinds; -1: explain */
	uint64_t step;	/* of a trace; 0: every refusal */
};

const struct evidence *subject_evidence(struct subject_context *context)
{
	if (!context->has_evidence && !context->error) {
		context->error = evidence_collect(&context->evidence);
		context->has_evidence = !context->error;
	}
	if (context->error && !context->told_error) {
		cli_error("explain: the cases could not be played: %s", strerror(-context->error));
		context->told_error = true;
	}
	return context->has_evidence ? &context->evidence : NULL;
}

/* ---- Words ---- */

static const char *kind_word(size_t index)
{
	return index < N_KINDS ? kinds[index]->name : NULL;
}

/* All words that can be explained. */
static const char *any_word(size_t index)
{
	const char *about;

	for (size_t i = 0; i < N_KINDS; i++)
		for (size_t k = 0; kinds[i]->word(k, &about); k++)
			if (!index--)
				return kinds[i]->word(k, &about);	/* cppcheck-suppress returnDanglingLifetime ; constant text */
	return NULL;
}

static int unknown(const char *word)
{
	const char *known[WORDS_MAX], *about;
	char hint[160];
	size_t n = 0;

	for (size_t i = 0; i < N_KINDS; i++)
		for (size_t k = 0; n < WORDS_MAX - 1 && kinds[i]->word(k, &about); k++) {
			const char *name = kinds[i]->word(k, &about);

			known[n++] = name;
			if (words_short_name(name) != name)
				known[n++] = words_short_name(name);
		}
	if (*suggestion(word, known, n, hint, sizeof(hint)))
		cli_error("explain: '%s' is unknown%s", word, hint);
	else
		cli_error("explain: '%s' is unknown; `vfiosim explain --list rules` (commands, errnos, terms, "
			  "sites, verdicts) names what can be explained", word);
	return 2;
}

/* ---- explain ---- */

static int list(const struct subject_kind *kind)
{
	const char *word, *about;

	for (size_t i = 0; (word = kind->word(i, &about)); i++)
		printf("%-30s %s\n", word, about ? about : "");
	return 0;
}

/* Whatever kinds know the word: "pin" is a term and a site. */
static int explain_word(struct subject_context *context, const char *word)
{
	bool found = subject_tell_number(context, word);

	for (size_t i = 0; i < N_KINDS; i++)
		found |= kinds[i]->tell(context, word);
	return found ? 0 : unknown(word);
}

static int explain_answer(struct subject_context *context, const char *command, const char *answer)
{
	const char *name = subject_command_name(command);
	int error = subject_errno(answer);

	if (!name)
		return unknown(command);
	if (!error)
		return unknown(answer);
	subject_tell_answer(context, name, error);
	return 0;
}

static const char *parse_step(const char *text, void *to)
{
	return value_number(text, to) && *(uint64_t *)to ? NULL : "the number of an event";
}

/* No word that can be explained has a '/' or a '.'. */
static bool is_file(const char *word)
{
	return strpbrk(word, "/.") != NULL;
}

static int explain(void *given, char **words, size_t n)
{
	struct subject_context context = { .to = stdout };
	const struct options *options = given;
	int status;

	if (options->step && (n != 1 || !is_file(words[0]))) {
		cli_error("explain: --step is for a trace: expected its file, as in ./trace.jsonl");
		return 2;
	}
	if (options->list >= 0 && !n)
		return list(kinds[options->list]);
	if (options->list >= 0 || !n) {
		cli_error("explain: expected %s", n ? "--list alone" : "WHAT, or --list KIND");
		return 2;
	}
	if (n == 1 && is_file(words[0]))
		return trace_file_tell(words[0], options->step, stdout);
	status = n == 2 ? explain_answer(&context, words[0], words[1]) : explain_word(&context, words[0]);
	if (context.error)
		status = 2;
	evidence_done(&context.evidence);
	return status;
}

static const struct cli_option options[] = {
	{ "list", 0, "KIND", "print what can be explained: rules, commands, errnos, terms, sites, verdicts", CLI_CHOICE,
	  offsetof(struct options, list), .words = kind_word },
	{ "step", 0, "N", "of a trace: tell this event, refused or not", CLI_PARSED,
	  offsetof(struct options, step), .parse = parse_step },
	{ NULL },
};

static const struct options defaults = { .list = -1 };

const struct cli_verb explain_verb = {
	.name = "explain",
	.about = "tell what a rule, a command, an answer, a word or an ioctl number means",
	.args = "WHAT [ERRNO]",
	.max_args = 2,
	.words = any_word,
	.files = true,
	.more = "WHAT is a rule's id (pin-region), a command (MAP_DMA; with an errno: every reason for\n"
		"that answer), an errno (EFAULT, 14), a term (pin), a site of --fault (domain-map), a\n"
		"verdict of a sweep (silent) or the number of an ioctl (0x3b71), also a wrong one. Of a\n"
		"file that `vfiosim run --trace` wrote, a name with a '/' or a '.', it tells every refusal.\n"
		"What is said of refusals comes from playing all built-in cases, which takes a second.\n",
	.options = options,
	.size = sizeof(struct options),
	.defaults = &defaults,
	.run = explain,
};
