/* SPDX-License-Identifier: MIT */
/* Holding what happened against what was expected. See compare.h. */
#include "case/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"

/* ---- A step's result --------------------------------------------------- */

static const char *word(int error, char *buffer)
{
	return error ? errno_name(error, buffer) : "ok";
}

static bool compare_error(const struct expect *expect, const struct result *result, FILE *message)
{
	char wanted[24], got[24];

	if (expect->error == -result->error)
		return true;
	fprintf(message, "expected %s, got %s", word(expect->error, wanted),
		word(-result->error, got));
	if (result->rule[0])
		fprintf(message, " [%s]: %s", result->rule, result->reason);
	return false;
}

static const struct result_value *find_value(const struct result *result, const char *name)
{
	for (unsigned i = 0; i < result->n_values; i++)
		if (!strcmp(result->values[i].name, name))
			return &result->values[i];
	return NULL;
}

static bool compare_number(const struct expect_value *expect, const struct result_value *got,
			   FILE *message)
{
	const char *text = expect->node->kind == YNODE_SCALAR ? expect->node->text : "";
	uint64_t wanted;
	bool yes;

	if (value_bool(text, &yes)) {
		wanted = yes;
	} else if (!value_number(text, &wanted)) {
		fprintf(message, "expected %s %s, which is no number; got 0x%" PRIx64, expect->name,
			*text ? text : "(a list or a map)", got->number);
		return false;
	}
	if (wanted == got->number)
		return true;
	fprintf(message, "expected %s 0x%" PRIx64 ", got 0x%" PRIx64, expect->name, wanted,
		got->number);
	return false;
}

/* A list is compared as its items with one space between them. */
static bool compare_text(const struct expect_value *expect, const struct result_value *got,
			 FILE *message)
{
	const struct ynode *node = expect->node;
	char wanted[256] = "";
	size_t n = 0;

	if (node->kind == YNODE_SCALAR)
		n = (size_t)snprintf(wanted, sizeof(wanted), "%s", node->text);
	for (size_t i = 0; node->kind == YNODE_LIST && i < node->n && n < sizeof(wanted); i++)
		n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, "%s%s", i ? " " : "",
				      node->items[i].text ? node->items[i].text : "?");
	if (!strcmp(wanted, got->text))
		return true;
	fprintf(message, "expected %s '%s', got '%s'", expect->name, wanted, got->text);
	return false;
}

static bool compare_value(const struct expect_value *expect, const struct result *result,
			  FILE *message)
{
	const struct result_value *got = find_value(result, expect->name);

	if (!got) {
		fprintf(message, "expected a value '%s', but the step gave none of that name",
			expect->name);
		return false;
	}
	return got->is_text ? compare_text(expect, got, message) :
			      compare_number(expect, got, message);
}

bool compare_result(const struct expect *expect, const struct result *result, bool rules,
		    FILE *message)
{
	if (!compare_error(expect, result, message))
		return false;
	if (rules && expect->rule && strcmp(expect->rule, result->rule)) {
		fprintf(message, "expected the reason to be %s, but it is %s%s%s", expect->rule,
			result->rule[0] ? result->rule : "unknown", result->rule[0] ? ": " : "",
			result->reason);
		return false;
	}
	for (unsigned i = 0; i < expect->n_values; i++)
		if (!compare_value(&expect->values[i], result, message))
			return false;
	return true;
}

/* ---- The machine, before and after ------------------------------------- */

/* End of the JSON value at @at: behind its last byte. */
static const char *value_end(const char *at)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; *at; at++) {
		if (quoted) {
			if (*at == '\\' && at[1])
				at++;
			else if (*at == '"')
				quoted = false;
			continue;
		}
		if (*at == '"')
			quoted = true;
		else if (*at == '[' || *at == '{')
			depth++;
		else if ((*at == ']' || *at == '}') && !--depth)
			return at + 1;
	}
	return at;
}

/* The array called @key, as text; false when there is none. */
static bool find_array(const char *json, const char *key, const char **ret_first, size_t *ret_size)
{
	char quoted[40];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\n  \"%s\": [", key);
	at = strstr(json, quoted);
	if (!at)
		return false;
	at += strlen(quoted) - 1;
	*ret_first = at;
	*ret_size = (size_t)(value_end(at) - at);
	return true;
}

