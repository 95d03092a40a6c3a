/* SPDX-License-Identifier: MIT */
/* The FUSE front: life cycle, receiving in order (fuse_front.h). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "front/fuse/fuse_front.h"
#include "machine/sim.h"

#define WATCH_MS 1000			/* between two looks for calls that are stuck */
#define JOIN_SECONDS 30			/* for calls to end when serving ends */

/* One request in a thread's buffer. */
struct request {
	struct connection *from;
	uint64_t pad;
	char message[];
};

static void connections_abort(struct vfiosim_fuse *fuse)
{
	remotes_abort(fuse->remotes);
	connection_abort(&fuse->nodes);
	connection_abort(&fuse->devices);
}

/* ---- Receiving ---- */

/* How often one connection is asked before the other, though that may have something. */
#define IN_A_ROW 16

static struct connection *other_connection(struct vfiosim_fuse *fuse,
					   const struct connection *connection)
{
	return connection == &fuse->nodes ? &fuse->devices : &fuse->nodes;
}

/* One request, without waiting: length of the message; 0: none now, or ended. */
static size_t request_receive(struct connection *connection, struct request *request)
{
	request->from = connection;
	return connection_receive(connection, request->message);
}

/* Answered by the leader at once, whatever else it holds. */
static bool is_instant(const struct request *request)
{
	const struct fuse_in_header *header = (const void *)request->message;

	switch (header->opcode) {
	case FUSE_INIT:
	case FUSE_RELEASE:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
	case FUSE_LOOKUP:
	case FUSE_GETATTR:
		return true;
	default:
		return false;
	}
}

static void fuse_handle(void *ctx, void *buffer, size_t length)
{
	struct request *request = buffer;
	struct fuse_buf buf = { .mem = request->message,
				.size = length - sizeof(struct request) };

	fuse_session_process_buf(request->from->session, &buf);
}

/* Requests that were read and may not begin yet. */
struct held {
	STAILQ_ENTRY(held) next;
	size_t length;
	char request[];
};
STAILQ_HEAD(held_list, held);

static bool hold(struct held_list *list, const struct request *request, size_t length)
{
	struct held *held = malloc(sizeof(*held) + length);

	if (!held)
		return false;
	held->length = length;
	memcpy(held->request, request, length);
	STAILQ_INSERT_TAIL(list, held, next);
	return true;
}

/* All that @connection has: what is instant is answered, the rest is held. Was there any? */
static bool take_all(struct vfiosim_fuse *fuse, struct connection *connection,
		     struct held_list *list)
{
	struct request *request = fuse->spare;
	bool any = false;
	size_t length;

	while ((length = request_receive(connection, request))) {
		length += sizeof(*request);
		if (is_instant(request))
			fuse_handle(fuse, request, length);
		else if (hold(list, request, length))
			any = true;
		else
			fuse_handle(fuse, request, length);
	}
	return any;
}

/*
 * A request of one connection was read: what @other holds came before it, or
 * concerns somebody else. RELEASE is the one that matters. What may block goes to
 * another thread, but not before the same was done for it.
 */
static void take_in(struct vfiosim_fuse *fuse, struct connection *other)
{
	struct held_list list = STAILQ_HEAD_INITIALIZER(list);
	struct held *held;

	while (take_all(fuse, other, &list))
		other = other_connection(fuse, other);
	while ((held = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, next);
		if (loop_delegate(fuse->loop, held->request, held->length))
			fuse_handle(fuse, held->request, held->length);
		free(held);
	}
}

/* Who called last is the first to be asked: most likely it calls again. */
static size_t next_request(struct vfiosim_fuse *fuse, struct request *request)
{
	size_t length = request_receive(fuse->asked_first, request);

	if (length && ++fuse->in_a_row < IN_A_ROW)
		return length;
	fuse->asked_first = other_connection(fuse, fuse->asked_first);
	fuse->in_a_row = 0;
	return length ? length : request_receive(fuse->asked_first, request);
}

