/* SPDX-License-Identifier: MIT */
/* Commands, and open, read, write, mmap: what they do and what they can answer. */
#include <ctype.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/fault.h>
#include <vfiosim/kernel.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "case/evidence.h"
#include "learn/subject.h"
#include "report/lines.h"
#include "report/words.h"

/* What is asked without a command. */
static const struct {
	const char *name, *words;
} calls[] = {
	{ "open", "open a node. A group has one descriptor at a time; containers, /dev/iommu and devices' "
		  "own nodes have any number" },
	{ "lookup", "look for a node that is not there, to open it or to ask about it" },
	{ "close", "close a descriptor. It cannot fail: with the last one the kernel takes back what it stood "
		   "for, mappings and pinned pages included" },
	{ "read", "read a region of a device; the offset says which" },
	{ "write", "write to a region of a device, or to a file of sysfs" },
	{ "mmap", "map a region of a device into the program's memory; the offset says which" },
	{ "dma-read", "the device itself reads memory, at an iova" },
	{ "dma-write", "the device itself writes memory, at an iova" },
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static const char *words_of(const char *name)
{
	for (size_t i = 0; i < N_CALLS; i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].words;
	return words_for_verb(name) ? words_for_verb(name) : "a command";
}

/* ---- Names ---- */

/* An older Linux may have it in another shape. */
static bool is_row_of(const struct vfiosim_command *row, const char *name)
{
	return !row->until.major && !strcmp(row->name, name);
}

const struct vfiosim_command *subject_command_row(const char *name)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (is_row_of(row, name))
			return row;
	return NULL;
}

/* "VFIO_GROUP_GET_STATUS", "GROUP_GET_STATUS" or "GET_STATUS" */
static bool is_called(const struct vfiosim_command *row, const char *word)
{
	return !strcasecmp(row->name, word) || !strcasecmp(words_short_name(row->name), word) ||
	       (!strncmp(row->name, "VFIO_", 5) && !strcasecmp(row->name + 5, word));
}

const char *subject_command_name(const char *word)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (is_called(row, word))
			return row->name;
	for (size_t i = 0; i < N_CALLS; i++)
		if (!strcmp(calls[i].name, word))
			return calls[i].name;
	return NULL;
}

static const char *command_word(size_t index, const char **ret_about)
{
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (subject_command_row(row->name) == row && n++ == index) {
			*ret_about = words_for_verb(row->name);
			return row->name;
		}
	if (index - n >= N_CALLS)
		return NULL;
	*ret_about = calls[index - n].words;
	return calls[index - n].name;
}

/* ---- What it is ---- */

/* The kinds of files that know it: a container made of an iommufd has rows of its own. */
static unsigned kinds_of(const char *name)
{
	const struct vfiosim_command *row;
	unsigned kinds = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (is_row_of(row, name))
			kinds |= row->kinds;
	return kinds;
}

static void tell_files(FILE *to, unsigned kinds, bool needs_iommu)
{
	static const struct {
		unsigned kind;
		const char *name;
	} files[] = {
		{ VFIOSIM_CONTAINER, "a container (/dev/vfio/vfio)" },
		{ VFIOSIM_GROUP, "a group (/dev/vfio/NUMBER)" },
		{ VFIOSIM_DEVICE, "a device (from GET_DEVICE_FD, or /dev/vfio/devices/vfioN)" },
		{ VFIOSIM_IOMMUFD, "an iommufd (/dev/iommu)" },
	};
	const char *comma = "";

	fputs("  on       ", to);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!(kinds & files[i].kind))
			continue;
		fprintf(to, "%s%s%s", comma, files[i].name,
			needs_iommu && files[i].kind == VFIOSIM_CONTAINER ? ", once SET_IOMMU was called" : "");
		comma = "; ";
	}
	fputc('\n', to);
}

static void tell_structure(FILE *to, const struct vfiosim_command *row)
{
	static const char *const families[] = {
		[VFIOSIM_SIZE_VALUE] = "a number: nothing is copied",
		[VFIOSIM_SIZE_FIXED] = "a pointer to a value of fixed size",
		[VFIOSIM_SIZE_ARGSZ] = "a structure that says its own size in argsz",
		[VFIOSIM_SIZE_IOMMUFD] = "a structure that says its own size in size; a longer one must end in zeroes",
	};
	const char *comma = "";

	fprintf(to, "  takes    %s", families[row->family]);
	if (row->family == VFIOSIM_SIZE_ARGSZ || row->family == VFIOSIM_SIZE_IOMMUFD)
		fprintf(to, "; at least %u bytes", row->min_size);
	fputc('\n', to);
	if (row->fields && row->fields->name) {
		fputs("  fields   ", to);
		for (const struct vfiosim_field *field = row->fields; field->name; field++, comma = ", ")
			fprintf(to, "%s%s", comma, field->name);
		fputc('\n', to);
	}
	comma = "";
	if (row->flags && row->flags->name) {
		fputs(row->family == VFIOSIM_SIZE_VALUE ? "  values   " : "  flags    ", to);
		for (const struct vfiosim_flag *flag = row->flags; flag->name; flag++, comma = ", ")
			fprintf(to, "%s%s", comma, flag->name);
		fputc('\n', to);
	}
}

/* Is it one of "VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU, with ..."? */
static bool is_about(const char *about, const char *name)
{
	const char *at = strstr(about, name), *end = at ? at + strlen(name) : NULL;

	return at && !isalnum((unsigned char)*end) && *end != '_' && (at == about || at[-1] == ' ');
}

