/* SPDX-License-Identifier: MIT */
/* Players: processes that measure when told to. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static int player_child(int to[2], int from[2], int (*child_main)(void *ctx), void *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(to[0], STDIN_FILENO) < 0 || dup2(from[1], STDOUT_FILENO) < 0)
		return 1;
	close_both(to);
	close_both(from);
	return child_main(ctx);
}

int player_run(const char *vfiosim, const char *part)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return 1;
	self[length] = '\0';
	execl(vfiosim, vfiosim, "run", "--topology", "q35", "--memlock", "unlimited", "--", self,
	      part, (char *)NULL);
	return 127;
}

bool player_start(struct player *player, int (*child_main)(void *ctx), void *ctx)
{
	int to[2], from[2];

	*player = (struct player){ -1, -1, -1 };
	if (pipe2(to, O_CLOEXEC))
		return false;
	if (pipe2(from, O_CLOEXEC)) {
		close_both(to);
		return false;
	}
	player->pid = fork();
	if (!player->pid)
		_exit(player_child(to, from, child_main, ctx));
	if (player->pid < 0) {
		close_both(to);
		close_both(from);
		return false;
	}
	close(to[0]);
	close(from[1]);
	player->to = to[1];
	player->from = from[0];
	return true;
}

double player_ask(struct player *player, char letter)
{
	double answer;

	if (write(player->to, &letter, 1) != 1 ||
	    read(player->from, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		return -1;
	return answer;
}

int player_serve(double (*measure)(void *ctx, char letter), void *ctx)
{
	double answer;
	char letter;

	while (read(STDIN_FILENO, &letter, 1) == 1) {
		answer = measure(ctx, letter);
		if (write(STDOUT_FILENO, &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			return 1;
	}
	return 0;
}

void player_stop(struct player *player)
{
	if (player->pid < 0)
		return;
	close(player->to);
	close(player->from);
	waitpid(player->pid, NULL, 0);
	player->pid = -1;
}
