/* SPDX-License-Identifier: MIT */
/* binding, pasid, two_in_group: cdevs, whom they belong to, and what they attach to. */
#include "iommufd.h"

#define CONFIG_OFFSET (7ll << 40)

/* ---- binding: before and while binding ------------------------------------- */

static void say_before_bind(int cdev, uint32_t ioas)
{
	struct vfio_device_feature feature = { .argsz = sizeof(feature),
					       .flags = VFIO_DEVICE_FEATURE_GET };
	char buffer[4];
	void *at;

	say(device_works(cdev), "GET_INFO before BIND");
	say(ioctl(cdev, VFIO_DEVICE_RESET), "RESET before BIND");
	say(ioctl(cdev, _IO(VFIO_TYPE, VFIO_BASE + 90), 0), "unknown ioctl before BIND");
	say(pread(cdev, buffer, sizeof(buffer), CONFIG_OFFSET), "pread before BIND");
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, cdev, 0);
	say(AS_RESULT((long)at), "mmap before BIND");
	/* it would keep the device open */
	if (at != MAP_FAILED)
		munmap(at, PAGE);
	say(attach_to(cdev, ioas), "ATTACH before BIND");
	say(detach(cdev), "DETACH before BIND");
	say(ioctl(cdev, VFIO_DEVICE_FEATURE, &feature), "FEATURE before BIND");
}

/* Returns the devid. */
static uint32_t say_bind(int cdev, int fd)
{
	int null = open("/dev/null", O_RDWR), closed = dup(null), other = iommufd_open();
	int second = cdev_open(&A), ret;
	struct bind_arg token = { .argsz = sizeof(token), .flags = BIND_TOKEN, .iommufd = fd };
	uint8_t uuid[16] = { 0x83, 0xb8 };
	struct {
		struct bind_arg arg;
		uint8_t tail[8];
	} longer = { { .argsz = sizeof(longer), .iommufd = fd }, { 0xee } };
	uint32_t devid = 0;
	char extra[32];

	close(closed);
	token.token = (uintptr_t)uuid;
	note("sizeof bind: %zu", sizeof(struct bind_arg));
	say(bind_flags(cdev, fd, 0, 0, NULL), "BIND argsz=0");
	say(ioctl(cdev, BIND_IOMMUFD, NULL), "BIND NULL");
	say(bind_flags(cdev, fd, 16, 2, NULL), "BIND flags=2");
	say(bind_to(cdev, -1, NULL), "BIND fd=-1");
	say(bind_to(cdev, closed, NULL), "BIND closed fd");
	say(bind_to(cdev, null, NULL), "BIND /dev/null");
	say(ioctl(cdev, BIND_IOMMUFD, &token), "BIND token given on a non-VF");
	say(ioctl(cdev, BIND_IOMMUFD, &longer), "BIND longer, with nonzero tail");
	ret = bind_to(cdev, fd, &devid);
	snprintf(extra, sizeof(extra), "devid=%u", devid);
	say_extra(extra, ret, "BIND argsz=16");
	say(bind_to(cdev, fd, NULL), "BIND twice");
	say(bind_to(cdev, -1, NULL), "BIND twice bad fd");
	say(bind_to(second, fd, NULL), "BIND second fd of the device, same iommufd");
	say(bind_to(second, other, NULL), "BIND second fd, other iommufd");
	close(second);
	close(other);
	close(null);
	return devid;
}

/* ---- binding: attaching ---------------------------------------------------- */

static int attach_flags(int cdev, uint32_t argsz, uint32_t flags, uint32_t pt, uint32_t pasid)
{
	struct attach_arg arg = { .argsz = argsz, .flags = flags, .pt = pt, .pasid = pasid };

	return ioctl(cdev, ATTACH_IOMMUFD_PT, &arg);
}

static int detach_flags(int cdev, uint32_t argsz, uint32_t flags, uint32_t pasid)
{
	struct detach_arg arg = { .argsz = argsz, .flags = flags, .pasid = pasid };

	return ioctl(cdev, DETACH_IOMMUFD_PT, &arg);
}

