/* SPDX-License-Identifier: MIT */
/* vfiosim case ...: what it prints, and its exit statuses. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "case/builtin.h"
#include "base/suite_test.h"
#include "case/topics.h"
#include "case/verb.h"
#include "cli.h"
#include "select/policy.h"

static char out[1u << 20];

/* Runs the verb in @line, words with one space between them; what it said is in @out. */
static int run(const char *line)
{
	static char words[1024], *argv[32];
	struct capture capture;
	int status, argc = 0;

	memset(argv, 0, sizeof(argv));
	snprintf(words, sizeof(words), "vfiosim %s", line);
	for (char *save, *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	capture_begin(&capture, true, true);
	status = cli_main(&vfiosim_verb, argc, argv);
	capture_end(&capture, out, sizeof(out));
	return status;
}

#define SAYS(part_) ck_assert_msg(strstr(out, (part_)) != NULL, "'%s' is not in:\n%s", (part_), out)

/* A file of ours in a folder of its own, where we are. */
static char folder[SCRATCH_PATH];
static char home[4096];

static const char failing[] = "about: fails\ntopology: minimal\nvariants: {one: {a: 1}, two: {a: 2}}\n"
			      "steps:\n- attach: {device: nic0, to: x}\n  expect: EINVAL\n";

static void setup(void)
{
	FILE *file;

	ck_assert_ptr_nonnull(getcwd(home, sizeof(home)));
	scratch_path(folder, "case");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	file = fopen("it's mine.yaml", "we");
	ck_assert(file && fputs(failing, file) >= 0 && !fclose(file));
	ck_assert_int_eq(symlink("it's mine.yaml", "mine.yaml"), 0);
}

static void teardown(void)
{
	unlink("it's mine.yaml");
	unlink("mine.yaml");
	ck_assert_int_eq(chdir(home), 0);
	rmdir(folder);
}

/* ---- run --------------------------------------------------------------- */

/* The command behind "again: " runs the same play again. */
START_TEST(the_line_to_run_again_names_the_file)
{
	char again[512];

	ck_assert_int_eq(run("case run mine.yaml --variant two"), 1);
	SAYS("again: vfiosim case run mine.yaml --mode legacy --policy none --variant two --explain\n");
	snprintf(again, sizeof(again), "%s", strstr(out, "again: vfiosim ") + 15);
	again[strcspn(again, "\n")] = '\0';
	ck_assert_int_eq(run(again), 1);
	SAYS("FAILED  mine/two legacy\n");
	ck_assert_int_eq(run("case run ./mine.yaml"), 1);
	SAYS("again: vfiosim case run ./mine.yaml --mode");
}
END_TEST

/* Whatever its name: a shell is to take the line as it stands. */
START_TEST(the_line_to_run_again_is_quoted)
{
	char name[] = "it's mine.yaml", run_word[] = "run";
	char *argv[] = { run_word, name, NULL };
	struct capture capture;

	capture_begin(&capture, true, false);
	ck_assert_int_eq(cli_main(cli_find_verb(&case_verb, "run"), 2, argv), 1);
	capture_end(&capture, out, sizeof(out));
	SAYS("again: vfiosim case run 'it'\\''s mine.yaml' --mode legacy");
}
END_TEST

static const struct {
	const char *line, *says;
} nothing[] = {
	{ "case run mine.yaml --variant three",
	  "case run: --variant three leaves nothing to run; the case has the variants one, two\n" },
	{ "case run mine.yaml --mode iommufd",
	  "case run: --mode iommufd leaves nothing to run; the case has the modes legacy\n" },
	{ "case run mine.yaml --policy dpdk",
	  "case run: --policy dpdk leaves nothing to run; the case has the policies none\n" },
	{ "case run mine.yaml --policy dpdk,libvfn",
	  "case run: --policy dpdk,libvfn leaves nothing to run; the case has the policies none\n" },
	{ "case run mdev-hotadd attach-reserved --variant zzz",
	  "case run: --variant zzz leaves nothing to run; the cases have the variants " },
	{ "case run last-group-detach-resets --variant x",
	  "case run: --variant x leaves nothing to run; the case has no variants\n" },
	{ "case run mdev-hotadd --mode legacy --policy qemu-iommufd",
	  "case run: --mode legacy with --policy qemu-iommufd leaves nothing to run, though each alone does\n" },
};

START_TEST(what_left_nothing_to_run_is_named)
{
	ck_assert_int_eq(run(nothing[_i].line), 2);
	SAYS(nothing[_i].says);
}
END_TEST

/* ---- show -------------------------------------------------------------- */

START_TEST(what_would_be_ignored_is_refused)
{
	ck_assert_int_eq(run("case run ids --picture"), 2);
	SAYS("--picture requires --explain");
	ck_assert_int_eq(run("explain --list rules --step 3"), 2);
	SAYS("--step is for a trace");
	ck_assert_int_eq(run("tour --list --lesson 3"), 2);
	SAYS("--list and --lesson exclude each other");
	ck_assert_int_eq(run("case run ids"), 0);
}
END_TEST

START_TEST(the_log_says_where_each_device_is)
{
	ck_assert_int_eq(run("case run mdev-hotadd --variant unpinnable --mode legacy"
			     " --policy qemu-legacy --log"), 0);
	SAYS("\noutcome: spaces=2 placed=[mdev0=1 nic0=2] omitted=[0xfe400000] refused=[] aborted=0");
}
END_TEST

START_TEST(show_takes_names_and_files)
{
	ck_assert_int_eq(run("case show --yaml mine.yaml"), 0);
	ck_assert_str_eq(out, failing);
	ck_assert_int_eq(run("case show --yaml mdev-hotadd ./mine.yaml"), 0);
	SAYS("about: a mapping that is legal");
	SAYS("about: fails");
	ck_assert_int_eq(run("case show --yaml yours.yaml"), 2);
	SAYS("vfiosim: error: yours.yaml: cannot be read: No such file or directory\n");
	ck_assert_int_eq(run("case show --yaml ./"), 2);
	SAYS("cannot be read: Is a directory");
	ck_assert_int_eq(run("case show --yaml mdev-hotad"), 2);
	SAYS("there is no case 'mdev-hotad'; did you mean 'mdev-hotadd'?\n");
	ck_assert_int_eq(run("case show mdev-hotad"), 2);
	SAYS("there is no case 'mdev-hotad'; did you mean 'mdev-hotadd'?\n");
}
END_TEST

/* What a page tells is what comes of the case. */
START_TEST(show_reads_like_a_page)
{
	ck_assert_int_eq(run("case show mdev-hotadd"), 0);
	SAYS("mdev-hotadd, topic mdev, a lesson of the tour\na mapping that is legal");
	SAYS("Shows    Nothing checks an mdev's mappings");
	SAYS("  mdev0    an mdev, group 11, ");
	SAYS("  3  the program maps BAR 0 of mdev0, 4K at iova 0xfe400000: ");
	SAYS("  4  the program attaches nic0: ");
	SAYS("-> EFAULT [pin-region]");
	SAYS("   qemu-legacy        2 containers, 0 devices kept out, 1 mapping left out; goes on");
	ck_assert_int_eq(run("case show tour-limits"), 0);
	SAYS("  dma_entry_limit: 3\n");
	ck_assert_int_eq(run("case show mine.yaml"), 0);
	SAYS("mine.yaml\nfails");
	ck_assert_int_eq(run("case show yours.yaml"), 2);
	SAYS("yours.yaml");
}
END_TEST

/*
 * The story, how the other plays ended, the lesson: all of it is read by somebody, who reads
 * no more than that. The other plays each have a line, or a part of one.
 */
#define EXPLAIN_LINES 70
START_TEST(explain_is_short_enough_to_be_read)
{
	unsigned lines = 0;

	ck_assert_int_eq(run("case run mdev-hotadd --explain"), 0);
	for (const char *at = out; (at = strchr(at, '\n')); at++)
		lines++;
	ck_assert_msg(lines <= EXPLAIN_LINES, "%u lines:\n%s", lines, out);
	SAYS("\nWhat this shows: Nothing checks an mdev's mappings");
	SAYS("\nWhat is refused containers                iommufd (");
	SAYS("\n   reserved     attach EINVAL, map EINVAL attach EADDRINUSE, map EINVAL ");
	SAYS("\n   qemu-legacy        2 containers, 0 devices kept out, 1 mapping left out; goes on (told above)\n");
	SAYS("\n   cloud-hypervisor   1 container, 1 device kept out, 0 mappings left out; goes on\n");
}
END_TEST

/* No step is printed as the case writes it: "the program: irq device dma0 kind msi do enable". */
static void look_for_raw(const char *line, const struct verb *verb)
{
	char raw[80];

	for (const struct verb_field *field = verb->fields; field->name; field++) {
		snprintf(raw, sizeof(raw), "the program: %s %s ", verb->name, field->name);
		ck_assert_msg(!strstr(out, raw), "%s: '%s' in\n%s", line, raw, out);
	}
}

START_TEST(every_step_is_a_sentence)
{
	for (size_t i = 0; case_builtin(i); i++) {
		char line[120];

		snprintf(line, sizeof(line), "case show %s", case_builtin(i)->name);
		ck_assert_int_eq(run(line), 0);
		for (size_t v = 0; verb_at(v); v++)
			look_for_raw(line, verb_at(v));
	}
}
END_TEST

/* A column for what was played, each refusal once; below each other where a column is too narrow. */
START_TEST(refusals_fit_their_table)
{
	ck_assert_int_eq(run("case run mdev-hotadd --mode legacy --explain"), 0);
	SAYS("\nWhat is refused containers\n   unpinnable   attach EFAULT, map EFAULT  no memory behind");
	ck_assert_int_eq(run("case run bar-map-efault --mode legacy --policy qemu-legacy --explain"), 0);
	ck_assert_ptr_null(strstr(out, "What is refused"));
	ck_assert_int_eq(run("case run pin --explain"), 0);
	SAYS("\nWhat is refused\n   containers  pin EFAULT, pin EPERM, pin EINVAL, dma EINVAL, pin ENOSPC\n"
	     "   iommufd     pin EFAULT, ");
	ck_assert_ptr_null(strstr(out, " \n"));
}
END_TEST

/* Every case stands below its topic, once; a topic stands for its cases. */
START_TEST(cases_by_topic)
{
	ck_assert_int_eq(run("case list"), 0);
	for (size_t i = 0; case_builtin(i); i++) {
		char line[80];

		ck_assert_msg(topic_by_name(case_builtin(i)->topic), "%s is no topic", case_builtin(i)->topic);
		snprintf(line, sizeof(line), "\n  %s ", case_builtin(i)->name);
		SAYS(line);
		ck_assert_ptr_null(strstr(strstr(out, line) + 1, line));
	}
	SAYS("\nreserved: iovas that cannot be mapped");
	ck_assert_ptr_null(strstr(out, "\nfiles: "));
	ck_assert_int_eq(run("case list limits mine.yaml"), 0);
	SAYS("limits: locked memory");
	SAYS("\nfiles: cases of your own\n  mine.yaml ");
	ck_assert_ptr_null(strstr(out, "mdev-hotadd"));
	ck_assert_int_eq(run("case run limits --policy none"), 0);
	SAYS("ok      memlock-map legacy\n");
	ck_assert_ptr_null(strstr(out, "tour-limits"));
	ck_assert_int_eq(run("case run limit"), 2);
	SAYS("no case matches 'limit'; did you mean 'limits'?");
	ck_assert_int_eq(run("case run noiommu"), 0);	/* a case's own name comes first */
	ck_assert_ptr_null(strstr(out, "no-rawio"));
}
END_TEST

/* ---- matrix ------------------------------------------------------------ */

START_TEST(a_matrix_of_some_policies)
{
	ck_assert_int_eq(run("case matrix mdev-hotadd --policy libvfn,single-ioas --policy dpdk"), 0);
	SAYS("case                    dpdk     libvfn    single-ioas\n");
	ck_assert_int_eq(run("case matrix mdev-hotadd device-names --policy dpdk,none"), 0);
	SAYS("case                    as scripted, legacy  dpdk     as scripted, iommufd\n");
	SAYS("\ndevice-names ");
	ck_assert_int_eq(run("case matrix mdev-hotadd --policy dpdk,libvfm"), 2);
	SAYS("--policy: unknown 'libvfm'; did you mean 'libvfn'?\n");
	ck_assert_int_eq(run("case run mdev-hotadd --variant unpinnable --policy qemu-legacy,none"), 0);
	SAYS("\n3 passed, 0 failed, 0 skipped\n");
}
END_TEST

START_TEST(a_matrix_says_what_became_of_each)
{
	ck_assert_int_eq(run("case matrix mdev-hotadd --mode iommufd"), 0);
	SAYS("case                    qemu-iommufd                   single-ioas\n");
	SAYS("\nmdev-hotadd/unpinnable  2 spaces, mdev0.bar0 left out  1 space, nic0 refused\n");
	ck_assert_int_eq(run("case matrix bar-map-efault --policy cloud-hypervisor"), 0);
	ck_assert_str_eq(out, "case            cloud-hypervisor\n"
			      "bar-map-efault  1 space, program ends\n");
	ck_assert_int_eq(run("case matrix mine.yaml bar-map-efault --policy none"), 1);
	SAYS("\nmine/two  FAILED\n");
	SAYS("2 failed: not what the cases expect\n");
}
END_TEST

/* What is no terminal has 110 columns: too few for whole words of eight policies. */
START_TEST(a_matrix_fits_into_its_lines)
{
	ck_assert_int_eq(run("case matrix mdev-hotadd bar-map-efault different-iommus"), 0);
	SAYS("                        qemu-    cloud-                                         qemu-    single-\n"
	     "case                    legacy   hypervisor  dpdk    spdk   crosvm   libvfn     iommufd  ioas\n");
	SAYS("\nmdev-hotadd/unpinnable  2 omits  refused     ok      ok     refused  2 ok       2 omits  refused\n");
	SAYS("\ndifferent-iommus        ends     ends        no map  omits  ends     2 refused  ends     ends\n");
	SAYS("\nno map   a mapping is refused, and the program goes on\n");
	ck_assert_ptr_null(strstr(out, "skipped"));
	SAYS("\nNot shown: which devices and which mappings. --wide shows them.\n");
	for (const char *line = out; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 110);
	ck_assert_int_eq(run("case matrix mdev-hotadd bar-map-efault --wide"), 0);
	SAYS("2 spaces, mdev0.bar0 left out  1 space, nic0 refused");
	ck_assert_ptr_null(strstr(out, "Not shown"));
	ck_assert_int_eq(run("case matrix mdev-hotadd device-names"), 0);
	SAYS("\nNot shown: 1 more that no policy plays. --policy none shows it.\n");
}
END_TEST

START_TEST(a_matrix_is_lines_of_json_too)
{
	static char lines[1u << 16];
	FILE *file;

	ck_assert_int_eq(run("case matrix mdev-hotadd --variant unpinnable --json lines"), 0);
	file = fopen("lines", "re");
	ck_assert_ptr_nonnull(file);
	lines[fread(lines, 1, sizeof(lines) - 1, file)] = '\0';
	fclose(file);
	unlink("lines");
	ck_assert_ptr_nonnull(strstr(lines,
		"{\"case\":\"mdev-hotadd\",\"variant\":\"unpinnable\",\"mode\":\"legacy\",\"policy\":null,"
		"\"result\":\"well\",\"words\":\"ok\"}\n"));
	ck_assert_ptr_nonnull(strstr(lines,
		"\"policy\":\"qemu-legacy\",\"result\":\"omitted\",\"spaces\":2,\"omitted\":[\"0xfe400000\"],"
		"\"refused\":[],\"maps_refused\":0,\"program_ends\":false,"
		"\"words\":\"2 spaces, mdev0.bar0 left out\"}\n"));
	ck_assert_ptr_nonnull(strstr(lines, "\"policy\":\"cloud-hypervisor\",\"result\":\"refused\","
					    "\"spaces\":1,\"omitted\":[],\"refused\":[\"nic0\"]"));
	ck_assert_int_eq(run("case matrix mdev-hotadd --json /nonexistent/lines"), 2);
	SAYS("cannot write /nonexistent/lines: No such file or directory\n");
}
END_TEST

START_TEST(a_matrix_may_have_a_line_for_each_kernel)
{
	ck_assert_int_eq(run("case matrix mdev-hotadd --variant unpinnable --kernel 6.1,7.2 --policy qemu-iommufd"), 0);
	SAYS("\nmdev-hotadd/unpinnable on 6.1  lacks iommufd");
	ck_assert_int_eq(run("case matrix mdev-hotadd --variant unpinnable --kernel 6.5"), 0);
	SAYS("\nlacks    the kernel has no /dev/iommu (6.2) or no nodes of devices' own (6.6)\n");
	ck_assert_int_eq(run("case matrix mdev-hotadd --variant unpinnable --kernel 6.1,7.2 --policy qemu-iommufd"), 0);
	SAYS("\nmdev-hotadd/unpinnable on 7.2  2 spaces, mdev0.bar0 left out\n");
	ck_assert_int_eq(run("case matrix mine.yaml --kernel 7.2"), 0);
	SAYS("\nmine/two on 7.2  differs\n");
	ck_assert_int_eq(run("case matrix map-file-by-version --kernel 6.12,6.13 --policy none"), 0);
	SAYS("\nmap-file-by-version/until on 6.12  ok\n");
	SAYS("\nmap-file-by-version/since on 6.13  ok\n");
	ck_assert_int_eq(run("case matrix mdev-hotadd --kernel 6.1,5.4"), 2);
	SAYS("versions of Linux from 6.1 to 7.2, like 6.1,7.2");
}
END_TEST

START_TEST(a_matrix_of_nothing_says_why)
{
	ck_assert_int_eq(run("case matrix mine.yaml --policy dpdk"), 2);
	SAYS("case matrix: --policy dpdk leaves nothing to run; the case has the policies none\n");
	ck_assert_int_eq(run("case matrix mdev-hotadd --html /nonexistent/page"), 2);
	SAYS("cannot write /nonexistent/page: No such file or directory\n");
}
END_TEST

/* How often @part is in the page. */
static size_t count(const char *page, const char *part)
{
	size_t n = 0;

	while ((page = strstr(page, part))) {
		page += strlen(part);
		n++;
	}
	return n;
}

/* Every link of the page that names a story leads to one, and each story is led to. */
static void check_links(const char *page)
{
	char id[40];
	size_t n = 0;

	for (const char *at = page; (at = strstr(at, "<a href=\"#c")); n++) {
		at += strlen("<a href=\"#");
		snprintf(id, sizeof(id), "<section id=\"%.*s\">", (int)strcspn(at, "\""), at);
		ck_assert_msg(count(page, id) == 1, "%s", id);
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_eq(n, count(page, "<section id="));
}

START_TEST(each_cell_of_the_page_leads_to_its_story)
{
	static char page[1u << 20];
	FILE *file;
	size_t n, policies = 0;

	ck_assert_int_eq(run("case matrix mdev-hotadd mine.yaml --html page"), 1);
	file = fopen("page", "re");
	ck_assert_ptr_nonnull(file);
	n = fread(page, 1, sizeof(page) - 1, file);
	fclose(file);
	unlink("page");
	page[n] = '\0';
	check_links(page);
	while (policy_at(policies))
		policies++;
	/* Three variants, by each policy and as scripted in two modes; and two of ours. */
	ck_assert_uint_eq(count(page, "<section id="), 3 * (policies + 2) + 2);
	ck_assert_ptr_nonnull(strstr(page, "whose pages cannot be pinned [pin-region;"));
	ck_assert_uint_eq(count(page, "</section>"), count(page, "<section id="));
	ck_assert_uint_eq(count(page, "<script") + count(page, "src=") + count(page, "http:") + count(page, "https:"), 0);
}
END_TEST

/* What a case calls itself is text. */
START_TEST(a_page_is_escaped)
{
	static char page[1u << 16];
	FILE *file = fopen("mine.yaml", "we");

	ck_assert(file && fputs("about: 'a <b> & \"c\"'\ntopology: minimal\nsteps:\n"
				"- attach: {device: nic0, to: x}\n  note: a <i> note\n", file) >= 0);
	fclose(file);
	ck_assert_int_eq(run("case matrix mine.yaml --html page"), 0);
	file = fopen("page", "re");
	ck_assert_ptr_nonnull(file);
	page[fread(page, 1, sizeof(page) - 1, file)] = '\0';
	fclose(file);
	unlink("page");
	ck_assert_ptr_nonnull(strstr(page, "a &lt;b&gt; &amp; &quot;c&quot;"));
	ck_assert_ptr_nonnull(strstr(page, "a &lt;i&gt; note"));
	ck_assert_ptr_null(strstr(page, "<b>"));
	ck_assert_ptr_null(strstr(page, "<i>"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vfiosim case");
	TCase *tests = tcase_create("verbs");

	suite_add_tcase(suite, tests);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_step_is_a_sentence);
	tcase_add_test(tests, refusals_fit_their_table);
	tcase_add_test(tests, the_line_to_run_again_names_the_file);
	tcase_add_test(tests, the_line_to_run_again_is_quoted);
	tcase_add_test(tests, what_would_be_ignored_is_refused);
	tcase_add_loop_test(tests, what_left_nothing_to_run_is_named, 0,
			    sizeof(nothing) / sizeof(nothing[0]));
	tcase_add_test(tests, the_log_says_where_each_device_is);
	tcase_add_test(tests, explain_is_short_enough_to_be_read);
	tcase_add_test(tests, show_takes_names_and_files);
	tcase_add_test(tests, show_reads_like_a_page);
	tcase_add_test(tests, cases_by_topic);
	tcase_add_test(tests, a_matrix_of_some_policies);
	tcase_add_test(tests, a_matrix_says_what_became_of_each);
	tcase_add_test(tests, a_matrix_fits_into_its_lines);
	tcase_add_test(tests, a_matrix_is_lines_of_json_too);
	tcase_add_test(tests, a_matrix_may_have_a_line_for_each_kernel);
	tcase_add_test(tests, a_matrix_of_nothing_says_why);
	tcase_add_test(tests, each_cell_of_the_page_leads_to_its_story);
	tcase_add_test(tests, a_page_is_escaped);
	return suite_run(suite);
}
