/* SPDX-License-Identifier: MIT */
/*
 * Expectations, seen to hold and seen to fail: a small program (this one, as a client)
 * does in a run what a virtual machine monitor does, and then something else.
 */
#include "launch/launch_rig_test.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "base/suite_test.h"
#include "expect/judge.h"
#include "expect/run_expect.h"

/* ---- The client -------------------------------------------------------- */

#define MDEV "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define NIC "0000:01:00.0"
#define RAM_SIZE 0x100000u
#define BAR_IOVA 0xfe400000u
#define MSI_IOVA 0xfee00000u
#define LATE_IOVA 0x20000000u

/* What it does besides, or does not. */
struct habits {
	bool iommufd;		/* and not containers */
	bool one_space;		/* a device that does not fit in is refused */
	bool insists;		/* ... after it was tried twice */
	bool maps_msi;		/* something over the window of the interrupts */
	bool forgets;		/* what it has to map in its second space */
	bool halves;		/* ... or half of it */
	bool late;		/* more memory, when everything is attached */
	bool grows;		/* ... a page a time, and takes some back meanwhile */
	bool moved;		/* its memory is at other iovas */
	bool identity;		/* its memory's iovas are its addresses, which differ in each run */
	bool leaks;		/* leaves everything to the kernel */
	bool opens_twice;	/* its NIC (containers only) */
	bool keeps_bar;		/* mapped, though it closes the device */
	int status;		/* its exit status */
	int signal;		/* or what it ends by */
};

/* A space of the client's: a container, or an ioas of the one iommufd. */
struct space {
	int fd;
	uint32_t ioas;
};

static void *memory(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		    0);
}

static int map(const struct habits *habits, struct space space, const void *at, uint64_t iova,
	       uint64_t size)
{
	struct vfio_iommu_type1_dma_map legacy = {
		.argsz = sizeof(legacy),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)at,
		.iova = iova,
		.size = size,
	};
	struct vfiosim_iommu_ioas_map modern = {
		.size = sizeof(modern),
		.flags = 7,	/* at this iova, writable, readable */
		.ioas_id = space.ioas,
		.user_va = (uintptr_t)at,
		.length = size,
		.iova = iova,
	};

	return habits->iommufd ? ioctl(space.fd, VFIOSIM_IOMMU_IOAS_MAP, &modern) :
				 ioctl(space.fd, VFIO_IOMMU_MAP_DMA, &legacy);
}

static int unmap(const struct habits *habits, struct space space, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap legacy = { .argsz = sizeof(legacy), .iova = iova,
						     .size = size };
	struct vfiosim_iommu_ioas_unmap modern = { .size = sizeof(modern), .ioas_id = space.ioas,
						   .iova = iova, .length = size };

	return habits->iommufd ? ioctl(space.fd, VFIOSIM_IOMMU_IOAS_UNMAP, &modern) :
				 ioctl(space.fd, VFIO_IOMMU_UNMAP_DMA, &legacy);
}

static struct space new_space(const struct habits *habits, int iommufd)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (!habits->iommufd)
		return (struct space){ .fd = open("/dev/vfio/vfio", O_RDWR) };
	ioctl(iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc);
	return (struct space){ iommufd, alloc.out_ioas_id };
}

/* A group, or the device's own node, bound. */
static int open_device(const struct habits *habits, int iommufd, const char *group, const char *cdev)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommufd };
	int fd = open(habits->iommufd ? cdev : group, O_RDWR);

	if (habits->iommufd)
		ioctl(fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind);
	return fd;
}

static int attach(const struct habits *habits, struct space space, int device)
{
	struct vfiosim_device_attach_iommufd_pt pt = { .argsz = 12, .pt_id = space.ioas };

	if (habits->iommufd)
		return ioctl(device, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &pt);
	if (ioctl(device, VFIO_GROUP_SET_CONTAINER, &space.fd))
		return -1;
	/* Refused where a group has done it already. */
	ioctl(space.fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	return 0;
}

static int device_fd(const struct habits *habits, int device, const char *name)
{
	return habits->iommufd ? device : ioctl(device, VFIO_GROUP_GET_DEVICE_FD, name);
}

static void *map_bar(int device)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = 0 };

	ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info);
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, (off_t)info.offset);
}