static void say_attach_args(int cdev, uint32_t devid, uint32_t ioas)
{
	say(attach_to(cdev, 0), "ATTACH 0");
	say(attach_to(cdev, 999), "ATTACH 999");
	say(attach_to(cdev, devid), "ATTACH own devid");
	note("sizeof attach: %zu", sizeof(struct attach_arg));
	say(attach_flags(cdev, 0, 0, ioas, 0), "ATTACH argsz=0");
	say(attach_flags(cdev, 11, 0, ioas, 0), "ATTACH argsz=11");
	say(attach_flags(cdev, 12, 2, ioas, 0), "ATTACH flags=2");
	say(attach_flags(cdev, 12, ATTACH_PASID, ioas, 1), "ATTACH PASID argsz=12");
	say(attach_flags(cdev, 16, ATTACH_PASID, ioas, 1), "ATTACH PASID 1");
	say(ioctl(cdev, ATTACH_IOMMUFD_PT, NULL), "ATTACH NULL");
}

static void say_attach(int fd, int cdev, uint32_t ioas, uint32_t next)
{
	uint32_t pt = ioas, again = ioas;
	int ret = attach(cdev, &pt);

	say_extra(pt != ioas ? "pt is a new hwpt" : "pt unchanged", ret, "ATTACH ioas");
	ret = attach(cdev, &again);
	say_extra(again == pt ? "pt same hwpt" : "pt another hwpt", ret, "ATTACH same again");
	say(attach_to(cdev, pt), "ATTACH to the automatic hwpt");
	say(destroy(fd, pt), "DESTROY automatic hwpt while attached");
	say(destroy(fd, ioas), "DESTROY ioas while attached");
	say(attach_to(cdev, next), "replace by another ioas");
	say(destroy(fd, ioas), "DESTROY first ioas after replace");
	say(detach_flags(cdev, 7, 0, 0), "DETACH argsz=7");
	say(detach_flags(cdev, 8, 4, 0), "DETACH flags=4");
	say(detach(cdev), "DETACH");
	say(detach(cdev), "DETACH twice");
	say(destroy(fd, next), "DESTROY ioas after detach");
}

/* ---- binding: closing ------------------------------------------------------ */

/* The device is closed while attached. */
static void say_close_device(int fd, int cdev, uint32_t devid)
{
	uint32_t ioas = ioas_alloc(fd);

	attach_to(cdev, ioas);
	close(cdev);
	say(destroy(fd, ioas), "DESTROY ioas then");
	say(destroy(fd, devid), "DESTROY old devid");
}

/* The iommufd is closed before its device. */
static void say_close_iommufd(int fd, uint32_t devid)
{
	int cdev = cdev_open(&A), other = iommufd_open(), ret;
	uint32_t now;

	ret = bind_to(cdev, fd, &now);
	say_extra(now == devid ? "devid=reused" : "devid=new", ret, "second fd can BIND now");
	say(attach_to(cdev, ioas_alloc(fd)), "ATTACH");
	say(close(fd), "close iommufd while device bound");
	say(device_works(cdev), "device still works");
	say(detach(cdev), "DETACH after iommufd closed");
	say(bind_to(cdev, other, NULL), "BIND to another iommufd");
	close(cdev);
	cdev = cdev_open(&A);
	say(bind_to(cdev, other, NULL), "fresh open BIND");
	say(ioctl(cdev, VFIO_GROUP_UNSET_CONTAINER), "group ioctl on cdev");
}

void case_iommufd_binding(void)
{
	int fd = iommufd_open(), cdev = cdev_open(&A);
	uint32_t devid, ioas, next;
	char buffer[4];

	say(AS_RESULT(cdev), "open cdev");
	say_before_bind(cdev, 1);
	devid = say_bind(cdev, fd);
	ioas = ioas_alloc(fd);
	next = ioas_alloc(fd);
	say(pread(cdev, buffer, sizeof(buffer), CONFIG_OFFSET), "pread config never attached");
	say(AS_RESULT(group_open(&A)), "open group while bound");
	say(destroy(fd, devid), "DESTROY devid");
	say(detach(cdev), "DETACH never attached");
	say_attach_args(cdev, devid, ioas);
	say_attach(fd, cdev, ioas, next);
	say_close_device(fd, cdev, devid);
	say_close_iommufd(fd, devid);
}

/* ---- pasid ----------------------------------------------------------------- */

static int attach_pasid(int cdev, uint32_t pasid, uint32_t *pt)
{
	struct attach_arg arg = { .argsz = sizeof(arg), .flags = ATTACH_PASID, .pt = *pt,
				  .pasid = pasid };
	int ret = ioctl(cdev, ATTACH_IOMMUFD_PT, &arg);

	*pt = arg.pt;
	return ret;
}

