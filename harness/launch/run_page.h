/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim run --html`: what a program asks of the machine, kept as a story and written as
 * a page when the run is over.
 *
 *	run_page_create -> (the run) -> run_page_write -> run_page_destroy
 *
 * A follower of the trace, in the server's process. The first RUN_PAGE_COMMANDS commands
 * are told, the others counted: nobody reads more.
 */
#ifndef HARNESS_LAUNCH_RUN_PAGE_H
#define HARNESS_LAUNCH_RUN_PAGE_H

#include <stdio.h>

#define RUN_PAGE_COMMANDS 1000

struct vfiosim;
struct vfiosim_topology;
struct run_page;

/* -ENOMEM, -ENOSPC: too many follow this machine. @topology: borrowed. */
int run_page_create(struct vfiosim *sim, const struct vfiosim_topology *topology, struct run_page **ret_page);
/* The run is over. @title: the command. -ENOMEM: the page is not whole. */
int run_page_write(struct run_page *page, const char *title, FILE *to);
/* NULL is allowed. */
void run_page_destroy(struct run_page *page);

#endif
