/* SPDX-License-Identifier: MIT */
/*
 * Drivers that come and go while clients use their devices, as Linux 7.2 did it on
 * the machine that q35 is (the facts' section `viability`).
 */
#include "bus/bus.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vfio.h>

#include <vfiosim/hardware.h>
#include <vfiosim/inproc.h>

#include "base/suite_test.h"
#include "machine/lock.h"
#include "vfio/device.h"
#include "vfio/group.h"
#include "machine/sim.h"

static struct vfiosim_topology *topology;
static struct vfiosim *sim;
static struct vfiosim_inproc *proc;

static void set_up(void)
{
	struct vfiosim_errors error;

	ck_assert_int_eq(vfiosim_topology_load("q35", &topology, &error), 0);
	ck_assert_int_eq(vfiosim_create(topology, &sim), 0);
	ck_assert_int_eq(vfiosim_inproc_create(sim, &proc), 0);
}

static void tear_down(void)
{
	vfiosim_inproc_destroy(proc);
	vfiosim_destroy(sim);
	vfiosim_topology_free(topology);
}

/* ---- What an administrator does ---- */

static struct device *device(const char *name)
{
	return sim->devices[vfiosim_topology_device(topology, name)];
}

static const char *last_rule;	/* id of the last refusal */

enum deed { BIND, UNBIND, OVERRIDE, PROBE, NEW_ID, REMOVE_ID, REMOVE };

static int decide(struct call *call, enum deed deed, struct device *dev, const char *text)
{
	switch (deed) {
	case BIND:
		return bus_bind(call, dev, text);
	case UNBIND:
		return bus_unbind(call, dev);
	case OVERRIDE:
		return bus_set_override(call, dev, text, strlen(text));
	case PROBE:
		return bus_probe(call, dev);
	case NEW_ID:
		return bus_new_id(call, "vfio-pci", text, strlen(text));
	case REMOVE_ID:
		return bus_remove_id(call, "vfio-pci", text, strlen(text));
	case REMOVE:
		return bus_remove(call, dev);
	}
	return -EINVAL;
}

static int act(enum deed deed, struct device *dev, const char *text)
{
	struct vfiosim_caller caller = { .client = vfiosim_inproc_client(proc) };
	struct call call;
	int ret;

	call_init(&call, sim, &caller, NULL);
	lock_take(sim);
	ret = decide(&call, deed, dev, text);
	lock_release(sim);
	last_rule = call.result.rule ? call.result.rule->id : "";
	call_done(&call);
	vfiosim_finish(sim, &caller);
	return ret;
}

static int __bind(struct device *dev, const char *driver)
{
	return act(BIND, dev, driver);
}

static void bind_driver(struct device *dev, const char *driver)
{
	ck_assert_int_eq(act(OVERRIDE, dev, driver), 0);
	ck_assert_int_eq(__bind(dev, driver), 0);
	ck_assert_str_eq(dev->driver->name, driver);
}

static int __unbind(struct device *dev)
{
	return act(UNBIND, dev, NULL);
}

static void unbind(struct device *dev)
{
	ck_assert_int_eq(__unbind(dev), 0);
	ck_assert_ptr_null(dev->driver);
}

/* ---- What a client does ---- */

static int open_at(const char *path)
{
	int fd = vfiosim_inproc_open(proc, path);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static long status(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	long ret = vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_GET_STATUS, &status, sizeof(status));

	return ret ? ret : status.flags;
}

static long set_container(int group, int container)
{
	return vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_SET_CONTAINER, &container,
					   sizeof(container));
}

static long get_device(int group, const char *name)
{
	char text[64] = "";

	strncpy(text, name, sizeof(text) - 1);
	return vfiosim_inproc_ioctl_struct(proc, group, VFIO_GROUP_GET_DEVICE_FD, text, sizeof(text));
}

/* A container with type1 v2 that holds @group. */
static int container_with(int group)
{
	int container = open_at("/dev/vfio/vfio");

	ck_assert_int_eq(set_container(group, container), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), 0);
	return container;
}

static long device_works(int fd)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return vfiosim_inproc_ioctl_struct(proc, fd, VFIO_DEVICE_GET_INFO, &info, sizeof(info));
}

#define M0 "0000:04:00.0"
#define M1 "0000:04:00.1"

/* ---- Stories ---- */

