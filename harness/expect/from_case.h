/* SPDX-License-Identifier: MIT */
/* `run --case NAME/VARIANT --policy POLICY`: a case's machine and outcome, for a program of one's own. */
#ifndef HARNESS_EXPECT_FROM_CASE_H
#define HARNESS_EXPECT_FROM_CASE_H

#include "case/case.h"
#include "case/library.h"
#include "expect/expect.h"

struct case_expect {
	struct library library;
	struct play play;		/* its topology is the machine's */
	bool made;
};

/*
 * @name: "mdev-hotadd/unpinnable", or without a variant where the case has none. The
 * expectations are what @policy makes of the case; they need @ret to live. -EINVAL: told;
 * -ENOMEM.
 */
int case_expect_load(const char *name, const struct policy *policy, struct case_expect *ret,
		     struct expectations **ret_expect);
void case_expect_done(struct case_expect *from);

#endif
