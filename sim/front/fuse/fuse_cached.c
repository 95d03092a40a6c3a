/* SPDX-License-Identifier: MIT */
/*
 * Device files below Linux 6.6, where a file that can be mapped is read and written
 * through the page cache. Three things make that bearable for registers:
 *
 *   - the kernel asks for attributes before each read, finds a new modification
 *     time, and drops what it had cached: reads are fresh;
 *   - writes go through to the device as they are, length and offset;
 *   - a page is always answered whole: a short answer would be the file's end.
 *
 * What stays different: a read of one register reads the page around it, and a
 * read past a region's end finds zeroes where the page goes on.
 */
#include <errno.h>
#include <string.h>

#include "front/fuse/fuse_front.h"

void cached_stat(struct vfiosim_fuse *fuse, struct stat *st)
{
	uint64_t change = atomic_fetch_add(&fuse->changes, 1) + 1;

	st->st_mtim.tv_sec += (time_t)(change / 1000000000);
	st->st_mtim.tv_nsec = (long)(change % 1000000000);
	st->st_ctim = st->st_mtim;
}

/*
 * Which of a page's bytes there are is not known here: what cannot be read whole is
 * tried by halves. A page with nothing in it is refused as the device does.
 */
ssize_t cached_read(struct handle *handle, struct vfiosim_caller *caller, void *to, size_t size,
		    off_t offset)
{
	ssize_t length = 0;

	caller->unasked = true;
	for (size_t wanted = size; length <= 0 && wanted; wanted /= 2)
		length = vfiosim_read(handle->file, caller, to, wanted, (uint64_t)offset);
	/* More than a page at once is the kernel reading ahead. */
	caller->unasked = size > VFIOSIM_PAGE_SIZE;
	if (length <= 0)
		length = vfiosim_read(handle->file, caller, to, size, (uint64_t)offset);
	if (length <= 0)
		return length < 0 ? length : -EFAULT;
	memset((char *)to + length, 0, size - (size_t)length);
	return (ssize_t)size;
}
