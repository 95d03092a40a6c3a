/* SPDX-License-Identifier: MIT */
/*
 * mtty: an mdev that is a serial card with one port, or two, each behind a BAR of
 * 8 I/O ports. It says it can be migrated, and can be stopped and started; the
 * states that move data are refused, for they would need a descriptor.
 * Mirrors samples/vfio-mdev/mtty.c (7.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "machine/sim.h"
#include "device/config.h"
#include "device/feature.h"
#include "device/irq.h"
#include "device/mdev.h"
#include "device/models.h"
#include "device/region.h"
#include "device/uart.h"

enum { CONFIG_SIZE = 0xff, PORT_SIZE = 8, PORTS_MAX = 2 };

/* Device states of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, and what MIGRATION offers. */
enum { STATE_STOP = 1, STATE_RUNNING = 2 };
enum { MIGRATES_STOP_COPY = 1, MIGRATES_PRE_COPY = 4 };

struct mtty {
	bool irqs_known;	/* GET_INFO has been asked: the driver learns its own number then */
	uint8_t config[256];
	unsigned n_ports;
	struct uart ports[PORTS_MAX];
	unsigned on;		/* IRQ_INTX, IRQ_MSI or IRQ_NONE_ON */
	struct irq_event *event;
	bool masked;		/* INTx */
	uint32_t state;
};

/* ---- Configuration space ---- */

static void put32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

static void build_config(struct mtty *mtty, const struct vfiosim_topo_device *topo)
{
	uint8_t *config = mtty->config;

	put32(config, topo->vendor | (uint32_t)topo->device << 16);
	put32(config + CONFIG_COMMAND, 0x0001 | 0x0200u << 16);	/* I/O on, medium timing */
	put32(config + 8, topo->revision | topo->class_code << 8);
	for (unsigned i = 0; i < mtty->n_ports; i++)
		put32(config + CONFIG_BAR0 + 4 * i, 0x1);
	memcpy(config + 0x2c, config, 4);	/* subsystem: the same */
	config[CONFIG_INTX_PIN] = topo->intx_pin;
	memcpy(config + 0x60, "PCI Serial/UART", 15); /* NOLINT(bugprone-not-null-terminated-result) */
}

/* Only whole BARs and the interrupt line take writes; all-ones sizes a BAR. */
static void write_config(struct mtty *mtty, const uint8_t *from, unsigned size, uint64_t pos)
{
	unsigned bar = (unsigned)(pos - CONFIG_BAR0) / 4;
	uint32_t value;

	if (pos == 0x3c)
		mtty->config[pos] = from[0];
	if (pos < CONFIG_BAR0 || bar >= mtty->n_ports || pos % 4 || size != 4)
		return;
	value = get32(from);
	if (value == UINT32_MAX)
		value = (uint32_t)-PORT_SIZE;
	put32(mtty->config + pos, value | 0x1);
}

/* ---- Interrupts ---- */

static void disable(struct call *call, struct mtty *mtty)
{
	irq_slot_clear(call, &mtty->event);
	mtty->on = IRQ_NONE_ON;
	mtty->masked = false;
}

static void interrupt(struct call *call, struct mtty *mtty)
{
	if (mtty->masked)
		return;
	mtty->masked = mtty->on == IRQ_INTX;
	irq_event_signal(call, mtty->event);
}

static bool asks(const struct irq_set *set)
{
	return set->data == IRQ_DATA_NONE || (set->data == IRQ_DATA_BOOL && set->bools[0]);
}

static int set_masked(struct call *call, struct device *dev, const struct irq_set *set, bool masked)
{
	struct mtty *mtty = dev->driver_data;

	if (set->index != IRQ_INTX)
		return irq_refuse_action(call, dev, set);
	if (mtty->on != IRQ_INTX)
		return refuse(call, RULE_IRQ_OFF, V("index", set->index));
	if (set->start != 0 || set->count != 1)
		return refuse(call, RULE_IRQ_ONE, V("index", set->index));
	if (set->data == IRQ_DATA_EVENTFD)
		return refuse(call, RULE_IRQ_MASK_FD, VS("action", masked ? "masked" : "unmasked"));
	if (asks(set))
		mtty->masked = masked;
	return 0;
}

/* The old eventfd goes before the new one is looked at. */
static int set_event(struct call *call, struct mtty *mtty, const struct irq_set *set)
{
	int ret;

	disable(call, mtty);
	ret = irq_slot_set(call, &mtty->event, set, 0);
	if (!ret && mtty->event)
		mtty->on = set->index;
	return ret;
}

