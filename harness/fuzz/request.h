/* SPDX-License-Identifier: MIT */
/*
 * A request: one command on one descriptor, made up from the command's row. Fields are
 * filled by their names and formats (request.c), then by the command's recipe, where
 * fields depend on each other or something stands behind the structure (recipes.c).
 * A command without a recipe is asked for as well as its row tells.
 */
#ifndef HARNESS_FUZZ_REQUEST_H
#define HARNESS_FUZZ_REQUEST_H

#include "fuzz/world.h"

#define REQUEST_MAX 2048

struct request {
	struct world *world;
	struct choices *choices;
	struct program *program;
	struct held *held;		/* on which it is given */
	const struct vfiosim_command *row;
	uint8_t bytes[REQUEST_MAX];	/* the structure, and what stands behind it */
	size_t size;
	uint64_t arg;			/* commands whose argument is a number */
};

/* What is known of a command besides its row. */
struct recipe {
	const char *command;
	unsigned kind;			/* of the file: one name may mean two commands */
	unsigned weight;		/* how often, against others of that kind */
	/* Would it have a chance now? NULL: always. */
	bool (*ready)(const struct world *world, const struct program *program,
		      const struct opened *file);
	void (*fill)(struct request *request);	/* NULL: fields and formats tell all */
	void (*done)(struct request *request, long result);	/* it has succeeded */
};
/* NULL: there is none. */
const struct recipe *recipe_of(const struct vfiosim_command *row);

/* One command of @program's: made up, given, and what it returned is held. */
void request_any(struct world *world, struct program *program, struct choices *choices);

/* ---- For recipes -------------------------------------------------------- */

uint64_t field_get(const struct request *request, const char *name);
/* Nothing happens where the row has no such field. */
void field_set(struct request *request, const char *name, uint64_t value);
/* @size bytes at @offset, where the row names no field. */
void put_at(struct request *request, size_t offset, const void *from, size_t size);
void put32(struct request *request, size_t offset, uint32_t value);
void put64(struct request *request, size_t offset, uint64_t value);
/* How long it is: in argsz or size, too. */
void set_size(struct request *request, size_t size);

/* The iommufd behind the file: itself, or what the device is bound to; NULL. */
json_object *iommufd_of(const struct world *world, const struct opened *file);
json_object *container_of(const struct world *world, const struct opened *file);
json_object *group_of(const struct world *world, const struct opened *file);
/* The id of an object of @type ("ioas"), 0: there is none. */
uint64_t an_object(const struct request *request, const char *type);
/* The container, or the ioas of that id, where mappings are; NULL. */
json_object *space_of(const struct request *request, uint64_t ioas);
/* A free stretch of @length in @space. */
uint64_t free_iova(const struct request *request, json_object *space, uint64_t length);
/* A descriptor of a file of @kinds, -1 where there is none. */
int a_descriptor(const struct request *request, unsigned kinds);
/* Memory of the program, @length at most that long; 0: it has none. */
uint64_t some_memory(const struct request *request, uint64_t *ret_length);

#endif
