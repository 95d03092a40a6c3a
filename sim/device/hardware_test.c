/* SPDX-License-Identifier: MIT */
/* Devices that are pulled out of the machine and put back; see vfiosim/hardware.h. */
#include <vfiosim/hardware.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <vfiosim/abi/cdev.h>
#include <vfiosim/state.h>
#include <vfiosim/trace.h>

#include "device/device_test.h"
#include "base/suite_test.h"

static struct bench bench;

static void set_up(void)
{
	bench_init(&bench, "q35", "A");
}

static void tear_down(void)
{
	bench_done(&bench);
}

static int unplug(const char *device)
{
	return vfiosim_unplug(bench.sim, 0, device);
}

static int plug(const char *device)
{
	return vfiosim_plug(bench.sim, 0, device);
}

/* The driver of the device at @address; NULL: it is not there. */
static const char *driver_of(const char *address)
{
	static struct vfiosim_device_state state;

	return vfiosim_device_state(bench.sim, address, &state) ? NULL : state.driver;
}

static bool leaving(const char *address)
{
	struct vfiosim_device_state state;

	ck_assert_int_eq(vfiosim_device_state(bench.sim, address, &state), 0);
	return state.leaving;
}

static bool can_open(const char *path)
{
	int fd = vfiosim_inproc_open(bench.proc, path);

	if (fd >= 0)
		vfiosim_inproc_close(bench.proc, fd);
	return fd >= 0;
}

/* ---- Stories ---- */

START_TEST(nobody_has_it_open)
{
	ck_assert_int_eq(unplug("B"), 0);
	ck_assert_ptr_null(driver_of("0000:02:00.0"));
	ck_assert(!can_open("/dev/vfio/11"));
	ck_assert_int_eq(unplug("B"), -ENODEV);
	ck_assert_int_eq(unplug("0000:02:00.0"), -ENODEV);
	ck_assert_int_eq(unplug("no such device"), -ENODEV);
	ck_assert_int_eq(plug("0000:02:00.0"), 0);
	ck_assert_str_eq(driver_of("0000:02:00.0"), "vfio-pci");
	ck_assert(can_open("/dev/vfio/11"));
	ck_assert_int_eq(plug("B"), -EEXIST);
	ck_assert_int_eq(plug("no such device"), -ENODEV);
}
END_TEST

START_TEST(whoever_has_it_open_is_asked_for_it)
{
	int event = vfiosim_inproc_eventfd(bench.proc);

	set_irq_fd(&bench, VFIO_PCI_REQ_IRQ_INDEX, 0, event);
	ck_assert_int_eq(unplug("A"), -EINPROGRESS);
	ck_assert_int_eq(vfiosim_inproc_event_read(bench.proc, event), 1);
	ck_assert(leaving(bench.address));
	/* Once is enough, and nobody else gets it. */
	ck_assert_int_eq(unplug("A"), -EINPROGRESS);
	ck_assert_int_eq(vfiosim_inproc_event_read(bench.proc, event), 0);
	ck_assert_int_eq(__bench_get_device(&bench, bench.address), -ENODEV);
	ck_assert_int_eq(plug("A"), -EINPROGRESS);
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, bench.device), 0);
	ck_assert_ptr_null(driver_of(bench.address));
	ck_assert_int_eq(__bench_get_device(&bench, bench.address), -ENODEV);
	/* Its group file has outlived it, and is of a group that is no more. */
	ck_assert_int_eq(plug("A"), 0);
	ck_assert_str_eq(driver_of(bench.address), "vfio-pci");
	ck_assert(!leaving(bench.address));
	ck_assert(can_open("/dev/vfio/10"));
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, bench.group), 0);
	bench.group = bench_open_group(&bench, "A");
	ck_assert_int_eq(bench_ioctl(&bench, bench.group, VFIO_GROUP_SET_CONTAINER, &bench.container, sizeof(int)),
			 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(bench.proc, bench.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	bench.device = __bench_get_device(&bench, bench.address);
	ck_assert_int_ge(bench.device, 0);
}
END_TEST

/* Its sibling stays attached, and in the container. */
START_TEST(one_of_a_group)
{
	int group = vfiosim_inproc_open(bench.proc, "/dev/vfio/13"), gone, stays;

	ck_assert_int_eq(bench_ioctl(&bench, group, VFIO_GROUP_SET_CONTAINER, &bench.container, sizeof(int)), 0);
	gone = (int)bench_ioctl(&bench, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ "0000:04:00.1" }, 13);
	stays = (int)bench_ioctl(&bench, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ "0000:04:00.0" }, 13);
	ck_assert(gone >= 0 && stays >= 0);
	ck_assert_int_eq(unplug("M1"), -EINPROGRESS);
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, gone), 0);
	ck_assert_ptr_null(driver_of("0000:04:00.1"));
	ck_assert_str_eq(driver_of("0000:04:00.0"), "vfio-pci");
	ck_assert_int_eq(plug("M1"), 0);
	gone = (int)bench_ioctl(&bench, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ "0000:04:00.1" }, 13);
	ck_assert_int_ge(gone, 0);
}
END_TEST

