/* SPDX-License-Identifier: MIT */
/*
 * Pages of all cases: well-formed, nothing to fetch, every link leads somewhere, and the
 * text of each picture stays inside its frame.
 */
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vfiosim/error.h>

#include "case/case_page.h"
#include "base/suite_test.h"
#include "case/job.h"
#include "case/library.h"
#include "cli.h"
#include "report/space_svg.h"

static char folder[SCRATCH_PATH];
static char path[600];
static char *page;
static const char *name;	/* of the page that is looked at */

static char *read_file(const char *from)
{
	FILE *file = fopen(from, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_msg(file, "%s", from);
	ck_assert_int_gt(getdelim(&text, &size, 0, file), 0);
	fclose(file);
	return text;
}

/* All cases, in @folder. */
static void write_all(void)
{
	static const struct job_options options = { .target = JOB_INPROC };
	static const struct play_filter any = { .mode = -1 };
	struct library library;
	struct vfiosim_errors errors;
	struct play *plays;
	char where[sizeof(folder) + 8];
	size_t n;

	scratch_path(folder, "pages");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(where, sizeof(where), "%s/all/", folder);
	ck_assert_int_eq(library_load(NULL, 0, &library, &errors), 0);
	ck_assert_int_eq(library_plays(&library, &any, &plays, &n), 0);
	ck_assert_int_eq(case_page_write(&library, plays, n, &options, where), 0);
	library_plays_done(plays, n);
	library_done(&library);
}

/* ---- Tags -------------------------------------------------------------- */

#define DEPTH_MAX 40

static bool is_void(const char *tag)
{
	static const char *const tags[] = { "meta", "link", "br" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (!strcmp(tags[i], tag))
			return true;
	return false;
}

static void check_quotes(const char *tag, const char *end)
{
	bool quoted = false;

	for (const char *at = tag; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		ck_assert_msg(quoted || *at != '=' || at[1] == '"', "%s: not quoted: %.60s", name, tag);
	}
	ck_assert_msg(!quoted, "%s: a quote is open: %.60s", name, tag);
}

/* Every tag that opens closes, in order; attributes are quoted. */
static void check_tags(void)
{
	char open[DEPTH_MAX][24], tag[24];
	size_t depth = 0;

	for (const char *at = page; (at = strchr(at, '<')); at++) {
		const char *end = strchr(at, '>');
		bool closes = at[1] == '/';
		size_t length;

		ck_assert_msg(end, "%s: a tag does not end", name);
		if (at[1] == '!')
			continue;
		length = strspn(at + 1 + closes, "abcdefghijklmnopqrstuvwxyz0123456789");
		ck_assert_msg(length && length < sizeof(tag), "%s: a lone '<': %.40s", name, at);
		snprintf(tag, sizeof(tag), "%.*s", (int)length, at + 1 + closes);
		check_quotes(at, end);
		if (closes) {
			ck_assert_msg(depth && !strcmp(open[depth - 1], tag), "%s: </%s> closes <%s>", name,
				      tag, depth ? open[depth - 1] : "nothing");
			depth--;
		} else if (end[-1] != '/' && !is_void(tag)) {
			ck_assert_uint_lt(depth, DEPTH_MAX);
			strcpy(open[depth++], tag);
		}
		if (!strcmp(tag, "script") || !strcmp(tag, "style"))	/* their text is no markup */
			at = closes ? at : strstr(at, !strcmp(tag, "script") ? "</script" : "</style") - 1;
	}
	ck_assert_msg(!depth, "%s: <%s> is not closed", name, depth ? open[depth - 1] : "");
}

/* ---- Links ------------------------------------------------------------- */

static void check_links(void)
{
	static const char *const foreign[] = { "http:", "https:", " src=", "url(", "@import", "<iframe" };
	char target[100], file[800];

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		ck_assert_msg(!strstr(page, foreign[i]), "%s: %s", name, foreign[i]);
	for (const char *at = page; (at = strstr(at, "href=\"")); at++) {
		const char *link = at + strlen("href=\"");
		int length = (int)strcspn(link, "\"");

		if (!strncmp(link, "data:,", 6))
			continue;
		if (*link == '#') {
			snprintf(target, sizeof(target), " id=\"%.*s\"", length - 1, link + 1);
			ck_assert_msg(strstr(page, target), "%s: no%s", name, target);
			ck_assert_msg(!strstr(strstr(page, target) + 1, target), "%s: two%s", name, target);
		} else {
			snprintf(file, sizeof(file), "%s/all/%.*s", folder, length, link);
			ck_assert_msg(!access(file, R_OK), "%s: no %s", name, file);
		}
	}
}

/* ---- Pictures ---------------------------------------------------------- */

static unsigned number_of(const char *tag, const char *key)
{
	const char *end = strchr(tag, '>'), *at = strstr(tag, key);

	ck_assert_msg(at && at < end, "%s: no %s in %.80s", name, key, tag);
	return (unsigned)atoi(at + strlen(key));
}

struct frame {
	unsigned x, y, width, height;
};

static struct frame frame_of(const char *rect)
{
	return (struct frame){ number_of(rect, " x=\""), number_of(rect, " y=\""),
			       number_of(rect, " width=\""), number_of(rect, " height=\"") };
}

static bool holds(struct frame frame, unsigned x, unsigned y)
{
	return x >= frame.x && x <= frame.x + frame.width && y >= frame.y && y <= frame.y + frame.height;
}

/* The smallest frame in the picture that the point is in. */
static struct frame frame_around(const char *svg, const char *end, unsigned x, unsigned y)
{
	struct frame best = { 0, 0, 100000, 100000 };

	for (const char *at = svg; (at = strstr(at, "<rect ")) && at < end; at++) {
		struct frame frame = frame_of(at);

		if (holds(frame, x, y) && frame.width * frame.height < best.width * best.height)
			best = frame;
	}
	return best;
}

/* Letters as they are shown: "&lt;" is one. */
static unsigned letters(const char *text, const char *end)
{
	unsigned n = 0;

	for (; text < end; text++, n++)
		if (*text == '&')
			text = strchr(text, ';');
	return n;
}

static void check_text(const char *svg, const char *svg_end, const char *tag)
{
	const char *text = strchr(tag, '>') + 1, *end = strstr(text, "</text>");
	bool small = memmem(tag, (size_t)(text - tag), "small", 5);
	unsigned x = number_of(tag, " x=\""), y = number_of(tag, " y=\"");
	unsigned right = x + letters(text, end) * (small ? SVG_SMALL : SVG_LETTER);
	struct frame frame = frame_around(svg, svg_end, x, y);

	ck_assert_msg(frame.width < 100000, "%s: text outside of every frame: %.60s", name, tag);
	ck_assert_msg(right <= frame.x + frame.width && y + 4 <= frame.y + frame.height && y >= frame.y + 9,
		      "%s: \"%.*s\" leaves its frame", name, (int)(end - text), text);
}

static size_t check_pictures(void)
{
	size_t n = 0;

	for (const char *svg = page; (svg = strstr(svg, "<svg ")); svg++, n++) {
		const char *end = strstr(svg, "</svg>");
		struct frame whole = { 0, 0, number_of(svg, " width=\""), number_of(svg, " height=\"") };

		ck_assert_ptr_nonnull(strstr(svg, " aria-label=\""));
		for (const char *at = svg; (at = strstr(at, "<rect ")) && at < end; at++) {
			struct frame frame = frame_of(at);

			ck_assert_msg(holds(whole, frame.x + frame.width, frame.y + frame.height),
				      "%s: a frame leaves the picture: %.80s", name, at);
		}
		for (const char *at = svg; (at = strstr(at, "<text ")) && at < end; at++)
			check_text(svg, end, at);
	}
	return n;
}

/* ---- Tests ------------------------------------------------------------- */

START_TEST(every_page)
{
	size_t pages = 0, pictures = 0;
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/all", folder);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/all/%s", folder, entry->d_name);
		name = entry->d_name;
		page = read_file(path);
		check_tags();
		check_links();
		pictures += check_pictures();
		free(page);
		pages++;
	}
	closedir(dir);
	ck_assert_uint_gt(pages, 100);
	ck_assert_uint_gt(pictures, 500);
}
END_TEST

