/* SPDX-License-Identifier: MIT */
/* The commands of a group. */
#include <errno.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "abi/dispatch.h"
#include "machine/client.h"
#include "vfio/container.h"
#include "iommufd/iommufd.h"
#include "machine/fault.h"
#include "vfio/group.h"

static struct vfio_group *group_of(const struct call *call)
{
	return vfio_group_from_file(call->file);
}

/* ---- VFIO_GROUP_GET_STATUS ---- */

static int get_status(struct call *call)
{
	struct vfio_group_status *status = (void *)call->in.bytes;
	uint64_t flags;
	bool unviable = fault_sets(call, "flags", &flags) && !(flags & VFIO_GROUP_FLAGS_VIABLE);

	group_make_unviable(group_of(call), unviable);
	return group_status(call, group_of(call), &status->flags);
}

/* ---- VFIO_GROUP_SET_CONTAINER: arg points at a descriptor ---- */

struct set_container_state {	/* NULL: the descriptor is of neither; borrowed with it */
	struct container *container;
	struct iommufd *iommufd;
};

static int prepare_set_container(struct call *call)
{
	struct set_container_state *state = call_state(call, struct set_container_state);
	struct vfiosim_file *file;
	int fd, ret;

	memcpy(&fd, call->in.bytes, sizeof(fd));
	ret = call->caller->client->ops->file(call->caller, fd, &file);
	if (ret == -EBADF)
		return refuse(call, RULE_BAD_FD, V("fd", (int64_t)fd));
	if (ret && ret != -EBADFD)
		return refuse(call, RULE_NO_MEMORY);
	if (!ret) {
		state->container = container_from_file(file);
		state->iommufd = iommufd_from_file(file);
	}
	return 0;
}

static void set_container_where(struct call *call, struct fault_where *where)
{
	const struct set_container_state *state = call_state(call, struct set_container_state);

	if (!state->container)
		return;
	where->known |= VFIOSIM_FAULT_OF_CONTAINER;
	where->container = state->container->number;
}

static int set_container(struct call *call)
{
	const struct set_container_state *state = call_state(call, struct set_container_state);
	int fd;

	memcpy(&fd, call->in.bytes, sizeof(fd));
	return group_set_container(call, group_of(call), state->container, state->iommufd, fd);
}

static int unset_container(struct call *call)
{
	return group_unset_container(call, group_of(call));
}

/* ---- VFIO_GROUP_GET_DEVICE_FD: arg points at a string ---- */

/* Mirrors strndup_user: at most a page, the final NUL included; page by page, as far as it goes. */
static int prepare_get_device(struct call *call)
{
	char *name = calloc(1, VFIOSIM_PAGE_SIZE + 1);	/* ends in NUL whatever comes: it is traced */
	size_t n = 0;

	if (!name)
		return refuse(call, RULE_NO_MEMORY);
	call->tail = (uint8_t *)name;
	while (n < VFIOSIM_PAGE_SIZE) {
		size_t part = VFIOSIM_PAGE_SIZE - (call->arg + n) % VFIOSIM_PAGE_SIZE;

		if (part > 64)
			part = 64 - (call->arg + n) % 64;
		if (part > VFIOSIM_PAGE_SIZE - n)
			part = VFIOSIM_PAGE_SIZE - n;
		if (call_read(call, call->arg + n, name + n, part))
			return refuse_address(call, call->arg + n, "read");
		if (memchr(name + n, 0, part)) {
			call->tail_size = n + strnlen(name + n, part) + 1;
			return 0;
		}
		n += part;
	}
	return refuse(call, RULE_NAME_TOO_LONG);
}

static int get_device(struct call *call)
{
	return group_get_device(call, group_of(call), (const char *)call->tail);
}

/* ---- Rows ---- */

static const struct vfiosim_field status_fields[] = {
	{ "argsz", 0, 4, VFIOSIM_DEC },
	{ "flags", 4, 4, VFIOSIM_FLAGS },
	{ .name = NULL },
};
static const struct vfiosim_flag status_flags[] = {
	{ "VIABLE", VFIO_GROUP_FLAGS_VIABLE },
	{ "CONTAINER_SET", VFIO_GROUP_FLAGS_CONTAINER_SET },
	{ .name = NULL },
};
static const struct vfiosim_field fd_fields[] = {
	{ "container", 0, 4, VFIOSIM_FD },
	{ .name = NULL },
};
static const struct vfiosim_field name_fields[] = {
	{ "name", 0, 0, VFIOSIM_STRING },
	{ .name = NULL },
};
static const char *const status_sets[] = { "flags", NULL };	/* 0: not viable */
static const int status_errors[] = { EFAULT, EINVAL, ENODEV, 0 };
static const int set_errors[] = { EFAULT, EBADF, EINVAL,  ENODEV, EBADFD, EPERM,
				  EBUSY,  EIO,	 ENOMEM, ERANGE, ENOSPC, EOPNOTSUPP, 0 };
static const int unset_errors[] = { EINVAL, EBUSY, 0 };
static const int get_device_errors[] = { EFAULT, EINVAL, ENODEV, EPERM, EMFILE, ENFILE, ENOMEM,
					 EBUSY,	 EACCES, EADDRINUSE, EAGAIN, EIO, EOPNOTSUPP,
					 ERANGE, ENOSPC, 0 };

#define GROUP_COMMAND(name_, family_, size_)                                                       \
	.name = #name_, .number = name_, .kinds = VFIOSIM_GROUP, .family = family_,                \
	.min_size = size_, .full_size = size_

const struct command group_commands[] = {
	{ .row = { GROUP_COMMAND(VFIO_GROUP_GET_STATUS, VFIOSIM_SIZE_ARGSZ,
				 sizeof(struct vfio_group_status)),
		   .fields = status_fields, .flags = status_flags, .errors = status_errors,
		   .sets = status_sets,
		   .unanswered = VFIOSIM_STAYS },	/* what a fault said with set.flags */
	  .run = get_status,
	  .back = sizeof(struct vfio_group_status) },
	{ .row = { GROUP_COMMAND(VFIO_GROUP_SET_CONTAINER, VFIOSIM_SIZE_FIXED, sizeof(int)),
		   .fields = fd_fields, .errors = set_errors },
	  .where = set_container_where,
	  .state = sizeof(struct set_container_state),
	  .prepare = prepare_set_container,
	  .run = set_container },
	{ .row = { GROUP_COMMAND(VFIO_GROUP_UNSET_CONTAINER, VFIOSIM_SIZE_VALUE, 0),
		   .errors = unset_errors },
	  .run = unset_container },
	{ .row = { GROUP_COMMAND(VFIO_GROUP_GET_DEVICE_FD, VFIOSIM_SIZE_FIXED, 0),
		   .returns_fd = true, .fields = name_fields, .errors = get_device_errors },
	  .prepare = prepare_get_device,
	  .run = get_device },
	{ .row = { .name = NULL } },
};
