/* SPDX-License-Identifier: MIT */
/* What devices do to memory; see dma.h. */
#include "vfio/dma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "pages/backing.h"
#include "machine/client.h"
#include "vfio/container.h"
#include "machine/device.h"
#include "vfio/group.h"
#include "vfio/iommufd.h"
#include "pages/iopt.h"
#include "machine/subsystem.h"
#include "machine/tracing.h"
#include "vfio/type1.h"

#define TRANSFER_MAX (1u << 20)

static uint64_t page_start(uint64_t address)
{
	return address & ~(uint64_t)(VFIOSIM_PAGE_SIZE - 1);
}

/* How a space refuses and how it is pinned in: the rules of whoever looks up the address. */
struct space_ops {
	/* Nothing is mapped at @iova.first. */
	int (*refuse_missing)(struct call *call, const struct device *dev, struct span iova);
	bool page_by_page;		/* pins one page after the other, not an area at a time */
	bool write_is_enough;		/* to pin for reading and writing. Mirrors check_area_prot */
};

/* The IOMMU itself looked, for a physical device. */
static int refuse_fault(struct call *call, const struct device *dev, struct span iova)
{
	return refuse(call, RULE_DMA_NOT_MAPPED, VS("device", dev->topo->address),
		      V("iova", iova.first));
}

/* type1 looked, for an mdev. */
static int refuse_type1(struct call *call, const struct device *dev, struct span iova)
{
	return refuse(call, RULE_PIN_NOT_MAPPED, VS("device", dev->topo->address),
		      V("iova", iova.first));
}

/* iommufd looked, for an mdev. */
static int refuse_access(struct call *call, const struct device *dev, struct span iova)
{
	return refuse(call, RULE_AREA_MISSING, V("first", iova.first), V("last", iova.last));
}

static const struct space_ops domain_ops = { .refuse_missing = refuse_fault };
static const struct space_ops type1_ops = { .refuse_missing = refuse_type1, .page_by_page = true };
static const struct space_ops access_ops = { .refuse_missing = refuse_access,
					     .write_is_enough = true };

/* The space a device reaches memory through: a container's, or an ioas. */
struct space {
	struct iopt *iopt;		/* NULL: the device is attached to nothing */
	const struct space_ops *ops;
	bool v1;			/* type1 v1: nothing can be pinned in it */
	bool tracks;			/* writes are marked dirty */
};

static struct space space_of(const struct device *dev)
{
	const struct vfio_group *group = dev->group ? dev->group->vfio : NULL;
	struct ioas *ioas = dev->vfio ? vfio_iommufd_ioas(dev->vfio) : NULL;
	bool physical = dev->group && dev->group->iommu;
	struct type1 *type1;

	if (ioas)
		return (struct space){ .iopt = &ioas->iopt,
				       .ops = physical ? &domain_ops : &access_ops };
	if (!group || !group->container || group->container->driver != DRIVER_TYPE1)
		return (struct space){ .iopt = NULL };
	type1 = group->container->type1;
	return (struct space){ .iopt = &type1->iopt,
			       .ops = physical ? &domain_ops : &type1_ops,
			       .v1 = !type1->v2,
			       .tracks = type1->tracking };
}

/* ---- Pinning, for mdevs ---- */

static int check_protection(struct call *call, const struct device *dev, const struct area *area,
			    unsigned dir)
{
	if ((!(dir & DMA_READ) || area->flags & AREA_READ) &&
	    (!(dir & DMA_WRITE) || area->flags & AREA_WRITE))
		return 0;
	return refuse(call, RULE_DMA_PROTECTION, VS("device", dev->topo->address),
		      V("first", area->iova.first), V("last", area->iova.last),
		      VS("access", dir & DMA_WRITE ? "writing" : "reading"));
}

/*
 * A copy can bring mappings of less than a page into an ioas that an mdev uses; those
 * can be read and written, but not pinned. Mirrors iopt_area_contig_is_aligned (7.2).
 */
static int check_whole_pages(struct call *call, struct span part)
{
	if (!((part.first | (part.last + 1)) % VFIOSIM_PAGE_SIZE))
		return 0;
	return refuse(call, RULE_UNALIGNED, VS("what", "iova"),
		      V("value", part.first % VFIOSIM_PAGE_SIZE ? part.first : part.last + 1),
		      V("alignment", VFIOSIM_PAGE_SIZE));
}

static uint64_t page_last(uint64_t address)
{
	return page_start(address) + (VFIOSIM_PAGE_SIZE - 1);
}

/*
 * Pins what lies at @iova.first, at most to the end of its area. @ret_part: what that was.
 */
static int pin_part(struct call *call, const struct device *dev, const struct space *space,
		    struct span iova, unsigned dir, struct span *ret_part)
{
	struct area *area = iopt_at(space->iopt, iova.first);
	int ret;

