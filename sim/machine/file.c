/* SPDX-License-Identifier: MIT */
/* Files: opening, reading, writing, mapping and closing. Commands are sim/abi/'s. */
#include "machine/file.h"

#include <errno.h>
#include <stdlib.h>

#include "vfio/cdev.h"
#include "vfio/container.h"
#include "vfio/device.h"
#include "vfio/group.h"
#include "iommufd/iommufd.h"
#include "machine/sim.h"
#include "machine/tracing.h"

struct vfiosim_file *file_create(struct vfiosim *sim, enum vfiosim_file_kind kind)
{
	struct vfiosim_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->sim = sim;
	file->kind = kind;
	file->number = ++sim->next_file;
	return file;
}

void file_free(struct vfiosim_file *file)
{
	free(file);
}

enum vfiosim_file_kind vfiosim_file_kind(const struct vfiosim_file *file)
{
	return file->kind;
}

void *vfiosim_file_ctx(const struct vfiosim_file *file)
{
	return file->ctx;
}

void vfiosim_file_set_ctx(struct vfiosim_file *file, void *ctx)
{
	file->ctx = ctx;
}

uint32_t vfiosim_file_device(const struct vfiosim_file *file)
{
	return file->kind == VFIOSIM_DEVICE ? file->device->index : UINT32_MAX;
}

/* ---- Open ---- */

static int decide_open_container(struct call *call)
{
	struct vfiosim_file *file = file_create(call->sim, VFIOSIM_CONTAINER);
	struct container *container = container_create(call->sim);

	if (!file || !container) {
		file_free(file);
		if (container)
			container_put(container);
		return refuse(call, RULE_NO_MEMORY);
	}
	file->container = container;
	call->file = file;
	return 0;
}

static int decide_open_group(struct call *call)
{
	struct vfio_group *group = NULL;
	struct vfiosim_file *file;
	int ret;

	if (call->arg < call->sim->n_groups && !call->sim->groups[call->arg]->gone)
		group = call->sim->groups[call->arg]->vfio;
	if (!group)
		return refuse(call, RULE_GROUP_EMPTY, V("group", call->arg));
	file = file_create(call->sim, VFIOSIM_GROUP);
	if (!file)
		return refuse(call, RULE_NO_MEMORY);
	ret = group_open(call, group, file);
	if (ret) {
		file_free(file);
		return ret;
	}
	file->group = group;
	call->file = file;
	return 0;
}

static int open_file(struct vfiosim *sim, struct vfiosim_caller *caller, const char *wanted,
		     uint64_t arg, int (*decide)(struct call *call), struct vfiosim_file **ret_file)
{
	struct call call;
	int ret;

	call_init(&call, sim, caller, NULL);
	call.arg = arg;
	ret = call_run(&call, decide);
	if (ret)	/* there is no file that could tell what it was */
		call.object = wanted;
	trace_call(&call, "open", NULL, ret);
	if (!ret)
		*ret_file = call.file;
	call_done(&call);
	return ret;
}

int vfiosim_open_container(struct vfiosim *sim, struct vfiosim_caller *caller,
			   struct vfiosim_file **ret_file)
{
	return open_file(sim, caller, "/dev/vfio/vfio", 0, decide_open_container, ret_file);
}

static int decide_open_iommufd(struct call *call)
{
	struct vfiosim_file *file = file_create(call->sim, VFIOSIM_IOMMUFD);
	struct iommufd *iommufd = iommufd_create(call->sim);

	if (!file || !iommufd) {
		file_free(file);
		if (iommufd)
			iommufd_put(call, iommufd);
		return refuse(call, RULE_NO_MEMORY);
	}
	file->iommufd = iommufd;
	call->file = file;
	return 0;
}

int vfiosim_open_iommufd(struct vfiosim *sim, struct vfiosim_caller *caller,
			 struct vfiosim_file **ret_file)
{
	return open_file(sim, caller, "/dev/iommu", 0, decide_open_iommufd, ret_file);
}

int vfiosim_open_cdev(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t device,
		      struct vfiosim_file **ret_file)
{
	char wanted[64] = "machine";

	pthread_mutex_lock(&sim->lock);
	if (device < sim->n_devices)
		snprintf(wanted, sizeof(wanted), "device %s", sim->devices[device]->topo->address);
	pthread_mutex_unlock(&sim->lock);
	return open_file(sim, caller, wanted, device, cdev_open, ret_file);
}

int vfiosim_open_group(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t group,
		       struct vfiosim_file **ret_file)
{
	char wanted[64] = "machine";

	pthread_mutex_lock(&sim->lock);
	if (group < sim->n_groups)
		snprintf(wanted, sizeof(wanted), "group %u", sim->groups[group]->number);
	pthread_mutex_unlock(&sim->lock);
	return open_file(sim, caller, wanted, group, decide_open_group, ret_file);
}

/* ---- Read, write, map ---- */

/* What these three decide about; in call->prepared. */
struct transfer {
	void *to;
	const void *from;
	size_t length;
	bool shared;
	ssize_t moved;
};

