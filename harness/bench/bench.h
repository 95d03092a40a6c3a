/* SPDX-License-Identifier: MIT */
/*
 * `make bench`: what the simulator costs, each figure beside a floor that was
 * measured in the same run on the same machine, because only their ratio means
 * anything elsewhere. Everything is the median of several rounds, in which figure
 * and floor take turns.
 *
 * Not part of the product: files named *_bench.c are linked into the benchmark
 * only. They may look into sim/base, for the bare span set is a floor.
 */
#ifndef HARNESS_BENCH_BENCH_H
#define HARNESS_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ROUNDS 9

/* The figures of one thing, round by round. */
struct samples {
	double value[BENCH_ROUNDS];
	unsigned n;
};

void samples_add(struct samples *samples, double value);
double samples_median(const struct samples *samples);

/* One line of the table. */
struct row {
	const char *what;
	const char *floor_name;
	const char *unit;		/* "us", "ns", "ms", "B" */
	double figure, floor;		/* in that unit */
	double ratio_limit;		/* figure / floor may be this; 0: not judged by it */
	double figure_limit;		/* the figure may be this; 0: not judged by it */
	const char *part_name;		/* what of the figure was measured on its own; NULL: nothing */
	double part;			/* it, in that unit: printed where the target is missed */
	char skipped[120];		/* why it could not be measured; "" = it was */
};

#define BENCH_ROWS_MAX 40

struct table {
	struct row rows[BENCH_ROWS_MAX];
	unsigned n;
};

struct row *table_add(struct table *table, const char *what, const char *floor_name,
		      const char *unit);
void row_skip(struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints all; returns how many miss their limit. */
unsigned table_print(const struct table *table);

/* Nanoseconds of the monotonic clock. */
uint64_t bench_now(void);

/*
 * Calls @call(ctx) again and again for @seconds, and at most @most times; returns
 * nanoseconds for each, or a negative number as soon as one call fails.
 */
double bench_repeat(double seconds, uint64_t most, bool (*call)(void *ctx), void *ctx);

/* The parts: each adds its rows. @vfiosim: path of the program. */
void bench_fuse(struct table *table, const char *vfiosim);	/* fuse_bench.c */
void bench_map(struct table *table, const char *vfiosim);	/* map_bench.c */
void bench_hold(struct table *table, const char *vfiosim);	/* hold_bench.c */
void suite_run(struct table *table, const char *vfiosim);	/* run_bench.c */
void bench_others(struct table *table, const char *vfiosim);	/* others_bench.c */
void bench_sweep(struct table *table, const char *vfiosim);	/* sweep_bench.c */

#define BENCH_PATH 200

/* A template for mkstemp(), mkdtemp(), in $TMPDIR. */
void bench_template(char to[BENCH_PATH]);
/* Milliseconds until @argv has run, with status 0; negative: it did not. */
double bench_command(const char *const argv[]);

/*
 * A player: another process that measures when told to. It reads one letter at a
 * time from stdin and answers each with one double on stdout.
 */
struct player {
	int pid;
	int to, from;
};

/* Starts @main(ctx) in a child, stdin and stdout connected; its value is the exit status. */
bool player_start(struct player *player, int (*main)(void *ctx), void *ctx);
/* The answer to @letter; negative when it failed or the player is gone. */
double player_ask(struct player *player, char letter);
/* Closes its stdin and waits for it. */
void player_stop(struct player *player);
/* A player's main: becomes `bench PART`, of this program, in `vfiosim run`. Returns where it cannot. */
int player_run(const char *vfiosim, const char *part);
/* The player's side: answers with what @measure returns until stdin ends. */
int player_serve(double (*measure)(void *ctx, char letter), void *ctx);

/* The client that runs inside `vfiosim run`: `bench client`. fuse_client_bench.c */
int bench_fuse_client(void);
/* The program whose calls are timed in and out of a run: `bench others`. others_bench.c */
int bench_others_client(void);
/* The floor: a client of a bare server on fuse_session_loop. fuse_floor_bench.c */
int bench_fuse_floor(void *ctx);

/* A call that is watched, and let go on: nanoseconds; negative: not to be had. notice_bench.c */
double bench_notice(void);

#define FLOOR_NO_FUSE 3		/* bench_fuse_floor()'s status: FUSE cannot be had here */

#endif