	if (!area)
		return space->ops->refuse_missing(call, dev, iova);
	*ret_part = span_clip(iova, area->iova);
	if (space->ops->page_by_page)
		*ret_part =
			span_clip(*ret_part, (struct span){ iova.first, page_last(iova.first) });
	ret = check_whole_pages(call, *ret_part);
	if (dir & DMA_WRITE && space->ops->write_is_enough)
		dir = DMA_WRITE;
	if (!ret)
		ret = check_protection(call, dev, area, dir);
	if (!ret)
		ret = area_add_access(call, area, *ret_part);
	if (!ret && space->tracks)
		area_mark_dirty(area, *ret_part);
	return ret;
}

static void unpin_pages(const struct space *space, struct span iova)
{
	for (uint64_t at = page_start(iova.first);; at += VFIOSIM_PAGE_SIZE) {
		struct area *area = iopt_at(space->iopt, at);

		if (area)
			area_remove_access(area, at);
		if (iova.last - at < VFIOSIM_PAGE_SIZE)
			return;
	}
}

int dma_pin(struct call *call, struct device *dev, struct span iova, unsigned dir)
{
	struct space space = space_of(dev);
	struct span rest = iova, part;

	if (!space.iopt)
		return refuse(call, RULE_DMA_NOT_ATTACHED, VS("device", dev->topo->address));
	if (space.v1)
		return refuse(call, RULE_PIN_V1);
	for (;; rest.first = part.last + 1) {
		int ret = pin_part(call, dev, &space, rest, dir, &part);

		if (ret && rest.first > iova.first)
			unpin_pages(&space, (struct span){ iova.first, rest.first - 1 });
		if (ret)
			return ret;
		if (part.last == iova.last)
			break;
	}
	changed(call, "{device} pinned {first}..{last}", VS("device", dev->topo->address),
		V("first", iova.first), V("last", iova.last));
	return 0;
}

void dma_unpin(struct call *call, struct device *dev, struct span iova)
{
	struct space space = space_of(dev);

	if (!space.iopt)
		return;
	unpin_pages(&space, iova);
	changed(call, "{device} unpinned {first}..{last}", VS("device", dev->topo->address),
		V("first", iova.first), V("last", iova.last));
}

/* ---- Transfers ---- */

/* A stretch of memory, or of a file; what it lies in is counted. */
struct chunk {
	struct vfiosim_client *client;	/* NULL: a file's */
	struct backing *backing;	/* NULL: a client's */
	uint64_t at;			/* address, or offset */
	size_t length;
};

struct dma {
	struct device *dev;
	uint64_t iova;
	uint8_t *buffer;
	size_t length;
	enum dma_dir dir;
	void (*done)(struct call *call, void *arg, int result);
	void *arg;
	int result;
	size_t n_chunks;
	struct chunk chunks[];
};

static void record_fault(struct call *call, const struct device *dev, uint64_t iova,
			 size_t length, enum dma_dir dir)
{
	struct vfiosim *sim = call->sim;
	struct fault_record *fault =
		&sim->faults[sim->n_faults++ % (sizeof(sim->faults) / sizeof(sim->faults[0]))];

	sim->counters.dma_faults++;
	*fault = (struct fault_record){
		.device = dev->index, .iova = iova, .length = length, .write = dir == DMA_WRITE
	};
	snprintf(fault->reason, sizeof(fault->reason), "%.*s", (int)sizeof(fault->reason) - 1,
		 call->reason);
	changed(call, "DMA fault: {reason}", VS("reason", call->reason));
}

/* Where the byte at @iova lies, and how many follow in the same mapping. */
static int translate(struct call *call, struct device *dev, const struct space *space,
		     uint64_t iova, uint64_t last, enum dma_dir dir, struct chunk *ret_chunk)
{
	struct area *area = iopt_at(space->iopt, iova);
	uint32_t needed = dir == DMA_WRITE ? AREA_WRITE : AREA_READ;
	struct span part;

	if (!area)
		return space->ops->refuse_missing(call, dev, (struct span){ iova, last });
	if (!(area->flags & needed))
		return refuse(call, RULE_DMA_PROTECTION, VS("device", dev->topo->address),
			      V("first", area->iova.first), V("last", area->iova.last),
			      VS("access", dir == DMA_WRITE ? "writing" : "reading"));
	part = span_clip((struct span){ iova, last }, area->iova);
	*ret_chunk = (struct chunk){
		.backing = pages_file(area->pages),
		.client = pages_memory(area->pages),
		.at = area_uva(area, iova),
		.length = part.last - part.first + 1,
	};
	if (dir == DMA_WRITE && space->tracks) {
		struct span pages = { page_start(part.first),
				      page_start(part.last) + VFIOSIM_PAGE_SIZE - 1 };

		if (area_mark_dirty(area, pages))
			return refuse(call, RULE_NO_MEMORY);
	}
	return 0;
}

static int translate_all(struct call *call, const struct space *space, struct dma *dma)
{
	uint64_t last = dma->iova + dma->length - 1;

	for (uint64_t at = dma->iova; dma->n_chunks == 0 || at <= last;) {
		struct chunk *chunk = &dma->chunks[dma->n_chunks];
		int ret = translate(call, dma->dev, space, at, last, dma->dir, chunk);

		if (ret)
			return ret;
		dma->n_chunks++;
		if (chunk->length > last - at)
			break;
		at += chunk->length;
	}
	return 0;
}

