/* SPDX-License-Identifier: MIT */
/*
 * What the filter of a run adds to FUSE: device nodes that look like character
 * devices to fstat(), mappings that the device refuses, a descriptor inside a
 * command's structure. Started with an argument, this program is the command.
 */
#include "base/suite_test.h"
#include "launch/launch_rig_test.h"

#include <linux/vfio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

/* ---- The command ------------------------------------------------------- */

#define CDEV "/dev/vfio/devices/vfio0"
#define SYSFS_DEV "/sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio0/dev"

#define CHECK(condition_)                                                                     \
	do {                                                                                  \
		if (!(condition_)) {                                                          \
			printf("line %d: not so: %s (%s)\n", __LINE__, #condition_,           \
			       strerror(errno));                                              \
			return 1;                                                             \
		}                                                                             \
	} while (0)

/* As QEMU does it before it takes a cdev. */
static int check_numbers(int cdev)
{
	unsigned major_wanted = 0, minor_wanted = 0;
	FILE *file = fopen(SYSFS_DEV, "re");
	struct statx stx;
	struct stat st;

	CHECK(file && fscanf(file, "%u:%u", &major_wanted, &minor_wanted) == 2);
	fclose(file);
	CHECK(!fstat(cdev, &st) && S_ISCHR(st.st_mode));
	CHECK(major(st.st_rdev) == major_wanted && minor(st.st_rdev) == minor_wanted);
	CHECK((st.st_mode & 0777) == 0600 && st.st_uid == geteuid() && st.st_size == 0);
	CHECK(!statx(cdev, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) && S_ISCHR(stx.stx_mode));
	CHECK(stx.stx_rdev_major == major_wanted && stx.stx_rdev_minor == minor_wanted);
	CHECK(stx.stx_ino == st.st_ino);
	return 0;
}

/* A folder's descriptor with a path is not about the descriptor. */
static int check_others_are_left_alone(void)
{
	int folder = open("/dev/vfio", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat st;

	CHECK(folder >= 0 && !fstatat(folder, "vfio", &st, AT_EMPTY_PATH) && S_ISREG(st.st_mode));
	CHECK(!fstat(folder, &st) && S_ISDIR(st.st_mode));
	CHECK(!fstat(null, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
	CHECK(fstat(-1, &st) && errno == EBADF);
	CHECK(fstat(null, (void *)8) && errno == EFAULT);
	return 0;
}

static bool maps(int fd, off_t offset)
{
	void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, offset);

	if (at == MAP_FAILED)
		return false;
	munmap(at, 4096);
	return true;
}

static int check_mappings(int cdev, int iommufd)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	int memory = memfd_create("test", MFD_CLOEXEC);

	CHECK(memory >= 0 && !ftruncate(memory, 4096) && maps(memory, 0));
	CHECK(!maps(cdev, 0) && errno == EINVAL);
	CHECK(!maps(iommufd, 0) && errno == ENXIO);
	CHECK(!ioctl(cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind));
	CHECK(maps(cdev, 0));
	CHECK(!maps(cdev, 7ll << 40) && errno == EINVAL);
	return 0;
}

static int check_fault_queue(int iommufd)
{
	struct vfiosim_iommu_fault_alloc cmd = { .size = sizeof(cmd), .out_fault_fd = 77 };
	char entry[40] = { 0 };

	CHECK(!ioctl(iommufd, VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC, &cmd));
	CHECK(cmd.out_fault_id > 0 && cmd.out_fault_fd != 77);
	CHECK(fcntl((int)cmd.out_fault_fd, F_GETFD) == FD_CLOEXEC);
	/* It has no positions. */
	CHECK(!read((int)cmd.out_fault_fd, entry, sizeof(entry)));
	CHECK(pread((int)cmd.out_fault_fd, entry, sizeof(entry), 0) == -1 && errno == ESPIPE);
	CHECK(pwrite((int)cmd.out_fault_fd, entry, 8, 0) == -1 && errno == ESPIPE);
	CHECK(lseek((int)cmd.out_fault_fd, 0, SEEK_CUR) == -1 && errno == ESPIPE);
	CHECK(!close((int)cmd.out_fault_fd));
	return 0;
}

static int be_command(void)
{
	int cdev = open(CDEV, O_RDWR | O_CLOEXEC), iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	CHECK(cdev >= 0 && iommufd >= 0);
	if (check_numbers(cdev) || check_others_are_left_alone() ||
	    check_mappings(cdev, iommufd) || check_fault_queue(iommufd))
		return 1;
	puts("fine");
	return 0;
}

/* Holds a lock while the server looks at the file, if need be as a command's argument. */
static _Noreturn void hold_lock(const char *path, int held, bool argument)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), group = open("/dev/vfio/10", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && group >= 0 && !flock(fd, LOCK_EX))
		(void)!write(held, "", 1);
	for (;;)
		argument ? ioctl(group, VFIO_GROUP_SET_CONTAINER, &fd) :
			   ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, "none");
}

