/* SPDX-License-Identifier: MIT */
/* Address spaces in mode iommufd. See ioas.h. */
#include "case/ioas.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/vfiosim.h>

#include "case/verb.h"

#define IOMMUFD_NAME "iommufd"	/* what cases call it */
#define RANGES_MAX 64

static long call(struct run *run, int fd, uint32_t number, void *data, size_t size)
{
	return run->target->ops->ioctl_data(run->proc, fd, number, data, size);
}

static int find_space(struct run *run, const struct step *step, struct named **ret_space)
{
	const char *name = step_text(step, "in", NULL);

	if (!name)
		return run_broken(run, "%s needs 'in: SPACE' here", step->verb->name);
	*ret_space = run_named(run, NAMED_FD, name);
	return *ret_space && (*ret_space)->id ?
		       0 :
		       run_broken(run, "there is no space called '%s' yet", name);
}

/* ---- attach, detach ---------------------------------------------------- */

/* What attaching opened and made so far, to be undone when a later part fails. */
struct attachment {
	int iommufd, device_fd;
	uint32_t ioas, devid;
	bool opened_iommufd, made_ioas, opened_device;
};

static void undo(struct run *run, const struct attachment *a)
{
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd), .id = a->ioas };

	if (a->opened_device)
		run->target->ops->close(run->proc, a->device_fd);
	if (a->made_ioas)
		call(run, a->iommufd, VFIOSIM_IOMMU_DESTROY, &cmd, sizeof(cmd));
	if (a->opened_iommufd)
		run->target->ops->close(run->proc, a->iommufd);
}

static long get_iommufd(struct run *run, const struct named *space, struct attachment *a)
{
	a->iommufd = space ? space->fd : run_fd(run, IOMMUFD_NAME);
	if (a->iommufd >= 0)
		return 0;
	a->iommufd = run->target->ops->open(run->proc, "/dev/iommu");
	if (a->iommufd < 0)
		return a->iommufd;
	a->opened_iommufd = true;
	return 0;
}

static long get_ioas(struct run *run, const struct named *space, struct attachment *a)
{
	struct vfiosim_iommu_ioas_alloc cmd = { .size = sizeof(cmd) };
	long error;

	a->ioas = space ? space->id : 0;
	if (a->ioas)
		return 0;
	error = call(run, a->iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &cmd, sizeof(cmd));
	a->ioas = cmd.out_ioas_id;
	a->made_ioas = !error;
	return error;
}

static long bind_device(struct run *run, struct attachment *a)
{
	struct vfiosim_device_bind_iommufd cmd = {
		.argsz = offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr),
		.iommufd = a->iommufd,
	};
	long error = call(run, a->device_fd, VFIOSIM_DEVICE_BIND_IOMMUFD, &cmd, cmd.argsz);

	a->devid = cmd.out_devid;
	return error;
}

static long get_device(struct run *run, const struct target_device *device, struct attachment *a)
{
	const struct named *named = run_named(run, NAMED_FD, device->name);
	char path[64];
	int error;

	if (named && named->fd >= 0) {
		a->device_fd = named->fd;
		a->devid = named->id;
		return a->devid ? 0 : bind_device(run, a);
	}
	error = run->target->ops->cdev(run->proc, device, path, sizeof(path));
	if (error)
		return error;
	a->device_fd = run->target->ops->open(run->proc, path);
	if (a->device_fd < 0)
		return a->device_fd;
	a->opened_device = true;
	return bind_device(run, a);
}

static long attach_pt(struct run *run, const struct attachment *a)
{
	struct vfiosim_device_attach_iommufd_pt cmd = {
		.argsz = offsetof(struct vfiosim_device_attach_iommufd_pt, pasid),
		.pt_id = a->ioas,
	};

	return call(run, a->device_fd, VFIOSIM_DEVICE_ATTACH_IOMMUFD_PT, &cmd, cmd.argsz);
}

static int name_one(struct run *run, const char *name, int fd, uint32_t id)
{
	struct named *named = run_name(run, NAMED_FD, name);

	if (!named)
		return run_broken(run, "too many names in one case");
	named->fd = fd;
	named->id = id;
	return 0;
}

static int remember(struct run *run, const struct target_device *device, const char *space,
		    const struct attachment *a)
{
	int error = name_one(run, device->name, a->device_fd, a->devid);

	if (!error && a->opened_iommufd)
		error = name_one(run, IOMMUFD_NAME, a->iommufd, 0);
	if (!error && a->made_ioas)
		error = name_one(run, space, a->iommufd, a->ioas);
	return error;
}

