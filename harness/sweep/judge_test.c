/* SPDX-License-Identifier: MIT */
/* Verdicts on runs that are written down here: what a program made of a fault. */
#include "sweep/judge.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <vfiosim/command.h>

#include "base/suite_test.h"

#define PAGE 0x1000ull

/* A run as a test writes it down. */
static struct sweep_event clean_events[64], events[64];
static size_t n_clean, n_events;
static struct verdict verdict;
static struct reach_omit omit;

static struct sweep_event *add(bool clean, const char *object, const char *verb, long result)
{
	struct sweep_event *event = clean ? &clean_events[n_clean++] : &events[n_events++];

	*event = (struct sweep_event){ .result = result, .command = vfiosim_command_by_name(verb) };
	snprintf(event->object, sizeof(event->object), "%s", object);
	snprintf(event->verb, sizeof(event->verb), "%s", verb);
	return event;
}

static void join(bool clean, const char *container)
{
	snprintf(add(clean, "group 10", "VFIO_GROUP_SET_CONTAINER", 0)->joined, RECORD_NAME, "%s",
		 container);
}

/* Pages of the anonymous memory at @at. */
static struct sweep_event *map(bool clean, const char *container, uint64_t iova, uint64_t at,
			       uint64_t npages, long result)
{
	struct sweep_event *event = add(clean, container, "VFIO_IOMMU_MAP_DMA", result);

	event->iova = iova;
	event->length = npages * PAGE;
	snprintf(event->memory, sizeof(event->memory), "anonymous");
	event->memory_at = at;
	event->memory_first = 0x10000;
	return event;
}

static void open_device(bool clean)
{
	snprintf(add(clean, "group 10", "VFIO_GROUP_GET_DEVICE_FD", 5)->device, RECORD_NAME,
		 "0000:01:00.0");
}

static void close_device(bool clean)
{
	add(clean, "device 0000:01:00.0", "close", 0)->left = true;
}

/* What every run begins with. */
static void begin(bool clean)
{
	add(clean, "container 1", "open", 0);
	add(clean, "container 2", "open", 0);
	add(clean, "group 10", "open", 0);
}

static void setup(void)
{
	n_clean = n_events = 0;
	omit.n = 0;
	begin(true);
	join(true, "container 1");
	map(true, "container 1", 0, 0x10000, 4, 0);
	open_device(true);
	close_device(true);
	add(true, "group 10", "close", 0);
	begin(false);
}

static void judge_with(int status)
{
	struct judge_run clean, run;

	judge_run_init(&clean, clean_events, n_clean, &omit);
	judge_run_init(&run, events, n_events, &omit);
	run.status = status;
	judge(&clean, &run, &verdict);
	judge_run_done(&clean);
	judge_run_done(&run);
}

static void expect(enum judge_outcome outcome, enum judge_defect defect)
{
	ck_assert_str_eq(judge_outcomes[verdict.outcome], judge_outcomes[outcome]);
	ck_assert_str_eq(judge_defects[verdict.defect], judge_defects[defect]);
}

START_TEST(a_refusal_that_is_answered_by_the_same_call_is_retried)
{
	join(false, "container 1");
	map(false, "container 1", 0, 0x10000, 4, -12)->injected = true;
	map(false, "container 1", 0, 0x10000, 4, 0);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_RETRIED, DEFECT_NONE);
}
END_TEST

START_TEST(less_memory_is_silent_only_if_the_device_is_attached)
{
	join(false, "container 1");
	map(false, "container 1", 0, 0x10000, 4, -14)->injected = true;
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_NONE);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_MAPPING_OMITTED, DEFECT_SILENT);
	judge_with(1);
	expect(OUTCOME_PROGRAM_FAILED, DEFECT_NONE);
}
END_TEST

START_TEST(what_may_be_omitted_is_not_silent)
{
	join(false, "container 1");
	map(false, "container 1", 0, 0x10000, 4, -14)->injected = true;
	open_device(false);
	close_device(false);
	omit = (struct reach_omit){ { { 0, 3 * PAGE - 1 } }, 1 };
	judge_with(0);
	expect(OUTCOME_MAPPING_OMITTED, DEFECT_SILENT);
	omit.list[0].last = 4 * PAGE - 1;
	judge_with(0);
	expect(OUTCOME_MAPPING_OMITTED, DEFECT_NONE);
}
END_TEST

