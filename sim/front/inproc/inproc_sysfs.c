/* SPDX-License-Identifier: MIT */
/*
 * Sysfs for clients in this process: one write of a whole text. The tree of names
 * is made for each write; what there is to see is decided at lookup anyway.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/inproc.h>

#include "bus/bus.h"
#include "machine/call.h"
#include "machine/client.h"
#include "machine/lock.h"
#include "machine/sim.h"
#include "front/inproc/inproc_sysfs.h"
#include "front/sysfs/tree.h"

#define LINKS_MAX 8

/* One name below @folder; "." and ".." as everywhere. */
static struct node *step(struct tree *tree, struct node *folder, const char *name)
{
	if (!strcmp(name, "."))
		return folder;
	if (!strcmp(name, ".."))
		return folder == tree_root(tree) ? folder : node_parent(folder);
	return tree_lookup(tree, folder, name);
}

/*
 * Follows @path from @folder, links included; @links counts them down. The node,
 * or NULL and a negative errno.
 */
static struct node *walk(struct tree *tree, struct node *folder, const char *path, int links,
			 int *ret_error)
{
	char names[PATH_MAX], target[PATH_MAX], *save, *name;
	struct node *node = folder;

	*ret_error = -ENOENT;
	if (strlen(path) >= sizeof(names))
		return NULL;
	strcpy(names, path);
	for (name = strtok_r(names, "/", &save); name && node; name = strtok_r(NULL, "/", &save)) {
		struct node *next = step(tree, node, name);
		ssize_t n = next ? node_readlink(tree, next, target, sizeof(target) - 1) : -EINVAL;

		if (n >= 0 && !links) {
			*ret_error = -ELOOP;
			return NULL;
		}
		if (n >= 0 && (size_t)n < sizeof(target)) {
			target[n] = 0;
			next = walk(tree, node, target, links - 1, ret_error);
		}
		node = next;
	}
	return node;
}

/* ---- Writers that wait ---- */

static void drop_write(struct waiting_write *write)
{
	LIST_REMOVE(write, next);
	free(write->path);
	free(write->text);
	free(write);
}

void waiting_writes_done(struct waiting_writes *writes)
{
	while (!LIST_EMPTY(writes))
		drop_write(LIST_FIRST(writes));
}

/* The ends that nobody asked for: the program has gone on, the same text is a new write. */
static void drop_ended(struct vfiosim *sim, struct waiting_writes *writes)
{
	struct waiting_write *write, *next;

	lock_take(sim);
	for (write = LIST_FIRST(writes); write; write = next) {
		next = LIST_NEXT(write, next);
		if (!bus_waits(sim, write->wait))
			drop_write(write);
	}
	lock_release(sim);
}

/* The same write as before, or a new one. NULL: no memory. */
static struct waiting_write *get_write(struct vfiosim *sim, struct waiting_writes *writes,
				       const char *path, const char *text)
{
	struct waiting_write *write;

	LIST_FOREACH(write, writes, next)
		if (!strcmp(write->path, path) && !strcmp(write->text, text))
			return write;
	drop_ended(sim, writes);
	write = calloc(1, sizeof(*write));
	if (!write)
		return NULL;
	LIST_INSERT_HEAD(writes, write, next);
	write->path = strdup(path);
	write->text = strdup(text);
	if (write->path && write->text)
		return write;
	drop_write(write);
	return NULL;
}

/* A file that is gone was removed by what its writer waited for. */
static ssize_t try_write(struct tree *tree, struct vfiosim_caller *caller,
			 struct waiting_write *write)
{
	size_t length = strlen(write->text);
	struct node *node;
	int error;

	node = walk(tree, tree_root(tree), write->path, LINKS_MAX, &error);
	if (node)
		return node_store(tree, node, caller, write->text, length, &write->wait);
	return write->wait ? (ssize_t)length : error;
}

ssize_t vfiosim_inproc_write_file(struct vfiosim_inproc *proc, const char *path, const char *text)
{
	struct vfiosim_client *client = vfiosim_inproc_client(proc);
	struct vfiosim_caller caller = { .client = client, .ctx = proc };
	struct waiting_write *write;
	struct vfiosim *sim = client->sim;
	struct tree *tree;
	ssize_t length;
	int error = tree_create(sim, &tree);

	if (error)
		return error;
	write = get_write(sim, inproc_waiting_writes(proc), path, text);
	length = write ? try_write(tree, &caller, write) : -ENOMEM;
	vfiosim_finish(sim, &caller);
	tree_destroy(tree);
	if (length == CALL_PARKED)
		return -EINPROGRESS;
	if (write)
		drop_write(write);
	return length;
}