static long fuse_receive(void *ctx, void *buffer, const struct pollfd *ready)
{
	struct vfiosim_fuse *fuse = ctx;
	struct request *request = buffer;
	size_t length = next_request(fuse, request);

	/* What is instant is answered first: it may be the close that others wait for. */
	if (length && !is_instant(request) && atomic_load(&fuse->device_files))
		take_in(fuse, other_connection(fuse, request->from));
	if (length)
		return (long)(length + sizeof(*request));
	if (fuse->nodes.ended)
		fuse->sources[0].fd = -1;
	if (fuse->devices.ended)
		fuse->sources[1].fd = -1;
	return fuse->nodes.ended && fuse->devices.ended ? -ENODEV : 0;
}

/* ---- Life cycle ---- */

/* Is @id known in our user namespace? /proc/self/uid_map: inside, outside, count. */
static bool id_is_mapped(const char *map_path, uint32_t id)
{
	unsigned long inside, outside, count;
	FILE *map = fopen(map_path, "re");
	bool mapped = false;

	if (!map)
		return true;
	while (!mapped && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3)
		mapped = id >= inside && id - inside < count;
	fclose(map);
	return mapped;
}

/* st_dev of a mount, without asking it for anything. */
static int mount_dev(const char *path, dev_t *ret_dev)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx))
		return -errno;
	*ret_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return 0;
}

/* Every client takes two descriptors, an interrupt one. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Linux 5.6; without it no descriptor of a client can be told. */
static bool has_pidfd_getfd(void)
{
	return syscall(SYS_pidfd_getfd, -1, 0, 0) >= 0 || errno != ENOSYS;
}

static int fuse_set_up(struct vfiosim_fuse *fuse, const struct vfiosim_fuse_options *options)
{
	struct loop_options loop = {
		.sources = fuse->sources,
		.buffer_size = sizeof(struct request) + CONNECTION_MESSAGE_MAX,
		.poll_first = true,
		.ctx = fuse,
		.receive = fuse_receive,
		.handle = fuse_handle,
	};
	int error;

	fuse->control = options->control;
	fuse->control_ctx = options->control_ctx;
	error = connection_create(fuse, &fuse->nodes, options->nodes_fd, options->nodes_path,
				  false);
	if (!error)
		error = connection_create(fuse, &fuse->devices, options->devices_fd,
					  options->devices_path, true);
	if (!error)
		error = tree_create(fuse->sim, &fuse->tree);
	if (!error)
		error = last_create(fuse->sim, fuse->tree, &fuse->last);
	if (!error)
		error = remotes_create(fuse->sim, &fuse->remotes);
	if (!error && options->old_kernel)
		fuse->remotes->has_query = false;
	if (!error)
		error = mount_dev(options->nodes_path, &fuse->remotes->nodes_dev);
	if (!error)
		error = mount_dev(options->devices_path, &fuse->remotes->devices_dev);
	if (error)
		return error;
	fuse->sources[0] = (struct pollfd){ .fd = fuse->nodes.fd, .events = POLLIN };
	fuse->sources[1] = (struct pollfd){ .fd = fuse->devices.fd, .events = POLLIN };
	fuse->asked_first = &fuse->nodes;
	fuse->spare = malloc(loop.buffer_size);
	fuse->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!fuse->spare || fuse->stop_fd < 0)
		return -ENOMEM;
	return loop_create(&loop, &fuse->loop);
}

int vfiosim_fuse_why(struct vfiosim_fuse *fuse, pid_t pid, char **ret_text)
{
	return last_of(fuse->last, pid, ret_text);
}

int vfiosim_fuse_create(struct vfiosim *sim, const struct vfiosim_fuse_options *options,
			struct vfiosim_fuse **ret_fuse)
{
	struct vfiosim_fuse *fuse = calloc(1, sizeof(*fuse));
	int error;

