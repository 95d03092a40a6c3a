/* SPDX-License-Identifier: MIT */
/*
 * What the tree is made of: types of nodes, and how a folder says what is in it
 * now. tree.c walks and remembers, sysfs_*.c fill in.
 *
 * A node is a type (what one can do with it) and a subject (what it is about).
 * Folders list their entries each time they are asked; nothing is kept that the
 * machine knows better.
 *
 * Everything here is called with the machine's lock held, unless said otherwise.
 */
#ifndef SIM_FRONT_SYSFS_SYSFS_H
#define SIM_FRONT_SYSFS_SYSFS_H

#include <stdio.h>

#include "bus/bus.h"
#include "vfio/group.h"
#include "machine/sim.h"
#include "front/sysfs/tree.h"
#include "vfio/device.h"

#define SYSFS_NAME_MAX 80
#define SYSFS_PATH_MAX 1200

/* Numbers of device nodes; the two without a name of their own as the facts' machine has them. */
#define MISC_MAJOR 10
#define VFIO_MINOR 196
#define IOMMU_MINOR 258
#define GROUP_MAJOR 248
#define CDEV_MAJOR 247

/* What a node is about: those that apply, the rest is 0. Its pointers live as long as the machine. */
struct subject {
	struct device *dev;
	struct iommu_group *group;
	const struct iommu *iommu;
	const struct iommu_attribute *attribute;	/* of iommu */
	const struct vfiosim_topo_mdev_type *type;
	const char *name;	/* of a driver, or of the parent of mdevs */
	unsigned number;	/* index of a BAR; number of a root bus: domain << 8 | bus */
};

struct listing;

struct node_type {
	enum node_kind kind;
	mode_t permissions;
	/* NODE_FOLDER: listing_put() for each entry. */
	void (*list)(struct listing *listing, const struct subject *subject);
	/* NODE_LINK: the target's path from the root, "sys/devices/...", SYSFS_PATH_MAX bytes. */
	void (*target)(const struct vfiosim *sim, const struct subject *subject, char *to);
	/* NODE_ATTRIBUTE: print the text; NULL: write-only. */
	void (*show)(struct vfiosim *sim, const struct subject *subject, FILE *to);
	/* NODE_ATTRIBUTE: 0 (all was taken), a refusal, CALL_PARKED; NULL: read-only. @text is
	   NUL-terminated behind its @length bytes. */
	int (*store)(struct call *call, const struct subject *subject, const char *text,
		     size_t length);
	/* NODE_BINARY */
	uint64_t (*size)(const struct vfiosim *sim, const struct subject *subject);
	ssize_t (*pread)(struct vfiosim *sim, const struct subject *subject, void *to, size_t length,
			 uint64_t offset);
	/* NODE_STATE, no lock held: a malloc'ed text. */
	int (*text)(struct tree *tree, struct vfiosim_caller *caller, char **ret_text);
};

/* An attribute, or any other entry, as a row of a folder's table. */
struct entry {
	const char *name;		/* NULL ends a table */
	struct node_type type;
	bool (*present)(const struct vfiosim *sim, const struct subject *subject);	/* NULL: always */
};

#define FOLDER(name_, list_, ...) \
	{ name_, { .kind = NODE_FOLDER, .permissions = 0755, .list = (list_) }, __VA_ARGS__ }
#define LINK(name_, target_, ...) \
	{ name_, { .kind = NODE_LINK, .permissions = 0777, .target = (target_) }, __VA_ARGS__ }
#define ATTR(name_, mode_, show_, store_, ...)                                         \
	{ name_, { .kind = NODE_ATTRIBUTE, .permissions = (mode_), .show = (show_),    \
		   .store = (store_) }, __VA_ARGS__ }

/* The machine a listing is about. */
struct vfiosim *listing_sim(const struct listing *listing);
/* One entry; @type must live for ever. */
void listing_put(struct listing *listing, const char *name, const struct node_type *type,
		 const struct subject *subject);
/* There is no memory to list it. */
void listing_fail(struct listing *listing);
/* All rows of a table that are present, about the same subject as their folder. */
void listing_table(struct listing *listing, const struct entry *table,
		   const struct subject *subject);

/* ctl/last as tree_set_last() says. */
int tree_last(struct tree *tree, struct vfiosim_caller *caller, char **ret_text);
struct vfiosim *tree_sim(struct tree *tree);

/* ---- The rooms: folders of one another ---- */

/* sysfs_root.c: also dev/, and misc/ of class/ and devices/virtual/ */
extern const struct node_type sysfs_root;
/* sysfs_pci.c: devices/pciDDDD:BB, and the folder of one PCI device */
void sysfs_list_root_buses(struct listing *listing, const struct subject *subject);
extern const struct node_type sysfs_pci_device;
/* The lowest and the highest bus number below a bridge; false: nothing is there. */
bool sysfs_buses_below(const struct vfiosim *sim, const struct device *bridge, unsigned *ret_first,
		       unsigned *ret_last);
