/* SPDX-License-Identifier: MIT */
/* YAML with places: the tree, what is refused, and what readers say of a scalar. */
#include "base/yaml.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/suite_test.h"

static struct vfiosim_errors errors;
static struct arena arena;

static int __parse(const char *text, const struct ynode **ret_root)
{
	errors_init(&errors);
	return yaml_parse("f.yaml", text, strlen(text), &arena, ret_root, &errors);
}

static const struct ynode *parse(const char *text)
{
	const struct ynode *root;

	ck_assert_int_eq(__parse(text, &root), 0);
	return root;
}

static void told(size_t index, unsigned line, unsigned column, const char *message)
{
	ck_assert_uint_lt(index, errors.n);
	ck_assert_msg(errors.list[index].line == line && errors.list[index].column == column &&
		      strstr(errors.list[index].message, message), "%u:%u: %s",
		      errors.list[index].line, errors.list[index].column, errors.list[index].message);
}

static void setup(void)
{
	arena_init(&arena);
}

static void teardown(void)
{
	arena_done(&arena);
}

START_TEST(a_tree_with_places)
{
	const struct ynode *root = parse("a: no\nb: [1, {c: 0x10}]\nd:\n");
	const struct ynode *b = ynode_get(root, "b");

	ck_assert_int_eq(root->kind, YNODE_MAP);
	ck_assert_uint_eq(root->n, 3);
	ck_assert_str_eq(root->keys[2].text, "d");
	ck_assert_str_eq(root->items[2].text, "");
	ck_assert_str_eq(ynode_get(root, "a")->text, "no");
	ck_assert(b->kind == YNODE_LIST && b->n == 2 && b->items[0].line == 2);
	ck_assert_str_eq(ynode_get(&b->items[1], "c")->text, "0x10");
	ck_assert_uint_eq(ynode_get(&b->items[1], "c")->column, 12);
	ck_assert_str_eq(b->items[1].file, "f.yaml");
	ck_assert_ptr_null(ynode_get(root, "e"));
	ck_assert_ptr_null(ynode_get(b, "c"));
	ck_assert_ptr_null(ynode_get(NULL, "c"));
}
END_TEST

/* Reading goes on behind what can be read over, and a tree is given when only keys are double. */
START_TEST(all_that_is_refused)
{
	const struct ynode *root;

	ck_assert_int_eq(__parse("a: &x 1\nb: *x\nc: !!int 3\n[d]: 4\ne: \"\\0\"\ne: 5\n", &root), -EINVAL);
	ck_assert_ptr_null(root);
	ck_assert_uint_eq(errors.n, 5);
	told(0, 1, 4, "anchors (&x)");
	told(1, 2, 4, "aliases (*x)");
	told(2, 3, 4, "tags (tag:yaml.org,2002:int)");
	told(3, 4, 1, "a key must be a word");
	told(4, 5, 4, "NUL");
	ck_assert_int_eq(__parse("a: 1\nb: 2\na: 3\na: 4\n", &root), -EINVAL);
	ck_assert_uint_eq(errors.n, 2);
	told(0, 3, 1, "duplicate key 'a', first in line 1");
	ck_assert_str_eq(ynode_get(root, "a")->text, "1");
	ck_assert_int_eq(yaml_parse("f.yaml", "a: *x\n", 6, &arena, &root, NULL), -EINVAL);
}
END_TEST

START_TEST(files)
{
	const struct ynode *root = NULL;

	errors_init(&errors);
	ck_assert_int_eq(yaml_load("/nowhere", &arena, &root, &errors), -ENOENT);
	told(0, 0, 0, "No such file");
	ck_assert_int_eq(yaml_load("/", &arena, &root, NULL), -EISDIR);
	ck_assert_int_eq(yaml_load("/dev/null", &arena, &root, NULL), -EINVAL);
	errors_init(&errors);
	ck_assert_int_eq(yaml_load("/dev/zero", &arena, &root, &errors), -EINVAL);
	told(0, 0, 0, "longer than");
	ck_assert_ptr_null(root);
	ck_assert(yaml_is_path("a.yaml") && yaml_is_path("./a") && yaml_is_path("a.b.yaml"));
	ck_assert(!yaml_is_path("a") && !yaml_is_path(".yaml") && !yaml_is_path("a.yaml.orig"));
}
END_TEST

START_TEST(scalars)
{
	static const char *const words[] = { "one", "three", NULL };
	const struct ynode *map = parse("n: 4K\nl: 99999999999999999999\nx: []\nb: yes\nw: thre\ne: \"\"\n");
	const char *text = NULL;
	uint64_t number = 0;
	unsigned index = 7;
	bool yes = false;

	ck_assert(!ynode_number(ynode_get(map, "n"), &number, &errors) && number == 4096);
	ck_assert(!ynode_bool(ynode_get(map, "b"), &yes, &errors) && yes);
	ck_assert(!ynode_text(ynode_get(map, "w"), "a word", &text, &errors) && !strcmp(text, "thre"));
	ck_assert_uint_eq(errors.n, 0);
	ck_assert_int_eq(ynode_number(ynode_get(map, "l"), &number, &errors), -EINVAL);
	ck_assert_int_eq(ynode_number(ynode_get(map, "x"), &number, &errors), -EINVAL);
	ck_assert_int_eq(ynode_choice(ynode_get(map, "w"), "word", words, &index, &errors), -EINVAL);
	ck_assert_int_eq(ynode_text(ynode_get(map, "e"), "a word", &text, &errors), -EINVAL);
	ck_assert_int_eq(ynode_bool(ynode_get(map, "e"), &yes, NULL), -EINVAL);
	ck_assert(number == 4096 && index == 7);
	told(0, 2, 4, "expected a number up to 2^64-1, found '99999999999999999999'");
	told(1, 3, 4, "expected a number (4096, 0x1000, 128K, 2M, 1G), found a list");
	told(2, 5, 4, "unknown word 'thre'; did you mean 'three'?");
	told(3, 6, 4, "expected a word, found nothing");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("yaml");
	TCase *tests = tcase_create("yaml");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_tree_with_places);
	tcase_add_test(tests, all_that_is_refused);
	tcase_add_test(tests, files);
	tcase_add_test(tests, scalars);
	return suite_run(suite);
}
