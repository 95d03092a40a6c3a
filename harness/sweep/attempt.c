/* SPDX-License-Identifier: MIT */
#include "sweep/attempt.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vfiosim/trace.h>

#include "expect/follow.h"
#include "expect/judge.h"
#include "launch/launch.h"
#include "report/explain.h"
#include "sweep/work_folder.h"

#define REPEATS_MAX 1000	/* of one refused call: more are "for ever" */
#define GRACE_MS 2000		/* between asking it to end and making it */
#define SETTLE_MS 5000		/* until a server has ended what its killed launcher left */

uint64_t attempt_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- In the server process ---- */

struct watcher {
	struct sweep_record *record;
	const struct plan *plan;
	const struct vfiosim_topology *topology;
	const struct expectations *expect;
	struct expect_report *report;
	struct follow *follow;
	uint32_t fault;			/* number of the one that is tried; 0: none */
	const struct onlys *onlys;	/* NULL: not asked for */
	uint32_t only_ids[ONLY_MAX];
	uint64_t only_fired[ONLY_MAX];	/* until now */
	struct vfiosim *sim;
	struct explain explain;
	FILE *trace, *story;
	pthread_mutex_t lock;		/* events of several threads may overlap */
};

/* Which of the onlys were met since this was asked last, a bit each. */
static uint32_t onlys_met(struct watcher *watcher)
{
	struct vfiosim_fault_count count;
	uint32_t met = 0;

	for (size_t i = 0; watcher->onlys && i < watcher->onlys->n; i++) {
		if (vfiosim_fault_count(watcher->sim, watcher->only_ids[i], &count))
			continue;
		met |= (uint32_t)(count.fired > watcher->only_fired[i]) << i;
		watcher->only_fired[i] = count.fired;
	}
	return met;
}

static void follow(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct watcher *watcher = ctx;

	pthread_mutex_lock(&watcher->lock);
	sweep_record_event(watcher->record, event, watcher->fault, onlys_met(watcher));
	pthread_mutex_unlock(&watcher->lock);
}

/* A rule without an effect for each of the onlys: they meet what faults would meet. */
static int add_onlys(struct watcher *watcher)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	int error = 0;

	for (size_t i = 0; watcher->onlys && i < watcher->onlys->n && !error; i++) {
		struct vfiosim_fault rule = watcher->onlys->list[i];

		rule.error = 0;
		rule.returns = false;
		*rule.set_field = 0;
		rule.force = true;
		error = vfiosim_fault_add(watcher->sim, &rule, &watcher->only_ids[i], problem,
					  sizeof(problem));
	}
	return error;
}

/* A rule that counts and never happens, for each step; some the kernel could not have. */
static void count_steps(struct watcher *watcher)
{
	char text[VFIOSIM_FAULT_TEXT_MAX + 32], problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;
	uint32_t id;

	for (size_t i = 0; watcher->plan && i < watcher->plan->n_steps; i++) {
		const struct plan_step *step = &watcher->plan->steps[i];

		snprintf(text, sizeof(text), "%s,error=%d", step->where,
			 vfiosim_fault_site(step->site)->errors[0]);
		if (vfiosim_fault_parse(text, watcher->topology, &fault, problem, sizeof(problem)))
			continue;
		fault.when = (struct vfiosim_fault_when){ UINT64_MAX, UINT64_MAX, 0 };
		if (!vfiosim_fault_add(watcher->sim, &fault, &id, problem, sizeof(problem)))
			watcher->record->met[i] = id;	/* for now: replaced by its count */
	}
}

static void take_counts(struct watcher *watcher)
{
	struct vfiosim_fault_count count;

	for (size_t i = 0; watcher->plan && i < watcher->plan->n_steps; i++) {
		uint32_t id = (uint32_t)watcher->record->met[i];

		watcher->record->met[i] = 0;
		if (id && !vfiosim_fault_count(watcher->sim, id, &count))
			watcher->record->met[i] = count.met;
	}
	watcher->record->ended = true;
}

static int expect_begin(struct watcher *watcher)
{
	if (!watcher->expect)
		return 0;
	watcher->report = report_create(watcher->expect);
	if (!watcher->report)
		return -ENOMEM;
	return follow_create(watcher->sim, watcher->topology, watcher->expect, watcher->report, NULL,
			     &watcher->follow);
}

static void expect_end(struct watcher *watcher)
{
	const struct expect_report *report = watcher->report;
	char *broken = watcher->record->broken;

	if (!watcher->follow)
		return;
	follow_finish(watcher->follow);
	for (size_t i = 0; i < report->n && !*broken; i++)
		if (report->rows[i].failed && *report->rows[i].name)
			snprintf(broken, sizeof(watcher->record->broken), "%s: %s", report->rows[i].name,
				 report->rows[i].message);
	follow_destroy(watcher->follow);
	report_destroy(watcher->report);
}

static int watch(void *ctx, struct vfiosim *sim)
{
	struct watcher *watcher = ctx;
	int error;

	if (!sim) {
		expect_end(watcher);
		take_counts(watcher);
		fflush(watcher->trace);
		fflush(watcher->story);
		return 0;
	}
	watcher->sim = sim;
	explain_init(&watcher->explain, watcher->story, false);
	vfiosim_trace_add(sim, vfiosim_trace_json, watcher->trace);
	vfiosim_trace_add(sim, explain_event, &watcher->explain);
	count_steps(watcher);
	error = add_onlys(watcher);
	if (error)
		return error;
	error = vfiosim_trace_follow(sim, follow, watcher);
	return error ? error : expect_begin(watcher);
}

