/* SPDX-License-Identifier: MIT */
/* Steps that are worth telling. See tales.h. */
#include "expect/tales.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect/judge.h"
#include "report/explain.h"

char *tell_event(const struct vfiosim_event *event, uint64_t step)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	struct vfiosim_event numbered = *event;
	struct explain explain;

	if (!to)
		return NULL;
	explain_init(&explain, to, false);
	explain.glossary = UINT32_MAX;
	numbered.number = step;
	explain_event(&explain, &numbered);
	fclose(to);
	return text;
}

static bool same_name(const char *one, const char *other)
{
	return one == other || (one && other && !strcmp(one, other));
}

static bool same_mapping(const struct seen_mapping *one, const struct seen_mapping *other)
{
	return one->iova.first == other->iova.first && one->iova.last == other->iova.last &&
	       same_name(one->device, other->device) && one->region == other->region;
}

static bool in_space(const struct tale *tale, unsigned space)
{
	return !space || !tale->space || tale->space == space;
}

static void drop(struct tales *tales, size_t index)
{
	free(tales->items[index].name);
	free(tales->items[index].told);
	memmove(&tales->items[index], &tales->items[index + 1],
		(--tales->n - index) * sizeof(*tales->items));
}

static void drop_same(struct tales *tales, const struct tale *tale)
{
	for (size_t i = tales->n; i-- > 0;)
		if (tales->items[i].kind == tale->kind && tales->items[i].space == tale->space &&
		    same_name(tales->items[i].name, tale->name) &&
		    same_mapping(&tales->items[i].mapping, &tale->mapping))
			drop(tales, i);
	if (tales->n == TALES_MAX)
		drop(tales, 0);
}

/* @tale's own become the callee's. */
static void keep(struct tales *tales, const struct tale *tale)
{
	if (!tales->items)
		tales->items = calloc(TALES_MAX, sizeof(*tales->items));
	if (!tale->told || !tales->items) {
		free(tale->name);
		free(tale->told);
		return;
	}
	drop_same(tales, tale);
	tales->items[tales->n++] = *tale;
}

void tales_keep_name(struct tales *tales, enum tale_kind kind, const char *name, char *told)
{
	const struct tale tale = { .kind = kind, .name = name ? strdup(name) : NULL, .told = told };

	keep(tales, &tale);
}

void tales_keep_mapping(struct tales *tales, enum tale_kind kind, const struct seen_mapping *mapping,
			unsigned space, char *told)
{
	const struct tale tale = { .kind = kind, .mapping = *mapping, .space = space, .told = told };

	keep(tales, &tale);
}

void tales_done(struct tales *tales)
{
	while (tales->n)
		drop(tales, tales->n - 1);
	free(tales->items);
	*tales = (struct tales){ 0 };
}

const char *tales_of(const struct tales *tales, enum tale_kind kind, const char *name)
{
	for (size_t i = tales ? tales->n : 0; i-- > 0;)
		if (tales->items[i].kind == kind && (!name || same_name(tales->items[i].name, name)))
			return tales->items[i].told;
	return NULL;
}

const char *tales_of_mapping(const struct tales *tales, enum tale_kind kind,
			     const struct seen_mapping *mapping, unsigned space)
{
	for (size_t i = tales ? tales->n : 0; i-- > 0;)
		if (tales->items[i].kind == kind && in_space(&tales->items[i], space) &&
		    span_overlaps(tales->items[i].mapping.iova, mapping->iova))
			return tales->items[i].told;
	return NULL;
}

const char *tales_of_what(const struct tales *tales, enum tale_kind kind, enum tale_kind other,
			  const struct what *what, unsigned space)
{
	for (size_t i = tales ? tales->n : 0; i-- > 0;)
		if ((tales->items[i].kind == kind || tales->items[i].kind == other) && in_space(&tales->items[i], space) &&
		    what_is(what, &tales->items[i].mapping))
			return tales->items[i].told;
	return NULL;
}
