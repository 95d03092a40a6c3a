/* SPDX-License-Identifier: MIT */
/* Expectations out of a case. See from_case.h. */
#include "expect/from_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/value.h"
#include "cli.h"
#include "select/policy.h"

/* The variant called @name of the case; -1: told. */
static long find_variant(const struct case_file *file, const char *name)
{
	size_t n = case_variants(file);

	for (size_t i = 0; name && i < n; i++)
		if (!strcmp(case_variant(file, i), name))
			return (long)i;
	if (!name && n <= 1)
		return 0;
	cli_error("case %s has %s variant%s%s; `vfiosim case show %s` shows them", file->name,
		  name ? "no" : "several", name ? " " : "s: choose one", name ? name : "", file->name);
	return -1;
}

static int load_case(const char *name, size_t length, struct case_expect *from)
{
	struct vfiosim_errors errors;
	char *pattern = strndup(name, length);
	int error;

	if (!pattern)
		return -ENOMEM;
	errors_init(&errors);
	error = library_load(&pattern, 1, &from->library, &errors);
	if (error)
		cli_file_errors(&errors);
	else if (from->library.n != 1)
		cli_error("'%s' is not one case", pattern);
	free(pattern);
	return error ? error : from->library.n == 1 ? 0 : -EINVAL;
}

static enum mode mode_of(const struct policy *policy)
{
	return strcmp(policy->mode, mode_names[MODE_IOMMUFD]) ? MODE_LEGACY : MODE_IOMMUFD;
}

/* iovas, `$name`s picked for this play. */
static int take_omitted(const struct play *play, struct expectations *expect)
{
	const struct ynode *variants = play->file->variants, *list = play->outcome.omitted;
	const struct ynode *values = variants ? &variants->items[play->variant] : NULL;
	struct what_list *omitted = &expect->omitted;

	omitted->node = list;
	omitted->items = arena_alloc(&expect->arena, (list->n + 1) * sizeof(*omitted->items));
	for (; omitted->items && omitted->n < list->n; omitted->n++) {
		const struct ynode *item = case_pick(&list->items[omitted->n], values, play->mode);
		struct what *what = &omitted->items[omitted->n];
		uint64_t iova;

		if (!item || !item->text || !value_number(item->text, &iova))
			return -EINVAL;
		what->text = item->text;
		what->n = 1;
		what->spans = arena_alloc(&expect->arena, sizeof(*what->spans));
		if (!what->spans)
			return -ENOMEM;
		*what->spans = (struct span){ iova, iova };
	}
	return omitted->items ? 0 : -ENOMEM;
}

static int take_refused(const struct play *play, struct expectations *expect)
{
	const struct ynode *list = play->outcome.refused;
	struct name_list *refused = &expect->refused;

	refused->node = list;
	refused->names = arena_alloc(&expect->arena, (list->n + 1) * sizeof(*refused->names));
	for (; refused->names && refused->n < list->n; refused->n++) {
		int index = vfiosim_topology_device(play->topology, list->items[refused->n].text);

		if (index < 0)
			return -EINVAL;
		refused->names[refused->n] = play->topology->devices[index].address;
	}
	return refused->names ? 0 : -ENOMEM;
}

static int take_outcome(const struct play *play, struct expectations *expect)
{
	const struct expect_outcome *outcome = &play->outcome;
	uint64_t spaces;
	int error = 0;

	expect->file = play->file->name;
	expect->outcome = outcome->spaces ? outcome->spaces : outcome->refused;
	if (outcome->spaces && value_number(outcome->spaces->text, &spaces)) {
		expect->spaces.node = outcome->spaces;
		expect->spaces.n = spaces;
	}
	if (outcome->omitted)
		error = take_omitted(play, expect);
	if (!error && outcome->refused)
		error = take_refused(play, expect);
	return error;
}

static int make_play(const char *name, const struct policy *policy, struct case_expect *from)
{
	size_t length = strlen(name);
	bool is_file = length > 5 && !strcmp(name + length - 5, ".yaml");
	const char *slash = is_file ? NULL : strrchr(name, '/');
	int error = load_case(name, slash ? (size_t)(slash - name) : length, from);
	struct vfiosim_errors errors;
	long variant;

	if (error)
		return error;
	variant = find_variant(from->library.files[0], slash ? slash + 1 : NULL);
	if (variant < 0)
		return -EINVAL;
	errors_init(&errors);
	error = case_play_make(from->library.files[0], (size_t)variant, mode_of(policy), policy,
			       &from->play, &errors);
	from->made = !error;
	if (error)
		cli_file_errors(&errors);
	return error;
}

int case_expect_load(const char *name, const struct policy *policy, struct case_expect *ret,
		     struct expectations **ret_expect)
{
	struct expectations *expect = calloc(1, sizeof(*expect));
	int error = expect ? make_play(name, policy, ret) : -ENOMEM;

	if (expect)
		arena_init(&expect->arena);
	if (!error)
		error = take_outcome(&ret->play, expect);
	if (!error && !expect->outcome) {
		cli_error("case %s does not say how it ends for policy %s", name, policy->name);
		error = -EINVAL;
	}
	if (error)
		expect_free(expect);
	else
		*ret_expect = expect;
	return error;
}

void case_expect_done(struct case_expect *from)
{
	if (from->made)
		case_play_done(&from->play);
	library_done(&from->library);
	*from = (struct case_expect){ 0 };
}
