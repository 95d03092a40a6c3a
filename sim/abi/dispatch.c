/* SPDX-License-Identifier: MIT */
/* The dispatcher; see dispatch.h. */
#include "abi/dispatch.h"
#include "abi/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/client.h"
#include "machine/fault.h"
#include "machine/file.h"
#include "machine/kernel.h"
#include "machine/lock.h"
#include "machine/sim.h"
#include "machine/tracing.h"

/* ---- Rows ---- */

#define TABLES_MAX 4

/* What is known of a kind of file. */
struct file_commands {
	unsigned kind;
	const char *name;		/* for the hint in refusals */
	const struct command *tables[TABLES_MAX];	/* NULL: no more */
	/*
	 * Asked before anything else, also of a command that nobody knows
	 * (call->command is NULL), and again with the lock held before it is run. NULL:
	 * nothing.
	 */
	int (*check)(struct call *call);
	/* Refuse a command that nobody knows. No lock held. NULL: ENOTTY. */
	int (*refuse_unknown)(struct call *call);
};

static const struct file_commands file_commands[] = {
	{ VFIOSIM_CONTAINER, "a container", { container_commands, type1_commands }, container_check,
	  NULL },
	{ VFIOSIM_GROUP, "a group", { group_commands }, NULL, NULL },
	{ VFIOSIM_DEVICE, "a device", { device_commands }, device_check, NULL },
	{ VFIOSIM_IOMMUFD, "an iommufd",
	  { iommufd_commands, hwpt_commands, iommufd_absent_commands, compat_commands }, NULL,
	  iommufd_refuse_unknown },
	{ VFIOSIM_FAULT, "a fault queue", { NULL }, NULL, NULL },
};

#define N_KINDS (sizeof(file_commands) / sizeof(file_commands[0]))

static const struct file_commands *commands_of(unsigned kind)
{
	size_t i = 0;

	while (i < N_KINDS - 1 && file_commands[i].kind != kind)
		i++;
	return &file_commands[i];
}

/* Does the kernel of @sim have @command? Without a machine: does any? */
static bool is_known(const struct vfiosim *sim, const struct command *command)
{
	const struct vfiosim_kernel since = command->row.since, until = command->row.until;

	if (!sim)
		return true;
	if (command->iommufd && !kernel_has_cdevs(sim))
		return false;
	return (!since.major || kernel_since(sim, since.major, since.minor)) &&
	       !(until.major && kernel_since(sim, until.major, until.minor));
}

static const struct command *find_command(const struct vfiosim *sim, unsigned kind,
					  uint32_t number)
{
	const struct file_commands *commands = commands_of(kind);

	for (size_t i = 0; i < TABLES_MAX && commands->tables[i]; i++)
		for (const struct command *row = commands->tables[i]; row->row.name; row++)
			if (row->row.number == number && is_known(sim, row))
				return row;
	return NULL;
}

const struct vfiosim_command *vfiosim_command_by_number(unsigned kind, uint32_t number)
{
	const struct command *command = find_command(NULL, kind, number);

	return command ? &command->row : NULL;
}

bool vfiosim_command_undone(uint32_t number, bool replaced)
{
	const struct vfiosim_command *row;

	for (size_t i = 0; number && (row = vfiosim_command(i)); i++)
		if (row->number == number && row->unanswered)
			return row->unanswered == VFIOSIM_DETACHED && !replaced;
	return true;
}

const struct vfiosim_command *vfiosim_command(size_t index)
{
	for (size_t i = 0; i < N_KINDS * TABLES_MAX; i++)
		for (const struct command *row = file_commands[i / TABLES_MAX].tables[i % TABLES_MAX];
		     row && row->row.name; row++)
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

/* A likely slip: the same number is known to another kind of file, called @ret_name. */
static bool known_elsewhere(unsigned kind, uint32_t number, const char **ret_name)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		if (file_commands[i].kind == kind || !find_command(NULL, file_commands[i].kind, number))
			continue;
		*ret_name = file_commands[i].name;
		return true;
	}
	return false;
}

