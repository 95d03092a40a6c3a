/* SPDX-License-Identifier: MIT */
#include "fault_args.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <vfiosim/fault.h>
#include <vfiosim/topology.h>

#include "cli.h"

/* Classes, sites inside of commands, commands. */
const char *fault_site_word(size_t index)
{
	const struct vfiosim_command *command;
	size_t i;

	for (i = 0; vfiosim_fault_class(i); i++)
		if (!index--)
			return vfiosim_fault_class(i)->name;
	for (i = VFIOSIM_FAULT_COMMAND + 1; vfiosim_fault_site(i); i++)
		if (!index--)
			return vfiosim_fault_site(i)->name;
	command = vfiosim_command(index);
	return command ? command->name : NULL;
}

const char *fault_args_add(const char *text, void *to)
{
	struct fault_args *args = to;

	if (args->n == FAULT_ARGS_MAX)
		return "at most 64 faults";
	args->texts[args->n++] = text;
	return NULL;
}

int fault_args_apply(const struct fault_args *args, struct vfiosim_topology *topology)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	int error = 0;

	for (size_t i = 0; args && i < args->n; i++) {
		int ret = vfiosim_topology_add_fault(topology, args->texts[i], problem,
						     sizeof(problem));

		if (ret == -EINVAL)
			cli_error("--fault %s: %s", args->texts[i], problem);
		else if (ret)
			return ret;
		error = ret ? ret : error;
	}
	return error;
}

bool fault_fired_in(const char *trace, size_t number)
{
	char words[32];
	int n = snprintf(words, sizeof(words), "by fault %zu", number);

	while ((trace = strstr(trace, words))) {
		trace += n;
		if (*trace < '0' || *trace > '9')
			return true;
	}
	return false;
}

const char *fault_met_words(uint64_t met, char *to, size_t size)
{
	if (met > 1)
		snprintf(to, size, "it was met %" PRIu64 " times", met);
	else
		snprintf(to, size, met ? "it was met once" : "it was never met");
	return to;
}

void faults_report(struct vfiosim *sim, FILE *to)
{
	char words[48];
	char text[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault_count count;
	struct vfiosim_fault fault;
	uint32_t id;

	for (size_t i = 0; !vfiosim_fault_at(sim, i, &id, &fault, &count); i++) {
		if (count.fired)
			continue;
		vfiosim_fault_text(&fault, text, sizeof(text));
		fprintf(to, "vfiosim: fault %" PRIu32 " never fired: %s (%s)\n", id, text,
			fault_met_words(count.met, words, sizeof(words)));
	}
}
