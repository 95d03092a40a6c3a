/* SPDX-License-Identifier: MIT */
/* Expectations, seen to hold and seen to fail. (What is reported of them: expect_report_test.c.) */
#include "expect/expect_rig_test.h"

START_TEST(outcome)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < 2; i++) {
		const char *words = i ? "iommufd" : "legacy";

		HOLDS("topology: hotadd\noutcome: {spaces: 2, omitted: [mdev0.bar0], refused: []}\n",
		      words);
		HOLDS("topology: hotadd\noutcome: {omitted: [0xfe400000..0xfe400fff]}\n", words);
		FAILS("topology: hotadd\noutcome: {spaces: 1}\n", words,
		      "expected 1 space at the fullest moment, seen 2");
		FAILS("topology: hotadd\noutcome: {omitted: []}\n", words,
		      "expected omitted [], seen [mdev0.bar0]");
		FAILS("topology: hotadd\noutcome: {omitted: [mdev0.bar0, ram]}\n", words,
		      "expected omitted [mdev0.bar0, ram], seen [mdev0.bar0]");
		FAILS("topology: hotadd\noutcome: {refused: [nic0]}\n", words,
		      "expected refused [nic0], seen []");
	}
	/* The spaces at that moment, one by one. */
	HOLDS("topology: hotadd\noutcome: {spaces: [{devices: [mdev0], holds: [ram, mdev0.bar0]}, "
	      "{devices: [nic0], holds: [0x0..0xfffff], pinned: 1M}]}\n", "legacy");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [ram]}]}\n", "legacy,forgets",
	      "expected space 2 to hold [ram], seen []");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [0x0..0xfffff]}]}\n", "iommufd,halves",
	      "expected space 2 to hold [0x0..0xfffff], seen [0x0..0x7ffff]");
	/* ... with the step that mapped a part of it. */
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {holds: [0x0..0xfffff]}]}\n", "legacy,halves",
	      "iova=0x0 size=0x80000\n");
	FAILS("topology: hotadd\noutcome: {spaces: [{}, {pinned: 0}]}\n", "legacy",
	      "expected pinned in space 2 0x0 bytes, seen 0x100000");
	HOLDS("topology: hotadd\noutcome: {spaces: [{holds: [0x0..0xfffff, mdev0.bar0, "
	      "0x20000000..0x20000fff, 0x21200000..0x21200fff, 0x24e00000..0x24e00fff, ram]}, {}]}\n",
	      "iommufd,grows");
	FAILS("topology: hotadd\noutcome: {spaces: [{holds: [0x25000000..0x25000fff, ram, mdev0.bar0]}, "
	      "{}]}\n", "legacy,grows", "expected space 1 to hold");
	HOLDS("topology: hotadd\noutcome: {spaces: 1, refused: [nic0]}\n", "legacy,one-space");
	HOLDS("topology: hotadd\noutcome: {spaces: 1, refused: [nic0]}\n", "iommufd,one-space");
	FAILS("topology: hotadd\noutcome: {refused: []}\n", "legacy,one-space",
	      "expected refused [], seen [nic0]");
	/* ... with the step that decided. */
	FAILS("topology: hotadd\noutcome: {refused: []}\n", "legacy,one-space", "[pin-region; Linux:");
}
END_TEST

