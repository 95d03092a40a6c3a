/* SPDX-License-Identifier: MIT */
/* Reading a case: the head of the file, and its plays. See case.h. */
#include "case/case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "base/errors.h"
#include "case/verb.h"
#include "select/policy.h"

const char *const mode_names[MODE_COUNT + 1] = {
	[MODE_LEGACY] = "legacy",
	[MODE_IOMMUFD] = "iommufd",
};

/* More than any story has; each variant plays every step. */
#define VARIANTS_MAX 64
#define STEPS_MAX 1000

/* ---- Errnos by name ---------------------------------------------------- */

const char *errno_name(int error, char *buffer)
{
	const char *name = error == EINPROGRESS ? "blocks" : strerrorname_np(error);

	if (name)
		return name;
	snprintf(buffer, 24, "errno %d", error);
	return buffer;
}

static bool ends_in_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && !strcmp(dot, ".yaml");
}

/* ---- What values stand for --------------------------------------------- */

static bool is_mode_map(const struct ynode *node)
{
	if (node->kind != YNODE_MAP || !node->n)
		return false;
	for (size_t i = 0; i < node->n; i++)
		if (strcmp(node->keys[i].text, mode_names[MODE_LEGACY]) &&
		    strcmp(node->keys[i].text, mode_names[MODE_IOMMUFD]))
			return false;
	return true;
}

/* What `$name` stands for: the value in @values (a map, or NULL), or the node itself. */
static const struct ynode *resolve(const struct ynode *node, const struct ynode *values)
{
	const struct ynode *value;

	if (!node || node->kind != YNODE_SCALAR || node->text[0] != '$')
		return node;
	value = ynode_get(values, node->text + 1);
	return value ? value : node;
}

const struct ynode *case_pick(const struct ynode *node, const struct ynode *values, enum mode mode)
{
	for (int i = 0; i < 4 && node; i++) {
		const struct ynode *next = resolve(node, values);

		if (is_mode_map(next))
			next = ynode_get(next, mode_names[mode]);
		if (next == node)
			break;
		node = next;
	}
	return node;
}

/* ---- The head ---------------------------------------------------------- */

static int check_keys(const struct ynode *map, const char *what, const char *const *known,
		      struct vfiosim_errors *errors)
{
	int error = 0;

	if (map->kind != YNODE_MAP)
		return ynode_expected(map, errors, "a map of keys and values");
	for (size_t i = 0; i < map->n; i++) {
		unsigned index;

		error = worse(error, ynode_choice(&map->keys[i], what, known, &index, errors));
	}
	return error;
}

/* A name or a sentence of the head: variants have no say in it. */
static int read_text(const struct ynode *node, const char *what, const char **ret_text,
		     struct vfiosim_errors *errors)
{
	int error = ynode_text(node, what, ret_text, errors);

	if (!error && node->text[0] == '$')
		error = ynode_expected(node, errors, what);
	return error;
}

static int read_about(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	return read_text(node, "a sentence", &file->about, errors);
}

static int read_source(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	return read_text(node, "where it was met", &file->source, errors);
}

static int read_symptom(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	return read_text(node, "what users saw", &file->symptom, errors);
}

static int read_teaches(struct case_file *file, const struct ynode *node,
			struct vfiosim_errors *errors)
{
	return read_text(node, "some sentences", &file->teaches, errors);
}

static int read_modes(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	int error = 0;

	if (node->kind != YNODE_LIST || !node->n)
		return ynode_expected(node, errors, "a list: [legacy] or [legacy, iommufd]");
	for (size_t i = 0; i < node->n; i++) {
		unsigned mode = 0;
		int unknown = ynode_choice(&node->items[i], "mode", mode_names, &mode, errors);

		file->modes[mode] |= !unknown;
		error = worse(error, unknown);
	}
	return error;
}

static int read_variants(struct case_file *file, const struct ynode *node,
			 struct vfiosim_errors *errors)
{
	int error = 0;

	if (node->kind != YNODE_MAP || !node->n)
		return ynode_expected(node, errors, "a map of rows, NAME: {VALUE: ..., ...}");
	if (node->n > VARIANTS_MAX)
		return ynode_error(node, errors, "more than %d variants", VARIANTS_MAX);
	for (size_t i = 0; i < node->n; i++)
		if (node->items[i].kind != YNODE_MAP)
			error = ynode_error(&node->items[i], errors,
					    "expected the values of variant '%s': {NAME: VALUE, ...}",
					    node->keys[i].text);
	file->variants = node;
	return error;
}

