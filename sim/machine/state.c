/* SPDX-License-Identifier: MIT */
/* The machine's state as JSON: one function for each kind of thing in it. */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include <vfiosim/topology.h>

#include "machine/client.h"
#include "vfio/container.h"
#include "vfio/device.h"
#include "iommu/domain.h"
#include "vfio/group.h"
#include "iommufd/hwpt.h"
#include "iommufd/access.h"
#include "iommufd/device.h"
#include "iommufd/iommufd.h"
#include "pages/pin.h"
#include "machine/sim.h"
#include "vfio/type1.h"

/*
 * What the clients' memory looks like, asked before the lock is taken: a pinned
 * mapping whose memory is not there any more is told stale.
 */
struct memories {
	struct memory {
		struct vfiosim_client *client;	/* counted */
		struct vfiosim_vmas vmas;
		bool known;
	} *items;
	uint32_t n;
};

static int memories_take(struct vfiosim *sim, struct memories *memories)
{
	struct vfiosim_client *client;
	uint32_t n = 0;

	pthread_mutex_lock(&sim->lock);
	TAILQ_FOREACH(client, &sim->clients, in_sim)
		n++;
	memories->items = calloc(n + 1, sizeof(*memories->items));
	if (memories->items)
		TAILQ_FOREACH(client, &sim->clients, in_sim)
			memories->items[memories->n++].client = client_get(client);
	pthread_mutex_unlock(&sim->lock);
	if (!memories->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < memories->n; i++) {
		struct memory *memory = &memories->items[i];
		const struct vfiosim_client_ops *ops = memory->client->ops;

		memory->known =
			ops->vmas(memory->client->ctx, 0, UINT64_MAX, &memory->vmas) != -ENOMEM;
	}
	return 0;
}

static void memories_done(struct memories *memories)
{
	for (uint32_t i = 0; i < memories->n; i++) {
		vfiosim_vmas_done(&memories->items[i].vmas);
		vfiosim_client_put(memories->items[i].client);
	}
	free(memories->items);
}

static bool is_stale(const struct memories *memories, const struct area *area)
{
	for (uint32_t i = 0; i < memories->n; i++)
		if (memories->items[i].client == pages_memory(area->pages))
			return memories->items[i].known &&
			       pin_stale(area, &memories->items[i].vmas);
	return false;
}

static void put_group_numbers(struct json *json, const char *key, const struct container *container,
			      const struct domain *domain)
{
	const struct attachment *attachment;
	const struct vfio_group *group;

	json_key(json, key);
	json_array(json);
	if (domain)
		TAILQ_FOREACH(attachment, &domain->attachments, in_domain)
			json_unsigned(json, attachment->group->number);
	else
		TAILQ_FOREACH_REVERSE(group, &container->groups, group_list, in_container)
			json_unsigned(json, group_number(group));
	json_array_end(json);
}

static void put_area(struct json *json, const struct memories *memories, const struct area *area)
{
	json_object(json);
	json_put_hex(json, "first", area->iova.first);
	json_put_hex(json, "last", area->iova.last);
	json_put_hex(json, pages_file(area->pages) ? "file_offset" : "vaddr",
		     area_uva(area, area->iova.first));
	json_put_bool(json, "read", area->flags & AREA_READ);
	json_put_bool(json, "write", area->flags & AREA_WRITE);
	json_put_unsigned(json, "client", area->pages->source->number);
	json_put_bool(json, "pinned", area->flags & AREA_FILLED);
	json_put_unsigned(json, "charged_pages", area->pages->npinned);
	if (area->pages->refs > 1)
		json_put_unsigned(json, "shared_by", area->pages->refs);
	json_put_unsigned(json, "mdev_pinned_pages", area_accessed(area));
	if (area->flags & AREA_VADDR_INVALID)
		json_put_bool(json, "vaddr_invalid", true);
	if (area->flags & AREA_FILLED && is_stale(memories, area))
		json_put_bool(json, "stale", true);
	json_object_end(json);
}

static void put_ranges(struct json *json, const char *key, const struct ranges *ranges)
{
	json_key(json, key);
	json_array(json);
	for (size_t i = 0; i < ranges->n; i++) {
		json_object(json);
		json_put_hex(json, "first", ranges->items[i].first);
		json_put_hex(json, "last", ranges->items[i].last);
		json_object_end(json);
	}
	json_array_end(json);
}

static void put_mappings(struct json *json, const struct memories *memories,
			 const struct iopt *iopt)
{
	const struct area *area;
	struct span_cursor cursor;

	json_key(json, "mappings");
	json_array(json);
	iopt_for_each(iopt, &cursor, area, 0, UINT64_MAX)
		put_area(json, memories, area);
	json_array_end(json);
}

