/* SPDX-License-Identifier: MIT */
/*
 * map_nodev, map_phys, map_mdev: IOMMU_IOAS_MAP with nothing attached, a physical
 * device, an mdev; unmap; copy.
 */
#include "iommufd.h"

#define BASE 0x100000ull	/* the mapping others are laid against, 4 pages */
#define FREE 0x300000ull	/* nothing is there */
#define KERNEL_ADDRESS ((void *)0xffff888000000000ul)

/* Where the lines of one arrangement are made. */
struct target {
	int fd;
	uint32_t ioas;
	const char *name;	/* "physical" */
	char *pages;		/* 8 good ones */
};

static void say_map(const struct target *t, uint64_t iova, uint64_t length, const void *vaddr,
		    const char *name)
{
	say(ioas_map(t->fd, t->ioas, iova, length, vaddr), "%s: %s", t->name, name);
}

static void say_map_flags(const struct target *t, uint64_t iova, const void *vaddr, uint32_t flags,
			  const char *name)
{
	say(ioas_map_flags(t->fd, t->ioas, &iova, PAGE, vaddr, flags), "%s: %s", t->name, name);
}

/* ---- map_*: arguments, and sizes below a page ---------------------------- */

static void say_map_args(const struct target *t)
{
	struct map_arg arg = {
		.size = sizeof(arg), .flags = FIXED_RW, .ioas = t->ioas, .reserved = 1,
		.vaddr = (uintptr_t)t->pages, .length = PAGE, .iova = 0x10000,
	};

	say_map_flags(t, 0x10000, t->pages, 0, "flags=0");
	say_map_flags(t, 0x10000, t->pages, FIXED, "flags FIXED only");
	say_map_flags(t, 0x10000, t->pages, FIXED_RW | 8, "flags=8");
	say(ioas_map(t->fd, NO_OBJECT, 0x10000, PAGE, t->pages), "%s: bad ioas", t->name);
	say(ioas_map(t->fd, 0, 0x10000, PAGE, t->pages), "%s: ioas 0", t->name);
	say(ioctl(t->fd, IOAS_MAP, &arg), "%s: reserved=1", t->name);
}

static void say_small_maps(const struct target *t)
{
	const char *p = t->pages;

	say_map(t, 0x10000, 0, p, "length=0");
	say_map(t, 0x10000, 1, p, "length=1");
	say_map(t, 0x20000, 4095, p, "length=4095");
	say_map(t, 0x30800, PAGE, p, "iova unaligned");
	say_map(t, 0x40000, PAGE, p + 0x800, "va unaligned, iova aligned");
	say_map(t, 0x50800, PAGE, p + 0x800, "va+iova same offset 0x800, length PG");
	say_map(t, 0x60800, 0x800, p + 0x800, "va+iova 0x800, length 0x800");
	say_map(t, 0x70000, 0x800, p + 0x800, "va 0x800, iova aligned, length 0x800");
	say_map(t, 0x80000, 0x1800, p, "length 0x1800");
	say(ioas_unmap(t->fd, t->ioas, 0, &(uint64_t){ UINT64_MAX }), "%s: cleanup all", t->name);
}

/* ---- map_*: overlaps and free iovas --------------------------------------- */

static void say_overlaps(const struct target *t)
{
	const char *p = t->pages;

	say_map(t, 0, PAGE, p, "fixed iova 0");
	say_map(t, BASE, 4 * PAGE, p, "fixed");
	say_map(t, BASE, 4 * PAGE, p, "overlap exact");
	say_map(t, BASE - PAGE, 2 * PAGE, p, "overlap head");
	say_map(t, BASE + 3 * PAGE, 2 * PAGE, p, "overlap tail");
	say_map(t, BASE + PAGE, PAGE, p, "overlap inside");
	say_map(t, BASE + 4 * PAGE, PAGE, p, "adjacent");
	say_map(t, 0x200000, PAGE, p, "same va other iova");
	say_map_flags(t, 0x210000, p, FIXED | READABLE, "R only");
	say_map_flags(t, 0x220000, p, FIXED | WRITEABLE, "W only");
}