static int set_trigger(struct call *call, struct mtty *mtty, const struct irq_set *set)
{
	bool on = mtty->on == set->index;

	if (on && !set->count && set->data == IRQ_DATA_NONE) {
		disable(call, mtty);
		return 0;
	}
	if (!on && mtty->on != IRQ_NONE_ON)
		return refuse(call, RULE_IRQ_OTHER, V("on", mtty->on), V("index", set->index));
	if (set->start != 0 || set->count != 1)
		return refuse(call, RULE_IRQ_ONE, V("index", set->index));
	if (set->data == IRQ_DATA_EVENTFD)
		return set_event(call, mtty, set);
	if (!on)
		return refuse(call, RULE_IRQ_OFF, V("index", set->index));
	if (asks(set))
		interrupt(call, mtty);
	return 0;
}

/* No action, or several, is nothing to do: the driver has no case for it. */
static int set_irqs(struct call *call, struct device *dev, const struct irq_set *set)
{
	struct mtty *mtty = dev->driver_data;
	int ret;

	if (set->index >= IRQ_COUNT)
		return irq_refuse_index(call, dev, set->index);
	ret = irqs_check_range(call, set, mtty->irqs_known ? IRQ_COUNT : 0);
	if (ret)
		return ret;
	if (set->index > IRQ_MSI)
		return irq_refuse_action(call, dev, set);
	switch (set->action) {
	case IRQ_MASK:
	case IRQ_UNMASK:
		return set_masked(call, dev, set, set->action == IRQ_MASK);
	case IRQ_TRIGGER:
		return set_trigger(call, mtty, set);
	default:
		return 0;
	}
}

static int irq_info(struct call *call, struct device *dev, uint32_t index, struct irq_info *ret_irq)
{
	struct mtty *mtty = dev->driver_data;

	if (!mtty->irqs_known || (index != IRQ_INTX && index != IRQ_MSI && index != IRQ_REQ))
		return irq_refuse_index(call, dev, index);
	*ret_irq = (struct irq_info){
		.count = 1, .eventfd = true,
		.maskable = index == IRQ_INTX, .automasked = index == IRQ_INTX,
		.noresize = index != IRQ_INTX,
	};
	return 0;
}

/* ---- Regions ---- */

static int region_info(struct call *call, struct device *dev, uint32_t index,
		       struct region_info *ret_region)
{
	struct mtty *mtty = dev->driver_data;

	if (index >= REGION_COUNT)
		return refuse_no_region(call, dev, index);
	*ret_region = (struct region_info){
		.offset = REGION_OFFSET(index), .readable = true, .writable = true,
	};
	if (index < mtty->n_ports)
		ret_region->size = PORT_SIZE;
	if (index == REGION_CONFIG)
		ret_region->size = CONFIG_SIZE;
	return 0;
}

/* The driver looks at the first byte only, and forgives ports it does not have. */
static void port_piece(struct call *call, struct mtty *mtty, uint8_t *to, const uint8_t *from,
		       unsigned size, uint32_t index, uint64_t pos)
{
	bool raised = false;

	if (to)
		memset(to, 0, size);
	if (index >= mtty->n_ports || pos >= PORT_SIZE)
		return;
	if (from)
		uart_write(&mtty->ports[index], (unsigned)pos, from[0], &raised);
	else
		to[0] = uart_read(&mtty->ports[index], (unsigned)pos, &raised);
	if (raised)
		interrupt(call, mtty);
}

static void config_piece(struct mtty *mtty, uint8_t *to, const uint8_t *from, unsigned size,
			 uint64_t pos)
{
	if (to)
		memset(to, 0, size);
	if (pos > sizeof(mtty->config) - size)
		return;
	if (from)
		write_config(mtty, from, size, pos);
	else
		memcpy(to, mtty->config + pos, size);
}

