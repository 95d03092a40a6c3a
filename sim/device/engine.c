/* SPDX-License-Identifier: MIT */
/* The engine: registers, one transfer at a time, remembered pins. */
#include "device/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/engine.h>
#include <vfiosim/topology.h>

#include "vfio/dma.h"
#include "device/irq.h"
#include "device/pins.h"

/* A transfer on its way: one leg for READ and WRITE, two for COPY. */
struct transfer {
	struct engine *engine;	/* NULL: cut loose */
	uint32_t command;
	uint64_t iova;		/* of the leg under way */
	uint64_t destination;
	size_t length;
	bool second;		/* the leg under way is the second of COPY */
	uint8_t data[];
};

struct engine {
	struct device *dev;
	struct irqs *irqs;
	uint8_t bytes[VFIOSIM_ENGINE_SIZE];
	struct transfer *transfer;	/* NULL: not busy */
	struct pins pins;
};

/* ---- Registers ---- */

static uint64_t get(const struct engine *engine, unsigned reg, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)engine->bytes[reg + i] << 8 * i;
	return value;
}

static void put(struct engine *engine, unsigned reg, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		engine->bytes[reg + i] = (uint8_t)(value >> 8 * i);
}

static void clear_registers(struct engine *engine)
{
	memset(engine->bytes, 0, sizeof(engine->bytes));
	put(engine, VFIOSIM_ENGINE_ID, 4, VFIOSIM_ENGINE_MAGIC);
	put(engine, VFIOSIM_ENGINE_VERSION, 4, 1);
}

static bool writable(uint64_t pos)
{
	return (pos >= VFIOSIM_ENGINE_COMMAND && pos < VFIOSIM_ENGINE_STATUS) ||
	       (pos >= VFIOSIM_ENGINE_SOURCE && pos < VFIOSIM_ENGINE_ERROR) ||
	       pos >= VFIOSIM_ENGINE_WINDOW;
}

static void raise_vector(struct call *call, struct engine *engine)
{
	uint64_t control = get(engine, VFIOSIM_ENGINE_CONTROL, 4);

	irqs_raise(call, engine->irqs, control >> VFIOSIM_ENGINE_VECTOR_SHIFT & 0x7ff);
}

/* The end of every command: @error is 0 or a negative errno met at @iova. */
static void complete(struct call *call, struct engine *engine, int error, uint64_t iova)
{
	put(engine, VFIOSIM_ENGINE_STATUS, 4,
	    error ? VFIOSIM_ENGINE_FAULTED : VFIOSIM_ENGINE_DONE);
	put(engine, VFIOSIM_ENGINE_ERROR, 4, (uint32_t)-error);
	put(engine, VFIOSIM_ENGINE_FAULT, 8, error ? iova : 0);
	put(engine, VFIOSIM_ENGINE_COMPLETED, 8, get(engine, VFIOSIM_ENGINE_COMPLETED, 8) + 1);
	if (get(engine, VFIOSIM_ENGINE_CONTROL, 4) & VFIOSIM_ENGINE_RAISE)
		raise_vector(call, engine);
}

/*
 * What the core refused was the device, not the client: the client's write went
 * well, and what it hears of it is a status register.
 */
static void forgive(struct call *call)
{
	call->result.rule = NULL;
	call->reason[0] = '\0';
}

/* A command that cannot be done; a transfer that faults is told by dma_transfer(). */
static void fail(struct call *call, struct engine *engine, int error, uint64_t iova)
{
	changed(call, "{device}: the engine's command {command:d} fails: {reason}",
		VS("device", engine->dev->topo->address),
		V("command", get(engine, VFIOSIM_ENGINE_COMMAND, 4)),
		VS("reason", call->result.rule ? call->reason : "not with these registers"));
	forgive(call);
	complete(call, engine, error, iova);
}

/* ---- Transfers ---- */

static void cut_loose(struct engine *engine)
{
	if (engine->transfer)
		engine->transfer->engine = NULL;
	engine->transfer = NULL;
}

static void leg_done(struct call *call, void *arg, int result);

static int start_leg(struct call *call, struct transfer *transfer, struct device *dev,
		     uint64_t iova, enum dma_dir dir)
{
	transfer->iova = iova;
	return dma_transfer(call, dev, iova, transfer->data, transfer->length, dir, leg_done,
			    transfer);
}

static void finish(struct call *call, struct transfer *transfer, int result)
{
	struct engine *engine = transfer->engine;

	engine->transfer = NULL;
	if (!result && transfer->command == VFIOSIM_ENGINE_READ)
		memcpy(engine->bytes + VFIOSIM_ENGINE_WINDOW, transfer->data, transfer->length);
	complete(call, engine, result, transfer->iova);
	free(transfer);
}

static void leg_done(struct call *call, void *arg, int result)
{
	struct transfer *transfer = arg;

	if (!transfer->engine) {
		free(transfer);
		return;
	}
	if (!result && transfer->command == VFIOSIM_ENGINE_COPY && !transfer->second) {
		transfer->second = true;
		result = start_leg(call, transfer, transfer->engine->dev, transfer->destination,
				   DMA_WRITE);
		if (!result)
			return;
		forgive(call);
	}
	finish(call, transfer, result);
}

