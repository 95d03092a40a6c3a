/* SPDX-License-Identifier: MIT */
/* Expected against seen; see judge.h. */
#include "expect/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- Rows -------------------------------------------------------------- */

static size_t n_rows(const struct expectations *expect)
{
	return 1 + expect->n_moments + expect->n_must + expect->n_never;
}

struct expect_row *report_outcome(struct expect_report *report, const struct expectations *expect)
{
	return &report->rows[0];
}

struct expect_row *report_moment(struct expect_report *report, const struct expectations *expect, size_t index)
{
	return &report->rows[1 + index];
}

struct expect_row *report_must(struct expect_report *report, const struct expectations *expect, size_t index)
{
	return &report->rows[1 + expect->n_moments + index];
}

struct expect_row *report_never(struct expect_report *report, const struct expectations *expect, size_t index)
{
	return &report->rows[1 + expect->n_moments + expect->n_must + index];
}

static void begin_row(struct expect_row *row, const char *kind, const char *text,
		      const struct ynode *node)
{
	snprintf(row->name, sizeof(row->name), "%s%s%s", kind, text ? " " : "", text ? text : "");
	row_fail(row, node, NULL, "the run ended before it was judged");
}

static size_t report_size(size_t n)
{
	return sizeof(struct expect_report) + n * sizeof(struct expect_row);
}

struct expect_report *report_create(const struct expectations *expect)
{
	size_t n = n_rows(expect);
	struct expect_report *report = mmap(NULL, report_size(n), PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (report == MAP_FAILED)
		return NULL;
	report->n = n;
	begin_row(report_outcome(report, expect), "outcome", NULL, expect->outcome);
	for (size_t i = 0; i < expect->n_moments; i++)
		begin_row(report_moment(report, expect, i), "at", expect->moments[i].text,
			  expect->moments[i].node);
	for (size_t i = 0; i < expect->n_must; i++)
		begin_row(report_must(report, expect, i), "must", expect->must[i].text,
			  expect->must[i].node);
	for (size_t i = 0; i < expect->n_never; i++)
		begin_row(report_never(report, expect, i), "never", expect->never[i].text,
			  expect->never[i].node);
	if (!expect->outcome)
		report_outcome(report, expect)->name[0] = '\0';
	return report;
}

void report_destroy(struct expect_report *report)
{
	if (report)
		munmap(report, report_size(report->n));
}

void row_fail(struct expect_row *row, const struct ynode *node, const char *told, const char *format,
	      ...)
{
	size_t n = 0;
	va_list args;

	row->failed = true;
	if (node)
		n = (size_t)snprintf(row->message, sizeof(row->message), "%s:%u:%u: ", node->file,
				     node->line, node->column);
	if (n >= sizeof(row->message))
		n = 0;
	va_start(args, format);
	vsnprintf(row->message + n, sizeof(row->message) - n, format, args);
	va_end(args);
	snprintf(row->detail, sizeof(row->detail), "%s", told ? told : "");
}

void row_pass(struct expect_row *row, const char *format, ...)
{
	va_list args;

	row->failed = false;
	row->detail[0] = '\0';
	va_start(args, format);
	vsnprintf(row->message, sizeof(row->message), format, args);
	va_end(args);
}

/* ---- Mappings ---------------------------------------------------------- */

bool what_is(const struct what *what, const struct seen_mapping *mapping)
{
	switch (what->kind) {
	case WHAT_RAM:
		return !mapping->device;
	case WHAT_REGION:
		return mapping->device && !strcmp(mapping->device, what->device) &&
		       mapping->region == what->region;
	default:
		for (size_t i = 0; i < what->n; i++)
			if (span_overlaps(what->spans[i], mapping->iova))
				return true;
		return false;
	}
}

void put_mapping(FILE *to, const struct vfiosim_topology *topology, const struct seen_mapping *mapping)
{
	if (mapping->device)
		fprintf(to, "%s.bar%u", expect_device_name(topology, mapping->device),
			mapping->region);
	else
		fprintf(to, "0x%" PRIx64 "..0x%" PRIx64, mapping->iova.first, mapping->iova.last);
}

static void put_mappings(FILE *to, const struct vfiosim_topology *topology,
			 const struct seen_mapping *mappings, size_t n)
{
	fputc('[', to);
	for (size_t i = 0; i < n && i < 8; i++) {
		fputs(i ? ", " : "", to);
		put_mapping(to, topology, &mappings[i]);
	}
	fputs(n > 8 ? ", ...]" : "]", to);
}

static void put_whats(FILE *to, const struct what_list *list)
{
	fputc('[', to);
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "%s%s", i ? ", " : "", list->items[i].text);
	fputc(']', to);
}

