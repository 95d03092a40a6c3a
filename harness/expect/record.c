/* SPDX-License-Identifier: MIT */
/* What happened, as an expectation file. See record.h. */
#include "expect/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/trace.h>

#include "expect/judge.h"

#define RANGES_MAX 8		/* of memory in a list of what a space holds */
#define RANGE_GAP 0x100000u	/* bytes between two that are one all the same */

struct record {
	const struct vfiosim_topology *topology;
	FILE *to;
	char *moments, *must;		/* rows, as they came */
	size_t moments_size, must_size;
	FILE *to_moments, *to_must;	/* which write those */
	uint64_t msi;			/* mappings that touched the interrupt window */
	struct tries {
		const char *device;	/* an address */
		uint64_t n;		/* attempts to attach it */
		bool refused;		/* one of them */
	} tries[64];
	size_t n_tries;
	uint64_t filled;		/* spaces 1..64 that memory was mapped in: a bit each */
};

static bool is_msi(const struct record *record, const struct seen_mapping *mapping)
{
	const struct vfiosim_topology *topology = record->topology;

	for (size_t i = 0; i < topology->n_iommus; i++)
		for (size_t k = 0; k < topology->iommus[i].n_resv; k++) {
			const struct vfiosim_resv *resv = &topology->iommus[i].resv[k];
			struct span span = { resv->range.first, resv->range.last };

			if (resv->type == VFIOSIM_RESV_MSI && span_overlaps(span, mapping->iova))
				return true;
		}
	return false;
}

static bool has_msi(const struct vfiosim_topology *topology)
{
	for (size_t i = 0; i < topology->n_iommus; i++)
		for (size_t k = 0; k < topology->iommus[i].n_resv; k++)
			if (topology->iommus[i].resv[k].type == VFIOSIM_RESV_MSI)
				return true;
	return false;
}

struct record *record_create(const struct vfiosim_topology *topology, FILE *to)
{
	struct record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->topology = topology;
	record->to = to;
	record->to_moments = open_memstream(&record->moments, &record->moments_size);
	record->to_must = open_memstream(&record->must, &record->must_size);
	if (record->to_moments && record->to_must)
		return record;
	record_destroy(record);
	return NULL;
}

void record_destroy(struct record *record)
{
	if (!record)
		return;
	if (record->to_moments)
		fclose(record->to_moments);
	if (record->to_must)
		fclose(record->to_must);
	free(record->moments);
	free(record->must);
	free(record);
}

/* ---- Parts ------------------------------------------------------------- */

static int by_iova(const void *one, const void *other)
{
	const struct span *a = one, *b = other;

	return (a->first > b->first) - (a->first < b->first);
}

/* What is mapped with little between is one; firmware moves such holes. Returns how many are left. */
static size_t merge(struct span *spans, size_t n)
{
	size_t last = 0;

	qsort(spans, n, sizeof(*spans), by_iova);
	for (size_t i = 1; i < n; i++) {
		if (spans[i].first <= spans[last].last ||
		    spans[i].first - spans[last].last <= RANGE_GAP)
			spans[last].last = spans[i].last > spans[last].last ? spans[i].last :
									      spans[last].last;
		else
			spans[++last] = spans[i];
	}
	return n ? last + 1 : 0;
}

/* Memory: its iovas, if they are few and the same in each run, else "ram". True: there is some. */
static bool put_memory(FILE *to, const struct seen_mapping *mappings, size_t n)
{
	struct span *spans = calloc(n + 1, sizeof(*spans));
	size_t n_spans = 0;
	bool ram = !spans;

	for (size_t i = 0; spans && i < n; i++) {
		if (mappings[i].device)
			continue;
		ram = ram || mappings[i].moves;
		spans[n_spans++] = mappings[i].iova;
	}
	if (spans && !n_spans) {
		free(spans);
		return false;
	}
	n_spans = merge(spans, n_spans);
	ram = ram || n_spans > RANGES_MAX;
	for (size_t i = 0; i < n_spans && !ram; i++)
		fprintf(to, "%s0x%" PRIx64 "..0x%" PRIx64, i ? ", " : "", spans[i].first,
			spans[i].last);
	if (ram)
		fputs("ram", to);
	free(spans);
	return true;
}

/* "[0x0..0xfffff, mdev0.bar0]": each region once, whatever pieces it is mapped in. */
static void put_holds(const struct record *record, FILE *to, const struct seen_mapping *mappings,
		      size_t n)
{
	const char *sep;

	fputc('[', to);
	sep = put_memory(to, mappings, n) ? ", " : "";
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (!mappings[i].device)	/* there may be many, and this takes a walk each */
			continue;
		while (k < i && (!mappings[k].device || mappings[k].region != mappings[i].region ||
				 strcmp(mappings[k].device, mappings[i].device)))
			k++;
		if (k < i)
			continue;
		fputs(sep, to);
		put_mapping(to, record->topology, &mappings[i]);
		sep = ", ";
	}
	fputc(']', to);
}

