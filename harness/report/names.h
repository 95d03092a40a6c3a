/* SPDX-License-Identifier: MIT */
/* Devices by the names that people gave them in a topology, instead of addresses. */
#ifndef HARNESS_REPORT_NAMES_H
#define HARNESS_REPORT_NAMES_H

#include <stddef.h>

struct vfiosim_topology;

/* @text, each address of a device of @topology replaced; cut at @size. */
void names_fill(const struct vfiosim_topology *topology, const char *text, char *to, size_t size);

#endif
