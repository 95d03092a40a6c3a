/* SPDX-License-Identifier: MIT */
/* The dispatcher; see dispatch.h. */
#include "abi/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfio/cdev.h"
#include "machine/client.h"
#include "vfio/container.h"
#include "machine/file.h"
#include "machine/sim.h"
#include "machine/tracing.h"

/* ---- Rows ---- */

static const struct command *table_of(unsigned kind)
{
	switch (kind) {
	case VFIOSIM_CONTAINER:
		return container_commands;
	case VFIOSIM_GROUP:
		return group_commands;
	case VFIOSIM_DEVICE:
		return device_commands;
	case VFIOSIM_IOMMUFD:
		return iommufd_commands;
	default:
		return NULL;
	}
}

static const struct command *find(const struct command *table, uint32_t number)
{
	for (; table && table->row.name; table++)
		if (table->row.number == number)
			return table;
	return NULL;
}

static const struct command *find_command(unsigned kind, uint32_t number)
{
	const struct command *command = find(table_of(kind), number);

	if (!command && kind == VFIOSIM_CONTAINER)
		command = find(type1_commands, number);
	if (!command && kind == VFIOSIM_IOMMUFD)
		command = find(hwpt_commands, number);
	if (!command && kind == VFIOSIM_IOMMUFD)
		command = find(iommufd_absent_commands, number);
	if (!command && kind == VFIOSIM_IOMMUFD)
		command = find(compat_commands, number);
	return command;
}

const struct vfiosim_command *vfiosim_command_by_number(unsigned kind, uint32_t number)
{
	const struct command *command = find_command(kind, number);

	return command ? &command->row : NULL;
}

const struct vfiosim_command *vfiosim_command(size_t index)
{
	const struct command *const tables[] = { container_commands, type1_commands, group_commands,
						 device_commands, iommufd_commands, hwpt_commands,
						 iommufd_absent_commands, compat_commands };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct command *row = tables[i]; row->row.name; row++)
			if (!index--)
				return &row->row;
	return NULL;
}

const struct vfiosim_command *vfiosim_command_by_name(const char *name)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; (row = vfiosim_command(i)); i++)
		if (!strcmp(row->name, name))
			return row;
	return NULL;
}

/* ---- For handlers ---- */

int call_read(struct call *call, uint64_t uva, void *to, size_t size)
{
	const struct vfiosim_client *client = call->caller->client;

	return client->ops->read(client->ctx, uva, to, size);
}

int refuse_address(struct call *call, uint64_t uva, const char *access)
{
	return refuse(call, RULE_BAD_ADDRESS, V("uva", uva), VS("access", access));
}

/* ---- A command's phases ---- */

/* A likely slip: the same number is known to another kind of file. */
static const char *hint_for(unsigned kind, uint32_t number)
{
	static const struct {
		unsigned kind;
		const char *text;
	} others[] = {
		{ VFIOSIM_CONTAINER, " (a container does)" },
		{ VFIOSIM_GROUP, " (a group does)" },
		{ VFIOSIM_DEVICE, " (a device does)" },
		{ VFIOSIM_IOMMUFD, " (an iommufd does)" },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].kind != kind && find_command(others[i].kind, number))
			return others[i].text;
	return "";
}

static int refuse_unknown(struct call *call, uint32_t number)
{
	char object[FILE_NAME_MAX];

	trace_object(call->file, object, sizeof(object));
	return refuse(call, RULE_UNKNOWN_COMMAND, VS("object", object), V("command", number),
		      VS("hint", hint_for(call->file->ops->kind, number)));
}

/* What a container answers to a command that is its IOMMU driver's. */
static int check_driver(struct call *call)
{
	const enum container_driver driver = container_from_file(call->file)->driver;

	switch (driver) {
	case DRIVER_NONE:
		return refuse(call, RULE_NO_IOMMU_SET);
	case DRIVER_NOIOMMU:
		return refuse_unknown(call, call->number);
	case DRIVER_TYPE1:
		return call->command ? 0 : refuse_unknown(call, call->number);
	}
	return 0;
}

/* Numbers of the kernel's own table: it reads the size before it looks what they are. */
static bool in_iommufd_table(uint32_t number)
{
	return _IOC_NR(number) >= 0x80 && _IOC_NR(number) <= 0xa0;
}

/* No lock: there is no row that could ask for one. */
static int refuse_iommufd_unknown(struct call *call)
{
	uint32_t size;

	if (call_read(call, call->arg, &size, sizeof(size)))
		return refuse_address(call, call->arg, "read");
	return refuse_unknown(call, call->number);
}

