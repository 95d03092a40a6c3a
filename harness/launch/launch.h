/* SPDX-License-Identifier: MIT */
/*
 * A run: a command that sees a simulated machine in place of the host's VFIO.
 *
 *	launcher	the process that calls launch(). Parent of the command, in the
 *			same process group, so that signals and the terminal work as
 *			if the command had been started directly; adopts orphans.
 *	server		holds the machine and serves it over FUSE; a session of its own.
 *	command		argv, or a function; unmodified, inside the run's namespaces,
 *			under a seccomp filter that notifies the server about the few
 *			commands that return a descriptor.
 *
 * The run ends with the command, or where that is wanted with the last process; whatever it left behind is ended and named.
 * Launcher and server each end the run if the other dies.
 *
 *	launch.c	the launcher		server.c	the server
 *	space.c		namespaces, mounts	cover.c		a folder with more names
 *	filter.c	the seccomp filter	leftovers.c	who is still alive
 *	signals.c	what is passed on	init.c		process 1 of a PID namespace
 *	run.c		the verb
 */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct vfiosim;
struct vfiosim_topology;

/* Exit statuses, as env(1) has them. Besides: the command's own, 128 + its signal. */
enum {
	LAUNCH_FAILED = 125,		/* a failure of vfiosim's own */
	LAUNCH_CANNOT_EXECUTE = 126,
	LAUNCH_NOT_FOUND = 127,
};

struct launch_options {
	const struct vfiosim_topology *topology;	/* stays the caller's */
	const char *topology_name;	/* VFIOSIM_TOPOLOGY of the command: what --topology takes */
	const char *name;		/* what `vfiosim ctl -r` may call it; NULL: its number */
	const char *command;		/* for `vfiosim ctl list`; NULL: argv's */
	bool wait_all;			/* end with the last process, not with the command */
	bool pid_namespace;		/* the command is in one of its own; see init.h */
	bool fake_chardevs;		/* fstat() shows device nodes as character devices */
	bool tells_mapped;		/* vfiosim_trace_follow() tells what is mapped at exit, too */
	FILE *messages;			/* what is said while the command runs; NULL: stderr */
	/*
	 * Called in the server process as soon as the machine exists, and once more,
	 * with NULL, when it is about to be destroyed: the place for trace sinks.
	 * NULL: nothing to do. It returns 0, or -errno after it has said what went wrong:
	 * a sink that lost something, say. The run then ends with LAUNCH_FAILED.
	 */
	int (*watch)(void *ctx, struct vfiosim *sim);
	/* The command's status, as wait() tells it; left alone where it did not end by itself.
	   NULL: not wanted. */
	int *wait_status;
	/* Called in the command's place when argv is NULL; returns its exit status. */
	int (*child)(void *ctx);
	void *ctx;
};

/*
 * Runs @argv (ended by NULL) or @options->child, and returns the exit status for
 * the caller's own exit(); what went wrong has been said by then.
 *
 * Changes the calling process for good: its namespaces, signal mask, standard
 * input and output. A caller that has other things to do forks first. Must be
 * single-threaded. Descriptors without close-on-exec are taken to be meant for the
 * command alone: launcher and server close them once it has started, so that a
 * pipe's reader sees its end.
 */
int launch(const struct launch_options *options, char **argv);

/* KiB of the kernel's pages, where they are not those the simulator counts in: no run can be made. */
long launch_foreign_page_kib(void);
#define LAUNCH_FOREIGN_PAGES \
	"this kernel's pages are %ld KiB, and vfiosim counts in pages of 4 KiB: boot a kernel with " \
	"pages of 4 KiB"
/* What a program finds in its environment, whether it is the run's command or joins later. */
void launch_environment(const char *topology_name);
/*
 * Is there a program called @name: a path, or in a folder of PATH something that access()
 * allows as @mode says? Its path goes to @file.
 */
bool launch_find(const char *name, int mode, char *file, size_t size);
/* Becomes @argv, or says why not and exits with LAUNCH_CANNOT_EXECUTE or LAUNCH_NOT_FOUND. */
_Noreturn void launch_execute(char **argv);

#endif
