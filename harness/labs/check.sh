#!/bin/sh
# Do the labs grade? Each solution passes its expectation, each skeleton fails it, and so does
# a solution of which a line is missing.
#
#	harness/labs/check.sh BUILD
set -u
build=$1 failed=0
labs=$(dirname "$0")
work=$(mktemp -d /tmp/vfiosim-labs-XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

# compile FILE: into $work/program
compile() {
	# shellcheck disable=SC2086	# several words
	${CC:-cc} -std=gnu2x -D_GNU_SOURCE $warnings -Iinclude -I"$labs" -o "$work/program" "$1"
}

warnings='-Wall -Wextra -Werror'

# graded LAB WANTED FILE WHAT
graded() {
	compile "$3" || { echo "not ok $1: $4 does not compile"; failed=1; return; }
	timeout 100 "$build/vfiosim" run --expect "$labs/$1/expect.yaml" -- "$work/program" >"$work/told" 2>&1
	status=$?
	if [ "$status" -eq "$2" ]; then
		echo "ok $1: $4"
	else
		echo "not ok $1: $4: exit status $status, not $2"
		cat "$work/told"
		failed=1
	fi
}

# without LAB PATTERN WHAT: the solution without the lines that match
without() {
	warnings=-w	# of what is not used now
	sed "/$2/d" "$labs/$1/solution.c" >"$work/changed.c"
	if cmp -s "$work/changed.c" "$labs/$1/solution.c"; then
		echo "not ok $1: nothing matches $2"
		failed=1
	else
		graded "$1" 1 "$work/changed.c" "fails $3"
	fi
}

for lab in attach hotadd hotadd-iommufd; do
	graded "$lab" 0 "$labs/$lab/solution.c" 'its solution passes'
	graded "$lab" 1 "$labs/$lab/skeleton.c" 'its skeleton fails'
done
without attach '^	map(container, ram);' 'where nothing is mapped'
without attach 'close(container);' 'where the container stays open'
without hotadd 'map(second, ram\|must reach all RAM' 'where nic0 has no RAM'
without hotadd 'unmap_all(first);\|close(first);' 'where the first container stays'
without hotadd-iommufd 'map(iommufd, second, ram\|must reach all RAM' 'where nic0 has no RAM'
without hotadd-iommufd 'destroy_ioas(iommufd, first);\|close(iommufd);' 'where an ioas stays'
exit "$failed"