START_TEST(a_sibling_without_driver_is_no_obstacle)
{
	int group, container;

	unbind(device("M1"));
	group = open_at("/dev/vfio/13");
	ck_assert_int_eq(status(group), 1);
	container = container_with(group);
	ck_assert_int_eq(get_device(group, M1), -ENODEV);
	ck_assert_int_ge(get_device(group, M0), 0);
	/* The group is claimed: no host driver may come in beside, but vfio-pci may. */
	ck_assert_int_eq(act(OVERRIDE, device("M1"), "e1000e"), 0);
	ck_assert_int_eq(__bind(device("M1"), "e1000e"), -EBUSY);
	ck_assert_str_eq(last_rule, "bus-claimed");
	ck_assert_ptr_null(device("M1")->driver);
	/* So is one that does not know it: it is not even asked. */
	ck_assert_int_eq(act(OVERRIDE, device("M1"), "virtio-pci"), 0);
	ck_assert_int_eq(__bind(device("M1"), "virtio-pci"), -EBUSY);
	ck_assert_str_eq(last_rule, "bus-claimed");
	bind_driver(device("M1"), "vfio-pci");
	ck_assert_int_ge(get_device(group, M1), 0);
	ck_assert_int_ge(container, 0);
}
END_TEST

/* The first change that an event told. */
static void keep_change(void *ctx, const struct vfiosim_event *event)
{
	snprintf(ctx, 200, "%s", event->n_changes ? event->changes[0] : "");
}

START_TEST(a_host_driver_makes_the_group_not_viable)
{
	int group = open_at("/dev/vfio/13");
	char told[200];

	unbind(device("M1"));
	bind_driver(device("M1"), "e1000e");
	ck_assert_int_eq(vfiosim_trace_add(sim, keep_change, told), 0);
	ck_assert_int_eq(status(group), 0);
	ck_assert_ptr_nonnull(strstr(told, "is bound to e1000e, a host driver"));
	vfiosim_trace_remove(sim, keep_change, told);
	ck_assert_int_eq(set_container(group, open_at("/dev/vfio/vfio")), -EPERM);
	unbind(device("M1"));
	bind_driver(device("M1"), "vfio-pci");
	ck_assert_int_eq(status(group), 1);
}
END_TEST

START_TEST(unbinding_waits_for_an_open_device)
{
	int group = open_at("/dev/vfio/13"), container = container_with(group);
	int fd = (int)get_device(group, M1), event = vfiosim_inproc_eventfd(proc);
	struct vfio_irq_set set = {
		.argsz = sizeof(set) + sizeof(int32_t), .index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
	};
	uint8_t req[sizeof(set) + sizeof(int32_t)];

	ck_assert_int_ge(fd, 0);
	memcpy(req, &set, sizeof(set));
	memcpy(req + sizeof(set), &event, sizeof(int32_t));
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, fd, VFIO_DEVICE_SET_IRQS, req, sizeof(req)), 0);
	ck_assert_int_eq(__unbind(device("M1")), CALL_PARKED);
	ck_assert_int_eq(vfiosim_inproc_event_read(proc, event), 1);
	ck_assert_ptr_null(bus_driver(device("M1")));	/* sysfs shows none already */
	ck_assert_int_eq(device_works(fd), 0);
	ck_assert_int_eq(get_device(group, M1), -ENODEV);
	ck_assert_int_eq(__unbind(device("M1")), CALL_PARKED);
	ck_assert_int_eq(vfiosim_inproc_event_read(proc, event), 0);	/* asked once, not at each try */
	ck_assert_int_eq(vfiosim_inproc_close(proc, fd), 0);
	ck_assert_ptr_null(device("M1")->driver);
	ck_assert_int_eq(__unbind(device("M1")), -ENODEV);
	ck_assert_int_eq(status(group), 3);
	ck_assert_int_ge(container, 0);
}
END_TEST

START_TEST(an_unbind_whose_writer_was_killed_is_completed)
{
	int group = open_at("/dev/vfio/13"), container = container_with(group);
	int fd = (int)get_device(group, M1);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(__unbind(device("M1")), CALL_PARKED);
	ck_assert_int_eq(act(OVERRIDE, device("M1"), "vfio-pci"), 0);
	ck_assert_int_eq(__bind(device("M1"), "vfio-pci"), -EBUSY);
	ck_assert_int_eq(vfiosim_inproc_close(proc, fd), 0);
	ck_assert_ptr_null(device("M1")->driver);
	ck_assert_int_eq(status(group), 3);
	ck_assert_int_eq(__bind(device("M1"), "vfio-pci"), 0);
	ck_assert_int_ge(get_device(group, M1), 0);
	ck_assert_int_ge(container, 0);
}
END_TEST

