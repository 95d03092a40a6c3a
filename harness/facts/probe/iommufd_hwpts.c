/* SPDX-License-Identifier: MIT */
/* hwpts and options: hardware page tables, what the IOMMU is, how an iommufd is set up. */
#include "iommufd.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BASE 0x100000ull
#define VTD_S1 1u		/* data type of HWPT_ALLOC */
#define HW_INFO_IN_TYPE 1u	/* flag of GET_HW_INFO */

/* ---- hwpts: allocating ------------------------------------------------------- */

/* HWPT_ALLOC and its line; returns the id. */
static uint32_t say_hwpt_alloc(int fd, struct hwpt_arg arg, const char *name)
{
	char extra[32];
	int ret;

	arg.size = sizeof(arg);
	ret = ioctl(fd, HWPT_ALLOC, &arg);
	snprintf(extra, sizeof(extra), "hwpt=%u", arg.out_hwpt);
	say_extra(extra, ret, "%s", name);
	return arg.out_hwpt;
}

static uint32_t say_plain(int fd, uint32_t dev, uint32_t pt, const char *name)
{
	return say_hwpt_alloc(fd, (struct hwpt_arg){ .dev = dev, .pt = pt }, name);
}

static void say_hwpt_args(int fd, uint32_t dev, uint32_t ioas)
{
	struct hwpt_arg arg = { .size = sizeof(arg), .dev = NO_OBJECT, .pt = ioas };
	static const struct {
		uint32_t flags;
		const char *name;
	} refused[] = {
		{ 0x10, "flags=0x10" },
		{ HWPT_NEST_PARENT, "flags NEST_PARENT" },
		{ HWPT_DIRTY_TRACKING, "flags DIRTY_TRACKING" },
		{ HWPT_FAULT_ID, "flags FAULT_ID_VALID (fault 0)" },
	};
	uint32_t id;

	say_hwpt_alloc(fd, arg, "dev 999");
	arg.dev = dev;
	arg.pt = dev;
	say_hwpt_alloc(fd, arg, "pt = devid");
	arg.pt = ioas;
	for (size_t i = 0; i < COUNT(refused); i++) {
		arg.flags = refused[i].flags;
		say_hwpt_alloc(fd, arg, refused[i].name);
	}
	arg.flags = HWPT_PASID;
	id = say_hwpt_alloc(fd, arg, "flags PASID");
	say(destroy(fd, id), "DESTROY it");
	arg.flags = 0;
	arg.data_type = VTD_S1;
	say_hwpt_alloc(fd, arg, "data_type VTD_S1 on ioas");
	arg.data_type = 0;
	arg.reserved = 1;
	say(ioctl(fd, HWPT_ALLOC, &arg), "reserved");
	arg.reserved = 0;
	arg.data_len = 8;
	say(ioctl(fd, HWPT_ALLOC, &arg), "data_len with NONE");
}

/* What the IOAS holds already. The hwpt over the MSI window stays. */
static void say_hwpt_over_maps(int fd, uint32_t dev, uint32_t ioas)
{
	say(ioas_map(fd, ioas, BASE, PAGE, nowhere(1)), "MAP bad first");
	say_plain(fd, dev, ioas, "over a bad mapping");
	say_ioas_unmap(fd, ioas, BASE, PAGE, "UNMAP");
	say(ioas_map(fd, ioas, MSI, PAGE, memory(1)), "MAP MSI first");
	say_plain(fd, dev, ioas, "over an MSI mapping");
	say_ioas_unmap(fd, ioas, MSI, PAGE, "UNMAP");
}

/* Returns one that nothing is attached to. */
static uint32_t say_unattached(int fd, uint32_t dev, uint32_t ioas)
{
	uint32_t hwpt = say_plain(fd, dev, ioas, "plain");

	say_ranges(fd, ioas, "RANGES with unattached hwpt");
	say(ioas_map(fd, ioas, MSI, PAGE, memory(1)), "MAP MSI with unattached hwpt");
	say(ioas_map(fd, ioas, APERTURE, PAGE, memory(1)),
	    "MAP beyond aperture with unattached hwpt");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say_plain(fd, dev, hwpt, "on a hwpt");
	say(destroy(fd, ioas), "DESTROY ioas with hwpt");
	return hwpt;
}

static void say_replaced(int fd, const struct bound *a, uint32_t ioas, uint32_t hwpt)
{
	uint32_t second, automatic = ioas;
	int ret;

	say(attach_to(a->cdev, hwpt), "ATTACH hwpt");
	say(destroy(fd, hwpt), "DESTROY attached hwpt");
	second = say_plain(fd, a->devid, ioas, "second hwpt same ioas");
	say(attach_to(a->cdev, second), "replace to second");
	ret = attach(a->cdev, &automatic);
	say_extra(automatic == ioas ? "pt unchanged" :
		  automatic == hwpt || automatic == second ? "pt explicit" : "pt new automatic",
		  ret, "ATTACH ioas while on explicit hwpt");
	say(detach(a->cdev), "DETACH");
	say(destroy(fd, hwpt), "DESTROY h1");
	say(destroy(fd, second), "DESTROY h2");
	say(destroy(fd, automatic), "DESTROY h3");
}