static int map_any(const struct target *t, uint64_t length, const void *vaddr, uint64_t *ret_iova)
{
	*ret_iova = 0;
	return ioas_map_flags(t->fd, t->ioas, ret_iova, length, vaddr, READABLE | WRITEABLE);
}

static void say_any(const struct target *t)
{
	const char *unaligned = t->pages + 0x123;
	char extra[64];
	uint64_t iova;
	int ret = map_any(t, PAGE, t->pages, &iova);

	snprintf(extra, sizeof(extra), "iova-nonzero=%d aligned=%d low-bits-as-va=%d", iova != 0,
		 iova % PAGE == 0, iova % PAGE == (uintptr_t)t->pages % PAGE);
	say_extra(extra, ret, "%s: any iova", t->name);
	note("%s: any iova value: 0x%llx", t->name, (unsigned long long)iova);
	say(map_any(t, PAGE, t->pages, &iova), "%s: any iova 2", t->name);
	note("%s: any iova value 2: 0x%llx", t->name, (unsigned long long)iova);
	ret = map_any(t, 100, unaligned, &iova);
	snprintf(extra, sizeof(extra), "iova&fff=0x%llx", (unsigned long long)(iova % PAGE));
	say_extra(extra, ret, "%s: any iova va unaligned", t->name);
}

/* ---- map_*: ranges and memory ---------------------------------------------- */

static void say_iovas(const struct target *t)
{
	const char *p = t->pages;

	say_map(t, LAST_PAGE, 2 * PAGE, p, "iova wrap");
	say_map(t, LAST_PAGE, PAGE, p, "iova last page");
	say_map(t, UINT64_MAX, PAGE, p, "iova=U64_MAX");
	say_map(t, FREE, UINT64_MAX, p, "length=U64_MAX");
	say_map(t, 0x180000, 1ull << 63, p, "length=2^63");
	say_map(t, FREE, 2 * PAGE, (void *)LAST_PAGE, "va wrap");
	say_map(t, FREE, PAGE, (void *)LAST_PAGE, "va last page");
	say_map(t, MSI, PAGE, p, "MSI page");
	say_map(t, MSI - PAGE, 2 * PAGE, p, "straddles MSI");
	say_map(t, APERTURE, PAGE, p, "beyond 2^39");
	say_map(t, APERTURE - PAGE, 2 * PAGE, p, "straddles 2^39");
	say_map(t, 1ull << 60, PAGE, p, "2^60");
}

static void *read_only_page(void)
{
	void *page = memory(1);

	mprotect(page, PAGE, PROT_READ);
	return page;
}

static void say_memory(const struct target *t)
{
	char *hole = memory(3);
	uint64_t iova;

	munmap(hole + PAGE, PAGE);
	say_map(t, 0x400000, PAGE, nowhere(1), "unmapped va");
	say_map(t, 0x410000, PAGE, NULL, "NULL va");
	say_map(t, 0x420000, PAGE, KERNEL_ADDRESS, "kernel va");
	say_map(t, 0x430000, PAGE, (void *)(1ul << 60), "noncanonical va");
	say_map(t, 0x440000, PAGE, read_only_page(), "read-only va, RW");
	say_map_flags(t, 0x450000, read_only_page(), FIXED | READABLE, "read-only va, R");
	say(map_any(t, PAGE, nowhere(1), &iova), "%s: any iova, unmapped va", t->name);
	say_map(t, 0x460000, 3 * PAGE, hole, "hole in the middle");
}

static void say_map_orders(const struct target *t)
{
	uint64_t iova = FREE;

	say_map(t, BASE, PAGE, nowhere(1), "order: overlap+unmapped va");
	say_map(t, MSI, PAGE, nowhere(1), "order: MSI+unmapped va");
	say_map(t, BASE + 0x800, PAGE, t->pages, "order: unaligned+overlap");
	say(ioas_map_flags(t->fd, NO_OBJECT, &iova, PAGE, t->pages, FIXED),
	    "%s: order: bad ioas+no prot", t->name);
	say(ioas_map(t->fd, NO_OBJECT, FREE, 0, t->pages), "%s: order: bad ioas+length 0", t->name);
}

