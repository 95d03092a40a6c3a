/* SPDX-License-Identifier: MIT */
/*
 * The one seam where faults are injected: see vfiosim/fault.h for what a rule is.
 * Mirrors lib/fault-inject.c.
 *
 * The primitives that can fail ask fault_point() before they do anything: what it
 * answers is a refusal like any other. Rules count under the machine's lock, and for
 * good only when the run that met them decides: call_run() tells, so a command that
 * asks (CALL_AGAIN) or waits (CALL_PARKED) meets them once. Whether an errno is one the
 * kernel can give is judged when a rule is added, in sim/abi/, which knows the commands.
 */
#ifndef SIM_MACHINE_FAULT_H
#define SIM_MACHINE_FAULT_H

#include <stdatomic.h>

#include <vfiosim/fault.h>

#include "base/span.h"
#include "machine/call.h"
#include "machine/sim.h"

/* What is known of the place where something could fail. */
struct fault_where {
	unsigned known;			/* VFIOSIM_FAULT_OF_*: which of these are */
	uint32_t group, container, ioas;
	/* With OF_GROUP: is a device of this address in it? NULL: nobody knows. */
	bool (*has_device)(const void *group_object, const char *address);
	const void *group_object;
	/* Containers, whose commands concern all groups in them; NULL: nobody knows. */
	bool (*holds_group)(const void *holder, uint32_t group);
	bool (*holds_device)(const void *holder, const char *address);
	const void *holder;
	struct span iova;
	const char *device;		/* NULL: unknown, or none */
	uint64_t n;			/* pin: pages; vectors: how many are asked for */
	const struct vfiosim_command *row;	/* commands: what they can answer */
	const char *comm;		/* the calling thread's name; NULL: unknown */
	/* Out, of commands: what is to happen besides. */
	long value;			/* returned */
	uint32_t delay_ms;
	int signal;
	char set_field[VFIOSIM_FAULT_FIELD_MAX];	/* "": none. A copy: the rule may go meanwhile */
	uint64_t set_value;
};

/* No lock held: the calling thread's name into call->where, if a rule asks for it. Kept in @to. */
void fault_fetch_comm(struct call *call, char *to, size_t size);

/* Has the machine any rules? May be asked without the lock. */
static inline bool fault_armed(const struct vfiosim *sim)
{
	return __builtin_expect(atomic_load_explicit(&sim->fault_armed, memory_order_relaxed), 0);
}

/* Beyond what @where says (NULL: nothing), call->where counts. */
int fault_met(struct call *call, enum vfiosim_fault_site site, const struct fault_where *where,
	      long *ret_value);

/* Lock held. 0: go on; else the refusal that was injected. */
static inline int fault_point(struct call *call, enum vfiosim_fault_site site,
			      const struct fault_where *where)
{
	return fault_armed(call->sim) ? fault_met(call, site, where, NULL) : 0;
}

/* The same where a rule may also give a value: then 1, and the value. */
static inline int fault_point_value(struct call *call, enum vfiosim_fault_site site,
				    const struct fault_where *where, long *ret_value)
{
	return fault_armed(call->sim) ? fault_met(call, site, where, ret_value) : 0;
}

/* Is @field, an output of the command, to be another? Then that. Lock held. */
bool fault_sets(const struct call *call, const char *field, uint64_t *ret_value);

/* Is the kernel short of memory here? Then the next RULE_NO_MEMORY says why. Lock held. */
static inline bool fault_alloc(struct call *call)
{
	return fault_point(call, VFIOSIM_FAULT_ALLOC, NULL);
}

/* Zeroed, for an object of the kernel's. NULL: no memory, or as if there were none. Lock held. */
void *fault_zalloc(struct call *call, size_t size);

/* What would do the same to a call, were it refused. Only while somebody traces. */
struct provoke {
	bool reached;			/* begins false; what follows is not set before */
	struct vfiosim_fault fault;
};

/*
 * Counts how often a call reached a place where a fault could be met: @row (NULL: an open) on
 * what @where says. @provoke: the fault that would be met this time and no other. Lock held.
 */
void fault_reached(struct call *call, const struct vfiosim_command *row,
		   const struct fault_where *where, struct provoke *provoke);
/* The call was answered with @result: is there a fault that gives the same? It is filled in. */
bool fault_provokes(struct provoke *provoke, const struct call *call, long result);

/* A run ended, for good or to be run again: what it counted stays, or is forgotten. Lock held. */
void fault_run_end(struct vfiosim *sim, bool decided);

/* Is @error among @errors, which 0 ends? NULL: there are none. */
bool fault_lists(const int *errors, int error);

/* Is @row a command that @fault is about? */
bool fault_names(const struct vfiosim_fault *fault, const struct vfiosim_command *row);

/* Can a command as @row give what @fault wants? Rows of several kinds of files share a number. */
bool fault_row_can(const struct vfiosim_command *row, const struct vfiosim_fault *fault);

/* Takes a copy of @fault, which has been judged. -ENOMEM. */
int fault_add(struct vfiosim *sim, const struct vfiosim_fault *fault, uint32_t *ret_id);

extern const struct subsystem fault_subsystem;

#endif
