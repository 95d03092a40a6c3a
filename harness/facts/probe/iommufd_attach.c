/* SPDX-License-Identifier: MIT */
/*
 * attach_bad and mdev: a physical device comes to an IOAS whose mappings nobody has
 * looked at yet: one variant for each way this fails; and mdevs, which look at nothing.
 */
#include "iommufd.h"

/* ---- attach_bad ---------------------------------------------------------- */

#define GOOD 0x100000ull	/* the good mapping, 4 pages */
#define BAD 0x200000ull		/* the bad one, unless the variant says */
#define LATER 0x300000ull	/* the one made after the refusal */

enum sort { USUAL, UNMAPPED, READ_ONLY };

static const struct variant {
	const char *name;
	uint64_t iova;
	unsigned long pages;	/* 0: nothing bad is mapped */
	enum sort sort;		/* of memory */
	uint64_t iova2;		/* of one more page, or 0 */
} variants[] = {
	{ "good", 0, 0, USUAL, 0 },
	{ "unmapped", BAD, 1, UNMAPPED, 0 },
	{ "msi", MSI, 1, USUAL, 0 },
	{ "aperture", BEYOND, 1, USUAL, 0 },
	{ "readonly", BAD, 1, READ_ONLY, 0 },
	{ "aperture-edge", APERTURE - PAGE, 2, USUAL, APERTURE - 2 * PAGE },
	{ "aperture+unmapped", BEYOND, 1, UNMAPPED, 0 },
	{ "msi+unmapped", MSI, 1, UNMAPPED, 0 },
};

static void map_bad(int fd, uint32_t ioas, const struct variant *v)
{
	char *vaddr = v->sort == UNMAPPED ? nowhere(v->pages) : memory(v->pages);

	if (v->sort == READ_ONLY)
		mprotect(vaddr, v->pages * PAGE, PROT_READ);
	say(ioas_map(fd, ioas, v->iova, v->pages * PAGE, vaddr), "%s: MAP bad", v->name);
	if (v->iova2)
		say(ioas_map(fd, ioas, v->iova2, PAGE, vaddr), "%s: MAP bad 2", v->name);
}

/* Nothing happened to the IOAS, and the device can go elsewhere. */
static void say_unharmed(int fd, uint32_t ioas, int cdev, const char *name)
{
	uint32_t clean = ioas_alloc(fd);

	say(attach_to(cdev, ioas), "%s: ATTACH again", name);
	say(device_works(cdev), "%s: DEVICE_GET_INFO still works", name);
	say(ioas_map(fd, ioas, LATER, PAGE, nowhere(1)), "%s: MAP another unmapped va: still lazy",
	    name);
	say_ioas_unmap(fd, ioas, LATER, PAGE, "%s: UNMAP it", name);
	say(attach_to(cdev, clean), "%s: ATTACH to a clean ioas", name);
	say(attach_to(cdev, ioas), "%s: replace to the bad ioas", name);
	say(ioas_map(fd, clean, LATER, PAGE, nowhere(1)),
	    "%s: MAP into the clean one, device still there", name);
	say(destroy(fd, clean), "%s: DESTROY clean ioas", name);
	say(detach(cdev), "%s: detach", name);
	say_ioas_unmap(fd, ioas, GOOD, 4 * PAGE, "%s: good mapping survives", name);
	say_ioas_unmap_all(fd, ioas, "%s: UNMAP all", name);
	say(attach_to(cdev, ioas), "%s: ATTACH after cleanup", name);
}

static void say_variant(const struct variant *v)
{
	int fd = iommufd_open(), ret;
	uint32_t ioas = ioas_alloc(fd), pt = ioas;
	struct bound a = bound_open(&A, fd);

	say(ioas_map(fd, ioas, GOOD, 4 * PAGE, memory(4)), "%s: MAP good", v->name);
	if (v->pages)
		map_bad(fd, ioas, v);
	say_ranges(fd, ioas, "%s: RANGES before", v->name);
	ret = attach(a.cdev, &pt);
	say_extra(pt == ioas ? "pt=unchanged" : "pt=new hwpt", ret, "%s: ATTACH physical", v->name);
	say_ranges(fd, ioas, "%s: RANGES after", v->name);
	if (v->pages)
		say_unharmed(fd, ioas, a.cdev, v->name);
	close(a.cdev);
	close(fd);
}

