/* SPDX-License-Identifier: MIT */
/* Runs in surroundings that lack something: it is made up for, or said. */
#include "launch/launch_rig_test.h"

#include <stdio.h>
#include <sys/resource.h>

/* Makes the surroundings of this process such; false: cannot be had here. */
typedef bool preparation(void);

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* As in the smallest containers and in an initramfs. */
static bool without_sysfs(void)
{
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("test", "/sys", "tmpfs", 0, "mode=755");
}

static bool make(const char *path)
{
	char part[200];

	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return false;
	}
	return !mkdir(path, 0755) || errno == EEXIST;
}

#define AN_MDEV "83b8f4f2-509f-382f-3c1e-e6bfe0fa9001"

/* Of PCI buses; a host of many sockets has dozens. */
#define N_ROOTS 80

/* A host with VFIO, and an mdev whose parent is no PCI device. */
static bool with_hardware(void)
{
	static const char *const folders[] = {
		"/sys/devices/virtual/mtty/mtty/" AN_MDEV "/hosts", "/sys/bus/mdev/devices/hosts",
		"/sys/class/mdev_bus", "/sys/class/vfio-dev/hosts", "/sys/class/vfio/hosts",
		"/sys/class/net/others", "/sys/class/iommu/hosts", "/sys/devices/virtual/vfio/hosts",
		"/sys/devices/virtual/others",
		"/sys/devices/virtual/misc/iommu/hosts", "/sys/class/misc/others",
		"/sys/kernel/iommu_groups/hosts", "/sys/module/mdev/hosts",
		"/sys/module/vfio_virqfd/hosts", "/sys/module/others", "/sys/devices/pci0077:00/hosts",
	};
	char root[64];

	if (!without_sysfs())
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (!make(folders[i]))
			return false;
	for (int i = 0; i < N_ROOTS; i++) {
		snprintf(root, sizeof(root), "/sys/devices/pci%04x:10/hosts", i);
		if (!make(root))
			return false;
	}
	return !symlink("../../devices/virtual/mtty/mtty", "/sys/class/mdev_bus/mtty") &&
	       !symlink("../../devices/virtual/misc/iommu", "/sys/class/misc/iommu");
}

/* As `unshare --pid --fork` leaves it. */
static bool with_foreign_proc(void)
{
	return !unshare(CLONE_NEWPID);
}

/* Leak sanitizer asks this at exit, before it looks at threads in /proc. */
static bool proc_is_gone;
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return proc_is_gone;
}

static bool without_proc(void)
{
	proc_is_gone = true;
	return !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("test", "/proc", "tmpfs", 0, "mode=755");
}

/* The limits are those of a user namespace: of one that is ours alone. */
static bool without_mount_namespaces(void)
{
	return !unshare(CLONE_NEWUSER) && put("/proc/self/uid_map", "0 0 1") &&
	       put("/proc/self/setgroups", "deny") && put("/proc/self/gid_map", "0 0 1") &&
	       put("/proc/sys/user/max_mnt_namespaces", "0");
}

static bool with_descriptors(rlim_t n)
{
	return !setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n, n });
}

/* Enough for a run, but not for many clients. */
static bool with_few_descriptors(void)
{
	return with_descriptors(32);
}

static bool with_too_few_descriptors(void)
{
	return with_descriptors(21);
}

static _Noreturn void be_launcher_in(preparation *prepare, enum who who, const char *const *words)
{
	int status;
	pid_t pid;

	if (!prepare())
		_exit(200);
	pid = test_fork();	/* a PID namespace begins with a child */
	if (pid == 0)
		be_launcher(who, words);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(201);
	_exit(WEXITSTATUS(status));
}

/* A run's status in such surroundings; 200: they cannot be had. */
static int run_in(preparation *prepare, enum who who, const char *const *words, struct run *run)
{
	if (run_fork(run))
		be_launcher_in(prepare, who, words);
	return run_end(run);
}

