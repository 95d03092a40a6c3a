/* SPDX-License-Identifier: MIT */
/* limits: locked memory, and mappings of processes that are gone or not. */
#include "iommufd.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define LIMIT 65536ul		/* bytes of locked memory in the child */
#define MUCH (4 * LIMIT)
#define NOBODY 65534
#define BASE 0x100000ull
/* Where the live child maps: nothing of the parent's is ever there. */
#define CHILD_AT ((void *)0x610000000000ul)

/* What the children inherit. */
struct shared {
	int fd;
	uint32_t attached, free;	/* IOASes: with a device, without */
	int ready;			/* a pipe's end to write to */
};

static void set_memlock(unsigned long bytes)
{
	struct rlimit limit = { bytes, bytes };

	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static void unprivileged(void *arg)
{
	const struct shared *s = arg;
	char *pages = memory(MUCH / PAGE);

	set_memlock(LIMIT);
	if (setgid(NOBODY) || setuid(NOBODY))
		fprintf(stderr, "facts-probe: cannot become uid %d here: staying uid %d\n", NOBODY,
			getuid());
	say(ioas_map(s->fd, s->attached, BASE, LIMIT, pages), "unpriv MAP 64K attached");
	say(ioas_map(s->fd, s->attached, 0x200000, PAGE, pages + LIMIT), "unpriv one page more");
	say_ioas_unmap(s->fd, s->attached, BASE, LIMIT, "unpriv UNMAP");
	say(ioas_map(s->fd, s->free, BASE, MUCH, pages), "unpriv MAP 256K no device (lazy)");
	say(ioas_map(s->fd, s->attached, BASE, LIMIT + PAGE, nowhere(LIMIT / PAGE + 1)),
	    "order: over limit + unmapped");
	say(AS_RESULT(iommufd_open()), "unpriv open /dev/iommu");
	say(AS_RESULT(cdev_open(&B)), "unpriv open cdev");
}

static void over_memlock(void *arg)
{
	const struct shared *s = arg;

	set_memlock(LIMIT);
	say(ioas_map(s->fd, s->attached, 0x300000, MUCH, memory(MUCH / PAGE)),
	    "root MAP over memlock (CAP_IPC_LOCK)");
}

/* Maps, says so, and stays until its parent is done. */
static void live_child(const struct shared *s)
{
	char *at = mmap(CHILD_AT, 4 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	memset(at, 1, 4 * PAGE);
	ioas_map(s->fd, s->free, BASE, 4 * PAGE, at);
	if (write(s->ready, "", 1) == 1)
		pause();
	_exit(0);
}

static void say_live_child(struct shared *s, int cdev)
{
	int ends[2];
	pid_t child;
	char byte;

	if (pipe(ends))
		return;
	s->ready = ends[1];
	fflush(NULL);
	child = fork();
	if (!child)
		live_child(s);
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		fprintf(stderr, "facts-probe: the child did not map\n");
	say(attach_to(cdev, s->free), "parent ATTACH over a live child's mapping");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	say_ioas_unmap(s->fd, s->free, BASE, 4 * PAGE, "parent UNMAP after child's exit");
}

void case_iommufd_limits(void)
{
	struct shared s = { .fd = iommufd_open() };
	struct bound a = bound_open(&A, s.fd);

	s.attached = ioas_alloc(s.fd);
	s.free = ioas_alloc(s.fd);
	attach_to(a.cdev, s.attached);
	in_child(unprivileged, &s);
	in_child(over_memlock, &s);
	say_ioas_unmap(s.fd, s.free, BASE, MUCH, "parent UNMAP of the dead child's mapping");
	say_live_child(&s, a.cdev);
}
