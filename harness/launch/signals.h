/* SPDX-License-Identifier: MIT */
/*
 * The launcher's signals. It blocks all that can be passed on and takes them one
 * by one. What the terminal sends goes to the whole foreground group, so to the
 * command as well: the launcher lets it pass. What somebody sends to the launcher
 * alone, it sends on.
 */
#ifndef LAUNCH_SIGNALS_H
#define LAUNCH_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct signals {
	sigset_t taken;			/* what the launcher takes itself */
	sigset_t saved_mask;		/* what the command starts with */
	struct sigaction saved_child;
	struct sigaction saved_pipe;
};

void signals_take(struct signals *signals);
/* For the command, in its own process: mask and dispositions as the launcher found them. */
void signals_restore(const struct signals *signals);
/* A signal that would have ended the launcher before there was a command, or 0. */
int signals_pending_end(const struct signals *signals);
/* Waits for the next one. False: none came in @seconds. */
bool signals_wait(const struct signals *signals, unsigned seconds, siginfo_t *ret_info);
/* Is it one that people end a program by? */
bool signals_end(const siginfo_t *info);
/* Sends on to @command what was meant for it. */
void signals_forward(const siginfo_t *info, pid_t command);
/* Stops the launcher as its command was stopped; returns once it is continued. */
void signals_mirror_stop(int signal);

#endif
