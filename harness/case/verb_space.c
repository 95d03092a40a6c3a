/* SPDX-License-Identifier: MIT */
/*
 * Verbs of address spaces: attach and detach devices, map and unmap memory, ask
 * what there is. In legacy mode a space is a container; attaching takes what
 * programs take: open the group, look at its status, set the container, choose
 * the IOMMU type when it is the first, get the device. What fails is undone.
 * Mode iommufd is in ioas.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/vfiosim.h>

#include "case/ioas.h"
#include "case/verb.h"

#define INFO_MAX 4096

static long call(struct run *run, int fd, uint32_t cmd, uint64_t arg)
{
	return run->target->ops->ioctl(run->proc, fd, cmd, arg);
}

static long call_data(struct run *run, int fd, uint32_t cmd, void *data, size_t size)
{
	return run->target->ops->ioctl_data(run->proc, fd, cmd, data, size);
}

static void group_handle(const char *device, char *to, size_t size)
{
	snprintf(to, size, "%s.group", device);
}

/* ---- attach ------------------------------------------------------------ */

static unsigned attached_to(const struct run *run, const char *space)
{
	unsigned n = 0;

	for (unsigned i = 0; i < run->n_attached; i++)
		n += run->attached[i].open && !strcmp(run->attached[i].space, space);
	return n;
}

static struct attached *find_attached(struct run *run, const struct target_device *device)
{
	for (unsigned i = 0; i < run->n_attached; i++)
		if (run->attached[i].open && run->attached[i].device == device)
			return &run->attached[i];
	return NULL;
}

/* Another device of the same group that is attached. */
static struct attached *find_sibling(struct run *run, const struct target_device *device)
{
	for (unsigned i = 0; i < run->n_attached; i++)
		if (run->attached[i].open && run->attached[i].device != device &&
		    run->attached[i].device->group == device->group)
			return &run->attached[i];
	return NULL;
}

static int sibling_group_fd(struct run *run, const struct target_device *device)
{
	struct attached *sibling = find_sibling(run, device);
	char handle[RUN_NAME_MAX + 8];

	if (!sibling)
		return -1;
	group_handle(sibling->device->name, handle, sizeof(handle));
	return run_fd(run, handle);
}

static long check_status(struct run *run, int group_fd)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	return call_data(run, group_fd, VFIO_GROUP_GET_STATUS, &status, sizeof(status));
}

/* What attaching opened and did so far, to be undone when a later part fails. */
struct attachment {
	int group_fd, space_fd, device_fd;
	bool opened_group, opened_space, set;
};

static void undo(struct run *run, const struct attachment *a)
{
	if (a->set)
		call(run, a->group_fd, VFIO_GROUP_UNSET_CONTAINER, 0);
	if (a->opened_space)
		run->target->ops->close(run->proc, a->space_fd);
	if (a->opened_group)
		run->target->ops->close(run->proc, a->group_fd);
}

static long open_both(struct run *run, const struct target_device *device, const char *space,
		      struct attachment *a)
{
	a->group_fd = sibling_group_fd(run, device);
	if (a->group_fd < 0) {
		a->group_fd = run->target->ops->open(run->proc, device->node);
		if (a->group_fd < 0)
			return a->group_fd;
		a->opened_group = true;
	}
	a->space_fd = run_fd(run, space);
	if (a->space_fd < 0) {
		a->space_fd = run->target->ops->open(run->proc, "/dev/vfio/vfio");
		if (a->space_fd < 0)
			return a->space_fd;
		a->opened_space = true;
	}
	return 0;
}

static long join(struct run *run, const char *space, uint64_t type, struct attachment *a)
{
	long error;

	if (!a->opened_group)
		return 0;	/* it came with a sibling */
	error = check_status(run, a->group_fd);
	if (error)
		return error;
	error = call_data(run, a->group_fd, VFIO_GROUP_SET_CONTAINER, &a->space_fd,
			  sizeof(a->space_fd));
	if (error)
		return error;
	a->set = true;
	return attached_to(run, space) ? 0 : call(run, a->space_fd, VFIO_SET_IOMMU, type);
}

