/* SPDX-License-Identifier: MIT */
/*
 * The errnos that a command's row lists are those that the kernel gives: what a case gets
 * is listed, and what is listed is got by a case, or by a fault inside of the command, or
 * its source is named here.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/command.h>
#include <vfiosim/fault.h>
#include <vfiosim/trace.h>
#include <vfiosim/vfiosim.h>

#include "base/errors.h"
#include "base/suite_test.h"
#include "case/library.h"
#include "case/run.h"
#include "fault_args.h"

#define COMMANDS_MAX 128
#define ERRNOS_MAX 32

/* By a command's place in the table, and an errno's in its row. */
struct reached {
	bool errnos[COMMANDS_MAX][ERRNOS_MAX];
	bool commands[COMMANDS_MAX]; /* were issued; cleared by who asks */
};

/*
 * The row of the command in another kernel may come first: what either answers counts
 * for both, as their lists are one.
 */
static size_t index_of(const struct vfiosim_command *command)
{
	const struct vfiosim_command *row;
	size_t i = 0;

	while ((row = vfiosim_command(i)) != command &&
	       (row->errors != command->errors || strcmp(row->name, command->name)))
		i++;
	ck_assert_uint_lt(i, COMMANDS_MAX);
	return i;
}

/* Where @error stands in the row; ERRNOS_MAX: nowhere. */
static size_t place_of(const struct vfiosim_command *command, int error)
{
	for (size_t k = 0; command->errors && command->errors[k]; k++) {
		ck_assert_uint_lt(k, ERRNOS_MAX);
		if (command->errors[k] == error)
			return k;
	}
	return ERRNOS_MAX;
}

/* A fault that a case injects at the command itself proves nothing. */
static bool has_reason(const struct vfiosim_event *event)
{
	return event->rule && (strcmp(event->rule->id, "injected") || strstr(event->reason, ",command="));
}

static void note_errno(void *ctx, const struct vfiosim_event *event)
{
	struct reached *reached = ctx;
	size_t k;

	if (!event->command)
		return;
	reached->commands[index_of(event->command)] = true;
	if (event->result >= 0)
		return;
	k = place_of(event->command, (int)-event->result);
	ck_assert_msg(k < ERRNOS_MAX, "%s answers %s (%s), which its row does not list",
		      event->command->name, strerrorname_np((int)-event->result),
		      event->rule ? event->rule->id : "no rule");
	if (has_reason(event))
		reached->errnos[index_of(event->command)][k] = true;
}

/* @faults: NULL, or what fails besides. */
static void play_once(const struct play *play, const struct fault_args *faults,
		      struct reached *reached)
{
	struct vfiosim_errors why;
	struct play whole;

	ck_assert_int_eq(case_play_make(play->file, play->variant, play->mode, play->policy, &whole,
					&why),
			 0);
	ck_assert_int_eq(fault_args_apply(faults, whole.topology), 0);
	ck_assert_int_eq(run_play_heard(&whole, note_errno, reached), 0);
	case_play_done(&whole);
}

/* Plays what passes the filter; a play is one of a file's variants, in one mode, by one policy. */
static void play_files(const struct library *library, struct reached *reached)
{
	struct play_filter filter = { .mode = -1 };
	struct play *plays;
	size_t n;

	ck_assert_int_eq(library_plays(library, &filter, &plays, &n), 0);
	for (size_t i = 0; i < n; i++)
		play_once(&plays[i], NULL, reached);
	library_plays_done(plays, n);
}

/* ---- What any command refuses ---- */

/* A file of each kind, by the names of a case's steps. */
static const struct {
	unsigned kind;
	const char *mode, *set_up, *on;
} files[] = {
	{ VFIOSIM_CONTAINER, "legacy", "- attach: {device: A, to: first}", "first" },
	{ VFIOSIM_GROUP, "legacy", "- attach: {device: A, to: first}", "A.group" },
	{ VFIOSIM_DEVICE, "legacy", "- attach: {device: A, to: first}", "A" },
	{ VFIOSIM_DEVICE, "iommufd", "- attach: {device: A, to: first}", "A" },
	{ VFIOSIM_DEVICE, "iommufd", "- open: {as: d, device: A}", "d" },
	{ VFIOSIM_IOMMUFD, "iommufd", "- attach: {device: A, to: first}", "iommufd" },
};

