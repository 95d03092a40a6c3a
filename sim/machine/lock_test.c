/* SPDX-License-Identifier: MIT */
/* Who yields the lock waits for it like any other thread. */
#include "machine/lock.h"

#include <sched.h>

#include "base/suite_test.h"
#include "machine/sim.h"
#include "machine/story_test.h"

#define TRIES 1000000	/* a generous end for what takes a moment */

static struct story story;
static atomic_bool had_it, was_waited_for;

/* Takes the lock when it is yielded, and looks whether the one who yielded waits for it again. */
static void *take_and_look(void *arg)
{
	struct vfiosim *sim = story.sim;

	lock_take(sim);
	atomic_store(&had_it, true);
	for (int i = 0; i < TRIES && !atomic_load(&was_waited_for); i++) {
		atomic_store(&was_waited_for, atomic_load(&sim->waiting) > 0);
		sched_yield();
	}
	lock_release(sim);
	return arg;
}

START_TEST(who_yields_waits)
{
	pthread_t thread;

	story_begin(&story, "minimal");
	lock_take(story.sim);
	ck_assert(!lock_yield(story.sim));	/* nobody waits */
	ck_assert_int_eq(pthread_create(&thread, NULL, take_and_look, NULL), 0);
	while (!atomic_load(&story.sim->waiting))
		sched_yield();
	/* It may take a while to wake up. */
	while (!atomic_load(&had_it))
		lock_yield(story.sim);
	lock_release(story.sim);
	pthread_join(thread, NULL);
	ck_assert(atomic_load(&was_waited_for));
	ck_assert_uint_eq(atomic_load(&story.sim->waiting), 0);
	story_end(&story);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock");
	TCase *tests = tcase_create("yield");

	tcase_add_test(tests, who_yields_waits);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
