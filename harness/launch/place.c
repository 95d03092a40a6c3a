/* SPDX-License-Identifier: MIT */
/*
 * Placing the machine: the folders that the server offers (vfiosim/fuse.h lists
 * them) are bound over the same places of the host. Which names there are is read
 * from the server; where the host lacks one of them, its parent is covered first.
 *
 * This is most of what a run costs before its command starts, so two threads share
 * the parts, and /dev is done while the server still builds its machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "cli.h"
#include "launch/cover.h"
#include "launch/space.h"

/* ---- Names the server has, and names it hides --------------------------- */

struct names {
	char **items;	/* first those the server has */
	size_t n;
	size_t n_ours;	/* of them; the others only the host has, and they are hidden */
};

static void names_done(struct names *names)
{
	while (names->n > 0)
		free(names->items[--names->n]);
	free(names->items);
}

static int names_add(struct names *names, const char *name)
{
	if (!list_room(&names->items, names->n, sizeof(*names->items), NULL))
		return -ENOMEM;
	names->items[names->n] = strdup(name);
	if (!names->items[names->n])
		return -ENOMEM;
	names->n++;
	return 0;
}

/* What the server has in the open folder @fd, which stays open; @except is left out. */
static int names_read(struct names *names, int fd, const char *except)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int error = 0;

	if (!folder)
		return -errno;
	while (!error && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && !(except && !strcmp(entry->d_name, except)))
			error = names_add(names, entry->d_name);
	closedir(folder);
	names->n_ours = names->n;
	return error;
}

static struct cover_names names_list(const struct names *names)
{
	return (struct cover_names){ (const char *const *)names->items, names->n };
}

/* ---- Places the host has, or is given ---------------------------------- */

static bool have_all(const char *path, const struct names *names)
{
	char name[512];

	for (size_t i = 0; i < names->n_ours; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names->items[i]);
		if (access(name, F_OK))
			return false;
	}
	return true;
}

/* Covers @path: everything it had but @names; ours are new, empty folders. */
static int cover(const struct space *space, const char *path, const struct names *names)
{
	const struct cover_names skip = names_list(names);
	char name[512];
	int old = cover_mount(path, space_cover_mode(space));

	if (old < 0)
		return old;
	for (size_t i = 0; i < names->n_ours; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names->items[i]);
		mkdir(name, 0755);
	}
	return cover_fill(path, old, &skip, false);
}

/* Gives @path a folder for each of ours, and itself where the host lacks it; takes the others away. */
static int need_places(const struct space *space, const char *path, const struct names *names)
{
	char parent[512], *name;
	const struct names self = { &name, 1, 1 };
	int error = 0;

	if (names->n == names->n_ours && have_all(path, names))
		return 0;
	snprintf(parent, sizeof(parent), "%s", path);
	name = strrchr(parent, '/');
	if (name != parent) {
		*name++ = '\0';
		error = need_places(space, parent, &self);
	}
	return error ? error : cover(space, path, names);
}

static int need_place(const struct space *space, const char *path, const char *name)
{
	char *item = (char *)(uintptr_t)name;

	return need_places(space, path, &(struct names){ &item, 1, 1 });
}

/* ---- What only the host has ------------------------------------------- */

/*
 * Whatever a program does to a device of PCI or VFIO, to an IOMMU or an mdev, it does to one
 * of the machine's. The host's are not to be seen where the machine has none: they are taken
 * out of the folders that list them, and the folders they are in are empty.
 */

/* "pci0000:00": a root of PCI buses. */
static bool is_pci_root(const char *name)
{
	unsigned domain, bus;
	char end;

	return sscanf(name, "pci%x:%x%c", &domain, &bus, &end) == 2;
}

static bool is_class(const char *name)
{
	return !strcmp(name, "iommu") || !strcmp(name, "mdev_bus") || !strcmp(name, "vfio") ||
	       !strcmp(name, "vfio-dev");
}

static bool is_misc(const char *name)
{
	return !strcmp(name, "iommu") || !strcmp(name, "vfio");
}

static bool is_mdev(const char *name)
{
	return !strcmp(name, "mdev");
}

/* The host's parents of mdevs are gone, their modules need not be. */
static bool is_module(const char *name)
{
	return is_mdev(name) || !strcmp(name, "iommufd") || !strncmp(name, "vfio", 4);
}

/* To @names, which are ours: what is at @path and claimed, but none of them. */
static int add_host_only(struct names *names, const char *path, bool (*claims)(const char *name))
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	int error = 0;

	while (folder && !error && (entry = readdir(folder)))
		if (claims(entry->d_name) &&
		    !list_has_text((const char *const *)names->items, names->n_ours, entry->d_name))
			error = names_add(names, entry->d_name);
	if (folder)
		closedir(folder);
	return error;
}

