/* SPDX-License-Identifier: MIT */
/* Steps of a case in words: "QEMU maps RAM, 128M at iova 0". */
#ifndef HARNESS_REPORT_TITLES_H
#define HARNESS_REPORT_TITLES_H

#include <stdbool.h>
#include <stddef.h>

struct step;

/* What `from` of a case's step means to a reader: "RAM", "BAR 0 of mdev0". At most @size bytes. */
void title_of_memory(const char *from, char *to, size_t size);
/* @step as a sentence; @actor: who plays the leading part, "QEMU". At most @size bytes. */
void title_of_step(const struct step *step, const char *actor, char *to, size_t size);
/* Is the step worth telling though it asks nothing of the machine: a limit, another process? */
bool title_alone(const struct step *step);

#endif
