/* SPDX-License-Identifier: MIT */
/*
 * /dev/iommu for the probe: the commands and structures of <linux/iommufd.h>, which
 * many systems do not have yet, declared anew under names of our own; calls, and the
 * lines that several cases print alike.
 *
 * A structure begins with its own size; newer kernels take older, shorter ones. What
 * a command answers it writes into the same structure, marked "out".
 */
#ifndef FACTS_PROBE_IOMMUFD_H
#define FACTS_PROBE_IOMMUFD_H

#include "probe.h"

#define IOMMUFD_COMMAND(n) _IO(';', 0x80 + (n))
#define DESTROY IOMMUFD_COMMAND(0)
#define IOAS_ALLOC IOMMUFD_COMMAND(1)
#define ALLOW_IOVAS IOMMUFD_COMMAND(2)
#define IOAS_COPY IOMMUFD_COMMAND(3)
#define IOVA_RANGES IOMMUFD_COMMAND(4)
#define IOAS_MAP IOMMUFD_COMMAND(5)
#define IOAS_UNMAP IOMMUFD_COMMAND(6)
#define OPTION IOMMUFD_COMMAND(7)
#define VFIO_IOAS IOMMUFD_COMMAND(8)
#define HWPT_ALLOC IOMMUFD_COMMAND(9)
#define GET_HW_INFO IOMMUFD_COMMAND(10)
#define SET_DIRTY IOMMUFD_COMMAND(11)
#define GET_DIRTY_BITMAP IOMMUFD_COMMAND(12)
#define HWPT_INVALIDATE IOMMUFD_COMMAND(13)
#define FAULT_QUEUE_ALLOC IOMMUFD_COMMAND(14)
#define IOAS_MAP_FILE IOMMUFD_COMMAND(15)
#define VIOMMU_ALLOC IOMMUFD_COMMAND(16)
#define VDEVICE_ALLOC IOMMUFD_COMMAND(17)
#define CHANGE_PROCESS IOMMUFD_COMMAND(18)
#define VEVENTQ_ALLOC IOMMUFD_COMMAND(19)
#define HW_QUEUE_ALLOC IOMMUFD_COMMAND(20)

/* IOAS_MAP, IOAS_MAP_FILE, IOAS_COPY */
#define FIXED 1u
#define WRITEABLE 2u
#define READABLE 4u
#define FIXED_RW (FIXED | WRITEABLE | READABLE)

/* VFIO_IOAS */
#define VFIO_IOAS_GET 0
#define VFIO_IOAS_SET 1
#define VFIO_IOAS_CLEAR 2

/* OPTION: operations, and what they are about */
#define OPTION_SET 0
#define OPTION_GET 1
#define RLIMIT_MODE 0
#define HUGE_PAGES 1

/* HWPT_ALLOC */
#define HWPT_NEST_PARENT 1u
#define HWPT_DIRTY_TRACKING 2u
#define HWPT_FAULT_ID 4u
#define HWPT_PASID 8u

/* Attributes of cdevs that <linux/vfio.h> has from 6.6 on. */
#define DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#define BIND_TOKEN 1u
#define ATTACH_PASID 1u

#define NO_OBJECT 9999u
#define MSI 0xfee00000ull	/* first of a reserved megabyte */
#define APERTURE (1ull << 39)	/* bytes: iovas below are translated */
#define BEYOND (1ull << 45)
#define LAST_PAGE (-PAGE)	/* of 2^64 */

struct object_arg {
	uint32_t size, id;	/* of DESTROY; IOAS_ALLOC: flags */
	uint32_t out_id;
};

struct iova_range {
	uint64_t start, last;
};

struct ranges_arg {
	uint32_t size, ioas, count, reserved;
	uint64_t ranges;
	uint64_t out_alignment;	/* IOVA_RANGES only */
};

struct map_arg {
	uint32_t size, flags, ioas;
	uint32_t reserved;	/* IOAS_MAP_FILE: the descriptor */
	uint64_t vaddr;		/* IOAS_MAP_FILE: offset in the file */
	uint64_t length, iova;
};

struct copy_arg {
	uint32_t size, flags, dst_ioas, src_ioas;
	uint64_t length, dst_iova, src_iova;
};

struct unmap_arg {
	uint32_t size, ioas;
	uint64_t iova, length;
};

struct option_arg {
	uint32_t size, option;
	uint16_t op, reserved;
	uint32_t object;
	uint64_t value;
};