/* ---- In the launcher's process ---- */

static int redirect(const char *folder, const char *name, int flags, int to)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", name);
	fd = open(path, flags | O_CLOEXEC, 0666);
	if (fd < 0 || dup2(fd, to) < 0)
		return -errno;
	close(fd);
	return 0;
}

static FILE *open_in(const char *folder, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "we");
}

static int prepare(const struct attempt *attempt, const char *fault)
{
	char tmp[600];
	int error;

	error = redirect("", "/dev/null", O_RDONLY, STDIN_FILENO);
	if (!error)
		error = redirect(attempt->folder, "stdout", O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
	if (!error)
		error = redirect(attempt->folder, "stderr", O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
	if (error)
		return error;
	snprintf(tmp, sizeof(tmp), "%s/tmp", attempt->folder);
	if (mkdir(tmp, 0700) && errno != EEXIST)
		return -errno;
	setenv("TMPDIR", tmp, 1);
	setenv("VFIOSIM_POINT", fault ? fault : "", 1);
	personality(ADDR_NO_RANDOMIZE);	/* best effort: points do not depend on it */
	return 0;
}

/* @sweep: whose run this is; where it is killed the run ends with it. */
static _Noreturn void run_in(const struct attempt *attempt, const char *fault,
			     const struct plan *plan, pid_t sweep)
{
	struct vfiosim_topology *topology = attempt->options->topology;
	char *name = machine_topology_name(attempt->options->machine);
	struct watcher watcher = {
		.record = attempt->record,
		.plan = plan,
		.onlys = fault ? NULL : &attempt->options->onlys,
		.topology = topology,
		.expect = attempt->options->expect,
	};
	struct launch_options launch_options = {
		.topology = topology,
		.topology_name = name,
		.fake_chardevs = machine_fakes_chardevs(attempt->options->machine, topology),
		.tells_mapped = true,
		.watch = watch,
		.ctx = &watcher,
	};
	char problem[VFIOSIM_FAULT_TEXT_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* the server ends the run then */
	if (getppid() != sweep)
		_exit(LAUNCH_FAILED);
	pthread_mutex_init(&watcher.lock, NULL);
	if (prepare(attempt, fault))
		_exit(LAUNCH_FAILED);
	if (fault && vfiosim_topology_add_fault(topology, fault, problem, sizeof(problem))) {
		cli_error("%s: %s", fault, problem);
		exit(LAUNCH_FAILED);
	}
	watcher.fault = fault ? (uint32_t)topology->n_faults : 0;
	watcher.trace = open_in(attempt->folder, "trace.jsonl");
	watcher.story = open_in(attempt->folder, "explain.txt");
	if (!watcher.trace || !watcher.story || !name)
		_exit(LAUNCH_FAILED);
	exit(launch(&launch_options, attempt->options->argv));
	/* cppcheck-suppress memleak ; exit() closes the files */
}

/* ---- In the sweep ---- */

int attempt_start(struct attempt *attempt, const char *fault, const struct plan *plan)
{
	pid_t sweep = getpid();

	attempt->hung = attempt->repeats = false;
	attempt->killed_ms = attempt->calls = 0;
	attempt->started_ms = attempt->moved_ms = attempt_now_ms();
	sweep_record_clear(attempt->record);
	if (mkdir(attempt->folder, 0700) && errno != EEXIST)
		return -errno;
	fflush(NULL);
	attempt->pid = fork();
	if (!attempt->pid)
		run_in(attempt, fault, plan, sweep);
	return attempt->pid < 0 ? -errno : 0;
}

void attempt_stop(struct attempt *attempt)
{
	uint64_t now = attempt_now_ms();

	if (!attempt->killed_ms) {
		kill(attempt->pid, SIGTERM);	/* the launcher passes it on */
		attempt->killed_ms = now;
	} else if (now - attempt->killed_ms > GRACE_MS) {
		kill(attempt->pid, SIGKILL);	/* the server ends the run */
	}
}

void attempt_pause(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	nanosleep(&pause, NULL);
}

bool attempt_look(struct attempt *attempt)
{
	uint64_t now = attempt_now_ms(), calls = atomic_load(&attempt->record->calls);
	int status;

	if (waitpid(attempt->pid, &status, WNOHANG) == attempt->pid) {
		attempt->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		attempt->pid = 0;
		attempt->ended_ms = now;
		return true;
	}
	if (calls != attempt->calls) {
		attempt->calls = calls;
		attempt->moved_ms = now;
	}
	if (!attempt->killed_ms) {
		attempt->repeats = atomic_load(&attempt->record->repeats) > REPEATS_MAX;
		attempt->hung = now - attempt->moved_ms > attempt->options->timeout_ms;
	}
	if (attempt->repeats || attempt->hung)
		attempt_stop(attempt);
	return false;
}

void attempts_settle(void)
{
	uint64_t end = attempt_now_ms() + SETTLE_MS;

	while (waitpid(-1, NULL, WNOHANG) >= 0 && attempt_now_ms() < end)
		attempt_pause();
}

void attempt_remove(struct attempt *attempt)
{
	remove_tree(attempt->folder);
}