START_TEST(by_its_own_node)
{
	struct vfiosim_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	int cdev = vfiosim_inproc_open(bench.proc, "/dev/vfio/devices/vfio1");

	ck_assert_int_ge(cdev, 0);
	bind.iommufd = vfiosim_inproc_open(bench.proc, "/dev/iommu");
	ck_assert_int_eq(bench_ioctl(&bench, cdev, VFIOSIM_DEVICE_BIND_IOMMUFD, &bind, sizeof(bind)), 0);
	ck_assert_int_eq(unplug("B"), -EINPROGRESS);
	ck_assert(!can_open("/dev/vfio/devices/vfio1"));
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, cdev), 0);
	ck_assert_ptr_null(driver_of("0000:02:00.0"));
	ck_assert_int_eq(plug("B"), 0);
	ck_assert(can_open("/dev/vfio/devices/vfio1"));
}
END_TEST

/* A slot with all that is in it: A is open. */
START_TEST(a_bridge_goes_after_what_is_below_it)
{
	ck_assert_int_eq(unplug("rp4"), -EINPROGRESS);
	ck_assert_str_eq(driver_of("0000:00:04.0"), "pcieport");
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, bench.device), 0);
	ck_assert_ptr_null(driver_of(bench.address));
	ck_assert_ptr_null(driver_of("0000:00:04.0"));
	/* Two bridges deep; where one is missing it comes first. */
	ck_assert_int_eq(unplug("rp8"), 0);
	ck_assert(!driver_of("0000:06:01.0") && !driver_of("0000:05:00.0"));
	ck_assert_int_eq(plug("E1"), 0);
	ck_assert(driver_of("0000:00:08.0") && driver_of("0000:05:00.0"));
	ck_assert_str_eq(driver_of("0000:06:02.0"), "vfio-pci");
	ck_assert_ptr_null(driver_of("0000:06:01.0"));
}
END_TEST

START_TEST(what_is_below_a_bridge_is_stopped_in_reverse)
{
	int m0 = vfiosim_inproc_open(bench.proc, "/dev/vfio/devices/vfio3");
	int m1 = vfiosim_inproc_open(bench.proc, "/dev/vfio/devices/vfio4");

	ck_assert(m0 >= 0 && m1 >= 0);
	ck_assert_int_eq(unplug("rp7"), -EINPROGRESS);
	ck_assert(!can_open("/dev/vfio/devices/vfio4"));
	ck_assert(can_open("/dev/vfio/devices/vfio3"));	/* is not asked yet */
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, m1), 0);
	ck_assert_str_eq(driver_of("0000:04:00.1"), "");
	ck_assert(!can_open("/dev/vfio/devices/vfio3"));
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, m0), 0);
	ck_assert(!driver_of("0000:04:00.1") && !driver_of("0000:04:00.0"));
	ck_assert_ptr_null(driver_of("0000:00:07.0"));
}
END_TEST

#define T0 "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define CREATE "/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-1/create"
#define FULL 24		/* ports of mtty */

START_TEST(another_mdev_has_its_uuid_or_its_room)
{
	char uuid[40];

	ck_assert_int_eq(unplug("T0"), 0);
	ck_assert_int_eq(vfiosim_inproc_write_file(bench.proc, CREATE, T0), 36);
	ck_assert_int_eq(plug("T0"), -EEXIST);
	ck_assert_int_eq(unplug(T0), 0);
	for (unsigned i = 0; i < FULL; i++) {
		snprintf(uuid, sizeof(uuid), "83b8f4f2-509f-382f-3c1e-e6bfe0fc%04u", i);
		if (vfiosim_inproc_write_file(bench.proc, CREATE, uuid) == -ENOSPC)
			break;
	}
	ck_assert_int_eq(plug("T0"), -ENOSPC);
	ck_assert_ptr_null(driver_of(T0));
	ck_assert_int_eq(unplug("83b8f4f2-509f-382f-3c1e-e6bfe0fc0000"), 0);
	ck_assert_int_eq(plug("T0"), 0);
}
END_TEST

/* The last event: its result and rule. */
struct told {
	long result;
	char rule[32];
};