START_TEST(moments)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "at:\n"
	      "- {moment: attached mdev0, spaces: [{devices: [mdev0]}]}\n"
	      "- {moment: refused nic0, spaces: [{holds: [ram, mdev0.bar0], pinned: 0}], holds: [mdev0.bar0, ram]}\n"
	      "- {moment: attached nic0, devices: [nic0, mdev0]}\n", "legacy");
	HOLDS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [ram, mdev0.bar0]}]}]\n", "iommufd");
	HOLDS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, 0x80000..0xfffff, mdev0.bar0]}]}]\n",
	      "legacy");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, 0x0..0x7ffff, mdev0.bar0]}]}]\n",
	      "legacy",
	      "expected space 1 to hold [0x0..0x7ffff, 0x0..0x7ffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x1fffff, mdev0.bar0]}]}]\n", "legacy",
	      "expected space 1 to hold [0x0..0x1fffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [0x0..0x7ffff, mdev0.bar0]}]}]\n", "legacy",
	      "expected space 1 to hold [0x0..0x7ffff, mdev0.bar0], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{holds: [ram]}]}]\n", "legacy",
	      "expected space 1 to hold [ram], seen [0x0..0xfffff, mdev0.bar0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: refused nic0, spaces: [{devices: [nic0]}]}]\n", "iommufd",
	      "expected devices of space 1 [nic0], seen [mdev0]");
	FAILS("topology: hotadd\n"
	      "at: [{moment: attached nic0, spaces: [{}, {}], pinned: 4K}]\n", "legacy",
	      "expected pinned 0x1000 bytes, seen ");
	FAILS("topology: hotadd\n"
	      "at: [{moment: attached nic0}, {moment: attached mdev0}]\n", "legacy",
	      "this moment never came, not after the one before it");
	FAILS("topology: hotadd\n"
	      "at: [{moment: mark never, spaces: 0}]\n", "legacy", "this moment never came");
}
END_TEST

/* Expected, seen, and the step that made it so. */
START_TEST(mismatches_tell_the_step_that_decided)
{
	static const struct {
		const char *yaml, *words, *step;
	} rows[] = {
		{ "outcome: {spaces: 1}", "legacy", "[pin-region; Linux:" },
		{ "outcome: {spaces: 3}", "iommufd", "[pin-region; Linux:" },
		{ "outcome: {omitted: []}", "legacy", "VFIO_IOMMU_MAP_DMA argsz=32 flags=READ|WRITE" },
		{ "outcome: {omitted: [mdev0.bar0, mdev0.bar1]}", "legacy",
		  "no mapping of mdev0.bar1 was refused" },
		{ "outcome: {refused: [nic0]}", "legacy", "-> device 0000:01:00.0 opened" },
		{ "outcome: {refused: []}", "iommufd,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: refused nic0, spaces: [{holds: [ram]}]}]", "legacy",
		  "-> mapping 0xfe400000..0xfe400fff accepted unchecked" },
		{ "at: [{moment: refused nic0, spaces: [{holds: [mdev0.bar0]}]}]", "legacy",
		  "-> mapping 0x0..0xfffff accepted unchecked" },
		{ "at: [{moment: attached nic0, spaces: [{}, {holds: [ram]}]}]", "legacy",
		  "nothing has asked to map ram there" },
		{ "at: [{moment: exit, spaces: [{}, {holds: [ram, mdev0.bar0]}]}]", "legacy,leaks",
		  "[pin-region; Linux:" },
		{ "at: [{moment: exit, holds: [mdev0.bar0]}]", "iommufd,one-space", "IOMMU_IOAS_UNMAP" },
		{ "at: [{moment: exit, spaces: 0}]", "legacy,leaks", "-> device 0000:01:00.0 opened" },
		{ "at: [{moment: exit, devices: [mdev0]}]", "legacy,leaks",
		  "-> device 0000:01:00.0 opened" },
		{ "at: [{moment: attached nic0, devices: [nic0, mdev0]}, {moment: exit, devices: [mdev0, nic0]}]",
		  "iommufd,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: exit, open: []}]", "legacy,leaks", "container 1: open it" },
		{ "at: [{moment: exit, open: [nic0]}]", "legacy", "device 0000:01:00.0: close it" },
		{ "at: [{moment: exit, pinned: 0}]", "legacy,leaks", "VFIO_IOMMU_MAP_DMA" },
		{ "at: [{moment: attached nic0}]", "legacy,one-space", "[pin-region; Linux:" },
		{ "at: [{moment: refused mdev0}]", "legacy", "-> device 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 opened" },
		{ "must: [{attach: nic0, space: 3}]", "legacy", "-> device 0000:01:00.0 opened" },
		{ "must: [{map: mdev0.bar0, space: 2}]", "legacy", "[pin-region; Linux:" },
		{ "must: [{map: 0x10000000..0x100fffff, space: 2}]", "legacy", "iova=0x0 size=0x100000" },
		{ "never: [{map: mdev0.bar0}]", "legacy", "-> mapping 0xfe400000..0xfe400fff accepted" },
		{ "exit: 3", "legacy", "[pin-region; Linux:" },
	};

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char yaml[256];

		snprintf(yaml, sizeof(yaml), "topology: hotadd\n%s\n", rows[i].yaml);
		FAILS(yaml, rows[i].words, rows[i].step);
	}
}
END_TEST

