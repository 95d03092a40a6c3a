/* SPDX-License-Identifier: MIT */
/* Groups, their reserved regions, and the IOMMUs that they are behind. See record.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "record/record.h"
#include "record/sysfs.h"
#include "resv.h"

/* ---- Reserved regions ---- */

/* sysfs says "msi" of both kinds. Drivers put the software one where MSI_IOVA_BASE is. */
static bool is_software_msi(const struct vfiosim_resv *resv)
{
	return resv->type == VFIOSIM_RESV_MSI && resv->range.first == 0x8000000;
}

static void add_resv(struct recorded_resv *list, const struct vfiosim_resv *resv)
{
	if (list->n == RECORD_RESV_MAX)
		return;
	list->items[list->n] = *resv;
	if (is_software_msi(resv))
		list->items[list->n].type = VFIOSIM_RESV_SW_MSI;
	list->n++;
}

static void take_resv_line(const char *line, struct recorded_resv *list)
{
	struct vfiosim_resv resv;
	char word[32];

	if (sscanf(line, "%" SCNx64 " %" SCNx64 " %31s", &resv.range.first, &resv.range.last, word) != 3 ||
	    resv.range.first > resv.range.last)
		return;
	if (resv_from_word(word, &resv.type))
		add_resv(list, &resv);
}

static void read_resv(int sysfs, struct recorded_group *group)
{
	char path[SYSFS_PATH], text[4096], *rest = text;
	ssize_t n;

	sysfs_path(path, "kernel/iommu_groups/%u/reserved_regions", group->number);
	n = sysfs_bytes(sysfs, path, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	group->unread = n < 0;
	for (const char *line; (line = strsep(&rest, "\n"));)
		take_resv_line(line, &group->resv);
}

static bool same_resv(const struct vfiosim_resv *a, const struct vfiosim_resv *b)
{
	return a->range.first == b->range.first && a->range.last == b->range.last && a->type == b->type;
}

static bool has_resv(const struct recorded_resv *list, const struct vfiosim_resv *resv)
{
	for (size_t i = 0; i < list->n; i++)
		if (same_resv(&list->items[i], resv))
			return true;
	return false;
}

/* ---- Groups ---- */

int record_add_group(int sysfs, const char *link, struct recorded *recorded, int *ret_group)
{
	struct recorded_group *group;
	char path[SYSFS_PATH], name[RECORD_NAME], *end;
	unsigned long number;

	*ret_group = -1;
	if (sysfs_link_name(sysfs, link, name, sizeof(name)))
		return 0;
	number = strtoul(name, &end, 10);
	if (end == name || *end || number > 0xffffff)
		return 0;
	for (size_t i = 0; i < recorded->n_groups; i++)
		if (recorded->groups[i].number == number) {
			*ret_group = (int)i;
			return 0;
		}
	if (!list_room(&recorded->groups, recorded->n_groups, sizeof(*group), NULL))
		return -ENOMEM;
	group = &recorded->groups[recorded->n_groups];
	*ret_group = (int)recorded->n_groups++;
	*group = (struct recorded_group){ .number = (uint32_t)number, .iommu = -1 };
	sysfs_path(path, "kernel/iommu_groups/%s/name", name);
	sysfs_line(sysfs, path, name, sizeof(name));
	group->noiommu = !strcmp(name, "vfio-noiommu");
	read_resv(sysfs, group);
	return 0;
}

/* ---- IOMMUs ---- */

static void read_vtd(int sysfs, struct recorded_iommu *iommu)
{
	char path[SYSFS_PATH];

	sysfs_path(path, "class/iommu/%s/intel-iommu", iommu->name);
	iommu->is_vtd = sysfs_exists(sysfs, path);
	sysfs_path(path, "class/iommu/%s/intel-iommu/cap", iommu->name);
	iommu->has_registers = !sysfs_number(sysfs, path, 16, &iommu->cap);
	sysfs_path(path, "class/iommu/%s/intel-iommu/ecap", iommu->name);
	iommu->has_registers &= !sysfs_number(sysfs, path, 16, &iommu->ecap);
}

/* Index of the IOMMU called @name, which is added if it is new. -ENOMEM. */
static int find_iommu(int sysfs, struct recorded *recorded, const char *name)
{
	struct recorded_iommu *iommu;

	for (size_t i = 0; i < recorded->n_iommus; i++)
		if (!strcmp(recorded->iommus[i].name, name))
			return (int)i;
	if (!list_room(&recorded->iommus, recorded->n_iommus, sizeof(*iommu), NULL))
		return -ENOMEM;
	iommu = &recorded->iommus[recorded->n_iommus];
	*iommu = (struct recorded_iommu){ 0 };
	snprintf(iommu->name, sizeof(iommu->name), "%s", name);
	read_vtd(sysfs, iommu);
	return (int)recorded->n_iommus++;
}

/* What every group behind an IOMMU has reserved is the IOMMU's. */
static void move_resv(struct recorded *recorded, int iommu)
{
	struct recorded_resv *common = &recorded->iommus[iommu].resv;
	bool first = true;

	for (size_t i = 0; i < recorded->n_groups; i++) {
		const struct recorded_group *group = &recorded->groups[i];
		size_t kept = 0;

		if (group->iommu != iommu || group->unread)
			continue;
		if (first)
			*common = group->resv;
		first = false;
		for (size_t k = 0; k < common->n; k++)
			if (has_resv(&group->resv, &common->items[k]))
				common->items[kept++] = common->items[k];
		common->n = kept;
	}
	for (size_t i = 0; i < recorded->n_groups; i++) {
		struct recorded_resv *own = &recorded->groups[i].resv;
		size_t kept = 0;

		if (recorded->groups[i].iommu != iommu)
			continue;
		for (size_t k = 0; k < own->n; k++)
			if (!has_resv(common, &own->items[k]))
				own->items[kept++] = own->items[k];
		own->n = kept;
	}
}

int record_read_iommus(int sysfs, struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->n_devices; i++) {
		const struct recorded_device *device = &recorded->devices[i];
		int iommu;

		if (device->group < 0 || recorded->groups[device->group].noiommu ||
		    recorded->groups[device->group].iommu >= 0)
			continue;
		iommu = find_iommu(sysfs, recorded, *device->iommu ? device->iommu : "iommu0");
		if (iommu < 0)
			return iommu;
		recorded->groups[device->group].iommu = iommu;
	}
	for (size_t i = 0; i < recorded->n_iommus; i++)
		move_resv(recorded, (int)i);
	return 0;
}
