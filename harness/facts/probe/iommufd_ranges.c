/* SPDX-License-Identifier: MIT */
/* iova_ranges and allow_iovas: which iovas an IOAS offers, and may hand out. */
#include "iommufd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- iova_ranges -------------------------------------------------------- */

static void say_range_args(int fd, uint32_t ioas, uint32_t devid)
{
	struct iova_range range;
	struct ranges_arg arg = { .size = sizeof(arg), .ioas = ioas };
	char extra[64];
	int ret = ioctl(fd, IOVA_RANGES, &arg);

	snprintf(extra, sizeof(extra), "n=%u align=%llu", arg.count,
		 (unsigned long long)arg.out_alignment);
	say_extra(extra, ret, "num=0");
	arg = (struct ranges_arg){ .size = sizeof(arg), .ioas = ioas, .reserved = 1,
				   .count = 1, .ranges = (uintptr_t)&range };
	say(ioctl(fd, IOVA_RANGES, &arg), "reserved=1");
	say_ranges(fd, NO_OBJECT, "bad id");
	say_ranges(fd, devid, "id of a device");
	arg.reserved = 0;
	arg.ranges = 8;
	say(ioctl(fd, IOVA_RANGES, &arg), "bad ptr");
}

static void say_too_few(int fd, uint32_t ioas)
{
	struct iova_range range = { 0 };
	struct ranges_arg arg = { .size = sizeof(arg), .ioas = ioas, .count = 1,
				  .ranges = (uintptr_t)&range };
	char extra[64];
	int ret = ioctl(fd, IOVA_RANGES, &arg);

	snprintf(extra, sizeof(extra), "n=%u first %llx-%llx", arg.count,
		 (unsigned long long)range.start, (unsigned long long)range.last);
	say_extra(extra, ret, "num=1 of 2");
}

void case_iommufd_iova_ranges(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd), t = bound_open(&T0, fd);
	uint32_t ioas = ioas_alloc(fd);

	say_ranges(fd, ioas, "fresh");
	say_range_args(fd, ioas, a.devid);
	say(attach_to(a.cdev, ioas), "attach");
	say_ranges(fd, ioas, "after attach");
	say_too_few(fd, ioas);
	say(detach(a.cdev), "detach");
	say_ranges(fd, ioas, "after detach");
	say(attach_to(t.cdev, ioas), "attach mtty");
	say_ranges(fd, ioas, "mtty attached");
}

/* ---- allow_iovas -------------------------------------------------------- */

#define LOW { 0x100000, 0x1fffff }
#define HIGH { 0x400000, 0x4fffff }

static void say_lists(int fd, uint32_t ioas)
{
	static const struct iova_range one_byte[] = { { 0x100000, 0x100000 } };
	static const struct iova_range backwards[] = { { 0x200000, 0x100000 } };
	static const struct iova_range unaligned[] = { { 0x100123, 0x200456 } };
	static const struct iova_range overlapping[] = { LOW, { 0x180000, 0x2fffff } };
	static const struct iova_range unsorted[] = { HIGH, LOW };
	static const struct iova_range two[] = { LOW, HIGH };

	say(ioas_allow(fd, NO_OBJECT, two, COUNT(two)), "bad id");
	say(ioas_allow(fd, ioas, (const void *)8, 2), "bad ptr");
	say(ioas_allow(fd, ioas, NULL, 0), "empty list");
	say(ioas_allow(fd, ioas, one_byte, 1), "start==last (one byte)");
	say(ioas_allow(fd, ioas, backwards, 1), "start>last");
	say(ioas_allow(fd, ioas, unaligned, 1), "unaligned");
	say(ioas_allow(fd, ioas, overlapping, COUNT(overlapping)), "overlapping");
	say(ioas_allow(fd, ioas, unsorted, COUNT(unsorted)), "unsorted");
	say(ioas_allow(fd, ioas, two, COUNT(two)), "two ranges");
	say_ranges(fd, ioas, "RANGES then");
}

static void say_allowed_maps(int fd, uint32_t ioas)
{
	static const struct iova_range elsewhere[] = { { 0x1000000, 0x1ffffff } };
	char *pages = memory(1024), extra[32];
	uint64_t iova = 0;
	int ret;

	say(ioas_map(fd, ioas, 0x300000, PAGE, pages), "MAP fixed outside allowed");
	say(ioas_map(fd, ioas, 0x1ff000, 2 * PAGE, pages), "MAP fixed straddling");
	ret = ioas_map_flags(fd, ioas, &iova, PAGE, pages, READABLE | WRITEABLE);
	snprintf(extra, sizeof(extra), "inside=%d",
		 (iova >= 0x100000 && iova <= 0x1fffff) || (iova >= 0x400000 && iova <= 0x4fffff));
	say_extra(extra, ret, "MAP any");
	iova = 0;
	say(ioas_map_flags(fd, ioas, &iova, 1024 * PAGE, pages, READABLE | WRITEABLE),
	    "MAP any too large");
	say(ioas_allow(fd, ioas, elsewhere, 1), "replace list while mapped elsewhere");
	say(ioas_allow(fd, ioas, NULL, 0), "clear list");
}

static void say_allowed_and_attached(int fd, uint32_t ioas, uint32_t other)
{
	static const struct iova_range all[] = { { 0, UINT64_MAX } };
	static const struct iova_range most[] = { { 0x100000, APERTURE + 0xfffff } };
	static const struct iova_range low[] = { { 0x100000, 0xfedfffff } };
	static const struct iova_range beyond[] = { { APERTURE, APERTURE + 0xfffff } };
	static const struct iova_range msi[] = { { MSI, MSI + 0xfffff } };
	struct bound a = bound_open(&A, fd);

	say(ioas_allow(fd, ioas, most, 1), "allow over MSI+aperture");
	say(attach_to(a.cdev, ioas), "attach with allowed over MSI+aperture");
	say(ioas_allow(fd, ioas, low, 1), "allow outside MSI");
	say(attach_to(a.cdev, ioas), "attach with allowed elsewhere");
	say(ioas_allow(fd, ioas, beyond, 1), "allow beyond aperture while attached");
	say(ioas_allow(fd, ioas, all, 1), "allow all while attached");
	say_ranges(fd, ioas, "RANGES attached+allowed");
	say(ioas_allow(fd, other, msi, 1), "allow MSI on another ioas");
	say(attach_to(a.cdev, other), "replace attach to it");
}

void case_iommufd_allow_iovas(void)
{
	int fd = iommufd_open();
	uint32_t ioas = ioas_alloc(fd), other = ioas_alloc(fd);

	say_lists(fd, ioas);
	say_allowed_maps(fd, ioas);
	say_allowed_and_attached(fd, ioas, other);
}
