/* SPDX-License-Identifier: MIT */
/* The VFIO container commands on an iommufd. Mirrors drivers/iommu/iommufd/vfio_compat.c (7.2). */
#include "abi/dispatch.h"

const struct command compat_commands[] = {
	{ .row = { .name = NULL } },
};
