/* SPDX-License-Identifier: MIT */
/*
 * The ABI of /dev/iommu, declared here because the system's <linux/iommufd.h> may be
 * missing or older than what is simulated (Linux 7.2). Layouts are proved by the
 * asserts at the end. Every structure begins with its own size in bytes.
 */
#ifndef VFIOSIM_ABI_IOMMUFD_H
#define VFIOSIM_ABI_IOMMUFD_H

#include <assert.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define IOMMUFD_NUMBER(n) _IO(';', (n))

enum {
	VFIOSIM_IOMMU_DESTROY = IOMMUFD_NUMBER(0x80),
	VFIOSIM_IOMMU_IOAS_ALLOC = IOMMUFD_NUMBER(0x81),
	VFIOSIM_IOMMU_IOAS_ALLOW_IOVAS = IOMMUFD_NUMBER(0x82),
	VFIOSIM_IOMMU_IOAS_COPY = IOMMUFD_NUMBER(0x83),
	VFIOSIM_IOMMU_IOAS_IOVA_RANGES = IOMMUFD_NUMBER(0x84),
	VFIOSIM_IOMMU_IOAS_MAP = IOMMUFD_NUMBER(0x85),
	VFIOSIM_IOMMU_IOAS_UNMAP = IOMMUFD_NUMBER(0x86),
	VFIOSIM_IOMMU_OPTION = IOMMUFD_NUMBER(0x87),
	VFIOSIM_IOMMU_VFIO_IOAS = IOMMUFD_NUMBER(0x88),
	VFIOSIM_IOMMU_HWPT_ALLOC = IOMMUFD_NUMBER(0x89),
	VFIOSIM_IOMMU_GET_HW_INFO = IOMMUFD_NUMBER(0x8a),
	VFIOSIM_IOMMU_HWPT_SET_DIRTY_TRACKING = IOMMUFD_NUMBER(0x8b),
	VFIOSIM_IOMMU_HWPT_GET_DIRTY_BITMAP = IOMMUFD_NUMBER(0x8c),
	VFIOSIM_IOMMU_HWPT_INVALIDATE = IOMMUFD_NUMBER(0x8d),
	VFIOSIM_IOMMU_FAULT_QUEUE_ALLOC = IOMMUFD_NUMBER(0x8e),
	VFIOSIM_IOMMU_IOAS_MAP_FILE = IOMMUFD_NUMBER(0x8f),
	VFIOSIM_IOMMU_VIOMMU_ALLOC = IOMMUFD_NUMBER(0x90),
	VFIOSIM_IOMMU_VDEVICE_ALLOC = IOMMUFD_NUMBER(0x91),
	VFIOSIM_IOMMU_IOAS_CHANGE_PROCESS = IOMMUFD_NUMBER(0x92),
	VFIOSIM_IOMMU_VEVENTQ_ALLOC = IOMMUFD_NUMBER(0x93),
	VFIOSIM_IOMMU_HW_QUEUE_ALLOC = IOMMUFD_NUMBER(0x94),
};

struct vfiosim_iommu_destroy {
	uint32_t size, id;
};

struct vfiosim_iommu_ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct vfiosim_iommu_iova_range {
	uint64_t start, last;
};

struct vfiosim_iommu_ioas_allow_iovas {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed_iovas;
};

struct vfiosim_iommu_ioas_iova_ranges {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed_iovas, out_iova_alignment;
};

enum { VFIOSIM_IOAS_MAP_FIXED_IOVA = 1, VFIOSIM_IOAS_MAP_WRITEABLE = 2, VFIOSIM_IOAS_MAP_READABLE = 4 };

struct vfiosim_iommu_ioas_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t user_va, length, iova;
};

struct vfiosim_iommu_ioas_map_file {
	uint32_t size, flags, ioas_id;
	int32_t fd;
	uint64_t start, length, iova;
};

struct vfiosim_iommu_ioas_copy {
	uint32_t size, flags, dst_ioas_id, src_ioas_id;
	uint64_t length, dst_iova, src_iova;
};

struct vfiosim_iommu_ioas_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length;
};

enum { VFIOSIM_IOMMU_OPTION_RLIMIT_MODE = 0, VFIOSIM_IOMMU_OPTION_HUGE_PAGES = 1 };
enum { VFIOSIM_IOMMU_OPTION_OP_SET = 0, VFIOSIM_IOMMU_OPTION_OP_GET = 1 };

