/* SPDX-License-Identifier: MIT */
/*
 * Remote clients: what stands at an address (client op vmas).
 *
 * From 6.11 on the kernel answers for one VMA at a time (PROCMAP_QUERY); before,
 * /proc/TID/maps is read as text. Either names the file behind a VMA by device
 * and inode, which tells our own device files, and the file system whose pages
 * would have to be pinned.
 *
 * A query is answered by the memory; the text ends with the thread whose number the
 * file was opened by. It is then opened anew, by another thread of the same memory.
 *
 * The pages of a file may end before the VMA does: found by reading one byte of
 * the last page, and by bisecting when it is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/span.h"
#include "front/remote/remote.h"

/* PROCMAP_QUERY of <linux/fs.h>, which may be too old to have it. */
struct procmap_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start, vma_end;	/* end is exclusive */
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;		/* in the file */
	uint64_t inode;
	uint32_t dev_major, dev_minor;
	uint32_t name_size, build_id_size;
	uint64_t name_addr, build_id_addr;
};
_Static_assert(sizeof(struct procmap_query) == 104, "struct procmap_query of linux/fs.h");
#define PROCMAP_QUERY_CMD _IOWR('f', 17, struct procmap_query)
#define PROCMAP_READABLE 0x01u
#define PROCMAP_WRITABLE 0x02u
#define PROCMAP_SHARED 0x08u
#define PROCMAP_OR_NEXT 0x10u

/* A VMA as the kernel tells it. */
struct found {
	struct span span;
	bool readable, writable, shared;
	uint64_t offset;		/* of span.first in the file */
	uint64_t inode;			/* 0: no file */
	dev_t dev;
	char name[256];			/* path or [kind]; "" */
};

bool remote_has_query(void)
{
	struct procmap_query query = { .size = sizeof(query),
				       .query_flags = PROCMAP_OR_NEXT };
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	bool has;

	if (fd < 0)
		return false;
	has = !ioctl(fd, PROCMAP_QUERY_CMD, &query);
	close(fd);
	return has;
}

dev_t remote_memory_dev(void)
{
	int fd = memfd_create("vfiosim", MFD_CLOEXEC);
	struct stat st = { 0 };

	if (fd < 0)
		return 0;
	if (fstat(fd, &st))
		st.st_dev = 0;
	close(fd);
	return st.st_dev;
}

/* ---- What is behind a VMA ---- */

static bool is_memory_type(const char *type)
{
	static const char *const types[] = { "tmpfs", "ramfs", "hugetlbfs", "devtmpfs", "rootfs" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!strcmp(type, types[i]))
			return true;
	}
	return false;
}

/* Is @dev, as the client's mounts show it, a file system that keeps its files in memory? */
static bool is_memory_mount(struct remote *remote, dev_t dev)
{
	pid_t tid = remote_thread(remote);
	char path[64], *line = NULL, type[64], *dash;
	unsigned major, minor;
	size_t capacity = 0;
	bool memory = false;
	FILE *mounts;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)tid);
	mounts = fopen(path, "re");
	if (!mounts)
		return false;
	while (getline(&line, &capacity, mounts) > 0) {
		if (sscanf(line, "%*d %*d %u:%u", &major, &minor) != 2 ||
		    makedev(major, minor) != dev)
			continue;
		dash = strstr(line, " - ");
		memory = dash && sscanf(dash, " - %63s", type) == 1 && is_memory_type(type);
		break;
	}
	free(line);
	fclose(mounts);
	return memory && remote_thread_still(remote, tid);
}

/* Devices that are mapped through a node, such as a graphics card's memory. */
static bool is_char_device(struct remote *remote, const struct found *found)
{
	pid_t tid = remote_thread(remote);
	char path[320];
	struct stat st;

	if (strncmp(found->name, "/dev/", 5))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)tid, found->name);
	return !stat(path, &st) && st.st_dev == found->dev && st.st_ino == found->inode &&
	       S_ISCHR(st.st_mode) && remote_thread_still(remote, tid);
}

