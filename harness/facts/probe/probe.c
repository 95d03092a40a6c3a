/* SPDX-License-Identifier: MIT */
/* The probe's main: the machine, the table of cases, and how a line looks. */
#include "iommufd.h"

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

/* One section for each file of facts: the names of cases may recur in another. */
static const struct {
	const char *section;
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "legacy", "container", case_container },
	{ "legacy", "group", case_group },
	{ "legacy", "close_order", case_close_order },
	{ "legacy", "map_args", case_map_args },
	{ "legacy", "limits", case_limits },
	{ "legacy", "unmap_args", case_unmap_args },
	{ "legacy", "info", case_info },
	{ "legacy", "mdev", case_mdev },
	{ "legacy", "mdev_after", case_mdev_after },
	{ "legacy", "replay", case_replay },
	{ "legacy", "replay_setiommu", case_replay_setiommu },
	{ "legacy", "dirty", case_dirty },
	{ "legacy", "device", case_device },
	{ "legacy", "forks", case_forks },
	{ "legacy", "viability", case_viability },
	{ "legacy", "edges", case_edges },
	{ "legacy", "callers", case_callers },
	{ "iommufd", "basic", case_iommufd_basic },
	{ "iommufd", "objects", case_iommufd_objects },
	{ "iommufd", "iova_ranges", case_iommufd_iova_ranges },
	{ "iommufd", "allow_iovas", case_iommufd_allow_iovas },
	{ "iommufd", "map_nodev", case_iommufd_map_nodev },
	{ "iommufd", "map_phys", case_iommufd_map_phys },
	{ "iommufd", "map_mdev", case_iommufd_map_mdev },
	{ "iommufd", "unmap", case_iommufd_unmap },
	{ "iommufd", "copy", case_iommufd_copy },
	{ "iommufd", "attach_bad", case_iommufd_attach_bad },
	{ "iommufd", "mdev", case_iommufd_mdev },
	{ "iommufd", "binding", case_iommufd_binding },
	{ "iommufd", "pasid", case_iommufd_pasid },
	{ "iommufd", "hot_reset", case_iommufd_hot_reset },
	{ "iommufd", "noiommu", case_iommufd_noiommu },
	{ "iommufd", "two_in_group", case_iommufd_two_in_group },
	{ "iommufd", "hwpts", case_iommufd_hwpts },
	{ "iommufd", "options", case_iommufd_options },
	{ "iommufd", "compat", case_iommufd_compat },
	{ "iommufd", "map_file", case_iommufd_map_file },
	{ "iommufd", "limits", case_iommufd_limits },
	{ "iommufd", "edges", case_iommufd_edges },
	{ "iommufd", "crowd", case_iommufd_crowd },
	{ "iommufd", "remove_busy", case_iommufd_remove_busy },
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

static bool wanted(size_t i, const char *section, char **names)
{
	bool some = false;

	if (section && strcmp(cases[i].section, section))
		return false;
	for (; *names; names++) {
		if (**names == '-' && !strcmp(*names + 1, cases[i].name))
			return false;
		if (!strcmp(*names, cases[i].name))
			return true;
		some |= **names != '-';
	}
	return !some;
}

/* facts-probe [--legacy|--iommufd] [[-]CASE...]: all cases, those of one section, those named (-: all but those). */
int main(int argc, char **argv)
{
	bool found = false, good = true;
	const char *section = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "--after-exec")) {
		current = "forks";
		forks_after_exec(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	if (argc > 1 && !strncmp(argv[1], "--", 2)) {
		section = argv[1] + 2;
		argv++;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (!wanted(i, section, argv + 1))
			continue;
		found = true;
		good = run_case(i) && good;
	}
	if (!found)
		fprintf(stderr, "facts-probe: no such case\n");
	return found && good ? 0 : 1;
}
