/* SPDX-License-Identifier: MIT */
/* An open /dev/iommu; see iommufd.h. */
#include "iommufd/iommufd.h"

#include <stdlib.h>

#include "machine/sim.h"

static void describe_owner(const struct dma_owner *owner, char *to, size_t size)
{
	const struct iommufd *iommufd =
		(const void *)((const char *)owner - offsetof(struct iommufd, dma_owner));

	snprintf(to, size, "iommufd %u", iommufd->number);
}

struct iommufd *iommufd_create(struct vfiosim *sim)
{
	struct iommufd *iommufd = calloc(1, sizeof(*iommufd));

	if (!iommufd)
		return NULL;
	iommufd->sim = sim;
	iommufd->number = ++sim->next_iommufd;
	iommufd->refs = 1;
	TAILQ_INIT(&iommufd->groups);
	iommufd->dma_owner.describe = describe_owner;
	TAILQ_INSERT_TAIL(&sim->iommufds, iommufd, in_sim);
	return iommufd;
}

struct iommufd *iommufd_get(struct iommufd *iommufd)
{
	iommufd->refs++;
	return iommufd;
}

/* Users go before what they use: leaves until there are none. Mirrors iommufd_fops_release. */
static void destroy_all(struct call *call, struct iommufd *iommufd)
{
	bool any;

	do {
		any = false;
		for (uint32_t i = 0; i < iommufd->table.n; i++) {
			struct object *object = iommufd->table.objects[i];

			if (!object || object->users)
				continue;
			object_destroy(call, object);
			any = true;
		}
	} while (any);
	free(iommufd->table.objects);
}

void iommufd_put(struct call *call, struct iommufd *iommufd)
{
	if (--iommufd->refs)
		return;
	destroy_all(call, iommufd);
	TAILQ_REMOVE(&iommufd->sim->iommufds, iommufd, in_sim);
	free(iommufd);
}
