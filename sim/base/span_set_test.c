/* SPDX-License-Identifier: MIT */
/*
 * The span set against a model made of an array: the same calls in the same
 * order must answer the same. Includes the source, to look at the nodes and to
 * let allocations fail.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/suite_test.h"

/* The n-th malloc() from now fails; 0: none does. */
static unsigned fail_malloc;

static void *test_malloc(size_t size)
{
	return fail_malloc && !--fail_malloc ? NULL : malloc(size);
}

#define malloc test_malloc
#include "span_node.c"
#include "span_set.c"
#undef malloc

/* For checks made by the million: ck_assert() tells the parent each time it passes. */
#define need(condition_)                                                                           \
	do {                                                                                       \
		if (!(condition_))                                                                 \
			ck_abort_msg("%s", #condition_);                                           \
	} while (0)

/* ---- The tree's own rules ---- */

struct shape {
	size_t spans, leaves;
	const struct leaf *last;
};

static void check_leaf(const struct leaf *leaf, uint64_t low, uint64_t high, bool bounded,
		       struct shape *shape)
{
	need(leaf->n >= 1);
	need(leaf->n <= LEAF_MAX);
	need(leaf->prev == shape->last);
	if (shape->last) {
		need(shape->last->next == leaf);
		need(shape->last->place[shape->last->n - 1].last < leaf->first[0]);
	}
	for (size_t i = 0; i < leaf->n; i++) {
		need(leaf->first[i] >= low);
		need(!bounded || leaf->first[i] < high);
		need(leaf->first[i] <= leaf->place[i].last);
		need(!i || leaf->place[i - 1].last < leaf->first[i]);
	}
	for (size_t i = leaf->n; i < KEYS; i++)
		need(leaf->first[i] == UNUSED);
	shape->spans += leaf->n;
	shape->leaves++;
	shape->last = leaf;
}

static void check_node(const void *node, unsigned level, uint64_t low, uint64_t high, bool bounded,
		       struct shape *shape)
{
	const struct branch *branch = node;

	if (!level) {
		check_leaf(node, low, high, bounded, shape);
		return;
	}
	need(branch->n >= 2);
	need(branch->n <= BRANCH_MAX);
	need(branch->low[0] == low);
	for (size_t i = branch->n; i < KEYS; i++)
		need(branch->low[i] == UNUSED);
	for (size_t i = 0; i < branch->n; i++) {
		bool inner = i + 1 < branch->n;
		uint64_t from = i ? branch->low[i] : low;
		uint64_t to = inner ? branch->low[i + 1] : high;

		need(from < to || !(inner || bounded));
		check_node(branch->child[i], level - 1, from, to, inner || bounded, shape);
	}
}

static void check_set(const struct span_set *set)
{
	struct shape shape = { 0 };

	if (!set->root) {
		need(set->count == 0);
		need(set->height == 0);
		return;
	}
	check_node(set->root, set->height, 0, 0, false, &shape);
	need(shape.spans == set->count);
	need(!shape.last->next);
}

/* A fixed sequence of numbers (xorshift64). */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- The model ---- */

#define MODEL_MAX 6000

struct model {
	struct span span[MODEL_MAX];
	void *item[MODEL_MAX];
	size_t n;
};

/* The first span whose last is >= @address; n: there is none. */
static size_t model_seek(const struct model *model, uint64_t address)
{
	size_t i = 0;

	while (i < model->n && model->span[i].last < address)
		i++;
	return i;
}

static int model_insert(struct model *model, struct span span, void *item)
{
	size_t i = model_seek(model, span.first);

	if (i < model->n && span_overlaps(model->span[i], span))
		return -EEXIST;
	memmove(model->span + i + 1, model->span + i, (model->n - i) * sizeof(*model->span));
	memmove(model->item + i + 1, model->item + i, (model->n - i) * sizeof(*model->item));
	model->span[i] = span;
	model->item[i] = item;
	model->n++;
	return 0;
}

static void *model_erase(struct model *model, uint64_t first)
{
	size_t i = model_seek(model, first);
	void *item;

	if (i == model->n || model->span[i].first != first)
		return NULL;
	item = model->item[i];
	model->n--;
	memmove(model->span + i, model->span + i + 1, (model->n - i) * sizeof(*model->span));
	memmove(model->item + i, model->item + i + 1, (model->n - i) * sizeof(*model->item));
	return item;
}

/* Another last for the span at @address or above: anything up to the next one. */
static void resize_one(struct span_set *set, struct model *model, uint64_t address, uint64_t *state)
{
	size_t i = model_seek(model, address);
	struct span_cursor cursor;
	uint64_t highest;

	if (i == model->n)
		return;
	highest = i + 1 < model->n ? model->span[i + 1].first - 1 : model->span[i].last;
	highest -= model->span[i].first;
	model->span[i].last = model->span[i].first +
			      (highest == UINT64_MAX ? highest : next_random(state) % (highest + 1));
	need(span_set_seek(set, address, &cursor));
	span_cursor_set_last(&cursor, model->span[i].last);
	need(cursor.span.last == model->span[i].last);
}

static void check_cursor(const struct model *model, size_t i, bool found,
			 const struct span_cursor *cursor)
{
	need(found == (i < model->n));
	if (!found)
		return;
	need(cursor->span.first == model->span[i].first);
	need(cursor->span.last == model->span[i].last);
	need(cursor->item == model->item[i]);
}

static void check_queries(const struct span_set *set, const struct model *model, uint64_t address,
			  struct span span)
{
	struct span_cursor cursor;
	size_t i = model_seek(model, address);
	bool overlap;

	check_cursor(model, i, span_set_seek(set, address, &cursor), &cursor);
	i = i < model->n && model->span[i].first <= address ? i : i - 1;	/* 0 - 1: none */
	check_cursor(model, i, span_set_seek_below(set, address, &cursor), &cursor);

	i = model_seek(model, span.first);
	overlap = i < model->n && span_overlaps(model->span[i], span);
	need(span_set_find(set, span) == (overlap ? model->item[i] : NULL));
}

static void check_walk(const struct span_set *set, const struct model *model, struct span span)
{
	struct span_cursor cursor;
	size_t i = model_seek(model, span.first);

	span_set_for_each(set, &cursor, span.first, span.last)
		check_cursor(model, i++, true, &cursor);
	need(i >= model->n || model->span[i].first > span.last);
}

/* Spaces of differing size, at both ends and in the middle. */
static const struct span spaces[] = {
	{ 0, 300 },
	{ 0, 40000 },
	{ UINT64_MAX - 300, UINT64_MAX },
	{ UINT64_MAX - 40000, UINT64_MAX },
	{ UINT64_MAX / 2, UINT64_MAX / 2 + 20000 },
	SPAN_ALL,
};

static struct span random_span(uint64_t *state, struct span space)
{
	uint64_t room = space.last - space.first;	/* the length, less one */
	uint64_t longest = next_random(state) % 4 ? 3 : room / 20;
	struct span span;

	span.first = space.first + (room == UINT64_MAX ? next_random(state)
						       : next_random(state) % (room + 1));
	span.last = next_random(state) % (longest + 1);
	if (__builtin_add_overflow(span.first, span.last, &span.last) || span.last > space.last)
		span.last = space.last;
	return span;
}

/* At once, or where a look before has found room. */
static int insert_either_way(struct span_set *set, struct span span, void *item, bool by_gap)
{
	struct span_gap gap;
	void *other;

	if (!by_gap)
		return span_set_insert(set, span, item);
	other = span_set_find_gap(set, span, &gap);
	need(other == span_set_find(set, span));
	return other ? -EEXIST : span_set_insert_gap(set, &gap, span, item);
}

/* By address, or by a cursor that was put there. */
static void *erase_either_way(struct span_set *set, uint64_t first, bool by_cursor)
{
	struct span_cursor cursor;

	if (!by_cursor || !span_set_seek(set, first, &cursor) || cursor.span.first != first)
		return span_set_erase(set, first);
	return span_cursor_erase(set, &cursor);
}

START_TEST(test_random)
{
	struct span space = spaces[_i];
	struct model *model = calloc(1, sizeof(*model));
	uint64_t state = 88172645463325252ull + (uint64_t)_i;
	struct span_set set;
	void *item;

	span_set_init(&set);
	for (unsigned step = 0; step < 20000; step++) {
		/* Waves: mostly filling, then mostly emptying. */
		bool fill = next_random(&state) % 10 < (step / 4000 % 2 ? 2 : 8);
		struct span span = random_span(&state, space);

		if (fill && model->n < MODEL_MAX) {
			item = (void *)(uintptr_t)(step + 1);
			need(insert_either_way(&set, span, item, step / 2 % 2) ==
			     model_insert(model, span, item));
		} else {
			size_t i = model_seek(model, span.first);

			if (i < model->n && next_random(&state) % 8)
				span.first = model->span[i].first;
			item = model_erase(model, span.first);
			need(erase_either_way(&set, span.first, step % 2) == item);
		}
		if (step % 16 == 0)
			resize_one(&set, model, span.first, &state);
		need(set.count == model->n);
		check_queries(&set, model, span.first, random_span(&state, space));
		if (step % 64)
			continue;
		check_set(&set);
		check_walk(&set, model, random_span(&state, space));
		check_walk(&set, model, SPAN_ALL);
	}
	while (model->n) {
		size_t i = next_random(&state) % model->n;
		uint64_t first = model->span[i].first;

		need(span_set_erase(&set, first) == model_erase(model, first));
		if (model->n % 16 == 0)
			check_set(&set);
	}
	need(!set.root);
	need(span_set_bytes(&set) == 0);
	span_set_done(&set);
	free(model);
}
END_TEST

START_TEST(test_empty)
{
	struct span_cursor cursor;
	struct span_set set;

	span_set_init(&set);
	need(!span_set_find(&set, SPAN_ALL));
	need(!span_set_erase(&set, 0));
	need(!span_set_seek(&set, 0, &cursor));
	need(!span_set_seek_below(&set, UINT64_MAX, &cursor));
	need(span_set_bytes(&set) == 0);
	span_set_done(&set);
}
END_TEST

START_TEST(test_edges)
{
	int a, b, c;
	struct span_cursor cursor;
	struct span_set set;

	span_set_init(&set);
	need(span_set_insert(&set, SPAN_ALL, &a) == 0);
	need(span_set_insert(&set, SPAN_ALL, &b) == -EEXIST);
	need(span_set_insert(&set, (struct span){ UINT64_MAX, UINT64_MAX }, &b) == -EEXIST);
	need(span_set_erase(&set, 0) == &a);

	need(span_set_insert(&set, (struct span){ 0, 0 }, &a) == 0);
	need(span_set_insert(&set, (struct span){ UINT64_MAX, UINT64_MAX }, &b) == 0);
	need(span_set_insert(&set, (struct span){ 1, UINT64_MAX - 1 }, &c) == 0);
	need(span_set_find(&set, (struct span){ 0, UINT64_MAX }) == &a);
	need(span_set_find(&set, (struct span){ 1, 1 }) == &c);
	need(span_set_find(&set, (struct span){ UINT64_MAX, UINT64_MAX }) == &b);
	need(span_set_seek(&set, UINT64_MAX, &cursor));
	need(cursor.item == &b);
	need(!span_cursor_next(&cursor));

	need(span_set_erase(&set, 1) == &c);
	need(!span_set_find(&set, (struct span){ 1, UINT64_MAX - 1 }));
	need(span_set_seek_below(&set, UINT64_MAX - 1, &cursor));
	need(cursor.item == &a);
	need(span_set_seek(&set, 1, &cursor));
	need(cursor.item == &b);
	check_set(&set);
	span_set_done(&set);
}
END_TEST

/* Erasing wants the very first address of a span, not one inside. */
START_TEST(test_erase_exact)
{
	int a;
	struct span_set set;

	span_set_init(&set);
	need(span_set_insert(&set, (struct span){ 10, 19 }, &a) == 0);
	need(!span_set_erase(&set, 9));
	need(!span_set_erase(&set, 11));
	need(span_set_erase(&set, 10) == &a);
	need(!span_set_erase(&set, 10));
	span_set_done(&set);
}
END_TEST

/* Whatever the order, and however much fails on the way, all or nothing holds. */
START_TEST(test_no_memory)
{
	const unsigned count = 3000;
	struct span_set set;

	span_set_init(&set);
	for (unsigned i = 0; i < count; i++) {
		uint64_t first = (uint64_t)i * 1237 % count * 10;	/* each once, scattered */
		struct span span = { first, first + 9 };
		unsigned fail = 0;
		int rc;

		do {
			fail_malloc = ++fail;
			rc = span_set_insert(&set, span, &set);
			need(rc == 0 || rc == -ENOMEM);
			need(set.count == (rc ? i : i + 1));
			if (rc)
				need(!span_set_find(&set, span));
		} while (rc);
		if (fail > 1)
			check_set(&set);
	}
	/* Erasing needs no memory at all. */
	fail_malloc = 1;
	for (unsigned i = 0; i < count; i++)
		need(span_set_erase(&set, (uint64_t)i * 10) == &set);
	need(fail_malloc == 1);
	need(!set.root);
	fail_malloc = 0;
	span_set_done(&set);
}
END_TEST

/* Mappings often come in order, upwards or downwards: nodes must stay full. */
START_TEST(test_fill_in_order)
{
	const uint64_t count = 20000;
	struct span_set set;

	span_set_init(&set);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t first = (_i ? count - i : i) * 4096;

		need(span_set_insert(&set, (struct span){ first, first + 4095 }, &set) == 0);
	}
	check_set(&set);
	need(span_set_bytes(&set) <= count * 27);
	span_set_done(&set);
}
END_TEST

/* Random order: two thirds full, about. */
START_TEST(test_fill_random)
{
	const uint64_t count = 20011;	/* a prime */
	struct span_set set;

	span_set_init(&set);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t first = i * 7919 * 7919 % count * 4096;

		need(span_set_insert(&set, (struct span){ first, first + 4095 }, &set) == 0);
	}
	check_set(&set);
	need(span_set_bytes(&set) <= count * 42);
	span_set_done(&set);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("span_set");
	TCase *tests = tcase_create("span_set");

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_empty);
	tcase_add_test(tests, test_edges);
	tcase_add_test(tests, test_erase_exact);
	tcase_add_loop_test(tests, test_random, 0, sizeof(spaces) / sizeof(spaces[0]));
	tcase_add_test(tests, test_no_memory);
	tcase_add_loop_test(tests, test_fill_in_order, 0, 2);
	tcase_add_test(tests, test_fill_random);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
