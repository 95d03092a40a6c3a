/* SPDX-License-Identifier: MIT */
/*
 * vfiosim sweep as people call it, on attach2: every mistake that attach2 can be asked to
 * make, the reports, and what people get wrong.
 */
#include "sweep/sweep_rig_test.h"

/* ---- Broken ones ---- */

static const struct broken {
	const char *how, *options, *defect;
} broken[] = {
	{ "leak", "--only VFIO_GROUP_GET_DEVICE_FD,group=11", "leak" },
	{ "ignore-map", "--only map,iova=0..0x3fffff", "silent" },
	{ "hang", "--timeout 1 --only map,iova=0..0x10", "hang" },
	{ "crash", "--only VFIO_IOMMU_GET_INFO", "crash" },
	{ "abort", "--only map,iova=0..0x10", "abort" },
	{ "retry", "--persistent --only map,iova=0..0x10", "retry-forever" },
	{ "eexist", "--errno EEXIST --only map,iova=0..0x3fffff", "silent" },
	{ "keep-half", "--only map,iova=0x1010000..0x101ffff", "leak" },
	{ "keep-half --iommufd", "--only map,iova=0x1010000..0x101ffff", "leak" },
	{ "keep-bar", "--only map,iova=0x2000000..0x2000fff,error=ENOMEM", "leak" },
	{ "keep-bar --iommufd", "--only map,iova=0x2000000..0x2000fff,error=ENOMEM", "leak" },
	{ "eexist --iommufd", "--errno EEXIST --only map,iova=0..0x3fffff", "silent" },
};

/* How many there are, by the last lines: of one kind, and no other. 0 where it is not so. */
static unsigned defects_of(const char *kind)
{
	const char *line = strstr(out, "\ndefects: ");
	char word[32];
	unsigned n;

	if (!line || sscanf(line, "\ndefects: %u %31[^\n]", &n, word) != 2 || strcmp(word, kind))
		return 0;
	return n;
}

START_TEST(a_broken_program_gets_its_defect)
{
	const struct broken *each = &broken[_i];
	char line[1024];

	if (!can_run())
		return;
	snprintf(line, sizeof(line), SWEEP "--defects @T@/defects %s -- " ATTACH2 " --broken=%s",
		 each->options, each->how);
	expect(1, line);
	ck_assert_msg(defects_of(each->defect) > 0, "not only '%s':\n%s", each->defect, out);
	expect(0, "cd @T@/defects && cd $(ls | head -1) && ls");
	SAYS("explain.txt\nrepro.sh\nstderr\ntrace.jsonl\n");
}
END_TEST

START_TEST(a_sound_program_has_none_of_these)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--persistent --only map,iova=0..0x10 -- " ATTACH2);
	expect(0, SWEEP "--errno EEXIST --only map,iova=0..0x3fffff -- " ATTACH2);
}
END_TEST

START_TEST(the_repro_shows_the_defect_again)
{
	if (!can_run())
		return;
	expect(1, SWEEP "--defects @T@/defects --only VFIO_IOMMU_GET_INFO -- " ATTACH2 " --broken=crash");
	SAYS("\nthe first of them again:\n  vfiosim run --explain --topology hotadd --fault "
	     "VFIO_IOMMU_GET_INFO,container=1,when=1,error=");
	expect(139, "cd / && sh @T@/defects/*/repro.sh");
	SAYS("injected by fault 1: VFIO_IOMMU_GET_INFO");
}
END_TEST

/* ... on the machine that the expectation makes, with the point that the program was told. */
START_TEST(the_repro_is_of_the_same_machine)
{
	if (!can_run())
		return;
	expect(0, "printf 'kernel: 6.1\\nat:\\n- {moment: exit, open: []}\\n' >@T@/old.yaml");
	expect(1, SWEEP "--errno ENODEV --expect @T@/old.yaml --defects @T@/defects --only VFIO_GROUP_GET_DEVICE_FD,group=11"
		  " -- sh -c '" ATTACH2 " --broken=leak; s=$?; echo \"at $VFIOSIM_POINT\"; exit $s'");
	SAYS(" expectation ");
	expect(1, "sh @T@/defects/*/repro.sh");
	SAYS("at VFIO_GROUP_GET_DEVICE_FD,group=11,");
	SAYS("FAILED at exit");
	expect(0, "grep -e '--expect @T@/old.yaml' @T@/defects/*/repro.sh");
}
END_TEST

