/* SPDX-License-Identifier: MIT */
/* The server process of a run: see server.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vfiosim/fuse.h>
#include <vfiosim/vfiosim.h>

#include "cli.h"
#include "ctl/control.h"
#include "launch/leftovers.h"
#include "launch/server.h"
#include "launch/space.h"

#define GUESTS_MAX 64

/* Programs that `vfiosim ctl exec` started in the run: each has a filter of its own. */
struct guests {
	pthread_mutex_t lock;
	struct guest {
		struct server *server;
		int listener;
		pthread_t supervising;
	} list[GUESTS_MAX];
	size_t n;
};

/*
 * The main thread writes it before the others start, and reads it; except the guests, which
 * have a lock, @ended, and @serve_result, which is read when that thread was joined.
 */
struct server {
	const struct server_options *options;
	struct vfiosim *sim;
	struct vfiosim_fuse *fuse;
	struct control *control;
	struct guests guests;
	pthread_t serving;
	pthread_t supervising;
	bool is_serving;
	bool is_supervising;
	int listener;		/* -1 until there is a command */
	int served;		/* eventfd: there is @ended */
	atomic_int ended;	/* the error that ended the run: of serving, or of supervising; the
				   first stays */
	int serve_result;
};

/* ---- The process ------------------------------------------------------- */

/*
 * Away from what the terminal sends and from what was inherited for the command. Not a session
 * of its own: where Linux gives cpus to sessions (autogroups) and all cpus are busy, whoever
 * is woken across two waits fifteen times as long.
 */
static void become_server(void)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	/* SIGTTOU: it writes to a terminal whose foreground it is not. */
	static const int unwanted[] = { SIGPIPE, SIGXFSZ, SIGTTOU };
	struct rlimit files;
	sigset_t none;

	prctl(PR_SET_NAME, "vfiosim-server");
	setpgid(0, 0);
	for (int signal = 1; signal < SIGRTMIN; signal++)
		sigaction(signal, &normal, NULL);
	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		sigaction(unwanted[i], &ignored, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

#define SPARE_FILES 4	/* descriptors that only the end of a run may use */

/* Whoever has used up the others must still be ended: /proc is searched then. */
static void limit_files(rlim_t spare)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_max < 3 * SPARE_FILES)
		return;
	files.rlim_cur = files.rlim_max - spare;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* ---- Serving ----------------------------------------------------------- */

/* Says to the main thread that the run cannot go on. */
static void tell_end(struct server *server, int error)
{
	uint64_t one = 1;
	int none = 0;

	atomic_compare_exchange_strong(&server->ended, &none, error);
	(void)!write(server->served, &one, sizeof(one));
}

static void *serve(void *ctx)
{
	struct server *server = ctx;

	server->serve_result = vfiosim_fuse_serve(server->fuse);
	tell_end(server, server->serve_result ?: -ENOTCONN);
	return NULL;
}

static void *supervise(void *ctx)
{
	struct server *server = ctx;
	int error = vfiosim_fuse_supervise(server->fuse, server->listener);

	if (error)	/* or each call that waits for it would wait for ever */
		tell_end(server, error);
	return NULL;
}

/* ---- Guests ------------------------------------------------------------ */

static void *supervise_guest(void *ctx)
{
	struct guest *guest = ctx;

	vfiosim_fuse_supervise(guest->server->fuse, guest->listener);
	return NULL;
}

static int add_guest(void *ctx, int listener)
{
	struct server *server = ctx;
	struct guests *guests = &server->guests;
	struct guest *guest;
	int error = -ENOSPC;

	pthread_mutex_lock(&guests->lock);
	guest = &guests->list[guests->n];
	if (guests->n < GUESTS_MAX) {
		*guest = (struct guest){ .server = server, .listener = listener };
		error = -pthread_create(&guest->supervising, NULL, supervise_guest, guest);
		guests->n += !error;
	}
	pthread_mutex_unlock(&guests->lock);
	if (error)
		close(listener);
	return error;
}

/* The run is over: so are they. */
static void end_guests(struct server *server)
{
	struct leftovers leftovers = {
		.launcher = server->options->launcher,
		.server = getpid(),
		.device = server->options->space->device,
		.messages = server->options->launch->messages,
	};

	size_t n;

	pthread_mutex_lock(&server->guests.lock);
	n = server->guests.n;	/* one that comes now meets a run that has ended */
	pthread_mutex_unlock(&server->guests.lock);
	for (size_t i = 0; i < n; i++) {
		leftovers.listener = server->guests.list[i].listener;
		leftovers_end(&leftovers);
	}
}

static void join_guests(struct server *server)
{
	for (size_t i = 0; i < server->guests.n; i++) {
		pthread_join(server->guests.list[i].supervising, NULL);
		close(server->guests.list[i].listener);
	}
}

static int control_start(struct server *server)
{
	const struct launch_options *launch = server->options->launch;
	const struct control_options control = {
		.sim = server->sim,
		.name = launch->name,
		.topology = launch->topology,
		.topology_name = launch->topology_name,
		.command = launch->command,
		.launcher = server->options->launcher,
		.supervise = add_guest,
		.ctx = server,
	};

	return control_create(&control, &server->control);
}