int refuse_unknown(struct call *call)
{
	char object[FILE_NAME_MAX], hint[32] = "";
	const char *name;

	trace_object(call->file, object, sizeof(object));
	if (known_elsewhere(call->file->ops->kind, call->number, &name))
		snprintf(hint, sizeof(hint), " (%s does)", name);
	return refuse(call, RULE_UNKNOWN_COMMAND, VS("object", object), V("command", call->number),
		      VS("hint", hint));
}

static int check(struct call *call)
{
	const struct file_commands *commands = commands_of(call->file->ops->kind);

	return commands->check ? commands->check(call) : 0;
}

static int decide_early(struct call *call)
{
	const struct file_commands *commands = commands_of(call->file->ops->kind);
	int ret = check(call);

	if (ret)
		return ret;
	if (!call->command)
		return commands->refuse_unknown ? commands->refuse_unknown(call) :
						  refuse_unknown(call);
	return call->command->early ? call->command->early(call) : 0;
}

static int decide(struct call *call)
{
	int ret = check(call);	/* what it says may have changed while no lock was held */

	return ret ? ret : call->command->run(call);
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

/* Bytes of the structure that are copied back. */
static size_t answer_size(const struct call *call)
{
	size_t back = call->result.mute ? 0 : call->command->back;

	return back < call->in_size ? back : call->in_size;
}

static int decide_copy_out(struct call *call)
{
	return fault_point(call, VFIOSIM_FAULT_COPY_OUT, NULL);
}

/* Is there anything to answer, and a fault that says it cannot be? */
static int meet_copy_out_fault(struct call *call)
{
	if (!call->result.outs && !answer_size(call))
		return 0;
	return fault_armed(call->sim) ? call_run(call, decide_copy_out) : 0;
}

static int publish(struct call *call)
{
	const struct vfiosim_client *client = call->caller->client;
	size_t back = answer_size(call);

	for (struct call_out *out = call->result.outs; out; out = out->next) {
		int ret = publish_out(call, out);

		if (ret)
			return ret;
	}
	if (back && client->ops->write(client->ctx, call->arg, call->in.bytes, back))
		return refuse_address(call, call->arg, "written");
	call->answered = back;
	return 0;
}

static int decide_install(struct call *call)
{
	const struct vfiosim_file *file = call->result.new_file;
	struct fault_where where = { 0 };

	if (file->ops->where)
		file->ops->where(file, &where);
	return fault_point(call, VFIOSIM_FAULT_FD_INSTALL, &where);
}

/* The new descriptor, or its file is gone as if it had never been. */
static int install(struct call *call)
{
	int ret = fault_armed(call->sim) ? call_run(call, decide_install) : 0;
	bool injected = ret;

	if (!ret)
		ret = call->caller->client->ops->install(call->caller, call->result.new_file);
	if (ret >= 0)
		return ret;
	vfiosim_release(call->result.new_file, call->caller);
	if (injected)
		return ret;
	return refuse(call, RULE_TOO_MANY_FILES, V("error", -ret), VS("errno", strerrorname_np(-ret)));
}

static int undo(struct call *call)
{
	call->releasing = true;
	if (call->command->undo)
		call->command->undo(call);
	return 0;
}

/* What the command answers is copied to the client. */
static int answer(struct call *call)
{
	int ret = meet_copy_out_fault(call);

	return ret ? ret : publish(call);
}

/*
 * The number goes into the structure. A descriptor cannot be taken back, so the
 * structure is copied once before, to see that its number can be told.
 */
static int install_in_struct(struct call *call)
{
	int ret = answer(call);
	uint32_t number;

	if (ret)
		vfiosim_release(call->result.new_file, call->caller);
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

/* 0, a refusal, or 1 when a value was injected: see command_where(). */
static int decide_fault(struct call *call)
{
	command_where(call, call->where);
	return fault_point_value(call, VFIOSIM_FAULT_COMMAND, call->where, &call->where->value);
}

/* The machine is as the answer says. */
static int returned(struct call *call)
{
	call->command->returned(call, call->where->value);
	return 0;
}

/* No lock held: what was to happen besides an answer. */
static void after_faults(struct call *call)
{
	const struct fault_where *where = call->where;
	const struct vfiosim_client *client = call->caller->client;

	if (where->signal && client->ops->signal)
		client->ops->signal(call->caller, where->signal);
	if (call->sim->real_time)
		call->caller->late_ms += where->delay_ms;
	else
		atomic_fetch_add_explicit(&call->sim->delayed_ms, where->delay_ms,
					  memory_order_relaxed);
}

/* 0, a refusal, or 1 when a value was injected that is to be returned at once. */
static int meet_faults(struct call *call, struct fault_where *where)
{
	char comm[VFIOSIM_FAULT_COMM_MAX] = "";
	int ret;

	call->where = where;
	*where = (struct fault_where){ 0 };
	fault_fetch_comm(call, comm, sizeof(comm));
	ret = call_run(call, decide_fault);
	where->comm = NULL;
	after_faults(call);
	return ret;
}

static int decide_reached(struct call *call)
{
	struct fault_where where = { 0 };

	command_where(call, &where);
	fault_reached(call, &call->command->row, &where, call->provoking);
	return 0;
}

/* NULL for a refusal that only wrong arguments cause: whoever gives them has to mend that. */
static const char *provoke_text(struct provoke *provoke, const struct call *call, int result,
				char *to, size_t size)
{
	if (!fault_provokes(provoke, call, result) ||
	    !vfiosim_fault_from_outside(&call->command->row, -result))
		return NULL;
	fault_short_text(&provoke->fault, to, size);
	return to;
}

static int serve(struct call *call)
{
	bool early = call->command && call->command->early;
	struct fault_where where;	/* meet_faults() writes it all */
	int ret, published;

	where.value = 0;	/* what a fault has it answer */
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
	if (!ret && call_traced(call))
		call_run(call, decide_reached);
	if (!ret && fault_armed(call->sim))
		ret = meet_faults(call, &where);
	if (ret > 0 && call->command->returned)
		call_run(call, returned);
	if (ret > 0)
		return (int)where.value;
	if (!ret)
		ret = call_run(call, decide);
	if (ret < 0 && !call->result.answer_anyway)
		return ret;
	if (ret >= 0 && call->result.new_file && call->command->row.fd_field)
		return install_in_struct(call);
	published = answer(call);
	if (published && call->result.new_file)
		vfiosim_release(call->result.new_file, call->caller);
	if (published) {
		call_run(call, undo);
		return published;
	}
	return ret >= 0 && call->result.new_file ? install(call) : ret;
}

/* For a follower: what faults may name about the command. */
static void find_about(struct call *call, struct vfiosim_about *about)
{
	struct fault_where where = { 0 };

	lock_take(call->sim);
	command_where(call, &where);
	lock_release(call->sim);
	*about = (struct vfiosim_about){
		.known = where.known,
		.group = where.group,
		.container = where.container,
		.device = where.device,
	};
}

long vfiosim_ioctl(struct vfiosim_file *file, struct vfiosim_caller *caller, uint32_t cmd,
		   uint64_t arg)
{
	struct vfiosim_about about = { 0 };
	char unknown[16], text[VFIOSIM_FAULT_TEXT_MAX];
	struct provoke provoke;
	struct call call;
	int ret;

	provoke.reached = false;
	call_init(&call, file->sim, caller, file);
	call.provoking = &provoke;
	call.arg = arg;
	call.number = cmd;
	call.command = find_command(file->sim, file->ops->kind, cmd);
	if (call.command)
		memset(call.state.bytes, 0, call.command->state);
	ret = serve(&call);
	atomic_fetch_add_explicit(&file->sim->n_commands, 1, memory_order_relaxed);
	if (ret < 0)
		atomic_fetch_add_explicit(&file->sim->n_refusals, 1, memory_order_relaxed);
	if (!call.command)
		snprintf(unknown, sizeof(unknown), "ioctl %#x", cmd);
	if (call.command && vfiosim_trace_followed(call.sim))
		find_about(&call, &about);
	call.provoke = provoke_text(&provoke, &call, ret, text, sizeof(text));
	trace_call(&call, call.command ? call.command->row.name : unknown,
		   call.command ? &call.command->row : NULL, &about, ret);
	if (call.command && call.command->state_done)
		call.command->state_done(&call);
	call_done(&call);
	return ret;
}