/* A topology named by path is looked up beside the case. */
static int read_topology(struct case_file *file, const struct ynode *node,
			 struct vfiosim_errors *errors)
{
	const char *name, *slash = strrchr(node->file, '/');
	int error = read_text(node, "the name of a topology, or a path", &name, errors);

	if (error)
		return error;
	file->topology_node = node;
	if (name[0] != '/' && slash && yaml_is_path(name)) {
		if (asprintf(&file->topology_name, "%.*s/%s", (int)(slash - node->file), node->file,
			     name) < 0)
			file->topology_name = NULL;
	} else {
		file->topology_name = strdup(name);
	}
	return file->topology_name ? 0 : -ENOMEM;
}

/* A policy that plays none of the case's modes would never be played, and nobody would notice. */
static int check_policy(const struct case_file *file, const struct ynode *key,
			struct vfiosim_errors *errors)
{
	const struct policy *policy = policy_by_name(key->text);

	for (unsigned mode = 0; mode < MODE_COUNT; mode++)
		if (file->modes[mode] && case_policy_fits(policy, (enum mode)mode))
			return 0;
	return ynode_error(key, errors, "policy %s plays mode %s, which is not among the modes",
			   policy->name, policy->mode);
}

static int read_outcome(struct case_file *file, const struct ynode *node,
			struct vfiosim_errors *errors)
{
	const char *known[16] = { NULL };
	int error;

	for (size_t i = 0; i < 15 && policy_at(i); i++)
		known[i] = policy_at(i)->name;
	file->outcome = node;
	error = check_keys(node, "policy", known, errors);
	for (size_t i = 0; i < node->n && !error; i++)
		error = check_policy(file, &node->keys[i], errors);
	return error;
}

static int read_story_variant(struct case_file *file, const struct ynode *node,
			      struct vfiosim_errors *errors)
{
	int error = read_text(node, "the name of a variant", &file->story.variant, errors);

	if (!error && !ynode_get(file->variants, file->story.variant))
		return ynode_error(node, errors, "there is no variant '%s'", file->story.variant);
	return error;
}

static int read_story_mode(struct case_file *file, const struct ynode *node,
			   struct vfiosim_errors *errors)
{
	unsigned mode = 0;
	int error = ynode_choice(node, "mode", mode_names, &mode, errors);

	if (!error && !file->modes[mode])
		return ynode_error(node, errors, "the case is not written for mode %s", mode_names[mode]);
	file->story.mode = (int)mode;
	return error;
}

static int read_story_policy(struct case_file *file, const struct ynode *node,
			     struct vfiosim_errors *errors)
{
	const char *name;
	int error = read_text(node, "the name of a policy", &name, errors);

	if (error)
		return error;
	file->story.policy = policy_by_name(name);
	if (!file->story.policy || !ynode_get(file->outcome, name))
		return ynode_error(node, errors, "there is no outcome for policy '%s'", name);
	return check_policy(file, node, errors);
}

static int read_story(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	static const char *const known[] = { "variant", "mode", "policy", NULL };
	const struct ynode *variant = ynode_get(node, "variant"), *mode = ynode_get(node, "mode"),
			   *policy = ynode_get(node, "policy");
	int error = check_keys(node, "key", known, errors);

	if (variant)
		error = worse(error, read_story_variant(file, variant, errors));
	if (mode)
		error = worse(error, read_story_mode(file, mode, errors));
	if (policy)
		error = worse(error, read_story_policy(file, policy, errors));
	return error;
}

static int read_steps(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	if (node->kind != YNODE_LIST || !node->n)
		return ynode_expected(node, errors, "a list of steps, - VERB: {...}");
	if (node->n > STEPS_MAX)
		return ynode_error(node, errors, "more than %d steps", STEPS_MAX);
	file->steps = node;
	file->scripted = true;
	for (size_t i = 0; i < node->n; i++)
		for (size_t k = 0; node->items[i].kind == YNODE_MAP && k < node->items[i].n; k++) {
			const struct verb *verb = verb_by_name(node->items[i].keys[k].text);

			if (verb && verb->needs_policy)
				file->scripted = false;
		}
	if (!file->scripted && !ynode_get(file->root, "outcome"))
		return ynode_error(node, errors,
				   "plug and unplug need a policy: say how it ends, "
				   "'outcome: {qemu-legacy: {spaces: 1}}'");
	return 0;
}

