/* SPDX-License-Identifier: MIT */
/* Holding what happened against what was expected. See compare.h. */
#include "case/compare.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "base/value.h"
#include "fault_args.h"

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
		fprintf(message, "expected %s %s, which is not a number; got 0x%" PRIx64, expect->name,
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
	if (expect->any)
		return true;
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

#define PLACE_MAX 120

static void show_difference(const char *place, json_object *before, json_object *after, FILE *message)
{
	fprintf(message, "%s %s became %s", place,
		before ? json_object_to_json_string(before) : "(nothing)",
		after ? json_object_to_json_string(after) : "(nothing)");
}

static bool compare_values(const char *place, json_object *before, json_object *after, FILE *message);

/* Has @after a key that @before has not? That is shown. */
static bool has_more(const char *place, json_object *before, json_object *after, FILE *message)
{
	json_object_object_foreach(after, key, value) {
		char inner[PLACE_MAX];

		if (json_object_object_get_ex(before, key, NULL))
			continue;
		snprintf(inner, sizeof(inner), "%s.%s", place, key);
		show_difference(inner, NULL, value, message);
		return true;
	}
	return false;
}

static bool compare_objects(const char *place, json_object *before, json_object *after, FILE *message)
{
	json_object_object_foreach(before, key, value) {
		char inner[PLACE_MAX];
		json_object *other;
		bool there = json_object_object_get_ex(after, key, &other);

		snprintf(inner, sizeof(inner), "%s.%s", place, key);
		if (there && compare_values(inner, value, other, message))
			continue;
		if (!there)
			show_difference(inner, value, NULL, message);
		return false;
	}
	return !has_more(place, before, after, message);
}

static bool compare_arrays(const char *place, json_object *before, json_object *after, FILE *message)
{
	size_t n = json_object_array_length(before), m = json_object_array_length(after);
	char inner[PLACE_MAX];

	for (size_t i = 0; i < n || i < m; i++) {
		json_object *one = i < n ? json_object_array_get_idx(before, i) : NULL;
		json_object *other = i < m ? json_object_array_get_idx(after, i) : NULL;

		snprintf(inner, sizeof(inner), "%s[%zu]", place, i);
		if (i < n && i < m && compare_values(inner, one, other, message))
			continue;
		if (i >= n || i >= m)
			show_difference(inner, one, other, message);
		return false;
	}
	return true;
}

/* False, and the first that differs in @message: "containers[0].mappings[1].last "0x1fff" became ..." */
static bool compare_values(const char *place, json_object *before, json_object *after, FILE *message)
{
	if (json_object_equal(before, after))
		return true;
	if (json_object_is_type(before, json_type_object) && json_object_is_type(after, json_type_object))
		return compare_objects(place, before, after, message);
	if (json_object_is_type(before, json_type_array) && json_object_is_type(after, json_type_array))
		return compare_arrays(place, before, after, message);
	show_difference(place, before, after, message);
	return false;
}

static bool compare_list(const char *key, json_object *before, json_object *after, FILE *message)
{
	json_object *one = json_object_object_get(before, key), *other = json_object_object_get(after, key);

	if (!json_object_is_type(one, json_type_array) || !json_object_is_type(other, json_type_array)) {
		fprintf(message, "the machine's state has no list of %s", key);
		return false;
	}
	if (json_object_equal(one, other))
		return true;
	fputs("expected nothing to change, but in ", message);
	return compare_values(key, one, other, message);
}

/* Of the counters, the one that a refusal may not move. */
static bool compare_domains(json_object *before, json_object *after, FILE *message)
{
	json_object *one = json_object_object_get(json_object_object_get(before, "counters"), "domains");
	json_object *other = json_object_object_get(json_object_object_get(after, "counters"), "domains");

	if (json_object_equal(one, other))
		return true;
	fputs("expected nothing to change, but in ", message);
	return compare_values("counters.domains", one, other, message);
}

bool compare_state(const char *before, const char *after, FILE *message)
{
	static const char *const keys[] = { "containers", "iommufds", "groups" };
	json_object *one = json_tokener_parse(before), *other = json_tokener_parse(after);
	bool same = compare_domains(one, other, message);

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && same; i++)
		same = compare_list(keys[i], one, other, message);
	json_object_put(one);
	json_object_put(other);
	return same;
}

/* ---- Faults ------------------------------------------------------------ */

static bool has_fired(json_object *fault, FILE *message)
{
	uint64_t met = json_object_get_uint64(json_object_object_get(fault, "met"));
	char words[48];

	if (json_object_get_uint64(json_object_object_get(fault, "fired")))
		return true;
	fprintf(message, "a fault never fired: %s (%s)",
		json_object_get_string(json_object_object_get(fault, "fault")),
		fault_met_words(met, words, sizeof(words)));
	return false;
}

bool compare_faults(const char *state, FILE *message)
{
	json_object *root = json_tokener_parse(state);
	json_object *faults = json_object_object_get(root, "injected");
	bool fired = true;

	for (size_t i = 0; fired && faults && i < json_object_array_length(faults); i++)
		fired = has_fired(json_object_array_get_idx(faults, i), message);
	json_object_put(root);
	return fired;
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
	char placed[256];
	const char *name;

	selector_placed(selector, placed, sizeof(placed));
	fprintf(log, "outcome: spaces=%u placed=[%s] omitted=[", selector_spaces(selector), placed);
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