static uint64_t ram_iova(const struct habits *habits, const void *ram)
{
	return habits->identity ? (uintptr_t)ram : habits->moved ? 0x10000000 : 0;
}

/* Low enough for the IOMMU, and elsewhere in the next run. */
static void *low_memory(size_t size)
{
	void *at = (void *)(0x100000000 + (uintptr_t)getpid() * 0x100000);

	return mmap(at, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_FIXED_NOREPLACE, -1, 0);
}

/* The guest's memory and the mdev's BAR. What is refused is left out. */
static void fill(const struct habits *habits, struct space space, const void *ram, const void *bar)
{
	map(habits, space, ram, ram_iova(habits, ram), RAM_SIZE);
	map(habits, space, bar, BAR_IOVA, 4096);
}

/* 40 pages; of the first ten every other is given back before the next, and mapped again. */
static void grow(const struct habits *habits, struct space space, const void *ram)
{
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t iova = LATE_IOVA + i * 0x200000;

		map(habits, space, ram, iova, 4096);
		if (i >= 10 || i % 2)
			continue;
		unmap(habits, space, iova, 4096);
		map(habits, space, ram, iova, 4096);
	}
}

static int client(const struct habits *habits)
{
	int iommufd = habits->iommufd ? open("/dev/iommu", O_RDWR) : -1;
	struct space first = new_space(habits, iommufd), second = { .fd = -1 };
	int mdev = open_device(habits, iommufd, "/dev/vfio/11", "/dev/vfio/devices/vfio1");
	int nic = open_device(habits, iommufd, "/dev/vfio/10", "/dev/vfio/devices/vfio0");
	int mdev_fd, nic_fd = -1;
	void *ram = habits->identity ? low_memory(RAM_SIZE) : memory(RAM_SIZE), *bar;

	if (attach(habits, first, mdev))
		return 90;
	mdev_fd = device_fd(habits, mdev, MDEV);
	bar = map_bar(mdev_fd);
	if (bar == MAP_FAILED)
		return 91;
	fill(habits, first, ram, bar);
	if (habits->maps_msi && map(habits, first, ram, MSI_IOVA, 4096))
		return 92;
	if (!attach(habits, first, nic) || (habits->insists && !attach(habits, first, nic)))
		return 93;
	if (!habits->one_space) {
		second = new_space(habits, iommufd);
		if (attach(habits, second, nic))
			return 94;
		nic_fd = device_fd(habits, nic, NIC);
		if (habits->halves)
			map(habits, second, ram, ram_iova(habits, ram), RAM_SIZE / 2);
		else if (!habits->forgets)
			fill(habits, second, ram, bar);
	}
	if (habits->late)
		map(habits, first, ram, LATE_IOVA, 4096);
	if (habits->grows)
		grow(habits, first, ram);
	if (habits->signal)
		raise(habits->signal);
	if (habits->opens_twice)
		device_fd(habits, nic, NIC);
	if (habits->leaks)
		return habits->status;
	unmap(habits, first, ram_iova(habits, ram), RAM_SIZE);
	unmap(habits, first, BAR_IOVA, 4096);
	if (!habits->one_space)
		unmap(habits, second, ram_iova(habits, ram), RAM_SIZE);
	if (!habits->keeps_bar)
		munmap(bar, 4096);
	if (!habits->iommufd) {
		close(mdev_fd);
		if (!habits->one_space) {
			close(nic_fd);
			close(second.fd);
		}
	}
	close(mdev);
	close(nic);
	close(first.fd);
	return habits->status;
}

/* ---- The rig ----------------------------------------------------------- */

/* A file that everybody may read, gone with the test. */
struct file {
	char path[SCRATCH_PATH];
};

static struct file write_file(const char *text)
{
	struct file file;

	close(scratch_file(file.path, "expect", text));
	return file;
}