START_TEST(a_defect_that_cannot_be_kept_is_told)
{
	if (!can_run())
		return;
	expect(0, "touch @T@/defects");
	expect(2, SWEEP "--defects @T@/defects --point VFIO_IOMMU_GET_INFO,container=1,when=1,error=ENOMEM -- "
		  ATTACH2 " --broken=crash");
	SAYS("cannot keep a defect in");
}
END_TEST

/* ---- Reports ---- */

START_TEST(the_page_has_a_story_for_every_cell)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--html @T@/page.html --only unmap -- " ATTACH2);
	expect(0, "grep -o '<a href=\"#p[0-9]*\"' @T@/page.html | wc -l");
	ck_assert_int_gt(atoi(out), 1);
	expect(0, "for p in $(grep -o '<a href=\"#p[0-9]*' @T@/page.html | tr -dc 'p0-9\\n'); do"
		  " grep -q \"id=\\\"$p\\\"\" @T@/page.html || exit 1; done");
	expect(0, "grep -c 'because injected by fault 1' @T@/page.html");
}
END_TEST

START_TEST(shards_make_the_whole)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--json @T@/whole --junit @T@/whole.xml --only map -- " ATTACH2);
	expect(0, SWEEP "-j 1 --json @T@/1 --shard 1/2 --only map -- " ATTACH2);
	expect(0, "TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=2 TEST_SHARD_STATUS_FILE=@T@/status " SWEEP "--json @T@/2 --only map -- " ATTACH2);
	expect(0, "test -e @T@/status");
	expect(0, SWEEP "--json @T@/3 --shard 99/99 --only map -- " ATTACH2);
	SAYS("tested 0 of ");
	expect(0, "@B@/vfiosim sweep merge --json @T@/merged --junit @T@/merged.xml @T@/2 @T@/1");
	SAYS("defects: none\n");
	expect(0, "cmp @T@/whole @T@/merged && cmp @T@/whole.xml @T@/merged.xml");
	expect(0, SWEEP "--json @T@/other --only unmap -- " ATTACH2);
	expect(2, "@B@/vfiosim sweep merge @T@/1 @T@/other");
	SAYS("another plan");
	expect(2, "@B@/vfiosim sweep merge @T@/1 @T@/1");
	SAYS("twice");
}
END_TEST

START_TEST(a_plan_is_written_and_tested)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--record-plan @T@/plan --only unmap -- " ATTACH2);
	SAYS("points, about ");
	expect(0, "test $(wc -l <@T@/plan) -gt 1");
	expect(0, SWEEP "--plan @T@/plan -- " ATTACH2);
	SAYS("VFIO_IOMMU_UNMAP_DMA,container=1,iova=0x1000000..0x100ffff,when=1,error=EBUSY");
	expect(0, SWEEP "--shallow 1 --seed 7 --plan @T@/plan -- " ATTACH2);
	SAYS("tested 1 of ");
}
END_TEST

START_TEST(wrong_arguments_are_for_errno_all)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--record-plan @T@/plan -- " ATTACH2 " && ! grep copy-out @T@/plan");
	expect(0, SWEEP "--errno all --record-plan @T@/plan -- " ATTACH2);
	expect(0, "grep '^copy-out,command=VFIO_IOMMU_GET_INFO,container=1,when=1,' @T@/plan");
	expect(0, SWEEP "--errno EFAULT --only copy-out,command=VFIO_DEVICE_ATTACH_IOMMUFD_PT -- "
			ATTACH2 " --iommufd");
	SAYS("tested 2 of 2 points");
}
END_TEST