struct vfio_ioas_arg {
	uint32_t size, ioas;
	uint16_t op, reserved;
};

struct hwpt_arg {
	uint32_t size, flags, dev, pt, out_hwpt, reserved;
	uint32_t data_type, data_len;
	uint64_t data;
	uint32_t fault, reserved2;
};

struct hw_info_arg {
	uint32_t size, flags, dev, data_len;
	uint64_t data;
	uint32_t type;		/* in with flag 1; out */
	uint8_t out_pasid, reserved[3];
	uint64_t out_capabilities;
};

struct dirty_arg {
	uint32_t size, flags, hwpt, reserved;
};

struct bitmap_arg {
	uint32_t size, hwpt, flags, reserved;
	uint64_t iova, length, page_size, data;
};

struct invalidate_arg {
	uint32_t size, hwpt;
	uint64_t data;
	uint32_t type, entry_len, entries, reserved;
};

struct fault_arg {
	uint32_t size, flags, out_id, out_fd;
};

struct viommu_arg {
	uint32_t size, flags, type, dev, hwpt, out_viommu, data_len, reserved;
	uint64_t data;
};

/* cdevs; the end of each came later: argsz tells */
struct bind_arg {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
	uint64_t token;
};

struct attach_arg {
	uint32_t argsz, flags, pt, pasid;
};

struct detach_arg {
	uint32_t argsz, flags, pasid;
};

/* ---- Calls (iommufd_calls.c): what the call returned, errno with it ------ */

int iommufd_open(void);
/* Ids, or 0 after a failure. */
uint32_t ioas_alloc(int iommufd);
uint32_t hwpt_alloc(int iommufd, uint32_t dev, uint32_t pt);
int destroy(int iommufd, uint32_t id);

/* At *@iova with FIXED among @flags; else the kernel chooses and writes it there. */
int ioas_map_flags(int iommufd, uint32_t ioas, uint64_t *iova, uint64_t length,
		   const void *vaddr, uint32_t flags);
int ioas_map(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length, const void *vaddr);
int ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t *length);
int ioas_allow(int iommufd, uint32_t ioas, const struct iova_range *ranges, uint32_t count);
int option(int iommufd, uint32_t object, uint32_t what, uint16_t op, uint64_t *value);
int vfio_ioas(int iommufd, uint16_t op, uint32_t *ioas);

int bind_flags(int cdev, int iommufd, uint32_t argsz, uint32_t flags, uint32_t *ret_devid);
int bind_to(int cdev, int iommufd, uint32_t *ret_devid);
/* @pt: in and out. */
int attach(int cdev, uint32_t *pt);
int attach_to(int cdev, uint32_t pt);
int detach(int cdev);
int device_works(int cdev);

/* A cdev, open and bound. Its fields are -1 and 0 where that failed. */
struct bound {
	int cdev;
	uint32_t devid;
};
struct bound bound_open(const struct place *at, int iommufd);

/* The line of UNMAP with the length it left behind. */
void say_ioas_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t length,
		    const char *name, ...) __attribute__((format(printf, 5, 6)));
void say_ioas_unmap_all(int iommufd, uint32_t ioas, const char *name, ...)
	__attribute__((format(printf, 3, 4)));
/* The line of IOVA_RANGES with what it told. */
void say_ranges(int iommufd, uint32_t ioas, const char *name, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Cases -------------------------------------------------------------- */

void case_iommufd_basic(void);
void case_iommufd_objects(void);
void case_iommufd_iova_ranges(void);
void case_iommufd_allow_iovas(void);
void case_iommufd_map_nodev(void);
void case_iommufd_map_phys(void);
void case_iommufd_map_mdev(void);
void case_iommufd_unmap(void);
void case_iommufd_copy(void);
void case_iommufd_attach_bad(void);
void case_iommufd_mdev(void);
void case_iommufd_binding(void);
void case_iommufd_pasid(void);
void case_iommufd_hot_reset(void);
void case_iommufd_noiommu(void);
void case_iommufd_two_in_group(void);
void case_iommufd_hwpts(void);
void case_iommufd_options(void);
void case_iommufd_compat(void);
void case_iommufd_map_file(void);
void case_iommufd_limits(void);
void case_iommufd_remove_busy(void);
void case_iommufd_edges(void);
void case_iommufd_crowd(void);

#endif
