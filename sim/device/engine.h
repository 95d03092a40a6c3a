/* SPDX-License-Identifier: MIT */
/*
 * The engine behind a BAR: see vfiosim/engine.h for what it does and how a client
 * programs it.
 *
 * Created with its device, reset when the device is opened, reset or closed.
 * A transfer outlives the call that started it; if the engine is reset meanwhile
 * the transfer is cut loose and ends without a trace in the registers.
 *
 * Lock held; rules of call.h.
 */
#ifndef SIM_DEVICE_ENGINE_H
#define SIM_DEVICE_ENGINE_H

#include "vfio/device.h"

struct engine;
struct irqs;

/* @irqs raises its interrupts and must outlive it. -ENOMEM. */
int engine_create(struct device *dev, struct irqs *irqs, struct engine **ret_engine);
/* No pins may be left. NULL is allowed. */
void engine_destroy(struct engine *engine);
void engine_reset(struct call *call, struct engine *engine);
/* @pos + @length within VFIOSIM_ENGINE_SIZE. */
void engine_read(const struct engine *engine, void *to, size_t length, uint64_t pos);
/* 0, or CALL_AGAIN: nothing happened yet that a second call would do twice. */
int engine_write(struct call *call, struct engine *engine, const void *from, size_t length,
		 uint64_t pos);
/* Mappings go away: drop the pins in them. */
void engine_unmap(struct call *call, struct engine *engine, struct span iova);

#endif
