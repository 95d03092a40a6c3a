/* SPDX-License-Identifier: MIT */
/* What is reported of expectations, recorded as them, and shipped as examples. */
#include "expect/expect_rig_test.h"

/* ---- Reports ----------------------------------------------------------- */

START_TEST(reports_for_machines)
{
	struct file file, junit;
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	file = write_file("topology: hotadd\noutcome: {spaces: 1}\nnever: [{map: msi}]\n");
	junit = write_file("");
	ck_assert_int_eq(run_and_wait((enum who)_i, RUN("--expect", file.path, "--tap", "--junit",
							junit.path, "--", SELF, "client", "legacy"),
				      &run), 1);
	ck_assert_msg(strstr(run.text, "1..2\nnot ok 1 - outcome\n"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "ok 2 - never map msi\n"), "%s", run.text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"1\""));
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* ... as well when there is no verdict, because the simulator dies. */
START_TEST(reports_of_a_run_that_fails)
{
	static const char yaml[] = "topology: hotadd\nexit: 0\nat: [{moment: exit, open: []}]\n";
	struct file file, junit;
	struct run run;
	pid_t server;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	file = write_file(yaml);
	junit = write_file("");
	run_start(&run, (enum who)_i, RUN("--expect", file.path, "--tap", "--junit", junit.path, "--",
					  "sh", "-c", "echo ready; exec sleep 300"));
	run_expect(&run, "ready");
	server = child_named(run.launcher, "vfiosim-server");
	ck_assert_int_gt(server, 0);
	kill(server, SIGKILL);
	ck_assert_int_eq(run_end(&run), 125);
	ck_assert_msg(strstr(run.text, "1..2\nnot ok 1 - at exit\n"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "the run ended before it was judged"), "%s", run.text);
	ck_assert_msg(strstr(run.text, "not ok 2 - exit 0\n"), "%s", run.text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"2\""));
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* ... or because memory ran out: what was seen then is not all there was. */
START_TEST(reports_without_memory)
{
	struct file file = write_file("topology: hotadd\nexit: any\nnever: [{map: msi}]\n");
	struct file junit = write_file("");
	const struct expect_options options = { .expect = file.path, .junit = junit.path };
	struct vfiosim_topology *topology;
	struct vfiosim_errors errors;
	struct run_expect run;
	char *text = NULL;
	size_t size;
	FILE *messages = open_memstream(&text, &size);

	ck_assert_int_eq(vfiosim_topology_load("hotadd", &topology, &errors), 0);
	ck_assert_int_eq(run_expect_load(&run, &options, &errors), 0);
	ck_assert_int_eq(run_expect_open(&run, topology, &errors), 0);
	row_pass(report_never(run.report, run.expect, 0), "0 of 0");
	ck_assert_int_eq(run_expect_report(&run, 0, W_EXITCODE(0, 0), messages), 1);
	ck_assert_int_eq(run_expect_report(&run, 7, W_EXITCODE(7, 0), messages), 7);
	fclose(messages);
	ck_assert_msg(strstr(text, "FAILED never map msi\nmemory ran out while the run was followed"),
		      "%s", text);
	ck_assert_ptr_nonnull(strstr(read_file(junit.path), "tests=\"2\" failures=\"1\""));
	run_expect_close(&run);
	vfiosim_topology_free(topology);
	free(text);
	unlink(file.path);
	unlink(junit.path);
}
END_TEST

