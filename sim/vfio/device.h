/* SPDX-License-Identifier: MIT */
/*
 * A device that a vfio driver holds: what stands behind a device descriptor. Mirrors
 * struct vfio_device (include/linux/vfio.h) and drivers/vfio/vfio_main.c (7.2).
 *
 * What it *does* (regions, interrupts, resets) is an ops table from sim/device/: vfio-pci
 * for PCI functions, a vendor model for each kind of mdev. The structures here are the
 * model's own: sim/abi/ translates.
 *
 * Life: registered by its driver's probe, opened through its group (group_get_device())
 * or by its own node (cdev_open(), cdev_bind()), closed, unregistered by the driver's
 * remove, which waits for the last descriptor. Guarded by the machine's lock.
 */
#ifndef SIM_VFIO_DEVICE_H
#define SIM_VFIO_DEVICE_H

#include "machine/device.h"

struct iommufd_access;
struct iommufd_device;
struct vfio_group;

#define REGION_COUNT 9		/* BAR 0..5, ROM, config, VGA: VFIO_PCI_NUM_REGIONS */
#define IRQ_COUNT 5		/* INTx, MSI, MSI-X, ERR, REQ: VFIO_PCI_NUM_IRQS */

struct device_info {
	bool reset, pci;	/* VFIO_DEVICE_FLAGS_RESET, _PCI */
	uint32_t n_regions, n_irqs;
};

struct region_info {
	uint64_t size, offset;
	bool readable, writable, mappable;
	bool msix_mappable;	/* capability VFIO_REGION_INFO_CAP_MSIX_MAPPABLE */
};

struct irq_info {
	uint32_t count;
	bool eventfd, maskable, automasked, noresize;
};

enum irq_data { IRQ_DATA_NONE, IRQ_DATA_BOOL, IRQ_DATA_EVENTFD };
enum irq_action { IRQ_MASK = 1, IRQ_UNMASK = 2, IRQ_TRIGGER = 4 };	/* may be or'ed: some drivers do not refuse it */

struct irq_event;		/* a held eventfd, counted; see sim/device/irq.h */

/* VFIO_DEVICE_SET_IRQS after the checks that are the same for every driver. */
struct irq_set {
	uint32_t index, start, count;
	enum irq_data data;
	unsigned action;	/* enum irq_action bits */
	const uint8_t *bools;	/* IRQ_DATA_BOOL: count of them */
	uint64_t data_uva;	/* where the data stands in the client's memory ... */
	int data_error;		/* ... and -EFAULT if it could not be read: reported once the
				   range has been found good, as the kernel does */
	struct irq_event **events;	/* IRQ_DATA_EVENTFD: count of them, NULL for fd -1; the
					   driver takes a reference on what it keeps */
	struct irq_event *closed;	/* the unmask eventfd of INTx, if the client has closed it */
	const int *event_errors;	/* IRQ_DATA_EVENTFD: why a descriptor could not be
					   resolved (-EBADF, -EINVAL), 0 if it could. Reported
					   only if the driver gets as far as using it */
};

struct hot_reset_dep {
	union {
		uint32_t group;	/* number ... */
		uint32_t devid;	/* ... or, asked through a cdev, what cdev_id_of() says */
	};
	uint16_t segment;
	uint8_t bus, devfn;
};

/*
 * A vfio driver's side of a device. Every op is called with the machine's lock held and
 * follows the rules of call.h. A NULL op is answered as the kernel does for a driver
 * without it. Mirrors struct vfio_device_ops (include/linux/vfio.h, 7.2).
 */
