/* SPDX-License-Identifier: MIT */
/* device: what a device descriptor answers, for one device of every sort. */
#include "probe.h"

#define REGION(index) ((uint64_t)(index) << 40)
#define CONFIG 7
#define FLAGS(index, bits) ((uint32_t)(index) | (bits))

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void say_device_info(const char *d, int fd)
{
	static const uint32_t sizes[] = { 0, 15, 16, 20, 24, 64 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		union {
			struct vfio_device_info info;
			uint32_t words[16];	/* cap_offset is word 5 */
		} u = { .info.argsz = sizes[i] };
		int ret = ioctl(fd, VFIO_DEVICE_GET_INFO, &u);
		char extra[96];

		snprintf(extra, sizeof(extra), "argsz=%u flags=0x%x regions=%u irqs=%u cap=%u",
			 u.info.argsz, u.info.flags, u.info.num_regions, u.info.num_irqs, u.words[5]);
		say_extra(extra, ret, "%s GET_INFO argsz=%u", d, sizes[i]);
	}
	say(ioctl(fd, VFIO_DEVICE_GET_INFO, NULL), "%s: GET_INFO NULL", d);
}

/* Room for a region's capabilities. */
union region {
	struct vfio_region_info info;
	char bytes[sizeof(struct vfio_region_info) + 512];
};

static void say_region(const char *d, int fd, uint32_t index)
{
	union region u = { .info = { .argsz = sizeof(u), .index = index } };
	int ret = ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &u);
	const struct vfio_info_cap_header *cap = (const void *)(u.bytes + u.info.cap_offset);
	char extra[128];

	snprintf(extra, sizeof(extra), "argsz=%u flags=0x%x size=0x%llx offset=0x%llx cap=%u",
		 u.info.argsz, u.info.flags, (unsigned long long)u.info.size,
		 (unsigned long long)u.info.offset, u.info.cap_offset);
	say_extra(extra, ret, "%s REGION_INFO %u", d, index);
	if (!ret && u.info.cap_offset && u.info.cap_offset < sizeof(u) - sizeof(*cap))
		note("%s:   first cap: id=%u v=%u next=%u", d, cap->id, cap->version, cap->next);
}

static void say_regions(const char *d, int fd)
{
	static const uint32_t sizes[] = { 0, 31, 32, 40 };
	struct vfio_region_info none = { .argsz = sizeof(none), .index = 0xffffffff };
	char extra[32];

	for (uint32_t i = 0; i <= 11; i++)
		say_region(d, fd, i);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		union region u = { .info.argsz = sizes[i] };
		int ret = ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &u);

		snprintf(extra, sizeof(extra), "argsz=%u", u.info.argsz);
		say_extra(extra, ret, "%s REGION_INFO 0 argsz=%u", d, sizes[i]);
	}
	say(ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &none), "%s: REGION_INFO 0xffffffff", d);
}

static void say_irq_infos(const char *d, int fd)
{
	struct vfio_irq_info small = { .argsz = 15 };

	for (uint32_t i = 0; i <= 6; i++) {
		struct vfio_irq_info info = { .argsz = sizeof(info), .index = i };
		int ret = ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &info);
		char extra[48];

		snprintf(extra, sizeof(extra), "flags=0x%x count=%u", info.flags, info.count);
		say_extra(extra, ret, "%s IRQ_INFO %u", d, i);
	}
	say(ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, &small), "%s: IRQ_INFO argsz=15", d);
}

/* ---- Resets ------------------------------------------------------------ */