/* An empty folder over @path, if there is one. */
static int hide(const char *path)
{
	return mount("none", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     "mode=555,size=4k") && errno != ENOENT ? -errno : 0;
}

#define PARENTS "/sys/class/mdev_bus"

/* Where the host's mdevs are: what its parents of mdevs lead to. PCI devices are hidden anyway. */
static int read_parents(struct names *parents)
{
	struct dirent *entry;
	char path[512], target[PATH_MAX];
	DIR *folder = opendir(PARENTS);
	int error = 0;

	while (folder && !error && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), PARENTS "/%s", entry->d_name);
		if (entry->d_name[0] != '.' && realpath(path, target) &&
		    !strncmp(target, "/sys/", 5) && strncmp(target, "/sys/devices/pci", 16))
			error = names_add(parents, target);
	}
	if (folder)
		closedir(folder);
	return error;
}

/* ---- The parts --------------------------------------------------------- */

/* One folder of the server's tree whose entries stand beside the host's. */
struct part {
	const char *name;	/* below the part above it, or below sys */
	const char *path;
	const struct part *below;	/* a folder of it that is a part of its own; NULL: none */
	bool links;			/* its entries are links, to be made anew */
	bool parents;			/* what is hidden in it are folders, and those of mdevs */
	bool (*claims)(const char *name);	/* what the host may have and is hidden; NULL: nothing */
};

static const struct part class_misc_part = { "misc", "/sys/class/misc", .links = true,
					     .claims = is_misc };
static const struct part virtual_misc_part = { "misc", "/sys/devices/virtual/misc",
					       .claims = is_misc };
static const struct part virtual_part = { "virtual", "/sys/devices/virtual", &virtual_misc_part,
					  .claims = is_class };

/* The costly ones first. */
static const struct part parts[] = {
	{ "module", "/sys/module", .claims = is_module },
	{ "class", "/sys/class", &class_misc_part, .claims = is_class },
	{ "bus", "/sys/bus", .claims = is_mdev },
	{ "devices", "/sys/devices", &virtual_part, .parents = true, .claims = is_pci_root },
	{ "kernel", "/sys/kernel" },
};

#define N_PARTS (sizeof(parts) / sizeof(parts[0]))

static int place_names(const struct space *space, const char *path, int from,
		       const struct names *names)
{
	char to[512];
	int error = need_places(space, path, names);

	if (!error && fchdir(from))
		error = -errno;
	for (size_t i = 0; !error && i < names->n_ours; i++) {
		snprintf(to, sizeof(to), "%s/%s", path, names->items[i]);
		if (mount(names->items[i], to, NULL, MS_BIND, NULL))
			error = -errno;
	}
	return error;
}

/* Links of the host lead to the same places. */
static int place_links(const struct space *space, const char *path, int from,
		       const struct names *names)
{
	const struct cover_names skip = names_list(names);
	char to[512], target[512];
	ssize_t length;
	int old, error;

	if (names->n == names->n_ours && have_all(path, names))
		return 0;
	old = cover_mount(path, space_cover_mode(space));
	if (old < 0)
		return old;
	error = cover_fill(path, old, &skip, false);
	for (size_t i = 0; !error && i < names->n_ours; i++) {
		length = readlinkat(from, names->items[i], target, sizeof(target) - 1);
		snprintf(to, sizeof(to), "%s/%s", path, names->items[i]);
		target[length > 0 ? length : 0] = '\0';
		if (length < 0 || symlink(target, to))
			error = -errno;
	}
	return error;
}

/* Empties what of @names in @part is hidden, and the folders of the host's mdevs. */
static int hide_folders(const struct part *part, const struct names *names,
			const struct names *parents)
{
	char path[512];
	int error = 0;

	for (size_t i = names->n_ours; !error && i < names->n; i++) {
		snprintf(path, sizeof(path), "%s/%s", part->path, names->items[i]);
		error = hide(path);
	}
	for (size_t i = 0; !error && i < parents->n; i++)
		error = hide(parents->items[i]);
	return error;
}

/*
 * @above is the server's folder that has the part. Everything is done relative to
 * open folders: each name on a path would be one more question to the server.
 */