START_TEST(machine_is_placed_where_no_sysfs_is)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_in(without_sysfs, (enum who)_i,
			SHELL_RUN("ls -d /dev/vfio/10 /sys/bus/pci/devices/0000:01:00.0/vendor "
				  "/sys/kernel/iommu_groups/10"), &run);
	ck_assert_msg(status == 0, "%d: %s", status, run.text);
}
END_TEST

/* Where the machine has none of the kind, too; the rest is there. */
START_TEST(hardware_of_the_host_is_hidden)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_in(with_hardware, (enum who)_i,
			RUN("-t", "minimal", "--kernel", "6.1", "sh", "-c",
			    "find /sys -name 'hosts' -o -name '*mdev*' -o -name " AN_MDEV "; "
			    "find /sys -name others | sort; ls -d /sys/class/misc/iommu /sys/devices/virtual/misc/iommu 2>/dev/null; test -e /sys/bus/pci/devices/0000:01:00.0"),
			&run);
	ck_assert_msg(status == 0, "%d: %s", status, run.text);
	ck_assert_str_eq(run.text, "/sys/class/misc/others\n/sys/class/net/others\n/sys/devices/virtual/others\n/sys/module/others\n");
}
END_TEST

static const struct {
	preparation *prepare;
	const char *told;
} missing[] = {
	{ with_foreign_proc, "/proc is that of another PID namespace" },
	{ without_proc, "no /proc here (No such file or directory)" },
	{ without_mount_namespaces, "raise user.max_mnt_namespaces" },
};
#define N_MISSING (int)(sizeof(missing) / sizeof(missing[0]))

/* One line, before anything is run. */
START_TEST(what_is_missing_is_told)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	status = run_in(missing[_i].prepare, AS_ROOT, RUN("echo", "ran"), &run);
	if (status == 200) {
		test_skip(__func__, "such namespaces cannot be made here");
		return;
	}
	ck_assert_msg(status == 125, "%d: %s", status, run.text);
	ck_assert_msg(strstr(run.text, missing[_i].told), "%s", run.text);
	ck_assert_ptr_eq(strchr(run.text, '\n'), run.text + strlen(run.text) - 1);
}
END_TEST

/* The command would wait for a supervisor, the server for the file that the command has locked. */
#ifdef COVERAGE
#define COUNTS true
#else
#define COUNTS false
#endif

/* Commands that the server was never told of would wait for ever. */
START_TEST(too_few_descriptors_end_a_run)
{
	struct run run;
	int status;

	if (COUNTS) {
		test_skip(__func__, "what writes its counts below the filter needs a server that serves");
		return;
	}
	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	status = run_in(with_too_few_descriptors, AS_ROOT, SHELL_RUN("cat </dev/zero >/dev/null"),
			&run);
	ck_assert_msg(status == 125, "%d: %s", status, run.text);
	ck_assert_msg(strstr(run.text, "Too many open files"), "%s", run.text);
}
END_TEST

/* The server ends them when the launcher is killed: it searches /proc, which takes some. */
START_TEST(nothing_is_left_without_descriptors)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	status = run_in(with_few_descriptors, (enum who)_i,
			SHELL_RUN("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "
				  "(exec 9<>/dev/vfio/vfio; exec sleep 301) 2>/dev/null & done; "
				  "sleep 0.5; kill -KILL $PPID; sleep 301"), &run);
	ck_assert_msg(status == 201, "%d: %s", status, run.text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("place");
	Suite *suite = suite_create("launch_place");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, machine_is_placed_where_no_sysfs_is, 0, N_WHO);
	tcase_add_loop_test(tcase, hardware_of_the_host_is_hidden, 0, N_WHO);
	tcase_add_loop_test(tcase, what_is_missing_is_told, 0, N_MISSING);
	tcase_add_test(tcase, too_few_descriptors_end_a_run);
	tcase_add_loop_test(tcase, nothing_is_left_without_descriptors, 0, N_WHO);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