static const char *const answer_letters[LESSON_ANSWERS + 1] = { "a", "b", "c" };

static int read_answers(struct case_lesson *lesson, const struct ynode *node,
			struct vfiosim_errors *errors)
{
	int error = check_keys(node, "answer", answer_letters, errors);

	for (unsigned i = 0; i < LESSON_ANSWERS && !error; i++) {
		const struct ynode *answer = ynode_get(node, answer_letters[i]);

		error = answer ? read_text(answer, "an answer", &lesson->answers[i], errors) :
				 ynode_error(node, errors, "there is no answer '%s'", answer_letters[i]);
	}
	return error;
}

/* The step before which it is asked. */
static int read_moment(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	int error = ynode_number(node, &file->lesson.at, errors);

	if (!error && file->steps && (!file->lesson.at || file->lesson.at > file->steps->n))
		return ynode_expected(node, errors, "the number of a step, from 1");
	return error;
}

static int read_lesson(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	static const char *const known[] = { "number", "title", "before", "at", "question", "answers",
					     "right", "why", NULL };
	struct case_lesson *lesson = &file->lesson;
	const struct {
		const char *key, *what, **to;
	} texts[] = {
		{ "title", "the lesson's title", &lesson->title },
		{ "before", "what to know beforehand", &lesson->before },
		{ "question", "a question", &lesson->question },
		{ "why", "why that answer is right", &lesson->why },
	};
	const struct ynode *number = ynode_get(node, "number"), *at = ynode_get(node, "at"),
			   *answers = ynode_get(node, "answers"), *right = ynode_get(node, "right");
	int error = check_keys(node, "key", known, errors);

	if (error)
		return error;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct ynode *text = ynode_get(node, texts[i].key);

		error = worse(error, text ? read_text(text, texts[i].what, texts[i].to, errors) :
					    ynode_error(node, errors, "the lesson has no '%s:'", texts[i].key));
	}
	if (!number || !answers || !right)
		return ynode_error(node, errors, "a lesson needs number, answers and right");
	error = worse(error, ynode_number(number, &lesson->number, errors));
	if (at)
		error = worse(error, read_moment(file, at, errors));
	error = worse(error, read_answers(lesson, answers, errors));
	return worse(error, ynode_choice(right, "answer", answer_letters, &lesson->right, errors));
}

static int read_skip(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	static const char *const targets[] = { "inproc", "fuse", "host", NULL };
	const char *reason;
	int error = check_keys(node, "target", targets, errors);

	for (size_t i = 0; node->kind == YNODE_MAP && i < node->n; i++)
		error = worse(error, read_text(&node->items[i], "the reason", &reason, errors));
	file->skip = node;
	return error;
}

static int read_params(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	if (node->kind != YNODE_MAP)
		return ynode_expected(node, errors, "a map, {dma_entry_limit: 3}");
	file->params = node;
	return 0;
}

static int read_faults(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors)
{
	if (node->kind != YNODE_LIST || !node->n)
		return ynode_expected(node, errors, "a list, [{at: MAP_DMA, when: 3, error: ENOMEM}]");
	file->faults = node;
	return 0;
}

/* In the order in which they are read: a row may look at what those above it said. */
static const struct head_key {
	const char *name;
	int (*read)(struct case_file *file, const struct ynode *node, struct vfiosim_errors *errors);
	bool required;
} head_keys[] = {
	{ "about", read_about, true },
	{ "source", read_source },
	{ "symptom", read_symptom },
	{ "teaches", read_teaches },
	{ "topology", read_topology, true },
	{ "params", read_params },
	{ "faults", read_faults },
	{ "skip", read_skip },
	{ "modes", read_modes },
	{ "variants", read_variants },
	{ "outcome", read_outcome },
	{ "story", read_story },
	{ "steps", read_steps, true },
	{ "lesson", read_lesson },
};

#define N_HEAD_KEYS (sizeof(head_keys) / sizeof(head_keys[0]))

