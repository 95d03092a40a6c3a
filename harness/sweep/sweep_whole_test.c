/* SPDX-License-Identifier: MIT */
/* vfiosim sweep over all of attach2: every outcome there is, and no defect. */
#include "sweep/sweep_rig_test.h"

START_TEST(legacy_reports_every_outcome)
{
	if (!can_run())
		return;
	expect(0, SWEEP "-- " ATTACH2);
	SAYS("\nabsorbed ");
	SAYS("\nretried ");
	SAYS("\nnext-container ");
	SAYS("\nnew-container ");
	SAYS("\nother-iommu-type ");
	SAYS("\nmapping-omitted ");
	SAYS("\ndevice-refused ");
	SAYS("\nprogram-failed ");
	SAYS("defects: none\n");
	SAYS("pin,command=VFIO_IOMMU_MAP_DMA,container=1,iova=0x0..0x1fffff,when=1,error=EFAULT");
	SAYS("VFIO_GROUP_GET_STATUS,group=11,when=1,set.flags=0");
}
END_TEST

START_TEST(iommufd_reports_every_outcome_it_has)
{
	if (!can_run())
		return;
	expect(0, SWEEP "-- " ATTACH2 " --iommufd");
	SAYS("\nabsorbed ");
	SAYS("\nretried ");
	SAYS("\nnext-container ");
	SAYS("\nnew-container ");
	SAYS_NOT("\nother-iommu-type ");
	SAYS("\nmapping-omitted ");
	SAYS("\ndevice-refused ");
	SAYS("\nprogram-failed ");
	SAYS("defects: none\n");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("attach2");

	tcase_add_test(tcase, legacy_reports_every_outcome);
	tcase_add_test(tcase, iommufd_reports_every_outcome_it_has);
	return run_suite("whole sweeps", tcase);
}
