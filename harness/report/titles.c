/* SPDX-License-Identifier: MIT */
#include "report/titles.h"

#include <stdio.h>
#include <string.h>

#include "case/verb.h"
#include "report/words.h"

#define VALUE_MAX 160

/* ---- Memory ------------------------------------------------------------ */

static const struct {
	const char *from, *words;
} kinds[] = {
	{ "ram", "RAM" },
	{ "unmapped", "memory that is gone" },
	{ "readonly", "read-only memory" },
	{ "writeonly", "write-only memory" },
	{ "none", "memory without access" },
	{ "file", "memory of a file" },
	{ "shared", "shared memory" },
	{ "dirtytrack", "a file whose file system tracks writes" },
	{ "beyond", "memory beyond the end of its file" },
};

void title_of_memory(const char *from, char *to, size_t size)
{
	const char *bar = strstr(from, ".bar");

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].from, from)) {
			snprintf(to, size, "%s", kinds[i].words);
			return;
		}
	if (bar)
		snprintf(to, size, "BAR %s of %.*s", bar + 4, (int)(bar - from), from);
	else
		snprintf(to, size, "%s", from);
}

/* ---- Steps ------------------------------------------------------------- */

/* As the case writes it: 128M, not a number of bytes. NULL: not given. */
static const char *written(const struct step *step, const char *name)
{
	const struct arg *arg = step_arg(step, name);

	return arg ? arg->node->text : NULL;
}

/* The first row of a verb whose needs the step meets. */
static const struct title {
	const char *verb;
	const char *sentence;	/* of {actor} and the step's arguments */
	const char *needs;	/* the argument without which the row below it is meant; NULL: none */
	bool alone;
} titles[] = {
	{ "attach", "{actor} attaches {device}" },
	{ "plug", "{actor} attaches {device}" },
	{ "detach", "{actor} detaches {device}" },
	{ "unplug", "{actor} detaches {device}" },
	{ "map", "{actor} maps {from}, {size} at iova {iova}" },
	{ "unmap", "{actor} takes the mapping of {size} at iova {iova} away", "size" },
	{ "unmap", "{actor} takes mappings away" },
	{ "info", "{actor} asks what can be mapped" },
	{ "status", "{actor} asks whether the group of {device} can be used" },
	{ "pin", "the driver of {device} asks for the pages of {size} at iova {iova}" },
	{ "unpin", "the driver of {device} gives the pages of {size} at iova {iova} back" },
	{ "sysfs", "the administrator writes {write} to {file}" },
	{ "limit", "from now on {actor} may lock at most {memlock} of memory", "memlock", true },
	{ "limit", "from now on {actor} has other rights", "rawio", true },
	{ "limit", "from now on {actor} has other rights", "resource", true },
	{ "limit", "from now on {actor} may lock any amount of memory", NULL, true },
	{ "fork", "{actor} forks: {as} shares its open files and has a copy of its memory", NULL, true },
	{ "process", "another process begins: {as}", NULL, true },
	{ "exec", "{actor} starts another program: its memory is gone", NULL, true },
	{ "exit", "{process} ends", NULL, true },
	{ "memory", "{actor} gets memory, {size}, called {name}", NULL, true },
	{ "free", "{actor} gives the memory called {name} back", NULL, true },
	{ "reset", "{actor} resets {device}" },
	{ "discards", "from now on {actor} needs to discard RAM: {required}" },
	{ "pinned", "{actor} asks how many pages the driver of {device} has pinned" },
	{ "dma", "the device {device} copies {size} from iova {iova} to iova {to}", "to" },
	{ "dma", "the device {device} does a DMA {do} of {size} at iova {iova}" },
	{ "irq", "{actor} {do}s {kind} vector {vector} of {device}", "vector" },
	{ "irq", "{actor} {do}s {kind} of {device}" },
	{ "event", "{actor} asks how often {name} was signalled" },
	{ "open", "{actor} opens the group of {group}", "group" },
	{ "open", "{actor} opens the node of {device}", "device" },
	{ "open", "{actor} opens {path}", "path" },
	{ "open", "{actor} opens a container (or /dev/iommu): {as}" },
	{ "close", "{actor} closes {what}" },
	{ "dup", "{actor} duplicates {what}: {as}" },
	{ "send", "{actor} sends {what} to {to}, which calls it {as}" },
	{ "eventfd", "{actor} makes an eventfd: {as}" },
	{ "memfd", "{actor} makes a file in memory, {size}: {as}" },
	{ "read", "{actor} reads region {region} of {on} at {at}", "region" },
	{ "read", "{actor} reads {on} at {at}" },
	{ "write", "{actor} writes {value} to region {region} of {on} at {at}", "region" },
	{ "write", "{actor} writes {value} to {on} at {at}" },
	{ "mmap", "{actor} maps region {region} of {on} into its memory: {as}", "region" },
	{ "mmap", "{actor} maps {on} into its memory: {as}" },
	{ "poke", "{actor} writes '{data}' into its memory {name}" },
	{ "poke64", "{actor} writes numbers into its memory {name}" },
	{ "peek", "{actor} reads its memory {name}" },
	{ "peek64", "{actor} reads its memory {name}" },
	{ "ioctl", "{actor} issues the unknown command {number} on {on}", "number" },
};

