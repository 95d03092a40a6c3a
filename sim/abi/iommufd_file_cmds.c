/* SPDX-License-Identifier: MIT */
/*
 * Mappings of files, and handing them to another process. Mirrors
 * iommufd_ioas_map_file, iommufd_ioas_change_process (7.2).
 */
#include "abi/iommufd_cmds.h"

#include <errno.h>

#include <vfiosim/abi/iommufd.h>

#include "abi/dispatch.h"
#include "pages/backing.h"
#include "iommufd/ioas.h"
#include "iommufd/iommufd.h"

/* ---- IOMMU_IOAS_MAP_FILE ---- */

void map_file_done(struct call *call)
{
	backing_drop(call_state(call, struct map_file_state)->backing);
}

/* Holds the file; that there is none is told when the ioas has been found. */
int map_file_prepare(struct call *call)
{
	const struct vfiosim_iommu_ioas_map_file *cmd = (void *)call->in.bytes;
	struct map_file_state *state = call_state(call, struct map_file_state);
	int ret = backing_create(call->caller, cmd->fd, &state->backing);

	return ret && ret != -EBADF ? refuse(call, RULE_NO_MEMORY) : 0;
}

int map_file_run(struct call *call)
{
	struct vfiosim_iommu_ioas_map_file *cmd = (void *)call->in.bytes;
	struct ioas_map_args args = {
		.iova = cmd->iova,
		.backing = call_state(call, struct map_file_state)->backing,
		.uva = cmd->start,
		.length = cmd->length,
		.fixed = cmd->flags & VFIOSIM_IOAS_MAP_FIXED_IOVA,
		.read = cmd->flags & VFIOSIM_IOAS_MAP_READABLE,
		.write = cmd->flags & VFIOSIM_IOAS_MAP_WRITEABLE,
	};
	struct ioas *ioas = NULL;
	int ret = iommufd_check_map(call, cmd->flags, 0, cmd->iova, cmd->length);

	if (!ret)
		ret = ioas_find(call, iommufd_of(call), cmd->ioas_id, &ioas);
	if (!ret && !args.backing)
		ret = refuse(call, RULE_BAD_FD, V("fd", (int64_t)cmd->fd));
	if (!ret)
		ret = ioas_map(call, ioas, &args);
	if (!ret)
		cmd->iova = args.iova;
	return ret;
}

/* ---- IOMMU_IOAS_CHANGE_PROCESS ---- */

int change_process_run(struct call *call)
{
	const struct vfiosim_iommu_change_process *cmd = (void *)call->in.bytes;

	if (cmd->reserved)
		return refuse(call, RULE_RESERVED_FIELD);
	return ioas_change_process(call, iommufd_of(call));
}
