/* SPDX-License-Identifier: MIT */
/* Topics: the folders of cases/, in the order in which one would read them. */
#ifndef HARNESS_CASE_TOPICS_H
#define HARNESS_CASE_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

struct topic {
	const char *name;	/* the folder's: "reserved" */
	const char *about;
};

/* NULL past the end; by name or NULL. */
const struct topic *topic_at(size_t index);
const struct topic *topic_by_name(const char *name);
/* Is a case whose folder is @folder of @topic? NULL: of none, as cases of the user's own. */
bool topic_holds(const struct topic *topic, const char *folder);

#endif
