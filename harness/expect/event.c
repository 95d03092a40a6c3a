/* SPDX-License-Identifier: MIT */
/* What an event asked for and was answered. See event.h. */
#include "expect/event.h"

#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>

#include "expect/expect.h"

static bool field(const struct vfiosim_event *event, const void *bytes, size_t size,
		  const char *const *names, uint64_t *ret_value)
{
	const struct vfiosim_field *row = event->command ? event->command->fields : NULL;

	for (; bytes && row && row->name; row++)
		for (const char *const *name = names; *name; name++)
			if (!strcmp(row->name, *name) && row->size <= sizeof(*ret_value) &&
			    (size_t)row->offset + row->size <= size) {
				*ret_value = 0;
				memcpy(ret_value, (const char *)bytes + row->offset, row->size);
				return true;
			}
	return false;
}

bool event_asked(const struct vfiosim_event *event, uint64_t *ret_value, const char *const *names)
{
	return field(event, event->in, event->in_size, names, ret_value);
}

bool event_answered(const struct vfiosim_event *event, uint64_t *ret_value, const char *const *names)
{
	return field(event, event->out, event->out_size, names, ret_value);
}

bool event_asked_ioas(const struct vfiosim_event *event, uint64_t *ret_ioas)
{
	return ASKED(event, ret_ioas, "ioas_id", "dst_ioas_id", "pt_id");
}

bool event_is(const struct vfiosim_event *event, const char *name)
{
	return event->command && expect_command_is(event->command, name);
}

unsigned number_in(const char *object, const char *kind)
{
	size_t length = strlen(kind);

	return strncmp(object, kind, length) ? 0 : (unsigned)strtoul(object + length, NULL, 10);
}
