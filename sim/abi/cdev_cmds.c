/* SPDX-License-Identifier: MIT */
/*
 * Commands of a device that was opened by its own node. Mirrors
 * drivers/vfio/device_cdev.c (7.2): in which order arguments are looked at.
 */
#include "abi/device_cmds.h"

#include <errno.h>
#include <stddef.h>

#include <vfiosim/abi/cdev.h>

#include "abi/dispatch.h"
#include "iommufd/iommufd.h"
#include "vfio/cdev.h"
#include "machine/client.h"
#include "machine/kernel.h"
#include "iommufd/device.h"

/* ---- VFIO_DEVICE_BIND_IOMMUFD ---- */

/* Resolves the descriptor; what is wrong with it waits for its turn. */
int bind_iommufd_prepare(struct call *call)
{
	const struct vfiosim_device_bind_iommufd *cmd = (void *)call->in.bytes;
	struct cdev_bind *bind = call_state(call, struct cdev_bind);
	struct vfiosim_file *file;
	char token[16];

	bind->fd = cmd->iommufd;
	bind->token = cmd->flags & VFIOSIM_DEVICE_BIND_FLAG_TOKEN &&
		      kernel_has(call->sim, KERNEL_BIND_TOKEN);
	bind->token_uva = cmd->token_uuid_ptr;
	if (bind->token)
		bind->token_error = call_read(call, bind->token_uva, token, sizeof(token));
	if (bind->fd < 0)
		return 0;
	bind->error = call->caller->client->ops->file(call->caller, bind->fd, &file);
	if (bind->error == -ENOMEM)
		return refuse(call, RULE_NO_MEMORY);
	if (!bind->error)
		bind->iommufd = iommufd_from_file(file);
	return 0;
}

int bind_iommufd_run(struct call *call)
{
	const uint32_t known = kernel_has(call->sim, KERNEL_BIND_TOKEN) ?
				       VFIOSIM_DEVICE_BIND_FLAG_TOKEN : 0;
	struct vfiosim_device_bind_iommufd *cmd = (void *)call->in.bytes;

	if (cmd->flags & ~known)
		return refuse(call, RULE_UNKNOWN_FLAGS, V("flags", cmd->flags), V("known", known));
	if (cmd->iommufd < 0)
		return refuse(call, RULE_BAD_IOMMUFD, V("fd", (int64_t)cmd->iommufd));
	return cdev_bind(call, call_state(call, struct cdev_bind), &cmd->out_devid);
}

void bind_iommufd_undo(struct call *call)
{
	cdev_unbind(call);
}

/* ---- VFIO_DEVICE_ATTACH_IOMMUFD_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT ---- */

/* Opened through a group, the driver gets the command, and knows nothing of it. */
int pt_early(struct call *call)
{
	return vfio_device_file(call->file)->group ? refuse_driver_command(call) : 0;
}

/* argsz and flags are at the same place in both. */
static int prepare_pasid(struct call *call, size_t offset)
{
	const struct vfiosim_device_detach_iommufd_pt *cmd = (void *)call->in.bytes;
	struct pasid_arg *arg = call_state(call, struct pasid_arg);

	arg->pasid.given = cmd->flags & VFIOSIM_DEVICE_DETACH_PASID;
	arg->argsz = cmd->argsz;
	arg->min = (uint32_t)(offset + sizeof(arg->pasid.pasid));
	arg->uva = call->arg + offset;
	if (arg->pasid.given && arg->argsz >= arg->min)
		arg->error = call_read(call, arg->uva, &arg->pasid.pasid,
				       sizeof(arg->pasid.pasid));
	return 0;
}

int attach_pt_prepare(struct call *call)
{
	return prepare_pasid(call, offsetof(struct vfiosim_device_attach_iommufd_pt, pasid));
}

int detach_pt_prepare(struct call *call)
{
	return prepare_pasid(call, offsetof(struct vfiosim_device_detach_iommufd_pt, pasid));
}

static int check_pasid(struct call *call, const struct pasid_arg *arg)
{
	int ret;

	if (!arg->pasid.given)
		return 0;
	if (!kernel_has(call->sim, KERNEL_PASID))
		return refuse(call, RULE_UNKNOWN_FLAGS, V("flags", VFIOSIM_DEVICE_ATTACH_PASID),
			      V("known", 0));
	ret = cdev_check_pasid(call, device_of(call));
	if (ret)
		return ret;
	if (arg->argsz < arg->min)
		return refuse(call, RULE_ARGSZ_TOO_SMALL, V("argsz", arg->argsz),
			      V("min", arg->min));
	return arg->error ? refuse_address(call, arg->uva, "read") : 0;
}

int attach_pt_run(struct call *call)
{
	struct vfiosim_device_attach_iommufd_pt *cmd = (void *)call->in.bytes;
	const struct pasid_arg *arg = call_state(call, struct pasid_arg);
	int ret = check_pasid(call, arg);

	if (ret)
		return ret;
	return cdev_attach(call, device_of(call), cmd->pt_id, &arg->pasid, &cmd->pt_id);
}

void attach_pt_undo(struct call *call)
{
	const struct pasid_arg *arg = call_state(call, struct pasid_arg);

	cdev_detach(call, device_of(call), &arg->pasid);
}

int detach_pt_run(struct call *call)
{
	const struct pasid_arg *arg = call_state(call, struct pasid_arg);
	int ret = check_pasid(call, arg);

	if (!ret)
		cdev_detach(call, device_of(call), &arg->pasid);
	return ret;
}