static void say_hot_reset_info(const struct place *at, int fd)
{
	static const uint32_t sizes[] = { 0, 11, 12, 76 };

	for (size_t i = 0; i < COUNT(sizes); i++) {
		union {
			struct vfio_pci_hot_reset_info info;
			char bytes[128];
		} u = { .info.argsz = sizes[i] };
		const struct vfio_pci_dependent_device *first =
			(const void *)(u.bytes + sizeof(struct vfio_pci_hot_reset_info));
		int ret = ioctl(fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &u);
		char extra[96];

		snprintf(extra, sizeof(extra), "flags=0x%x count=%u first group-known=%d", u.info.flags,
			 u.info.count, first->group_id == (uint32_t)at->group);
		say_extra(extra, ret, "%s HOT_RESET_INFO argsz=%u", at->label, sizes[i]);
	}
}

struct reset {
	const char *name;
	uint32_t argsz, flags, count;
	int fd;			/* the first; the others are -1 */
};

static void say_hot_resets(const char *d, int device, int group, int container)
{
	int null = open("/dev/null", O_RDWR), other = group_open(&B);
	const struct reset resets[] = {
		{ "count=0", 12, 0, 0, group },
		{ "argsz=11", 11, 0, 1, group },
		{ "flags=1", 16, 1, 1, group },
		{ "fd=-1", 16, 0, 1, -1 },
		{ "fd=/dev/null", 16, 0, 1, null },
		{ "fd=container", 16, 0, 1, container },
		{ "own group", 16, 0, 1, group },
		{ "count 4", 28, 0, 4, group },
		{ "only a foreign group", 16, 0, 1, other },
	};

	for (size_t i = 0; i < COUNT(resets); i++) {
		const struct reset *r = &resets[i];
		int32_t words[] = { (int32_t)r->argsz, (int32_t)r->flags, (int32_t)r->count, r->fd,
				    r->fd, r->fd, r->fd };

		say(ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, words), "%s: HOT_RESET %s", d, r->name);
	}
	close(other);
	close(null);
}

/* ---- Features ---------------------------------------------------------- */

static int feature(int fd, uint32_t argsz, uint32_t flags)
{
	struct {
		struct vfio_device_feature head;
		char data[256];
	} arg = { .head = { .argsz = argsz, .flags = flags } };

	return ioctl(fd, VFIO_DEVICE_FEATURE, &arg);
}

static void say_features(const char *d, int fd)
{
	const uint32_t probe = VFIO_DEVICE_FEATURE_PROBE, get = VFIO_DEVICE_FEATURE_GET;
	const uint32_t set = VFIO_DEVICE_FEATURE_SET, room = 8 + 256;

	for (uint32_t i = 0; i <= 14; i++) {
		say(feature(fd, room, FLAGS(i, probe)), "%s FEATURE %u PROBE", d, i);
		say(feature(fd, room, FLAGS(i, probe | get)), "%s FEATURE %u PROBE|GET", d, i);
		say(feature(fd, room, FLAGS(i, probe | set)), "%s FEATURE %u PROBE|SET", d, i);
	}
	say(feature(fd, 7, FLAGS(3, probe)), "%s: FEATURE argsz=7", d);
	say(feature(fd, room, FLAGS(3, probe | 1u << 20)), "%s: FEATURE bad flag", d);
	say(feature(fd, room, FLAGS(3, get | set)), "%s: FEATURE GET|SET", d);
	say(feature(fd, room, FLAGS(3, 0)), "%s: FEATURE neither", d);
	say(feature(fd, room, FLAGS(0xffff, probe)), "%s: FEATURE 0xffff", d);
}

/* ---- Reading, writing, mapping ------------------------------------------ */

static uint64_t region_size(int fd, uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	return ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info) ? 0 : info.size;
}

