/* SPDX-License-Identifier: MIT */
/* What drivers have pinned. See pins.h. */
#include "device/pins.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <vfiosim/topology.h>

#include "vfio/dma.h"

#define PINS_MAX 4096u			/* ranges */
#define PINNED_MAX (1u << 18)		/* pages in them: each costs time and memory */

struct pin {
	struct span iova;
	LIST_ENTRY(pin) in_pins;
};

static uint64_t pages(struct span span)
{
	return span_length(span) / VFIOSIM_PAGE_SIZE;
}

void pins_init(struct pins *pins, struct device *dev)
{
	*pins = (struct pins){ .dev = dev };
	LIST_INIT(&pins->list);
}

void pins_done(struct pins *pins)
{
	assert(LIST_EMPTY(&pins->list));
}

static void remember(struct pins *pins, struct pin *pin)
{
	LIST_INSERT_HEAD(&pins->list, pin, in_pins);
	pins->n++;
	pins->pages += pages(pin->iova);
}

int pins_add(struct call *call, struct pins *pins, uint64_t iova, uint64_t length, unsigned dir)
{
	struct span span;
	struct pin *pin;
	int ret;

	if ((iova | length) % VFIOSIM_PAGE_SIZE || !span_make(iova, length, &span))
		return refuse(call, RULE_PINS_WHOLE_PAGES, V("iova", iova), V("length", length));
	if (pins->n == PINS_MAX || pages(span) > PINNED_MAX - pins->pages)
		return refuse(call, RULE_PINS_LIMIT, V("pages", pages(span)),
			      VS("device", pins->dev->topo->address));
	pin = malloc(sizeof(*pin));
	if (!pin)
		return refuse(call, RULE_NO_MEMORY);
	pin->iova = span;
	ret = dma_pin(call, pins->dev, span, dir);
	if (ret)
		free(pin);
	else
		remember(pins, pin);
	return ret;
}

static void drop(struct call *call, struct pins *pins, struct pin *pin)
{
	LIST_REMOVE(pin, in_pins);
	pins->n--;
	pins->pages -= pages(pin->iova);
	dma_unpin(call, pins->dev, pin->iova);
	free(pin);
}

void pins_drop(struct call *call, struct pins *pins, struct span iova)
{
	struct pin *pin = LIST_FIRST(&pins->list), *next;

	for (; pin; pin = next) {
		next = LIST_NEXT(pin, in_pins);
		if (span_overlaps(pin->iova, iova))
			drop(call, pins, pin);
	}
}
