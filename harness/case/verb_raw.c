/* SPDX-License-Identifier: MIT */
/*
 * Raw verbs: open, close, dup, send, read, write and the like; `ioctl` is in verb_ioctl.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <vfiosim/topology.h>
#include <vfiosim/vfiosim.h>

#include "case/host.h"
#include "case/verb.h"

static const char *const nothing[] = { NULL };

int raw_handle(struct run *run, const struct step *step, const char *key, int *ret_fd)
{
	const char *name = step_text(step, key, "");
	char *end;

	*ret_fd = run_fd(run, name);
	if (*ret_fd >= 0)
		return 0;
	*ret_fd = (int)strtol(name, &end, 10);	/* a number of one's own: -1, 9999 */
	return *end || end == name ? run_broken(run, "nothing open is called '%s'", name) : 0;
}

int raw_name(struct run *run, const char *name, int fd)
{
	struct named *named = run_name(run, NAMED_FD, name);

	if (!named)
		return run_broken(run, "too many names in one case");
	named->fd = fd;
	return 0;
}

/* ---- open, close, dup, send -------------------------------------------- */

/* The path of what is to be opened: a group's node, a device's own, or as the case has it. */
static int path_of(struct run *run, const struct step *step, char *to, size_t size)
{
	const char *group = step_text(step, "group", NULL);
	const char *name = step_text(step, "device", group);
	const struct target_device *device = name ? run_device(run, name) : NULL;

	if (name && !device)
		return run_skip(run, "no device was named for '%s'", name);
	if (name && !group)
		return run->target->ops->cdev(run->proc, device, to, size);
	snprintf(to, size, "%s",
		 device ? device->node :
			  step_text(step, "path",
				    run->play->mode == MODE_IOMMUFD ? "/dev/iommu" :
								      "/dev/vfio/vfio"));
	return 0;
}

static int open_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *as = step_text(step, "as", "");
	char path[256];
	int fd, error = path_of(run, step, path, sizeof(path));

	if (error == RUN_SKIP)
		return error;
	if (error)
		return run_answer(run, error, ret_result);
	fd = run->target->ops->open(run->proc, path);
	if (fd < 0)
		return run_answer(run, fd, ret_result);
	return raw_name(run, as, fd);
}

static int event_open_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd = run->target->ops->eventfd(run->proc);

	if (fd < 0)
		return run_answer(run, fd, ret_result);
	return raw_name(run, step_text(step, "as", ""), fd);
}

static int memfd_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd = run->target->ops->memfd(run->proc, step_number(step, "size", 0),
					 step_number(step, "sealed", 0));

	if (fd < 0)
		return run_answer(run, fd, ret_result);
	return raw_name(run, step_text(step, "as", ""), fd);
}

static int close_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd, error = raw_handle(run, step, "what", &fd);

	if (error)
		return error;
	error = run_answer(run, run->target->ops->close(run->proc, fd), ret_result);
	if (!step->by && !ret_result->error)
		raw_name(run, step_text(step, "what", ""), -1);
	return error;
}

static int dup_run(struct run *run, const struct step *step, struct result *ret_result)
{
	int fd, error = raw_handle(run, step, "what", &fd);

	if (error)
		return error;
	fd = run->target->ops->dup(run->proc, fd);
	return fd < 0 ? run_answer(run, fd, ret_result) :
			raw_name(run, step_text(step, "as", ""), fd);
}

static int send_run(struct run *run, const struct step *step, struct result *ret_result)
{
	const char *to = step_text(step, "to", "");
	const struct named *named = run_named(run, NAMED_PROC, to);
	int fd, error = raw_handle(run, step, "what", &fd);

	if (error)
		return error;
	if (!named || !named->proc)
		return run_broken(run, "no process is called '%s'", to);
	fd = run->target->ops->send(run->proc, fd, named->proc);
	return fd < 0 ? run_answer(run, fd, ret_result) :
			raw_name(run, step_text(step, "as", ""), fd);
}

/* ---- read, write: registers and config space --------------------------- */

#define READ_MAX 80	/* bytes; the first 8 are the value */

