/* SPDX-License-Identifier: MIT */
/*
 * A play inside a run of its own.
 *
 *	this process	forks, reads the outcome from a pipe, the trace from a file
 *	launcher	launch(): never returns to the runner
 *	  server	the machine; writes the trace, tells --explain
 *	  command	run_inside(): the play, on the target of paths
 *
 * launch() closes what is not close-on-exec in launcher and server, so the pipe is
 * the command's alone (its end is the end of the play), while trace and --explain
 * reach both.
 */
#include "case/job_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vfiosim/trace.h>

#include "cli.h"
#include "launch/launch.h"
#include "report/explain.h"

#define SILENCE_MS 60000

struct fuse_job {
	const struct play *play;
	const struct job_options *options;
	int pipe[2];
	int trace_fd;
	FILE *trace;
	struct explain explain;
	atomic_int *explain_error;	/* of either process; shared memory */
	struct vfiosim *sim;		/* in the server */
};

/* In a process that has told its part, and whose stream goes with it. */
static void flush_explanation(const struct fuse_job *job)
{
	int error = job->options->explain ? cli_stream_error(job->options->explain) : 0;

	if (error)
		atomic_store(job->explain_error, error);
}

/* ---- Inside the run: the command --------------------------------------- */

static void put_text(FILE *to, const char *text)
{
	uint32_t length = text ? (uint32_t)strlen(text) : 0;

	fwrite(&length, sizeof(length), 1, to);
	if (length)
		fwrite(text, 1, length, to);
}

static int send_outcome(const struct fuse_job *job, const struct outcome *outcome)
{
	FILE *to = fdopen(job->pipe[1], "w");

	if (!to)
		return 1;
	fputc((int)outcome->verdict, to);
	put_text(to, outcome->log);
	put_text(to, outcome->message);
	return fclose(to) ? 1 : 0;
}

static int run_inside(void *ctx)
{
	struct fuse_job *job = ctx;
	struct run_watch watch = job_watch(&job->explain);
	struct outcome outcome;
	struct target *target;
	int status;

	if (target_paths_create(job->play->topology, &target))
		return 1;
	if (run_play(job->play, target, job->options->explain ? &watch : NULL, &outcome))
		return 1;
	target_destroy(target);
	flush_explanation(job);
	status = send_outcome(job, &outcome);
	outcome_done(&outcome);
	return status;
}

/* ---- Inside the run: the server ---------------------------------------- */

static int watch_machine(void *ctx, struct vfiosim *sim)
{
	struct fuse_job *job = ctx;

	if (!sim) {
		vfiosim_trace_remove(job->sim, vfiosim_trace_json, job->trace);
		if (job->options->explain)
			vfiosim_trace_remove(job->sim, explain_event, &job->explain);
		flush_explanation(job);
		return cli_flush(job->trace, "the trace");
	}
	job->sim = sim;
	vfiosim_trace_add(sim, vfiosim_trace_json, job->trace);
	if (job->options->explain)
		vfiosim_trace_add(sim, explain_event, &job->explain);
	return 0;
}

/* ---- The launcher ------------------------------------------------------ */

static void run_launcher(struct fuse_job *job)
{
	struct launch_options options = {
		.topology = job->play->topology,
		.topology_name = job->play->file->topology_name,
		.watch = watch_machine,
		.child = run_inside,
		.ctx = job,
	};

	close(job->pipe[0]);
	_exit(launch(&options, NULL));
}

/* ---- The runner -------------------------------------------------------- */

/* Everything that comes through the pipe; false when nothing did for too long. */
static bool read_all(int fd, char **ret_bytes, size_t *ret_size)
{
	FILE *to = open_memstream(ret_bytes, ret_size);
	char buffer[4096];
	bool alive = to;

	while (alive) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		int count = poll(&ready, 1, SILENCE_MS);
		ssize_t n;

		if (count < 0 && errno == EINTR)
			continue;
		alive = count > 0;
		if (!alive)
			break;
		n = read(fd, buffer, sizeof(buffer));
		if (n <= 0)
			break;
		fwrite(buffer, 1, (size_t)n, to);
	}
	if (to)
		fclose(to);
	return alive;
}

