#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What `make check COV=1` reached of sim/: a table by room, then each function that was not
# reached, and each line of sim/vfio, sim/iommufd and sim/pages. harness/unreached.txt names
# those that no test is to reach, with the reason; what it does not name is a failure, and so is
# a name of something that was reached, or that is not there.
#
#	harness/coverage.sh begin BUILD		before the first program runs: nothing is counted
#	harness/coverage.sh end BUILD		tells; ends with "N passed, N failed, N skipped"
#
# GCOV is the gcov of the compiler, `gcov` if it is not set.
set -eu
cd "$(dirname "$0")/.."
build=$2

# Every process of any user adds to the same files, and so they are there before the first.
begin() {
	find "$build" -name '*.gcda' -delete
	find "$build" -name '*.gcno' | while read -r notes; do
		: >"${notes%.gcno}.gcda"
		chmod 0666 "${notes%.gcno}.gcda"
	done
}

# What gcov says of each object: a test can include a source of sim/, and headers have functions.
# An object without functions is an error to it.
counted() {
	find "$build" -name '*.gcno' | sort | while read -r notes; do
		"${GCOV:-gcov}" --branch-probabilities --stdout "${notes%.gcno}.o" 2>/dev/null || :
	done
}

end() {
	if [[ $build == */clang*/* ]]; then
		echo 'skip: coverage: what clang counts is not read, only what gcc counts'
		echo '0 passed, 0 failed, 1 skipped'
		return
	fi
	counted | awk -v names=harness/unreached.txt -f harness/coverage.awk
}

"$1"
