/* SPDX-License-Identifier: MIT */
/* Rows of rules.h for device files: what the drivers of sim/device/ refuse. */
#ifndef SIM_MACHINE_RULES_DEVICE_H
#define SIM_MACHINE_RULES_DEVICE_H

#define RULES_DEVICE(RULE)                                                                         \
	/* naming a device */                                                                      \
	RULE(DEVICE_OPTION, "device-option", EINVAL,                                               \
	     "{device} takes no option but vf_token=UUID, and that once", "vfio_pci_core_match")   \
	RULE(VF_TOKEN_UNUSED, "vf-token-unused", EINVAL,                                           \
	     "{device} is neither a VF nor the PF of one: it takes no vf_token",                   \
	     "vfio_pci_validate_vf_token")                                                         \
	/* any command on a device */                                                              \
	RULE(DRIVER_COMMAND, "driver-command", ENOTTY,                                             \
	     "{driver}, the driver of {device}, does not know {command}", "vfio_device_ops.ioctl") \
	RULE(NOT_A_CDEV, "not-a-cdev", EINVAL,                                                     \
	     "{device} was opened through its group: only a cdev can be bound to an iommufd",      \
	     "vfio_df_ioctl_bind_iommufd")                                                         \
	/* what drivers of mdevs are told to pin */                                                \
	RULE(PINS_NEVER, "pins-never", EOPNOTSUPP,                                                 \
	     "{device} pins nothing: it is not an mdev, or one whose driver never pins", "vfio_pin_pages") \
	RULE(PINS_NOT_OPEN, "pins-not-open", ENXIO, "no program has {device} open",                \
	     "vfio_assert_device_open")                                                            \
	RULE(PINS_WHOLE_PAGES, "pins-whole-pages", EINVAL,                                         \
	     "{length:d} bytes from {iova} on are not whole pages of 4096 bytes", "vfio_pin_pages") \
	RULE(PINS_LIMIT, "pins-limit", ENOSPC,                                                     \
	     "with {pages:d} pages more {device} would hold more than 1 GiB, or 4096 ranges", "vfio_pin_pages") \
	RULE(PINS_NOTHING, "pins-nothing", ENOENT, "nothing there is pinned for {device}",         \
	     "vfio_unpin_pages")                                                                   \
	/* a device's own node */                                                                  \
	RULE(NO_CDEV, "no-cdev", ENODEV, "{device} is no longer bound to a vfio driver",                \
	     "vfio_device_fops_cdev_open")                                                         \
	RULE(CDEV_NOT_BOUND, "cdev-not-bound", EINVAL,                                             \
	     "{device} was opened by its own node: VFIO_DEVICE_BIND_IOMMUFD must be the first command", \
	     "vfio_device_fops_unl_ioctl, _read, _write, _mmap")                                   \
	RULE(CDEV_GROUP_OPEN, "cdev-group-open", EBUSY,                                            \
	     "group {group:d} of {device} is open: a group is used as one or by its devices, not both", \
	     "vfio_device_block_group")                                                            \
	RULE(GROUP_CDEV_BOUND, "group-cdev-bound", EBUSY,                                          \
	     "{count:d} devices of group {group:d} are bound to an iommufd by their own nodes",    \
	     "vfio_group_fops_open")                                                               \
	RULE(CDEV_BOUND, "cdev-bound", EINVAL, "this descriptor of {device} is bound already",     \
	     "vfio_df_ioctl_bind_iommufd")                                                         \
	RULE(CDEV_IN_USE, "cdev-in-use", EINVAL, "{device} is bound by another descriptor",        \
	     "vfio_df_open")                                                                       \
	RULE(NOT_AN_IOMMUFD, "not-an-iommufd", EBADFD, "descriptor {fd:d} is open, but not /dev/iommu", \
	     "iommufd_ctx_from_fd")                                                                \
	RULE(BAD_IOMMUFD, "bad-iommufd", EINVAL, "{fd:d} is not an open descriptor",                 \
	     "vfio_df_ioctl_bind_iommufd")                                                         \
	RULE(PASID_MDEV, "pasid-mdev", EOPNOTSUPP, "{device} is an mdev: it has no PASIDs",        \
	     "vfio_df_ioctl_attach_pt, vfio_df_ioctl_detach_pt")                                   \
	RULE(PASID_NONE, "pasid-none", EINVAL, "{device} has no PASID {pasid:d}",                  \
	     "iommufd_hwpt_pasid_compat")                                                          \
	RULE(RESET_UNSUPPORTED, "reset-unsupported", EINVAL,                                       \
	     "{device} has no way to be reset alone", "vfio_pci_ioctl_reset")                      \
	RULE(RESET_LOCKED, "reset-locked", EAGAIN,                                                 \
	     "{device} is locked by whoever unbinds it and waits for its last descriptor",         \
	     "pci_try_reset_function, pci_reset_bus")                                              \
	/* regions */                                                                              \
	RULE(NO_REGION, "no-region", EINVAL, "{device} has no region {index:d}",                   \
	     "vfio_pci_ioctl_get_region_info, vfio_pci_rw")                                        \
	RULE(REGION_READ_ONLY, "region-read-only", EINVAL,                                         \
	     "region {index:d} of {device} can only be read", "vfio_pci_rw")                       \
	RULE(REGION_END, "region-end", EINVAL,                                                     \
	     "{offset} is beyond region {index:d} of {device}, which has {size} bytes",            \
	     "vfio_pci_bar_rw")                                                                    \
	RULE(CONFIG_END, "config-end", EFAULT,                                                     \
	     "{length:d} bytes at {offset} reach beyond the {size} bytes of configuration space",  \
	     "vfio_config_do_rw")                                                                  \
	RULE(NEGATIVE_OFFSET, "negative-offset", EINVAL, "the offset {offset} is negative",        \
	     "ksys_pread64, ksys_pwrite64")                                                        \
	RULE(MEMORY_DISABLED, "memory-disabled", EIO,                                              \
	     "memory decoding of {device} is off: set bit 1 of its command register (and power state D0)", \
	     "__vfio_pci_memory_enabled")                                                          \
	RULE(ROM_WITHOUT_IMAGE, "rom-without-image", ENOMEM,                                       \
	     "the expansion ROM of {device} does not begin with 0x55aa: it has no image", "pci_map_rom") \
	RULE(MDEV_NO_REGION, "mdev-no-region", EFAULT,                                             \
	     "{driver} has nothing at offset {offset} of {device}", "mtty_read, mdpy_read")        \
	RULE(NO_QUEUE_MMAP, "no-queue-mmap", ENXIO,                                                \
	     "nothing of /dev/iommu can be mapped without a queue in hardware", "iommufd_fops_mmap") \
	RULE(MMAP_PRIVATE, "mmap-private", EINVAL, "regions can be mapped MAP_SHARED only",        \
	     "vfio_pci_core_mmap")                                                                 \
	RULE(MMAP_REFUSED, "mmap-refused", EINVAL,                                                 \
	     "{device} has nothing that can be mapped at offset {offset}",                   \
	     "vfio_pci_core_mmap")                                                                 \
	RULE(MMAP_END, "mmap-end", EINVAL,                                                         \
	     "{length} bytes at {offset} reach beyond region {index:d} of {device}",               \
	     "vfio_pci_core_mmap")                                                                 \
	/* interrupts */                                                                           \
	RULE(NO_IRQ, "no-irq", EINVAL, "{device} has no interrupt index {index:d}",                \
	     "vfio_pci_ioctl_get_irq_info")                                                        \
	RULE(IRQ_RANGE, "irq-range", EINVAL,                                                       \
	     "start {start:d} and count {count:d} do not fit the {max:d} vectors of interrupt index {index:d}", \
	     "vfio_set_irqs_validate_and_prepare")                                                 \
	RULE(IRQ_DATA, "irq-data", EINVAL,                                                         \
	     "flags {flags} name no data type or several, or argsz has no room for the data",      \
	     "vfio_set_irqs_validate_and_prepare")                                                 \
	RULE(IRQ_ACTION, "irq-action", ENOTTY,                                                     \
	     "interrupt index {index:d} of {device} has no such action: {action}",                 \
	     "vfio_pci_set_irqs_ioctl")                                                            \
	RULE(IRQ_MASK_FD, "irq-mask-fd", ENOTTY,                                                   \
	     "INTx cannot be {action} through an eventfd here", "vfio_pci_set_intx_mask, mtty_set_irqs") \
	RULE(IRQ_OFF, "irq-off", EINVAL, "interrupt index {index:d} is not enabled",               \
	     "vfio_pci_set_intx_trigger, vfio_pci_set_msi_trigger")                                \
	RULE(IRQ_OTHER, "irq-other", EINVAL,                                                       \
	     "interrupt index {on:d} is enabled: disable it before {index:d}",                     \
	     "vfio_pci_set_intx_trigger, vfio_pci_set_msi_trigger")                                \
	RULE(IRQ_ONE, "irq-one", EINVAL,                                                           \
	     "interrupt index {index:d} is one vector: start must be 0 and count 1",               \
	     "vfio_pci_set_intx_trigger, vfio_pci_set_err_trigger")                                \
	RULE(IRQ_NO_VECTORS, "irq-no-vectors", ERANGE, "enabling 0 vectors is not possible",       \
	     "pci_alloc_irq_vectors")                                                              \
	RULE(MSI_FORBIDDEN, "msi-forbidden", EINVAL,                                               \
	     "msi_bus of the device, or of a bridge above it, forbids MSI and MSI-X",              \
	     "pci_msi_supported")                                                                  \
	RULE(IRQ_NOT_ALLOCATED, "irq-not-allocated", EINVAL,                                       \
	     "MSI was enabled with {count:d} vectors, {vector:d} is not among them",               \
	     "vfio_msi_set_vector_signal")                                                         \
	RULE(IRQ_NOT_SET, "irq-not-set", EINVAL,                                                   \
	     "no eventfd is registered for interrupt index {index:d}, or count is 0",              \
	     "vfio_pci_set_ctx_trigger_single")                                                    \
	RULE(IRQ_UNMASK_BUSY, "irq-unmask-busy", EBUSY, "INTx has an unmask eventfd already",      \
	     "vfio_virqfd_enable")                                                                 \
	RULE(IRQ_BAD_FD, "irq-bad-fd", EBADF,                                                      \
	     "entry {entry:d} of the data is not an open descriptor", "eventfd_ctx_fdget")         \
	RULE(IRQ_NOT_EVENTFD, "irq-not-eventfd", EINVAL,                                           \
	     "entry {entry:d} of the data is not an eventfd", "eventfd_ctx_fdget")                 \
	RULE(IRQ_NONE, "irq-none", EINVAL, "{driver} raises no interrupts", "mdpy_ioctl")          \
	/* hot reset */                                                                            \
	RULE(HOT_RESET_ROOT, "hot-reset-root", ENODEV,                                             \
	     "{device} is on the root bus, which no bridge can reset",                             \
	     "vfio_pci_ioctl_get_pci_hot_reset_info, vfio_pci_ioctl_pci_hot_reset")                \
	RULE(HOT_RESET_ROOM, "hot-reset-room", ENOSPC,                                             \
	     "argsz {argsz:d} has no room for the {count:d} devices a reset affects",              \
	     "vfio_pci_ioctl_get_pci_hot_reset_info")                                              \
	RULE(HOT_RESET_COUNT, "hot-reset-count", EINVAL,                                           \
	     "{count:d} groups were given; a reset affects {max:d} devices, so 1..{max:d} are possible", \
	     "vfio_pci_ioctl_pci_hot_reset_groups")                                                \
	RULE(HOT_RESET_BAD_FD, "hot-reset-bad-fd", EBADF,                                          \
	     "entry {entry:d} of the groups is not an open descriptor",                            \
	     "vfio_pci_ioctl_pci_hot_reset_groups")                                                \
	RULE(HOT_RESET_NOT_GROUP, "hot-reset-not-group", EINVAL,                                   \
	     "entry {entry:d} of the groups is not a group",                                       \
	     "vfio_pci_ioctl_pci_hot_reset_groups")                                                \
	RULE(HOT_RESET_NOT_OURS, "hot-reset-not-ours", EINVAL,                                     \
	     "the reset would hit {device}, which is not bound to vfio-pci",                       \
	     "vfio_pci_dev_set_resettable")                                                        \
	RULE(HOT_RESET_NOT_OWNED, "hot-reset-not-owned", EINVAL,                                   \
	     "the reset would hit {device}, whose group {group:d} was not given",                  \
	     "vfio_pci_dev_set_hot_reset")                                                         \
	RULE(HOT_RESET_GROUPS, "hot-reset-groups", EINVAL,                                         \
	     "{device} is bound to an iommufd: its hot reset takes no groups",                     \
	     "vfio_pci_ioctl_pci_hot_reset")                                                       \
	RULE(HOT_RESET_NOT_BOUND, "hot-reset-not-bound", EINVAL,                                   \
	     "the reset would hit {device}, which the iommufd of the caller does not own",         \
	     "vfio_pci_dev_set_hot_reset")                                                         \
	RULE(HOT_RESET_UNSUPPORTED, "hot-reset-unsupported", ENOTTY,                               \
	     "the bus of {device} cannot be reset", "pci_reset_bus")                               \
	/* features */                                                                             \
	RULE(FEATURE_GET_SET, "feature-get-set", EINVAL,                                           \
	     "GET and SET exclude each other unless PROBE is set", "vfio_ioctl_device_feature")    \
	RULE(FEATURE_UNKNOWN, "feature-unknown", ENOTTY, "{device} does not have feature {feature:d}", \
	     "vfio_ioctl_device_feature, vfio_pci_core_ioctl_feature")                             \
	RULE(FEATURE_OPERATION, "feature-operation", EINVAL,                                       \
	     "feature {feature:d} does not allow what flags {flags} ask for, or argsz has no room for its data", \
	     "vfio_check_feature")                                                                 \
	RULE(FEATURE_STATE, "feature-state", EINVAL,                                               \
	     "feature {feature:d} of {device} cannot be used now: {why}",                          \
	     "vfio_pci_runtime_pm_entry, vfio_ioctl_device_feature_mig_device_state")

#endif
