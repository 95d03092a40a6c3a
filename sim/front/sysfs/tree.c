/* SPDX-License-Identifier: MIT */
/*
 * The tree; see tree.h. Nodes are made when they are first met and kept, so that
 * their numbers never change; what they stand for is asked anew at each use,
 * from the root down, because mdevs come and go and a name may mean another
 * device than before.
 *
 * Locks: the tree's, then the machine's. Neither is held while @visit runs.
 */
#include "front/sysfs/tree.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "machine/lock.h"
#include "machine/tracing.h"
#include "front/sysfs/sysfs.h"

struct node {
	uint64_t id;
	struct node *parent;		/* the root's is itself */
	struct node *children, *sibling;
	char *name;
	const struct node_type *type;	/* as it was when last met */
	struct subject subject;
};

struct tree {
	pthread_mutex_t lock;
	struct vfiosim *sim;
	struct node **nodes;		/* id - 1 -> node */
	size_t n_nodes;
	struct node *root;		/* of nodes the first; read without the lock */
	tree_last_fn *last;		/* NULL: nobody remembers refusals */
	void *last_ctx;
};

/* ---- Listings ---- */

struct found {
	char name[SYSFS_NAME_MAX];
	const struct node_type *type;
	struct subject subject;
};

struct listing {
	struct vfiosim *sim;
	const char *want;		/* this name only; NULL: all */
	struct found *items;
	size_t n;
	bool failed;			/* no memory */
};

struct vfiosim *listing_sim(const struct listing *listing)
{
	return listing->sim;
}

void listing_fail(struct listing *listing)
{
	listing->failed = true;
}

void listing_put(struct listing *listing, const char *name, const struct node_type *type,
		 const struct subject *subject)
{
	struct found *item;

	if (listing->want && (listing->n || strcmp(listing->want, name)))
		return;
	if (!list_room(&listing->items, listing->n, sizeof(*listing->items), &listing->failed))
		return;
	item = &listing->items[listing->n++];
	snprintf(item->name, sizeof(item->name), "%s", name);
	item->type = type;
	item->subject = *subject;
}

void listing_table(struct listing *listing, const struct entry *table,
		   const struct subject *subject)
{
	for (; table->name; table++)
		if (!table->present || table->present(listing->sim, subject))
			listing_put(listing, table->name, &table->type, subject);
}

/* The machine's lock held. */
static void list_folder(struct listing *listing, const struct node *folder)
{
	folder->type->list(listing, &folder->subject);
}

/* ---- Nodes; the tree's lock held ---- */

static struct node *node_create(struct tree *tree, struct node *parent, const char *name)
{
	struct node *node;

	if (!list_room(&tree->nodes, tree->n_nodes, sizeof(*tree->nodes), NULL))
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	node->parent = parent ? parent : node;
	if (parent) {
		node->sibling = parent->children;
		parent->children = node;
	}
	tree->nodes[tree->n_nodes++] = node;
	node->id = tree->n_nodes;
	return node;
}

/* The node for what a listing found, made if it was never met. NULL: no memory. */
static struct node *node_met(struct tree *tree, struct node *folder, const struct found *found)
{
	struct node *node = folder->children;

	while (node && strcmp(node->name, found->name))
		node = node->sibling;
	if (!node)
		node = node_create(tree, folder, found->name);
	if (!node)
		return NULL;
	node->type = found->type;
	node->subject = found->subject;
	return node;
}

/* Both locks held: looks for @name in a folder that was just refreshed. */
static struct node *find_entry(struct tree *tree, struct node *folder, const char *name)
{
	struct listing listing = { .sim = tree->sim, .want = name };
	struct node *node = NULL;

	if (folder->type->kind != NODE_FOLDER)
		return NULL;
	list_folder(&listing, folder);
	if (listing.n)
		node = node_met(tree, folder, &listing.items[0]);
	free(listing.items);
	return node;
}

/* Both locks held: is the node there, and what does it stand for now? */
static bool refresh(struct tree *tree, struct node *node)
{
	if (node->parent == node)
		return true;
	return refresh(tree, node->parent) && find_entry(tree, node->parent, node->name) == node;
}

static void lock(struct tree *tree)
{
	pthread_mutex_lock(&tree->lock);
	lock_take(tree->sim);
}

