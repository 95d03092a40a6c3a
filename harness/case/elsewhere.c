/* SPDX-License-Identifier: MIT */
/* See elsewhere.h. */
#include "case/elsewhere.h"

#include <string.h>

#include "report/lines.h"
#include "select/policy.h"

#define COLUMN 14
#define LEGACY_CELL 25
#define IOMMUFD_CELL 29

static bool lists(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ' ') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

/* "4 attach: EFAULT pin-region" of a log: "attach: EFAULT", each once. */
static void refusals_of(const char *log, char *to, size_t size)
{
	char refusal[64];
	size_t n = 0;

	*to = 0;
	for (const char *line = log; line && *line && n < size; ) {
		const char *verb = strchr(line, ' '), *answer = strstr(line, ": "), *end = strchr(line, '\n');
		size_t length;

		if (!verb || !answer)
			break;
		length = strcspn(answer + 2, " \n");
		snprintf(refusal, sizeof(refusal), "%.*s %.*s", (int)(answer - verb - 1), verb + 1,
			 (int)length, answer + 2);
		if ((answer[2] == 'E' || !strncmp(answer + 2, "blocks", 6)) && !lists(to, refusal))
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? ", " : "", refusal);
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

/* One line of the table: what a variant came to with each interface; NULL: it was not played. */
struct scripted {
	const char *variant, *about, *ended[MODE_COUNT];
};

static struct scripted scripted_at(const struct elsewhere *elsewhere, const struct play *told,
				   size_t variant)
{
	const char *name = case_variant(told->file, variant);

	return (struct scripted){
		.variant = name ? name : "",
		.about = case_variant_about(told->file, variant),
		.ended = { [MODE_LEGACY] = ended(elsewhere, variant, MODE_LEGACY),
			   [MODE_IOMMUFD] = ended(elsewhere, variant, MODE_IOMMUFD) },
	};
}

/* For who was told of one interface, and reads of both. */
static const char *const titles[MODE_COUNT] = {
	[MODE_LEGACY] = "containers",
	[MODE_IOMMUFD] = "iommufd (newer; ioas: its container, hwpt: its domain)",
};

/* Side by side; @modes: what has a column. */
static void print_row(const struct scripted *row, const bool *modes, FILE *to)
{
	const char *legacy = row->ended[MODE_LEGACY], *iommufd = row->ended[MODE_IOMMUFD];
	char line[1000];

	snprintf(line, sizeof(line), "   %-*s %-*s%s%-*s %s", COLUMN - 2, row->variant,
		 modes[MODE_LEGACY] ? LEGACY_CELL : 0, legacy ? legacy : "", modes[MODE_LEGACY] ? " " : "",
		 modes[MODE_IOMMUFD] ? IOMMUFD_CELL : 0, iommufd ? iommufd : "", row->about ? row->about : "");
	for (size_t n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	fprintf(to, "%s\n", line);
}

static void print_heading(const bool *modes, FILE *to)
{
	bool both = modes[MODE_LEGACY] && modes[MODE_IOMMUFD];

	fprintf(to, "%-*s %-*s%s%s\n", COLUMN + 1, "What is refused", both ? LEGACY_CELL : 0,
		modes[MODE_LEGACY] ? titles[MODE_LEGACY] : "", both ? " " : "",
		both ? titles[MODE_IOMMUFD] : modes[MODE_IOMMUFD] ? "iommufd" : "");
}

/* One below the other. */
static void print_rows(const struct scripted *row, FILE *to)
{
	if (*row->variant)
		fprintf(to, "   %s%s%s\n", row->variant, row->about ? ": " : "", row->about ? row->about : "");
	for (size_t mode = 0; mode < MODE_COUNT; mode++)
		if (row->ended[mode])
			lines_put(to, 3, mode == MODE_LEGACY ? "containers  " : "iommufd     ", row->ended[mode]);
}

static void print_scripted(const struct elsewhere *elsewhere, const struct play *told, FILE *to)
{
	bool modes[MODE_COUNT] = { false }, wide = false;
	size_t n = case_variants(told->file);

	for (size_t i = 0; i < n; i++) {
		const struct scripted row = scripted_at(elsewhere, told, i);

		modes[MODE_LEGACY] |= row.ended[MODE_LEGACY] != NULL;
		modes[MODE_IOMMUFD] |= row.ended[MODE_IOMMUFD] != NULL;
		wide |= row.ended[MODE_LEGACY] && strlen(row.ended[MODE_LEGACY]) > LEGACY_CELL;
	}
	if (!modes[MODE_LEGACY] && !modes[MODE_IOMMUFD])
		return;
	if (wide)
		fputs("What is refused\n", to);
	else
		print_heading(modes, to);
	for (size_t i = 0; i < n; i++) {
		const struct scripted row = scripted_at(elsewhere, told, i);

		if (!row.ended[MODE_LEGACY] && !row.ended[MODE_IOMMUFD])
			continue;
		if (wide)
			print_rows(&row, to);
		else
			print_row(&row, modes, to);
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