static int read_head(struct case_file *file, struct vfiosim_errors *errors)
{
	const char *known[N_HEAD_KEYS + 1] = { NULL };
	int error;

	for (size_t i = 0; i < N_HEAD_KEYS; i++)
		known[i] = head_keys[i].name;
	error = check_keys(file->root, "key", known, errors);
	if (file->root->kind != YNODE_MAP)
		return error;
	file->story.mode = -1;
	file->modes[MODE_LEGACY] = !ynode_get(file->root, "modes");
	for (size_t i = 0; i < N_HEAD_KEYS; i++) {
		const struct ynode *node = ynode_get(file->root, head_keys[i].name);

		if (node)
			error = worse(error, head_keys[i].read(file, node, errors));
		else if (head_keys[i].required)
			error = worse(error, ynode_error(file->root, errors, "the case has no '%s:'",
							 head_keys[i].name));
	}
	return error;
}

/* ---- Whole files ------------------------------------------------------- */

static int try_play(const struct case_file *file, size_t variant, enum mode mode,
		    const struct policy *policy, struct vfiosim_errors *errors)
{
	struct play play;
	int error = case_play_make(file, variant, mode, policy, &play, errors);

	if (!error)
		case_play_done(&play);
	return error;
}

static int try_mode(const struct case_file *file, size_t variant, enum mode mode,
		    struct vfiosim_errors *errors)
{
	int error = try_play(file, variant, mode, NULL, errors);

	for (size_t i = 0; file->outcome && i < file->outcome->n; i++) {
		const struct policy *policy = policy_by_name(file->outcome->keys[i].text);

		if (case_policy_fits(policy, mode))
			error = worse(error, try_play(file, variant, mode, policy, errors));
	}
	return error;
}

/* Every play is made once: what is wrong with any of them is found now. */
static int try_plays(const struct case_file *file, struct vfiosim_errors *errors)
{
	int error = 0;

	for (size_t variant = 0; variant < case_variants(file); variant++)
		for (unsigned mode = 0; mode < MODE_COUNT; mode++)
			if (file->modes[mode])
				error = worse(error, try_mode(file, variant, (enum mode)mode, errors));
	return error;
}

/* "cases/mdev/mdev-hotadd.yaml": the name without folder and ending. */
static char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;

	return strndup(base, strlen(base) - (ends_in_yaml(base) ? strlen(".yaml") : 0));
}

/* @broken: what is known of the file already. */
static int read_case(struct case_file *file, int broken, struct vfiosim_errors *errors)
{
	int error = worse(broken, read_head(file, errors));

	return error ? error : try_plays(file, errors);
}

/* @text NULL: from @path. */
static int make_case(const char *path, const char *text, size_t length, struct case_file **ret_case,
		     struct vfiosim_errors *errors)
{
	struct case_file *file = calloc(1, sizeof(*file));
	int error;

	if (!file)
		return -ENOMEM;
	arena_init(&file->arena);
	file->path = text ? NULL : arena_text(&file->arena, path, strlen(path));
	file->name = base_name(path);
	if (!file->name || (!text && !file->path))
		error = -ENOMEM;
	else if (text)
		error = yaml_parse(path, text, length, &file->arena, &file->root, errors);
	else
		error = yaml_load(path, &file->arena, &file->root, errors);
	if (file->root)
		error = read_case(file, error, errors);
	if (error)
		case_free(file);
	else
		*ret_case = file;
	return error;
}

int case_parse(const char *file, const char *text, size_t length, struct case_file **ret_case,
	       struct vfiosim_errors *errors)
{
	return make_case(file, text, length, ret_case, errors);
}

int case_load(const char *path, struct case_file **ret_case, struct vfiosim_errors *errors)
{
	return make_case(path, NULL, 0, ret_case, errors);
}

void case_free(struct case_file *file)
{
	if (!file)
		return;
	arena_done(&file->arena);
	free(file->topology_name);
	free(file->name);
	free(file);
}

size_t case_variants(const struct case_file *file)
{
	return file->variants ? file->variants->n : 1;
}

const char *case_variant(const struct case_file *file, size_t index)
{
	return file->variants ? file->variants->keys[index].text : NULL;
}

const char *case_variant_about(const struct case_file *file, size_t index)
{
	const struct ynode *about = file->variants ? ynode_get(&file->variants->items[index], "about") : NULL;

	return about ? about->text : NULL;
}