START_TEST(memory_counts_not_how_it_is_mapped)
{
	join(false, "container 1");
	add(false, "container 1", "VFIO_IOMMU_GET_INFO", -12)->injected = true;
	map(false, "container 1", 0x900000, 0x12000, 2, 0);	/* in pieces, and elsewhere */
	map(false, "container 1", 0x100000, 0x10000, 2, 0);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_ABSORBED, DEFECT_NONE);
}
END_TEST

START_TEST(an_unmapped_page_is_missed)
{
	struct sweep_event *unmap;

	join(false, "container 1");
	add(false, "container 1", "VFIO_IOMMU_GET_INFO", -12)->injected = true;
	map(false, "container 1", 0, 0x10000, 4, 0);
	unmap = add(false, "container 1", "VFIO_IOMMU_UNMAP_DMA", 0);
	unmap->iova = PAGE;
	unmap->length = unmap->out_length = PAGE;
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_MAPPING_OMITTED, DEFECT_SILENT);
}
END_TEST

START_TEST(regions_of_devices_may_be_missing)
{
	*map(true, "container 1", 0x100000, 0, 4, 0)->memory = 0;
	setup();
	*map(true, "container 1", 0x100000, 0, 4, 0)->memory = 0;
	join(false, "container 1");
	map(false, "container 1", 0, 0x10000, 4, 0);
	open_device(false);
	*map(false, "container 1", 0x100000, 0, 4, -14)->memory = 0;
	events[n_events - 1].injected = true;
	close_device(false);
	judge_with(0);
	expect(OUTCOME_MAPPING_OMITTED, DEFECT_NONE);
}
END_TEST

START_TEST(a_container_is_next_or_new)
{
	add(false, "group 10", "VFIO_GROUP_SET_CONTAINER", -14)->injected = true;
	join(false, "container 2");
	map(false, "container 2", 0, 0x10000, 4, 0);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_NEXT_CONTAINER, DEFECT_NONE);

	n_events = 0;
	begin(false);
	add(false, "group 10", "VFIO_GROUP_SET_CONTAINER", -14)->injected = true;
	add(false, "container 3", "open", 0);
	join(false, "container 3");
	map(false, "container 3", 0, 0x10000, 4, 0);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_NEW_CONTAINER, DEFECT_NONE);
}
END_TEST

START_TEST(another_type_is_told)
{
	join(false, "container 1");
	add(false, "container 1", "VFIO_SET_IOMMU", -1)->injected = true;
	events[n_events - 1].arg = 3;
	add(false, "container 1", "VFIO_SET_IOMMU", 0)->arg = 1;
	map(false, "container 1", 0, 0x10000, 4, 0);
	open_device(false);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_OTHER_IOMMU_TYPE, DEFECT_NONE);
}
END_TEST

START_TEST(what_is_left_open_is_a_leak_only_of_a_program_that_ends_well)
{
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	add(false, "group 10", "left-open", 0)->by_exit = true;
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
	judge_with(1);
	expect(OUTCOME_PROGRAM_FAILED, DEFECT_NONE);
}
END_TEST

/* As QEMU does at its end. */
START_TEST(a_program_that_leaves_all_to_the_kernel_leaks_nothing)
{
	add(true, "container 1", "left-open", 0)->by_exit = true;
	add(false, "group 10", "VFIO_GROUP_SET_CONTAINER", -14)->injected = true;
	add(false, "container 3", "open", 0);
	add(false, "container 3", "left-open", 0)->by_exit = true;
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_NONE);
	add(false, "group 10", "left-open", 0)->by_exit = true;
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
}
END_TEST

/* Whichever the kernel closes first. */
START_TEST(of_several_leaks_the_one_used_first_is_told)
{
	add(false, "container 1", "VFIO_GROUP_GET_STATUS", 0);
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	add(false, "group 10", "left-open", 0)->by_exit = true;
	add(false, "container 1", "left-open", 0)->by_exit = true;
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
	ck_assert_ptr_nonnull(strstr(verdict.detail, "container 1"));
}
END_TEST

START_TEST(what_is_held_at_a_mark_is_a_leak_if_it_had_been_given_back)
{
	add(true, "later", "mark", 0);
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	add(false, "later", "mark", 0);
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
}
END_TEST

static void unmap(bool clean, const char *container, uint64_t iova, uint64_t npages, long result)
{
	struct sweep_event *event = add(clean, container, "VFIO_IOMMU_UNMAP_DMA", result);

	event->iova = iova;
	event->length = npages * PAGE;
	event->out_length = result < 0 ? 0 : npages * PAGE;
}

