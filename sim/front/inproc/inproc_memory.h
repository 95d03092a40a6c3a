/* SPDX-License-Identifier: MIT */
/*
 * The memory of an in-process client (the kernel's mm): areas, and the pages of
 * them that somebody has touched.
 *
 *	0x100000000000..	what is mapped, in order; addresses are not used twice
 *	0x7ffffff00000..	the stack, 16K, always there: where structures stand
 *				during a command
 *
 * Life: create, map/protect/unmap, drop when the process exits or calls exec
 * (mappings of the simulator may still name it: it answers that it is gone),
 * free when the client is done.
 *
 * Threads: any. A device of another client may move data in or out while its own
 * thread maps and unmaps. The lock is not held while the simulator is called.
 */
#ifndef SIM_FRONT_INPROC_INPROC_MEMORY_H
#define SIM_FRONT_INPROC_INPROC_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>

#include <vfiosim/vfiosim.h>

#include "base/span_set.h"
#include "front/inproc/inproc_file.h"

#define STACK_FIRST UINT64_C(0x7ffffff00000)
#define STACK_SIZE UINT64_C(0x4000)
#define STACK_END (STACK_FIRST + STACK_SIZE)

struct area;

struct memory {
	pthread_mutex_t lock;
	struct vfiosim_client *client;	/* borrowed: it outlives its memory */
	bool gone;			/* dropped: there is nothing any more */
	uint64_t memlock;		/* RLIMIT_MEMLOCK of its process, bytes */
	struct span_set areas;		/* of struct area */
	struct span_set pages;		/* touched, 4096 bytes each */
	uint64_t next;			/* the next mapping's address */
	uint8_t stack[STACK_SIZE];
	/*
	 * The structure of the command that @thread is in stands at the stack's end,
	 * for that thread alone, without being copied there and without the lock: most
	 * of what a command moves is this. thread is 0 between commands.
	 */
	struct {
		_Atomic pthread_t thread;
		uint8_t *data;
		uint64_t first;		/* STACK_END less its size */
	} window;
};

/* -ENOMEM. Set @client before the first use of a region. */
int memory_create(struct memory **ret_memory);
/* The same areas and contents again, for fork. -ENOMEM. */
int memory_copy(struct memory *from, struct memory **ret_memory);
/* Of the process: what it may lock, in bytes. -ESRCH: gone. */
void memory_set_memlock(struct memory *memory, uint64_t memlock);
int memory_memlock(void *client_ctx, uint64_t *ret_memlock);
/* Everything is unmapped, for good. */
void memory_drop(struct memory *memory);
/* Drops what is left and frees. NULL is allowed. */
void memory_free(struct memory *memory);

/*
 * Map @length bytes; @prot as in vfiosim/inproc.h. For a region @file is the device
 * file and @offset the place in it; takes its own reference. -EINVAL, -ENOMEM.
 */
int memory_map(struct memory *memory, uint64_t length, unsigned prot, enum vfiosim_vma_kind kind,
	       struct open_file *file, uint64_t offset, uint64_t *ret_uva);
/* -EINVAL: not whole pages, or the stack; -ENOMEM, also for a hole, as mprotect() says. */
int memory_protect(struct memory *memory, uint64_t uva, uint64_t length, unsigned prot);
/* -EINVAL as above; -ENOMEM. Holes are fine. */
int memory_unmap(struct memory *memory, uint64_t uva, uint64_t length);

/*
 * From now on @size bytes of @data, at most STACK_SIZE, stand at the returned
 * address, as seen by this thread; until memory_window_close().
 */
uint64_t memory_window_open(struct memory *memory, void *data, size_t size);
void memory_window_close(struct memory *memory);

/* The client's own loads and stores, and the client ops of these names: @ctx is the memory. */
int memory_read(void *ctx, uint64_t uva, void *to, size_t length);
int memory_write(void *ctx, uint64_t uva, const void *from, size_t length);
int memory_vmas(void *ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas);

/*
 * Loads and stores like the two above, but as @caller: what happens when a program
 * touches a mapped region.
 */
int memory_load(struct memory *memory, struct vfiosim_caller *caller, uint64_t uva, void *to,
		size_t length);
int memory_store(struct memory *memory, struct vfiosim_caller *caller, uint64_t uva,
		 const void *from, size_t length);

#endif
