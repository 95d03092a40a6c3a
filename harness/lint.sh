#!/bin/sh
# SPDX-License-Identifier: MIT
#
# `make lint`: what clang-tidy (.clang-tidy) and cppcheck (.cppcheck, lint.cfg) have to say.
#
#	harness/lint.sh PREPROCESSOR-FLAG...
#
# Tests, benchmarks, the facts probe and the kernel module are for cppcheck only. Fails if anything is said.
set -u
cd "$(dirname "$0")/.." || exit 2
jobs=$(nproc 2>/dev/null || echo 1)
failed=0

# One file at a time, on all cores. max-nodes: a quarter of the analyzer's patience, in a
# third of the time; it gives up earlier on long functions.
find sim harness -name '*.c' ! -name '*_test.c' ! -name '*_bench.c' ! -path 'harness/facts/*' ! -path harness/coverage.c \
		! -path 'harness/linux/guest/simdev/*' |
	sort | xargs -P "$jobs" -I{} sh -c 'file=$1; shift
		text=$(clang-tidy --quiet --warnings-as-errors="*" "$file" -- -std=gnu2x \
			-Xclang -analyzer-config -Xclang max-nodes=60000 -Iharness/labs "$@" 2>&1)
		status=$?
		[ $status -eq 0 ] || { printf "%s\n" "$text"; exit 1; }' lint {} "$@" || failed=1

cppcheck --quiet -j "$jobs" -D__cppcheck__ -D__x86_64__ --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
	--library=harness/lint.cfg --suppressions-list=.cppcheck -Iinclude -Isim -Iharness \
	sim harness || failed=1

[ "$failed" -eq 0 ] && echo 'lint: nothing to say'
exit "$failed"