/* Memory that is mapped for a while: both runs, with a mark afterwards. */
START_TEST(a_mapping_that_is_kept_is_a_leak)
{
	map(true, "container 1", 0x100000, 0x18000, 2, 0);
	unmap(true, "container 1", 0x100000, 2, 0);
	add(true, "later", "mark", 0);
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	map(false, "container 1", 0, 0x10000, 4, 0);
	map(false, "container 1", 0x100000, 0x18000, 2, 0);
	add(false, "group 10", "close", 0);
	add(false, "later", "mark", 0);
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
	ck_assert_str_eq(verdict.detail,
			 "bytes 0x8000..0x9fff of the program's memory region 1 are still mapped at mark later");
}
END_TEST

/* With a hole: the answer is two pages, and they are not the first two. */
START_TEST(what_is_unmapped_over_a_hole_is_given_back)
{
	map(true, "container 1", 0x100000, 0x18000, 2, 0);
	unmap(true, "container 1", 0x100000, 2, 0);
	add(true, "later", "mark", 0);
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	map(false, "container 1", 0x100000, 0x18000, 2, 0);
	unmap(false, "container 1", 0xfc000, 6, 0);
	events[n_events - 1].out_length = 2 * PAGE;
	add(false, "group 10", "close", 0);
	add(false, "later", "mark", 0);
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_NONE);
	events[n_events - 3].out_length = 0;	/* nothing was there to unmap, says the kernel */
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_LEAK);
	events[n_events - 3].number = 1;	/* a fault cut it short: the kernel keeps it */
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_NONE);
}
END_TEST

/* The descriptor is closed, but RELEASE has not come: a BAR is still mapped. */
START_TEST(a_device_that_is_held_at_a_mark_is_a_leak)
{
	add(true, "later", "mark", 0);
	join(false, "container 1");
	map(false, "container 1", 0, 0x10000, 4, 0);
	add(false, "container 1", "VFIO_IOMMU_GET_INFO", -12)->injected = true;
	open_device(false);
	add(false, "group 10", "close", 0);
	add(false, "later", "mark", 0);
	close_device(false);
	judge_with(0);
	expect(OUTCOME_ABSORBED, DEFECT_LEAK);
	ck_assert_str_eq(verdict.detail, "device 0000:01:00.0 is still open or mapped at a mark");
}
END_TEST

START_TEST(a_mapping_that_the_kernel_keeps_is_none)
{
	map(true, "container 1", 0x100000, 0x18000, 2, 0);
	unmap(true, "container 1", 0x100000, 2, 0);
	add(true, "later", "mark", 0);
	map(false, "container 1", 0, 0x10000, 4, 0);
	map(false, "container 1", 0x100000, 0x18000, 2, 0);
	unmap(false, "container 1", 0x100000, 2, -16);
	events[n_events - 1].injected = true;
	add(false, "group 10", "close", 0);
	add(false, "later", "mark", 0);
	judge_with(0);
	expect(OUTCOME_DEVICE_REFUSED, DEFECT_NONE);
}
END_TEST

/* The ioas, or the iommufd: what was mapped there is gone with it. */
START_TEST(what_goes_with_its_space_is_given_back)
{
	struct reach clean_reach, reach;

	for (int clean = 0; clean < 2; clean++) {
		struct sweep_event *mapped;

		clean ? (n_clean = 0) : (n_events = 0);
		add(clean, "iommufd 1", "IOMMU_IOAS_ALLOC", 0)->out_id = 1;
		mapped = map(clean, "iommufd 1", 0, 0x10000, 4, 0);
		snprintf(mapped->verb, sizeof(mapped->verb), "IOMMU_IOAS_MAP");
		mapped->ioas = 1;
	}
	add(true, "iommufd 1", "IOMMU_DESTROY", 0)->id = 1;
	reach_init(&clean_reach, clean_events, n_clean, NULL);
	reach_init(&reach, events, n_events, NULL);
	ck_assert_uint_eq(clean_reach.n_held, 0);
	ck_assert_ptr_nonnull(reach_keeps(&reach, &clean_reach));
	reach_done(&reach);
	add(false, "iommufd 1", "left-open", 0)->by_exit = true;
	add(false, "iommufd 1", "close", 0);
	reach_init(&reach, events, n_events, NULL);
	ck_assert_ptr_nonnull(reach_keeps(&reach, &clean_reach));
	reach_done(&reach);
	events[n_events - 2].by_exit = false;
	reach_init(&reach, events, n_events, NULL);
	ck_assert_ptr_null(reach_keeps(&reach, &clean_reach));
	reach_done(&reach);
	reach_done(&clean_reach);
}
END_TEST

