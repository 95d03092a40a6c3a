/* SPDX-License-Identifier: MIT */
#include "learn/trace_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/errnos.h"
#include "cli.h"
#include "report/lines.h"
#include "report/words.h"

#define INDENT 6

/* A member's text; NULL: it has none. */
static const char *text_of(json_object *event, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(event, key, &value) ? json_object_get_string(value) : NULL;
}

static void tell_list(json_object *event, const char *key, const char *head, FILE *to)
{
	json_object *list;

	if (!json_object_object_get_ex(event, key, &list) || !json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		lines_put(to, INDENT, head, json_object_get_string(json_object_array_get_idx(list, i)));
}

static void tell_args(json_object *event, FILE *to)
{
	char text[1000] = "";
	size_t n = 0;
	json_object *args;
	struct json_object_iterator at, end;

	if (!json_object_object_get_ex(event, "args", &args) || !json_object_is_type(args, json_type_object))
		return;
	at = json_object_iter_begin(args);
	end = json_object_iter_end(args);
	for (; !json_object_iter_equal(&at, &end) && n < sizeof(text); json_object_iter_next(&at))
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%s", json_object_iter_peek_name(&at),
				      json_object_get_string(json_object_iter_peek_value(&at)));
	lines_putf(to, INDENT, "", "%s%s", text_of(event, "verb"), text);
}

static void tell_refusal(json_object *event, FILE *to)
{
	const char *name = text_of(event, "error"), *rule = text_of(event, "rule");
	const char *reason = text_of(event, "reason"), *mirrors = text_of(event, "mirrors");
	int error = name ? errno_by_name(name) : -1;

	lines_putf(to, INDENT, "", "refused: %s (%s)", name ? name : "?", error > 0 ? strerror(error) : "?");
	if (rule)
		lines_putf(to, INDENT, "because ", "%s [%s; Linux: %s]", reason ? reason : "", rule,
			   mirrors ? mirrors : "?");
	tell_list(event, "walk", "- ", to);
	if (text_of(event, "provoke"))
		fprintf(to, "%*sprovoke it: --fault %s\n", INDENT, "", text_of(event, "provoke"));
	if (rule)
		fprintf(to, "%*smore: vfiosim explain %s\n", INDENT, "", rule);
}

static void tell_event(json_object *event, uint64_t number, FILE *to)
{
	const char *verb = text_of(event, "verb"), *object = text_of(event, "object");
	const char *words = verb ? words_for_verb(verb) : NULL;

	fprintf(to, "%4llu  %s: %s\n", (unsigned long long)number, object ? object : "?",
		words ? words : verb ? verb : "?");
	tell_args(event, to);
	if (text_of(event, "error")) {
		tell_refusal(event, to);
		return;
	}
	fprintf(to, "%*sok\n", INDENT, "");
	tell_list(event, "changes", "-> ", to);
}

struct reading {
	const char *path;
	uint64_t step;
	uint64_t events, refused, told;
	FILE *to;
};

static int read_event(struct reading *reading, const char *line, unsigned number)
{
	json_object *event = json_tokener_parse(line), *n;
	bool refused;

	if (!event || !json_object_object_get_ex(event, "n", &n) || !text_of(event, "verb")) {
		cli_error("%s:%u: this is not a trace: expected a line of JSON as `vfiosim run --trace FILE` writes it",
			  reading->path, number);
		json_object_put(event);
		return 2;
	}
	refused = text_of(event, "error") != NULL;
	reading->events++;
	reading->refused += refused;
	if (reading->step ? (uint64_t)json_object_get_int64(n) == reading->step : refused) {
		tell_event(event, (uint64_t)json_object_get_int64(n), reading->to);
		reading->told++;
	}
	json_object_put(event);
	return 0;
}

static int finish(const struct reading *reading)
{
	if (reading->step && !reading->told) {
		cli_error("%s: no event has the number %llu; there are %llu", reading->path,
			  (unsigned long long)reading->step, (unsigned long long)reading->events);
		return 2;
	}
	if (!reading->step)
		fprintf(reading->to, "%llu events, %llu refused. --step N tells of any.\n",
			(unsigned long long)reading->events, (unsigned long long)reading->refused);
	return 0;
}

int trace_file_tell(const char *path, uint64_t step, FILE *to)
{
	struct reading reading = { .path = path, .step = step, .to = to };
	FILE *from = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	if (!from) {
		cli_error("%s: cannot be read: %s", path, strerror(errno));
		return 2;
	}
	for (unsigned number = 1; !status && getline(&line, &size, from) > 0; number++)
		status = read_event(&reading, line, number);
	if (!status && ferror(from)) {
		cli_error("%s: cannot be read: %s", path, strerror(errno));
		status = 2;
	}
	free(line);
	fclose(from);
	return status ? status : finish(&reading);
}
