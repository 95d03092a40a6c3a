/* SPDX-License-Identifier: MIT */
/*
 * What an event of the trace asked for and was answered, by the names of the command's
 * fields. Threads: any; nothing is kept.
 */
#ifndef HARNESS_EXPECT_EVENT_H
#define HARNESS_EXPECT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfiosim/trace.h>

/* Is it a command of that name, short name or class (expect_command_is())? */
bool event_is(const struct vfiosim_event *event, const char *name);
/* The number in "container 3", where @kind is "container "; 0: it is something else. */
unsigned number_in(const char *object, const char *kind);

/* The first of @names, which ends with NULL, that the command has as a field. */
bool event_asked(const struct vfiosim_event *event, uint64_t *ret_value, const char *const *names);
bool event_answered(const struct vfiosim_event *event, uint64_t *ret_value, const char *const *names);
#define ASKED(event_, ret_value_, ...)                                                             \
	event_asked((event_), (ret_value_), (const char *const[]){ __VA_ARGS__, NULL })
#define ANSWERED(event_, ret_value_, ...)                                                          \
	event_answered((event_), (ret_value_), (const char *const[]){ __VA_ARGS__, NULL })

/* Which ioas the client asked for: the answer may stand in the same place by now. */
bool event_asked_ioas(const struct vfiosim_event *event, uint64_t *ret_ioas);

#endif
