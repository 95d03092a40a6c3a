/* SPDX-License-Identifier: MIT */
/* IOMMU groups, their vfio nodes' classes, the devices' vfio-dev, and the IOMMUs. */
#include "front/sysfs/sysfs.h"

#include <stdlib.h>
#include <string.h>

#include "iommu/iommu.h"
#include "iommu/resv.h"
#include "machine/kernel.h"

/* ---- kernel/iommu_groups/N ---- */

static const struct node_type device_link = {
	.kind = NODE_LINK, .permissions = 0777, .target = sysfs_target_device,
};

static void list_group_devices(struct listing *listing, const struct subject *subject)
{
	struct device *dev;

	TAILQ_FOREACH(dev, &subject->group->devices, in_group) {
		struct subject about = { .dev = dev };

		listing_put(listing, dev->topo->address, &device_link, &about);
	}
}

static int compare_resv(const void *one, const void *other)
{
	const struct vfiosim_resv *a = one, *b = other;

	if (a->range.first != b->range.first)
		return a->range.first < b->range.first ? -1 : 1;
	return (int)a->type - (int)b->type;
}

/* Takes @resv into the last of the @n that are there if it overlaps that, being of its type. */
static bool merged(struct vfiosim_resv *list, size_t n, const struct vfiosim_resv *resv)
{
	struct vfiosim_resv *last = &list[n - 1];

	if (!n || last->type != resv->type || resv->range.first > last->range.last)
		return false;
	if (resv->range.last > last->range.last)
		last->range.last = resv->range.last;
	return true;
}

/* In ascending order, those that overlap as one. Mirrors iommu_insert_resv_region (7.2). */
static void show_reserved(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	struct vfiosim_resv *sorted;
	size_t n = 0, kept = 0;

	while (iommu_group_resv(subject->group, n))
		n++;
	sorted = malloc((n + 1) * sizeof(*sorted));
	if (!sorted)
		return;
	for (size_t i = 0; i < n; i++)
		sorted[i] = *iommu_group_resv(subject->group, i);
	qsort(sorted, n, sizeof(*sorted), compare_resv);
	for (size_t i = 0; i < n; i++)
		if (!merged(sorted, kept, &sorted[i]))
			sorted[kept++] = sorted[i];
	for (size_t i = 0; i < kept; i++)
		fprintf(to, "0x%016llx 0x%016llx %s\n", (unsigned long long)sorted[i].range.first,
			(unsigned long long)sorted[i].range.last, resv_type_name(sorted[i].type));
	free(sorted);
}

static void show_group_type(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%s\n", subject->group->iommu ? subject->group->default_domain : "unknown");
}

static int store_group_type(struct call *call, const struct subject *subject, const char *text,
			    size_t length)
{
	static const char *const types[] = { "identity", "DMA", "DMA-FQ" };
	struct iommu_group *group = subject->group;
	size_t n = strcspn(text, "\n");
	char word[24] = "";

	if (n < sizeof(word))
		memcpy(word, text, n);
	if (!strcmp(word, "auto"))
		strcpy(word, "DMA");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i], word))
			continue;
		if (group->owner_cnt)
			return refuse(call, RULE_GROUP_TYPE_OWNED, V("group", group->number));
		group->default_domain = types[i];
		return 0;
	}
	return refuse(call, RULE_ATTRIBUTE_VALUE, VS("text", word), VS("attribute", "type"));
}

/* Groups VFIO makes itself, for devices without an IOMMU, have a name; both kinds the same. */
static bool has_name(const struct vfiosim *sim, const struct subject *subject)
{
	return !subject->group->iommu;
}

static void show_name(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "vfio-noiommu\n");
}

static const struct entry group_entries[] = {
	FOLDER("devices", list_group_devices),
	ATTR("name", 0444, show_name, NULL, has_name),
	ATTR("reserved_regions", 0444, show_reserved, NULL),
	ATTR("type", 0644, show_group_type, store_group_type),
	{ NULL },
};

static void list_group(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, group_entries, subject);
}

static const struct node_type group_folder = {
	.kind = NODE_FOLDER, .permissions = 0755, .list = list_group,
};

/* A topology may call a group noiommu-0 beside a group 0; here the number is that one's. */
static bool number_taken(const struct vfiosim *sim, const struct iommu_group *group)
{
	for (uint32_t i = 0; i < sim->n_groups; i++)
		if (!sim->groups[i]->noiommu && !sim->groups[i]->gone &&
		    sim->groups[i]->number == group->number)
			return true;
	return false;
}

void sysfs_list_iommu_groups(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_groups; i++) {
		struct subject about = { .group = sim->groups[i] };
		char name[24];

		if (about.group->gone)
			continue;
		if (sysfs_group_is_drivers(about.group) && !sysfs_group_present(sim, about.group))
			continue;
		if (about.group->noiommu && number_taken(sim, about.group))
			continue;
		snprintf(name, sizeof(name), "%u", about.group->number);
		listing_put(listing, name, &group_folder, &about);
	}
}

/* ---- class/vfio and devices/virtual/vfio ---- */

static void target_virtual_vfio(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	char name[24];

	group_node_name(subject->group, name, sizeof(name));
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/vfio/%s", name);
}

static void target_class_vfio(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/class/vfio");
}

static void show_group_dev(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d:%d\n", GROUP_MAJOR, subject->group->vfio->minor);
}

static void show_group_uevent(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	char name[24];

	group_node_name(subject->group, name, sizeof(name));
	fprintf(to, "MAJOR=%d\nMINOR=%d\nDEVNAME=vfio/%s\n", GROUP_MAJOR, subject->group->vfio->minor, name);
}