static char *read_file(const char *path)
{
	static char text[16384];
	FILE *file = fopen(path, "re");
	size_t n;

	ck_assert_msg(file, "%s: %s", path, strerror(errno));
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

/* Words for client_main(): "legacy", "iommufd", "one-space", ... */
static int expect_status(enum who who, const char *yaml, const char *client_words, struct run *run)
{
	struct file file = write_file(yaml);
	int status = run_and_wait(who, RUN("--expect", file.path, "--", SELF, "client", client_words),
				  run);

	unlink(file.path);
	return status;
}

#define HOLDS(yaml_, words_)                                                                       \
	do {                                                                                       \
		struct run run_;                                                                   \
		int status_ = expect_status((enum who)_i, (yaml_), (words_), &run_);                 \
		ck_assert_msg(status_ == 0, "status %d:\n%s", status_, run_.text);                   \
	} while (0)

#define FAILS(yaml_, words_, message_)                                                             \
	do {                                                                                       \
		struct run run_;                                                                   \
		int status_ = expect_status((enum who)_i, (yaml_), (words_), &run_);                 \
		ck_assert_msg(status_ == 1, "status %d:\n%s", status_, run_.text);                   \
		ck_assert_msg(strstr(run_.text, (message_)), "no '%s' in:\n%s", (message_),          \
			      run_.text);                                                          \
	} while (0)

/* ---- Verdicts ---------------------------------------------------------- */

START_TEST(outcome)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < 2; i++) {
		const char *words = i ? "iommufd" : "legacy";

		HOLDS("topology: hotadd\noutcome: {spaces: 2, omitted: [mdev0.bar0], refused: []}\n",
		      words);
		HOLDS("topology: hotadd\noutcome: {omitted: [0xfe400000..0xfe400fff]}\n", words);
		FAILS("topology: hotadd\noutcome: {spaces: 1}\n", words,
		      "expected 1 space at the fullest moment, seen 2");
		FAILS("topology: hotadd\noutcome: {omitted: []}\n", words,
		      "expected omitted [], seen [mdev0.bar0]");
		FAILS("topology: hotadd\noutcome: {omitted: [mdev0.bar0, ram]}\n", words,
		      "expected omitted [mdev0.bar0, ram], seen [mdev0.bar0]");
		FAILS("topology: hotadd\noutcome: {refused: [nic0]}\n", words,
		      "expected refused [nic0], seen []");
	}
	/* The spaces at that moment, one by one. */
	HOLDS("topology: hotadd\noutcome: {spaces: [{devices: [mdev0], holds: [ram, mdev0.bar0]}, "
	      "{devices: [nic0], holds: [0x0..0xfffff], pinned: 1M}]}\n", "legacy");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [ram]}]}\n", "legacy,forgets",
	      "expected space 2 to hold [ram], seen []");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [0x0..0xfffff]}]}\n", "iommufd,halves",
	      "expected space 2 to hold [0x0..0xfffff], seen [0x0..0x7ffff]");
	/* ... with the step that mapped a part of it. */
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [0x0..0xfffff]}]}\n", "legacy,halves",
	      "iova=0x0 size=0x80000\n");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {pinned: 0}]}\n", "legacy",
	      "expected pinned in space 2 0x0 bytes, seen 0x100000");
	HOLDS("topology: hotadd\noutcome: {spaces: [{holds: [0x0..0xfffff, mdev0.bar0, "
	      "0x20000000..0x20000fff, 0x21200000..0x21200fff, 0x24e00000..0x24e00fff, ram]}, {}]}\n",
	      "iommufd,grows");
	FAILS("topology: hotadd\noutcome: {spaces: [{holds: [0x25000000..0x25000fff, ram, mdev0.bar0]}, "
	      "{}]}\n", "legacy,grows", "expected space 1 to hold");
	HOLDS("topology: hotadd\noutcome: {spaces: 1, refused: [nic0]}\n", "legacy,one-space");
	HOLDS("topology: hotadd\noutcome: {spaces: 1, refused: [nic0]}\n", "iommufd,one-space");
	FAILS("topology: hotadd\noutcome: {refused: []}\n", "legacy,one-space",
	      "expected refused [], seen [nic0]");
	/* ... with the step that decided. */
	FAILS("topology: hotadd\noutcome: {refused: []}\n", "legacy,one-space", "[pin-region; Linux:");
}
END_TEST

