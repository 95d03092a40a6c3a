/* SPDX-License-Identifier: MIT */
/* Making a play of a case: values filled in, verbs looked up, expectations read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/fault.h>
#include <vfiosim/topology.h>
#include <vfiosim/trace.h>

#include "base/errnos.h"
#include "base/errors.h"
#include "base/fault_text.h"
#include "case/case.h"
#include "case/verb.h"
#include "select/policy.h"

/* What reading one play needs everywhere. */
struct maker {
	struct play *play;
	const struct ynode *values;	/* of the variant, or NULL */
	struct vfiosim_errors *errors;
};

/* What @node stands for in this play; @ret_value is untouched when that is nothing. */
static int pick(const struct maker *maker, const struct ynode *node, const struct ynode **ret_value)
{
	const struct ynode *value = case_pick(node, maker->values, maker->play->mode);

	if (!value)
		return ynode_error(node, maker->errors, "no value for mode %s",
				   mode_names[maker->play->mode]);
	if (value->kind == YNODE_SCALAR && value->text[0] == '$')
		return ynode_error(value, maker->errors,
				   "nothing is called '%s': no variant gives it a value", value->text);
	*ret_value = value;
	return 0;
}

/* ---- The machine ------------------------------------------------------- */

static int set_memlock(struct maker *maker, const struct ynode *node)
{
	uint64_t bytes = 0;
	int error = 0;

	if (node->kind == YNODE_SCALAR && !strcmp(node->text, "client"))
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_CLIENT, 0);
	else if (node->kind == YNODE_SCALAR && !strcmp(node->text, "unlimited"))
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_UNLIMITED, 0);
	else
		error = ynode_number(node, &bytes, maker->errors);
	if (!error && bytes)
		vfiosim_topology_set_memlock(maker->play->topology, VFIOSIM_MEMLOCK_BYTES, bytes);
	return error;
}

static int set_param(struct maker *maker, const struct ynode *key, const struct ynode *node)
{
	static const char *const known[] = { "memlock", "dma_entry_limit", "allow_unsafe_interrupts",
					     "noiommu", "rawio", "kernel", NULL };
	struct vfiosim_topology *topology = maker->play->topology;
	uint64_t number;
	unsigned index;
	int error = ynode_choice(key, "param", known, &index, maker->errors);

	if (error)
		return error;
	switch (index) {
	case 0:
		return set_memlock(maker, node);
	case 1:
		error = ynode_number(node, &number, maker->errors);
		if (!error && number > UINT32_MAX)
			return ynode_error(node, maker->errors, "the limit must fit into 32 bits");
		if (!error)
			topology->dma_entry_limit = (uint32_t)number;
		return error;
	case 2:
		return ynode_bool(node, &topology->allow_unsafe_interrupts, maker->errors);
	case 3:
		return ynode_bool(node, &topology->noiommu, maker->errors);
	case 4:
		return ynode_bool(node, &topology->rawio_granted, maker->errors);
	default:
		if (node->kind == YNODE_SCALAR && vfiosim_kernel_parse(node->text, &topology->kernel))
			return 0;
		return ynode_expected(node, maker->errors, "a version of Linux from 6.1 to 7.2");
	}
}

/* What is wrong with the topology, told at the place that names it. */
static int topology_errors(struct maker *maker, const struct vfiosim_errors *inner)
{
	const struct case_file *file = maker->play->file;

	for (size_t i = 0; i < inner->n; i++) {
		const struct vfiosim_error *error = &inner->list[i];

		if (error->line)
			ynode_error(file->topology_node, maker->errors, "topology %s:%u:%u: %s",
				    error->file, error->line, error->column, error->message);
		else
			ynode_error(file->topology_node, maker->errors, "no topology '%s': %s",
				    file->topology_name, error->message);
	}
	return -EINVAL;
}

static int pick_value(void *ctx, const struct ynode *node, const struct ynode **ret_value)
{
	return pick(ctx, node, ret_value);
}

static int add_fault(struct maker *maker, const struct ynode *node)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	const struct ynode *value;
	struct arena scratch;
	const char *text;
	int error = pick(maker, node, &value);

	if (error)
		return error;
	arena_init(&scratch);
	error = fault_text_read(value, pick_value, maker, &scratch, &text, maker->errors);
	if (!error) {
		error = vfiosim_topology_add_fault(maker->play->topology, text, problem,
						   sizeof(problem));
		if (error == -EINVAL)
			ynode_error(value, maker->errors, "%s", problem);
	}
	arena_done(&scratch);
	return error;
}

