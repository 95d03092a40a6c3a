/* SPDX-License-Identifier: MIT */
/* `vfiosim doctor` where something is really missing, as root and as an ordinary user. */
#include "launch/launch_rig_test.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "base/suite_test.h"

/* ---- The rig ----------------------------------------------------------- */

/* What is wrong in the doctor's process, done as root; -errno. */
typedef int spoil_fn(void);

static int own_mounts(void)
{
	return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ? -errno : 0;
}

struct visit {
	int status;
	char text[8192];
};

static _Noreturn void be_doctor(enum who who, spoil_fn *spoil, char *command)
{
	char *argv[] = { (char[]){ "doctor" }, (char[]){ "--" }, command, NULL };
	bool root = geteuid() == 0;

	if (who == AS_USER && root && private_fuse(0666))
		_exit(98);
	if (spoil && spoil())
		_exit(97);
	if (who == AS_USER && root)
		drop_to_user();
	exit(cli_main(&doctor_verb, command ? 3 : 1, argv));
}

static void visit(struct visit *to, enum who who, spoil_fn *spoil, char *command)
{
	size_t length = 0;
	int ends[2];
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = test_fork();
	if (!pid) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		be_doctor(who, spoil, command);
	}
	close(ends[1]);
	while (length < sizeof(to->text) - 1 &&
	       (n = read(ends[0], to->text + length, sizeof(to->text) - 1 - length)) > 0)
		length += (size_t)n;
	to->text[length] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &to->status, 0), pid);
	to->status = WIFEXITED(to->status) ? WEXITSTATUS(to->status) : 1000 + WTERMSIG(to->status);
	ck_assert_msg(to->status != 97 && to->status != 98, "the test could not provoke it");
	no_process_is_left();
}

#define SAYS(words_)                                                                               \
	ck_assert_msg(strstr(seen.text, (words_)), "no '%s', status %d, in:\n%s", (words_),         \
		      seen.status, seen.text)
#define FINDS(who_, spoil_, command_, words_)                                                      \
	do {                                                                                       \
		visit(&seen, (who_), (spoil_), (command_));                                          \
		SAYS(words_);                                                                        \
		ck_assert_int_eq(seen.status, 1);                                                    \
	} while (0)
#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		SKIP_UNLESS_POSSIBLE(AS_USER);                                                       \
		SKIP_IF(geteuid() ? "only root can provoke it" : NULL, AS_ROOT);                      \
	} while (0)

/* ---- Well -------------------------------------------------------------- */

START_TEST(all_is_well)
{
	char command[] = "true";
	struct visit seen;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	visit(&seen, (enum who)_i, NULL, command);
	ck_assert_msg(!seen.status && !strstr(seen.text, "FAIL") && !strstr(seen.text, "skip"),
		      "status %d:\n%s", seen.status, seen.text);
	SAYS("ok   kernel: Linux ");
	SAYS("ok   libfuse: 3.");
	SAYS("ok   /dev/fuse: can be opened");
	SAYS("ok   seccomp notification: there");
	SAYS("ok   command: /");
	SAYS("ok   run: a program has opened /dev/vfio/vfio in one");
}
END_TEST

/* ---- Not well ---------------------------------------------------------- */

static int hide_fuse(void)
{
	int error = own_mounts();

	return error || !mount("test", "/dev", "tmpfs", 0, "mode=755") ? error : -errno;
}

START_TEST(no_dev_fuse)
{
	struct visit seen;

	NEEDS_ROOT();
	FINDS((enum who)_i, hide_fuse, NULL, "FAIL /dev/fuse: does not exist: load the kernel's module");
	SAYS("skip run: not tried after what failed above");
}
END_TEST

static int close_fuse(void)
{
	return private_fuse(0600);
}

START_TEST(dev_fuse_is_closed)
{
	struct visit seen;

	NEEDS_ROOT();
	FINDS(AS_USER, close_fuse, NULL, "FAIL /dev/fuse: is closed to uid 4242 (mode 0600): chmod 0666");
	visit(&seen, AS_ROOT, close_fuse, NULL);
	ck_assert_msg(!seen.status, "status %d:\n%s", seen.status, seen.text);
}
END_TEST

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