START_TEST(moments)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "at:\n"
	      "- {moment: attached mdev0, spaces: [{devices: [mdev0]}]}\n"
	      "- {moment: refused nic0, spaces: [{holds: [ram, mdev0.bar0], pinned: 0}], holds: [mdev0.bar0, ram]}\n"
	      "- {moment: attached nic0, devices: [nic0, mdev0]}\n", "legacy");
	HOLDS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [ram, mdev0.bar0]}]}]\n", "iommufd");
	HOLDS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, 0x80000..0xfffff, mdev0.bar0]}]}]\n",
	      "legacy");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, 0x0..0x7ffff, mdev0.bar0]}]}]\n",
	      "legacy",
	      "expected space 1 to hold [0x0..0x7ffff, 0x0..0x7ffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x1fffff, mdev0.bar0]}]}]\n", "legacy",
	      "expected space 1 to hold [0x0..0x1fffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, mdev0.bar0]}]}]\n", "legacy",
	      "expected space 1 to hold [0x0..0x7ffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [ram]}]}]\n", "legacy",
	      "expected space 1 to hold [ram], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{devices: [nic0]}]}]\n", "iommufd",
	      "expected devices of space 1 [nic0], seen [mdev0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: attached nic0, spaces: [{}, {}], pinned: 4K}]\n", "legacy",
	      "expected pinned 0x1000 bytes, seen ");
	FAILS("topology: hotadd\n"
	      "at: [{moment: attached nic0}, {moment: attached mdev0}]\n", "legacy",
	      "this moment never came, not after the one before it");
	FAILS("topology: hotadd\n"
	      "at: [{moment: mark never, spaces: 0}]\n", "legacy", "this moment never came");
}
END_TEST

/* Expected, seen, and the step that made it so. */
START_TEST(mismatches_tell_the_step_that_decided)
{
	static const struct {
		const char *yaml, *words, *step;
	} rows[] = {
		{ "outcome: {spaces: 1}", "legacy", "[pin-region; Linux:" },
		{ "outcome: {spaces: 3}", "iommufd", "[pin-region; Linux:" },
		{ "outcome: {omitted: []}", "legacy", "VFIO_IOMMU_MAP_DMA argsz=32 flags=READ|WRITE" },
		{ "outcome: {omitted: [mdev0.bar0, mdev0.bar1]}", "legacy",
		  "no mapping of mdev0.bar1 was refused" },
		{ "outcome: {refused: [nic0]}", "legacy", "-> device 0000:01:00.0 opened" },
		{ "outcome: {refused: []}", "iommufd,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: refused nic0, spaces: [{holds: [ram]}]}]", "legacy",
		  "-> mapping 0xfe400000..0xfe400fff accepted unchecked" },
		{ "at: [{moment: refused nic0, spaces: [{holds: [mdev0.bar0]}]}]", "legacy",
		  "-> mapping 0x0..0xfffff accepted unchecked" },
		{ "at: [{moment: attached nic0, spaces: [{}, {holds: [ram]}]}]", "legacy",
		  "nothing has asked to map ram there" },
		{ "at: [{moment: exit, spaces: [{}, {holds: [ram, mdev0.bar0]}]}]", "legacy,leaks",
		  "[pin-region; Linux:" },
		{ "at: [{moment: exit, holds: [mdev0.bar0]}]", "iommufd,one-space", "IOMMU_IOAS_UNMAP" },
		{ "at: [{moment: exit, spaces: 0}]", "legacy,leaks", "-> device 0000:01:00.0 opened" },
		{ "at: [{moment: exit, devices: [mdev0]}]", "legacy,leaks",
		  "-> device 0000:01:00.0 opened" },
		{ "at: [{moment: attached nic0, devices: [nic0, mdev0]}, {moment: exit, devices: [mdev0, nic0]}]",
		  "iommufd,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: exit, open: []}]", "legacy,leaks", "container 1: open it" },
		{ "at: [{moment: exit, open: [nic0]}]", "legacy", "device 0000:01:00.0: close it" },
		{ "at: [{moment: exit, pinned: 0}]", "legacy,leaks", "VFIO_IOMMU_MAP_DMA" },
		{ "at: [{moment: attached nic0}]", "legacy,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: refused mdev0}]", "legacy", "-> device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 opened" },
		{ "must: [{attach: nic0, space: 3}]", "legacy", "-> device 0000:01:00.0 opened" },
		{ "must: [{map: mdev0.bar0, space: 2}]", "legacy", "[pin-region; Linux:" },
		{ "must: [{map: 0x10000000..0x100fffff, space: 2}]", "legacy", "iova=0x0 size=0x100000" },
		{ "never: [{map: mdev0.bar0}]", "legacy", "-> mapping 0xfe400000..0xfe400fff accepted" },
		{ "exit: 3", "legacy", "[pin-region; Linux:" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml), "topology: hotadd\n%s\n", rows[i].yaml);
		FAILS(yaml, rows[i].words, rows[i].step);
	}
}
END_TEST

