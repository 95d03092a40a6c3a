/* SPDX-License-Identifier: MIT */
/*
 * A call: one thing a client asked for, from the moment the simulator hears of
 * it until the answer is out. Lives on the stack of the thread that serves it.
 *
 * The machine's lock is never held across a client op, so a call runs in phases:
 *
 *	prepare		no lock: copy the structure, resolve descriptors
 *	run		lock held: decide and change the machine. A command that
 *			lacks something about the client (VMAs, limits) asks for it
 *			with call_vmas() or call_limits(), changes nothing, and
 *			returns CALL_AGAIN: call_run() fetches it unlocked
 *			and runs the command again.
 *	publish		no lock: copy outputs to the client, install descriptors, signal eventfds
 *	defer		no lock, after the reply: DMA
 *
 * Core code returns 0 or a negative errno. Every refusal of a client goes
 * through refuse(), which names the rule.
 */
#ifndef SIM_MACHINE_CALL_H
#define SIM_MACHINE_CALL_H

#include <errno.h>
#include <stddef.h>
#include <sys/queue.h>

#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "base/span.h"
#include "machine/rules.h"

/* Not errnos: the dispatcher's own, never seen by clients. */
enum {
	CALL_AGAIN = -10001,	/* needs more about a client; run again */
	CALL_PARKED = -10002,	/* cannot be decided yet: run again when the machine changed */
};

#define ERRNO_MAX 4095		/* the kernel's MAX_ERRNO */

#define CALL_STRUCT_MAX 256	/* bytes of the largest fixed structure */
#define CALL_STATE_MAX 64	/* bytes of what the largest command keeps of its own */
#define CALL_REASON_MAX 320
#define CALL_VIEWS_FEW 2	/* kept in the call itself */

/* The VMAs of @client between @span, as they were when the call fetched them. */
struct vma_view {
	struct vfiosim_client *client;
	struct span span;
	struct vfiosim_vmas vmas;
	int error;		/* 0; -ESRCH: the memory is gone */
	bool borrowed;		/* client is the caller's: no reference of our own */
};

/* RLIMIT_MEMLOCK of @client, as it was when the call fetched it. */
struct memlock_view {
	struct vfiosim_client *client;	/* a reference */
	uint64_t memlock;	/* bytes */
	int error;		/* 0; -ESRCH: the process is gone */
	struct memlock_view *next;
};

struct call_out {		/* one stretch of bytes to copy to the client on success */
	uint64_t uva;
	void *data;		/* NULL: zeroes */
	size_t size;
	unsigned keep_bits;	/* these low bits of the first 8 bytes are or'ed from the
				   client's memory: a dirty bitmap that starts inside a word */
	struct call_out *next;
};

/* See call_cleanup(). */
struct call_cleanup {
	/* Lock held: does a part of it. False: that was the last part; @cleanup is freed. */
	bool (*step)(struct call_cleanup *cleanup);
	struct call *call;		/* which waits for it */
	STAILQ_ENTRY(call_cleanup) in_sim;
};

struct fault_where;	/* fault.h */
struct provoke;		/* fault.h */

/*
 * What one run made. Forgotten before the command is run again, in one place:
 * call_run(). What a run may touch besides is call->in and its command's state.
 */
struct call_result {
	struct {			/* with CALL_AGAIN: what the command lacks */
		bool limits;		/* the caller's */
		struct vfiosim_client *client;	/* whose VMAs; NULL: nobody's. Counted unless
						   it is the caller's */
		struct span span;
		struct vfiosim_client *memlock;	/* whose limit; NULL: nobody's. Counted */
	} need;
	const struct vfiosim_rule *rule;	/* NULL: not refused */
	struct change_list {
		char **text;
		size_t n;
	} changes, walk;			/* walk: see walked() */
	struct call_out *outs, *last_out;
	struct vfiosim_file *new_file;		/* to be installed; released if that fails */
	bool answer_anyway;			/* copy back and do outs though refused */
	bool mute;				/* nothing is copied back, whatever the row says */
	int injected;				/* the refusal by a fault that was met; 0: none */
};

