/* SPDX-License-Identifier: MIT */
/* The upper folders: the root, dev/, ctl/, sys/ and what only leads further down. */
#include "front/sysfs/sysfs.h"

#include <string.h>

#include "machine/kernel.h"

/* ---- dev/iommu, dev/vfio ---- */

static const struct node_type container_node = { .kind = NODE_CONTAINER, .permissions = 0666 };
static const struct node_type group_node = { .kind = NODE_GROUP, .permissions = 0600 };
static const struct node_type cdev_node = { .kind = NODE_CDEV, .permissions = 0600 };

static void list_cdevs(struct listing *listing, const struct subject *subject)
{
	sysfs_list_cdevs(listing, &cdev_node);
}

/* There even when it is empty: it is where the cdevs' own connection is mounted. */
static const struct node_type cdevs_folder = {
	.kind = NODE_FOLDER, .permissions = 0755, .list = list_cdevs,
};

static void list_dev_vfio(struct listing *listing, const struct subject *subject)
{
	struct vfiosim *sim = listing_sim(listing);

	listing_put(listing, "vfio", &container_node, subject);
	if (kernel_has_cdevs(sim))
		listing_put(listing, "devices", &cdevs_folder, subject);
	for (uint32_t i = 0; i < sim->n_groups; i++) {
		struct subject group = { .group = sim->groups[i] };
		char name[24];

		if (!sysfs_group_present(sim, group.group))
			continue;
		group_node_name(group.group, name, sizeof(name));
		listing_put(listing, name, &group_node, &group);
	}
}

static bool has_iommufd(const struct vfiosim *sim, const struct subject *subject)
{
	return kernel_has_iommufd(sim);
}

static const struct entry dev_entries[] = {
	{ "iommu", { .kind = NODE_IOMMUFD, .permissions = 0660 }, has_iommufd },
	FOLDER("vfio", list_dev_vfio),
	{ NULL },
};

static void list_dev(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, dev_entries, subject);
}

/* ---- ctl ---- */

static int text_state(struct tree *tree, struct vfiosim_caller *caller, char **ret_text)
{
	return vfiosim_state_json(tree_sim(tree), ret_text);
}

static const struct entry ctl_entries[] = {
	{ "state", { .kind = NODE_STATE, .permissions = 0444, .text = text_state } },
	{ "ctl", { .kind = NODE_CONTROL, .permissions = 0666 } },
	{ "last", { .kind = NODE_STATE, .permissions = 0444, .text = tree_last } },
	/* /dev/iommu of a run is a link to it: a file bound over that name would be one dentry
	   for all opens. */
	{ "iommu", { .kind = NODE_IOMMUFD, .permissions = 0660 }, has_iommufd },
	{ NULL },
};

static void list_ctl(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, ctl_entries, subject);
}

/* ---- sys ---- */

static const struct entry kernel_entries[] = {
	FOLDER("iommu_groups", sysfs_list_iommu_groups),
	{ NULL },
};

static void list_kernel(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, kernel_entries, subject);
}

static bool has_mdev_types(const struct vfiosim *sim, const struct subject *subject)
{
	return sim->topology->n_mdev_types > 0;
}

/* ---- class/misc and devices/virtual/misc ---- */

struct misc {
	const char *name, *node, *mode;
	unsigned minor;
};
static const struct misc miscs[] = {
	{ "iommu", "iommu", "0660", IOMMU_MINOR },
	{ "vfio", "vfio/vfio", "0666", VFIO_MINOR },
};

static void target_misc(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/devices/virtual/misc/%s", miscs[subject->number].name);
}

static void target_class_misc(const struct vfiosim *sim, const struct subject *subject, char *to)
{
	snprintf(to, SYSFS_PATH_MAX, "sys/class/misc");
}

static void show_misc_dev(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	fprintf(to, "%d:%u\n", MISC_MAJOR, miscs[subject->number].minor);
}

static void show_misc_uevent(struct vfiosim *sim, const struct subject *subject, FILE *to)
{
	const struct misc *misc = &miscs[subject->number];

	fprintf(to, "MAJOR=%d\nMINOR=%u\nDEVNAME=%s\nDEVMODE=%s\n", MISC_MAJOR, misc->minor,
		misc->node, misc->mode);
}

static const struct entry misc_entries[] = {
	ATTR("dev", 0444, show_misc_dev, NULL),
	FOLDER("power", sysfs_list_nothing),
	LINK("subsystem", target_class_misc),
	ATTR("uevent", 0644, show_misc_uevent, sysfs_store_uevent),
	{ NULL },
};

static void list_misc(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, misc_entries, subject);
}

static void put_miscs(struct listing *listing, const struct node_type *type)
{
	for (unsigned i = 0; i < sizeof(miscs) / sizeof(miscs[0]); i++) {
		struct subject about = { .number = i };

		if (miscs[i].minor == IOMMU_MINOR && !kernel_has_iommufd(listing_sim(listing)))
			continue;
		listing_put(listing, miscs[i].name, type, &about);
	}
}

static void list_class_misc(struct listing *listing, const struct subject *subject)
{
	static const struct node_type link = {
		.kind = NODE_LINK, .permissions = 0777, .target = target_misc,
	};

	put_miscs(listing, &link);
}

static void list_virtual_misc(struct listing *listing, const struct subject *subject)
{
	static const struct node_type folder = {
		.kind = NODE_FOLDER, .permissions = 0755, .list = list_misc,
	};

	put_miscs(listing, &folder);
}

static const struct entry class_entries[] = {
	FOLDER("misc", list_class_misc),
	FOLDER("vfio", sysfs_list_class_vfio),
	FOLDER("vfio-dev", sysfs_list_class_vfio_dev),
	FOLDER("iommu", sysfs_list_class_iommu),
	FOLDER("mdev_bus", sysfs_list_mdev_bus, has_mdev_types),
	{ NULL },
};

static void list_class(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, class_entries, subject);
}

static const struct entry virtual_entries[] = {
	FOLDER("misc", list_virtual_misc),
	FOLDER("vfio", sysfs_list_virtual_vfio),
	FOLDER("iommu", sysfs_list_virtual_iommu),
	{ NULL },
};

static void list_virtual(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, virtual_entries, subject);
	sysfs_list_mdev_parents(listing, subject);
}

static const struct entry virtual_entry[] = {
	FOLDER("virtual", list_virtual),
	{ NULL },
};

static void list_devices(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, virtual_entry, subject);
	sysfs_list_root_buses(listing, subject);
}

static const struct entry sys_entries[] = {
	FOLDER("bus", sysfs_list_buses),
	FOLDER("class", list_class),
	FOLDER("devices", list_devices),
	FOLDER("kernel", list_kernel),
	FOLDER("module", sysfs_list_modules),
	{ NULL },
};

static void list_sys(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, sys_entries, subject);
}

static const struct entry root_entries[] = {
	FOLDER("dev", list_dev),
	FOLDER("sys", list_sys),
	FOLDER("ctl", list_ctl),
	{ NULL },
};

static void list_root(struct listing *listing, const struct subject *subject)
{
	listing_table(listing, root_entries, subject);
}

const struct node_type sysfs_root = {
	.kind = NODE_FOLDER, .permissions = 0755, .list = list_root,
};
