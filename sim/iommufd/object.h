/* SPDX-License-Identifier: MIT */
/*
 * Objects: what an open /dev/iommu hands out ids for. Each open has a table of its
 * own; ids start at 1 and the lowest free one is reused.
 *
 * Life: object_reserve() takes an id while nobody can find it yet, object_publish()
 * shows it, object_abort() takes it back; a published one goes with
 * object_destroy() or with its table. `users` and `commands` keep it from
 * being destroyed. Mirrors drivers/iommu/iommufd/main.c (7.2).
 *
 * Guarded by the machine's lock.
 */
#ifndef SIM_IOMMUFD_OBJECT_H
#define SIM_IOMMUFD_OBJECT_H

#include "machine/call.h"

struct iommufd;
struct state;

struct object;

enum object_type {
	OBJECT_ANY,		/* in look-ups only */
	OBJECT_DEVICE,		/* a bound physical device: struct iommufd_device */
	OBJECT_IOAS,
	OBJECT_HWPT,		/* a hardware page table: one domain */
	OBJECT_ACCESS,		/* a bound mdev: struct iommufd_access */
	OBJECT_FAULT,		/* a fault queue */
};

/* A type of object. Mirrors struct iommufd_object_ops. */
struct object_ops {
	enum object_type type;
	const char *name;	/* in the state */
	/* Its keys there, besides those of every object. NULL: none. */
	void (*show)(struct state *state, const struct object *object);
	/* Frees it, without users. Cannot fail. */
	void (*destroy)(struct call *call, struct object *object);
};

struct object {
	const struct object_ops *ops;
	uint32_t id;
	unsigned users;		/* objects, and a descriptor of its own */
	unsigned commands;	/* that yield the lock in it */
	bool published;
	struct iommufd *iommufd;
};

struct object_table {
	struct object **objects;	/* [id - 1], NULL: free */
	uint32_t n;
	uint32_t lowest;		/* no id below is free */
};

/* -ENOMEM; @object->id is set. */
int object_reserve(struct iommufd *iommufd, struct object *object, const struct object_ops *ops);
void object_publish(struct object *object);
/* The id is free again; the object is the caller's to free. */
void object_abort(struct object *object);

/* The published object @id of @type, or NULL. */
struct object *object_find(const struct iommufd *iommufd, uint32_t id, enum object_type type);

void object_show(struct state *state, const struct object *object);

/* Whether it may not be destroyed. */
static inline bool object_in_use(const struct object *object)
{
	return object->users || object->commands;
}

/* IOMMU_DESTROY: ENOENT, EBUSY. */
int object_remove(struct call *call, struct iommufd *iommufd, uint32_t id);
/* Takes a published object without users out of the table and frees it. */
void object_destroy(struct call *call, struct object *object);

#endif