/* Arguments that are wrong for most commands. */
static const char *const arguments[] = {
	"arg: 8",
	"argsz: 4",
	"size: 4",
	"tail: [1]",
	"flags: 0x40000000",
	"set: {4: 999}",
	"set: {8: 999}",
	"set: {12: 999}",
	"set: {16: 999}",
	"set: {20: 999}",
	"set: {28: 999}",
	"set: {8: 1, 12: 1, 16: 1}",
	"set: {12: 1, 32: 4096}",
	"set: {12: 1, 24: -1, 28: -1, 32: 4096}",
	"option_id: 1, object_id: 999",
	"op: 1, ioas_id: 999",
	"flags: 3, length: 4K, ioas_id: 999",
};

static void ask(const struct vfiosim_command *command, size_t file, const char *argument,
		struct reached *reached)
{
	struct case_file *asked;
	struct vfiosim_errors why;
	struct library library = { .files = &asked, .n = 1 };
	char text[600];
	int n = snprintf(text, sizeof(text),
			 "about: an argument\ntopology: q35\nmodes: [%s]\nsteps:\n%s\n"
			 "- ioctl: {on: %s, command: %s, %s}\n",
			 files[file].mode, files[file].set_up, files[file].on, command->name,
			 argument);

	errors_init(&why);
	/* It is wrong for this one as well: there is no such field. */
	if (case_parse("asked.yaml", text, (size_t)n, &asked, &why))
		return;
	play_files(&library, reached);
	case_free(asked);
}

static void ask_all(struct reached *reached)
{
	const struct vfiosim_command *command;

	for (size_t i = 0; (command = vfiosim_command(i)); i++)
		for (size_t file = 0; file < sizeof(files) / sizeof(files[0]); file++)
			for (size_t k = 0; k < sizeof(arguments) / sizeof(arguments[0]); k++)
				if (command->kinds & files[file].kind)
					ask(command, file, arguments[k], reached);
}

/* ---- What fails inside of commands ---- */

struct inside {
	struct play *plays;
	size_t n;
	bool (*issues)[COMMANDS_MAX]; /* by play */
	struct reached *reached;
};

static bool gives(const int *errors, int error)
{
	while (errors && *errors && *errors != error)
		errors++;
	return errors && *errors;
}

/* Plays with the fault until the command answers it. */
static void fail_inside(struct inside *inside, size_t command, size_t place, const char *site)
{
	int error = vfiosim_command(command)->errors[place];
	char text[200];
	struct fault_args faults = { .texts = { text }, .n = 1 };

	snprintf(text, sizeof(text), "%s,command=%s,error=%s", site, vfiosim_command(command)->name,
		 strerrorname_np(error));
	for (size_t i = 0; i < inside->n; i++) {
		if (inside->reached->errnos[command][place])
			return;
		if (!inside->issues[i][command])
			continue;
		play_once(&inside->plays[i], &faults, inside->reached);
	}
}

static void fail_each(struct inside *inside, size_t command, size_t place)
{
	int error = vfiosim_command(command)->errors[place];
	const struct vfiosim_fault_site_info *site;

	for (size_t i = VFIOSIM_FAULT_PIN; (site = vfiosim_fault_site(i)); i++)
		if (!inside->reached->errnos[command][place] && gives(site->errors, error))
			fail_inside(inside, command, place, site->name);
}

static void fail_all(const struct library *library, struct reached *reached)
{
	struct play_filter filter = { .mode = -1 };
	struct inside inside = { .reached = reached };
	const struct vfiosim_command *command;

	ck_assert_int_eq(library_plays(library, &filter, &inside.plays, &inside.n), 0);
	inside.issues = calloc(inside.n, sizeof(*inside.issues));
	ck_assert_ptr_nonnull(inside.issues);
	for (size_t i = 0; i < inside.n; i++) {
		memset(reached->commands, 0, sizeof(reached->commands));
		play_once(&inside.plays[i], NULL, reached);
		memcpy(inside.issues[i], reached->commands, sizeof(reached->commands));
	}
	for (size_t i = 0; (command = vfiosim_command(i)); i++)
		for (size_t k = 0; command->errors && command->errors[k]; k++)
			if (!reached->errnos[i][k])
				fail_each(&inside, i, k);
	free(inside.issues);
	library_plays_done(inside.plays, inside.n);
}

/* ---- Errnos of a kernel that the simulated machine never gives ---- */

