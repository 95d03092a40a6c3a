/* SPDX-License-Identifier: MIT */
/* Cases by name, glob or file, and their plays. See library.h. */
#include "case/library.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/nearest.h"
#include "case/builtin.h"
#include "case/topics.h"
#include "select/policy.h"

#define NAMES_MAX 512

static int add(struct library *library, struct case_file *file)
{
	struct case_file **files;

	files = realloc(library->files, (library->n + 1) * sizeof(struct case_file *));
	if (!files) {
		case_free(file);
		return -ENOMEM;
	}
	library->files = files;
	files[library->n++] = file;
	return 0;
}

static bool has(const struct library *library, const char *name)
{
	for (size_t i = 0; i < library->n; i++)
		if (!strcmp(library->files[i]->name, name) && !library->files[i]->chosen)
			return true;
	return false;
}

static int parse_builtin(const struct case_builtin *builtin, struct case_file **ret_file,
			 struct vfiosim_errors *errors)
{
	char name[128];
	int error;

	snprintf(name, sizeof(name), "%s.yaml", builtin->name);
	error = case_parse(name, builtin->text, builtin->length, ret_file, errors);
	if (!error)
		(*ret_file)->topic = builtin->topic;
	return error;
}

static int add_builtin(struct library *library, const struct case_builtin *builtin,
		       struct vfiosim_errors *errors)
{
	struct case_file *file;
	int error;

	if (has(library, builtin->name))
		return 0;	/* two patterns name it: once is enough */
	error = parse_builtin(builtin, &file, errors);
	return error ? error : add(library, file);
}

/* NAME/VARIANT, unless there is a file of that name. NULL: @pattern is none. */
static const struct case_builtin *named_with_variant(const char *pattern)
{
	const struct case_builtin *builtin;
	size_t length = strcspn(pattern, "/");

	for (size_t i = 0; pattern[length] && (builtin = case_builtin(i)); i++)
		if (strlen(builtin->name) == length && !strncmp(builtin->name, pattern, length))
			return access(pattern, F_OK) ? builtin : NULL;
	return NULL;
}

static bool has_variant(const struct case_file *file, const char *glob)
{
	for (size_t i = 0; i < case_variants(file); i++)
		if (case_variant(file, i) && !fnmatch(glob, case_variant(file, i), 0))
			return true;
	return false;
}

static int no_variant(const struct case_file *file, const char *name, struct vfiosim_errors *errors)
{
	const char *known[NAMES_MAX];
	char hint[160];
	size_t n = 0;

	for (; n < NAMES_MAX && n < case_variants(file) && case_variant(file, n); n++)
		known[n] = case_variant(file, n);
	if (*suggestion(name, known, n, hint, sizeof(hint)))
		errors_add(errors, "", 0, 0, "case %s has no variant '%s'%s", file->name, name, hint);
	else
		errors_add(errors, "", 0, 0, "case %s has no variant '%s'; `vfiosim case show %s` shows them",
			   file->name, name, file->name);
	return -ENOENT;
}

static int add_chosen(struct library *library, const struct case_builtin *builtin, const char *variant,
		      struct vfiosim_errors *errors)
{
	struct case_file *file;
	int error = parse_builtin(builtin, &file, errors);

	if (error)
		return error;
	if (!has_variant(file, variant)) {
		error = no_variant(file, variant, errors);
		case_free(file);
		return error;
	}
	file->chosen = variant;
	return add(library, file);
}

static int no_match(const char *pattern, struct vfiosim_errors *errors)
{
	const char *known[NAMES_MAX];
	char hint[160];
	size_t n = 0;

	for (; n < NAMES_MAX && case_builtin(n); n++)
		known[n] = case_builtin(n)->name;
	for (size_t i = 0; n < NAMES_MAX && topic_at(i); i++)
		known[n++] = topic_at(i)->name;
	if (*suggestion(pattern, known, n, hint, sizeof(hint)))
		errors_add(errors, "", 0, 0, "no case matches '%s'%s", pattern, hint);
	else
		errors_add(errors, "", 0, 0, "no case matches '%s'; `vfiosim case list` names them",
			   pattern);
	return -ENOENT;
}