struct vfio_device_ops {
	const char *name;	/* "vfio-pci", "mtty" */
	struct device_ops base;
	/* Make/free dev->driver_data. -ENOMEM. */
	int (*init)(struct vfiosim *sim, struct device *dev);
	void (*release)(struct vfiosim *sim, struct device *dev);
	/* First open, last close. close cannot fail: disables interrupts, unpins. */
	int (*open)(struct call *call, struct device *dev);
	void (*close)(struct call *call, struct device *dev);
	/* Does VFIO_GROUP_GET_DEVICE_FD's string name this device? 1, 0, or a refusal.
	   NULL: the string must equal the address. */
	int (*match)(struct call *call, struct device *dev, const char *name);
	/* Is it a physical function that shares a VF token with its virtual ones? NULL: never. */
	bool (*has_token)(const struct device *dev);
	void (*info)(struct device *dev, struct device_info *ret_info);
	/* 0; refused when there is no such region or irq. */
	int (*region_info)(struct call *call, struct device *dev, uint32_t index,
			   struct region_info *ret_region);
	int (*irq_info)(struct call *call, struct device *dev, uint32_t index,
			struct irq_info *ret_irq);
	int (*set_irqs)(struct call *call, struct device *dev, const struct irq_set *set);
	/* The unmask eventfd of INTx; NULL: none. The op is NULL where there is never one. */
	struct irq_event *(*unmask_event)(struct device *dev);
	int (*reset)(struct call *call, struct device *dev);
	/* Its driver wants the device back: tell the user (the REQ interrupt). NULL: nobody is
	   told. Mirrors vfio_device_ops.request (7.2). */
	void (*request)(struct call *call, struct device *dev);
	/* Fills at most @max deps, returns how many there are. NULL: ENOTTY. */
	int (*hot_reset_info)(struct call *call, struct device *dev, struct hot_reset_dep *deps,
			      unsigned max);
	/* @groups NULL: what the iommufd of a bound cdev owns. */
	int (*hot_reset)(struct call *call, struct device *dev, struct vfio_group **groups,
			 unsigned n_groups);
	/* VFIO_DEVICE_FEATURE; @flags as the ABI's. NULL: ENOTTY. */
	int (*feature)(struct call *call, struct device *dev, uint32_t flags, uint64_t data_uva,
		       size_t data_size);
	/* @offset is the file's. Bytes moved or a refusal. */
	ssize_t (*read)(struct call *call, struct device *dev, void *to, size_t length, uint64_t offset);
	ssize_t (*write)(struct call *call, struct device *dev, const void *from, size_t length,
			 uint64_t offset);
	int (*mmap)(struct call *call, struct device *dev, uint64_t offset, uint64_t length, bool shared);
	/*
	 * Mappings first..last are about to go away: unpin everything in them, now.
	 * Called by type1's unmap with no pins of others held; may only unpin.
	 * Mirrors vfio_device_ops.dma_unmap (7.2).
	 */
	void (*dma_unmap)(struct call *call, struct device *dev, struct span iova);
};

struct vfio_device {
	struct device *dev;
	const struct vfio_device_ops *ops;
	struct vfio_group *group;
	int cdev;			/* N of vfioN, -1: it has no node of its own */
	unsigned open_count;
	unsigned cdev_files;		/* descriptors of its own node, bound or not */
	bool in_container;		/* open, and one of group->container_users */
	/* Bound to an iommufd: at most one of these. */
	struct iommufd_device *iommufd_device;	/* a physical one */
	struct iommufd_access *iommufd_access;	/* an mdev */
	bool pasid0;			/* attached by ATTACH with the PASID flag and pasid 0 */
};

/*
 * For a driver's probe and remove. Register: -EINVAL: @dev is in no group, or in one
 * without IOMMU while the noiommu parameter is off; -ENOMEM. Unregister: asks the user
 * for the device (ops->request), stops new opens and answers CALL_PARKED while
 * descriptors remain. Mirror vfio_register_group_dev, vfio_unregister_group_dev.
 */
int vfio_register_device(struct vfiosim *sim, struct device *dev,
			 const struct vfio_device_ops *ops);
int vfio_unregister_device(struct call *call, struct device *dev);
/*
 * Does an unbind hold its lock? Until the last close is complete, which is asked about what it
 * may reset. Any device may be asked about.
 */
bool vfio_device_is_locked(const struct device *dev);
/* With the machine: nobody is told. */
void vfio_discard_device(struct vfiosim *sim, struct device *dev);

extern const struct subsystem vfio_device_subsystem;

/* The driver's share of the first open. What ops->open answers. Mirrors vfio_df_device_first_open. */
int vfio_device_open(struct call *call, struct vfio_device *vdev);

/* Can it be opened by its own node now? */
bool vfio_device_has_cdev(const struct device *dev);
/* "vfio3": that node's name; at least CDEV_NAME bytes. */
#define CDEV_NAME 24
void cdev_node_name(const struct device *dev, char *to, size_t size);

#endif