START_TEST(the_last_device_takes_its_group_along)
{
	int group = open_at("/dev/vfio/11"), container = container_with(group), fresh;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ, .size = 4096,
	};

	unbind(device("B"));
	ck_assert_ptr_null(device("B")->group->vfio);
	ck_assert_int_eq(status(group), -ENODEV);
	ck_assert_int_eq(vfiosim_inproc_mmap(proc, 4096, VFIOSIM_PROT_READ, VFIOSIM_VMA_MEMORY,
					     (uint64_t *)&map.vaddr), 0);
	ck_assert_int_eq(vfiosim_inproc_ioctl_struct(proc, container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map)),
			 -EINVAL);
	ck_assert_int_eq(vfiosim_inproc_ioctl(proc, group, VFIO_GROUP_UNSET_CONTAINER, 0), -EINVAL);
	ck_assert_int_eq(set_container(group, container), -ENODEV);
	ck_assert_int_lt(vfiosim_inproc_open(proc, "/dev/vfio/11"), 0);
	/* The next device makes another group: the old descriptor is worth nothing for good. */
	bind_driver(device("B"), "vfio-pci");
	ck_assert_int_eq(status(group), -ENODEV);
	ck_assert_int_eq(get_device(group, "0000:02:00.0"), -ENODEV);
	ck_assert_int_eq(set_container(group, container), -ENODEV);
	fresh = open_at("/dev/vfio/11");
	ck_assert_int_eq(vfiosim_inproc_close(proc, group), 0);
	ck_assert_int_eq(status(fresh), 1);
	ck_assert_int_eq(vfiosim_inproc_open(proc, "/dev/vfio/11"), -EBUSY);
	ck_assert_int_eq(set_container(fresh, container), 0);
}
END_TEST

/* An IOMMU group as well is another one when its last device has left the machine. */
START_TEST(a_group_comes_back_as_it_was_made)
{
	struct device *dev = device("B");
	struct iommu_group *group = dev->group;
	int file = open_at("/dev/vfio/11");

	group_make_unviable(group->vfio, true);
	group->default_domain = "identity";
	ck_assert_int_eq(act(REMOVE, dev, NULL), 0);
	ck_assert(group->gone && !group->vfio && !group->owner_cnt);
	ck_assert_int_eq(vfiosim_plug(sim, 0, "B"), 0);
	ck_assert_str_eq(group->default_domain, "DMA");
	ck_assert_int_eq(status(open_at("/dev/vfio/11")), 1);
	ck_assert_int_eq(status(file), -ENODEV);
}
END_TEST

START_TEST(an_mdev_is_removed_when_it_is_closed)
{
	struct device *mdev = device("T0");
	int group = open_at("/dev/vfio/15"), container = container_with(group);
	int fd = (int)get_device(group, mdev->topo->address);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(act(REMOVE, mdev, NULL), CALL_PARKED);
	ck_assert_int_eq(device_works(fd), 0);
	ck_assert(!mdev->removed);
	ck_assert_int_eq(vfiosim_inproc_close(proc, fd), 0);
	ck_assert(mdev->removed && mdev->group->gone);
	ck_assert_int_eq(status(group), -ENODEV);
	ck_assert_ptr_null(sim_device(sim, mdev->topo->address));
	ck_assert_int_eq(vfiosim_inproc_close(proc, group), 0);
	ck_assert_int_eq(vfiosim_inproc_close(proc, container), 0);
}
END_TEST

START_TEST(a_group_goes_with_its_last_device)
{
	const struct iommu_group *group = device("M0")->group;

	ck_assert_int_eq(act(REMOVE, device("M0"), NULL), 0);
	ck_assert(!group->gone);
	ck_assert_int_eq(act(REMOVE, device("M1"), NULL), 0);
	ck_assert(TAILQ_EMPTY(&group->devices) && group->gone);
}
END_TEST

