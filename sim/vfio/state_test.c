/* SPDX-License-Identifier: MIT */
/* What is told of a device while it is opened, closed, or is not there. */
#include <vfiosim/state.h>

#include "machine/story_test.h"
#include "base/suite_test.h"

static struct vfiosim_device_state state(struct story *story, const char *address)
{
	struct vfiosim_device_state told;

	ck_assert_int_eq(vfiosim_device_state(story->sim, address, &told), 0);
	return told;
}

START_TEST(of_a_device)
{
	static const char nic[] = "0000:01:00.0";
	struct vfiosim_device_state told = { .cdev = 77 };
	struct story story;
	int group, container, fd;

	story_begin(&story, "q35");
	ck_assert_int_eq(vfiosim_device_state(story.sim, "0000:99:00.0", &told), -ENODEV);
	ck_assert_int_eq(told.cdev, 77);
	told = state(&story, nic);
	ck_assert_str_eq(told.driver, "vfio-pci");
	ck_assert(told.group == 10 && told.cdev == 0 && !told.noiommu && !told.open_count);
	told = state(&story, "0000:00:1f.0");
	ck_assert(!*told.driver && told.group == 9 && told.cdev == -1);
	told = state(&story, "0000:20:00.0");
	ck_assert_str_eq(told.driver, "pcieport");
	ck_assert_int_eq(told.group, -1);
	container = container_with(&story, 10, &group);
	fd = (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, (void *)(uintptr_t)nic,
				 sizeof(nic));
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(state(&story, nic).open_count, 1);
	vfiosim_inproc_close(story.proc, fd);
	ck_assert_uint_eq(state(&story, nic).open_count, 0);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tests = tcase_create("devices");

	suite_add_tcase(suite, tests);
	tcase_add_test(tests, of_a_device);
	return suite_run(suite);
}
