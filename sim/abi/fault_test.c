/* SPDX-License-Identifier: MIT */
/*
 * Faults: that each site fires, at the time and the place that its rule says, once for
 * each command; that nothing is left of what failed, and a second try succeeds.
 */
#include <vfiosim/fault.h>

#include "machine/sim.h"
#include "base/suite_test.h"
#include "machine/story_test.h"

#define NIC "0000:01:00.0"	/* group 10 of q35 */

static struct story story;
static char problem[VFIOSIM_FAULT_TEXT_MAX];

static void setup(void)
{
	story_begin(&story, "q35");
}

static void teardown(void)
{
	story_end(&story);
}

static struct vfiosim_fault of_command(const char *name)
{
	return (struct vfiosim_fault){
		.site = VFIOSIM_FAULT_COMMAND, .command = vfiosim_command_by_name(name)
	};
}

static struct vfiosim_fault failing(struct vfiosim_fault fault, uint64_t when, int error)
{
	fault.when = (struct vfiosim_fault_when){ .first = when, .last = when };
	fault.error = error;
	return fault;
}

static int __add(const struct vfiosim_fault *fault, uint32_t *ret_id)
{
	return vfiosim_fault_add(story.sim, fault, ret_id, problem, sizeof(problem));
}

static uint32_t add(struct vfiosim_fault fault)
{
	uint32_t id = 0;
	int ret = __add(&fault, &id);

	ck_assert_msg(!ret, "%s", problem);
	return id;
}

static void expect(uint32_t id, uint64_t met, uint64_t fired)
{
	struct vfiosim_fault_count count = { 77, 77 };

	ck_assert_int_eq(vfiosim_fault_count(story.sim, id, &count), 0);
	ck_assert_uint_eq(count.met, met);
	ck_assert_uint_eq(count.fired, fired);
}

static void impossible(struct vfiosim_fault fault, const char *why)
{
	uint32_t id;

	ck_assert_int_eq(__add(&fault, &id), -EINVAL);
	ck_assert_str_eq(problem, why);
}

/* ---- Rules ---- */

START_TEST(a_command_fails_at_its_time)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	uint32_t id = add(failing(of_command("VFIO_IOMMU_MAP_DMA"), 2, ERANGE));
	int group, container = container_with(&story, 10, &group);

	map(&story, container, 0, uva, PAGE);
	ck_assert_int_eq(__map(&story, container, PAGE, uva, PAGE, MAP_RW), -ERANGE);
	ck_assert_rule(&story, "injected");
	map(&story, container, PAGE, uva, PAGE);
	expect(id, 3, 1);
	/* It holds for good: another rule does not change how it counts. */
	add(failing(of_command("VFIO_IOMMU_UNMAP_DMA"), 1, EBUSY));
	ck_assert_int_eq(__unmap(&story, container, 0, PAGE, 0, NULL), -EBUSY);
	ck_assert_uint_eq(unmap(&story, container, 0, PAGE), PAGE);
	expect(id, 3, 1);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

static void note_reason(void *ctx, const struct vfiosim_event *event)
{
	if (event->reason)
		snprintf(ctx, 400, "%s", event->reason);
}

START_TEST(the_trace_says_which_and_which_time)
{
	int container = open_container(&story);
	char reason[400] = "";

	ck_assert_int_eq(vfiosim_trace_add(story.sim, note_reason, reason), 0);
	add(failing(of_command("VFIO_SET_IOMMU"), 7, EPERM));
	add(failing(of_command("VFIO_SET_IOMMU"), 2, EBUSY));
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), -EINVAL);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), -EBUSY);
	ck_assert_str_eq(reason, "injected by fault 2: VFIO_SET_IOMMU,when=2,error=EBUSY (time 2)");
	vfiosim_trace_remove(story.sim, note_reason, reason);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

static void times(struct vfiosim_fault_when when, const char *text, const char *expected)
{
	struct vfiosim_fault fault = of_command("VFIO_SET_IOMMU");
	int container = open_container(&story);
	char got[16] = "";
	uint32_t id;

	fault.when = when;
	fault.error = EBUSY;
	vfiosim_fault_text(&fault, problem, sizeof(problem));
	ck_assert_str_eq(problem, text);
	id = add(fault);
	for (size_t i = 0; expected[i]; i++)
		got[i] = command(&story, container, VFIO_SET_IOMMU, 1) == -EBUSY ? 'x' : '.';
	ck_assert_str_eq(got, expected);
	ck_assert_int_eq(vfiosim_fault_remove(story.sim, id), 0);
	ck_assert_int_eq(vfiosim_fault_remove(story.sim, id), -ENOENT);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, 1), -EINVAL);
	vfiosim_inproc_close(story.proc, container);
}