START_TEST(only_new_defects_count_against_a_baseline)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--record-baseline @T@/sound --only map,iova=0..0x10 -- " ATTACH2);
	expect(1, SWEEP "--record-baseline @T@/broken --only map,iova=0..0x10 -- " ATTACH2
		  " --broken=abort");
	expect(0, SWEEP "--baseline @T@/broken --only map,iova=0..0x10 -- " ATTACH2 " --broken=abort");
	SAYS_NOT("differs");
	expect(1, SWEEP "--baseline @T@/sound --only map,iova=0..0x10 -- " ATTACH2 " --broken=abort");
	SAYS("differs: program-failed    abort");
	expect(0, SWEEP "--baseline @T@/sound --only unmap -- " ATTACH2);
	SAYS("new: ");
	SAYS("gone: ");
}
END_TEST

START_TEST(what_is_left_to_another_sweep_is_not_gone)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--record-baseline @T@/sound --only unmap -- " ATTACH2);
	expect(0, SWEEP "--baseline @T@/sound --shallow 1 --only unmap -- " ATTACH2);
	SAYS("tested 1 of ");
	SAYS_NOT("gone: ");
}
END_TEST

/* It makes no call at all once something is to fail. */
#define RACES "sh -c 'test \"$VFIOSIM_POINT\" || exec " ATTACH2 "'"

START_TEST(unstable_points_are_listed_apart)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--record-baseline @T@/sound --only unmap -- " ATTACH2);
	expect(0, SWEEP "--baseline @T@/sound --max-unstable 99 --only unmap -- " RACES);
	SAYS_NOT("differs: ");
	SAYS("\nnot reached again, so not tested:\nunstable VFIO_IOMMU_UNMAP_DMA,container=1,");
	expect(1, SWEEP "--baseline @T@/sound --only unmap -- " RACES);
	SAYS("see --max-unstable");
}
END_TEST

/* --only means what a fault of that text would meet, though points are told otherwise. */
static const struct chosen {
	const char *only, *points;
} chosen[] = {
	{ "map,device=mdev0,error=ENOMEM", "1 point," },
	{ "attach,device=nic0,error=EBUSY", "2 points," },
	{ "pin,iova=0x200000..0x200fff,error=ENOMEM", "1 point," },
	{ "map,comm=attach2,when=2..3,error=ENOMEM --only open,device=mdev0,error=EBUSY", "3 points," },
	{ "UNMAP_DMA,set.size=0", "2 points," },
};

START_TEST(only_is_what_a_fault_would_meet)
{
	char line[512];

	if (!can_run())
		return;
	snprintf(line, sizeof(line), SWEEP "--record-plan @T@/plan --only %s -- " ATTACH2,
		 chosen[_i].only);
	expect(0, line);
	SAYS(chosen[_i].points);
}
END_TEST

/* ---- Mistakes ---- */

static const struct mistake {
	int status;
	const char *line, *says;
} mistakes[] = {
	{ 2, SWEEP "--only MAP_DMX -- " ATTACH2, "did you mean 'MAP_DMA'?" },
	{ 2, SWEEP "--only map,error=EIO -- " ATTACH2, "map cannot fail with EIO" },
	{ 2, SWEEP "--only map,delay=5ms -- " ATTACH2, "no delay=" },
	{ 2, SWEEP "--only map,comm=nobody -- " ATTACH2, "no point is left" },
	{ 2, SWEEP "--only map --plan /dev/null -- true", "--plan names the points" },
	{ 2, SWEEP "--shard 3/2 -- true", "I from 1 to N" },
	{ 2, "TEST_SHARD_INDEX=2 TEST_TOTAL_SHARDS=2 " SWEEP "-- true", "TEST_SHARD_INDEX=2" },
	{ 2, SWEEP "--baseline /etc/passwd -- true", "line 1 is not of a report" },
	{ 2, SWEEP "--errno ENOMEN -- true", "found 'ENOMEN'" },
	{ 2, SWEEP "--point VFIO_SET_IOMMU,container=1,when=1,error=EIOO -- " ATTACH2,
	  "did you mean 'VFIO_SET_IOMMU,container=1,when=1,error=EIO'?" },
	{ 2, SWEEP "-- true", "the command asks nothing of the machine" },
	{ 2, SWEEP, "COMMAND" },
	{ 125, SWEEP "-- false", "ends with status 1: --expect FILE" },
	{ 125, SWEEP "-- no-such-program", "ends with status 127: it, or a command of it, could not" },
	{ 2, SWEEP "--may-omit 5..3 -- true", "FIRST..LAST" },
	{ 2, SWEEP "--expect /nonexistent -- true", "/nonexistent" },
	{ 2, "export TMPDIR=/tmp/$(printf '%0480d' 0); " SWEEP "-- true", "$TMPDIR: a path of more than" },
	{ 2, SWEEP "-- perl -e 'open my $f, \"+<\", \"/dev/vfio/vfio\"; ioctl $f, 0x3b64, 0 for 1..66000'",
	  "a run has more than 65536 calls, opens and closes" },
	{ 125, SWEEP "--timeout 1 -- sleep 100", "hung" },
};