static int attach_pasid_to(int cdev, uint32_t pasid, uint32_t pt)
{
	return attach_pasid(cdev, pasid, &pt);
}

static int detach_pasid(int cdev, uint32_t pasid)
{
	return detach_flags(cdev, sizeof(struct detach_arg), ATTACH_PASID, pasid);
}

void case_iommufd_pasid(void)
{
	int fd = iommufd_open(), ret;
	struct bound a = bound_open(&A, fd);
	uint32_t ioas = ioas_alloc(fd), pt = ioas;

	say(attach_pasid_to(a.cdev, 1, ioas), "ATTACH PASID=1 unattached");
	say(attach_to(a.cdev, ioas), "plain ATTACH");
	say(attach_pasid_to(a.cdev, 1, ioas), "ATTACH PASID=1 attached");
	say(attach_pasid_to(a.cdev, 0, ioas), "ATTACH PASID=0 attached");
	say(detach_pasid(a.cdev, 5), "DETACH PASID=5 never attached");
	say(detach(a.cdev), "detach RID");
	ret = attach_pasid(a.cdev, 0, &pt);
	say_extra(pt != ioas ? "pt hwpt" : "pt same", ret, "ATTACH PASID=0 unattached");
	say_ranges(fd, ioas, "RANGES then");
	say(detach(a.cdev), "plain DETACH then");
	say(attach_to(a.cdev, ioas), "plain ATTACH again");
	say(detach_pasid(a.cdev, 0), "DETACH PASID=0");
	say(attach_to(a.cdev, ioas), "plain ATTACH after that");
}

/* ---- two_in_group ---------------------------------------------------------- */

static void say_following(int fd, const struct bound *m0, const struct bound *m1)
{
	uint32_t a = ioas_alloc(fd), b = ioas_alloc(fd);

	say(attach_to(m0->cdev, a), "ATTACH M0 to a");
	say(attach_to(m1->cdev, b), "ATTACH M1 to b");
	say(attach_to(m0->cdev, b), "replace M0 to b (M1 not attached)");
	say(attach_to(m1->cdev, b), "ATTACH M1 to b now");
	say(attach_to(m0->cdev, a), "replace M0 to a (M1 attached)");
	say(destroy(fd, b), "is b free now? DESTROY b");
	say(destroy(fd, a), "DESTROY a");
	b = ioas_alloc(fd);
	say(detach(m0->cdev), "DETACH M0");
	say(attach_to(m0->cdev, a), "ATTACH M0 to a while M1 in b");
	say(destroy(fd, b), "DESTROY b");
	detach(m0->cdev);
	detach(m1->cdev);
	say(attach_to(m0->cdev, a), "ATTACH M0 to a");
}

static void say_owners(const struct bound *m0, const struct bound *m1)
{
	int other = iommufd_open(), cdev;

	close(m1->cdev);
	cdev = cdev_open(&M1);
	say(bind_to(cdev, other, NULL), "BIND M1 to another iommufd");
	close(m0->cdev);
	say(bind_to(cdev, other, NULL), "BIND M1 to another after M0 closed");
	close(cdev);
	close(other);
}

/* Two devices, two groups, one IOAS. */
static void say_two_groups(void)
{
	int fd = iommufd_open();
	struct bound a = bound_open(&A, fd), b = bound_open(&B, fd);
	uint32_t ioas = ioas_alloc(fd);

	say(attach_to(a.cdev, ioas), "A");
	say(attach_to(b.cdev, ioas), "B");
	say_ranges(fd, ioas, "RANGES");
	say(detach(a.cdev), "DETACH A");
	say_ranges(fd, ioas, "RANGES A gone");
	say(ioas_map(fd, ioas, 0x100000, PAGE, nowhere(1)), "MAP bad");
	say(ioas_map(fd, ioas, 0x100000, PAGE, memory(1)), "MAP good");
	say(attach_to(a.cdev, ioas), "A again");
}

void case_iommufd_two_in_group(void)
{
	int fd = iommufd_open();
	struct bound m0 = bound_open(&M0, fd), m1 = bound_open(&M1, fd);

	say_following(fd, &m0, &m1);
	say_owners(&m0, &m1);
	say_two_groups();
}
