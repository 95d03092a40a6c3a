/* SPDX-License-Identifier: MIT */
/*
 * Runs that end though somebody waits where no signal reaches: the launcher, or process 1 where
 * that was killed too, aborts the connections, or the kernel does.
 *
 * One kind: a server that is killed while it waits for itself.
 * To learn which file a client's descriptor names, or to read memory that is a device's, the
 * server sends a request to its own FUSE connection. The test's read() kills the server as soon
 * as it has read such a request: the thread that asked then waits where no signal ends it.
 * Which file is asked by a thread without connections (aside.h): that wait ends by itself, even
 * if the launcher was killed too.
 *
 * The other: a client that is killed while its command waits for memory which nobody
 * answers for. Either client may, as root, have detached every mount of the machine.
 */
#include "launch/launch_rig_test.h"

#include <linux/fuse.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/suite_test.h"

/* In those of the tests that set them, and so in their servers. */
static uint32_t kills_server_at;	/* a FUSE opcode; 0: never */
static bool kills_launcher;

/* A request that a thread of this process has made. */
static bool is_own_request(const void *bytes, ssize_t length)
{
	const struct fuse_in_header *header = bytes;

	return length >= (ssize_t)sizeof(*header) && (size_t)length == header->len && header->pid &&
	       header->opcode == kills_server_at && !syscall(SYS_tgkill, getpid(), header->pid, 0);
}

ssize_t read(int fd, void *to, size_t size)
{
	ssize_t length = syscall(SYS_read, fd, to, size);

	if (length > 0 && kills_server_at && in_server() && is_own_request(to, length)) {
		if (kills_launcher)
			kill(getppid(), SIGKILL);
		kill(getpid(), SIGKILL);
	}
	return length;
}

/* ---- Clients ----------------------------------------------------------- */

struct client {
	int container, group;
};

static struct client client_open(void)
{
	return (struct client){ open("/dev/vfio/vfio", O_RDWR), open("/dev/vfio/10", O_RDWR) };
}

/* The last mount of the machine's, by its path. */
static bool find_mount(char *ret_path, size_t size)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char line[4096], path[PATH_MAX];
	bool found = false;

	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (!strstr(line, " - fuse.vfiosim ") ||
		    sscanf(line, "%*s %*s %*s %*s %4095s", path) != 1)
			continue;
		snprintf(ret_path, size, "%s", path);
		found = true;
	}
	if (mounts)
		fclose(mounts);
	return found;
}

/* What is open stays usable; no path leads to the machine any more. */
static void detach_mounts(void)
{
	char path[PATH_MAX];

	while (find_mount(path, sizeof(path)))
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW)) {
			printf("cannot detach %s: %s\n", path, strerror(errno));
			_exit(1);
		}
	printf("detached\n");
}

/* Puts a group into a container, whose descriptor the server looks up. */
static int ask(struct client client)
{
	printf("asks\n");
	fflush(stdout);
	ioctl(client.group, VFIO_GROUP_SET_CONTAINER, &client.container);
	printf("answered: %s\n", strerror(errno));
	return 0;
}

static int be_client(void)
{
	return ask(client_open());
}

static int be_detached_client(void)
{
	struct client client = client_open();

	detach_mounts();
	return ask(client);
}

/* A device's descriptor: what is put in its place is opened by the server itself. */
static int device_fd(struct client client)
{
	printf("asks\n");
	fflush(stdout);
	if (ioctl(client.group, VFIO_GROUP_SET_CONTAINER, &client.container) ||
	    ioctl(client.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -1;
	return ioctl(client.group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.0");
}

static int be_device_client(void)
{
	int device = device_fd(client_open());

	printf("answered: %d\n", device);
	return 0;
}

/* A page of BAR 0 that was never touched; MAP_FAILED: told. */
static void *device_page(struct client client)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };
	void *page = MAP_FAILED;
	int device = device_fd(client);

	if (device >= 0 && !ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		page = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)info.offset);
	if (page == MAP_FAILED)
		printf("no device page: %s\n", strerror(errno));
	return page;
}

/* A command whose structure is in a device's memory: to read it the server asks itself. */
static int be_mapped_client(void)
{
	struct client client = client_open();
	void *page = device_page(client);

	if (page == MAP_FAILED)
		return 1;
	ioctl(client.container, VFIO_IOMMU_GET_INFO, page);
	printf("answered: %s\n", strerror(errno));
	return 0;
}

/* The same by a process that the command leaves behind, once the command has ended. */
static int be_leftover(void)
{
	pid_t command = getpid();

	signal(SIGTERM, SIG_IGN);
	if (fork())
		return 3;
	while (getppid() == command)
		usleep(1000);
	return be_client();
}

/* A page that is never there; MAP_FAILED: not permitted here. */
static void *absent_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	range.range.start = (uintptr_t)page;
	range.range.len = 4096;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
		return MAP_FAILED;
	return page;
}

/* Has @process been in one and the same ioctl() for a while? */
static bool blocks_in_ioctl(pid_t process)
{
	char path[64], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", process);
	file = fopen(path, "re");
	if (file) {
		(void)!fgets(text, sizeof(text), file);
		fclose(file);
	}
	return atol(text) == SYS_ioctl && text[0] >= '0' && text[0] <= '9';
}