static const struct title *find_title(const struct step *step)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (!strcmp(titles[i].verb, step->verb->name) &&
		    (!titles[i].needs || written(step, titles[i].needs)))
			return &titles[i];
	return NULL;
}

bool title_alone(const struct step *step)
{
	const struct title *title = find_title(step);

	return title && title->alone;
}

static const char *value_of(const struct step *step, const char *name, const char *actor, char *buffer)
{
	size_t n = 0;

	if (!strcmp(name, "actor"))
		return actor;
	if (!strcmp(name, "from")) {
		title_of_memory(step_text(step, "from", "ram"), buffer, VALUE_MAX);
		return buffer;
	}
	if (!written(step, name))
		return !strcmp(name, "at") || !strcmp(name, "region") ? "0" : "?";
	for (const char *at = written(step, name); *at && n + 1 < VALUE_MAX; at++)
		if (*at != '{' && *at != '}')	/* "{nic0}" stands for its address */
			buffer[n++] = *at;
	buffer[n] = 0;
	if (!strcmp(name, "size") && !buffer[strspn(buffer, "0123456789")])
		snprintf(buffer + n, VALUE_MAX - n, n == 1 && *buffer == '1' ? " byte" : " bytes");
	return buffer;
}

static void fill(const char *sentence, const struct step *step, const char *actor, char *to, size_t size)
{
	size_t n = 0;

	while (*sentence && n + 1 < size) {
		char name[32], buffer[VALUE_MAX];
		size_t length = strcspn(sentence, "}");

		if (*sentence != '{') {
			to[n++] = *sentence++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)(length - 1), sentence + 1);
		n += (size_t)snprintf(to + n, size - n, "%s", value_of(step, name, actor, buffer));
		sentence += length + 1;
	}
	to[n < size ? n : size - 1] = 0;
}

/* "the program: dma device dma0 do copy": the step as it is written. */
static void put_written(const struct step *step, const char *actor, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "%s: %s", actor, step->verb->name);

	for (const struct verb_field *field = step->verb->fields; field->name; field++) {
		const char *text = written(step, field->name);

		if (text && n < size)
			n += (size_t)snprintf(to + n, size - n, " %s %s", field->name, text);
	}
}

void title_of_step(const struct step *step, const char *actor, char *to, size_t size)
{
	const struct title *title = find_title(step);
	const char *command = written(step, "command");

	if (step->by)
		actor = step->by;
	if (command && words_for_verb(command))
		snprintf(to, size, "%s: %s", actor, words_for_verb(command));
	else if (title)
		fill(title->sentence, step, actor, to, size);
	else
		put_written(step, actor, to, size);
}
