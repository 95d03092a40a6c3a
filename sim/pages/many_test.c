/* SPDX-License-Identifier: MIT */
/*
 * Operations on tens of thousands of mappings yield the machine's lock. On the engine
 * machine, in process; group 10 has dma0. A second thread, with a process of its own, reads
 * the number of mappings until it sees the operation half done, and then acts once.
 */
#include "machine/story_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>
#include <vfiosim/fault.h>
#include <vfiosim/state.h>

#include "base/suite_test.h"
#include "machine/sim.h"
#include "pages/iopt.h"

#define MANY 20000u
#define ROUNDS 500	/* at most, until the other thread saw it; nearly always the first */
#define RW (VFIOSIM_IOAS_MAP_READABLE | VFIOSIM_IOAS_MAP_WRITEABLE)

static struct story story, other;	/* the other's machine is the story's */
static uint64_t uva, others_uva;
static int container, group, iommufd;
static uint32_t ioas;

static uint64_t iova_of(uint64_t i)
{
	return (1ull << 32) + 2 * i * PAGE;
}

static uint64_t mappings(void)
{
	struct vfiosim_counters counters;

	vfiosim_counters(story.sim, &counters);
	return counters.mappings;
}

/* ---- The other thread ---- */

/* libcheck's assertions are for one thread: the result is checked after the join. */
static struct {
	pthread_t thread;
	long (*act)(void);
	long result;
	atomic_bool stop, looks;
	bool acted;
} looking;

static void *look(void *arg)
{
	while (!looking.acted && !atomic_load(&looking.stop)) {
		uint64_t n = mappings();

		atomic_store(&looking.looks, true);
		if (!n || n >= MANY)
			continue;
		looking.acted = true;
		looking.result = looking.act();
	}
	return arg;
}

static void begin_looking(long (*act)(void))
{
	looking.act = act;
	atomic_store(&looking.stop, false);
	atomic_store(&looking.looks, false);
	ck_assert_int_eq(pthread_create(&looking.thread, NULL, look, NULL), 0);
	while (!atomic_load(&looking.looks))
		sched_yield();
}

static void end_looking(void)
{
	atomic_store(&looking.stop, true);
	pthread_join(looking.thread, NULL);
}

static long nothing(void)
{
	return 0;
}

/* ---- A container ---- */

