/* SPDX-License-Identifier: MIT */
/* The dispatcher, where the client itself is what goes wrong. */
#include <vfiosim/command.h>

#include "machine/story_test.h"
#include "base/suite_test.h"

/* A front cannot always tell who calls: a client was killed, descriptors ran out. */
START_TEST(a_command_of_nobody_fails_and_changes_nothing)
{
	static const struct {
		unsigned kind;
		const char *path;
	} nodes[] = {
		{ VFIOSIM_CONTAINER, "/dev/vfio/vfio" },
		{ VFIOSIM_GROUP, "/dev/vfio/10" },
		{ VFIOSIM_IOMMUFD, "/dev/iommu" },
	};
	const struct vfiosim_command *row;
	struct vfiosim_caller nobody = { 0 };
	struct vfiosim_file *file;
	struct story story;

	story_begin(&story, "q35");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		ck_assert_int_eq(nodes[i].kind == VFIOSIM_GROUP ?
					 vfiosim_open_group(story.sim, &nobody, 10, &file) :
				 nodes[i].kind == VFIOSIM_CONTAINER ?
					 vfiosim_open_container(story.sim, &nobody, &file) :
					 vfiosim_open_iommufd(story.sim, &nobody, &file),
				 0);
		for (size_t n = 0; (row = vfiosim_command(n)); n++) {
			ck_assert_int_eq(vfiosim_ioctl(file, &nobody, row->number, 0x1000), -EFAULT);
			vfiosim_finish(story.sim, &nobody);
		}
		vfiosim_release(file, &nobody);
		vfiosim_finish(story.sim, &nobody);
	}
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tests = tcase_create("nobody");

	tcase_add_test(tests, a_command_of_nobody_fails_and_changes_nothing);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
