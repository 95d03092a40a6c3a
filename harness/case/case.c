/* SPDX-License-Identifier: MIT */
/* Reading a case: the head of the file, and its plays. See case.h. */
#include "case/case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "case/verb.h"
#include "select/policy.h"

const struct mode_row modes[MODE_COUNT] = {
	[MODE_LEGACY] = { "legacy", NULL },
	[MODE_IOMMUFD] = { "iommufd", NULL },
};
const char *const mode_names[] = { "legacy", "iommufd", NULL };

static const char *const head_keys[] = { "about", "topology", "params", "skip", "modes", "variants",
					 "steps", "outcome", NULL };

/* ---- Errnos by name ---------------------------------------------------- */

const char *errno_name(int error, char *buffer)
{
	const char *name = error == EINPROGRESS ? "blocks" : strerrorname_np(error);

	if (name)
		return name;
	snprintf(buffer, 24, "errno %d", error);
	return buffer;
}

int errno_by_name(const char *name)
{
	for (int error = 1; error < 134; error++) {
		const char *own = strerrorname_np(error);

		if (own && !strcmp(own, name))
			return error;
	}
	return -1;
}

bool case_is_yaml(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name && !strcmp(dot, ".yaml");
}

/* ---- What values stand for --------------------------------------------- */

static bool is_mode_map(const struct node *node)
{
	if (node->kind != NODE_MAP || !node->n)
		return false;
	for (size_t i = 0; i < node->n; i++)
		if (strcmp(node->keys[i].text, mode_names[MODE_LEGACY]) &&
		    strcmp(node->keys[i].text, mode_names[MODE_IOMMUFD]))
			return false;
	return true;
}

const struct node *case_pick(const struct node *node, const struct node *values, enum mode mode)
{
	for (int i = 0; i < 4 && node; i++) {
		const struct node *next = node_resolve(node, values);

		if (is_mode_map(next))
			next = node_get(next, mode_names[mode]);
		if (next == node)
			break;
		node = next;
	}
	return node;
}

/* ---- The head ---------------------------------------------------------- */

static int check_keys(const struct node *map, const char *what, const char *const *known,
		      struct vfiosim_error *ret_error)
{
	if (map->kind != NODE_MAP)
		return node_error(map, ret_error, "expected a map: KEY: VALUE");
	for (size_t i = 0; i < map->n; i++) {
		size_t k = 0;

		while (known[k] && strcmp(known[k], map->keys[i].text))
			k++;
		if (!known[k])
			return node_unknown(&map->keys[i], ret_error, what, known);
	}
	return 0;
}

static int read_modes(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *node = node_get(file->root, "modes");

	if (!node) {
		file->modes[MODE_LEGACY] = true;
		return 0;
	}
	if (node->kind != NODE_LIST || !node->n)
		return node_error(node, ret_error, "expected a list: [legacy] or [legacy, iommufd]");
	for (size_t i = 0; i < node->n; i++) {
		unsigned mode;
		int error = node_choice(&node->items[i], "mode", mode_names, &mode, ret_error);

		if (error)
			return error;
		file->modes[mode] = true;
	}
	return 0;
}

static int read_variants(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *node = node_get(file->root, "variants");

	if (!node)
		return 0;
	if (node->kind != NODE_MAP || !node->n)
		return node_error(node, ret_error,
				  "expected a map of rows: NAME: {VALUE: ..., ...}");
	for (size_t i = 0; i < node->n; i++)
		if (node->items[i].kind != NODE_MAP)
			return node_error(&node->items[i], ret_error,
					  "expected the values of variant '%s': {NAME: VALUE, ...}",
					  node->keys[i].text);
	file->variants = node;
	return 0;
}

/* A topology named by path is looked up beside the case. */
static int read_topology(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *node = node_get(file->root, "topology");
	const char *name, *slash = strrchr(file->root->file, '/');
	int error;

	if (!node)
		return node_error(file->root, ret_error, "the case says no 'topology:'");
	error = node_text(node, "the name of a topology, or a path", &name, ret_error);
	if (error)
		return error;
	file->topology_node = node;
	if (name[0] != '/' && slash && (strchr(name, '/') || case_is_yaml(name))) {
		if (asprintf(&file->topology_name, "%.*s/%s", (int)(slash - file->root->file),
			     file->root->file, name) < 0)
			file->topology_name = NULL;
	} else {
		file->topology_name = strdup(name);
	}
	return file->topology_name ? 0 : -ENOMEM;
}

/* A policy that plays none of the case's modes would never be played, and nobody would notice. */
static int check_policy(const struct case_file *file, const struct node *key,
			struct vfiosim_error *ret_error)
{
	const struct policy *policy = policy_by_name(key->text);

	for (unsigned mode = 0; mode < MODE_COUNT; mode++)
		if (file->modes[mode] && case_policy_fits(policy, (enum mode)mode))
			return 0;
	return node_error(key, ret_error, "policy %s plays mode %s, which is not among the modes",
			  policy->name, policy->mode);
}

static int read_outcome(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *node = node_get(file->root, "outcome");
	const char *known[16] = { NULL };
	int error;

	if (!node)
		return 0;
	for (size_t i = 0; i < 15 && policy_at(i); i++)
		known[i] = policy_at(i)->name;
	file->outcome = node;
	error = check_keys(node, "policy", known, ret_error);
	for (size_t i = 0; i < node->n && !error; i++)
		error = check_policy(file, &node->keys[i], ret_error);
	return error;
}

