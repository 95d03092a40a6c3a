/* SPDX-License-Identifier: MIT */
/*
 * vfiosim sweep over all of attach2: every outcome there is, and no defect; and a second
 * sweep, of every fifth point, gives the same results, byte for byte.
 */
#include "sweep/sweep_rig_test.h"

/* One after the other, where the first sweep had two at a time. */
static void sweep_again(const char *options)
{
	char line[256];

	snprintf(line, sizeof(line), SWEEP "-j 1 --shard 2/5 --json @T@/again -- " ATTACH2 "%s", options);
	expect(0, line);
	expect(0, "test $(wc -l <@T@/again) -gt 30");
	expect(1, "grep -vxFf @T@/whole @T@/again");
}

START_TEST(legacy_reports_every_outcome)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--json @T@/whole -- " ATTACH2);
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
	sweep_again("");
}
END_TEST

START_TEST(iommufd_reports_every_outcome_it_has)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--json @T@/whole -- " ATTACH2 " --iommufd");
	SAYS("\nabsorbed ");
	SAYS("\nretried ");
	SAYS("\nnext-container ");
	SAYS("\nnew-container ");
	SAYS_NOT("\nother-iommu-type ");
	SAYS("\nmapping-omitted ");
	SAYS("\ndevice-refused ");
	SAYS("\nprogram-failed ");
	SAYS("defects: none\n");
	sweep_again(" --iommufd");
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("attach2");

	tcase_add_test(tcase, legacy_reports_every_outcome);
	tcase_add_test(tcase, iommufd_reports_every_outcome_it_has);
	return run_suite("whole sweeps", tcase);
}
