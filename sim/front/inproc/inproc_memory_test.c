/* SPDX-License-Identifier: MIT */
/*
 * The memory of an in-process client: what is there, who may touch it, and that
 * it is cheap where nobody did. Regions of devices: inproc_test.c.
 */
#include "front/inproc/inproc_memory.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>

#include "base/suite_test.h"

#define PAGE VFIOSIM_PAGE_SIZE
#define READ VFIOSIM_PROT_READ
#define WRITE VFIOSIM_PROT_WRITE

static struct memory *memory;

static void setup(void)
{
	ck_assert_int_eq(memory_create(&memory), 0);
}

static void teardown(void)
{
	memory_free(memory);
}

static uint64_t map(uint64_t length, unsigned prot)
{
	uint64_t uva;

	ck_assert_int_eq(memory_map(memory, length, prot, VFIOSIM_VMA_MEMORY, NULL, 0, &uva), 0);
	return uva;
}

static void put(uint64_t uva, uint8_t byte)
{
	ck_assert_int_eq(memory_write(memory, uva, &byte, 1), 0);
}

static uint8_t get(struct memory *from, uint64_t uva)
{
	uint8_t byte = 0xee;

	ck_assert_int_eq(memory_read(from, uva, &byte, 1), 0);
	return byte;
}

static int try_get(uint64_t uva)
{
	uint8_t byte;

	return memory_read(memory, uva, &byte, 1);
}

static int try_put(uint64_t uva)
{
	return memory_write(memory, uva, "x", 1);
}

/* The VMAs of first..last in short: "rw:3 r-:1", pages each. */
static const char *vmas(uint64_t first, uint64_t last)
{
	static char text[200];
	struct vfiosim_vmas list = { 0 };
	size_t length = 0;

	ck_assert_int_eq(memory_vmas(memory, first, last, &list), 0);
	text[0] = '\0';
	for (size_t i = 0; i < list.n; i++)
		length += (size_t)snprintf(
			text + length, sizeof(text) - length, "%s%c%c:%u", i ? " " : "",
			list.items[i].readable ? 'r' : '-', list.items[i].writable ? 'w' : '-',
			(unsigned)((list.items[i].last - list.items[i].first + 1) / PAGE));
	vfiosim_vmas_done(&list);
	return text;
}