static void put_type1(struct json *json, const struct memories *memories,
		      const struct type1 *type1)
{
	const struct domain *domain;

	json_put_unsigned(json, "dma_avail", type1->dma_avail);
	json_put_bool(json, "dirty_tracking", type1->tracking);
	json_put_hex(json, "page_sizes", type1->page_sizes);
	json_key(json, "domains");
	json_array(json);
	TAILQ_FOREACH(domain, &type1->domains, in_owner) {
		json_object(json);
		json_put_unsigned(json, "number", domain->number);
		json_put_string(json, "iommu", domain->iommu->name);
		put_group_numbers(json, "groups", NULL, domain);
		json_object_end(json);
	}
	json_array_end(json);
	put_ranges(json, "iova_ranges", &type1->ranges);
	put_mappings(json, memories, &type1->iopt);
}

static void put_ioas(struct json *json, const struct memories *memories, const struct ioas *ioas)
{
	const struct ioas_resv *resv;

	json_put_unsigned(json, "alignment", ioas->alignment);
	json_key(json, "reserved");
	json_array(json);
	TAILQ_FOREACH(resv, &ioas->reserved, in_ioas) {
		json_object(json);
		json_put_hex(json, "first", resv->span.first);
		json_put_hex(json, "last", resv->span.last);
		json_put_string(json, "why", resv->why);
		json_object_end(json);
	}
	json_array_end(json);
	put_ranges(json, "allowed", &ioas->allowed);
	put_mappings(json, memories, &ioas->iopt);
}

static void put_bound(struct json *json, const struct iommufd_device *idev)
{
	json_put_string(json, "device", idev->dev->topo->address);
	json_put_bool(json, "attached", idev->attached);
	if (idev->attached)
		json_put_unsigned(json, "hwpt", idev->igroup->hwpt->object.id);
}

static void put_access(struct json *json, const struct iommufd_access *access)
{
	json_put_string(json, "device", access->name);
	json_put_bool(json, "attached", access->ioas);
	if (access->ioas)
		json_put_unsigned(json, "ioas", access->ioas->object.id);
}

static void put_object(struct json *json, const struct memories *memories,
		       const struct object *object)
{
	static const char *const types[] = { "", "device", "ioas", "hwpt", "access", "fault" };
	const struct hwpt *hwpt = (const struct hwpt *)object;

	json_object(json);
	json_put_unsigned(json, "id", object->id);
	json_put_string(json, "type", types[object->ops->type]);
	json_put_unsigned(json, "users", object->users);
	if (object->ops->type == OBJECT_IOAS)
		put_ioas(json, memories, (const struct ioas *)object);
	if (object->ops->type == OBJECT_DEVICE)
		put_bound(json, (const struct iommufd_device *)object);
	if (object->ops->type == OBJECT_ACCESS)
		put_access(json, (const struct iommufd_access *)object);
	if (object->ops->type == OBJECT_HWPT) {
		json_put_unsigned(json, "ioas", hwpt->ioas->object.id);
		json_put_string(json, "iommu", hwpt->domain->iommu->name);
		json_put_bool(json, "automatic", hwpt->automatic);
	}
	json_object_end(json);
}

static void put_iommufd(struct json *json, const struct memories *memories,
			const struct iommufd *iommufd)
{
	json_object(json);
	json_put_unsigned(json, "number", iommufd->number);
	json_put_bool(json, "account_mm", iommufd->account_mm);
	if (iommufd->vfio_ioas)
		json_put_unsigned(json, "vfio_ioas", iommufd->vfio_ioas->object.id);
	json_key(json, "objects");
	json_array(json);
	for (uint32_t i = 0; i < iommufd->table.n; i++)
		if (iommufd->table.objects[i])
			put_object(json, memories, iommufd->table.objects[i]);
	json_array_end(json);
	json_object_end(json);
}

static const char *driver_name(const struct container *container)
{
	if (container->driver == DRIVER_TYPE1)
		return container->type1->v2 ? "type1v2" : "type1";
	return container->driver == DRIVER_NOIOMMU ? "noiommu" : NULL;
}

static void put_container(struct json *json, const struct memories *memories,
			  const struct container *container)
{
	json_object(json);
	json_put_unsigned(json, "number", container->number);
	json_put_string(json, "driver", driver_name(container));
	put_group_numbers(json, "groups", container, NULL);
	if (container->driver == DRIVER_TYPE1)
		put_type1(json, memories, container->type1);
	json_object_end(json);
}

static const char *group_kind(const struct iommu_group *group)
{
	if (group->noiommu)
		return "noiommu";
	return group->iommu ? "iommu" : "emulated";
}

