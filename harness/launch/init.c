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
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* ---- Process 1 --------------------------------------------------------- */

#define LOOKS 20		/* at whether everybody has ended */
#define LOOK_NS 50000000

/* What process 1 keeps of the launcher's descriptors. */
enum { SOCKET, COPY, OTHER_COPY, N_KEPT };

static bool keeps(const int kept[N_KEPT], int fd)
{
	return fd == kept[SOCKET] || fd == kept[COPY] || fd == kept[OTHER_COPY];
}

/*
 * Nothing else stays open in here: others wait for the launcher's ends to close. What stays
 * stays where it is, so that there may be no descriptor left.
 */
static void keep_only(const int kept[N_KEPT], int null)
{
	int last = STDERR_FILENO;

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		if (!keeps(kept, fd))
			dup2(null, fd);
	for (int i = 0; i < N_KEPT; i++)
		if (kept[i] > last)
			last = kept[i];
	for (int fd = STDERR_FILENO + 1; fd < last; fd++)
		if (!keeps(kept, fd))
			close(fd);
	close_range((unsigned)last + 1, ~0u, 0);
}

static bool has_launcher(int socket)
{
	struct pollfd poll_fd = { .fd = socket };

	return poll(&poll_fd, 1, 0) == 0;
}

/* Of the command every status is told, also that it was stopped. False: no child is left. */
static bool reap_all(pid_t command, int socket)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		if (pid == command)
			send(socket, &status, sizeof(status), MSG_NOSIGNAL);
	return pid == 0;
}

/*
 * The launcher was killed. If the server was as well, somebody may wait for its answer and
 * cannot be killed; see space_abort().
 */
static _Noreturn void end_everybody(pid_t command, const int kept[N_KEPT])
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	int looks = 0;

	kill(-1, SIGKILL);
	while (reap_all(command, kept[SOCKET]) && looks++ < LOOKS)
		nanosleep(&look, NULL);
	if (looks > LOOKS)
		space_abort(&kept[COPY]);
	_exit(0);
}

static _Noreturn void be_init(pid_t command, const int kept[N_KEPT], int null, const sigset_t *signals)
{
	int none;

	prctl(PR_SET_NAME, "vfiosim-init");
	keep_only(kept, null);
	while (has_launcher(kept[SOCKET])) {
		reap_all(command, kept[SOCKET]);
		sigwait(signals, &none);
	}
	end_everybody(command, kept);
}

/* Returns in the command's process alone. */
static void start_command(const int kept[N_KEPT], int null)
{
	sigset_t signals;
	pid_t command;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!has_launcher(kept[SOCKET]))
		_exit(1);
	command = fork();
	if (command < 0)
		_exit(1);
	if (command > 0)
		be_init(command, kept, null, &signals);
	/* The kernel tells the launcher what it calls us. */
	send(kept[SOCKET], "", 1, MSG_NOSIGNAL);
	close(kept[SOCKET]);
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

pid_t init_fork(struct init *init, const struct space *space)
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
		const int kept[N_KEPT] = { ends[1], space->copies[0], space->copies[1] };

		close(ends[0]);
		start_command(kept, space->null);
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
