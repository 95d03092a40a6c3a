/* SPDX-License-Identifier: MIT */
/*
 * Sysfs for clients in this process: one write of a whole text. The tree of names
 * is made for each write; what there is to see is decided at lookup anyway.
 */
#include <errno.h>
#include <string.h>

#include <vfiosim/inproc.h>

#include "core/call.h"
#include "core/client.h"
#include "front/tree.h"

ssize_t vfiosim_inproc_write_file(struct vfiosim_inproc *proc, const char *path, const char *text)
{
	struct vfiosim_client *client = vfiosim_inproc_client(proc);
	struct vfiosim_caller caller = { .client = client, .ctx = proc };
	struct vfiosim *sim = client->sim;
	struct node *node;
	struct tree *tree;
	ssize_t length;
	int error = tree_create(sim, &tree);

	if (error)
		return error;
	node = path[0] == '/' ? tree_find(tree, path + 1) : NULL;
	length = node ? node_store(tree, node, &caller, text, strlen(text)) : -ENOENT;
	vfiosim_finish(sim, &caller);
	tree_destroy(tree);
	return length == CALL_PARKED ? -EINPROGRESS : length;
}
