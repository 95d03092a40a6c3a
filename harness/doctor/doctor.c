/* SPDX-License-Identifier: MIT */
/* vfiosim doctor. See doctor.h. */
#include "doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

__attribute__((format(printf, 3, 0)))
static void say(struct finding *finding, enum finding_kind kind, const char *format, va_list args)
{
	finding->kind = kind;
	vsnprintf(finding->text, sizeof(finding->text), format, args);
}

void finding_ok(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(finding, FINDING_OK, format, args);
	va_end(args);
}

void finding_failed(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(finding, FINDING_FAILED, format, args);
	va_end(args);
}

void finding_skipped(struct finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(finding, FINDING_SKIPPED, format, args);
	va_end(args);
}

/* ---- One check --------------------------------------------------------- */

static _Noreturn void examine(const struct check *check, const struct patient *patient, int to)
{
	struct finding finding = { .kind = FINDING_OK };

	check->run(patient, &finding);
	_exit(write(to, &finding, sizeof(finding)) != (ssize_t)sizeof(finding));
}

/* In a process of its own; the finding comes through a pipe. */
static void run_check(const struct check *check, const struct patient *patient,
		      struct finding *ret_finding)
{
	int ends[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC)) {
		finding_failed(ret_finding, "cannot be checked: no pipe: %s", strerror(errno));
		return;
	}
	fflush(NULL);
	pid = fork();
	if (!pid)
		examine(check, patient, ends[1]);
	if (pid < 0)
		finding_failed(ret_finding, "cannot be checked: no process: %s", strerror(errno));
	close(ends[1]);
	n = read(ends[0], ret_finding, pid > 0 ? sizeof(*ret_finding) : 0);
	close(ends[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && n != (ssize_t)sizeof(*ret_finding))
		finding_failed(ret_finding, "the check itself ended by signal %d, status %d",
			       WTERMSIG(status), WEXITSTATUS(status));
}

/* ---- The verb ---------------------------------------------------------- */

static int doctor(void *options, char **args, size_t n)
{
	static const char *const words[] = { "ok  ", "FAIL", "skip" };
	struct patient patient = { .command = n ? args : NULL };

	for (const struct check *check = checks; check->name; check++) {
		struct finding finding;

		run_check(check, &patient, &finding);
		if (!*finding.text)
			continue;
		printf("%s %s: %s\n", words[finding.kind], check->name, finding.text);
		patient.failed = patient.failed || finding.kind == FINDING_FAILED;
	}
	return cli_finish(patient.failed);
}

const struct cli_verb doctor_verb = {
	.name = "doctor",
	.about = "find out whether programs can be run here, and what to do if not",
	.args = "[--] [COMMAND]",
	.max_args = SIZE_MAX,
	.command = true,
	.run = doctor,
	.more = "Tries what a run needs, a line each: FAIL says what to do. With COMMAND also whether that\n"
		"program can be served. Exit status: 0 all is well, 1 something is not.\n",
};