START_TEST(who_takes_what)
{
	char long_name[4096];

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';

	ck_assert(bus_find_driver(sim, BUS_PCI, "vfio-pci") && bus_find_driver(sim, BUS_PCI, "e1000e"));
	ck_assert(bus_find_driver(sim, BUS_PCI, "pcieport") && !bus_find_driver(sim, BUS_PCI, "mtty"));
	ck_assert(!bus_find_driver(sim, BUS_PCI, "") && !bus_find_driver(sim, BUS_PCI, "nouveau"));
	ck_assert_int_eq(__unbind(device("ahci")), -ENODEV);	/* has none */
	ck_assert_str_eq(last_rule, "bus-not-bound");
	ck_assert_int_eq(__bind(device("ahci"), "vfio-pci"), -ENODEV);
	ck_assert_str_eq(last_rule, "bus-no-match");
	bind_driver(device("ahci"), "vfio-pci");
	ck_assert_uint_eq(group_bound_devices(device("ahci")->group), 1);
	ck_assert_int_eq(device("ahci")->vfio->cdev, 10);
	/* An override names the one driver that may; a bridge is nothing for vfio-pci all the same. */
	ck_assert_int_eq(act(OVERRIDE, device("ahci"), "e1000e"), 0);
	ck_assert_int_eq(__bind(device("ahci"), "vfio-pci"), -ENODEV);
	unbind(device("rp4"));
	ck_assert_int_eq(act(OVERRIDE, device("rp4"), "vfio-pci\n"), 0);
	ck_assert_int_eq(__bind(device("rp4"), "vfio-pci"), -EINVAL);
	ck_assert_int_eq(act(OVERRIDE, device("rp4"), "\n"), 0);
	ck_assert_int_eq(act(PROBE, device("rp4"), NULL), 0);
	ck_assert_str_eq(device("rp4")->driver->name, "pcieport");
	ck_assert_int_eq(act(OVERRIDE, device("A"), long_name), -EINVAL);
	ck_assert_int_eq(act(OVERRIDE, device("A"), long_name + 1), 0);
	ck_assert_str_eq(device("A")->driver_override, long_name + 1);
	ck_assert_int_eq(__bind(NULL, "vfio-pci"), -ENODEV);
	ck_assert_int_eq(__bind(device("T0"), "mtty"), -ENODEV);
}
END_TEST

START_TEST(new_ids)
{
	unbind(device("E0"));
	unbind(device("E1"));
	ck_assert_int_eq(act(NEW_ID, NULL, "1234 11e8 1af4 1101"), 0);	/* another subsystem */
	ck_assert_ptr_null(device("E0")->driver);
	ck_assert_int_eq(act(NEW_ID, NULL, "1234 11e8 ffffffff ffffffff ff00 ffff00\n"), 0);
	ck_assert_str_eq(device("E0")->driver->name, "vfio-pci");
	ck_assert_str_eq(device("E1")->driver->name, "vfio-pci");
	ck_assert_int_eq(act(REMOVE_ID, NULL, "1234 11e8"), 0);
	ck_assert_int_eq(act(REMOVE_ID, NULL, "1234 11e8"), 0);
	ck_assert_int_eq(act(REMOVE_ID, NULL, "1234 11e8"), -ENODEV);
	ck_assert_int_eq(act(NEW_ID, NULL, "1234"), -EINVAL);
	ck_assert_int_eq(act(REMOVE_ID, NULL, ""), -EINVAL);
	for (unsigned i = 0; i < 32; i++) {
		char id[16];

		sprintf(id, "4321 %04x", i);
		ck_assert_int_eq(act(NEW_ID, NULL, id), 0);
	}
	ck_assert_int_eq(act(NEW_ID, NULL, "4321 ffff"), -ENOMEM);	/* ours, not the kernel's */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus");
	TCase *stories = tcase_create("stories");

	suite_add_tcase(suite, stories);
	tcase_add_checked_fixture(stories, set_up, tear_down);
	tcase_add_test(stories, a_sibling_without_driver_is_no_obstacle);
	tcase_add_test(stories, a_host_driver_makes_the_group_not_viable);
	tcase_add_test(stories, unbinding_waits_for_an_open_device);
	tcase_add_test(stories, an_unbind_whose_writer_was_killed_is_completed);
	tcase_add_test(stories, the_last_device_takes_its_group_along);
	tcase_add_test(stories, a_group_comes_back_as_it_was_made);
	tcase_add_test(stories, an_mdev_is_removed_when_it_is_closed);
	tcase_add_test(stories, a_group_goes_with_its_last_device);
	tcase_add_test(stories, who_takes_what);
	tcase_add_test(stories, new_ids);
	return suite_run(suite);
}
