/* SPDX-License-Identifier: MIT */
/*
 * The commands, one row each. The row that dispatches a command also prints it
 * in traces, parses it in cases, and builds the launcher's seccomp filter.
 */
#ifndef VFIOSIM_COMMAND_H
#define VFIOSIM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vfiosim/topology.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the size of a command's structure is told. */
enum vfiosim_size_family {
	VFIOSIM_SIZE_VALUE,	/* arg is a number, nothing is copied */
	VFIOSIM_SIZE_FIXED,	/* arg points at something of one size without a size field */
	VFIOSIM_SIZE_ARGSZ,	/* VFIO: u32 argsz first; at least the minimum, more is ignored */
	VFIOSIM_SIZE_IOMMUFD,	/* iommufd: u32 size first; a non-zero tail is E2BIG */
};

enum vfiosim_format {
	VFIOSIM_HEX,
	VFIOSIM_DEC,		/* signed where the kernel's type is */
	VFIOSIM_FD,
	VFIOSIM_FLAGS,		/* bits named by the row's flag names */
	VFIOSIM_POINTER,	/* an address of the client */
	VFIOSIM_STRING,		/* arg points at a NUL-terminated string */
};

struct vfiosim_field {
	const char *name;
	uint16_t offset;	/* in the structure */
	uint16_t size;		/* bytes: 1, 2, 4, 8 */
	enum vfiosim_format format;
};

struct vfiosim_flag {
	const char *name;
	uint32_t bit;		/* value, one or more bits */
};

/* What becomes of what a command did, when its answer cannot be copied to the program. */
enum vfiosim_unanswered {
	VFIOSIM_UNDONE,		/* as if it had never been issued */
	VFIOSIM_STAYS,
	VFIOSIM_DETACHED,	/* undone, but what it had replaced does not come back */
};

struct vfiosim_command {
	const char *name;	/* the kernel header's: "VFIO_IOMMU_MAP_DMA" */
	uint32_t number;	/* the ioctl request */
	struct vfiosim_kernel since;	/* the first Linux that has it; 0.0: all have */
	struct vfiosim_kernel until;	/* the first that has the row below it in its place; 0.0: none */
	unsigned kinds;		/* enum vfiosim_file_kind, or'ed: files that know it */
	bool needs_iommu;	/* on containers: known only once an IOMMU driver is set */
	bool returns_fd;	/* returns a new descriptor: FUSE cannot, see fuse.h */
	uint16_t fd_field;	/* offset in the structure where that descriptor is told (u32);
				   0: it is what ioctl() returns */
	enum vfiosim_size_family family;
	uint16_t min_size;	/* bytes that must be there */
	uint16_t full_size;	/* bytes the simulator knows */
	bool checks_flags;	/* flags (u32 at offset 4) outside known_flags are refused */
	uint32_t known_flags;
	const struct vfiosim_field *fields;	/* ended by a NULL name; NULL: none */
	const struct vfiosim_flag *flags;	/* ended by a NULL name; NULL: none. Of VFIOSIM_SIZE_VALUE:
						   what values of arg are called */
	const int *errors;	/* positive errnos the kernel can give here, ended by 0 */
	const long *returns;	/* what else it could return, ended by -1; NULL: nothing */
	const char *const *sets;	/* outputs that could be others, ended by NULL; NULL: none */
	enum vfiosim_unanswered unanswered;
};

/* The table: NULL past the end. */
const struct vfiosim_command *vfiosim_command(size_t index);
/* By name, or NULL. */
const struct vfiosim_command *vfiosim_command_by_name(const char *name);
/* By request number among those known to @kind, or NULL. */
const struct vfiosim_command *vfiosim_command_by_number(unsigned kind, uint32_t number);
/*
 * Is it as if a command of this number, on whichever file, had never been issued, where its answer
 * cannot be copied to the program? @replaced: it would have replaced something. 0 is no command's.
 */
bool vfiosim_command_undone(uint32_t number, bool replaced);

#ifdef __cplusplus
}
#endif

#endif