START_TEST(times_are_counted_as_strace_does)
{
	times((struct vfiosim_fault_when){ 0 }, "VFIO_SET_IOMMU,error=EBUSY", "xxxxx");
	times((struct vfiosim_fault_when){ 3, 3, 0 }, "VFIO_SET_IOMMU,when=3,error=EBUSY", "..x..");
	times((struct vfiosim_fault_when){ 3, 0, 0 }, "VFIO_SET_IOMMU,when=3+,error=EBUSY", "..xxx");
	times((struct vfiosim_fault_when){ 2, 4, 0 }, "VFIO_SET_IOMMU,when=2..4,error=EBUSY",
	      ".xxx.");
	times((struct vfiosim_fault_when){ 1, 0, 2 }, "VFIO_SET_IOMMU,when=1+2,error=EBUSY",
	      "x.x.x");
	times((struct vfiosim_fault_when){ 2, 4, 2 }, "VFIO_SET_IOMMU,when=2..4+2,error=EBUSY",
	      ".x.x..");
}
END_TEST

START_TEST(only_where_the_rule_says)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	struct vfiosim_fault of_group = failing(of_command("VFIO_GROUP_SET_CONTAINER"), 1, EIO);
	struct vfiosim_fault of_iova = failing(of_command("VFIO_IOMMU_MAP_DMA"), 1, EFAULT);
	struct vfiosim_fault of_client = failing(of_command("VFIO_GROUP_GET_STATUS"), 1, EFAULT);
	int group, other, container = container_with(&story, 11, &other);
	uint32_t id;

	of_group.of = VFIOSIM_FAULT_OF_GROUP | VFIOSIM_FAULT_OF_CONTAINER;
	of_group.group = 10;
	of_group.container = 1;
	id = add(of_group);
	of_group.container = 2;
	add(of_group);
	group = open_group(&story, 10);
	ck_assert_int_eq(set_container(&story, group, container), -EIO);
	ck_assert_int_eq(set_container(&story, group, container), 0);
	expect(id, 2, 1);
	expect(id + 1, 0, 0);

	of_iova.of = VFIOSIM_FAULT_OF_IOVA;
	of_iova.iova_first = 0x2fff;
	of_iova.iova_last = 0x2fff;
	id = add(of_iova);
	map(&story, container, 0x1000, uva, PAGE);
	ck_assert_int_eq(__map(&story, container, 0x2000, uva, PAGE, MAP_RW), -EFAULT);
	map(&story, container, 0x3000, uva, PAGE);
	expect(id, 1, 1);

	of_client.of = VFIOSIM_FAULT_OF_CLIENT;
	of_client.client = 2;
	id = add(of_client);
	ck_assert_int_eq(command_struct(&story, group, VFIO_GROUP_GET_STATUS,
					&(struct vfio_group_status){ .argsz = 8 }, 8), 0);
	expect(id, 0, 0);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, other);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

/* ---- What the kernel could not do ---- */

START_TEST(only_what_the_kernel_could_do)
{
	struct vfiosim_fault fault = failing(of_command("VFIO_DEVICE_RESET"), 1, EPIPE);
	uint32_t id;

	impossible(fault, "VFIO_DEVICE_RESET cannot fail with EPIPE; it can with EINVAL, ENOTTY, EAGAIN");
	fault.force = true;
	ck_assert_int_eq(__add(&fault, &id), 0);
	impossible(failing(of_command("VFIO_GET_API_VERSION"), 1, EINVAL),
		   "VFIO_GET_API_VERSION cannot fail with EINVAL");
	impossible(failing((struct vfiosim_fault){ .site = VFIOSIM_FAULT_PIN }, 1, EPERM),
		   "pin cannot fail with EPERM; it can with EFAULT, ENOMEM");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_COMMAND }, "command: which one?");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_SITES }, "fault: there is no such site");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_PIN, .delay_ms = 1 },
		   "pin: only whole commands are delayed, send a signal or set an output");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_CHARGE, .page = 1 },
		   "charge: only pins have a page");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_ALLOC, .returns = true },
		   "alloc: there is no value it could give");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_VECTORS, .returns = true },
		   "vectors: with less than 1 vector it fails");
	impossible((struct vfiosim_fault){ .site = VFIOSIM_FAULT_PIN, .when = { .first = 3, .last = 2 } },
		   "pin: the last time comes before the first");
	fault = of_command("VFIO_DEVICE_RESET");
	fault.returns = true;
	impossible(fault, "VFIO_DEVICE_RESET: it returns nothing but what it does");
}
END_TEST