static void unlock(struct tree *tree)
{
	lock_release(tree->sim);
	pthread_mutex_unlock(&tree->lock);
}

static bool lock_and_refresh(struct tree *tree, struct node *node)
{
	lock(tree);
	if (refresh(tree, node))
		return true;
	unlock(tree);
	return false;
}

/* ---- Life ---- */

int tree_create(struct vfiosim *sim, struct tree **ret_tree)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	struct node *root;

	if (!tree)
		return -ENOMEM;
	pthread_mutex_init(&tree->lock, NULL);
	tree->sim = sim;
	root = node_create(tree, NULL, "");
	if (!root) {
		tree_destroy(tree);
		return -ENOMEM;
	}
	root->type = &sysfs_root;
	tree->root = root;
	*ret_tree = tree;
	return 0;
}

void tree_destroy(struct tree *tree)
{
	if (!tree)
		return;
	for (size_t i = 0; i < tree->n_nodes; i++) {
		free(tree->nodes[i]->name);
		free(tree->nodes[i]);
	}
	free(tree->nodes);
	pthread_mutex_destroy(&tree->lock);
	free(tree);
}

void tree_set_last(struct tree *tree, tree_last_fn *last, void *ctx)
{
	pthread_mutex_lock(&tree->lock);
	tree->last = last;
	tree->last_ctx = ctx;
	pthread_mutex_unlock(&tree->lock);
}

int tree_last(struct tree *tree, struct vfiosim_caller *caller, char **ret_text)
{
	tree_last_fn *last;
	void *ctx;

	pthread_mutex_lock(&tree->lock);
	last = tree->last;
	ctx = tree->last_ctx;
	pthread_mutex_unlock(&tree->lock);
	if (last)
		return last(ctx, caller, ret_text);
	*ret_text = strdup("null\n");
	return *ret_text ? 0 : -ENOMEM;
}

struct vfiosim *tree_sim(struct tree *tree)
{
	return tree->sim;
}

/* ---- Finding ---- */

struct node *tree_root(struct tree *tree)
{
	return tree->root;
}

struct node *tree_lookup(struct tree *tree, struct node *folder, const char *name)
{
	struct node *node;

	if (strlen(name) >= SYSFS_NAME_MAX || !lock_and_refresh(tree, folder))
		return NULL;
	node = find_entry(tree, folder, name);
	unlock(tree);
	return node;
}

struct node *tree_find(struct tree *tree, const char *path)
{
	struct node *node = tree_root(tree);
	char name[SYSFS_NAME_MAX];

	while (node && *path) {
		size_t n = strcspn(path, "/");

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		if (n)
			node = tree_lookup(tree, node, name);
		path += n + (path[n] == '/');
	}
	return node;
}

uint64_t node_id(const struct node *node)
{
	return node->id;
}

struct node *tree_node(struct tree *tree, uint64_t id)
{
	struct node *node;

	pthread_mutex_lock(&tree->lock);
	node = id && id <= tree->n_nodes ? tree->nodes[id - 1] : NULL;
	pthread_mutex_unlock(&tree->lock);
	return node;
}

struct node *node_parent(const struct node *node)
{
	return node->parent;
}

/* ---- Looking ---- */

/* Folders in a folder: the links of one are 2 and one for each. */
static unsigned count_folders(struct tree *tree, const struct node *folder)
{
	struct listing listing = { .sim = tree->sim };
	unsigned n = 0;

	list_folder(&listing, folder);
	for (size_t i = 0; i < listing.n; i++)
		n += listing.items[i].type->kind == NODE_FOLDER;
	free(listing.items);
	return n;
}

/* What a device node's number would be. The machine's lock held. */
static void number_of(const struct node *node, struct node_stat *stat)
{
	switch (stat->kind) {
	case NODE_CONTAINER:
		stat->major = MISC_MAJOR;
		stat->minor = VFIO_MINOR;
		break;
	case NODE_IOMMUFD:
		stat->major = MISC_MAJOR;
		stat->minor = IOMMU_MINOR;
		break;
	case NODE_GROUP:
		stat->major = GROUP_MAJOR;
		stat->minor = (unsigned)node->subject.group->vfio->minor;
		break;
	case NODE_CDEV:
		stat->major = CDEV_MAJOR;
		stat->minor = (unsigned)node->subject.dev->vfio->cdev;
		break;
	default:
		break;
	}
}

