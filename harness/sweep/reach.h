/* SPDX-License-Identifier: MIT */
/*
 * Which memory each device reached, found from the records of a run: at each mark, and
 * when its last attachment ended (a program that tries one space after the other has
 * several). And which memory was mapped at all: at each mark, and when the program ended.
 *
 * Memory is told by what it is (a file and an offset, the program's Nth anonymous region),
 * not by its address or iova: those differ between runs that do the same. Regions of
 * devices are left out.
 */
#ifndef SWEEP_REACH_H
#define SWEEP_REACH_H

#include "sweep/record.h"

#define REACH_DETACH ""		/* when its last attachment ended */
#define REACH_END ""		/* before the kernel closes anything */

/* A device reaches @first..@last of @memory. */
struct reach_row {
	char device[RECORD_NAME];
	char moment[RECORD_NAME];
	char memory[RECORD_NAME];
	uint64_t first, last;
};

/* A mark, or REACH_END. */
struct reach_moment {
	char name[RECORD_NAME];
};

/* A device that was attached, and open. */
struct reach_device {
	char device[RECORD_NAME];
	char space[RECORD_NAME];	/* where it was last: "container 1" */
	size_t opened;			/* index of the event that made that space */
};

struct reach {
	struct reach_row *rows;
	size_t n;
	struct reach_device *devices;
	size_t n_devices;
	struct reach_row *held;		/* what is mapped at a moment; device: "" */
	size_t n_held;
	struct reach_row *mapped;	/* what was mapped at any time; device, moment: "" */
	size_t n_mapped;
	struct reach_moment *moments;
	size_t n_moments;
	bool no_memory;
};

/* Iovas whose mappings do not count: what a program may leave out. */
struct reach_omit {
	struct reach_range {
		uint64_t first, last;
	} list[16];
	size_t n;
};

/* @omit: NULL for none. */
void reach_init(struct reach *reach, const struct sweep_event *events, size_t n,
		const struct reach_omit *omit);
void reach_done(struct reach *reach);

/* NULL: it never was. */
const struct reach_device *reach_device(const struct reach *reach, const char *device);

/*
 * Something that @whole has at @moment (NULL: at any) for devices that @part has as well,
 * and @part has not. NULL: nothing.
 */
const struct reach_row *reach_lacks(const struct reach *part, const struct reach *whole,
				    const char *moment);

/*
 * Memory that @run has mapped at a moment when @clean had mapped and given back all of it.
 * What the kernel would not take back does not count. NULL: none.
 */
const struct reach_row *reach_keeps(const struct reach *run, const struct reach *clean);

#endif
