/* SPDX-License-Identifier: MIT */
/*
 * Which refusals the built-in cases show: all are played, on machines in this process, and
 * each rule is noted with the command it refused and a play to see it in. Refusals that were
 * injected are nobody's rule.
 *
 *	evidence_collect -> { evidence->list[i] ... } -> evidence_done
 */
#ifndef HARNESS_CASE_EVIDENCE_H
#define HARNESS_CASE_EVIDENCE_H

#include <stddef.h>

struct vfiosim_rule;

/* One for each rule, verb and errno: the first play that shows it. */
struct shown {
	const struct vfiosim_rule *rule;
	const char *verb;	/* "VFIO_IOMMU_MAP_DMA", "open"; owned */
	int error;		/* positive errno */
	char *reason;		/* the rule's sentence with its values */
	char *provoke;		/* the fault that gives the same answer; NULL: there is none */
	char *name;		/* of the case */
	char *play;		/* what to type: "vfiosim case run pin ..." */
};

struct evidence {
	struct shown *list;
	size_t n;
};

/* -ENOMEM, -EIO, or what a case that cannot be read gives (told). */
int evidence_collect(struct evidence *ret_evidence);
void evidence_done(struct evidence *evidence);

#endif
