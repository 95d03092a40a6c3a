/* SPDX-License-Identifier: MIT */
/* Errnos by name. What an errno is called strerrorname_np() knows. */
#ifndef SIM_BASE_ERRNOS_H
#define SIM_BASE_ERRNOS_H

#include <stddef.h>

/* "EINVAL": positive errno; -1: there is none of that name. Files want it as it is written. */
int errno_by_name(const char *name);
/* The same for what people type: in either case. */
int errno_by_word(const char *word);
/* The names of all, for suggestions: at most @max; how many. */
size_t errno_words(const char **to, size_t max);

#endif
