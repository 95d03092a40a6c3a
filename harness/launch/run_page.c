/* SPDX-License-Identifier: MIT */
/* The page of a run. See run_page.h. */
#include "launch/run_page.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include <vfiosim/state.h>
#include <vfiosim/trace.h>

#include "report/story.h"
#include "report/story_page.h"

struct run_page {
	struct vfiosim *sim;
	struct play play;		/* of no case: it has no steps */
	pthread_mutex_t lock;		/* guards what follows */
	struct story *story;
	size_t told, untold;
};

static void on_event(void *ctx, const struct vfiosim_event *event, const struct vfiosim_about *about)
{
	struct run_page *page = ctx;
	char *state = NULL;

	(void)about;
	pthread_mutex_lock(&page->lock);
	if (page->told < RUN_PAGE_COMMANDS) {
		page->told++;
		if (event->n_changes && vfiosim_state_json(page->sim, &state))
			page->story->failed = true;
		story_run_event(page->story, event, state);
		free(state);
	} else {
		page->untold++;
	}
	pthread_mutex_unlock(&page->lock);
}

int run_page_create(struct vfiosim *sim, const struct vfiosim_topology *topology, struct run_page **ret_page)
{
	struct run_page *page = calloc(1, sizeof(*page));
	int error = page ? 0 : -ENOMEM;

	if (error)
		return error;
	page->sim = sim;
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
	vfiosim_trace_unfollow(page->sim, on_event, page);
	story_finish(page->story);
	story_page_write_run(page->story, title, page->untold, to);
	return page->story->failed ? -ENOMEM : 0;
}

void run_page_destroy(struct run_page *page)
{
	if (!page)
		return;
	story_destroy(page->story);
	pthread_mutex_destroy(&page->lock);
	free(page);
}