static void has(const char *text)
{
	ck_assert_msg(strstr(page, text), "%s: no \"%s\"", name, text);
}

START_TEST(both_interfaces_side_by_side)
{
	name = "mdev-hotadd.html";
	snprintf(path, sizeof(path), "%s/all/%s", folder, name);
	page = read_file(path);
	has("<h4>containers</h4>");
	has("<h4>iommufd</h4>");
	has("SET_CONTAINER group 10 (nic0) -&gt; container 1</code> <span class=\"refused\">refused: EFAULT");
	has("HWPT_ALLOC");		/* QEMU's, so the other side is QEMU as well */
	has("CONFLICT: BAR 0 of mdev0");
	has("<dt id=\"g-pin\">pin</dt>");
	ck_assert_ptr_null(strstr(page, "/dev/<a"));
	has("<td>single-ioas</td><td>1 ioas, 1 device kept out");
	ck_assert_ptr_null(strstr(page, "Nothing is asked of the machine here"));
	free(page);
}
END_TEST

START_TEST(the_index_has_topics)
{
	name = "index.html";
	snprintf(path, sizeof(path), "%s/all/%s", folder, name);
	page = read_file(path);
	has("<h2>reserved</h2>");
	has("<a href=\"mdev-hotadd.html\">");
	ck_assert_ptr_null(strstr(page, "<h2>more</h2>"));	/* every folder is a topic */
	free(page);
}
END_TEST

