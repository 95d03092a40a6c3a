/* SPDX-License-Identifier: MIT */
/* Rows of rules.h for files, groups, containers (RULES_GROUP) and type1 (RULES_TYPE1). */
#ifndef SIM_MACHINE_RULES_CORE_H
#define SIM_MACHINE_RULES_CORE_H

#define RULES_GROUP(RULE)                                                                          \
	RULE(NO_NODE, "no-node", ENOENT, "/dev/vfio/{node} does not exist: {why}",                 \
	     "vfio_create_group, vfio_device_add")                                                 \
	RULE(GROUP_OPEN, "group-open", EBUSY,                                                      \
	     "group {group:d} is open already; a group has one descriptor at a time",              \
	     "vfio_group_fops_open")                                                               \
	RULE(GROUP_HELD, "group-held", EBUSY,                                                      \
	     "group {group:d} was closed, but {count:d} of its devices are still open and hold it", \
	     "vfio_group_fops_open")                                                               \
	RULE(GROUP_EMPTY, "group-empty", ENODEV,                                                   \
	     "no device of group {group:d} is bound to a vfio driver",                    \
	     "vfio_group_fops_open, vfio_group_ioctl_set_container")                               \
	RULE(NO_RAWIO, "no-rawio", EPERM,                                                          \
	     "group {group:d} has no IOMMU: whoever uses it needs CAP_SYS_RAWIO",                  \
	     "vfio_group_fops_open, vfio_noiommu_open")                                            \
	RULE(BAD_FD, "bad-fd", EBADF, "{fd:d} is not an open descriptor of the caller", "fdget")   \
	RULE(NOT_A_CONTAINER, "not-a-container", EBADFD,                                           \
	     "descriptor {fd:d} is open, but not a container", "vfio_container_from_file")         \
	RULE(CONTAINER_SET, "container-set", EINVAL,                                               \
	     "group {group:d} is in container {container:d} already",                              \
	     "vfio_group_ioctl_set_container")                                                     \
	RULE(CONTAINER_NOT_SET, "container-not-set", EINVAL, "group {group:d} is in no container", \
	     "vfio_group_ioctl_unset_container, vfio_df_group_open")                               \
	RULE(NOT_VIABLE, "not-viable", EPERM,                                                      \
	     "group {group:d} is not viable: {device} is bound to {driver}, a host driver",        \
	     "iommu_group_claim_dma_owner")                                                        \
	RULE(REQUIRE_DIRECT, "require-direct", EINVAL,                                             \
	     "userspace cannot own group {group:d}: firmware needs {first}..{last} mapped 1:1 for {device} (a direct region, RMRR)", \
	     "__iommu_device_set_domain, since 6.6")                                               \
	RULE(RMRR_LOCKED, "rmrr-locked", EPERM,                                                    \
	     "group {group:d} cannot be attached: firmware needs {first}..{last} mapped 1:1 for {device} (a direct region, RMRR)", \
	     "intel_iommu_attach_device, device_is_rmrr_locked, until 6.5")                        \
	RULE(NOIOMMU_MIXED, "noiommu-mixed", EPERM,                                                \
	     "groups with and without IOMMU cannot share container {container:d}",                 \
	     "vfio_container_attach_group")                                                        \
	RULE(DEVICES_OPEN, "devices-open", EBUSY,                                                  \
	     "{count:d} device descriptors (or mappings of them) still use group {group:d}",       \
	     "vfio_group_ioctl_unset_container")                                                   \
	RULE(NO_SUCH_DEVICE, "no-such-device", ENODEV,                                             \
	     "group {group:d} has no device '{name}' bound to a vfio driver",                      \
	     "vfio_device_get_from_name")                                                          \
	RULE(NAME_TOO_LONG, "name-too-long", EINVAL, "the device name is longer than a page",      \
	     "vfio_group_ioctl_get_device_fd")                                                     \
	RULE(NO_GROUP, "no-group", EINVAL,                                                         \
	     "container {container:d} holds no group: only a group gives the right to an IOMMU",   \
	     "vfio_ioctl_set_iommu")                                                               \
	RULE(IOMMU_SET, "iommu-set", EINVAL, "container {container:d} has an IOMMU driver already", \
	     "vfio_ioctl_set_iommu")                                                               \
	RULE(NO_IOMMU_DRIVER, "no-iommu-driver", ENODEV,                                           \
	     "no IOMMU driver for this container's groups knows type {type:d}",                    \
	     "vfio_ioctl_set_iommu")                                                               \
	RULE(NO_NESTING, "no-nesting", EINVAL, "no IOMMU here can nest (VFIO_TYPE1_NESTING_IOMMU)", \
	     "iommu_enable_nesting (6.12)")                                                        \
	RULE(NOT_AN_IOMMU_TYPE, "not-an-iommu-type", EINVAL,                                       \
	     "{type:d} is an extension of type1, not an IOMMU type", "vfio_iommu_type1_open")

