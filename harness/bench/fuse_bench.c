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
	const char *vfiosim = ctx;
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return 1;
	self[length] = '\0';
	execl(vfiosim, vfiosim, "run", "--topology", "q35", "--memlock", "unlimited", "--", self,
	      "client", (char *)NULL);
	return 127;
}

struct fuse_samples {
	struct samples floor, map, version;
};

/* False: one of them has failed. */
static bool play(struct player *floor, struct player *client, struct fuse_samples *samples)
{
	for (unsigned round = 0; round < BENCH_ROUNDS; round++) {
		double empty = player_ask(floor, 'e');
		double map = player_ask(client, 'm');
		double version = player_ask(client, 'a');

		if (empty < 0 || map < 0 || version < 0)
			return false;
		samples_add(&samples->floor, empty / 1e3);
		samples_add(&samples->map, map / 1e3);
		samples_add(&samples->version, version / 1e3);
	}
	return true;
}

static void fill(struct row *row, const struct samples *figure, const struct samples *floor)
{
	row->figure = samples_median(figure);
	row->floor = samples_median(floor);
}

static void rows(struct table *table, struct player *floor, struct player *client, bool busy)
{
	struct row *map =
		table_add(table, busy ? "FUSE: MAP_DMA, all cores busy" : "FUSE: MAP_DMA, idle",
			  "empty ioctl, bare server", "us");
	struct row *version = table_add(table, busy ? "FUSE: GET_API_VERSION, busy"
						    : "FUSE: GET_API_VERSION, idle",
					"empty ioctl, bare server", "us");
	struct fuse_samples samples = { 0 };
	struct burners burners = { 0 };

	map->ratio_limit = busy ? 1.3 : 0.5;
	if (busy)
		burners_start(&burners);
	if (play(floor, client, &samples)) {
		fill(map, &samples.map, &samples.floor);
		fill(version, &samples.version, &samples.floor);
	} else {
		row_skip(map, "the floor or the client under `vfiosim run` ended early");
		row_skip(version, "see above");
	}
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
		rows(table, &floor, &client, false);
		rows(table, &floor, &client, true);
		player_stop(&client);
	}
	player_stop(&floor);
}
