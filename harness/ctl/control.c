/* SPDX-License-Identifier: MIT */
/* Lines that a run's control file takes. See control.h. */
#include "ctl/control.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vfiosim/fault.h>
#include <vfiosim/fuse.h>
#include <vfiosim/hardware.h>
#include <vfiosim/state.h>
#include <vfiosim/trace.h>

#include "base/json.h"
#include "base/nearest.h"
#include "base/value.h"
#include "ctl/numbers.h"
#include "report/explain.h"

#define LOG_MAX (1u << 20)	/* bytes that are kept */
#define NAME_MAX_LENGTH 64
#define NAMES_MAX 64		/* that are looked at for a suggestion */

struct control {
	struct control_options options;
	struct vfiosim_fuse *fuse;
	struct explain explain;		/* used by the trace alone, which takes one event after the other */
	FILE *told;			/* what @explain writes to; NULL: nobody has asked */

	pthread_mutex_t lock;		/* guards what follows */
	char *log;			/* the last LOG_MAX bytes */
	uint64_t log_end;		/* bytes told so far */
};

/* One line being answered. */
struct asked {
	struct control *control;
	pid_t tid;
	const char *rest;		/* behind the verb */
	struct json json;		/* the answer's object, open */
	char **ret_answer;		/* for verbs that have a text of their own already */
};

/* ---- Verbs ------------------------------------------------------------- */

/* The answer says why; the write fails with @error. */
static int fail(struct asked *asked, int error, const char *message)
{
	json_put_string(&asked->json, "error", message);
	return error;
}

static int do_list(struct asked *asked)
{
	const struct control_options *options = &asked->control->options;

	json_put_string(&asked->json, "name", options->name);
	json_put_number(&asked->json, "launcher", options->launcher);
	json_put_number(&asked->json, "server", getpid());
	json_put_string(&asked->json, "topology", options->topology_name);
	json_put_string(&asked->json, "command", options->command);
	return 0;
}

static int do_state(struct asked *asked)
{
	return vfiosim_state_json(asked->control->options.sim, asked->ret_answer);
}

/* @given: what the asker calls it. */
static int fail_no_process(struct asked *asked, long given)
{
	char message[64];

	snprintf(message, sizeof(message), "there is no process %ld", given);
	return fail(asked, -ESRCH, message);
}

static int do_why(struct asked *asked)
{
	char *end;
	long given = strtol(asked->rest, &end, 10);
	pid_t pid;
	int error;

	if (*end || given < 0)
		return fail(asked, -EINVAL, "why takes the number of a process, or nothing");
	pid = given > INT_MAX ? -ESRCH : number_of_process(asked->tid, (pid_t)given);
	if (pid < 0)
		return fail_no_process(asked, given);
	error = vfiosim_fuse_why(asked->control->fuse, pid, asked->ret_answer);
	/* What is remembered of a process that has gone can still be asked for. */
	if (error || strcmp(*asked->ret_answer, "null\n") || !pid || !kill(pid, 0) || errno != ESRCH)
		return error;
	free(*asked->ret_answer);
	*asked->ret_answer = NULL;
	return fail_no_process(asked, given);
}

static int do_mark(struct asked *asked)
{
	if (!*asked->rest || strlen(asked->rest) > NAME_MAX_LENGTH)
		return fail(asked, -EINVAL, "mark takes a name of at most 64 bytes");
	vfiosim_mark(asked->control->options.sim, (uint32_t)asked->tid, asked->rest);
	json_put_string(&asked->json, "marked", asked->rest);
	return 0;
}

/* ---- The log ----------------------------------------------------------- */

static ssize_t log_write(void *cookie, const char *from, size_t size)
{
	struct control *control = cookie;

	pthread_mutex_lock(&control->lock);
	for (size_t i = 0; i < size; i++)
		control->log[control->log_end++ % LOG_MAX] = from[i];
	pthread_mutex_unlock(&control->lock);
	return (ssize_t)size;
}

/* From the first time somebody asks: until then commands pay nothing for it. */
static int begin_log(struct asked *asked)
{
	static const cookie_io_functions_t functions = { .write = log_write };
	struct control *control = asked->control;
	FILE *told;

	pthread_mutex_lock(&control->lock);
	if (!control->log)
		control->log = malloc(LOG_MAX);
	if (control->log && !control->told) {
		control->told = fopencookie(control, "w", functions);
		explain_init(&control->explain, control->told, false);
		control->explain.glossary = UINT32_MAX;
	}
	told = control->told;
	pthread_mutex_unlock(&control->lock);
	if (!told)
		return fail(asked, -ENOMEM, "no memory");
	if (vfiosim_trace_add(control->options.sim, explain_event, &control->explain) == -ENOSPC)
		return fail(asked, -EBUSY, "too many listen to this run already");
	return 0;
}

