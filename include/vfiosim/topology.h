/* SPDX-License-Identifier: MIT */
/*
 * Topologies: what a simulated machine is made of, as read from a YAML file
 * (cases/README.md has the format) or from one built into the program.
 *
 * Plain data, immutable once loaded; may be shared by machines and threads.
 * Strings are never NULL unless said; a list of n elements is NULL when n is 0.
 */
#ifndef VFIOSIM_TOPOLOGY_H
#define VFIOSIM_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <vfiosim/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* first..last, inclusive. */
struct vfiosim_range {
	uint64_t first;
	uint64_t last;
};

enum vfiosim_resv_type {	/* as /sys/kernel/iommu_groups/N/reserved_regions names them */
	VFIOSIM_RESV_DIRECT,
	VFIOSIM_RESV_DIRECT_RELAXABLE,
	VFIOSIM_RESV_RESERVED,
	VFIOSIM_RESV_MSI,
	VFIOSIM_RESV_SW_MSI,
};

struct vfiosim_resv {
	struct vfiosim_range range;
	enum vfiosim_resv_type type;
};

struct vfiosim_register {		/* a register of an IOMMU, by the name its kind has for it */
	const char *name;
	uint64_t value;
};

struct vfiosim_topo_iommu {
	const char *name;		/* dmar0 */
	const char *type;		/* kind of unit: "vt-d" */
	struct vfiosim_range aperture;
	uint64_t page_sizes;		/* bitmap: 0x40201000 = 4K, 2M, 1G */
	bool snoop_control;		/* can enforce cache coherency */
	bool interrupt_remapping;	/* isolated MSI */
	const struct vfiosim_register *registers;	/* those that are given rather than derived */
	size_t n_registers;
	const struct vfiosim_resv *resv;	/* of every device behind it */
	size_t n_resv;
};

struct vfiosim_topo_group {
	uint32_t number;		/* /sys/kernel/iommu_groups/N */
	int iommu;			/* index into iommus; -1: none (mdev, noiommu) */
	bool noiommu;			/* /dev/vfio/noiommu-N; present only with the parameter on */
	const struct vfiosim_resv *resv;	/* of every device in it, besides those of its IOMMU */
	size_t n_resv;
};

enum vfiosim_pin {			/* what pinning a mapped region's pages gives */
	VFIOSIM_PIN_PFNMAP,		/* works, uncharged, as a BAR of a PCI device does (type1, for a
					   domain); else EFAULT, or EINVAL (type1, for an mdev) */
	VFIOSIM_PIN_PAGES,		/* works and is charged, as pages of memory do */
	VFIOSIM_PIN_NEVER,		/* EFAULT */
};

struct vfiosim_topo_bar {
	uint64_t size;			/* bytes, power of two; 0: no such BAR */
	bool io;			/* I/O ports rather than memory */
	bool is64;			/* 64-bit memory BAR */
	bool prefetch;
	bool mmap;			/* the region may be mapped */
	enum vfiosim_pin pin;
	const char *registers;		/* model behind it: "memory" (plain storage), "dma", ...; "" = memory */
};

enum vfiosim_device_kind {
	VFIOSIM_DEVICE_PCI,		/* a PCI function that vfio-pci can drive */
	VFIOSIM_DEVICE_BRIDGE,		/* a PCI bridge or host bridge: in sysfs and groups only */
	VFIOSIM_DEVICE_MDEV,
};

struct vfiosim_topo_device {
	const char *name;		/* short name in cases: A, nic0, mdev0 */
	const char *address;		/* 0000:01:00.0, or the mdev's UUID */
	enum vfiosim_device_kind kind;
	const char *model;		/* name of its row under models:, "" if none */
	int group;			/* index into groups; -1: none */
	const char *parent;		/* PCI: address of the bridge above, "" = root bus;
					   mdev: the parent device (mtty), under /sys/devices/virtual */
	const char *driver;		/* bound at start: "vfio-pci", "pcieport", "e1000e", "" = none;
					   mdev: its vendor driver */
	const char *host_driver;	/* the host's own driver for it: "e1000e"; "" = none */
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code;		/* 0x020000 */
	uint8_t revision;
	uint8_t intx_pin;		/* 0: none, 1: INTA ... */
	bool pcie;			/* has a PCI Express capability: extended config space, ERR irq */
	bool flr;			/* VFIO_DEVICE_RESET works for it alone */
	bool sriov;			/* it can have virtual functions; none is simulated */
	uint64_t serial_number;		/* a capability of PCI Express; 0: none */
	bool bus_reset;			/* VFIO_DEVICE_PCI_HOT_RESET can reset its bus */
	uint16_t msi;			/* vectors; 0: no capability */
	bool msi_maskable;
	uint16_t msix;			/* vectors; 0: no capability */
	uint8_t msix_bar;
	uint64_t msix_table, msix_pba;	/* offsets in that BAR */
	struct vfiosim_topo_bar bars[6];
	uint64_t rom;			/* bytes, 0: none */
	bool rom_image;			/* is there something in it? */
	const struct vfiosim_resv *resv;	/* its own, besides those of its group */
	size_t n_resv;
	/* mdev only */
	const char *vendor_model;	/* behaviour in sim/device/: "plain", "mtty", "mdpy" */
	const char *mdev_type;		/* mtty-1 */
	unsigned line;			/* in the file, for messages */
};