START_TEST(mistakes_are_told)
{
	if (!can_run())
		return;
	expect(mistakes[_i].status, mistakes[_i].line);
	SAYS(mistakes[_i].says);
}
END_TEST

START_TEST(a_long_folder_is_used)
{
	if (!can_run())
		return;
	expect(0, "long=@T@/$(printf '%0200d' 0) && mkdir $long && TMPDIR=$long " SWEEP
		  "--only VFIO_IOMMU_GET_INFO -- " ATTACH2 " && rmdir $long");
}
END_TEST

/*
 * A sweep beside the test, in a $TMPDIR of its own, whose run is in @command. $! is the sweep;
 * who is of it holds @T@/held, the processes of its run as well. It hears SIGHUP even where
 * whoever runs the tests ignores it, as below nohup.
 */
#define SWEEP_BESIDE(command)                                                                  \
	"mkdir -p @T@/tmp && export TMPDIR=@T@/tmp && rm -f @T@/started && "                    \
	"{ (exec 9>@T@/held; flock 9; "                                                         \
	"exec env --default-signal=HUP " SWEEP "-- sh -c '" command "') & } && "                \
	"until [ -e @T@/started ]; do sleep 0.01; done && "
#define KILL_IT(signal) "kill -" signal " $!; wait $!; status=$?; flock @T@/held true; ls -d @T@/tmp/*; exit $status"

static const struct {
	const char *line;
	int status;
} interrupted[] = {
	{ SWEEP_BESIDE("touch @T@/started; exec sleep 1000") KILL_IT("TERM"), 143 },
	{ SWEEP_BESIDE("touch @T@/started; exec sleep 1000") KILL_IT("INT"), 130 },
	{ SWEEP_BESIDE("touch @T@/started; exec sleep 1000") KILL_IT("HUP"), 129 },
	/* Not impressed, and writes into its folder until it is killed. */
	{ SWEEP_BESIDE("trap \"\" TERM; touch @T@/started; (while :; do mkdir -p $TMPDIR/a; done) & wait")
	  KILL_IT("TERM"), 143 },
};

START_TEST(an_interrupted_sweep_leaves_nothing)
{
	if (!can_run())
		return;
	expect(interrupted[_i].status, interrupted[_i].line);
	SAYS("tmp/*'");		/* ls found nothing */
	SAYS_NOT("without a fault");
}
END_TEST

/* Its run ends with it, its folder goes when another begins; that of one that lives stays. */
START_TEST(what_a_killed_sweep_left_goes_with_the_next)
{
	if (!can_run())
		return;
	expect(0, SWEEP_BESIDE("touch @T@/started; exec sleep 1000")
		  "kill -KILL $!; flock @T@/held true && ls -d $TMPDIR/* && flock $TMPDIR/* true");
	SAYS("vfiosim-sweep-");
	expect(143, SWEEP_BESIDE("touch @T@/started; exec sleep 1000")
		    "ls -d $TMPDIR/*; " SWEEP "--record-plan @T@/plan -- " ATTACH2
		    "; ls -d $TMPDIR/*/clean; " KILL_IT("TERM"));
	SAYS("/clean\n");
	SAYS("tmp/*'");
}
END_TEST

