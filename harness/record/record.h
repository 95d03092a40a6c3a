/* SPDX-License-Identifier: MIT */
/*
 * `vfiosim topology record`: the machine that a sysfs shows, as a topology.
 *
 *	record_read(fd of /sys) -> struct recorded -> record_write(FILE)
 *
 * Only sysfs is read: groups and their reserved regions, IOMMUs, PCI functions with ids,
 * BARs and what their config space says, mdevs and their types. What cannot be read is kept
 * as unknown, and becomes a comment with the default that holds.
 */
#ifndef HARNESS_RECORD_RECORD_H
#define HARNESS_RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <vfiosim/topology.h>

#define RECORD_NAME 64		/* of a driver, an IOMMU, a type of mdevs, with its NUL */
#define RECORD_RESV_MAX 32	/* of a group */

struct recorded_resv {
	struct vfiosim_resv items[RECORD_RESV_MAX];
	size_t n;
};

struct recorded_iommu {
	char name[RECORD_NAME];		/* dmar0 */
	bool is_vtd;
	bool has_registers;		/* of VT-d: */
	uint64_t cap, ecap;
	struct recorded_resv resv;	/* of all groups behind it */
};

struct recorded_group {
	uint32_t number;
	bool noiommu;
	bool unread;			/* its reserved regions */
	int iommu;			/* index; -1: none, as of mdevs */
	struct recorded_resv resv;	/* besides those of its IOMMU, once all is read */
};

struct recorded_device {
	char name[24];			/* nic0 */
	char address[40];		/* 0000:01:00.0, or a UUID */
	char parent[RECORD_NAME];	/* address of the bridge above; of an mdev its parent; "": none */
	char driver[RECORD_NAME];	/* "": none */
	char mdev_type[RECORD_NAME];
	char iommu[RECORD_NAME];	/* "": sysfs names none */
	unsigned depth;			/* bridges above it */
	int group;			/* index; -1: in none */
	bool short_config;		/* config space beyond its first 64 bytes could not be read */
	struct vfiosim_topo_device pci;	/* what describes a function; its strings are not used */
};

struct recorded_type {
	char name[RECORD_NAME], parent[RECORD_NAME], pretty_name[80];
	uint32_t available;		/* that could still be made */
	uint32_t instances;		/* units of the parent that one takes ... */
	uint32_t capacity;		/* ... of so many that it has */
};

struct recorded_limits {		/* -1: could not be read */
	int64_t dma_entry_limit, allow_unsafe_interrupts, enable_unsafe_noiommu_mode;
};

struct recorded {
	struct recorded_iommu *iommus;
	struct recorded_group *groups;		/* as devices named them first */
	struct recorded_device *devices;	/* parents before children; mdevs last */
	struct recorded_type *types;
	size_t n_iommus, n_groups, n_devices, n_types;
	struct recorded_limits limits;
};

/* @sysfs: a descriptor of what /sys is. -ENOENT: it has no PCI devices; -ENOMEM. */
int record_read(int sysfs, struct recorded *ret_recorded);
void record_done(struct recorded *recorded);

/* pci.c: the functions of bus/pci; each group of theirs is added. */
int record_read_pci(int sysfs, struct recorded *recorded);
/* group.c: the group that @link (of a device) leads to; its index in *ret_group, -1: none. -ENOMEM. */
int record_add_group(int sysfs, const char *link, struct recorded *recorded, int *ret_group);
/* ... and, when all devices are there, the IOMMUs, and which group is behind which. */
int record_read_iommus(int sysfs, struct recorded *recorded);
/* mdev.c: mdevs and their types. */
int record_read_mdevs(int sysfs, struct recorded *recorded);

/* What a config space of @size bytes says goes into @device. */
void record_config(const uint8_t *config, size_t size, struct recorded_device *device);

struct record_options {
	const char *release;	/* of the kernel, as uname has it; NULL: unknown */
	bool anonymize;		/* without UUIDs, subsystem ids and the kernel's release */
};
void record_write(const struct recorded *recorded, const struct record_options *options, FILE *to);

#endif