static void begin(void)
{
	story_begin(&story, "engine");
	uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	container = container_with(&story, 10, &group);
	iommufd = vfiosim_inproc_open(story.proc, "/dev/iommu");
	ck_assert_int_ge(iommufd, 0);
	looking.acted = false;
	other = (struct story){ .sim = story.sim };
	ck_assert_int_eq(vfiosim_inproc_create(story.sim, &other.proc), 0);
	others_uva = memory(&other, 2, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
}

static void end(void)
{
	vfiosim_inproc_destroy(other.proc);
	story_end(&story);
}

static void fill(void)
{
	for (uint64_t i = 0; i < MANY; i++)
		map(&story, container, iova_of(i), uva, PAGE);
}

/* Answers the same, whether it yielded or not. */
static void unmap_many(uint32_t flags)
{
	uint64_t gone, end = flags ? 0 : iova_of(MANY);

	ck_assert_int_eq(__unmap(&story, container, 0, end, flags, &gone), 0);
	ck_assert_uint_eq(gone, MANY * PAGE);
	ck_assert_uint_eq(mappings(), 0);
}

/* Repeats until the other thread has acted, with @result_. */
#define until_it_acts(act_, result_, before_, during_)                         \
	do {                                                                       \
		for (int round_ = 0; round_ < ROUNDS && !looking.acted; round_++) { \
			before_;                                                   \
			begin_looking(act_);                                       \
			during_;                                                   \
			end_looking();                                             \
		}                                                                  \
		ck_assert(looking.acted);                                           \
		ck_assert_int_eq(looking.result, (result_));                       \
	} while (0)

START_TEST(unmap_all_yields)
{
	until_it_acts(nothing, 0, fill(), unmap_many(VFIO_DMA_UNMAP_FLAG_ALL));
}
END_TEST

START_TEST(unmap_of_a_range_yields)
{
	until_it_acts(nothing, 0, fill(), unmap_many(0));
}
END_TEST

static void leave(void)
{
	ck_assert_int_eq(unset_container(&story, group), 0);
	ck_assert_uint_eq(mappings(), 0);
}

static void join(void)
{
	ck_assert_int_eq(set_container(&story, group, container), 0);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
}

START_TEST(the_last_group_leaving_yields)
{
	until_it_acts(nothing, 0, fill(), (leave(), join()));
	fill();
	unmap_many(0);	/* all of them are allowed again */
}
END_TEST

/* ---- Calls during an unmap ---- */

static int others_group, others_container, others_iommufd;

static int lend(int fd)
{
	int lent = vfiosim_inproc_send(story.proc, fd, other.proc);

	ck_assert_int_ge(lent, 0);
	return lent;
}

static long take_the_group_out(void)
{
	return unset_container(&other, others_group);
}

/* The container's driver is destroyed; the unmap does not touch it any more. */
START_TEST(the_group_leaves_while_all_is_unmapped)
{
	uint64_t gone;

	others_group = lend(group);
	until_it_acts(take_the_group_out, 0, fill(),
			  __unmap(&story, container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &gone));
	ck_assert_uint_le(gone, MANY * PAGE);
	ck_assert_uint_eq(mappings(), 0);
	ck_assert_int_eq(__unmap(&story, container, 0, PAGE, 0, &gone), -EINVAL);
	ck_assert_rule(&story, "no-iommu-set");
	join();
	fill();
	unmap_many(0);
}
END_TEST

/* A new mapping across the end of the range that is unmapped. */
static long map_across_the_end(void)
{
	return __map(&other, others_container, iova_of(MANY) - PAGE, others_uva, 2 * PAGE, MAP_RW);
}

START_TEST(what_is_mapped_across_the_end_stays)
{
	uint64_t gone;

	others_container = lend(container);
	until_it_acts(map_across_the_end, 0, fill(),
			  __unmap(&story, container, 0, iova_of(MANY), 0, &gone));
	ck_assert_uint_eq(gone, MANY * PAGE);
	ck_assert_uint_eq(mappings(), 1);
	ck_assert_uint_eq(unmap(&story, container, iova_of(MANY) - PAGE, 2 * PAGE), 2 * PAGE);
}
END_TEST

/*
 * What is unmapped already is mapped again, with the hole behind it: newer than the unmap.
 * A traced call takes the lock twice until it is decided, and the unmap yields it with as
 * many pieces more. Where it has not come so far, or on, the mapping is across nothing.
 */
static uint64_t expected_position(uint64_t gone)
{
	uint64_t ahead = gone + 2 * IOPT_PIECE;

	return iova_of((ahead < MANY ? ahead : gone) - 1);
}

static long map_across_the_position(void)
{
	uint64_t gone = MANY - mappings();
	long ret = __map(&other, others_container, expected_position(gone), others_uva, 2 * PAGE, MAP_RW);

	return ret != -EEXIST ? ret :
				__map(&other, others_container, iova_of(gone - 1), others_uva, 2 * PAGE, MAP_RW);
}

START_TEST(what_is_mapped_across_the_position_stays)
{
	uint64_t gone;

	others_container = lend(container);
	until_it_acts(map_across_the_position, 0, fill(),
		      __unmap(&story, container, 0, iova_of(MANY), 0, &gone));
	ck_assert_uint_eq(gone, MANY * PAGE);
	ck_assert_uint_eq(mappings(), 1);
}
END_TEST

/* ---- An ioas ---- */

static void ioas_fill(void)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	ck_assert_int_eq(command_struct(&story, iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc, sizeof(alloc)), 0);
	ioas = alloc.out_ioas_id;
	for (uint64_t i = 0; i < MANY; i++) {
		struct vfiosim_iommu_ioas_map map = { .size = sizeof(map), .ioas_id = ioas,
						      .flags = RW | VFIOSIM_IOAS_MAP_FIXED_IOVA,
						      .user_va = uva, .length = PAGE, .iova = iova_of(i) };

		ck_assert_int_eq(command_struct(&story, iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map, sizeof(map)), 0);
	}
}