/* Memory without a name of its own: /dev/zero, memfd, SysV segments, huge pages. */
static bool is_anonymous_file(const struct found *found)
{
	static const char *const names[] = { "/dev/zero (deleted)", "/memfd:", "/SYSV",
					     "/anon_hugepage", "/[aio]" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(found->name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static enum vfiosim_vma_kind found_kind(struct remote *remote, const struct found *found)
{
	const struct remotes *set = remote->set;

	if (found->inode && found->dev == set->devices_dev)
		return found->inode == FAULT_INO ? VFIOSIM_VMA_NEVER : VFIOSIM_VMA_REGION;
	if (!strncmp(found->name, "[vvar", 5))
		return VFIOSIM_VMA_NEVER;
	if (!found->inode)
		return VFIOSIM_VMA_MEMORY;
	if (!found->shared)
		return VFIOSIM_VMA_PRIVATE;
	if (found->dev == set->memory_dev || is_anonymous_file(found))
		return VFIOSIM_VMA_MEMORY;
	if (is_char_device(remote, found))
		return VFIOSIM_VMA_NEVER;
	return is_memory_mount(remote, found->dev) ? VFIOSIM_VMA_MEMORY : VFIOSIM_VMA_DIRTYTRACK;
}

/* ---- Beyond the end of a file ---- */

/* The first page of the VMA without a page of the file behind it; span.last + 1 if all have one. */
static uint64_t file_end(struct remote *remote, struct span span)
{
	uint64_t low = span.first, high = (span.last + 1) - VFIOSIM_PAGE_SIZE, middle;

	if (remote_has_page(remote, high))
		return span.last + 1;
	while (low < high) {
		middle = low + (high - low) / 2 / VFIOSIM_PAGE_SIZE * VFIOSIM_PAGE_SIZE;
		if (remote_has_page(remote, middle))
			low = middle + VFIOSIM_PAGE_SIZE;
		else
			high = middle;
	}
	return low;
}

static int add_part(struct vfiosim_vmas *vmas, struct vfiosim_vma vma, uint64_t first,
		    uint64_t end, enum vfiosim_vma_kind kind)
{
	if (first >= end)
		return 0;
	vma.first = first;
	vma.last = end - 1;
	vma.kind = kind;
	return vfiosim_vmas_add(vmas, &vma);
}

/* One VMA, cut to what was asked for. */
static int add_found(struct remote *remote, const struct found *found, struct span wanted,
		     struct vfiosim_vmas *vmas)
{
	struct span span = span_clip(found->span, wanted);
	struct vfiosim_vma vma = {
		.first = span.first,
		.last = span.last,
		.readable = found->readable,
		.writable = found->writable,
		.kind = found_kind(remote, found),
	};
	uint64_t end = span.last + 1;
	int error;

	if (vma.kind == VFIOSIM_VMA_REGION) {
		vma.device = inode_device(found->inode);
		vma.offset = found->offset + (span.first - found->span.first);
		return vfiosim_vmas_add(vmas, &vma);
	}
	if (found->inode && vma.readable && vma.kind != VFIOSIM_VMA_NEVER)
		end = file_end(remote, span);
	error = add_part(vmas, vma, span.first, end, vma.kind);
	return error ? error : add_part(vmas, vma, end, span.last + 1, VFIOSIM_VMA_NEVER);
}

/* ---- Asking the kernel ---- */

static int query_at(const struct remote *remote, struct procmap_query *query, uint64_t at,
		    char *name, size_t size)
{
	*query = (struct procmap_query){ .size = sizeof(*query),
					 .query_flags = PROCMAP_OR_NEXT,
					 .query_addr = at,
					 .name_addr = (uintptr_t)name,
					 .name_size = (uint32_t)size };
	return ioctl(remote->maps_fd, PROCMAP_QUERY_CMD, query) ? -errno : 0;
}

/* Names cost time, and plain memory has none. */
static bool wants_name(const struct procmap_query *query)
{
	return query->inode ? query->vma_flags & PROCMAP_SHARED :
			      !(query->vma_flags & PROCMAP_WRITABLE);
}

/* The VMA at @at or the next one. 0; -ENOENT: there is none; -ESRCH: the memory is gone. */
static int query_vma(struct remote *remote, uint64_t at, struct found *found)
{
	struct procmap_query query, named;
	int error = query_at(remote, &query, at, NULL, 0);

	found->name[0] = 0;
	if (!error && wants_name(&query) &&
	    query_at(remote, &named, query.vma_start, found->name, sizeof(found->name)))
		found->name[0] = 0;	/* a longer path: none of those that are looked for */
	if (error)
		return error == -ENOENT ? -ENOENT : -ESRCH;
	found->span = (struct span){ query.vma_start, query.vma_end - 1 };
	found->readable = query.vma_flags & PROCMAP_READABLE;
	found->writable = query.vma_flags & PROCMAP_WRITABLE;
	found->shared = query.vma_flags & PROCMAP_SHARED;
	found->offset = query.vma_offset;
	found->inode = query.inode;
	found->dev = makedev(query.dev_major, query.dev_minor);
	return 0;
}

static int query_vmas(struct remote *remote, struct span wanted, struct vfiosim_vmas *vmas)
{
	struct found found;
	uint64_t at = wanted.first;
	int error;

	for (;;) {
		error = query_vma(remote, at, &found);
		if (error)
			return error == -ENOENT ? 0 : error;
		if (found.span.first > wanted.last)
			return 0;
		error = add_found(remote, &found, wanted, vmas);
		if (error || found.span.last >= wanted.last)
			return error;
		at = found.span.last + 1;
	}
}

/* "first-end rwxp offset major:minor inode   name" */
static bool parse_line(const char *line, struct found *found)
{
	unsigned major, minor;
	char permissions[5];
	uint64_t end;
	int name = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		   &found->span.first, &end, permissions, &found->offset, &major, &minor,
		   &found->inode, &name) != 7)
		return false;
	found->span.last = end - 1;
	found->readable = permissions[0] == 'r';
	found->writable = permissions[1] == 'w';
	found->shared = permissions[3] == 's';
	found->dev = makedev(major, minor);
	snprintf(found->name, sizeof(found->name), "%.*s", (int)strcspn(line + name, "\n"),
		 line + name);
	return true;
}

/*
 * The whole text of a file of maps, malloc'ed: a held file can be asked by one thread only
 * at one place. -ESRCH: the thread that it was opened by has ended, or the memory is gone.
 */
static int read_text(int fd, char **ret_text)
{
	size_t length = 0, capacity = 0;
	char *text = NULL, *grown;
	ssize_t got;

	do {
		if (capacity - length < 8192) {
			capacity = capacity ? capacity * 2 : 65536;
			grown = realloc(text, capacity);
			if (!grown) {
				free(text);
				return -ENOMEM;
			}
			text = grown;
		}
		got = pread(fd, text + length, capacity - length - 1, (off_t)length);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	if (!length) {
		free(text);
		return -ESRCH;
	}
	text[length] = 0;
	*ret_text = text;
	return 0;
}

/* The text of a memory whose first calling thread has ended: by another one. */
static int read_anew(struct remote *remote, char **ret_text)
{
	int fd = remote_maps_open(remote), error;

	if (fd < 0)
		return fd;
	error = read_text(fd, ret_text);
	close(fd);
	return error;
}

static int read_vmas(struct remote *remote, struct span wanted, struct vfiosim_vmas *vmas)
{
	struct found found;
	char *text = NULL, *line;
	int error = read_text(remote->maps_fd, &text);

	if (error == -ESRCH)
		error = read_anew(remote, &text);
	for (line = text; !error && line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line && parse_line(line, &found) && span_overlaps(found.span, wanted))
			error = add_found(remote, &found, wanted, vmas);
	}
	free(text);
	return error;
}

int remote_vmas(void *client_ctx, uint64_t first, uint64_t last, struct vfiosim_vmas *ret_vmas)
{
	struct remote *remote = client_ctx;
	const uint64_t in_page = VFIOSIM_PAGE_SIZE - 1;
	struct span wanted = { first & ~in_page, last | in_page };
	int error = -ESRCH;

	if (!remote_files_get(remote))
		return -ESRCH;
	if (remote->maps_fd >= 0)
		error = remote->set->has_query ? query_vmas(remote, wanted, ret_vmas) :
						 read_vmas(remote, wanted, ret_vmas);
	remote_files_put(remote);
	return error;
}
