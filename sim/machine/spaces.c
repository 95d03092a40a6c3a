/* SPDX-License-Identifier: MIT */
/* IOVA spaces as structures; see spaces.h. */
#include "machine/spaces.h"

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"
#include "machine/client.h"
#include "machine/device.h"
#include "machine/lock.h"
#include "machine/subsystem.h"

struct vfiosim_space *spaces_add(struct spaces *spaces)
{
	struct vfiosim_spaces *list = &spaces->list;

	if (!list_room(&list->items, list->n, sizeof(*list->items), &spaces->no_memory))
		return NULL;
	list->items[list->n] = (struct vfiosim_space){ 0 };
	return &list->items[list->n++];
}

void space_add_device(struct spaces *spaces, struct vfiosim_space *space, const char *address)
{
	if (list_room(&space->devices, space->n_devices, sizeof(*space->devices), &spaces->no_memory))
		space->devices[space->n_devices++] = address;
}

void space_add_mapping(struct spaces *spaces, struct vfiosim_space *space,
		       const struct vfiosim_mapping *mapping, uint64_t pinned)
{
	space->bytes += mapping->last - mapping->first + 1;
	space->pinned += pinned;
	if (!spaces->mappings)
		space->n_mappings++;
	else if (list_room(&space->mappings, space->n_mappings, sizeof(*mapping), &spaces->no_memory))
		space->mappings[space->n_mappings++] = *mapping;
}

int vfiosim_spaces(struct vfiosim *sim, bool mappings, struct vfiosim_spaces *ret_spaces)
{
	struct spaces spaces = { .mappings = mappings };

	lock_take(sim);
	for (const struct subsystem *const *part = sim->subsystems; *part; part++)
		if ((*part)->spaces)
			(*part)->spaces(sim, &spaces);
	lock_release(sim);
	if (spaces.no_memory) {
		vfiosim_spaces_done(&spaces.list);
		return -ENOMEM;
	}
	*ret_spaces = spaces.list;
	return 0;
}

void vfiosim_spaces_done(struct vfiosim_spaces *spaces)
{
	for (size_t i = 0; i < spaces->n; i++) {
		free(spaces->items[i].devices);
		free(spaces->items[i].mappings);
	}
	free(spaces->items);
	*spaces = (struct vfiosim_spaces){ 0 };
}

/* ---- What lies behind a mapping ---- */

/* Counted; NULL: there is none (any more). */
static struct vfiosim_client *client_numbered(struct vfiosim *sim, uint32_t number)
{
	struct vfiosim_client *client;

	lock_take(sim);
	TAILQ_FOREACH(client, &sim->clients, in_sim)
		if (client->number == number)
			break;
	if (client)
		client_get(client);
	lock_release(sim);
	return client;
}

static int find_region(struct vfiosim *sim, const struct vfiosim_vmas *vmas, uint64_t uva,
		       const char **ret_device, uint64_t *ret_offset)
{
	for (size_t i = 0; i < vmas->n; i++) {
		const struct vfiosim_vma *vma = &vmas->items[i];

		if (vma->kind != VFIOSIM_VMA_REGION || uva < vma->first || uva > vma->last)
			continue;
		lock_take(sim);
		*ret_device = sim->devices[vma->device]->topo->address;
		lock_release(sim);
		*ret_offset = vma->offset + (uva - vma->first);
		return 0;
	}
	return -ENOENT;
}

int vfiosim_region_at(struct vfiosim *sim, uint32_t number, uint64_t uva, const char **ret_device,
		      uint64_t *ret_offset)
{
	struct vfiosim_client *client = client_numbered(sim, number);
	struct vfiosim_vmas vmas = { 0 };
	int ret;

	if (!client)
		return -ENOENT;
	ret = client->ops->vmas(client->ctx, uva, uva, &vmas);
	if (!ret)
		ret = find_region(sim, &vmas, uva, ret_device, ret_offset);
	vfiosim_vmas_done(&vmas);
	vfiosim_client_put(client);
	return ret == -ESRCH ? -ENOENT : ret;
}