/* A stretch of iovas that is gone through from below. */
struct cover {
	struct span rest;
	bool all;		/* nothing is left of it */
};

/* Does @by go on where the cover is? */
static bool cover_by(struct cover *cover, struct span by)
{
	if (cover->all || by.first > cover->rest.first || by.last < cover->rest.first)
		return false;
	cover->all = by.last >= cover->rest.last;
	cover->rest.first = by.last + 1;
	return true;
}

/* Is each byte of @mapping in the list? */
static bool is_listed(const struct what_list *list, const struct seen_mapping *mapping)
{
	struct cover cover = { .rest = mapping->iova };
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; i < list->n; i++) {
			if (!list->items[i].whole && what_is(&list->items[i], mapping))
				return true;
			moved |= list->items[i].whole && cover_by(&cover, list->items[i].spans[0]);
		}
	} while (moved);
	return cover.all;
}

/* Is something of @what mapped; where it is a range, all of it? */
static bool is_held(const struct what *what, const struct seen_mapping *mappings, size_t n)
{
	struct cover cover = { .rest = what->whole ? what->spans[0] : (struct span){ 0 } };
	bool moved;

	do {
		moved = false;
		for (size_t i = 0; i < n; i++) {
			if (!what->whole && what_is(what, &mappings[i]))
				return true;
			moved |= what->whole && cover_by(&cover, mappings[i].iova);
		}
	} while (moved);
	return cover.all;
}

/* The first that should not be there; NULL: none. */
static const struct seen_mapping *surplus(const struct what_list *list,
					  const struct seen_mapping *mappings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_listed(list, &mappings[i]))
			return &mappings[i];
	return NULL;
}

/* The first that is not there; NULL: none. */
static const struct what *missing(const struct what_list *list, const struct seen_mapping *mappings,
				  size_t n)
{
	for (size_t i = 0; i < list->n; i++)
		if (!is_held(&list->items[i], mappings, n))
			return &list->items[i];
	return NULL;
}

/* ---- Names ------------------------------------------------------------- */

/* One row being judged. */
struct judging {
	const struct vfiosim_topology *topology;
	const struct tales *tales;
	FILE *message;		/* expected and seen */
	const char *told;	/* the step that decided; NULL: none is known */
	bool later;		/* the moment has passed: what was unmapped may have been there then */
};

static size_t times(const char *const *names, size_t n, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !strcmp(names[i], name);
	return count;
}

/* The first name that @names has more often than @others; NULL: none. */
static const char *first_other(const char *const *names, size_t n, const char *const *others,
			       size_t n_others)
{
	for (size_t i = 0; i < n; i++)
		if (times(names, n, names[i]) > times(others, n_others, names[i]))
			return names[i];
	return NULL;
}

/*
 * Their order does not matter, but how often each is there does: a device can be open twice.
 * What came is told as @came, what did not as @missed or, failing that, @came.
 */
static bool judge_names(struct judging *judging, const struct name_list *want,
			const char *const *seen, size_t n, const char *what, enum tale_kind came,
			enum tale_kind missed)
{
	const char *too_much = first_other(seen, n, want->names, want->n);
	const char *too_few = first_other(want->names, want->n, seen, n);

	if (!want->node || (!too_much && !too_few))
		return true;
	fprintf(judging->message, "expected %s ", what);
	expect_put_devices(judging->message, judging->topology, want->names, want->n);
	fputs(", seen ", judging->message);
	expect_put_devices(judging->message, judging->topology, seen, n);
	if (too_much)
		judging->told = tales_of(judging->tales, came, too_much);
	if (!judging->told && too_few)
		judging->told = tales_of(judging->tales, missed, too_few);
	if (!judging->told && too_few)
		judging->told = tales_of(judging->tales, came, too_few);
	return false;
}

/* ---- Spaces ------------------------------------------------------------ */

/* What should not be there was mapped, what is not there was refused, or unmapped, or never asked for. */
static void tell_holds(struct judging *judging, const struct seen_mapping *too_much,
		       const struct what *too_few, unsigned space)
{
	if (too_much)
		judging->told = tales_of_mapping(judging->tales, TALE_MAPPED, too_much, space);
	if (judging->told || !too_few)
		return;
	judging->told = tales_of_what(judging->tales, TALE_MAP_REFUSED,
				      judging->later ? TALE_MAP_REFUSED : TALE_UNMAPPED, too_few, space);
	if (!judging->told)	/* a part of it, perhaps */
		judging->told = tales_of_what(judging->tales, TALE_MAPPED, TALE_MAPPED, too_few, space);
	if (!judging->told && !too_much)
		fprintf(judging->message, "; nothing has asked to map %s there", too_few->text);
}