struct call {
	struct vfiosim *sim;
	struct vfiosim_caller *caller;
	struct vfiosim_file *file;		/* NULL while opening */
	const struct command *command;		/* abi row; NULL for open, read, write, ... */
	const char *object;			/* for the trace, instead of the file's; borrowed */
	uint32_t number;			/* the command's, also of one nobody knows */
	uint64_t arg;
	struct fault_where *where;		/* what it is about, for faults; NULL: unknown */
	struct provoke *provoking;		/* of whoever makes the call; see fault_reached() */
	const char *provoke;			/* for the trace: the fault that would do the same */
	uint64_t wait;				/* CALL_PARKED: device.wait of what it waits for; run
						   again: of what it waited for, and that is over */
	bool releasing;				/* something is closed or undone: no fault is met */
	size_t in_size;				/* bytes of `in` that the client gave */
	size_t asked_size;			/* of `asked`; 0: nobody traces, or nothing was copied */
	size_t answered;			/* bytes of `in` that were copied back */
	uint8_t *tail;				/* variable part, owned; NULL: none */
	size_t tail_size;

	/* What is known about clients so far. */
	struct vma_view *views;			/* NULL: they are in few */
	unsigned n_views, capacity;
	bool room_used;
	bool have_limits;
	struct vfiosim_limits limits;
	struct memlock_view *memlocks;		/* of others than the caller */

	struct call_result result;
	unsigned n_cleanups;			/* call_cleanup(): done before call_run() returns */
	struct deferred *soon;			/* call_soon(): run by call_done() */

	/*
	 * From here on nothing is cleared by call_init(): that would be most of what a
	 * call costs.
	 */
	/* The structure as the client gave it; fields a command changes are changed
	   here and copied back by the row's rule. */
	union {
		uint8_t bytes[CALL_STRUCT_MAX];
		uint64_t align;
	} in;
	union {					/* see call_state() */
		uint8_t bytes[CALL_STATE_MAX];
		max_align_t align;
	} state;
	uint8_t asked[CALL_STRUCT_MAX];		/* the structure as it came, for the trace */
	struct vma_view few[CALL_VIEWS_FEW];
	struct vfiosim_vma room[2];		/* what the first view needs at most, usually */
	char reason[CALL_REASON_MAX];		/* with result.rule */
};

/*
 * What a command keeps from one of its phases to the next, as a struct of its own: a
 * @type_ *. Its row says how large it is, and the dispatcher clears it; for calls that
 * are no command (read, write, ...) whoever makes the call sets it.
 */
#define call_state(call_, type_)                                                                   \
	((type_ *)(void *)((call_)->state.bytes +                                                  \
			   0 * sizeof(char[sizeof(type_) <= CALL_STATE_MAX ? 1 : -1])))

/* ---- Life (no lock) ---- */

/* On the caller's stack; every call_init wants its call_done. */
void call_init(struct call *call, struct vfiosim *sim, struct vfiosim_caller *caller,
	       struct vfiosim_file *file);
void call_done(struct call *call);
/* Fetch what the last run asked for. -ENOMEM. */
int call_fetch(struct call *call);
/* Does anybody listen? Then reasons to build texts exist. */
bool call_traced(const struct call *call);

/*
 * Take the lock and run @decide until it has all it asks for; returns what it
 * answered (CALL_PARKED included) with the lock released. A run that asks leaves
 * nothing in call->result.
 */
int call_run(struct call *call, int (*decide)(struct call *call));

/*
 * For a command that leaves many objects to free which no other call can find any more
 * (lock held). call_run() frees them in steps before the call is answered, and yields the
 * lock between two steps.
 */
void call_cleanup(struct call *call, struct call_cleanup *cleanup);
/* Lock held, and yielded: does the cleanups of all calls. */
void call_finish_cleanups(struct vfiosim *sim);

/* ---- Asking about clients (lock held) ---- */

/*
 * The VMAs of @client over @span. 0 and the view; CALL_AGAIN when they have to be
 * fetched first; -ESRCH when the client's memory is gone. Change nothing before
 * the last of these has answered 0.
 */
int call_vmas(struct call *call, struct vfiosim_client *client, struct span span,
	      const struct vma_view **ret_view);
