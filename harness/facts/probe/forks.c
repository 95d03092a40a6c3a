/* SPDX-License-Identifier: MIT */
/* forks: one container in several processes, and what outlives fork and exec. */
#include "probe.h"

#include <signal.h>
#include <sys/wait.h>

#define FIRST 0x100000ull
#define SECOND 0x200000ull
#define THIRD 0x300000ull

/* Runs in a child that inherited everything and ends right after. */
static void overlap(void *arg)
{
	int c = *(int *)arg;

	say(map(c, SECOND, PAGE, memory(1)), "child MAP");
	say(map(c, FIRST, PAGE, memory(1)), "child overlap");
}

static void unmap_parents(void *arg)
{
	say_unmap(*(int *)arg, THIRD, PAGE, 0, "child UNMAP of parent's mapping");
}

/* The child goes on alone once the parent has closed all. */
static void alone(const struct space *space, int device, int go)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	char byte;

	if (read(go, &byte, 1) < 0)
		return;
	say(map(space->container, 0x400000, PAGE, memory(1)), "child after parent closed all: MAP");
	say(ioctl(device, VFIO_DEVICE_GET_INFO, &info), "child: DEVICE_GET_INFO");
	note("child: group status: 0x%x", group_status(space->group));
	say(AS_RESULT(device_fd(space->group, &A)), "child: GET_DEVICE_FD");
}

/* Two pipes: the child waits for @go, the parent for @done. */
static void say_inherited(struct space *space)
{
	int device = device_fd(space->group, &A), go[2], done[2];
	pid_t child;
	char byte;

	if (pipe(go) || pipe(done))
		return;
	say(map(space->container, SECOND, PAGE, memory(1)), "parent MAP before closing");
	child = fork();
	if (!child) {
		close(go[1]);
		alone(space, device, go[0]);
		fflush(NULL);
		if (write(done[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	space_close(space);
	close(device);
	close(go[1]);
	if (read(done[0], &byte, 1) != 1)
		fprintf(stderr, "facts-probe: the child is gone\n");
	say(AS_RESULT(group_open(&A)), "parent reopen group while child holds it");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(go[0]);
	close(done[0]);
	close(done[1]);
}

static void exec_self(const struct space *space)
{
	char container[16], group[16];

	snprintf(container, sizeof(container), "%d", space->container);
	snprintf(group, sizeof(group), "%d", space->group);
	fflush(NULL);
	execl("/proc/self/exe", "facts-probe", "--after-exec", container, group, NULL);
	perror("execl");
}

void forks_after_exec(int container, int group)
{
	int device;

	say_info(container, "after exec");
	say(map(container, FIRST, PAGE, memory(1)), "after exec: overlap with old mapping");
	say(map(container, SECOND, PAGE, memory(1)), "after exec: new MAP");
	say_unmap(container, FIRST, 4 * PAGE, 0, "after exec: UNMAP old");
	note("after exec: status: 0x%x", group_status(group));
	device = device_fd(group, &A);
	say(AS_RESULT(device), "after exec: GET_DEVICE_FD");
	note("device fd cloexec: %d", fcntl(device, F_GETFD));
}

void case_forks(void)
{
	struct space space = space_open(&A, 3);
	int group;

	map(space.container, FIRST, PAGE, memory(1));
	in_child(overlap, &space.container);
	say_unmap(space.container, SECOND, PAGE, 0, "parent UNMAP of dead child's mapping");
	say(map(space.container, THIRD, PAGE, memory(1)), "parent MAP");
	in_child(unmap_parents, &space.container);
	say_unmap(space.container, THIRD, PAGE, 0, "parent: gone");
	say_inherited(&space);

	group = group_open(&A);
	say(AS_RESULT(group), "parent reopen group after child's exit");
	space = (struct space){ container_open(), group };
	say(group_set(space.group, space.container), "set");
	say(ioctl(space.container, VFIO_SET_IOMMU, 3ul), "iommu");
	say(map(space.container, FIRST, 4 * PAGE, memory(4)), "MAP before exec");
	say_info(space.container, "before exec");
	exec_self(&space);
}
