/* SPDX-License-Identifier: MIT */
/* What the launcher takes, passes on and mirrors: see signals.h. */
#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "launch/signals.h"

/* Raised by what a process does itself: there is nothing to pass on. */
static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGPIPE };
/* End a process by default, and are sent by people. */
static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

void signals_take(struct signals *signals)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };

	sigfillset(&signals->taken);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(&signals->taken, own[i]);
	sigprocmask(SIG_SETMASK, &signals->taken, &signals->saved_mask);
	/* Where children are ignored the kernel reaps them, and their status is lost. */
	sigaction(SIGCHLD, &normal, &signals->saved_child);
	sigaction(SIGPIPE, &ignored, &signals->saved_pipe);
}

void signals_restore(const struct signals *signals)
{
	sigaction(SIGCHLD, &signals->saved_child, NULL);
	sigaction(SIGPIPE, &signals->saved_pipe, NULL);
	sigprocmask(SIG_SETMASK, &signals->saved_mask, NULL);
}

static bool is_ignored(int signal)
{
	struct sigaction now;

	return !sigaction(signal, NULL, &now) && now.sa_handler == SIG_IGN;
}

int signals_pending_end(const struct signals *signals)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigismember(&pending, ending[i]) &&
		    !sigismember(&signals->saved_mask, ending[i]) && !is_ignored(ending[i]))
			return ending[i];
	return 0;
}

bool signals_wait(const struct signals *signals, unsigned seconds, siginfo_t *ret_info)
{
	const struct timespec limit = { .tv_sec = seconds };

	return sigtimedwait(&signals->taken, ret_info, &limit) >= 0;
}

bool signals_end(const siginfo_t *info)
{
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (info->si_signo == ending[i])
			return !is_ignored(ending[i]);
	return false;
}

void signals_forward(const siginfo_t *info, pid_t command)
{
	/*
	 * Only what a process sent (si_code <= 0): the kernel's own go to the group.
	 * SIGCONT is for a command that has made a group of its own, as shells do. Of
	 * the command itself it may be a kill(0): it has had its share.
	 */
	if (info->si_signo == SIGCHLD || info->si_code > 0 || info->si_pid == command)
		return;
	kill(command, info->si_signo);
}

void signals_mirror_stop(int signal)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, signal);
	kill(getpid(), signal);
	/* The stop happens here; being blocked does not keep SIGCONT from ending it. */
	sigprocmask(SIG_UNBLOCK, &set, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
