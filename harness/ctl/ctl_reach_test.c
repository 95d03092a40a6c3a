/* SPDX-License-Identifier: MIT */
/* `vfiosim ctl` changes a run: faults, devices that go and come, pins, other programs in it. */
#include "ctl/ctl_rig_test.h"

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
	const char *reason;

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
	SAYS("it is plugged in already");
	tell(&told, "leave");
	run_expect(&told.run, "2. leave: 0");
	tell(&told, "open");
	run_expect(&told.run, "3. open: 0");
	/* From another terminal, while it is in use. */
	CTL(0, "unplug", "--no-wait", "nic0");
	SAYS("nic0 is open: its user is asked to close it");
	ck_assert_ptr_null(strstr(text, "is unplugged"));
	CTL(2, "plug", "nic0");
	SAYS("it is being unplugged: it can be plugged once");
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
	reason = cannot_enter();
	if (reason) {
		test_skip("devices_are_unplugged_and_plugged_again, rescan", reason);
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

static Suite *make_suite(void)
{
	const TTest *const tests[] = {
		faults_come_and_go,
		devices_are_unplugged_and_plugged_again,
		an_unplug_ends_with_its_run,
		an_mdev_pins_what_it_is_told,
		another_program_in_the_run,
		another_program_in_the_namespace,
		another_program_starts_as_the_command_does,
		a_log_that_cannot_be_written,
		guests_end_with_the_run,
	};
	Suite *suite = suite_create("ctl_reach");

	add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 60);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "client"))
		return client();
	if (argc > 1 && !strcmp(argv[1], "guest"))
		return guest();
	return suite_run(make_suite());
}