static void say_maps(int fd, uint32_t ioas, const char *name)
{
	struct target t = { fd, ioas, name, memory(8) };

	say_map_args(&t);
	say_small_maps(&t);
	say_overlaps(&t);
	say_any(&t);
	say_iovas(&t);
	say_memory(&t);
	say_map_orders(&t);
	say_ioas_unmap_all(fd, ioas, "%s: UNMAP everything", name);
	say_ioas_unmap_all(fd, ioas, "%s: UNMAP everything again", name);
}

void case_iommufd_map_nodev(void)
{
	int fd = iommufd_open();

	say_maps(fd, ioas_alloc(fd), "no device");
}

void case_iommufd_map_phys(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd);

	say(attach_to(a.cdev, ioas), "attach");
	say_maps(fd, ioas, "physical");
}

void case_iommufd_map_mdev(void)
{
	int fd = iommufd_open();
	struct bound t = bound_open(&T0, fd);
	uint32_t ioas = ioas_alloc(fd);

	say(attach_to(t.cdev, ioas), "attach");
	say_maps(fd, ioas, "mdev");
}

/* ---- unmap ----------------------------------------------------------------- */

static void say_unmap_args(int fd, uint32_t ioas)
{
	say_ioas_unmap(fd, ioas, BASE, PAGE, "nothing");
	say_ioas_unmap_all(fd, ioas, "all on empty");
	say_ioas_unmap(fd, ioas, 0, UINT64_MAX - 1, "0..2^64-2 on empty");
	say_ioas_unmap(fd, ioas, BASE, 0, "length 0");
	say_ioas_unmap(fd, NO_OBJECT, BASE, PAGE, "bad ioas");
	say_ioas_unmap(fd, ioas, LAST_PAGE, 2 * PAGE, "wrap");
	say_ioas_unmap(fd, ioas, PAGE, UINT64_MAX, "iova!=0 length U64_MAX");
}

/* Four pages, a hole of one, a page. */
static void say_bisections(int fd, uint32_t ioas, const char *pages)
{
	ioas_map(fd, ioas, BASE, 4 * PAGE, pages);
	ioas_map(fd, ioas, BASE + 5 * PAGE, PAGE, pages);
	say_ioas_unmap(fd, ioas, BASE, PAGE, "partial head");
	say_ioas_unmap(fd, ioas, BASE + 3 * PAGE, PAGE, "partial tail");
	say_ioas_unmap(fd, ioas, BASE + PAGE, PAGE, "partial middle");
	say_ioas_unmap(fd, ioas, BASE - PAGE, 2 * PAGE, "straddles start");
	say_ioas_unmap(fd, ioas, BASE + 3 * PAGE, 3 * PAGE, "one and a half");
	say_ioas_unmap(fd, ioas, BASE + 4 * PAGE, PAGE, "hole between");
	say_ioas_unmap(fd, ioas, BASE, 0x800, "unaligned");
	say_ioas_unmap(fd, ioas, BASE, 4 * PAGE, "exact");
	say_ioas_unmap(fd, ioas, BASE, 4 * PAGE, "exact again");
	say_ioas_unmap_all(fd, ioas, "all");
}

static void say_half_done(int fd, uint32_t ioas, const char *pages)
{
	const uint64_t second = BASE + 16 * PAGE;

	ioas_map(fd, ioas, BASE, PAGE, pages);
	ioas_map(fd, ioas, second, 4 * PAGE, pages);
	say_ioas_unmap(fd, ioas, BASE - PAGE, 3 * PAGE,
		       "superset then part of another: first mapped, second bisected");
	ioas_map(fd, ioas, BASE, PAGE, pages);
	say_ioas_unmap(fd, ioas, BASE, 17 * PAGE, "first whole, second bisected");
	say_ioas_unmap(fd, ioas, BASE, PAGE, "is the first one still there");
	say_ioas_unmap(fd, ioas, second, 4 * PAGE, "is the second one still there");
}

void case_iommufd_unmap(void)
{
	int fd = iommufd_open();
	uint32_t ioas = ioas_alloc(fd);
	const char *pages = memory(4);

	say_unmap_args(fd, ioas);
	say_bisections(fd, ioas, pages);
	say_half_done(fd, ioas, pages);
}

/* ---- copy ------------------------------------------------------------------ */

#define READ_ONLY 0x200000ull	/* in the source: one page that may only be read */
#define BAD 0x300000ull		/* one that leads nowhere */

