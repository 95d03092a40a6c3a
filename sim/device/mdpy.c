/* SPDX-License-Identifier: MIT */
/*
 * mdpy: an mdev that is a small display. No interrupts, one BAR that is a frame
 * buffer, and a file laid out in its own way: configuration space at 0, the frame
 * buffer at 0x1000. Regions it does not have are reported as empty.
 * Mirrors samples/vfio-mdev/mdpy.c (7.2). Left out: QUERY_GFX_PLANE.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "device/config.h"
#include "device/feature.h"
#include "device/irq.h"
#include "device/mdev.h"
#include "device/models.h"
#include "device/region.h"
#include "device/storage.h"

enum {
	CONFIG_SIZE = 0xff,
	DISPLAY_REGION = 16,
	PIXEL_BYTES = 4,
	AT_VENDOR_CAPABILITY = 0x40,
	FORMAT_XR24 = 0x34325258,
};

/* The frame buffer is the picture, rounded up to a power of two. */
static const struct mode {
	const char *type;
	uint32_t width, height;
	uint64_t size;
} modes[] = {
	{ "mdpy-xga", 1024, 768, 4 << 20 },	/* first: for types we have not heard of */
	{ "mdpy-vga", 640, 480, 2 << 20 },
	{ "mdpy-hd", 1920, 1080, 8 << 20 },
};

struct mdpy {
	const struct mode *mode;
	bool irqs_known;	/* GET_INFO has been asked: the driver learns its own number then */
	uint8_t config[256];
	struct storage frame;
};

static void put32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static void build_config(struct mdpy *mdpy, const struct vfiosim_topo_device *topo)
{
	uint8_t *config = mdpy->config;
	uint8_t *capability = config + AT_VENDOR_CAPABILITY;

	put32(config, topo->vendor | (uint32_t)topo->device << 16);
	put32(config + 4, 0x0003 | 0x0010u << 16);		/* io, memory; capabilities */
	put32(config + 8, topo->revision | topo->class_code << 8);
	put32(config + CONFIG_BAR0, 0x8);			/* memory, 32 bits, prefetchable */
	put32(config + 0x2c, topo->subvendor | (uint32_t)topo->subdevice << 16);
	config[0x34] = AT_VENDOR_CAPABILITY;
	put32(capability, 0x09 | 0x10 << 16);
	put32(capability + 4, FORMAT_XR24);
	put32(capability + 8, mdpy->mode->width);
	put32(capability + 12, mdpy->mode->height);
}

static const struct mode *find_mode(const struct vfiosim_topo_device *topo)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (topo->mdev_type && !strcmp(topo->mdev_type, modes[i].type))
			return &modes[i];
	}
	return &modes[0];
}

/* A gradient from black to white, top to bottom. */
static int paint(struct mdpy *mdpy)
{
	uint64_t stride = mdpy->mode->width * (uint64_t)PIXEL_BYTES, height = mdpy->mode->height;
	uint8_t *bytes = storage_bytes(&mdpy->frame);

	if (!bytes)
		return -ENOMEM;
	for (uint64_t line = 0; line < height && (line + 1) * stride <= mdpy->frame.size; line++)
		memset(bytes + line * stride, (int)(line * 255 / height), stride);
	return 0;
}

static int init(struct vfiosim *sim, struct device *dev)
{
	const struct vfiosim_topo_bar *bar = &dev->topo->bars[0];
	struct mdpy *mdpy = calloc(1, sizeof(*mdpy));

	if (!mdpy)
		return -ENOMEM;
	mdpy->mode = find_mode(dev->topo);
	build_config(mdpy, dev->topo);
	storage_init(&mdpy->frame, bar->size ? bar->size : mdpy->mode->size);
	dev->driver_data = mdpy;
	return 0;
}

static void done(struct vfiosim *sim, struct device *dev)
{
	struct mdpy *mdpy = dev->driver_data;

	if (!mdpy)
		return;
	storage_done(&mdpy->frame);
	free(mdpy);
	dev->driver_data = NULL;
}

static int reset(struct call *call, struct device *dev)
{
	return paint(dev->driver_data) ? refuse(call, RULE_NO_MEMORY) : 0;
}

static void info(struct device *dev, struct device_info *ret_info)
{
	struct mdpy *mdpy = dev->driver_data;

	mdpy->irqs_known = true;
	*ret_info = (struct device_info){
		.pci = true, .n_regions = REGION_COUNT, .n_irqs = IRQ_COUNT
	};
}