/* Before the step it is about; what the lesson shows stands behind it. */
START_TEST(a_lesson_asks)
{
	const char *question, *step, *shows;

	name = "tour-replay.html";
	snprintf(path, sizeof(path), "%s/all/%s", folder, name);
	page = read_file(path);
	question = strstr(page, "A question, before you read on.");
	step = strstr(page, "id=\"s4\"");
	shows = strstr(page, "What this shows:");
	ck_assert(question && step && shows && question < step && step < shows);
	ck_assert_ptr_null(memmem(page, (size_t)(question - page), "class=\"refused\"", 15));
	has("<details><summary>The answer</summary><p>It is c. ");
	free(page);
}
END_TEST

START_TEST(rules_lead_to_cases)
{
	name = "rules.html";
	snprintf(path, sizeof(path), "%s/all/%s", folder, name);
	page = read_file(path);
	has("<h2>pin-region</h2>\n<p>iova 0x");
	has("<li><code>VFIO_GROUP_SET_CONTAINER</code>: EFAULT, in <a href=\"mdev-hotadd.html\">");
	free(page);
}
END_TEST

START_TEST(one_page_for_one_case)
{
	char html[SCRATCH_PATH + 16];
	char *argv[] = { (char[]){ "vfiosim" }, (char[]){ "case" }, (char[]){ "run" }, (char[]){ "ids" },
			 (char[]){ "replace" }, (char[]){ "--html" }, html, NULL };

	snprintf(html, sizeof(html), "%s/two.html", folder);
	ck_assert_int_eq(cli_main(&vfiosim_verb, 7, argv), 2);
	ck_assert_int_ne(access(html, F_OK), 0);
	argv[3] = argv[4];
	ck_assert_int_eq(cli_main(&vfiosim_verb, 7, argv), 0);
	page = read_file(html);
	name = html;
	check_tags();
	has("<h1>replace</h1>");
	free(page);
}
END_TEST

/* "a file whose file system tracks writes, pinned" is wider than its frame: it is cut. */
START_TEST(long_labels_are_cut)
{
	char html[SCRATCH_PATH + 16];
	char *argv[] = { (char[]){ "vfiosim" }, (char[]){ "case" }, (char[]){ "run" },
			 (char[]){ "map-memory-kinds" }, (char[]){ "--variant" }, (char[]){ "dirtytrack-r" },
			 (char[]){ "--html" }, html, NULL };

	snprintf(html, sizeof(html), "%s/long.html", folder);
	ck_assert_int_eq(cli_main(&vfiosim_verb, 8, argv), 0);
	page = read_file(html);
	name = html;
	ck_assert_uint_gt(check_pictures(), 1);
	has("a file whose file system tracks w");
	ck_assert_ptr_null(strstr(page, ">a file whose file system tracks writes, pinned</text>"));
	free(page);
}
END_TEST

int main(void)
{
	Suite *suite;
	TCase *tests;

	tests = tcase_create("pages");
	tcase_set_timeout(tests, 120);
	tcase_add_unchecked_fixture(tests, write_all, NULL);
	tcase_add_test(tests, every_page);
	tcase_add_test(tests, both_interfaces_side_by_side);
	tcase_add_test(tests, the_index_has_topics);
	tcase_add_test(tests, a_lesson_asks);
	tcase_add_test(tests, rules_lead_to_cases);
	tcase_add_test(tests, one_page_for_one_case);
	tcase_add_test(tests, long_labels_are_cut);
	suite = suite_create("pages");
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
