/* SPDX-License-Identifier: MIT */
/*
 * One space as a picture for a page: the devices in it, its page tables, and below them
 * what lies at which iova, lowest first. Not to scale.
 */
#ifndef HARNESS_REPORT_SPACE_SVG_H
#define HARNESS_REPORT_SPACE_SVG_H

#include <stdint.h>
#include <stdio.h>

struct space;
struct story;

/* Text is drawn in a monospaced font of this size; a letter is at most that wide. */
#define SVG_LETTER 8
#define SVG_SMALL 7

/* @at: an iova that was refused, marked; UINT64_MAX: none. */
void space_svg(struct story *story, const struct space *space, uint64_t at, FILE *to);

#endif
