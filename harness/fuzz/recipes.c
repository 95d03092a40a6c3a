/* SPDX-License-Identifier: MIT */
/* What the rows do not tell of commands: which values belong together. */
#include <linux/vfio.h>
#include <stddef.h>
#include <string.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "fuzz/request.h"

#define IOAS_MAX 4	/* of one iommufd: more are not more interesting */

/* ---- Groups ------------------------------------------------------------- */

static bool holds(const struct program *program, unsigned kinds)
{
	for (unsigned i = 0; i < program->n_held; i++)
		if (program->held[i].file->kind & kinds)
			return true;
	return false;
}

static bool is_free_group(const struct world *world, const struct program *program,
			  const struct opened *file)
{
	json_object *group = group_of(world, file);

	return !json_has(group, "container") && !json_has(group, "iommufd") &&
	       json_true(group, "viable") && holds(program, VFIOSIM_CONTAINER | VFIOSIM_IOMMUFD);
}

static bool has_open_devices(const struct world *world, json_object *group)
{
	json_object *devices = json_list(world->picture, "devices");
	json_object *addresses = json_list(group, "devices");

	for (size_t i = 0; i < json_length(addresses); i++)
		if (json_u64(json_find_text(devices, "address",
					    json_object_get_string(json_at(addresses, i))), "open"))
			return true;
	return false;
}

static bool may_leave(const struct world *world, const struct program *program,
		      const struct opened *file)
{
	json_object *group = group_of(world, file);

	return (json_has(group, "container") || json_has(group, "iommufd")) &&
	       !has_open_devices(world, group);
}

static bool may_open_device(const struct world *world, const struct program *program,
			    const struct opened *file)
{
	json_object *group = group_of(world, file);
	json_object *container = json_find(json_list(world->picture, "containers"), "number",
					   json_u64(group, "container"));

	return json_has(group, "iommufd") || json_has(container, "driver");
}

static void fill_get_device(struct request *request)
{
	json_object *group = group_of(request->world, request->held->file);
	json_object *address = json_pick(json_list(group, "devices"), request->choices);
	const char *more = one_in(request->choices, 16) ?
				   " vf_token=00112233-4455-6677-8899-aabbccddeeff" : "";

	snprintf((char *)request->bytes, 128, "%s%s",
		 address ? json_object_get_string(address) : "nothing", more);
	request->size = strlen((char *)request->bytes) + 1;
}

/* ---- Containers, and iommufds that stand for one ------------------------- */

/* What the container commands work on. */
static json_object *dma_space(const struct request *request)
{
	const struct opened *file = request->held->file;

	if (file->kind == VFIOSIM_CONTAINER)
		return space_of(request, 0);
	return space_of(request, json_u64(iommufd_of(request->world, file), "vfio_ioas"));
}

static bool wants_iommu(const struct world *world, const struct program *program,
			const struct opened *file)
{
	json_object *container = container_of(world, file);

	return !json_has(container, "driver") && json_length(json_list(container, "groups"));
}

static bool has_type1(const struct world *world, const struct program *program,
		      const struct opened *file)
{
	return json_list(container_of(world, file), "mappings");
}

static bool has_v2(const struct world *world, const struct program *program,
		   const struct opened *file)
{
	return !strcmp(json_text(container_of(world, file), "driver"), "type1v2");
}

static bool has_type1_mappings(const struct world *world, const struct program *program,
			       const struct opened *file)
{
	return json_length(json_list(container_of(world, file), "mappings"));
}

static bool stands_for_container(const struct world *world, const struct program *program,
				 const struct opened *file)
{
	return json_has(iommufd_of(world, file), "vfio_ioas");
}

static void fill_set_iommu(struct request *request)
{
	json_object *container = container_of(request->world, request->held->file);
	json_object *groups = json_list(request->world->picture, "groups");
	bool noiommu = false;

	for (size_t i = 0; i < json_length(groups); i++)
		noiommu |= json_has(json_at(groups, i), "container") &&
			   json_u64(json_at(groups, i), "container") ==
				   json_u64(container, "number") &&
			   !strcmp(json_text(json_at(groups, i), "type"), "noiommu");
	request->arg = one_in(request->choices, 5) ? VFIO_TYPE1_IOMMU : VFIO_TYPE1v2_IOMMU;
	if (noiommu)
		request->arg = VFIO_NOIOMMU_IOMMU;
	if (one_in(request->choices, 16))
		request->arg = choose(request->choices, 10);
}