static int add_faults(struct maker *maker)
{
	const struct ynode *faults = maker->play->file->faults;
	int error = 0;

	for (size_t i = 0; faults && i < faults->n && error != -ENOMEM; i++)
		error = worse(error, add_fault(maker, &faults->items[i]));
	return error;
}

static int make_topology(struct maker *maker)
{
	const struct case_file *file = maker->play->file;
	const struct ynode *params = file->params, *value;
	struct vfiosim_errors inner;
	int error = vfiosim_topology_load(file->topology_name, &maker->play->topology, &inner);

	if (error)
		return error == -ENOMEM ? error : topology_errors(maker, &inner);
	for (size_t i = 0; params && i < params->n; i++) {
		int broken = pick(maker, &params->items[i], &value);

		if (!broken)
			broken = set_param(maker, &params->keys[i], value);
		error = worse(error, broken);
	}
	return worse(error, add_faults(maker));
}

/* ---- Arguments --------------------------------------------------------- */

static int read_device(const struct maker *maker, const struct ynode *node)
{
	const struct vfiosim_topology *topology = maker->play->topology;
	const char *known[129] = { NULL };
	size_t n = 0;

	if (vfiosim_topology_device(topology, node->text) >= 0)
		return 0;
	for (size_t i = 0; i < topology->n_devices && n < 128; i++)
		if (topology->devices[i].kind != VFIOSIM_DEVICE_BRIDGE)
			known[n++] = topology->devices[i].name;
	return ynode_unknown(node, maker->errors, "device", known);
}