START_TEST(test_contents)
{
	uint64_t uva = map(4 * PAGE, READ | WRITE);
	uint8_t in[2 * PAGE], out[2 * PAGE];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	ck_assert_int_eq(get(memory, uva), 0);
	ck_assert_int_eq(memory_write(memory, uva + 100, in, sizeof(in)), 0);
	ck_assert_int_eq(memory_read(memory, uva + 100, out, sizeof(out)), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
	ck_assert_int_eq(get(memory, uva + 99), 0);
	ck_assert_int_eq(get(memory, uva + 100 + sizeof(in)), 0);
	ck_assert_uint_eq(memory->pages.count, 3);
}
END_TEST

/* The same calls give the same addresses; none is given twice. */
START_TEST(test_addresses_repeat)
{
	struct memory *mine = memory;
	uint64_t first = map(PAGE, READ), second = map(PAGE, READ), third;

	ck_assert_int_eq(memory_unmap(memory, second, PAGE), 0);
	third = map(PAGE, READ);
	ck_assert_uint_gt(third, second);

	ck_assert_int_eq(memory_create(&memory), 0);
	ck_assert_uint_eq(map(PAGE, READ), first);
	ck_assert_uint_eq(map(PAGE, READ), second);
	ck_assert_uint_eq(map(PAGE, READ), third);
	memory_free(memory);
	memory = mine;
}
END_TEST

START_TEST(test_bad_arguments)
{
	uint64_t uva = map(PAGE, READ);
	uint64_t ret = 1;

	ck_assert_int_eq(memory_map(memory, 0, READ, VFIOSIM_VMA_MEMORY, NULL, 0, &ret), -EINVAL);
	ck_assert_int_eq(memory_map(memory, 100, READ, VFIOSIM_VMA_MEMORY, NULL, 0, &ret), -EINVAL);
	ck_assert_int_eq(memory_map(memory, PAGE, 4, VFIOSIM_VMA_MEMORY, NULL, 0, &ret), -EINVAL);
	ck_assert_int_eq(
		memory_map(memory, UINT64_C(1) << 62, READ, VFIOSIM_VMA_MEMORY, NULL, 0, &ret),
		-ENOMEM);
	ck_assert_uint_eq(ret, 1);
	ck_assert_int_eq(memory_unmap(memory, uva + 1, PAGE), -EINVAL);
	ck_assert_int_eq(memory_unmap(memory, uva, 0), -EINVAL);
	ck_assert_int_eq(memory_unmap(memory, STACK_FIRST, PAGE), -EINVAL);
	ck_assert_int_eq(memory_protect(memory, STACK_FIRST, PAGE, 0), -EINVAL);
	ck_assert_int_eq(memory_protect(memory, uva, 2 * PAGE, 0), -ENOMEM);
	ck_assert_int_eq(memory_protect(memory, uva, PAGE, 8), -EINVAL);
}
END_TEST

START_TEST(test_protection)
{
	uint64_t uva = map(3 * PAGE, READ | WRITE);
	uint8_t bytes[2 * PAGE];

	put(uva + PAGE, 7);
	ck_assert_int_eq(memory_protect(memory, uva + PAGE, PAGE, READ), 0);
	ck_assert_str_eq(vmas(uva, uva + 3 * PAGE - 1), "rw:1 r-:1 rw:1");
	ck_assert_int_eq(get(memory, uva + PAGE), 7);
	ck_assert_int_eq(try_put(uva + PAGE), -EFAULT);
	ck_assert_int_eq(memory_write(memory, uva + 1, bytes, sizeof(bytes)), -EFAULT);
	ck_assert_int_eq(memory_protect(memory, uva, 3 * PAGE, 0), 0);
	ck_assert_int_eq(try_get(uva), -EFAULT);
	ck_assert_int_eq(memory_protect(memory, uva, 3 * PAGE, WRITE), 0);
	ck_assert_int_eq(try_get(uva), -EFAULT);
	ck_assert_int_eq(try_put(uva), 0);
}
END_TEST

START_TEST(test_unmap_holes)
{
	uint64_t uva = map(8 * PAGE, READ | WRITE);

	put(uva + 2 * PAGE, 1);
	put(uva + 5 * PAGE, 2);
	ck_assert_int_eq(memory_unmap(memory, uva + 2 * PAGE, PAGE), 0);
	ck_assert_int_eq(try_get(uva + 2 * PAGE), -EFAULT);
	ck_assert_int_eq(get(memory, uva + 5 * PAGE), 2);
	ck_assert_str_eq(vmas(uva, uva + 8 * PAGE - 1), "rw:2 rw:5");
	/* Only what is touched is told, but whole. */
	ck_assert_str_eq(vmas(uva + 2 * PAGE, uva + 3 * PAGE), "rw:5");
	ck_assert_str_eq(vmas(uva + 2 * PAGE, uva + 3 * PAGE - 1), "");
	ck_assert_int_eq(memory_unmap(memory, uva + PAGE, 6 * PAGE), 0);
	ck_assert_str_eq(vmas(uva, uva + 8 * PAGE - 1), "rw:1 rw:1");
	ck_assert_uint_eq(memory->pages.count, 0);
	ck_assert_int_eq(memory_unmap(memory, uva + PAGE, 6 * PAGE), 0);
}
END_TEST

/* Running over the end of a mapping must not land in the next one. */
START_TEST(test_gap_between)
{
	uint64_t first = map(PAGE * 16, READ | WRITE), second = map(PAGE, READ | WRITE);

	ck_assert_uint_gt(second, first + PAGE * 16);
	ck_assert_int_eq(try_get(first + PAGE * 16), -EFAULT);
}
END_TEST

START_TEST(test_terabyte)
{
	uint64_t length = UINT64_C(1) << 40, uva = map(length, READ | WRITE);
	struct memory *copy;

	put(uva + length - 1, 9);
	ck_assert_int_eq(get(memory, uva + length / 2), 0);
	ck_assert_uint_eq(memory->pages.count, 1);
	ck_assert_int_eq(memory_copy(memory, &copy), 0);
	ck_assert_int_eq(get(copy, uva + length - 1), 9);
	memory_free(copy);
	ck_assert_int_eq(memory_unmap(memory, uva, length), 0);
	ck_assert_uint_eq(memory->pages.count, 0);
}
END_TEST

START_TEST(test_copies_are_apart)
{
	uint64_t uva = map(PAGE, READ | WRITE);
	struct memory *copy;

	put(uva, 1);
	put(STACK_FIRST, 3);
	ck_assert_int_eq(memory_copy(memory, &copy), 0);
	put(uva, 2);
	ck_assert_int_eq(get(copy, uva), 1);
	ck_assert_int_eq(get(copy, STACK_FIRST), 3);
	ck_assert_int_eq(memory_unmap(memory, uva, PAGE), 0);
	ck_assert_int_eq(get(copy, uva), 1);
	memory_free(copy);
}
END_TEST

START_TEST(test_dropped)
{
	uint64_t uva = map(PAGE, READ | WRITE);
	struct vfiosim_vmas list = { 0 };

	put(uva, 1);
	memory_drop(memory);
	ck_assert_int_eq(try_get(uva), -EFAULT);
	ck_assert_int_eq(try_get(STACK_FIRST), -EFAULT);
	ck_assert_int_eq(memory_vmas(memory, uva, uva, &list), -ESRCH);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(test_stack)
{
	ck_assert_str_eq(vmas(0, UINT64_MAX), "rw:4");
	put(STACK_END - 1, 5);
	ck_assert_int_eq(get(memory, STACK_END - 1), 5);
	ck_assert_int_eq(try_get(STACK_END), -EFAULT);
	ck_assert_int_eq(try_get(STACK_FIRST - 1), -EFAULT);
	ck_assert_int_eq(try_get(UINT64_MAX), -EFAULT);
	ck_assert_int_eq(try_get(0), -EFAULT);
}
END_TEST

START_TEST(test_never)
{
	uint64_t uva;

	ck_assert_int_eq(memory_map(memory, PAGE, READ, VFIOSIM_VMA_NEVER, NULL, 0, &uva), 0);
	ck_assert_str_eq(vmas(uva, uva), "r-:1");
	ck_assert_int_eq(try_get(uva), -EFAULT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inproc_memory");
	TCase *tests = tcase_create("inproc_memory");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_contents);
	tcase_add_test(tests, test_addresses_repeat);
	tcase_add_test(tests, test_bad_arguments);
	tcase_add_test(tests, test_protection);
	tcase_add_test(tests, test_unmap_holes);
	tcase_add_test(tests, test_gap_between);
	tcase_add_test(tests, test_terabyte);
	tcase_add_test(tests, test_copies_are_apart);
	tcase_add_test(tests, test_dropped);
	tcase_add_test(tests, test_stack);
	tcase_add_test(tests, test_never);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