/* The file and the offset in it that a step speaks of; without a region: the file's own. */
static int place_of(struct run *run, const struct step *step, int *ret_fd, uint64_t *ret_offset)
{
	const struct arg *region = step_arg(step, "region");
	uint64_t size;
	int error = raw_handle(run, step, "on", ret_fd);

	*ret_offset = 0;
	if (!error && region)
		error = run_region(run, *ret_fd, (unsigned)region->number, ret_offset, &size);
	*ret_offset += step_number(step, "at", 0);
	return error;
}

static int read_run(struct run *run, const struct step *step, struct result *ret_result)
{
	uint64_t size = step_number(step, "size", 4), offset, values[READ_MAX / 8] = { 0 };
	int fd, error = place_of(run, step, &fd, &offset);
	ssize_t n;

	if (error)
		return error;
	if (size > sizeof(values))
		return run_broken(run, "read takes at most %zu bytes", sizeof(values));
	n = run->target->ops->pread(run->proc, fd, values, size, offset);
	if (n >= 0) {
		result_number(ret_result, "value", values[0]);
		result_number(ret_result, "bytes", (uint64_t)n);
	}
	return run_answer(run, n, ret_result);
}

static int write_run(struct run *run, const struct step *step, struct result *ret_result)
{
	uint64_t size = step_number(step, "size", 4), offset, value = step_number(step, "value", 0);
	int fd, error = place_of(run, step, &fd, &offset);

	if (error)
		return error;
	if (size > sizeof(value))
		return run_broken(run, "write takes at most 8 bytes");
	return run_answer(run, run->target->ops->pwrite(run->proc, fd, &value, size, offset),
			  ret_result);
}

static int mmap_run(struct run *run, const struct step *step, struct result *ret_result)
{
	uint64_t size = step_number(step, "size", VFIOSIM_PAGE_SIZE), offset, uva;
	int fd, error = place_of(run, step, &fd, &offset);
	struct named *named;

	if (error)
		return error;
	error = run->target->ops->mmap_fd(run->proc, fd, offset, size, &uva);
	if (error)
		return run_answer(run, error, ret_result);
	named = run_name(run, NAMED_MEMORY, step_text(step, "as", ""));
	if (!named)
		return run_broken(run, "too many names in one case");
	named->uva = uva;
	named->size = size;
	return 0;
}

/* ---- sysfs ------------------------------------------------------------- */

/* "{nic0}" in a path or text is the device's address: how many of those are there? RUN_SKIP. */
static int fill_address(struct run *run, const char *from, char *to, size_t size)
{
	const char *open = strchr(from, '{'), *close = open ? strchr(open, '}') : NULL;
	const struct target_device *device = NULL;
	char name[RUN_NAME_MAX] = "";

	if (close && (size_t)(close - open) < sizeof(name)) {
		memcpy(name, open + 1, (size_t)(close - open) - 1);
		device = run_device(run, name);
		if (!device && !run->target->simulated)
			return run_skip(run, "no device was named for '%s': --device %s=ADDRESS",
					name, name);
	}
	if (device)
		snprintf(to, size, "%.*s%s%s", (int)(open - from), from, device->address,
			 close + 1);
	else
		snprintf(to, size, "%s", from);
	return device ? 1 : 0;
}

/*
 * On this computer a step that names no device: does it leave the others alone? A parameter
 * is put back, and a driver may be told of a device that is not there.
 */
static bool is_harmless(const char *path, const char *text)
{
	char device[256];

	snprintf(device, sizeof(device), "/sys/bus/pci/devices/%.200s", text);
	return host_puts_back(path) ||
	       (!strncmp(path, "/sys/bus/pci/drivers/", strlen("/sys/bus/pci/drivers/")) && *text &&
		access(device, F_OK));
}

#define SYSFS_TEXT_MAX 4097	/* a page, more than any file takes */