static long open_device(struct run *run, const struct target_device *device, struct attachment *a)
{
	char address[sizeof(device->address)];

	memcpy(address, device->address, sizeof(address));
	a->device_fd = (int)call_data(run, a->group_fd, VFIO_GROUP_GET_DEVICE_FD, address,
				      strlen(address) + 1);
	return a->device_fd < 0 ? a->device_fd : 0;
}

static int remember(struct run *run, const struct target_device *device, const char *space,
		    const struct attachment *a)
{
	char handle[RUN_NAME_MAX + 8];
	struct named *names[3];

	group_handle(device->name, handle, sizeof(handle));
	names[0] = run_name(run, NAMED_FD, device->name);
	names[1] = run_name(run, NAMED_FD, handle);
	names[2] = run_name(run, NAMED_FD, space);
	if (!names[0] || !names[1] || !names[2] || run->n_attached == RUN_ATTACHED_MAX)
		return run_broken(run, "too many names in one case");
	names[0]->fd = a->device_fd;
	names[1]->fd = a->group_fd;
	names[2]->fd = a->space_fd;
	run->attached[run->n_attached] = (struct attached){ .device = device, .open = true };
	snprintf(run->attached[run->n_attached++].space, RUN_NAME_MAX, "%s", space);
	return 0;
}

static const uint64_t types[] = { VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU, VFIO_NOIOMMU_IOMMU };
static const char *const type_names[] = { "v2", "v1", "noiommu", NULL };

static int container_attach(struct run *run, const struct step *step, struct result *ret_result)
{
	const struct target_device *device = run_device(run, step_text(step, "device", ""));
	const char *space = step_text(step, "to", "");
	struct attachment a = { -1, -1, -1, false, false, false };
	long error;

	if (!device)
		return run_skip(run, "no device was named for '%s': --device %s=ADDRESS",
				step_text(step, "device", ""), step_text(step, "device", ""));
	error = open_both(run, device, space, &a);
	if (!error)
		error = join(run, space, types[step_number(step, "type", 0)], &a);
	if (!error && step_number(step, "open", 1))
		error = open_device(run, device, &a);
	if (error) {
		int answered = run_answer(run, error, ret_result);

		undo(run, &a);
		return answered;
	}
	return remember(run, device, space, &a);
}

static bool was_refused(const struct run *run, const char *name)
{
	const char *refused;

	for (size_t i = 0; (refused = selector_refused(run->selector, i)); i++)
		if (!strcmp(refused, name))
			return true;
	return false;
}

/* The case may bring a device in twice, to different spaces: the policy decides once. */
static int attach_play(struct run *run, const struct step *step, struct result *ret_result)
{
	const struct target_device *device = run_device(run, step_text(step, "device", ""));

	if (!device)
		return run_skip(run, "no device was named for '%s'", step_text(step, "device", ""));
	if (selector_device_fd(run->selector, device->name) >= 0 ||
	    was_refused(run, device->name))
		return 0;
	return run_answer(run, selector_plug(run->selector, device, false), ret_result);
}

/* ---- detach ------------------------------------------------------------ */

static int container_detach(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *name = step_text(step, "device", "");
	const struct target_device *device = run_device(run, name);
	struct attached *attached = device ? find_attached(run, device) : NULL;
	char handle[RUN_NAME_MAX + 8];
	int fd, group_fd, answered;

	if (!attached)
		return run_broken(run, "%s is not attached", name);
	group_handle(name, handle, sizeof(handle));
	fd = run_fd(run, name);
	group_fd = run_fd(run, handle);
	if (fd >= 0)
		run->target->ops->close(run->proc, fd);
	run_name(run, NAMED_FD, name);
	attached->open = false;
	if (find_sibling(run, device))
		return 0;
	answered = run_answer(run, call(run, group_fd, VFIO_GROUP_UNSET_CONTAINER, 0), ret_result);
	run->target->ops->close(run->proc, group_fd);
	run_name(run, NAMED_FD, handle);
	return answered;
}

static int detach_play(struct run *run, const struct step *step, struct result *ret_result)
{
	int error = selector_unplug(run->selector, step_text(step, "device", ""));

	return error == -ENOENT ? 0 : run_answer(run, error, ret_result);
}

/* ---- map --------------------------------------------------------------- */

static const uint32_t accesses[] = { VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
				     VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE, 0 };
static const char *const access_names[] = { "rw", "r", "w", "none", NULL };

