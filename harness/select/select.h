/* SPDX-License-Identifier: MIT */
/*
 * The selection engine: what a virtual machine monitor does with containers or
 * ioas, devices and mappings when devices come and go. It owns an address space
 * made of sections, and the "spaces" (containers, or ioas of one iommufd) that hold
 * a copy of it; a policy (policy.h) decides which space a device joins and which
 * failures matter.
 *
 *	selector_create -> { selector_add (memory) ... selector_plug (device)
 *	-> selector_remove, selector_unplug } -> selector_destroy
 *
 * Every space receives every section: when it is made (the replay), and when a
 * section is added later. A section that is a device's BAR is there only for
 * peer-to-peer transfers, so some programs leave it out where the kernel refuses
 * it; RAM may never be left out.
 *
 * It speaks to the kernel through one process of a target (target.h). Functions
 * return 0 or the negative errno that was the end of the matter; what was decided
 * on the way is in the notes.
 */
#ifndef HARNESS_SELECT_SELECT_H
#define HARNESS_SELECT_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "select/policy.h"
#include "target.h"

struct selector;

enum section_kind {
	SECTION_RAM,
	SECTION_ROM,	/* devices may read it */
	SECTION_BAR,	/* a device's memory, for peer-to-peer transfers */
};

/* A stretch of the guest's address space: iova is where devices see it. */
struct section {
	enum section_kind kind;
	uint64_t iova, size;	/* bytes; need not be whole pages: the whole pages inside are mapped */
	uint64_t uva;		/* where the process has it */
	const struct target_device *owner;	/* SECTION_BAR: whose; it is unmapped and removed
						   when that device leaves. Else NULL */
};

/* @proc must outlive the selector. -ENOMEM. */
int selector_create(struct proc *proc, const struct policy *policy, struct selector **ret_selector);
/* @heard(ctx, note) is called for every note from now on. NULL: nobody listens. */
void selector_listen(struct selector *selector, void (*heard)(void *ctx, const char *note),
		     void *ctx);
/* Unplugs what is left. NULL is allowed. */
void selector_destroy(struct selector *selector);

/*
 * A section becomes visible: mapped into every space. -EEXIST: overlaps another
 * one; -ENOMEM; what MAP_DMA said when that ends the program (then aborted).
 */
int selector_add(struct selector *selector, const struct section *section);
/* Is there a section that begins at @iova? */
bool selector_has(const struct selector *selector, uint64_t iova);
/* It vanishes again. -ENOENT: no section begins at @iova. */
int selector_remove(struct selector *selector, uint64_t iova);

/*
 * A device comes in. On failure everything is as it was before. -EINVAL with a
 * note where the program itself refuses (group not viable, ...).
 * @discards_ok: its driver copes with RAM that is discarded (an mdev that pins
 * what it uses, as QEMU's x-balloon-allowed says).
 */
int selector_plug(struct selector *selector, const struct target_device *device, bool discards_ok);
/* It leaves. -ENOENT: it is not there. */
int selector_unplug(struct selector *selector, const char *name);

/* Somebody needs to be able to discard RAM (virtio-mem): spaces that pin it are refused. */
void selector_require_discards(struct selector *selector, bool required);

/* ---- What it came to ---- */

bool selector_aborted(const struct selector *selector);
unsigned selector_spaces(const struct selector *selector);
/* How often discarding RAM is forbidden now. */
unsigned selector_discards(const struct selector *selector);
/* Descriptor of a plugged device; -1. */
int selector_device_fd(const struct selector *selector, const char *name);
/* "mdev0=1 nic0=2": in which space each plugged device is; cut to @size. */
void selector_placed(const struct selector *selector, char *to, size_t size);
/* iovas of sections left out of some space, ascending; @to may be NULL. Returns how many. */
size_t selector_omitted(const struct selector *selector, uint64_t *to, size_t max);
/* The index-th device that was refused and is not there, or NULL. */
const char *selector_refused(const struct selector *selector, size_t index);
/* Sections that a space refused when they came, and the program went on. */
unsigned selector_unmapped(const struct selector *selector);
/* What it decided, a sentence each, in order; NULL past the end. */
const char *selector_note(const struct selector *selector, size_t index);

#endif
