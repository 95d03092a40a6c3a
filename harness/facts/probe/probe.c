/* SPDX-License-Identifier: MIT */
/* The probe's main: the machine, the table of cases, and how a line looks. */
#include "probe.h"

#include <signal.h>
#include <sys/wait.h>

#define SECONDS_PER_CASE 60

const struct place A = { "A", "0000:01:00.0", 10, 0 };
const struct place B = { "B", "0000:02:00.0", 11, 1 };
const struct place N = { "N", "0000:03:00.0", 12, 2 };
const struct place M0 = { "M0", "0000:04:00.0", 13, 3 };
const struct place M1 = { "M1", "0000:04:00.1", 13, 4 };
const struct place E0 = { "E0", "0000:06:01.0", 14, 5 };
const struct place T0 = { "T0", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001", 15, 7 };
const struct place T1 = { "T1", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002", 16, 8 };
const struct place D0 = { "D0", "83b8f4f2-509f-382f-3c1e-e6bfe0fa1003", 17, 9 };

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "container", case_container },
	{ "group", case_group },
	{ "close_order", case_close_order },
	{ "map_args", case_map_args },
	{ "limits", case_limits },
	{ "unmap_args", case_unmap_args },
	{ "info", case_info },
	{ "mdev", case_mdev },
	{ "mdev_after", case_mdev_after },
	{ "replay", case_replay },
	{ "replay_setiommu", case_replay_setiommu },
	{ "dirty", case_dirty },
	{ "device", case_device },
	{ "forks", case_forks },
	{ "viability", case_viability },
	{ "edges", case_edges },
	{ "callers", case_callers },
};

/* The case this process runs: the start of each of its lines. */
static const char *current = "?";

__attribute__((format(printf, 1, 0)))
static void print_result(const char *name, va_list args, long ret, int error, const char *extra)
{
	printf("%s/", current);
	vprintf(name, args);
	printf(": %ld %s", ret, ret < 0 ? strerrorname_np(error) : "ok");
	if (extra)
		printf(" [%s]", extra);
	putchar('\n');
	errno = error;
}

void say(long ret, const char *name, ...)
{
	int error = errno;
	va_list args;

	va_start(args, name);
	print_result(name, args, ret, error, NULL);
	va_end(args);
}

void say_extra(const char *extra, long ret, const char *name, ...)
{
	int error = errno;
	va_list args;

	va_start(args, name);
	print_result(name, args, ret, error, extra);
	va_end(args);
}

void note(const char *text, ...)
{
	va_list args;

	printf("%s/", current);
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
}

/* Runs one case in a child of its own; false if it ended badly. */
static bool run_case(size_t i)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		return false;
	}
	if (!pid) {
		current = cases[i].name;
		alarm(SECONDS_PER_CASE);
		cases[i].run();
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (status)
		fprintf(stderr, "facts-probe: case %s %s %d\n", cases[i].name,
			WIFSIGNALED(status) ? "was ended by signal" : "exited with status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return !status;
}

static bool wanted(const char *name, int argc, char **argv)
{
	if (argc < 2)
		return true;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

/* facts-probe [CASE...]: all cases, or those named. */
int main(int argc, char **argv)
{
	bool found = false, good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "--after-exec")) {
		current = "forks";
		forks_after_exec(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!wanted(cases[i].name, argc, argv))
			continue;
		found = true;
		good = run_case(i) && good;
	}
	if (!found)
		fprintf(stderr, "facts-probe: no such case\n");
	return found && good ? 0 : 1;
}