static int sysfs_run(struct run *run, const struct step *step, struct result *ret_result)
{
	char path[256], text[SYSFS_TEXT_MAX];
	size_t n, pad = step_number(step, "pad", 0);
	int of_file = fill_address(run, step_text(step, "file", ""), path, sizeof(path));
	int of_text = fill_address(run, step_text(step, "write", ""), text, sizeof(text));
	int answer;

	if (of_file < 0 || of_text < 0)
		return RUN_SKIP;
	if (!run->target->simulated && !of_file && !of_text && !is_harmless(path, text))
		return run_skip(run, "%s is not about a device that was named", path);
	for (n = strlen(text); n < pad && n < sizeof(text) - 1; n++)
		text[n] = 'x';
	text[n] = '\0';
	answer = run->target->ops->write_file(run->proc, path, text);
	if (answer == -ENOSYS && !run->target->simulated)
		return run_skip(run, "%s is this computer's own: --allow-sysfs writes it", path);
	return run_answer(run, answer, ret_result);
}

static const char *const read_gives[] = { "value", "bytes", NULL };

const struct verb verbs_raw[] = {
	{
		.name = "open",
		.about = "open a container (mode iommufd: /dev/iommu), the group of a device, a device's "
			 "own node, or a path",
		.fields = (const struct verb_field[]){
			{ "as", ARG_NAME, true, NULL },
			{ "group", ARG_DEVICE, false, NULL },
			{ "device", ARG_DEVICE, false, NULL },
			{ "path", ARG_TEXT, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = open_run,
	},
	{
		.name = "close",
		.about = "close what `open`, `attach` or `dup` gave a name",
		.fields = (const struct verb_field[]){
			{ "what", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = close_run,
	},
	{
		.name = "dup",
		.about = "a second descriptor of the same open file",
		.fields = (const struct verb_field[]){
			{ "what", ARG_NAME, true, NULL },
			{ "as", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = dup_run,
	},
	{
		.name = "send",
		.about = "a descriptor goes to another process, as SCM_RIGHTS passes it",
		.fields = (const struct verb_field[]){
			{ "what", ARG_NAME, true, NULL },
			{ "to", ARG_NAME, true, NULL },
			{ "as", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = send_run,
	},
	{
		.name = "eventfd",
		.about = "a descriptor that counts interrupts",
		.fields = (const struct verb_field[]){
			{ "as", ARG_NAME, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = event_open_run,
	},
	{
		.name = "memfd",
		.about = "a file in memory, that can be mapped as one",
		.fields = (const struct verb_field[]){
			{ "as", ARG_NAME, true, NULL },
			{ "size", ARG_NUMBER, true, NULL },
			{ "sealed", ARG_BOOL, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = memfd_run,
	},
	{
		.name = "read",
		.about = "read up to 80 bytes of a device or another file, value is the first 8; region 7 is its config space",
		.fields = (const struct verb_field[]){
			{ "on", ARG_NAME, true, NULL },
			{ "region", ARG_NUMBER, false, NULL },
			{ "at", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = read_gives,
		.run = read_run,
	},
	{
		.name = "write",
		.about = "write 1 to 8 bytes of a device",
		.fields = (const struct verb_field[]){
			{ "on", ARG_NAME, true, NULL },
			{ "region", ARG_NUMBER, false, NULL },
			{ "at", ARG_NUMBER, true, NULL },
			{ "size", ARG_NUMBER, false, NULL },
			{ "value", ARG_NUMBER, true, NULL },
			{ NULL } },
		.gives = nothing,
		.run = write_run,
	},
	{
		.name = "mmap",
		.about = "map a part of a device; the memory gets a name",
		.fields = (const struct verb_field[]){
			{ "on", ARG_NAME, true, NULL },
			{ "as", ARG_NAME, true, NULL },
			{ "region", ARG_NUMBER, false, NULL },
			{ "at", ARG_NUMBER, false, NULL },
			{ "size", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = mmap_run,
	},
	{
		.name = "sysfs",
		.about = "write a text into a file of sysfs, made longer to `pad` bytes; {nic0} stands for "
			 "nic0's address",
		.fields = (const struct verb_field[]){
			{ "file", ARG_TEXT, true, NULL },
			{ "write", ARG_TEXT, true, NULL },
			{ "pad", ARG_NUMBER, false, NULL },
			{ NULL } },
		.gives = nothing,
		.run = sysfs_run,
		.play = sysfs_run,
	},
	{ .name = NULL },
};