#define RULES_TYPE1(RULE)                                                                          \
	/* attaching a group */                                                                    \
	RULE(ATTACH_VADDR_INVALID, "attach-vaddr-invalid", EBUSY,                                  \
	     "{count:d} mappings of the container have an invalid vaddr; attaching could need it", \
	     "vfio_iommu_type1_attach_group")                                                      \
	RULE(ATTACH_APERTURE, "attach-aperture", EINVAL,                                           \
	     "the mapping {first}..{last} lies outside {iommu}'s aperture {aperture.first}..{aperture.last}", \
	     "vfio_iommu_aper_conflict")                                                           \
	RULE(ATTACH_DISJOINT, "attach-disjoint", EINVAL,                                           \
	     "{iommu}'s aperture {aperture.first}..{aperture.last} has nothing in common with the container's ranges", \
	     "vfio_iommu_aper_conflict")                                                           \
	RULE(ATTACH_RESERVED, "attach-reserved", EINVAL,                                           \
	     "the mapping {first}..{last} overlaps {resv.first}..{resv.last}, reserved ({type}) for group {group:d}", \
	     "vfio_iommu_resv_conflict")                                                           \
	RULE(ATTACH_NOTHING_LEFT, "attach-nothing-left", EINVAL,                                   \
	     "no iova would be left once the reserved regions of group {group:d} are taken out",   \
	     "vfio_iommu_resv_exclude")                                                            \
	RULE(ATTACH_INTERRUPTS, "attach-interrupts", EPERM,                                        \
	     "{iommu} does not remap interrupts, so group {group:d} is unsafe (see allow_unsafe_interrupts)", \
	     "vfio_iommu_type1_attach_group, iommufd_device_bind")                                 \
	RULE(DOMAIN_RANGE, "domain-range", ERANGE,                                                 \
	     "{first}..{last} goes beyond what {iommu} can translate: {aperture.first}..{aperture.last}", \
	     "iommu_map")                                                                          \
	RULE(DOMAIN_PAGE, "domain-page", EINVAL,                                                   \
	     "{first}..{last} is not made of whole pages of {iommu}, whose smallest is {page:size}", \
	     "iommu_map")                                                                          \
	/* mapping */                                                                              \
	RULE(WRAPS, "wraps", EOVERFLOW, "{what} {start} + size {size} wraps around 2^64",          \
	     "vfio_dma_do_map, vfio_dma_do_unmap")                                                 \
	RULE(NO_ACCESS, "no-access", EINVAL, "flags must have READ, WRITE or both",                \
	     "vfio_dma_do_map")                                                                    \
	RULE(VADDR_AND_ACCESS, "vaddr-and-access", EINVAL,                                         \
	     "VADDR gives a mapping its new address and cannot change its access", "vfio_dma_do_map") \
	RULE(EMPTY, "empty", EINVAL, "size is 0", "vfio_dma_do_map, vfio_dma_do_unmap")            \
	RULE(MISALIGNED, "misaligned", EINVAL, "{what} {value} is not a multiple of {page:size}",  \
	     "vfio_dma_do_map, vfio_dma_do_unmap")                                                 \
	RULE(OVERLAP, "overlap", EEXIST,                                                           \
	     "{first}..{last} overlaps the mapping {other.first}..{other.last}", "vfio_dma_do_map") \
	RULE(ENTRY_LIMIT, "entry-limit", ENOSPC,                                                   \
	     "the container holds {limit:d} mappings, its dma_entry_limit", "vfio_dma_do_map")     \
	RULE(RESERVED_REGION, "reserved-region", EINVAL,                                           \
	     "{first}..{last} overlaps {resv.first}..{resv.last}, reserved ({type}) for group {group:d}", \
	     "vfio_iommu_iova_dma_valid")                                                          \
	RULE(BEYOND_APERTURE, "beyond-aperture", EINVAL,                                           \
	     "{first}..{last} goes beyond {iommu}'s aperture {aperture.first}..{aperture.last}",   \
	     "vfio_iommu_iova_dma_valid")                                                          \
	RULE(VADDR_NO_MAPPING, "vaddr-no-mapping", ENOENT, "nothing is mapped at {first}..{last}", \
	     "vfio_dma_do_map")                                                                    \
	RULE(VADDR_MISMATCH, "vaddr-mismatch", EINVAL,                                             \
	     "{first}..{last} is not exactly a mapping whose vaddr is invalid", "vfio_dma_do_map") \
	/* pinning */                                                                              \
	RULE(PIN_UNMAPPED, "pin-unmapped", EFAULT,                                                 \
	     "iova {iova}: the caller has nothing mapped at {uva}", "get_user_pages")              \
	RULE(PIN_UNREADABLE, "pin-unreadable", EFAULT,                                             \
	     "iova {iova}: the memory at {uva} cannot be read", "check_vma_flags")                 \
	RULE(PIN_UNWRITABLE, "pin-unwritable", EFAULT,                                             \
	     "iova {iova}: the memory at {uva} cannot be written, and the mapping asks for WRITE", \
	     "check_vma_flags")                                                                    \
	RULE(PIN_DIRTYTRACK, "pin-dirtytrack", EFAULT,                                             \
	     "iova {iova}: {uva} is a shared mapping of a file system that tracks dirty pages",    \
	     "check_vma_flags")                                                                    \
	RULE(PIN_NO_PAGE, "pin-no-page", EFAULT,                                                   \
	     "iova {iova}: there is no page behind {uva} (beyond the end of its file?)", "faultin_page") \
	RULE(PIN_MAPPER_GONE, "pin-mapper-gone", ENODEV,                                           \
	     "iova {iova}: the memory of the process that mapped it is gone", "vfio_pin_page_external") \
	RULE(PIN_PFNMAP, "pin-pfnmap", EINVAL,                                                     \
	     "iova {iova}: the program's address {uva} is region {region:d} of {device}, which has no pages that an mdev could pin", \
	     "vfio_iommu_type1_pin_pages")                                                         \
	RULE(PIN_REGION, "pin-region", EFAULT,                                                     \
	     "iova {iova}: the program's address {uva} is region {region:d} of {device}, whose pages cannot be pinned",  \
	     "follow_fault_pfn")                                                                   \
	RULE(MEMLOCK, "memlock", ENOMEM,                                                           \
	     "pinning {pages:d} pages at {iova} exceeds the locked-memory limit: {locked:d} locked, {limit:d} allowed", \
	     "vfio_pin_pages_remote, vfio_lock_acct")                                              \
	/* unmapping */                                                                            \
	RULE(ALL_WITH_RANGE, "all-with-range", EINVAL, "ALL takes neither iova nor size",          \
	     "vfio_dma_do_unmap")                                                                  \
	RULE(BISECTS, "bisects", EINVAL,                                                           \
	     "{first}..{last} would cut the mapping {other.first}..{other.last} in two",           \
	     "vfio_dma_do_unmap")                                                                  \
	RULE(VADDR_MDEV, "vaddr-mdev", EBUSY,                                                      \
	     "the container holds an mdev, which may need the vaddr at any time", "vfio_dma_do_unmap") \
	RULE(VADDR_TWICE, "vaddr-twice", EINVAL,                                                   \
	     "the vaddr of {first}..{last} is invalid already", "vfio_dma_do_unmap")               \
	RULE(BITMAP_WITH_ALL, "bitmap-with-all", EINVAL,                                           \
	     "GET_DIRTY_BITMAP cannot be combined with ALL or VADDR", "vfio_iommu_type1_unmap_dma") \
	/* dirty tracking */                                                                       \
	RULE(DIRTY_V1, "dirty-v1", EACCES, "dirty tracking needs type1 v2",                        \
	     "vfio_iommu_type1_dirty_pages")                                                       \
	RULE(DIRTY_ONE_FLAG, "dirty-one-flag", EINVAL,                                             \
	     "exactly one of START, STOP, GET_BITMAP must be set", "vfio_iommu_type1_dirty_pages") \
	RULE(BITMAP_SIZE, "bitmap-size", EINVAL,                                                   \
	     "a bitmap of {size:d} bytes does not fit {pages:d} pages", "verify_bitmap_size")      \
	RULE(BITMAP_PAGE, "bitmap-page", EINVAL,                                                   \
	     "the bitmap's page size is {pgsize}, only {page:size} is supported",                  \
	     "vfio_iommu_type1_dirty_pages, vfio_dma_do_unmap")                                    \
	RULE(BITMAP_ADDRESS, "bitmap-address", EINVAL,                                             \
	     "a bitmap of {size} bytes at {uva} is not in the caller's half of memory", "access_ok") \
	RULE(NOT_TRACKING, "not-tracking", EINVAL, "dirty tracking is not started",                \
	     "vfio_iommu_type1_dirty_pages, vfio_dma_do_unmap")                                    \
	/* devices reaching memory */                                                              \
	RULE(DMA_NOT_ATTACHED, "dma-not-attached", EINVAL,                                         \
	     "{device} is in no container with an IOMMU", "vfio_device_has_container")             \
	RULE(DMA_NOT_MAPPED, "dma-not-mapped", EFAULT,                                             \
	     "{device}: nothing is mapped at iova {iova}", "the IOMMU's fault")                    \
	RULE(DMA_PROTECTION, "dma-protection", EPERM,                                              \
	     "{device}: the mapping {first}..{last} does not allow {access}",                      \
	     "the IOMMU's fault, vfio_iommu_type1_pin_pages, vfio_iommu_type1_dma_rw")             \
	RULE(DMA_GONE, "dma-gone", EFAULT,                                                         \
	     "{device}: the memory behind iova {iova} is gone", "copy_to_user")      \
	RULE(DMA_FILE_READ_ONLY, "dma-file-read-only", EACCES,                                     \
	     "{device}: the file behind iova {iova} is not one that the program could write",      \
	     "none: Linux writes to it")                                                           \
	RULE(PIN_V1, "pin-v1", EACCES, "an mdev can pin pages in a v2 container only",             \
	     "vfio_iommu_type1_pin_pages")                                                         \
	RULE(PIN_NOT_MAPPED, "pin-not-mapped", EINVAL,                                             \
	     "{device}: nothing is mapped at iova {iova}",                                         \
	     "vfio_iommu_type1_pin_pages, vfio_iommu_type1_dma_rw")

#endif
