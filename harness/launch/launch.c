/* SPDX-License-Identifier: MIT */
/* The launcher process: starts server and command, follows the command, ends the run. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vfiosim/vfiosim.h>

#include "cli.h"
#include "launch/filter.h"
#include "launch/init.h"
#include "launch/launch.h"
#include "launch/leftovers.h"
#include "launch/server.h"
#include "launch/signals.h"
#include "launch/space.h"

#define COMMAND_GO 'g'	/* to the command's process */
#define SERVER_END_S 10	/* for a server to end after it was told to, or killed */
#define LOOK_S 1	/* between two looks at the server */

/*
 * A run, as its launcher sees it. Life: space_enter -> start_server -> start_command
 * -> space_place -> release_command -> follow_command -> end_run -> stop_server.
 */
struct run {
	struct launch_options options;
	char **argv;
	struct signals signals;
	struct space space;
	pid_t launcher;
	pid_t server;		/* 0: none, or reaped */
	pid_t command;		/* 0: none, or reaped */
	struct init init;	/* with a PID namespace: the command's parent */
	int start;		/* to the command's process, until it begins; -1 then */
	int control;		/* to the server; closing it ends the server */
	int listener;		/* the filter's: hangs up when nobody of the run is left */
	bool told_to_end;	/* by a signal: nobody is waited for but the command */
	int server_status;	/* as wait() tells it, once reaped */
	int command_status;
};

/* ---- Starting ---------------------------------------------------------- */

/* A process of our own: never the caller's buffered output twice. */
static pid_t run_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		cli_error("cannot start a process: %s", strerror(errno));
	return pid;
}

static int socket_pair(int ends[2])
{
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return 0;
	cli_error("cannot make a socket: %s", strerror(errno));
	return -1;
}

static int start_server(struct run *run)
{
	struct server_options options = {
		.launch = &run->options,
		.space = &run->space,
		.launcher = run->launcher,
	};
	int ends[2];

	if (socket_pair(ends))
		return -1;
	run->server = run_fork();
	if (run->server == 0) {
		close(ends[0]);
		options.control = ends[1];
		server_main(&options);
	}
	close(ends[1]);
	run->control = ends[0];
	space_close_fuse(&run->space);
	return run->server < 0 ? -1 : 0;
}

void launch_environment(const char *topology_name)
{
	setenv("VFIOSIM_STATE", SPACE_CONTROL "/state", 1);
	setenv("VFIOSIM_CTL", SPACE_CONTROL "/ctl", 1);
	setenv("VFIOSIM_TOPOLOGY", topology_name, 1);
	/* libudev takes no sysfs that statfs() does not call one, unless it is told to. */
	setenv("SYSTEMD_DEVICE_VERIFY_SYSFS", "0", 1);
}

long launch_foreign_page_kib(void)
{
	long size = sysconf(_SC_PAGESIZE);

	return size == VFIOSIM_PAGE_SIZE ? 0 : size / 1024;
}

bool launch_find(const char *name, int mode, char *file, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(file, size, "%s", name);
		return !access(file, F_OK);
	}
	for (path = path ? path : "/bin:/usr/bin";; path++) {
		int length = (int)strcspn(path, ":");

		snprintf(file, size, "%.*s/%s", length ? length : 1, length ? path : ".", name);
		if (!access(file, mode))
			return true;
		path += length;
		if (!*path)
			return false;
	}
}

/*
 * execvp() says EACCES as well when nothing was found, but a folder of PATH was closed;
 * ENOENT as well when the file's interpreter is missing.
 */
void launch_execute(char **argv)
{
	char file[PATH_MAX];
	const char *reason;
	struct stat st;
	bool exists;
	int error;

	execvp(argv[0], argv);
	error = errno;
	exists = launch_find(argv[0], F_OK, file, sizeof(file));
	reason = strerror(error);
	if (!exists && error == EACCES && !strchr(argv[0], '/'))
		error = ENOENT;
	if (error == ENOENT && exists)
		reason = "the interpreter or loader it names does not exist";
	else if (error == ENOENT && !strchr(argv[0], '/'))
		reason = "it is in no folder of PATH";
	else if (error == EACCES && !stat(file, &st) && S_ISDIR(st.st_mode))
		reason = "it is a directory";
	else if (error == EACCES && !access(file, R_OK) && access(file, X_OK))
		reason = "it is not executable; chmod +x makes a program or script so";
	cli_error("cannot execute '%s': %s", argv[0], reason);
	_exit(error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_EXECUTE);
}

/*
 * The command's process, until it becomes the command. It is started early, and
 * waits for the word to go while the launcher is still mounting.
 */