static const struct {
	const char *command;
	int error;
	const char *source;
} elsewhere[] = {
	{ "VFIO_SET_IOMMU", EIO, "vfio_iommu_type1_attach_group: no domain, until 6.10" },
	{ "VFIO_GROUP_SET_CONTAINER", EIO, "vfio_iommu_type1_attach_group: no domain, until 6.10" },
	{ "VFIO_IOMMU_GET_INFO", ENOMEM, "vfio_info_cap_add" },
	{ "VFIO_IOMMU_DIRTY_PAGES", ENOMEM, "vfio_dma_bitmap_alloc" },
	{ "VFIO_GROUP_GET_DEVICE_FD", EACCES, "vfio_pci_validate_vf_token: of virtual functions" },
	{ "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", ENOMEM, "vfio_pci_ioctl_get_pci_hot_reset_info" },
	{ "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", EPERM,
	  "vfio_pci_fill_devs: a device without a group" },
	{ "VFIO_DEVICE_GET_PCI_HOT_RESET_INFO", EAGAIN,
	  "vfio_pci_fill_devs: one was plugged meanwhile" },
	{ "VFIO_DEVICE_PCI_HOT_RESET", ENOMEM, "vfio_pci_ioctl_pci_hot_reset_groups" },
	{ "VFIO_DEVICE_PCI_HOT_RESET", EBUSY, "vfio_pci_dev_set_hot_reset: somebody reads a BAR" },
	{ "VFIO_DEVICE_FEATURE", ENOMEM, "vfio_pci_core_feature_dma_buf" },
	{ "IOMMU_IOAS_ALLOW_IOVAS", ENOMEM, "iommufd_ioas_load_iovas" },
	{ "IOMMU_IOAS_UNMAP", EBUSY, "iopt_unmap_iova_range: another thread unmaps the same" },
	{ "VFIO_IOMMU_UNMAP_DMA", EBUSY, "iopt_unmap_iova_range: another thread unmaps the same" },
	{ "IOMMU_IOAS_CHANGE_PROCESS", ENOMEM, "iommufd_take_all_iova_rwsem" },
	{ "IOMMU_GET_HW_INFO", ENOMEM, "intel_iommu_hw_info" },
	{ "IOMMU_HWPT_GET_DIRTY_BITMAP", ENOMEM, "iova_bitmap_alloc" },
};

#define N_ELSEWHERE (sizeof(elsewhere) / sizeof(elsewhere[0]))

/* The row that says who gives it; N_ELSEWHERE: none. */
static size_t said_elsewhere(const struct vfiosim_command *command, int error)
{
	size_t i = 0;

	while (i < N_ELSEWHERE &&
	       (elsewhere[i].error != error || strcmp(elsewhere[i].command, command->name)))
		i++;
	return i;
}

START_TEST(a_listed_errno_has_a_rule_or_a_source)
{
	static struct reached reached;
	bool used[N_ELSEWHERE] = { false };
	const struct vfiosim_command *command;
	struct vfiosim_errors why;
	struct library library;
	char missing[1000] = "";
	size_t n = 0;

	ck_assert_int_eq(library_load(NULL, 0, &library, &why), 0);
	ask_all(&reached);
	fail_all(&library, &reached);
	library_done(&library);
	for (size_t i = 0; (command = vfiosim_command(i)); i++) {
		for (size_t k = 0; command->errors && command->errors[k]; k++) {
			size_t row = said_elsewhere(command, command->errors[k]);

			if (reached.errnos[index_of(command)][k])
				continue;
			if (row < N_ELSEWHERE)
				used[row] = true;
			else if (n < sizeof(missing))
				n += (size_t)snprintf(missing + n, sizeof(missing) - n, "\n%s %s",
						      command->name,
						      strerrorname_np(command->errors[k]));
		}
	}
	ck_assert_msg(!n, "listed, but never answered, and nothing says which function gives it:%s",
		      missing);
	for (size_t i = 0; i < N_ELSEWHERE; i++)
		ck_assert_msg(used[i], "%s: %s is answered now, or is not listed",
			      elsewhere[i].command, strerrorname_np(elsewhere[i].error));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("errnos");
	TCase *tests = tcase_create("errnos");

	tcase_set_timeout(tests, 240);
	tcase_add_test(tests, a_listed_errno_has_a_rule_or_a_source);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
