/* SPDX-License-Identifier: MIT */
/*
 * Covering: a folder of the host gets names it does not have. A tmpfs is mounted
 * over it, and every entry is bound back (folders with everything mounted below
 * them; links are made anew), so that the rest looks and works as before. Names
 * that are to be replaced anyway are left out.
 *
 * Measured: 4 us to make a mount point, 5 us to bind; about 100 entries in /dev.
 */
#ifndef LAUNCH_COVER_H
#define LAUNCH_COVER_H

#include <stdbool.h>
#include <stddef.h>

/* Names that are not bound back. */
struct cover_names {
	const char *const *items;
	size_t n;
};
bool cover_names_have(const struct cover_names *names, const char *name);

/*
 * Mounts a tmpfs over @path with permissions @mode; returns a descriptor of the
 * folder below it, to be given to cover_fill(), or a negative errno. tmpfs's own
 * default mode is sticky: creating opens of device nodes would fail in it.
 */
int cover_mount(const char *path, unsigned mode);
/*
 * Binds the entries of the folder @old (closed in any case) back into @path,
 * leaving out @skip. @nodes: make device nodes anew, as root can. An entry that
 * cannot be brought back is missing afterwards. Changes the thread's working
 * directory; wants a umask of 0. 0 or the errno of reading the folder.
 */
int cover_fill(const char *path, int old, const struct cover_names *skip, bool nodes);

#endif
