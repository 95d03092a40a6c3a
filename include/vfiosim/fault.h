/* SPDX-License-Identifier: MIT */
/*
 * Faults: a machine is told to fail where the kernel could.
 *
 * A rule says where (a command, or a step that commands have in common), for whom, which
 * time, and what happens then. It counts the times that it is met: a command that has to
 * ask something about its client, or that waits, is run again, and counts once. So the
 * same calls in the same order meet the same rules. A failure that was injected unwinds
 * like one of the machine's own; the trace gives the rule id "injected" and says which
 * rule it was. Closing never fails.
 *
 *	struct vfiosim_fault fault = {
 *		.site = VFIOSIM_FAULT_COMMAND,
 *		.command = vfiosim_command_by_name("VFIO_IOMMU_MAP_DMA"),
 *		.when = { .first = 3, .last = 3 },
 *		.error = ENOMEM,
 *	};
 *	ret = vfiosim_fault_add(sim, &fault, &id, problem, sizeof(problem));
 *
 * While a machine has no rules nothing is counted.
 */
#ifndef VFIOSIM_FAULT_H
#define VFIOSIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfiosim/command.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfiosim;

/* Where something can fail. */
enum vfiosim_fault_site {
	VFIOSIM_FAULT_COMMAND,		/* a command as a whole, before it does anything */
	VFIOSIM_FAULT_OPEN,		/* a node is opened */
	VFIOSIM_FAULT_PIN,		/* the pages of a mapping are pinned */
	VFIOSIM_FAULT_CHARGE,		/* ... and charged as locked memory */
	VFIOSIM_FAULT_DOMAIN_ALLOC,	/* an IOMMU makes a page table */
	VFIOSIM_FAULT_DOMAIN_ATTACH,	/* a group is attached to one */
	VFIOSIM_FAULT_DOMAIN_MAP,	/* a mapping goes into one */
	VFIOSIM_FAULT_ALLOC,		/* memory for an object of the kernel's */
	VFIOSIM_FAULT_FD_INSTALL,	/* a new descriptor */
	VFIOSIM_FAULT_DEVICE_OPEN,	/* a device's driver prepares it for its first user */
	VFIOSIM_FAULT_VECTORS,		/* MSI or MSI-X vectors are allocated */
	VFIOSIM_FAULT_COPY_OUT,		/* a command has done its work, and answers */
	VFIOSIM_FAULT_SITES
};

struct vfiosim_fault_site_info {
	const char *name;		/* "pin", "domain-alloc"; "command" for all of them */
	const char *mirrors;		/* the kernel function that fails */
	const int *errors;		/* positive errnos it can give, ended by 0; commands have
					   theirs in their rows: NULL */
	bool from_arguments;		/* only wrong arguments make it fail */
};
/* NULL past the end. */
const struct vfiosim_fault_site_info *vfiosim_fault_site(size_t site);

/* Which times, as strace's when= counts them: from @first to @last, every @step-th. */
struct vfiosim_fault_when {
	uint64_t first;			/* from 1; 0: the first */
	uint64_t last;			/* 0: from then on */
	uint64_t step;			/* 0: each */
};

/* Which keys of a fault say something. */
enum {
	VFIOSIM_FAULT_OF_GROUP = 1,
	VFIOSIM_FAULT_OF_CONTAINER = 2,
	VFIOSIM_FAULT_OF_IOAS = 4,
	VFIOSIM_FAULT_OF_CLIENT = 8,
	VFIOSIM_FAULT_OF_IOVA = 16,
};

#define VFIOSIM_FAULT_NAME_MAX 64
#define VFIOSIM_FAULT_COMM_MAX 16	/* TASK_COMM_LEN */
#define VFIOSIM_FAULT_FIELD_MAX 16

/* Commands that do the same kind of thing: "map", "unmap", "attach", "irq", "reset". */
struct vfiosim_fault_class {
	const char *name;
	const char *const *commands;	/* their names, ended by NULL */
};
/* NULL past the end. */
const struct vfiosim_fault_class *vfiosim_fault_class(size_t index);

