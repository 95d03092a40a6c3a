/* SPDX-License-Identifier: MIT */
/*
 * A space: one container with a copy of the address space. Opening, filling,
 * mapping and unmapping, and what the policy makes of each errno.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#include "select/selector.h"

#define INFO_MAX 4096

static const char *const kinds[] = { "RAM", "ROM", "BAR" };

/* ---- Discarding RAM ---------------------------------------------------- */

int discards_forbid(struct selector *selector)
{
	if (!selector->policy->discards)
		return 0;
	if (selector->discards_required) {
		selector_say(selector, "discarding RAM cannot be forbidden: somebody needs it");
		return -EBUSY;
	}
	selector->discards_forbidden++;
	return 0;
}

void discards_allow(struct selector *selector)
{
	if (selector->policy->discards)
		selector->discards_forbidden--;
}

/* ---- Opening ----------------------------------------------------------- */

static long command(struct space *space, uint32_t cmd, uint64_t arg)
{
	return space->selector->ops->ioctl(space->selector->proc, space->fd, cmd, arg);
}

static long command_data(struct space *space, uint32_t cmd, void *data, size_t size)
{
	return space->selector->ops->ioctl_data(space->selector->proc, space->fd, cmd, data, size);
}

static bool has_extension(struct space *space, int type)
{
	long answer = command(space, VFIO_CHECK_EXTENSION, (uint64_t)type);

	return space->selector->policy->extension_exact ? answer == 1 : answer != 0;
}

/* Which of the policy's types are there? A bit each; asked before the group is set, as programs do. */
static unsigned ask_types(struct space *space)
{
	const struct policy *policy = space->selector->policy;
	unsigned found = 0;

	for (unsigned i = 0; policy->types[i]; i++) {
		if (!has_extension(space, policy->types[i]))
			continue;
		found |= 1u << i;
		if (!policy->next_type)
			break;
	}
	return found;
}

/* Sets the first type that was found; the next ones only where the policy goes on. */
static int set_type(struct space *space, unsigned found)
{
	const int *types = space->selector->policy->types;
	long error = -EINVAL;

	for (unsigned i = 0; types[i]; i++) {
		if (!(found & 1u << i))
			continue;
		space->type = types[i];
		error = command(space, VFIO_SET_IOMMU, (uint64_t)types[i]);
		if (error >= 0)
			return 0;
	}
	return (int)error;
}

/* Looks for the number of mappings allowed among the capabilities. */
static void read_available(struct space *space, const unsigned char *bytes, uint32_t size)
{
	const struct vfio_iommu_type1_info *info = (const void *)bytes;
	uint32_t at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	for (int i = 0; i < 16 && at >= sizeof(*info) &&
			at + sizeof(struct vfio_info_cap_header) <= size; i++) {
		struct vfio_info_cap_header head;

		memcpy(&head, bytes + at, sizeof(head));
		if (head.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL &&
		    at + sizeof(struct vfio_iommu_type1_info_dma_avail) <= size)
			memcpy(&space->available, bytes + at + sizeof(head),
			       sizeof(space->available));
		at = head.next;
	}
}

/* Asks once for the size and, when there is more than that, once for everything. */
static int read_info(struct space *space)
{
	_Alignas(8) unsigned char bytes[INFO_MAX] = { 0 };
	struct vfio_iommu_type1_info *info = (void *)bytes;
	long error;

	if (!space->selector->policy->info)
		return 0;
	info->argsz = sizeof(*info);
	error = command_data(space, VFIO_IOMMU_GET_INFO, bytes, sizeof(*info));
	if (!error && info->argsz > sizeof(*info)) {
		if (info->argsz > sizeof(bytes))
			info->argsz = sizeof(bytes);
		error = command_data(space, VFIO_IOMMU_GET_INFO, bytes, info->argsz);
		if (!error)
			read_available(space, bytes, info->argsz);
	}
	return error < 0 ? (int)error : 0;
}

/* The container is open; the group joins it and it gets its type. */
static int set_up(struct space *space, int group_fd)
{
	struct selector *selector = space->selector;
	unsigned types;
	int error;

	if (command(space, VFIO_GET_API_VERSION, 0) != VFIO_API_VERSION) {
		selector_say(selector, "the kernel's VFIO has another version");
		return -EINVAL;
	}
	types = ask_types(space);
	if (!types) {
		selector_say(selector, "no IOMMU type that this program knows");
		return -EINVAL;
	}
	error = (int)selector->ops->ioctl_data(selector->proc, group_fd, VFIO_GROUP_SET_CONTAINER,
					       &space->fd, sizeof(space->fd));
	if (error)
		return error;
	error = set_type(space, types);
	if (!error)
		error = discards_forbid(selector);
	if (error)
		goto unset;
	error = read_info(space);
	if (error) {
		discards_allow(selector);
		goto unset;
	}
	return 0;
unset:
	if (selector->policy->unset_first)
		selector->ops->ioctl(selector->proc, group_fd, VFIO_GROUP_UNSET_CONTAINER, 0);
	return error;
}

