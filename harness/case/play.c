/* SPDX-License-Identifier: MIT */
/* Making a play of a case: values filled in, verbs looked up, expectations read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "case/case.h"
#include "case/verb.h"
#include "select/policy.h"

/* What reading one play needs everywhere. */
struct maker {
	struct play *play;
	const struct node *values;	/* of the variant, or NULL */
	struct vfiosim_error *error;
};

static const struct node *pick(const struct maker *maker, const struct node *node)
{
	return case_pick(node, maker->values, maker->play->mode);
}

/* ---- The machine ------------------------------------------------------- */

static int set_memlock(struct maker *maker, const struct node *node)
{
	uint64_t bytes = 0;
	int error = 0;

	if (node->kind == NODE_SCALAR && !strcmp(node->text, "client"))
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_CLIENT, 0);
	else if (node->kind == NODE_SCALAR && !strcmp(node->text, "unlimited"))
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_UNLIMITED, 0);
	else
		error = node_number(node, &bytes, maker->error);
	if (!error && bytes)
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_BYTES, bytes);
	return error;
}

static int set_param(struct maker *maker, const struct node *key, const struct node *node)
{
	static const char *const known[] = { "memlock", "dma_entry_limit",
					     "allow_unsafe_interrupts", "noiommu", "rawio", NULL };
	struct vfiosim_topology *topology = maker->play->topology;
	uint64_t number;
	unsigned index;
	int error = node_choice(key, "param", known, &index, maker->error);

	if (error)
		return error;
	switch (index) {
	case 0:
		return set_memlock(maker, node);
	case 1:
		error = node_number(node, &number, maker->error);
		if (!error && number > UINT32_MAX)
			return node_error(node, maker->error, "the limit must fit into 32 bits");
		if (!error)
			topology->dma_entry_limit = (uint32_t)number;
		return error;
	case 2:
		return node_bool(node, &topology->allow_unsafe_interrupts, maker->error);
	case 3:
		return node_bool(node, &topology->noiommu, maker->error);
	default:
		return node_bool(node, &topology->rawio_granted, maker->error);
	}
}

static int make_topology(struct maker *maker)
{
	const struct case_file *file = maker->play->file;
	const struct node *params = file->params;
	struct vfiosim_errors inner;
	int error = vfiosim_topology_load(file->topology_name, &maker->play->topology, &inner);

	if (error == -EINVAL)
		return node_error(file->topology_node, maker->error, "topology %s:%u:%u: %s",
				  inner.list[0].file, inner.list[0].line, inner.list[0].column,
				  inner.list[0].message);
	if (error == -ENOMEM)
		return error;
	if (error)
		return node_error(file->topology_node, maker->error, "no topology '%s': %s",
				  file->topology_name,
				  inner.n ? inner.list[0].message : strerror(-error));
	if (params && params->kind != NODE_MAP)
		return node_error(params, maker->error, "expected a map: {dma_entry_limit: 3}");
	for (size_t i = 0; params && i < params->n && !error; i++)
		error = set_param(maker, &params->keys[i], pick(maker, &params->items[i]));
	return error;
}

/* ---- Arguments --------------------------------------------------------- */

static int read_device(const struct maker *maker, const struct node *node)
{
	const struct vfiosim_topology *topology = maker->play->topology;
	const char *known[129] = { NULL };
	size_t n = 0;

	if (vfiosim_topology_device(topology, node->text) >= 0)
		return 0;
	for (size_t i = 0; i < topology->n_devices && n < 128; i++)
		if (topology->devices[i].kind != VFIOSIM_DEVICE_BRIDGE)
			known[n++] = topology->devices[i].name;
	return node_unknown(node, maker->error, "device", known);
}