static int server_start(struct server *server)
{
	const struct launch_options *launch = server->options->launch;
	const struct space *space = server->options->space;
	struct vfiosim_fuse_options fuse = {
		.control = control_line,
		.nodes_fd = space->nodes_fd,
		.devices_fd = space->devices_fd,
		.nodes_path = SPACE_NODES,
		.devices_path = SPACE_DEVICES,
		.uid = space->uid,
		.gid = space->gid,
	};
	int error;

	error = vfiosim_create(launch->topology, &server->sim);
	if (error)
		return error;
	error = launch->watch ? launch->watch(launch->ctx, server->sim) : 0;
	if (error)
		return error;
	error = control_start(server);
	if (error)
		return error;
	fuse.control_ctx = server->control;
	error = vfiosim_fuse_create(server->sim, &fuse, &server->fuse);
	if (error)
		return error;
	control_set_fuse(server->control, server->fuse);
	server->served = eventfd(0, EFD_CLOEXEC);
	if (server->served < 0)
		return -errno;
	error = -pthread_create(&server->serving, NULL, serve, server);
	server->is_serving = !error;
	return error;
}

static int server_supervise(struct server *server, int listener)
{
	int error;

	server->listener = listener;
	error = -pthread_create(&server->supervising, NULL, supervise, server);
	server->is_supervising = !error;
	return error;
}

/* Whether memory that is not freed would be reported, or exit() has counters to write. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(COVERAGE)
#define TIDY true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TIDY true
#endif
#endif
#ifndef TIDY
#define TIDY false
#endif

/* 0, or -errno: what the machine's trace was written to has not got all of it; told. */
static int unwatch(const struct server *server)
{
	const struct launch_options *launch = server->options->launch;

	return server->sim && launch->watch ? launch->watch(launch->ctx, NULL) : 0;
}

/*
 * Ends the process while its threads run. The kernel ends them together and closes the
 * connections; taking everything down takes a tenth of a short run longer. Never by
 * return or exit(): the threads use what main() has on its stack until they end.
 */
static _Noreturn void server_leave(const struct server *server, int status)
{
	if (unwatch(server))
		status = LAUNCH_FAILED;
	fflush(NULL);
	_exit(status);
}

/* Takes everything down: first the threads, then what they use. */
static int server_stop(struct server *server)
{
	int error;

	if (server->fuse)
		vfiosim_fuse_stop(server->fuse);
	if (server->is_serving)
		pthread_join(server->serving, NULL);
	if (server->serve_result == -ECANCELED)
		server_leave(server, LAUNCH_FAILED);	/* some may never end; the front has said why */
	if (server->is_supervising)
		pthread_join(server->supervising, NULL);
	join_guests(server);
	vfiosim_fuse_destroy(server->fuse);
	control_destroy(server->control);
	error = unwatch(server);
	vfiosim_destroy(server->sim);
	if (server->served >= 0)
		close(server->served);
	if (server->listener >= 0)
		close(server->listener);
	return error;
}

/* ---- The run ----------------------------------------------------------- */

static void end_run(const struct server *server)
{
	const struct server_options *options = server->options;
	const struct leftovers leftovers = {
		.listener = server->listener,
		.launcher = options->launcher,
		.server = getpid(),
		.device = options->space->device,
		.messages = options->launch->messages,
	};

	/* The launcher died between the command's start and its listener's arrival: the
	   command was killed along with it. */
	/* In a table that the threads which serve cannot fill. */
	if (!unshare(CLONE_FILES))
		limit_files(0);
	if (server->listener >= 0)
		leftovers_end(&leftovers);
}

/* Until the run is over. 0, or the error that ended it. */
static int server_follow(struct server *server)
{
	struct pollfd fds[] = {
		{ .fd = server->options->control, .events = POLLIN },
		{ .fd = server->served, .events = POLLIN },
	};
	int listener, error;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return atomic_load(&server->ended);
		if (!fds[0].revents)
			continue;
		switch (receive_fd(server->options->control, &listener)) {
		case SERVER_LISTENER:
			error = server_supervise(server, listener);
			if (error)
				return error;
			break;
		case SERVER_STOP:
			end_guests(server);
			return 0;
		case -EMFILE:
			return -EMFILE;
		default:
			end_run(server);
			return 0;
		}
	}
}

void server_main(const struct server_options *options)
{
	struct server server = {
		.options = options,
		.guests = { .lock = PTHREAD_MUTEX_INITIALIZER },
		.listener = -1,
		.served = -1,
	};
	int error;

	become_server();
	close_command_fds(options->space->null);
	error = server_start(&server);
	if (error) {
		cli_error("the simulated machine cannot be served: %s", strerror(-error));
	} else {
		limit_files(SPARE_FILES);
		error = server_follow(&server);
		if (error && error != -ECANCELED)
			cli_error("the simulated machine is served no more: %s", strerror(-error));
	}
	if (!error && !TIDY)
		server_leave(&server, 0);
	if (server_stop(&server))
		error = -EIO;
	exit(error ? LAUNCH_FAILED : 0);
}
