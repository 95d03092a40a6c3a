/* SPDX-License-Identifier: MIT */
/*
 * The nodes connection: gives the tree of names (tree.h) to the kernel, inode
 * number = node_id(). Names come and go with the machine (a driver link, a group's
 * node), so the kernel keeps neither names nor attributes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "machine/lock.h"
#include "vfio/group.h"
#include "vfio/node.h"
#include "machine/sim.h"
#include "front/fuse/fuse_front.h"

static mode_t kind_mode(enum node_kind kind)
{
	switch (kind) {
	case NODE_FOLDER:
		return S_IFDIR;
	case NODE_LINK:
		return S_IFLNK;
	default:
		return S_IFREG;	/* a character device would never reach us */
	}
}

/* Replaces what chmod and chown changed. */
static void stat_owner(struct vfiosim_fuse *fuse, struct stat *st)
{
	struct node_owner *owner;

	pthread_mutex_lock(&fuse->lock);
	owner = id_map_find(&fuse->owners, st->st_ino);
	if (owner) {
		st->st_mode = (st->st_mode & S_IFMT) | owner->permissions;
		st->st_uid = owner->uid;
		st->st_gid = owner->gid;
	}
	pthread_mutex_unlock(&fuse->lock);
}

int stat_of(struct vfiosim_fuse *fuse, struct node *node, struct stat *ret_st)
{
	struct node_stat stat;
	int error = node_stat(fuse->tree, node, &stat);

	if (error)
		return error;
	*ret_st = (struct stat){
		.st_ino = stat.kind == NODE_CDEV ? CDEV_INO_FIRST + stat.device : node_id(node),
		.st_mode = kind_mode(stat.kind) | stat.permissions,
		.st_nlink = stat.links ? stat.links : 1,
		.st_uid = stat.owned ? fuse->uid : fuse->root_uid,
		.st_gid = stat.owned ? fuse->gid : fuse->root_gid,
		.st_size = (off_t)stat.size,
		.st_blksize = VFIOSIM_PAGE_SIZE,
		.st_atim = fuse->started,
		.st_mtim = fuse->started,
		.st_ctim = fuse->started,
	};
	stat_owner(fuse, ret_st);
	return 0;
}

static struct node *node_of(fuse_req_t req, fuse_ino_t ino)
{
	return tree_node(req_fuse(req)->tree, ino);
}

/*
 * Seconds the kernel need not ask for attributes again. Those of a folder are asked
 * for at each step of each path otherwise, and change by what the kernel itself is
 * told (chmod); a path that leads to it is still looked up, which renews them.
 */
static double attr_timeout(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? 3600 : 0;
}

void lookup_refuse(fuse_req_t req, const char *folder, const char *name)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	char path[64];	/* longer names are no nodes of ours */
	struct remote_call call;

	snprintf(path, sizeof(path), "%s%.48s", folder, name);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req), REMOTE_QUICK);
	vfio_no_node(fuse->sim, &call.caller, path);
	remote_call_finish(&call);
	remote_call_end(&call);
}

static void nodes_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct node *folder = node_of(req, parent), *node;
	struct fuse_entry_param entry = { 0 };

	node = folder ? tree_lookup(fuse->tree, folder, name) : NULL;
	if (!node || stat_of(fuse, node, &entry.attr)) {
		if (folder && folder == tree_find(fuse->tree, "dev/vfio"))
			lookup_refuse(req, "", name);
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry.ino = node_id(node);
	entry.attr_timeout = attr_timeout(&entry.attr);
	fuse_reply_entry(req, &entry);
}

static void nodes_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct node *node = node_of(req, ino);
	struct stat st;

	if (node && !stat_of(req_fuse(req), node, &st))
		fuse_reply_attr(req, &st, attr_timeout(&st));
	else
		fuse_reply_err(req, ENOENT);
}

/* Keeps mode and owner of @st, with what @to_set changes. 0 or -ENOMEM. */
static int set_owner(struct vfiosim_fuse *fuse, const struct stat *st, const struct stat *attr,
		     int to_set)
{
	struct node_owner *owner = malloc(sizeof(*owner));
	int error;

	if (!owner)
		return -ENOMEM;
	owner->permissions = (to_set & FUSE_SET_ATTR_MODE ? attr : st)->st_mode & 07777;
	owner->uid = (to_set & FUSE_SET_ATTR_UID ? attr : st)->st_uid;
	owner->gid = (to_set & FUSE_SET_ATTR_GID ? attr : st)->st_gid;
	pthread_mutex_lock(&fuse->lock);
	free(id_map_erase(&fuse->owners, st->st_ino));
	error = id_map_insert(&fuse->owners, st->st_ino, owner);
	pthread_mutex_unlock(&fuse->lock);
	if (error)
		free(owner);
	return error;
}