static int read_arg(const struct maker *maker, const struct verb_field *field,
		    const struct node *node, struct arg *to)
{
	unsigned index = 0;
	bool yes = false;
	int error = 0;

	*to = (struct arg){ .name = field->name, .node = node };
	switch (field->type) {
	case ARG_DEVICE:
		error = node_text(node, "the name of a device", &to->text, maker->error);
		return error ? error : read_device(maker, node);
	case ARG_NAME:
		error = node_text(node, "a name", &to->text, maker->error);
		if (!error && strlen(to->text) >= RUN_NAME_MAX)
			return node_error(node, maker->error, "a name of more than %d letters",
					  RUN_NAME_MAX - 1);
		return error;
	case ARG_TEXT:
		return node_text(node, "a text", &to->text, maker->error);
	case ARG_NUMBER:
		return node_number(node, &to->number, maker->error);
	case ARG_BOOL:
		error = node_bool(node, &yes, maker->error);
		to->number = yes;
		return error;
	case ARG_CHOICE:
		error = node_choice(node, field->name, field->choices, &index, maker->error);
		to->text = error ? NULL : field->choices[index];
		to->number = index;
		return error;
	case ARG_NODE:
		return 0;
	}
	return -EINVAL;
}

static const struct verb_field *find_field(const struct verb *verb, const char *name)
{
	for (const struct verb_field *field = verb->fields; field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

static int unknown_field(const struct maker *maker, const struct verb *verb,
			 const struct node *key)
{
	const char *known[STEP_ARGS_MAX + 1] = { NULL };
	char what[64];
	size_t n = 0;

	for (const struct verb_field *field = verb->fields; field->name; field++)
		known[n++] = field->name;
	snprintf(what, sizeof(what), "argument of %s", verb->name);
	return node_unknown(key, maker->error, what, known);
}

static int add_arg(const struct maker *maker, struct step *step, const struct verb_field *field,
		   const struct node *node)
{
	struct arg *arg = &step->args[field - step->verb->fields];
	const struct node *value = pick(maker, node);

	if (!value)
		return node_error(node, maker->error, "no value for mode %s",
				  modes[maker->play->mode].name);
	return read_arg(maker, field, value, arg);
}

static int read_args(const struct maker *maker, struct step *step)
{
	const struct verb *verb = step->verb;
	const struct node *args = step->args_node;
	int error = 0;

	if (args->kind == NODE_SCALAR && args->text[0] && verb->fields->name)
		return add_arg(maker, step, verb->fields, args);
	if (args->kind == NODE_SCALAR && args->text[0])
		return node_error(args, maker->error, "%s takes no arguments", verb->name);
	if (args->kind == NODE_LIST)
		return node_error(args, maker->error, "expected the arguments of %s: {%s: ...}",
				  verb->name, verb->fields[0].name ? verb->fields[0].name : "");
	for (size_t i = 0; i < args->n && !error; i++) {
		const struct verb_field *field = find_field(verb, args->keys[i].text);

		if (field)
			error = add_arg(maker, step, field, &args->items[i]);
		else if (!verb->open_ended)
			error = unknown_field(maker, verb, &args->keys[i]);
	}
	return error;
}

static int check_args(const struct maker *maker, const struct step *step)
{
	for (const struct verb_field *field = step->verb->fields; field->name; field++)
		if (field->required && !step_arg(step, field->name))
			return node_error(step->args_node, maker->error, "%s needs '%s'",
					  step->verb->name, field->name);
	return step->verb->check ? step->verb->check(step, maker->error) : 0;
}

const struct arg *step_arg(const struct step *step, const char *name)
{
	for (unsigned i = 0; i < STEP_ARGS_MAX; i++)
		if (step->args[i].node && !strcmp(step->args[i].name, name))
			return &step->args[i];
	return NULL;
}

const char *step_text(const struct step *step, const char *name, const char *otherwise)
{
	const struct arg *arg = step_arg(step, name);

	return arg ? arg->text : otherwise;
}

uint64_t step_number(const struct step *step, const char *name, uint64_t otherwise)
{
	const struct arg *arg = step_arg(step, name);

	return arg ? arg->number : otherwise;
}

/* ---- Expectations ------------------------------------------------------ */

static int read_expect_error(const struct maker *maker, const struct node *node, int *ret_error)
{
	const char *text;
	int error = node_text(node, "ok or the name of an errno", &text, maker->error);

	if (error)
		return error;
	if (!strcmp(text, "blocks"))
		*ret_error = EINPROGRESS;
	else
		*ret_error = strcmp(text, "ok") ? errno_by_name(text) : 0;
	if (*ret_error < 0)
		return node_error(node, maker->error,
				  "'%s' is neither ok nor blocks nor the name of an errno such as EINVAL",
				  text);
	return 0;
}

static int read_expect_rule(const struct maker *maker, const struct node *node,
			    const char **ret_rule)
{
	const char *known[257] = { NULL };
	int error = node_text(node, "the id of a rule", ret_rule, maker->error);

	if (error)
		return error;
	for (size_t i = 0; i < 256 && vfiosim_rule(i); i++) {
		known[i] = vfiosim_rule(i)->id;
		if (!strcmp(known[i], *ret_rule))
			return 0;
	}
	return node_unknown(node, maker->error, "rule", known);
}

static int read_expect_value(const struct maker *maker, const struct verb *verb,
			     struct expect *expect, const struct node *key,
			     const struct node *value)
{
	size_t k = 0;

	while (verb->gives && verb->gives[k] && strcmp(verb->gives[k], key->text))
		k++;
	if (verb->gives && !verb->gives[k]) {
		const char *known[EXPECT_VALUES_MAX + 4] = { "error", "rule", "unchanged" };

		for (k = 0; k < EXPECT_VALUES_MAX && verb->gives[k]; k++)
			known[k + 3] = verb->gives[k];
		return node_unknown(key, maker->error, "expectation", known);
	}
	if (expect->n_values == EXPECT_VALUES_MAX)
		return node_error(key, maker->error, "more than %d values", EXPECT_VALUES_MAX);
	expect->values[expect->n_values++] = (struct expect_value){ key->text, value };
	return 0;
}

/* yes, or a list of names for the reader: what is compared is the whole machine. */
static int read_unchanged(const struct maker *maker, const struct node *value,
			  struct expect *expect)
{
	if (value->kind == NODE_SCALAR)
		return node_bool(value, &expect->unchanged, maker->error);
	if (value->kind != NODE_LIST)
		return node_error(value, maker->error, "expected yes, or a list of names");
	expect->unchanged = true;
	return 0;
}

static int read_expect_map(const struct maker *maker, const struct verb *verb,
			   const struct node *node, struct expect *expect)
{
	int error = 0;

	for (size_t i = 0; i < node->n && !error; i++) {
		const struct node *key = &node->keys[i], *value = pick(maker, &node->items[i]);

		if (!value)
			return node_error(key, maker->error, "no value for mode %s",
					  modes[maker->play->mode].name);
		if (!strcmp(key->text, "error"))
			error = read_expect_error(maker, value, &expect->error);
		else if (!strcmp(key->text, "rule"))
			error = read_expect_rule(maker, value, &expect->rule);
		else if (!strcmp(key->text, "unchanged"))
			error = read_unchanged(maker, value, expect);
		else
			error = read_expect_value(maker, verb, expect, key, value);
	}
	return error;
}

static int read_expect(const struct maker *maker, const struct verb *verb, const struct node *node,
		       struct expect *expect)
{
	const struct node *value = pick(maker, node);

	if (!value)
		return node_error(node, maker->error, "no expectation for mode %s",
				  modes[maker->play->mode].name);
	expect->node = value;
	if (value->kind == NODE_SCALAR)
		return read_expect_error(maker, value, &expect->error);
	if (value->kind == NODE_MAP)
		return read_expect_map(maker, verb, value, expect);
	return node_error(value, maker->error, "expected ok, an errno, or {error: ..., ...}");
}

/* ---- Steps ------------------------------------------------------------- */

static int find_verb(const struct maker *maker, struct step *step)
{
	const struct node *node = step->node;
	const char *known[64];

	verb_names(known, 64);
	if (node->kind != NODE_MAP)
		return node_error(node, maker->error, "expected a step: VERB: {...}");
	for (size_t i = 0; i < node->n; i++) {
		const char *key = node->keys[i].text;
		const struct verb *verb = verb_by_name(key);

		if (!strcmp(key, "expect") || !strcmp(key, "by") || !strcmp(key, "note") ||
		    !strcmp(key, "only"))
			continue;
		if (!verb)
			return node_unknown(&node->keys[i], maker->error, "verb", known);
		if (step->verb)
			return node_error(&node->keys[i], maker->error,
					  "a second verb in one step: begin a new one with '-'");
		step->verb = verb;
		step->args_node = &node->items[i];
	}
	return step->verb ? 0 : node_error(node, maker->error, "a step without a verb");
}

static int make_step(const struct maker *maker, const struct node *node, struct step *step)
{
	const struct node *by = node_get(node, "by"), *note = node_get(node, "note");
	const struct node *expect = node_get(node, "expect");
	int error;

	*step = (struct step){ .node = node };
	error = find_verb(maker, step);
	if (!error)
		error = read_args(maker, step);
	if (!error)
		error = check_args(maker, step);
	if (!error && by)
		error = node_text(by, "the name of a process", &step->by, maker->error);
	if (!error && note)
		error = node_text(note, "a sentence", &step->note, maker->error);
	if (!error && expect)
		error = read_expect(maker, step->verb, expect, &step->expect);
	return error;
}

/* `only: legacy`: other modes leave the step out. */
static int is_of_other_mode(const struct maker *maker, const struct node *node, bool *ret_elsewhere)
{
	const struct node *only = node->kind == NODE_MAP ? node_get(node, "only") : NULL;
	unsigned mode = maker->play->mode;
	int error = only ? node_choice(only, "mode", mode_names, &mode, maker->error) : 0;

	*ret_elsewhere = mode != maker->play->mode;
	return error;
}

static int make_steps(const struct maker *maker)
{
	const struct node *steps = maker->play->file->steps;
	struct play *play = maker->play;
	int error = 0;

	play->steps = calloc(steps->n, sizeof(*play->steps));
	if (!play->steps)
		return -ENOMEM;
	for (size_t i = 0; i < steps->n && !error; i++) {
		bool elsewhere;

		error = is_of_other_mode(maker, &steps->items[i], &elsewhere);
		if (error || elsewhere)
			continue;
		error = make_step(maker, &steps->items[i], &play->steps[play->n_steps++]);
	}
	return error;
}

/* ---- The end ----------------------------------------------------------- */

static int make_outcome(const struct maker *maker)
{
	static const char *const known[] = { "spaces", "omitted", "refused", "aborted", "discards",
					     NULL };
	struct expect_outcome *to = &maker->play->outcome;
	const struct node **fields[] = { &to->spaces, &to->omitted, &to->refused, &to->aborted,
					 &to->discards };
	const struct node *node;

	if (!maker->play->policy)
		return 0;
	node = pick(maker, node_get(maker->play->file->outcome, maker->play->policy->name));
	if (!node)
		return 0;
	if (node->kind != NODE_MAP)
		return node_error(node, maker->error, "expected a map: {spaces: 2, ...}");
	for (size_t i = 0; i < node->n; i++) {
		unsigned index;
		int error = node_choice(&node->keys[i], "outcome", known, &index, maker->error);

		if (error)
			return error;
		*fields[index] = pick(maker, &node->items[i]);
		if (!*fields[index])
			return node_error(&node->keys[i], maker->error, "no value for mode %s",
					  modes[maker->play->mode].name);
	}
	return 0;
}

bool case_policy_fits(const struct policy *policy, enum mode mode)
{
	return !strcmp(policy->mode, modes[mode].name);
}

int case_play_make(const struct case_file *file, size_t variant, enum mode mode,
		   const struct policy *policy, struct play *ret_play,
		   struct vfiosim_error *ret_error)
{
	struct maker maker = {
		.play = ret_play,
		.values = file->variants ? &file->variants->items[variant] : NULL,
		.error = ret_error,
	};
	int error;

	*ret_play = (struct play){ .file = file, .variant = variant, .mode = mode,
				   .policy = policy };
	error = make_topology(&maker);
	if (!error)
		error = make_steps(&maker);
	if (!error)
		error = make_outcome(&maker);
	if (error)
		case_play_done(ret_play);
	return error;
}

void case_play_done(struct play *play)
{
	free(play->steps);
	vfiosim_topology_free(play->topology);
	*play = (struct play){ 0 };
}

void case_play_name(const struct play *play, char *to, size_t size)
{
	const char *variant = case_variant(play->file, play->variant);

	snprintf(to, size, "%s%s%s %s%s%s", play->file->name, variant ? "/" : "",
		 variant ? variant : "", modes[play->mode].name, play->policy ? " " : "",
		 play->policy ? play->policy->name : "");
}
