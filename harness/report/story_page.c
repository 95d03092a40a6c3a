/* SPDX-License-Identifier: MIT */
/* See story_page.h. */
#include "report/story_page.h"

#include "report/page.h"
#include "report/story.h"

void story_page(struct story *story, FILE *to)
{
	page_begin(to, story->play->file->name, story->play->file->about);
	page_end(to);
}
