/* SPDX-License-Identifier: MIT */
/* A story as one HTML page that needs no network. */
#ifndef HARNESS_REPORT_STORY_PAGE_H
#define HARNESS_REPORT_STORY_PAGE_H

#include <stdio.h>

struct story;

void story_page(struct story *story, FILE *to);

#endif
