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

static bool any_what(const struct what_list *list, const struct seen_mapping *mapping)
{
	for (size_t i = 0; i < list->n; i++)
		if (what_is(&list->items[i], mapping))
			return true;
	return false;
}

/* Every one of @list is among the mappings, and every mapping is one of @list. */
static bool same_mappings(const struct what_list *list, const struct seen_mapping *mappings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!any_what(list, &mappings[i]))
			return false;
	for (size_t i = 0; i < list->n; i++) {
		size_t k = 0;

		while (k < n && !what_is(&list->items[i], &mappings[k]))
			k++;
		if (k == n)
			return false;
	}
	return true;
}

/* ---- Names ------------------------------------------------------------- */

static bool has_name(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* As sets: their order is no matter. */
static bool same_names(const struct name_list *want, const char *const *seen, size_t n)
{
	bool same = want->n == n;

	for (size_t i = 0; i < n && same; i++)
		same = has_name(want->names, want->n, seen[i]);
	return same;
}

static void put_names(FILE *to, const struct vfiosim_topology *topology, const char *const *names,
		      size_t n)
{
	fputc('[', to);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? ", " : "", expect_device_name(topology, names[i]));
	fputc(']', to);
}

static bool judge_names(const struct vfiosim_topology *topology, const struct name_list *want,
			const char *const *seen, size_t n, const char *what, FILE *message)
{
	if (!want->node || same_names(want, seen, n))
		return true;
	fprintf(message, "expected %s ", what);
	put_names(message, topology, want->names, want->n);
	fputs(", seen ", message);
	put_names(message, topology, seen, n);
	return false;
}

/* ---- Spaces ------------------------------------------------------------ */

static bool judge_holds(const struct vfiosim_topology *topology, const struct what_list *want,
			const struct seen_mapping *mappings, size_t n, const char *what, FILE *message)
{
	if (!want->node || same_mappings(want, mappings, n))
		return true;
	fprintf(message, "expected %s ", what);
	put_whats(message, want);
	fputs(", seen ", message);
	put_mappings(message, topology, mappings, n);
	return false;
}

static bool judge_pinned(const struct number_want *want, uint64_t pinned, const char *what,
			 FILE *message)
{
	if (!want->node || want->value == pinned)
		return true;
	fprintf(message, "expected %s 0x%" PRIx64 " bytes, seen 0x%" PRIx64, what, want->value, pinned);
	return false;
}

static bool judge_space(const struct vfiosim_topology *topology, const struct space_want *want,
			const struct seen_space *seen, FILE *message)
{
	char devices[40], holds[40], pinned[40];

	snprintf(devices, sizeof(devices), "devices of space %u", seen->number);
	snprintf(holds, sizeof(holds), "space %u to hold", seen->number);
	snprintf(pinned, sizeof(pinned), "pinned in space %u", seen->number);
	return judge_names(topology, &want->devices, seen->devices, seen->n_devices, devices,
			   message) &&
	       judge_holds(topology, &want->holds, seen->mappings, seen->n_mappings, holds,
			   message) &&
	       judge_pinned(&want->pinned, seen->pinned, pinned, message);
}

static bool judge_spaces(const struct vfiosim_topology *topology, const struct spaces_want *want,
			 const struct seen_space *seen, size_t n, FILE *message)
{
	if (!want->node)
		return true;
	if (want->n != n) {
		fprintf(message, "expected %zu space%s, seen %zu", want->n, want->n == 1 ? "" : "s", n);
		return false;
	}
	for (size_t i = 0; i < n && want->listed; i++)
		if (!judge_space(topology, &want->items[i], &seen[i], message))
			return false;
	return true;
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

/* "device 0000:01:00.0" is that device; other words stay what they are. */
static bool judge_open(const struct vfiosim_topology *topology, const struct name_list *want,
		       const struct seen *seen, FILE *message)
{
	const char **names;
	bool same;

	if (!want->node)
		return true;
	names = calloc(seen->n_open + 1, sizeof(*names));
	if (!names) {
		fputs("there is no memory to compare what is open", message);
		return false;
	}
	for (size_t i = 0; i < seen->n_open; i++)
		names[i] = strncmp(seen->open[i], "device ", 7) ? seen->open[i] : seen->open[i] + 7;
	same = judge_names(topology, want, names, seen->n_open, "open", message);
	free(names);
	return same;
}

static bool judge_seen(const struct vfiosim_topology *topology, const struct moment_want *want,
		       const struct seen *seen, FILE *message)
{
	struct seen_mapping *mappings;
	const char **devices;
	size_t n, n_mappings;
	bool same = gather(seen, &devices, &n, &mappings, &n_mappings);

	if (!same)
		fputs("there is no memory to compare spaces", message);
	same = same && judge_spaces(topology, &want->spaces, seen->spaces, seen->n_spaces, message) &&
	       judge_names(topology, &want->devices, devices, n, "devices", message) &&
	       judge_holds(topology, &want->holds, mappings, n_mappings, "spaces to hold", message) &&
	       judge_pinned(&want->pinned, seen->pinned, "pinned", message) &&
	       judge_open(topology, &want->open, seen, message);
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
		  const struct seen *seen, const char *told, struct expect_row *to)
{
	char message[ROW_MESSAGE_MAX / 2] = "";
	FILE *file = fmemopen(message, sizeof(message), "w");
	bool passed = file && judge_seen(topology, want, seen, file);

	if (file)
		fclose(file);
	row_judge(to, want->node, passed, told, message);
}

/* ---- The outcome ------------------------------------------------------- */

static bool judge_refused(const struct vfiosim_topology *topology, const struct name_list *want,
			  const struct seen_refused *refused, size_t n, const char **ret_told,
			  FILE *message)
{
	const char **names;
	bool same;

	if (!want->node)
		return true;
	names = calloc(n + 1, sizeof(*names));
	if (!names) {
		fputs("there is no memory to compare devices", message);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		names[i] = refused[i].device;
		if (!has_name(want->names, want->n, names[i]))
			*ret_told = refused[i].told;
	}
	same = judge_names(topology, want, names, n, "refused", message);
	free(names);
	return same;
}

void judge_outcome(const struct vfiosim_topology *topology, const struct expectations *expect,
		   const struct seen_outcome *seen, const struct seen_refused *refused,
		   size_t n_refused, struct expect_row *to)
{
	char message[ROW_MESSAGE_MAX / 2] = "";
	FILE *file = fmemopen(message, sizeof(message), "w");
	const char *told = NULL;
	bool passed = file;

	if (passed && expect->spaces.node && expect->spaces.n != seen->n_spaces) {
		fprintf(file, "expected %zu space%s at the fullest moment, seen %zu", expect->spaces.n,
			expect->spaces.n == 1 ? "" : "s", seen->n_spaces);
		told = n_refused ? refused[n_refused - 1].told : NULL;
		passed = false;
	}
	if (passed && !judge_holds(topology, &expect->omitted, seen->omitted, seen->n_omitted,
				   "omitted", file)) {
		told = seen->told;
		passed = false;
	}
	passed = passed &&
		 judge_refused(topology, &expect->refused, refused, n_refused, &told, file);
	if (file)
		fclose(file);
	row_judge(to, expect->outcome, passed, told, message);
}
