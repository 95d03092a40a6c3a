/* SPDX-License-Identifier: MIT */
/*
 * Emitting trace events. One event per thing a client asked, after the answer is
 * known; nothing is formatted when nobody listens.
 */
#ifndef SIM_MACHINE_TRACING_H
#define SIM_MACHINE_TRACING_H

#include "machine/call.h"

/*
 * Number and deliver @event's facts about @call; no lock of the machine held. @about: for
 * followers, NULL unless it is a command.
 */
void trace_call(struct call *call, const char *verb, const struct vfiosim_command *command,
		const struct vfiosim_about *about, long result);
/* "container 1", "group 10", "device 0000:01:00.0"; at least 64 bytes. */
void trace_object(const struct vfiosim_file *file, char *to, size_t size);

#endif