static int region_info(struct call *call, struct device *dev, uint32_t index,
		       struct region_info *ret_region)
{
	struct mdpy *mdpy = dev->driver_data;

	if (index >= REGION_COUNT && index != DISPLAY_REGION)
		return refuse_no_region(call, dev, index);
	*ret_region = (struct region_info){ 0 };
	if (index == REGION_CONFIG)
		*ret_region = (struct region_info){
			.size = CONFIG_SIZE, .readable = true, .writable = true
		};
	if (index == REGION_BAR0 || index == DISPLAY_REGION)
		*ret_region = (struct region_info){
			.size = mdpy->frame.size, .offset = MDPY_BAR_OFFSET,
			.readable = true, .writable = true, .mappable = true,
		};
	return 0;
}

static int irq_info(struct call *call, struct device *dev, uint32_t index, struct irq_info *ret_irq)
{
	struct mdpy *mdpy = dev->driver_data;

	if (!mdpy->irqs_known || index >= IRQ_COUNT)
		return irq_refuse_index(call, dev, index);
	*ret_irq = (struct irq_info){ 0 };
	return 0;
}

/* The sizing of BAR 0 is all that a write can do. */
static void write_config(struct mdpy *mdpy, const uint8_t *from, unsigned size, uint64_t pos)
{
	uint32_t flags = mdpy->config[CONFIG_BAR0] & 0xf;
	uint32_t value;

	if (pos != CONFIG_BAR0 || size != 4)
		return;
	value = get32(from);
	if (value == UINT32_MAX)
		value = (uint32_t)~(mdpy->frame.size - 1);
	put32(mdpy->config + CONFIG_BAR0, (value & ~0xfu) | flags);
}

static bool frame_piece(struct mdpy *mdpy, uint8_t *to, const uint8_t *from, unsigned size,
			uint64_t pos)
{
	if (pos >= mdpy->frame.size || size > mdpy->frame.size - pos)
		return false;
	if (from)
		return !storage_write(&mdpy->frame, from, size, pos);
	storage_read(&mdpy->frame, to, size, pos);
	return true;
}

static bool piece(struct call *call, struct device *dev, uint8_t *to, const uint8_t *from,
		  unsigned size, uint64_t pos)
{
	struct mdpy *mdpy = dev->driver_data;

	if (pos >= MDPY_BAR_OFFSET)
		return frame_piece(mdpy, to, from, size, pos - MDPY_BAR_OFFSET);
	if (pos >= CONFIG_SIZE)
		return false;
	if (from)
		write_config(mdpy, from, size, pos);
	else
		memcpy(to, mdpy->config + pos, size);
	return true;
}

static ssize_t do_read(struct call *call, struct device *dev, void *to, size_t length,
		       uint64_t offset)
{
	return mdev_rw(call, dev, to, NULL, length, offset, piece);
}

static ssize_t do_write(struct call *call, struct device *dev, const void *from, size_t length,
			uint64_t offset)
{
	return mdev_rw(call, dev, NULL, from, length, offset, piece);
}

static int do_mmap(struct call *call, struct device *dev, uint64_t offset, uint64_t length,
		   bool shared)
{
	struct mdpy *mdpy = dev->driver_data;

	if (offset != MDPY_BAR_OFFSET)
		return refuse(call, RULE_MMAP_REFUSED, V("offset", offset),
			      VS("device", dev->topo->address));
	if (length > mdpy->frame.size)
		return refuse(call, RULE_MMAP_END, V("length", length), V("offset", offset),
			      V("index", REGION_BAR0), VS("device", dev->topo->address));
	return shared ? 0 : refuse(call, RULE_MMAP_PRIVATE);
}

static int feature(struct call *call, struct device *dev, uint32_t flags, uint64_t data_uva,
		   size_t data_size)
{
	return feature_run(call, dev, NULL, 0, flags, data_uva, data_size);
}

/* The gradient is there from the start, as if the driver had reset itself. */
static int do_open(struct call *call, struct device *dev)
{
	struct mdpy *mdpy = dev->driver_data;

	return mdpy->frame.bytes ? 0 : reset(call, dev);
}

const struct vfio_device_ops mdpy_ops = {
	.name = "mdpy",
	.base = { .pin = mdpy_pin },
	.init = init,
	.release = done,
	.open = do_open,
	.info = info,
	.region_info = region_info,
	.irq_info = irq_info,
	.reset = reset,
	.feature = feature,
	.read = do_read,
	.write = do_write,
	.mmap = do_mmap,
};
