/* SPDX-License-Identifier: MIT */
/* Reading expectations: all of a file's mistakes at once. See expect.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/fault.h>
#include <vfiosim/trace.h>

#include "base/errnos.h"
#include "base/errors.h"
#include "base/fault_text.h"
#include "base/value.h"
#include "case/case.h"
#include "expect/want.h"
#include "report/words.h"

#define NAMES_MAX 256

const char *const step_kinds[] = { "attach", "map", "unmap", "command", NULL };

/* ---- Spaces ------------------------------------------------------------ */

static const struct key space_keys[] = {
	{ "devices", want_devices, offsetof(struct space_want, devices) },
	{ "holds", want_whats, offsetof(struct space_want, holds) },
	{ "pinned", want_number, offsetof(struct space_want, pinned) },
	{ NULL },
};

static int read_space(struct reader *reader, const struct ynode *node, void *to)
{
	((struct space_want *)to)->node = node;
	return want_keys(reader, node, space_keys, to);
}

static int read_spaces(struct reader *reader, const struct ynode *node, void *to)
{
	struct spaces_want *spaces = to;

	spaces->node = node;
	if (node->kind == YNODE_SCALAR)
		return ynode_number(node, &spaces->n, reader->errors);
	spaces->listed = node->kind == YNODE_LIST;
	return want_list(reader, node, "a number, or a list of spaces", sizeof(*spaces->items),
			 read_space, &spaces->items, &spaces->n);
}

/* ---- Outcome ----------------------------------------------------------- */

static const struct key outcome_keys[] = {
	{ "spaces", read_spaces, offsetof(struct expectations, spaces) },
	{ "omitted", want_whats, offsetof(struct expectations, omitted) },
	{ "refused", want_devices, offsetof(struct expectations, refused) },
	{ NULL },
};

static int read_outcome(struct reader *reader, const struct ynode *node, void *to)
{
	reader->expect->outcome = node;
	return want_keys(reader, node, outcome_keys, reader->expect);
}

/* ---- Moments ----------------------------------------------------------- */

static int read_moment(struct reader *reader, const struct ynode *node, void *to)
{
	static const char *const kinds[] = { "mark", "attached", "refused", "exit", NULL };
	struct moment_want *moment = to;
	char word[16] = "";
	int error = ynode_text(node, "mark NAME, attached DEVICE, refused DEVICE or exit",
			       &moment->text, reader->errors);

	if (error)
		return error;
	sscanf(moment->text, "%15s", word);
	for (moment->kind = 0; kinds[moment->kind]; moment->kind++)
		if (!strcmp(word, kinds[moment->kind]))
			break;
	moment->name = moment->text + strlen(word);
	moment->name += strspn(moment->name, " ");
	if (!kinds[moment->kind])
		return want_unknown(reader, node, word, "moment", kinds, 4);
	if (!*moment->name != (moment->kind == MOMENT_EXIT))
		return ynode_expected(node, reader->errors,
				      "mark NAME, attached DEVICE, refused DEVICE or exit");
	if (moment->kind == MOMENT_ATTACHED || moment->kind == MOMENT_REFUSED)
		return want_device_name(reader, node, moment->name, &moment->name);
	return 0;
}

static const struct key moment_keys[] = {
	{ "moment", read_moment, 0 },
	{ "spaces", read_spaces, offsetof(struct moment_want, spaces) },
	{ "devices", want_devices, offsetof(struct moment_want, devices) },
	{ "holds", want_whats, offsetof(struct moment_want, holds) },
	{ "pinned", want_number, offsetof(struct moment_want, pinned) },
	{ "open", want_opens, offsetof(struct moment_want, open) },
	{ NULL },
};

/* A row of at: */
static int read_at(struct reader *reader, const struct ynode *node, void *to)
{
	int error;

	((struct moment_want *)to)->node = node;
	error = want_keys(reader, node, moment_keys, to);
	if (node->kind == YNODE_MAP && !ynode_get(node, "moment"))
		error = worse(error, ynode_error(node, reader->errors, "no moment: is given"));
	return error;
}

static int read_moments(struct reader *reader, const struct ynode *node, void *to)
{
	struct expectations *expect = reader->expect;

	return want_list(reader, node, "a list, [{moment: exit, open: []}]",
			 sizeof(*expect->moments), read_at, &expect->moments, &expect->n_moments);
}

/* ---- Steps ------------------------------------------------------------- */

static int read_error(struct reader *reader, const struct ynode *node, void *to)
{
	const char *name;
	int error = ynode_text(node, "an errno, or ok", &name, reader->errors);
	int *number = to;

	if (error)
		return error;
	*number = strcmp(name, "ok") ? errno_by_name(name) : 0;
	return *number >= 0 ? 0 : ynode_expected(node, reader->errors, "an errno, or ok");
}

