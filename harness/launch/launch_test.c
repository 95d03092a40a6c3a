/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim run` from outside: exit statuses, signals and the terminal, what a
 * command finds, what is left when somebody dies. Each story runs as root and as an
 * ordinary user; what cannot run here says why.
 */
#include "base/suite_test.h"
#include "launch/cover.h"
#include "launch/launch_rig_test.h"

/* ---- Exit statuses ----------------------------------------------------- */

struct status_row {
	const char *words[10];	/* after "run" */
	int status;
	const char *says;	/* in what it prints; NULL: nothing at all */
};

static const struct status_row status_rows[] = {
	{ { "--", "true" }, 0 },
	{ { "false" }, 1 },
	{ { "sh", "-c", "exit 7" }, 7 },
	{ { "sh", "-c", "kill -KILL $$" }, 128 + SIGKILL },
	{ { "sh", "-c", "kill -TERM $$" }, 128 + SIGTERM },
	{ { "--", "no-such-program" }, 127, "cannot execute 'no-such-program'" },
	{ { "--", "/" }, 126, "cannot execute '/': it is a directory" },
	{ { "--", "/etc/passwd" }, 126, "'/etc/passwd': it is not executable; chmod +x" },
	{ { "--no-such-option", "true" }, 125, "no-such-option" },
	{ { "--memlock", "much", "true" }, 125, "--memlock: expected unlimited, client or bytes" },
	{ { "--topology", "no-such-machine", "true" }, 125, "no-such-machine" },
	{ { "--trace", "/no/such/folder", "true" }, 125, "/no/such/folder" },
	{ { "--fault", "MAP_DAM,error=ENOMEM", "true" }, 125,
	  "--fault MAP_DAM,error=ENOMEM: 'MAP_DAM' is not a fault site; did you mean 'MAP_DMA'?" },
	{ { "--fault", "open,group=10,error=EPERM", "true" }, 0,
	  "fault 1 never fired: open,group=10,error=EPERM (it was never met)" },
	{ { "--fault", "open,group=10,when=2,error=EPERM", "sh", "-c", "exec 3<>/dev/vfio/10" }, 0,
	  "error=EPERM (it was met once)" },
	{ { "--fault", "open,group=10,when=1,error=EBUSY", "sh", "-c",
	    "exec 3<>/dev/vfio/10 || exec 3<>/dev/vfio/10" }, 2, "Device or resource busy" },
	{ { "--policy", "qemu-legacy", "true" }, 125, "--policy requires --case" },
	{ { "--tap", "true" }, 125, "--tap requires --expect or --case" },
	{ { "--junit", "/no/such/folder", "true" }, 125, "--junit requires --expect or --case" },
	{ { "--memlock", "64K", "--topology", "q35", "--", "true" }, 0 },
};

/* Each opens a file of the machine, so that there is something to write. */
#define LOST_ROW(...)                                                                    \
	{ { __VA_ARGS__, "--", "sh", "-c", "exec 3<>/dev/vfio/vfio" }, 125,               \
	  "cannot write /dev/full: " }

static const struct status_row lost_rows[] = {
	LOST_ROW("--trace", "/dev/full"),
	LOST_ROW("--explain", "-o", "/dev/full"),
	LOST_ROW("-o", "/dev/full", "--trace", "-"),
};

#define N_STATUS_ROWS (sizeof(status_rows) / sizeof(status_rows[0]))

static void check_status_row(enum who who, const struct status_row *row)
{
	struct run run;
	int status = run_and_wait(who, row->words, &run);

	ck_assert_msg(status == row->status, "run %s ...: %d, not %d: %s", row->words[0], status,
		      row->status, run.text);
	if (row->says)
		ck_assert_msg(strstr(run.text, row->says), "run %s ... says: %s", row->words[0],
			      run.text);
	else
		ck_assert_str_eq(run.text, "");
}

START_TEST(exit_statuses)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < N_STATUS_ROWS; i++)
		check_status_row((enum who)_i, &status_rows[i]);
}
END_TEST

START_TEST(lost_output_is_told)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(lost_rows) / sizeof(lost_rows[0]); i++)
		check_status_row((enum who)_i, &lost_rows[i]);
}
END_TEST

/* ---- What a command finds ---------------------------------------------- */

START_TEST(command_finds_the_machine)
{
	static const char script[] =
		"set -e; ls /dev/vfio; test -e /dev/vfio/vfio; echo x > /dev/null; "
		"grep -q q35 $VFIOSIM_STATE; test $VFIOSIM_TOPOLOGY = q35; "
		"test -d /sys/bus/pci/devices; test -d /sys/bus/mdev; test -d /sys/class/vfio; "
		"test -d /sys/kernel/iommu_groups; test -d /sys/module/vfio; "
		"test -r /sys/class/net/lo/mtu; test -d /proc/self; test -d /proc/$$/fd; "
		"test \"$(umask)\" = 0027; test \"$PWD\" = /usr; test \"$(pwd -P)\" = /usr; "
		"test $PPID != 1; echo fine";
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	umask(0027);
	ck_assert_int_eq(chdir("/usr"), 0);
	setenv("PWD", "/usr", 1);
	ck_assert_msg(run_and_wait((enum who)_i, SHELL_RUN(script), &run) == 0, "%s", run.text);
	ck_assert_ptr_nonnull(strstr(run.text, "vfio\n"));
	ck_assert_ptr_nonnull(strstr(run.text, "fine\n"));
}
END_TEST

/* Nothing of it can be seen from outside. */
START_TEST(host_is_untouched)
{
	bool had = !access("/dev/vfio", F_OK);
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	run_start(&run, (enum who)_i, SHELL_RUN("echo ready; exec sleep 300"));
	run_expect(&run, "ready");
	ck_assert_int_eq(!access("/dev/vfio", F_OK), had);
	ck_assert_int_ne(access("/dev/.vfiosim", F_OK), 0);
	kill(run.launcher, SIGTERM);
	ck_assert_int_eq(run_end(&run), 128 + SIGTERM);
}
END_TEST

static const char lonely_bus[] =
	"about: a bus that no host has\n"
	"iommus: {dmar0: {aperture: 0..0x7fffffffff}}\n"
	"devices:\n  card: {model: e1000e, address: \"00aa:00:02.0\", group: 1, driver: vfio-pci}\n";

/* Nor can anything be reached there: all PCI devices are the machine's. */
START_TEST(host_buses_are_hidden)
{
	char path[SCRATCH_PATH];
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	close(scratch_file(path, "bus", lonely_bus));
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      RUN("-t", path, "sh", "-c",
					  "cd /sys/devices && echo pci*/* | tr ' ' '\n' | grep :.*:.*:"),
				      &run),
			 0);
	ck_assert_str_eq(run.text, "pci00aa:00/00aa:00:02.0\n");
}
END_TEST

/* One byte, or 0 at the end; fails when nothing comes. */
static int read_byte(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char byte;

	ck_assert_int_eq(poll(&poll_fd, 1, PATIENCE_MS), 1);
	return read(fd, &byte, 1) == 1 ? byte : 0;
}

/*
 * Launcher and server keep nothing that was inherited for the command: neither its
 * standard output nor any other descriptor.
 */
START_TEST(pipes_end_with_the_command)
{
	const char *const *words;
	struct run run = {};
	int out[2], other[2];
	char script[128];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe(other), 0);
	ck_assert_int_eq(fcntl(other[0], F_SETFD, FD_CLOEXEC), 0);
	snprintf(script, sizeof(script), "echo x; echo y >&%d; exec %d>&- >&-; exec sleep 300",
		 other[1], other[1]);
	words = SHELL_RUN(script);
	run.launcher = test_fork();
	if (run.launcher == 0) {
		dup2(out[1], 1);
		close(out[1]);
		be_launcher((enum who)_i, words);
	}
	close(out[1]);
	close(other[1]);
	ck_assert_int_eq(read_byte(out[0]), 'x');
	ck_assert_int_eq(read_byte(out[0]), '\n');
	ck_assert_int_eq(read_byte(out[0]), 0);
	ck_assert_int_eq(read_byte(other[0]), 'y');
	ck_assert_int_eq(read_byte(other[0]), '\n');
	ck_assert_int_eq(read_byte(other[0]), 0);
	kill(run.launcher, SIGTERM);
	run.out = out[0];
	ck_assert_int_eq(run_end(&run), 128 + SIGTERM);
	close(other[0]);
}
END_TEST

START_TEST(messages_go_to_a_file)
{
	char path[SCRATCH_PATH], text[65536] = "";
	struct run run;
	int fd;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	fd = scratch_file(path, "messages", "");
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      RUN("-o", path, "--explain", "--trace", "-", "sh", "-c",
					  "sleep 300 & until grep -q sleep /proc/$!/comm; do sleep 0.02; done; "
					  "exec 3<>/dev/vfio/vfio"),
				      &run),
			 0);
	ck_assert_str_eq(run.text, "");
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_msg(strstr(text, "\"verb\":\"open\"") && strstr(text, "(sleep)"), "%s", text);
}
END_TEST

START_TEST(refusals_alone)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      RUN("-t", "hotadd", "--explain=refused", "sh", "-c",
					  "exec 3<>/dev/vfio/10; (exec 4<>/dev/vfio/10) 2>/dev/null; :"),
				      &run),
			 0);
	ck_assert_msg(strstr(run.text, "   2  group 10: open it") &&
			      strstr(run.text, "refused: EBUSY"), "%s", run.text);
	ck_assert_msg(!strstr(run.text, "   1  ") && !strstr(run.text, "close it"), "%s", run.text);
}
END_TEST

START_TEST(trace_is_lines_of_json)
{
	char path[SCRATCH_PATH], line[65536];
	struct run run;
	size_t n = 0;
	FILE *file;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	close(scratch_file(path, "trace", ""));
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      RUN("--trace", path, "sh", "-c", "exec 3<>/dev/vfio/vfio"),
				      &run),
			 0);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	for (; fgets(line, sizeof(line), file); n++)
		ck_assert_msg(line[0] == '{' && strstr(line, "}\n"), "%s", line);
	fclose(file);
	/* Opened and closed: what a client does last is in the trace as well. */
	ck_assert_uint_ge(n, 2);
}
END_TEST

/* A program that ends without closing is no set-up "answered as expected". */
START_TEST(a_page_says_what_was_left_open)
{
	char path[SCRATCH_PATH];
	static char text[1u << 20];
	struct run run;
	FILE *file;
	int fd;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	fd = scratch_file(path, "page", "");
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      RUN("--html", path, "sh", "-c", "exec 3<>/dev/vfio/vfio; kill -9 $$"),
				      &run),
			 128 + SIGKILL);
	file = fdopen(fd, "r");
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, ". end without closing it</h3>"));
	ck_assert_ptr_nonnull(strstr(text, "<code>left-open container 1</code>"));
}
END_TEST

/* ---- Signals and the terminal ------------------------------------------ */

/* Each without and with --pidns, which differ in nothing here. */
#define EITHER_WHO ((enum who)(_i % N_WHO))
#define EITHER_RUN(script) (RUN("--pidns", "--", "sh", "-c", script) + (_i < N_WHO))
#define N_EITHER (2 * N_WHO)

START_TEST(signals_to_the_launcher_reach_the_command)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE(EITHER_WHO);
	run_start(&run, EITHER_WHO,
		  EITHER_RUN("trap 'echo usr; exit 5' USR1; echo ready; while :; do sleep 0.02; done"));
	run_expect(&run, "ready");
	kill(run.launcher, SIGUSR1);
	run_expect(&run, "usr");
	ck_assert_int_eq(run_end(&run), 5);
}
END_TEST

START_TEST(ctrl_c_reaches_the_command_once)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE(EITHER_WHO);
	run_start_terminal(&run, EITHER_WHO,
			   EITHER_RUN("n=0; trap 'n=$((n+1))' INT; echo ready; "
				     "while [ $n = 0 ]; do sleep 0.02; done; sleep 0.2; exit $n"));
	run_expect(&run, "ready");
	ck_assert_int_eq(write(run.out, "\003", 1), 1);
	run_expect(&run, "[status 1]");
	run_end(&run);
}
END_TEST

START_TEST(ctrl_c_ends_a_plain_command)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE(EITHER_WHO);
	run_start_terminal(&run, EITHER_WHO, EITHER_RUN("echo ready; exec sleep 300"));
	run_expect(&run, "ready");
	ck_assert_int_eq(write(run.out, "\003", 1), 1);
	run_expect(&run, "[status 130]");
	run_end(&run);
}
END_TEST

START_TEST(ctrl_z_stops_and_fg_continues)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE(EITHER_WHO);
	run_start_terminal(&run, EITHER_WHO,
			   /* Nothing forks here: a shell that waits for its vfork()ed child
			      to be executed cannot stop. */
			   EITHER_RUN("trap 'echo again; exit 4' CONT; echo ready; while :; do :; done"));
	run_expect(&run, "ready");
	ck_assert_int_eq(write(run.out, "\032", 1), 1);
	run_expect(&run, "[stopped by 20]");
	run_expect(&run, "again");
	run_expect(&run, "[status 4]");
	run_end(&run);
}
END_TEST

/* The server is in the background: a write would stop it. */
START_TEST(server_writes_to_a_guarded_terminal)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	run_start_terminal(&run, (enum who)_i,
			   RUN("--explain", "--fault", "MAP_DMA,error=ENOMEM", "--", "sh", "-c",
			       "stty tostop; exec 3<>/dev/vfio/vfio"));
	run_expect(&run, "never fired");
	run_expect(&run, "[status 0]");
	ck_assert_ptr_nonnull(strstr(run.text, "close it"));
	run_status(&run);
	no_process_is_left();
}
END_TEST

/* A run that sleeps; its server. */
static pid_t start_sleeper(struct run *run, enum who who)
{
	pid_t server;

	run_start(run, who, SHELL_RUN("echo ready; exec sleep 300"));
	run_expect(run, "ready");
	server = child_named(run->launcher, "vfiosim-server");
	ck_assert_int_gt(server, 0);
	return server;
}

/* See become_server(). */
START_TEST(server_is_in_the_session_of_its_run)
{
	struct run run;
	pid_t server;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	server = start_sleeper(&run, (enum who)_i);
	ck_assert_int_eq(getsid(server), getsid(run.launcher));
	ck_assert_int_eq(getpgid(server), server);
	kill(run.launcher, SIGTERM);
	ck_assert_int_eq(run_end(&run), 128 + SIGTERM);
}
END_TEST

/* Whoever may run a program but not read it may not look into its memory. */
START_TEST(memory_out_of_reach_is_told)
{
	char path[SCRATCH_PATH], copy[2 * SCRATCH_PATH + 40];
	struct run run;

	SKIP_UNLESS_POSSIBLE(AS_USER);
	close(scratch_file(path, "sh", ""));
	snprintf(copy, sizeof(copy), "cp /bin/sh %s && chmod 0111 %s", path, path);
	ck_assert_int_eq(system(copy), 0);
	ck_assert_int_eq(run_and_wait(AS_USER, RUN("--", path, "-c", "exec 3<>/dev/vfio/vfio"), &run), 0);
	unlink(path);
	ck_assert_msg(strstr(run.text, "is out of reach (Permission denied)"), "%s", run.text);
}
END_TEST

/* ---- Deaths ------------------------------------------------------------ */

START_TEST(server_killed)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	kill(start_sleeper(&run, (enum who)_i), SIGKILL);
	ck_assert_int_eq(run_status(&run), 125);
	ck_assert_ptr_nonnull(strstr(run.text, "signal 9"));
	ck_assert_ptr_nonnull(strstr(run.text, "(sleep)"));
	no_process_is_left();
}
END_TEST

START_TEST(launcher_killed)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	run_start(&run, (enum who)_i,
		  SHELL_RUN("sleep 300 & setsid sleep 301 & echo ready; sleep 302"));
	run_expect(&run, "ready");
	usleep(50000);
	kill(run.launcher, SIGKILL);
	ck_assert_int_eq(run_end(&run), 1000 + SIGKILL);
}
END_TEST

START_TEST(leftovers_are_ended_and_named)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	/* One ignores SIGTERM, one has left the session, one is an orphan already. */
	ck_assert_int_eq(run_and_wait((enum who)_i,
				      SHELL_RUN("(trap '' TERM; exec tail -f /dev/null) & tail=$!; "
						"setsid sleep 301 & sleep=$!; (sleep 302 &); "
						"until [ \"$(cat /proc/$tail/comm /proc/$sleep/comm)\" = "
						"\"$(echo tail; echo sleep)\" ]; do sleep 0.02; done; exit 6"),
				      &run),
			 6);
	ck_assert_ptr_nonnull(strstr(run.text, "(sleep)"));
	ck_assert_ptr_nonnull(strstr(run.text, "killed"));
	ck_assert_ptr_nonnull(strstr(run.text, "(tail)"));
}
END_TEST

START_TEST(leftovers_in_another_namespace)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	if (access("/usr/bin/unshare", X_OK)) {
		test_skip(__func__, "no unshare(1)");
		return;
	}
	ck_assert_int_eq(
		run_and_wait((enum who)_i,
			     SHELL_RUN("(unshare -Um setsid sleep 301 >/dev/null 2>&1 & "
				       "until [ \"$(cat /proc/$!/comm)\" = sleep ]; do sleep 0.02; done)"),
			     &run),
		0);
	ck_assert_msg(strstr(run.text, "(sleep)"), "%s", run.text);
}
END_TEST

/* What ends by itself in time is nobody's leftover. */
START_TEST(pipelines_end_quietly)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(run_and_wait((enum who)_i, SHELL_RUN("yes | head -n 1"), &run), 0);
	ck_assert_str_eq(run.text, "y\n");
}
END_TEST

/* ---- In a chroot ------------------------------------------------------- */

/* All that / has, in a folder that is no mount point, on mounts that others share. */
static int enter_chroot(const char *folder)
{
	const struct cover_names none = {};
	char root[SCRATCH_PATH + 8];
	int slash;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("test", folder, "tmpfs", 0, "mode=755"))
		return -errno;
	snprintf(root, sizeof(root), "%s/root", folder);
	slash = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdir(root, 0755) || cover_fill(root, slash, &none, false) ||
	    mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) || chroot(root) || chdir("/"))
		return -errno;
	return 0;
}

/* Has anything of a run come to our own mounts? */
static bool has_mounts_of_a_run(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	bool has = false;

	while (mounts && !has && fgets(line, sizeof(line), mounts))
		has = strstr(line, "vfiosim-server") || strstr(line, " vfiosim ");
	if (mounts)
		fclose(mounts);
	return has || !mounts;
}

/* A run's status, or 200 if the chroot could not be made, 201 if the run left mounts. */
static int run_in_chroot(enum who who, const char *folder, const char *const *words)
{
	int status;
	pid_t pid;

	if ((who == AS_USER && private_fuse(0666)) || enter_chroot(folder))
		return 200;
	pid = test_fork();
	if (pid == 0) {
		if (who == AS_USER)
			drop_to_user();
		be_launcher(AS_ROOT, words);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 200;
	return has_mounts_of_a_run() ? 201 : WEXITSTATUS(status);
}

static int start_in_chroot(struct run *run, enum who who, const char *const *words)
{
	char folder[SCRATCH_PATH];
	int status;

	scratch_path(folder, "chroot");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	if (run_fork(run))
		_exit(run_in_chroot(who, folder, words));
	status = run_end(run);
	ck_assert_int_eq(rmdir(folder), 0);
	return status;
}

START_TEST(root_runs_in_a_chroot)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	status = start_in_chroot(&run, AS_ROOT,
				 SHELL_RUN("grep -q q35 $VFIOSIM_STATE && ls -d /dev/vfio/10"));
	ck_assert_msg(status == 0, "%d: %s", status, run.text);
	ck_assert_str_eq(run.text, "/dev/vfio/10\n");
}
END_TEST

START_TEST(user_in_a_chroot_is_told)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	SKIP_UNLESS_POSSIBLE(AS_USER);
	status = start_in_chroot(&run, AS_USER, RUN("true"));
	ck_assert_msg(status == 125, "%d: %s", status, run.text);
	ck_assert_ptr_nonnull(strstr(run.text, "not allowed inside a chroot"));
	ck_assert_ptr_eq(strchr(run.text, '\n'), run.text + strlen(run.text) - 1);
}
END_TEST

/* ---- What is missing --------------------------------------------------- */

START_TEST(closed_fuse_is_one_sentence)
{
	struct run run;

	if (geteuid() != 0) {
		test_skip(__func__, "not root");
		return;
	}
	SKIP_UNLESS_POSSIBLE(AS_USER);
	if (run_fork(&run)) {
		become_user(0600);
		be_launcher(AS_ROOT, RUN("true"));
	}
	ck_assert_int_eq(run_end(&run), 125);
	ck_assert_ptr_nonnull(strstr(run.text, "/dev/fuse may not be opened by uid 4242"));
	ck_assert_ptr_eq(strchr(run.text, '\n'), run.text + strlen(run.text) - 1);
}
END_TEST

/* The kernel has one listener per tree: a run within a run says so. */
START_TEST(nested_run_is_refused)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(run_and_wait((enum who)_i, RUN("--", SELF, "nested"), &run), 125);
	ck_assert_msg(strstr(run.text, "another seccomp supervisor"), "%s", run.text);
}
END_TEST

/* ---- The suite --------------------------------------------------------- */

static Suite *launch_suite(void)
{
	const TTest *const tests[] = {
		exit_statuses,
		lost_output_is_told,
		command_finds_the_machine,
		host_is_untouched,
		host_buses_are_hidden,
		pipes_end_with_the_command,
		messages_go_to_a_file,
		refusals_alone,
		trace_is_lines_of_json,
		a_page_says_what_was_left_open,
		server_writes_to_a_guarded_terminal,
		server_is_in_the_session_of_its_run,
		server_killed,
		launcher_killed,
		leftovers_are_ended_and_named,
		leftovers_in_another_namespace,
		pipelines_end_quietly,
		nested_run_is_refused,
	};
	const TTest *const either[] = {
		signals_to_the_launcher_reach_the_command,
		ctrl_c_reaches_the_command_once,
		ctrl_c_ends_a_plain_command,
		ctrl_z_stops_and_fg_continues,
	};
	Suite *suite = suite_create("launch");
	TCase *tcase = add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 60);

	for (size_t i = 0; i < sizeof(either) / sizeof(either[0]); i++)
		tcase_add_loop_test(tcase, either[i], 0, N_EITHER);
	tcase_add_test(tcase, memory_out_of_reach_is_told);
	tcase_add_test(tcase, closed_fuse_is_one_sentence);
	tcase_add_test(tcase, root_runs_in_a_chroot);
	tcase_add_test(tcase, user_in_a_chroot_is_told);
	return suite;
}

int main(int argc, char **argv)
{
	/* The inner one of nested_run_is_refused. */
	if (argc > 1 && !strcmp(argv[1], "nested")) {
		char *inner[] = { (char[]){ "run" }, (char[]){ "true" }, NULL };

		return cli_main(&run_verb, 2, inner);
	}
	return suite_run(launch_suite());
}