/* The first line that differs, from both. */
static void show_difference(const char *a, const char *b, FILE *message)
{
	size_t line = 0;	/* where the line begins */

	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		if (a[i] == '\n')
			line = i + 1;
	a += line;
	b += line;
	a += strspn(a, " ");
	b += strspn(b, " ");
	fprintf(message, "'%.*s' became '%.*s'", (int)strcspn(a, "\n"), a, (int)strcspn(b, "\n"),
		b);
}

bool compare_state(const char *before, const char *after, FILE *message)
{
	static const char *const keys[] = { "containers", "iommufds", "groups" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *a, *b;
		size_t a_size, b_size;

		if (!find_array(before, keys[i], &a, &a_size) ||
		    !find_array(after, keys[i], &b, &b_size)) {
			fprintf(message, "the machine's state has no list of %s", keys[i]);
			return false;
		}
		if (a_size == b_size && !memcmp(a, b, a_size))
			continue;
		fprintf(message, "expected nothing to change, but in %s ", keys[i]);
		show_difference(a, b, message);
		return false;
	}
	return true;
}

/* ---- How a policy ended ------------------------------------------------ */

static bool outcome_number(const struct ynode *expect, const char *what, uint64_t got, FILE *message)
{
	const struct expect_value wanted = { what, expect };
	struct result_value value = { .number = got };

	if (!expect)
		return true;
	fprintf(message, "%s:%u:%u: at the end: ", expect->file, expect->line, expect->column);
	return compare_number(&wanted, &value, message) && !fseek(message, 0, SEEK_SET);
}

static bool has_text(const struct ynode *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].text && !strcmp(list->items[i].text, text))
			return true;
	return false;
}

static bool outcome_refused(const struct ynode *expect, const struct selector *selector,
			    FILE *message)
{
	const char *name;
	size_t n = 0;

	if (!expect)
		return true;
	fprintf(message, "%s:%u:%u: at the end: ", expect->file, expect->line, expect->column);
	for (; (name = selector_refused(selector, n)); n++) {
		if (expect->kind == YNODE_LIST && has_text(expect, name))
			continue;
		fprintf(message, "%s was refused, which nobody expected", name);
		return false;
	}
	if (expect->kind == YNODE_LIST && n == expect->n)
		return !fseek(message, 0, SEEK_SET);
	fprintf(message, "expected %zu devices to be refused, %zu were", expect->n, n);
	return false;
}

/* Expected: a list of iovas, `$name`s already looked up by the caller. */
static bool outcome_omitted(const struct play *play, const struct ynode *expect,
			    const struct selector *selector, FILE *message)
{
	const struct ynode *variants = play->file->variants;
	const struct ynode *values = variants ? &variants->items[play->variant] : NULL;
	uint64_t got[64];
	size_t n = selector_omitted(selector, got, 64);

	if (!expect)
		return true;
	fprintf(message, "%s:%u:%u: at the end: ", expect->file, expect->line, expect->column);
	if (expect->kind != YNODE_LIST || expect->n != n) {
		fprintf(message, "expected %zu sections to be left out, %zu were",
			expect->kind == YNODE_LIST ? expect->n : 0, n);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct ynode *item = case_pick(&expect->items[i], values, play->mode);
		const struct expect_value wanted = { "left out", item };
		struct result_value value = { .number = got[i] };

		if (!item || !compare_number(&wanted, &value, message))
			return false;
	}
	return !fseek(message, 0, SEEK_SET);
}

static void log_outcome(const struct selector *selector, FILE *log)
{
	uint64_t omitted[64];
	size_t n = selector_omitted(selector, omitted, 64);
	const char *name;

	fprintf(log, "outcome: spaces=%u omitted=[", selector_spaces(selector));
	for (size_t i = 0; i < n && i < 64; i++)
		fprintf(log, "%s0x%" PRIx64, i ? " " : "", omitted[i]);
	fputs("] refused=[", log);
	for (size_t i = 0; (name = selector_refused(selector, i)); i++)
		fprintf(log, "%s%s", i ? " " : "", name);
	fprintf(log, "] aborted=%d discards=%u\n", selector_aborted(selector),
		selector_discards(selector));
}

bool compare_outcome(const struct play *play, const struct selector *selector, FILE *log,
		     FILE *message)
{
	const struct expect_outcome *expect = &play->outcome;

	log_outcome(selector, log);
	return outcome_number(expect->spaces, "spaces", selector_spaces(selector), message) &&
	       outcome_omitted(play, expect->omitted, selector, message) &&
	       outcome_refused(expect->refused, selector, message) &&
	       outcome_number(expect->aborted, "aborted", selector_aborted(selector), message) &&
	       outcome_number(expect->discards, "discards", selector_discards(selector), message);
}
