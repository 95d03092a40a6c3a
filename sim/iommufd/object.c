/* SPDX-License-Identifier: MIT */
/* Objects and their ids; see object.h. */
#include "iommufd/object.h"

#include <errno.h>
#include <stdlib.h>

#include "iommufd/iommufd.h"
#include "machine/state.h"

/* A slot for the lowest free id. */
static struct object **free_slot(struct object_table *table)
{
	struct object **grown;
	uint32_t n;

	for (; table->lowest < table->n; table->lowest++)
		if (!table->objects[table->lowest])
			return &table->objects[table->lowest];
	n = table->n ? 2 * table->n : 16;
	grown = reallocarray(table->objects, n, sizeof(*grown));
	if (!grown)
		return NULL;
	for (uint32_t i = table->n; i < n; i++)
		grown[i] = NULL;
	table->objects = grown;
	n = table->n;
	table->n = n ? 2 * n : 16;
	return &table->objects[n];
}

int object_reserve(struct iommufd *iommufd, struct object *object, const struct object_ops *ops)
{
	struct object **slot = free_slot(&iommufd->table);

	if (!slot)
		return -ENOMEM;
	*object = (struct object){
		.ops = ops,
		.id = (uint32_t)(slot - iommufd->table.objects) + 1,
		.iommufd = iommufd,
	};
	*slot = object;
	return 0;
}

void object_publish(struct object *object)
{
	object->published = true;
}

void object_abort(struct object *object)
{
	struct object_table *table = &object->iommufd->table;

	table->objects[object->id - 1] = NULL;
	if (object->id - 1 < table->lowest)
		table->lowest = object->id - 1;
}

struct object *object_find(const struct iommufd *iommufd, uint32_t id, enum object_type type)
{
	struct object *object;

	if (!id || id > iommufd->table.n)
		return NULL;
	object = iommufd->table.objects[id - 1];
	if (!object || !object->published || (type != OBJECT_ANY && object->ops->type != type))
		return NULL;
	return object;
}

int object_remove(struct call *call, struct iommufd *iommufd, uint32_t id)
{
	struct object *object = object_find(iommufd, id, OBJECT_ANY);

	if (!object)
		return refuse(call, RULE_NO_OBJECT, VS("what", "object"), V("id", id));
	if (object_in_use(object))
		return refuse(call, RULE_OBJECT_BUSY, V("id", id),
			      V("users", object->users + object->commands));
	object_destroy(call, object);
	return 0;
}

void object_destroy(struct call *call, struct object *object)
{
	object_abort(object);
	object->ops->destroy(call, object);
}

void object_show(struct state *state, const struct object *object)
{
	struct json *json = &state->json;

	json_object(json);
	json_put_unsigned(json, "id", object->id);
	json_put_string(json, "type", object->ops->name);
	json_put_unsigned(json, "users", object->users);
	if (object->ops->show)
		object->ops->show(state, object);
	json_object_end(json);
}
