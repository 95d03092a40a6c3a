/* SPDX-License-Identifier: MIT */
/*
 * What happened in one run of a program, as the sweep needs it: the machine's trace,
 * reduced to records of one size. The server process of the run writes them into memory
 * that it shares with the sweep, so they are there however the run ends.
 */
#ifndef SWEEP_RECORD_H
#define SWEEP_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX 65536	/* events that are kept */
#define RECORD_COUNTS 4096	/* steps inside of commands that are counted */
#define RECORD_NAME 64

struct vfiosim_command;
struct vfiosim_event;

struct sweep_event {
	char object[RECORD_NAME];	/* "container 1", as in the trace; a mark's name */
	char verb[40];			/* "VFIO_IOMMU_MAP_DMA", "open", "close" */
	const struct vfiosim_command *command;	/* NULL unless it is one */
	bool injected;			/* by the fault that is tried */
	bool by_exit;			/* the process ended and left it open */
	uint32_t number;		/* of the fault; 0: not injected */
	uint32_t only;			/* bit N: it met the Nth --only */
	long result;
	uint64_t arg;			/* as in the trace */
	uint64_t iova, length;		/* of map and unmap, as asked */
	uint64_t out_iova, out_length;	/* ... as answered */
	uint64_t src_iova;		/* of a copy */
	uint32_t flags;
	uint32_t ioas, src_ioas;	/* that it is about; 0: none. A hwpt's id as well */
	uint32_t id;			/* of the object to destroy */
	uint32_t out_id;		/* of the object it made, or attached to */
	char memory[RECORD_NAME];	/* a map: which memory; "anonymous", a file's name;
					   "": a device's region */
	uint64_t memory_at;		/* ... and where in it; of anonymous memory its address */
	uint64_t memory_first;		/* ... and that of the whole region */
	char device[RECORD_NAME];	/* GET_DEVICE_FD: which one */
	char joined[RECORD_NAME];	/* what the group or device is in now: "container 1" */
	bool left;			/* ... it is in none now */
	bool lost_mappings;		/* its space has none any more */
};

struct sweep_record {
	atomic_uint_fast64_t calls;	/* all of them: also a sign of life */
	atomic_uint_fast64_t repeats;	/* refusals by the fault that is tried */
	atomic_uint n;			/* of events that are there */
	atomic_bool full;		/* there were more */
	bool ended;			/* the server saw the end of the run */
	char broken[256];		/* the first expectation that does not hold; "": none */
	uint64_t met[RECORD_COUNTS];	/* times each of the counting rules was met */
	struct sweep_event events[RECORD_MAX];
};

/* Memory shared with what is forked from now on; NULL: none. */
struct sweep_record *sweep_record_create(void);
void sweep_record_destroy(struct sweep_record *record);
void sweep_record_clear(struct sweep_record *record);

/*
 * What a follower of the trace does with an event; one at a time. @fault: the number of the
 * fault that is tried, 0: none. @only: as in struct sweep_event.
 */
void sweep_record_event(struct sweep_record *record, const struct vfiosim_event *event,
			uint32_t fault, uint32_t only);

/* How many events are kept. */
static inline size_t sweep_record_n(const struct sweep_record *record)
{
	return atomic_load(&record->n);
}

#endif
