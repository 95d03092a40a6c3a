/* SPDX-License-Identifier: MIT */
/*
 * Reading cases: what is wrong with a file is found before anything runs, with
 * its place and what was expected. And the harness itself, with cases that fail.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/topology.h>

#include "case/job.h"
#include "base/suite_test.h"
#include "case/library.h"

#define HEAD "about: a test\ntopology: minimal\n"
#define LESSON "lesson: {number: 1, title: x, before: x, question: x, why: x, answers: {a: x, b: y, c: z}, "
#define STEPS HEAD "steps:\n"

/* ---- Files that are wrong ---------------------------------------------- */

static const struct {
	const char *text;
	unsigned line, column;
	const char *message;
} broken[] = {
	{ "", 1, 1, "the file is empty" },
	{ "steps: [", 2, 1, "not YAML" },
	{ "a: &x [*x]\n", 1, 4, "anchors (&x) are not supported" },
	{ "a: &x [*x]\n", 1, 8, "aliases (*x) are not supported" },
	{ "- a\n", 1, 1, "expected a map" },
	{ "about: x\nabout: y\n", 2, 1, "duplicate key 'about', first in line 1" },
	{ "abuot: x\n", 1, 1, "unknown key 'abuot'; did you mean 'about'?" },
	{ "topology: minimal\nsteps: []\n", 1, 1, "the case has no 'about:'" },
	{ "about: x\nsteps: []\n", 1, 1, "the case has no 'topology:'" },
	{ "about: x\ntopology: minimal\n", 1, 1, "the case has no 'steps:'" },
	{ "about: x\ntopology: minmal\nsteps: [{attach: {device: nic0, to: a}}]\n", 2, 11,
	  "no topology 'minmal'" },
	{ HEAD "steps: []\n", 3, 8, "expected a list of steps, - VERB: {...}, found a list" },
	{ HEAD "modes: [legcy]\nsteps: [{exec: }]\n", 3, 9, "did you mean 'legacy'?" },
	{ HEAD "variants: [a]\nsteps: [{exec: }]\n", 3, 11, "expected a map of rows" },
	{ HEAD "variants: {a: 1}\nsteps: [{exec: }]\n", 3, 15, "expected the values of variant 'a'" },
	{ HEAD "params: 3\nsteps: [{exec: }]\n", 3, 9, "expected a map, {dma_entry_limit: 3}" },
	{ HEAD "params: {dma_entry_limt: 3}\nsteps: [{exec: }]\n", 3, 10,
	  "did you mean 'dma_entry_limit'?" },
	{ HEAD "outcome: {qemu: {}}\nsteps: [{exec: }]\n", 3, 11, "unknown policy 'qemu'" },
	{ HEAD "outcome: {qemu-legacy: {space: 1}}\nsteps: [{exec: }]\n", 3, 25,
	  "did you mean 'spaces'?" },
	{ HEAD "outcome: {qemu-iommufd: {}}\nsteps: [{exec: }]\n", 3, 11,
	  "plays mode iommufd, which is not among the modes" },
	{ HEAD "lesson: {titel: x}\nsteps: [{exec: }]\n", 3, 10, "did you mean 'title'?" },
	{ HEAD LESSON "right: d}\nsteps: [{exec: }]\n", 3, 99, "unknown answer 'd'" },
	{ HEAD LESSON "right: a, at: 2}\nsteps: [{exec: }]\n", 3, 106, "expected the number of a step" },
	{ HEAD "lesson: {number: 1, answers: {a: x, b: y}, right: a}\nsteps: [{exec: }]\n", 3, 30,
	  "there is no answer 'c'" },
	{ HEAD "skip: {fuze: x}\nsteps: [{exec: }]\n", 3, 8, "did you mean 'fuse'?" },
	{ STEPS "- plug: nic0\n", 4, 1, "plug and unplug need a policy" },
	{ STEPS "- nap: nic0\n", 4, 3, "unknown verb 'nap'; did you mean 'map'?" },
	{ STEPS "- expect: ok\n", 4, 3, "a step without a verb" },
	{ STEPS "- attach\n", 4, 3, "expected a step" },
	{ STEPS "- exec:\n  exit: a\n", 5, 3, "a second verb in one step" },
	{ STEPS "- exec: now\n", 4, 9, "exec takes no arguments" },
	{ STEPS "- attach: {device: nic0}\n", 4, 11, "attach needs 'to'" },
	{ STEPS "- attach: [nic0]\n", 4, 11, "expected the arguments of attach" },
	{ STEPS "- attach: {device: nic, to: a}\n", 4, 20, "unknown device 'nic'; did you mean 'nic0'?" },
	{ STEPS "- attach: {device: nic0, too: a}\n", 4, 26, "did you mean 'to'?" },
	{ STEPS "- attach: {device: nic0, to: a, type: v3}\n", 4, 39, "unknown type 'v3'" },
	{ STEPS "- attach: {device: nic0, to: a, open: maybe}\n", 4, 39, "yes or no" },
	{ STEPS "- map: {iova: 4X, size: 4K}\n", 4, 15, "expected a number (4096, 0x1000, 128K, 2M, 1G), found '4X'" },
	{ STEPS "- map: {iova: 99999999999999999999, size: 4K}\n", 4, 15, "expected a number up to 2^64-1, found '99" },
	{ STEPS "- map: {iova: 16777216T, size: 4K}\n", 4, 15, "expected a number up to 2^64-1, found '16777216T'" },
	{ STEPS "- map: {iova: $iova, size: 4K}\n", 4, 15, "nothing is called '$iova'" },
	{ STEPS "- exec:\n  expect: EINVL\n", 5, 11, "neither ok nor blocks nor the name of an errno" },
	{ STEPS "- exec:\n  expect: {error: EINVAL, rule: ovrlap}\n", 5, 33, "did you mean 'overlap'?" },
	{ STEPS "- exec:\n  expect: [EINVAL]\n", 5, 11, "expected ok, an errno" },
	{ STEPS "- unmap: {in: a, all: yes}\n  expect: {sise: 4K}\n", 5, 12, "did you mean 'size'?" },
	{ STEPS "- ioctl: {on: c, command: VFIO_IOMMU_MAP}\n", 4, 27, "unknown command 'VFIO_IOMMU_MAP'" },
	{ STEPS "- ioctl: {on: c, command: VFIO_IOMMU_MAP_DMA, iovaa: 0}\n", 4, 47,
	  "did you mean 'iova'?" },
	{ STEPS "- ioctl: {on: c}\n", 4, 10, "ioctl needs 'command: NAME' or 'number: N'" },
	{ STEPS "- exec:\n  only: legcy\n", 5, 9, "did you mean 'legacy'?" },
	{ STEPS "- ioctl: {on: c, command: VFIO_GROUP_GET_STATUS, size: 8}\n", 4, 50,
	  "unknown field of VFIO_GROUP_GET_STATUS 'size'" },
	{ STEPS "- exec:\n  by: [a]\n", 5, 7, "expected the name of a process" },
};

