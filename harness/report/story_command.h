/* SPDX-License-Identifier: MIT */
/*
 * One command of a program, in words: what it is about by the names people gave, what it
 * changed, and whether it is worth telling. story.c puts commands into scenes.
 */
#ifndef HARNESS_REPORT_STORY_COMMAND_H
#define HARNESS_REPORT_STORY_COMMAND_H

#include "report/story.h"

#define STORY_TEXT_MAX 600	/* of one text */

/* Copies that live as long as the story; "" where memory ran out: story->failed. */
const char *story_keep(struct story *story, const char *text);
const char *story_keep_format(struct story *story, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* @text with the names that people gave instead of addresses. */
const char *story_with_names(struct story *story, const char *text);

/* Puts @event at the end of @scene. */
void story_add_command(struct story *story, struct story_scene *scene, const struct vfiosim_event *event);

/* Its program ended, and the kernel closes it. */
bool story_is_left_open(const struct vfiosim_event *event);
/* A question, or what comes before the commands that matter. */
bool story_is_setup(const struct vfiosim_event *event);

#endif