static int read_rule(struct reader *reader, const struct ynode *node, void *to)
{
	const char *names[1024], *name;
	size_t n = 0;
	int error = ynode_text(node, "a rule", &name, reader->errors);

	if (error)
		return error;
	for (; n < 1024 && vfiosim_rule(n); n++) {
		names[n] = vfiosim_rule(n)->id;
		if (!strcmp(names[n], name)) {
			*(const char **)to = name;
			return 0;
		}
	}
	return want_unknown(reader, node, name, "rule", names, n);
}

bool expect_command_is(const struct vfiosim_command *row, const char *name)
{
	const struct vfiosim_fault_class *class;

	if (!strcmp(row->name, name) || !strcmp(words_short_name(row->name), name))
		return true;
	for (size_t i = 0; (class = vfiosim_fault_class(i)); i++)
		for (size_t k = 0; !strcmp(class->name, name) && class->commands[k]; k++)
			if (!strcmp(class->commands[k], row->name))
				return true;
	return false;
}

static int read_command(struct reader *reader, const struct ynode *node, const char **ret_name)
{
	const struct vfiosim_command *row;
	const char *names[NAMES_MAX];
	size_t n = 0;
	int error = ynode_text(node, "a command", ret_name, reader->errors);

	for (size_t i = 0; !error && (row = vfiosim_command(i)); i++) {
		if (expect_command_is(row, *ret_name))
			return 0;
		if (n + 1 < NAMES_MAX) {
			names[n++] = row->name;
			names[n++] = words_short_name(row->name);
		}
	}
	return error ? error : want_unknown(reader, node, *ret_name, "command", names, n);
}

/* The key that says what it is. */
static int read_kind(struct reader *reader, const struct ynode *node, void *to)
{
	struct step_want *step = to;

	switch (step->kind) {
	case STEP_ATTACH:
		return want_device(reader, node, &step->device);
	case STEP_MAP:
	case STEP_UNMAP:
		return want_what(reader, node, &step->what);
	default:
		return read_command(reader, node, &step->command);
	}
}

#define STEP_KEYS                                                           \
	{ "attach", read_kind, 0 },                                         \
	{ "map", read_kind, 0 },                                            \
	{ "unmap", read_kind, 0 },                                          \
	{ "command", read_kind, 0 },                                        \
	{ "device", want_device, offsetof(struct step_want, device) },      \
	{ "space", want_count, offsetof(struct step_want, space) },         \
	{ "rule", read_rule, offsetof(struct step_want, rule) },            \
	{ "error", read_error, offsetof(struct step_want, error) }

static const struct key must_keys[] = { STEP_KEYS, { NULL } };

static const struct key never_keys[] = {
	STEP_KEYS,
	{ "max", want_count, offsetof(struct step_want, max) },
	{ NULL },
};

/* "map msi", and the other keys behind it. */
static const char *step_words(struct reader *reader, const struct ynode *node)
{
	char text[200];
	size_t n = 0;

	for (size_t i = 0; i < node->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %s", i ? ", " : "",
				      node->keys[i].text,
				      node->items[i].text ? node->items[i].text : "?");
	return arena_text(&reader->expect->arena, text, strlen(text));
}

static int read_step(struct reader *reader, const struct ynode *node, const struct key *keys,
		     struct step_want *step)
{
	size_t found = 0;
	int error;

	step->node = node;
	step->error = -1;
	if (node->kind != YNODE_MAP)
		return ynode_expected(node, reader->errors, "a map, {attach: DEVICE}");
	for (unsigned i = 0; step_kinds[i]; i++)
		if (ynode_get(node, step_kinds[i])) {
			step->kind = i;
			found++;
		}
	step->text = step_words(reader, node);
	if (!step->text)
		return -ENOMEM;
	error = want_keys(reader, node, keys, step);
	if (!error && found != 1)
		error = ynode_error(node, reader->errors,
				    "expected one of attach:, map:, unmap: and command:, found %zu", found);
	return error;
}

static int read_must_step(struct reader *reader, const struct ynode *node, void *to)
{
	return read_step(reader, node, must_keys, to);
}

static int read_never_step(struct reader *reader, const struct ynode *node, void *to)
{
	return read_step(reader, node, never_keys, to);
}

static int read_must(struct reader *reader, const struct ynode *node, void *to)
{
	struct expectations *expect = reader->expect;

	return want_list(reader, node, "a list, [{map: msi}]", sizeof(*expect->must), read_must_step,
			 &expect->must, &expect->n_must);
}

static int read_never(struct reader *reader, const struct ynode *node, void *to)
{
	struct expectations *expect = reader->expect;

	return want_list(reader, node, "a list, [{map: msi}]", sizeof(*expect->never),
			 read_never_step, &expect->never, &expect->n_never);
}

/* ---- The head ---------------------------------------------------------- */

static int read_kernel(struct reader *reader, const struct ynode *node, void *to)
{
	const char *text;
	int error = ynode_text(node, "a version of Linux", &text, reader->errors);

	if (error)
		return error;
	return vfiosim_kernel_parse(text, to) ?
		       0 :
		       ynode_expected(node, reader->errors, "a version of Linux from 6.1 to 7.2");
}

