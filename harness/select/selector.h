/* SPDX-License-Identifier: MIT */
/* The engine's inside, shared by its files: sections.c, space.c, select.c. */
#ifndef HARNESS_SELECT_SELECTOR_H
#define HARNESS_SELECT_SELECTOR_H

#include <sys/queue.h>

#include "select/select.h"

#define SELECT_REFUSED_MAX 32

struct select_section {
	struct section section;
	TAILQ_ENTRY(select_section) in_selector;	/* ascending by iova */
};

/* A section that one space could not take. */
struct omission {
	uint64_t iova;
	int error;			/* positive errno */
	TAILQ_ENTRY(omission) in_space;
};

/* A container and the copy of the address space in it. */
struct space {
	struct selector *selector;
	unsigned number;		/* 1, 2, ... as made */
	int fd;
	int type;			/* VFIO_TYPE1v2_IOMMU ... */
	unsigned n_groups;
	bool live;			/* filled: from now on it hears of every section */
	uint32_t available;		/* mappings it may hold, 0: the kernel did not say */
	TAILQ_HEAD(omission_list, omission) omissions;
	TAILQ_ENTRY(space) in_selector;
};

struct select_group {
	int number;			/* struct target_device.group */
	int fd;
	struct space *space;
	unsigned n_devices;
	bool discards_ok;		/* does not forbid discarding */
	TAILQ_ENTRY(select_group) in_selector;
};

struct select_device {
	const struct target_device *target;
	struct select_group *group;
	int fd;
	TAILQ_ENTRY(select_device) in_selector;
};

struct selector {
	struct proc *proc;
	const struct target_ops *ops;
	const struct policy *policy;
	TAILQ_HEAD(section_list, select_section) sections;
	TAILQ_HEAD(space_list, space) spaces;
	TAILQ_HEAD(group_list, select_group) groups;
	TAILQ_HEAD(device_list, select_device) devices;
	unsigned n_made;		/* spaces ever made */
	unsigned discards_forbidden;	/* count of those that forbid discarding RAM */
	bool discards_required;
	bool aborted;
	char refused[SELECT_REFUSED_MAX][64];
	unsigned n_refused;
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

/*
 * A new container for the group open as @group_fd: opened, set, given an IOMMU
 * type. Not yet filled. On failure nothing is left.
 */
int space_open(struct selector *selector, int group_fd, struct space **ret_space);
/* Every section, in order. Stops at the first that must not fail. */
int space_fill(struct space *space);
/* One section: 0 also when it was left out. */
int space_map(struct space *space, const struct section *section);
void space_unmap(struct space *space, const struct section *section);
/* Unmaps everything, as a listener does that is taken off. */
void space_empty(struct space *space);
/* Closes and frees. */
void space_close(struct space *space);

/* Forbid or allow discarding RAM. -EBUSY: somebody needs it. */
int discards_forbid(struct selector *selector);
void discards_allow(struct selector *selector);

#endif
