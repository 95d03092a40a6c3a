/* SPDX-License-Identifier: MIT */
/* The commands of every container; those of its IOMMU driver are in type1_cmds.c. */
#include <errno.h>
#include <linux/vfio.h>

#include "abi/dispatch.h"
#include "abi/type1_fields.h"
#include "vfio/container.h"

/* Whether a command is for the IOMMU driver of a container, and which it has. */
int container_check(struct call *call)
{
	enum container_driver driver = container_from_file(call->file)->driver;

	if (call->command && !call->command->row.needs_iommu)
		return 0;
	switch (driver) {
	case DRIVER_NONE:
		return refuse(call, RULE_NO_IOMMU_SET);
	case DRIVER_NOIOMMU:
		return refuse_unknown(call);
	case DRIVER_TYPE1:
		break;
	}
	return 0;
}

static int get_api_version(struct call *call)
{
	return VFIO_API_VERSION;
}

static int check_extension(struct call *call)
{
	return container_check_extension(container_from_file(call->file), call->arg);
}

static void extension_is_missing(struct call *call, long value)
{
	if (!value)
		container_forget_extension(container_from_file(call->file), call->arg);
}

static int set_iommu(struct call *call)
{
	return container_set_iommu(call, container_from_file(call->file), call->arg);
}

#define CONTAINER_VALUE(name_, errors_)                                                            \
	.name = #name_, .number = name_, .kinds = VFIOSIM_CONTAINER, .family = VFIOSIM_SIZE_VALUE, \
	.errors = (errors_)

static const int set_iommu_errors[] = { EINVAL, ENODEV, EPERM, EIO, ENOMEM, EBUSY, EOPNOTSUPP, ENOSPC, 0 };
static const int no_errors[] = { 0 };
static const long missing[] = { 0, -1 };	/* an older kernel, or a module that is not there */

const struct command container_commands[] = {
	{ .row = { CONTAINER_VALUE(VFIO_GET_API_VERSION, no_errors) }, .run = get_api_version },
	{ .row = { CONTAINER_VALUE(VFIO_CHECK_EXTENSION, no_errors), .returns = missing,
		   .flags = extension_values },
	  .run = check_extension,
	  .returned = extension_is_missing },
	{ .row = { CONTAINER_VALUE(VFIO_SET_IOMMU, set_iommu_errors), .flags = extension_values },
	  .run = set_iommu },
	{ .row = { .name = NULL } },
};
