/* SPDX-License-Identifier: MIT */
/* A trace told as numbered steps. See explain.h. */
#include "report/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "report/lines.h"
#include "report/words.h"

#define BOLD "1"
#define RED "1;31"
#define GREEN "32"
#define DIM "2"
#define CYAN "36"

#define INDENT 6
#define REGION_SHIFT 40	/* in the offsets of a device's descriptor, as the kernel has it */

void explain_init(struct explain *explain, FILE *to, bool colours)
{
	*explain = (struct explain){ .to = to, .colours = colours };
}

static void colour(const struct explain *explain, const char *code)
{
	if (explain->colours)
		fprintf(explain->to, "\033[%sm", code);
}

static void plain(const struct explain *explain)
{
	colour(explain, "0");
}

/* ---- The glossary ------------------------------------------------------ */

static void explain_word(struct explain *explain, const struct word *word)
{
	char line[400];

	snprintf(line, sizeof(line), "%s: %s", word->word, word->meaning);
	colour(explain, CYAN);
	lines_put(explain->to, INDENT, "| ", line);
	plain(explain);
}

static void explain_words(struct explain *explain, const char *text)
{
	const struct word *word;

	for (unsigned i = 0; (word = word_at(i)); i++) {
		if (explain->glossary & (uint64_t)1 << i || word->looked_up ||
		    !word_in(text, word->word))
			continue;
		if (word->mode == WORD_IOMMUFD && word_at(i - 1) &&
		    !strcmp(word_at(i - 1)->word, word->word))
			continue;	/* the meaning above it was told */
		explain->glossary |= (uint64_t)1 << i;
		explain_word(explain, word);
	}
}

/* ---- Events ------------------------------------------------------------ */

bool explain_tells(const struct vfiosim_event *event)
{
	return event->result < 0 || event->n_changes || event->command ||
	       strcmp(event->verb, "read");
}

/* Which part of a device is read, written or mapped: the region is in the offset's upper bits. */
static void tell_place(struct explain *explain, const struct vfiosim_event *event)
{
	bool mmap = !strcmp(event->verb, "mmap");

	if (strncmp(event->object, "device ", strlen("device ")) ||
	    (!mmap && strcmp(event->verb, "read") && strcmp(event->verb, "write")))
		return;
	colour(explain, DIM);
	fprintf(explain->to, "%*sregion %llu, offset 0x%llx", INDENT, "",
		(unsigned long long)(event->arg >> REGION_SHIFT),
		(unsigned long long)(event->arg & ((1ull << REGION_SHIFT) - 1)));
	if (!mmap && event->result > 0)
		fprintf(explain->to, ", %ld bytes", event->result);
	fputc('\n', explain->to);
	plain(explain);
}

/* The thread's number is its process' PID, unless that has several. */
static void tell_process(struct explain *explain, const struct vfiosim_event *event)
{
	fprintf(explain->to, " (process %u", event->client);
	if (event->tid)
		fprintf(explain->to, ", thread %u", event->tid);
	putc(')', explain->to);
}

static void tell_what(struct explain *explain, const struct vfiosim_event *event)
{
	const char *words = words_for_verb(event->verb);
	char args[512];

	colour(explain, BOLD);
	fprintf(explain->to, "%4llu  %s: %s", (unsigned long long)event->number, event->object,
		words ? words : event->verb);
	plain(explain);
	if (explain->client && explain->client != event->client && event->client)
		tell_process(explain, event);
	if (event->client)
		explain->client = event->client;
	fputc('\n', explain->to);
	if (!event->command) {
		tell_place(explain, event);
		return;
	}
	vfiosim_event_args(event, args, sizeof(args));
	colour(explain, DIM);
	fprintf(explain->to, "%*s%s %s\n", INDENT, "", event->verb, args);
	plain(explain);
}

