/* SPDX-License-Identifier: MIT */
/*
 * A client whose command waits for memory that nobody answers for, a userfaultfd's,
 * and that is killed: it dies, the server ends, and says why. One that is
 * merely slow is served.
 */
#include <linux/userfaultfd.h>

#include "front/fuse/fuse_rig_test.h"
#include "base/suite_test.h"

#define SERVER_PATIENCE_MS 6000

/* A page that is never there; NULL: not permitted here. Its userfaultfd in @ret_fd. */
static void *absent_page(int *ret_fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	void *page = rig_memory(4096);

	range.range.start = (uintptr_t)page;
	range.range.len = 4096;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		return NULL;
	*ret_fd = fd;
	return page;
}

struct stuck {
	int ready[2];		/* a pipe: the client's userfaultfd, then it calls */
};

static int call_and_wait(const struct stuck *stuck)
{
	int fd = -1, container, group;
	void *page = absent_page(&fd);

	rig_attach("2", &container, &group);
	if (write(stuck->ready[1], &fd, sizeof(fd)) < 0 || fd < 0)
		return 1;
	rig_ioctl(container, VFIO_IOMMU_GET_INFO, page);
	return 0;
}

/* A client in its call; its process, and its userfaultfd's number. -1: not possible here. */
static pid_t stuck_start(struct stuck *stuck, int *ret_fd)
{
	pid_t client;

	ck_assert_int_eq(pipe(stuck->ready), 0);
	client = test_fork();
	ck_assert_int_ge(client, 0);
	if (!client)
		_exit(call_and_wait(stuck));
	ck_assert_int_eq(read(stuck->ready[0], ret_fd, sizeof(*ret_fd)), sizeof(*ret_fd));
	if (*ret_fd >= 0) {
		usleep(200000);
		return client;
	}
	waitpid(client, NULL, 0);
	rig_skip("userfaultfd is not permitted here");
	return -1;
}

/* How @process ended, within SERVER_PATIENCE_MS. */
static int ended(pid_t process, const char *who)
{
	int status;

	for (int i = 0; i < SERVER_PATIENCE_MS / 10; i++) {
		if (waitpid(process, &status, WNOHANG) == process)
			return status;
		usleep(10000);
	}
	ck_abort_msg("%s does not end", who);
}

/* A server whose stderr is @ret_messages. */
static bool start(struct rig *rig, int *ret_messages)
{
	int ends[2], saved = dup(2);
	bool started;

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], 2);
	started = rig_start(rig, RIG_ROOT, "minimal");
	dup2(saved, 2);
	close(saved);
	close(ends[1]);
	*ret_messages = ends[0];
	return started;
}

static void expect_cut(struct rig *rig, pid_t client, int messages)
{
	char text[512] = "";
	int status;

	status = ended(client, "the client");
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	status = ended(rig->server, "the server");
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == RIG_CUT,
		      "the server ended with 0x%x", (unsigned)status);
	ck_assert_int_gt(read(messages, text, sizeof(text) - 1), 0);
	ck_assert_msg(strstr(text, "was killed in a command"), "%s", text);
	ck_assert_ptr_eq(strchr(text, '\n'), strrchr(text, '\n'));
}

START_TEST(test_killed)
{
	struct stuck stuck;
	struct rig rig;
	int fd, messages;
	pid_t client;

	if (!start(&rig, &messages))
		return;
	client = stuck_start(&stuck, &fd);
	if (client < 0)
		return;
	kill(client, SIGKILL);
	expect_cut(&rig, client, messages);
}
END_TEST

/* Somebody else keeps the userfaultfd: our thread stays where it is, and the server ends. */
START_TEST(test_killed_but_still_absent)
{
	struct stuck stuck;
	struct rig rig;
	int fd, messages, pidfd;
	pid_t client;

	if (!start(&rig, &messages))
		return;
	client = stuck_start(&stuck, &fd);
	if (client < 0)
		return;
	pidfd = (int)syscall(SYS_pidfd_open, client, 0);
	ck_assert_int_ge((int)syscall(SYS_pidfd_getfd, pidfd, fd, 0), 0);
	kill(client, SIGKILL);
	expect_cut(&rig, client, messages);
}
END_TEST

/* Waits for longer than a stuck one may, and gets its page. */
START_TEST(test_slow)
{
	struct uffdio_copy copy = { .len = 4096 };
	char page[4096] = { 0 };
	struct uffd_msg message;
	struct stuck stuck;
	struct rig rig;
	int fd, messages, pidfd, ours, status;
	pid_t client;

	if (!start(&rig, &messages))
		return;
	client = stuck_start(&stuck, &fd);
	if (client < 0)
		return;
	pidfd = (int)syscall(SYS_pidfd_open, client, 0);
	ours = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	ck_assert_int_eq(read(ours, &message, sizeof(message)), sizeof(message));
	sleep(5);
	copy.src = (uintptr_t)page;
	copy.dst = message.arg.pagefault.address & ~4095ull;
	ck_assert_int_eq(ioctl(ours, UFFDIO_COPY, &copy), 0);
	status = ended(client, "the client");
	ck_assert_int_eq(status, 0);
	rig_stop(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fuse_stuck");
	TCase *tests = tcase_create("stuck");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_killed);
	tcase_add_test(tests, test_killed_but_still_absent);
	tcase_add_test(tests, test_slow);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