/* ---- hwpts: dirty pages, invalidation ------------------------------------------ */

static void say_dirty(int fd, uint32_t hwpt, uint32_t ioas)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} sets[] = {
		{ "SET_DIRTY_TRACKING unsupported", 1 },
		{ "SET_DIRTY_TRACKING off", 0 },
		{ "SET_DIRTY_TRACKING flags=2", 2 },
	};
	uint64_t bits = 0;
	struct dirty_arg set = { .size = sizeof(set), .flags = 1, .hwpt = NO_OBJECT };
	struct bitmap_arg get = { .size = sizeof(get), .hwpt = hwpt, .iova = BASE, .length = PAGE,
				  .page_size = PAGE, .data = (uintptr_t)&bits };

	for (size_t i = 0; i < COUNT(sets); i++) {
		struct dirty_arg arg = { .size = sizeof(arg), .flags = sets[i].flags, .hwpt = hwpt };

		say(ioctl(fd, SET_DIRTY, &arg), "%s", sets[i].name);
	}
	say(ioctl(fd, SET_DIRTY, &set), "SET_DIRTY_TRACKING bad id");
	set.hwpt = ioas;
	say(ioctl(fd, SET_DIRTY, &set), "SET_DIRTY_TRACKING on ioas");
	say(ioctl(fd, GET_DIRTY_BITMAP, &get), "GET_DIRTY_BITMAP unsupported");
	get.flags = 2;
	say(ioctl(fd, GET_DIRTY_BITMAP, &get), "GET_DIRTY_BITMAP flags=2");
	get.flags = 0;
	get.hwpt = NO_OBJECT;
	say(ioctl(fd, GET_DIRTY_BITMAP, &get), "GET_DIRTY_BITMAP bad id");
}

static void say_invalidate(int fd, uint32_t hwpt)
{
	struct invalidate_arg arg = { .size = sizeof(arg), .hwpt = hwpt };

	say(ioctl(fd, HWPT_INVALIDATE, &arg), "HWPT_INVALIDATE on paging hwpt");
	arg.hwpt = NO_OBJECT;
	say(ioctl(fd, HWPT_INVALIDATE, &arg), "HWPT_INVALIDATE bad id");
	arg = (struct invalidate_arg){ .size = sizeof(arg), .hwpt = hwpt, .entries = 1,
				       .entry_len = 16 };
	say(ioctl(fd, HWPT_INVALIDATE, &arg), "HWPT_INVALIDATE num without ptr");
}

/* ---- hwpts: what the IOMMU is --------------------------------------------------- */

/* Of Intel's VT-d. */
struct vtd {
	uint32_t flags, reserved;
	uint64_t cap, ecap;
};

static void say_hw_info(int fd, uint32_t dev, uint32_t length)
{
	uint8_t data[64];
	struct hw_info_arg arg = { .size = sizeof(arg), .dev = dev, .data_len = length,
				   .data = (uintptr_t)data };
	struct vtd vtd;
	char extra[128];
	int ret;

	memset(data, 0xee, sizeof(data));
	ret = ioctl(fd, GET_HW_INFO, &arg);
	snprintf(extra, sizeof(extra), "type=%u out_len=%u caps=0x%llx pasid=%u byte63=%02x",
		 arg.type, arg.data_len, (unsigned long long)arg.out_capabilities, arg.out_pasid,
		 data[63]);
	say_extra(extra, ret, "GET_HW_INFO data_len=%u", length);
	if (length < sizeof(vtd))
		return;
	memcpy(&vtd, data, sizeof(vtd));
	note("vtd cap/ecap: %llx %llx", (unsigned long long)vtd.cap, (unsigned long long)vtd.ecap);
}

static void say_hw_infos(int fd, uint32_t dev, uint32_t ioas)
{
	struct hw_info_arg arg = { .size = sizeof(arg), .dev = ioas };

	say_hw_info(fd, dev, 0);
	say_hw_info(fd, dev, 4);
	say_hw_info(fd, dev, 64);
	say(ioctl(fd, GET_HW_INFO, &arg), "GET_HW_INFO of ioas");
	arg.dev = dev;
	arg.flags = 2;
	say(ioctl(fd, GET_HW_INFO, &arg), "GET_HW_INFO flags=2");
	arg.flags = 0;
	arg.data_len = 64;
	say(ioctl(fd, GET_HW_INFO, &arg), "GET_HW_INFO data_len without ptr");
	arg = (struct hw_info_arg){ .size = sizeof(arg), .flags = HW_INFO_IN_TYPE, .dev = dev,
				    .type = 77 };
	say(ioctl(fd, GET_HW_INFO, &arg), "GET_HW_INFO in type 77");
}

/* ---- hwpts: faults and virtual IOMMUs -------------------------------------------- */