static bool piece(struct call *call, struct device *dev, uint8_t *to, const uint8_t *from,
		  unsigned size, uint64_t offset)
{
	uint32_t index = REGION_INDEX(offset);

	if (index <= REGION_BAR5)
		port_piece(call, dev->driver_data, to, from, size, index, REGION_POS(offset));
	else if (index == REGION_CONFIG)
		config_piece(dev->driver_data, to, from, size, REGION_POS(offset));
	else
		return false;
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

/* ---- Features ---- */

static int get_u64(struct call *call, const struct feature_args *args, uint64_t value)
{
	int ret = call_out(call, args->data_uva, &value, sizeof(value));

	return ret ? refuse(call, RULE_NO_MEMORY) : 0;
}

static int migration(struct call *call, struct device *dev, const struct feature_args *args)
{
	return get_u64(call, args, MIGRATES_STOP_COPY | MIGRATES_PRE_COPY);
}

static int migration_size(struct call *call, struct device *dev, const struct feature_args *args)
{
	return get_u64(call, args, sizeof(struct uart) * ((struct mtty *)dev->driver_data)->n_ports);
}

static int migration_state(struct call *call, struct device *dev, const struct feature_args *args)
{
	struct mtty *mtty = dev->driver_data;
	struct {
		uint32_t state;
		int32_t data_fd;
	} answer = { mtty->state, -1 };

	if (args->flags & FEATURE_SET) {
		answer.state = get32(args->data);
		if (answer.state != STATE_STOP && answer.state != STATE_RUNNING)
			return refuse(call, RULE_FEATURE_STATE, V("feature", args->index),
				      VS("device", dev->topo->address),
				      VS("why", "only STOP and RUNNING are simulated"));
		mtty->state = answer.state;
	}
	return call_out(call, args->data_uva, &answer, sizeof(answer)) ?
		       refuse(call, RULE_NO_MEMORY) : 0;
}

/* Logging DMA of a device that does none: accepted, and the log is empty. */
static int no_dma_log(struct call *call, struct device *dev, const struct feature_args *args)
{
	return 0;
}

static const struct feature features[] = {
	{ FEATURE_MIGRATION, FEATURE_GET, 8, migration, KERNEL_MTTY_MIGRATION },
	{ FEATURE_MIGRATION_STATE, FEATURE_GET | FEATURE_SET, 8, migration_state,
	  KERNEL_MTTY_MIGRATION },
	{ FEATURE_DMA_LOG_START, FEATURE_SET, 24, no_dma_log, KERNEL_MTTY_MIGRATION },
	{ FEATURE_DMA_LOG_STOP, FEATURE_SET, 0, no_dma_log, KERNEL_MTTY_MIGRATION },
	{ FEATURE_DMA_LOG_REPORT, FEATURE_GET, 32, no_dma_log, KERNEL_MTTY_MIGRATION },
	{ FEATURE_MIGRATION_SIZE, FEATURE_GET, 8, migration_size, KERNEL_MTTY_MIGRATION },
	{ FEATURE_PRECOPY_INFO, FEATURE_SET, 0, no_dma_log, KERNEL_PRECOPY_INFO },
};

static int feature(struct call *call, struct device *dev, uint32_t flags, uint64_t data_uva,
		   size_t data_size)
{
	return feature_run(call, dev, features, sizeof(features) / sizeof(features[0]), flags,
			   data_uva, data_size);
}

/* ---- Life ---- */

/* A port for each unit of the parent that the mdev's type takes. */
static unsigned count_ports(const struct vfiosim_topology *topology, const char *type)
{
	for (size_t i = 0; type && i < topology->n_mdev_types; i++) {
		const struct vfiosim_topo_mdev_type *row = &topology->mdev_types[i];

		if (!strcmp(row->name, type))
			return row->instances > 1 ? PORTS_MAX : 1;
	}
	return 1;
}

static int init(struct vfiosim *sim, struct device *dev)
{
	struct mtty *mtty = calloc(1, sizeof(*mtty));

	if (!mtty)
		return -ENOMEM;
	mtty->n_ports = count_ports(sim->topology, dev->topo->mdev_type);
	for (unsigned i = 0; i < mtty->n_ports; i++)
		uart_init(&mtty->ports[i]);
	mtty->on = IRQ_NONE_ON;
	mtty->state = STATE_RUNNING;
	build_config(mtty, dev->topo);
	dev->driver_data = mtty;
	return 0;
}

static void done(struct vfiosim *sim, struct device *dev)
{
	free(dev->driver_data);
	dev->driver_data = NULL;
}

static void do_close(struct call *call, struct device *dev)
{
	disable(call, dev->driver_data);
}

static void info(struct device *dev, struct device_info *ret_info)
{
	((struct mtty *)dev->driver_data)->irqs_known = true;
	*ret_info = (struct device_info){
		.pci = true, .n_regions = REGION_COUNT, .n_irqs = IRQ_COUNT
	};
}

static int reset(struct call *call, struct device *dev)
{
	((struct mtty *)dev->driver_data)->state = STATE_RUNNING;
	return 0;
}

const struct vfio_device_ops mtty_ops = {
	.name = "mtty",
	.base = { .pin = plain_pin },
	.init = init,
	.release = done,
	.close = do_close,
	.info = info,
	.region_info = region_info,
	.irq_info = irq_info,
	.set_irqs = set_irqs,
	.reset = reset,
	.feature = feature,
	.read = do_read,
	.write = do_write,
};
