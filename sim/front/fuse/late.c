/* SPDX-License-Identifier: MIT */
#include "front/fuse/late.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define LOOK_MS 50	/* how often a caller without interrupts is looked at */

/* Does the front stop, or is @fd (-1: none) readable, within @ms? */
static bool ends(const struct vfiosim_fuse *fuse, int fd, uint32_t ms)
{
	struct pollfd fds[] = { { .fd = fuse->stop_fd, .events = POLLIN },
				{ .fd = fd, .events = POLLIN } };

	return poll(fds, 2, (int)ms) != 0;
}

static void interrupted(fuse_req_t req, void *data)
{
	const uint64_t one = 1;

	(void)req;
	(void)!write(*(const int *)data, &one, sizeof(one));
}

void late_wait_request(struct vfiosim_fuse *fuse, fuse_req_t req, uint32_t ms)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	loop_pass(fuse->loop);
	if (fd >= 0)
		fuse_req_interrupt_func(req, interrupted, &fd);
	ends(fuse, fd, ms);
	if (fd < 0)
		return;
	fuse_req_interrupt_func(req, NULL, NULL);
	close(fd);
}

void late_wait_while(struct vfiosim_fuse *fuse, uint32_t ms, const struct remote_call *call)
{
	while (ms && remote_call_waits(call)) {
		uint32_t part = ms < LOOK_MS ? ms : LOOK_MS;

		if (ends(fuse, -1, part))
			return;
		ms -= part;
	}
}