static char *take_text(const char **at, const char *end)
{
	uint32_t length;
	char *text;

	if ((size_t)(end - *at) < sizeof(length))
		return NULL;
	memcpy(&length, *at, sizeof(length));
	*at += sizeof(length);
	if ((size_t)(end - *at) < length)
		return NULL;
	text = strndup(*at, length);
	*at += length;
	return text;
}

static bool take_outcome(const char *bytes, size_t size, struct outcome *ret_outcome)
{
	const char *at = bytes + 1, *end = bytes + size;

	if (!size)
		return false;
	ret_outcome->verdict = (enum verdict)bytes[0];
	ret_outcome->log = take_text(&at, end);
	ret_outcome->message = take_text(&at, end);
	return ret_outcome->log && ret_outcome->message;
}

static void failed(struct outcome *outcome, const char *why, int status)
{
	outcome_done(outcome);
	outcome->verdict = FAILED;
	if (asprintf(&outcome->message, "%s (exit status %d)", why, status) < 0)
		outcome->message = NULL;
}

static char *read_trace(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = size < 0 ? NULL : calloc(1, (size_t)size + 1);

	if (text && pread(fd, text, (size_t)size, 0) < 0)
		text[0] = 0;
	return text;
}

/* 0, or -ECANCELED when no run could be started at all; the launcher has said why. */
static int collect(struct fuse_job *job, pid_t launcher, struct job_result *ret_result)
{
	char *bytes = NULL;
	size_t size = 0;
	int status;
	bool alive = read_all(job->pipe[0], &bytes, &size);

	if (!alive)
		kill(launcher, SIGKILL);
	while (waitpid(launcher, &status, 0) < 0 && errno == EINTR)
		;
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (alive && status == LAUNCH_FAILED && !size) {
		free(bytes);
		return -ECANCELED;
	}
	if (!alive)
		failed(&ret_result->outcome, "the run hung: nothing came for a minute", status);
	else if (!bytes || !take_outcome(bytes, size, &ret_result->outcome))
		failed(&ret_result->outcome, "the run ended without an outcome", status);
	else if (status)
		failed(&ret_result->outcome, "the play was over, but the run failed", status);
	free(bytes);
	ret_result->trace = read_trace(job->trace_fd);
	ret_result->explain_error = atomic_load(job->explain_error);
	return 0;
}

static int open_trace(struct fuse_job *job)
{
	job->trace_fd = memfd_create("trace", MFD_CLOEXEC);
	if (job->trace_fd < 0)
		return -errno;
	job->trace = fdopen(fcntl(job->trace_fd, F_DUPFD_CLOEXEC, 3), "a");
	if (job->trace)
		return 0;
	close(job->trace_fd);
	return -EIO;
}

static void close_pipe(struct fuse_job *job)
{
	close(job->pipe[0]);
	if (job->pipe[1] >= 0)
		close(job->pipe[1]);
}

static int open_streams(struct fuse_job *job)
{
	void *shared = mmap(NULL, sizeof(*job->explain_error), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int error;

	if (shared == MAP_FAILED)
		return -errno;
	job->explain_error = shared;
	error = pipe(job->pipe) ? -errno : 0;
	if (!error) {
		error = open_trace(job);
		if (!error)
			return 0;
		close_pipe(job);
	}
	munmap(shared, sizeof(*job->explain_error));
	return error;
}

static void close_streams(struct fuse_job *job)
{
	fclose(job->trace);
	close(job->trace_fd);
	close_pipe(job);
	munmap(job->explain_error, sizeof(*job->explain_error));
}

int job_run_fuse(const struct play *play, const struct job_options *options,
		 struct job_result *ret_result)
{
	struct fuse_job job = { .play = play, .options = options };
	pid_t launcher;
	int error = open_streams(&job);

	if (error)
		return error;
	if (options->explain) {
		explain_init(&job.explain, options->explain, options->colours);
		job_tell_title(&job.explain, play);
	}
	fflush(NULL);
	launcher = fork();
	if (!launcher)
		run_launcher(&job);
	error = launcher > 0 ? 0 : -errno;
	close(job.pipe[1]);
	job.pipe[1] = -1;
	if (!error)
		error = collect(&job, launcher, ret_result);
	close_streams(&job);
	return error;
}