struct vfiosim_iommu_option {
	uint32_t size, option_id;
	uint16_t op, reserved;
	uint32_t object_id;
	uint64_t val64;
};

enum { VFIOSIM_IOMMU_VFIO_IOAS_GET = 0, VFIOSIM_IOMMU_VFIO_IOAS_SET = 1, VFIOSIM_IOMMU_VFIO_IOAS_CLEAR = 2 };

struct vfiosim_iommu_vfio_ioas {
	uint32_t size, ioas_id;
	uint16_t op, reserved;
};

enum {
	VFIOSIM_HWPT_ALLOC_NEST_PARENT = 1,
	VFIOSIM_HWPT_ALLOC_DIRTY_TRACKING = 2,
	VFIOSIM_HWPT_FAULT_ID_VALID = 4,
	VFIOSIM_HWPT_ALLOC_PASID = 8,
};

struct vfiosim_iommu_hwpt_alloc {
	uint32_t size, flags, dev_id, pt_id, out_hwpt_id, reserved, data_type, data_len;
	uint64_t data_uptr;
	uint32_t fault_id, reserved2;
};

struct vfiosim_iommu_hw_info {
	uint32_t size, flags, dev_id, data_len;
	uint64_t data_uptr;
	uint32_t out_data_type;
	uint8_t out_max_pasid_log2, reserved[3];
	uint64_t out_capabilities;
};

/* What GET_HW_INFO tells of a VT-d unit: data type 1. */
struct vfiosim_iommu_hw_info_vtd {
	uint32_t flags, reserved;
	uint64_t cap_reg, ecap_reg;
};

struct vfiosim_iommu_hwpt_set_dirty_tracking {
	uint32_t size, flags, hwpt_id, reserved;
};

struct vfiosim_iommu_hwpt_get_dirty_bitmap {
	uint32_t size, hwpt_id, flags, reserved;
	uint64_t iova, length, page_size, data;
};

struct vfiosim_iommu_hwpt_invalidate {
	uint32_t size, hwpt_id;
	uint64_t data_uptr;
	uint32_t data_type, entry_len, entry_num, reserved;
};

struct vfiosim_iommu_fault_alloc {
	uint32_t size, flags, out_fault_id, out_fault_fd;
};

struct vfiosim_iommu_viommu_alloc {
	uint32_t size, flags, type, dev_id, hwpt_id, out_viommu_id;
};

struct vfiosim_iommu_vdevice_alloc {
	uint32_t size, viommu_id, dev_id, out_vdevice_id;
	uint64_t virt_id;
};

struct vfiosim_iommu_change_process {
	uint32_t size, reserved;
};

struct vfiosim_iommu_veventq_alloc {
	uint32_t size, flags, viommu_id, type, depth, out_veventq_id, out_veventq_fd, reserved;
};

struct vfiosim_iommu_hw_queue_alloc {
	uint32_t size, flags, viommu_id, type, index, out_hw_queue_id;
	uint64_t base, length;
};

static_assert(VFIOSIM_IOMMU_DESTROY == 0x3b80, "number");
static_assert(sizeof(struct vfiosim_iommu_ioas_alloc) == 12, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_allow_iovas) == 24, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_iova_ranges) == 32, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_map) == 40, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_map_file) == 40, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_copy) == 40, "layout");
static_assert(sizeof(struct vfiosim_iommu_ioas_unmap) == 24, "layout");
static_assert(sizeof(struct vfiosim_iommu_option) == 24, "layout");
static_assert(sizeof(struct vfiosim_iommu_vfio_ioas) == 12, "layout");
static_assert(sizeof(struct vfiosim_iommu_hwpt_alloc) == 48, "layout");
static_assert(sizeof(struct vfiosim_iommu_hw_info) == 40, "layout");
static_assert(sizeof(struct vfiosim_iommu_hwpt_get_dirty_bitmap) == 48, "layout");
static_assert(sizeof(struct vfiosim_iommu_hwpt_invalidate) == 32, "layout");
static_assert(sizeof(struct vfiosim_iommu_fault_alloc) == 16, "layout");
static_assert(sizeof(struct vfiosim_iommu_viommu_alloc) == 24, "layout");
static_assert(sizeof(struct vfiosim_iommu_vdevice_alloc) == 24, "layout");
static_assert(sizeof(struct vfiosim_iommu_veventq_alloc) == 32, "layout");
static_assert(sizeof(struct vfiosim_iommu_hw_queue_alloc) == 40, "layout");

#endif