static int signal_by_name(const char *name)
{
	if (!strncmp(name, "SIG", 3))
		name += 3;
	for (int signal = 1; signal < NSIG; signal++)
		if (sigabbrev_np(signal) && !strcmp(sigabbrev_np(signal), name))
			return signal;
	return 0;
}

static int read_exit(struct reader *reader, const struct ynode *node, void *to)
{
	struct expectations *expect = reader->expect;
	const char *text;
	uint64_t status;
	int error = ynode_text(node, "a status, a signal, or any", &text, reader->errors);

	if (error)
		return error;
	expect->exit = EXIT_STATUS;
	if (!strcmp(text, "any")) {
		expect->exit = EXIT_ANY;
	} else if (value_number(text, &status) && status <= 255) {
		expect->status = (int)status;
	} else {
		expect->exit = EXIT_SIGNAL;
		expect->status = signal_by_name(text);
		if (!expect->status)
			return ynode_expected(node, reader->errors,
					      "a status from 0 to 255, a signal (SIGSEGV), or any");
	}
	return 0;
}

static int keep_faults(struct reader *reader, const struct ynode *node, void *to)
{
	if (node->kind != YNODE_LIST)
		return ynode_expected(node, reader->errors,
				      "a list, [{at: MAP_DMA, when: 3, error: ENOMEM}]");
	reader->expect->faults = node;
	return 0;
}

static int skip(struct reader *reader, const struct ynode *node, void *to)
{
	return 0;
}

/* In two passes: the machine is not known before the first has ended. */
static const struct key first_keys[] = {
	{ "topology", want_text, offsetof(struct expectations, topology) },
	{ "kernel", read_kernel, offsetof(struct expectations, kernel) },
	{ "faults", keep_faults, 0 },
	{ "exit", read_exit, 0 },
	{ "outcome", skip, 0 },
	{ "at", skip, 0 },
	{ "must", skip, 0 },
	{ "never", skip, 0 },
	{ NULL },
};

static const struct key second_keys[] = {
	{ "topology", skip, 0 },
	{ "kernel", skip, 0 },
	{ "faults", skip, 0 },
	{ "exit", skip, 0 },
	{ "outcome", read_outcome, 0 },
	{ "at", read_moments, 0 },
	{ "must", read_must, 0 },
	{ "never", read_never, 0 },
	{ NULL },
};

int expect_load(const char *path, struct expectations **ret_expect, struct vfiosim_errors *errors)
{
	struct expectations *expect = calloc(1, sizeof(*expect));
	struct reader reader = { .expect = expect, .errors = errors };
	int error;

	errors_init(errors);
	if (!expect)
		return -ENOMEM;
	arena_init(&expect->arena);
	error = yaml_load(path, &expect->arena, &expect->root, errors);
	if (expect->root)
		error = worse(error, want_keys(&reader, expect->root, first_keys, expect));
	*ret_expect = NULL;
	if (!expect->root || expect->root->kind != YNODE_MAP) {
		expect_free(expect);
		return error;
	}
	expect->file = expect->root->file;
	*ret_expect = expect;
	return error;
}

static int add_fault(struct reader *reader, struct vfiosim_topology *topology,
		     const struct ynode *node)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	const char *text;
	int error = fault_text_read(node, NULL, NULL, &reader->expect->arena, &text,
				    reader->errors);

	if (error)
		return error;
	error = vfiosim_topology_add_fault(topology, text, problem, sizeof(problem));
	return error == -EINVAL ? ynode_error(node, reader->errors, "%s", problem) : error;
}

int expect_resolve(struct expectations *expect, struct vfiosim_topology *topology,
		   struct vfiosim_errors *errors)
{
	struct reader reader = { .expect = expect, .topology = topology, .errors = errors };
	const struct ynode *faults = expect->faults;
	int error = want_keys(&reader, expect->root, second_keys, expect);

	for (size_t i = 0; faults && i < faults->n; i++)
		error = worse(error, add_fault(&reader, topology, &faults->items[i]));
	return error;
}

void expect_keep_invariants(struct expectations *expect)
{
	size_t n = 0;

	for (size_t i = 0; i < expect->n_moments; i++)
		if (expect->moments[i].kind == MOMENT_EXIT)
			expect->moments[n++] = expect->moments[i];
	expect->n_moments = n;
	expect->n_must = 0;
	expect->outcome = NULL;
}

void expect_free(struct expectations *expect)
{
	if (!expect)
		return;
	arena_done(&expect->arena);
	free(expect);
}

const char *expect_device_name(const struct vfiosim_topology *topology, const char *address)
{
	int index = vfiosim_topology_device(topology, address);

	return index >= 0 ? topology->devices[index].name : address;
}

const char *expect_file_name(const char *object)
{
	return strncmp(object, "device ", 7) ? object : object + 7;
}

void expect_put_devices(FILE *to, const struct vfiosim_topology *topology, const char *const *addresses,
			size_t n)
{
	fputc('[', to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? ", " : "", expect_device_name(topology, addresses[i]));
	fputc(']', to);
}
