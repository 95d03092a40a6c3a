/* SPDX-License-Identifier: MIT */
/* Rules: why the kernel refuses. */
#include <string.h>

#include <vfiosim/trace.h>

#include "case/evidence.h"
#include "learn/subject.h"
#include "report/lines.h"
#include "report/words.h"

static const struct vfiosim_rule *find(const char *id)
{
	const struct vfiosim_rule *rule;

	for (size_t i = 0; (rule = vfiosim_rule(i)); i++)
		if (!strcasecmp(rule->id, id))
			return rule;
	return NULL;
}

static const char *rule_word(size_t index, const char **ret_about)
{
	const struct vfiosim_rule *rule = vfiosim_rule(index);

	*ret_about = rule ? rule->sentence : NULL;
	return rule ? rule->id : NULL;
}

/* The words of @text that the glossary has. */
static void tell_words(FILE *to, const char *text)
{
	const char *last = "";

	for (size_t i = 0; word_at(i); i++) {
		const struct word *word = word_at(i);

		if (word->looked_up || !word_in(text, word->word) || !strcmp(last, word->word))
			continue;
		last = word->word;
		lines_putf(to, 4, "| ", "%s: %s", word->word, word->meaning);
	}
}

/* The commands it refuses, and the first refusal. */
static void tell_shown(FILE *to, const struct evidence *evidence, const struct vfiosim_rule *rule)
{
	const struct shown *first = NULL;
	char text[2000] = "", where[32];
	size_t n = 0;

	for (size_t i = 0; i < evidence->n && n < sizeof(text); i++) {
		const struct shown *shown = &evidence->list[i];

		if (shown->rule != rule)
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s (%s%s)", n ? ", " : "",
				      shown->verb, strerrorname_np(shown->error),
				      evidence_where(evidence, shown, where, sizeof(where)));
		if (!first || (*evidence_where(evidence, first, where, sizeof(where)) &&
			       !*evidence_where(evidence, shown, where, sizeof(where))))
			first = shown;
	}
	if (!first) {
		fputs("  no case shows it\n", to);
		return;
	}
	lines_put(to, 2, "refuses  ", text);
	lines_put(to, 2, "such as  ", first->reason);
	fprintf(to, "  see      %s --explain\n", first->play);
	if (first->provoke)
		fprintf(to, "  provoke  --fault %s\n", first->provoke);
}

static bool tell(struct subject_context *context, const char *word)
{
	const struct vfiosim_rule *rule = find(word);
	const struct evidence *evidence = rule ? subject_evidence(context) : NULL;

	if (!rule)
		return false;
	fprintf(context->to, "%s, a rule: the kernel refuses", rule->id);
	if (rule->error)
		fprintf(context->to, " with %s (%s)", strerrorname_np(rule->error), strerror(rule->error));
	fputs(" because\n", context->to);
	lines_put(context->to, 4, "", rule->sentence);
	fprintf(context->to, "  Linux    %s\n", rule->mirrors);
	if (evidence)
		tell_shown(context->to, evidence, rule);
	tell_words(context->to, rule->sentence);
	return true;
}

size_t subject_tell_rules(struct subject_context *context, const char *verb, int error)
{
	const struct evidence *evidence = subject_evidence(context);
	char where[32];
	size_t n = 0;

	for (size_t i = 0; evidence && i < evidence->n; i++) {
		const struct shown *shown = &evidence->list[i];

		if ((verb && strcmp(shown->verb, verb)) || (error && shown->error != error))
			continue;
		evidence_where(evidence, shown, where, sizeof(where));
		lines_putf(context->to, 4, "- ", "%s [%s;%s: %s]", shown->reason, shown->rule->id,
			   *where ? where : " Linux", shown->rule->mirrors);
		fprintf(context->to, "      %s --explain\n", shown->play);
		n++;
	}
	return n;
}

const struct subject_kind subject_rules = {
	.name = "rules", .about = "why the kernel refuses", .tell = tell, .word = rule_word,
};
