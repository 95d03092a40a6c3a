/* SPDX-License-Identifier: MIT */
/* vfiosim topology ...: exit statuses, and that what is shown can be pasted. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/topology.h>

#include "cli.h"
#include "base/suite_test.h"

/* Runs the verb; what it printed (stdout, or stderr) is in @out. */
static int topology(int from, char *out, size_t size, const char *a, const char *b, const char *c)
{
	char name[] = "topology", one[64], two[64], three[64];
	char *argv[] = { name, a ? one : NULL, b ? two : NULL, c ? three : NULL, NULL };
	struct capture capture;
	int status, argc = 1;

	snprintf(one, sizeof(one), "%s", a ? a : "");
	snprintf(two, sizeof(two), "%s", b ? b : "");
	snprintf(three, sizeof(three), "%s", c ? c : "");
	while (argv[argc])
		argc++;
	capture_begin(&capture, from == 1, from == 2);
	status = cli_main(&topology_verb, argc, argv);
	capture_end(&capture, out, size);
	return status;
}

static char out[65536];

#define CHECK_OUT(part_) ck_assert_msg(strstr(out, (part_)) != NULL, "'%s' is not in:\n%s", (part_), out)

START_TEST(list_and_show)
{
	ck_assert_int_eq(topology(1, out, sizeof(out), "list", NULL, NULL), 0);
	CHECK_OUT("q35 ");
	CHECK_OUT("hotadd ");
	ck_assert_int_eq(topology(1, out, sizeof(out), "show", "hotadd", NULL), 0);
	CHECK_OUT("aperture 0..0x7fffffffff, pages 4K 2M 1G");
	CHECK_OUT("reserved 0xfee00000..0xfeefffff msi");
	CHECK_OUT("BAR 0: 1M mmap, pin: never");
	CHECK_OUT("\n  vfiosim run --topology hotadd -- qemu-system-x86_64 ");
	CHECK_OUT("-device vfio-pci,host=0000:01:00.0");
	CHECK_OUT("-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	CHECK_OUT("dpdk-testpmd --no-huge -m 128 -a 0000:01:00.0 -- --total-num-mbufs=2048\n");
	ck_assert_int_eq(topology(1, out, sizeof(out), "show", "q35", NULL), 0);
	CHECK_OUT("--topology q35 --memlock unlimited -- ");
	ck_assert_int_eq(topology(1, out, sizeof(out), "check", "q35", "minimal"), 0);
	CHECK_OUT("q35: 24 devices in 18 groups");
}
END_TEST

/* Every device of every machine, below the bus it sits on, with its group. */
START_TEST(pictures)
{
	ck_assert_int_eq(topology(1, out, sizeof(out), "show", "--picture", "classroom"), 0);
	CHECK_OUT("IOMMU dmar0 translates iovas up to 0x7fffffffff\n");
	CHECK_OUT("gpu0 (vfio-pci) ");
	CHECK_OUT(" group 12, dmar0, together with sound0\n");
	CHECK_OUT("mdev0 (mdev) ");
	CHECK_OUT(" group 13, no IOMMU\n");
	for (size_t i = 0; vfiosim_topology_builtin(i); i++) {
		const char *name = vfiosim_topology_builtin(i)->name;
		struct vfiosim_topology *machine;

		ck_assert_int_eq(vfiosim_topology_load(name, &machine, NULL), 0);
		ck_assert_int_eq(topology(1, out, sizeof(out), "show", "--picture", name), 0);
		for (size_t d = 0; d < machine->n_devices; d++) {
			char text[200];

			snprintf(text, sizeof(text), " %s (", machine->devices[d].name);
			CHECK_OUT(text);
			ck_assert_msg(!strstr(strstr(out, text) + 1, text), "%s: twice in\n%s", text, out);
		}
		vfiosim_topology_free(machine);
	}
}
END_TEST

START_TEST(usage_and_errors)
{
	ck_assert_int_eq(topology(1, out, sizeof(out), "--help", NULL, NULL), 0);
	CHECK_OUT("usage: vfiosim topology");
	ck_assert_int_eq(topology(1, out, sizeof(out), "show", "--help", NULL), 0);
	CHECK_OUT("usage: vfiosim topology show");
	ck_assert_int_eq(topology(2, out, sizeof(out), NULL, NULL, NULL), 2);
	ck_assert_int_eq(topology(2, out, sizeof(out), "shwo", NULL, NULL), 2);
	CHECK_OUT("unknown verb 'shwo'; did you mean 'show'?");
	ck_assert_int_eq(topology(2, out, sizeof(out), "list", "q35", NULL), 2);
	ck_assert_int_eq(topology(2, out, sizeof(out), "show", NULL, NULL), 2);
	ck_assert_int_eq(topology(2, out, sizeof(out), "check", "--all", "q35"), 2);
	CHECK_OUT("topology check: unknown option '--all'; `vfiosim topology check --help` lists them");
	ck_assert_int_eq(topology(2, out, sizeof(out), "check", "q36", NULL), 2);
	CHECK_OUT("did you mean 'q35'?");
	ck_assert_int_eq(topology(2, out, sizeof(out), "check", "/dev/null", NULL), 2);
	CHECK_OUT("/dev/null:1:1: the file is empty");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vfiosim topology");
	TCase *verbs = tcase_create("verbs");

	suite_add_tcase(suite, verbs);
	tcase_add_test(verbs, list_and_show);
	tcase_add_test(verbs, pictures);
	tcase_add_test(verbs, usage_and_errors);
	return suite_run(suite);
}