static void keep_event(void *ctx, const struct vfiosim_event *event)
{
	struct told *told = ctx;

	told->result = event->result;
	snprintf(told->rule, sizeof(told->rule), "%s", event->rule ? event->rule->id : "");
}

/* M0 and M1 are in one slot; M0 is open. */
START_TEST(a_bridge_that_waits_takes_what_is_below_it_along)
{
	int cdev = vfiosim_inproc_open(bench.proc, "/dev/vfio/devices/vfio3");
	struct told told = { 0 };

	ck_assert_int_ge(cdev, 0);
	ck_assert_int_eq(vfiosim_trace_add(bench.sim, keep_event, &told), 0);
	ck_assert_int_eq(unplug("rp7"), -EINPROGRESS);
	ck_assert_int_eq(told.result, 0);
	ck_assert(leaving("0000:00:07.0") && leaving("0000:04:00.0"));
	/* M1 was first, and has no driver any more; none is removed before all are stopped. */
	ck_assert_str_eq(driver_of("0000:04:00.1"), "");
	ck_assert_int_eq(plug("M0"), -EINPROGRESS);
	ck_assert_int_eq(told.result, -EINPROGRESS);
	ck_assert_str_eq(told.rule, "bus-leaving");
	ck_assert_int_eq(plug("rp4"), -EEXIST);
	ck_assert_int_eq(told.result, -EEXIST);
	ck_assert_int_eq(vfiosim_inproc_close(bench.proc, cdev), 0);
	ck_assert(!driver_of("0000:00:07.0") && !driver_of("0000:04:00.0"));
	ck_assert(!driver_of("0000:04:00.1"));
	vfiosim_trace_remove(bench.sim, keep_event, &told);
}
END_TEST

START_TEST(an_mdev_comes_back)
{
	ck_assert_int_eq(unplug("T0"), 0);
	ck_assert(!can_open("/dev/vfio/15"));
	ck_assert_int_eq(plug("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"), 0);
	ck_assert(can_open("/dev/vfio/15"));
}
END_TEST

/* What a vendor driver is refused says why, as what a program is refused does. */
START_TEST(a_driver_is_told_why_it_cannot_pin)
{
	static const struct {
		const char *device;
		uint64_t iova, length;
		int error;
		const char *rule, *reason;
	} rows[] = {
		{ "dma0", 0, 4096, -EOPNOTSUPP, "pins-never", "dma0 pins nothing" },
		{ "pinner1", 0, 4096, -ENXIO, "pins-not-open", "no program has pinner1 open" },
		{ "pinner0", 1, 4096, -EINVAL, "pins-whole-pages", "4096 bytes from 0x1 on" },
		{ "pinner0", 0, 0x100001000, -ENOSPC, "pins-limit", "with 1048577 pages more" },
		{ "pinner0", 0, 4096, -EINVAL, "pin-not-mapped", "nothing is mapped at iova 0x0" },
	};
	struct told told = { 0 };
	char reason[200];
	struct bench b;

	bench_init(&b, "engine", "pinner0");
	ck_assert_int_eq(vfiosim_trace_add(b.sim, keep_event, &told), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(vfiosim_pin(b.sim, 0, rows[i].device, rows[i].iova, rows[i].length, true,
					     reason, sizeof(reason)),
				 rows[i].error);
		ck_assert_int_eq(told.result, rows[i].error);
		ck_assert_str_eq(told.rule, rows[i].rule);
		ck_assert_msg(strstr(reason, rows[i].reason), "%s", reason);
	}
	ck_assert_int_eq(vfiosim_unpin(b.sim, 0, "pinner0", 0, 4096), -ENOENT);
	ck_assert_str_eq(told.rule, "pins-nothing");
	ck_assert_int_eq(vfiosim_unpin(b.sim, 0, "dma0", 0, 4096), -EOPNOTSUPP);
	ck_assert_str_eq(told.rule, "pins-never");
	vfiosim_trace_remove(b.sim, keep_event, &told);
	bench_done(&b);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_driver_is_told_why_it_cannot_pin,
		nobody_has_it_open, whoever_has_it_open_is_asked_for_it, one_of_a_group,
		by_its_own_node, a_bridge_goes_after_what_is_below_it,
		a_bridge_that_waits_takes_what_is_below_it_along,
		what_is_below_a_bridge_is_stopped_in_reverse, an_mdev_comes_back,
		another_mdev_has_its_uuid_or_its_room,
	};
	Suite *suite = suite_create("hardware");
	TCase *stories = tcase_create("stories");

	suite_add_tcase(suite, stories);
	tcase_add_checked_fixture(stories, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(stories, tests[i]);
	return suite_run(suite);
}
