/* SPDX-License-Identifier: MIT */
#include "fuzz/edits.h"

#include <stdio.h>
#include <string.h>

/* A part of a text. */
struct part {
	size_t at, n;
};

void text_set(struct text *text, const char *from, size_t n)
{
	text->n = n < sizeof(text->bytes) ? n : sizeof(text->bytes);
	memcpy(text->bytes, from, text->n);
}

/* @from is not in @text. */
static void replace(struct text *text, struct part part, const char *from, size_t n)
{
	size_t rest = text->n - part.at - part.n, room = sizeof(text->bytes) - part.at;

	if (n > room)
		n = room;
	if (rest > room - n)
		rest = room - n;
	memmove(text->bytes + part.at + n, text->bytes + part.at + part.n, rest);
	memcpy(text->bytes + part.at, from, n);
	text->n = part.at + n + rest;
}

/* ---- Parts --------------------------------------------------------------- */

/* Its newline included. */
static struct part any_line(const struct text *text, struct choices *choices)
{
	size_t first = choose(choices, text->n), last = first;

	while (first && text->bytes[first - 1] != '\n')
		first--;
	while (last < text->n && text->bytes[last++] != '\n')
		;
	return (struct part){ first, last - first };
}

static bool in_word(char byte)
{
	return !strchr(" \n:,{}[]\"'#|", byte) || !byte;
}

/* Where there is none at the place that was drawn, nothing there. */
static struct part any_word(const struct text *text, struct choices *choices)
{
	size_t first = choose(choices, text->n), last = first;

	while (first && in_word(text->bytes[first - 1]))
		first--;
	while (last < text->n && in_word(text->bytes[last]))
		last++;
	return (struct part){ first, last - first };
}

/* ---- Edits --------------------------------------------------------------- */

static void change_word(struct text *text, const struct text *other, struct choices *choices)
{
	struct part from = any_word(other, choices);

	replace(text, any_word(text, choices), other->bytes + from.at, from.n);
}

static void change_line(struct text *text, const struct text *other, struct choices *choices)
{
	struct part from = any_line(other, choices);

	replace(text, any_line(text, choices), other->bytes + from.at, from.n);
}

static void insert_line(struct text *text, const struct text *other, struct choices *choices)
{
	struct part from = any_line(other, choices);

	replace(text, (struct part){ any_line(text, choices).at, 0 }, other->bytes + from.at, from.n);
}

static void repeat_line(struct text *text, const struct text *other, struct choices *choices)
{
	struct part line = any_line(text, choices);
	char copy[512];

	if (line.n > sizeof(copy))
		return;
	memcpy(copy, text->bytes + line.at, line.n);
	line.at = any_line(text, choices).at;
	replace(text, (struct part){ line.at, 0 }, copy, line.n);
}

static void drop_line(struct text *text, const struct text *other, struct choices *choices)
{
	replace(text, any_line(text, choices), "", 0);
}

static void drop_word(struct text *text, const struct text *other, struct choices *choices)
{
	replace(text, any_word(text, choices), "", 0);
}

static void indent(struct text *text, const struct text *other, struct choices *choices)
{
	struct part line = any_line(text, choices);

	if (line.n && text->bytes[line.at] == ' ' && one_in(choices, 2))
		replace(text, (struct part){ line.at, 1 }, "", 0);
	else
		replace(text, (struct part){ line.at, 0 }, "    ", choose_between(choices, 1, 4));
}

static void put_number(struct text *text, const struct text *other, struct choices *choices)
{
	unsigned long long first = choose_odd(choices), last = choose_odd(choices);
	char number[64];

	if (one_in(choices, 2))
		first %= 64;
	switch (choose(choices, 6)) {
	case 0:
		snprintf(number, sizeof(number), "%llu", first);
		break;
	case 1:
		snprintf(number, sizeof(number), "0x%llx", first);
		break;
	case 2:
		snprintf(number, sizeof(number), "-%llu", first);
		break;
	case 3:
		snprintf(number, sizeof(number), "%llu%c", first, "KMGTx"[choose(choices, 5)]);
		break;
	case 4:
		snprintf(number, sizeof(number), "0x%llx..0x%llx", first, last);
		break;
	default:
		snprintf(number, sizeof(number), "%llu+%llu", first, last);
		break;
	}
	replace(text, any_word(text, choices), number, strlen(number));
}

static void put_special(struct text *text, const struct text *other, struct choices *choices)
{
	static const char *const specials[] = {
		"",	"~",	 "null",   "yes",      "no",	  "''",	   "\"",	  "'",
		"[]",	"{}",	 "[",	   "}",	       ": ",	  "- ",	   "#",		  "\t",
		"*a",	"&a ",	 "<<: *a", "!!binary ", "!x ",	  "|\n",   ">\n",	  "---\n",
		"...\n", "%YAML", "\xff",  "\xc3\xa4", "\xe2\x80\xa8", "\r\n", "\\x00",	  "$",
		"$$",	"$a",	 ",",	   "=",	       "..",	  "/",	   "../x.yaml",	  "*",
	};
	const char *special = specials[choose(choices, sizeof(specials) / sizeof(specials[0]))];
	struct part word = any_word(text, choices);

	if (one_in(choices, 2))
		word.n = 0;
	replace(text, word, special, strlen(special));
}

/* Something in itself, deeper than anybody needs. */
static void nest(struct text *text, const struct text *other, struct choices *choices)
{
	static const char *const openings[] = { "[", "{a: ", "- ", "[[{" };
	const char *opening = openings[choose(choices, 4)];
	size_t depth = choose(choices, one_in(choices, 4) ? 20000 : 40);
	size_t at = any_word(text, choices).at;

	while (depth--)
		replace(text, (struct part){ at, 0 }, opening, strlen(opening));
}

/* A very long word. */
static void stretch(struct text *text, const struct text *other, struct choices *choices)
{
	char many[4096];

	memset(many, 'a' + (int)choose(choices, 26), sizeof(many));
	replace(text, any_word(text, choices), many, choose(choices, sizeof(many)));
}

static void flip(struct text *text, const struct text *other, struct choices *choices)
{
	if (text->n)
		text->bytes[choose(choices, text->n)] = (char)choose(choices, 256);
}

static void cut(struct text *text, const struct text *other, struct choices *choices)
{
	text->n = choose(choices, text->n + 1);
}

/* The rest comes from the other one. */
static void splice(struct text *text, const struct text *other, struct choices *choices)
{
	struct part to = any_line(text, choices), from = any_line(other, choices);

	to.n = text->n - to.at;
	replace(text, to, other->bytes + from.at, other->n - from.at);
}

static const struct {
	unsigned weight;
	void (*edit)(struct text *text, const struct text *other, struct choices *choices);
} edits[] = {
	{ 12, change_word }, { 8, change_line }, { 10, insert_line }, { 6, repeat_line },
	{ 8, drop_line },    { 4, drop_word },	 { 2, indent },	      { 12, put_number },
	{ 6, put_special },  { 1, nest },	 { 1, stretch },      { 2, flip },
	{ 1, cut },	     { 2, splice },
};

void edit_any(struct text *text, const struct text *other, struct choices *choices)
{
	unsigned sum = 0;
	uint64_t which;
	size_t i = 0;

	for (size_t row = 0; row < sizeof(edits) / sizeof(edits[0]); row++)
		sum += edits[row].weight;
	which = choose(choices, sum);
	while (which >= edits[i].weight)
		which -= edits[i++].weight;
	edits[i].edit(text, other, choices);
}