/* One number, two kinds of files: a container does not say ENODEV. */
START_TEST(each_kind_of_file_gives_its_own_errnos)
{
	uint32_t id = add(failing(of_command("VFIO_IOMMU_MAP_DMA"), 1, ENODEV));
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	int group, container = container_with(&story, 10, &group);

	map(&story, container, 0, uva, PAGE);
	expect(id, 0, 0);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

/* One number, two commands: a device's is not the container's. */
START_TEST(commands_are_told_apart_by_name)
{
	uint32_t id = add(failing(of_command("VFIO_IOMMU_GET_INFO"), 1, EINVAL));
	struct vfio_pci_hot_reset_info info = { .argsz = sizeof(info) };
	int group, device, container = container_with(&story, 10, &group);

	ck_assert_uint_eq(VFIO_IOMMU_GET_INFO, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO);
	device = (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ NIC },
				     sizeof(NIC));
	ck_assert_int_eq(command_struct(&story, device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info,
					sizeof(info)), -ENOSPC);
	expect(id, 0, 0);
	vfiosim_inproc_close(story.proc, device);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

/* Of a group's commands, too, whose device is not told. */
START_TEST(a_device_is_its_group)
{
	struct vfiosim_fault fault = failing(of_command("VFIO_GROUP_SET_CONTAINER"), 1, EBUSY);
	int container = open_container(&story), group = open_group(&story, 10);
	int other = open_group(&story, 11);

	snprintf(fault.device, sizeof(fault.device), NIC);
	add(fault);
	ck_assert_int_eq(set_container(&story, other, container), 0);
	ck_assert_int_eq(set_container(&story, group, container), -EBUSY);
	ck_assert_rule(&story, "injected");
	vfiosim_inproc_close(story.proc, other);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

/* What is done to a container concerns the groups in it. */
START_TEST(a_container_is_its_groups)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	struct vfiosim_fault of_device = failing(of_command("VFIO_IOMMU_MAP_DMA"), 2, ENOSPC);
	struct vfiosim_fault of_group = failing(of_command("VFIO_IOMMU_MAP_DMA"), 1, ENOMEM);
	int group, other_group, container = container_with(&story, 10, &group);
	int other = container_with(&story, 11, &other_group);

	of_group.of = VFIOSIM_FAULT_OF_GROUP;
	of_group.group = 10;
	add(of_group);
	snprintf(of_device.device, sizeof(of_device.device), NIC);
	add(of_device);
	map(&story, other, 0, uva, PAGE);
	map(&story, other, PAGE, uva, PAGE);
	ck_assert_int_eq(__map(&story, container, 0, uva, PAGE, MAP_RW), -ENOMEM);
	ck_assert_int_eq(__map(&story, container, 0, uva, PAGE, MAP_RW), -ENOSPC);
	map(&story, container, 0, uva, PAGE);
	vfiosim_inproc_close(story.proc, other);
	vfiosim_inproc_close(story.proc, other_group);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

/* ---- Other effects ---- */

START_TEST(an_extension_can_be_missing)
{
	struct vfiosim_fault fault = of_command("VFIO_CHECK_EXTENSION");
	int container = open_container(&story);

	fault.returns = true;
	fault.when = (struct vfiosim_fault_when){ 2, 2, 0 };
	add(fault);
	ck_assert_int_eq(command(&story, container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 1);
	ck_assert_int_eq(command(&story, container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 0);
	ck_assert_int_eq(command(&story, container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU), 1);
	fault.value = 1;
	impossible(fault, "VFIO_CHECK_EXTENSION cannot return that; it can return 0");
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

START_TEST(a_delay_is_virtual)
{
	struct vfiosim_fault fault = of_command("VFIO_GET_API_VERSION");
	int container = open_container(&story);
	struct vfiosim_counters counters;

	fault.delay_ms = 3600000;
	add(fault);
	ck_assert_int_eq(command(&story, container, VFIO_GET_API_VERSION, 0), 0);
	ck_assert_int_eq(command(&story, container, VFIO_GET_API_VERSION, 0), 0);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.delayed_ms, 7200000);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

/* ---- Outputs: the machine is as they say ---- */

static struct vfiosim_fault setting(const char *name, uint64_t when, const char *field, uint64_t value)
{
	struct vfiosim_fault fault = failing(of_command(name), when, 0);

	snprintf(fault.set_field, sizeof(fault.set_field), "%s", field);
	fault.set_value = value;
	return fault;
}

static uint32_t status_of(int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	ck_assert_int_eq(command_struct(&story, group, VFIO_GROUP_GET_STATUS, &status,
					sizeof(status)), 0);
	return status.flags;
}

START_TEST(a_group_that_is_not_viable)
{
	int container = open_container(&story), group = open_group(&story, 10);

	add(setting("VFIO_GROUP_GET_STATUS", 2, "flags", 0));
	ck_assert_uint_eq(status_of(group), VFIO_GROUP_FLAGS_VIABLE);
	ck_assert_uint_eq(status_of(group), 0);
	ck_assert_int_eq(set_container(&story, group, container), -EPERM);
	ck_assert_rule(&story, "other-owner");
	ck_assert_uint_eq(status_of(group), VFIO_GROUP_FLAGS_VIABLE);
	ck_assert_int_eq(set_container(&story, group, container), 0);
	/* One that is in use cannot become so. */
	add(setting("VFIO_GROUP_GET_STATUS", 1, "flags", 0));
	ck_assert_uint_eq(status_of(group), 3);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

START_TEST(a_missing_extension_is_no_type)
{
	struct vfiosim_fault fault = failing(of_command("VFIO_CHECK_EXTENSION"), 1, 0);
	int container = open_container(&story), group = open_group(&story, 10);

	fault.returns = true;
	add(fault);
	ck_assert_int_eq(command(&story, container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 0);
	ck_assert_int_eq(command(&story, container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 0);
	ck_assert_int_eq(set_container(&story, group, container), 0);
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), -ENODEV);
	ck_assert_rule(&story, "no-iommu-driver");
	ck_assert_int_eq(command(&story, container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU), 0);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

START_TEST(a_short_unmap_leaves_the_rest)
{
	uint64_t uva = memory(&story, 3, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	int group, container = container_with(&story, 10, &group);
	struct vfiosim_counters counters;
	uint64_t gone;

	for (uint64_t i = 0; i < 3; i++)
		map(&story, container, i * PAGE, uva + i * PAGE, PAGE);
	add(setting("VFIO_IOMMU_UNMAP_DMA", 1, "size", 2 * PAGE));
	ck_assert_int_eq(__unmap(&story, container, 0, 3 * PAGE, 0, &gone), 0);
	ck_assert_uint_eq(gone, 2 * PAGE);
	vfiosim_counters(story.sim, &counters);
	ck_assert_uint_eq(counters.mappings, 1);
	ck_assert_uint_eq(unmap(&story, container, 0, 3 * PAGE), PAGE);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

START_TEST(few_mappings_are_left)
{
	uint64_t uva = memory(&story, 1, VFIOSIM_PROT_READ | VFIOSIM_PROT_WRITE);
	int group, container = container_with(&story, 10, &group);
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	add(setting("VFIO_IOMMU_GET_INFO", 1, "dma_avail", 1));
	ck_assert_int_eq(command_struct(&story, container, VFIO_IOMMU_GET_INFO, &info, sizeof(info)),
			 0);
	map(&story, container, 0, uva, PAGE);
	ck_assert_int_eq(__map(&story, container, PAGE, uva, PAGE, MAP_RW), -ENOSPC);
	unmap(&story, container, 0, PAGE);
	map(&story, container, PAGE, uva, PAGE);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

START_TEST(fewer_vectors_than_asked_for)
{
	struct vfiosim_fault fault = { .site = VFIOSIM_FAULT_VECTORS, .returns = true, .value = 2,
				       .when = { 1, 1, 0 } };
	struct {
		struct vfio_irq_set set;
		int32_t fds[4];
	} irqs = { { .argsz = sizeof(irqs), .count = 4, .index = VFIO_PCI_MSIX_IRQ_INDEX,
		     .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER },
		   { -1, -1, -1, -1 } };
	int group, device, container = container_with(&story, 10, &group);

	device = (int)command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ NIC },
				     sizeof(NIC));
	add(fault);
	ck_assert_int_eq(command_struct(&story, device, VFIO_DEVICE_SET_IRQS, &irqs, sizeof(irqs)), 2);
	ck_assert_int_eq(command_struct(&story, device, VFIO_DEVICE_SET_IRQS, &irqs, sizeof(irqs)), 0);
	vfiosim_inproc_close(story.proc, device);
	vfiosim_inproc_close(story.proc, group);
	vfiosim_inproc_close(story.proc, container);
}
END_TEST

/* ---- Sites ---- */

START_TEST(a_node_is_not_opened)
{
	struct vfiosim_fault fault = { .site = VFIOSIM_FAULT_OPEN, .of = VFIOSIM_FAULT_OF_GROUP,
				       .group = 10 };
	int fd;

	add(failing(fault, 1, EMFILE));
	fd = open_group(&story, 11);
	ck_assert_int_eq(__open_group(&story, 10), -EMFILE);
	ck_assert_rule(&story, "injected");
	vfiosim_inproc_close(story.proc, fd);
	fd = open_group(&story, 10);
	vfiosim_inproc_close(story.proc, fd);
}
END_TEST

static long get_device(int group)
{
	return command_struct(&story, group, VFIO_GROUP_GET_DEVICE_FD, (char[]){ NIC }, sizeof(NIC));
}

START_TEST(a_descriptor_is_not_installed)
{
	struct vfiosim_fault fault = { .site = VFIOSIM_FAULT_FD_INSTALL };
	int group, device, container = container_with(&story, 10, &group);
	uint32_t id, of_device;

	id = add(failing(fault, 2, EMFILE));
	snprintf(fault.device, sizeof(fault.device), NIC);
	of_device = add(failing(fault, 3, ENFILE));
	snprintf(fault.device, sizeof(fault.device), "0000:02:00.0");
	add(failing(fault, 1, ENFILE));	/* another's: never */
	device = (int)get_device(group);
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(get_device(group), -EMFILE);
	ck_assert_rule(&story, "injected");
	ck_assert_int_eq(get_device(group), -ENFILE);
	vfiosim_inproc_close(story.proc, device);
	/* They are closed: the group can leave. */
	ck_assert_int_eq(unset_container(&story, group), 0);
	expect(id, 3, 1);
	expect(of_device, 3, 1);
	vfiosim_inproc_close(story.proc, container);
	vfiosim_inproc_close(story.proc, group);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fault");
	TCase *rules = tcase_create("rules"), *sites = tcase_create("sites");

	suite_add_tcase(suite, rules);
	tcase_add_checked_fixture(rules, setup, teardown);
	tcase_add_test(rules, a_command_fails_at_its_time);
	tcase_add_test(rules, the_trace_says_which_and_which_time);
	tcase_add_test(rules, times_are_counted_as_strace_does);
	tcase_add_test(rules, only_where_the_rule_says);
	tcase_add_test(rules, only_what_the_kernel_could_do);
	tcase_add_test(rules, each_kind_of_file_gives_its_own_errnos);
	tcase_add_test(rules, commands_are_told_apart_by_name);
	tcase_add_test(rules, a_device_is_its_group);
	tcase_add_test(rules, a_container_is_its_groups);
	tcase_add_test(rules, an_extension_can_be_missing);
	tcase_add_test(rules, a_delay_is_virtual);
	tcase_add_test(rules, a_group_that_is_not_viable);
	tcase_add_test(rules, a_missing_extension_is_no_type);
	tcase_add_test(rules, a_short_unmap_leaves_the_rest);
	tcase_add_test(rules, few_mappings_are_left);
	tcase_add_test(rules, fewer_vectors_than_asked_for);
	suite_add_tcase(suite, sites);
	tcase_add_checked_fixture(sites, setup, teardown);
	tcase_add_test(sites, a_node_is_not_opened);
	tcase_add_test(sites, a_descriptor_is_not_installed);
	return suite_run(suite);
}