static void tell_changes(FILE *to, const char *name)
{
	const struct vfiosim_kernel_change *change;

	for (size_t i = 0; (change = vfiosim_kernel_change(i)); i++)
		if (is_about(change->about, name))
			lines_putf(to, 2, "kernels  ", "before %u.%u: %s; since then: %s", change->since.major,
				   change->since.minor, change->before, change->after);
}

static void tell_row(FILE *to, const struct vfiosim_command *row)
{
	fprintf(to, "  number   0x%x, _IO(';', %u)\n", row->number, row->number & 0xff);
	tell_files(to, kinds_of(row->name), row->needs_iommu);
	tell_structure(to, row);
	if (row->since.major)
		fprintf(to, "  since    Linux %u.%u\n", row->since.major, row->since.minor);
	tell_changes(to, row->name);
}

/* ---- What it answers ---- */

/* The errnos of a call that can be made to fail, ended by 0; NULL: it is none. */
static const int *errors_of_call(const char *name)
{
	const struct vfiosim_fault_site_info *site;

	for (size_t i = 0; (site = vfiosim_fault_site(i)); i++)
		if (!strcmp(site->name, name))
			return site->errors;
	return NULL;
}

/* The errnos that the rows of @name list, or else the call: the @index-th; 0 past the end. */
static int listed(const char *name, size_t index)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		for (const int *at = is_row_of(row, name) ? row->errors : NULL; at && *at; at++)
			if (!index--)
				return *at;
	for (const int *at = errors_of_call(name); at && *at; at++)
		if (!index--)
			return *at;
	return 0;
}

static bool lists(const char *name, int error)
{
	for (size_t i = 0; listed(name, i); i++)
		if (listed(name, i) == error)
			return true;
	return false;
}

static bool is_shown(const struct evidence *evidence, const char *verb, int error)
{
	for (size_t i = 0; i < evidence->n; i++)
		if (evidence->list[i].error == error && !strcmp(evidence->list[i].verb, verb))
			return true;
	return false;
}

/* The errnos listed, each once, without those that @without shows; returns how many. */
static size_t list_errors(FILE *to, const char *head, const char *name, const struct evidence *without)
{
	size_t n = 0, k;

	for (size_t i = 0; listed(name, i); i++) {
		int error = listed(name, i);

		for (k = 0; listed(name, k) != error; k++)
			;
		if (k == i && !is_shown(without, name, error))
			fprintf(to, "%s %s", n++ ? "," : head, strerrorname_np(error));
	}
	if (n)
		fputc('\n', to);
	return n;
}

void subject_tell_answer(struct subject_context *context, const char *command, int error)
{
	const struct vfiosim_command *row = subject_command_row(command);
	static const struct evidence none;

	fprintf(context->to, "%s answers %s (%s) because\n", command, strerrorname_np(error),
		strerror(error));
	if (subject_tell_rules(context, command, error) || context->error)
		return;
	if (lists(command, error)) {
		fprintf(context->to, "    no case shows it, but the kernel can%s.\n",
			!row || vfiosim_fault_from_outside(row, error) ?
				": for hardware, memory or a limit, whatever the arguments" : "");
		fprintf(context->to, "  inject   --fault %s,when=1,error=%s\n", command,
			strerrorname_np(error));
	} else {
		fputs("    no reason is known: it is not among the answers this kernel gives.\n", context->to);
		list_errors(context->to, "  answers ", command, &none);
	}
}

static bool is_first(const struct evidence *evidence, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (evidence->list[i].error == evidence->list[index].error &&
		    !strcmp(evidence->list[i].verb, evidence->list[index].verb))
			return false;
	return true;
}

/* The rules of an errno, one after the other: what they say is told by `explain COMMAND ERRNO`. */
static void tell_rules_of(FILE *to, const struct evidence *evidence, const char *command, int error)
{
	char text[2000] = "", head[24];
	size_t n = 0;

	for (size_t i = 0; i < evidence->n && n < sizeof(text); i++)
		if (evidence->list[i].error == error && !strcmp(evidence->list[i].verb, command))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
					      evidence->list[i].rule->id);
	snprintf(head, sizeof(head), "%-11s ", strerrorname_np(error));
	lines_put(to, 4, head, text);
}

static void tell_answers(struct subject_context *context, const char *command)
{
	const struct evidence *evidence = subject_evidence(context);
	size_t n = 0;

	for (size_t i = 0; evidence && i < evidence->n; i++) {
		if (strcmp(evidence->list[i].verb, command) || !is_first(evidence, i))
			continue;
		if (!n++)
			fprintf(context->to, "  answers, each with its rules "
				"(`vfiosim explain %s %s` tells them):\n", command,
				strerrorname_np(evidence->list[i].error));
		tell_rules_of(context->to, evidence, command, evidence->list[i].error);
	}
	if (evidence)
		list_errors(context->to, "  and, though no case shows it,", command, evidence);
}

static bool tell(struct subject_context *context, const char *word)
{
	const char *name = subject_command_name(word);
	const struct vfiosim_command *row = name ? subject_command_row(name) : NULL;

	if (!name)
		return false;
	lines_putf(context->to, 0, "", "%s: %s", name, words_of(name));
	if (row)
		tell_row(context->to, row);
	tell_answers(context, name);
	return true;
}

const struct subject_kind subject_commands = {
	.name = "commands", .about = "what a program can ask", .tell = tell, .word = command_word,
};
