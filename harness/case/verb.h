/* SPDX-License-Identifier: MIT */
/*
 * Verbs: what a step can do, one row each. The row parses the step, prints it,
 * documents it (`vfiosim case verbs`) and does it.
 */
#ifndef HARNESS_CASE_VERB_H
#define HARNESS_CASE_VERB_H

#include "case/case.h"
#include "case/run.h"

enum arg_type {
	ARG_DEVICE,	/* a device of the topology */
	ARG_NAME,	/* a name the case gives or gave: space, process, memory, handle */
	ARG_NUMBER,
	ARG_BOOL,
	ARG_CHOICE,	/* one of the field's words */
	ARG_TEXT,
	ARG_NODE,	/* read by the verb itself */
};

struct verb_field {
	const char *name;
	enum arg_type type;
	bool required;
	const char *const *choices;	/* ARG_CHOICE */
};

struct verb {
	const char *name;
	const char *about;
	const struct verb_field *fields;	/* ended by a NULL name; a lone scalar is the first's */
	bool open_ended;	/* further fields are the verb's own (ioctl) */
	const char *const *gives;	/* names of values it gives, ended by NULL; NULL: any */
	/* More checks at reading time; NULL: none. */
	int (*check)(const struct step *step, struct vfiosim_errors *errors);
	/* As scripted: what the kernel answered, in ret_result. NULL: only under a policy. */
	int (*run)(struct run *run, const struct step *step, struct result *ret_result);
	/* Under a policy. NULL: the step is passed over. */
	int (*play)(struct run *run, const struct step *step, struct result *ret_result);
	/* Steps of this verb need a policy, so the case has no scripted play. */
	bool needs_policy;
};

/* NULL past the end; by name or NULL. */
const struct verb *verb_at(size_t index);
const struct verb *verb_by_name(const char *name);
/* All names, ended by NULL; at most @max with it. Returns how many. */
size_t verb_names(const char **to, size_t max);

/* The descriptor that argument @key names, or its number as written. 0 or RUN_BROKEN. */
int raw_handle(struct run *run, const struct step *step, const char *key, int *ret_fd);
/* Calls @fd @name. 0 or RUN_BROKEN. */
int raw_name(struct run *run, const char *name, int fd);

/* The rows live with what they do. */
extern const struct verb verbs_space[];		/* verb_space.c: attach, detach, map, unmap, ... */
extern const struct verb verbs_plug[];		/* verb_plug.c: plug, unplug */
extern const struct verb verbs_process[];	/* verb_process.c: fork, exec, exit, limit, memory, free */
extern const struct verb verbs_raw[];		/* verb_raw.c: open, close, dup, read, write */
extern const struct verb verbs_ioctl[];		/* verb_ioctl.c */
extern const struct verb verbs_device[];	/* verb_device.c: dma, pin, unpin, irq, event, reset */

#endif
