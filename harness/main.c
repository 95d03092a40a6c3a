/* SPDX-License-Identifier: MIT */
/* vfiosim VERB ...: see cli.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/*
 * Where standard descriptors are closed, nothing of ours may take their numbers.
 * Writing to them still fails, and so does opening /dev/stdout: it is a folder.
 */
static void reserve_standard_fds(void)
{
	int fd;

	do {
		fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	reserve_standard_fds();
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("vfiosim " VFIOSIM_VERSION);
		return cli_finish(0);
	}
	return cli_finish(cli_main(&vfiosim_verb, argc, argv));
}