static int do_log(struct asked *asked)
{
	struct control *control = asked->control;
	uint64_t from = strtoull(asked->rest, NULL, 10), end;
	int error = begin_log(asked);
	char *text;
	size_t n = 0;

	if (error)
		return error;
	text = malloc(LOG_MAX + 1);
	if (!text)
		return fail(asked, -ENOMEM, "no memory");
	pthread_mutex_lock(&control->lock);
	end = control->log_end;
	if (!*asked->rest)
		from = end;
	if (from + LOG_MAX < end)
		from = end - LOG_MAX;
	for (; from < end; from++)
		text[n++] = control->log[from % LOG_MAX];
	pthread_mutex_unlock(&control->lock);
	text[n] = '\0';
	json_put_unsigned(&asked->json, "next", end);
	json_put_string(&asked->json, "text", text);
	free(text);
	return 0;
}

/* ---- Faults ------------------------------------------------------------ */

static int remove_fault(struct asked *asked, const char *number)
{
	char *end;
	unsigned long id = strtoul(number, &end, 10);

	if (!*number || *end || vfiosim_fault_remove(asked->control->options.sim, (uint32_t)id))
		return fail(asked, -ENOENT, "there is no fault of that number");
	json_put_unsigned(&asked->json, "removed", id);
	return 0;
}

static int do_fault(struct asked *asked)
{
	const struct control_options *options = &asked->control->options;
	char problem[VFIOSIM_FAULT_TEXT_MAX] = "no memory";
	struct vfiosim_fault fault;
	uint32_t id;
	int error;

	if (!strncmp(asked->rest, "remove ", 7))
		return remove_fault(asked, asked->rest + 7);
	error = vfiosim_fault_parse(asked->rest, options->topology, &fault, problem, sizeof(problem));
	if (!error)
		error = vfiosim_fault_add(options->sim, &fault, &id, problem, sizeof(problem));
	if (error)
		return fail(asked, error, problem);
	json_put_unsigned(&asked->json, "fault", id);
	return 0;
}

/* ---- Devices ---- */

/* "there is no device 'nic1': did you mean 'nic0'?" */
static int fail_unknown(struct asked *asked)
{
	const struct vfiosim_topology *topology = asked->control->options.topology;
	const char *names[NAMES_MAX];
	char message[200], near[80];
	size_t n = 0;

	for (; n < topology->n_devices && n < NAMES_MAX; n++)
		names[n] = topology->devices[n].name;
	snprintf(message, sizeof(message), "there is no device '%.60s' now%s", asked->rest,
		 vfiosim_topology_device(topology, asked->rest) < 0 ?
			 suggestion(asked->rest, names, n, near, sizeof(near)) :
			 "");
	return fail(asked, -ENODEV, message);
}

static int do_unplug(struct asked *asked)
{
	int error = vfiosim_unplug(asked->control->options.sim, (uint32_t)asked->tid, asked->rest);

	if (error && error != -EINPROGRESS)
		return fail_unknown(asked);
	json_put_string(&asked->json, "unplugged", asked->rest);
	json_put_bool(&asked->json, "waiting", error);
	return 0;
}

static int do_leaving(struct asked *asked)
{
	const struct control_options *options = &asked->control->options;
	int index = vfiosim_topology_device(options->topology, asked->rest);
	struct vfiosim_device_state state = { .leaving = false };

	vfiosim_device_state(options->sim,
			     index < 0 ? asked->rest : options->topology->devices[index].address, &state);
	json_put_bool(&asked->json, "waiting", state.leaving);
	return 0;
}

static int do_plug(struct asked *asked)
{
	int error = vfiosim_plug(asked->control->options.sim, (uint32_t)asked->tid, asked->rest);

	if (error == -EINPROGRESS)
		return fail(asked, error, "it is being unplugged: it can be plugged once the program has closed it");
	if (error == -EEXIST)
		return fail(asked, error, "it is plugged in already");
	if (error)
		return fail_unknown(asked);
	json_put_string(&asked->json, "plugged", asked->rest);
	return 0;
}

/* What `pin` and `unpin` take. */
struct pages {
	char device[64], iova_text[32], length_text[32], how[16];
	uint64_t iova, length;
};

static int read_pages(struct asked *asked, struct pages *pages)
{
	int n;

	memset(pages, 0, sizeof(*pages));
	n = sscanf(asked->rest, "%63s %31s %31s %15s", pages->device, pages->iova_text,
		   pages->length_text, pages->how);
	if (n == 3 && !strcmp(pages->length_text, "readonly")) {
		strcpy(pages->how, "readonly");
		n = 2;
	}
	if (n < 3)
		strcpy(pages->length_text, "4K");
	if (n < 2 || !value_number(pages->iova_text, &pages->iova) ||
	    !value_number(pages->length_text, &pages->length) ||
	    (*pages->how && strcmp(pages->how, "readonly")))
		return fail(asked, -EINVAL, "expected: DEVICE IOVA [LENGTH] [readonly]");
	return 0;
}