START_TEST(what_is_left_to_the_kernel)
{
	static const char clean[] = "topology: hotadd\n"
				    "at: [{moment: exit, spaces: 0, open: [], pinned: 0}]\n";

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(clean, "legacy");
	HOLDS(clean, "iommufd");
	FAILS(clean, "legacy,leaks", "expected 0 spaces, seen 2");
	FAILS(clean, "iommufd,leaks", "expected 0 spaces, seen 2");
	FAILS("topology: hotadd\nat: [{moment: exit, open: []}]\n", "iommufd,one-space,leaks",
	      "expected open [], seen [iommufd 1, mdev0, nic0]");
	HOLDS("topology: hotadd\nat: [{moment: exit, open: [iommufd 1, mdev0, nic0]}]\n",
	      "iommufd,one-space,leaks");
}
END_TEST

/* A mapping keeps a device open when its descriptor is closed. */
START_TEST(what_is_mapped_is_open)
{
	static const char yaml[] = "topology: hotadd\nat: [{moment: exit, open: []}]\n";

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FAILS(yaml, "legacy,keeps-bar", "expected open [], seen [mdev0]");
	FAILS(yaml, "iommufd,keeps-bar", "expected open [], seen [mdev0]");
}
END_TEST

/* Two descriptors of one device are not one of each of two. */
START_TEST(what_is_open_twice)
{
#define OPEN(devices_)                                                                             \
	"topology: hotadd\n"                                                                       \
	"at: [{moment: exit, open: [container 1, container 2, group 10, group 11, " devices_ "]}]\n"

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(OPEN("mdev0, nic0"), "legacy,leaks");
	HOLDS(OPEN("nic0, mdev0, nic0"), "legacy,leaks,opens-twice");
	FAILS(OPEN("mdev0, mdev0, nic0"), "legacy,leaks,opens-twice", "-> device 0000:01:00.0 opened");
	FAILS(OPEN("mdev0, nic0, nic0"), "legacy,leaks", "-> device 0000:01:00.0 opened");
#undef OPEN
}
END_TEST

START_TEST(must_and_never)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: pin-region}, {attach: nic0, space: 2},\n"
	      "       {map: mdev0.bar0, space: 2, error: EFAULT}]\n"
	      "never: [{map: msi}, {command: SET_CONTAINER, device: nic0, max: 2}]\n", "legacy");
	HOLDS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: pin-region}, {attach: nic0, space: 2}]\n"
	      "never: [{map: reserved}, {command: VFIO_GROUP_SET_CONTAINER}]\n", "iommufd");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: attach-reserved}]\n", "legacy",
	      "expected attach nic0, space 1, rule attach-reserved, seen with another answer");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 2}, {attach: mdev0}]\n", "legacy",
	      "expected attach mdev0 after attach nic0, space 2, seen before it");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 2}, {unmap: msi}]\n", "legacy",
	      "expected unmap msi after attach nic0, space 2, which never came");
	/* Accepted beside an mdev alone, but asked for. */
	FAILS("topology: hotadd\nnever: [{map: msi}]\n", "legacy,maps-msi",
	      "expected at most 0, seen 1 of 5");
	FAILS("topology: hotadd\nnever: [{map: msi}]\n", "iommufd,maps-msi",
	      "expected at most 0, seen 1 of 5");
	FAILS("topology: hotadd\nnever: [{command: SET_CONTAINER, device: nic0, max: 1}]\n", "legacy",
	      "expected at most 1, seen 2 of ");
}
END_TEST

