/* SPDX-License-Identifier: MIT */
/* --fault, wherever it is taken; and what is said of faults in the end. */
#ifndef HARNESS_FAULT_ARGS_H
#define HARNESS_FAULT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define FAULT_ARGS_MAX 64

struct vfiosim;
struct vfiosim_topology;

struct fault_args {
	const char *texts[FAULT_ARGS_MAX];
	size_t n;
};

/* The row of --fault in a table of options, whose values go into @member_ of @type_. */
#define FAULT_OPTION(type_, member_)                                                               \
	{ "fault", 0, "FAULT",                                                                     \
	  "fail where the kernel could: SITE[,KEY=VALUE]..., for example\n"                       \
	  "MAP_DMA,when=3,error=ENOMEM; repeatable; vfiosim-faults(7) lists sites and keys",             \
	  CLI_PARSED, offsetof(type_, member_), .words = fault_site_word, .parse = fault_args_add }
const char *fault_site_word(size_t index);
const char *fault_args_add(const char *text, void *to);

/* For machines made of @topology. @args: NULL for none. -EINVAL: told as an error; -ENOMEM. */
int fault_args_apply(const struct fault_args *args, struct vfiosim_topology *topology);

/* Does @trace, lines of JSON, say that the machine's fault @number happened? */
bool fault_fired_in(const char *trace, size_t number);

/* "it was met 5 times", written to @to, which is returned: of one that never fired. */
const char *fault_met_words(uint64_t met, char *to, size_t size);
/* A line for every fault of @sim that never fired. */
void faults_report(struct vfiosim *sim, FILE *to);

#endif