/* Room for capabilities, or too little of it. */
static void fill_info(struct request *request)
{
	set_size(request, choose_between(request->choices, request->row->min_size, 256));
}

/* A mapping whose address was taken away gets one again. */
static bool fill_new_vaddr(struct request *request, json_object *space)
{
	json_object *mappings = json_list(space, "mappings");

	for (size_t i = 0; i < json_length(mappings); i++) {
		json_object *mapping = json_at(mappings, i);

		if (!json_true(mapping, "vaddr_invalid"))
			continue;
		field_set(request, "flags", VFIO_DMA_MAP_FLAG_VADDR);
		field_set(request, "iova", json_u64(mapping, "first"));
		field_set(request, "size",
			  json_u64(mapping, "last") - json_u64(mapping, "first") + 1);
		return true;
	}
	return false;
}

static void fill_map_dma(struct request *request)
{
	json_object *space = dma_space(request);
	uint64_t length = PAGE, uva = some_memory(request, &length);

	set_size(request, request->row->full_size);
	field_set(request, "vaddr", uva);
	if (!one_in(request->choices, 8) && fill_new_vaddr(request, space))
		return;
	field_set(request, "flags", choose_between(request->choices, 1, 3));
	field_set(request, "iova", free_iova(request, space, length));
	field_set(request, "size", length);
}

/* A stretch that begins where a mapping does, and ends where this one or a later one does. */
static void mapped_stretch(struct request *request, json_object *space, uint64_t *ret_iova,
			   uint64_t *ret_length)
{
	json_object *mappings = json_list(space, "mappings");
	size_t n = json_length(mappings), from = choose(request->choices, n), to = from;

	*ret_iova = 0;
	*ret_length = PAGE;
	if (!n)
		return;
	if (one_in(request->choices, 4))
		to += choose(request->choices, n - from);
	*ret_iova = json_u64(json_at(mappings, from), "first");
	*ret_length = json_u64(json_at(mappings, to), "last") - *ret_iova + 1;
	if (one_in(request->choices, 10))	/* more, or less */
		*ret_length = choose_between(request->choices, 1, 16) * PAGE;
}

/*
 * struct vfio_bitmap at @offset, for @length bytes of iova. Not in a device's region: Linux
 * would write there, a program in this process has nobody who does.
 */
static void put_bitmap(struct request *request, size_t offset, uint64_t length)
{
	const struct stretch *stretch = any_memory(request->program, request->choices);
	uint64_t data = stretch && !stretch->region ? stretch->uva : 0;

	put64(request, offset, one_in(request->choices, 16) ? PAGE << choose(request->choices, 16) : PAGE);
	put64(request, offset + 8, (length / PAGE + 63) / 64 * 8);
	put64(request, offset + 16, data);
}

static void fill_unmap_dma(struct request *request)
{
	const size_t size = sizeof(struct vfio_iommu_type1_dma_unmap);
	uint64_t iova, length;

	set_size(request, size);
	mapped_stretch(request, dma_space(request), &iova, &length);
	field_set(request, "iova", iova);
	field_set(request, "size", length);
	field_set(request, "flags", 0);
	switch (choose(request->choices, 10)) {
	case 0:
		field_set(request, "flags", VFIO_DMA_UNMAP_FLAG_ALL);
		field_set(request, "iova", 0);
		field_set(request, "size", 0);
		break;
	case 1:
		field_set(request, "flags", VFIO_DMA_UNMAP_FLAG_VADDR);
		break;
	case 2:
		field_set(request, "flags", VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP);
		set_size(request, size + sizeof(struct vfio_bitmap));
		put_bitmap(request, size, length);
		break;
	default:
		break;
	}
}