/*
 * Who may is the kernel's to decide (default_permissions). Truncating changes
 * nothing, as in sysfs, and times are not kept.
 */
int node_setattr(struct vfiosim_fuse *fuse, struct node *node, const struct stat *attr, int to_set)
{
	const int owner = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
	struct stat st;
	int error;

	error = node ? stat_of(fuse, node, &st) : -ENOENT;
	if (!error && to_set & owner)
		error = set_owner(fuse, &st, attr, to_set);
	return error;
}

static void nodes_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
			  struct fuse_file_info *fi)
{
	int error = node_setattr(req_fuse(req), node_of(req, ino), attr, to_set);

	if (error)
		fuse_reply_err(req, -error);
	else
		nodes_getattr(req, ino, fi);
}

static void nodes_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct node *node = node_of(req, ino);
	char target[PATH_MAX];
	ssize_t length;

	length = node ? node_readlink(fuse->tree, node, target, sizeof(target)) : -ENOENT;
	if (length < 0)
		fuse_reply_err(req, (int)-length);
	else
		fuse_reply_readlink(req, target);
}

#define SETTLE_MS 300		/* how long a group that is open may still be on its way out */

/* ---- Opening ---- */

/* 0, or what the machine or the attribute answers. */
static int open_kind(struct vfiosim_fuse *fuse, struct handle *handle, struct remote_call *call,
		     const struct node_stat *stat, int flags)
{
	switch (stat->kind) {
	case NODE_CONTAINER:
		return vfiosim_open_container(fuse->sim, &call->caller, &handle->file);
	case NODE_GROUP:
		return vfiosim_open_group(fuse->sim, &call->caller, stat->group, &handle->file);
	case NODE_CDEV:		/* reached where the devices connection is not mounted over it */
		return vfiosim_open_cdev(fuse->sim, &call->caller, stat->device, &handle->file);
	case NODE_IOMMUFD:
		return vfiosim_open_iommufd(fuse->sim, &call->caller, &handle->file);
	case NODE_ATTRIBUTE:
	case NODE_STATE:
		if ((flags & O_ACCMODE) == O_WRONLY)
			return 0;
		return node_show(fuse->tree, handle->node, &call->caller, &handle->text,
				 &handle->length);
	default:
		return 0;
	}
}

/* Reading an attribute makes nobody a client. */
static enum remote_how how_to_open(enum node_kind kind)
{
	if (kind == NODE_CONTAINER || kind == NODE_GROUP || kind == NODE_CDEV ||
	    kind == NODE_IOMMUFD)
		return REMOTE_MAKE;
	return kind == NODE_STATE ? REMOTE_KNOWN : REMOTE_NOBODY;
}

static bool group_is_open(struct vfiosim *sim, uint32_t index)
{
	bool open;

	lock_take(sim);
	open = index < sim->n_groups && sim->groups[index]->vfio && sim->groups[index]->vfio->file;
	lock_release(sim);
	return open;
}

/*
 * A group is exclusive: a client that was killed in a command must have let it go,
 * which it does when we close the last of its descriptors that we hold. Not for long:
 * whoever opens a group twice waits for nothing.
 */
static void settle(struct vfiosim_fuse *fuse, uint32_t group)
{
	if (!remotes_unsettled(fuse->remotes) || !group_is_open(fuse->sim, group))
		return;
	loop_pass(fuse->loop);
	for (int i = 0; i < SETTLE_MS && remotes_unsettled(fuse->remotes) &&
			group_is_open(fuse->sim, group); i++)
		usleep(1000);
}