int node_stat(struct tree *tree, struct node *node, struct node_stat *ret_stat)
{
	const struct node_type *type;

	if (!lock_and_refresh(tree, node))
		return -ENOENT;
	type = node->type;
	*ret_stat = (struct node_stat){
		.kind = type->kind,
		.permissions = type->permissions,
		.size = type->size ? type->size(tree->sim, &node->subject) :
			type->kind == NODE_ATTRIBUTE ? 4096 : 0,
		.links = type->kind == NODE_FOLDER ? 2 + count_folders(tree, node) : 1,
		.owned = type->kind == NODE_GROUP || type->kind == NODE_CDEV ||
			 type->kind == NODE_IOMMUFD,
		.group = node->subject.group ? node->subject.group->index : 0,
		.device = node->subject.dev ? node->subject.dev->index : 0,
	};
	number_of(node, ret_stat);
	unlock(tree);
	return 0;
}

int node_list(struct tree *tree, struct node *folder,
	      bool (*visit)(void *ctx, const char *name, struct node *node), void *ctx)
{
	struct listing listing = { .sim = tree->sim };
	struct node **nodes = NULL;
	int ret = 0;

	if (!lock_and_refresh(tree, folder))
		return -ENOENT;
	if (folder->type->kind != NODE_FOLDER) {
		unlock(tree);
		return -ENOTDIR;
	}
	list_folder(&listing, folder);
	nodes = malloc((listing.n + 1) * sizeof(*nodes));
	if (!nodes || listing.failed)
		ret = -ENOMEM;
	for (size_t i = 0; !ret && i < listing.n; i++) {
		nodes[i] = node_met(tree, folder, &listing.items[i]);
		if (!nodes[i])
			ret = -ENOMEM;
	}
	unlock(tree);
	for (size_t i = 0; !ret && i < listing.n; i++)
		if (!visit(ctx, listing.items[i].name, nodes[i]))
			break;
	free(nodes);
	free(listing.items);
	return ret;
}

/* "sys/bus/pci" of a node that is there. */
static size_t node_path(const struct node *node, char *to)
{
	size_t used;

	if (node->parent == node) {
		*to = '\0';
		return 0;
	}
	used = node_path(node->parent, to);
	if (used >= SYSFS_PATH_MAX)
		return used;
	return used + (size_t)snprintf(to + used, SYSFS_PATH_MAX - used, "%s%s", used ? "/" : "",
				       node->name);
}

/*
 * From the folder of a link to a target, both paths from the root: up to the
 * deepest folder that holds both the link and the target, then down. Mirrors
 * kernfs_get_target_path (7.2).
 */
static size_t relative_path(const char *folder, const char *target, char *to, size_t size)
{
	size_t common = 0, used = 0;
	const char *slash = strrchr(target, '/');
	size_t parent = slash ? (size_t)(slash - target) : 0;

	for (size_t i = 0;; i++) {
		bool folder_end = !folder[i] || folder[i] == '/';
		bool target_end = i == parent || target[i] == '/';

		if (folder_end && target_end)
			common = i;
		if (!folder[i] || i == parent || folder[i] != target[i])
			break;
	}
	for (const char *at = folder + common; *at; at++)
		if (*at == '/')
			used += (size_t)snprintf(used < size ? to + used : NULL,
						 used < size ? size - used : 0, "../");
	target += common + (target[common] == '/');
	used += (size_t)snprintf(used < size ? to + used : NULL, used < size ? size - used : 0, "%s",
				 target);
	return used;
}

ssize_t node_readlink(struct tree *tree, struct node *node, char *to, size_t size)
{
	char folder[SYSFS_PATH_MAX] = "", target[SYSFS_PATH_MAX] = "";

	if (!lock_and_refresh(tree, node))
		return -ENOENT;
	if (node->type->kind == NODE_LINK) {
		node->type->target(tree->sim, &node->subject, target);
		node_path(node->parent, folder);
	}
	unlock(tree);
	if (!*target)
		return -EINVAL;
	return (ssize_t)relative_path(folder, target, to, size);
}

/* ---- Reading and writing ---- */