static void fill_dirty_pages(struct request *request)
{
	const size_t size = sizeof(struct vfio_iommu_type1_dirty_bitmap);
	bool tracking = json_true(dma_space(request), "dirty_tracking");
	uint64_t iova, length;

	set_size(request, size);
	if (!tracking || one_in(request->choices, 6)) {
		field_set(request, "flags", tracking ? VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP :
						       VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
		return;
	}
	mapped_stretch(request, dma_space(request), &iova, &length);
	field_set(request, "flags", VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP);
	set_size(request, size + sizeof(struct vfio_iommu_type1_dirty_bitmap_get));
	put64(request, size, iova);
	put64(request, size + 8, length);
	put_bitmap(request, size + 16, length);
}

/* ---- Iommufds ------------------------------------------------------------ */

static size_t count_objects(const struct world *world, const struct opened *file, const char *type)
{
	json_object *objects = json_list(iommufd_of(world, file), "objects");
	size_t n = 0;

	for (size_t i = 0; i < json_length(objects); i++)
		n += !strcmp(json_text(json_at(objects, i), "type"), type);
	return n;
}

static bool few_ioases(const struct world *world, const struct program *program,
		       const struct opened *file)
{
	return count_objects(world, file, "ioas") < IOAS_MAX;
}

static bool has_ioas(const struct world *world, const struct program *program,
		     const struct opened *file)
{
	return count_objects(world, file, "ioas");
}

static bool has_device(const struct world *world, const struct program *program,
		       const struct opened *file)
{
	return count_objects(world, file, "device");
}

static bool has_hwpt(const struct world *world, const struct program *program,
		     const struct opened *file)
{
	return count_objects(world, file, "hwpt");
}

static bool has_ioas_and_memfd(const struct world *world, const struct program *program,
			       const struct opened *file)
{
	return has_ioas(world, program, file) && holds(program, KIND_MEMFD);
}

static bool has_ioas_mappings(const struct world *world, const struct program *program,
			      const struct opened *file)
{
	json_object *objects = json_list(iommufd_of(world, file), "objects");

	for (size_t i = 0; i < json_length(objects); i++)
		if (json_length(json_list(json_at(objects, i), "mappings")))
			return true;
	return false;
}

static bool has_unused(const struct world *world, const struct program *program,
		       const struct opened *file)
{
	json_object *objects = json_list(iommufd_of(world, file), "objects");

	return json_length(objects) > 2 && json_find(objects, "users", 0);
}

static void fill_destroy(struct request *request)
{
	json_object *objects = json_list(iommufd_of(request->world, request->held->file), "objects");
	json_object *object = json_pick(objects, request->choices);

	for (int i = 0; i < 4 && json_u64(object, "users"); i++)
		object = json_pick(objects, request->choices);
	field_set(request, "id", json_u64(object, "id"));
}

static void fill_ioas_map(struct request *request)
{
	json_object *space = space_of(request, field_get(request, "ioas_id"));
	uint64_t length = PAGE, uva = some_memory(request, &length);
	uint64_t access = choose_between(request->choices, 1, 3) << 1;

	set_size(request, request->row->full_size);
	field_set(request, "flags", access | (one_in(request->choices, 3) ?
						      0 : VFIOSIM_IOAS_MAP_FIXED_IOVA));
	field_set(request, "user_va", uva);
	field_set(request, "start", choose(request->choices, 4) * PAGE);
	if (request->row->number == VFIOSIM_IOMMU_IOAS_MAP_FILE)
		length = choose_between(request->choices, 1, 8) * PAGE;
	if (one_in(request->choices, 12))	/* iommufd takes bytes */
		length -= choose(request->choices, PAGE);
	field_set(request, "length", length);
	field_set(request, "iova", free_iova(request, space, length));
}

/* An ioas that has something; the row's own choice where none has. */
static uint64_t an_ioas_with_mappings(const struct request *request)
{
	for (int i = 0; i < 6; i++) {
		uint64_t id = an_object(request, "ioas");

		if (json_length(json_list(space_of(request, id), "mappings")))
			return id;
	}
	return an_object(request, "ioas");
}

static void fill_copy(struct request *request)
{
	uint64_t source = an_ioas_with_mappings(request), iova, length;
	uint64_t access = choose_between(request->choices, 1, 3) << 1;
	json_object *target = space_of(request, field_get(request, "dst_ioas_id"));

	set_size(request, request->row->full_size);
	mapped_stretch(request, space_of(request, source), &iova, &length);
	field_set(request, "src_ioas_id", source);
	field_set(request, "src_iova", iova);
	field_set(request, "length", length);
	field_set(request, "dst_iova", free_iova(request, target, length));
	field_set(request, "flags", access | VFIOSIM_IOAS_MAP_FIXED_IOVA);
}

static void fill_ioas_unmap(struct request *request)
{
	uint64_t ioas = an_ioas_with_mappings(request), iova, length;

	mapped_stretch(request, space_of(request, ioas), &iova, &length);
	field_set(request, "ioas_id", ioas);
	field_set(request, "iova", iova);
	field_set(request, "length", length);
	if (!one_in(request->choices, 10))
		return;
	field_set(request, "iova", 0);
	field_set(request, "length", UINT64_MAX);
}

static void fill_iova_ranges(struct request *request)
{
	set_size(request, request->row->full_size);
	field_set(request, "num_iovas", choose(request->choices, 8));
}

/* A few ranges below the interrupts' window; sometimes none, or what cannot be. */
static void fill_allow(struct request *request)
{
	struct vfiosim_iommu_iova_range ranges[3];
	uint64_t length = 0, uva = some_memory(request, &length), at = 0;
	size_t n = choose(request->choices, 4);

	for (size_t i = 0; i < n; i++) {
		at += choose(request->choices, 64) << 16;
		ranges[i].start = at;
		ranges[i].last = at += choose_between(request->choices, 1, 256) * PAGE - 1;
		at++;
	}
	request->world->target->ops->poke(request->program->proc, uva, ranges, n * sizeof(ranges[0]));
	field_set(request, "num_iovas", n);
	field_set(request, "allowed_iovas", uva);
}

static void fill_option(struct request *request)
{
	bool huge = !one_in(request->choices, 3);

	field_set(request, "option_id", huge);
	field_set(request, "op", choose(request->choices, 2));
	field_set(request, "object_id", huge ? an_object(request, "ioas") : 0);
	field_set(request, "val64", choose(request->choices, 2));
}

static void fill_vfio_ioas(struct request *request)
{
	field_set(request, "op", one_in(request->choices, 2) ? VFIOSIM_IOMMU_VFIO_IOAS_SET :
							       choose(request->choices, 3));
}

static void fill_hwpt_alloc(struct request *request)
{
	field_set(request, "flags", one_in(request->choices, 4) ? choose(request->choices, 16) : 0);
	field_set(request, "pt_id", an_object(request, "ioas"));
	field_set(request, "data_len", 0);
}

static void fill_hw_info(struct request *request)
{
	field_set(request, "flags", 0);
	field_set(request, "data_len", choose(request->choices, 64));
	field_set(request, "out_data_type", 0);
}

/* ---- Devices ------------------------------------------------------------- */

/* mdevs know little of all this. */
static bool is_usable_pci(const struct world *world, const struct program *program,
			  const struct opened *file)
{
	return (!file->cdev || file->number) && strchr(file->name, ':');
}

static bool is_usable(const struct world *world, const struct program *program,
		      const struct opened *file)
{
	return !file->cdev || file->number;
}

/* Nobody has opened its group, nor bound another descriptor of it. */
static bool may_bind(const struct world *world, const struct program *program,
		     const struct opened *file)
{
	json_object *groups = json_list(world->picture, "groups");
	json_object *devices = json_list(world->picture, "devices");

	for (size_t i = 0; i < json_length(groups); i++) {
		json_object *addresses = json_list(json_at(groups, i), "devices");

		for (size_t j = 0; j < json_length(addresses); j++)
			if (!strcmp(json_object_get_string(json_at(addresses, j)), file->name) &&
			    json_true(json_at(groups, i), "open"))
				return false;
	}
	return file->cdev && !file->number && holds(program, VFIOSIM_IOMMUFD) &&
	       json_u64(json_find_text(devices, "address", file->name), "open") < 2;
}

static bool may_attach(const struct world *world, const struct program *program,
		       const struct opened *file)
{
	return file->cdev && file->number && has_ioas(world, program, file);
}

static bool is_attached(const struct world *world, const struct program *program,
			const struct opened *file)
{
	json_object *objects = json_list(iommufd_of(world, file), "objects");

	return file->cdev && file->number &&
	       json_true(json_find_text(objects, "device", file->name), "attached");
}

static void fill_bind(struct request *request)
{
	set_size(request, offsetof(struct vfiosim_device_bind_iommufd, token_uuid_ptr));
	field_set(request, "flags", 0);
}

static void bound(struct request *request, long result)
{
	int fd = (int)field_get(request, "iommufd");

	for (unsigned i = 0; i < request->program->n_held; i++)
		if (request->program->held[i].fd == fd)
			request->held->file->number = request->program->held[i].file->number;
}

/* Without a PASID, which nothing here has. */
static void fill_pt(struct request *request)
{
	set_size(request, request->row->min_size);
	field_set(request, "flags", one_in(request->choices, 16));
}

/* An interrupt's number of vectors is not asked for: a few are enough. */
static void fill_set_irqs(struct request *request)
{
	static const uint32_t flags[] = {
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_TRIGGER,
		VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
		VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
		VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_UNMASK,
		VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_UNMASK,
	};
	const size_t size = sizeof(struct vfio_irq_set);
	uint32_t chosen = flags[choose(request->choices, sizeof(flags) / sizeof(flags[0]))];
	uint32_t index = (uint32_t)choose(request->choices, 5);
	uint32_t count = index == 1 || index == 2 ? (uint32_t)choose(request->choices, 4) :
						    !one_in(request->choices, 4);

	if (chosen & VFIO_IRQ_SET_ACTION_UNMASK || chosen & VFIO_IRQ_SET_ACTION_MASK)
		index = 0;
	if (!count)	/* off */
		chosen = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER;
	set_size(request, size + 4 * (size_t)count);
	field_set(request, "flags", chosen);
	field_set(request, "index", index);
	field_set(request, "start", one_in(request->choices, 8) ? choose(request->choices, 4) : 0);
	field_set(request, "count", count);
	for (uint32_t i = 0; i < count; i++) {
		int fd = a_descriptor(request, KIND_EVENTFD);

		put32(request, size + 4 * i, chosen & VFIO_IRQ_SET_DATA_EVENTFD ?
						     (uint32_t)fd :
						     (uint32_t)choose(request->choices, 2));
	}
}

static void fill_hot_reset_info(struct request *request)
{
	set_size(request, one_in(request->choices, 4) ? 16 : 256);
}

/* Every group that is held: too many are refused, too few as well. */
static void fill_hot_reset(struct request *request)
{
	const size_t size = sizeof(struct vfio_pci_hot_reset);
	uint32_t count = 0;

	field_set(request, "flags", 0);
	for (unsigned i = 0; i < request->program->n_held && !request->held->file->cdev; i++)
		if (request->program->held[i].file->kind == VFIOSIM_GROUP)
			put32(request, size + 4 * count++, (uint32_t)request->program->held[i].fd);
	if (count && one_in(request->choices, 2))
		count = 1;
	set_size(request, size + 4 * (size_t)count);
	field_set(request, "count", count);
}

static void fill_feature(struct request *request)
{
	static const uint32_t operations[] = {
		VFIO_DEVICE_FEATURE_GET, VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_PROBE,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET,
		VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET,
	};
	uint32_t flags = (uint32_t)choose(request->choices, 12) |
			 operations[choose(request->choices, 5)];
	uint8_t data[16];

	choose_bytes(request->choices, data, sizeof(data));
	set_size(request, 8 + choose(request->choices, 4) * 8);
	memcpy(request->bytes + 8, data, sizeof(data));
	field_set(request, "flags", flags);
}

/* ---- The recipes --------------------------------------------------------- */

#define CONTAINER VFIOSIM_CONTAINER
#define GROUP VFIOSIM_GROUP
#define DEVICE VFIOSIM_DEVICE
#define IOMMUFD VFIOSIM_IOMMUFD

static const struct recipe recipes[] = {
	{ "VFIO_GROUP_GET_STATUS", GROUP, 1, NULL, NULL, NULL },
	{ "VFIO_GROUP_SET_CONTAINER", GROUP, 8, is_free_group, NULL, NULL },
	{ "VFIO_GROUP_UNSET_CONTAINER", GROUP, 1, may_leave, NULL, NULL },
	{ "VFIO_GROUP_GET_DEVICE_FD", GROUP, 4, may_open_device, fill_get_device, NULL },

	{ "VFIO_SET_IOMMU", CONTAINER, 8, wants_iommu, fill_set_iommu, NULL },
	{ "VFIO_IOMMU_GET_INFO", CONTAINER, 2, has_type1, fill_info, NULL },
	{ "VFIO_IOMMU_MAP_DMA", CONTAINER, 20, has_type1, fill_map_dma, NULL },
	{ "VFIO_IOMMU_UNMAP_DMA", CONTAINER, 8, has_type1_mappings, fill_unmap_dma, NULL },
	{ "VFIO_IOMMU_DIRTY_PAGES", CONTAINER, 4, has_v2, fill_dirty_pages, NULL },

	{ "VFIO_CHECK_EXTENSION", IOMMUFD, 1, stands_for_container, NULL, NULL },
	{ "VFIO_SET_IOMMU", IOMMUFD, 1, stands_for_container, fill_set_iommu, NULL },
	{ "VFIO_IOMMU_GET_INFO", IOMMUFD, 2, stands_for_container, fill_info, NULL },
	{ "VFIO_IOMMU_MAP_DMA", IOMMUFD, 6, stands_for_container, fill_map_dma, NULL },
	{ "VFIO_IOMMU_UNMAP_DMA", IOMMUFD, 3, stands_for_container, fill_unmap_dma, NULL },

	{ "IOMMU_IOAS_ALLOC", IOMMUFD, 6, few_ioases, NULL, NULL },
	{ "IOMMU_DESTROY", IOMMUFD, 3, has_unused, fill_destroy, NULL },
	{ "IOMMU_IOAS_MAP", IOMMUFD, 16, has_ioas, fill_ioas_map, NULL },
	{ "IOMMU_IOAS_MAP_FILE", IOMMUFD, 6, has_ioas_and_memfd, fill_ioas_map, NULL },
	{ "IOMMU_IOAS_COPY", IOMMUFD, 8, has_ioas_mappings, fill_copy, NULL },
	{ "IOMMU_IOAS_UNMAP", IOMMUFD, 5, has_ioas_mappings, fill_ioas_unmap, NULL },
	{ "IOMMU_IOAS_IOVA_RANGES", IOMMUFD, 2, has_ioas, fill_iova_ranges, NULL },
	{ "IOMMU_IOAS_ALLOW_IOVAS", IOMMUFD, 2, has_ioas, fill_allow, NULL },
	{ "IOMMU_IOAS_CHANGE_PROCESS", IOMMUFD, 1, has_ioas_mappings, NULL, NULL },
	{ "IOMMU_OPTION", IOMMUFD, 2, has_ioas, fill_option, NULL },
	{ "IOMMU_VFIO_IOAS", IOMMUFD, 3, has_ioas, fill_vfio_ioas, NULL },
	{ "IOMMU_HWPT_ALLOC", IOMMUFD, 5, has_device, fill_hwpt_alloc, NULL },
	{ "IOMMU_GET_HW_INFO", IOMMUFD, 2, has_device, fill_hw_info, NULL },
	{ "IOMMU_HWPT_SET_DIRTY_TRACKING", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_HWPT_GET_DIRTY_BITMAP", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_HWPT_INVALIDATE", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_VIOMMU_ALLOC", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_VDEVICE_ALLOC", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_VEVENTQ_ALLOC", IOMMUFD, 1, has_hwpt, NULL, NULL },
	{ "IOMMU_HW_QUEUE_ALLOC", IOMMUFD, 1, has_hwpt, NULL, NULL },

	{ "VFIO_DEVICE_GET_INFO", DEVICE, 1, is_usable, NULL, NULL },
	{ "VFIO_DEVICE_GET_REGION_INFO", DEVICE, 2, is_usable, NULL, NULL },
	{ "VFIO_DEVICE_GET_IRQ_INFO", DEVICE, 1, is_usable, NULL, NULL },
	{ "VFIO_DEVICE_SET_IRQS", DEVICE, 6, is_usable, fill_set_irqs, NULL },
	{ "VFIO_DEVICE_RESET", DEVICE, 1, is_usable, NULL, NULL },
	{ "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", DEVICE, 1, is_usable_pci, fill_hot_reset_info, NULL },
	{ "VFIO_DEVICE_PCI_HOT_RESET", DEVICE, 1, is_usable_pci, fill_hot_reset, NULL },
	{ "VFIO_DEVICE_FEATURE", DEVICE, 2, is_usable_pci, fill_feature, NULL },
	{ "VFIO_DEVICE_BIND_IOMMUFD", DEVICE, 8, may_bind, fill_bind, bound },
	{ "VFIO_DEVICE_ATTACH_IOMMUFD_PT", DEVICE, 8, may_attach, fill_pt, NULL },
	{ "VFIO_DEVICE_DETACH_IOMMUFD_PT", DEVICE, 2, is_attached, fill_pt, NULL },
};

const struct recipe *recipe_of(const struct vfiosim_command *row)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(recipes[0]); i++)
		if (recipes[i].kind & row->kinds && !strcmp(recipes[i].command, row->name))
			return &recipes[i];
	return NULL;
}