int space_open(struct selector *selector, int group_fd, struct space **ret_space)
{
	struct space *space = calloc(1, sizeof(*space));
	int error;

	if (!space)
		return -ENOMEM;
	space->selector = selector;
	TAILQ_INIT(&space->omissions);
	space->fd = selector->ops->open(selector->proc, "/dev/vfio/vfio");
	if (space->fd < 0) {
		error = space->fd;
		goto free_space;
	}
	error = set_up(space, group_fd);
	if (error)
		goto close_fd;
	space->number = ++selector->n_made;
	space->n_groups = 1;
	TAILQ_INSERT_TAIL(&selector->spaces, space, in_selector);
	selector_say(selector, "a new container, number %u", space->number);
	*ret_space = space;
	return 0;
close_fd:
	selector->ops->close(selector->proc, space->fd);
free_space:
	free(space);
	return error;
}

static void forget_omission(struct space *space, uint64_t iova)
{
	struct omission *omission;

	TAILQ_FOREACH(omission, &space->omissions, in_space)
		if (omission->iova == iova)
			break;
	if (!omission)
		return;
	TAILQ_REMOVE(&space->omissions, omission, in_space);
	free(omission);
}

void space_close(struct space *space)
{
	struct selector *selector = space->selector;

	selector->ops->close(selector->proc, space->fd);
	while (!TAILQ_EMPTY(&space->omissions))
		forget_omission(space, TAILQ_FIRST(&space->omissions)->iova);
	TAILQ_REMOVE(&selector->spaces, space, in_selector);
	free(space);
}

/* ---- Mapping ----------------------------------------------------------- */

static long unmap_range(struct space *space, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova,
						    .size = size };

	return command_data(space, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
}

static int map_pages(struct space *space, const struct section *pages)
{
	const struct policy *policy = space->selector->policy;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.vaddr = pages->uva,
		.iova = pages->iova,
		.size = pages->size,
	};
	long error;

	if (pages->kind != SECTION_ROM)
		map.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	error = command_data(space, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
	if (error == -EBUSY && policy->busy_retry && !unmap_range(space, map.iova, map.size))
		error = command_data(space, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
	if (error == -EEXIST && policy->exists_ok)
		error = 0;
	return (int)error;
}

static int leave_out(struct space *space, const struct section *section, int error)
{
	struct omission *omission = calloc(1, sizeof(*omission));

	if (!omission)
		return -ENOMEM;
	omission->iova = section->iova;
	omission->error = -error;
	TAILQ_INSERT_TAIL(&space->omissions, omission, in_space);
	selector_say(space->selector,
		     "container %u does without the %s at 0x%" PRIx64 " (%s): nothing but "
		     "peer-to-peer transfers needs it",
		     space->number, kinds[section->kind], section->iova, strerrorname_np(-error));
	return 0;
}

int space_map(struct space *space, const struct section *section)
{
	const struct policy *policy = space->selector->policy;
	struct section pages;
	int error;

	if (section->kind == SECTION_BAR && !policy->maps_bars)
		return 0;
	if (!section_pages(section, &pages)) {
		selector_say(space->selector, "the %s at 0x%" PRIx64 " has no whole page to map",
			     kinds[section->kind], section->iova);
		return 0;
	}
	error = map_pages(space, &pages);
	if (!error)
		return 0;
	if (section->kind == SECTION_BAR && policy->bar_optional)
		return leave_out(space, section, error);
	selector_say(space->selector, "container %u must have the %s at 0x%" PRIx64 ", but: %s",
		     space->number, kinds[section->kind], section->iova, strerrorname_np(-error));
	return error;
}

void space_unmap(struct space *space, const struct section *section)
{
	const struct policy *policy = space->selector->policy;
	struct section pages;
	long error;

	forget_omission(space, section->iova);
	if (section->kind == SECTION_BAR && !policy->maps_bars)
		return;
	if (!section_pages(section, &pages))
		return;
	error = unmap_range(space, pages.iova, pages.size);
	if (error == -EINVAL && policy->last_page && space->type == VFIO_TYPE1v2_IOMMU &&
	    !(pages.iova + pages.size))
		error = unmap_range(space, pages.iova, pages.size - VFIOSIM_PAGE_SIZE);
	if (error)
		selector_say(space->selector, "container %u kept 0x%" PRIx64 ": %s", space->number,
			     pages.iova, strerrorname_np((int)-error));
}

int space_fill(struct space *space)
{
	struct select_section *own;
	int error;

	TAILQ_FOREACH(own, &space->selector->sections, in_selector) {
		error = space_map(space, &own->section);
		if (error)
			return error;
	}
	space->live = true;
	return 0;
}

void space_empty(struct space *space)
{
	struct select_section *own;

	TAILQ_FOREACH(own, &space->selector->sections, in_selector)
		space_unmap(space, &own->section);
	space->live = false;
}