static void say_reads(const char *d, int fd)
{
	uint64_t config = REGION(CONFIG), end = config + region_size(fd, CONFIG);
	uint64_t bar0 = region_size(fd, 0);
	uint32_t word = 0, words[2];
	uint16_t command = 0;
	char extra[32];
	long n = pread(fd, &word, 4, (off_t)config);

	snprintf(extra, sizeof(extra), "0x%08x", word);
	say_extra(extra, n, "%s: pread config 4", d);
	say(pread(fd, &word, 4, (off_t)end), "%s: pread config beyond end", d);
	say(pread(fd, words, 8, (off_t)end - 4), "%s: pread config straddling end", d);
	say(pread(fd, &word, 0, (off_t)config), "%s: pread config 0 bytes", d);
	say(pread(fd, &word, 4, REGION(9)), "%s: pread region 9", d);
	say(pread(fd, &word, 4, REGION(20)), "%s: pread region 20", d);
	say(pread(fd, nowhere(1), 4, (off_t)config), "%s: pread config bad ptr", d);
	say(read(fd, &word, 4), "%s: read (no offset)", d);
	say(pread(fd, &word, 4, -1), "%s: pread negative", d);
	say(pread(fd, &word, 4, REGION(6)), "%s: pread ROM", d);
	say(pread(fd, &word, 4, REGION(8)), "%s: pread VGA", d);
	say(pread(fd, &word, 4, 0), "%s: pread BAR0", d);
	say(pread(fd, &word, 4, (off_t)bar0), "%s: pread BAR0 beyond", d);
	say(pread(fd, &word, 4, REGION(5)), "%s: pread BAR5", d);
	if (pread(fd, &command, 2, (off_t)config + 4) == 2)
		command |= 2;
	say(pwrite(fd, &command, 2, (off_t)config + 4), "%s: pwrite config command", d);
	say(pread(fd, &word, 4, 0), "%s: pread BAR0 after memory enable", d);
	say(lseek(fd, 0, SEEK_SET), "%s: lseek", d);
}

static void *try_map(int fd, uint64_t length, int flags, uint64_t offset)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);
}

static void say_mmaps(const char *d, int fd, int container)
{
	uint64_t bar0 = region_size(fd, 0) & -PAGE;
	void *at = try_map(fd, bar0 ? bar0 : PAGE, MAP_SHARED, 0);

	say(AS_RESULT((long)at), "%s: mmap BAR0", d);
	say(AS_RESULT((long)try_map(fd, PAGE, MAP_PRIVATE, 0)), "%s: mmap BAR0 private", d);
	say(AS_RESULT((long)try_map(fd, PAGE, MAP_SHARED, bar0 ? bar0 : PAGE)), "%s: mmap BAR0 beyond", d);
	say(AS_RESULT((long)try_map(fd, bar0 + PAGE, MAP_SHARED, 0)), "%s: mmap BAR0 too long", d);
	if (at != MAP_FAILED)
		say(map(container, 0x100000, bar0, at), "%s: MAP_DMA of a mapped BAR", d);
	say(AS_RESULT((long)try_map(fd, PAGE, MAP_SHARED, REGION(CONFIG))), "%s: mmap config", d);
	say(AS_RESULT((long)try_map(fd, PAGE, MAP_SHARED, REGION(12))), "%s: mmap region 12", d);
}

static void say_device(void *arg)
{
	const struct place *at = arg;
	struct space space = space_open(at, 3);
	int fd = device_fd(space.group, at);

	say_device_info(at->label, fd);
	say_regions(at->label, fd);
	say_irq_infos(at->label, fd);
	say_irqs(at, fd);
	say(ioctl(fd, VFIO_DEVICE_RESET), "%s: RESET", at->label);
	say(ioctl(fd, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "%s: unknown device ioctl", at->label);
	say(ioctl(fd, _IO('x', 1), 0), "%s: foreign device ioctl", at->label);
	say_hot_reset_info(at, fd);
	say_hot_resets(at->label, fd, space.group, space.container);
	say_features(at->label, fd);
	say_reads(at->label, fd);
	say_mmaps(at->label, fd, space.container);
}

void case_device(void)
{
	struct place devices[] = { A, N, E0, T0, D0, M0 };

	for (size_t i = 0; i < COUNT(devices); i++)
		in_child(say_device, &devices[i]);
}
