/* SPDX-License-Identifier: MIT */
/*
 * Clients that are killed, exit or call exec in the middle of anything: mappings of
 * regions being written back, memory being mapped, descriptors on their way. The
 * next client finds the group free, the server keeps nothing of the dead.
 */
#include <dirent.h>
#include <sys/resource.h>

#include "front/fuse/fuse_rig_test.h"
#include "base/suite_test.h"

#define ROUNDS 120
#define CONFIG_OFFSET ((off_t)VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define BAR_SIZE 131072

struct client {
	int container, group, device;
};

static void *write_region(void *arg)
{
	struct client *client = arg;

	for (;;) {
		uint32_t *bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				     client->device, 0);

		if (bar == MAP_FAILED)
			continue;
		bar[3] = 1;
		if (rand() % 3 == 0)
			msync(bar, 4096, MS_SYNC);
		munmap(bar, BAR_SIZE);
	}
	return NULL;
}

static void *issue_commands(void *arg)
{
	struct client *client = arg;
	char *memory = rig_memory(1 << 20);
	uint32_t value;
	int device;

	for (;;) {
		rig_map(client->container, memory, 0, 1 << 20);
		if (pread(client->device, &value, sizeof(value), CONFIG_OFFSET) < 0)
			break;
		rig_unmap(client->container, 0, 1 << 20);
		device = rig_device(client->group, "0000:01:00.0");
		if (device >= 0)
			close(device);
	}
	return NULL;
}

/* Busy with everything until it is killed, or ends in another way. Exit status: what failed. */
static int client_live(unsigned seed)
{
	struct client client = { .container = rig_open("vfio"), .group = rig_open("2") };
	pthread_t thread;

	srand(seed);
	if (client.container < 0 || client.group < 0)
		return 1;
	if (rig_ioctl(client.group, VFIO_GROUP_SET_CONTAINER, &client.container) ||
	    ioctl(client.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 2;
	client.device = rig_device(client.group, "0000:01:00.0");
	if (client.device < 0)
		return 3;
	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, write_region, &client);
		pthread_create(&thread, NULL, issue_commands, &client);
	}
	usleep((useconds_t)rand() % 8000);
	if (seed % 3 == 0)
		execl("/bin/true", "true", NULL);
	if (seed % 3 == 1)
		return 0;
	for (;;)
		pause();
}

static unsigned files_of(pid_t process)
{
	char path[64];
	unsigned n = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	folder = opendir(path);
	ck_assert_ptr_ne(folder, NULL);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

START_TEST(test_deaths_at_any_time)
{
	struct rig rig;
	unsigned files = 0;
	pid_t client;
	int status;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_supervised(&rig);
	for (unsigned i = 0; i < ROUNDS; i++) {
		client = test_fork();
		ck_assert_int_ge(client, 0);
		if (!client)
			_exit(client_live(i));
		usleep(i * 7919 % 15000);
		kill(client, SIGKILL);
		ck_assert_int_eq(waitpid(client, &status, 0), client);
		ck_assert_msg(!WIFEXITED(status) || !WEXITSTATUS(status),
			      "round %u: the client ended with 0x%x", i, (unsigned)status);
		if (i == 10)
			files = files_of(rig.server);
	}
	ck_assert_int_ge(rig_open("2"), 0);
	ck_assert_uint_le(files_of(rig.server), files + 10);
	rig_stop(&rig);
}
END_TEST

struct mapper {
	int container;
	unsigned number;
};

static int map_and_exit(void *arg)
{
	struct mapper *mapper = arg;

	return rig_map(mapper->container, rig_memory(4096), mapper->number * 4096, 4096) != 0;
}

/* What each mapped stays mapped. */
START_TEST(test_dead_mappers_keep_no_descriptors)
{
	struct mapper mapper;
	struct rig rig;
	unsigned files = 0;
	int group;

	if (!rig_start(&rig, _i, "minimal"))
		return;
	rig_attach("2", &mapper.container, &group);
	for (mapper.number = 0; mapper.number < 50; mapper.number++) {
		ck_assert_int_eq(rig_child(map_and_exit, &mapper), 0);
		if (mapper.number == 10)
			files = files_of(rig.server);
	}
	ck_assert_uint_le(files_of(rig.server), files + 5);
	for (mapper.number = 0; mapper.number < 50; mapper.number++)
		ck_assert_int_eq(rig_unmap(mapper.container, mapper.number * 4096, 4096), 0);
	rig_stop(&rig);
}
END_TEST

/* No new client can be served then, and those there are can. */
START_TEST(test_no_descriptors_left)
{
	struct rlimit limit, none;
	struct mapper mapper = { .number = 1 };
	int group, ends[2], saved = dup(2);
	char text[512] = "";
	struct rig rig;
	bool started;

	ck_assert_int_eq(pipe(ends), 0);
	dup2(ends[1], 2);
	started = rig_start(&rig, _i, "minimal");
	dup2(saved, 2);
	if (!started)
		return;
	rig_attach("2", &mapper.container, &group);
	ck_assert_int_eq(prlimit(rig.server, RLIMIT_NOFILE, NULL, &limit), 0);
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = limit.rlim_max };
	ck_assert_int_eq(prlimit(rig.server, RLIMIT_NOFILE, &none, NULL), 0);
	ck_assert_int_eq(rig_child(map_and_exit, &mapper), 1);
	ck_assert_int_eq(rig_child(map_and_exit, &mapper), 1);
	ck_assert_int_eq(rig_ioctl(mapper.container, VFIO_GET_API_VERSION, NULL), 0);
	ck_assert_int_eq(prlimit(rig.server, RLIMIT_NOFILE, &limit, NULL), 0);
	ck_assert_int_eq(rig_child(map_and_exit, &mapper), 0);
	ck_assert_int_gt(read(ends[0], text, sizeof(text) - 1), 0);
	ck_assert_msg(strstr(text, "no file descriptors left"), "%s", text);
	ck_assert_ptr_eq(strchr(text, '\n'), strrchr(text, '\n'));
	rig_stop(&rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fuse_kill");
	TCase *tests = tcase_create("kill");

	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, test_deaths_at_any_time, 0, RIG_ALL);
	tcase_add_loop_test(tests, test_dead_mappers_keep_no_descriptors, 0, RIG_USERS);
	tcase_add_loop_test(tests, test_no_descriptors_left, 0, RIG_USERS);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