/* Why pages could not be pinned, or let go of, where no rule says so. */
static int fail_pages(struct asked *asked, const struct pages *pages, int error)
{
	char message[160];

	switch (error) {
	case -ENODEV:
		asked->rest = pages->device;
		return fail_unknown(asked);
	case -EOPNOTSUPP:
		snprintf(message, sizeof(message),
			 "%s pins nothing: it is not an mdev, or one whose driver never pins",
			 pages->device);
		break;
	case -ENOENT:
		snprintf(message, sizeof(message), "nothing there is pinned for %s", pages->device);
		break;
	case -EINVAL:
		snprintf(message, sizeof(message), "%s..+%s is not whole pages of 4K",
			 pages->iova_text, pages->length_text);
		break;
	default:
		return fail(asked, error, strerror(-error));
	}
	return fail(asked, error, message);
}

static int do_pin(struct asked *asked)
{
	struct pages pages;
	char reason[320];
	int error = read_pages(asked, &pages);

	if (error)
		return error;
	error = vfiosim_pin(asked->control->options.sim, (uint32_t)asked->tid, pages.device,
			    pages.iova, pages.length, !*pages.how, reason, sizeof(reason));
	if (error)
		return *reason && error != -ENODEV ? fail(asked, error, reason) :
						     fail_pages(asked, &pages, error);
	json_put_unsigned(&asked->json, "pinned", pages.length / 4096);
	return 0;
}

static int do_unpin(struct asked *asked)
{
	struct pages pages;
	int error = read_pages(asked, &pages);
	int64_t n;

	if (error)
		return error;
	n = vfiosim_unpin(asked->control->options.sim, (uint32_t)asked->tid, pages.device,
			  pages.iova, pages.length);
	if (n < 0)
		return fail_pages(asked, &pages, (int)n);
	json_put_unsigned(&asked->json, "unpinned", (uint64_t)n);
	return 0;
}

/* ---- Other programs ---------------------------------------------------- */

static int do_supervise(struct asked *asked)
{
	const struct control_options *options = &asked->control->options;
	int pid, fd, pidfd, listener, error;

	if (sscanf(asked->rest, "%d %d", &pid, &fd) != 2)
		return fail(asked, -EINVAL, "supervise takes a process and its descriptor");
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	listener = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	error = listener < 0 ? -errno : options->supervise(options->ctx, listener);
	if (pidfd >= 0)
		close(pidfd);
	return error ? fail(asked, error, strerror(-error)) : 0;
}

/* ---- Lines ------------------------------------------------------------- */

static const struct control_verb {
	const char *name;
	int (*run)(struct asked *asked);
	bool hidden;
} verbs[] = {
	{ "list", do_list },	{ "state", do_state },	{ "why", do_why },
	{ "mark", do_mark },	{ "log", do_log },	{ "fault", do_fault },
	{ "plug", do_plug },	{ "unplug", do_unplug }, { "leaving", do_leaving, true },
	{ "pin", do_pin },	{ "unpin", do_unpin },
	{ "supervise", do_supervise, true },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int unknown_verb(struct asked *asked, const char *word)
{
	const char *names[N_VERBS];
	char message[240], near[80], list[120] = "; expected";
	size_t n = 0, used = strlen(list);
	const char *hint;

	for (size_t i = 0; i < N_VERBS; i++) {
		if (verbs[i].hidden)
			continue;
		names[n++] = verbs[i].name;
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s %s", n > 1 ? "," : "",
					 verbs[i].name);
	}
	hint = suggestion(word, names, n, near, sizeof(near));
	snprintf(message, sizeof(message), "unknown command '%s'%s", word, *hint ? hint : list);
	return fail(asked, -EINVAL, message);
}

static int run_line(struct asked *asked, const char *line)
{
	char word[24] = "";
	size_t length = strcspn(line, " ");

	if (strchr(line, '\n'))
		return fail(asked, -EINVAL, "there is more than one line: each needs a write of its own");
	snprintf(word, sizeof(word), "%.*s", (int)length, line);
	asked->rest = line + length + strspn(line + length, " ");
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(verbs[i].name, word))
			return verbs[i].run(asked);
	return unknown_verb(asked, word);
}

int control_line(void *ctx, pid_t tid, const char *line, char **ret_answer)
{
	struct asked asked = { .control = ctx, .tid = tid, .ret_answer = ret_answer };
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	int error;

	*ret_answer = NULL;
	if (!to)
		return -ENOMEM;
	json_init(&asked.json, to, true);
	json_object(&asked.json);
	error = run_line(&asked, line);
	json_object_end(&asked.json);
	fputc('\n', to);
	if (fclose(to) || *ret_answer)
		free(text);
	else
		*ret_answer = text;
	return error;
}

/* ---- Life -------------------------------------------------------------- */

int control_create(const struct control_options *options, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		return -ENOMEM;
	control->options = *options;
	pthread_mutex_init(&control->lock, NULL);
	*ret_control = control;
	return 0;
}

void control_set_fuse(struct control *control, struct vfiosim_fuse *fuse)
{
	control->fuse = fuse;
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	vfiosim_trace_remove(control->options.sim, explain_event, &control->explain);
	if (control->told)
		fclose(control->told);
	free(control->log);
	pthread_mutex_destroy(&control->lock);
	free(control);
}