static int add_topic(struct library *library, const struct topic *topic, struct vfiosim_errors *errors)
{
	const struct case_builtin *builtin;
	int error = 0;

	for (size_t i = 0; (builtin = case_builtin(i)) && !error; i++)
		if (topic_holds(topic, builtin->topic))
			error = add_builtin(library, builtin, errors);
	return error;
}

static int add_pattern(struct library *library, const char *pattern,
		       struct vfiosim_errors *errors)
{
	const struct case_builtin *builtin;
	bool found = false;
	int error = 0;

	if (named_with_variant(pattern))
		return add_chosen(library, named_with_variant(pattern), strchr(pattern, '/') + 1, errors);
	if (yaml_is_path(pattern)) {
		struct case_file *file;

		error = case_load(pattern, &file, errors);
		return error ? error : add(library, file);
	}
	for (size_t i = 0; (builtin = case_builtin(i)) && !error; i++) {
		if (fnmatch(pattern, builtin->name, 0))
			continue;
		found = true;
		error = add_builtin(library, builtin, errors);
	}
	if (!found && topic_by_name(pattern))
		return add_topic(library, topic_by_name(pattern), errors);
	return error || found ? error : no_match(pattern, errors);
}

int library_load(char **patterns, size_t n, struct library *ret_library,
		 struct vfiosim_errors *errors)
{
	struct library library = { 0 };
	int error = 0;

	errors_init(errors);
	if (!n)
		error = add_pattern(&library, "*", errors);
	for (size_t i = 0; i < n; i++)
		error = worse(error, add_pattern(&library, patterns[i], errors));
	if (error)
		library_done(&library);
	else
		*ret_library = library;
	return error;
}

void library_done(struct library *library)
{
	for (size_t i = 0; i < library->n; i++)
		case_free(library->files[i]);
	free(library->files);
	*library = (struct library){ 0 };
}

/* ---- Plays ------------------------------------------------------------- */

struct collector {
	const struct play_filter *filter;
	struct play *plays;
	size_t n;
};

static int add_play(struct collector *to, const struct case_file *file, size_t variant,
		    enum mode mode, const struct policy *policy)
{
	struct play *plays = realloc(to->plays, (to->n + 1) * sizeof(*plays));

	if (!plays)
		return -ENOMEM;
	to->plays = plays;
	plays[to->n++] = (struct play){ .file = file, .variant = variant, .mode = mode,
					.policy = policy };
	return 0;
}

static int add_variant(struct collector *to, const struct case_file *file, size_t variant,
		       enum mode mode)
{
	const struct play_filter *filter = to->filter;
	int error = 0;

	if (file->scripted && library_has_policy(filter, NULL))
		error = add_play(to, file, variant, mode, NULL);
	for (size_t i = 0; file->outcome && i < file->outcome->n && !error; i++) {
		const struct policy *policy = policy_by_name(file->outcome->keys[i].text);

		if (case_policy_fits(policy, mode) && library_has_policy(filter, policy))
			error = add_play(to, file, variant, mode, policy);
	}
	return error;
}

bool library_has_policy(const struct play_filter *filter, const struct policy *policy)
{
	return !filter->policies || filter->policies >> policy_index(policy) & 1;
}

bool library_has_variant(const struct play_filter *filter, const struct case_file *file, size_t variant)
{
	const char *name = case_variant(file, variant);

	if (filter->variant && (!name || fnmatch(filter->variant, name, 0)))
		return false;
	return !file->chosen || (name && !fnmatch(file->chosen, name, 0));
}

static int add_case(struct collector *to, const struct case_file *file)
{
	const struct play_filter *filter = to->filter;
	int error = 0;

	for (size_t variant = 0; variant < case_variants(file) && !error; variant++) {
		if (!library_has_variant(filter, file, variant))
			continue;
		for (unsigned mode = 0; mode < MODE_COUNT && !error; mode++)
			if (file->modes[mode] && (filter->mode < 0 || filter->mode == (int)mode))
				error = add_variant(to, file, variant, (enum mode)mode);
	}
	return error;
}

