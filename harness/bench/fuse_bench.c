/* SPDX-License-Identifier: MIT */
/* Commands over FUSE against the empty ioctl of a bare server: idle, and with every core busy. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

#define BURNERS_MAX 64

/* Processes that keep every core busy. */
struct burners {
	pid_t pids[BURNERS_MAX];
	unsigned n;
};

static void burners_start(struct burners *burners)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	burners->n = 0;
	while (burners->n < BURNERS_MAX && burners->n < (unsigned long)cores) {
		pid_t pid = fork();

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				__asm__ volatile("" ::: "memory");
		}
		if (pid < 0)
			return;
		burners->pids[burners->n++] = pid;
	}
}

static void burners_stop(struct burners *burners)
{
	for (unsigned i = 0; i < burners->n; i++) {
		kill(burners->pids[i], SIGKILL);
		waitpid(burners->pids[i], NULL, 0);
	}
}

static int exec_client(void *ctx)
{
	return player_run(ctx, "client");
}

/* What the client is asked for, and what it is compared with. */
struct asked {
	char letter;
	const char *what, *floor_name, *unit;
	double ratio_limit;
	char floor;		/* a letter of the client's, asked in turn; 0: the bare server */
	char part;		/* a letter of the floor's; 0: nothing of it is known */
	const char *part_name;
};

#define COMMAND_PART "who calls, with which memory; the argument; what is mapped (4 system calls)"

static const struct asked idle[] = {
	{ 'm', "FUSE: MAP_DMA, idle", "empty ioctl, bare server", "us", 0.7, 0, 'c', COMMAND_PART },
	{ 'a', "FUSE: GET_API_VERSION, idle", "empty ioctl, bare server", "us", 0, 0 },
	{ 'r', "FUSE: pread of config, idle", "empty ioctl, bare server", "us", 0.8, 0, 'k', "who reads, with which memory (2 system calls)" },
	{ 't', "FUSE: each call of 32 threads", "of one thread", "us", 1 / 0.9, 'a' },
	{ 'w', "FUSE: wait beside a 1 GiB map", "GET_API_VERSION, idle", "us", 0, 'a' },
	{ 0 },
};

static const struct asked busy[] = {
	{ 'm', "FUSE: MAP_DMA, all cores busy", "empty ioctl, bare server", "us", 1.3, 0, 'c', COMMAND_PART },
	{ 'a', "FUSE: GET_API_VERSION, busy", "empty ioctl, bare server", "us", 0, 0 },
	{ 0 },
};

#define ASKED_MAX 8

/* False: one of them has failed. */
static bool ask_each(struct player *floor, struct player *client, const struct asked *asked,
		     struct samples *figures, struct samples *floors, struct samples *parts)
{
	double bare = player_ask(floor, 'e');

	if (bare < 0)
		return false;
	for (size_t i = 0; asked[i].letter; i++) {
		double figure = player_ask(client, asked[i].letter);
		double under = asked[i].floor ? player_ask(client, asked[i].floor) : bare;

		if (figure < 0 || under < 0)
			return false;
		samples_add(&figures[i], figure / 1e3);
		samples_add(&floors[i], under / 1e3);
		if (asked[i].part)
			samples_add(&parts[i], player_ask(floor, asked[i].part) / 1e3);
	}
	return true;
}

static void rows(struct table *table, struct player *floor, struct player *client,
		 const struct asked *asked)
{
	struct samples figures[ASKED_MAX] = { 0 }, floors[ASKED_MAX] = { 0 },
		       parts[ASKED_MAX] = { 0 };
	bool ok = true;

	for (unsigned round = 0; round < BENCH_ROUNDS && ok; round++)
		ok = ask_each(floor, client, asked, figures, floors, parts);
	for (size_t i = 0; asked[i].letter; i++) {
		struct row *row = table_add(table, asked[i].what, asked[i].floor_name, asked[i].unit);

		row->ratio_limit = asked[i].ratio_limit;
		row->figure = samples_median(&figures[i]);
		row->floor = samples_median(&floors[i]);
		row->part_name = asked[i].part_name;
		row->part = samples_median(&parts[i]);
		if (!ok)
			row_skip(row, "the floor or the client under `vfiosim run` ended early");
	}
}

static void busy_rows(struct table *table, struct player *floor, struct player *client)
{
	struct burners burners;

	burners_start(&burners);
	rows(table, floor, client, busy);
	burners_stop(&burners);
}

void bench_fuse(struct table *table, const char *vfiosim)
{
	struct player floor, client;

	if (!player_start(&floor, bench_fuse_floor, NULL))
		return row_skip(table_add(table, "FUSE", "", ""), "no process: %s",
				strerror(errno));
	if (player_ask(&floor, 'e') < 0) {
		row_skip(table_add(table, "FUSE", "", ""),
			 "no FUSE here (needs /dev/fuse for this user, and a mount namespace)");
	} else if (!player_start(&client, exec_client, (void *)(uintptr_t)vfiosim)) {
		row_skip(table_add(table, "FUSE", "", ""), "no process: %s", strerror(errno));
	} else {
		rows(table, &floor, &client, idle);
		busy_rows(table, &floor, &client);
		player_stop(&client);
	}
	player_stop(&floor);
}