static _Noreturn void become_command(struct run *run, int to_launcher)
{
	int listener, none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* In a namespace of its own its parent is process 1, which has looked. */
	if (getppid() != (run->options.pid_namespace ? 1 : run->launcher))
		_exit(LAUNCH_FAILED);
	close(run->control);
	listener = filter_install((run->options.fake_chardevs ? FILTER_CHARDEVS : 0) |
				  (run->options.tells_mapped ? FILTER_EXITS : 0));
	if (listener < 0) {
		const char *sentence = filter_sentence(listener);

		cli_error("%s", sentence ? sentence : strerror(-listener));
		_exit(LAUNCH_FAILED);
	}
	if (send_fd(to_launcher, SERVER_LISTENER, listener) ||
	    receive_fd(to_launcher, &none) != COMMAND_GO)
		_exit(LAUNCH_FAILED);
	close(listener);
	close(to_launcher);
	launch_environment(run->options.topology_name);
	space_restore(&run->space);
	if (run->options.pid_namespace && init_mount_proc())
		_exit(LAUNCH_FAILED);
	signals_restore(&run->signals);
	if (run->argv)
		launch_execute(run->argv);
	exit(run->options.child(run->options.ctx));
}

static int start_command(struct run *run)
{
	int ends[2];

	if (socket_pair(ends))
		return -1;
	run->command = run->options.pid_namespace ? init_fork(&run->init, &run->space) : run_fork();
	if (run->command == 0) {
		close(ends[0]);
		become_command(run, ends[1]);
	}
	close(ends[1]);
	run->start = ends[0];
	return run->command < 0 ? -1 : 0;
}

/* Everything stands in its place: the command may begin. */
static int release_command(struct run *run)
{
	if (receive_fd(run->start, &run->listener) != SERVER_LISTENER || run->listener < 0 ||
	    send_fd(run->control, SERVER_LISTENER, run->listener) ||
	    send_fd(run->start, COMMAND_GO, -1))
		return -1;
	close(run->start);
	run->start = -1;
	return 0;
}

/* ---- Following --------------------------------------------------------- */

/*
 * wait() tells of a process when its last thread has ended. This tells when its main
 * thread has: that one's memory is gone.
 */
static bool main_thread_ended(pid_t child)
{
	char byte;
	struct iovec ours = { &byte, 1 }, theirs = { &byte, 1 };

	return process_vm_readv(child, &ours, 1, &theirs, 1, 0) < 0 && errno == ESRCH;
}

/* A server that was killed, and is not reaped yet: see space_abort(). */
static bool server_is_dying(const struct run *run)
{
	return run->server > 0 && main_thread_ended(run->server);
}

static void reap_child(struct run *run, pid_t pid, int status)
{
	if (WIFSTOPPED(status)) {
		if (pid == run->command)
			signals_mirror_stop(WSTOPSIG(status));
	} else if (pid == run->command) {
		run->command_status = status;
		run->command = 0;
	} else if (pid == run->server) {
		run->server_status = status;
		run->server = 0;
	} else if (pid == run->init.pid) {
		run->init.pid = 0;
		if (run->command > 0)	/* killed along with it */
			reap_child(run, run->command, status);
	}
}

/* Takes every child that has ended: the two of ours, and orphans of the command. */
static void reap(void *ctx)
{
	struct run *run = ctx;
	int status;
	pid_t pid;

	while (init_hear(&run->init, &status))
		reap_child(run, run->command, status);
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		reap_child(run, pid, status);
	if (server_is_dying(run))
		space_abort(run->space.copies);
}

/* Has everybody ended whom the run waits for? */
static bool is_over(const struct run *run)
{
	const struct leftovers leftovers = { .listener = run->listener };

	return !run->command &&
	       (!run->options.wait_all || run->told_to_end || leftovers_none(&leftovers, 0));
}

static void follow_command(struct run *run)
{
	siginfo_t info;

	for (;;) {
		reap(run);
		if (is_over(run) || !run->server || server_is_dying(run))
			return;
		if (!signals_wait(&run->signals, LOOK_S, &info))
			continue;
		run->told_to_end = run->told_to_end || signals_end(&info);
		if (run->command)
			signals_forward(&info, run->command);
	}
}

/* ---- Ending ------------------------------------------------------------ */

static void server_died(const struct run *run)
{
	if (WIFSIGNALED(run->server_status))
		cli_error("the simulator was ended by signal %d (%s)",
			  WTERMSIG(run->server_status), strsignal(WTERMSIG(run->server_status)));
	/* Otherwise it has said why. */
}