static int wait_in_a_command(void)
{
	struct client client = client_open();
	void *page = absent_page();

	if (page == MAP_FAILED)
		return 1;
	if (ioctl(client.group, VFIO_GROUP_SET_CONTAINER, &client.container) ||
	    ioctl(client.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 2;
	detach_mounts();
	fflush(stdout);
	ioctl(client.container, VFIO_IOMMU_GET_INFO, page);
	return 3;
}

/* Kills a client that waits for good, and waits for it to die. */
static int be_killer(void)
{
	pid_t client;
	int status;

	fflush(stdout);
	client = fork();
	if (!client)
		_exit(wait_in_a_command());
	for (int blocked = 0; blocked < 10; usleep(20000)) {
		blocked = blocks_in_ioctl(client) ? blocked + 1 : 0;
		if (waitpid(client, &status, WNOHANG) == client) {
			printf("client ended: %d\n", WEXITSTATUS(status));
			return 0;
		}
	}
	printf("kills\n");
	fflush(stdout);
	kill(client, SIGKILL);
	waitpid(client, &status, 0);
	return 0;
}

/* ---- Runs -------------------------------------------------------------- */

static void check_run_ends(enum who who, const char *command, uint32_t opcode)
{
	struct run run;
	int status;

	kills_server_at = opcode;
	status = run_and_wait(who, RUN("--topology", "q35", "--", SELF, command), &run);
	ck_assert_msg(status == 125 && strstr(run.text, "asks\n") && strstr(run.text, "signal 9"),
		      "status %d: %s", status, run.text);
}

START_TEST(server_killed_while_it_asks_itself)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends((enum who)_i, "client", FUSE_IOCTL);
}
END_TEST

START_TEST(server_killed_while_it_reads_its_own_memory)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends((enum who)_i, "mapped-client", FUSE_READ);
}
END_TEST

START_TEST(server_killed_after_the_command)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends((enum who)_i, "leftover", FUSE_IOCTL);
}
END_TEST

static void check_run_ends_without_launcher(enum who who, const char *const *words, uint32_t opcode)
{
	struct run run;

	kills_server_at = opcode;
	kills_launcher = true;
	run_start(&run, who, words);
	ck_assert_int_eq(run_end(&run), 1000 + SIGKILL);
	ck_assert_msg(strstr(run.text, "asks\n"), "%s", run.text);
}

/* All that the server asks of itself by a descriptor; it closes one with a FLUSH where somebody
   wants to know what is left open. */
static const struct {
	const char *command;
	uint32_t opcode;
} questions[] = {
	{ "client", FUSE_IOCTL },
	{ "device-client", FUSE_LOOKUP },
	{ "device-client", FUSE_OPEN },
	{ "device-client", FUSE_FLUSH },
};

#define N_QUESTIONS (int)(sizeof(questions) / sizeof(questions[0]))

START_TEST(launcher_killed_with_a_server_that_asks_itself)
{
	enum who who = _i % N_WHO;
	int i = _i / N_WHO;

	SKIP_UNLESS_POSSIBLE(who);
	check_run_ends_without_launcher(who, RUN("--topology", "q35", "--state", "/dev/null", "--", SELF,
						 questions[i].command), questions[i].opcode);
}
END_TEST

/* Somebody must be left who aborts the connections. */
START_TEST(launcher_killed_with_a_server_that_reads_its_own_memory)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	check_run_ends_without_launcher((enum who)_i, RUN("--pidns", "--topology", "q35", "--", SELF,
							  "mapped-client"), FUSE_READ);
}
END_TEST

/* Only root may unmount. */
START_TEST(server_killed_and_its_mounts_detached)
{
	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	check_run_ends(AS_ROOT, "detached-client", FUSE_IOCTL);
}
END_TEST

START_TEST(client_killed_and_its_mounts_detached)
{
	struct run run;
	int status;

	SKIP_UNLESS_POSSIBLE(AS_ROOT);
	status = run_and_wait(AS_ROOT, RUN("--topology", "q35", "--", SELF, "killer"), &run);
	if (strstr(run.text, "client ended: 1")) {
		test_skip(__func__, "userfaultfd is not permitted here");
		return;
	}
	ck_assert_msg(status == 125 && strstr(run.text, "detached\nkills\n") &&
			      strstr(run.text, "was killed in a command"),
		      "status %d: %s", status, run.text);
}
END_TEST

struct command {
	const char *name;
	int (*be)(void);
};

static const struct command commands[] = {
	{ "client", be_client },
	{ "device-client", be_device_client },
	{ "mapped-client", be_mapped_client },
	{ "leftover", be_leftover },
	{ "detached-client", be_detached_client },
	{ "killer", be_killer },
};

static Suite *make_suite(void)
{
	TCase *tcase = tcase_create("kill");
	Suite *suite = suite_create("launch_kill");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, server_killed_while_it_asks_itself, 0, N_WHO);
	tcase_add_loop_test(tcase, server_killed_while_it_reads_its_own_memory, 0, N_WHO);
	tcase_add_loop_test(tcase, server_killed_after_the_command, 0, N_WHO);
	tcase_add_loop_test(tcase, launcher_killed_with_a_server_that_asks_itself, 0, N_QUESTIONS * N_WHO);
	tcase_add_loop_test(tcase, launcher_killed_with_a_server_that_reads_its_own_memory, 0, N_WHO);
	tcase_add_test(tcase, server_killed_and_its_mounts_detached);
	tcase_add_test(tcase, client_killed_and_its_mounts_detached);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].be();
	return suite_run(make_suite());
}