START_TEST(broken_files_are_told_with_their_place)
{
	struct case_file *file;
	struct vfiosim_errors why = { 0 };
	const char *text = broken[_i].text;
	int error = case_parse("test.yaml", text, strlen(text), &file, &why);
	bool told = false;

	ck_assert_msg(error == -EINVAL, "%s", text);
	ck_assert_uint_ge(why.n, 1);
	for (size_t i = 0; i < why.n; i++) {
		ck_assert_str_eq(why.list[i].file, "test.yaml");
		told |= why.list[i].line == broken[_i].line && why.list[i].column == broken[_i].column &&
			strstr(why.list[i].message, broken[_i].message);
	}
	ck_assert_msg(told, "gave %u:%u: %s\nwanted %u:%u: ...%s\n%s", why.list[0].line,
		      why.list[0].column, why.list[0].message, broken[_i].line, broken[_i].column,
		      broken[_i].message, text);
}
END_TEST

/* Each once, however many plays meet it, and in order. */
START_TEST(all_mistakes_are_told_at_once)
{
	static const char text[] =
		"about: a test\n"
		"topology: minimal\n"
		"modes: [legacy, iommufd]\n"
		"params: {dma_entry_limit: many}\n"
		"variants:\n"
		"  a: {iova: 4X}\n"
		"  b: {iova: 5X}\n"
		"steps:\n"
		"- attach: {device: nic, to: a}\n"
		"- map: {in: a, iova: $iova, sise: 4K}\n"
		"- nap: {}\n"
		"  by: []\n"
		"- map: {in: a, iova: $ivoa, size: {legacy: 4K}}\n"
		"  expect: {error: EINVL, rule: ovrlap}\n";
	static const struct {
		unsigned line, column;
		const char *message;
	} told[] = {
		{ 4, 27, "expected a number" },
		{ 6, 13, "found '4X'" },
		{ 7, 13, "found '5X'" },
		{ 9, 20, "unknown device 'nic'" },
		{ 10, 29, "did you mean 'size'?" },
		{ 11, 3, "unknown verb 'nap'" },
		{ 12, 7, "expected the name of a process, found a list" },
		{ 13, 22, "nothing is called '$ivoa'" },
		{ 13, 35, "no value for mode iommufd" },
		{ 14, 19, "neither ok nor blocks" },
		{ 14, 32, "did you mean 'overlap'?" },
	};
	struct case_file *file;
	struct vfiosim_errors why = { 0 };

	ck_assert_int_eq(case_parse("test.yaml", text, strlen(text), &file, &why), -EINVAL);
	for (size_t i = 0; i < why.n && i < sizeof(told) / sizeof(told[0]); i++)
		ck_assert_msg(why.list[i].line == told[i].line && why.list[i].column == told[i].column &&
			      strstr(why.list[i].message, told[i].message),
			      "gave %u:%u: %s\nwanted %u:%u: ...%s", why.list[i].line,
			      why.list[i].column, why.list[i].message, told[i].line, told[i].column,
			      told[i].message);
	ck_assert_uint_eq(why.n, sizeof(told) / sizeof(told[0]));
	ck_assert(!why.more);
}
END_TEST

