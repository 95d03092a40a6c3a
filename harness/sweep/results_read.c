/* SPDX-License-Identifier: MIT */
/* Reports are read again; see results.h. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "sweep/results.h"

static const char *text_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) : "";
}

static int word_index(const char *word, const char *const *words)
{
	int i = 0;

	while (words[i] && strcmp(words[i], word))
		i++;
	return words[i] ? i : -1;
}

static bool take_result(struct results *results, struct json_object *object)
{
	int outcome = word_index(text_of(object, "outcome"), judge_outcomes);
	int defect = word_index(text_of(object, "defect"), judge_defects);
	struct result *to;

	if (outcome < 0 || defect < 0 || !*text_of(object, "point"))
		return false;
	to = results_add(results, text_of(object, "point"));
	if (!to)
		return false;
	to->number = strtoull(text_of(object, "n"), NULL, 10);
	to->tested = true;
	to->status = atoi(text_of(object, "status"));
	to->verdict = (struct verdict){ .outcome = (enum judge_outcome)outcome,
					      .defect = (enum judge_defect)defect };
	snprintf(to->verdict.detail, sizeof(to->verdict.detail), "%s", text_of(object, "detail"));
	return true;
}

static bool take_head(struct results *results, struct json_object *object)
{
	results->plan = strtoull(text_of(object, "plan"), NULL, 16);
	results->points = strtoull(text_of(object, "points"), NULL, 10);
	return results->plan;
}

static bool take_line(struct results *results, const char *line, bool head)
{
	struct json_object *object = json_tokener_parse(line);
	bool good = json_object_is_type(object, json_type_object) &&
		    (head ? take_head(results, object) : take_result(results, object));

	json_object_put(object);
	return good;
}

int results_read_json(struct results *results, const char *path)
{
	FILE *from = fopen(path, "re");
	size_t size = 0, number = 0;
	char *line = NULL;
	bool good = true;

	*results = (struct results){ 0 };
	if (!from) {
		cli_error("cannot read %s: %s", path, strerror(errno));
		return -errno;
	}
	while (good && getline(&line, &size, from) >= 0)
		good = take_line(results, line, !number++);
	fclose(from);
	free(line);
	if (good && number)
		return 0;
	cli_error("%s: line %zu is not of a report that `vfiosim sweep --json` writes", path,
		  number ? number : 1);
	results_done(results);
	*results = (struct results){ 0 };
	return -EINVAL;
}