static long destroy(struct story *by, int fd)
{
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd), .id = ioas };

	return command_struct(by, fd, VFIOSIM_IOMMU_DESTROY, &cmd, sizeof(cmd));
}

static void ioas_unmap_all(void)
{
	struct vfiosim_iommu_ioas_unmap cmd = { .size = sizeof(cmd), .ioas_id = ioas, .length = UINT64_MAX };

	ck_assert_int_eq(command_struct(&story, iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &cmd, sizeof(cmd)), 0);
	ck_assert_uint_eq(cmd.length, MANY * PAGE);
}

static long destroy_it(void)
{
	return destroy(&other, others_iommufd);
}

START_TEST(an_ioas_that_is_unmapped_is_in_use)
{
	others_iommufd = lend(iommufd);
	until_it_acts(destroy_it, -EBUSY, ioas_fill(), ioas_unmap_all());
	ck_assert_uint_eq(mappings(), 0);
	ck_assert_int_eq(destroy(&story, iommufd), 0);
}
END_TEST

static void ioas_destroy(void)
{
	ck_assert_int_eq(destroy(&story, iommufd), 0);
	ck_assert_uint_eq(mappings(), 0);
}

START_TEST(destroying_an_ioas_yields)
{
	until_it_acts(nothing, 0, ioas_fill(), ioas_destroy());
}
END_TEST

static uint64_t others_iova;

static long map_into_the_ioas(void)
{
	struct vfiosim_iommu_ioas_map map = { .size = sizeof(map), .ioas_id = ioas,
					      .flags = RW | VFIOSIM_IOAS_MAP_FIXED_IOVA,
					      .user_va = others_uva, .length = 2 * PAGE };

	uint64_t gone = MANY - mappings();
	long ret;

	map.iova = others_iova = expected_position(gone);
	ret = command_struct(&other, others_iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map, sizeof(map));
	if (ret != -EEXIST)
		return ret;
	map.iova = others_iova = iova_of(gone - 1);
	return command_struct(&other, others_iommufd, VFIOSIM_IOMMU_IOAS_MAP, &map, sizeof(map));
}

/*
 * iopt_unmap_iova_range() finds an area that begins where it was already, and gives up. If
 * it has gone on before the area is made, it does not see it. The area stays in both cases.
 */
START_TEST(what_is_mapped_across_the_position_ends_the_unmap)
{
	struct vfiosim_iommu_ioas_unmap all = { .size = sizeof(all), .length = UINT64_MAX };
	struct vfiosim_iommu_ioas_unmap one = { .size = sizeof(one), .length = 2 * PAGE };
	long ret = 0;

	others_iommufd = lend(iommufd);
	until_it_acts(map_into_the_ioas, 0, (ioas_fill(), all.ioas_id = one.ioas_id = ioas),
		      ret = command_struct(&story, iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &all, sizeof(all)));
	ck_assert(!ret || ret == -ENOENT);
	one.iova = others_iova;
	ck_assert_int_eq(command_struct(&story, iommufd, VFIOSIM_IOMMU_IOAS_UNMAP, &one, sizeof(one)), 0);
	ck_assert_int_eq(destroy(&story, iommufd), 0);
}
END_TEST

/* A rule, of whatever it is, is counted by runs of commands: none lets another in. */
START_TEST(nothing_yields_while_faults_are_armed)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;
	uint32_t id;

	ck_assert_int_eq(vfiosim_fault_parse("GET_STATUS,error=EFAULT", story.topology, &fault, problem,
					     sizeof(problem)), 0);
	ck_assert_int_eq(vfiosim_fault_add(story.sim, &fault, &id, problem, sizeof(problem)), 0);
	fill();
	begin_looking(nothing);
	unmap_many(VFIO_DMA_UNMAP_FLAG_ALL);
	end_looking();
	ioas_fill();
	begin_looking(nothing);
	ioas_unmap_all();
	end_looking();
	ck_assert(!looking.acted);
}
END_TEST

/* ---- The state ---- */

/* strstr() of sanitizers measures the rest of the text each time. */
static unsigned count(const char *text, const char *word)
{
	size_t length = strlen(word);
	unsigned n = 0;

	for (; *text; text++)
		n += *text == *word && !strncmp(text, word, length);
	return n;
}