static const struct entry group_class_entries[] = {
	ATTR("dev", 0444, show_group_dev, NULL),
	FOLDER("power", sysfs_list_nothing),
	LINK("subsystem", target_class_vfio),
	ATTR("uevent", 0644, show_group_uevent, sysfs_store_uevent),
	{ NULL },
};

static void list_group_class(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, group_class_entries, subject);
}

static void put_groups(struct listing *listing, const struct node_type *type)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_groups; i++) {
		struct subject about = { .group = sim->groups[i] };
		char name[24];

		if (!sysfs_group_present(sim, about.group))
			continue;
		group_node_name(about.group, name, sizeof(name));
		listing_put(listing, name, type, &about);
	}
}

void sysfs_list_class_vfio(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_virtual_vfio,
	};

	put_groups(listing, &link);
}

void sysfs_list_virtual_vfio(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_group_class,
	};

	put_groups(listing, &folder);
}

/* ---- vfio-dev/vfioN of a device, and class/vfio-dev ---- */

bool sysfs_has_vfio_dev(const struct vfiosim *sim, const struct subject *subject)
{
	return vfio_device_has_cdev(subject->dev);
}

static void show_cdev(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d:%d\n", CDEV_MAJOR, subject->dev->vfio->cdev);
}

static void show_cdev_uevent(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	char name[CDEV_NAME];

	if (!kernel_has_cdevs(sim))
		return;
	cdev_node_name(subject->dev, name, sizeof(name));
	fprintf(to, "MAJOR=%d\nMINOR=%d\nDEVNAME=vfio/devices/%s\n", CDEV_MAJOR,
		subject->dev->vfio->cdev, name);
}

static void target_class_vfio_dev(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/class/vfio-dev");
}

static bool has_cdev_node(const struct vfiosim *sim, const struct subject *subject)
{
	return kernel_has_cdevs(sim);
}

static const struct entry cdev_entries[] = {
	ATTR("dev", 0444, show_cdev, NULL, has_cdev_node),
	LINK("device", sysfs_target_device),
	FOLDER("power", sysfs_list_nothing),
	LINK("subsystem", target_class_vfio_dev),
	ATTR("uevent", 0644, show_cdev_uevent, sysfs_store_uevent),
	{ NULL },
};

static void list_cdev(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, cdev_entries, subject);
}

void sysfs_list_vfio_dev(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_cdev,
	};
	char name[CDEV_NAME];

	cdev_node_name(subject->dev, name, sizeof(name));
	listing_put(listing, name, &folder, subject);
}

static void target_cdev(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	char name[CDEV_NAME];
	size_t used;

	sysfs_device_path(sim, subject->dev, to);
	used = strlen(to);
	cdev_node_name(subject->dev, name, sizeof(name));
	snprintf(to + used, SYSFS_PATH_MAX - used, "/vfio-dev/%s", name);
}

void sysfs_list_cdevs(struct listing *listing, const struct node_type *type)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };
		char name[CDEV_NAME];

		if (!sysfs_has_vfio_dev(sim, &about))
			continue;
		cdev_node_name(about.dev, name, sizeof(name));
		listing_put(listing, name, type, &about);
	}
}

void sysfs_list_class_vfio_dev(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_cdev,
	};

	sysfs_list_cdevs(listing, &link);
}

/* ---- class/iommu and devices/virtual/iommu ---- */

static void list_iommu_devices(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	for (uint32_t i = 0; i < sim->n_devices; i++) {
		struct subject about = { .dev = sim->devices[i] };

		if (!about.dev->removed && about.dev->group &&
		    about.dev->group->iommu == subject->iommu)
			listing_put(listing, about.dev->topo->address, &device_link, &about);
	}
}

static void show_attribute(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	subject->attribute->show(subject->iommu, to);
}

/* What the unit's driver shows. */
static void list_attributes(struct listing *listing, const struct subject *subject)
{
	static const struct node_type file = {
		.kind = NODE_ATTRIBUTE, .permissions = 0444, .show = show_attribute,
	};

	for (const struct iommu_attribute *row = subject->iommu->ops->attributes; row->name; row++) {
		struct subject about = { .iommu = subject->iommu, .attribute = row };

		listing_put(listing, row->name, &file, &about);
	}
}

static void target_class_iommu(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/class/iommu");
}

static void show_nothing(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
}

static const struct entry iommu_entries[] = {
	FOLDER("devices", list_iommu_devices),
	FOLDER("power", sysfs_list_nothing),
	LINK("subsystem", target_class_iommu),
	ATTR("uevent", 0644, show_nothing, sysfs_store_uevent),
	{ NULL },
};

static void list_iommu(struct listing *listing, const struct subject *subject)
{
	static const struct node_type attributes = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_attributes,
	};
	const char *folder = subject->iommu->ops->sysfs_folder;

	if (folder)
		listing_put(listing, folder, &attributes, subject);
	listing_table(listing, iommu_entries, subject);
}

static void put_iommus(struct listing *listing, const struct node_type *type)
{
	struct vfiosim *sim = listing_sim(listing);

	for (size_t i = 0; i < sim->topology->n_iommus; i++) {
		struct subject about = { .iommu = &sim->iommus[i] };

		listing_put(listing, about.iommu->name, type, &about);
	}
}

static void target_virtual_iommu(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/iommu/%s", subject->iommu->name);
}

void sysfs_list_class_iommu(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_virtual_iommu,
	};

	put_iommus(listing, &link);
}

void sysfs_list_virtual_iommu(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_iommu,
	};

	put_iommus(listing, &folder);
}