static void say_faults(int fd, uint32_t dev, uint32_t hwpt, uint32_t ioas)
{
	struct fault_arg fault = { .size = sizeof(fault) }, bad = { .size = sizeof(bad), .flags = 1 };
	struct viommu_arg viommu = { .size = sizeof(viommu), .dev = dev, .hwpt = hwpt };
	struct hwpt_arg arg = { .size = sizeof(arg), .flags = HWPT_FAULT_ID, .dev = dev, .pt = ioas };
	char extra[32];
	int ret = ioctl(fd, FAULT_QUEUE_ALLOC, &fault);

	snprintf(extra, sizeof(extra), "fd>2 %d", (int)fault.out_fd > 2);
	say_extra(extra, ret, "FAULT_QUEUE_ALLOC");
	say(ioctl(fd, FAULT_QUEUE_ALLOC, &bad), "FAULT_QUEUE_ALLOC flags=1");
	say(ioctl(fd, VIOMMU_ALLOC, &viommu), "VIOMMU_ALLOC type 0");
	viommu.type = 1;
	say(ioctl(fd, VIOMMU_ALLOC, &viommu), "VIOMMU_ALLOC type 1");
	viommu.dev = NO_OBJECT;
	say(ioctl(fd, VIOMMU_ALLOC, &viommu), "VIOMMU_ALLOC bad dev");
	arg.fault = fault.out_id;
	say(ioctl(fd, HWPT_ALLOC, &arg), "HWPT_ALLOC with fault queue");
}

void case_iommufd_hwpts(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd), hwpt;

	say_hwpt_args(fd, a.devid, ioas);
	say_hwpt_over_maps(fd, a.devid, ioas);
	hwpt = say_unattached(fd, a.devid, ioas);
	say_replaced(fd, &a, ioas, hwpt);
	hwpt = say_plain(fd, a.devid, ioas, "again");
	say_dirty(fd, hwpt, ioas);
	say_invalidate(fd, hwpt);
	say_hw_infos(fd, a.devid, ioas);
	say_faults(fd, a.devid, hwpt, ioas);
}

/* ---- options -------------------------------------------------------------------- */

static int option_set(int fd, uint32_t object, uint32_t what, uint64_t value)
{
	return option(fd, object, what, OPTION_SET, &value);
}

static void say_option_args(int fd)
{
	struct option_arg reserved = { .size = sizeof(reserved), .op = OPTION_GET, .reserved = 1 };
	uint64_t value = 0;

	say(option(fd, 0, RLIMIT_MODE, 5, &value), "RLIMIT_MODE op 5");
	say(option(fd, 0, 9, OPTION_GET, &value), "option 9");
	say(option(fd, 0, 9, OPTION_SET, &value), "option 9 set");
	say(ioctl(fd, OPTION, &reserved), "reserved");
}

static void say_huge(int fd, uint32_t ioas)
{
	uint64_t value = 7;
	char extra[32];
	int ret = option(fd, ioas, HUGE_PAGES, OPTION_GET, &value);

	snprintf(extra, sizeof(extra), "val=%llu", (unsigned long long)value);
	say_extra(extra, ret, "HUGE get");
}

static void say_huge_pages(int fd, uint32_t ioas)
{
	struct bound a = bound_open(&A, fd);
	const char *pages = memory(4);
	uint64_t value = 0;

	say_huge(fd, ioas);
	say(option(fd, NO_OBJECT, HUGE_PAGES, OPTION_GET, &value), "HUGE get bad id");
	say(option(fd, 0, HUGE_PAGES, OPTION_GET, &value), "HUGE get id 0");
	say(option_set(fd, ioas, HUGE_PAGES, 2), "HUGE set 2");
	say(option_set(fd, ioas, HUGE_PAGES, 0), "HUGE set 0");
	say_huge(fd, ioas);
	ioas_map(fd, ioas, BASE, 4 * PAGE, pages);
	say_ioas_unmap(fd, ioas, BASE, PAGE, "partial UNMAP with huge=0");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say(option_set(fd, ioas, HUGE_PAGES, 1), "HUGE set 1");
	ioas_map(fd, ioas, BASE, 4 * PAGE, pages);
	say(option_set(fd, ioas, HUGE_PAGES, 0), "HUGE set 0 with a mapping");
	say(attach_to(a.cdev, ioas), "attach");
	say(option_set(fd, ioas, HUGE_PAGES, 1), "HUGE set 1 with a device attached");
	say(option_set(fd, ioas, HUGE_PAGES, 0), "HUGE set 0 with a device attached");
}

static void set_without_rights(void *arg)
{
	if (setgid(65534) || setuid(65534))
		fprintf(stderr, "facts-probe: cannot become uid 65534 here\n");
	say(option_set(*(int *)arg, 0, RLIMIT_MODE, 1),
	    "unpriv RLIMIT_MODE set 1 (inherited fd)");
}

void case_iommufd_options(void)
{
	int fd = iommufd_open(), other = iommufd_open();
	uint32_t ioas;

	say(option_set(fd, 0, RLIMIT_MODE, 1), "RLIMIT_MODE set 1");
	ioas = ioas_alloc(fd);
	say(option_set(fd, 0, RLIMIT_MODE, 1), "RLIMIT_MODE set 1 with an object");
	say_option_args(fd);
	say_huge_pages(fd, ioas);
	in_child(set_without_rights, &other);
}