/* The counters fit the rows. Frees @text. */
static void check_state(char *text)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "\"mappings\": %u,", count(text, "\"vaddr\""));
	ck_assert_msg(strstr(text, expected), "not %s", expected);
	free(text);
}

static char *others_state;

static long take_a_state(void)
{
	return vfiosim_state_json(story.sim, &others_state);
}

/* What is freed later is in no space any more, and not counted either. */
START_TEST(a_state_while_a_container_ends)
{
	until_it_acts(take_a_state, 0, fill(), (leave(), join()));
	check_state(others_state);
}
END_TEST

START_TEST(a_state_while_an_ioas_ends)
{
	until_it_acts(take_a_state, 0, ioas_fill(), ioas_destroy());
	check_state(others_state);
}
END_TEST

/* Spaces without mappings come and go, which changes no mapping. */
static long make_an_ioas(void)
{
	struct vfiosim_iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfiosim_iommu_destroy cmd = { .size = sizeof(cmd) };

	if (command_struct(&other, others_iommufd, VFIOSIM_IOMMU_IOAS_ALLOC, &alloc, sizeof(alloc)))
		return -1;
	cmd.id = alloc.out_ioas_id;
	return command_struct(&other, others_iommufd, VFIOSIM_IOMMU_DESTROY, &cmd, sizeof(cmd));
}

static long make_a_container(void)
{
	int new = vfiosim_inproc_open(other.proc, "/dev/vfio/vfio");
	long ret = set_container(&other, others_group, new);

	if (!ret)
		ret = command(&other, new, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	if (!ret)
		ret = unset_container(&other, others_group);
	vfiosim_inproc_close(other.proc, new);
	return ret;
}

/* The highest mapping, whose row is taken last. */
static long map_and_unmap(void)
{
	long ret = __map(&other, others_container, iova_of(MANY), others_uva, PAGE, MAP_RW);

	return ret ? ret : __unmap(&other, others_container, iova_of(MANY), PAGE, 0, NULL);
}

static void *again_and_again(void *act)
{
	long (*const *acts)(void) = act;

	looking.result = 0;
	while (!atomic_load(&looking.stop) && !looking.result)
		looking.result = (*acts)();
	return NULL;
}

/*
 * The counters are taken first, the rows of mappings last and in parts. That a space is
 * read after it is freed, only AddressSanitizer sees.
 */
START_TEST(a_state_is_of_one_moment)
{
	static long (*acts[])(void) = { make_an_ioas, make_a_container, map_and_unmap };
	pthread_t thread;

	fill();
	others_container = lend(container);
	others_iommufd = lend(iommufd);
	others_group = __open_group(&other, 11);
	ck_assert_int_ge(others_group, 0);
	atomic_store(&looking.stop, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, again_and_again, &acts[_i]), 0);
	for (int i = 0; i < 10; i++) {
		char *text;

		ck_assert_int_eq(vfiosim_state_json(story.sim, &text), 0);
		check_state(text);
	}
	atomic_store(&looking.stop, true);
	pthread_join(thread, NULL);
	ck_assert_int_eq(looking.result, 0);
	unmap_many(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("many");
	TCase *tests = tcase_create("many");

	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, unmap_all_yields);
	tcase_add_test(tests, unmap_of_a_range_yields);
	tcase_add_test(tests, the_last_group_leaving_yields);
	tcase_add_test(tests, the_group_leaves_while_all_is_unmapped);
	tcase_add_test(tests, what_is_mapped_across_the_end_stays);
	tcase_add_test(tests, an_ioas_that_is_unmapped_is_in_use);
	tcase_add_test(tests, destroying_an_ioas_yields);
	tcase_add_test(tests, what_is_mapped_across_the_position_stays);
	tcase_add_test(tests, what_is_mapped_across_the_position_ends_the_unmap);
	tcase_add_test(tests, nothing_yields_while_faults_are_armed);
	tcase_add_test(tests, a_state_while_a_container_ends);
	tcase_add_test(tests, a_state_while_an_ioas_ends);
	tcase_add_loop_test(tests, a_state_is_of_one_moment, 0, 3);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
