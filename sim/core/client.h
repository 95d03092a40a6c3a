/* SPDX-License-Identifier: MIT */
/*
 * A client: one memory (the kernel's mm) whose pages mappings point at and whose
 * locked-memory account they are charged to.
 *
 * Counted: files and mappings keep the client they belong to, so that what it was
 * charged can be given back after the process is gone. Created by the front at
 * first use. locked_pages is guarded by the machine's lock; the rest is constant.
 */
#ifndef SIM_CORE_CLIENT_H
#define SIM_CORE_CLIENT_H

#include <stdatomic.h>
#include <sys/queue.h>

#include <vfiosim/vfiosim.h>

struct vfiosim_client {
	struct vfiosim *sim;
	const struct vfiosim_client_ops *ops;
	void *ctx;			/* the front's */
	uint32_t number;
	atomic_uint refs;
	uint64_t locked_pages;		/* charged by this machine's pins */
	TAILQ_ENTRY(vfiosim_client) in_sim;
};

#endif
