/* SPDX-License-Identifier: MIT */
#include "sweep/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <vfiosim/command.h>
#include <vfiosim/trace.h>

#include "launch/space.h"

struct sweep_record *sweep_record_create(void)
{
	void *at = mmap(NULL, sizeof(struct sweep_record), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void sweep_record_destroy(struct sweep_record *record)
{
	if (record)
		munmap(record, sizeof(*record));
}

void sweep_record_clear(struct sweep_record *record)
{
	madvise(record, sizeof(*record), MADV_REMOVE);
}

/* ---- Fields ---- */

/* The field @name of what was copied; 0: there is none. */
static uint64_t field(const struct vfiosim_command *command, const void *from, size_t size,
		      const char *name)
{
	const struct vfiosim_field *field = command->fields;
	uint64_t value = 0;

	for (; from && field && field->name; field++)
		if (!strcmp(field->name, name) && (size_t)field->offset + field->size <= size)
			memcpy(&value, (const char *)from + field->offset, field->size);
	return value;
}

static uint64_t first_field(const struct vfiosim_event *event, bool answer, const char *const *names)
{
	uint64_t value = 0;

	for (; *names && !value; names++)
		value = answer ? field(event->command, event->out, event->out_size, *names) :
				 field(event->command, event->in, event->in_size, *names);
	return value;
}

static void take_fields(struct sweep_event *to, const struct vfiosim_event *event)
{
	static const char *const iovas[] = { "iova", "dst_iova", NULL };
	static const char *const lengths[] = { "size", "length", NULL };
	static const char *const ioases[] = { "ioas_id", "dst_ioas_id", "pt_id", NULL };
	static const char *const ids[] = { "out_ioas_id", "out_hwpt_id", "pt_id", NULL };

	to->iova = first_field(event, false, iovas);
	to->length = first_field(event, false, lengths);
	to->out_iova = first_field(event, true, iovas);
	to->out_length = first_field(event, true, lengths);
	to->ioas = (uint32_t)first_field(event, false, ioases);
	to->out_id = (uint32_t)first_field(event, true, ids);
	to->src_iova = first_field(event, false, (const char *const[]){ "src_iova", NULL });
	to->src_ioas = (uint32_t)first_field(event, false,
					     (const char *const[]){ "src_ioas_id", NULL });
	to->id = (uint32_t)first_field(event, false, (const char *const[]){ "id", NULL });
	to->flags = (uint32_t)first_field(event, false, (const char *const[]){ "flags", NULL });
}

/* ---- Memory ---- */

/* A device's descriptor has one of two names, depending on where it comes from. */
static bool is_region(const char *file)
{
	return !strncmp(file, SPACE_DEVICES, strlen(SPACE_DEVICES)) ||
	       !strncmp(file, "/dev/vfio/", strlen("/dev/vfio/"));
}

/* Of a line of /proc/PID/maps, without what is said of files that have no name any more. */
static void take_file(struct sweep_event *to, char *name)
{
	char *deleted = strstr(name, " (deleted)");

	if (deleted)
		*deleted = 0;
	snprintf(to->memory, sizeof(to->memory), "%.63s", is_region(name) ? "" : name);
}

/* What the thread @tid has at @at. It waits for our answer, so this stays. */
static void take_memory(struct sweep_event *to, uint32_t tid, uint64_t at)
{
	char path[48], line[512], name[256];
	unsigned long long first, end, offset;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", tid);
	maps = fopen(path, "re");
	snprintf(to->memory, sizeof(to->memory), "anonymous");
	to->memory_at = to->memory_first = at;
	while (maps && fgets(line, sizeof(line), maps)) {
		*name = 0;
		if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %255[^\n]", &first, &end, &offset,
			   name) < 3 || at < first || at >= end)
			continue;
		to->memory_first = first;
		if (*name == '/') {
			take_file(to, name);
			to->memory_at = at - first + offset;
		}
		break;
	}
	if (maps)
		fclose(maps);
}

/* ---- What changed ---- */

static void take_change(struct sweep_event *to, const char *change, const char *object)
{
	unsigned a, b;

	if (sscanf(change, "group %u is in container %u", &a, &b) == 2)
		snprintf(to->joined, sizeof(to->joined), "container %u", b);
	else if (sscanf(change, "group %u left container %u", &a, &b) == 2)
		to->left = true;
	else if (strstr(change, " bound to iommufd "))
		snprintf(to->joined, sizeof(to->joined), "iommufd %u",
			 (unsigned)atoi(strstr(change, " bound to iommufd ") + 18));
	else if (strstr(change, " dropped: the last group left"))
		to->lost_mappings = true;
	else if (strstr(change, "that was its last descriptor") || strstr(change, " unbound from "))
		to->left = true;
}

/* The fault's number in "injected by fault N: ..." */
static uint32_t fault_in(const char *text)
{
	const char *at = text ? strstr(text, "by fault ") : NULL;

	return at ? (uint32_t)atoi(at + 9) : 0;
}

/* The number of the fault that had a part in @event; 0: none had. */
static uint32_t fault_of(const struct vfiosim_event *event)
{
	uint32_t number = fault_in(event->rule ? event->reason : NULL);

	for (size_t i = 0; !number && i < event->n_changes; i++)
		number = fault_in(event->changes[i]);
	return number;
}

/* ---- Events ---- */

static bool is_kept(const struct vfiosim_event *event)
{
	return event->command || !strcmp(event->verb, "open") || !strcmp(event->verb, "close") ||
	       !strcmp(event->verb, "left-open") || !strcmp(event->verb, "mark");
}

void sweep_record_event(struct sweep_record *record, const struct vfiosim_event *event,
			uint32_t fault, uint32_t only)
{
	static const char *const addresses[] = { "vaddr", "user_va", NULL };
	unsigned n = atomic_load(&record->n);
	struct sweep_event *to = &record->events[n];
	uint32_t number = fault_of(event);
	bool is_mark = !strcmp(event->verb, "mark");
	uint64_t at;

	atomic_fetch_add(&record->calls, 1);
	if (!is_kept(event))
		return;
	if (fault && number == fault)
		atomic_fetch_add(&record->repeats, 1);
	if (n >= RECORD_MAX) {
		atomic_store(&record->full, true);
		return;
	}
	*to = (struct sweep_event){ .command = event->command, .result = event->result,
				    .arg = event->arg, .number = number, .only = only,
				    .injected = fault && number == fault };
	snprintf(to->object, sizeof(to->object), "%s",
		 is_mark && !strncmp(event->object, "mark ", 5) ? event->object + 5 : event->object);
	snprintf(to->verb, sizeof(to->verb), "%s", event->verb);
	if (event->text)
		snprintf(to->device, sizeof(to->device), "%s", event->text);
	to->by_exit = !strcmp(event->verb, "left-open");
	for (size_t i = 0; i < event->n_changes; i++)
		take_change(to, event->changes[i], event->object);
	if (event->command)
		take_fields(to, event);
	at = event->command ? first_field(event, false, addresses) : 0;
	if (at)
		take_memory(to, event->tid, at);
	atomic_store(&record->n, n + 1);
}