START_TEST(an_expectation_that_does_not_hold_is_a_defect)
{
	struct judge_run clean, run;

	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	judge_run_init(&clean, clean_events, n_clean, &omit);
	judge_run_init(&run, events, n_events, &omit);
	run.broken = "never map msi";
	run.status = 1;
	judge(&clean, &run, &verdict);
	expect(OUTCOME_PROGRAM_FAILED, DEFECT_EXPECTATION);
	ck_assert_str_eq(verdict.detail, "never map msi");
	judge_run_done(&clean);
	judge_run_done(&run);
}
END_TEST

START_TEST(signals_are_crashes_and_aborts)
{
	add(false, "group 10", "VFIO_GROUP_GET_STATUS", -19)->injected = true;
	judge_with(128 + SIGSEGV);
	expect(OUTCOME_PROGRAM_FAILED, DEFECT_CRASH);
	judge_with(128 + SIGABRT);
	expect(OUTCOME_PROGRAM_FAILED, DEFECT_ABORT);
}
END_TEST

START_TEST(without_the_fault_there_is_no_verdict)
{
	judge_with(0);
	expect(OUTCOME_UNREACHED, DEFECT_UNSTABLE);
}
END_TEST

/* An id that was a hwpt's, and is an ioas's later. */
START_TEST(ids_are_given_out_again)
{
	struct reach reach;

	n_events = 0;
	add(false, "iommufd 1", "IOMMU_IOAS_ALLOC", 0)->out_id = 1;
	snprintf(add(false, "device x", "VFIO_DEVICE_BIND_IOMMUFD", 0)->joined, RECORD_NAME,
		 "iommufd 1");
	add(false, "device x", "VFIO_DEVICE_ATTACH_IOMMUFD_PT", 0)->ioas = 1;
	events[n_events - 1].out_id = 2;
	add(false, "device x", "VFIO_DEVICE_DETACH_IOMMUFD_PT", 0);
	add(false, "iommufd 1", "IOMMU_IOAS_ALLOC", 0)->out_id = 2;
	add(false, "device x", "VFIO_DEVICE_ATTACH_IOMMUFD_PT", 0)->ioas = 2;
	reach_init(&reach, events, n_events, NULL);
	ck_assert_uint_eq(reach.n_devices, 1);
	ck_assert_str_eq(reach.devices[0].space, "iommufd 1/ioas 2");
	ck_assert_uint_eq(reach.devices[0].opened, 4);
	reach_done(&reach);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("verdicts of a sweep");
	TCase *tcase = tcase_create("judge");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_refusal_that_is_answered_by_the_same_call_is_retried);
	tcase_add_test(tcase, less_memory_is_silent_only_if_the_device_is_attached);
	tcase_add_test(tcase, what_may_be_omitted_is_not_silent);
	tcase_add_test(tcase, memory_counts_not_how_it_is_mapped);
	tcase_add_test(tcase, an_unmapped_page_is_missed);
	tcase_add_test(tcase, regions_of_devices_may_be_missing);
	tcase_add_test(tcase, a_container_is_next_or_new);
	tcase_add_test(tcase, another_type_is_told);
	tcase_add_test(tcase, what_is_left_open_is_a_leak_only_of_a_program_that_ends_well);
	tcase_add_test(tcase, a_program_that_leaves_all_to_the_kernel_leaks_nothing);
	tcase_add_test(tcase, of_several_leaks_the_one_used_first_is_told);
	tcase_add_test(tcase, what_is_held_at_a_mark_is_a_leak_if_it_had_been_given_back);
	tcase_add_test(tcase, a_mapping_that_is_kept_is_a_leak);
	tcase_add_test(tcase, what_is_unmapped_over_a_hole_is_given_back);
	tcase_add_test(tcase, a_device_that_is_held_at_a_mark_is_a_leak);
	tcase_add_test(tcase, a_mapping_that_the_kernel_keeps_is_none);
	tcase_add_test(tcase, what_goes_with_its_space_is_given_back);
	tcase_add_test(tcase, an_expectation_that_does_not_hold_is_a_defect);
	tcase_add_test(tcase, signals_are_crashes_and_aborts);
	tcase_add_test(tcase, without_the_fault_there_is_no_verdict);
	tcase_add_test(tcase, ids_are_given_out_again);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