static void put_group(struct json *json, const struct iommu_group *group)
{
	const struct vfio_group *vfio = group->vfio;
	const struct device *dev;
	char name[24];

	group_node_name(group, name, sizeof(name));
	json_object(json);
	json_put_unsigned(json, "number", group->number);
	json_put_string(json, "node", name);
	json_put_string(json, "type", group_kind(group));
	json_put_bool(json, "viable", !iommu_group_host_device(group));
	json_put_bool(json, "open", vfio && vfio->file);
	json_key(json, "container");
	if (vfio && vfio->container)
		json_unsigned(json, vfio->container->number);
	else
		json_string(json, NULL);
	if (vfio && vfio->iommufd)
		json_put_unsigned(json, "iommufd", vfio->iommufd->number);
	json_key(json, "devices");
	json_array(json);
	TAILQ_FOREACH(dev, &group->devices, in_group)
		json_string(json, dev->topo->address);
	json_array_end(json);
	json_object_end(json);
}

static void put_device(struct json *json, const struct device *dev)
{
	json_object(json);
	json_put_string(json, "address", dev->topo->address);
	json_put_string(json, "name", dev->topo->name);
	json_put_string(json, "driver", dev->driver ? dev->driver->name : NULL);
	if (dev->vfio && dev->vfio->cdev >= 0)
		json_put_unsigned(json, "cdev", (uint64_t)dev->vfio->cdev);
	json_put_unsigned(json, "open", dev->vfio ? dev->vfio->open_count : 0);
	json_object_end(json);
}

static void put_fault(struct json *json, const struct vfiosim *sim, const struct fault_record *fault)
{
	json_object(json);
	json_put_string(json, "device", sim->devices[fault->device]->topo->address);
	json_put_hex(json, "iova", fault->iova);
	json_put_unsigned(json, "length", fault->length);
	json_put_bool(json, "write", fault->write);
	json_put_string(json, "reason", fault->reason);
	json_object_end(json);
}

static void put_faults(struct json *json, const struct vfiosim *sim)
{
	const uint64_t kept = sizeof(sim->faults) / sizeof(sim->faults[0]);
	uint64_t first = sim->n_faults > kept ? sim->n_faults - kept : 0;

	json_key(json, "faults");
	json_array(json);
	for (uint64_t i = first; i < sim->n_faults; i++)
		put_fault(json, sim, &sim->faults[i % kept]);
	json_array_end(json);
}

static void put_counters(struct json *json, const struct vfiosim *sim)
{
	const struct vfiosim_counters *counters = &sim->counters;

	json_key(json, "counters");
	json_object(json);
	json_put_unsigned(json, "commands", sim->n_commands);
	json_put_unsigned(json, "refusals", sim->n_refusals);
	json_put_unsigned(json, "dma_faults", counters->dma_faults);
	json_put_unsigned(json, "mappings", counters->mappings);
	json_put_unsigned(json, "pinned_pages", counters->pinned_pages);
	json_object_end(json);
}

static void put_clients(struct json *json, const struct vfiosim *sim)
{
	const struct vfiosim_client *client;

	json_key(json, "clients");
	json_array(json);
	TAILQ_FOREACH(client, &sim->clients, in_sim) {
		json_object(json);
		json_put_unsigned(json, "number", client->number);
		json_put_unsigned(json, "locked_pages", client->locked_pages);
		json_object_end(json);
	}
	json_array_end(json);
}

static void put_machine(struct json *json, const struct memories *memories,
			const struct vfiosim *sim)
{
	const struct container *container;
	const struct iommufd *iommufd;

	json_object(json);
	json_put_string(json, "topology", sim->topology->name);
	put_counters(json, sim);
	json_key(json, "containers");
	json_array(json);
	TAILQ_FOREACH(container, &sim->containers, in_sim)
		put_container(json, memories, container);
	json_array_end(json);
	json_key(json, "iommufds");
	json_array(json);
	TAILQ_FOREACH(iommufd, &sim->iommufds, in_sim)
		put_iommufd(json, memories, iommufd);
	json_array_end(json);
	json_key(json, "groups");
	json_array(json);
	for (uint32_t i = 0; i < sim->n_groups; i++)
		if (!sim->groups[i]->gone)
			put_group(json, sim->groups[i]);
	json_array_end(json);
	json_key(json, "devices");
	json_array(json);
	for (uint32_t i = 0; i < sim->n_devices; i++)
		if (!sim->devices[i]->removed)
			put_device(json, sim->devices[i]);
	json_array_end(json);
	put_clients(json, sim);
	put_faults(json, sim);
	json_object_end(json);
}

int vfiosim_state_json(struct vfiosim *sim, char **ret_text)
{
	struct memories memories = { 0 };
	struct json json;
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);
	int failed;

	if (!to)
		return -ENOMEM;
	if (memories_take(sim, &memories)) {
		fclose(to);
		free(text);
		return -ENOMEM;
	}
	json_init(&json, to, true);
	pthread_mutex_lock(&sim->lock);
	put_machine(&json, &memories, sim);
	pthread_mutex_unlock(&sim->lock);
	memories_done(&memories);
	failed = ferror(to);
	if (fclose(to) || failed) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}
