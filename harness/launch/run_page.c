/* SPDX-License-Identifier: MIT */
/* The page of a run. See run_page.h. */
#include "launch/run_page.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vfiosim/state.h>
#include <vfiosim/trace.h>

#include "report/story.h"
#include "report/story_page.h"

struct run_page {
	struct vfiosim *sim;
	struct play play;		/* of no case: it has no steps */
	pthread_mutex_t lock;		/* guards what follows */
	struct story *story;		/* NULL: over, what comes now is told no more */
	size_t told, untold;
};

/*
 * One in a process, never freed: a run ends while its threads still serve, and one of
 * them may be about to tell of an event.
 */
static struct run_page the_page;

static void tell(struct run_page *page, const struct vfiosim_event *event)
{
	char *state = NULL;

	if (page->told == RUN_PAGE_COMMANDS) {
		page->untold++;
		return;
	}
	page->told++;
	if (event->n_changes && vfiosim_state_json(page->sim, &state))
		page->story->failed = true;
	story_run_event(page->story, event, state);
	free(state);
}

static void on_event(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct run_page *page = ctx;

	(void)about;
	if (!strcmp(event->verb, "read") && event->result >= 0)
		return;		/* of no interest, and there may be thousands */
	pthread_mutex_lock(&page->lock);
	if (page->story)
		tell(page, event);
	pthread_mutex_unlock(&page->lock);
}

int run_page_create(struct vfiosim *sim, const struct vfiosim_topology *topology, struct run_page **ret_page)
{
	struct run_page *page = &the_page;
	int error;

	*page = (struct run_page){ .sim = sim };
	page->play.topology = (struct vfiosim_topology *)(uintptr_t)topology;
	pthread_mutex_init(&page->lock, NULL);
	error = story_create(&page->play, &page->story);
	if (!error) {
		page->story->run = true;
		error = vfiosim_trace_follow(sim, on_event, page);
	}
	if (error)
		run_page_destroy(page);
	else
		*ret_page = page;
	return error;
}

int run_page_write(struct run_page *page, const char *title, FILE *to)
{
	int error;

	vfiosim_trace_unfollow(page->sim, on_event, page);
	pthread_mutex_lock(&page->lock);
	story_finish(page->story);
	story_page_write_run(page->story, title, page->untold, to);
	error = page->story->failed ? -ENOMEM : 0;
	pthread_mutex_unlock(&page->lock);
	return error;
}

void run_page_destroy(struct run_page *page)
{
	if (!page)
		return;
	pthread_mutex_lock(&page->lock);
	story_destroy(page->story);
	page->story = NULL;
	pthread_mutex_unlock(&page->lock);
}
