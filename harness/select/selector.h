/* SPDX-License-Identifier: MIT */
/* The engine's inside, shared by its files: sections.c, space.c, place.c, legacy.c, iommufd.c, select.c. */
#ifndef HARNESS_SELECT_SELECTOR_H
#define HARNESS_SELECT_SELECTOR_H

#include <sys/queue.h>

#include "base/id_map.h"
#include "select/select.h"

#define SELECT_REFUSED_MAX 32

struct select_section {
	struct section section;
	TAILQ_ENTRY(select_section) in_selector;	/* ascending by iova */
};

/* A hardware page table that the program made itself, of the ioas it is in. */
struct select_hwpt {
	uint32_t id;
	unsigned n_devices;
	TAILQ_ENTRY(select_hwpt) in_space;
};

/* A container or an ioas, and the copy of the address space in it. */
struct space {
	struct selector *selector;
	unsigned number;		/* containers: 1, 2, ... as made; ioas: the id, as traces tell it */
	int fd;				/* the container; of an ioas the iommufd */
	int type;			/* VFIO_TYPE1v2_IOMMU ...; of an ioas 0 */
	unsigned types;			/* of a container: those of the policy's it knows, a bit each */
	uint32_t ioas;			/* its id */
	TAILQ_HEAD(select_hwpt_list, select_hwpt) hwpts;
	unsigned n_users;		/* groups; of an ioas devices */
	bool announced;			/* one of the selector's */
	bool live;			/* filled: from now on it hears of every section */
	uint32_t available;		/* mappings it may hold, 0: the kernel did not say */
	bool has_ranges;		/* it told which iovas can be mapped; containers only */
	struct id_map omissions;	/* iovas of sections it could not take */
	TAILQ_ENTRY(space) in_selector;
};

/* What a space takes in and lets go, as one: a group, or a device of an iommufd. */
struct member {
	struct space *space;		/* NULL: in none */
	bool discards_ok;		/* does not forbid discarding */
};

struct select_group {
	struct member member;		/* first */
	int number;			/* struct target_device.group */
	int fd;
	unsigned n_devices;
};

struct select_device {
	struct member member;		/* first; with containers only its space is told */
	const struct target_device *target;
	int fd;
	struct select_group *group;	/* legacy */
	uint32_t id;			/* of the device in the iommufd */
	struct select_hwpt *hwpt;	/* NULL: attached to the ioas itself */
	TAILQ_ENTRY(select_device) in_selector;
};

/* How spaces are made and spoken to. Errors are negative errnos. */
struct backend {
	const char *space;		/* what a space is called ... */
	const char *member;		/* ... and what it takes in */
	bool empties_first;		/* unmaps everything before the last member leaves, not after */

	/* Brings a device into a space that the policy chooses (member_place()): fills fd and space. */
	int (*attach)(struct selector *selector, struct select_device *device, bool discards_ok);
	/* And out again (member_leave()). */
	void (*detach)(struct selector *selector, struct select_device *device);

	/* A new space, with nothing in it; and its end. */
	int (*open)(struct space *space);
	void (*close)(struct space *space);
	/* Its first member. Nothing of it is left on failure but what the policy leaves. */
	int (*begin)(struct space *space, struct member *member);
	/* What it can do. */
	int (*info)(struct space *space);
	/* One that has members takes another; and lets one go. @undo: it was not to come at all. */
	int (*join)(struct space *space, struct member *member);
	void (*leave)(struct space *space, struct member *member, bool undo);

	/* One command for whole pages. */
	int (*map)(struct space *space, const struct section *pages);
	long (*unmap)(struct space *space, uint64_t iova, uint64_t size);
};
extern const struct backend backend_legacy, backend_iommufd;

struct selector {
	struct proc *proc;
	const struct target_ops *ops;
	const struct policy *policy;
	const struct backend *backend;
	int iommufd;			/* /dev/iommu, open while there are devices; -1 */
	unsigned n_bound;		/* devices bound to it */
	TAILQ_HEAD(section_list, select_section) sections;
	TAILQ_HEAD(space_list, space) spaces;
	struct id_map groups;		/* by number */
	TAILQ_HEAD(device_list, select_device) devices;
	unsigned n_made;		/* containers ever made */
	unsigned discards_forbidden;	/* count of those that forbid discarding RAM */
	bool discards_required;
	bool aborted;
	char refused[SELECT_REFUSED_MAX][64];
	unsigned n_refused;
	unsigned n_unmapped;		/* sections that were refused later, and the program went on */
	void (*heard)(void *ctx, const char *note);
	void *heard_ctx;
	char **notes;
	size_t n_notes;
};

/* A sentence about what was decided. Out of memory: it is lost. */
void selector_say(struct selector *selector, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- sections.c ---- */

/* -EEXIST, -ENOMEM. */
int sections_insert(struct selector *selector, const struct section *section,
		    struct select_section **ret_section);
struct select_section *sections_find(const struct selector *selector, uint64_t iova);
/*
 * The whole pages inside a section, as MAP_DMA takes them. False when there are
 * none, or when iova and uva are not misaligned by the same amount.
 */
bool section_pages(const struct section *section, struct section *ret_pages);

/* ---- space.c ---- */

/* Empty and unknown to the selector. NULL: out of memory. */
struct space *space_create(struct selector *selector);
/* It works: from now on it is one of the selector's, with its first user. */
void space_announce(struct space *space);
/* Its backend has closed it. */
void space_free(struct space *space);
/* Every section, in order. Stops at the first that must not fail. */
int space_fill(struct space *space);
/* One section: 0 also when it was left out. */
int space_map(struct space *space, const struct section *section);
void space_unmap(struct space *space, const struct section *section);
/* Unmaps everything, as a listener does that is taken off. */
void space_empty(struct space *space);

/* ---- place.c ---- */

/* Into a space: one that takes it, or a new one with everything in it. */
int member_place(struct selector *selector, struct member *member);
/* Out of its space, which goes with its last member. */
void member_leave(struct selector *selector, struct member *member);

/* ---- space.c ---- */

/* Forbid or allow discarding RAM. -EBUSY: somebody needs it. */
int discards_forbid(struct selector *selector);
void discards_allow(struct selector *selector);

#endif