	if (!fuse)
		return -ENOMEM;
	fuse->sim = sim;
	sim->real_time = true;
	fuse->uid = options->uid;
	fuse->gid = options->gid;
	fuse->page_cache = options->old_kernel;
	fuse->root_uid = id_is_mapped("/proc/self/uid_map", 0) ? 0 : options->uid;
	fuse->root_gid = id_is_mapped("/proc/self/gid_map", 0) ? 0 : options->gid;
	fuse->nodes.fd = fuse->devices.fd = fuse->stop_fd = -1;
	clock_gettime(CLOCK_REALTIME, &fuse->started);
	pthread_mutex_init(&fuse->lock, NULL);
	TAILQ_INIT(&fuse->handles);
	TAILQ_INIT(&fuse->parked);
	LIST_INIT(&fuse->installs);
	id_map_init(&fuse->owners);
	raise_file_limit();
	error = has_pidfd_getfd() ? fuse_set_up(fuse, options) : -ENOSYS;
	if (error) {
		vfiosim_fuse_destroy(fuse);
		return error;
	}
	*ret_fuse = fuse;
	return 0;
}

/*
 * A killed client that waits for a call of ours which never ends is let go in the
 * only way there is: by aborting the connections, and thereby the run.
 */
static void *fuse_watch(void *arg)
{
	struct vfiosim_fuse *fuse = arg;
	struct pollfd stopped = { .fd = fuse->stop_fd, .events = POLLIN };
	pid_t tid = 0;

	while (!tid) {
		if (poll(&stopped, 1, WATCH_MS) > 0)
			return NULL;
		tid = remotes_stuck(fuse->remotes);
	}
	fprintf(stderr,
		"vfiosim: process %d was killed in a command that waits for memory which does not "
		"answer (a userfaultfd, or a file whose file system hangs): the run is ended, "
		"so that it can die.\n",
		(int)tid);
	atomic_store(&fuse->cut, true);
	connections_abort(fuse);
	/* Root may have detached the mounts: then they end with whoever serves. */
	vfiosim_fuse_stop(fuse);
	return NULL;
}

/* Signals are the main thread's. */
static int fuse_watch_start(struct vfiosim_fuse *fuse, pthread_t *ret_watch)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(ret_watch, NULL, fuse_watch, fuse);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -error;
}

int vfiosim_fuse_serve(struct vfiosim_fuse *fuse)
{
	pthread_t watch;
	int error = fuse_watch_start(fuse, &watch);

	if (error)
		return error;
	error = loop_run(fuse->loop);
	vfiosim_fuse_stop(fuse);
	pthread_join(watch, NULL);
	connections_abort(fuse);
	if (!atomic_load(&fuse->cut) && loop_join_within(fuse->loop, JOIN_SECONDS)) {
		store_cancel(fuse);
		return error;
	}
	if (!atomic_load(&fuse->cut))
		fprintf(stderr, "vfiosim: a client's command does not end; it is left behind.\n");
	return -ECANCELED;
}

void vfiosim_fuse_stop(struct vfiosim_fuse *fuse)
{
	uint64_t one = 1;

	loop_stop(fuse->loop);
	if (write(fuse->stop_fd, &one, sizeof(one)) < 0)
		return;		/* stopped already, many times */
}

/* What clients had open when the connections were aborted. */
static void release_handles(struct vfiosim_fuse *fuse)
{
	struct handle *handle;

	while ((handle = TAILQ_FIRST(&fuse->handles)))
		handle_release(fuse, handle);
}

static void free_owner(void *ctx, uint64_t id, void *item)
{
	struct vfiosim_fuse *fuse = ctx;

	free(id_map_erase(&fuse->owners, id));
}

void vfiosim_fuse_destroy(struct vfiosim_fuse *fuse)
{
	if (!fuse)
		return;
	connection_abort(&fuse->nodes);
	connection_abort(&fuse->devices);
	if (fuse->remotes)
		release_handles(fuse);
	remotes_destroy(fuse->remotes);
	last_destroy(fuse->last);
	tree_destroy(fuse->tree);
	connection_destroy(&fuse->nodes);
	connection_destroy(&fuse->devices);
	loop_destroy(fuse->loop);
	if (fuse->stop_fd >= 0)
		close(fuse->stop_fd);
	id_map_visit(&fuse->owners, free_owner, fuse);
	id_map_done(&fuse->owners);
	free(fuse->spare);
	free(fuse->control_answer);
	pthread_mutex_destroy(&fuse->lock);
	free(fuse);
}