/* Some times: who was killed must have let the lock go. */
static int be_killer_of_holders(void)
{
	int memory = memfd_create("lock", MFD_CLOEXEC), held[2];
	char path[64], byte;
	pid_t holder;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), memory);
	CHECK(memory >= 0);
	for (int i = 0; i < 6; i++) {
		CHECK(!pipe2(held, O_CLOEXEC));
		holder = fork();
		if (!holder)
			hold_lock(path, held[1], i % 2);
		close(held[1]);
		CHECK(holder > 0 && read(held[0], &byte, 1) == 1);
		close(held[0]);
		usleep(10000);
		CHECK(!kill(holder, SIGKILL) && waitpid(holder, NULL, 0) == holder);
		CHECK(!flock(memory, LOCK_EX | LOCK_NB) && !flock(memory, LOCK_UN));
	}
	puts("fine");
	return 0;
}

/* ---- Stories ----------------------------------------------------------- */

static bool looks_slowly;	/* a server, at what a descriptor is */

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *stx)
{
	if (looks_slowly && in_server())
		usleep(30000);
	return (int)syscall(SYS_statx, folder, path, flags, mask, stx);
}

/* Who was killed has let go of its files, whatever the server was just asked about them. */
START_TEST(files_of_others_are_not_held)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	looks_slowly = true;
	ck_assert_msg(run_and_wait((enum who)_i, RUN("--", "/proc/self/exe", "killer-of-holders"),
				   &run) == 0, "%s", run.text);
	ck_assert_str_eq(run.text, "fine\n");
}
END_TEST

START_TEST(a_program_finds_character_devices)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_msg(run_and_wait((enum who)_i, RUN("--", "/proc/self/exe", "command"), &run) == 0,
		      "%s", run.text);
	ck_assert_str_eq(run.text, "fine\n");
}
END_TEST

struct node_row {
	const char *when, *node, *says;
};

static const struct node_row node_rows[] = {
	{ "auto", "/dev/vfio/vfio", "character special file a:c4" },
	{ "auto", "/dev/vfio/13", "character special file f8:3" },
	{ "yes", "/dev/vfio/devices/vfio4", "character special file f7:4" },
	{ "yes", "/dev/iommu", "character special file a:102" },
	{ "yes", "/dev/vfio/devices", "directory 0:0" },
	{ "no", "/dev/iommu", "regular empty file 0:0" },
};

#define N_NODE_ROWS (sizeof(node_rows) / sizeof(node_rows[0]))

START_TEST(nodes_show_their_numbers)
{
	char script[128];
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < N_NODE_ROWS; i++) {
		const struct node_row *row = &node_rows[i];

		snprintf(script, sizeof(script), "stat -c '%%F %%t:%%T' - <%s", row->node);
		ck_assert_int_eq(run_and_wait((enum who)_i,
					      RUN("--fake-chardev", row->when, "sh", "-c", script),
					      &run), 0);
		ck_assert_msg(strstr(run.text, row->says), "%s (%s) is: %s", row->node, row->when,
			      run.text);
	}
}
END_TEST

START_TEST(a_wrong_word_is_refused)
{
	struct run run;

	ck_assert_int_eq(run_and_wait(AS_ROOT, RUN("--fake-chardev", "maybe", "true"), &run), 125);
	ck_assert_ptr_nonnull(strstr(run.text, "--fake-chardev: expected auto, yes or no, found 'maybe'"));
}
END_TEST

static int run_stories(void)
{
	Suite *suite = suite_create("character devices");
	TCase *tests = tcase_create("stories");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, a_program_finds_character_devices, 0, N_WHO);
	tcase_add_loop_test(tests, nodes_show_their_numbers, 0, N_WHO);
	tcase_add_loop_test(tests, files_of_others_are_not_held, 0, N_WHO);
	tcase_add_test(tests, a_wrong_word_is_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "command") ? be_killer_of_holders() : be_command();
	return run_stories();
}