static void put_spaces(const struct record *record, FILE *to, const struct seen *seen)
{
	if (!seen->n_spaces) {
		fputs("spaces: 0", to);
		return;
	}
	fputs("spaces: [", to);
	for (size_t i = 0; i < seen->n_spaces; i++) {
		const struct seen_space *space = &seen->spaces[i];

		fprintf(to, "%s{devices: ", i ? ", " : "");
		expect_put_devices(to, record->topology, space->devices, space->n_devices);
		fputs(", holds: ", to);
		put_holds(record, to, space->mappings, space->n_mappings);
		fputc('}', to);
	}
	fputc(']', to);
}

static void put_open(const struct record *record, FILE *to, const struct seen *seen)
{
	fputs("open: [", to);
	for (size_t i = 0; i < seen->n_open; i++)
		fprintf(to, "%s%s", i ? ", " : "",
			expect_device_name(record->topology, expect_file_name(seen->open[i])));
	fputc(']', to);
}

/* ---- Rows -------------------------------------------------------------- */

bool record_wants(const struct record *record, enum moment_kind kind)
{
	return kind == MOMENT_MARK || kind == MOMENT_ATTACHED;
}

void record_moment(struct record *record, enum moment_kind kind, const char *name,
		   const struct seen *seen)
{
	FILE *to = record->to_moments;

	if (!record_wants(record, kind))
		return;
	if (kind == MOMENT_MARK)
		fprintf(to, "- {moment: mark %s, ", name);
	else
		fprintf(to, "- {moment: attached %s, ", expect_device_name(record->topology, name));
	put_spaces(record, to, seen);
	fputs("}\n", to);
}

static void count_try(struct record *record, const char *device, bool refused)
{
	size_t i = 0;

	while (i < record->n_tries && strcmp(record->tries[i].device, device))
		i++;
	if (i == sizeof(record->tries) / sizeof(record->tries[0]))
		return;
	if (i == record->n_tries)
		record->tries[record->n_tries++].device = device;
	record->tries[i].n++;
	record->tries[i].refused = record->tries[i].refused || refused;
}

/* The first memory that a space gets, if it is known which space that is. */
static void put_first_map(struct record *record, unsigned space, const struct seen_mapping *mapping)
{
	if (!space || space > 64 || mapping->device || record->filled >> (space - 1) & 1)
		return;
	record->filled |= UINT64_C(1) << (space - 1);
	fputs("- {map: ", record->to_must);
	put_memory(record->to_must, mapping, 1);
	fprintf(record->to_must, ", space: %u}\n", space);
}

void record_step(struct record *record, enum step_kind kind, const char *const *devices, size_t n,
		 unsigned space, const struct seen_mapping *mapping, const struct vfiosim_event *event)
{
	FILE *to = record->to_must;

	record->msi += kind == STEP_MAP && is_msi(record, mapping);
	if (kind == STEP_MAP && event->result >= 0)
		put_first_map(record, space, mapping);
	if (kind != STEP_ATTACH || !n)
		return;
	for (size_t i = 0; i < n; i++)
		count_try(record, devices[i], event->result < 0);
	fprintf(to, "- {attach: %s", expect_device_name(record->topology, devices[0]));
	if (space)
		fprintf(to, ", space: %u", space);
	if (event->result < 0 && event->rule)
		fprintf(to, ", rule: %s", event->rule->id);
	else if (event->result < 0 && strerrorname_np((int)-event->result))
		fprintf(to, ", error: %s", strerrorname_np((int)-event->result));
	fputs("}\n", to);
}

static void put_outcome(const struct record *record, const struct seen_outcome *outcome,
			const struct seen *fullest, const char *const *refused, size_t n)
{
	FILE *to = record->to;

	fputs("outcome: {", to);
	put_spaces(record, to, fullest);
	fputs(", omitted: ", to);
	put_holds(record, to, outcome->omitted, outcome->n_omitted);
	fputs(", refused: ", to);
	expect_put_devices(to, record->topology, refused, n);
	fputs("}\n", to);
}

/* The window of the interrupts, and devices that were refused: not more often than now. */
static void put_never(const struct record *record)
{
	FILE *to = record->to;
	const char *head = "never:\n";

	if (has_msi(record->topology)) {
		fprintf(to, "%s- {map: msi", head);
		if (record->msi)
			fprintf(to, ", max: %" PRIu64, record->msi);
		fputs("}\n", to);
		head = "";
	}
	for (size_t i = 0; i < record->n_tries; i++) {
		if (!record->tries[i].refused)
			continue;
		fprintf(to, "%s- {attach: %s, max: %" PRIu64 "}\n", head,
			expect_device_name(record->topology, record->tries[i].device),
			record->tries[i].n);
		head = "";
	}
}

void record_end(struct record *record, const struct seen_outcome *outcome,
		const struct seen *fullest, const char *const *refused, size_t n_refused,
		const struct seen *at_exit)
{
	FILE *to = record->to;

	fflush(record->to_moments);
	fflush(record->to_must);
	put_outcome(record, outcome, fullest, refused, n_refused);
	fputs("at:\n", to);
	fputs(record->moments_size ? record->moments : "", to);
	fputs("- {moment: exit, ", to);
	put_spaces(record, to, at_exit);
	fputs(", ", to);
	put_open(record, to, at_exit);
	fprintf(to, ", pinned: %" PRIu64 "}\n", at_exit->pinned);
	if (record->must_size)
		fprintf(to, "must:\n%s", record->must);
	put_never(record);
	fflush(to);
}