static void refused(const char *text, size_t length, const char *message)
{
	struct case_file *file;
	struct vfiosim_errors why = { 0 };

	ck_assert_int_eq(case_parse("test.yaml", text, length, &file, &why), -EINVAL);
	ck_assert_msg(strstr(why.list[0].message, message), "%s", why.list[0].message);
}

/* Too deep, too long, too many: refused, and at once (an earlier reader took minutes for the first). */
START_TEST(too_much_is_refused)
{
	size_t length = YAML_BYTES + 1, used;
	char *text = malloc(length);

	ck_assert_ptr_nonnull(text);
	memset(text, '[', length);
	refused(text, length - 1, "nested more than 16 levels deep");
	refused(text, length, "longer than 1048576 bytes");
	used = (size_t)sprintf(text, STEPS);
	while (used < 60000)
		used += (size_t)sprintf(text + used, "- exec:\n");
	refused(text, used, "more than 1000 steps");
	used = (size_t)sprintf(text, HEAD "variants:\n");
	for (unsigned i = 0; i < 65; i++)
		used += (size_t)sprintf(text + used, "  v%u: {a: 1}\n", i);
	used += (size_t)sprintf(text + used, "steps: [{exec: }]\n");
	refused(text, used, "more than 64 variants");
	free(text);
}
END_TEST

/* Every beginning of a good file: an error or a case, never a crash. */
START_TEST(beginnings_of_a_file)
{
	static const char text[] =
		HEAD "modes: [legacy, iommufd]\n"
		     "params: {memlock: 64K}\n"
		     "variants:\n  a: {iova: 0, e: {legacy: ok, iommufd: EINVAL}}\n"
		     "steps:\n- attach: {device: nic0, to: x}\n- map: {in: x, iova: $iova, size: 4K}\n"
		     "  expect: {error: $e, unchanged: [x]}\n"
		     "outcome:\n  qemu-legacy: {omitted: [$iova]}\n";

	for (size_t n = 0; n < sizeof(text); n++) {
		struct case_file *file;
		struct vfiosim_errors why = { 0 };

		if (!case_parse("test.yaml", text, n, &file, &why))
			case_free(file);
	}
}
END_TEST

