/* SPDX-License-Identifier: MIT */
/*
 * A thread that asks our own FUSE connections.
 *
 * Once a request was read, no signal ends the wait for its answer. A thread that waits so while
 * its process is killed waits for ever, if its descriptor table has the connections: they are
 * closed, and all requests ended, only when the last table that has them is gone, which is then
 * its own. So whatever of ours leads back to us (opening, asking and closing our own files) is
 * done by a thread whose table has no connection in it. Whoever kills us in whatever moment:
 * nobody hangs.
 *
 * One work at a time, in any order. Works ask only what is answered at once.
 */
#ifndef SIM_FRONT_REMOTE_ASIDE_H
#define SIM_FRONT_REMOTE_ASIDE_H

struct aside;

/* -ENOMEM, -EAGAIN: no thread; -EMFILE. */
int aside_create(struct aside **ret_aside);
/* No work may be under way. NULL: nothing. */
void aside_destroy(struct aside *aside);
/*
 * Has @work(@ctx) done there, and waits for it. By any thread but that one. Descriptors that it
 * opens stay open there, and are known there only: closing them is another work.
 */
void aside_do(struct aside *aside, void (*work)(void *ctx), void *ctx);

/* ---- In a work ---- */

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
