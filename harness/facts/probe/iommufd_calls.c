/* SPDX-License-Identifier: MIT */
/* iommufd's calls as functions, and the lines that several cases print alike. */
#include "iommufd.h"

/* ---- Objects ------------------------------------------------------------ */

int iommufd_open(void)
{
	return open("/dev/iommu", O_RDWR | O_CLOEXEC);
}

uint32_t ioas_alloc(int iommufd)
{
	struct object_arg arg = { .size = sizeof(arg) };

	return ioctl(iommufd, IOAS_ALLOC, &arg) ? 0 : arg.out_id;
}

uint32_t hwpt_alloc(int iommufd, uint32_t dev, uint32_t pt)
{
	struct hwpt_arg arg = { .size = sizeof(arg), .dev = dev, .pt = pt };

	return ioctl(iommufd, HWPT_ALLOC, &arg) ? 0 : arg.out_hwpt;
}

int destroy(int iommufd, uint32_t id)
{
	struct object_arg arg = { .size = 8, .id = id };

	return ioctl(iommufd, DESTROY, &arg);
}

/* ---- Mapping ------------------------------------------------------------ */

int ioas_map_flags(int iommufd, uint32_t ioas, uint64_t *iova, uint64_t length,
		   const void *vaddr, uint32_t flags)
{
	struct map_arg arg = {
		.size = sizeof(arg), .flags = flags, .ioas = ioas, .vaddr = (uintptr_t)vaddr,
		.length = length, .iova = *iova,
	};
	int ret = ioctl(iommufd, IOAS_MAP, &arg);

	*iova = arg.iova;
	return ret;
}

int ioas_map(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length, const void *vaddr)
{
	return ioas_map_flags(iommufd, ioas, &iova, length, vaddr, FIXED_RW);
}

int ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length)
{
	struct unmap_arg arg = { .size = sizeof(arg), .ioas = ioas, .iova = iova, .length = *length };
	int ret = ioctl(iommufd, IOAS_UNMAP, &arg);

	*length = arg.length;
	return ret;
}

int ioas_allow(int iommufd, uint32_t ioas, const struct iova_range *ranges, uint32_t count)
{
	struct ranges_arg arg = {
		.size = offsetof(struct ranges_arg, out_alignment), .ioas = ioas, .count = count,
		.ranges = (uintptr_t)ranges,
	};

	return ioctl(iommufd, ALLOW_IOVAS, &arg);
}

int option(int iommufd, uint32_t object, uint32_t what, uint16_t op, uint64_t *value)
{
	struct option_arg arg = {
		.size = sizeof(arg), .option = what, .op = op, .object = object, .value = *value,
	};
	int ret = ioctl(iommufd, OPTION, &arg);

	*value = arg.value;
	return ret;
}

int vfio_ioas(int iommufd, uint16_t op, uint32_t *ioas)
{
	struct vfio_ioas_arg arg = { .size = sizeof(arg), .ioas = *ioas, .op = op };
	int ret = ioctl(iommufd, VFIO_IOAS, &arg);

	*ioas = arg.ioas;
	return ret;
}

/* ---- cdevs -------------------------------------------------------------- */

int bind_flags(int cdev, int iommufd, uint32_t argsz, uint32_t flags, uint32_t *ret_devid)
{
	struct bind_arg arg = { .argsz = argsz, .flags = flags, .iommufd = iommufd };
	int ret = ioctl(cdev, BIND_IOMMUFD, &arg);

	if (ret_devid)
		*ret_devid = arg.out_devid;
	return ret;
}

int bind_to(int cdev, int iommufd, uint32_t *ret_devid)
{
	return bind_flags(cdev, iommufd, 16, 0, ret_devid);
}

int attach(int cdev, uint32_t *pt)
{
	struct attach_arg arg = { .argsz = 12, .pt = *pt };
	int ret = ioctl(cdev, ATTACH_IOMMUFD_PT, &arg);

	*pt = arg.pt;
	return ret;
}

int attach_to(int cdev, uint32_t pt)
{
	return attach(cdev, &pt);
}

int detach(int cdev)
{
	struct detach_arg arg = { .argsz = 8 };

	return ioctl(cdev, DETACH_IOMMUFD_PT, &arg);
}

int device_works(int cdev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return ioctl(cdev, VFIO_DEVICE_GET_INFO, &info);
}

struct bound bound_open(const struct place *at, int iommufd)
{
	struct bound bound = { .cdev = cdev_open(at) };

	if (bind_to(bound.cdev, iommufd, &bound.devid))
		fprintf(stderr, "facts-probe: %s cannot be bound: %s\n", at->label, strerror(errno));
	return bound;
}

/* ---- Lines -------------------------------------------------------------- */

void say_ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length,
		    const char *name, ...)
{
	char text[128], extra[32];
	va_list args;
	int ret = ioas_unmap(iommufd, ioas, iova, &length);

	snprintf(extra, sizeof(extra), "len=0x%llx", (unsigned long long)length);
	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	say_extra(extra, ret, "%s", text);
}

void say_ioas_unmap_all(int iommufd, uint32_t ioas, const char *name, ...)
{
	char text[128];
	va_list args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	say_ioas_unmap(iommufd, ioas, 0, UINT64_MAX, "%s", text);
}

void say_ranges(int iommufd, uint32_t ioas, const char *name, ...)
{
	struct iova_range ranges[16] = { 0 };
	struct ranges_arg arg = {
		.size = sizeof(arg), .ioas = ioas, .count = 16, .ranges = (uintptr_t)ranges,
	};
	char text[128], extra[512];
	int ret = ioctl(iommufd, IOVA_RANGES, &arg), n;
	va_list args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (ret) {
		say(ret, "%s", text);
		return;
	}
	n = snprintf(extra, sizeof(extra), "align=%llu n=%u", (unsigned long long)arg.out_alignment,
		     arg.count);
	for (uint32_t i = 0; i < arg.count && i < 8; i++)
		n += snprintf(extra + n, sizeof(extra) - (size_t)n, " %llx-%llx",
			      (unsigned long long)ranges[i].start,
			      (unsigned long long)ranges[i].last);
	say_extra(extra, ret, "%s", text);
}
