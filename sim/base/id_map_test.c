/* SPDX-License-Identifier: MIT */
/* The id map: what goes in comes out, once, under its own id. */
#include "base/id_map.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/suite_test.h"

START_TEST(test_story)
{
	int a, b;
	struct id_map map;

	id_map_init(&map);
	ck_assert_uint_eq(id_map_count(&map), 0);
	ck_assert_ptr_null(id_map_find(&map, 0));
	ck_assert_ptr_null(id_map_erase(&map, 0));

	ck_assert_int_eq(id_map_insert(&map, 0, NULL), -EINVAL);
	ck_assert_int_eq(id_map_insert(&map, 0, &a), 0);
	ck_assert_int_eq(id_map_insert(&map, 0, &b), -EEXIST);
	ck_assert_int_eq(id_map_insert(&map, UINT64_MAX, &b), 0);
	ck_assert_uint_eq(id_map_count(&map), 2);
	ck_assert_ptr_eq(id_map_find(&map, 0), &a);
	ck_assert_ptr_eq(id_map_find(&map, UINT64_MAX), &b);

	ck_assert_ptr_eq(id_map_erase(&map, 0), &a);
	ck_assert_ptr_null(id_map_find(&map, 0));
	ck_assert_uint_eq(id_map_count(&map), 1);
	id_map_done(&map);
	ck_assert_uint_eq(id_map_count(&map), 0);
}
END_TEST

START_TEST(test_many)
{
	static int items[5000];
	struct id_map map;

	id_map_init(&map);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_int_eq(id_map_insert(&map, (uint64_t)i << 32, &items[i]), 0);
	for (unsigned i = 0; i < 5000; i += 2)
		ck_assert_ptr_eq(id_map_erase(&map, (uint64_t)i << 32), &items[i]);
	for (unsigned i = 0; i < 5000; i++)
		ck_assert_ptr_eq(id_map_find(&map, (uint64_t)i << 32), i % 2 ? &items[i] : NULL);
	ck_assert_uint_eq(id_map_count(&map), 2500);
	id_map_done(&map);
}
END_TEST

struct visited {
	struct id_map *map;
	unsigned count;
	uint64_t sum;
};

static void visit_and_erase(void *ctx, uint64_t id, void *item)
{
	struct visited *visited = ctx;

	visited->count++;
	visited->sum += id;
	ck_assert_ptr_eq(id_map_erase(visited->map, id), item);
}

START_TEST(test_visit_may_erase)
{
	int item;
	struct id_map map;
	struct visited visited = { .map = &map };

	id_map_init(&map);
	for (unsigned id = 1; id <= 100; id++)
		ck_assert_int_eq(id_map_insert(&map, id, &item), 0);
	id_map_visit(&map, visit_and_erase, &visited);
	ck_assert_uint_eq(visited.count, 100);
	ck_assert_uint_eq(visited.sum, 5050);
	ck_assert_uint_eq(id_map_count(&map), 0);
	id_map_done(&map);
}
END_TEST

static void visit_name(void *ctx, const char *name, void *item)
{
	struct name_map *map = ctx;

	ck_assert_int_eq(*(char *)item, name[0]);
	ck_assert_ptr_eq(name_map_erase(map, name), item);
}

START_TEST(test_names)
{
	char a = 'a', b = 'b', name[] = "a name";
	struct name_map map;

	name_map_init(&map);
	ck_assert_ptr_null(name_map_find(&map, ""));
	ck_assert_int_eq(name_map_insert(&map, name, &a), 0);
	name[0] = 'b';		/* it was copied */
	ck_assert_int_eq(name_map_insert(&map, name, &b), 0);
	ck_assert_int_eq(name_map_insert(&map, "a name", &b), -EEXIST);
	ck_assert_int_eq(name_map_insert(&map, "c", NULL), -EINVAL);
	ck_assert_ptr_eq(name_map_find(&map, "a name"), &a);
	ck_assert_ptr_eq(name_map_find(&map, "b name"), &b);
	ck_assert_ptr_null(name_map_find(&map, "a nam"));
	ck_assert_ptr_null(name_map_find(&map, "a name "));
	name_map_visit(&map, visit_name, &map);
	ck_assert_ptr_null(name_map_find(&map, "a name"));
	ck_assert_int_eq(name_map_insert(&map, "a name", &a), 0);
	name_map_done(&map);
	ck_assert_ptr_null(name_map_find(&map, "a name"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("id_map");
	TCase *tests = tcase_create("id_map");

	tcase_add_test(tests, test_story);
	tcase_add_test(tests, test_many);
	tcase_add_test(tests, test_names);
	tcase_add_test(tests, test_visit_may_erase);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
