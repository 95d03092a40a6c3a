/* SPDX-License-Identifier: MIT */
/* vfiosim VERB ...: the table of verbs and what is common to them. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("vfiosim " VFIOSIM_VERSION);
		return 0;
	}
	fputs("usage: vfiosim --version\n", stderr);
	return 2;
}