static int decide_early(struct call *call)
{
	if (call->file->ops->kind == VFIOSIM_DEVICE && !(call->command && call->command->unbound)) {
		int ret = cdev_check_bound(call);

		if (ret)
			return ret;
	}
	if (call->file->ops->kind == VFIOSIM_CONTAINER &&
	    (!call->command || call->command->row.needs_iommu)) {
		int ret = check_driver(call);

		if (ret)
			return ret;
	}
	if (!call->command && call->file->ops->kind == VFIOSIM_IOMMUFD && in_iommufd_table(call->number))
		return refuse_iommufd_unknown(call);
	if (!call->command)
		return refuse_unknown(call, call->number);
	return call->command->early ? call->command->early(call) : 0;
}

static int decide(struct call *call)
{
	/* The driver may have gone while no lock was held. */
	if (call->command->row.needs_iommu) {
		int ret = check_driver(call);

		if (ret)
			return ret;
	}
	return call->command->run(call);
}

static uint32_t in_u32(const struct call *call, size_t offset)
{
	uint32_t value;

	memcpy(&value, call->in.bytes + offset, sizeof(value));
	return value;
}

/* More than the minimum when the client says there is more and we know what it is. */
static int copy_rest(struct call *call, const struct vfiosim_command *row)
{
	size_t size = in_u32(call, 0);

	if (size > row->full_size)
		size = row->full_size;
	if (size <= row->min_size)
		return 0;
	if (call_read(call, call->arg + row->min_size, call->in.bytes + row->min_size,
		      size - row->min_size))
		return refuse_address(call, call->arg, "read");
	call->in_size = size;
	return 0;
}

/*
 * iommufd: the client says how long its structure is. One shorter than ours leaves
 * the rest zero; of a longer one everything beyond ours must be zero. Mirrors
 * iommufd_fops_ioctl and copy_struct_from_user.
 */
static int check_tail(struct call *call, uint64_t at, uint64_t end)
{
	uint8_t bytes[VFIOSIM_PAGE_SIZE];

	while (at < end) {
		size_t part = VFIOSIM_PAGE_SIZE - at % VFIOSIM_PAGE_SIZE;

		if (part > end - at)
			part = end - at;
		if (call_read(call, at, bytes, part))
			return refuse_address(call, at, "read");
		for (size_t i = 0; i < part; i++)
			if (bytes[i])
				return refuse(call, RULE_NONZERO_TAIL,
					      V("known", call->command->row.full_size));
		at += part;
	}
	return 0;
}

static int copy_in_iommufd(struct call *call)
{
	const struct vfiosim_command *row = &call->command->row;
	uint32_t size;
	int ret;

	if (call_read(call, call->arg, &size, sizeof(size)))
		return refuse_address(call, call->arg, "read");
	if (size < row->min_size)
		return refuse(call, RULE_SIZE_TOO_SMALL, V("size", size), V("min", row->min_size));
	ret = check_tail(call, call->arg + row->full_size, call->arg + size);
	if (ret)
		return ret;
	call->in_size = size < row->full_size ? size : row->full_size;
	memset(call->in.bytes, 0, row->full_size);
	if (call_read(call, call->arg, call->in.bytes, call->in_size))
		return refuse_address(call, call->arg, "read");
	return 0;
}

static int copy_in(struct call *call)
{
	const struct vfiosim_command *row = &call->command->row;

	if (row->family == VFIOSIM_SIZE_IOMMUFD)
		return copy_in_iommufd(call);
	if (row->family == VFIOSIM_SIZE_VALUE || !row->min_size)
		return 0;
	if (call_read(call, call->arg, call->in.bytes, row->min_size))
		return refuse_address(call, call->arg, "read");
	call->in_size = row->min_size;
	if (row->full_size > row->min_size)
		memset(call->in.bytes + row->min_size, 0, row->full_size - row->min_size);
	if (row->family != VFIOSIM_SIZE_ARGSZ)
		return 0;
	if (in_u32(call, 0) < row->min_size)
		return refuse(call, RULE_ARGSZ_TOO_SMALL, V("argsz", in_u32(call, 0)),
			      V("min", row->min_size));
	if (row->checks_flags && in_u32(call, 4) & ~row->known_flags)
		return refuse(call, RULE_UNKNOWN_FLAGS, V("flags", in_u32(call, 4)),
			      V("known", row->known_flags));
	return copy_rest(call, row);
}

