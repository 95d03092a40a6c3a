/* SPDX-License-Identifier: MIT */
/* Terms: the words of the field. */
#include <string.h>

#include "learn/subject.h"
#include "report/lines.h"
#include "report/words.h"

static const char *const modes[] = { [WORD_ANY] = "", [WORD_LEGACY] = " (with containers)",
				     [WORD_IOMMUFD] = " (with iommufd)" };

/* Those of two rows once. */
static const char *term_word(size_t index, const char **ret_about)
{
	const struct word *word;
	size_t n = 0;

	for (size_t i = 0; (word = word_at(i)); i++) {
		if (i && !strcmp(word->word, word_at(i - 1)->word))
			continue;
		if (n++ == index)
			break;
	}
	*ret_about = word ? word->meaning : NULL;
	return word ? word->word : NULL;
}

static bool tell(struct subject_context *context, const char *text)
{
	const struct word *word, *shown = NULL;
	bool found = false;

	for (size_t i = 0; (word = word_at(i)); i++) {
		if (!word_means(text, strlen(text), word->word))
			continue;
		lines_putf(context->to, 0, "", "%s%s: %s", word->word, modes[word->mode], word->meaning);
		if (word->more)
			lines_put(context->to, 4, "", word->more);
		if (word->shown)
			shown = word;
		found = true;
	}
	if (shown)
		fprintf(context->to, "  see      vfiosim case run %s --explain\n", shown->shown);
	return found;
}

const struct subject_kind subject_terms = {
	.name = "terms", .about = "the words of the field", .tell = tell, .word = term_word,
};