/* Lock held: tell the driver, as a call of its own that the trace can show. */
static int decide_done(struct call *call)
{
	struct dma *dma = *call_state(call, struct dma *);

	if (dma->result) {
		refuse(call, dma->result == -EACCES ? RULE_DMA_FILE_READ_ONLY : RULE_DMA_GONE,
		       VS("device", dma->dev->topo->address), V("iova", dma->iova));
		record_fault(call, dma->dev, dma->iova, dma->length, dma->dir);
	}
	dma->done(call, dma->arg, dma->result);
	return dma->result;
}

static int move_chunk(const struct chunk *chunk, enum dma_dir dir, void *bytes)
{
	const struct backing *backing = chunk->backing;
	const struct vfiosim_client *client = chunk->client;

	if (backing && dir == DMA_READ)
		return backing->ops->backing_read(backing->file, chunk->at, bytes, chunk->length);
	if (backing)
		return backing->ops->backing_write(backing->file, chunk->at, bytes, chunk->length);
	if (dir == DMA_READ)
		return client->ops->read(client->ctx, chunk->at, bytes, chunk->length);
	return client->ops->write(client->ctx, chunk->at, bytes, chunk->length);
}

static void move(struct vfiosim *sim, void *arg)
{
	struct vfiosim_caller nobody = { 0 };
	struct dma *dma = arg;
	uint8_t *at = dma->buffer;
	struct call call;
	char object[64];
	int ret;

	for (size_t i = 0; i < dma->n_chunks; i++) {
		const struct chunk *chunk = &dma->chunks[i];

		if (!dma->result)
			dma->result = move_chunk(chunk, dma->dir, at);
		at += chunk->length;
		vfiosim_client_put(chunk->client);
		backing_drop(chunk->backing);
	}
	call_init(&call, sim, &nobody, NULL);
	snprintf(object, sizeof(object), "device %s", dma->dev->topo->address);
	call.object = object;
	call.arg = dma->iova;
	*call_state(&call, struct dma *) = dma;
	ret = call_run(&call, decide_done);
	trace_call(&call, dma->dir == DMA_READ ? "dma-read" : "dma-write", NULL, NULL,
		   ret ? ret : (long)dma->length);
	call_done(&call);
	vfiosim_finish(sim, &nobody);
	free(dma);
}

/* A chunk for every mapping within @span: how many there are depends on the client alone. */
static struct dma *new_dma(const struct space *space, struct span span)
{
	struct span_cursor cursor;
	const struct area *area;
	size_t n = 0;

	if (space->iopt)
		iopt_for_each(space->iopt, &cursor, area, span.first, span.last)
			n++;
	return malloc(sizeof(struct dma) + n * sizeof(struct chunk));
}

int dma_transfer(struct call *call, struct device *dev, uint64_t iova, void *buffer, size_t length,
		 enum dma_dir dir, void (*done)(struct call *call, void *arg, int result), void *arg)
{
	struct space space = space_of(dev);
	struct span span;
	struct dma *dma;
	int ret = 0;

	if (length > TRANSFER_MAX || !span_make(iova, length, &span))
		return refuse(call, RULE_DMA_NOT_MAPPED, VS("device", dev->topo->address),
			      V("iova", iova));
	dma = new_dma(&space, span);
	if (!dma)
		return refuse(call, RULE_NO_MEMORY);
	*dma = (struct dma){ .dev = dev, .iova = iova, .buffer = buffer, .length = length,
			     .dir = dir, .done = done, .arg = arg };
	if (!space.iopt)
		ret = refuse(call, RULE_DMA_NOT_ATTACHED, VS("device", dev->topo->address));
	if (!ret)
		ret = translate_all(call, &space, dma);
	if (!ret && call_defer(call, move, dma))
		ret = refuse(call, RULE_NO_MEMORY);
	if (ret) {
		record_fault(call, dev, iova, length, dir);
		free(dma);
		return ret;
	}
	for (size_t i = 0; i < dma->n_chunks; i++) {
		if (dma->chunks[i].client)
			client_get(dma->chunks[i].client);
		backing_get(dma->chunks[i].backing);
	}
	return 0;
}

/* ---- With the machine ---- */

static void show_fault(struct state *state, const struct fault_record *fault)
{
	struct json *json = &state->json;

	json_object(json);
	json_put_string(json, "device", state->sim->devices[fault->device]->topo->address);
	json_put_hex(json, "iova", fault->iova);
	json_put_unsigned(json, "length", fault->length);
	json_put_bool(json, "write", fault->write);
	json_put_string(json, "reason", fault->reason);
	json_object_end(json);
}

static void show(struct state *state)
{
	const struct vfiosim *sim = state->sim;
	const uint64_t kept = sizeof(sim->faults) / sizeof(sim->faults[0]);
	uint64_t first = sim->n_faults > kept ? sim->n_faults - kept : 0;

	json_key(&state->json, "faults");
	json_array(&state->json);
	for (uint64_t i = first; i < sim->n_faults; i++)
		show_fault(state, &sim->faults[i % kept]);
	json_array_end(&state->json);
}

const struct subsystem dma_subsystem = { .show = show };