void case_iommufd_attach_bad(void)
{
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
		say_variant(&variants[i]);
}

/* ---- mdev ---------------------------------------------------------------- */

static void say_mdev_attach(int fd, const struct bound *t, uint32_t ioas)
{
	uint32_t pt = ioas, other = ioas_alloc(fd);
	struct hwpt_arg hwpt = { .size = sizeof(hwpt), .dev = t->devid, .pt = ioas };
	struct hw_info_arg info = { .size = sizeof(info), .dev = t->devid };
	char extra[32];
	int ret;

	say(attach(t->cdev, &pt), "ATTACH mtty to ioas");
	note("pt_id back: %s", pt == ioas ? "same" : "other");
	say(attach_to(t->cdev, ioas), "ATTACH twice same");
	say(attach_to(t->cdev, other), "ATTACH to another");
	say(attach_to(t->cdev, t->devid), "ATTACH to own devid");
	say(attach_to(t->cdev, ioas), "ATTACH back");
	say(destroy(fd, other), "DESTROY the other");
	say(destroy(fd, ioas), "DESTROY ioas while attached");
	say(destroy(fd, t->devid), "DESTROY devid");
	ret = ioctl(fd, HWPT_ALLOC, &hwpt);
	snprintf(extra, sizeof(extra), "hwpt=%u", hwpt.out_hwpt);
	say_extra(extra, ret, "HWPT_ALLOC for mdev");
	say(ioctl(fd, GET_HW_INFO, &info), "GET_HW_INFO of mdev");
}

static void say_mdev_maps(int fd, const struct bound *t, uint32_t ioas)
{
	struct bound a = bound_open(&A, fd);
	const void *page = memory(1);

	say(ioas_map(fd, ioas, 0x100000, PAGE, nowhere(1)), "MAP unmapped with mdev attached");
	say(ioas_map(fd, ioas, MSI, PAGE, page), "MAP MSI with mdev");
	say(ioas_map(fd, ioas, BEYOND, PAGE, page), "MAP 2^45 with mdev");
	say(ioas_map(fd, ioas, 0x200000, 0x800, page), "MAP 0x800 with mdev");
	say(attach_to(a.cdev, ioas), "physical ATTACH over MSI+unmapped");
	say_ioas_unmap(fd, ioas, MSI, PAGE, "UNMAP MSI");
	say_ioas_unmap(fd, ioas, BEYOND, PAGE, "UNMAP 2^45");
	say(attach_to(a.cdev, ioas), "physical ATTACH over unmapped");
	say(device_works(t->cdev), "mtty still usable: DEVICE_GET_INFO");
	say_ioas_unmap_all(fd, ioas, "UNMAP all");
	say(attach_to(a.cdev, ioas), "physical ATTACH");
	close(a.cdev);
}

void case_iommufd_mdev(void)
{
	int fd = iommufd_open(), second;
	struct bound t = bound_open(&T0, fd);
	struct attach_arg pasid = { .argsz = sizeof(pasid), .flags = ATTACH_PASID, .pasid = 1 };
	uint32_t ioas = ioas_alloc(fd);

	say_mdev_attach(fd, &t, ioas);
	say_mdev_maps(fd, &t, ioas);
	say(detach(t.cdev), "DETACH mtty");
	say(detach(t.cdev), "DETACH mtty twice");
	second = cdev_open(&T0);
	say(bind_to(second, fd, NULL), "BIND second fd of the same mdev");
	close(t.cdev);
	say(bind_to(second, fd, NULL), "BIND it after the first closed");
	say(attach_to(second, NO_OBJECT), "ATTACH with bad ioas");
	pasid.pt = ioas;
	say(ioctl(second, ATTACH_IOMMUFD_PT, &pasid), "ATTACH PASID on mdev");
}
