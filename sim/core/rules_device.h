/* SPDX-License-Identifier: MIT */
/* Rows of rules.h for device files: what the drivers of sim/device/ refuse. */
#ifndef SIM_CORE_RULES_DEVICE_H
#define SIM_CORE_RULES_DEVICE_H

#define RULES_DEVICE(RULE)                                                                         \
	RULE(NO_REGION, "no-region", EINVAL, "{object} has no region {index:d}",                   \
	     "vfio_pci_ioctl_get_region_info")

#endif