START_TEST(never_tells_how_many_were_looked_at)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\nnever: [{map: msi}]\n", "legacy",
				       &run), 0);
	ck_assert_msg(strstr(run.text, "never map msi: 0 of 4"), "%s", run.text);
}
END_TEST

START_TEST(exit_statuses)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	/* Not said: the command's failure stays, and a mismatch turns 0 into 1. */
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\n", "legacy,status-7", &run), 7);
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\noutcome: {spaces: 9}\n",
				       "legacy,status-7", &run), 7);
	/* Said: the verdict alone. */
	HOLDS("topology: hotadd\nexit: 7\n", "legacy,status-7");
	HOLDS("topology: hotadd\nexit: any\n", "legacy,status-7");
	HOLDS("topology: hotadd\nexit: SIGTERM\n", "legacy,killed");
	FAILS("topology: hotadd\nexit: 7\n", "legacy", "expected exit 7, seen 0");
	FAILS("topology: hotadd\nexit: 0\n", "legacy,killed", "expected exit 0, seen SIGTERM");
	FAILS("topology: hotadd\nexit: SIGSEGV\n", "legacy,killed",
	      "expected exit SIGSEGV, seen SIGTERM");
	FAILS("topology: hotadd\nexit: any\noutcome: {spaces: 9}\n", "legacy,status-7",
	      "expected 9 spaces");
}
END_TEST

START_TEST(faults_of_the_file)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "exit: any\n"
	      "faults: [{at: MAP_DMA, when: 1, error: ENOMEM}]\n"
	      "must: [{map: ram, rule: injected}]\n", "legacy");
	FAILS("topology: hotadd\n"
	      "exit: any\n"
	      "must: [{map: ram, rule: injected}]\n", "legacy", "seen with another answer");
}
END_TEST

START_TEST(mistakes_are_told_together)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(expect_status((enum who)_i,
				       "topology: hotadd\n"
				       "exits: 0\n"
				       "outcome: {omited: []}\n"
				       "at: [{moment: attached nicO}, {moment: marks x}]\n"
				       "must: [{attach: nic0, rule: pin-regio}]\n"
				       "never: [{map: mdev0.bra0}, {command: MAP_DNA}, {comand: x}]\n",
				       "legacy", &run), 125);
	for (const char *const *wanted = (const char *const[]){
		     ":2:1: unknown key 'exits'; did you mean 'exit'?",
		     ":3:11: unknown key 'omited'; did you mean 'omitted'?",
		     "unknown device 'nicO'; did you mean 'nic0'?",
		     "unknown moment 'marks'; did you mean 'mark'?",
		     "unknown rule 'pin-regio'; did you mean 'pin-region'?",
		     "expected ram, msi, reserved, DEVICE.barN or FIRST..LAST, found 'mdev0.bra0'",
		     "unknown command 'MAP_DNA'; did you mean 'MAP_DMA'?",
		     "unknown key 'comand'; did you mean 'command'?", NULL };
	     *wanted; wanted++)
		ck_assert_msg(strstr(run.text, *wanted), "no '%s' in:\n%s", *wanted, run.text);
}
END_TEST

/* ---- Reports ----------------------------------------------------------- */

