/* SPDX-License-Identifier: MIT */
/* Fault queues; see eventq.h. */
#include "iommufd/eventq.h"

#include <stdio.h>
#include <stdlib.h>

#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "machine/file.h"

static void destroy(struct call *call, struct object *object)
{
	free(object);
}

static const struct object_ops fault_ops = {
	.type = OBJECT_FAULT,
	.name = "fault",
	.destroy = destroy,
};

/* ---- Its descriptor ---- */

static void describe(const struct vfiosim_file *file, char *to, size_t size)
{
	const struct object *fault = file->object;

	snprintf(to, size, "fault queue %u", fault->id);
}

static void release(struct call *call)
{
	struct object *fault = call->file->object;
	struct iommufd *iommufd = fault->iommufd;

	fault->users--;
	iommufd_put(call, iommufd);
}

static const struct file_ops fault_queue_fops = {
	.kind = VFIOSIM_FAULT,
	.describe = describe,
	.release = release,
};

int fault_queue_create(struct call *call, struct iommufd *iommufd, uint32_t *ret_id)
{
	struct object *fault = fault_zalloc(call, sizeof(*fault));
	struct vfiosim_file *file = fault ? file_create(call, &fault_queue_fops, fault) : NULL;

	if (!file || object_reserve(iommufd, fault, &fault_ops)) {
		file_free(file);
		free(fault);
		return refuse(call, RULE_NO_MEMORY);
	}
	fault->users = 1;	/* its descriptor, which keeps the iommufd, too */
	iommufd_get(iommufd);
	object_publish(fault);
	call->result.new_file = file;
	*ret_id = fault->id;
	return 0;
}
