/* SPDX-License-Identifier: MIT */
/*
 * crowd: several processes and threads on one iommufd: whose memory, whose limit,
 * who waits for whom. Not measured: see iommufd_edges.c.
 */
#include "iommufd.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define BASE 0x100000ull
#define LIMIT 65536ul
#define MUCH (4 * LIMIT)
#define NOBODY 65534
/* Where children map: nothing of the parent's is ever there. */
#define CHILD_AT ((void *)0x610000000000ul)

/* ---- Locked memory --------------------------------------------------------------- */

struct shared {
	int fd;
	uint32_t first, second;		/* IOASes with a device each */
};

static void become_nobody(unsigned long limit)
{
	struct rlimit memlock = { limit, limit };

	setrlimit(RLIMIT_MEMLOCK, &memlock);
	if (setgid(NOBODY) || setuid(NOBODY))
		fprintf(stderr, "facts-probe: cannot become uid %d here\n", NOBODY);
}

static void say_charges(void *arg)
{
	const struct shared *s = arg;
	char *pages = memory(2 * LIMIT / PAGE);
	struct copy_arg copy = { .size = sizeof(copy), .flags = FIXED_RW, .src_ioas = s->first,
				 .src_iova = BASE, .length = LIMIT, .dst_ioas = s->second,
				 .dst_iova = BASE };

	become_nobody(LIMIT);
	say(ioas_map(s->fd, s->first, BASE, LIMIT, pages), "limit: MAP 64K");
	say(ioctl(s->fd, IOAS_COPY, &copy), "limit: COPY of it");
	say(ioas_map(s->fd, s->second, 0x200000, PAGE, pages), "limit: MAP of it again");
	say_ioas_unmap(s->fd, s->first, BASE, LIMIT, "limit: UNMAP the first");
	say(ioas_map(s->fd, s->first, BASE, PAGE, pages), "limit: MAP, the copy is left");
	say_ioas_unmap(s->fd, s->second, BASE, LIMIT, "limit: UNMAP the copy");
	say(ioas_map(s->fd, s->first, BASE, LIMIT, pages), "limit: MAP 64K again");
}

/* The one before is gone; its mapping and its user are not. */
static void say_same_user(void *arg)
{
	const struct shared *s = arg;

	become_nobody(LIMIT);
	say(ioas_map(s->fd, s->second, BASE, PAGE, memory(1)), "limit: MAP by another of that user");
	say_ioas_unmap(s->fd, s->first, BASE, LIMIT, "limit: UNMAP what the first mapped");
	say(ioas_map(s->fd, s->second, BASE, LIMIT, memory(LIMIT / PAGE)), "limit: MAP 64K then");
}

static void say_limits(void)
{
	struct shared s = { .fd = iommufd_open() };
	struct bound a = bound_open(&A, s.fd), b = bound_open(&B, s.fd);

	s.first = ioas_alloc(s.fd);
	s.second = ioas_alloc(s.fd);
	attach_to(a.cdev, s.first);
	attach_to(b.cdev, s.second);
	in_child(say_charges, &s);
	in_child(say_same_user, &s);
	close(a.cdev);
	close(b.cdev);
	close(s.fd);
}

/* ---- Threads --------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS 50

struct worker {
	int fd;
	uint32_t ioas;
	uint64_t iova;
	char *page;
	int wrong;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t length = PAGE;

		w->wrong += ioas_map(w->fd, w->ioas, w->iova, PAGE, w->page) != 0;
		w->wrong += ioas_unmap(w->fd, w->ioas, w->iova, &length) != 0 || length != PAGE;
	}
	return NULL;
}

static void say_threads(void)
{
	int fd = iommufd_open(), wrong = 0;
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd);
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	attach_to(a.cdev, ioas);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ fd, ioas, BASE + i * PAGE, memory(1), 0 };
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		wrong += workers[i].wrong;
	}
	note("threads: wrong answers: %d", wrong);
	say_ioas_unmap_all(fd, ioas, "threads: what is left");
	close(a.cdev);
	close(fd);
}

/* ---- A mapper's memory and limit ------------------------------------------------- */

/* Maps more than it may lock, says so, and stays until its parent is done. */
static void poor_child(const struct shared *s, int ready)
{
	char *at = mmap(CHILD_AT, MUCH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	memset(at, 1, MUCH);
	become_nobody(LIMIT);
	ioas_map(s->fd, s->first, BASE, MUCH, at);
	if (write(ready, "", 1) == 1)
		pause();
	_exit(0);
}

static void say_mapper(void)
{
	struct shared s = { .fd = iommufd_open() };
	struct bound a = bound_open(&A, s.fd);
	int ends[2];
	pid_t child;
	char byte;

	s.first = ioas_alloc(s.fd);
	if (pipe(ends))
		return;
	fflush(NULL);
	child = fork();
	if (!child)
		poor_child(&s, ends[1]);
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		fprintf(stderr, "facts-probe: the child did not map\n");
	say(attach_to(a.cdev, s.first), "ATTACH over more than the mapper may lock");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	say(attach_to(a.cdev, s.first), "ATTACH over a dead mapper's memory");
	say_ioas_unmap_all(s.fd, s.first, "UNMAP it");
	say(attach_to(a.cdev, s.first), "ATTACH then");
	close(a.cdev);
	close(s.fd);
}

/* ---- What was closed is closed ---------------------------------------------------- */

static void say_closed(void)
{
	int groups = 0, devices = 0, iommufds = 0;

	for (int i = 0; i < 100; i++) {
		int fd = iommufd_open(), group = group_open(&A), cdev = cdev_open(&A);
		int closed = open("/dev/iommu", O_PATH);
		uint32_t ioas = ioas_alloc(fd);

		close(group);
		groups += bind_to(cdev, closed, NULL) && errno == EBUSY;
		bind_to(cdev, fd, NULL);
		attach_to(cdev, ioas);
		close(cdev);
		devices += destroy(fd, ioas) != 0;
		close(fd);
		group = group_open(&A);
		iommufds += group < 0;
		close(group);
		close(closed);
	}
	note("closed groups in the way of a cdev: %d", groups);
	note("closed cdevs in the way of an ioas: %d", devices);
	note("closed cdevs in the way of a group: %d", iommufds);
}

void case_iommufd_crowd(void)
{
	say_limits();
	say_mapper();
	say_threads();
	say_closed();
}
