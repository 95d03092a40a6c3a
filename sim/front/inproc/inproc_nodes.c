/* SPDX-License-Identifier: MIT */
/* The device nodes as in-process clients see them: from a path to what it stands for now. */
#include "front/inproc/inproc_nodes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/device.h"
#include "machine/kernel.h"
#include "machine/lock.h"
#include "vfio/device.h"
#include "vfio/group.h"
#include "vfio/node.h"
#include "machine/sim.h"

/* Is there a node of this name below /dev/vfio now? Its group's index. */
static int find_group(struct vfiosim *sim, const char *name, uint32_t *ret_index)
{
	int rc = -ENOENT;

	lock_take(sim);
	for (uint32_t i = 0; i < sim->n_groups && rc; i++) {
		const struct iommu_group *group = sim->groups[i];
		char node[32];

		if (!group_has_node(sim, group))
			continue;
		group_node_name(group, node, sizeof(node));
		if (strcmp(node, name))
			continue;
		*ret_index = i;
		rc = 0;
	}
	lock_release(sim);
	return rc;
}

/* The device that vfioN names now, by its index. */
static int find_cdev(struct vfiosim *sim, const char *name, uint32_t *ret_index)
{
	int rc = -ENOENT;

	lock_take(sim);
	for (uint32_t i = 0; i < sim->n_devices && rc; i++) {
		const struct device *dev = sim->devices[i];
		char node[CDEV_NAME];

		if (!vfio_device_has_cdev(dev))
			continue;
		cdev_node_name(dev, node, sizeof(node));
		if (strcmp(node, name))
			continue;
		*ret_index = i;
		rc = 0;
	}
	lock_release(sim);
	return rc;
}

typedef int open_by_index(struct vfiosim *sim, struct vfiosim_caller *caller, uint32_t index,
			  struct vfiosim_file **ret_file);

int inproc_open_node(struct vfiosim *sim, struct vfiosim_caller *caller, const char *path,
		     struct vfiosim_file **ret_file)
{
	static const struct {
		const char *folder;
		int (*find)(struct vfiosim *sim, const char *name, uint32_t *ret_index);
		open_by_index *open;
	} folders[] = {
		{ "/dev/vfio/devices/", find_cdev, vfiosim_open_cdev },
		{ "/dev/vfio/", find_group, vfiosim_open_group },
	};
	static const char nodes[] = "/dev/vfio/";
	uint32_t index;
	int rc;

	if (!strcmp(path, "/dev/vfio/vfio"))
		return vfiosim_open_container(sim, caller, ret_file);
	if (!strcmp(path, "/dev/iommu") && kernel_has_iommufd(sim))
		return vfiosim_open_iommufd(sim, caller, ret_file);
	for (size_t i = !kernel_has_cdevs(sim); i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t length = strlen(folders[i].folder);

		if (strncmp(path, folders[i].folder, length))
			continue;
		rc = folders[i].find(sim, path + length, &index);
		if (!rc)
			return folders[i].open(sim, caller, index, ret_file);
		break;
	}
	if (strncmp(path, nodes, strlen(nodes)))
		return -ENOENT;
	return vfio_no_node(sim, caller, path + strlen(nodes));
}
