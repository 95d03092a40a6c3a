/* SPDX-License-Identifier: MIT */
/* Accesses; see access.h. */
#include "iommufd/access.h"

#include <stdlib.h>

#include <vfiosim/topology.h>

#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "machine/state.h"

static void destroy(struct call *call, struct object *object)
{
	free(object);
}

static void show(struct state *state, const struct object *object)
{
	const struct iommufd_access *access = (const struct iommufd_access *)object;
	struct json *json = &state->json;

	json_put_string(json, "device", access->name);
	json_put_bool(json, "attached", access->ioas);
	if (access->ioas)
		json_put_unsigned(json, "ioas", access->ioas->object.id);
}

static const struct object_ops object_ops = {
	.type = OBJECT_ACCESS,
	.name = "access",
	.show = show,
	.destroy = destroy,
};

int iommufd_access_create(struct call *call, struct iommufd *iommufd, const char *name,
			  const struct iommufd_access_ops *ops, void *data,
			  struct iommufd_access **ret_access)
{
	struct iommufd_access *access = fault_zalloc(call, sizeof(*access));

	if (!access || object_reserve(iommufd, &access->object, &object_ops)) {
		free(access);
		return refuse(call, RULE_NO_MEMORY);
	}
	access->object.users = 1;	/* its descriptor */
	access->name = name;
	access->ops = ops;
	access->data = data;
	iommufd_get(iommufd);
	object_publish(&access->object);
	changed(call, "{device} bound to iommufd {n:d} as access {id:d}", VS("device", name),
		V("n", iommufd->number), V("id", access->object.id));
	*ret_access = access;
	return 0;
}

void iommufd_access_destroy(struct call *call, struct iommufd_access *access)
{
	struct iommufd *iommufd = access->object.iommufd;

	iommufd_access_detach(call, access);
	changed(call, "{device} unbound from iommufd {n:d}", VS("device", access->name),
		V("n", iommufd->number));
	object_destroy(call, &access->object);
	iommufd_put(call, iommufd);
}

int iommufd_access_attach(struct call *call, struct iommufd_access *access, uint32_t id)
{
	struct ioas *ioas = NULL;
	int ret = ioas_find(call, access->object.iommufd, id, &ioas);

	if (!ret && ioas != access->ioas)
		ret = ioas_check_alignment(call, ioas, VFIOSIM_PAGE_SIZE);
	if (ret || ioas == access->ioas)
		return ret;
	iommufd_access_detach(call, access);
	access->ioas = ioas;
	TAILQ_INSERT_TAIL(&ioas->accesses, access, in_ioas);
	ioas->object.users++;
	ioas_update_alignment(ioas);
	changed(call, "{device} (mdev) may reach ioas {id:d}; nothing is pinned for it",
		VS("device", access->name), V("id", id));
	return 0;
}

void iommufd_access_detach(struct call *call, struct iommufd_access *access)
{
	struct ioas *ioas = access->ioas;

	if (!ioas)
		return;
	access->ops->unmap(call, access->data, SPAN_ALL);
	access->ioas = NULL;
	TAILQ_REMOVE(&ioas->accesses, access, in_ioas);
	ioas->object.users--;
	ioas_update_alignment(ioas);
}

void iommufd_access_notify_unmap(struct call *call, struct ioas *ioas, struct span iova)
{
	struct iommufd_access *access;

	TAILQ_FOREACH(access, &ioas->accesses, in_ioas)
		access->ops->unmap(call, access->data, iova);
}
