/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: everything that is the same for every command. A handler gets a
 * structure that has been copied and checked (call->in), writes its answers into
 * it, and never touches client memory for the fixed part.
 *
 * In order:
 *	early		lock held: what the kernel refuses before it reads anything
 *	(copy)		min_size bytes at least, full_size at most; argsz and flags checked
 *	prepare		no lock: variable parts, descriptors (call_read(), client ops);
 *			may not refuse what run would refuse first: it keeps that in call_state()
 *	(faults)	lock held: what was injected is refused here
 *	run		lock held: decides; may be run again (CALL_AGAIN) until it has
 *			what it asked for, so it changes nothing before that
 *	(publish)	no lock: `back` bytes of call->in, then the call_out()s, then the
 *			descriptor; a failure here is EFAULT or EMFILE, see undo. What Linux
 *			leaves as it is then has no undo, and the row says `unanswered`
 */
#ifndef SIM_ABI_DISPATCH_H
#define SIM_ABI_DISPATCH_H

#include <vfiosim/command.h>

#include "machine/call.h"

struct command {
	struct vfiosim_command row;
	int (*early)(struct call *call);	/* NULL: nothing */
	int (*prepare)(struct call *call);	/* NULL: nothing */
	int (*run)(struct call *call);		/* >= 0 is what ioctl() returns */
	/* run's outputs could not be given: takes back what it did. Lock held; NULL: nothing. */
	void (*undo)(struct call *call);
	/* A fault made it return @value: what follows of that for the machine. Lock held; NULL: nothing. */
	void (*returned)(struct call *call, long value);
	/* What faults may name besides its file and its fields. Lock held; NULL: nothing. */
	void (*where)(struct call *call, struct fault_where *where);
	uint16_t state;		/* bytes of its call_state(): zero when the command begins */
	void (*state_done)(struct call *call);	/* no lock; frees what the state owns. NULL: nothing */
	bool iommufd;		/* devices: known where the kernel is configured with iommufd */
	bool unbound;		/* devices: known before VFIO_DEVICE_BIND_IOMMUFD, too */
	uint16_t back;		/* bytes of call->in copied back on success, never more than
				   the client's argsz covers; 0: none */
};

/* One table per kind of file, ended by a row without a name. */
extern const struct command container_commands[];	/* container_cmds.c, type1_cmds.c's at its end */
extern const struct command type1_commands[];		/* type1_cmds.c */
extern const struct command group_commands[];		/* group_cmds.c */
extern const struct command device_commands[];		/* device_cmds.c */
extern const struct command iommufd_commands[];		/* iommufd_cmds.c */
extern const struct command hwpt_commands[];		/* hwpt_cmds.c */
extern const struct command iommufd_absent_commands[];	/* iommufd_absent_cmds.c */
extern const struct command compat_commands[];		/* compat_cmds.c: VFIO's on an iommufd */

/* What a kind of file answers before it looks which command it is; see dispatch.c. */
int container_check(struct call *call);		/* container_cmds.c */
int device_check(struct call *call);		/* device_cmds.c */
int iommufd_refuse_unknown(struct call *call);	/* iommufd_cmds.c */

/* abi/fault.c: what faults may name about a command whose structure is copied. Lock held. */
void command_where(struct call *call, struct fault_where *ret_where);

/* ENOTTY: the file does not know call->number. */
int refuse_unknown(struct call *call);

/*
 * For prepare: copy @size bytes at @uva of the caller. 0, or -EFAULT (not a
 * refusal yet: give it to refuse_address() at the point where the kernel reads).
 */
int call_read(struct call *call, uint64_t uva, void *to, size_t size);
/* Refuse with RULE_BAD_ADDRESS; @access is "read" or "written". */
int refuse_address(struct call *call, uint64_t uva, const char *access);

/*
 * A capability chain (struct vfio_info_cap_header) behind an info structure.
 * caps_add() reserves @size bytes (header included; rounded up to 8 unless @caps is packed) and returns
 * them, zeroed but for the header; NULL when memory is short.
 */
struct caps {
	uint8_t *data;
	size_t size;
	size_t last;		/* offset of the last header in data */
	bool packed;		/* no padding between them: KERNEL_CAPS_ALIGNED */
};
void *caps_add(struct caps *caps, uint16_t id, uint16_t version, size_t size);
/*
 * Where the chain goes: behind the info structure of @info_size bytes. When
 * @argsz covers both it is queued as call_out() at arg + info_size and
 * @ret_offset is info_size, else @ret_argsz is the size that is needed and
 * @ret_offset 0. Frees the chain. -ENOMEM.
 */
int caps_put(struct call *call, struct caps *caps, size_t info_size, uint32_t argsz,
	     uint32_t *ret_argsz, uint32_t *ret_offset);
void caps_done(struct caps *caps);

#endif