struct vfiosim_fault {
	enum vfiosim_fault_site site;
	/* The command, or any of a class; of another site: only inside of it, NULL: anywhere. */
	const struct vfiosim_command *command;
	const struct vfiosim_fault_class *command_class;

	/* Only where all of this holds. What has none of it is not met. */
	unsigned of;			/* VFIOSIM_FAULT_OF_*: which of these count */
	uint32_t group, container, ioas;	/* their numbers */
	uint32_t client;		/* vfiosim_client_number() */
	uint64_t iova_first, iova_last;	/* touches this range */
	char comm[VFIOSIM_FAULT_COMM_MAX];	/* the calling thread's name; "": any */
	char device[VFIOSIM_FAULT_NAME_MAX];	/* its address, or it is in the group; "": any */

	struct vfiosim_fault_when when;	/* all 0: each time */

	/* What happens; nothing: times are counted, that is all. */
	int error;			/* positive errno; 0: it goes on */
	uint64_t page;			/* pin: the page of the mapping that cannot be pinned; a
					   mapping with fewer is not met */
	bool returns;			/* it succeeds, but gives @value: a command, what ioctl()
					   returns; vectors, how many there are (fewer than asked) */
	long value;
	uint32_t delay_ms;		/* a command: its answer takes that long. For programs of
					   this process virtual: vfiosim_counters.delayed_ms */
	int signal;			/* a command: sent to the thread that issued it; 0: none */
	char set_field[VFIOSIM_FAULT_FIELD_MAX];	/* a command: this output is ... */
	uint64_t set_value;		/* ... that; "": none. The machine is then as it says */
	bool force;			/* also what the kernel could not give */
};

/*
 * Could @row answer @error for hardware, memory, limits or the machine's state, whatever
 * its arguments? False: only wrong arguments give it, as far as is known.
 */
bool vfiosim_fault_from_outside(const struct vfiosim_command *row, int error);

#define VFIOSIM_FAULT_TEXT_MAX 256

struct vfiosim_topology;

/*
 * What a person writes: SITE[,KEY=VALUE]...
 *
 *	SITE		a command with or without prefix (MAP_DMA), a class of them (map), or
 *			the name of another site (pin, open)
 *	where		group= device= container= ioas= process= comm= iova=FIRST..LAST;
 *			command= for sites inside of commands
 *	when=		3, 3+, 2..5, 1+2, 2..8+3
 *	what then	error=ERRNO, return=N, set.FIELD=VALUE, delay=500ms, signal=SIGSTOP,
 *			page=N, force
 *
 * Devices have the names of @topology; NULL: only addresses are known. -EINVAL, also where
 * the kernel could not do it: @problem (of @size bytes) says what would be possible.
 */
int vfiosim_fault_parse(const char *text, const struct vfiosim_topology *topology,
			struct vfiosim_fault *ret_fault, char *problem, size_t size);

/*
 * Adds a rule, behind those there are; of several that want to fail at once the oldest
 * does. -ENOMEM; -EINVAL: it says something the kernel could not give,
 * or makes no sense, and @problem (of @size bytes) says what would be possible.
 */
int vfiosim_fault_add(struct vfiosim *sim, const struct vfiosim_fault *fault, uint32_t *ret_id,
		      char *problem, size_t size);
/* -ENOENT. */
int vfiosim_fault_remove(struct vfiosim *sim, uint32_t id);

struct vfiosim_fault_count {
	uint64_t met;			/* times it could have happened */
	uint64_t fired;			/* and did */
};
/* -ENOENT. */
int vfiosim_fault_count(struct vfiosim *sim, uint32_t id, struct vfiosim_fault_count *ret_count);

/* The @index-th rule of the machine, the oldest first. -ENOENT past the end. */
int vfiosim_fault_at(struct vfiosim *sim, size_t index, uint32_t *ret_id,
		     struct vfiosim_fault *ret_fault, struct vfiosim_fault_count *ret_count);

/* "VFIO_IOMMU_MAP_DMA,when=3,error=ENOMEM". At most VFIOSIM_FAULT_TEXT_MAX bytes. */
void vfiosim_fault_text(const struct vfiosim_fault *fault, char *to, size_t size);

#ifdef __cplusplus
}
#endif

#endif
