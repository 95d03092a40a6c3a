/* SPDX-License-Identifier: MIT */
/*
 * replay and replay_setiommu: a physical group joins a container whose mappings
 * nobody has looked at yet. Now they are: one variant for each way this fails.
 */
#include "probe.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define GOOD 0x100000ull	/* iova of the good mapping, 4 pages */
#define BAD 0x200000ull		/* of the bad one, unless the variant says */
#define MSI 0xfee00000ull
#define APERTURE (1ull << 39)

enum sort { USUAL, UNMAPPED, LATER, READ_ONLY, HALF, NONCANONICAL };

static const struct variant {
	const char *name;
	const char *about;	/* NULL: nothing bad is mapped */
	uint64_t iova;
	unsigned long pages;
	enum sort sort;		/* of memory */
} variants[] = {
	{ "good", NULL, 0, 0, USUAL },
	{ "unmapped", "map unmapped vaddr", BAD, 1, UNMAPPED },
	{ "msi", "map over MSI", MSI, 1, USUAL },
	{ "aperture", "map beyond aperture 2^45", 1ull << 45, 1, USUAL },
	{ "readonly", "map read-only vaddr W", BAD, 1, READ_ONLY },
	{ "munmapped-later", "map good then munmap it", BAD, 1, LATER },
	{ "straddle-aperture", "map straddling aperture end", APERTURE - PAGE, 2, USUAL },
	{ "straddle-msi", "map straddling MSI start", MSI - PAGE, 2, USUAL },
	{ "msi+unmapped", "map unmapped vaddr AND over MSI", MSI, 1, UNMAPPED },
	{ "aperture+unmapped", "map unmapped vaddr beyond aperture", 1ull << 45, 1, UNMAPPED },
	{ "half-unmapped", "map two pages, second unmapped", BAD, 2, HALF },
	{ "noncanonical", "map noncanonical vaddr", BAD, 1, NONCANONICAL },
	{ "hole", "map over MSI from below to above", MSI - PAGE, 258, USUAL },
};

static void map_bad(int c, const struct variant *v)
{
	char *vaddr = v->sort == UNMAPPED ? nowhere(v->pages) : memory(v->pages);
	int ret;

	if (v->sort == READ_ONLY)
		mprotect(vaddr, v->pages * PAGE, PROT_READ);
	if (v->sort == HALF)
		munmap(vaddr + PAGE, PAGE);
	if (v->sort == NONCANONICAL)
		vaddr = (char *)(1ul << 60);
	ret = map(c, v->iova, v->pages * PAGE, vaddr);
	say(ret, "%s: %s", v->name, v->about);
	if (v->sort == LATER)
		munmap(vaddr, v->pages * PAGE);
}

static int try_device(int group)
{
	int fd = device_fd(group, &A);

	if (fd >= 0)
		close(fd);
	return AS_RESULT(fd);
}

static void say_still_lazy(int c, int a, const char *name)
{
	say(group_set(a, c), "%s: again", name);
	say(map(c, 0x300000, PAGE, memory(1)), "%s: MAP more into the container", name);
	say(map(c, 0x400000, PAGE, nowhere(1)), "%s: MAP unmapped vaddr still lazy", name);
	say_unmap(c, 0x400000, PAGE, 0, "%s: UNMAP that", name);
	say_unmap(c, GOOD, 4 * PAGE, 0, "%s: good mapping survives (UNMAP)", name);
	say_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "%s: remove all", name);
	say(group_set(a, c), "%s: physical SET_CONTAINER after cleanup", name);
	say(map(c, 0x500000, PAGE, nowhere(1)), "%s: then unmapped vaddr", name);
}

static void say_variant(const struct variant *v)
{
	struct space space = space_open(&T0, 3);
	int a = group_open(&A), c = space.container, own;

	say(map(c, GOOD, 4 * PAGE, memory(4)), "mdev: good map");
	if (v->about)
		map_bad(c, v);
	say_info(c, "%s: info before physical", v->name);
	say(group_set(a, c), "%s: physical SET_CONTAINER", v->name);
	note("%s: physical group status after: 0x%x", v->name, group_status(a));
	say(try_device(a), "%s: physical GET_DEVICE_FD", v->name);
	say_info(c, "%s: info after", v->name);
	if (v->about)
		say_still_lazy(c, a, v->name);
	group_unset(a);
	own = container_open();
	say(group_set(a, own), "%s: own container for the physical group", v->name);
	close(own);
	close(a);
	space_close(&space);
}

void case_replay(void)
{
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		say_variant(&variants[i]);
}

/* ---- replay_setiommu: whose memory, whose limit ------------------------- */

#define LIMIT 65536ul
#define MUCH (4 * LIMIT)
/* Where the children map: nothing of the parent's is ever there. */
#define CHILD_AT ((void *)0x610000000000ul)

struct pair {
	int container;
	int group;
	int ready;		/* a pipe's end to write to */
};

static void *child_memory(void)
{
	char *at = mmap(CHILD_AT, MUCH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	memset(at, 1, MUCH);
	return at;
}

static void poor_child(void *arg)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	struct pair *pair = arg;
	char *at = child_memory();

	setrlimit(RLIMIT_MEMLOCK, &limit);
	if (setgid(65534) || setuid(65534))
		fprintf(stderr, "facts-probe: cannot become uid 65534 here\n");
	say(map(pair->container, 0x100000, MUCH, at), "unpriv lazy MAP 256K over a 64K memlock");
	say(group_set(pair->group, pair->container),
	    "unpriv physical SET_CONTAINER (replay over memlock)");
	say(map(pair->container, 0x200000, MUCH, at), "unpriv lazy second MAP");
}

/* Maps, says so, and stays until its parent is done. */
static void live_child(struct pair *pair)
{
	map(pair->container, 0x100000, MUCH, child_memory());
	if (write(pair->ready, "", 1) == 1)
		pause();
	_exit(0);
}

void case_replay_setiommu(void)
{
	struct pair pair = { container_open(), group_open(&A), -1 };
	int t = group_open(&T0), ends[2];
	pid_t child;
	char byte;

	say(group_set(t, pair.container), "mtty into container");
	say(ioctl(pair.container, VFIO_SET_IOMMU, 3ul), "SET_IOMMU");
	in_child(poor_child, &pair);
	say(group_set(pair.group, pair.container),
	    "root SET_CONTAINER: mapping made by another (dead) process");
	say_unmap(pair.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, "unmap all");
	if (pipe(ends))
		return;
	pair.ready = ends[1];
	child = fork();
	if (!child)
		live_child(&pair);
	close(ends[1]);
	if (read(ends[0], &byte, 1) != 1)
		fprintf(stderr, "facts-probe: the child did not map\n");
	say(group_set(pair.group, pair.container),
	    "root SET_CONTAINER: mapping made by another (live) process");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}
