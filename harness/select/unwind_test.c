/* SPDX-License-Identifier: MIT */
/*
 * The selection engine against the machine: whatever fails while a device comes in, once,
 * with each errno it can give, the device comes in all the same or nothing is left of the
 * attempt.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/fault.h>
#include <vfiosim/state.h>

#include "select/select.h"
#include "base/suite_test.h"
#include "target.h"

#define RAM_SIZE 0x100000u

static struct vfiosim_topology *topology;

static void setup(void)
{
	struct vfiosim_errors errors;

	ck_assert_int_eq(vfiosim_topology_load("hotadd", &topology, &errors), 0);
}

static void teardown(void)
{
	vfiosim_topology_free(topology);
}

/* A machine, a program on it, and its address space. */
struct program {
	struct target *target;
	struct vfiosim *sim;
	struct proc *proc;
	struct selector *selector;
};

static void program_init(struct program *program, const struct policy *policy)
{
	struct section ram = { .kind = SECTION_RAM, .iova = 0, .size = RAM_SIZE };

	ck_assert_int_eq(target_inproc_create(topology, NULL, &program->target), 0);
	program->sim = target_inproc_machine(program->target);
	ck_assert_int_eq(program->target->ops->process(program->target, NULL, &program->proc), 0);
	ck_assert_int_eq(program->target->ops->mmap(program->proc, MEMORY_RAM, RAM_SIZE, &ram.uva), 0);
	ck_assert_int_eq(selector_create(program->proc, policy, &program->selector), 0);
	ck_assert_int_eq(selector_add(program->selector, &ram), 0);
}

static void program_done(struct program *program)
{
	selector_destroy(program->selector);
	target_destroy(program->target);
}

/* Containers, iommufds, groups: not how often something was done. */
static char *picture(const struct program *program)
{
	char *text, *from, *end;

	ck_assert_int_eq(vfiosim_state_json(program->sim, &text), 0);
	from = strstr(text, "\"containers\"");
	ck_assert_ptr_nonnull(from);
	end = strstr(from, "\n  \"clients\"");
	ck_assert_ptr_nonnull(end);
	*end = 0;
	memmove(text, from, strlen(from) + 1);
	return text;
}

static void expect_nothing_left(const struct program *program, const char *before, const char *fault)
{
	char *after = picture(program);

	ck_assert_msg(!strcmp(before, after), "%s is left behind:\n%s", fault, after);
	free(after);
	ck_assert_uint_eq(selector_spaces(program->selector), 0);
	ck_assert_uint_eq(selector_discards(program->selector), 0);
	ck_assert_str_eq(selector_refused(program->selector, 0), "nic0");
}

/* False: @fault does not happen so often. */
static bool plug_with(const struct policy *policy, const struct vfiosim_fault *fault)
{
	char problem[VFIOSIM_FAULT_TEXT_MAX], text[VFIOSIM_FAULT_TEXT_MAX], *before;
	struct vfiosim_fault_count count;
	struct program program;
	uint32_t id;
	int error;

	program_init(&program, policy);
	vfiosim_fault_text(fault, text, sizeof(text));
	before = picture(&program);
	ck_assert_msg(!vfiosim_fault_add(program.sim, fault, &id, problem, sizeof(problem)), "%s",
		      problem);
	error = selector_plug(program.selector, target_device(program.target, "nic0"), false);
	ck_assert_int_eq(vfiosim_fault_count(program.sim, id, &count), 0);
	if (error && !selector_aborted(program.selector))
		expect_nothing_left(&program, before, text);
	free(before);
	program_done(&program);
	return count.fired;
}

static size_t each_time(const struct policy *policy, struct vfiosim_fault fault)
{
	uint64_t n = 1;

	do
		fault.when = (struct vfiosim_fault_when){ .first = n, .last = n };
	while (plug_with(policy, &fault) && ++n);
	return n - 1;
}

START_TEST(every_failure_unwinds)
{
	const struct policy *policy = policy_at((size_t)_i);
	const struct vfiosim_fault_site_info *site = NULL;
	const struct vfiosim_command *row;
	size_t n = 0;

	for (size_t i = 0; (row = vfiosim_command(i)); i++) {
		for (const int *error = row->errors; error && *error; error++)
			n += each_time(policy, (struct vfiosim_fault){
						       .site = VFIOSIM_FAULT_COMMAND,
						       .command = row, .error = *error });
		for (const long *value = row->returns; value && *value >= 0; value++)
			n += each_time(policy, (struct vfiosim_fault){
						       .site = VFIOSIM_FAULT_COMMAND, .command = row,
						       .returns = true, .value = *value });
	}
	for (size_t i = VFIOSIM_FAULT_COMMAND + 1; (site = vfiosim_fault_site(i)); i++)
		for (const int *error = site->errors; *error; error++)
			n += each_time(policy, (struct vfiosim_fault){
						       .site = (enum vfiosim_fault_site)i,
						       .error = *error });
	ck_assert_uint_gt(n, 40);
}
END_TEST

static int count_policies(void)
{
	int n = 0;

	while (policy_at((size_t)n))
		n++;
	return n;
}

int main(void)
{
	Suite *suite = suite_create("unwind");
	TCase *tests = tcase_create("policies");

	tcase_set_timeout(tests, 120);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, every_failure_unwinds, 0, count_policies());
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
