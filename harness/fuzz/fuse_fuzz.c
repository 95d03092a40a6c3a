/* SPDX-License-Identifier: MIT */
/*
 * Sequences of calls over FUSE: an input is a run of its own, in which several players
 * work with one machine at the same time, each with real processes.
 *
 *	fuzzer		forks, waits for the launcher's status
 *	launcher	launch()
 *	  server	the machine; each event is held against its rule and row (watch.c)
 *	  command	waits for the players, then looks at what they have left
 *	    players	their steps in turn of the input's records, as `calls` makes them
 *
 * A player may die before its programs have ended; those end with it. Players race, so
 * the same input can come out in another way.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "fuzz/check.h"
#include "fuzz/fuzz.h"
#include "fuzz/machine.h"
#include "fuzz/steps.h"
#include "launch/launch.h"

#define RECORD 16
#define PLAYERS 3
#define LEFT_TRIES 500		/* of 20 ms: the kernel tells of the last close later */

static struct tally *tally;	/* shared with the server */

struct story {
	const uint8_t *data;
	size_t size;
	FILE *tell;
	struct vfiosim_topology *topology;
	struct world watched;		/* the server's: no more than its watch */
	struct vfiosim *sim;
};

/* ---- In the run: a player ------------------------------------------------- */

static struct world *world_create(const struct story *story)
{
	struct world *world = calloc(1, sizeof(*world));
	struct target *target;

	if (!world || target_paths_create(story->topology, &target))
		abort();
	world->shared = true;
	world->tell = story->tell;
	world->target = target;
	world->topology = story->topology;
	return world;
}

static void play(const struct story *story, size_t player)
{
	struct world *world = world_create(story);
	struct choices choices;

	world_begin(world, world->target, story->topology);
	for (size_t at = RECORD * (1 + player); at + RECORD <= story->size; at += RECORD * PLAYERS) {
		choices_init(&choices, story->data + at, RECORD);
		step_any(world, &choices);
	}
	if (one_in(&choices, 4))
		raise(SIGKILL);
	world_end(world, &choices);
	free(world);
}

/* ---- In the run: who waits for them --------------------------------------- */

static bool is_open(json_object *list, const char *key)
{
	for (size_t i = 0; i < json_length(list); i++)
		if (json_u64(json_at(list, i), key) || json_true(json_at(list, i), key))
			return true;
	return false;
}

static bool is_left(const struct world *world)
{
	return json_length(json_list(world->picture, "containers")) ||
	       json_length(json_list(world->picture, "iommufds")) ||
	       is_open(json_list(world->picture, "groups"), "open") ||
	       is_open(json_list(world->picture, "devices"), "open");
}

static int look_at_the_end(const struct story *story)
{
	struct world *world = world_create(story);

	world_look(world);
	for (int i = 0; is_left(world) && i < LEFT_TRIES; i++) {
		usleep(20000);
		world_look(world);
	}
	check_nothing_left(world);
	target_destroy(world->target);
	json_object_put(world->picture);
	free(world->text);
	free(world);
	return 0;
}

/* Those whose player died are ours now. */
static int run_inside(void *ctx)
{
	const struct story *story = ctx;
	pid_t players[PLAYERS], child;
	bool bad = false;
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (size_t player = 0; player < PLAYERS; player++) {
		players[player] = fork();
		if (!players[player]) {
			play(story, player);
			_exit(0);
		}
	}
	/* A worker may well die of what it asks for: a device writes into its memory. */
	while ((child = wait(&status)) > 0)
		for (size_t player = 0; player < PLAYERS; player++)
			bad |= child == players[player] && status && status != SIGKILL;
	return bad ? 1 : look_at_the_end(story);
}

/* ---- In the server --------------------------------------------------------- */

static int watch_machine(void *ctx, struct vfiosim *sim)
{
	struct story *story = ctx;

	if (!sim) {
		vfiosim_trace_remove(story->sim, world_watch, &story->watched);
		return 0;
	}
	story->sim = sim;
	story->watched.topology = story->topology;
	story->watched.shared = true;
	story->watched.tally = tally;
	return vfiosim_trace_add(sim, world_watch, &story->watched);
}

/* ---- One input ------------------------------------------------------------- */

static void run(const uint8_t *data, size_t size, FILE *tell)
{
	struct story *story = calloc(1, sizeof(*story));
	struct launch_options options = {
		.topology_name = "q35", .watch = watch_machine, .child = run_inside, .ctx = story,
	};
	struct choices choices;
	int status = 0;
	pid_t launcher;

	if (!story || size < 2 * RECORD) {
		free(story);
		return;
	}
	if (!tally)
		tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED)
		abort();
	choices_init(&choices, data, RECORD);
	*story = (struct story){ .data = data, .size = size, .tell = tell,
				 .topology = any_topology(&choices, tell) };
	options.topology = story->topology;
	tally->inputs++;
	tally->steps += size / RECORD - 1;
	fflush(NULL);
	launcher = fork();
	if (!launcher) {
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		_exit(launch(&options, NULL));
	}
	while (launcher > 0 && waitpid(launcher, &status, 0) < 0 && errno == EINTR)
		;
	free(story);
	if (launcher > 0 && !status)
		return;
	fprintf(stderr, "the run has failed: %#x\n", (unsigned)status);
	abort();
}

/* A worker's exec starts this program again. */
static void begin(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], worker_verb.name))
		exit(cli_main(&vfiosim_verb, argc, argv));
	if (!access("/dev/fuse", R_OK | W_OK))
		return;
	puts("skip: fuse_fuzz: /dev/fuse cannot be opened");
	exit(0);
}

static bool report(FILE *to)
{
	tally_print(tally, to);
	return tally->succeeded >= tally->commands / 2;
}

const struct fuzz_target fuzz_target = {
	.name = "fuse",
	.begin = begin,
	.unit = RECORD,
	.max = 256 * RECORD,
	.few = 10,
	.run = run,
	.report = report,
};