START_TEST(what_is_left_to_the_kernel)
{
	static const char clean[] = "topology: hotadd\n"
				    "at: [{moment: exit, spaces: 0, open: [], pinned: 0}]\n";

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(clean, "legacy");
	HOLDS(clean, "iommufd");
	FAILS(clean, "legacy,leaks", "expected 0 spaces, seen 2");
	FAILS(clean, "iommufd,leaks", "expected 0 spaces, seen 2");
	FAILS("topology: hotadd\nat: [{moment: exit, open: []}]\n", "iommufd,one-space,leaks",
	      "expected open [], seen [iommufd 1, mdev0, nic0]");
	HOLDS("topology: hotadd\nat: [{moment: exit, open: [iommufd 1, mdev0, nic0]}]\n",
	      "iommufd,one-space,leaks");
}
END_TEST

/* A mapping keeps a device open when its descriptor is closed. */
START_TEST(what_is_mapped_is_open)
{
	static const char yaml[] = "topology: hotadd\nat: [{moment: exit, open: []}]\n";

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	FAILS(yaml, "legacy,keeps-bar", "expected open [], seen [mdev0]");
	FAILS(yaml, "iommufd,keeps-bar", "expected open [], seen [mdev0]");
}
END_TEST

/* Two descriptors of one device are not one of each of two. */
START_TEST(what_is_open_twice)
{
#define OPEN(devices_)                                                                             \
	"topology: hotadd\n"                                                                       \
	"at: [{moment: exit, open: [container 1, container 2, group 10, group 11, " devices_ "]}]\n"

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS(OPEN("mdev0, nic0"), "legacy,leaks");
	HOLDS(OPEN("nic0, mdev0, nic0"), "legacy,leaks,opens-twice");
	FAILS(OPEN("mdev0, mdev0, nic0"), "legacy,leaks,opens-twice", "-> device 0000:01:00.0 opened");
	FAILS(OPEN("mdev0, nic0, nic0"), "legacy,leaks", "-> device 0000:01:00.0 opened");
#undef OPEN
}
END_TEST

START_TEST(must_and_never)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: pin-region}, {attach: nic0, space: 2},\n"
	      "       {map: mdev0.bar0, space: 2, error: EFAULT}]\n"
	      "never: [{map: msi}, {command: SET_CONTAINER, device: nic0, max: 2}]\n", "legacy");
	HOLDS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: pin-region}, {attach: nic0, space: 2}]\n"
	      "never: [{map: reserved}, {command: VFIO_GROUP_SET_CONTAINER}]\n", "iommufd");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 1, rule: attach-reserved}]\n", "legacy",
	      "expected attach nic0, space 1, rule attach-reserved, seen with another answer");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 2}, {attach: mdev0}]\n", "legacy",
	      "expected attach mdev0 after attach nic0, space 2, seen before it");
	FAILS("topology: hotadd\n"
	      "must: [{attach: nic0, space: 2}, {unmap: msi}]\n", "legacy",
	      "expected unmap msi after attach nic0, space 2, which never came");
	/* Accepted beside an mdev alone, but asked for. */
	FAILS("topology: hotadd\nnever: [{map: msi}]\n", "legacy,maps-msi",
	      "expected at most 0, seen 1 of 5");
	FAILS("topology: hotadd\nnever: [{map: msi}]\n", "iommufd,maps-msi",
	      "expected at most 0, seen 1 of 5");
	FAILS("topology: hotadd\nnever: [{command: SET_CONTAINER, device: nic0, max: 1}]\n", "legacy",
	      "expected at most 1, seen 2 of ");
}
END_TEST

