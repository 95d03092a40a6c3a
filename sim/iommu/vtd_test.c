/* SPDX-License-Identifier: MIT */
/*
 * VT-d's registers, in process: sysfs and IOMMU_GET_HW_INFO have them from one place,
 * whether the topology gives them (q35) or they are made from its other keys.
 */
#include <stdlib.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/abi/iommufd.h>

#include "machine/sim.h"
#include "base/suite_test.h"
#include "machine/story_test.h"

#include "iommu/vtd.h"

/* What sysfs shows as intel-iommu/@name of the first unit. */
static uint64_t shown(const struct story *story, const char *name)
{
	const struct iommu *iommu = &story->sim->iommus[0];
	const struct iommu_attribute *row = iommu->ops->attributes;
	uint64_t value;
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	while (strcmp(row->name, name) != 0)
		row++;
	row->show(iommu, to);
	fclose(to);
	value = strtoull(text, NULL, 16);
	free(text);
	return value;
}

/* What IOMMU_GET_HW_INFO says of vfio0. */
static struct vfiosim_iommu_hw_info_vtd told(struct story *story)
{
	int iommufd = vfiosim_inproc_open(story->proc, "/dev/iommu");
	int cdev = vfiosim_inproc_open(story->proc, "/dev/vfio/devices/vfio0");
	struct vfiosim_device_bind_iommufd bind = { .argsz = 16, .iommufd = iommufd };
	uint64_t uva = memory(story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	struct vfiosim_iommu_hw_info info = {
		.size = sizeof(info), .data_uptr = uva, .data_len = 64,
	};
	struct vfiosim_iommu_hw_info_vtd vtd;

	ck_assert_int_eq(command_struct(story, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, sizeof(bind)), 0);
	info.dev_id = bind.out_devid;
	ck_assert_int_eq(command_struct(story, iommufd, VFIOSIM_IOMMU_GET_HW_INFO, &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.out_data_type, 1);
	ck_assert_uint_eq(info.data_len, sizeof(vtd));
	ck_assert_int_eq(vfiosim_inproc_peek(story->proc, uva, &vtd, sizeof(vtd)), 0);
	return vtd;
}

START_TEST(sysfs_and_hw_info_agree)
{
	static const char *const topologies[] = { "q35", "hotadd", "reserved", "edges" };
	struct vfiosim_iommu_hw_info_vtd vtd;
	struct story story;

	story_begin(&story, topologies[_i]);
	vtd = told(&story);
	ck_assert_uint_eq(shown(&story, "cap"), vtd.cap_reg);
	ck_assert_uint_eq(shown(&story, "ecap"), vtd.ecap_reg);
	story_end(&story);
}
END_TEST

/* The recorded machine's registers follow from its aperture, page sizes and features. */
START_TEST(derived_as_recorded)
{
	struct vfiosim_topo_iommu bare;
	struct iommu iommu;
	struct story story;

	story_begin(&story, "q35");
	bare = story.topology->iommus[0];
	ck_assert_uint_eq(bare.n_registers, 2);
	bare.n_registers = 0;
	iommu = story.sim->iommus[0];
	iommu.topo = &bare;
	ck_assert_uint_eq(vtd_registers(&iommu).cap, vtd_registers(&story.sim->iommus[0]).cap);
	ck_assert_uint_eq(vtd_registers(&iommu).ecap, vtd_registers(&story.sim->iommus[0]).ecap);
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vtd");
	TCase *tcase = tcase_create("registers");

	tcase_add_loop_test(tcase, sysfs_and_hw_info_agree, 0, 4);
	tcase_add_test(tcase, derived_as_recorded);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