static int read_steps(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *node = node_get(file->root, "steps");

	if (!node)
		return node_error(file->root, ret_error, "the case has no 'steps:'");
	if (node->kind != NODE_LIST || !node->n)
		return node_error(node, ret_error, "expected a list of steps: - VERB: {...}");
	file->steps = node;
	file->scripted = true;
	for (size_t i = 0; i < node->n; i++)
		for (size_t k = 0; node->items[i].kind == NODE_MAP && k < node->items[i].n; k++) {
			const struct verb *verb = verb_by_name(node->items[i].keys[k].text);

			if (verb && verb->needs_policy)
				file->scripted = false;
		}
	if (!file->scripted && !file->outcome)
		return node_error(node, ret_error,
				  "plug and unplug need a policy: say how it ends, "
				  "'outcome: {qemu-legacy: {spaces: 1}}'");
	return 0;
}

static int read_skip(struct case_file *file, struct vfiosim_error *ret_error)
{
	static const char *const targets[] = { "inproc", "fuse", "host", NULL };
	const struct node *node = node_get(file->root, "skip");
	const char *reason;
	int error = node ? check_keys(node, "target", targets, ret_error) : 0;

	for (size_t i = 0; node && i < node->n && !error; i++)
		error = node_text(&node->items[i], "the reason", &reason, ret_error);
	file->skip = node;
	return error;
}

static int read_head(struct case_file *file, struct vfiosim_error *ret_error)
{
	const struct node *about;
	int error = check_keys(file->root, "key", head_keys, ret_error);

	if (error)
		return error;
	about = node_get(file->root, "about");
	if (!about)
		return node_error(file->root, ret_error, "the case has no 'about:'");
	error = node_text(about, "a sentence", &file->about, ret_error);
	if (!error)
		error = read_topology(file, ret_error);
	if (!error)
		error = read_modes(file, ret_error);
	if (!error)
		error = read_variants(file, ret_error);
	if (!error)
		error = read_outcome(file, ret_error);
	if (!error)
		error = read_steps(file, ret_error);
	if (!error)
		error = read_skip(file, ret_error);
	file->params = node_get(file->root, "params");
	return error;
}

/* ---- Whole files ------------------------------------------------------- */

static int try_play(const struct case_file *file, size_t variant, enum mode mode,
		    const struct policy *policy, struct vfiosim_error *ret_error)
{
	struct play play;
	int error = case_play_make(file, variant, mode, policy, &play, ret_error);

	if (!error)
		case_play_done(&play);
	return error;
}

static int try_mode(const struct case_file *file, size_t variant, enum mode mode,
		    struct vfiosim_error *ret_error)
{
	int error = try_play(file, variant, mode, NULL, ret_error);

	for (size_t i = 0; file->outcome && i < file->outcome->n && !error; i++) {
		const struct policy *policy = policy_by_name(file->outcome->keys[i].text);

		if (case_policy_fits(policy, mode))
			error = try_play(file, variant, mode, policy, ret_error);
	}
	return error;
}

/* Every play is made once: what is wrong with any of them is found now. */
static int try_plays(const struct case_file *file, struct vfiosim_error *ret_error)
{
	int error = 0;

	for (size_t variant = 0; variant < case_variants(file) && !error; variant++)
		for (unsigned mode = 0; mode < MODE_COUNT && !error; mode++)
			if (file->modes[mode])
				error = try_mode(file, variant, (enum mode)mode, ret_error);
	return error;
}

/* "cases/mdev/mdev-hotadd.yaml": the name without folder and ending. */
static char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	const char *base = slash ? slash + 1 : file;

	return strndup(base, strlen(base) - (case_is_yaml(base) ? strlen(".yaml") : 0));
}

int case_parse(const char *file, const char *text, size_t length, struct case_file **ret_case,
	       struct vfiosim_error *ret_error)
{
	struct case_file *own = calloc(1, sizeof(*own));
	int error;

	if (!own)
		return -ENOMEM;
	own->name = base_name(file);
	error = own->name ? node_parse(file, text, length, &own->root, ret_error) : -ENOMEM;
	if (!error)
		error = read_head(own, ret_error);
	if (!error)
		error = try_plays(own, ret_error);
	if (error)
		case_free(own);
	else
		*ret_case = own;
	return error;
}

int case_load(const char *path, struct case_file **ret_case, struct vfiosim_error *ret_error)
{
	FILE *from = fopen(path, "re"), *to;
	char *text = NULL, buffer[4096];
	size_t size, n;
	int error;

	if (!from) {
		error = -errno;
		*ret_error = (struct vfiosim_error){ 0 };
		snprintf(ret_error->file, sizeof(ret_error->file), "%s", path);
		snprintf(ret_error->message, sizeof(ret_error->message), "%s", strerror(-error));
		return error;
	}
	to = open_memstream(&text, &size);
	while (to && (n = fread(buffer, 1, sizeof(buffer), from)))
		fwrite(buffer, 1, n, to);
	error = !to ? -ENOMEM : ferror(from) ? -EIO : 0;
	if (to)
		fclose(to);
	fclose(from);
	if (error) {
		*ret_error = (struct vfiosim_error){ 0 };
		snprintf(ret_error->file, sizeof(ret_error->file), "%s", path);
		snprintf(ret_error->message, sizeof(ret_error->message), "cannot be read");
	} else {
		error = case_parse(path, text, size, ret_case, ret_error);
	}
	free(text);
	return error;
}

void case_free(struct case_file *file)
{
	if (!file)
		return;
	node_free(file->root);
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