static int start_transfer(struct call *call, struct engine *engine, uint32_t command)
{
	uint64_t length = get(engine, VFIOSIM_ENGINE_LENGTH, 8);
	uint64_t source = get(engine, VFIOSIM_ENGINE_SOURCE, 8);
	uint64_t destination = get(engine, VFIOSIM_ENGINE_DESTINATION, 8);
	bool writes = command == VFIOSIM_ENGINE_WRITE;
	uint64_t first = writes ? destination : source;
	struct transfer *transfer;
	int ret;

	if (!length || length > (command == VFIOSIM_ENGINE_COPY ? VFIOSIM_ENGINE_COPY_MAX :
								  VFIOSIM_ENGINE_WINDOW_SIZE)) {
		fail(call, engine, -EMSGSIZE, first);
		return 0;
	}
	transfer = calloc(1, sizeof(*transfer) + length);
	if (!transfer)
		return -ENOMEM;
	transfer->engine = engine;
	transfer->command = command;
	transfer->destination = destination;
	transfer->length = length;
	if (writes)
		memcpy(transfer->data, engine->bytes + VFIOSIM_ENGINE_WINDOW, length);
	ret = start_leg(call, transfer, engine->dev, first, writes ? DMA_WRITE : DMA_READ);
	if (!ret) {
		engine->transfer = transfer;
		put(engine, VFIOSIM_ENGINE_STATUS, 4, VFIOSIM_ENGINE_BUSY);
		return 0;
	}
	free(transfer);
	if (ret == CALL_AGAIN)
		return ret;
	forgive(call);
	complete(call, engine, ret, first);
	return 0;
}

/* ---- Pins ---- */

static void show_pins(struct engine *engine)
{
	put(engine, VFIOSIM_ENGINE_PINNED, 8, engine->pins.pages);
}

void engine_unmap(struct call *call, struct engine *engine, struct span iova)
{
	pins_drop(call, &engine->pins, iova);
	show_pins(engine);
}

static int do_pin(struct call *call, struct engine *engine)
{
	bool writes = get(engine, VFIOSIM_ENGINE_CONTROL, 4) & VFIOSIM_ENGINE_PIN_WRITE;
	uint64_t source = get(engine, VFIOSIM_ENGINE_SOURCE, 8);
	int ret = pins_add(call, &engine->pins, source, get(engine, VFIOSIM_ENGINE_LENGTH, 8),
			   writes ? DMA_READ | DMA_WRITE : DMA_READ);

	if (ret == CALL_AGAIN)
		return ret;
	show_pins(engine);
	if (ret)
		fail(call, engine, ret, source);
	else
		complete(call, engine, 0, 0);
	return 0;
}

static void do_unpin(struct call *call, struct engine *engine)
{
	struct span iova;

	if (!span_make(get(engine, VFIOSIM_ENGINE_SOURCE, 8),
		       get(engine, VFIOSIM_ENGINE_LENGTH, 8), &iova)) {
		fail(call, engine, -EINVAL, get(engine, VFIOSIM_ENGINE_SOURCE, 8));
		return;
	}
	engine_unmap(call, engine, iova);
	complete(call, engine, 0, 0);
}

/* ---- Commands ---- */

static int run_command(struct call *call, struct engine *engine)
{
	uint32_t command = (uint32_t)get(engine, VFIOSIM_ENGINE_COMMAND, 4);
	bool mdev = engine->dev->topo->kind == VFIOSIM_DEVICE_MDEV;

	if (engine->transfer && command != VFIOSIM_ENGINE_RESET)
		return 0;
	switch (command) {
	case VFIOSIM_ENGINE_COPY:
	case VFIOSIM_ENGINE_READ:
	case VFIOSIM_ENGINE_WRITE:
		return start_transfer(call, engine, command);
	case VFIOSIM_ENGINE_PIN:
		if (mdev)
			return do_pin(call, engine);
		break;
	case VFIOSIM_ENGINE_UNPIN:
		if (mdev) {
			do_unpin(call, engine);
			return 0;
		}
		break;
	case VFIOSIM_ENGINE_INTERRUPT:
		if (!(get(engine, VFIOSIM_ENGINE_CONTROL, 4) & VFIOSIM_ENGINE_RAISE))
			raise_vector(call, engine);
		complete(call, engine, 0, 0);
		return 0;
	case VFIOSIM_ENGINE_RESET:
		engine_reset(call, engine);
		return 0;
	default:
		break;
	}
	fail(call, engine, -EOPNOTSUPP, 0);
	return 0;
}

void engine_read(const struct engine *engine, void *to, size_t length, uint64_t pos)
{
	memcpy(to, engine->bytes + pos, length);
}

int engine_write(struct call *call, struct engine *engine, const void *from, size_t length,
		 uint64_t pos)
{
	const uint64_t doorbell = VFIOSIM_ENGINE_COMMAND + 3;
	const uint8_t *new = from;

	for (size_t i = 0; i < length; i++) {
		if (writable(pos + i))
			engine->bytes[pos + i] = new[i];
	}
	if (pos > doorbell || doorbell - pos >= length)
		return 0;
	return run_command(call, engine);
}

/* ---- Life ---- */

void engine_reset(struct call *call, struct engine *engine)
{
	cut_loose(engine);
	engine_unmap(call, engine, SPAN_ALL);
	clear_registers(engine);
}

int engine_create(struct device *dev, struct irqs *irqs, struct engine **ret_engine)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	engine->dev = dev;
	engine->irqs = irqs;
	pins_init(&engine->pins, dev);
	clear_registers(engine);
	*ret_engine = engine;
	return 0;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	cut_loose(engine);
	pins_done(&engine->pins);
	free(engine);
}
