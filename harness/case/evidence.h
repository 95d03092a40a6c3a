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

#include <vfiosim/topology.h>

struct vfiosim_rule;

/* One for each rule, verb and errno: the first play that shows it, of those on the newest Linux. */
struct shown {
	const struct vfiosim_rule *rule;
	const char *verb;	/* "VFIO_IOMMU_MAP_DMA", "open"; owned */
	int error;		/* positive errno */
	char *reason;		/* the rule's sentence with its values */
	char *provoke;		/* the fault that gives the same answer; NULL: there is none */
	char *name;		/* of the case */
	char *play;		/* what to type: "vfiosim case run pin ..." */
	size_t of_play;		/* which of all plays that is */
	struct vfiosim_kernel kernel;	/* the newest Linux that was seen to answer so */
};

struct evidence {
	struct shown *list;
	size_t n;
	struct vfiosim_kernel newest;	/* of all plays */
};

/* " on Linux 6.17" in @to; "" where the newest was seen to answer so, too. Returns @to. */
const char *evidence_where(const struct evidence *evidence, const struct shown *shown, char *to,
			   size_t size);

/* -ENOMEM, -EIO, or what a case that cannot be read gives (told). */
int evidence_collect(struct evidence *ret_evidence);
void evidence_done(struct evidence *evidence);

#endif