/* ---- Modes ------------------------------------------------------------- */

START_TEST(steps_of_one_mode)
{
	static const char text[] =
		HEAD "modes: [legacy, iommufd]\n"
		     "steps:\n"
		     "- exec:\n"
		     "- exec:\n  only: iommufd\n"
		     "- status: nic0\n  only: legacy\n"
		     "- exec:\n  only: iommufd\n";
	static const size_t steps[MODE_COUNT] = { [MODE_LEGACY] = 2, [MODE_IOMMUFD] = 3 };
	struct case_file *file;
	struct vfiosim_errors why;

	ck_assert_int_eq(case_parse("test.yaml", text, strlen(text), &file, &why), 0);
	for (unsigned mode = 0; mode < MODE_COUNT; mode++) {
		struct play play;

		ck_assert_int_eq(case_play_make(file, 0, (enum mode)mode, NULL, &play, &why), 0);
		ck_assert_uint_eq(play.n_steps, steps[mode]);
		case_play_done(&play);
	}
	case_free(file);
}
END_TEST

/* ---- Values ------------------------------------------------------------ */

START_TEST(values_of_variants_and_modes)
{
	static const char text[] =
		HEAD "modes: [legacy, iommufd]\n"
		     "variants:\n"
		     "  low: {iova: 4K, e: {legacy: EINVAL, iommufd: EADDRINUSE}}\n"
		     "  high: {iova: 1T, e: ok}\n"
		     "steps:\n"
		     "- map: {iova: $iova, size: {legacy: 8K, iommufd: 16K}}\n"
		     "  expect: $e\n";
	static const struct {
		size_t variant;
		enum mode mode;
		uint64_t iova, size;
		int error;
	} rows[] = {
		{ 0, MODE_LEGACY, 0x1000, 0x2000, EINVAL },
		{ 0, MODE_IOMMUFD, 0x1000, 0x4000, EADDRINUSE },
		{ 1, MODE_LEGACY, 1ull << 40, 0x2000, 0 },
	};
	struct case_file *file;
	struct vfiosim_errors why;

	ck_assert_int_eq(case_parse("some/test.yaml", text, strlen(text), &file, &why), 0);
	ck_assert_str_eq(file->name, "test");
	ck_assert_uint_eq(case_variants(file), 2);
	ck_assert_str_eq(case_variant(file, 1), "high");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct play play;

		ck_assert_int_eq(case_play_make(file, rows[i].variant, rows[i].mode, NULL, &play,
						&why), 0);
		ck_assert_uint_eq(step_number(&play.steps[0], "iova", 0), rows[i].iova);
		ck_assert_uint_eq(step_number(&play.steps[0], "size", 0), rows[i].size);
		ck_assert_int_eq(play.steps[0].expect.error, rows[i].error);
		case_play_done(&play);
	}
	case_free(file);
}
END_TEST

START_TEST(params_change_the_machine)
{
	static const char text[] = HEAD "params: {memlock: 64K, dma_entry_limit: 3, noiommu: yes}\n"
					"steps:\n- exec:\n";
	struct case_file *file;
	struct vfiosim_errors why;
	struct play play;

	ck_assert_int_eq(case_parse("test.yaml", text, strlen(text), &file, &why), 0);
	ck_assert_int_eq(case_play_make(file, 0, MODE_LEGACY, NULL, &play, &why), 0);
	ck_assert_int_eq(play.topology->memlock, VFIOSIM_MEMLOCK_BYTES);
	ck_assert_uint_eq(play.topology->memlock_bytes, 64 << 10);
	ck_assert_uint_eq(play.topology->dma_entry_limit, 3);
	ck_assert(play.topology->noiommu);
	case_play_done(&play);
	case_free(file);
}
END_TEST

