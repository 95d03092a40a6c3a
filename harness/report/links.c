/* SPDX-License-Identifier: MIT */
#include "report/links.h"

#include <ctype.h>
#include <string.h>

#include "report/page.h"
#include "report/words.h"

static uint64_t bit(size_t index)
{
	return (uint64_t)1 << index;
}

static bool is_known(const struct links *links, const struct word *word)
{
	return word->mode == WORD_ANY || (word->mode == WORD_LEGACY && links->legacy) ||
	       (word->mode == WORD_IOMMUFD && links->iommufd);
}

/* The first row of the word that @text is; NULL: none. A word of two rows has one entry. */
static const struct word *find(const struct links *links, const char *text, size_t length, size_t *ret_index)
{
	const struct word *word;

	for (size_t i = 0; (word = word_at(i)); i++)
		if (is_known(links, word) && word_means(text, length, word->word)) {
			*ret_index = i;
			return word;
		}
	return NULL;
}

static void put_id(const char *word, FILE *to)
{
	fputs("g-", to);
	for (; *word; word++)
		putc(tolower((unsigned char)*word), to);
}

static void put_part(const char *text, size_t length, FILE *to)
{
	char part[600];

	snprintf(part, sizeof(part), "%.*s", (int)length, text);
	page_text(to, part);
}

static void put_word(struct links *links, const char *text, size_t length)
{
	size_t index;
	const struct word *word = find(links, text, length, &index);

	if (!word || links->here & bit(index)) {
		put_part(text, length, links->to);
		return;
	}
	links->here |= bit(index);
	links->used |= bit(index);
	fputs("<a class=\"term\" href=\"#", links->to);
	put_id(word->word, links->to);
	fputs("\">", links->to);
	put_part(text, length, links->to);
	fputs("</a>", links->to);
}

/* Letters, and hyphens between them: "peer-to-peer". Neither mdev0 nor /dev/iommu is one. */
static size_t word_length(const char *text)
{
	size_t n = 0;

	while (isalpha((unsigned char)text[n]) || (n && text[n] == '-' && isalpha((unsigned char)text[n + 1])))
		n++;
	return n;
}

void links_section(struct links *links)
{
	links->here = 0;
}

void links_text(struct links *links, const char *text)
{
	char before = ' ';

	while (*text) {
		size_t length = word_length(text);
		bool part = isalnum((unsigned char)before) || before == '_' || before == '/';

		if (length && !part && !isdigit((unsigned char)text[length]) && text[length] != '_') {
			put_word(links, text, length);
		} else {
			length = length ? length : 1;
			put_part(text, length, links->to);
		}
		before = text[length - 1];
		text += length;
	}
}

static void put_entry(struct links *links, size_t index)
{
	static const char *const modes[] = { [WORD_ANY] = "", [WORD_LEGACY] = " (with containers)",
					     [WORD_IOMMUFD] = " (with iommufd)" };
	const struct word *first = word_at(index), *word;

	fputs("<dt id=\"", links->to);
	put_id(first->word, links->to);
	fprintf(links->to, "\">%s</dt>\n", first->word);
	for (size_t i = index; (word = word_at(i)) && !strcmp(word->word, first->word); i++) {
		fputs("<dd>", links->to);
		links->here = bit(index);	/* no entry leads to itself */
		links_text(links, word->meaning);
		fputs(modes[word->mode], links->to);
		fputs(". ", links->to);
		if (word->more)
			links_text(links, word->more);
		fputs("</dd>\n", links->to);
	}
}

void links_glossary(struct links *links)
{
	uint64_t written = 0;

	fputs("<dl class=\"glossary\">\n", links->to);
	while (links->used & ~written)
		for (size_t i = 0; word_at(i); i++)
			if (links->used & ~written & bit(i)) {
				written |= bit(i);
				put_entry(links, i);
			}
	fputs("</dl>\n", links->to);
}