static int space_fd(struct run *run, const struct step *step, int *ret_fd)
{
	const char *name = step_text(step, "in", NULL);

	if (!name)
		return run_broken(run, "%s needs 'in: SPACE' here", step->verb->name);
	*ret_fd = run_fd(run, name);
	return *ret_fd >= 0 ? 0 : run_broken(run, "there is no space called '%s' yet", name);
}

static int container_map(struct run *run, const struct step *step, struct result *ret_result)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = accesses[step_number(step, "access", 0)],
		.iova = step_number(step, "iova", 0),
		.size = step_number(step, "size", 0),
	};
	uint64_t uva;
	int fd, error = space_fd(run, step, &fd);

	if (error)
		return error;
	error = run_memory(run, step_text(step, "from", "ram"), step_number(step, "at", 0),
			   map.size, &uva);
	if (error)
		return error;
	map.vaddr = uva;
	return run_answer(run, call_data(run, fd, VFIO_IOMMU_MAP_DMA, &map, sizeof(map)),
			  ret_result);
}

/* "mdev0.bar0": whose BAR it is; NULL: it is none. */
static const struct target_device *bar_owner(struct run *run, const char *from)
{
	const char *dot = strstr(from, ".bar");
	char name[RUN_NAME_MAX];

	if (!dot || (size_t)(dot - from) >= sizeof(name))
		return NULL;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - from), from);
	return run_device(run, name);
}

/* The guest sees one thing at an address, whichever space the step speaks of. */
static int map_play(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *from = step_text(step, "from", "ram");
	const struct target_device *owner = bar_owner(run, from);
	struct section section = {
		.iova = step_number(step, "iova", 0),
		.size = step_number(step, "size", 0),
		.kind = owner				    ? SECTION_BAR :
			step_number(step, "access", 0) == 1 ? SECTION_ROM :
							      SECTION_RAM,
		.owner = owner,
	};
	uint64_t extra = section.iova % VFIOSIM_PAGE_SIZE;
	int error;

	if (selector_has(run->selector, section.iova))
		return 0;
	error = run_memory(run, from, step_number(step, "at", 0), section.size + extra,
			   &section.uva);
	if (error)
		return error;
	section.uva += extra;
	return run_answer(run, selector_add(run->selector, &section), ret_result);
}

/* ---- unmap ------------------------------------------------------------- */

static int container_unmap(struct run *run, const struct step *step, struct result *ret_result)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = step_number(step, "all", 0) ? 1u << 1 : 0,	/* UNMAP_FLAG_ALL */
		.iova = step_number(step, "iova", 0),
		.size = step_number(step, "size", 0),
	};
	int fd, error = space_fd(run, step, &fd);
	long answer;

	if (error)
		return error;
	answer = call_data(run, fd, VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
	if (!answer)
		result_number(ret_result, "size", unmap.size);
	return run_answer(run, answer, ret_result);
}

static int unmap_play(struct run *run, const struct step *step, struct result *ret_result)
{
	int error = selector_remove(run->selector, step_number(step, "iova", 0));

	return error == -ENOENT ? 0 : run_answer(run, error, ret_result);
}

static const char *const unmap_gives[] = { "size", NULL };

/* ---- info -------------------------------------------------------------- */

/* Older kernels begin a capability at any multiple of four. */
typedef struct vfio_iommu_type1_info_cap_iova_range cap_iova_range __attribute__((aligned(1)));
typedef struct vfio_info_cap_header cap_header __attribute__((aligned(1)));

static void give_ranges(const unsigned char *bytes, uint32_t at, struct result *ret_result)
{
	const cap_iova_range *cap = (const void *)(bytes + at);
	char text[200] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < cap->nr_iovas && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s0x%" PRIx64 "..0x%" PRIx64, i ? " " : "",
				      (uint64_t)cap->iova_ranges[i].start,
				      (uint64_t)cap->iova_ranges[i].end);
	result_text(ret_result, "ranges", "%s", text);
}

static void give_caps(const unsigned char *bytes, uint32_t at, struct result *ret_result)
{
	for (int i = 0; i < 8 && at && at + 16 <= INFO_MAX; i++) {
		const cap_header *head = (const void *)(bytes + at);
		uint32_t available;

		if (head->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE)
			give_ranges(bytes, at, ret_result);
		if (head->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			memcpy(&available, bytes + at + sizeof(*head), sizeof(available));
			result_number(ret_result, "available", available);
		}
		at = head->next;
	}
}