static int publish_zeroes(struct call *call, const struct call_out *out)
{
	static const uint8_t zeroes[VFIOSIM_PAGE_SIZE];
	const struct vfiosim_client *client = call->caller->client;

	for (size_t at = 0; at < out->size; at += sizeof(zeroes)) {
		size_t part = out->size - at < sizeof(zeroes) ? out->size - at : sizeof(zeroes);

		if (client->ops->write(client->ctx, out->uva + at, zeroes, part))
			return refuse_address(call, out->uva + at, "written");
	}
	return 0;
}

/* Outputs that begin inside a word keep what the client has in front of them. */
static int publish_out(struct call *call, struct call_out *out)
{
	const struct vfiosim_client *client = call->caller->client;
	uint64_t word, mask, have;

	if (!out->data)
		return publish_zeroes(call, out);
	if (out->keep_bits) {
		if (call_read(call, out->uva, &have, sizeof(have)))
			return refuse_address(call, out->uva, "read");
		mask = (1ull << out->keep_bits) - 1;
		memcpy(&word, out->data, sizeof(word));
		word = (word & ~mask) | (have & mask);
		memcpy(out->data, &word, sizeof(word));
	}
	if (client->ops->write(client->ctx, out->uva, out->data, out->size))
		return refuse_address(call, out->uva, "written");
	return 0;
}

static int publish(struct call *call)
{
	const struct vfiosim_client *client = call->caller->client;
	size_t back = call->command->back < call->in_size ? call->command->back : call->in_size;

	for (struct call_out *out = call->outs; out; out = out->next) {
		int ret = publish_out(call, out);

		if (ret)
			return ret;
	}
	if (back && client->ops->write(client->ctx, call->arg, call->in.bytes, back))
		return refuse_address(call, call->arg, "written");
	call->answered = back;
	return 0;
}

/* The new descriptor, or its file is gone as if it had never been. */
static int install(struct call *call)
{
	int ret = call->caller->client->ops->install(call->caller, call->new_file);

	if (ret >= 0)
		return ret;
	vfiosim_release(call->new_file, call->caller);
	return refuse(call, RULE_TOO_MANY_FILES, V("error", -ret), VS("errno", strerrorname_np(-ret)));
}

static int undo(struct call *call)
{
	if (call->command->undo)
		call->command->undo(call);
	return 0;
}

/*
 * The number goes into the structure. A descriptor cannot be taken back, so the
 * structure is copied once before, to see that its number can be told.
 */
static int install_in_struct(struct call *call)
{
	int ret = publish(call);
	uint32_t number;

	if (ret)
		vfiosim_release(call->new_file, call->caller);
	else
		ret = install(call);
	if (ret < 0) {
		call_run(call, undo);
		return ret;
	}
	number = (uint32_t)ret;
	memcpy(call->in.bytes + call->command->row.fd_field, &number, sizeof(number));
	return publish(call);
}

static int serve(struct call *call)
{
	bool early = call->command && call->command->early;
	int ret, published;

	/* The front may not know who calls: killed meanwhile, or its memory is out of reach. */
	if (!call->caller->client)
		return refuse_address(call, call->arg, "read");
	ret = early ? call_run(call, decide_early) : decide_early(call);
	if (!ret)
		ret = copy_in(call);
	if (!ret && call_traced(call)) {
		memcpy(call->asked, call->in.bytes, call->in_size);
		call->asked_size = call->in_size;
	}
	if (!ret && call->command->prepare)
		ret = call->command->prepare(call);
	if (!ret)
		ret = call_run(call, decide);
	if (ret < 0 && !call->answer_anyway)
		return ret;
	if (ret >= 0 && call->new_file && call->command->row.fd_field)
		return install_in_struct(call);
	published = publish(call);
	if (published && call->new_file)
		vfiosim_release(call->new_file, call->caller);
	if (published) {
		call_run(call, undo);
		return published;
	}
	return ret >= 0 && call->new_file ? install(call) : ret;
}

long vfiosim_ioctl(struct vfiosim_file *file, struct vfiosim_caller *caller, uint32_t cmd,
		   uint64_t arg)
{
	struct call call;
	char unknown[16];
	int ret;

	call_init(&call, file->sim, caller, file);
	call.arg = arg;
	call.number = cmd;
	call.command = find_command(file->ops->kind, cmd);
	ret = serve(&call);
	atomic_fetch_add_explicit(&file->sim->n_commands, 1, memory_order_relaxed);
	if (ret < 0)
		atomic_fetch_add_explicit(&file->sim->n_refusals, 1, memory_order_relaxed);
	if (!call.command)
		snprintf(unknown, sizeof(unknown), "ioctl %#x", cmd);
	trace_call(&call, call.command ? call.command->row.name : unknown,
		   call.command ? &call.command->row : NULL, ret);
	call_done(&call);
	return ret;
}