/* A case's machine and outcome: what the client does is what QEMU does, or not. */
START_TEST(outcome_of_a_case)
{
	static const struct {
		const char *name, *policy, *words;
		int status;
		const char *says;
	} rows[] = {
		{ "mdev-hotadd/unpinnable", "qemu-legacy", "legacy", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "qemu-iommufd", "iommufd", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "cloud-hypervisor", "legacy,one-space", 0, "1 of 1 hold" },
		{ "mdev-hotadd/unpinnable", "cloud-hypervisor", "legacy", 1,
		  "expected 1 space at the fullest moment, seen 2" },
		{ "mdev-hotadd/reserved", "qemu-legacy", "legacy", 1, "expected omitted [0xfee00000]" },
		{ "mdev-hotadd/none", "qemu-legacy", "legacy", 125, "has no variant none" },
		{ "mdev-hotad/none", "qemu-legacy", "legacy", 125, "mdev-hotad" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run run;
		int status = run_and_wait((enum who)_i,
					  RUN("--case", rows[i].name, "--policy", rows[i].policy, "--", SELF,
					      "client", rows[i].words), &run);

		ck_assert_msg(status == rows[i].status && strstr(run.text, rows[i].says),
			      "%s %s: status %d:\n%s", rows[i].name, rows[i].policy, status, run.text);
	}
}
END_TEST

/* ---- Recording --------------------------------------------------------- */

/* A program's run is recorded; it is held against that; then it changes. */
START_TEST(recorded_and_held_against)
{
	static const char *const programs[][2] = {
		{ "legacy", "legacy,one-space" },
		{ "iommufd", "iommufd,leaks" },
		{ "legacy,leaks", "legacy" },
		{ "iommufd,one-space", "iommufd,one-space,insists" },
		{ "legacy", "legacy,maps-msi" },
		{ "legacy", "legacy,forgets" },
		{ "legacy", "legacy,moved" },
		{ "iommufd,moved", "iommufd" },
		{ "legacy,identity", "legacy,identity,leaks" },
		{ "legacy", "legacy,halves" },
		{ "iommufd,halves", "iommufd" },
		{ "legacy,late", "legacy" },
		{ "iommufd,late", "iommufd,grows" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		struct file record = write_file("");
		struct run run;
		char *yaml;

		ck_assert_int_eq(run_and_wait((enum who)_i,
					      RUN("-t", "hotadd", "--record-expect", record.path, "--",
						  SELF, "client", programs[i][0]), &run), 0);
		yaml = strdup(read_file(record.path));
		unlink(record.path);
		ck_assert_msg(expect_status((enum who)_i, yaml, programs[i][0], &run) == 0,
			      "%s does not hold:\n%s\n%s", programs[i][0], yaml, run.text);
		ck_assert_msg(expect_status((enum who)_i, yaml, programs[i][1], &run) == 1,
			      "%s holds:\n%s\n%s", programs[i][1], yaml, run.text);
		free(yaml);
	}
}
END_TEST

/* ---- The examples ------------------------------------------------------ */

static const char *example(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "harness/expect/examples/%s.yaml", name);
	return read_file(path);
}

START_TEST(examples)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(example("hotadd"), "legacy");
	HOLDS(example("hotadd"), "iommufd");
	FAILS(example("hotadd"), "legacy,one-space", "FAILED outcome");
	FAILS(example("hotadd"), "iommufd,forgets", "expected space 2 to hold [ram], seen []");
	HOLDS(example("refuses-one"), "legacy,one-space");
	HOLDS(example("refuses-one"), "iommufd,one-space");
	FAILS(example("refuses-one"), "legacy", "FAILED outcome");
	FAILS(example("refuses-one"), "iommufd,one-space,insists", "FAILED never attach nic0");
	HOLDS(example("cleans-up"), "legacy");
	HOLDS(example("cleans-up"), "iommufd");
	FAILS(example("cleans-up"), "legacy,leaks", "FAILED at exit");
	FAILS(example("cleans-up"), "iommufd,maps-msi", "FAILED never map msi");
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {
		reports_for_machines,
		reports_of_a_run_that_fails,
		outcome_of_a_case,
		recorded_and_held_against,
		examples,
	};
	Suite *suite = suite_create("expect_report");
	TCase *tcase = add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 120);

	tcase_add_test(tcase, reports_without_memory);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "client"))
		return client_main(argv[2]);
	return suite_run(make_suite());
}