static bool judge_holds(struct judging *judging, const struct what_list *want,
			const struct seen_mapping *mappings, size_t n, const char *what,
			unsigned space)
{
	const struct seen_mapping *too_much = surplus(want, mappings, n);
	const struct what *too_few = missing(want, mappings, n);

	if (!want->node || (!too_much && !too_few))
		return true;
	fprintf(judging->message, "expected %s ", what);
	put_whats(judging->message, want);
	fputs(", seen ", judging->message);
	put_mappings(judging->message, judging->topology, mappings, n);
	tell_holds(judging, too_much, too_few, space);
	return false;
}

static bool judge_pinned(struct judging *judging, const struct number_want *want, uint64_t pinned,
			 const char *what)
{
	if (!want->node || want->value == pinned)
		return true;
	fprintf(judging->message, "expected %s 0x%" PRIx64 " bytes, seen 0x%" PRIx64, what,
		want->value, pinned);
	judging->told = tales_of(judging->tales, TALE_PINNED, NULL);
	return false;
}

static bool judge_space(struct judging *judging, const struct space_want *want,
			const struct seen_space *seen)
{
	char devices[40], holds[40], pinned[40];

	snprintf(devices, sizeof(devices), "devices of space %u", seen->number);
	snprintf(holds, sizeof(holds), "space %u to hold", seen->number);
	snprintf(pinned, sizeof(pinned), "pinned in space %u", seen->number);
	return judge_names(judging, &want->devices, seen->devices, seen->n_devices, devices,
			   TALE_ATTACHED, TALE_REFUSED) &&
	       judge_holds(judging, &want->holds, seen->mappings, seen->n_mappings, holds,
			   seen->number) &&
	       judge_pinned(judging, &want->pinned, seen->pinned, pinned);
}

static bool judge_each_space(struct judging *judging, const struct spaces_want *want,
			     const struct seen_space *seen, size_t n)
{
	for (size_t i = 0; i < n && i < want->n; i++)
		if (!judge_space(judging, &want->items[i], &seen[i]))
			return false;
	return true;
}

/* Too many: what made the last of them; too few: what was refused. */
static void tell_spaces(struct judging *judging, const struct spaces_want *want,
			const struct seen_space *seen, size_t n)
{
	const struct seen_space *last = n ? &seen[n - 1] : NULL;

	if (n > want->n && last->n_devices)
		judging->told = tales_of(judging->tales, TALE_ATTACHED, last->devices[0]);
	else if (n > want->n && last->n_mappings)
		judging->told = tales_of_mapping(judging->tales, TALE_MAPPED, &last->mappings[0],
						 last->number);
	if (!judging->told)
		judging->told = tales_of(judging->tales, TALE_REFUSED, NULL);
}

static bool judge_spaces(struct judging *judging, const struct spaces_want *want,
			 const struct seen_space *seen, size_t n)
{
	if (!want->node)
		return true;
	if (want->n != n) {
		fprintf(judging->message, "expected %zu space%s, seen %zu", want->n,
			want->n == 1 ? "" : "s", n);
		tell_spaces(judging, want, seen, n);
		return false;
	}
	return !want->listed || judge_each_space(judging, want, seen, n);
}

/* ---- A moment ---------------------------------------------------------- */

/* All devices, all mappings: of @seen's spaces together. False: no memory. */
static bool gather(const struct seen *seen, const char ***ret_devices, size_t *ret_n,
		   struct seen_mapping **ret_mappings, size_t *ret_n_mappings)
{
	size_t n = 0, n_mappings = 0;

	for (size_t i = 0; i < seen->n_spaces; i++) {
		n += seen->spaces[i].n_devices;
		n_mappings += seen->spaces[i].n_mappings;
	}
	*ret_devices = calloc(n + 1, sizeof(**ret_devices));
	*ret_mappings = calloc(n_mappings + 1, sizeof(**ret_mappings));
	*ret_n = *ret_n_mappings = 0;
	if (!*ret_devices || !*ret_mappings)
		return false;
	for (size_t i = 0; i < seen->n_spaces; i++) {
		const struct seen_space *space = &seen->spaces[i];

		for (size_t k = 0; k < space->n_devices; k++)
			(*ret_devices)[(*ret_n)++] = space->devices[k];
		for (size_t k = 0; k < space->n_mappings; k++)
			(*ret_mappings)[(*ret_n_mappings)++] = space->mappings[k];
	}
	return true;
}

