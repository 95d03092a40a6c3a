/* SPDX-License-Identifier: MIT */
/* Names below /dev/vfio: why one is not there, and numbers of nodes that lead to no device. */
#include "vfio/node.h"

#include "machine/story_test.h"
#include "base/suite_test.h"

static struct story story;
static struct vfiosim_caller caller;
static char reason[512];

static void watch(void *ctx, const struct vfiosim_event *event)
{
	snprintf(reason, sizeof(reason), "%s", event->reason ? event->reason : "");
}

static void begin_with(const char *topology)
{
	story_begin(&story, topology);
	ck_assert_int_eq(vfiosim_trace_add(story.sim, watch, NULL), 0);
	caller = (struct vfiosim_caller){ .client = vfiosim_inproc_client(story.proc) };
}

static void no_node(const char *name, const char *why)
{
	ck_assert_int_eq(vfio_no_node(story.sim, &caller, name), -ENOENT);
	ck_assert_msg(strstr(reason, why) != NULL, "%s: %s", name, reason);
}

START_TEST(why_a_name_is_not_there)
{
	begin_with("q35");
	no_node("77", "there is no group 77; the groups with a node: 10");
	no_node("9", "no device of group 9 is bound to a vfio driver: 0000:00:1f.0 has no driver");
	no_node("devices/vfio99", "no device is vfio99; those that are bound to a vfio driver: vfio0");
	story_end(&story);
}
END_TEST

START_TEST(why_a_group_without_iommu_has_no_node)
{
	static const char unsafe[] = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

	begin_with("q35-noiommu");
	no_node("0", "no device of group 0 is bound to a vfio driver: 0000:00:00.0 has no driver");
	no_node("noiommu-10", "the node of group 10 is /dev/vfio/10");
	ck_assert_int_eq(vfiosim_inproc_write_file(story.proc, unsafe, "N"), 1);
	no_node("noiommu-0", "group 0 has no IOMMU, and enable_unsafe_noiommu_mode is off");
	story_end(&story);
}
END_TEST

/* A front may hold the number of a node that is gone by the time it opens it. */
START_TEST(numbers_that_lead_nowhere)
{
	struct vfiosim_file *file;

	begin_with("q35");
	ck_assert_int_eq(vfiosim_open_cdev(story.sim, &caller, 10000, &file), -ENODEV);
	ck_assert_rule(&story, "no-cdev");
	ck_assert_int_eq(vfiosim_open_cdev(story.sim, &caller, 0, &file), -ENODEV);
	ck_assert_rule(&story, "no-cdev");
	ck_assert_int_eq(vfiosim_open_group(story.sim, &caller, 10000, &file), -ENODEV);
	ck_assert_rule(&story, "group-empty");
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nodes");
	TCase *tests = tcase_create("names");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, why_a_name_is_not_there);
	tcase_add_test(tests, why_a_group_without_iommu_has_no_node);
	tcase_add_test(tests, numbers_that_lead_nowhere);
	return suite_run(suite);
}
