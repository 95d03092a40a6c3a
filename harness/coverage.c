// SPDX-License-Identifier: MIT
/*
 * Linked with COV=1 only, where --wrap leads here. What a process has counted is written in
 * exit(), and by gcc's fork() and exec(); _exit() would lose it. A process that does not see the
 * build folder, in a chroot, keeps its counts to itself rather than to complain of it.
 */
#include <gcov.h>
#include <stdnoreturn.h>
#include <unistd.h>

void __real___gcov_dump(void);
void __wrap___gcov_dump(void);
void __real___gcov_exit(void);
void __wrap___gcov_exit(void);
noreturn void __real__exit(int status);
noreturn void __wrap__exit(int status);

void __wrap___gcov_dump(void)
{
	if (!access(COVERAGE_FOLDER, F_OK))
		__real___gcov_dump();
}

void __wrap___gcov_exit(void)
{
	if (!access(COVERAGE_FOLDER, F_OK))
		__real___gcov_exit();
}

noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
