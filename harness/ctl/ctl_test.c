/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim ctl` and $VFIOSIM_CTL, from inside a run and from outside: the client is this
 * program, which waits in the run until it is told to end.
 */
#include "launch/launch_rig_test.h"

#include <linux/vfio.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/suite_test.h"

/* ---- The client -------------------------------------------------------- */

static int map(int container, void *at, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = 4096,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

/* What one write to the control file gives; then what is read. */
static int control(const char *line, char *to, size_t size)
{
	int fd = open(getenv("VFIOSIM_CTL"), O_RDWR), error = 0;
	ssize_t n;

	if (write(fd, line, strlen(line)) < 0)
		error = -errno;
	n = read(fd, to, size - 1);
	to[n > 0 ? n : 0] = '\0';
	close(fd);
	return error;
}

/* The same with a descriptor for each: `echo LINE >FILE`, `cat FILE`. */
static int echo_and_cat(const char *line, char *to, size_t size)
{
	int out = open(getenv("VFIOSIM_CTL"), O_WRONLY), in, error = 0;
	ssize_t n;

	if (write(out, line, strlen(line)) < 0)
		error = -errno;
	close(out);
	in = open(getenv("VFIOSIM_CTL"), O_RDONLY);
	n = read(in, to, size - 1);
	to[n > 0 ? n : 0] = '\0';
	close(in);
	return error;
}

/* nic0 in its container, and the eventfd that asks for it. */
static struct {
	int container, group, device, event;
} nic0 = { .device = -1, .event = -1 };

static int attach_nic0(void)
{
	nic0.container = open("/dev/vfio/vfio", O_RDWR);
	nic0.group = open("/dev/vfio/10", O_RDWR);
	return ioctl(nic0.group, VFIO_GROUP_SET_CONTAINER, &nic0.container) ||
	       ioctl(nic0.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
}

static int leave_nic0(void)
{
	close(nic0.device);
	close(nic0.group);
	close(nic0.container);
	return 0;
}

static int open_nic0(void)
{
	struct {
		struct vfio_irq_set set;
		int32_t event;
	} req = { { .argsz = sizeof(req), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
		    .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER } };

	if (attach_nic0())
		return -errno;
	nic0.device = ioctl(nic0.group, VFIO_GROUP_GET_DEVICE_FD, "0000:01:00.0");
	req.event = nic0.event = eventfd(0, 0);
	return nic0.device < 0 || ioctl(nic0.device, VFIO_DEVICE_SET_IRQS, &req) ? -errno : 0;
}

/* Waits until it is asked for it, and lets go of it. */
static int yield_nic0(void)
{
	uint64_t asked = 0;

	if (read(nic0.event, &asked, sizeof(asked)) < 0)
		return -errno;
	leave_nic0();
	return (int)asked - 1;
}

/* mdev0 instead of nic0, with a page that the device may read at 0x1000 and its BAR at 0x8000. */
static int open_mdev0(void)
{
	static char page[8192] __attribute__((aligned(4096)));
	int container = open("/dev/vfio/vfio", O_RDWR), group = open("/dev/vfio/11", O_RDWR), device;
	struct vfio_region_info bar = { .argsz = sizeof(bar), .index = 0 };
	void *at;

	leave_nic0();
	memset(page, 1, sizeof(page));
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) || map(container, page, 0x1000))
		return -errno;
	device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	if (device < 0 || ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &bar))
		return -errno;
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)bar.offset);
	return at == MAP_FAILED ? -errno : map(container, at, 0x8000);
}

/* Ends with the device open. */
static int end_when_asked(void)
{
	uint64_t asked;

	if (read(nic0.event, &asked, sizeof(asked)) < 0)
		return -errno;
	exit(0);
}

/* Can anybody find it? */
static int find_nic0(void)
{
	static const char *const paths[] = { "/sys/bus/pci/devices/0000:01:00.0/vendor",
					     "/sys/kernel/iommu_groups/10/devices/0000:01:00.0",
					     "/dev/vfio/10" };
	int found = 0;

	for (size_t i = 0; i < 3; i++)
		found += !access(paths[i], F_OK);
	return found;
}

static int open_stranger(void)
{
	return ioctl(nic0.group, VFIO_GROUP_GET_DEVICE_FD, "0000:77:00.0") < 0 ? -errno : 0;
}

/* On a container without a group; by a thread, whose number nobody knows. */
static void *choose_iommu(void *container)
{
	return ioctl(*(int *)container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ? container : NULL;
}

static int choose_early(void)
{
	int container = open("/dev/vfio/vfio", O_RDWR);
	pthread_t thread;
	void *refused;

	pthread_create(&thread, NULL, choose_iommu, &container);
	pthread_join(thread, &refused);
	close(container);
	return refused ? 0 : -1;
}

/* Does a verb of its own. */
static bool act(const char *line)
{
	static const struct {
		const char *verb;
		int (*run)(void);
	} verbs[] = { { "open", open_nic0 }, { "yield", yield_nic0 }, { "find", find_nic0 },
		      { "leave", leave_nic0 }, { "stranger", open_stranger }, { "early", choose_early }, { "alone", open_mdev0 },
		      { "await", end_when_asked } };
	static int acts;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(line, verbs[i].verb))
			continue;
		printf("%d. %s...\n", ++acts, line);
		fflush(stdout);
		printf("%d. %s: %d\n", acts, line, verbs[i].run());
		return true;
	}
	return false;
}

/* Attaches nic0, is refused once, and does what it is told, line by line, until the end. */
static int client(void)
{
	static char page[8192] __attribute__((aligned(4096)));
	char line[64], answer[4096];
	int container;

	if (attach_nic0())
		return 90;
	container = nic0.container;
	memset(page, 1, sizeof(page));
	if (map(container, page, 0x1000) || map(container, page, 0xfee00000) != -EINVAL)
		return 91;
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		line[strcspn(line, ";")] = line[0] == '>' && strchr(line, ';') ? '\n' : '\0';
		if (!strcmp(line, "map"))
			printf("map: %s\n", strerror(-map(container, page, 0x2000)));
		else if (line[0] == '>')
			printf("%s: %d %s\n", line, echo_and_cat(line + 1, answer, sizeof(answer)), answer);
		else if (!act(line))
			printf("%s: %d %s\n", line, control(line, answer, sizeof(answer)), answer);
		fflush(stdout);
	}
	return 0;
}

/* ---- The rig ----------------------------------------------------------- */

/* A run whose client can be told something. */
struct told_run {
	struct run run;
	int in;
	pid_t client;
	char name[32];
};

/* Descriptor 0 of the launcher becomes the command's. */
static void told_start(struct told_run *told, enum who who, const char *name, const char *const *extra)
{
	const char *words[12] = { "-t", "hotadd", "--name", told->name };
	int ends[2], old = dup(0), n = 4;

	for (; extra && *extra; extra++)
		words[n++] = *extra;
	words[n++] = "--";
	words[n++] = SELF;
	words[n++] = "client";
	snprintf(told->name, sizeof(told->name), "%s-%d", name, getpid());
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	dup2(ends[0], 0);
	run_start(&told->run, who, words);
	dup2(old, 0);
	close(old);
	close(ends[0]);
	told->in = ends[1];
	run_expect(&told->run, "ready ");
	told->client = (pid_t)atoi(strstr(told->run.text, "ready ") + 6);
}

static void tell(struct told_run *told, const char *line)
{
	dprintf(told->in, "%s\n", line);
}

static int told_end(struct told_run *told)
{
	/* The launcher is a fork of ours: closing is not enough. */
	tell(told, "quit");
	close(told->in);
	return run_end(&told->run);
}

static _Noreturn void be_ctl(enum who who, const char *const *words)
{
	char *argv[16] = { (char[]){ "ctl" } };
	int argc = 1;

	for (; words[argc - 1] && argc < 15; argc++)
		argv[argc] = strdup(words[argc - 1]);
	if (who == AS_USER && geteuid() == 0)
		drop_to_user();
	exit(cli_main(&ctl_verb, argc, argv));
}

/* What `vfiosim ctl WORDS` prints, from outside; its exit status. */
static int ctl(enum who who, const char *const *words, char *to, size_t size)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = test_fork();
	if (!pid) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		be_ctl(who, words);
	}
	close(ends[1]);
	while (n < size - 1 && (got = read(ends[0], to + n, size - 1 - n)) > 0)
		n += (size_t)got;
	to[n] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define CTL(status_, ...)                                                                          \
	do {                                                                                       \
		int got_ = ctl((enum who)_i, (const char *const[]){ "-r", told.name, __VA_ARGS__, NULL }, text, \
			       sizeof(text));                                                      \
		ck_assert_msg(got_ == (status_), "status %d:\n%s", got_, text);                      \
	} while (0)
#define SAYS(words_) ck_assert_msg(strstr(text, (words_)), "no '%s' in:\n%s", (words_), text)

/* ---- Looking in -------------------------------------------------------- */

START_TEST(runs_are_listed_by_name)
{
	struct told_run told, other;
	char text[16384], number[16];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "one", NULL);
	told_start(&other, (enum who)_i, "two", NULL);
	ck_assert_int_eq(ctl((enum who)_i, RUN("list"), text, sizeof(text)), 0);
	SAYS(told.name);
	SAYS(other.name);
	CTL(0, "mark", "here");
	ck_assert_int_eq(ctl((enum who)_i, RUN("state"), text, sizeof(text)), 2);
	SAYS("choose one with -r");
	ck_assert_int_eq(ctl((enum who)_i, RUN("-r", "three", "state"), text, sizeof(text)), 2);
	SAYS("there is no run called three");
	snprintf(number, sizeof(number), "%d", other.run.launcher);
	ck_assert_int_eq(ctl((enum who)_i, RUN("state", "-r", number), text, sizeof(text)), 0);
	tell(&other, "quit");
	close(other.in);
	ck_assert_int_eq(run_status(&other.run), 0);
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

START_TEST(state_is_short_or_whole)
{
	struct told_run told;
	char text[65536], process[60];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "state", NULL);
	CTL(0, "state");
	SAYS("hotadd: 4 ioctls so far, 1 of them refused; 0 DMA faults\n");
	SAYS("container 1 (type1v2): nic0 (0000:01:00.0)\n  1 mapping, 4 KiB, 1 page pinned\n");
	SAYS("0x1000..0x1fff -> vaddr ");
	snprintf(process, sizeof(process), " of process 1 (PID %d), pinned\n", told.client);
	SAYS(process);
	ck_assert_ptr_null(strstr(text, "{"));
	CTL(0, "fault", "MAP_DMA,when=2,error=ENOMEM");
	CTL(0, "state");
	SAYS("fault 1: VFIO_IOMMU_MAP_DMA,when=2,error=ENOMEM: fired 0 times\n");
	CTL(0, "state", "--json");
	SAYS("\"iova_ranges\":[");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* Nobody watched when it happened. */
START_TEST(why_is_known_after_the_fact)
{
	struct told_run told;
	char text[16384], pid[16];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "why", NULL);
	CTL(0, "why");
	SAYS("VFIO_IOMMU_MAP_DMA on container 1: EINVAL");
	SAYS("iova=0xfee00000 size=0x1000");
	SAYS("because 0xfee00000..0xfee00fff overlaps 0xfee00000..0xfeefffff, reserved (msi)");
	SAYS("[reserved-region; Linux: vfio_iommu_iova_dma_valid]");
	snprintf(pid, sizeof(pid), "%d", told.client);
	CTL(0, "why", pid);
	SAYS("reserved-region");
	CTL(0, "why", "1");
	SAYS("nothing was refused");
	CTL(0, "why", "--json");
	SAYS("\"rule\":\"reserved-region\"");
	CTL(2, "why", "99999999");	/* above any kernel's limit */
	SAYS("there is no process 99999999");
	CTL(2, "why", "4294967296");
	SAYS("there is no process 4294967296");
	tell(&told, "stranger");	/* what it asked for, not where that lies */
	run_expect(&told.run, "1. stranger: -19");
	CTL(0, "why");
	SAYS("asked: '0000:77:00.0'\n");
	tell(&told, "early");
	run_expect(&told.run, "2. early: 0");
	CTL(0, "why", pid);
	SAYS("asked: VFIO_TYPE1v2_IOMMU\n");
	snprintf(pid, sizeof(pid), "PID %d: ", told.client);	/* not the thread, which has gone */
	SAYS(pid);
	CTL(2, "why", "me");
	SAYS("why takes the number of a process");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* ---- Reaching in ------------------------------------------------------- */

/* A process enters a run's mounts before it has a second thread, or not at all. */
static const char *cannot_enter(void)
{
	return THREAD_SANITIZER ? "no entering of namespaces under thread sanitizer" : NULL;
}

START_TEST(faults_come_and_go)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "fault", NULL);
	CTL(0, "fault", "MAP_DMA,error=ENOMEM");
	SAYS("fault 1");
	tell(&told, "map");
	run_expect(&told.run, "map: Cannot allocate memory");
	CTL(0, "why");
	SAYS("[injected;");
	CTL(0, "fault", "remove", "1");
	tell(&told, "map");
	run_expect(&told.run, "map: Success");
	CTL(2, "fault", "remove", "1");
	CTL(2, "fault", "MAP_DMA,error=EPERM");
	SAYS("cannot fail with EPERM");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

START_TEST(devices_are_unplugged_and_plugged_again)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "plug", NULL);
	/* Nobody has it open, though its group is in use. */
	tell(&told, "find");
	run_expect(&told.run, "1. find: 3");
	CTL(0, "unplug", "mdev0");
	SAYS("mdev0 is unplugged");
	CTL(2, "unplug", "mdev0");
	SAYS("there is no device 'mdev0' now");
	CTL(2, "unplug", "mdev1");
	SAYS("there is no device 'mdev1' now; did you mean 'mdev0'?");
	CTL(0, "plug", "mdev0");
	SAYS("plugged mdev0");
	CTL(2, "plug", "mdev0");
	SAYS("it is there");
	tell(&told, "leave");
	run_expect(&told.run, "2. leave: 0");
	tell(&told, "open");
	run_expect(&told.run, "3. open: 0");
	/* From another terminal, while it is in use. */
	CTL(0, "unplug", "--no-wait", "nic0");
	SAYS("nic0 is open: its user is asked to close it");
	ck_assert_ptr_null(strstr(text, "is unplugged"));
	CTL(2, "plug", "nic0");
	SAYS("it is still open");
	CTL(0, "state");
	SAYS("device nic0 (0000:01:00.0, vfio-pci): open");
	tell(&told, "yield");
	run_expect(&told.run, "4. yield: 0");
	tell(&told, "find");
	run_expect(&told.run, "5. find: 0");
	CTL(0, "plug", "nic0");
	tell(&told, "open");
	run_expect(&told.run, "6. open: 0");
	/* Whoever unplugs it waits until it is given. */
	tell(&told, "yield");
	run_expect(&told.run, "7. yield...");
	CTL(0, "unplug", "0000:01:00.0");
	SAYS("0000:01:00.0 is unplugged");
	if (cannot_enter()) {
		test_skip("devices_are_unplugged_and_plugged_again, rescan", cannot_enter());
	} else {
		CTL(0, "exec", "--", "sh", "-c", "echo 1 >/sys/bus/pci/rescan; ls /sys/bus/pci/devices");
		SAYS("0000:01:00.0");
	}
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* A program may answer by ending. */
START_TEST(an_unplug_ends_with_its_run)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "leaver", NULL);
	tell(&told, "leave");
	tell(&told, "open");
	tell(&told, "await");
	run_expect(&told.run, "3. await...");
	CTL(0, "unplug", "nic0");
	SAYS("nic0 is unplugged");	/* the program may be faster than the answer */
	close(told.in);
	ck_assert_int_eq(run_end(&told.run), 0);
}
END_TEST

/* In a container of its own: a physical device would have everything pinned already. */
START_TEST(an_mdev_pins_what_it_is_told)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "pin", NULL);
	CTL(2, "pin", "mdev0", "0x1000");
	SAYS("no program has mdev0 open");
	CTL(2, "pin", "nic0", "0x1000");
	SAYS("nic0 pins nothing");
	CTL(2, "pin", "mdev", "0x1000");
	SAYS("did you mean 'mdev0'?");
	tell(&told, "alone");
	run_expect(&told.run, "1. alone: 0");
	CTL(0, "state");
	SAYS("0 pages pinned");
	CTL(2, "pin", "mdev0", "0x1000");
	SAYS("the mapping 0x1000..0x1fff does not allow writing");
	CTL(0, "pin", "mdev0", "0x1000", "readonly");
	SAYS("pinned 1");
	CTL(0, "state");
	SAYS("1 page pinned");
	CTL(2, "pin", "mdev0", "0x1000", "64K", "readonly");
	SAYS("nothing is mapped at iova 0x2000");
	CTL(2, "pin", "mdev0", "0x8000", "readonly");
	SAYS("is region 0 of 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	CTL(2, "pin", "mdev0", "0x1080", "readonly");
	SAYS("4096 bytes from 0x1080 on are not whole pages");
	CTL(2, "pin", "mdev0", "all");
	SAYS("expected: DEVICE IOVA [LENGTH] [readonly]");
	CTL(2, "unpin", "mdev0", "0x8000");
	SAYS("nothing there is pinned for mdev0");
	CTL(0, "unpin", "mdev0", "0x1000");
	SAYS("unpinned 1");
	CTL(0, "state");
	SAYS("0 pages pinned");
	/* Its last close drops what it still has. */
	CTL(0, "pin", "mdev0", "0x1000", "readonly");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* With a PID namespace of the run's own it is in there, and counts as the run does. */
START_TEST(another_program_in_the_namespace)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	SKIP_IF(cannot_enter(), (enum who)_i);
	told_start(&told, (enum who)_i, "pidns", RUN("--pidns"));
	ck_assert_int_eq(told.client, 2);
	CTL(0, "exec", "--", "sh", "-c", "cat /proc/1/comm; cat /proc/2/comm");
	SAYS("vfiosim-init\n");
	CTL(0, "exec", "--", SELF, "guest");
	SAYS("guest has mdev0");
	CTL(3, "exec", "--", "sh", "-c", "exit 3");
	tell(&told, "why 1");
	run_expect(&told.run, "why 1: 0 null");
	tell(&told, "why 999");
	run_expect(&told.run, "there is no process 999");
	tell(&told, "why 2");
	run_expect(&told.run, "\"rule\": \"reserved-region\"");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

START_TEST(another_program_in_the_run)
{
	struct told_run told;
	char text[16384];

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	SKIP_IF(cannot_enter(), (enum who)_i);
	told_start(&told, (enum who)_i, "exec", NULL);
	/* It sees the machine, and gets descriptors of devices. */
	CTL(0, "exec", "--", SELF, "guest");
	SAYS("guest has mdev0");
	CTL(0, "exec", "--", "sh", "-c", "cat $VFIOSIM_STATE");
	SAYS("\"topology\": \"hotadd\"");
	CTL(3, "exec", "--", "sh", "-c", "exit 3");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* What starts it is what starts the run's command. */
START_TEST(another_program_starts_as_the_command_does)
{
	static const char script[] = "#!/no/such/interpreter\n";
	char path[SCRATCH_PATH], text[16384];
	struct told_run told;
	int fd;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	SKIP_IF(cannot_enter(), (enum who)_i);
	fd = scratch_file(path, "exec", script);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	close(fd);
	told_start(&told, (enum who)_i, "starts", NULL);
	CTL(0, "exec", "--", "sh", "-c", "echo verify $SYSTEMD_DEVICE_VERIFY_SYSFS in $VFIOSIM_TOPOLOGY");
	SAYS("verify 0 in hotadd\n");
	CTL(127, "exec", "--", "no-such-program");
	SAYS("it is in no folder of PATH");
	CTL(127, "exec", "--", path);
	SAYS("the interpreter or loader it names does not exist");
	CTL(126, "exec", "--", "/");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* Started by @told: its standard output goes to a full disk, what it says to @errors. */
static pid_t log_to_full(const struct told_run *told, enum who who, int errors)
{
	pid_t pid;

	pid = test_fork();
	if (!pid) {
		dup2(open("/dev/full", O_WRONLY | O_CLOEXEC), 1);
		dup2(errors, 2);
		be_ctl(who, RUN("-r", told->name, "log"));
	}
	return pid;
}

/* Told once, and as what it is. */
START_TEST(a_log_that_cannot_be_written)
{
	struct told_run told;
	char text[1024] = "";
	int ends[2], status;
	pid_t pid;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "full", NULL);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = log_to_full(&told, (enum who)_i, ends[1]);
	close(ends[1]);
	while (!waitpid(pid, &status, WNOHANG)) {
		tell(&told, "map");	/* something to be logged, whenever it has begun */
		usleep(20000);
	}
	ck_assert_int_ge(read(ends[0], text, sizeof(text) - 1), 0);
	close(ends[0]);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %x: %s", status, text);
	SAYS("cannot write ");
	ck_assert_msg(!strstr(text, "Success") && strchr(text, '\n') == strrchr(text, '\n'), "%s", text);
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* It ends with the run. */
START_TEST(guests_end_with_the_run)
{
	struct told_run told;
	pid_t guest;
	int status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	SKIP_IF(cannot_enter(), (enum who)_i);
	told_start(&told, (enum who)_i, "guests", RUN("--explain"));
	guest = test_fork();
	if (!guest)
		be_ctl((enum who)_i, RUN("-r", told.name, "exec", "--", "sh", "-c",
					 "echo mark guest >$VFIOSIM_CTL; exec sleep 1000"));
	run_expect(&told.run, "mark guest");
	tell(&told, "quit");
	close(told.in);
	ck_assert_int_eq(waitpid(guest, &status, 0), guest);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %x", status);
	ck_assert_int_eq(run_end(&told.run), 0);
}
END_TEST

/* ---- The file ---------------------------------------------------------- */

START_TEST(control_file_answers_in_json)
{
	struct told_run told;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	told_start(&told, (enum who)_i, "file", NULL);
	tell(&told, "mark booted");
	run_expect(&told.run, "mark booted: 0 {\n  \"marked\": \"booted\"\n}\n");
	tell(&told, "why");
	run_expect(&told.run, "\"rule\": \"reserved-region\"");
	tell(&told, "list");
	run_expect(&told.run, "\"command\": \"/proc/self/exe\"");
	tell(&told, "mrak booted");
	run_expect(&told.run, "mrak booted: -22 {\n  \"error\": \"unknown command 'mrak'; did you mean 'mark'?\"\n}");
	tell(&told, "mark");
	run_expect(&told.run, "mark: -22 {");
	tell(&told, ">mrak booted");
	run_expect(&told.run, ">mrak booted: -22 {\n  \"error\": \"unknown command 'mrak'; did you mean 'mark'?\"\n}");
	tell(&told, "mark ready");	/* what is read through the same descriptor is nobody else's */
	run_expect(&told.run, "\"marked\": \"ready\"");
	tell(&told, ">");
	run_expect(&told.run, ">: 0 {\n  \"error\": \"unknown command 'mrak'");
	tell(&told, ">mark one;mark two");
	run_expect(&told.run, "mark two: -22 {\n  \"error\": \"there is more than one line: each needs a write of its own\"");
	tell(&told, ">mark booted");
	run_expect(&told.run, ">mark booted: 0 {\n  \"marked\": \"booted\"\n}\n");
	ck_assert_int_eq(told_end(&told), 0);
}
END_TEST

/* A mark is a moment for expectations. */
START_TEST(marks_are_moments)
{
	static const char *const rows[] = {
		"topology: hotadd\nat: [{moment: mark booted, spaces: [{holds: [0x1000..0x1fff], pinned: 4K}]}]\n",
		"topology: hotadd\nat: [{moment: mark booted, spaces: 2}]\n",
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (int i = 0; i < 2; i++) {
		struct told_run told;
		char path[SCRATCH_PATH];

		close(scratch_file(path, "marks", rows[i]));
		told_start(&told, (enum who)_i, "marks", RUN("--expect", path));
		tell(&told, "mark booted");
		run_expect(&told.run, "mark booted: 0");
		ck_assert_int_eq(told_end(&told), i);
	}
}
END_TEST

/* ---- A run's other options ------------------------------------------- */

/* The run's one mapping at its fullest, none at the end. */
START_TEST(state_at_its_fullest_and_at_the_end)
{
	char path[SCRATCH_PATH], text[65536], *end;
	struct told_run told;
	ssize_t n;
	int fd;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	fd = scratch_file(path, "state", "");
	told_start(&told, (enum who)_i, "fullest", RUN("--state", path));
	tell(&told, "leave");
	run_expect(&told.run, "1. leave: 0");
	ck_assert_int_eq(told_end(&told), 0);
	n = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	close(fd);
	end = strstr(text, "\n\"end\": {");
	ck_assert_msg(end, "no end in:\n%s", text);
	ck_assert_ptr_nonnull(strstr(text, "{\n\"fullest\": {"));
	ck_assert_msg(strstr(text, "\"first\": \"0x1000\"") && strstr(text, "\"first\": \"0x1000\"") < end,
		      "no mapping at the fullest in:\n%s", text);
	ck_assert_ptr_null(strstr(end, "\"first\": \"0x1000\""));
}
END_TEST

#define BEHIND "(read line <%s; cat $VFIOSIM_STATE >/dev/null && echo still served) & exit 3"

/* The command ends at once; the other waits until it is told to go on. */
START_TEST(the_run_waits_for_all)
{
	char fifo[SCRATCH_PATH], script[SCRATCH_PATH + 100];
	struct run run;
	int fd, status;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	close(scratch_file(fifo, "wait", ""));
	unlink(fifo);
	ck_assert_int_eq(mkfifo(fifo, 0666), 0);
	ck_assert_int_eq(chmod(fifo, 0666), 0);
	snprintf(script, sizeof(script), BEHIND, fifo);
	run_start(&run, (enum who)_i, RUN("-t", "hotadd", "--wait-all", "--", "sh", "-c", script));
	fd = open(fifo, O_WRONLY);	/* returns when the other has begun */
	ck_assert_int_eq(write(fd, "go\n", 3), 3);
	close(fd);
	status = run_status(&run);
	ck_assert_msg(status == 3 && strstr(run.text, "still served") && !strstr(run.text, "ended "),
		      "status %d:\n%s", status, run.text);
	no_process_is_left();
}
END_TEST

/* A signal ends the wait, and whom it waits for, also one that came while there was a command. */
START_TEST(the_wait_for_all_can_be_ended)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (int alive = 0; alive < 2; alive++) {
		struct run run;
		int status;

		run_start(&run, (enum who)_i,
			  RUN("-t", "hotadd", "--wait-all", "--", "sh", "-c",
			      alive ? "sleep 1000 & echo begun; wait" : "sleep 1000 & echo begun; exit 3"));
		run_expect(&run, "begun");
		kill(run.launcher, SIGTERM);
		status = run_status(&run);
		ck_assert_msg((!alive && status == 3) || status == 128 + SIGTERM, "status %d:\n%s",
			      status, run.text);
		no_process_is_left();
	}
}
END_TEST

/* ---- The suite --------------------------------------------------------- */

static Suite *ctl_suite(void)
{
	const TTest *const tests[] = {
		runs_are_listed_by_name,
		state_is_short_or_whole,
		why_is_known_after_the_fact,
		faults_come_and_go,
		devices_are_unplugged_and_plugged_again,
		an_unplug_ends_with_its_run,
		an_mdev_pins_what_it_is_told,
		another_program_in_the_run,
		another_program_in_the_namespace,
		another_program_starts_as_the_command_does,
		a_log_that_cannot_be_written,
		guests_end_with_the_run,
		control_file_answers_in_json,
		marks_are_moments,
		state_at_its_fullest_and_at_the_end,
		the_run_waits_for_all,
		the_wait_for_all_can_be_ended,
	};
	Suite *suite = suite_create("ctl");
	TCase *tcase = tcase_create("run");

	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, N_WHO);
	suite_add_tcase(suite, tcase);
	return suite;
}

/* A program that `ctl exec` starts. */
static int guest(void)
{
	int container = open("/dev/vfio/vfio", O_RDWR), group = open("/dev/vfio/11", O_RDWR);

	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ||
	    ioctl(group, VFIO_GROUP_GET_DEVICE_FD, "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001") < 0)
		return 1;
	puts("guest has mdev0");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "client"))
		return client();
	if (argc > 1 && !strcmp(argv[1], "guest"))
		return guest();
	return suite_run(ctl_suite());
}