/* attach2 marks when both devices are there: what comes before is left out. */
START_TEST(points_begin_at_a_mark)
{
	if (!can_run())
		return;
	expect(0, SWEEP "--from attached -- " ATTACH2);
	SAYS("VFIO_GROUP_UNSET_CONTAINER,group=11,when=1,error=EBUSY");
	SAYS_NOT("MAP_DMA");
	expect(2, SWEEP "--from atached -- " ATTACH2);
	SAYS("did you mean 'attached'?");
}
END_TEST

START_TEST(another_exit_status_may_be_expected)
{
	if (!can_run())
		return;
	expect(0, "echo 'exit: 3' >@T@/three.yaml");
	expect(0, SWEEP "--expect @T@/three.yaml --only unmap -- sh -c '" ATTACH2 "; exit 3'");
	SAYS("defects: none\n");
	expect(125, SWEEP "--expect @T@/three.yaml --only unmap -- " ATTACH2);
}
END_TEST

/* In every run, whatever fails: without its second space the program does what never: forbids. */
START_TEST(what_is_expected_never_to_happen_is_a_defect)
{
	if (!can_run())
		return;
	expect(0, "printf 'never:\n- {map: 0x0..0xfff, space: 2}\n' >@T@/never.yaml");
	expect(1, SWEEP "--expect @T@/never.yaml --only VFIO_GROUP_SET_CONTAINER,group=11 -- " ATTACH2);
	SAYS("next-container");
	SAYS(" expectation ");
	SAYS("never map 0x0..0xfff");
	expect(0, "printf 'at:\n- {moment: exit, spaces: 0, open: []}\n' >@T@/exit.yaml");
	expect(1, SWEEP "--expect @T@/exit.yaml --only VFIO_GROUP_GET_DEVICE_FD,group=11 -- " ATTACH2
		  " --broken=leak");
	SAYS(" expectation ");
	expect(0, SWEEP "--expect @T@/exit.yaml --only VFIO_GROUP_GET_DEVICE_FD,group=11 -- " ATTACH2);
	expect(0, "printf 'never:\n- {command: map}\n' >@T@/never.yaml");
	expect(125, SWEEP "--expect @T@/never.yaml -- " ATTACH2);
	SAYS("without a fault this does not hold: never command map");
}
END_TEST

#define COUNT(array_) ((int)(sizeof(array_) / sizeof((array_)[0])))

int main(void)
{
	TCase *tcase = tcase_create("attach2");

	tcase_add_loop_test(tcase, a_broken_program_gets_its_defect, 0, COUNT(broken));
	tcase_add_test(tcase, a_sound_program_has_none_of_these);
	tcase_add_test(tcase, the_repro_shows_the_defect_again);
	tcase_add_test(tcase, the_repro_is_of_the_same_machine);
	tcase_add_test(tcase, a_defect_that_cannot_be_kept_is_told);
	tcase_add_test(tcase, a_long_folder_is_used);
	tcase_add_loop_test(tcase, an_interrupted_sweep_leaves_nothing, 0, COUNT(interrupted));
	tcase_add_test(tcase, what_a_killed_sweep_left_goes_with_the_next);
	tcase_add_test(tcase, the_page_has_a_story_for_every_cell);
	tcase_add_test(tcase, shards_make_the_whole);
	tcase_add_test(tcase, a_plan_is_written_and_tested);
	tcase_add_test(tcase, wrong_arguments_are_for_errno_all);
	tcase_add_test(tcase, only_new_defects_count_against_a_baseline);
	tcase_add_test(tcase, what_is_left_to_another_sweep_is_not_gone);
	tcase_add_test(tcase, unstable_points_are_listed_apart);
	tcase_add_test(tcase, points_begin_at_a_mark);
	tcase_add_test(tcase, another_exit_status_may_be_expected);
	tcase_add_test(tcase, what_is_expected_never_to_happen_is_a_defect);
	tcase_add_loop_test(tcase, only_is_what_a_fault_would_meet, 0, COUNT(chosen));
	tcase_add_loop_test(tcase, mistakes_are_told, 0, COUNT(mistakes));
	return run_suite("sweep", tcase);
}
