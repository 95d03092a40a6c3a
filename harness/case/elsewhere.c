/* SPDX-License-Identifier: MIT */
/* See elsewhere.h. */
#include "case/elsewhere.h"

#include <string.h>

#include "select/policy.h"

#define COLUMN 14
#define LEGACY_CELL 25
#define IOMMUFD_CELL 29

/* "4 attach: EFAULT pin-region" of a log: "attach: EFAULT". */
static void refusals_of(const char *log, char *to, size_t size)
{
	size_t n = 0;

	*to = 0;
	for (const char *line = log; line && *line && n < size; ) {
		const char *verb = strchr(line, ' '), *answer = strstr(line, ": "), *end = strchr(line, '\n');
		size_t length;

		if (!verb || !answer)
			break;
		length = strcspn(answer + 2, " \n");
		if (answer[2] == 'E' || !strncmp(answer + 2, "blocks", 6))
			n += (size_t)snprintf(to + n, size - n, "%s%.*s %.*s", n ? ", " : "",
					      (int)(answer - verb - 1), verb + 1, (int)length, answer + 2);
		line = end ? end + 1 : NULL;
	}
	if (!n)
		snprintf(to, size, "nothing refused");
}

void elsewhere_add(struct elsewhere *elsewhere, const struct play *play, const struct outcome *outcome)
{
	struct elsewhere_play *entry = &elsewhere->plays[elsewhere->n];
	const struct outcome_end *end = &outcome->end;

	if (elsewhere->n == ELSEWHERE_MAX || outcome->verdict == SKIPPED)
		return;
	entry->play = play;
	elsewhere->n++;
	if (!play->policy)
		refusals_of(outcome->log, entry->ended, sizeof(entry->ended));
	else
		snprintf(entry->ended, sizeof(entry->ended),
			 "%u %s%s, %zu device%s kept out, %zu mapping%s left out; %s", end->spaces,
			 play->mode == MODE_LEGACY ? "container" : "ioas",
			 play->mode == MODE_LEGACY && end->spaces != 1 ? "s" : "", end->refused,
			 end->refused == 1 ? "" : "s", end->omitted, end->omitted == 1 ? "" : "s",
			 end->aborted ? "the program gives up" : "goes on");
}

static const char *ended(const struct elsewhere *elsewhere, size_t variant, enum mode mode)
{
	for (size_t i = 0; i < elsewhere->n; i++)
		if (elsewhere->plays[i].play->variant == variant &&
		    elsewhere->plays[i].play->mode == mode && !elsewhere->plays[i].play->policy)
			return elsewhere->plays[i].ended;
	return NULL;
}

/* For who was told of one interface, and reads of both. */
static void print_heading(bool legacy, bool iommufd, FILE *to)
{
	fprintf(to, "%-*s ", COLUMN + 1, "What is refused");
	if (legacy)
		fprintf(to, "%-*s ", LEGACY_CELL, "containers");
	if (iommufd)
		fputs(legacy ? "iommufd (newer; ioas: its container, hwpt: its domain)" : "iommufd", to);
	fputc('\n', to);
}

static void print_scripted(const struct elsewhere *elsewhere, const struct play *told, FILE *to)
{
	const bool *modes = told->file->modes;

	print_heading(modes[MODE_LEGACY], modes[MODE_IOMMUFD], to);
	for (size_t i = 0; i < case_variants(told->file); i++) {
		const char *legacy = ended(elsewhere, i, MODE_LEGACY);
		const char *iommufd = ended(elsewhere, i, MODE_IOMMUFD);
		const char *variant = case_variant(told->file, i), *about = case_variant_about(told->file, i);

		if (!legacy && !iommufd)
			continue;
		fprintf(to, "   %-*s ", COLUMN - 2, variant ? variant : "");
		if (modes[MODE_LEGACY])
			fprintf(to, "%-*s ", iommufd || about ? LEGACY_CELL : 0, legacy ? legacy : "");
		if (modes[MODE_IOMMUFD])
			fprintf(to, "%-*s ", about ? IOMMUFD_CELL : 0, iommufd ? iommufd : "");
		fprintf(to, "%s\n", about ? about : "");
	}
}

static void print_programs(const struct elsewhere *elsewhere, const struct play *told, FILE *to)
{
	const char *variant = case_variant(told->file, told->variant);
	bool any = false;

	for (size_t i = 0; i < elsewhere->n; i++) {
		const struct elsewhere_play *entry = &elsewhere->plays[i];

		if (!entry->play->policy || entry->play->variant != told->variant)
			continue;
		if (!any)
			fprintf(to, "What programs make of it%s%s%s\n", variant ? " (variant " : "",
				variant ? variant : "", variant ? ")" : "");
		any = true;
		fprintf(to, "   %-18s %s%s\n", entry->play->policy->name, entry->ended,
			entry->play == told ? " (told above)" : "");
	}
}

void elsewhere_print(struct elsewhere *elsewhere, const struct play *told, FILE *to)
{
	if (elsewhere->n > 1) {
		print_scripted(elsewhere, told, to);
		print_programs(elsewhere, told, to);
	}
	elsewhere->n = 0;
}