/* As sysctl user.max_user_namespaces=0, in a namespace of its own. */
static int forbid_user_namespaces(void)
{
	int parent[2], child[2], error = -1;
	char path[64];
	pid_t pid;

	if (pipe2(parent, O_CLOEXEC) || pipe2(child, O_CLOEXEC))
		return -errno;
	pid = test_fork();
	if (!pid) {	/* who maps ids must be outside */
		bool mapped;
		char byte;

		(void)!read(child[0], &byte, 1);
		snprintf(path, sizeof(path), "/proc/%d/uid_map", getppid());
		mapped = !put(path, "0 0 1\n4242 4242 1");
		snprintf(path, sizeof(path), "/proc/%d/gid_map", getppid());
		mapped = mapped && !put(path, "0 0 1\n4242 4242 1");
		(void)!write(parent[1], &mapped, sizeof(mapped));
		_exit(0);
	}
	if (!unshare(CLONE_NEWUSER) && write(child[1], "", 1) == 1) {
		bool mapped = false;

		(void)!read(parent[0], &mapped, sizeof(mapped));
		error = mapped ? put("/proc/sys/user/max_user_namespaces", "0") : -EPERM;
	}
	waitpid(pid, NULL, 0);
	return error;
}

START_TEST(no_user_namespaces)
{
	struct visit seen;

	NEEDS_ROOT();
	FINDS(AS_USER, forbid_user_namespaces, NULL,
	      "FAIL user namespaces: none allowed: set user.max_user_namespaces above 0");
	SAYS("skip mounting: not tried without a namespace");
}
END_TEST

/* Who is who in a namespace is written there. */
static int hide_proc(void)
{
	int error = own_mounts();

	return error || !mount("test", "/proc", "tmpfs", 0, "mode=755") ? error : -errno;
}

/* What fails is no capability of root's. */
START_TEST(no_proc)
{
	struct visit seen;

	NEEDS_ROOT();
	FINDS(AS_USER, hide_proc, NULL,
	      "FAIL user namespaces: one can be made, but /proc/self/uid_map cannot be written in it (No "
	      "such file or directory)");
}
END_TEST

static char jail[SCRATCH_PATH];

/* With the host's /proc, /dev and programs in it. */
static int enter_chroot(void)
{
	static const char *const folders[] = { "/proc", "/dev", "/sys", "/usr", "/lib", "/lib64", "/bin" };
	int error = own_mounts();
	char path[SCRATCH_PATH + 16];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !error; i++) {
		snprintf(path, sizeof(path), "%s%s", jail, folders[i]);
		if (!access(folders[i], F_OK) &&
		    (mkdir(path, 0755) || mount(folders[i], path, NULL, MS_BIND | MS_REC, NULL)))
			error = -errno;
	}
	return error || !chroot(jail) ? (error ? error : chdir("/")) : -errno;
}

static void remove_jail(void)
{
	static const char *const folders[] = { "/proc", "/dev", "/sys", "/usr", "/lib", "/lib64", "/bin", "" };
	char path[SCRATCH_PATH + 16];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", jail, folders[i]);
		rmdir(path);
	}
}

/* As a container with --cap-drop ALL, whose root is still uid 0. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

START_TEST(root_without_capabilities)
{
	struct visit seen;

	NEEDS_ROOT();
	FINDS(AS_ROOT, drop_capabilities, NULL,
	      "FAIL user namespaces: one can be made, but root without CAP_SETFCAP");
	SAYS("skip run: not tried after what failed above");
}
END_TEST

/* The jail is a mount of the whole host, so its root is one. */
static int enter_mounted_chroot(void)
{
	if (own_mounts() || mount("/", jail, NULL, MS_BIND | MS_REC, NULL) || chroot(jail))
		return -errno;
	return chdir("/");
}

START_TEST(in_a_chroot_that_is_a_mount)
{
	struct visit seen;

	NEEDS_ROOT();
	ck_assert_ptr_nonnull(mkdtemp(strcpy(jail, "/tmp/vfiosim-doctor-XXXXXX")));
	ck_assert_int_eq(chmod(jail, 0755), 0);
	visit(&seen, AS_USER, enter_mounted_chroot, NULL);
	rmdir(jail);
	SAYS("FAIL chroot: in one, where the kernel allows no user namespace: run as root");
	SAYS("FAIL user namespaces: none in a chroot");
	ck_assert_int_eq(seen.status, 1);
}
END_TEST

START_TEST(in_a_chroot)
{
	struct visit seen;

	NEEDS_ROOT();
	scratch_path(jail, "jail");
	ck_assert_ptr_nonnull(mkdtemp(jail));
	ck_assert_int_eq(chmod(jail, 0755), 0);
	visit(&seen, AS_USER, enter_chroot, NULL);
	remove_jail();
	SAYS("FAIL chroot: in one, where the kernel allows no user namespace: run as root");
	SAYS("FAIL user namespaces: none in a chroot");
	ck_assert_int_eq(seen.status, 1);
	scratch_path(jail, "jail");
	ck_assert_ptr_nonnull(mkdtemp(jail));
	visit(&seen, AS_ROOT, enter_chroot, NULL);
	remove_jail();
	SAYS("ok   chroot: in one, which does not hinder root");
	ck_assert_msg(!seen.status, "status %d:\n%s", seen.status, seen.text);
}
END_TEST

