/* SPDX-License-Identifier: MIT */
/*
 * Answers that a fault delays. The command is done; the thread that serves it waits
 * with no lock and without the lead, so others go on. A signal to the caller, its death
 * or the end of the front end the wait.
 */
#ifndef SIM_FRONT_FUSE_LATE_H
#define SIM_FRONT_FUSE_LATE_H

#include "front/fuse/fuse_front.h"

/* Before the reply to @req. */
void late_wait_request(struct vfiosim_fuse *fuse, fuse_req_t req, uint32_t ms);
/* The same where nobody tells of interruption: @waits is asked now and then. */
void late_wait_while(struct vfiosim_fuse *fuse, uint32_t ms, const struct remote_call *call);

#endif
