/* SPDX-License-Identifier: MIT */
/* vfiosim kernel diff: every difference is printed between the right versions, and no other. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/kernel.h>

#include "base/kernel_version.h"
#include "base/suite_test.h"
#include "cli.h"

static char out[65536];

/* Sentences are wrapped: @out as one line, and so is what is looked for there. */
static void unwrap(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		char c = *from == '\n' ? ' ' : *from;

		if (c != ' ' || to == text || to[-1] != ' ')
			*to++ = c;
	}
	*to = '\0';
}

/* Runs the verb; what it printed is in @out. */
static int diff(const char *from, const char *to)
{
	char a[16], b[16], *argv[] = { (char[]){ "kernel" }, (char[]){ "diff" }, a, b, NULL };
	struct capture capture;
	int status;

	snprintf(a, sizeof(a), "%s", from);
	snprintf(b, sizeof(b), "%s", to);
	capture_begin(&capture, true, false);
	status = cli_main(&kernel_verb, 4, argv);
	capture_end(&capture, out, sizeof(out));
	return status;
}

static void check_row(const struct vfiosim_kernel_change *change, struct vfiosim_kernel older,
		      struct vfiosim_kernel newer)
{
	bool expected = kernel_before(older, change->since) && !kernel_before(newer, change->since);
	char after[500];

	snprintf(after, sizeof(after), " %u.%u: %s", change->since.major, change->since.minor,
		 change->after);
	ck_assert_msg(!!strstr(out, after) == expected, "%s:%s\n%s", change->about, after, out);
	ck_assert(!expected || (strstr(out, change->before) && strstr(out, change->about)));
}

START_TEST(each_difference_is_told_between_its_versions)
{
	static const char *const versions[] = { "6.1", "6.2", "6.6", "6.12", "6.13", "6.18", "7.2" };
	const struct vfiosim_kernel_change *change;
	struct vfiosim_kernel older, newer;

	for (size_t i = 0; i + 1 < sizeof(versions) / sizeof(versions[0]); i++) {
		ck_assert_int_eq(diff(versions[i], versions[i + 1]), 0);
		unwrap(out);
		ck_assert(vfiosim_kernel_parse(versions[i], &older));
		ck_assert(vfiosim_kernel_parse(versions[i + 1], &newer));
		for (size_t j = 0; (change = vfiosim_kernel_change(j)); j++)
			check_row(change, older, newer);
	}
}
END_TEST

/* From old to new; the last is what a machine is by itself. */
START_TEST(profiles_are_told)
{
	const struct vfiosim_kernel_profile *profile, *last = NULL;

	for (size_t i = 0; (profile = vfiosim_kernel_profile(i)); i++) {
		ck_assert(*profile->about);
		ck_assert(!last || profile->kernel.major > last->kernel.major ||
			  profile->kernel.minor > last->kernel.minor);
		last = profile;
	}
	ck_assert(last && last->kernel.major == 7 && last->kernel.minor == 2);
}
END_TEST

START_TEST(commands_have_the_release_they_came_with)
{
	ck_assert_int_eq(diff("7.2", "6.12"), 0);	/* either order */
	ck_assert(strstr(out, "\nCommands of /dev/iommu that 6.12 does not know (ENOTTY):\n"));
	ck_assert(!strstr(out, "Commands of VFIO"));
	ck_assert(strstr(out, "  IOMMU_IOAS_MAP_FILE                since 6.13\n"));
	ck_assert(!strstr(out, "IOMMU_FAULT_QUEUE_ALLOC"));
	ck_assert(!strstr(out, "  VFIO_DEVICE_BIND_IOMMUFD  "));	/* another shape, not new */
	ck_assert_int_eq(diff("6.5", "6.6"), 0);
	ck_assert(strstr(out, "  VFIO_DEVICE_BIND_IOMMUFD           since 6.6\n"));
	ck_assert(strstr(out, "\nCommands of VFIO that 6.5 does not know (ENOTTY):\n  VFIO_"));
	ck_assert_int_eq(diff("6.1", "6.2"), 0);
	ck_assert(!strstr(out, "Commands of"));
	ck_assert_int_eq(diff("6.1", "6.11"), 0);
	ck_assert(strstr(out, "\nCommands of /dev/iommu since 6.2: IOMMU_DESTROY, "));
	ck_assert_int_eq(diff("6.12", "6.12"), 0);
	ck_assert_str_eq(out, "vfiosim knows no difference between Linux 6.12 and 6.12\n");
	ck_assert_int_eq(diff("6.12", "5.4"), 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel");
	TCase *tcase = tcase_create("diff");

	tcase_add_test(tcase, each_difference_is_told_between_its_versions);
	tcase_add_test(tcase, profiles_are_told);
	tcase_add_test(tcase, commands_have_the_release_they_came_with);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
