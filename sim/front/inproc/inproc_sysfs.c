/* SPDX-License-Identifier: MIT */
/*
 * Sysfs for clients in this process: one write of a whole text. The tree of names
 * is made for each write; what there is to see is decided at lookup anyway.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <vfiosim/inproc.h>

#include "machine/call.h"
#include "machine/client.h"
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
	node = walk(tree, tree_root(tree), path, LINKS_MAX, &error);
	length = node ? node_store(tree, node, &caller, text, strlen(text)) : error;
	vfiosim_finish(sim, &caller);
	tree_destroy(tree);
	return length == CALL_PARKED ? -EINPROGRESS : length;
}
