/* SPDX-License-Identifier: MIT */
/*
 * Traces: one event for everything a client asked, with what it asked, what it
 * got, why, and what changed. Events are numbered in the order in which they were
 * answered. The same calls in the same order give the same events,
 * byte for byte, apart from addresses and thread ids that clients bring along.
 */
#ifndef VFIOSIM_TRACE_H
#define VFIOSIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim;
struct vfiosim_command;

/* A named value inside a reason or a change: a number, or text where @text is not NULL. */
struct vfiosim_value {
	const char *name;
	uint64_t number;
	const char *text;
};

/* Why the kernel refuses: one row of the table in sim/machine/rules.h. */
struct vfiosim_rule {
	const char *id;		/* short and stable: "reserved-region" */
	int error;		/* positive errno; 0 where each use gives its own */
	const char *sentence;	/* "{first}..{last} overlaps ...": names in braces are values */
	const char *mirrors;	/* kernel function and version */
};

struct vfiosim_event {
	uint64_t number;	/* 1, 2, ... */
	uint32_t client;	/* vfiosim_client_number(); 0: nobody in particular */
	uint32_t tid;
	const char *object;	/* "container 1", "group 10", "device 0000:01:00.0", "sysfs ..." */
	const char *verb;	/* the command's name, or "open", "close", "read", "write", "mmap",
				   "dma": what a device did by itself */
	const struct vfiosim_command *command;	/* NULL unless the verb is a command */
	uint64_t arg;		/* the command's raw argument; offset of read, write, mmap */
	const char *text;	/* a command whose argument is a string: that string; else NULL */
	const void *in;		/* what was copied from the client, NULL if nothing was */
	size_t in_size;
	const void *out;	/* what was copied back, NULL if nothing was */
	size_t out_size;
	long result;		/* what the client saw: >= 0, or a negative errno */
	const struct vfiosim_rule *rule;	/* NULL unless refused */
	const char *reason;	/* the rule's sentence with its values, NULL unless refused */
	const char *provoke;	/* the fault that gives the same answer to the same call of the same
				   program, wherever it runs: see fault.h. NULL: there is none */
	const char *const *walk;	/* of a refusal: what the command had done before it, one after
					   the other, and has undone; NULL unless there was some */
	size_t n_walk;
	const char *const *changes;	/* what changed in the machine, as sentences */
	size_t n_changes;
};

/*
 * @sink is called for every event from now on, in order, from the thread that
 * served it; it must not call the simulator, and @event is gone when it returns.
 * Up to 4 sinks. -ENOSPC, and -EINVAL for one that is added twice.
 */
typedef void vfiosim_trace_sink(void *ctx, const struct vfiosim_event *event);
int vfiosim_trace_add(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx);
void vfiosim_trace_remove(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx);

/*
 * An event of its own, the verb "mark" on "mark @name": a program, or whoever watches it,
 * says where it is. @tid: who; 0: nobody in particular.
 */
void vfiosim_mark(struct vfiosim *sim, uint32_t tid, const char *name);

/*
 * One more sink, which hears of refusals alone, also while nobody else listens: what
 * succeeds pays nothing for it. NULL: none. Set it before there are clients.
 */
void vfiosim_trace_refusals(struct vfiosim *sim, vfiosim_trace_sink *sink, void *ctx);

/*
 * A ready-made sink: @ctx is a FILE *; writes one line of JSON per event and
 * flushes it. trace.schema.json says what is in it. `version` changes when a key goes
 * or means something else, not when one is added.
 */
#define VFIOSIM_TRACE_VERSION 1
void vfiosim_trace_json(void *ctx, const struct vfiosim_event *event);
/*
 * The decoded arguments as text: "iova=0x1000 size=0x2000 flags=READ|WRITE".
 * Writes at most @size bytes with the final NUL; returns the length it wanted.
 */
size_t vfiosim_event_args(const struct vfiosim_event *event, char *to, size_t size);

/*
 * What a command is about, as far as the machine knows: found out for followers alone.
 * @known: VFIOSIM_FAULT_OF_* of fault.h.
 */
struct vfiosim_about {
	unsigned known;
	uint32_t group, container;
	const char *device;		/* its address; NULL: unknown, or none */
};

/*
 * A follower hears of every event like a sink, right after the sinks, but may ask the
 * simulator (state.h): no lock is held, and the client that caused the event still waits
 * for its answer. So events of several threads may overlap. @about is NULL unless the
 * event is a command. Followers come before there are clients and go after the last one,
 * at most VFIOSIM_FOLLOWERS_MAX of them: -ENOSPC.
 *
 * Besides, only followers hear the verb "left-open": the process that opened @object
 * has ended without closing it, and the kernel is about to. The machine is still as the
 * process left it when the first of these comes.
 */
#define VFIOSIM_FOLLOWERS_MAX 4
typedef void vfiosim_trace_follower(void *ctx, const struct vfiosim_event *event,
				    const struct vfiosim_about *about);
int vfiosim_trace_follow(struct vfiosim *sim, vfiosim_trace_follower *follower, void *ctx);
void vfiosim_trace_unfollow(struct vfiosim *sim, vfiosim_trace_follower *follower, void *ctx);
bool vfiosim_trace_followed(const struct vfiosim *sim);
/* For fronts: tells the followers that @file was left open. Before vfiosim_release(). */
struct vfiosim_file;
void vfiosim_trace_left_open(struct vfiosim_file *file);

/* The table of rules, for reports and tests: NULL past the end. */
const struct vfiosim_rule *vfiosim_rule(size_t index);

#ifdef __cplusplus
}
#endif

#endif