/* Has it reset, reset_method? Mirrors pci_dev_reset_attr_is_visible (6.12). */
bool sysfs_can_reset(const struct vfiosim *sim, const struct subject *subject);
/* sysfs_pci_files.c: the files of that folder that are bytes */
void sysfs_list_resources(struct listing *listing, const struct subject *subject);
void sysfs_show_resource(struct vfiosim *sim, const struct subject *subject, FILE *to);
/* sysfs_pci_settings.c: those that are written */
void sysfs_list_settings(struct listing *listing, const struct subject *subject);
/* sysfs_bus.c: bus/pci, bus/mdev */
void sysfs_list_buses(struct listing *listing, const struct subject *subject);
/* sysfs_mdev.c: class/mdev_bus, devices/virtual/PARENT */
void sysfs_list_mdev_bus(struct listing *listing, const struct subject *subject);
void sysfs_list_mdev_parents(struct listing *listing, const struct subject *subject);
/* sysfs_group.c: kernel/iommu_groups, class/{vfio,vfio-dev,iommu}, devices/virtual/{vfio,iommu} */
void sysfs_list_iommu_groups(struct listing *listing, const struct subject *subject);
void sysfs_list_class_vfio(struct listing *listing, const struct subject *subject);
void sysfs_list_class_vfio_dev(struct listing *listing, const struct subject *subject);
/* Every cdev, as a node of @type. */
void sysfs_list_cdevs(struct listing *listing, const struct node_type *type);
void sysfs_list_class_iommu(struct listing *listing, const struct subject *subject);
void sysfs_list_virtual_vfio(struct listing *listing, const struct subject *subject);
void sysfs_list_virtual_iommu(struct listing *listing, const struct subject *subject);
/* vfio-dev/ of a device bound to a vfio driver; for its folder's table. */
void sysfs_list_vfio_dev(struct listing *listing, const struct subject *subject);
bool sysfs_has_vfio_dev(const struct vfiosim *sim, const struct subject *subject);
/* sysfs_module.c: module/ */
/* The module of a driver is called as the driver, with '_' for '-'. */
void sysfs_module_name(const struct device_driver *driver, char *to, size_t size);
void sysfs_list_modules(struct listing *listing, const struct subject *subject);

/* ---- Shared by rows (sysfs_common.c) ---- */

/* "sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0", "sys/devices/virtual/mtty/mtty/UUID" */
void sysfs_device_path(const struct vfiosim *sim, const struct device *dev, char *to);
/* Number of the root bus a PCI device hangs below: domain << 8 | bus. */
unsigned sysfs_root_bus(const struct vfiosim *sim, const struct device *dev);
/* The PCI device with this address, by the topology; NULL. */
struct device *sysfs_find_pci(const struct vfiosim *sim, const char *address);
/* Did a vfio driver make it, for a device without an IOMMU? It goes with the driver. */
bool sysfs_group_is_drivers(const struct iommu_group *group);
/* Is the group's node (and its class entry) there? */
bool sysfs_group_present(const struct vfiosim *sim, const struct iommu_group *group);

/* Tables' usual rows. */
void sysfs_target_device(const struct vfiosim *sim, const struct subject *subject, char *to);
void sysfs_target_driver(const struct vfiosim *sim, const struct subject *subject, char *to);
void sysfs_target_group(const struct vfiosim *sim, const struct subject *subject, char *to);
bool sysfs_has_driver(const struct vfiosim *sim, const struct subject *subject);
bool sysfs_has_group(const struct vfiosim *sim, const struct subject *subject);
/* power/ and other folders whose contents nobody asks for. */
void sysfs_list_nothing(struct listing *listing, const struct subject *subject);
/* uevent: an action ("add"), then perhaps a UUID and KEY=VALUE. Mirrors kobject_synth_uevent (7.2). */
int sysfs_store_uevent(struct call *call, const struct subject *subject, const char *text,
		       size_t length);
/* remove: of any device; 0 is taken and does nothing. Mirrors remove_store (7.2). */
int sysfs_store_remove(struct call *call, const struct subject *subject, const char *text,
		       size_t length);
/* rescan: of all buses, or of the one that a device is on. Mirrors rescan_store, dev_rescan_store (7.2). */
int sysfs_store_rescan(struct call *call, const struct subject *subject, const char *text,
		       size_t length);
/* An unsigned number. */
int sysfs_store_number(struct call *call, const char *attribute, const char *text, uint64_t *ret);
/* Stores Y, y, 1, N, n, 0, on, off as the kernel's kstrtobool. */
int sysfs_store_bool(struct call *call, const char *attribute, const char *text, bool *ret_bool);

#endif