static bool judge_open(struct judging *judging, const struct name_list *want, const struct seen *seen)
{
	const char **names;
	bool same;

	if (!want->node)
		return true;
	names = calloc(seen->n_open + 1, sizeof(*names));
	if (!names) {
		fputs("there is no memory to compare what is open", judging->message);
		return false;
	}
	for (size_t i = 0; i < seen->n_open; i++)
		names[i] = expect_file_name(seen->open[i]);
	same = judge_names(judging, want, names, seen->n_open, "open", TALE_OPENED, TALE_CLOSED);
	free(names);
	return same;
}

static bool judge_seen(struct judging *judging, const struct moment_want *want,
		       const struct seen *seen)
{
	struct seen_mapping *mappings;
	const char **devices;
	size_t n, n_mappings;
	bool same = gather(seen, &devices, &n, &mappings, &n_mappings);

	if (!same)
		fputs("there is no memory to compare spaces", judging->message);
	same = same && judge_spaces(judging, &want->spaces, seen->spaces, seen->n_spaces) &&
	       judge_names(judging, &want->devices, devices, n, "devices", TALE_ATTACHED,
			   TALE_REFUSED) &&
	       judge_holds(judging, &want->holds, mappings, n_mappings, "spaces to hold", 0) &&
	       judge_pinned(judging, &want->pinned, seen->pinned, "pinned") &&
	       judge_open(judging, &want->open, seen);
	free(devices);
	free(mappings);
	return same;
}

static void row_judge(struct expect_row *to, const struct ynode *node, bool passed, const char *told,
		      const char *message)
{
	if (passed)
		row_pass(to, "%s", "");
	else
		row_fail(to, node, told, "%s", message);
}

void judge_moment(const struct vfiosim_topology *topology, const struct moment_want *want,
		  const struct seen *seen, const struct tales *tales, struct expect_row *to)
{
	char message[ROW_MESSAGE_MAX / 2] = "";
	struct judging judging = { .topology = topology, .tales = tales,
				   .message = fmemopen(message, sizeof(message), "w") };
	bool passed = judging.message && judge_seen(&judging, want, seen);

	if (judging.message)
		fclose(judging.message);
	row_judge(to, want->node, passed, judging.told, message);
}

/* ---- The outcome ------------------------------------------------------- */

/* A device that was refused in one space is why there is another; or why there is none. */
static bool judge_fullest(struct judging *judging, const struct spaces_want *want, size_t n,
			  const struct seen *fullest)
{
	if (!want->node)
		return true;
	if (want->n == n)
		return !want->listed || judge_each_space(judging, want, fullest->spaces, fullest->n_spaces);
	fprintf(judging->message, "expected %zu space%s at the fullest moment, seen %zu", want->n,
		want->n == 1 ? "" : "s", n);
	judging->told = tales_of(judging->tales, TALE_REFUSED, NULL);
	if (!judging->told)
		judging->told = tales_of(judging->tales, TALE_ATTACHED, NULL);
	return false;
}

static bool judge_omitted(struct judging *judging, const struct what_list *want,
			  const struct seen_outcome *seen)
{
	const struct seen_mapping *too_much = surplus(want, seen->omitted, seen->n_omitted);
	const struct what *too_few = missing(want, seen->omitted, seen->n_omitted);

	if (!want->node || (!too_much && !too_few))
		return true;
	fputs("expected omitted ", judging->message);
	put_whats(judging->message, want);
	fputs(", seen ", judging->message);
	put_mappings(judging->message, judging->topology, seen->omitted, seen->n_omitted);
	if (too_much)
		judging->told = tales_of_mapping(judging->tales, TALE_MAP_REFUSED, too_much, 0);
	else
		judging->told = tales_of_what(judging->tales, TALE_MAPPED, TALE_MAPPED, too_few, 0);
	if (!too_much && !judging->told)
		fprintf(judging->message, "; no mapping of %s was refused", too_few->text);
	return false;
}

void judge_outcome(const struct vfiosim_topology *topology, const struct expectations *expect,
		   const struct seen_outcome *seen, const struct seen *fullest,
		   const char *const *refused, size_t n_refused, const struct tales *tales,
		   struct expect_row *to)
{
	char message[ROW_MESSAGE_MAX / 2] = "";
	struct judging judging = { .topology = topology, .tales = tales, .later = true,
				   .message = fmemopen(message, sizeof(message), "w") };
	bool passed = judging.message && judge_fullest(&judging, &expect->spaces, seen->n_spaces, fullest) &&
		      judge_omitted(&judging, &expect->omitted, seen) &&
		      judge_names(&judging, &expect->refused, refused, n_refused, "refused",
				  TALE_REFUSED, TALE_ATTACHED);

	if (judging.message)
		fclose(judging.message);
	row_judge(to, expect->outcome, passed, judging.told, message);
}
