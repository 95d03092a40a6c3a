/* SPDX-License-Identifier: MIT */
/*
 * Stores into attributes. Most are done at once; an unbind or a remove of a device
 * that is open has to wait until it is closed. No thread waits: the request is
 * parked, tried again after every release, and cancelled by a signal to the
 * writer or by its death (FUSE's INTERRUPT). What was asked for is done all the same.
 *
 * A parked store belongs to the list, or, while it is tried, to the thread that
 * does so. Locks: libfuse's lock of the request is taken before ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/call.h"
#include "front/fuse/fuse_front.h"

#define STORE_MAX 4096	/* of one write, as sysfs has it */

struct parked {
	TAILQ_ENTRY(parked) next;
	struct vfiosim_fuse *fuse;
	fuse_req_t req;
	struct node *node;
	struct vfiosim_client *client;	/* a reference; NULL: nobody */
	uint32_t tid;
	bool listed;			/* in fuse->parked; guarded by its lock, as is: */
	bool interrupted;
	uint64_t wait;			/* of node_store() */
	size_t length;
	char text[];
};

static void reply_stored(fuse_req_t req, ssize_t length)
{
	if (length < 0)
		fuse_reply_err(req, (int)-length);
	else
		fuse_reply_write(req, (size_t)length);
}

/* The list's or the trier's last act. */
static void parked_end(struct parked *parked, ssize_t length)
{
	reply_stored(parked->req, length);
	if (parked->client)
		vfiosim_client_put(parked->client);
	free(parked);
}

/* libfuse calls this with the request's lock held, also from within fuse_req_interrupt_func(). */
static void parked_interrupted(fuse_req_t req, void *data)
{
	struct parked *parked = data;
	struct vfiosim_fuse *fuse = parked->fuse;
	bool mine;

	pthread_mutex_lock(&fuse->lock);
	mine = parked->listed;
	if (mine)
		TAILQ_REMOVE(&fuse->parked, parked, next);
	else
		parked->interrupted = true;
	pthread_mutex_unlock(&fuse->lock);
	if (mine)
		parked_end(parked, -EINTR);
}

/* What came of one try; CALL_PARKED: something was released meanwhile or not, see @ret_releases. */
static ssize_t parked_try(struct parked *parked, uint64_t *ret_releases)
{
	struct vfiosim_fuse *fuse = parked->fuse;
	struct remote_call call;
	ssize_t length;

	pthread_mutex_lock(&fuse->lock);
	*ret_releases = fuse->releases;
	pthread_mutex_unlock(&fuse->lock);
	remote_call_begin(&call, fuse->remotes, fuse->loop, 0, REMOTE_NOBODY);
	call.caller.tid = parked->tid;
	call.caller.client = parked->client;
	length = node_store(fuse->tree, parked->node, &call.caller, parked->text, parked->length,
			    &parked->wait);
	if (call.caller.deferred)
		loop_pass(fuse->loop);	/* may touch clients' memory */
	remote_call_finish(&call);
	remote_call_end(&call);
	return length;
}

/* To the list, unless what it waits for may have happened since it was tried. */
static bool parked_list(struct parked *parked, uint64_t releases)
{
	struct vfiosim_fuse *fuse = parked->fuse;

	pthread_mutex_lock(&fuse->lock);
	parked->listed = fuse->releases == releases && !parked->interrupted;
	if (parked->listed)
		TAILQ_INSERT_TAIL(&fuse->parked, parked, next);
	pthread_mutex_unlock(&fuse->lock);
	return parked->listed;
}

static bool parked_was_interrupted(struct parked *parked)
{
	bool interrupted;

	pthread_mutex_lock(&parked->fuse->lock);
	interrupted = parked->interrupted;
	pthread_mutex_unlock(&parked->fuse->lock);
	return interrupted;
}

/* Tries until it is done, or on the list again. */
static void parked_run(struct parked *parked)
{
	uint64_t releases;
	ssize_t length;

	do {
		length = parked_was_interrupted(parked) ? -EINTR : parked_try(parked, &releases);
		if (length != CALL_PARKED) {
			fuse_req_interrupt_func(parked->req, NULL, NULL);
			parked_end(parked, length);
			return;
		}
	} while (!parked_list(parked, releases));
}

void store_begin(fuse_req_t req, struct node *node, const char *text, size_t length)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct remote_call call;
	struct parked *parked;

	if (length > STORE_MAX)
		length = STORE_MAX;
	loop_lend(fuse->loop);
	parked = malloc(sizeof(*parked) + length + 1);
	if (!parked) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req), REMOTE_KNOWN);
	*parked = (struct parked){ .fuse = fuse, .req = req, .node = node, .length = length };
	parked->tid = call.caller.tid;
	if (call.caller.client)
		parked->client = vfiosim_client_get(call.caller.client);
	remote_call_finish(&call);
	remote_call_end(&call);
	memcpy(parked->text, text, length);
	parked->text[length] = 0;
	fuse_req_interrupt_func(req, parked_interrupted, parked);
	parked_run(parked);
}

void store_retry(struct vfiosim_fuse *fuse)
{
	TAILQ_HEAD(, parked) all = TAILQ_HEAD_INITIALIZER(all);
	struct parked *parked;

	pthread_mutex_lock(&fuse->lock);
	fuse->releases++;
	while ((parked = TAILQ_FIRST(&fuse->parked))) {
		TAILQ_REMOVE(&fuse->parked, parked, next);
		parked->listed = false;
		TAILQ_INSERT_TAIL(&all, parked, next);
	}
	pthread_mutex_unlock(&fuse->lock);
	while ((parked = TAILQ_FIRST(&all))) {
		TAILQ_REMOVE(&all, parked, next);
		parked_run(parked);
	}
}

void store_cancel(struct vfiosim_fuse *fuse)
{
	struct parked *parked;

	while ((parked = TAILQ_FIRST(&fuse->parked))) {
		TAILQ_REMOVE(&fuse->parked, parked, next);
		fuse_req_interrupt_func(parked->req, NULL, NULL);
		parked_end(parked, -ENODEV);
	}
}
