/* SPDX-License-Identifier: MIT */
/* All of a sysfs, in the order in which its parts need each other. See record.h. */
#include <stdlib.h>
#include <string.h>

#include "record/record.h"
#include "record/sysfs.h"

static int64_t parameter(int sysfs, const char *path)
{
	uint64_t value;

	return sysfs_number(sysfs, path, 10, &value) ? -1 : (int64_t)value;
}

static void read_limits(int sysfs, struct recorded_limits *limits)
{
	limits->dma_entry_limit =
		parameter(sysfs, "module/vfio_iommu_type1/parameters/dma_entry_limit");
	limits->allow_unsafe_interrupts =
		parameter(sysfs, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	limits->enable_unsafe_noiommu_mode =
		parameter(sysfs, "module/vfio/parameters/enable_unsafe_noiommu_mode");
}

/* What devices are called, by their class: base and sub class, or the base class alone. */
static const char *word_of(const struct recorded_device *device)
{
	static const struct {
		uint32_t class_code, mask;
		const char *word;
	} words[] = {
		{ 0x0108, 0xffff, "nvme" },	{ 0x0106, 0xffff, "sata" }, { 0x0100, 0xff00, "disk" },
		{ 0x0200, 0xff00, "nic" },	{ 0x0300, 0xff00, "gpu" },  { 0x0400, 0xff00, "audio" },
		{ 0x0600, 0xffff, "host" },	{ 0x0604, 0xffff, "bridge" }, { 0x0c03, 0xffff, "usb" },
		{ 0x1200, 0xff00, "accel" },
	};
	uint32_t class_code = device->pci.class_code >> 8;

	if (device->pci.kind == VFIOSIM_DEVICE_MDEV)
		return "mdev";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if ((class_code & words[i].mask) == words[i].class_code)
			return words[i].word;
	return "dev";
}

/* nic0, nic1, ... */
static void name_devices(struct recorded *recorded)
{
	for (size_t i = 0; i < recorded->n_devices; i++) {
		struct recorded_device *device = &recorded->devices[i];
		const char *word = word_of(device);
		unsigned n = 0;

		for (size_t k = 0; k < i; k++)
			n += !strcmp(word_of(&recorded->devices[k]), word);
		snprintf(device->name, sizeof(device->name), "%s%u", word, n);
	}
}

int record_read(int sysfs, struct recorded *ret_recorded)
{
	int error;

	*ret_recorded = (struct recorded){ 0 };
	error = record_read_pci(sysfs, ret_recorded);
	if (!error)
		error = record_read_iommus(sysfs, ret_recorded);
	if (!error)
		error = record_read_mdevs(sysfs, ret_recorded);
	if (error) {
		record_done(ret_recorded);
		return error;
	}
	read_limits(sysfs, &ret_recorded->limits);
	name_devices(ret_recorded);
	return 0;
}

void record_done(struct recorded *recorded)
{
	free(recorded->iommus);
	free(recorded->groups);
	free(recorded->devices);
	free(recorded->types);
	*recorded = (struct recorded){ 0 };
}