static int read_arg(const struct maker *maker, const struct verb_field *field,
		    const struct ynode *node, struct arg *to)
{
	unsigned index = 0;
	bool yes = false;
	int error = 0;

	*to = (struct arg){ .name = field->name, .node = node };
	switch (field->type) {
	case ARG_DEVICE:
		error = ynode_text(node, "the name of a device", &to->text, maker->errors);
		return error ? error : read_device(maker, node);
	case ARG_NAME:
		error = ynode_text(node, "a name", &to->text, maker->errors);
		if (!error && strlen(to->text) >= RUN_NAME_MAX)
			return ynode_error(node, maker->errors, "a name of more than %d letters",
					   RUN_NAME_MAX - 1);
		return error;
	case ARG_TEXT:
		return ynode_text(node, "a text", &to->text, maker->errors);
	case ARG_NUMBER:
		return ynode_number(node, &to->number, maker->errors);
	case ARG_BOOL:
		error = ynode_bool(node, &yes, maker->errors);
		to->number = yes;
		return error;
	case ARG_CHOICE:
		error = ynode_choice(node, field->name, field->choices, &index, maker->errors);
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
			 const struct ynode *key)
{
	const char *known[STEP_ARGS_MAX + 1] = { NULL };
	char what[64];
	size_t n = 0;

	for (const struct verb_field *field = verb->fields; field->name; field++)
		known[n++] = field->name;
	snprintf(what, sizeof(what), "argument of %s", verb->name);
	return ynode_unknown(key, maker->errors, what, known);
}

static int add_arg(const struct maker *maker, struct step *step, const struct verb_field *field,
		   const struct ynode *node)
{
	struct arg *arg = &step->args[field - step->verb->fields];
	const struct ynode *value;
	int error = pick(maker, node, &value);

	return error ? error : read_arg(maker, field, value, arg);
}

static int read_args(const struct maker *maker, struct step *step)
{
	const struct verb *verb = step->verb;
	const struct ynode *args = step->args_node;
	int error = 0;

	if (args->kind == YNODE_SCALAR && args->text[0] && verb->fields->name)
		return add_arg(maker, step, verb->fields, args);
	if (args->kind == YNODE_SCALAR && args->text[0])
		return ynode_error(args, maker->errors, "%s takes no arguments", verb->name);
	if (args->kind == YNODE_LIST)
		return ynode_error(args, maker->errors, "expected the arguments of %s: {%s: ...}",
				   verb->name, verb->fields[0].name ? verb->fields[0].name : "");
	for (size_t i = 0; i < args->n; i++) {
		const struct verb_field *field = find_field(verb, args->keys[i].text);

		if (field)
			error = worse(error, add_arg(maker, step, field, &args->items[i]));
		else if (!verb->open_ended)
			error = worse(error, unknown_field(maker, verb, &args->keys[i]));
	}
	return error;
}

static int check_args(const struct maker *maker, const struct step *step)
{
	int error = 0;

	for (const struct verb_field *field = step->verb->fields; field->name; field++)
		if (field->required && !step_arg(step, field->name))
			error = ynode_error(step->args_node, maker->errors, "%s needs '%s'",
					    step->verb->name, field->name);
	return error || !step->verb->check ? error : step->verb->check(step, maker->errors);
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

static int read_expect_error(const struct maker *maker, const struct ynode *node, int *ret_error)
{
	const char *text;
	int error = ynode_text(node, "ok or the name of an errno", &text, maker->errors);

	if (error)
		return error;
	if (!strcmp(text, "blocks"))
		*ret_error = EINPROGRESS;
	else
		*ret_error = strcmp(text, "ok") ? errno_by_name(text) : 0;
	if (*ret_error < 0)
		return ynode_error(node, maker->errors,
				   "'%s' is neither ok nor blocks nor the name of an errno such as EINVAL",
				   text);
	return 0;
}

static int read_expect_rule(const struct maker *maker, const struct ynode *node,
			    const char **ret_rule)
{
	const char *known[257] = { NULL };
	int error = ynode_text(node, "the id of a rule", ret_rule, maker->errors);

	if (error)
		return error;
	for (size_t i = 0; i < 256 && vfiosim_rule(i); i++) {
		known[i] = vfiosim_rule(i)->id;
		if (!strcmp(known[i], *ret_rule))
			return 0;
	}
	return ynode_unknown(node, maker->errors, "rule", known);
}

static int read_expect_value(const struct maker *maker, const struct verb *verb,
			     struct expect *expect, const struct ynode *key,
			     const struct ynode *value)
{
	size_t k = 0;

	while (verb->gives && verb->gives[k] && strcmp(verb->gives[k], key->text))
		k++;
	if (verb->gives && !verb->gives[k]) {
		const char *known[EXPECT_VALUES_MAX + 4] = { "error", "rule", "unchanged" };

		for (k = 0; k < EXPECT_VALUES_MAX && verb->gives[k]; k++)
			known[k + 3] = verb->gives[k];
		return ynode_unknown(key, maker->errors, "expectation", known);
	}
	if (expect->n_values == EXPECT_VALUES_MAX)
		return ynode_error(key, maker->errors, "more than %d values", EXPECT_VALUES_MAX);
	expect->values[expect->n_values++] = (struct expect_value){ key->text, value };
	return 0;
}

/* yes, or a list of names for the reader: what is compared is the whole machine. */
static int read_unchanged(const struct maker *maker, const struct ynode *value,
			  struct expect *expect)
{
	if (value->kind == YNODE_SCALAR)
		return ynode_bool(value, &expect->unchanged, maker->errors);
	if (value->kind != YNODE_LIST)
		return ynode_expected(value, maker->errors, "yes, or a list of names");
	expect->unchanged = true;
	return 0;
}

static int read_expect_key(const struct maker *maker, const struct verb *verb,
			   const struct ynode *key, const struct ynode *node, struct expect *expect)
{
	const struct ynode *value;
	int error = pick(maker, node, &value);

	if (error)
		return error;
	if (!strcmp(key->text, "error"))
		return read_expect_error(maker, value, &expect->error);
	if (!strcmp(key->text, "rule"))
		return read_expect_rule(maker, value, &expect->rule);
	if (!strcmp(key->text, "unchanged"))
		return read_unchanged(maker, value, expect);
	return read_expect_value(maker, verb, expect, key, value);
}

static int read_expect(const struct maker *maker, const struct verb *verb, const struct ynode *node,
		       struct expect *expect)
{
	const struct ynode *value;
	int error = pick(maker, node, &value);

	if (error)
		return error;
	expect->node = value;
	expect->any = verb->needs_policy && value->text && !strcmp(value->text, "any");
	if (expect->any)
		return 0;
	if (value->kind == YNODE_SCALAR)
		return read_expect_error(maker, value, &expect->error);
	if (value->kind != YNODE_MAP)
		return ynode_expected(value, maker->errors, "ok, an errno, or {error: ..., ...}");
	for (size_t i = 0; i < value->n; i++)
		error = worse(error, read_expect_key(maker, verb, &value->keys[i], &value->items[i],
						     expect));
	return error;
}

/* ---- Steps ------------------------------------------------------------- */

/* Keys that stand beside the verb. */
static bool is_beside(const char *key)
{
	return !strcmp(key, "expect") || !strcmp(key, "by") || !strcmp(key, "note") ||
	       !strcmp(key, "only");
}

static int find_verb(const struct maker *maker, struct step *step)
{
	const struct ynode *node = step->node;
	const char *known[64];
	int error = 0;

	verb_names(known, 64);
	if (node->kind != YNODE_MAP)
		return ynode_expected(node, maker->errors, "a step, VERB: {...}");
	for (size_t i = 0; i < node->n; i++) {
		const struct verb *verb = verb_by_name(node->keys[i].text);

		if (is_beside(node->keys[i].text))
			continue;
		if (!verb) {
			error = ynode_unknown(&node->keys[i], maker->errors, "verb", known);
		} else if (step->verb) {
			error = ynode_error(&node->keys[i], maker->errors,
					    "a second verb in one step: begin a new one with '-'");
		} else {
			step->verb = verb;
			step->args_node = &node->items[i];
		}
	}
	return step->verb || error ? error :
				     ynode_error(node, maker->errors, "a step without a verb");
}

static int read_words(const struct maker *maker, const struct ynode *node, const char *what,
		      const char **ret_text)
{
	const struct ynode *value;
	int error = node ? pick(maker, node, &value) : 0;

	return error || !node ? error : ynode_text(value, what, ret_text, maker->errors);
}

static int make_step(const struct maker *maker, const struct ynode *node, struct step *step)
{
	const struct ynode *expect = ynode_get(node, "expect");
	int error, broken;

	*step = (struct step){ .node = node };
	error = find_verb(maker, step);
	error = worse(error, read_words(maker, ynode_get(node, "by"), "the name of a process", &step->by));
	error = worse(error, read_words(maker, ynode_get(node, "note"), "a sentence", &step->note));
	if (!step->verb)
		return error;
	broken = read_args(maker, step);
	if (!broken)
		broken = check_args(maker, step);
	error = worse(error, broken);
	if (expect)
		error = worse(error, read_expect(maker, step->verb, expect, &step->expect));
	return error;
}

/* `only: legacy`: other modes leave the step out. */
static int is_of_other_mode(const struct maker *maker, const struct ynode *node, bool *ret_elsewhere)
{
	const struct ynode *only = node->kind == YNODE_MAP ? ynode_get(node, "only") : NULL;
	unsigned mode = maker->play->mode;
	int error = only ? ynode_choice(only, "mode", mode_names, &mode, maker->errors) : 0;

	*ret_elsewhere = mode != maker->play->mode;
	return error;
}

static int make_steps(const struct maker *maker)
{
	const struct ynode *steps = maker->play->file->steps;
	struct play *play = maker->play;
	int error = 0;

	play->steps = calloc(steps->n, sizeof(*play->steps));
	if (!play->steps)
		return -ENOMEM;
	for (size_t i = 0; i < steps->n; i++) {
		bool elsewhere;
		int broken = is_of_other_mode(maker, &steps->items[i], &elsewhere);

		if (!elsewhere)
			broken = worse(broken, make_step(maker, &steps->items[i],
							 &play->steps[play->n_steps++]));
		error = worse(error, broken);
	}
	return error;
}

/* ---- The end ----------------------------------------------------------- */

static int make_outcome(const struct maker *maker)
{
	static const char *const known[] = { "spaces", "omitted", "refused", "aborted", "discards",
					     NULL };
	struct expect_outcome *to = &maker->play->outcome;
	const struct ynode **fields[] = { &to->spaces, &to->omitted, &to->refused, &to->aborted,
					 &to->discards };
	const struct ynode *node;
	int error;

	if (!maker->play->policy)
		return 0;
	node = ynode_get(maker->play->file->outcome, maker->play->policy->name);
	if (!node)
		return 0;
	error = pick(maker, node, &node);
	if (error)
		return error;
	if (node->kind != YNODE_MAP)
		return ynode_expected(node, maker->errors, "a map, {spaces: 2, ...}");
	for (size_t i = 0; i < node->n; i++) {
		unsigned index = 0;
		const struct ynode *value = NULL;

		error = worse(error, ynode_choice(&node->keys[i], "outcome", known, &index,
						  maker->errors));
		error = worse(error, pick(maker, &node->items[i], &value));
		*fields[index] = value;
	}
	return error;
}

bool case_policy_fits(const struct policy *policy, enum mode mode)
{
	return !strcmp(policy->mode, mode_names[mode]);
}

int case_play_make(const struct case_file *file, size_t variant, enum mode mode,
		   const struct policy *policy, struct play *ret_play,
		   struct vfiosim_errors *errors)
{
	struct maker maker = {
		.play = ret_play,
		.values = file->variants ? &file->variants->items[variant] : NULL,
		.errors = errors,
	};
	int error;

	*ret_play = (struct play){ .file = file, .variant = variant, .mode = mode,
				   .policy = policy };
	error = make_topology(&maker);
	if (ret_play->topology)
		error = worse(error, make_steps(&maker));
	error = worse(error, make_outcome(&maker));
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
		 variant ? variant : "", mode_names[play->mode], play->policy ? " " : "",
		 play->policy ? play->policy->name : "");
}
