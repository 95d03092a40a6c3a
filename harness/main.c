/* SPDX-License-Identifier: MIT */
/* vfiosim VERB ...: see cli.h. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Where standard descriptors are closed, nothing of ours may take their numbers. */
static void reserve_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	reserve_standard_fds();
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("vfiosim " VFIOSIM_VERSION);
		return 0;
	}
	return cli_main(&vfiosim_verb, argc, argv);
}