static void tell_refusal(struct explain *explain, const struct vfiosim_event *event)
{
	int error = (int)-event->result;
	const char *name = strerrorname_np(error);
	char text[700];

	colour(explain, RED);
	fprintf(explain->to, "%*srefused: %s (%s)\n", INDENT, "", name ? name : "an unknown error",
		strerror(error));
	plain(explain);
	if (!event->rule)
		return;
	snprintf(text, sizeof(text), "%s [%s; Linux: %s]", event->reason ? event->reason : "",
		 event->rule->id, event->rule->mirrors);
	lines_put(explain->to, INDENT, "because ", text);
	if (event->provoke)
		fprintf(explain->to, "%*sto provoke it: --fault %s\n", INDENT, "", event->provoke);
}

static uint64_t field_value(const void *bytes, const struct vfiosim_field *field)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)bytes + field->offset, field->size);
	return value;
}

static size_t put_flags(char *to, size_t size, const struct vfiosim_command *command,
			uint64_t value)
{
	const struct vfiosim_flag *flag = command->flags;
	size_t n = 0;

	for (; flag && flag->name && n < size; flag++)
		if (flag->bit && (value & flag->bit) == flag->bit)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "|" : "", flag->name);
	return n ? n : (size_t)snprintf(to, size, "0x%llx", (unsigned long long)value);
}

/* What the kernel wrote into the structure: the fields that came back changed. */
static void tell_outputs(struct explain *explain, const struct vfiosim_event *event)
{
	const struct vfiosim_field *field = event->command ? event->command->fields : NULL;
	char text[400] = "";
	size_t n = 0;

	if (!event->out || !event->in)
		return;
	for (; field && field->name && n < sizeof(text); field++) {
		uint64_t value;

		if (field->size > sizeof(value) || field->offset + field->size > event->out_size ||
		    field->offset + field->size > event->in_size)
			continue;
		value = field_value(event->out, field);
		if (value == field_value(event->in, field))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=", n ? " " : "",
				      field->name);
		if (n < sizeof(text) && field->format == VFIOSIM_FLAGS)
			n += put_flags(text + n, sizeof(text) - n, event->command, value);
		else if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n,
					      field->format == VFIOSIM_DEC ? "%lld" : "0x%llx",
					      (long long)value);
	}
	if (!n)
		return;
	colour(explain, GREEN);
	lines_put(explain->to, INDENT, "answer: ", text);
	plain(explain);
}

static void tell_result(struct explain *explain, const struct vfiosim_event *event)
{
	if (event->result < 0) {
		tell_refusal(explain, event);
	} else if (event->result > 0 && event->command) {
		colour(explain, GREEN);
		fprintf(explain->to, "%*sanswer: %ld\n", INDENT, "", event->result);
		plain(explain);
	}
	if (event->result >= 0)
		tell_outputs(explain, event);
	for (size_t i = 0; i < event->n_changes; i++) {
		colour(explain, GREEN);
		lines_put(explain->to, INDENT, "-> ", event->changes[i]);
		plain(explain);
	}
}

void explain_event(void *ctx, const struct vfiosim_event *event)
{
	struct explain *explain = ctx;

	explain->step_is_empty = false;
	if (!explain_tells(event) || (explain->refused_only && event->result >= 0))
		return;
	tell_what(explain, event);
	tell_result(explain, event);
	explain_words(explain, event->object);
	if (words_for_verb(event->verb))
		explain_words(explain, words_for_verb(event->verb));
	if (event->reason)
		explain_words(explain, event->reason);
	for (size_t i = 0; i < event->n_changes; i++)
		explain_words(explain, event->changes[i]);
	fflush(explain->to);
}

void explain_note(struct explain *explain, const char *note)
{
	explain->step_is_empty = false;
	colour(explain, BOLD);
	lines_put(explain->to, INDENT, "=> ", note);
	plain(explain);
	fflush(explain->to);
}

void explain_heading(struct explain *explain, bool strong, const char *format, ...)
{
	va_list args;

	if (explain->step_is_empty)
		fprintf(explain->to, "%*snothing is asked of the machine\n", INDENT, "");
	explain->step_is_empty = !strong;
	va_start(args, format);
	colour(explain, strong ? BOLD : CYAN);
	fputs(strong ? "\n" : "\n--- ", explain->to);
	vfprintf(explain->to, format, args);
	fputc('\n', explain->to);
	plain(explain);
	va_end(args);
	fflush(explain->to);
}