START_TEST(names_and_globs)
{
	char hotadd[] = "mdev-hotadd", some[] = "mdev-*", none[] = "zzz*", near[] = "mdev-hotad";
	char *patterns[] = { hotadd, some, none, near };
	struct library library;
	struct vfiosim_errors why;

	ck_assert_int_eq(library_load(patterns, 2, &library, &why), 0);
	ck_assert_uint_ge(library.n, 1);
	ck_assert_str_eq(library.files[0]->name, "mdev-hotadd");
	for (size_t i = 1; i < library.n; i++)
		ck_assert_str_ne(library.files[i]->name, "mdev-hotadd");
	library_done(&library);
	ck_assert_int_eq(library_load(patterns, 3, &library, &why), -ENOENT);
	ck_assert_int_eq(library_load(patterns + 3, 1, &library, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.list[0].message, "did you mean 'mdev-hotadd'?"));
}
END_TEST

/* As `case run` prints them. */
START_TEST(names_with_variants)
{
	char one[] = "mdev-hotadd/unpinnable", other[] = "mdev-hotadd/res*", wrong[] = "mdev-hotadd/reservd",
	     stranger[] = "zzz/unpinnable";
	char *patterns[] = { one, other, wrong, stranger };
	struct play_filter filter = { .mode = -1, .policies = 1U << policy_index(NULL) };
	struct library library;
	struct vfiosim_errors why;
	struct play *plays;
	size_t n;

	ck_assert_int_eq(library_load(patterns, 2, &library, &why), 0);
	ck_assert_int_eq(library_plays(&library, &filter, &plays, &n), 0);
	ck_assert_uint_eq(n, 4);	/* in both modes */
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(case_variant(plays[i].file, plays[i].variant),
				 i < 2 ? "unpinnable" : "reserved");
	library_plays_done(plays, n);
	library_done(&library);
	ck_assert_int_eq(library_load(patterns + 2, 1, &library, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.list[0].message,
				     "case mdev-hotadd has no variant 'reservd'; did you mean 'reserved'?"));
	ck_assert_int_ne(library_load(patterns + 3, 1, &library, &why), 0);
}
END_TEST

/* ---- Cases that must fail ---------------------------------------------- */

static void run_failing(const char *path, const char *expected)
{
	struct job_options options = { .target = JOB_INPROC };
	struct play_filter filter = { .mode = -1 };
	struct vfiosim_errors why;
	struct library library;
	struct play *plays;
	size_t n;
	char *name = strdup(path);

	ck_assert_int_eq(library_load(&name, 1, &library, &why), 0);
	ck_assert_int_eq(library_plays(&library, &filter, &plays, &n), 0);
	ck_assert_uint_ge(n, 1);
	for (size_t i = 0; i < n; i++) {
		struct job_result result;

		ck_assert_int_eq(job_run(&plays[i], &options, &result), 0);
		ck_assert_msg(result.outcome.verdict == FAILED, "%s did not fail", path);
		ck_assert_msg(strstr(result.outcome.message, expected), "%s\n%s",
			      result.outcome.message, expected);
		ck_assert_ptr_nonnull(result.trace);
		job_result_done(&result);
	}
	library_plays_done(plays, n);
	library_done(&library);
	free(name);
}

START_TEST(cases_that_must_fail)
{
	static const char folder[] = "cases/selftest/failing";
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned n = 0;

	ck_assert_msg(dir, "%s: run this from the top of the sources", folder);
	while ((entry = readdir(dir))) {
		char path[400], line[400] = "";
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		file = fopen(path, "re");
		ck_assert(file && fgets(line, sizeof(line), file));
		fclose(file);
		ck_assert_msg(!strncmp(line, "# fails: ", 9), "%s does not say how", path);
		line[strcspn(line, "\n")] = 0;
		run_failing(path, line + 9);
		n++;
	}
	closedir(dir);
	ck_assert_uint_ge(n, 10);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("case");
	Suite *suite = suite_create("case");

	tcase_add_loop_test(tests, broken_files_are_told_with_their_place, 0,
			    sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(tests, all_mistakes_are_told_at_once);
	tcase_add_test(tests, too_much_is_refused);
	tcase_add_test(tests, beginnings_of_a_file);
	tcase_add_test(tests, steps_of_one_mode);
	tcase_add_test(tests, values_of_variants_and_modes);
	tcase_add_test(tests, params_change_the_machine);
	tcase_add_test(tests, names_and_globs);
	tcase_add_test(tests, names_with_variants);
	tcase_add_test(tests, cases_that_must_fail);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
