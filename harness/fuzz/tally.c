/* SPDX-License-Identifier: MIT */
#include "fuzz/tally.h"

#include <inttypes.h>
#include <string.h>

static void tally_row(struct tally *tally, const struct vfiosim_event *event)
{
	size_t i = 0;

	while (i < TALLY_COMMANDS && vfiosim_command(i) && vfiosim_command(i) != event->command)
		i++;
	if (i == TALLY_COMMANDS)
		return;
	tally->rows[i].commands++;
	tally->rows[i].succeeded += event->result >= 0;
}

static void tally_rule(struct tally *tally, const struct vfiosim_rule *rule)
{
	size_t i = 0;

	while (i < TALLY_RULES && vfiosim_rule(i) && vfiosim_rule(i) != rule)
		i++;
	if (i < TALLY_RULES)
		tally->rules[i]++;
}

void tally_event(struct tally *tally, const struct vfiosim_event *event)
{
	tally->events++;
	if (event->rule)
		tally_rule(tally, event->rule);
	if (!event->command)
		return;
	tally->commands++;
	tally->succeeded += event->result >= 0;
	tally_row(tally, event);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	return whole ? (unsigned)(part * 100 / whole) : 0;
}

static const char *kind_name(unsigned kinds)
{
	switch (kinds) {
	case VFIOSIM_CONTAINER:
		return "container";
	case VFIOSIM_GROUP:
		return "group";
	case VFIOSIM_DEVICE:
		return "device";
	case VFIOSIM_IOMMUFD:
		return "iommufd";
	default:
		return "file";
	}
}

void tally_print(const struct tally *tally, FILE *to)
{
	const struct vfiosim_command *row;
	unsigned met = 0, rules = 0;

	for (size_t i = 0; i < TALLY_RULES && vfiosim_rule(i); i++, rules++)
		met += tally->rules[i] > 0;
	fprintf(to, "%" PRIu64 " inputs, %" PRIu64 " steps, %" PRIu64 " events\n", tally->inputs,
		tally->steps, tally->events);
	fprintf(to, "%" PRIu64 " commands, %u%% of them succeeded; %u of %u rules refused something\n",
		tally->commands, percent(tally->succeeded, tally->commands), met, rules);
	fprintf(to, "never succeeded:");
	for (size_t i = 0; i < TALLY_COMMANDS && (row = vfiosim_command(i)); i++)
		if (!tally->rows[i].succeeded)
			fprintf(to, " %s (%s)", row->name, kind_name(row->kinds));
	fputc('\n', to);
}

void tally_print_all(const struct tally *tally, FILE *to)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; i < TALLY_COMMANDS && (row = vfiosim_command(i)); i++)
		fprintf(to, "%10" PRIu64 " %3u%%  %-9s %s\n", tally->rows[i].commands,
			percent(tally->rows[i].succeeded, tally->rows[i].commands),
			kind_name(row->kinds), row->name);
	fprintf(to, "rules that refused nothing:");
	for (size_t i = 0; i < TALLY_RULES && vfiosim_rule(i); i++)
		if (!tally->rules[i])
			fprintf(to, " %s", vfiosim_rule(i)->id);
	fputc('\n', to);
}