START_TEST(reports_for_machines)
{
	struct file file, junit;
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	file = write_file("topology: hotadd\noutcome: {spaces: 1}\nnever: [{map: msi}]\n");
	junit = write_file("");
	ck_assert_int_eq(run_and_wait((enum who)_i, RUN("--expect", file.path, "--tap", "--junit",
							junit.path, "--", SELF, "client", "legacy"),
				      &run), 1);
	ck_assert_msg(strstr(run.text, "1..2\nnot ok 1 - outcome\n"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "ok 2 - never map msi\n"), "%s", run.text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"1\""));
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* ... as well when there is no verdict, because the simulator dies. */
START_TEST(reports_of_a_run_that_fails)
{
	static const char yaml[] = "topology: hotadd\nexit: 0\nat: [{moment: exit, open: []}]\n";
	struct file file, junit;
	struct run run;
	pid_t server;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	file = write_file(yaml);
	junit = write_file("");
	run_start(&run, (enum who)_i, RUN("--expect", file.path, "--tap", "--junit", junit.path, "--",
					  "sh", "-c", "echo ready; exec sleep 300"));
	run_expect(&run, "ready");
	server = child_named(run.launcher, "vfiosim-server");
	ck_assert_int_gt(server, 0);
	kill(server, SIGKILL);
	ck_assert_int_eq(run_end(&run), 125);
	ck_assert_msg(strstr(run.text, "1..2\nnot ok 1 - at exit\n"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "the run ended before it was judged"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "not ok 2 - exit 0\n"), "%s", run.text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"2\""));
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* ... or because memory ran out: what was seen then is not all there was. */
START_TEST(reports_without_memory)
{
	struct file file = write_file("topology: hotadd\nexit: any\nnever: [{map: msi}]\n");
	struct file junit = write_file("");
	const struct expect_options options = { .expect = file.path, .junit = junit.path };
	struct vfiosim_topology *topology;
	struct vfiosim_errors errors;
	struct run_expect run;
	char *text = NULL;
	size_t size;
	FILE *messages = open_memstream(&text, &size);

	ck_assert_int_eq(vfiosim_topology_load("hotadd", &topology, &errors), 0);
	ck_assert_int_eq(run_expect_load(&run, &options, &errors), 0);
	ck_assert_int_eq(run_expect_open(&run, topology, &errors), 0);
	row_pass(report_never(run.report, run.expect, 0), "0 of 0");
	ck_assert_int_eq(run_expect_report(&run, 0, W_EXITCODE(0, 0), messages), 1);
	ck_assert_int_eq(run_expect_report(&run, 7, W_EXITCODE(7, 0), messages), 7);
	fclose(messages);
	ck_assert_msg(strstr(text, "FAILED never map msi\nmemory ran out while the run was followed"),
		      "%s", text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"1\""));
	run_expect_close(&run);
	vfiosim_topology_free(topology);
	free(text);
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* A case's machine and outcome: what the client does is what QEMU does, or not. */
START_TEST(outcome_of_a_case)
{
	static const struct {
		const char *name, *policy, *words;
		int status;
		const char *says;
	} rows[] = {
		{ "mdev-hotadd/unpinnable", "qemu-legacy", "legacy", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "qemu-iommufd", "iommufd", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "cloud-hypervisor", "legacy,one-space", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "cloud-hypervisor", "legacy", 1,
		  "expected 1 space at the fullest moment, seen 2" },
		{ "mdev-hotadd/reserved", "qemu-legacy", "legacy", 1, "expected omitted [0xfee00000]" },
		{ "mdev-hotadd/none", "qemu-legacy", "legacy", 125, "has no variant none" },
		{ "mdev-hotad/none", "qemu-legacy", "legacy", 125, "mdev-hotad" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run;
		int status = run_and_wait((enum who)_i,
					  RUN("--case", rows[i].name, "--policy", rows[i].policy, "--", SELF,
					      "client", rows[i].words), &run);

		ck_assert_msg(status == rows[i].status && strstr(run.text, rows[i].says),
			      "%s %s: status %d:\n%s", rows[i].name, rows[i].policy, status, run.text);
	}
}
END_TEST

/* ---- Recording --------------------------------------------------------- */

/* A program's run is recorded; it is held against that; then it changes. */
START_TEST(recorded_and_held_against)
{
	static const char *const programs[][2] = {
		{ "legacy", "legacy,one-space" },
		{ "iommufd", "iommufd,leaks" },
		{ "legacy,leaks", "legacy" },
		{ "iommufd,one-space", "iommufd,one-space,insists" },
		{ "legacy", "legacy,maps-msi" },
		{ "legacy", "legacy,forgets" },
		{ "legacy", "legacy,moved" },
		{ "iommufd,moved", "iommufd" },
		{ "legacy,identity", "legacy,identity,leaks" },
		{ "legacy", "legacy,halves" },
		{ "iommufd,halves", "iommufd" },
		{ "legacy,late", "legacy" },
		{ "iommufd,late", "iommufd,grows" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct file record = write_file("");
		struct run run;
		char *yaml;

		ck_assert_int_eq(run_and_wait((enum who)_i,
					      RUN("-t", "hotadd", "--record-expect", record.path, "--",
						  SELF, "client", programs[i][0]), &run), 0);
		yaml = strdup(read_file(record.path));
		unlink(record.path);
		ck_assert_msg(expect_status((enum who)_i, yaml, programs[i][0], &run) == 0,
			      "%s does not hold:\n%s\n%s", programs[i][0], yaml, run.text);
		ck_assert_msg(expect_status((enum who)_i, yaml, programs[i][1], &run) == 1,
			      "%s holds:\n%s\n%s", programs[i][1], yaml, run.text);
		free(yaml);
	}
}
END_TEST

/* ---- The examples ------------------------------------------------------ */

static const char *example(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "harness/expect/examples/%s.yaml", name);
	return read_file(path);
}

START_TEST(examples)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(example("hotadd"), "legacy");
	HOLDS(example("hotadd"), "iommufd");
	FAILS(example("hotadd"), "legacy,one-space", "FAILED outcome");
	FAILS(example("hotadd"), "iommufd,forgets", "expected space 2 to hold [ram], seen []");
	HOLDS(example("refuses-one"), "legacy,one-space");
	HOLDS(example("refuses-one"), "iommufd,one-space");
	FAILS(example("refuses-one"), "legacy", "FAILED outcome");
	FAILS(example("refuses-one"), "iommufd,one-space,insists", "FAILED never attach nic0");
	HOLDS(example("cleans-up"), "legacy");
	HOLDS(example("cleans-up"), "iommufd");
	FAILS(example("cleans-up"), "legacy,leaks", "FAILED at exit");
	FAILS(example("cleans-up"), "iommufd,maps-msi", "FAILED never map msi");
}
END_TEST

