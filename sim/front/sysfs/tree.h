/* SPDX-License-Identifier: MIT */
/*
 * The tree of names: what a client can find under /dev/vfio, in sysfs, and in the
 * control folder; see vfiosim/fuse.h for where each part is mounted. Knows
 * nothing of FUSE: fuse.c asks it, and so do unit tests.
 *
 * Nodes live as long as the tree and keep their id; whether one is *there* now
 * (a driver link, a group's node) is decided at each lookup. Attributes are rows:
 * name, mode, show, store (sysfs_*.c).
 *
 * Threads: any; takes the machine's lock itself. No function blocks.
 */
#ifndef SIM_FRONT_SYSFS_TREE_H
#define SIM_FRONT_SYSFS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <vfiosim/vfiosim.h>

struct tree;
struct node;

enum node_kind {
	NODE_FOLDER,
	NODE_LINK,
	NODE_ATTRIBUTE,		/* text: shown whole at open, stored by one write */
	NODE_BINARY,		/* config, resourceN: read and written at offsets */
	NODE_CONTAINER,		/* dev/vfio/vfio */
	NODE_GROUP,		/* dev/vfio/N */
	NODE_CDEV,		/* dev/vfio/devices/vfioN */
	NODE_IOMMUFD,		/* dev/iommu */
	NODE_CONTROL,		/* ctl/ctl: takes lines, the front answers */
	NODE_STATE,		/* ctl/state and the like: text, size not known before */
};

struct node_stat {
	enum node_kind kind;
	mode_t permissions;	/* 0644 ... */
	uint64_t size;		/* as sysfs tells it: 4096 for attributes */
	unsigned links;
	bool owned;		/* a device node: belongs to the run's user (else root's) */
	uint32_t group;		/* NODE_GROUP: index of the group */
	uint32_t device;	/* NODE_CDEV: index of the device */
	unsigned major, minor;	/* device nodes: as the kernel numbers them; 0: another kind */
};

/* -ENOMEM */
int tree_create(struct vfiosim *sim, struct tree **ret_tree);
void tree_destroy(struct tree *tree);

/*
 * Who knows the reason of the caller's last refused command, for ctl/last: a
 * malloc'ed JSON text. No lock held. Without one ctl/last says null.
 */
typedef int tree_last_fn(void *ctx, struct vfiosim_caller *caller, char **ret_text);
void tree_set_last(struct tree *tree, tree_last_fn *last, void *ctx);

struct node *tree_root(struct tree *tree);
/* NULL: no such name now. */
struct node *tree_lookup(struct tree *tree, struct node *folder, const char *name);
/* By path from the root, "sys/bus/pci/devices"; NULL. Does not follow links. */
struct node *tree_find(struct tree *tree, const char *path);
/* Stable numbers from 2 up; the root is 1. NULL for a number never given. */
uint64_t node_id(const struct node *node);
struct node *tree_node(struct tree *tree, uint64_t id);
struct node *node_parent(const struct node *node);

/* 0, or -ENOENT when the node is not there any more. */
int node_stat(struct tree *tree, struct node *node, struct node_stat *ret_stat);
/* Calls @visit for each name of a folder, in order; stops when it returns false. -ENOTDIR. */
int node_list(struct tree *tree, struct node *folder,
	      bool (*visit)(void *ctx, const char *name, struct node *node), void *ctx);
/* Link target, relative as the kernel gives it. Length wanted, or -EINVAL. */
ssize_t node_readlink(struct tree *tree, struct node *node, char *to, size_t size);
/* The whole text, malloc'ed, NUL-terminated; its length in @ret_length. -EACCES: write-only;
   -EIO, ... as the attribute's show. */
int node_show(struct tree *tree, struct node *node, struct vfiosim_caller *caller, char **ret_text,
	      size_t *ret_length);
/*
 * One write. The length taken, or what the attribute's store answers; -EACCES:
 * read-only. CALL_PARKED: the writer waits (unbind of an open device): call again with the
 * same text and @wait whenever a device file was released. Whether it is called again or
 * not, what it waits for is done. @wait: 0 at first.
 */
ssize_t node_store(struct tree *tree, struct node *node, struct vfiosim_caller *caller,
		   const char *text, size_t length, uint64_t *wait);
/* NODE_BINARY. */
ssize_t node_pread(struct tree *tree, struct node *node, void *to, size_t length, uint64_t offset);
ssize_t node_pwrite(struct tree *tree, struct node *node, const void *from, size_t length,
		    uint64_t offset);

#endif