int verb_ioas_attach(struct run *run, const struct step *step, struct result *ret_result)
{
	const struct target_device *device = run_device(run, step_text(step, "device", ""));
	const char *name = step_text(step, "to", "");
	const struct named *space = run_named(run, NAMED_FD, name);
	struct attachment a = { -1, -1, 0, 0, false, false, false };
	int answered;
	long error;

	if (!device)
		return run_skip(run, "no device was named for '%s': --device %s=ADDRESS",
				step_text(step, "device", ""), step_text(step, "device", ""));
	if (step_arg(step, "type"))
		return run_broken(run, "an ioas has no type");
	error = get_iommufd(run, space, &a);
	if (!error)
		error = get_ioas(run, space, &a);
	if (!error)
		error = get_device(run, device, &a);
	if (!error)
		error = attach_pt(run, &a);
	if (!error)
		return remember(run, device, name, &a);
	answered = run_answer(run, error, ret_result);
	undo(run, &a);
	return answered;
}

int verb_ioas_detach(struct run *run, const struct step *step, struct result *ret_result)
{
	struct vfiosim_device_detach_iommufd_pt cmd = {
		.argsz = offsetof(struct vfiosim_device_detach_iommufd_pt, pasid),
	};
	const char *name = step_text(step, "device", "");
	int fd = run_fd(run, name), answered;

	if (fd < 0)
		return run_broken(run, "%s is not attached", name);
	answered = run_answer(run,
			      call(run, fd, VFIOSIM_DEVICE_DETACH_IOMMUFD_PT, &cmd, cmd.argsz),
			      ret_result);
	run->target->ops->close(run->proc, fd);
	run_name(run, NAMED_FD, name);
	return answered;
}

/* ---- map, unmap -------------------------------------------------------- */

/* In the order of the words that `access` knows: rw, r, w, none. */
static const uint32_t accesses[] = { VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE,
				     VFIOSIM_IOAS_MAP_READABLE, VFIOSIM_IOAS_MAP_WRITEABLE, 0 };

int verb_ioas_map(struct run *run, const struct step *step, struct result *ret_result)
{
	struct vfiosim_iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = VFIOSIM_IOAS_MAP_FIXED_IOVA | accesses[step_number(step, "access", 0)],
		.iova = step_number(step, "iova", 0),
		.length = step_number(step, "size", 0),
	};
	struct named *space;
	uint64_t uva;
	int error = find_space(run, step, &space);

	if (!error)
		error = run_memory(run, step_text(step, "from", "ram"), step_number(step, "at", 0),
				   cmd.length, &uva);
	if (error)
		return error;
	cmd.ioas_id = space->id;
	cmd.user_va = uva;
	return run_answer(run, call(run, space->fd, VFIOSIM_IOMMU_IOAS_MAP, &cmd, sizeof(cmd)),
			  ret_result);
}

int verb_ioas_unmap(struct run *run, const struct step *step, struct result *ret_result)
{
	bool all = step_number(step, "all", 0);
	struct vfiosim_iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.iova = all ? 0 : step_number(step, "iova", 0),
		.length = all ? UINT64_MAX : step_number(step, "size", 0),
	};
	struct named *space;
	int error = find_space(run, step, &space);
	long answer;

	if (error)
		return error;
	cmd.ioas_id = space->id;
	answer = call(run, space->fd, VFIOSIM_IOMMU_IOAS_UNMAP, &cmd, sizeof(cmd));
	if (!answer)
		result_number(ret_result, "size", cmd.length);
	return run_answer(run, answer, ret_result);
}

/* ---- info -------------------------------------------------------------- */

static int give_ranges(struct run *run, const struct vfiosim_iommu_ioas_iova_ranges *cmd,
		       struct result *ret_result)
{
	struct vfiosim_iommu_iova_range ranges[RANGES_MAX];
	size_t count = cmd->num_iovas < RANGES_MAX ? cmd->num_iovas : RANGES_MAX, n = 0;
	char text[200] = "";
	int error = run->target->ops->peek(run->proc, cmd->allowed_iovas, ranges,
					   count * sizeof(ranges[0]));

	for (size_t i = 0; i < count && !error && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s0x%" PRIx64 "..0x%" PRIx64, i ? " " : "",
				      ranges[i].start, ranges[i].last);
	if (!error)
		result_text(ret_result, "ranges", "%s", text);
	return error;
}

int verb_ioas_info(struct run *run, const struct step *step, struct result *ret_result)
{
	struct vfiosim_iommu_ioas_iova_ranges cmd = { .size = sizeof(cmd),
						      .num_iovas = RANGES_MAX };
	struct named *space;
	uint64_t uva;
	int error = find_space(run, step, &space);
	long answer;

	if (!error)
		error = run_memory(run, "ram", 0, VFIOSIM_PAGE_SIZE, &uva);
	if (error)
		return error;
	cmd.ioas_id = space->id;
	cmd.allowed_iovas = uva;
	answer = call(run, space->fd, VFIOSIM_IOMMU_IOAS_IOVA_RANGES, &cmd, sizeof(cmd));
	if (!answer) {
		result_number(ret_result, "alignment", cmd.out_iova_alignment);
		error = give_ranges(run, &cmd, ret_result);
	}
	run->target->ops->munmap(run->proc, uva, VFIOSIM_PAGE_SIZE);
	return error ? error : run_answer(run, answer, ret_result);
}