static void nodes_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct node *node = node_of(req, ino);
	struct handle *handle;
	struct remote_call call;
	struct node_stat stat;
	int error;

	error = node ? node_stat(fuse->tree, node, &stat) : -ENOENT;
	handle = error ? NULL : handle_create(fuse);
	if (!handle) {
		fuse_reply_err(req, error ? -error : ENOMEM);
		return;
	}
	handle->node = node;
	handle->kind = stat.kind;
	loop_lend(fuse->loop);
	if (stat.kind == NODE_GROUP)
		settle(fuse, stat.group);
	remote_call_begin(&call, fuse->remotes, fuse->loop, req_tid(req), how_to_open(stat.kind));
	error = open_kind(fuse, handle, &call, &stat, fi->flags);
	remote_call_finish(&call);
	remote_call_end(&call);
	if (handle->file)
		vfiosim_file_set_ctx(handle->file, handle);
	fi->direct_io = 1;
	/* Refuses lseek() and pread() alike. Containers and groups have a pread() that says
	   EINVAL, so there lseek() has to work; of /dev/iommu nobody asks pread(). */
	fi->nonseekable = stat.kind == NODE_IOMMUFD;
	if (error) {
		handle_destroy(fuse, handle);
		fuse_reply_err(req, -error);
	} else {
		handle_reply(req, handle, fi);
	}
}

/* ---- Folders ---- */

struct listing {
	struct vfiosim_fuse *fuse;
	struct dirent_list *list;
	int error;
};

static bool list_name(struct listing *listing, const char *name, const struct stat *st)
{
	struct dirent_list *list = listing->list;
	char *copy = strdup(name);

	if (!copy || !list_room(&list->rows, list->n, sizeof(*list->rows), NULL)) {
		free(copy);
		listing->error = -ENOMEM;
		return false;
	}
	list->rows[list->n++] = (struct dirent_row){ .name = copy, .st = *st };
	return true;
}

static bool list_node(void *ctx, const char *name, struct node *node)
{
	struct listing *listing = ctx;
	struct stat st;

	if (stat_of(listing->fuse, node, &st))
		return true;	/* gone since */
	return list_name(listing, name, &st);
}

static int list_folder(struct vfiosim_fuse *fuse, struct node *node, struct dirent_list *list)
{
	struct listing listing = { .fuse = fuse, .list = list };
	struct node *parent = node_parent(node);
	struct stat st;
	int error;

	if (stat_of(fuse, node, &st))
		return -ENOENT;
	list_name(&listing, ".", &st);
	if (!listing.error && !stat_of(fuse, parent ? parent : node, &st))
		list_name(&listing, "..", &st);
	if (listing.error)
		return listing.error;
	error = node_list(fuse->tree, node, list_node, &listing);
	return error ? error : listing.error;
}

void folder_open(fuse_req_t req, struct node *node, struct fuse_file_info *fi)
{
	struct vfiosim_fuse *fuse = req_fuse(req);
	struct handle *handle = handle_create(fuse);
	int error = -ENOMEM;

	if (handle)
		error = node ? list_folder(fuse, node, &handle->list) : -ENOENT;
	if (!error) {
		handle_reply(req, handle, fi);
		return;
	}
	if (handle)
		handle_destroy(fuse, handle);
	fuse_reply_err(req, -error);
}

static void nodes_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	folder_open(req, node_of(req, ino), fi);
}

void folder_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	const struct dirent_list *list = &handle_of(fi)->list;
	char *to = malloc(size);
	size_t length = 0, entry;

	if (!to) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (size_t i = (size_t)offset; i < list->n; i++) {
		entry = fuse_add_direntry(req, to + length, size - length, list->rows[i].name,
					  &list->rows[i].st, (off_t)i + 1);
		if (entry > size - length)
			break;
		length += entry;
	}
	fuse_reply_buf(req, to, length);
	free(to);
}

/* ---- What sysfs does not have ---- */

static void no_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	fuse_reply_err(req, EPERM);
}

static void no_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	fuse_reply_err(req, EPERM);
}

static void no_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void no_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void no_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent,
		      const char *to_name, unsigned int flags)
{
	fuse_reply_err(req, EPERM);
}

void no_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	fuse_reply_err(req, EACCES);
}

const struct fuse_lowlevel_ops nodes_ops = {
	.init = connection_init,
	.lookup = nodes_lookup,
	.getattr = nodes_getattr,
	.setattr = nodes_setattr,
	.readlink = nodes_readlink,
	.open = nodes_open,
	.ioctl = file_ioctl,
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.release = file_release,
	.opendir = nodes_opendir,
	.readdir = folder_read,
	.releasedir = file_release,
	.mknod = no_mknod,
	.mkdir = no_mkdir,
	.unlink = no_unlink,
	.rmdir = no_unlink,
	.symlink = no_symlink,
	.rename = no_rename,
	.create = no_create,
};
