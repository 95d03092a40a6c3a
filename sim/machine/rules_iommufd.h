/* SPDX-License-Identifier: MIT */
/* Rows of rules.h for /dev/iommu: objects, ioas, hwpt, bound devices. */
#ifndef SIM_MACHINE_RULES_IOMMUFD_H
#define SIM_MACHINE_RULES_IOMMUFD_H

#define RULES_IOMMUFD(RULE)                                                                        \
	/* any command */                                                                          \
	RULE(SIZE_TOO_SMALL, "size-too-small", EINVAL,                                             \
	     "size is {size:d}, the command needs at least {min:d}", "iommufd_fops_ioctl")         \
	RULE(NONZERO_TAIL, "nonzero-tail", E2BIG,                                                  \
	     "the bytes beyond the {known:d} that are known are not all zero", "copy_struct_from_user") \
	RULE(UNKNOWN_OPTION, "unknown-option", EOPNOTSUPP, "{field} {value} is not known",         \
	     "each command's checks")                                                              \
	RULE(RESERVED_FIELD, "reserved-field", EOPNOTSUPP, "a reserved field is not zero",         \
	     "each command's checks")                                                              \
	RULE(NO_OBJECT, "no-object", ENOENT, "there is no {what} with id {id:d}", "iommufd_get_object") \
	RULE(OBJECT_BUSY, "object-busy", EBUSY, "object {id:d} is in use", "iommufd_object_remove") \
	RULE(UNSUPPORTED, "unsupported", EOPNOTSUPP, "{iommu} does not support {what}",            \
	     "iommufd, the IOMMU driver")                                                          \
	RULE(BAD_ARGUMENT, "bad-argument", EINVAL, "{what}", "iommufd")                            \
	/* ioas */                                                                                 \
	RULE(IOVA_OVERFLOW, "iova-overflow", EOVERFLOW, "{what} {start} + length {length} wraps",  \
	     "iommufd_ioas_map, iopt_alloc_user_pages")                                            \
	RULE(LENGTH_ZERO, "length-zero", EINVAL, "length is 0", "iopt_alloc_user_pages")           \
	RULE(UNALIGNED, "unaligned", EINVAL,                                                       \
	     "{what} {value} does not fit the alignment of the ioas, {alignment:size}",            \
	     "iopt_check_iova, iopt_insert_area")                                                  \
	RULE(IOAS_RESERVED, "ioas-reserved", EINVAL,                                               \
	     "{first}..{last} overlaps {resv.first}..{resv.last}, reserved ({why})", "iopt_check_iova") \
	RULE(AREA_OVERLAP, "area-overlap", EEXIST,                                                 \
	     "{first}..{last} overlaps the mapping {other.first}..{other.last}", "iopt_check_iova") \
	RULE(NO_IOVA_FREE, "no-iova-free", ENOSPC, "no free iova of {length} bytes is left",       \
	     "iopt_alloc_iova")                                                                    \
	RULE(AREA_MISSING, "area-missing", ENOENT, "no mapping lies at {first}..{last}, all of it", \
	     "iopt_unmap_iova, iopt_get_pages")                                                    \
	RULE(AREA_BISECTED, "area-bisected", ENOENT,                                               \
	     "{first}..{last} would cut the mapping {other.first}..{other.last} in two",           \
	     "iopt_unmap_iova_range")                                                              \
	RULE(COPY_READONLY, "copy-readonly", EPERM, "the source is mapped read-only", "iopt_insert_area") \
	RULE(RESV_IN_USE, "resv-in-use", EADDRINUSE,                                               \
	     "{first}..{last}, reserved ({why}), overlaps the mapping {other.first}..{other.last}", \
	     "iopt_reserve_iova")                                                                  \
	RULE(RESV_ALLOWED, "resv-allowed", EADDRINUSE,                                             \
	     "{first}..{last}, reserved ({why}), overlaps the allowed range {other.first}..{other.last}", \
	     "iopt_reserve_iova, iopt_set_allow_iova")                                             \
	RULE(ALIGNMENT_IN_USE, "alignment-in-use", EADDRINUSE,                                     \
	     "the mapping {first}..{last} is not made of whole pages of {alignment:size}",         \
	     "iopt_calculate_iova_alignment")                                                      \
	RULE(TOO_FEW_SLOTS, "too-few-slots", EMSGSIZE, "there are {n:d} ranges, room for {room:d}", \
	     "iommufd_ioas_iova_ranges")                                                           \
	RULE(BAD_ALLOWED, "bad-allowed", EINVAL, "the allowed range {first}..{last} {problem}",    \
	     "iopt_load_allowed")                                                                  \
	RULE(FILE_NOT_PINNABLE, "file-not-pinnable", EINVAL,                                       \
	     "the file mapped at {first} is not made of memory", "memfd_pin_folios")               \
	RULE(FILE_TOO_SHORT, "file-too-short", EINVAL,                                             \
	     "{first}..{last} ends at byte {offset} of its file, which has {size:d}", "memfd_pin_folios") \
	RULE(NOT_A_FILE, "not-a-file", EINVAL,                                                     \
	     "the mapping {first}..{last} is not of a file: it cannot be handed over",             \
	     "iommufd_ioas_change_process")                                                        \
	/* accounts */                                                                             \
	RULE(ACCOUNT_LIMIT, "account-limit", ENOMEM,                                               \
	     "pinning {pages:d} pages at {iova} exceeds the limit of the {whose}: {locked:d} locked, {limit:d} allowed", \
	     "do_update_pinned")                                                                   \
	RULE(NOT_PRIVILEGED, "not-privileged", EPERM, "accounting by mm needs CAP_SYS_RESOURCE",   \
	     "iommufd_option_rlimit_mode")                                                         \
	RULE(OBJECTS_EXIST, "objects-exist", EBUSY, "the accounting cannot change once objects exist", \
	     "iommufd_option_rlimit_mode")                                                         \
	/* devices */                                                                              \
	RULE(OTHER_OWNER, "other-owner", EPERM, "group {group:d} is owned by {owner}",             \
	     "iommu_device_claim_dma_owner")                                                       \
	RULE(OTHER_HWPT, "other-hwpt", EINVAL,                                                     \
	     "a device of group {group:d} is attached elsewhere, to hwpt {hwpt:d}",                \
	     "iommufd_hw_pagetable_attach")                                                        \
	RULE(HWPT_MISFIT, "hwpt-misfit", EINVAL, "hwpt {hwpt:d} was made for {mine}, not {iommu}", \
	     "iommu_attach_group")                                                                 \
	RULE(NOT_ATTACHABLE, "not-attachable", EINVAL, "object {id:d} is neither an ioas nor a hwpt", \
	     "iommufd_device_change_pt")                                                           \
	RULE(PASID_ATTACHED, "pasid-attached", EBUSY, "{device} is attached already, by the other way", \
	     "iommu_attach_handle")                                                                \
	/* fault queues */                                                                         \
	RULE(FAULT_QUEUE_PIECES, "fault-queue-pieces", ESPIPE,                                     \
	     "{operation} of {length:d} bytes at {offset:d}: whole entries of {entry:d} bytes, at 0", \
	     "iommufd_fault_fops_read, iommufd_fault_fops_write")                                  \
	RULE(FAULT_RESPONSE, "fault-response", EINVAL,                                             \
	     "no fault waits for a response with cookie {cookie:d} (code {code:d})",               \
	     "iommufd_fault_fops_write")                                                           \
	/* in a container's place */                                                               \
	RULE(NO_VFIO_IOAS, "no-vfio-ioas", ENODEV, "no ioas is set for the VFIO commands",         \
	     "get_compat_ioas")                                                                    \
	RULE(COMPAT_SET, "compat-set", EINVAL,                                                     \
	     "group {group:d} has iommufd {iommufd:d} as its container already",                   \
	     "vfio_group_ioctl_set_container")                                                     \
	RULE(COMPAT_MIXED, "compat-mixed", EINVAL,                                                 \
	     "iommufd {iommufd:d} is the container of groups {kind} an IOMMU: the others cannot join", \
	     "iommufd_vfio_compat_ioas_create, iommufd_vfio_compat_set_no_iommu")                  \
	RULE(COMPAT_NOT_TRANSLATED, "compat-not-translated", EPERM,                                \
	     "iommufd {iommufd:d} has an ioas for the VFIO commands, and {device} has no IOMMU to use it", \
	     "vfio_iommufd_device_has_compat_ioas")                                                \
	RULE(COMPAT_NO_RAWIO, "compat-no-rawio", EPERM,                                            \
	     "iommufd {iommufd:d} serves groups without IOMMU: that needs CAP_SYS_RAWIO",          \
	     "iommufd_vfio_set_iommu")                                                             \
	RULE(COMPAT_TYPE, "compat-type", EINVAL,                                                   \
	     "an iommufd works as type1 (1) or type1 v2 (3), not as type {type:d}",                \
	     "iommufd_vfio_set_iommu")                                                             \
	RULE(HUGE_PAGES_IN_USE, "huge-pages-in-use", EINVAL,                                       \
	     "ioas {id:d} has mappings in a domain, {n:d} in all, maybe as huge pages",             \
	     "iopt_disable_large_pages")                                                           \
	RULE(DOMAIN_NO_ACCESS, "domain-no-access", EINVAL,                                         \
	     "the mapping {first}..{last} allows neither reading nor writing: no domain can hold it", \
	     "iommu_map")                                                                          \
	RULE(CUT_PINNED, "cut-pinned", EINVAL,                                                     \
	     "an mdev has pages of {first}..{last} pinned: the mapping cannot be cut",             \
	     "iopt_area_split")

#endif