START_TEST(never_tells_how_many_were_looked_at)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\nnever: [{map: msi}]\n", "legacy",
				       &run), 0);
	ck_assert_msg(strstr(run.text, "never map msi: 0 of 4"), "%s", run.text);
}
END_TEST

START_TEST(exit_statuses)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	/* Not said: the command's failure stays, and a mismatch turns 0 into 1. */
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\n", "legacy,status-7", &run), 7);
	ck_assert_int_eq(expect_status((enum who)_i, "topology: hotadd\noutcome: {spaces: 9}\n",
				       "legacy,status-7", &run), 7);
	/* Said: the verdict alone. */
	HOLDS("topology: hotadd\nexit: 7\n", "legacy,status-7");
	HOLDS("topology: hotadd\nexit: any\n", "legacy,status-7");
	HOLDS("topology: hotadd\nexit: SIGTERM\n", "legacy,killed");
	FAILS("topology: hotadd\nexit: 7\n", "legacy", "expected exit 7, seen 0");
	FAILS("topology: hotadd\nexit: 0\n", "legacy,killed", "expected exit 0, seen SIGTERM");
	FAILS("topology: hotadd\nexit: SIGSEGV\n", "legacy,killed",
	      "expected exit SIGSEGV, seen SIGTERM");
	FAILS("topology: hotadd\nexit: any\noutcome: {spaces: 9}\n", "legacy,status-7",
	      "expected 9 spaces");
}
END_TEST

START_TEST(faults_of_the_file)
{
	SKIP_UNLESS_POSSIBLE((enum who)_i);
	HOLDS("topology: hotadd\n"
	      "exit: any\n"
	      "faults: [{at: MAP_DMA, when: 1, error: ENOMEM}]\n"
	      "must: [{map: ram, rule: injected}]\n", "legacy");
	FAILS("topology: hotadd\n"
	      "exit: any\n"
	      "must: [{map: ram, rule: injected}]\n", "legacy", "seen with another answer");
}
END_TEST

START_TEST(mistakes_are_told_together)
{
	struct run run;

	SKIP_UNLESS_POSSIBLE((enum who)_i);
	ck_assert_int_eq(expect_status((enum who)_i,
				       "topology: hotadd\n"
				       "exits: 0\n"
				       "outcome: {omited: []}\n"
				       "at: [{moment: attached nicO}, {moment: marks x}]\n"
				       "must: [{attach: nic0, rule: pin-regio}]\n"
				       "never: [{map: mdev0.bra0}, {command: MAP_DNA}, {comand: x}]\n",
				       "legacy", &run), 125);
	for (const char *const *wanted = (const char *const[]){
		     ":2:1: unknown key 'exits'; did you mean 'exit'?",
		     ":3:11: unknown key 'omited'; did you mean 'omitted'?",
		     "unknown device 'nicO'; did you mean 'nic0'?",
		     "unknown moment 'marks'; did you mean 'mark'?",
		     "unknown rule 'pin-regio'; did you mean 'pin-region'?",
		     "expected ram, msi, reserved, DEVICE.barN or FIRST..LAST, found 'mdev0.bra0'",
		     "unknown command 'MAP_DNA'; did you mean 'MAP_DMA'?",
		     "unknown key 'comand'; did you mean 'command'?", NULL };
	     *wanted; wanted++)
		ck_assert_msg(strstr(run.text, *wanted), "no '%s' in:\n%s", *wanted, run.text);
}
END_TEST

static Suite *make_suite(void)
{
	const TTest *const tests[] = {
		outcome,
		moments,
		mismatches_tell_the_step_that_decided,
		what_is_left_to_the_kernel,
		what_is_mapped_is_open,
		what_is_open_twice,
		must_and_never,
		never_tells_how_many_were_looked_at,
		exit_statuses,
		faults_of_the_file,
		mistakes_are_told_together,
	};
	Suite *suite = suite_create("expect");

	add_for_each_who(suite, tests, sizeof(tests) / sizeof(tests[0]), 120);
	return suite;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "client"))
		return client_main(argv[2]);
	return suite_run(make_suite());
}
