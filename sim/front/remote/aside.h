/* SPDX-License-Identifier: MIT */
/*
 * A thread that asks our own FUSE connections.
 *
 * Once a request has been read, no signal ends the wait for its answer. A thread that waits so
 * while its process is killed waits for ever, if its descriptor table has the connections: they
 * are closed, and all requests ended, only when the last table that has them is gone, which is
 * then its own. So what leads back to us by a descriptor (taking, opening, asking and closing
 * files of ours) is a job of a thread whose table has no connection in it: whoever kills us, its
 * wait ends. Memory of a client that is a device's is not among that; see space_abort().
 *
 * One job at a time, in the order in which they were asked for. A job may ask us, and may wait for
 * one client; never for a file system of others. The thread begins with the first job; where there
 * can be none, jobs are done by whoever has them done.
 */
#ifndef SIM_FRONT_REMOTE_ASIDE_H
#define SIM_FRONT_REMOTE_ASIDE_H

#include <sys/types.h>

struct aside;

/* NULL: no memory. */
struct aside *aside_create(void);
/* No job may be under way. NULL: nothing. */
void aside_destroy(struct aside *aside);
/* The thread that will do the jobs: begins it. 0: there is none. */
pid_t aside_begin(struct aside *aside);
/*
 * Runs @job(@ctx) there, and waits for it. By any thread but that one. Descriptors that it opens
 * stay open there, and are known there only: closing them is another job.
 */
void aside_do(struct aside *aside, void (*job)(void *ctx), void *ctx);

/* ---- In a job ---- */

/* A copy of the process' descriptor @fd, close-on-exec; -errno. */
int aside_copy(const struct aside *aside, int fd);
/*
 * What open(), ioctl() and close() do; -errno. Thread sanitizer takes the same number in two
 * tables for the same descriptor, and sees races: so it is not told of these.
 */
int aside_open(const char *path, int flags);
int aside_ioctl(int fd, unsigned long command, void *arg);
void aside_close(int fd);

#endif