static int refuse_operation(struct call *call, const char *operation)
{
	char object[64];

	if (call->file->kind == VFIOSIM_DEVICE && cdev_check_bound(call))
		return -EINVAL;
	trace_object(call->file, object, sizeof(object));
	return refuse(call, RULE_NO_SUCH_OPERATION, VS("object", object), VS("operation", operation));
}

/* A device, and not a node of its own that nothing is bound to yet. */
static bool usable(const struct vfiosim_file *file)
{
	return file->kind == VFIOSIM_DEVICE && file->device->vfio && (file->through || file->bound);
}

static int decide_read(struct call *call)
{
	struct transfer *transfer = call->prepared;
	struct device *dev = call->file->device;

	if (!usable(call->file) || !dev->vfio->ops->read)
		return refuse_operation(call, "read");
	transfer->moved = dev->vfio->ops->read(call, dev, transfer->to, transfer->length, call->arg);
	return transfer->moved < 0 ? (int)transfer->moved : 0;
}

static int decide_write(struct call *call)
{
	struct transfer *transfer = call->prepared;
	struct device *dev = call->file->device;

	if (!usable(call->file) || !dev->vfio->ops->write)
		return refuse_operation(call, "write");
	transfer->moved = dev->vfio->ops->write(call, dev, transfer->from, transfer->length, call->arg);
	return transfer->moved < 0 ? (int)transfer->moved : 0;
}

static int decide_mmap(struct call *call)
{
	struct transfer *transfer = call->prepared;
	struct device *dev = call->file->device;
	char object[64];

	if (call->file->kind == VFIOSIM_DEVICE && cdev_check_bound(call))
		return -EINVAL;
	if (call->file->kind == VFIOSIM_IOMMUFD)
		return refuse(call, RULE_NO_QUEUE_MMAP);
	if (!usable(call->file) || !dev->vfio->ops->mmap) {
		trace_object(call->file, object, sizeof(object));
		return refuse(call, RULE_NO_MMAP, VS("object", object));
	}
	return dev->vfio->ops->mmap(call, dev, call->arg, transfer->length, transfer->shared);
}

static ssize_t transfer(struct vfiosim_file *file, struct vfiosim_caller *caller,
			struct transfer *transfer, uint64_t offset, const char *verb,
			int (*decide)(struct call *call))
{
	struct call call;
	ssize_t ret;

	call_init(&call, file->sim, caller, file);
	call.arg = offset;
	call.prepared = transfer;
	ret = call_run(&call, decide);
	if (!ret)
		ret = transfer->moved;
	if (ret >= 0 || !caller->unasked)
		trace_call(&call, verb, NULL, ret);
	call_done(&call);
	return ret;
}

ssize_t vfiosim_read(struct vfiosim_file *file, struct vfiosim_caller *caller, void *to,
		     size_t length, uint64_t offset)
{
	struct transfer what = { .to = to, .length = length };

	return transfer(file, caller, &what, offset, "read", decide_read);
}

ssize_t vfiosim_write(struct vfiosim_file *file, struct vfiosim_caller *caller, const void *from,
		      size_t length, uint64_t offset)
{
	struct transfer what = { .from = from, .length = length };

	return transfer(file, caller, &what, offset, "write", decide_write);
}

int vfiosim_mmap(struct vfiosim_file *file, struct vfiosim_caller *caller, uint64_t offset,
		 uint64_t length, bool shared, bool writable)
{
	struct transfer what = { .length = length, .shared = shared };

	return (int)transfer(file, caller, &what, offset, "mmap", decide_mmap);
}

/* ---- Close ---- */

/* Its object may outlive the descriptor: a hwpt can still name it. */
static void release_fault(struct call *call, struct object *fault)
{
	struct iommufd *iommufd = fault->iommufd;

	fault->users--;
	iommufd_put(call, iommufd);
}

static int decide_release(struct call *call)
{
	struct vfiosim_file *file = call->file;

	switch (file->kind) {
	case VFIOSIM_CONTAINER:
		container_put(file->container);
		break;
	case VFIOSIM_GROUP:
		group_close(call, file->group);
		break;
	case VFIOSIM_DEVICE:
		if (file->through)
			group_close_device(call, file->through, file->device->vfio);
		else
			cdev_close(call, file);
		break;
	case VFIOSIM_IOMMUFD:
		iommufd_put(call, file->iommufd);
		break;
	case VFIOSIM_FAULT:
		release_fault(call, file->fault);
		break;
	}
	return 0;
}

void vfiosim_release(struct vfiosim_file *file, struct vfiosim_caller *caller)
{
	struct call call;
	char object[64];

	call_init(&call, file->sim, caller, file);
	if (call_traced(&call))	/* the object may be gone afterwards */
		trace_object(file, object, sizeof(object));
	call.object = call_traced(&call) ? object : NULL;
	call_run(&call, decide_release);
	trace_call(&call, "close", NULL, 0);
	call_done(&call);
	file_free(file);
}
