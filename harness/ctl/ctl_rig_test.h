/* SPDX-License-Identifier: MIT */
/*
 * What tests of `vfiosim ctl` share: a run whose client, which is the test itself, waits until it
 * is told what to do, and `vfiosim ctl` from outside.
 */
#ifndef CTL_RIG_TEST_H
#define CTL_RIG_TEST_H

#include "launch/launch_rig_test.h"

#include <linux/vfio.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/suite_test.h"

/* ---- The client -------------------------------------------------------- */

static inline int map(int container, void *at, uint64_t iova)
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
static inline int control(const char *line, char *to, size_t size)
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
static inline int echo_and_cat(const char *line, char *to, size_t size)
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

static inline int attach_nic0(void)
{
	nic0.container = open("/dev/vfio/vfio", O_RDWR);
	nic0.group = open("/dev/vfio/10", O_RDWR);
	return ioctl(nic0.group, VFIO_GROUP_SET_CONTAINER, &nic0.container) ||
	       ioctl(nic0.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
}

static inline int leave_nic0(void)
{
	close(nic0.device);
	close(nic0.group);
	close(nic0.container);
	return 0;
}

static inline int open_nic0(void)
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
static inline int yield_nic0(void)
{
	uint64_t asked = 0;

	if (read(nic0.event, &asked, sizeof(asked)) < 0)
		return -errno;
	leave_nic0();
	return (int)asked - 1;
}

/* mdev0 instead of nic0, with a page that the device may read at 0x1000 and its BAR at 0x8000. */
static inline int open_mdev0(void)
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
static inline int end_when_asked(void)
{
	uint64_t asked;

	if (read(nic0.event, &asked, sizeof(asked)) < 0)
		return -errno;
	exit(0);
}

/* Can anybody find it? */
static inline int find_nic0(void)
{
	static const char *const paths[] = { "/sys/bus/pci/devices/0000:01:00.0/vendor",
					     "/sys/kernel/iommu_groups/10/devices/0000:01:00.0",
					     "/dev/vfio/10" };
	int found = 0;

	for (size_t i = 0; i < 3; i++)
		found += !access(paths[i], F_OK);
	return found;
}

static inline int open_stranger(void)
{
	return ioctl(nic0.group, VFIO_GROUP_GET_DEVICE_FD, "0000:77:00.0") < 0 ? -errno : 0;
}

/* On a container without a group; by a thread, whose number nobody knows. */
static inline void *choose_iommu(void *container)
{
	return ioctl(*(int *)container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ? container : NULL;
}

static inline int choose_early(void)
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
static inline bool act(const char *line)
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
static inline int client(void)
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
static inline void told_start(struct told_run *told, enum who who, const char *name, const char *const *extra)
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

static inline void tell(struct told_run *told, const char *line)
{
	dprintf(told->in, "%s\n", line);
}

static inline int told_end(struct told_run *told)
{
	/* The launcher is a fork of ours: closing is not enough. */
	tell(told, "quit");
	close(told->in);
	return run_end(&told->run);
}

static inline _Noreturn void be_ctl(enum who who, const char *const *words)
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
static inline int ctl(enum who who, const char *const *words, char *to, size_t size)
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

#endif
