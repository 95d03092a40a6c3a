/* SPDX-License-Identifier: MIT */
/* Faults as people write them: what is understood, and what the rest is told. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include <vfiosim/fault.h>
#include <vfiosim/topology.h>

#include "base/suite_test.h"

static struct vfiosim_topology *topology;

static void setup(void)
{
	struct vfiosim_errors errors;

	ck_assert_int_eq(vfiosim_topology_load("hotadd", &topology, &errors), 0);
}

static void teardown(void)
{
	vfiosim_topology_free(topology);
}

/* What it is, said in full. */
static void good(const char *text, const char *full)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX], got[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;

	ck_assert_msg(!vfiosim_fault_parse(text, topology, &fault, problem, sizeof(problem)),
		      "%s: %s", text, problem);
	vfiosim_fault_text(&fault, got, sizeof(got));
	ck_assert_str_eq(got, full);
	/* And said so it is the same. */
	ck_assert_msg(!vfiosim_fault_parse(full, topology, &fault, problem, sizeof(problem)),
		      "%s: %s", full, problem);
	vfiosim_fault_text(&fault, got, sizeof(got));
	ck_assert_str_eq(got, full);
}

static void bad(const char *text, const char *why)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX];
	struct vfiosim_fault fault;

	ck_assert_int_eq(vfiosim_fault_parse(text, topology, &fault, problem, sizeof(problem)),
			 -EINVAL);
	ck_assert_str_eq(problem, why);
}

START_TEST(sites)
{
	good("MAP_DMA,error=ENOMEM", "VFIO_IOMMU_MAP_DMA,error=ENOMEM");
	good("vfio_iommu_map_dma,error=12", "VFIO_IOMMU_MAP_DMA,error=ENOMEM");
	good("RESET,error=EAGAIN", "VFIO_DEVICE_RESET,error=EAGAIN");
	good("IOAS_MAP,error=ENOSPC", "IOMMU_IOAS_MAP,error=ENOSPC");
	good("map,error=ENOMEM", "map,error=ENOMEM");
	good("pin,error=efault,page=3", "pin,page=3,error=EFAULT");
	good("pin,command=SET_CONTAINER,error=EFAULT",
	     "pin,command=VFIO_GROUP_SET_CONTAINER,error=EFAULT");
	good("charge,command=map,error=ENOMEM", "charge,command=map,error=ENOMEM");
	good("vectors,return=2", "vectors,return=2");
	bad("", "a fault begins with where it happens: MAP_DMA, map, pin, ...");
	bad("MAP_DAM,error=ENOMEM", "'MAP_DAM' is not a fault site; did you mean 'MAP_DMA'?");
	bad("VFIO_IOMMU_MPA_DMA,error=ENOMEM",
	    "'VFIO_IOMMU_MPA_DMA' is not a fault site; did you mean 'VFIO_IOMMU_MAP_DMA'?");
	bad("pinn,error=EFAULT", "'pinn' is not a fault site; did you mean 'pin'?");
	bad("GET_INFO,error=EINVAL",
	    "'GET_INFO' is VFIO_IOMMU_GET_INFO or VFIO_DEVICE_GET_INFO: which one?");
	bad("pin,command=nothing,error=EFAULT", "'nothing' is not a command");
	bad("MAP_DMA,command=MAP_DMA,error=ENOMEM", "command= is for sites inside of commands");
}
END_TEST

START_TEST(places)
{
	good("attach,device=nic0,error=EBUSY", "attach,device=0000:01:00.0,error=EBUSY");
	good("attach,device=0000:77:00.0,error=EBUSY", "attach,device=0000:77:00.0,error=EBUSY");
	good("map,iova=0x1000..0x1fff,error=ENOMEM", "map,iova=0x1000..0x1fff,error=ENOMEM");
	good("map,iova=4K..8K,container=2,process=1,error=ENOMEM",
	     "map,container=2,process=1,iova=0x1000..0x2000,error=ENOMEM");
	good("map,ioas=3,error=ENOMEM", "map,ioas=3,error=ENOMEM");
	good("open,group=10,error=EBUSY", "open,group=10,error=EBUSY");
	bad("attach,device=nic1,error=EBUSY",
	    "'nic1' is not a device of the topology; did you mean 'nic0'?");
	bad("attach,device=,error=EBUSY", "'' is not a device of the topology");
	bad("attach,group=x,error=EBUSY", "group= requires a number");
	bad("map,iova=0x1000,error=ENOMEM", "iova= requires FIRST..LAST, both inclusive");
	bad("map,iova=2..1,error=ENOMEM", "map: the last iova comes before the first");
}
END_TEST

