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

/* What process 1 keeps of the launcher's. */
struct kept {
	int socket;
	struct space space;	/* its copies, for space_abort() */
};

/* Nothing else stays open in here: others wait for the launcher's ends to close. */
static void keep_only(struct kept *kept, int null)
{
	int *const fds[] = { &kept->socket, &kept->space.copies[0], &kept->space.copies[1] };
	const int n = sizeof(fds) / sizeof(fds[0]);

	/* Above the places first: a descriptor may stand where another is to go. */
	for (int i = 0; i < n; i++)
		*fds[i] = fcntl(*fds[i], F_DUPFD, STDERR_FILENO + 1 + n);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	for (int i = 0; i < n; i++)
		*fds[i] = dup2(*fds[i], STDERR_FILENO + 1 + i);
	close_range(STDERR_FILENO + 1 + n, ~0u, 0);
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
static _Noreturn void end_everybody(const struct kept *kept)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	kill(-1, SIGKILL);
	for (int i = 0; i < LOOKS && reap_all(0, kept->socket); i++)
		nanosleep(&look, NULL);
	space_abort(&kept->space);
	_exit(0);
}

static _Noreturn void be_init(pid_t command, struct kept *kept, int null, const sigset_t *signals)
{
	int none;

	prctl(PR_SET_NAME, "vfiosim-init");
	keep_only(kept, null);
	while (has_launcher(kept->socket)) {
		reap_all(command, kept->socket);
		sigwait(signals, &none);
	}
	end_everybody(kept);
}

/* Returns in the command's process alone. */
static void start_command(struct kept *kept, int null)
{
	sigset_t signals;
	pid_t command;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!has_launcher(kept->socket))
		_exit(1);
	command = fork();
	if (command < 0)
		_exit(1);
	if (command > 0)
		be_init(command, kept, null, &signals);
	/* The kernel tells the launcher what it calls us. */
	send(kept->socket, "", 1, MSG_NOSIGNAL);
	close(kept->socket);
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
		struct kept kept = { .socket = ends[1], .space = *space };

		close(ends[0]);
		start_command(&kept, space->null);
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