static int copy_flags(int fd, struct copy_arg arg, uint32_t flags)
{
	arg.size = sizeof(arg);
	arg.flags = flags;
	return ioctl(fd, IOAS_COPY, &arg);
}

static int copy(int fd, uint32_t from, uint64_t src, uint64_t length, uint32_t into, uint64_t dst)
{
	const struct copy_arg arg = { .src_ioas = from, .src_iova = src, .length = length,
				      .dst_ioas = into, .dst_iova = dst };

	return copy_flags(fd, arg, FIXED_RW);
}

static void say_copy_args(int fd, uint32_t a, uint32_t b)
{
	struct copy_arg arg = { .src_ioas = a, .src_iova = BASE, .length = PAGE, .dst_ioas = b,
				.dst_iova = 0x400000 };

	say(copy_flags(fd, arg, READABLE | WRITEABLE), "any iova");
	say(copy_flags(fd, arg, FIXED), "no prot");
	say(copy_flags(fd, arg, FIXED_RW | 8), "flags=8");
	arg.src_iova = READ_ONLY;
	say(copy_flags(fd, arg, FIXED_RW), "W of a read-only mapping");
	say(copy_flags(fd, arg, FIXED | READABLE), "R of a read-only mapping");
	say(copy(fd, a, BASE, PAGE, NO_OBJECT, BASE), "bad dst");
	say(copy(fd, NO_OBJECT, BASE, PAGE, b, BASE), "bad src");
}

static void say_copies(int fd, uint32_t a, uint32_t b)
{
	say(copy(fd, a, BASE, 4 * PAGE, b, BASE), "exact");
	say(copy(fd, a, BASE, 4 * PAGE, b, BASE), "again (overlap)");
	say(copy(fd, a, BASE + PAGE, PAGE, b, 0x200000), "sub-range");
	say(copy(fd, a, BASE + 3 * PAGE, 2 * PAGE, b, 0x500000), "beyond mapping");
	say(copy(fd, a, 0x900000, PAGE, b, 0x500000), "nothing there");
	say_copy_args(fd, a, b);
	say(copy(fd, a, BASE, 4 * PAGE, a, 0x600000), "same ioas");
	say(copy(fd, a, BASE, 4 * PAGE, a, BASE), "same ioas onto itself");
	say(copy(fd, a, BAD, PAGE, b, BAD), "lazy bad mapping, no device");
	say(copy(fd, a, LAST_PAGE, 2 * PAGE, b, 0x500000), "src wrap");
	say(copy(fd, a, BASE + 0x800, 0x800, b, 0x700800), "unaligned sub-range");
}

static void say_copies_attached(int fd, uint32_t a, uint32_t c)
{
	const struct copy_arg onto_msi = { .src_ioas = a, .src_iova = READ_ONLY, .length = PAGE,
					   .dst_ioas = c, .dst_iova = MSI };
	struct bound dev = bound_open(&A, fd);

	say(attach_to(dev.cdev, c), "attach third ioas");
	say(copy(fd, a, BASE, 4 * PAGE, c, BASE), "copy good into attached");
	say(copy(fd, a, BAD, PAGE, c, BAD), "copy bad into attached");
	say(copy(fd, a, BASE, PAGE, c, MSI), "copy to MSI");
	say(copy_flags(fd, onto_msi, FIXED | READABLE), "copy onto MSI (R)");
	say(destroy(fd, a), "destroy source ioas");
}

void case_iommufd_copy(void)
{
	int fd = iommufd_open(), other = iommufd_open();
	uint32_t a = ioas_alloc(fd), b = ioas_alloc(fd), c = ioas_alloc(fd);
	uint32_t theirs = ioas_alloc(other);
	uint64_t iova = READ_ONLY;

	ioas_map(fd, a, BASE, 4 * PAGE, memory(4));
	ioas_map_flags(fd, a, &iova, PAGE, read_only_page(), FIXED | READABLE);
	ioas_map(fd, a, BAD, PAGE, nowhere(1));
	say_copies(fd, a, b);
	say_copies_attached(fd, a, c);
	say(copy(other, c, BASE, PAGE, theirs, BASE), "src id of another fd");
}