static int place_part(const struct space *space, const struct part *part, int above,
		      const struct names *parents)
{
	int from = openat(above, part->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct names names = {}, placed;
	int error;

	if (from < 0)
		return errno == ENOENT ? 0 : -errno;	/* nothing of the kind to place */
	error = names_read(&names, from, part->below ? part->below->name : NULL);
	if (!error && part->below)
		error = need_place(space, part->path, part->below->name);
	if (!error && part->claims)
		error = add_host_only(&names, part->path, part->claims);
	placed = (struct names){ names.items, part->parents ? names.n_ours : names.n, names.n_ours };
	if (!error && placed.n)
		error = (part->links ? place_links : place_names)(space, part->path, from, &placed);
	if (!error && part->parents)
		error = hide_folders(part, &names, parents);
	names_done(&names);
	/* Below a folder that may just have been covered. */
	if (!error && part->below)
		error = place_part(space, part->below, from, parents);
	close(from);
	return error;
}

/* What a client must not find as the host, or an outer run, has it; ptmx: see host_ptmx(). */
static const char *const replaced_dev[] = { "vfio", "iommu", ".vfiosim", ".vfiosim-server", "ptmx" };

#define N_REPLACED (sizeof(replaced_dev) / sizeof(replaced_dev[0]))

/*
 * A bind mount of ptmx alone cannot be opened: it looks for the folder pts beside
 * itself, in its own mount. Only root can make a node of its own.
 */
static bool host_ptmx(const struct space *space)
{
	struct stat st;

	return space->user_namespace && !lstat(SPACE_HOST_DEV "/ptmx", &st) && S_ISCHR(st.st_mode);
}

static int place_dev(struct space *space)
{
	bool ptmx = host_ptmx(space);
	const struct cover_names skip = { replaced_dev, ptmx ? N_REPLACED : N_REPLACED - 1 };
	int error = cover_fill("/dev", space->old_dev, &skip, !space->user_namespace);

	space->old_dev = -1;
	if (!error && (mkdir("/dev/vfio", 0755) || mkdir(SPACE_CONTROL, 0755) ||
		       (!access(SPACE_NODES "/dev/iommu", F_OK) &&
			symlink(SPACE_IOMMU, "/dev/iommu"))))
		error = -errno;
	if (!error && ptmx && symlink(SPACE_HOST_DEV "/ptmx", "/dev/ptmx"))
		error = -errno;
	return error;
}

static int place_nodes(void)
{
	if (mount(SPACE_NODES "/dev/vfio", "/dev/vfio", NULL, MS_BIND, NULL) ||
	    (!access("/dev/vfio/devices", F_OK) &&
	     mount(SPACE_DEVICES, "/dev/vfio/devices", NULL, MS_BIND, NULL)) ||
	    mount(SPACE_NODES "/ctl", SPACE_CONTROL, NULL, MS_BIND, NULL))
		return -errno;
	return 0;
}

/* ---- Two workers ------------------------------------------------------- */

struct placing {
	const struct space *space;
	int sys;		/* the server's folder of that name */
	struct names parents;	/* folders of the host's mdevs */
	atomic_size_t next;	/* index of the first part that nobody has taken */
	atomic_int error;	/* the first one, 0 until then */
};

static void *place_parts(void *ctx)
{
	struct placing *placing = ctx;
	int none = 0, error;
	size_t i;

	while ((i = atomic_fetch_add(&placing->next, 1)) < N_PARTS) {
		error = place_part(placing->space, &parts[i], placing->sys,
				   &placing->parents);
		if (error)
			atomic_compare_exchange_strong(&placing->error, &none, error);
	}
	return NULL;
}

static void *help(void *ctx)
{
	/* A working directory of its own. */
	if (!unshare(CLONE_FS))
		place_parts(ctx);
	return NULL;
}

/* Where no sysfs is mounted, /sys gets a folder for each part, before they are placed at once. */
static int need_parts(const struct space *space)
{
	char *names[N_PARTS];

	for (size_t i = 0; i < N_PARTS; i++)
		names[i] = (char *)(uintptr_t)parts[i].name;
	return need_places(space, "/sys", &(struct names){ names, N_PARTS, N_PARTS });
}

static int place_sys(const struct space *space)
{
	struct placing placing = { .space = space };
	pthread_t helper;
	bool helped;
	int error;

	placing.sys = open(SPACE_NODES "/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (placing.sys < 0)
		return -errno;
	error = need_parts(space);
	if (!error)
		error = read_parents(&placing.parents);
	if (error)
		goto close_sys;
	helped = !pthread_create(&helper, NULL, help, &placing);

	place_parts(&placing);
	if (helped)
		pthread_join(helper, NULL);
	error = placing.error;
close_sys:
	names_done(&placing.parents);
	close(placing.sys);
	return error;
}

int space_place(struct space *space)
{
	int error = place_dev(space);

	if (!error)
		error = place_nodes();
	if (!error)
		error = place_sys(space);
	/* A dead server has spoken for itself. */
	if (error == -ENOENT && access("/sys", F_OK))
		cli_error("cannot place the simulated machine: there is no folder /sys");
	else if (error && error != -ENOTCONN && error != -ECONNABORTED)
		cli_error("cannot place the simulated machine: %s", strerror(-error));
	return error;
}