/* A container runtime's, say: it lets everything pass, and listens. */
static int watch_with_another(void)
{
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { 1, allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) <
		       0 ? -errno : 0;
}

START_TEST(under_another_listener)
{
	struct visit seen;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FINDS((enum who)_i, watch_with_another, NULL,
	      "FAIL outer listener: another seccomp supervisor already watches this process");
}
END_TEST

/* From now on the system call @number fails with @error. */
static int refuse_call(uint32_t number, uint32_t error)
{
	struct sock_filter refuse[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, refuse };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

/* As container runtimes' default profiles did. */
static int forbid_seccomp(void)
{
	return refuse_call(SYS_seccomp, EPERM);
}

START_TEST(seccomp_is_refused)
{
	struct visit seen;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FINDS((enum who)_i, forbid_seccomp, NULL, "FAIL seccomp notification: seccomp(2) is refused");
}
END_TEST

/* What AppArmor's limit looks like from inside: a namespace, and no right to mount in it. */
static int forbid_mount(void)
{
	return refuse_call(SYS_mount, EACCES);
}

START_TEST(mounting_is_refused)
{
	struct visit seen;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FINDS((enum who)_i, forbid_mount, NULL, "FAIL mounting: changing mounts is refused (Permission denied)");
}
END_TEST

static int forbid_pipes(void)
{
	return refuse_call(SYS_pipe2, EMFILE);
}

static int forbid_processes(void)
{
	return refuse_call(SYS_clone, EAGAIN);
}

/* Why a check was not made is what failed, not what failed before. */
START_TEST(no_check_can_be_made)
{
	struct visit seen;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FINDS((enum who)_i, forbid_pipes, NULL,
	      "FAIL kernel: cannot be checked: no pipe: Too many open files\n");
	FINDS((enum who)_i, forbid_processes, NULL,
	      "FAIL kernel: cannot be checked: no process: Resource temporarily unavailable\n");
}
END_TEST

START_TEST(programs)
{
	char path[SCRATCH_PATH], gone[] = "no-such-program", folder[] = "/tmp";
	struct visit seen;
	int fd;

	NEEDS_ROOT();
	fd = scratch_file(path, "program", "#!/bin/true\n");
	ck_assert_int_eq(fchmod(fd, 0711), 0);
	close(fd);
	FINDS(AS_USER, NULL, path, " may be executed, but not read: ");
	visit(&seen, AS_ROOT, NULL, path);
	ck_assert_msg(!seen.status, "status %d:\n%s", seen.status, seen.text);
	ck_assert_int_eq(chmod(path, 0644), 0);
	FINDS(AS_USER, NULL, path, "FAIL command: uid 4242 may not execute ");
	SAYS(": chmod a+x, if it is a program");
	ck_assert_int_eq(chmod(path, 04755), 0);
	visit(&seen, AS_USER, NULL, path);
	SAYS("its set-user-ID bit or capabilities have no effect");
	ck_assert_int_eq(seen.status, 0);
	unlink(path);
	FINDS((enum who)_i, NULL, gone, "FAIL command: 'no-such-program' is not found");
	FINDS((enum who)_i, NULL, folder, "is a directory: give the path of a program");
}
END_TEST

static char home[SCRATCH_PATH];

/* An empty folder of PATH is the one where we are, also behind the last ':'. */
static int path_ends_here(void)
{
	setenv("PATH", "/usr/bin:", 1);
	return chdir(home) ? -errno : 0;
}

START_TEST(a_program_where_we_are)
{
	char path[SCRATCH_PATH + 32], name[] = "vfiosim-doctor-test";
	struct visit seen;
	int fd;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	scratch_path(home, "home");
	ck_assert_ptr_nonnull(mkdtemp(home));
	snprintf(path, sizeof(path), "%s/%s", home, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	close(fd);
	visit(&seen, AS_ROOT, path_ends_here, name);
	unlink(path);
	rmdir(home);
	SAYS("ok   command: ./vfiosim-doctor-test can be run");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		all_is_well, no_dev_fuse, under_another_listener, seccomp_is_refused,
		mounting_is_refused, no_check_can_be_made, programs,
	};
	const TTest *const once[] = { dev_fuse_is_closed, no_user_namespaces, no_proc,
				       root_without_capabilities, in_a_chroot,
				       in_a_chroot_that_is_a_mount, a_program_where_we_are };
	Suite *suite = suite_create("doctor");
	TCase *tcase = add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 60);

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		tcase_add_test(tcase, once[i]);
	return suite_run(suite);
}
