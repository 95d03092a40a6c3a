/* SPDX-License-Identifier: MIT */
/* An open /dev/iommu; see iommufd.h. */
#include "iommufd/iommufd.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "iommufd/access.h"
#include "iommufd/device.h"
#include "iommufd/ioas.h"
#include "machine/device.h"
#include "machine/fault.h"
#include "machine/file.h"
#include "machine/subsystem.h"
#include "pages/show.h"

static void describe_owner(const struct dma_owner *owner, char *to, size_t size)
{
	const struct iommufd *iommufd =
		(const void *)((const char *)owner - offsetof(struct iommufd, dma_owner));

	snprintf(to, size, "iommufd %u", iommufd->number);
}

struct iommufd *iommufd_create(struct call *call)
{
	struct iommufd *iommufd = fault_zalloc(call, sizeof(*iommufd));
	struct vfiosim *sim = call->sim;

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

			if (!object || object_in_use(object))
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
	assert(TAILQ_EMPTY(&iommufd->groups));
	TAILQ_REMOVE(&iommufd->sim->iommufds, iommufd, in_sim);
	free(iommufd);
}

/* ---- Files ---- */

static void describe(const struct vfiosim_file *file, char *to, size_t size)
{
	const struct iommufd *iommufd = file->object;

	snprintf(to, size, "iommufd %u", iommufd->number);
}

static int refuse_mmap(struct call *call, uint64_t offset, uint64_t length, bool shared)
{
	return refuse(call, RULE_NO_QUEUE_MMAP);
}

static void release(struct call *call)
{
	iommufd_put(call, call->file->object);
}

static const struct file_ops iommufd_fops = {
	.kind = VFIOSIM_IOMMUFD,
	.describe = describe,
	.mmap = refuse_mmap,
	.release = release,
};

struct iommufd *iommufd_from_file(const struct vfiosim_file *file)
{
	return file->ops == &iommufd_fops ? file->object : NULL;
}

static int decide_open(struct call *call)
{
	struct iommufd *iommufd = iommufd_create(call);
	struct vfiosim_file *file =
		iommufd ? file_create(call, &iommufd_fops, iommufd) : NULL;

	if (!file) {
		if (iommufd)
			iommufd_put(call, iommufd);
		return refuse(call, RULE_NO_MEMORY);
	}
	call->file = file;
	return 0;
}

int vfiosim_open_iommufd(struct vfiosim *sim, struct vfiosim_caller *caller,
			 struct vfiosim_file **ret_file)
{
	return file_open(sim, caller, "/dev/iommu", NULL, 0, decide_open, ret_file);
}

/* ---- With the machine ---- */

static int init(struct vfiosim *sim)
{
	TAILQ_INIT(&sim->iommufds);
	return 0;
}

static void show_iommufd(struct state *state, const struct iommufd *iommufd)
{
	struct json *json = &state->json;

	json_object(json);
	json_put_unsigned(json, "number", iommufd->number);
	json_put_bool(json, "account_mm", iommufd->account_mm);
	if (iommufd->vfio_ioas)
		json_put_unsigned(json, "vfio_ioas", iommufd->vfio_ioas->object.id);
	json_key(json, "objects");
	json_array(json);
	for (uint32_t i = 0; i < iommufd->table.n; i++)
		if (iommufd->table.objects[i])
			object_show(state, iommufd->table.objects[i]);
	json_array_end(json);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct iommufd *iommufd;

	json_key(&state->json, "iommufds");
	json_array(&state->json);
	TAILQ_FOREACH(iommufd, &state->sim->iommufds, in_sim)
		show_iommufd(state, iommufd);
	json_array_end(&state->json);
}

static void add_devices(struct spaces *to, struct vfiosim_space *space,
			const struct iommufd *iommufd, const struct ioas *ioas)
{
	const struct iommufd_group *igroup;
	const struct iommufd_device *idev;
	const struct iommufd_access *access;

	TAILQ_FOREACH(igroup, &iommufd->groups, in_iommufd)
		TAILQ_FOREACH(idev, &igroup->devices, in_igroup)
			if (iommufd_device_ioas(idev) == ioas)
				space_add_device(to, space, idev->dev->topo->address);
	TAILQ_FOREACH(access, &ioas->accesses, in_ioas)
		space_add_device(to, space, access->name);
}

static void list_spaces(const struct vfiosim *sim, struct spaces *to)
{
	const struct iommufd *iommufd;

	TAILQ_FOREACH(iommufd, &sim->iommufds, in_sim)
		for (uint32_t id = 1; id <= iommufd->table.n; id++) {
			const struct ioas *ioas = (const struct ioas *)object_find(iommufd, id,
										   OBJECT_IOAS);
			struct vfiosim_space *space = ioas ? spaces_add(to) : NULL;

			if (!space)
				continue;
			space->iommufd = iommufd->number;
			space->ioas = id;
			add_devices(to, space, iommufd, ioas);
			iopt_list(&ioas->iopt, to, space);
		}
}

const struct subsystem iommufd_subsystem = { .init = init, .show = show, .spaces = list_spaces };
