/* SPDX-License-Identifier: MIT */
/* Rows of rules.h for the buses: binding, unbinding, mdevs, and attributes in sysfs. */
#ifndef SIM_MACHINE_RULES_BUS_H
#define SIM_MACHINE_RULES_BUS_H

#define RULES_BUS(RULE)                                                                            \
	RULE(BUS_NO_DEVICE, "bus-no-device", 0, "the bus has no device '{device}'",                \
	     "bus_find_device_by_name")                                                            \
	RULE(BUS_LEAVING, "bus-leaving", EINPROGRESS,                                              \
	     "{device} has not left yet: its removal waits until it is closed",                    \
	     "pci_lock_rescan_remove")                                                             \
	RULE(BUS_NO_MATCH, "bus-no-match", ENODEV,                                                 \
	     "{driver} does not take {device}: its driver_override is '{override}', and no id of it matches", \
	     "pci_match_device")                                                                   \
	RULE(BUS_NOT_KNOWN, "bus-not-known", ENODEV,                                               \
	     "{driver} was told to take {device}, but knows no such device: its probe fails",      \
	     "call_driver_probe")                                                                  \
	RULE(BUS_BRIDGE, "bus-bridge", EINVAL, "{driver} takes no bridge, and {device} is one",    \
	     "vfio_pci_core_register_device")                                                      \
	RULE(BUS_BOUND, "bus-bound", EBUSY, "{device} is bound to {driver} already",               \
	     "__driver_probe_device")                                                              \
	RULE(BUS_CLAIMED, "bus-claimed", EBUSY,                                                    \
	     "group {group:d} is in use through VFIO: {driver} may not drive {device} beside it",  \
	     "iommu_device_use_default_domain")                                                    \
	RULE(BUS_NO_IOMMU, "bus-no-iommu", EINVAL,                                                 \
	     "{device} has no IOMMU, and enable_unsafe_noiommu_mode is off", "vfio_group_find_or_alloc") \
	RULE(BUS_NOT_BOUND, "bus-not-bound", ENODEV, "{driver} does not hold {device}",            \
	     "unbind_store")                                                                       \
	RULE(OVERRIDE_LONG, "override-long", EINVAL,                                               \
	     "{length:d} bytes are too long for the name of a driver", "driver_set_override")      \
	RULE(RESET_NO_METHOD, "reset-no-method", ENOTTY,                                           \
	     "no method of {device} resets it alone", "pci_reset_function")                        \
	RULE(NEW_ID_SYNTAX, "new-id-syntax", EINVAL,                                               \
	     "'{text}' does not begin with VENDOR DEVICE in hex", "new_id_store, remove_id_store") \
	RULE(NEW_ID_EXISTS, "new-id-exists", EEXIST, "{driver} has the id {vendor} {id} already",  \
	     "new_id_store")                                                                       \
	RULE(NEW_ID_UNKNOWN, "new-id-unknown", ENODEV, "{driver} was not given the id {vendor} {id}", \
	     "remove_id_store")                                                                    \
	RULE(NEW_ID_DATA, "new-id-data", EINVAL,                                                   \
	     "{driver} has no id with driver_data {data}, which an added one needs",               \
	     "new_id_store")                                                                       \
	RULE(MDEV_UUID, "mdev-uuid", EINVAL, "'{text}' is not a UUID", "create_store")             \
	RULE(MDEV_EXISTS, "mdev-exists", EEXIST, "there is a device {device} already",             \
	     "mdev_device_create, pciehp_configure_device")                                        \
	RULE(MDEV_FULL, "mdev-full", ENOSPC,                                                       \
	     "{parent} has room for {free:d} more instances, {type} takes {instances:d}",          \
	     "mdev_device_create")                                                                 \
	RULE(ATTRIBUTE_VALUE, "attribute-value", EINVAL, "'{text}' is not a value for {attribute}",   \
	     "each attribute's store")                                                             \
	RULE(NOT_ENABLED, "not-enabled", EIO, "{device} is not enabled", "enable_store")           \
	RULE(GROUP_TYPE_OWNED, "group-type-owned", EPERM,                                          \
	     "the type of group {group:d} cannot change while its DMA is owned",              \
	     "iommu_group_store_type")

#endif