START_TEST(times)
{
	good("map,when=3,error=ENOMEM", "map,when=3,error=ENOMEM");
	good("map,when=3+,error=ENOMEM", "map,when=3+,error=ENOMEM");
	good("map,when=2..5,error=ENOMEM", "map,when=2..5,error=ENOMEM");
	good("map,when=1+2,error=ENOMEM", "map,when=1+2,error=ENOMEM");
	good("map,when=2..8+3,error=ENOMEM", "map,when=2..8+3,error=ENOMEM");
	for (size_t i = 0; i < 8; i++) {
		static const char *const wrong[] = { "0", "", "x", "3..", "3+x", "..5", "1++2", "2 " };
		char text[64];

		snprintf(text, sizeof(text), "map,when=%s,error=ENOMEM", wrong[i]);
		bad(text, "when= requires N, N+, FIRST..LAST, N+STEP or FIRST..LAST+STEP, counted from 1");
	}
	bad("map,when=5..2,error=ENOMEM", "map: the last time comes before the first");
}
END_TEST

START_TEST(effects)
{
	good("map,delay=2s", "map,delay=2000ms");
	good("map,delay=500ms,error=ENOMEM", "map,delay=500ms,error=ENOMEM");
	good("CHECK_EXTENSION,return=0", "VFIO_CHECK_EXTENSION,return=0");
	good("RESET,error=EPIPE,force", "VFIO_DEVICE_RESET,error=EPIPE,force");
	good("map,signal=sigstop", "map,signal=SIGSTOP");
	good("map,signal=5", "map,signal=SIGTRAP");
	good("map,comm=qemu,error=ENOMEM", "map,comm=qemu,error=ENOMEM");
	good("GET_STATUS,set.flags=0", "VFIO_GROUP_GET_STATUS,set.flags=0");
	good("UNMAP_DMA,set.size=4K", "VFIO_IOMMU_UNMAP_DMA,set.size=4096");
	bad("map,signal=SIGSTPO", "'STPO' is not a signal; did you mean 'STOP'?");
	bad("map,comm=a-name-of-more-than-15,error=ENOMEM",
	    "comm= requires a thread's name of 1 to 15 letters");
	bad("GET_STATUS,set.flag=0",
	    "VFIO_GROUP_GET_STATUS: no output 'flag' can be set; it has flags");
	bad("RESET,set.flags=0", "VFIO_DEVICE_RESET: no output 'flags' can be set");
	bad("GET_STATUS,set.flags=x", "set.FIELD= requires a number");
	bad("GET_STATUS,set.flags=0,error=EINVAL",
	    "VFIO_GROUP_GET_STATUS: it either fails, or gives a value, or sets an output");
	bad("pin,signal=STOP",
	    "pin: only whole commands are delayed, send a signal or set an output");
	bad("map", "nothing would happen: give error=, return=, set.FIELD=, delay= or signal=");
	bad("map,error", "error requires a value: error=...");
	bad("map,error=ENOMEN", "'ENOMEN' is not an errno; did you mean 'ENOMEM'?");
	bad("map,errno=ENOMEM", "'errno' is not a key of a fault; did you mean 'error'?");
	bad("map,error=ENOMEM,error=EBUSY", "error is given twice");
	good("map, when=2, error=ENOMEM", "map,when=2,error=ENOMEM");
	bad("map,page=1,error=ENOMEM", "map: only pins have a page");
	bad("map,delay=500", "delay= requires a time such as 500ms or 2s");
	bad("map,delay=5h", "delay= requires a time such as 500ms or 2s");
	bad("RESET,error=EPIPE",
	    "VFIO_DEVICE_RESET cannot fail with EPIPE; it can with EINVAL, ENOTTY, EAGAIN");
	bad("unmap,error=EPERM", "unmap cannot fail with EPERM; it can with EFAULT, EINVAL, "
				 "EOVERFLOW, EBUSY, ENOTTY, E2BIG, ENOENT, "
				 "ENODEV, ENOMEM");
	bad("MAP_DMA,return=1", "VFIO_IOMMU_MAP_DMA: it returns nothing but what it does");
	bad("SET_IRQS,return=2", "VFIO_DEVICE_SET_IRQS: it returns nothing but what it does; "
				 "'vectors,return=N' gives it fewer vectors");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault_parse");
	TCase *tests = tcase_create("texts");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sites);
	tcase_add_test(tests, places);
	tcase_add_test(tests, times);
	tcase_add_test(tests, effects);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
