/* SPDX-License-Identifier: MIT */
/* Fault queues; see eventq.h. */
#include "iommufd/eventq.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#define FAULT_SIZE 40	/* struct iommu_hwpt_pgfault */

struct response {	/* struct iommu_hwpt_page_response */
	uint32_t cookie, code;
};

/* Whole entries, from the beginning. Mirrors iommufd_fault_fops_read, _write (6.12). */
static int check_pieces(struct call *call, const char *operation, size_t length, uint64_t offset,
			size_t entry)
{
	if (!offset && !(length % entry))
		return 0;
	return refuse(call, RULE_FAULT_QUEUE_PIECES, VS("operation", operation), V("length", length),
		      V("offset", offset), V("entry", entry));
}

/* No device here reports a page fault: there is none to tell, and nobody waits for one. */
static ssize_t read_faults(struct call *call, void *to, size_t length, uint64_t offset)
{
	return check_pieces(call, "read", length, offset, FAULT_SIZE);
}

static ssize_t write_responses(struct call *call, const void *from, size_t length, uint64_t offset)
{
	struct response response;
	int ret = check_pieces(call, "write", length, offset, sizeof(response));

	if (ret || !length)
		return ret;
	memcpy(&response, from, sizeof(response));
	return refuse(call, RULE_FAULT_RESPONSE, V("cookie", response.cookie),
		      V("code", response.code));
}

/* Responses can always be written. */
static unsigned ready(const struct vfiosim_file *file)
{
	return POLLOUT;
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
	.read = read_faults,
	.write = write_responses,
	.ready = ready,
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
