/* SPDX-License-Identifier: MIT */
/*
 * Running a play on a target: step by step, each result held against what the
 * case expects. What comes of it is an outcome: passed, failed or skipped, one
 * line a step, and where it failed a sentence.
 *
 * Everything a play opens or maps belongs to processes of the target, so the end
 * of the target is the end of it all.
 */
#ifndef HARNESS_CASE_RUN_H
#define HARNESS_CASE_RUN_H

#include <stdio.h>

#include "base/id_map.h"
#include "case/case.h"
#include "select/select.h"
#include "target.h"

/* ---- What a play came to ----------------------------------------------- */

enum verdict { PASSED, FAILED, SKIPPED };

#define OUTCOME_NAMED_MAX 8

/*
 * @log: one line a step, "3 map: EFAULT pin-region" and the like, the same on
 * every target. @message: the failure with its place, or why it was skipped.
 * Starts zeroed; strings are malloc'ed, freed by outcome_done().
 */
struct outcome {
	enum verdict verdict;
	char *log;
	char *message;
	struct outcome_end {		/* of a play under a policy: how the program ended */
		bool known;		/* in this process only */
		bool aborted;
		unsigned spaces;
		size_t omitted;		/* sections left out of some space, ... */
		uint64_t omitted_at[OUTCOME_NAMED_MAX];	/* ... the first few */
		size_t refused;		/* devices, ... */
		char refused_names[OUTCOME_NAMED_MAX][64];	/* ... the first few */
		unsigned unmapped;	/* sections refused later, and the program went on */
		char placed[256];	/* "mdev0=1 nic0=2": the space of each device it has */
	} end;
};
void outcome_done(struct outcome *outcome);

/* What --explain shows between the events; NULL functions are not called. */
struct run_watch {
	void (*step)(void *ctx, const struct play *play, size_t index);
	void (*note)(void *ctx, const char *note);	/* a policy has decided something */
	void (*end)(void *ctx);		/* the steps are over; what is still open gets closed */
	void *ctx;
};

/* Runs @play on @target, which must be fresh. 0, or -ENOMEM; the rest is in the outcome. */
int run_play(const struct play *play, struct target *target, const struct run_watch *watch,
	     struct outcome *ret_outcome);
/* The same on a machine in this process, for its events alone, which @sink hears. */
int run_play_heard(const struct play *play, vfiosim_trace_sink *sink, void *ctx);

/* ---- For the verbs ----------------------------------------------------- */

#define RUN_NAME_MAX 64
#define RUN_ATTACHED_MAX 128

/* What a step gave. @error: negative errno, or 0. */
struct result {
	int error;
	char rule[64];			/* of a refusal by a simulated machine; "" unknown */
	char reason[512];
	struct result_value {
		char name[32];
		bool is_text;
		uint64_t number;
		char text[200];
	} values[EXPECT_VALUES_MAX];
	unsigned n_values;
};
void result_number(struct result *result, const char *name, uint64_t number);
void result_text(struct result *result, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A name of the case: a descriptor, a stretch of memory, or a process. In mode
 * iommufd a space is the descriptor of /dev/iommu and the id of an ioas in it, a
 * device that of its own node and its id in the iommufd.
 */
enum named_kind { NAMED_FD, NAMED_MEMORY, NAMED_PROC, NAMED_KINDS };

struct named {
	int fd;
	uint32_t id;			/* of the object it stands for in an iommufd; 0: none */
	uint64_t uva, size;
	struct proc *proc;
};

/* A device that `attach` brought in. */
struct attached {
	const struct target_device *device;
	char space[RUN_NAME_MAX];
	bool open;			/* still attached */
};

struct run {
	const struct play *play;
	struct target *target;
	struct proc *proc;		/* who does the current step */
	struct proc *first;
	struct name_map names[NAMED_KINDS];	/* -> struct named, which is ours */
	struct attached attached[RUN_ATTACHED_MAX];
	unsigned n_attached;
	struct selector *selector;	/* plays under a policy */
	char skip[200];			/* why the target cannot do a step; "" it can */
	char broken[256];		/* what is wrong with the case itself; "" nothing */
};

/*
 * A step's function returns 0 when the kernel has answered (whatever it answered,
 * see ret_result), or one of these, made by run_skip() and run_broken().
 */
enum { RUN_SKIP = -20001, RUN_BROKEN = -20002 };
int run_skip(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
int run_broken(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Notes what a call answered; fetches the reason of a refusal. Returns 0, or RUN_SKIP on -ENOSYS. */
int run_answer(struct run *run, long answer, struct result *ret_result);

struct named *run_named(struct run *run, enum named_kind kind, const char *name);
/* Gives a name; one that is in use already is given anew. NULL: no memory. */
struct named *run_name(struct run *run, enum named_kind kind, const char *name);
/* The descriptor called @name: space, device, "device.group", or what `open` named; -1: none. */
int run_fd(struct run *run, const char *name);
const struct target_device *run_device(struct run *run, const char *name);
/* Where region @index of the device behind @fd starts, and how large it is. Negative errno. */
int run_region(struct run *run, int fd, unsigned index, uint64_t *ret_offset, uint64_t *ret_size);
/*
 * Memory that `from` speaks of: a kind (fresh memory), a name, or DEVICE.barN
 * (@fd: an open descriptor of it). @at: offset inside. 0, RUN_*, or a negative
 * errno of the mapping.
 */
int run_memory(struct run *run, const char *from, uint64_t at, uint64_t size, uint64_t *ret_uva);

#endif