int library_plays(const struct library *library, const struct play_filter *filter,
		  struct play **ret_plays, size_t *ret_n)
{
	struct collector to = { .filter = filter };
	int error = 0;

	for (size_t i = 0; i < library->n && !error; i++)
		error = add_case(&to, library->files[i]);
	if (error) {
		library_plays_done(to.plays, to.n);
		return error;
	}
	*ret_plays = to.plays;
	*ret_n = to.n;
	return 0;
}

void library_plays_done(struct play *plays, size_t n)
{
	for (size_t i = 0; i < n; i++)
		case_play_done(&plays[i]);
	free(plays);
}

/* ---- When nothing is left ---------------------------------------------- */

#define WORDS_MAX 64

/* Words, each once. */
struct words {
	const char *list[WORDS_MAX];
	size_t n;
};

static void add_word(struct words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strcmp(words->list[i], word))
			return;
	if (words->n < WORDS_MAX)
		words->list[words->n++] = word;
}

static void collect_variants(const struct case_file *file, struct words *words)
{
	for (size_t i = 0; file->variants && i < case_variants(file); i++)
		add_word(words, case_variant(file, i));
}

static void collect_modes(const struct case_file *file, struct words *words)
{
	for (unsigned mode = 0; mode < MODE_COUNT; mode++)
		if (file->modes[mode])
			add_word(words, mode_names[mode]);
}

static void collect_policies(const struct case_file *file, struct words *words)
{
	if (file->scripted)
		add_word(words, "none");
	for (size_t i = 0; file->outcome && i < file->outcome->n; i++)
		add_word(words, file->outcome->keys[i].text);
}

static bool passes_any(const struct library *library, const struct play_filter *filter)
{
	struct play *plays = NULL;
	size_t n = 0;

	if (!library_plays(library, filter, &plays, &n))
		library_plays_done(plays, n);
	return n > 0;
}

/* An option of the filter: what it says, alone, and what the cases have. */
struct part {
	const char *option, *value;
	const char *many;	/* what the cases may have */
	struct play_filter alone;
	void (*collect)(const struct case_file *file, struct words *words);
};

static void put_part(const struct library *library, const struct part *part, FILE *to)
{
	struct words words = { .n = 0 };

	for (size_t i = 0; i < library->n; i++)
		part->collect(library->files[i], &words);
	fprintf(to, "%s %s leaves nothing to run; %s %s %s", part->option, part->value,
		library->n == 1 ? "the case has" : "the cases have", words.n ? "the" : "no",
		part->many);
	for (size_t i = 0; i < words.n; i++)
		fprintf(to, "%s %s", i ? "," : "", words.list[i]);
}

/* As --policy takes them: "qemu-legacy,none". */
static const char *name_policies(const struct play_filter *filter, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i <= policy_index(NULL) && used < size; i++)
		if (filter->policies >> i & 1)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? "," : "",
						 policy_at(i) ? policy_at(i)->name : "none");
	return to;
}

void library_why_nothing(const struct library *library, const struct play_filter *filter, FILE *to)
{
	char policies[400];
	const struct part parts[] = {
		{ "--variant", filter->variant, "variants", { .variant = filter->variant, .mode = -1 },
		  collect_variants },
		{ "--mode", filter->mode < 0 ? NULL : mode_names[filter->mode],
		  "modes", { .mode = filter->mode }, collect_modes },
		{ "--policy", filter->policies ? name_policies(filter, policies, sizeof(policies)) : NULL, "policies",
		  { .mode = -1, .policies = filter->policies }, collect_policies },
	};
	const char *before = "";

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].value || passes_any(library, &parts[i].alone))
			continue;
		put_part(library, &parts[i], to);
		return;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].value)
			continue;
		fprintf(to, "%s%s %s", before, parts[i].option, parts[i].value);
		before = " with ";
	}
	fputs(" leaves nothing to run, though each alone does", to);
}
