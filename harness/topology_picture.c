/* SPDX-License-Identifier: MIT */
/* See topology_picture.h. */
#include "topology_picture.h"

#include <stdint.h>
#include <string.h>

#include <vfiosim/topology.h>

#define COLUMN 44	/* where groups begin */
#define DEPTH_MAX 64	/* bytes of branches in front of a device */

struct tree {
	const struct vfiosim_topology *topology;
	bool ascii;
	FILE *to;
};

/* Columns that @text takes: a sign that is no ASCII has two more bytes. */
static int columns(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* ---- Groups ------------------------------------------------------------ */

/* The devices that are given out together with @device. */
static void put_siblings(const struct tree *tree, const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topology *topology = tree->topology;
	bool any = false;

	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *other = &topology->devices[i];

		if (other == device || other->group != device->group)
			continue;
		fprintf(tree->to, "%s%s", any ? ", " : ", together with ", other->name);
		any = true;
	}
}

static void put_group(const struct tree *tree, const struct vfiosim_topo_device *device)
{
	const struct vfiosim_topo_group *group =
		device->group >= 0 ? &tree->topology->groups[device->group] : NULL;

	if (!group) {
		fputs("in no group", tree->to);
		return;
	}
	fprintf(tree->to, "%sgroup %u, %s", group->noiommu ? "noiommu " : "", group->number,
		group->iommu >= 0 ? tree->topology->iommus[group->iommu].name : "no IOMMU");
	put_siblings(tree, device);
}

/* ---- The tree ---------------------------------------------------------- */

static const char *kind_of(const struct vfiosim_topo_device *device)
{
	if (device->kind == VFIOSIM_DEVICE_MDEV)
		return "mdev";
	if (device->kind == VFIOSIM_DEVICE_BRIDGE)
		return *device->model ? device->model : "bridge";
	return *device->driver ? device->driver : "no driver";
}

static bool sits_on(const struct vfiosim_topo_device *device, const char *parent, bool mdev)
{
	return (device->kind == VFIOSIM_DEVICE_MDEV) == mdev && !strcmp(device->parent, parent);
}

static const struct vfiosim_topo_device *next_on(const struct tree *tree, const char *parent, bool mdev,
						 const struct vfiosim_topo_device *after)
{
	const struct vfiosim_topology *topology = tree->topology;

	for (size_t i = after ? (size_t)(after - topology->devices) + 1 : 0; i < topology->n_devices; i++)
		if (sits_on(&topology->devices[i], parent, mdev))
			return &topology->devices[i];
	return NULL;
}

/* All that sits on @parent. @before: the branches that stand in front of it. */
static void put_children(const struct tree *tree, const char *parent, bool mdev, const char *before)
{
	const struct vfiosim_topo_device *device = next_on(tree, parent, mdev, NULL), *next;

	for (; device; device = next) {
		char head[200], below[DEPTH_MAX];

		next = next_on(tree, parent, mdev, device);
		snprintf(head, sizeof(head), "%s%s%s (%s)", before,
			 tree->ascii ? (next ? "|-- " : "`-- ") : (next ? "├── " : "└── "), device->name,
			 kind_of(device));
		fprintf(tree->to, "%s%*s ", head,
			columns(head) < COLUMN ? COLUMN - columns(head) : 0, "");
		put_group(tree, device);
		putc('\n', tree->to);
		snprintf(below, sizeof(below), "%s%s", before,
			 !next ? "    " : tree->ascii ? "|   " : "│   ");
		if (!mdev)
			put_children(tree, device->address, false, below);
	}
}

static bool is_first_of_parent(const struct tree *tree, const struct vfiosim_topo_device *device)
{
	return next_on(tree, device->parent, true, NULL) == device;
}

void topology_picture(const struct vfiosim_topology *topology, bool ascii, FILE *to)
{
	const struct tree tree = { topology, ascii, to };

	fprintf(to, "%s%s%s\n\n", topology->name, *topology->about ? ": " : "", topology->about);
	for (size_t i = 0; i < topology->n_iommus; i++)
		fprintf(to, "IOMMU %s translates iovas up to 0x%llx\n", topology->iommus[i].name,
			(unsigned long long)topology->iommus[i].aperture.last);
	fprintf(to, "%s%-*s the group, and the IOMMU behind which it is\n", topology->n_iommus ? "\n" : "",
		COLUMN, "PCI");
	put_children(&tree, "", false, "");
	for (size_t i = 0; i < topology->n_devices; i++) {
		const struct vfiosim_topo_device *device = &topology->devices[i];

		if (device->kind != VFIOSIM_DEVICE_MDEV || !is_first_of_parent(&tree, device))
			continue;
		fprintf(to, "%s, a driver with mdevs\n", *device->parent ? device->parent : device->driver);
		put_children(&tree, device->parent, true, "");
	}
}