static int container_info(struct run *run, const struct step *step, struct result *ret_result)
{
	_Alignas(8) unsigned char bytes[INFO_MAX] = { 0 };
	struct vfio_iommu_type1_info *info = (void *)bytes;
	int fd, error = space_fd(run, step, &fd);
	long answer;

	if (error)
		return error;
	info->argsz = sizeof(bytes);
	answer = call_data(run, fd, VFIO_IOMMU_GET_INFO, bytes, sizeof(bytes));
	if (!answer) {
		result_number(ret_result, "page_sizes", info->iova_pgsizes);
		give_caps(bytes, info->cap_offset, ret_result);
	}
	return run_answer(run, answer, ret_result);
}

static const char *const info_gives[] = { "page_sizes", "ranges", "available", "alignment", NULL };

/* ---- status ------------------------------------------------------------ */

static int status_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *name = step_text(step, "device", "");
	const struct target_device *device = run_device(run, name);
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char handle[RUN_NAME_MAX + 8];
	bool opened = false;
	long answer;
	int fd;

	if (!device)
		return run_skip(run, "no device was named for '%s'", name);
	group_handle(name, handle, sizeof(handle));
	fd = run_fd(run, handle);
	if (fd < 0) {
		fd = run->target->ops->open(run->proc, device->node);
		if (fd < 0)
			return run_answer(run, fd, ret_result);
		opened = true;
	}
	answer = call_data(run, fd, VFIO_GROUP_GET_STATUS, &status, sizeof(status));
	if (!answer) {
		result_number(ret_result, "viable", status.flags & VFIO_GROUP_FLAGS_VIABLE);
		result_number(ret_result, "in_container",
			      !!(status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET));
	}
	if (opened)
		run->target->ops->close(run->proc, fd);
	return run_answer(run, answer, ret_result);
}

static const char *const status_gives[] = { "viable", "in_container", NULL };
static const char *const nothing[] = { NULL };

/* ---- Either mode ------------------------------------------------------- */

#define EITHER(verb_)                                                                              \
	static int verb_##_run(struct run *run, const struct step *step, struct result *ret_result) \
	{                                                                                          \
		return run->play->mode == MODE_IOMMUFD ? verb_ioas_##verb_(run, step, ret_result) :     \
							 container_##verb_(run, step, ret_result); \
	}

EITHER(attach)
EITHER(detach)
EITHER(map)
EITHER(unmap)
EITHER(info)

const struct verb verbs_space[] = {
	{
		.name = "attach",
		.about = "bring a device into a space; the first one makes the space",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ "to", ARG_NAME, true, NULL },
			{ "type", ARG_CHOICE, false, type_names },
			{ "open", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = attach_run,
		.play = attach_play,
	},
	{
		.name = "detach",
		.about = "close the device and take its group out of its space",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = detach_run,
		.play = detach_play,
	},
	{
		.name = "map",
		.about = "let devices of a space reach memory at an iova",
		.fields = (const struct verb_field[]){
			{ "in", ARG_NAME, false, NULL },
			{ "iova", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "from", ARG_TEXT, false, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ "access", ARG_CHOICE, false, access_names },
			{ NULL } },
		.gives = nothing,
		.run = map_run,
		.play = map_play,
	},
	{
		.name = "unmap",
		.about = "take a mapping away; gives the size that was unmapped",
		.fields = (const struct verb_field[]){
			{ "in", ARG_NAME, false, NULL },
			{ "iova", ARG_NUMBER, false, NULL },
			{ "size", ARG_NUMBER, false, NULL },
			{ "all", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = unmap_gives,
		.run = unmap_run,
		.play = unmap_play,
	},
	{
		.name = "info",
		.about = "ask a space what it can map",
		.fields = (const struct verb_field[]){
			{ "in", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = info_gives,
		.run = info_run,
	},
	{
		.name = "status",
		.about = "ask the device's group whether it is viable and in a container",
		.fields = (const struct verb_field[]){
			{ "device", ARG_DEVICE, true, NULL },
			{ NULL } },
		.gives = status_gives,
		.run = status_run,
	},
	{ .name = NULL },
};