/* What /sys/class/mdev_bus/PARENT/mdev_supported_types offers. */
struct vfiosim_topo_mdev_type {
	const char *parent;		/* mtty */
	const char *name;		/* mtty-1 */
	const char *pretty_name;	/* "Single port serial" */
	const char *description;	/* "" = no such file */
	const char *vendor_model;
	const char *model;		/* row under models: that describes a new one */
	const struct vfiosim_topo_device *prototype;	/* that row: a new one without name,
							   address, group and parent */
	uint32_t instances;		/* units of the parent one of them takes */
	uint32_t capacity;		/* units the parent has in all */
};

enum vfiosim_memlock {
	VFIOSIM_MEMLOCK_UNLIMITED,
	VFIOSIM_MEMLOCK_CLIENT,		/* the calling process' own RLIMIT_MEMLOCK and rights */
	VFIOSIM_MEMLOCK_BYTES,
};

struct vfiosim_kernel {			/* a version of Linux: 7.2 */
	unsigned major, minor;
};

struct vfiosim_topo_fault {		/* what the machine is told to fail with */
	const char *text;		/* vfiosim/fault.h says how it is written */
	unsigned line, column;		/* of the file; 0: from elsewhere */
};

struct vfiosim_topology {
	const char *name;		/* q35; of a file: its name without folder and ending */
	const char *about;		/* one line */
	struct vfiosim_kernel kernel;	/* whose answers the machine gives; the newest unless said */
	bool config_iommufd;		/* CONFIG_IOMMUFD and CONFIG_VFIO_DEVICE_CDEV */
	bool config_iommufd_test;	/* CONFIG_IOMMUFD_TEST */
	bool config_noiommu;		/* CONFIG_VFIO_NOIOMMU */
	bool config_pci_iov;		/* CONFIG_PCI_IOV */
	enum vfiosim_memlock memlock;
	uint64_t memlock_bytes;
	bool rawio_granted;		/* treat every caller as having CAP_SYS_RAWIO */
	uint32_t dma_entry_limit;	/* 65535 */
	bool allow_unsafe_interrupts;
	bool noiommu;			/* enable_unsafe_noiommu_mode at start */
	const struct vfiosim_topo_iommu *iommus;
	size_t n_iommus;
	const struct vfiosim_topo_group *groups;
	size_t n_groups;
	const struct vfiosim_topo_device *devices;	/* parents before children */
	size_t n_devices;
	const struct vfiosim_topo_mdev_type *mdev_types;
	size_t n_mdev_types;
	const struct vfiosim_topo_fault *faults;	/* armed when a machine is made of it */
	size_t n_faults;
};

/*
 * Reads a topology: @name_or_file is the name of a built-in one, or a path (it
 * contains a '/' or ends in .yaml). -ENOENT, -EINVAL, -ENOMEM; other errnos of
 * open() and read(). @ret_errors says what is wrong; NULL: that is not asked.
 */
int vfiosim_topology_load(const char *name_or_file, struct vfiosim_topology **ret_topology,
			  struct vfiosim_errors *ret_errors);
/* The same from memory; @file is only for messages. */
int vfiosim_topology_parse(const char *file, const char *text, size_t length,
			   struct vfiosim_topology **ret_topology, struct vfiosim_errors *ret_errors);
void vfiosim_topology_free(struct vfiosim_topology *topology);

/*
 * "6.12". False: no such version, or one whose answers are not known; they are from 6.1
 * to 7.2.
 */
bool vfiosim_kernel_parse(const char *text, struct vfiosim_kernel *ret_kernel);
/* What `--kernel` sets. */
void vfiosim_topology_set_kernel(struct vfiosim_topology *topology, struct vfiosim_kernel kernel);

/* Override what `run --memlock` overrides. */
void vfiosim_topology_set_memlock(struct vfiosim_topology *topology, enum vfiosim_memlock memlock,
				  uint64_t bytes);

/*
 * One more of topology->faults, behind those there are: what `--fault` adds. -ENOMEM;
 * -EINVAL: @problem (of @size bytes) says what is wrong with @text; see
 * vfiosim_fault_parse().
 */
int vfiosim_topology_add_fault(struct vfiosim_topology *topology, const char *text, char *problem,
			       size_t size);

/* Built-in topologies: their name and source text; NULL past the end. */
struct vfiosim_builtin {
	const char *name;
	const char *text;
	size_t length;
};
const struct vfiosim_builtin *vfiosim_topology_builtin(size_t index);

/*
 * Does a device that @driver holds keep its group from userspace? Not vfio-pci, nor a
 * driver that does no DMA of its own (pcieport, pci-stub), nor none ("").
 */
bool vfiosim_driver_does_dma(const char *driver);

/* Index of the device with this short name or address, or -1. */
int vfiosim_topology_device(const struct vfiosim_topology *topology, const char *name);

#ifdef __cplusplus
}
#endif

#endif
