#!/bin/bash
# SPDX-License-Identifier: MIT
# Do the labs grade? Each solution passes its expectation, each skeleton is told as what has not
# been written, and a solution of which a line is missing fails in the row that asks for it.
#
#	harness/labs/check.sh BUILD
#
# Ends with "N passed, N failed, N skipped".
set -u
build=$1 passed=0 failed=0
labs=$(dirname "$0")
work=$(mktemp -d "${TMPDIR:-/tmp}/vfiosim-labs-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 143' INT TERM

# result NAME COMPLAINTS: none is a pass.
result() {
	if [ -z "$2" ]; then
		echo "ok $1"
		passed=$((passed + 1))
	else
		echo "not ok $1"
		printf '%s\n' "$2" | sed 's/^/    /'
		failed=$((failed + 1))
	fi
}

# graded LAB FILE WARNING...: what the expectation says of it is in $work/told, then "status N".
graded() {
	local lab=$1 file=$2
	shift 2
	if ! ${CC:-cc} -std=gnu2x -D_GNU_SOURCE "$@" -Iinclude -I"$labs" -o "$work/program" "$file" \
		>"$work/told" 2>&1; then
		echo 'status: it does not compile' >>"$work/told"
		return
	fi
	timeout --foreground 100 "$build/vfiosim" run --expect "$labs/$lab/expect.yaml" -- "$work/program" \
		>"$work/told" 2>&1
	echo "status $?" >>"$work/told"
}

# complaints STATUS ROWS: is the status this one, and are these rows, a line each, what failed?
complaints() {
	local rows
	rows=$(sed -n 's/^vfiosim: expect: FAILED //p' "$work/told")
	[ "$(tail -n 1 "$work/told")" = "status $1" ] && [ "$rows" = "$2" ] && return
	printf 'expected status %s, and failed: %s\n' "$1" "${2:-nothing}"
	cat "$work/told"
}

# The first thing to be written is what the skeleton stops at, and the status that it stops with
# is not the one that is expected.
skeleton_complaints() {
	local todo
	todo=$(grep -o 'not written yet: [a-z0-9_]*' "$work/told" | head -n 1)
	grep -q "lab_todo(\"${todo#not written yet: }:* *" "$labs/$1/skeleton.c" && [ -n "$todo" ] &&
		[ "$(tail -n 1 "$work/told")" = 'status 1' ] &&
		grep -qx 'vfiosim: expect: FAILED exit 0' "$work/told" &&
		grep -q 'expected exit 0, seen 2$' "$work/told" && return
	cat "$work/told"
}

# What a skeleton has and its solution has not: only its head, and what lab_todo() stands for.
differences() {
	diff "$labs/$1/skeleton.c" "$labs/$1/solution.c" | sed -n 's/^< //p' |
		grep -vE '^(/\*| \*)|^	\(void\)[a-z]+;$|^	.*lab_todo\(.*\);$'
}

for lab in attach hotadd hotadd-iommufd; do
	graded $lab "$labs/$lab/solution.c" -Wall -Wextra -Werror
	result "$lab: its solution passes" "$(complaints 0 '')"
	graded $lab "$labs/$lab/skeleton.c" -Wall -Wextra -Werror
	result "$lab: its skeleton stops at what is not written" "$(skeleton_complaints $lab)"
	result "$lab: its solution writes that, and changes nothing" "$(differences $lab)"
done

# without LAB PATTERN ROW WHAT: the solution without the lines that match fails in that row alone.
without() {
	sed "/$2/d" "$labs/$1/solution.c" >"$work/changed.c"
	if cmp -s "$work/changed.c" "$labs/$1/solution.c"; then
		result "$1: fails $4" "nothing matches $2"
		return
	fi
	graded "$1" "$work/changed.c" -w	# of what is not used now
	result "$1: fails $4" "$(complaints 1 "$3")"
}

without attach '^	map(container, ram);' 'must map ram, space 1' 'where nothing is mapped'
without attach 'close(container);' 'at exit' 'where the container stays open'
without hotadd 'map(second, ram\|must reach all RAM' 'at attached nic0' 'where nic0 has no RAM'
without hotadd 'unmap_all(first);\|close(first);' 'at exit' 'where the first container stays'
without hotadd-iommufd 'map(iommufd, second, ram\|must reach all RAM' 'must map ram, space 2' \
	'where nic0 has no RAM'
without hotadd-iommufd 'destroy_ioas(iommufd, first);\|close(iommufd);' 'at exit' 'where an ioas stays'

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
