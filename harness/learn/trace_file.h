/* SPDX-License-Identifier: MIT */
/* A trace that `vfiosim run --trace FILE` wrote, told in words. */
#ifndef HARNESS_LEARN_TRACE_FILE_H
#define HARNESS_LEARN_TRACE_FILE_H

#include <stdint.h>
#include <stdio.h>

/*
 * Tells event @step of the trace @path, or where that is 0 every refusal and how many
 * events there were. 0, or the exit status 2: it cannot be read, is no trace, or has no
 * such event, which was told.
 */
int trace_file_tell(const char *path, uint64_t step, FILE *to);

#endif
