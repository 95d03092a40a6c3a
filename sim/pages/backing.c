/* SPDX-License-Identifier: MIT */
/* Backings: counting, and ending them where no lock is held. */
#include "pages/backing.h"

#include <errno.h>
#include <stdlib.h>

#include "machine/client.h"
#include "machine/lock.h"
#include "machine/sim.h"

int backing_create(struct vfiosim_caller *caller, int fd, struct backing **ret_backing)
{
	struct vfiosim_client *client = caller->client;
	struct backing *backing = calloc(1, sizeof(*backing));
	int ret;

	if (!backing)
		return -ENOMEM;
	ret = client->ops->backing_get(caller, fd, &backing->file);
	if (ret) {
		free(backing);
		return ret;
	}
	backing->sim = client->sim;
	backing->ops = client->ops;
	backing->refs = 1;
	*ret_backing = backing;
	return 0;
}

struct backing *backing_get(struct backing *backing)
{
	if (backing)
		backing->refs++;
	return backing;
}

static void end(void *object)
{
	struct backing *backing = object;

	backing->ops->backing_put(backing->file);
	free(backing);
}

void backing_put(struct backing *backing)
{
	if (backing && !--backing->refs)
		reap_later(backing->sim, &backing->dead, end, backing);
}

void backing_drop(struct backing *backing)
{
	struct vfiosim *sim;

	if (!backing)
		return;
	sim = backing->sim;
	lock_take(sim);
	backing_put(backing);
	lock_release(sim);
	reap(sim);
}

uint64_t backing_size(const struct backing *backing)
{
	return backing->ops->backing_size(backing->file);
}