/* The caller's limits: 0 or CALL_AGAIN; a caller that is gone has none of them. */
int call_limits(struct call *call, struct vfiosim_limits *ret_limits);
/* The same where only memlock and ipc_lock matter: most topologies know them without asking. */
int call_memlock(struct call *call, struct vfiosim_limits *ret_limits);
/*
 * How many bytes the process that @client is the memory of may lock: 0 or CALL_AGAIN. Of
 * a process that is gone, what was last known (the kernel keeps the limit that it died
 * with, but nobody can ask for it).
 */
int call_memlock_of(struct call *call, struct vfiosim_client *client, uint64_t *ret_memlock);
/*
 * For prepare (no lock): fetch what run is sure to ask for, so that it is not run
 * twice: the caller's memlock and, where @uva is not NULL, its VMAs. 0, or refused
 * for want of memory.
 */
int call_prefetch(struct call *call, const struct span *uva);

/* ---- Telling what happened (lock held) ---- */

#define V(name_, number_) { .name = (name_), .number = (uint64_t)(number_), .text = NULL }
#define VS(name_, text_) { .name = (name_), .number = 0, .text = (text_) }

/* Values, and the row that ends them. */
#ifdef __cppcheck__	/* 2.10 knows no __VA_OPT__ */
#define VALUES(...) ((const struct vfiosim_value[]){ { NULL, 0, NULL } })
#else
#define VALUES(...) \
	((const struct vfiosim_value[]){ __VA_ARGS__ __VA_OPT__(,) { NULL, 0, NULL } })
#endif

/*
 * Refuse with a rule of rules.h: records the reason and returns its negative
 * errno, or the one that the value "error" gives. Usage: return refuse(call, RULE_GROUP_BUSY, V("group", number));
 */
#define refuse(call_, rule_, ...) refused(call_refuse((call_), (rule_), VALUES(__VA_ARGS__)))
/* 0 where neither gives one. */
int call_refuse(struct call *call, enum rule_index rule, const struct vfiosim_value *values);

/*
 * A refusal is never 0, which compilers and analyzers cannot see from where refuse() is
 * used. A row without an errno whose use gives none either is our mistake: EIO.
 */
static inline int refused(int error)
{
	return error < 0 ? error : -EIO;
}

/* Record a change as a sentence with {named} values. Costs nothing when nobody traces. */
#define changed(call_, sentence_, ...) call_changed((call_), (sentence_), VALUES(__VA_ARGS__))
void call_changed(struct call *call, const char *sentence, const struct vfiosim_value *values);
/*
 * Record a step that a command did before it was refused, and has undone: for the trace
 * of the refusal, which has no changes to show. Costs nothing when nobody traces.
 */
#define walked(call_, sentence_, ...) call_walked((call_), (sentence_), VALUES(__VA_ARGS__))
void call_walked(struct call *call, const char *sentence, const struct vfiosim_value *values);
/* All but the first @n were taken back. */
void call_changes_forget(struct call *call, size_t n);

/* ---- Leaving work for later (lock held) ---- */

/* Copy @size bytes of @data (copied now) to the client when the command succeeds. -ENOMEM. */
int call_out(struct call *call, uint64_t uva, const void *data, size_t size);
/* The same of @size zeroes, however many the client asked for. -ENOMEM. */
int call_out_zeroes(struct call *call, uint64_t uva, size_t size);
/* As call_out(); the low @keep_bits bits of the first 8 bytes are or'ed from the client's memory. */
int call_out_bits(struct call *call, uint64_t uva, const void *data, size_t size, unsigned keep_bits);

/* Work for later, in a list. */
struct deferred {
	void (*work)(struct vfiosim *sim, void *arg);
	void *arg;
	bool ours;		/* the list's own, freed after the work */
	struct deferred *next;
};

/*
 * Run @work(sim, arg) after the reply, in order, with no lock held. It frees @arg.
 * -ENOMEM (then nothing is queued, @arg stays the caller's).
 */
int call_defer(struct call *call, void (*work)(struct vfiosim *sim, void *arg), void *arg);
/* The same by an item that is part of @arg: cannot fail. For what is released. */
void call_defer_item(struct call *call, struct deferred *item,
		     void (*work)(struct vfiosim *sim, void *arg), void *arg);
/*
 * The same, but before the reply: what the client may look at as soon as its call
 * returns. @work must not block and touches no client's memory: eventfds.
 */
int call_soon(struct call *call, void (*work)(struct vfiosim *sim, void *arg), void *arg);

#endif