static int show_attribute(struct tree *tree, const struct node *node, char **ret_text,
			  size_t *ret_length)
{
	FILE *to = open_memstream(ret_text, ret_length);

	if (!to)
		return -ENOMEM;
	node->type->show(tree->sim, &node->subject, to);
	return fclose(to) ? -ENOMEM : 0;
}

int node_show(struct tree *tree, struct node *node, struct vfiosim_caller *caller, char **ret_text,
	      size_t *ret_length)
{
	int (*text)(struct tree *tree_, struct vfiosim_caller *caller_, char **ret_text_);
	int ret = -EACCES;

	if (!lock_and_refresh(tree, node))
		return -ENOENT;
	text = node->type->text;
	if (node->type->kind == NODE_ATTRIBUTE && node->type->show)
		ret = show_attribute(tree, node, ret_text, ret_length);
	unlock(tree);
	if (text) {
		ret = text(tree, caller, ret_text);
		if (!ret)
			*ret_length = strlen(*ret_text);
	}
	return ret;
}

/* One write on its way to an attribute's store; call_state() has its address. */
struct store {
	const struct node_type *type;
	struct subject subject;
	const char *text;
	size_t length;
	uint64_t wait;		/* in and out: as node_store() has it */
};

/*
 * A device that is removed now was there when the node was found, or when a writer began
 * to wait, which has waited for that. Mirrors kernfs_get_active, kernfs_drain.
 */
static int decide_store(struct call *call)
{
	const struct store *store = *call_state(call, struct store *);
	const struct device *dev = store->subject.dev;

	call->wait = store->wait;
	if (store->wait && bus_waits(call->sim, store->wait))
		return CALL_PARKED;
	if (dev && dev->removed)
		return bus_waited(call) ? 0 : refuse(call, RULE_BUS_NO_DEVICE, V("error", ENODEV),
						     VS("device", dev->topo->address));
	return store->type->store(call, &store->subject, store->text, store->length);
}

static ssize_t run_store(struct tree *tree, struct vfiosim_caller *caller, const char *path,
			 struct store *store)
{
	struct call call;
	char object[SYSFS_PATH_MAX + 16];
	ssize_t ret;

	snprintf(object, sizeof(object), "sysfs /%s", path);
	call_init(&call, tree->sim, caller, NULL);
	call.object = object;
	*call_state(&call, struct store *) = store;
	ret = call_run(&call, decide_store);
	store->wait = call.wait;
	if (!ret)
		ret = (ssize_t)store->length;
	if (ret != CALL_PARKED)
		trace_call(&call, "write", NULL, NULL, ret);
	call_done(&call);
	return ret;
}

ssize_t node_store(struct tree *tree, struct node *node, struct vfiosim_caller *caller,
		   const char *text, size_t length, uint64_t *wait)
{
	char path[SYSFS_PATH_MAX];
	struct store store;
	bool there;
	char *copy;
	ssize_t ret;

	lock(tree);
	there = refresh(tree, node);
	store = (struct store){ .type = node->type, .subject = node->subject, .length = length,
				.wait = *wait };
	node_path(node, path);
	unlock(tree);
	if (!there && !*wait)
		return -ENOENT;
	if (store.type->kind != NODE_ATTRIBUTE || !store.type->store)
		return -EACCES;
	copy = malloc(length + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, length);
	copy[length] = '\0';
	store.text = copy;
	ret = run_store(tree, caller, path, &store);
	*wait = store.wait;
	free(copy);
	return ret;
}

ssize_t node_pread(struct tree *tree, struct node *node, void *to, size_t length, uint64_t offset)
{
	ssize_t ret = -EINVAL;

	if (!lock_and_refresh(tree, node))
		return -ENOENT;
	if (node->type->kind == NODE_BINARY)
		ret = node->type->pread ?
			node->type->pread(tree->sim, &node->subject, to, length, offset) : -EIO;
	unlock(tree);
	return ret;
}

ssize_t node_pwrite(struct tree *tree, struct node *node, const void *from, size_t length,
		    uint64_t offset)
{
	enum node_kind kind;

	pthread_mutex_lock(&tree->lock);
	kind = node->type->kind;
	pthread_mutex_unlock(&tree->lock);
	/* Config space and BARs belong to the driver that holds the device: not from here. */
	return kind == NODE_BINARY ? -EPERM : -EINVAL;
}