/* ---- The suite --------------------------------------------------------- */

static Suite *expect_suite(void)
{
	const TTest *const tests[] = {
		outcome,
		moments,
		mismatches_tell_the_step_that_decided,
		what_is_left_to_the_kernel,
		what_is_mapped_is_open,
		what_is_open_twice,
		must_and_never,
		never_tells_how_many_were_looked_at,
		exit_statuses,
		faults_of_the_file,
		mistakes_are_told_together,
		reports_for_machines,
		reports_of_a_run_that_fails,
		outcome_of_a_case,
		recorded_and_held_against,
		examples,
	};
	Suite *suite = suite_create("expect");
	TCase *tcase = tcase_create("run");

	tcase_set_timeout(tcase, 120);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tcase, tests[i], 0, N_WHO);
	tcase_add_test(tcase, reports_without_memory);
	suite_add_tcase(suite, tcase);
	return suite;
}

static int client_main(const char *words)
{
	const char *status = strstr(words, "status-");
	const struct habits habits = {
		.iommufd = strstr(words, "iommufd"),
		.one_space = strstr(words, "one-space"),
		.insists = strstr(words, "insists"),
		.maps_msi = strstr(words, "maps-msi"),
		.forgets = strstr(words, "forgets"),
		.halves = strstr(words, "halves"),
		.late = strstr(words, "late"),
		.grows = strstr(words, "grows"),
		.moved = strstr(words, "moved"),
		.identity = strstr(words, "identity"),
		.leaks = strstr(words, "leaks"),
		.opens_twice = strstr(words, "opens-twice"),
		.keeps_bar = strstr(words, "keeps-bar"),
		.status = status ? atoi(status + strlen("status-")) : 0,
		.signal = strstr(words, "killed") ? SIGTERM : 0,
	};

	return client(&habits);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "client"))
		return client_main(argv[2]);
	return suite_run(expect_suite());
}
