/* SPDX-License-Identifier: MIT */
#include "launch/init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

/* ---- Process 1 --------------------------------------------------------- */

/* Nothing of the launcher's stays open in here: others wait for its ends to close. */
static void keep_only(int socket, int null)
{
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	dup2(socket, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0u, 0);
}

static bool has_launcher(int socket)
{
	struct pollfd poll_fd = { .fd = socket };

	return poll(&poll_fd, 1, 0) == 0;
}

/* Of the command every status is told, also that it was stopped. */
static void reap_all(pid_t command, int socket)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		if (pid == command)
			send(socket, &status, sizeof(status), MSG_NOSIGNAL);
}

static _Noreturn void be_init(pid_t command, int socket, int null, const sigset_t *child)
{
	int none;

	prctl(PR_SET_NAME, "vfiosim-init");
	keep_only(socket, null);
	for (;;) {
		reap_all(command, STDERR_FILENO + 1);
		sigwait(child, &none);
	}
}

/* Returns in the command's process alone. */
static void start_command(int socket, int null)
{
	sigset_t child;
	pid_t command;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!has_launcher(socket))
		_exit(1);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	command = fork();
	if (command < 0)
		_exit(1);
	if (command > 0)
		be_init(command, socket, null, &child);
	/* The kernel tells the launcher what it calls us. */
	send(socket, "", 1, MSG_NOSIGNAL);
	close(socket);
}

/* ---- The launcher ------------------------------------------------------ */

/* The number of who sent the first message; -1: nobody did. */
static pid_t receive_number(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control = {};
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	struct ucred sender;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_CREDENTIALS)
		return -1;
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	return sender.pid;
}

/* What comes from now on is a SIGCHLD to the launcher, which waits for that anyway. */
static void tell_by_signal(int socket)
{
	fcntl(socket, F_SETOWN, getpid());
	fcntl(socket, F_SETSIG, SIGCHLD);
	fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_ASYNC | O_NONBLOCK);
}

static pid_t fail(const char *what, int ends[2])
{
	cli_error("%s: %s", what, strerror(errno));
	if (ends) {
		close(ends[0]);
		close(ends[1]);
	}
	return -1;
}

pid_t init_fork(struct init *init, int null)
{
	int ends[2], yes = 1;
	pid_t command;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return fail("cannot make a socket", NULL);
	if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)))
		return fail("cannot make a socket", ends);
	/* Not unshare(): later threads of the launcher belong where it is itself. */
	init->pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0L);
	if (init->pid < 0) {
		init->pid = 0;
		return fail("cannot make a PID namespace", ends);
	}
	if (init->pid == 0) {
		close(ends[0]);
		start_command(ends[1], null);
		return 0;
	}
	close(ends[1]);
	init->socket = ends[0];
	command = receive_number(init->socket);
	if (command <= 0)
		return fail("cannot start a process in a PID namespace", NULL);
	tell_by_signal(init->socket);
	return command;
}

int init_mount_proc(void)
{
	int error;

	if (!unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	    !mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return 0;
	error = -errno;
	cli_error("cannot mount a /proc of its PID namespace: %s; a container that hides parts of its "
		  "/proc forbids it", strerror(-error));
	return error;
}

bool init_hear(const struct init *init, int *ret_status)
{
	return init->socket >= 0 &&
	       recv(init->socket, ret_status, sizeof(*ret_status), MSG_DONTWAIT) == (ssize_t)sizeof(*ret_status);
}

void init_end(const struct init *init)
{
	if (init->pid > 0)
		kill(init->pid, SIGKILL);
}