static void end_leftovers(struct run *run)
{
	const struct leftovers leftovers = {
		.listener = run->listener,
		.launcher = run->launcher,
		.server = run->server,
		.init = run->init.pid,
		.device = run->space.device,
		.messages = run->options.messages,
		.reap = reap,
		.ctx = run,
	};

	if (run->listener >= 0 && leftovers_end(&leftovers))
		cli_error("a process of the run does not end");
}

/* Has @child of ours, the server or process 1, ended within @seconds? */
static bool child_ends(struct run *run, const pid_t *child, unsigned seconds)
{
	const struct timespec look = { .tv_sec = LOOK_S };
	struct timespec now, end;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	for (reap(run); *child; reap(run)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end.tv_sec)
			return false;
		sigtimedwait(&signals, NULL, &look);
	}
	return true;
}

/* Waits for the server, and kills it where it does not end. */
static void wait_for_server(struct run *run)
{
	if (child_ends(run, &run->server, SERVER_END_S))
		return;
	cli_error("the simulator does not end: killed");
	kill(run->server, SIGKILL);
	if (child_ends(run, &run->server, SERVER_END_S))
		return;
	cli_error("the simulator (process %d) hangs in the kernel: left behind", run->server);
	run->server_status = SIGKILL;
	run->server = 0;
}

/* The run's own PID namespace, and whoever is left in it. */
static void end_namespace(struct run *run)
{
	init_end(&run->init);
	if (run->init.pid > 0 && !child_ends(run, &run->init.pid, SERVER_END_S))
		cli_error("a process of the run does not end");
	run->init.pid = 0;
	if (run->init.socket >= 0)
		close(run->init.socket);
	run->init.socket = -1;
}

static void *settle(void *ctx)
{
	const struct run *run = ctx;

	space_settle(&run->space);
	return NULL;
}

/* In a thread: while it waits for the server, somebody has to see the server die. */
static void settle_server(struct run *run)
{
	struct timespec until;
	pthread_t settling;

	if (pthread_create(&settling, NULL, settle, run))
		return;
	do {
		reap(run);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += LOOK_S;
	} while (pthread_timedjoin_np(settling, NULL, &until));
}

static void stop_server(struct run *run)
{
	if (run->server > 0) {
		settle_server(run);
		send_fd(run->control, SERVER_STOP, -1);
		wait_for_server(run);
	}
	if (run->server_status)	/* perhaps it ended while what was left of the run did */
		server_died(run);
	if (run->control >= 0)
		close(run->control);
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The command has ended, or the server has. */
static int end_run(struct run *run)
{
	bool served = run->server && !server_is_dying(run);

	if (!served) {
		wait_for_server(run);
		server_died(run);
	}
	end_leftovers(run);
	end_namespace(run);
	if (served)
		stop_server(run);
	else
		close(run->control);
	if (!served || run->server_status)
		return LAUNCH_FAILED;
	if (run->options.wait_status)
		*run->options.wait_status = run->command_status;
	return exit_status(run->command_status);
}

/* No command was started, or none that got as far as to execute. */
static int give_up(struct run *run)
{
	if (run->command > 0)
		kill(run->command, SIGKILL);
	while (run->command > 0 && !run->init.pid && waitpid(run->command, NULL, 0) < 0 && errno == EINTR)
		;
	run->command = 0;
	end_namespace(run);
	if (run->start >= 0)
		close(run->start);
	if (run->control >= 0)
		close(run->control);
	run->control = -1;
	if (run->server > 0)
		wait_for_server(run);
	if (run->server_status)
		server_died(run);
	return LAUNCH_FAILED;
}

static int run_start(struct run *run)
{
	int signal;

	if (launch_foreign_page_kib()) {
		cli_error(LAUNCH_FOREIGN_PAGES, launch_foreign_page_kib());
		return give_up(run);
	}
	if (space_enter(&run->space) || space_mount(&run->space) || start_server(run) ||
	    start_command(run) || space_place(&run->space))
		return give_up(run);
	signal = signals_pending_end(&run->signals);
	if (signal) {
		give_up(run);
		return 128 + signal;
	}
	return release_command(run) ? give_up(run) : 0;
}

int launch(const struct launch_options *options, char **argv)
{
	struct run run = {
		.options = *options,
		.argv = argv,
		.launcher = getpid(),
		.init.socket = -1,
		.start = -1,
		.control = -1,
		.listener = -1,
	};
	int status;

	if (!run.options.messages)
		run.options.messages = stderr;
	if (!run.options.command && argv)
		run.options.command = argv[0];
	signals_take(&run.signals);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	space_init(&run.space);
	status = run_start(&run);
	if (!status) {
		close_command_fds(run.space.null);
		follow_command(&run);
		status = end_run(&run);
		close(run.listener);
	}
	space_leave(&run.space);
	return status;
}
